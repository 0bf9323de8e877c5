#!/usr/bin/env python3
"""agi.py 22|16 --echo PROGRAM: lib/agi's server asked by a real Asterisk, over a Local channel and over PJSIP.

The server answers, hangs, is refused or gone: variables arrive as they were sent, and a caller always goes on, in time.
Exit code 77: cannot run here (no SIPp)."""
import argparse
import collections
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import Lab, Phones, ports  # noqa: E402

OPTIONS = None
ODD = 'Zoë, "the" \\boss\\ ${EXTEN} 東京 a;b|c%'

# How every AGI() of ours is bounded. ASKED says by itself where the call came from: T is reached only by the time limit.
DIALPLAN = """
[agi-asked]
exten => _[a-z].,1,Set(BEGAN=${{EPOCH}})
 same => n,Set(AGIEXITONHANGUP=yes)
 same => n,Set(PBX_DONE=)
 same => n,Set(TIMEOUT(absolute)=3)
 same => n,UserEvent(AgiBegin,Case: ${{EXTEN}},Chan: ${{CHANNEL}})
 same => n,Goto(ask-${{EXTEN}})
{asks}
 same => n(asked),Set(TIMEOUT(absolute)=0)
 same => n,Set(WAY=returned)
 same => n,Goto(agi-after,s,1)
exten => T,1,Set(TIMEOUT(absolute)=0)
 same => n,Set(WAY=timed out)
 same => n,Goto(agi-after,s,1)

[agi-after]
exten => s,1,UserEvent(AgiEnd,Way: ${{WAY}},Status: ${{AGISTATUS}},Done: ${{PBX_DONE}},Echo: ${{URIENCODE(${{PBX_ECHO}})}},AskedIn: ${{PBX_CONTEXT}},Caller: ${{URIENCODE(${{PBX_CALLER}})}},Server: ${{PBX_SERVER}},Chan: ${{CHANNEL}})
 same => n,Answer()
 same => n,Wait(1)
 same => n,UserEvent(AgiAlive,Chan: ${{CHANNEL}})
 same => n,Hangup()
"""
# What a caller supplies, without line ends.
CLEAN = """exten => {number},1,Set(CALLERID(num)=${{FILTER(0-9+,${{CALLERID(num)}})}})
 same => n,Set(CALLERID(name)=${{FILTER(\\x20-\\x7e\\x80-\\xff,${{CALLERID(name)}})}})
 same => n,Set(REDIRECTING(from-num,i)=${{FILTER(0-9+,${{REDIRECTING(from-num)}})}})
 same => n,Goto(agi-asked,answered,1)"""
CLEANED = 5100
ENDINGS = {"answered": "answered", "slow": "late", "nothing": "nothing_to_say", "badtoken": "unknown_token"}     # the other cases do not reach the server
ASK = " same => n(ask-{case}),AGI({url})\n same => n,Goto(asked)\n"
# On PJSIP the number called picks the case.
TRUNK = """
[viatalk-inbound](+)
{extensions}
"""


