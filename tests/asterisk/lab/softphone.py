"""A telephone in Python, for what SIPp's scenarios cannot: one that presses keys when the test says so, and does with each call what the test wants.

It speaks just enough SIP over UDP for Asterisk, sends its keys by INFO and silence as voice (without voice Asterisk's reading of keys would stand still)."""
import contextlib
import hashlib
import re
import secrets
import socket
import struct
import threading
import time

SILENCE = b"\xff" * 160


class Call:
    """One dialog. `state`: "calling", "ringing", "up", "over". `status`: the last answer to our INVITE."""

    def __init__(self, phone, peer, call_id, local, remote, target):
        self.phone, self.peer, self.id, self.local, self.remote, self.target = phone, peer, call_id, local, remote, target
        self.state, self.status, self.cseq, self.invite, self.number, self.caller = "calling", 0, 1, None, "", ""
        self._stop = threading.Event()
        self._rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._rtp.bind((phone.address, 0))

    def sdp(self):
        ip = self.phone.address
        return f"v=0\r\no=x 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {self._rtp.getsockname()[1]} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"

    def talk_to(self, body):
        """Voice goes where that SDP says."""
        where = re.search(r"c=IN IP4 (\S+)", body)[1], int(re.search(r"m=audio (\d+)", body)[1])
        threading.Thread(target=self._voice, args=(where,), daemon=True).start()

    def _voice(self, where):
        n = 0
        while not self._stop.wait(0.02):
            with contextlib.suppress(OSError):
                self._rtp.sendto(struct.pack("!BBHII", 0x80, 0, n & 0xFFFF, n * 160 & 0xFFFFFFFF, 7) + SILENCE, where)
            n += 1

    def press(self, keys, gap=0.1):
        for key in keys:
            body = f"Signal={key}\r\nDuration=100\r\n"
            self.phone.request(self, "INFO", body, "application/dtmf-relay")
            time.sleep(gap)

    def hangup(self):
        if self.state == "up":
            self.phone.request(self, "BYE")
        self.end()

    def answer(self):
        self.phone.reply(self.invite, self, "200 OK", self.sdp())
        self.talk_to(self.invite[2])
        self.set("up")

    def end(self):
        if self.state != "over":
            self.set("over")
            self._stop.set()
            self._rtp.close()

    def set(self, state):
        with self.phone.changed:
            self.state = state
            self.phone.changed.notify_all()

    def wait(self, state, seconds=10.0):
        """Until it is in that state; False at the deadline."""
        with self.phone.changed:
            return self.phone.changed.wait_for(lambda: self.state == state, seconds)


