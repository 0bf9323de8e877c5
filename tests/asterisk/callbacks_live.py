#!/usr/bin/env python3
"""callbacks_live.py 22|16 --pbxd PROGRAM --pbxctl PROGRAM: pbxd places callbacks on a real Asterisk with the rendered dialplan, agent first.

Asked for on each face, the agent's phone rings, then the customer's, once; busy is tried again, cancelled is hung up, a restart of Asterisk brings the placeholder
back, and among callers in the same queue the turn is kept. The customer is a telephone in Python behind the tenant's trunk, which counts the INVITEs; the agent
and the callers are SIPp. Exit code 77: cannot run here (no SIPp, no MariaDB)."""
import argparse
import csv
import os
import re
import shutil
import subprocess
import sys
import time
import unittest
import xmlrpc.client

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dialplan  # noqa: E402
import render  # noqa: E402
from dialplan import AGENT  # noqa: E402
from lab.wait import soon  # noqa: E402
from render import number  # noqa: E402

OPTIONS = None
TENANT, QUEUE = "viatalk", "viatalk-sales"


class Placed(dialplan.Site):
    """pbxd places callbacks there; the people and what is seen. Its tests are in what is derived from it."""
    asked = 0

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pbxd.call("user.create", tenant=TENANT, login="boss", password="correct horse battery staple", role="admin")
        cls.token = cls.pbxd.call("token.create", tenant=TENANT, name="crm", user="boss", operations=["*"])["token"]
        cls.ami.action("QueueAdd", Queue=QUEUE, Interface=AGENT, MemberName="Ann")
        soon(lambda: cls.pbxd.link()["driven"], "pbxd to drive this Asterisk", 20)

    @classmethod
    def seed_more(cls, run):
        run("INSERT INTO callback_policies (tenant_id, queue_id, mode, max_dials, max_doubts, after_busy, expires_after, ring_seconds, ask_key, caller_id) "
            "VALUES ('t_viatalk', '', 'agent_first', 3, 1, 4, 3600, 10, 0, '')")

    def setUp(self):
        type(self).asked += 1
        self.number = f"+1646555{2000 + self.asked}"
        self.since = self.ami.mark()
        self.dialled = []
        self.customer_reached()
        self.addCleanup(self.pause, False)

    # --- the people

    def customer(self, what):
        def on_call(call):
            self.dialled.append(call.number)
            what(call)
        self.provider.on_call = on_call

    def customer_reached(self):
        self.customer(lambda call: (call.phone.ring(call), time.sleep(0.3), call.answer(), time.sleep(1), call.hangup()))

    def agent(self, behaviour):
        self.phones.register({f"{TENANT}-101": behaviour})
        soon(lambda: [m for m in self.queue("QueueMember") if m.get("Status") == "1"], "the agent to be free", 15)

    def pause(self, paused):
        self.ami.action("QueuePause", Queue=QUEUE, Interface=AGENT, Paused="true" if paused else "false")

    def caller(self, caller, hold=60):
        """A caller who waits; his uniqueid. He hangs up `hold` seconds later."""
        before = self.waiting()
        self.phones.call(TENANT, number(TENANT, "0100"), hold=hold, number=caller)
        return soon(lambda: next((u for u in self.waiting() if u not in before and not u.startswith("pbxd-")), None), f"{caller} to wait")

    # --- what is seen

    def queue(self, event):
        with self.lab.ami(events="off") as ami:
            return [m for m in ami.list("QueueStatus", Queue=QUEUE) if m.get("Event") == event]

    def waiting(self):
        """The uniqueids in Asterisk's queue, in its order."""
        return [m.get("Uniqueid") for m in sorted(self.queue("QueueEntry"), key=lambda m: int(m.get("Position")))]

    def placeholder(self):
        return soon(lambda: next((u for u in self.waiting() if u.startswith("pbxd-")), None), "a placeholder to wait")

    def events(self, name):
        return [m for m in self.ami.messages[self.since:] if m.get("Event") == name]

    def served(self):
        return [m.get("Uniqueid") for m in self.events("AgentConnect")]

    def call(self, operation, **fields):
        return self.pbxd.call(operation, tenant=TENANT, **fields)

    def becomes(self, id, state, seconds=20):
        return soon(lambda: (row := self.call("callback.get", id=id))["state"] == state and row, f"the callback to be {state}", seconds)

    def at_rest(self):
        self.assertEqual(self.phones.reap(30), {})
        soon(lambda: not self.waiting() and not [m for m in self.queue("QueueMember") if m.get("InCall") == "1"], "the queue to be at rest")

    def ask_json(self):
        return self.call("callback.request", queue="sales", number=self.number)["id"]


