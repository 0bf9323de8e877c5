#!/usr/bin/env python3
"""callbacks_live.py 22|16 --pbxd PROGRAM [--pbxctl PROGRAM]: pbxd places callbacks on a real Asterisk, agent first.

Asked for on each face, the agent's phone rings, then the customer's, once; busy is tried again, cancelled is hung up, and among callers in the same queue the turn
is kept. The customer is another phone of the lab, and the dialplan is that of callbacks.py. Exit code 77: cannot run here (no SIPp)."""
import argparse
import os
import re
import secrets
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
import xmlrpc.client

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from board.pbxd import _free_port, start_pbxd  # noqa: E402
from lab import Lab, Phones  # noqa: E402
from lab.config import write_private  # noqa: E402

OPTIONS = None
TENANT, QUEUE = "viatalk", "viatalk-support"
CUSTOMER = f"PJSIP/{TENANT}-103"
DIALPLAN = """
[pbxd-callback-queue]
exten => s,1,Set(QUEUE_PRIO=${{PBX_CB_PRIO}})
 same => n,Queue(${{PBX_CB_QUEUE}}{to_position}${{PBX_CB_POSITION}})
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


def soon(condition, what, seconds=15.0):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.05)
    return found


class Live(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix=f"pbx-live-{OPTIONS.version}-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.lab = Lab.up(f"{cls.folder}/lab", OPTIONS.version, die_with_parent=True)
        cls.addClassCleanup(cls.lab.down)
        port, token = _free_port(), secrets.token_hex(32)
        write_private(f"{cls.folder}/token", token + "\n")
        with open(f"{cls.lab.prefix}/etc/extensions.conf", "a", encoding="utf-8") as f:
            # Queue() of 16 has one argument more before the position
            f.write(DIALPLAN.format(port=port, token=token, customer=CUSTOMER, to_position="," * (9 if OPTIONS.version == 16 else 8)))
        cls.lab.cli("dialplan", "reload")
        cls.ami = cls.lab.ami()
        cls.addClassCleanup(cls.ami.close)
        cls.phones = Phones(cls.lab)
        cls.addClassCleanup(cls.phones.close)
        program = os.path.abspath(OPTIONS.pbxd)
        cls.pbxctl = OPTIONS.pbxctl or os.path.join(os.path.dirname(program), "pbxctl")
        cls.pbxd = start_pbxd(program, cls.pbxctl, cls.lab, f"{cls.folder}/pbxd", more={"main": {"agi_token_file": f"{cls.folder}/token"}, "agi": {"port": port}})
        cls.addClassCleanup(cls.pbxd.stop)
        cls.pbxd.call("user.create", tenant=TENANT, login="boss", password="correct horse battery staple", role="admin")
        cls.token = cls.pbxd.call("token.create", tenant=TENANT, name="crm", user="boss", operations=["*"])["token"]
        cls.policy(after_busy=4)
        soon(lambda: cls.pbxd.link()["driven"], "pbxd to drive this Asterisk")

    @classmethod
    def policy(cls, after_busy):
        """No operation sets it."""
        database = sqlite3.connect(f"{cls.folder}/pbxd/data/pbxd.sqlite", timeout=10)
        with database:
            database.execute("INSERT INTO callback_policies (tenant_id, queue_id, mode, max_dials, max_doubts, after_busy, expires_after, ring_seconds, ask_key, caller_id) "
                             "SELECT id, '', 'agent_first', 3, 1, ?, 3600, 10, 0, '' FROM tenants WHERE name = ?", (after_busy, TENANT))
        database.close()

    asked = 0

    def setUp(self):
        type(self).asked += 1
        self.number = f"+1212555{2000 + self.asked}"
        self.since = self.ami.mark()
        self.addCleanup(self.pause, 101, False)

    def call(self, operation, **fields):
        return self.pbxd.call(operation, tenant=TENANT, **fields)

    def people(self, agent, customer):
        self.phones.register({f"{TENANT}-101": agent, f"{TENANT}-103": customer})

    def pause(self, agent, paused):
        self.ami.action("QueuePause", Queue=QUEUE, Interface=f"PJSIP/{TENANT}-{agent}", Paused="true" if paused else "false")

    def state(self, id):
        return self.call("callback.get", id=id)["state"]

    def events(self, name, **wanted):
        return [m for m in self.ami.messages[self.since:] if m.get("Event") == name and all(m.get(k) == v for k, v in wanted.items())]

    def dials(self):
        return len([m for m in self.events("DialBegin") if (m.get("DestChannel") or "").startswith(CUSTOMER + "-")])

    def waiting(self):
        """The uniqueids in Asterisk's queue, in its order."""
        with self.lab.ami(events="off") as ami:
            entries = [m for m in ami.list("QueueStatus", Queue=QUEUE) if m.get("Event") == "QueueEntry"]
        return [m.get("Uniqueid") for m in sorted(entries, key=lambda m: int(m.get("Position")))]

    def empty(self):
        soon(lambda: not self.waiting(), "nobody to wait any more")

    def placeholder(self):
        return soon(lambda: next((u for u in self.waiting() if u.startswith("pbxd-")), None), "a placeholder to wait")

    # --- asked on each face

    def ask_json(self):
        return self.call("callback.request", queue="support", number=self.number)["id"]

    def ask_xmlrpc(self):
        server = xmlrpc.client.ServerProxy(self.pbxd.url + "/RPC2", headers=[("Authorization", f"Bearer {self.token}")])
        return getattr(server, "callback.request")({"queue": "support", "number": self.number})["id"]

    def ask_cli(self):
        environment = {"PBXCTL_SERVER": self.pbxd.url, "PBXCTL_TOKEN": self.token, "HOME": self.folder, "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        done = subprocess.run([self.pbxctl, "callback", "request", "support", self.number], capture_output=True, text=True, timeout=30, env=environment, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, done.stderr)
        return re.search(r"r_[a-z2-7]{16}", done.stdout)[0]

    def reached(self, ask):
        self.people("answer", "hangup")
        began = time.monotonic()
        id = ask()
        first = soon(lambda: self.events("DialBegin"), "a phone to ring")[0]
        print(f"\n    asked by {ask.__name__}: the agent's phone rings after {(time.monotonic() - began) * 1000:.0f} ms", flush=True)
        self.assertTrue(first.get("DestChannel").startswith(f"PJSIP/{TENANT}-101-"), "the agent's comes first")
        soon(lambda: self.state(id) == "done", "the callback to be done")
        got = self.call("callback.get", id=id)
        self.assertEqual((got["attempts"], got["outcome"], [h["dial_status"] for h in got["history"]]), (1, "reached", ["ANSWER"]))
        self.assertEqual(self.dials(), 1)
        self.empty()

    def test_a_asked_by_json(self):
        self.reached(self.ask_json)

    def test_a_asked_by_xmlrpc(self):
        self.reached(self.ask_xmlrpc)

    def test_a_asked_by_cli(self):
        self.reached(self.ask_cli)

    # --- what becomes of it

    def test_b_busy_is_tried_again_after_the_policys_delay(self):
        self.people("answer", "busy")
        id = self.ask_json()
        soon(lambda: self.state(id) == "retry_at", "the customer to be busy")
        busy = time.monotonic()
        self.assertEqual((self.call("callback.get", id=id)["outcome"], self.dials()), ("busy", 1))
        self.people("answer", "hangup")
        soon(lambda: self.dials() == 2, "the second attempt")
        self.assertGreater(time.monotonic() - busy, 3.5)
        soon(lambda: self.state(id) == "done", "the callback to be done")
        self.assertEqual([h["outcome"] for h in self.call("callback.get", id=id)["history"]], ["busy", "reached"])
        self.empty()

    def test_c_cancelled_while_it_waits_the_placeholder_is_hung_up(self):
        self.people("answer", "hangup")
        self.phones.call(TENANT, hold=8)      # keeps the agent busy
        soon(lambda: self.events("AgentConnect"), "the agent to talk")
        id = self.ask_json()
        self.placeholder()
        self.assertEqual(self.call("callback.cancel", id=id)["result"], "cancelled")
        began = time.monotonic()
        soon(lambda: not [u for u in self.waiting() if u.startswith("pbxd-")], "the placeholder to be gone", 3)
        print(f"\n    the placeholder is gone {(time.monotonic() - began) * 1000:.0f} ms after the cancel", flush=True)
        self.assertEqual(self.phones.reap(30), {})
        self.assertEqual((self.dials(), self.state(id)), (0, "cancelled"))
        self.empty()

    def test_d_the_turn_is_kept_both_ways(self):
        """Two callers before it, two after; one agent."""
        self.people("hangup", "hangup")
        self.pause(101, True)
        self.pause(102, True)
        self.phones.call(TENANT, hold=60, number="5550101")
        soon(lambda: len(self.waiting()) == 1, "the first caller to wait")
        self.phones.call(TENANT, hold=60, number="5550102")
        soon(lambda: len(self.waiting()) == 2, "the second caller to wait")
        before = self.waiting()
        time.sleep(2.1)     # who comes within two seconds of each other is served as it happens
        id = self.ask_json()
        self.placeholder()
        time.sleep(2.1)
        self.phones.call(TENANT, hold=60, number="5550103")
        soon(lambda: len(self.waiting()) == 4, "the third caller to wait")
        order = self.waiting()
        self.assertEqual(order[:2], before)
        self.assertTrue(order[2].startswith("pbxd-"), order)
        self.pause(101, False)
        soon(lambda: len(self.events("AgentConnect")) == 4, "all to be served", 60)
        self.assertEqual([m.get("Uniqueid") for m in self.events("AgentConnect")], order)
        soon(lambda: self.state(id) == "done", "the callback to be done")
        self.assertEqual(self.phones.reap(30), {})
        self.assertEqual(self.dials(), 1)

    def test_e_a_callback_keeps_its_place_before_who_came_later(self):
        """Asked for while nobody serves: it is placed between those who wait already."""
        self.people("hangup", "hangup")
        self.pause(101, True)
        self.pause(102, True)
        id = self.ask_json()
        time.sleep(2.1)
        self.phones.call(TENANT, hold=60, number="5550104")
        order = soon(lambda: (w := self.waiting()) and len(w) == 2 and w[0].startswith("pbxd-") and w, "the callback to stand first")
        self.pause(101, False)
        soon(lambda: len(self.events("AgentConnect")) == 2, "both to be served", 40)
        self.assertEqual([m.get("Uniqueid") for m in self.events("AgentConnect")], order)
        soon(lambda: self.state(id) == "done", "the callback to be done")
        self.assertEqual(self.phones.reap(30), {})

    def test_f_a_restart_of_asterisk_puts_the_placeholder_back(self):
        self.people("answer", "hangup")
        self.pause(101, True)
        self.pause(102, False)
        self.addCleanup(self.pause, 102, True)
        self.phones.register({f"{TENANT}-102": "noanswer"})
        id = self.ask_json()
        first = self.placeholder()
        self.lab.restart_now()
        type(self).ami = self.lab.ami()
        self.addClassCleanup(self.ami.close)
        self.since = 0
        self.phones.register({f"{TENANT}-101": "answer", f"{TENANT}-102": "noanswer", f"{TENANT}-103": "hangup"}, anew=True)
        again = soon(self.placeholder, "the placeholder to be back", 30)
        self.assertNotEqual(first, again)
        self.assertEqual(self.call("callback.get", id=id)["attempts"], 0)
        self.pause(101, False)
        self.pause(102, True)
        soon(lambda: self.state(id) == "done", "the callback to be done", 30)
        self.assertEqual(self.dials(), 1)


def main():
    global OPTIONS
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", type=int, choices=(22, 16))
    parser.add_argument("--pbxd", required=True)
    parser.add_argument("--pbxctl")
    OPTIONS, rest = parser.parse_known_args()
    if not shutil.which("sipp"):
        print("SKIPPED: sipp is not installed", file=sys.stderr)
        sys.exit(77)
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)


if __name__ == "__main__":
    main()
