"""What reaches Asterisk, and what comes from it: a relay between pbxd and the Asterisk writes down every byte that pbxd sends, and gives each caller a hostile name.
SECURITY S4 (fields that would choose an application or a context), S5 (line ends and NUL in every text), S7 (names of callers on every face)."""
import os
import re
import sys
import threading
import time
import unittest

import catalogue
import faces
import stack
import support
from support import attempt

sys.path.insert(0, os.path.join(stack.ROOT, "tests/asterisk"))
from lab.proxy import Relay, _end  # noqa: E402

S: "WireStack"
C: catalogue.Catalogue

# Every action that pbxd may send, with the headers that it may have beside Action and ActionID.
PLAIN_CALL = {"Channel", "Context", "Exten", "Priority", "Async", "Timeout", "ChannelId", "Variable"}
READS = {"Login": {"Username", "AuthType", "Key", "Events"}, "Challenge": {"AuthType"}, "Ping": set(), "CoreSettings": set(), "CoreStatus": set(), "Filter": {"Operation", "Filter"},
         "QueueStatus": {"Queue"}, "QueueSummary": set(), "CoreShowChannels": set(), "DeviceStateList": set(), "PJSIPShowEndpoints": set(), "PJSIPShowContacts": set(),
         "SIPpeers": set(), "ShowDialPlan": {"Context", "Extension"}, "Getvar": {"Channel", "Variable"}, "Events": {"EventMask"}}
VERBS = {"QueueAdd": {"Queue", "Interface", "MemberName", "Penalty", "Paused", "Reason"}, "QueueRemove": {"Queue", "Interface"},
         "QueuePause": {"Queue", "Interface", "Paused", "Reason"}, "QueuePenalty": {"Queue", "Interface", "Penalty"}, "Hangup": {"Channel"},
         "BlindTransfer": {"Channel", "Context", "Exten"}, "QueueWithdrawCaller": {"Queue", "Caller", "WithdrawInfo"},
         "QueueChangePriorityCaller": {"Queue", "Caller", "Priority", "Immediate"}, "Originate": PLAIN_CALL | {"CallerID", "OtherChannelId"},
         "MixMonitor": {"Channel", "File", "Options"}, "StopMixMonitor": {"Channel", "MixMonitorID"}, "MixMonitorMute": {"Channel", "Direction", "State"}}
OURS = ("pbxd-callback-queue", "pbxd-callback-gate", "pbxd-click", "pbxd-monitor")

# Of the S4 table, and as somebody who knows our own spelling would try it.
FOREIGN = ("Application", "Data", "Context", "Exten", "Variable", "Channel", "application", "data", "context", "exten", "variable", "channel", "CallerID", "Account", "Async",
           "Codecs", "EarlyMedia", "ChannelId", "Action", "ActionID")
BREAKS = {"CR": "a\rb", "LF": "a\nb", "CRLF and an action": "a\r\nAction: Command\r\nCommand: core stop now\r\n\r\n", "NUL": "a\0b", "U+2028": "a\u2028b"}
CRAFTED = ["Local/x@other-ctx", "PJSIP/a&Local/b@c", "${EVAL(x)}", "$[1+1]", "a,b|c;d", "x)System(id", "../../x", "Action: Command", "%0d%0aAction: Command", "\\r\\nAction: Command",
           "&#13;&#10;Action: Command", "a" * 100, "Zo\xeb"]
NAMES = ["');DROP TABLE queues;--", "$(id)", "`id`", "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "=cmd|'/c calc'!A1", "]]><x/>", "&lt;&#10;", "\\r\\nAction: Command",
         "Zo\xeb \U0001F3A7", "a: b", "%s%n", "{{7*7}}", "Event: Shutdown"]
# Bytes that are no UTF-8, controls, what turns the direction of writing: as much of it is kept as a face can say.
DIRTY = [b"a\xff\xfeb", b"a\xc0\xbcscript>b", b"a\x1b[31mb", b"a\xe2\x80\xaeb", b"a\x07b", b"a\xe2\x80\xa8b", b"a\xed\xa0\x80b"]


