#!/usr/bin/env python3
"""control.py 22|16 --pbxd PROGRAM [--pbxctl PROGRAM]: agents by request on a real Asterisk. Logged in by SOAP, paused by XML-RPC, moved by pbxctl; Asterisk's own
words where it refuses; a phone code or another tool is taken over; what a restart of Asterisk lost is brought back.

No telephone is needed: a queue takes members that are not registered. Exit code 77: cannot run here."""
import argparse
import os
import shutil
import sqlite3
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from board.driver import Driver  # noqa: E402
from board.faces import Faces  # noqa: E402
from board.pbxd import PbxdError, start_pbxd  # noqa: E402
from lab import Lab  # noqa: E402
from lab.wait import soon  # noqa: E402

OPTIONS = None
TENANT = "viatalk"


class Site(unittest.TestCase):
    """One Asterisk and one pbxd for each class of tests."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix=f"pbx-control-{OPTIONS.version}-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.lab = Lab.up(f"{cls.folder}/lab", OPTIONS.version, die_with_parent=True)
        cls.addClassCleanup(cls.lab.down)
        program = os.path.abspath(OPTIONS.pbxd)
        cls.pbxctl = OPTIONS.pbxctl or os.path.join(os.path.dirname(program), "pbxctl")
        cls.pbxd = start_pbxd(program, cls.pbxctl, cls.lab, f"{cls.folder}/pbxd")
        cls.addClassCleanup(cls.pbxd.stop)
        faces = Faces(cls.pbxd, TENANT, cls.pbxctl, cls.folder)
        cls.soap, cls.xmlrpc, cls.cli = faces.soap, faces.xmlrpc, faces.cli
        for number in range(201, 207):     # of no telephone; the lab's own agents are static members
            cls.pbxd.call("agent.create", tenant=TENANT, server="main", name=f"agent-{number}", title=f"Agent {number}", interface=f"PJSIP/{TENANT}-{number}")
        soon(lambda: cls.pbxd.link()["driven"], "pbxd to drive this Asterisk")

    def call(self, operation, **fields):
        return self.pbxd.call(operation, tenant=TENANT, **fields)

    def members(self, agent):
        """What Asterisk itself says: queue → (paused, reason, penalty)."""
        with self.lab.ami(events="off") as ami:
            return {m.get("Queue").removeprefix(TENANT + "-"): (m.get("Paused") == "1", m.get("PausedReason") or "", int(m.get("Penalty")))
                    for m in ami.list("QueueStatus") if m.get("Event") == "QueueMember" and m.get("Location") == f"PJSIP/{TENANT}-{agent}"}

    def desired(self, agent):
        return {d["queue"]: d for d in self.call("agent.get", id=f"agent-{agent}")["desired"]}

    def asterisk(self, verb, agent, queue, **headers):
        with self.lab.ami(events="off") as ami:
            answer = ami.action(verb, Queue=f"{TENANT}-{queue}", Interface=f"PJSIP/{TENANT}-{agent}", **headers)
            self.assertEqual(answer.get("Response"), "Success", answer.get("Message"))


class Agents(Site):
    """Each test has an agent of its own."""

    def test_faces(self):
        states, answer = self.soap("agentLogin", id="agent-201", queues=["support", "sales"], penalty=3)
        self.assertEqual(states, ["confirmed"] * 3, answer)
        self.assertEqual(self.members(201), {"support": (False, "", 3), "sales": (False, "", 3)})
        self.call("pause_reason.create", name="lunch", title="Lunch", limit_minutes=30)
        try:
            began = time.monotonic()
            paused = self.xmlrpc("agent.pause", id="agent-201", queues=["support"], reason="lunch")
            took = time.monotonic() - began
            self.assertEqual(paused["state"], "confirmed", paused)
            self.assertEqual(self.members(201), {"support": (True, "lunch", 3), "sales": (False, "", 3)})
            print(f"\n    agent.pause by XML-RPC, confirmed by Asterisk's event after {took * 1000:.0f} ms", flush=True)
        finally:
            self.call("pause_reason.delete", id="lunch")
        self.assertIn("confirmed", self.cli("agent", "logout", "agent-201", "--queues", "support"))
        self.assertIn("confirmed", self.cli("agent", "login", "agent-201", "--queues", "vip"))
        self.assertEqual(self.members(201), {"sales": (False, "", 3), "vip": (False, "", 0)})
        with open(self.lab.state["queue_log"]) as f:
            log = f.read()
        for event in ("ADDMEMBER", "REMOVEMEMBER"):
            self.assertRegex(log, rf"\|{TENANT}-support\|{TENANT}-agent-201\|{event}\|")
        self.assertRegex(log, rf"\|{TENANT}-support\|{TENANT}-agent-201\|PAUSE\|lunch")

    def test_paused_from_the_start(self):
        """Asterisk 16 takes no reason when it adds a paused member: a second step gives it."""
        self.call("pause_reason.create", name="briefing", title="Briefing", billable=True)
        try:
            answer = self.call("agent.login", id="agent-202", queues=["support"], reason="briefing")
        finally:
            self.call("pause_reason.delete", id="briefing")
        self.assertEqual(answer["state"], "confirmed")
        soon(lambda: self.members(202)["support"] == (True, "briefing", 0), "paused with the reason", 3)
        self.assertEqual(self.call("agent.unpause", id="agent-202")["state"], "confirmed")
        self.assertEqual(self.members(202)["support"][0], False)

    def test_refused(self):
        self.pbxd.call("queue.create", tenant=TENANT, server="main", name="ghost", title="Not in Asterisk")
        answer = self.call("agent.login", id="agent-203", queues=["ghost"])
        self.assertEqual((answer["state"], answer["actions"][0]["reason"]), ("rejected", "Unable to add interface to queue: No such queue"))

    def test_static_members_stay(self):
        answer = self.call("agent.logout", id="agent-101", queues=["support"])
        self.assertEqual((answer["state"], answer["actions"][0]["reason"]), ("rejected", "Member not dynamic"))

    def test_another_hand(self):
        self.assertEqual(self.call("agent.login", id="agent-204", queues=["support"])["state"], "confirmed")
        self.asterisk("QueuePause", 204, "support", Paused="true", Reason="phone")
        soon(lambda: self.desired(204)["support"]["changed_by"] == "asterisk", "the pause to be taken over")
        self.assertEqual(self.members(204)["support"], (True, "phone", 0))
        self.lab.cli("queue", "remove", "member", f"PJSIP/{TENANT}-204", "from", f"{TENANT}-support")
        soon(lambda: not self.desired(204)["support"]["logged_in"], "the logout to be taken over")
        self.assertEqual(self.members(204), {})

    def test_zz_restart(self):
        """Members come back from Asterisk's own database without their penalty, which is set again; what is lost there is added again, paused as it was."""
        for agent in (205, 206):
            self.assertEqual(self.call("agent.login", id=f"agent-{agent}", queues=["support"])["state"], "confirmed")
        self.assertEqual(self.call("agent.set_penalty", id="agent-205", queues=["support"], penalty=7)["state"], "confirmed")
        self.assertEqual(self.call("agent.pause", id="agent-206")["state"], "confirmed")
        self.assertEqual(self.members(205)["support"], (False, "", 7))
        self.lab.restart_now()
        soon(lambda: self.members(205).get("support") == (False, "", 7), "the penalty to be set again")
        soon(lambda: not self.desired(205)["support"]["differs"], "the board to show it")
        self.assertEqual(self.desired(205)["support"]["changed_by"], "driver")
        # all members lost: nothing is left of them in Asterisk's database
        soon(lambda: self.pbxd.link()["state"] == "up", "pbxd to be connected again")
        self.lab.cli("database", "deltree", "Queue/PersistentMembers")
        soon(lambda: self.lab.persisted_members() == 0, "Asterisk's database to be without members")
        self.lab.kill()
        self.lab.start(die_with_parent=True)
        began = time.monotonic()
        soon(lambda: self.members(205).get("support") == (False, "", 7) and self.members(206).get("support") == (True, "", 0), "all to be back", 20)
        print(f"\n    back {time.monotonic() - began:.1f} s after Asterisk was up", flush=True)
        self.assertEqual(self.members(204), {})     # who was logged out by hand stays so
        self.assertEqual(self.pbxd.drift(), 0)


