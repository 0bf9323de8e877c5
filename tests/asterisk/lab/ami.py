"""A small AMI client for tests: an observer that keeps every message it was sent."""
import itertools
import socket
import threading
import time

_ids = itertools.count(1)


class Message(list):
    """[(header, value), ...] in order; names without regard to case. Not changed once something was asked of it."""

    _first = None   # {lower-case name: first value}, made when first needed

    def get(self, name, default=None):
        if self._first is None:
            self._first = {}
            for key, value in self:
                self._first.setdefault(key.lower(), value)
        return self._first.get(name.lower(), default)

    def all(self, name):
        name = name.lower()
        return [v for k, v in self if k.lower() == name]

    @classmethod
    def parse(cls, block):
        message = cls()
        for line in block.decode("utf-8", "replace").split("\r\n"):
            key, colon, value = line.partition(":")
            if colon:
                message.append((key, value.removeprefix(" ")))
        return message


class Ami:
    """One session. A thread reads; `messages` only grows, `mark()` gives a place in it to wait from."""

    def __init__(self, port, host="127.0.0.1", timeout=5.0):
        self.messages = []
        self.closed = False
        self._changed = threading.Condition()
        self._socket = socket.create_connection((host, port), timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(None)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._reader.join(5)
        self._socket.close()

    def _read(self):
        pending, banner = b"", False
        while True:
            try:
                data = self._socket.recv(65536)
            except OSError:
                data = b""
            if not data:
                break
            pending += data
            if not banner and b"\r\n" in pending:
                pending, banner = pending.partition(b"\r\n")[2], True
            *blocks, pending = pending.split(b"\r\n\r\n")
            parsed = [m for m in map(Message.parse, blocks) if m]
            if parsed:
                with self._changed:
                    self.messages += parsed
                    self._changed.notify_all()
        with self._changed:
            self.closed = True
            self._changed.notify_all()

    def mark(self):
        return len(self.messages)

    def wait(self, wanted, timeout=5.0, since=0):
        """The first message from place `since` on for which wanted(message); None at the deadline or at the end."""
        deadline, at = time.monotonic() + timeout, since
        with self._changed:
            while True:
                while at < len(self.messages):
                    if wanted(self.messages[at]):
                        return self.messages[at]
                    at += 1
                left = deadline - time.monotonic()
                if self.closed or left <= 0:
                    return None
                self._changed.wait(left)

    def send(self, name, **headers):
        action_id = headers.pop("ActionID", None) or f"lab-{next(_ids)}"
        lines = [f"Action: {name}", f"ActionID: {action_id}"]
        lines += [f"{k}: {v}" for k, values in headers.items() for v in (values if isinstance(values, list) else [values])]
        if any("\r" in line or "\n" in line for line in lines):
            raise ValueError("CR or LF in a header")
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return action_id

    def action(self, name, timeout=5.0, **headers):
        """Sends and returns the response. OSError if there is none in time."""
        since = self.mark()
        action_id = self.send(name, **headers)
        answer = self.wait(lambda m: m.get("Response") is not None and m.get("ActionID") == action_id, timeout, since)
        if answer is None:
            raise OSError(f"AMI {name}: {'connection closed' if self.closed else 'no answer'}")
        return answer

    def list(self, name, timeout=10.0, **headers):
        """The events of a list action, without the closing one."""
        since = self.mark()
        action_id = self.send(name, **headers)
        ours = lambda m: m.get("ActionID") == action_id
        answer = self.wait(lambda m: ours(m) and m.get("Response") is not None, timeout, since)
        if answer is None:
            raise OSError(f"AMI {name}: {'connection closed' if self.closed else 'no answer'}")
        if answer.get("Response") == "Error":
            return []
        done = lambda m: ours(m) and (m.get("EventList") or "").lower() in ("complete", "cancelled")
        if self.wait(done, timeout, since) is None:
            raise OSError(f"AMI {name}: the list did not end")
        return [m for m in self.messages[since:] if ours(m) and m.get("Event") and not done(m)]

    def login(self, user, secret, events="on"):
        answer = self.action("Login", Username=user, Secret=secret, Events=events)
        if answer.get("Response") != "Success":
            raise PermissionError(f"AMI login of {user}: {answer.get('Message')}")