class Recorder(Relay):
    """Writes down what goes to the Asterisk, and gives callers other names on the way back: `rename` (original name) → bytes."""

    def __init__(self, target_port):
        self._heard, self._hear = bytearray(), threading.Lock()
        self.rename = None
        super().__init__(target_port)

    def mark(self):
        with self._hear:
            return len(self._heard)

    def sent(self, since=0):
        """[(action, [(header, value)])]; AssertionError for what is no well-formed action."""
        with self._hear:
            heard = bytes(self._heard[since:])
        found = []
        for block in heard.split(b"\r\n\r\n")[:-1]:
            lines = [re.fullmatch(rb"([A-Za-z0-9_-]+): ([^\r\n\0]*)", line) for line in block.split(b"\r\n")]
            assert all(lines), f"not an action: {block!r}"
            headers = [(m[1].decode(), m[2].decode()) for m in lines]
            assert [h for h, _ in headers[:2]] == ["Action", "ActionID"], block
            found.append((headers[0][1], headers[2:]))
        return found

    def _copy(self, source, sink, pair):
        outward, rest = source is pair[0], b""
        try:
            while data := source.recv(65536):
                if outward:
                    with self._hear:
                        self._heard += data
                elif self.rename:
                    data, _, rest = (rest + data).rpartition(b"\n")
                    data = re.sub(rb"(?m)^((?:Dest)?(?:CallerID|ConnectedLine)Name): ([^\r\n]+)", self._renamed, data + b"\n") if data else b""
                sink.sendall(data)
        except OSError:
            pass
        with self._lock:
            self._pairs.discard(pair)
        _end(pair)

    def _renamed(self, match):
        return match[0] if match[2] == b"<unknown>" else match[1] + b": " + self.rename(match[2])


class Wire(unittest.TestCase):
    def setUp(self):
        self.t = S.tenants["viatalk"]
        self.admin = self.t.people["admin"]
        self.since = S.wire.mark()

    def sent(self):
        """What pbxd sent since the test began; each action and header must be one that it may send."""
        found = S.wire.sent(self.since)
        for action, headers in found:
            known = (READS | VERBS).get(action)
            self.assertIsNotNone(known, f"{action}: {headers}")
            self.assertLessEqual({h for h, _ in headers}, known, action)
            values = dict(headers)
            if action == "Originate":
                self.assertIn(values["Context"], OURS)
                self.assertEqual((values["Exten"], values["Priority"]), ("s", "1"))
                self.assertRegex(values["Channel"], r"^(PJSIP/[a-z0-9-]+|Local/s@pbxd-callback-(queue|gate)/n)$")
                for variable in (v for h, v in headers if h == "Variable"):
                    self.assertRegex(variable, r"^_{0,2}PBX_[A-Z_]+=[A-Za-z0-9_.+/;:-]*$")
        return found

    def test_a_caller_chooses_no_application(self):
        """S4."""
        valid = {"callback.request": {"queue": "sales", "number": "+12125550123"}, "call.originate": {"agent": "agent-101", "number": "+12125550123"}}
        tried = 0
        for face in support.all_faces(S, C.api):
            for operation, params in valid.items():
                for field in FOREIGN:
                    self.assertNotIn(field, C.properties(operation))
                    for value in ("System", "Local/x@other-ctx") if face.name != "cli" else ("Local/x@other-ctx",):
                        token, answer = attempt(face, operation, params | {field: value}, self.admin)
                        self.assertEqual(token, "invalid_argument", f"{face.name} {operation} {field}: {answer}")
                        self.assertIn(field.lower(), str(answer).lower(), face.name)
                        tried += 1
        self.assertGreater(tried, 250)
        self.assertEqual([a for a, _ in self.sent() if a not in READS], [])

    def test_a_number_chooses_no_channel(self):
        for face in support.all_faces(S, C.api):
            for number in ("Local/x@other-ctx", "PJSIP/1", "1&Local/2@x", "+12125550123@other", "+12125550123/n", "+12125550123;Action: Command", "${EXTEN}", "s"):
                for operation, more in (("callback.request", {"queue": "sales"}), ("call.originate", {"agent": "agent-101"})):
                    token, answer = attempt(face, operation, more | {"number": number}, self.admin)
                    self.assertEqual(token, "invalid_argument", f"{face.name} {operation} {number}: {answer}")
        self.assertEqual([a for a, _ in self.sent() if a not in READS], [])

    def reaching(self):
        """Operations that make Asterisk do something."""
        for operation in C.operations:
            if C.changes(operation) and operation.startswith(("agent.", "call.", "queue.", "callback.")) and not operation.endswith((".create", ".delete", ".update", "policy.unset")):
                yield operation

    def test_no_text_adds_a_line(self):
        """S5, every text of every operation that reaches Asterisk, on each face but pbxctl; what is refused names its field (test_input.py is about all operations)."""
        made, tried = support.all_faces(S, C.api, cli=False), 0
        for operation in self.reaching():
            for field in C.texts(operation):
                is_list = C.properties(operation)[field]["type"] == "array"
                for n, (what, value) in enumerate(BREAKS.items()):
                    for face in made:
                        if face.name != "json" and ("\0" in value or "\r" in value):
                            continue      # XML holds no NUL and makes one line end of all; test_input.py sends them as references
                        token, answer = attempt(face, operation, C.valid(operation, self.t) | {field: [value] if is_list else value}, self.admin)
                        self.assertIn(token, ("invalid_argument", "forbidden"), f"{face.name} {operation} {field} {what}: {answer}")
                        tried += 1
                for value in CRAFTED:
                    token, answer = attempt(made[tried % 3], operation, C.valid(operation, self.t) | {field: [value] if is_list else value}, self.admin)
                    self.assertNotIn(token, ("internal", "unavailable"), f"{operation} {field} {value}: {answer}")
        self.assertGreater(tried, 300)
        time.sleep(0.5)      # what was accepted is on its way
        self.sent()

    def test_what_is_sent_is_seen(self):
        """The recorder records: a login, a pause and a call are on the wire, with what was asked for and nothing else."""
        attempt(S.json, "pause_reason.create", {"name": "lunch", "title": "Lunch"}, self.admin)
        S.call("agent.login", self.admin, id="agent-104", queues=["support"])
        S.call("agent.pause", self.admin, id="agent-104", queues=["support"], reason="lunch")
        S.call("call.originate", self.admin, agent="agent-104", number="+12125550144", wait_seconds=0)
        S.call("agent.logout", self.admin, id="agent-104")
        stack.wait(lambda: {"Originate", "QueuePause"} <= {a for a, _ in S.wire.sent(self.since)}, 10, "the call on the wire")
        self.assertIn(("QueuePause", {"Queue": "viatalk-support", "Interface": "PJSIP/viatalk-104", "Paused": "true", "Reason": "lunch"}), [(a, dict(h)) for a, h in self.sent()])
        found = {action: dict(headers) for action, headers in self.sent()}
        self.assertEqual(found["Originate"]["CallerID"], '"+12125550144" <+12125550144>')


