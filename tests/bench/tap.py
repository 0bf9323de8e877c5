#!/usr/bin/env python3
"""tap.py PORT FILE: a relay in front of the AMI on 127.0.0.1:PORT that notes in FILE, a line an event, its Timestamp header (in microseconds) and the
monotonic time in nanoseconds at which its last byte was handed to the socket of whoever connects here. A process of its own: its work must not delay the
client whose answers are timed."""
import re
import socket
import sys
import threading
import time

STAMP = re.compile(rb"\r\nTimestamp: (\d+)\.(\d{6})\r\n")


def up(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    target.close()


def down(source, target, out):
    rest = b""
    try:
        while data := source.recv(65536):
            now = time.monotonic_ns()
            target.sendall(data)
            blocks = (rest + data).split(b"\r\n\r\n")
            rest = blocks.pop()
            lines = [f"{int(m[1]) * 1_000_000 + int(m[2])} {now}\n" for block in blocks if (m := STAMP.search(block + b"\r\n"))]
            if lines:
                out.write("".join(lines))
                out.flush()
    except OSError:
        pass
    target.close()


def main():
    port, path = int(sys.argv[1]), sys.argv[2]
    with socket.create_server(("127.0.0.1", 0)) as server, open(path, "w") as out:
        print(f"ready {server.getsockname()[1]}", flush=True)
        while True:
            client = server.accept()[0]
            asterisk = socket.create_connection(("127.0.0.1", port))
            for s in (client, asterisk):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=up, args=(client, asterisk), daemon=True).start()
            threading.Thread(target=down, args=(asterisk, client, out), daemon=True).start()


if __name__ == "__main__":
    main()
