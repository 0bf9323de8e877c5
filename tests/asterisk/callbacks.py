#!/usr/bin/env python3
"""callbacks.py 22|16: the Originate of lib/callbacks and a dialplan for it on a real Asterisk, agent first.

A placeholder waits in Queue(); when an agent answers, the gate is asked and the customer dialled: once, with our channel ids, and the outcome reported. The gate is
played here (pbxd's own is tested by tests/system/test_callbacks.py); the customer is another phone of the lab. Exit code 77: cannot run here (no SIPp)."""
import argparse
import os
import shutil
import socket
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import Lab, Phones  # noqa: E402

OPTIONS = None
CUSTOMER = "PJSIP/viatalk-103"
# The two contexts of lib/callbacks/originate.hpp. The customer is a phone here instead of a number on a trunk.
DIALPLAN = """
[pbxd-callback-queue]
exten => s,1,Queue(${{PBX_CB_QUEUE}},,,,20)
 same => n,Hangup()

[pbxd-callback-gate]
exten => s,1,Set(PBX_DONE=)
 same => n,Set(PBX_GATE=)
 same => n,AGI(agi://127.0.0.1:{port}/gate/{token},${{PBX_CB}},${{PBX_CB_ATTEMPT}},${{PBX_CB_TOKEN}})
 same => n,GotoIf($["${{PBX_DONE}}" != "1" | "${{PBX_GATE}}" != "dial"]?shut)
 same => n,Set(PBX_DIALLED=1)
 same => n,Dial({customer},${{PBX_TIMEOUT}})
 same => n(shut),Hangup()
exten => h,1,GotoIf($["${{PBX_DIALLED}}" != "1"]?end)
 same => n,AGI(agi://127.0.0.1:{port}/done/{token},${{PBX_CB}},${{PBX_CB_ATTEMPT}},${{PBX_CB_TOKEN}},${{DIALSTATUS}},${{HANGUPCAUSE}},)
 same => n(end),NoOp()
"""


class Gate:
    """FastAGI: opens once for an attempt, keeps what is reported."""

    def __init__(self):
        self.token, self.asked, self.reported, self.answers = "0123456789abcdef", [], [], True
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=20)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        with connection, connection.makefile("rwb") as stream:
            said = dict(line.decode().rstrip("\n").split(": ", 1) if ": " in line.decode() else (line.decode().strip(": \n"), "")
                        for line in iter(stream.readline, b"\n"))
            arguments = tuple(said.get(f"agi_arg_{n}", "") for n in range(1, 7))
            if said["agi_network_script"].startswith("done/"):
                self.reported.append(arguments)
                variables = {"PBX_DONE": "1"}
            else:
                opens = arguments not in self.asked
                self.asked.append(arguments)
                if not self.answers:
                    return
                variables = {"PBX_GATE": "dial" if opens else "hangup", "PBX_TIMEOUT": "10", "PBX_DONE": "1"}
            for name, value in variables.items():
                stream.write(f'SET VARIABLE {name} "{value}"\n'.encode())
                stream.flush()
                stream.readline()