class Live(Placed):
    # --- no trunk: nobody is called for nothing, no attempt is used up, and it goes on when it is back

    def called(self):
        return [m.get("MemberName") for m in self.events("AgentCalled")]

    def test_g_asked_for_while_the_trunk_is_away(self):
        self.agent("answer")
        self.addCleanup(self.trunk, True)
        self.trunk(False)
        id = self.ask_json()
        time.sleep(6)
        self.assertEqual((self.called(), self.waiting(), self.dialled), ([], [], []))
        got = self.call("callback.get", id=id)
        self.assertEqual((got["state"], got["attempts"], got["history"]), ("queued", 0, []))
        self.trunk(True)
        back = time.monotonic()
        got = self.becomes(id, "done", 30)
        print(f"\n    reached {time.monotonic() - back:.1f} s after the trunk was back", flush=True)
        self.assertEqual((got["attempts"], len(got["history"]), self.dialled), (1, 1, [self.number]))
        self.at_rest()

    def test_g_the_trunk_goes_while_it_waits(self):
        self.agent("noanswer")
        self.addCleanup(self.trunk, True)
        id = self.ask_json()
        self.placeholder()
        soon(self.called, "the agent's phone to ring")
        self.trunk(False)
        soon(lambda: not self.waiting(), "the placeholder to leave the queue", 5)
        self.agent("answer")
        since, self.since = self.since, self.ami.mark()
        time.sleep(4)
        self.assertEqual(self.called(), [])
        self.since = since
        self.trunk(True)
        got = self.becomes(id, "done", 30)
        self.assertEqual((got["attempts"], [h.get("outcome") for h in got["history"]], self.dialled), (1, [None, "reached"], [self.number]))
        self.at_rest()

    # --- asked on each face

    def ask_xmlrpc(self):
        server = xmlrpc.client.ServerProxy(self.pbxd.url + "/RPC2", headers=[("Authorization", f"Bearer {self.token}")])
        return getattr(server, "callback.request")({"queue": "sales", "number": self.number})["id"]

    def ask_cli(self):
        environment = {"PBXCTL_SERVER": self.pbxd.url, "PBXCTL_TOKEN": self.token, "HOME": self.folder, "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        done = subprocess.run([OPTIONS.pbxctl, "callback", "request", "--queue", "sales", "--number", self.number], capture_output=True, text=True, timeout=30, env=environment, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, done.stderr)
        return re.search(r"r_[a-z2-7]{16}", done.stdout)[0]

    def reached(self, ask):
        self.agent("answer")
        began = time.monotonic()
        id = ask()
        first = soon(lambda: [m for m in self.events("DialBegin") if m.get("DestChannel").startswith("PJSIP/")], "a phone to ring")[0]
        print(f"\n    {ask.__name__}: the agent's phone rings after {(time.monotonic() - began) * 1000:.0f} ms", flush=True)
        self.assertTrue(first.get("DestChannel").startswith(AGENT + "-"), "the agent's comes first")
        got = self.becomes(id, "done")
        self.assertEqual((got["attempts"], got["outcome"], [h["dial_status"] for h in got["history"]]), (1, "reached", ["ANSWER"]))
        self.assertEqual(self.dialled, [self.number])       # one INVITE
        self.at_rest()
        return got

    def test_a_asked_by_json(self):
        got = self.reached(self.ask_json)
        # Asterisk's own record of it, as lib/callbacks/cdr_file.cpp reads it
        path = f"{self.lab.prefix}/log/cdr-custom/pbxd-cdr.csv"

        def rows():
            with open(path, newline="", encoding="utf-8") as f:
                return [r for r in csv.reader(f) if r[1] == got["history"][0]["channel_id"] and r[7] != "pbxd-callback-queue" and r[9]]
        self.assertEqual([(len(r), r[16]) for r in soon(rows, "the call record")], [(18, "ANSWERED")])

    def test_a_asked_by_xmlrpc(self):
        self.reached(self.ask_xmlrpc)

    def test_a_asked_by_cli(self):
        self.reached(self.ask_cli)

    # --- what becomes of it

    def test_b_busy_is_tried_again_after_the_policys_delay(self):
        self.agent("answer")
        self.customer(lambda call: call.phone.refuse(call, "486 Busy Here"))
        id = self.ask_json()
        self.assertEqual(self.becomes(id, "retry_at")["outcome"], "busy")
        busy = time.monotonic()
        self.assertEqual(self.dialled, [self.number])
        self.customer_reached()
        soon(lambda: len(self.dialled) == 2, "the second attempt", 20)
        self.assertGreater(time.monotonic() - busy, 3.5)
        self.assertEqual([h["outcome"] for h in self.becomes(id, "done")["history"]], ["busy", "reached"])
        self.at_rest()

    def test_c_cancelled_while_it_waits_the_placeholder_is_hung_up(self):
        self.agent("answer")
        self.pause(True)
        self.caller("6465550100", hold=10)       # so that one waits although nobody serves
        id = self.ask_json()
        channel = self.placeholder()
        self.assertEqual(self.call("callback.cancel", id=id)["result"], "cancelled")
        began = time.monotonic()
        soon(lambda: channel not in self.waiting(), "the placeholder to be gone", 3)
        print(f"\n    the placeholder is gone {(time.monotonic() - began) * 1000:.0f} ms after the cancel", flush=True)
        self.pause(False)
        soon(lambda: len(self.served()) == 1, "the caller to be served", 20)
        self.at_rest()
        self.assertEqual((self.dialled, self.call("callback.get", id=id)["state"]), ([], "cancelled"))

    def test_d_the_turn_is_kept_both_ways(self):
        """Two callers before it, one after; one agent."""
        self.agent("hangup")
        self.pause(True)
        order = [self.caller("6465550101"), self.caller("6465550102")]
        time.sleep(2.1)     # who comes within two seconds of each other is served as it happens
        id = self.ask_json()
        order.append(self.placeholder())
        time.sleep(2.1)
        order.append(self.caller("6465550103"))
        self.assertEqual(self.waiting(), order)
        self.pause(False)
        soon(lambda: len(self.served()) == 4, "all to be served", 60)
        self.assertEqual(self.served(), order)
        self.becomes(id, "done")
        self.assertEqual(self.dialled, [self.number])
        self.at_rest()

    def test_e_before_who_came_later(self):
        """Asked for while nobody serves and nobody waits: it takes its place when somebody comes."""
        self.agent("hangup")
        self.pause(True)
        id = self.ask_json()
        time.sleep(2.1)
        later = self.caller("6465550104")
        order = soon(lambda: len(w := self.waiting()) == 2 and w, "the callback to wait too")
        self.assertEqual(order[1], later)
        self.pause(False)
        soon(lambda: len(self.served()) == 2, "both to be served", 40)
        self.assertEqual(self.served(), order)
        self.becomes(id, "done")
        self.at_rest()

    def test_f_a_restart_of_asterisk_puts_the_placeholder_back(self):
        self.agent("noanswer")
        id = self.ask_json()
        first = self.placeholder()
        self.lab.restart_now()
        type(self).ami = self.lab.ami()
        self.addClassCleanup(self.ami.close)
        self.since = 0
        self.ami.action("QueueAdd", Queue=QUEUE, Interface=AGENT, MemberName="Ann")
        self.phones.register({f"{TENANT}-101": "noanswer"}, anew=True)
        self.reach(TENANT)      # it would find its trunk within a minute
        again = soon(lambda: next((u for u in self.waiting() if u.startswith("pbxd-")), None), "the placeholder to be back", 30)
        self.assertNotEqual(first, again)
        self.phones.register({f"{TENANT}-101": "answer"})
        got = self.becomes(id, "done", 60)
        self.assertEqual((got["attempts"], self.dialled), (1, [self.number]))


def main(doc=__doc__):
    global OPTIONS
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("version", type=int, choices=(22, 16))
    parser.add_argument("--pbxd", required=True, type=os.path.abspath)
    parser.add_argument("--pbxctl", required=True, type=os.path.abspath)
    parser.add_argument("--keep", action="store_true", help="leave the folder")
    OPTIONS, rest = parser.parse_known_args()
    render.OPTIONS = dialplan.OPTIONS = OPTIONS
    if not shutil.which("sipp"):
        print("SKIPPED: sipp is not installed", file=sys.stderr)
        sys.exit(77)
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)


if __name__ == "__main__":
    main()