class Calls(Site):
    """With telephones: what is done to calls."""

    @classmethod
    def setUpClass(cls):
        if not shutil.which("sipp"):
            raise unittest.SkipTest("NOT RUN: sipp is not installed (scripts/setup asterisk)")
        super().setUpClass()
        cls.driver = Driver(cls.lab, cls.pbxd)
        cls.addClassCleanup(cls.driver.close)
        cls.driver.all_phones()
        with sqlite3.connect(f"{cls.folder}/pbxd/data/pbxd.sqlite") as db:
            db.execute("INSERT INTO outbound_rules SELECT id, 'o_1', 'prefix', '+1212', '', 1 FROM tenants WHERE name = ?", (TENANT,))
        cls.pbxd.call("did.create", tenant=TENANT, number="+12125550199", queue="support")

    def setUp(self):
        self.driver.mark()

    def tearDown(self):
        with self.lab.ami(events="off") as ami:
            ami.action("Hangup", Channel="/.*/")
        self.driver.lose_callers()

    def calls(self, state):
        return [c for c in self.pbxd.items("call.list", tenant=TENANT) if c["state"] == state]

    def start(self, state, called="1000", count=1):
        self.driver.phones.call(TENANT, called, count=count, number="2125550100", hold=40, rate=5)
        return soon(lambda: (found := self.calls(state)) and len(found) >= count and found, f"{count} calls {state}")

    def callers(self, queue):
        with self.lab.ami(events="off") as ami:
            return [(m.get("CallerIDNum"), m.get("Priority")) for m in ami.list("QueueStatus") if m.get("Event") == "QueueEntry" and m.get("Queue") == f"{TENANT}-{queue}"]

    def channels(self):
        with self.lab.ami(events="off") as ami:
            return [m.get("Exten") for m in ami.list("CoreShowChannels")]

    def test_hangup(self):
        (call,) = self.start("talking")
        answer = self.call("call.hangup", id=call["id"])
        self.assertEqual(answer["state"], "confirmed", answer)
        soon(lambda: not self.channels(), "no channel to be left")
        self.driver.expect("AgentComplete", 1, timeout=5)

    def test_transfer(self):
        (call,) = self.start("talking")
        soon(lambda: len([c for c in self.call("call.get", id=call["id"])["channels"] if c.get("bridge")]) == 2, "both to be in the bridge")
        answer = self.call("call.transfer", id=call["id"], extension="999")
        self.assertEqual((answer["state"], answer["actions"][0].get("reason")), ("rejected", "extension 999 does not exist there"))
        self.assertEqual(len(self.channels()), 2)     # nothing has happened
        answer = self.call("call.transfer", id=call["id"], extension="800")
        self.assertEqual(answer["state"], "confirmed", answer)
        self.driver.expect("BlindTransfer", 1, Result="Success", Extension="800")
        self.driver.expect("AgentComplete", 1, Reason="transfer")
        self.assertEqual(soon(lambda: len(self.channels()) == 1 and self.channels(), "the caller alone to be left"), ["800"])

    def test_waiting_callers(self):
        for agent in (101, 102):
            self.asterisk("QueuePause", agent, "support", Paused="true")
        try:
            first, second, third = sorted(self.start("waiting", count=3), key=lambda c: c["number"])
            soon(lambda: [n for n, _ in self.callers("support")] == [first["number"], second["number"], third["number"]], "the order of their coming")
            if OPTIONS.version == 16:
                with self.assertRaisesRegex(PbxdError, "unsupported.*does not move a caller who waits"):
                    self.call("queue.prioritise_caller", id=third["id"], priority=10)
            else:
                answer = self.call("queue.prioritise_caller", id=third["id"], priority=10)
                self.assertEqual(answer["state"], "confirmed", answer)
                self.assertEqual(self.callers("support"), [(third["number"], "10"), (first["number"], "0"), (second["number"], "0")])
            answer = self.call("queue.remove_caller", id=first["id"])
            self.assertEqual(answer["state"], "confirmed", answer)
            self.assertNotIn(first["number"], [n for n, _ in self.callers("support")])
            with open(self.lab.state["queue_log"]) as f:
                self.assertRegex(f.read(), r"\|WITHDRAW\|")
        finally:
            for agent in (101, 102):
                self.asterisk("QueuePause", agent, "support", Paused="false")

    def test_who_becomes_important_while_waiting(self):
        """Moved up as far as the queue's ceiling lets him, by whoever changed the table; Asterisk 16 moves nobody."""
        for agent in (101, 102):
            self.asterisk("QueuePause", agent, "support", Paused="true")
        try:
            first, second = sorted(self.start("waiting", count=2), key=lambda c: c["number"])
            soon(lambda: [n for n, _ in self.callers("support")] == [first["number"], second["number"]], "the order of their coming")
            self.call("queue.set_conditions", id="support", priority_ceiling=30)
            self.call("priority.add", number=second["number"], level=70, reason="asked twice")
            raised = [a for a in self.pbxd.items("action.list", tenant=TENANT) if a["kind"] == "queue.prioritise_caller" and a["call_id"] == second["id"]]
            if OPTIONS.version == 16:
                self.assertEqual(raised, [])
                self.assertEqual([n for n, _ in self.callers("support")], [first["number"], second["number"]])
            else:
                self.assertEqual(len(raised), 1)
                soon(lambda: self.callers("support") == [(second["number"], "30"), (first["number"], "0")], "him to be the first")
                soon(lambda: self.call("action.get", id=raised[0]["id"])["state"] == "confirmed", "that to be known", 5)
                # nobody else is moved, and he not again, once the board has read the new order
                soon(lambda: self.call("queue.status", id="support")["callers"][0]["call_id"] == second["id"], "the board to have the new order", 15)
                self.call("customer.set_status", number=second["number"], status="vip")
                self.call("priority.add", number="+12125550188", level=70)
                self.assertEqual(len([a for a in self.pbxd.items("action.list", tenant=TENANT) if a["kind"] == "queue.prioritise_caller" and a["created_at"] > raised[0]["created_at"]]), 0)
        finally:
            for agent in (101, 102):
                self.asterisk("QueuePause", agent, "support", Paused="false")

    # --- calls on request

    def talk(self):
        (call,) = self.start("talking")
        soon(lambda: len([c for c in self.call("call.get", id=call["id"])["channels"] if c.get("bridge")]) == 2, "both to be in the bridge")
        return call

    def recording(self, call):
        return self.call("call.get", id=call["id"])["channels"][0].get("recording")

    def confirmed(self, operation, **fields):
        answer = self.call(operation, wait_seconds=10, **fields)
        self.assertEqual(answer["state"], "confirmed", answer)
        return answer["actions"][0]

    def test_originate(self):
        """The agent's phone rings first; then our number is called, under the id that the action tells."""
        action = self.confirmed("call.originate", number="(212) 555-0101", agent="agent-103", caller_id="+12125550199")
        self.driver.expect("UserEvent", 1, timeout=5, UserEvent="Click", Tenant=TENANT, Number="+12125550101", Shown="+12125550199")
        self.assertEqual(action["detail"], "+12125550101")
        server, uniqueid = action["call_id"].split("/")
        call = soon(lambda: next((c for c in self.pbxd.items("call.list", tenant=TENANT) if c["id"] == action["call_id"] and c["state"] == "talking"), None), "the two to talk")
        self.assertEqual([c.get("agent") for c in self.call("call.get", id=call["id"])["channels"]][0], "agent-103")
        with self.lab.ami(events="off") as ami:
            self.assertIn(uniqueid, [m.get("Uniqueid") for m in ami.list("CoreShowChannels")])
        self.confirmed("call.hangup", id=call["id"])
        # of no telephone: Asterisk says so
        answer = self.call("call.originate", number="+12125550101", agent="agent-201", wait_seconds=10)
        self.assertEqual(answer["state"], "rejected", answer)
        self.assertIn("cannot be reached", answer["actions"][0]["reason"])
        for number in ("+19005550123", "+13105550101", "911", "+12125550199", "+12125550101&PJSIP/x"):     # the last but one is our own
            with self.assertRaisesRegex(PbxdError, "number"):
                self.call("call.originate", number=number, agent="agent-103")
        with self.assertRaisesRegex(PbxdError, "caller_id"):
            self.call("call.originate", number="+12125550101", agent="agent-103", caller_id="+12125550188")

    def test_record(self):
        call = self.talk()
        self.assertEqual(self.recording(call), "off")
        action = self.confirmed("call.record", id=call["id"], action="start")
        self.assertRegex(action["detail"], rf"^{TENANT}/\d{{4}}-\d\d-\d\d/[0-9A-Za-z-]+\.wav$")
        path = os.path.join(self.folder, "lab/spool/monitor", action["detail"])
        soon(lambda: os.path.exists(path), path)     # SIPp sends no sound: it stays empty
        self.assertEqual(self.recording(call), "on")
        self.assertEqual(self.call("call.record", id=call["id"], action="start")["actions"][0]["reason"], "it is recorded already")
        self.confirmed("call.record", id=call["id"], action="pause")
        self.assertEqual(self.recording(call), "paused")
        self.confirmed("call.record", id=call["id"], action="resume")
        self.confirmed("call.record", id=call["id"], action="stop")
        self.assertEqual(self.recording(call), "off")
        self.assertEqual(self.call("call.record", id=call["id"], action="stop")["actions"][0]["reason"], "it is not recorded")
        # what the dialplan or an admin began is not ours to stop
        other = self.talk_of_another()
        self.assertEqual(soon(lambda: self.recording(other) == "on" and "on", "the board to show it"), "on")
        answer = self.call("call.record", id=other["id"], action="stop")
        self.assertEqual((answer["state"], answer["actions"][0]["reason"]), ("rejected", "it is not recorded by pbxd"))

    def talk_of_another(self):
        """A second call, which somebody else records."""
        known = {c["id"] for c in self.calls("talking")}
        self.driver.phones.call(TENANT, "1000", count=1, number="2125550177", hold=40, rate=5)
        (call,) = soon(lambda: [c for c in self.calls("talking") if c["id"] not in known], "a second call")
        with self.lab.ami(events="off") as ami:
            channel = next(m.get("Channel") for m in ami.list("CoreShowChannels") if m.get("Uniqueid") == call["id"].split("/")[1])
            self.assertEqual(ami.action("MixMonitor", Channel=channel, File="theirs.wav").get("Response"), "Success")
        return call

    def test_monitor(self):
        """A supervisor's phone hears the agent's channel, and ends with it."""
        call = self.talk()
        with self.assertRaisesRegex(PbxdError, "agent: is required"):
            self.call("call.monitor", id=call["id"])
        idle = [agent for agent in (101, 102, 103) if f"agent-{agent}" != call["agent"]]
        for mode, agent in zip(("whisper", "barge"), idle):     # both at once
            action = self.confirmed("call.monitor", id=call["id"], mode=mode, agent=f"agent-{agent}")
            spy = action["call_id"].split("/")[1]
            with self.lab.ami(events="off") as ami:
                found = {m.get("Uniqueid"): m for m in ami.list("CoreShowChannels")}
            self.assertEqual((found[spy].get("Application"), found[spy].get("Channel").rpartition("-")[0]), ("ChanSpy", f"PJSIP/{TENANT}-{agent}"))
        self.driver.expect("ChanSpyStart", 2, timeout=5)
        self.confirmed("call.hangup", id=call["id"])
        soon(lambda: not self.channels(), "the listeners to be gone with the call")

    def test_move_caller(self):
        for agent in (101, 102):
            self.asterisk("QueuePause", agent, "support", Paused="true")
        try:
            (call,) = self.start("waiting")
            with self.assertRaisesRegex(PbxdError, "waits in support already"):
                self.call("queue.transfer_caller", id=call["id"], queue="support")
            self.confirmed("queue.transfer_caller", id=call["id"], queue="sales")
            self.assertEqual(self.callers("support"), [])
            self.assertEqual(self.callers("sales"), [(call["number"], "0")])
            # and on to one that serves him
            self.asterisk("QueueAdd", 103, "vip")
            self.confirmed("queue.transfer_caller", id=call["id"], queue="vip")
            self.driver.expect("AgentConnect", 1, timeout=10, Queue=f"{TENANT}-vip")
            self.asterisk("QueueRemove", 103, "vip")
        finally:
            for agent in (101, 102):
                self.asterisk("QueuePause", agent, "support", Paused="false")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("version", type=int, choices=(22, 16))
    parser.add_argument("--pbxd", required=True)
    parser.add_argument("--pbxctl")
    OPTIONS, rest = parser.parse_known_args()
    if not shutil.which("curl"):
        print("SKIPPED: curl is not installed")
        sys.exit(77)
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