class Callbacks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="pbx-callbacks-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.gate = Gate()
        cls.addClassCleanup(cls.gate.listener.close)
        cls.lab = Lab.up(f"{cls.folder}/lab", OPTIONS.version, die_with_parent=True)
        cls.addClassCleanup(cls.lab.down)
        with open(f"{cls.lab.prefix}/etc/extensions.conf", "a", encoding="utf-8") as f:
            f.write(DIALPLAN.format(port=cls.gate.port, token=cls.gate.token, customer=CUSTOMER))
        cls.lab.cli("dialplan", "reload")
        cls.ami = cls.lab.ami()
        cls.addClassCleanup(cls.ami.close)
        cls.phones = Phones(cls.lab)
        cls.addClassCleanup(cls.phones.close)

    attempt = 0

    def setUp(self):
        type(self).attempt += 1
        self.gate.answers = True
        self.gate.asked.clear()
        self.gate.reported.clear()
        self.channel = f"pbxd-abcdefgh234567zzaaa{'abcdefghijklmnop'[self.attempt]}"
        self.since = self.ami.mark()

    def people(self, agent, customer):
        self.phones.register({"viatalk-101": agent, "viatalk-103": customer})

    def originate(self):
        """As originateAction() writes it; the OriginateResponse."""
        mark = self.ami.mark()
        answer = self.ami.action("Originate", Channel="Local/s@pbxd-callback-queue/n", Context="pbxd-callback-gate", Exten="s", Priority="1", Async="true", Timeout="15000",
                                 ChannelId=self.channel, OtherChannelId=self.channel + "x",
                                 Variable=["__PBX_CB=r_abcdefgh234567zz", f"__PBX_CB_ATTEMPT={self.attempt}", "__PBX_CB_TOKEN=secret", "__PBX_CB_QUEUE=viatalk-support"])
        if answer.get("Response") != "Success":
            return answer
        return self.ami.wait(lambda m: m.get("Event") == "OriginateResponse", 25, mark)

    def event(self, name, within=15, **wanted):
        return self.ami.wait(lambda m: m.get("Event") == name and all(m.get(k) == v for k, v in wanted.items()), within, self.since)

    def gone(self):
        self.assertIsNotNone(self.event("Hangup", Uniqueid=self.channel), "the channel did not end")

    def reported(self):
        deadline = time.monotonic() + 10
        while not self.gate.reported and time.monotonic() < deadline:
            time.sleep(0.05)
        return self.gate.reported

    def dials(self):
        """How often the customer's phone was dialled."""
        return len([m for m in self.ami.messages[self.since:] if m.get("Event") == "DialBegin" and (m.get("DestChannel") or "").startswith(CUSTOMER + "-")])

    def test_an_agent_answers_then_the_customer_is_dialled(self):
        self.people("answer", "hangup")
        self.assertEqual(self.originate().get("Response"), "Success")
        agent = self.event("AgentConnect")
        self.assertEqual(agent.get("Uniqueid"), self.channel + "x")      # queue_log and the board know the placeholder by it
        # the waiting half dials the agent, the other the customer: sight.cpp tells the two apart by that
        self.assertTrue(self.event("DialBegin", Uniqueid=self.channel + "x").get("DestChannel").startswith("PJSIP/viatalk-101-"))
        customer = self.event("DialBegin", Uniqueid=self.channel)
        self.assertTrue(customer.get("DestChannel").startswith(CUSTOMER + "-"))
        self.gone()
        self.assertEqual(self.gate.asked, [("r_abcdefgh234567zz", str(self.attempt), "secret", "", "", "")])
        self.assertEqual([(r[:3], r[3]) for r in self.reported()], [(("r_abcdefgh234567zz", str(self.attempt), "secret"), "ANSWER")])
        self.assertEqual(self.dials(), 1)

    def test_a_busy_customer_is_reported(self):
        self.people("answer", "busy")
        self.originate()
        self.gone()
        self.assertEqual([r[3:5] for r in self.reported()], [("BUSY", "17")])
        self.assertEqual(self.dials(), 1)

    def test_no_agent_no_gate(self):
        self.people("noanswer", "hangup")
        self.assertEqual(self.originate().get("Response"), "Failure")
        self.gone()
        self.assertEqual((self.gate.asked, self.gate.reported, self.dials()), ([], [], 0))

    def test_the_same_attempt_twice_is_refused_while_it_lives_and_dialled_once(self):
        self.people("slow", "hangup")
        results = []
        first = threading.Thread(target=lambda: results.append(self.originate()))
        first.start()
        self.assertIsNotNone(self.event("Newchannel", Uniqueid=self.channel))
        other = self.lab.ami()
        self.addCleanup(other.close)
        refused = other.action("Originate", Channel="Local/s@pbxd-callback-queue/n", Context="pbxd-callback-gate", Exten="s", Priority="1", Async="true", Timeout="15000",
                               ChannelId=self.channel, OtherChannelId=self.channel + "x", Variable="__PBX_CB_QUEUE=viatalk-support")
        answer = other.wait(lambda m: m.get("Event") == "OriginateResponse" and m.get("ActionID") == refused.get("ActionID"), 10)
        self.assertEqual(answer.get("Response"), "Failure")     # "already in use"
        first.join(30)
        self.gone()
        self.assertEqual([(r[3]) for r in self.reported()], ["ANSWER"])
        mark = self.ami.mark()
        again = self.originate()     # once more, when the first is over: the gate stays shut
        self.assertEqual(again.get("Response"), "Success")
        self.assertIsNotNone(self.ami.wait(lambda m: m.get("Event") == "Hangup" and m.get("Uniqueid") == self.channel, 15, mark))
        self.assertEqual(len(self.gate.asked), 2)
        self.assertEqual(self.dials(), 1)

    def test_without_an_answer_of_the_gate_nobody_is_dialled(self):
        self.people("answer", "hangup")
        self.gate.answers = False
        self.originate()
        self.gone()
        self.assertEqual((len(self.gate.asked), self.gate.reported, self.dials()), (1, [], 0))


def main():
    global OPTIONS
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", type=int, choices=(22, 16))
    OPTIONS, rest = parser.parse_known_args()
    if not shutil.which("sipp"):
        print("SKIPPED: sipp is not installed", file=sys.stderr)
        sys.exit(77)
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)


if __name__ == "__main__":
    main()
