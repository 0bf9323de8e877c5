"""A TCP relay on loopback in front of AMI, to cut a connection or to let it hang without touching either end."""
import contextlib
import socket
import threading


class Relay:
    """Relays every connection to `target_port`, from `port` on. Usable from any thread."""

    def __init__(self, target_port):
        self._target = target_port
        self._flow = threading.Event()
        self._flow.set()
        self._pairs = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._flow.set()
        self.cut()

    def cut(self):
        """Ends every connection; how many there were. New ones are accepted."""
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            _end(pair)
        return len(pairs)

    def hang(self):
        """From now on nothing is relayed: connections stay open and silent, new ones are accepted and silent."""
        self._flow.clear()

    def resume(self):
        self._flow.set()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target), 5)
                server.settimeout(None)
            except OSError:
                client.close()   # Asterisk is not there: the client shall see the end, as without the relay
                continue
            pair = (client, server)
            with self._lock:
                self._pairs.add(pair)
            for source, sink in (pair, pair[::-1]):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._copy, args=(source, sink, pair), daemon=True).start()

    def _copy(self, source, sink, pair):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._flow.wait()
                sink.sendall(data)
        with self._lock:
            self._pairs.discard(pair)
        _end(pair)


def _end(pair):
    for end in pair:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