class Echo:
    """The program under test, with the token on its standard input."""

    def __init__(self, program, address="127.0.0.1"):
        self.token = secrets.token_hex(16)
        self.process = subprocess.Popen([program, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdin.write(self.token + "\n")
        self.process.stdin.flush()
        self.port = int(self.process.stdout.readline().split()[1])

    def end(self):
        out = self.process.communicate(timeout=10)[0]
        assert self.process.returncode == 0, self.process.returncode
        return {name: int(count) for name, count in (line.split() for line in out.splitlines())}


class AskedByAsterisk(unittest.TestCase):
    endings = collections.Counter()     # what the server should have counted

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="pbx-agi-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.echo = Echo(OPTIONS.echo)
        cls.addClassCleanup(lambda: cls.echo.process.poll() is None and cls.echo.process.kill())
        cls.hung = socket.create_server(("127.0.0.1", 0), backlog=50)   # the kernel accepts, nobody answers
        cls.addClassCleanup(cls.hung.close)
        cls.lab = Lab.up(f"{cls.folder}/lab", OPTIONS.version, die_with_parent=True)
        cls.addClassCleanup(cls.lab.down)
        ours, token = f"agi://127.0.0.1:{cls.echo.port}", cls.echo.token
        cls.urls = {"answered": f"{ours}/echo/{token}?text={urllib.parse.quote(ODD)}", "slow": f"{ours}/slow/{token}", "nothing": f"{ours}/other/{token}",
                    "badtoken": f"{ours}/echo/{token[::-1]}x", "hung": f"agi://127.0.0.1:{cls.hung.getsockname()[1]}/x", "refused": f"agi://127.0.0.1:{ports.single()}/x"}
        asks = "".join(ASK.format(case=case, url=url) for case, url in cls.urls.items())
        extensions = "\n".join(f"exten => {5000 + i},1,Goto(agi-asked,{case},1)" for i, case in enumerate(cls.urls)) + "\n" + CLEAN.format(number=CLEANED)
        with open(f"{cls.lab.prefix}/etc/extensions.conf", "a", encoding="utf-8") as f:
            f.write(DIALPLAN.format(asks=asks.rstrip("\n")) + TRUNK.format(extensions=extensions))
        cls.lab.cli("dialplan", "reload")
        cls.ami = cls.lab.ami()
        cls.addClassCleanup(cls.ami.close)
        cls.phones = Phones(cls.lab)
        cls.addClassCleanup(cls.phones.close)

    def events(self, case, start):
        """(AgiBegin, AgiEnd, AgiAlive, seconds from begin to end) of one call."""
        since = self.ami.mark()
        start()
        begin = self.ami.wait(lambda m: m.get("UserEvent") == "AgiBegin" and m.get("Case") == case, 10, since)
        self.assertIsNotNone(begin, case)
        found = [self.ami.wait(lambda m, name=name: m.get("UserEvent") == name and m.get("Chan") == begin.get("Chan"), 10, since) for name in ("AgiEnd", "AgiAlive")]
        for event in found:
            self.assertIsNotNone(event, f"{case}: the caller did not go on")
        return begin, *found, float(found[0].get("Timestamp")) - float(begin.get("Timestamp"))

    def local(self, case):
        return self.events(case, lambda: self.ami.action("Originate", Channel=f"Local/{case}@agi-asked/n", Application="Wait", Data=6, Async="true"))

    def pjsip(self, case):
        result = self.events(case, lambda: self.phones.call("viatalk", str(5000 + list(self.urls).index(case)), hold=20))
        self.assertTrue(result[0].get("Chan").startswith("PJSIP/"), result[0])
        self.assertEqual(self.phones.reap(20), {})
        return result

    def both(self, case, way, status, least, most):
        for kind in (self.local, self.pjsip):
            begin, end, _, seconds = kind(case)
            print(f"  {OPTIONS.version} {case} over {begin.get('Chan').split('/')[0]}: {end.get('Way')}, {end.get('Status')}, {seconds * 1000:.1f} ms", file=sys.stderr)
            self.assertEqual((end.get("Way"), end.get("Status") or ""), (way, status), case)
            self.assertEqual(end.get("Done") or "", "1" if case == "answered" else "", case)
            self.assertGreaterEqual(seconds, least, case)
            self.assertLess(seconds, most, case)
            if case in ENDINGS:
                self.endings[ENDINGS[case]] += 1
            yield end

    def test_variables_arrive_as_they_were_sent(self):
        ends = list(self.both("answered", "returned", "SUCCESS", 0, 1))
        for end in ends:
            self.assertEqual(urllib.parse.unquote(end.get("Echo")), ODD)
            self.assertEqual((end.get("Server"), end.get("AskedIn")), ("lab", "agi-asked"))

    def test_a_late_handler_costs_its_deadline(self):
        list(self.both("slow", "returned", "SUCCESS", 1.4, 2.2))

    def test_nothing_to_say_goes_on_at_once(self):
        list(self.both("nothing", "returned", "SUCCESS", 0, 1))

    def test_an_unknown_token_goes_on_at_once(self):
        list(self.both("badtoken", "returned", "SUCCESS", 0, 1))

    def test_refused_goes_on_at_once(self):
        list(self.both("refused", "returned", "FAILURE", 0, 1))

    def test_a_hung_server_costs_the_absolute_timeout(self):
        list(self.both("hung", "timed out", "HANGUP", 2.7, 4))

    def test_a_callers_name_cannot_forge_a_request(self):
        """Asterisk decodes %0A in a SIP number and sends it as a line end. The server sees that and closes, so the caller goes on without an answer: the
        dialplan must clean what a caller supplies before AGI(), and then he is answered like everybody."""
        for number in ("5550177%0Aagi_context:%20hostrocket", "5550177%0A%0A200%20result=1", "5550177%0Afree%20text"):
            _, end, _, seconds = self.events("answered", lambda number=number: self.invite(number, 5000))
            self.assertEqual((end.get("Way"), end.get("Done") or "", end.get("AskedIn") or ""), ("returned", "", ""), number)
            self.assertLess(seconds, 1)
            _, end, _, _ = self.events("answered", lambda number=number: self.invite(number, CLEANED))
            self.assertEqual((end.get("Done"), end.get("AskedIn")), ("1", "agi-asked"), number)
            self.assertTrue(urllib.parse.unquote(end.get("Caller")).startswith("5550177"), end.get("Caller"))
            self.endings.update(["hostile", "answered"])

    def invite(self, number, called):
        """A call of its own from the trunk's address: SIPp cannot write such a header from a table."""
        address = self.lab.state["trunks"]["viatalk"]
        sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(sip.close)
        sip.bind((address, 0))
        sip.settimeout(5)
        port, target = sip.getsockname()[1], self.lab.state["sip_port"]
        body = f"v=0\r\no=x 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
        sip.sendto((f"INVITE sip:{called}@127.0.0.1:{target} SIP/2.0\r\nVia: SIP/2.0/UDP {address}:{port};branch=z9hG4bK{secrets.token_hex(4)}\r\n"
                    f"From: \"Ann\" <sip:{number}@{address}>;tag=1\r\nTo: <sip:{called}@127.0.0.1>\r\nCall-ID: {secrets.token_hex(8)}\r\nCSeq: 1 INVITE\r\n"
                    f"Contact: <sip:x@{address}:{port}>\r\nMax-Forwards: 70\r\nContent-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode(),
                   ("127.0.0.1", target))

    def test_zz_endings_were_counted(self):
        counts = self.echo.end()
        self.assertEqual({name: count for name, count in counts.items() if count}, self.endings)


def main():
    global OPTIONS
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", type=int, choices=(22, 16))
    parser.add_argument("--echo", required=True)
    OPTIONS, rest = parser.parse_known_args()
    if not shutil.which("sipp"):
        print("SKIPPED: no SIPp; run scripts/setup asterisk", file=sys.stderr)
        sys.exit(77)
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)


if __name__ == "__main__":
    main()