class ANames(unittest.TestCase):
    """S7. Runs first: the calls that are up have had their names since they began."""
    FIELDS = {"call.list": ("items", "name"), "event.poll": ("items", "name"), "queue.status": ("callers", "name")}

    def shown(self, face, login):
        found = set()
        for operation, (rows, field) in self.FIELDS.items():
            params = {"id": "support"} if operation == "queue.status" else {}
            found |= {row.get(field, "") for row in face.call(operation, params, login)[rows]}
        return found

    def collect(self, wanted):
        """{face: every name that it has shown}, until each has shown `wanted` different ones that are not harmless."""
        seen, made, deadline = {}, support.all_faces(S, C.api), time.monotonic() + 60
        while time.monotonic() < deadline:
            for face in made:
                for tenant in S.tenants.values():
                    seen.setdefault(face.name, set()).update(self.shown(face, tenant.people["admin"]))
            if all(wanted(names) for names in seen.values()):
                return seen
        self.fail(f"too few names: {seen}")

    def test_a_verbatim(self):
        S.wire.rename = lambda name: NAMES[sum(name) % len(NAMES)].encode()
        S.wire.cut()        # the board is filled anew
        stack.wait(S._in_step, 20, "the board")
        seen = self.collect(lambda names: len(names & set(NAMES)) >= 8)
        for face, names in seen.items():
            for name in names:
                if name not in NAMES:       # agents' and ours, and what was on the board before
                    self.assertRegex(name, r"^[\w .'-]*$", face)

    def test_b_what_is_no_text(self):
        S.wire.rename = lambda name: DIRTY[sum(name) % len(DIRTY)]
        S.wire.cut()
        stack.wait(S._in_step, 20, "the board")
        seen = self.collect(lambda names: sum(name.startswith("a") and name.endswith("b") for name in names) >= 4)
        for face, names in seen.items():
            for name in names:
                self.assertNotRegex(name, "[\ud800-\udfff]", face)
                self.assertNotIn("<", "" if name in NAMES else name, face)     # an overlong "<" is none; the feed still has the other names
                if face != "json":      # whose escapes can say it; XML cannot hold it, and a terminal must not
                    self.assertNotRegex(name, "[\x00-\x1f\x7f]", face)
            self.assertIn("a\ufffd\ufffdscript>b", names, face)
        S.wire.rename = None

    def test_c_nothing_broke(self):
        metrics = S.get("/metrics")[1]
        self.assertNotIn('outcome="internal"', metrics)
        self.assertEqual(len(S.items("queue.list", S.tenants["viatalk"].people["admin"])), 3)
        for line in S.log_text().splitlines():
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z (error|warning|info|debug) ")


class WireStack(stack.Stack):
    def _start_simulator(self):
        super()._start_simulator()
        self.wire = Recorder(self.ami_port)
        self.settings = {"asterisk.main": {"port": self.wire.port}, "calls": {"per_source_per_day": 10000}}

    def stop(self):
        super().stop()
        if hasattr(self, "wire"):
            self.wire.close()


if __name__ == "__main__":
    support.run(lambda: WireStack(sim=("--speed", "3", "--agents", "36", "--concurrent", "60")))