class Softphone(threading.Thread):
    """`on_call(call)`: what becomes of a call that comes in; by default it is told busy. `account`: (user, secret) of a phone that proves itself. `deaf`: as if it
    was not there."""
    deaf = False

    def __init__(self, address, target, port=0, account=None, on_call=None):
        super().__init__(daemon=True)
        self.address, self.target, self.account = address, target, account
        self.on_call = on_call or (lambda call: call.phone.refuse(call, "486 Busy Here"))
        self.calls, self.changed = {}, threading.Condition()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, port))
        self.port = self.socket.getsockname()[1]
        self.start()

    def close(self):
        for call in list(self.calls.values()):
            call.hangup()
        self.socket.sendto(b"", self.socket.getsockname())
        self.join(5)
        self.socket.close()

    # --- calls of ours

    def call(self, number, caller, headers=""):
        """Calls that number; `caller`: the user part of From."""
        call = Call(self, ("127.0.0.1", self.target), secrets.token_hex(8), f"<sip:{caller}@{self.address}>;tag={secrets.token_hex(4)}", f"<sip:{number}@127.0.0.1>",
                    f"sip:{number}@127.0.0.1:{self.target}")
        call.extra = headers
        self.calls[call.id] = call
        self._invite(call)
        return call

    def _invite(self, call, authorization=""):
        self._send(call, "INVITE", call.cseq, call.extra + authorization, call.sdp(), "application/sdp")

    def _authorized(self, call, challenge):
        user, secret = self.account
        value = lambda name: re.search(rf'{name}="?([^",\s]+)"?', challenge)[1]
        digest = lambda *parts: hashlib.md5(":".join(parts).encode()).hexdigest()
        response = digest(digest(user, value("realm"), secret), value("nonce"), "00000001", "abc", "auth", digest("INVITE", call.target))
        opaque = re.search(r'opaque="([^"]*)"', challenge)
        return (f'Authorization: Digest username="{user}", realm="{value("realm")}", nonce="{value("nonce")}", uri="{call.target}", response="{response}", algorithm=MD5, '
                f'qop=auth, nc=00000001, cnonce="abc"' + (f', opaque="{opaque[1]}"' if opaque else "") + "\r\n")

    def request(self, call, method, body="", kind=""):
        call.cseq += 1
        self._send(call, method, call.cseq, "", body, kind)

    def _send(self, call, method, cseq, extra="", body="", kind="", branch=None):
        branch = branch or "z9hG4bK" + secrets.token_hex(6)
        if method == "INVITE":
            call.branch = branch
        self.socket.sendto((f"{method} {call.target} SIP/2.0\r\nVia: SIP/2.0/UDP {self.address}:{self.port};branch={branch};rport\r\nFrom: {call.local}\r\n"
                            f"To: {call.remote}\r\nCall-ID: {call.id}\r\nCSeq: {cseq} {method}\r\nContact: <sip:x@{self.address}:{self.port}>\r\nMax-Forwards: 70\r\n{extra}"
                            + (f"Content-Type: {kind}\r\n" if kind else "") + f"Content-Length: {len(body)}\r\n\r\n{body}").encode(), call.peer)

    # --- what comes in

    def run(self):
        while True:
            data, sender = self.socket.recvfrom(65536)
            if not data:
                return
            if self.deaf:
                continue
            head, _, body = data.decode(errors="replace").partition("\r\n\r\n")
            first, *lines = head.split("\r\n")
            message = (first, lines, body, sender)
            with contextlib.suppress(OSError):
                (self._answered if first.startswith("SIP/2.0") else self._asked)(message)

    @staticmethod
    def header(message, name):
        return next((line.partition(":")[2].strip() for line in message[1] if line.lower().startswith(name.lower() + ":")), "")

    def _answered(self, message):
        call, status = self.calls.get(self.header(message, "Call-ID")), int(message[0].split(" ")[1])
        number, method = self.header(message, "CSeq").split(" ")
        if not call or method != "INVITE" or status < 180:
            return
        call.remote = self.header(message, "To")
        if status >= 200:
            self._send(call, "ACK", number, branch=call.branch if status >= 300 else None)
        if status >= 300 and int(number) < call.cseq:
            return                                     # the challenge once more
        if status in (401, 407) and self.account and call.cseq == 1:
            call.cseq, call.remote = 2, call.remote.partition(";tag")[0]
            return self._invite(call, self._authorized(call, self.header(message, "WWW-Authenticate")))
        call.status = status
        if status == 200 and call.state != "up":
            if contact := re.search(r"<(sip:[^>]+)>", self.header(message, "Contact")):
                call.target = contact[1]
            call.talk_to(message[2])
            call.set("up")
        elif status >= 300:
            call.end()
        elif status < 200:
            call.set("ringing")

    def _asked(self, message):
        method = message[0].split(" ")[0]
        call = self.calls.get(self.header(message, "Call-ID"))
        if method == "INVITE" and not call:
            local = self.header(message, "To") + f";tag={secrets.token_hex(4)}"
            contact = re.search(r"<(sip:[^>]+)>", self.header(message, "Contact"))
            call = Call(self, message[3], self.header(message, "Call-ID"), local, self.header(message, "From"), contact[1])
            call.invite, call.number = message, message[0].split(" ")[1].removeprefix("sip:").partition("@")[0]
            call.caller = re.search(r"sip:([^@>;]*)", self.header(message, "From"))[1]
            self.calls[call.id] = call
            return threading.Thread(target=self.on_call, args=(call,), daemon=True).start()
        if method == "ACK" or (method == "INVITE" and call):
            return None
        self.reply(message, call, "200 OK")
        if method == "CANCEL" and call and call.state != "over":
            self.refuse(call, "487 Request Terminated")
        if method == "BYE" and call:
            call.end()
        return None

    def ring(self, call):
        self.reply(call.invite, call, "180 Ringing")
        call.set("ringing")

    def refuse(self, call, status):
        self.reply(call.invite, call, status)
        call.end()

    def reply(self, message, call, status, body=""):
        kept = []
        for line in message[1]:
            name = line.partition(":")[0].lower()
            if name in ("via", "from", "call-id", "cseq"):
                kept.append(line)
            elif name == "to":
                kept.append("To: " + call.local if call and call.invite and ";tag" not in line else line + ("" if ";tag" in line else ";tag=1"))
        kind = ["Content-Type: application/sdp"] if body else []
        self.socket.sendto("\r\n".join([f"SIP/2.0 {status}", *kept, f"Contact: <sip:x@{self.address}:{self.port}>", *kind, f"Content-Length: {len(body)}", "", body]).encode(), message[3])
