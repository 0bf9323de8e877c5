#!/usr/bin/env python3
"""dialplan.py 22|16 --pbxd PROGRAM --pbxctl PROGRAM: callbacks, the request by key and phone codes in the rendered dialplan, on a real Asterisk with pbxd.

The customers are telephones in Python behind the tenant's trunk (lab/softphone.py), the agents SIPp. Exit code 77: cannot run here (no SIPp, no MariaDB)."""
import argparse
import os
import re
import shutil
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import render  # noqa: E402
from lab.softphone import Softphone  # noqa: E402
from lab.wait import soon  # noqa: E402
from people import Asking, Codes  # noqa: E402
from render import SERVER, ident, number  # noqa: E402

OPTIONS = None
AGENT = "PJSIP/viatalk-101"
QUEUE = "viatalk-vip"      # of the agent; nobody serves the callers of sales
CUSTOMER = "+16465550042"
OUR_NUMBER = "+12125550123"
TOKEN = "0123456789abcdef0123456789abcdef"


class Site(render.Site):
    odbc = False

    @classmethod
    def start_provider(cls, address, port):
        return Softphone(address, cls.lab.state["sip_port"], port)

    def trunk(self, there):
        """The other side of the tenant's trunk goes away, and comes back."""
        self.provider.deaf = not there
        self.lab.cli("pjsip", "qualify", "viatalk-trunk-main")
        away = re.compile(r"Endpoint: +viatalk-trunk-main +Unavailable")
        soon(lambda: bool(away.search(self.lab.cli("pjsip", "show", "endpoint", "viatalk-trunk-main"))) != there, "Asterisk to see the trunk " + ("come" if there else "go"), 12)

    @classmethod
    def seed_more(cls, run):
        run("INSERT INTO queue_conditions (tenant_id, queue_id, priority_ceiling, callback_from_waiting) VALUES ('t_viatalk', ?, 100, 0)", ident("q", "viatalk", "sales"))
        run("INSERT INTO pause_reasons (tenant_id, id, name, title, limit_minutes, billable, created_at) VALUES ('t_viatalk', 'y_lunch', 'lunch', 'Lunch', 0, 0, 1)")

    def event(self, name, within=10, since=None, **wanted):
        """The first such event from there on; where none comes the test fails."""
        found = self.ami.wait(lambda m: m.get("Event") == name and all(m.get(k) == v for k, v in wanted.items()), within, self.since if since is None else since)
        self.assertIsNotNone(found, f"no {name} {wanted}")
        return found

    def row(self, columns, where):
        out = self.database.sql(f"SELECT {columns} FROM callbacks WHERE {where}").rstrip("\n")
        return out.split("\t") if out else None


class Asked(Asking):
    """A caller asks to be called back."""

    def test_asked_while_waiting_keeps_the_place(self):
        call, uniqueid, since = self.call("16465550001")
        joined = self.event("QueueCallerJoin", since=since, Uniqueid=uniqueid)
        time.sleep(1.2)     # what the place is worth
        call.press("1")
        self.event("QueueCallerLeave", since=since, Uniqueid=uniqueid)
        self.reading(since, uniqueid, "confirm")
        call.press("1")     # the number that he calls from
        self.variable(since, uniqueid, "PBX_CB_ASKED", "new")
        requested, by, queue = self.row("requested_at, requested_by, queue_id", "number = '+16465550001'")
        self.assertEqual((by, queue), ("queue", ident("q", "viatalk", "sales")))
        # the offer comes before the queue, and counts as waiting: some 3 s
        self.assertGreater(float(joined.get("Timestamp")) - int(requested) / 1e6, 1.0)
        self.assertLess(float(joined.get("Timestamp")) - int(requested) / 1e6, 6.0)
        self.assertTrue(call.wait("over", 10), "told, and hung up")
        self.assertEqual(self.logged(uniqueid), [["viatalk", "16465550001", number("viatalk", "0100"), "new", "16465550001"]])
        # once more, at the offer: the same callback
        call, uniqueid, since = self.call("6465550001")
        self.reading(since, uniqueid, "offer")
        call.press("1")
        self.reading(since, uniqueid, "confirm")
        call.press("1")
        self.variable(since, uniqueid, "PBX_CB_ASKED", "existing")
        self.assertEqual(self.row("COUNT(*)", "number = '+16465550001'"), ["1"])

    def test_who_hides_his_number_enters_one(self):
        call, uniqueid, since = self.call("16465550002", "P-Asserted-Identity: <sip:16465550002@127.0.0.11>\r\nPrivacy: id\r\n")
        self.reading(since, uniqueid, "offer")
        call.press("1")
        self.reading(since, uniqueid, "enter")
        for keys, prompt in (("77#", "wrong"), ("", "enter"), ("2125550177#", "confirm"), ("2", "enter"), ("2125550178#", "confirm"), ("1", "asked")):
            mark = self.ami.mark()
            call.press(keys)
            self.reading(mark, uniqueid, prompt)
        # read out digit by digit, so that any language can
        read = [m.get("AppData") for m in self.ami.messages[since:] if m.get("Event") == "Newexten" and m.get("Application") == "Read" and m.get("Uniqueid") == uniqueid]
        self.assertIn("PBX_PRESSED,vm-num-i-have&digits/2&digits/1&digits/2&digits/5&digits/5&digits/5&digits/0&digits/1&digits/7&digits/8&vm-tocallnum&vm-calldiffnum,1,,1,5", read)
        self.variable(since, uniqueid, "PBX_CB_ASKED", "new")
        self.assertEqual(self.row("COUNT(*)", "number = '+12125550178'"), ["1"])
        self.assertIsNone(self.row("id", "number IN ('+16465550002', '+12125550177')"))

    def waiting(self):
        with self.lab.ami(events="off") as ami:
            return [m.get("Uniqueid") for m in ami.list("QueueStatus", Queue="viatalk-sales") if m.get("Event") == "QueueEntry"]

    def test_without_an_answer_back_to_the_same_place(self):
        for callback in self.pbxd.items("callback.list", tenant="viatalk", queue="sales"):     # their placeholders would wait here, too
            self.pbxd.call("callback.cancel", tenant="viatalk", id=callback["id"])
        soon(lambda: not self.waiting(), "the queue to be empty")
        first, uniqueid, since = self.call("16465550003")
        self.event("QueueCallerJoin", since=since, Uniqueid=uniqueid)
        second, other, mark = self.call("16465550004")
        self.event("QueueCallerJoin", since=mark, Uniqueid=other, Position="2")
        self.database.sql("SET GLOBAL read_only = 1")
        try:
            first.press("1")
            self.reading(since, uniqueid, "confirm")
            mark = self.ami.mark()
            first.press("1")
            self.event("QueueCallerJoin", since=mark, Uniqueid=uniqueid, Position="1")
        finally:
            self.database.sql("SET GLOBAL read_only = 0")
        self.assertEqual([line[3] for line in self.logged(uniqueid)], ["unanswered"])
        self.assertEqual(self.waiting(), [uniqueid, other])


class Gate:
    """pbxd's own gate; the rows of an attempt as the engine leaves them, its Originate as lib/callbacks writes it."""
    attempt = 0

    def attempt_anew(self):
        self.since = self.ami.mark()
        type(self).attempt += 1
        self.id = f"r_abcdefgh234567z{'abcdefghijklmnopqrstuvwxyz'[self.attempt]}"
        self.channel = f"pbxd-{self.id[2:]}aaab"
        self.dialled = []

    def customer(self, what):
        """What becomes of each call that reaches the trunk."""
        def on_call(call):
            self.dialled.append((call.number, call.caller))
            what(call)
        self.provider.on_call = on_call

    def begin(self, agent="answer", key=0, mode="agent_first"):
        self.phones.register({"viatalk-101": agent})
        run = self.database.run
        run("DELETE FROM callback_policies")
        run("INSERT INTO callback_policies (tenant_id, queue_id, mode, max_dials, max_doubts, after_busy, expires_after, ring_seconds, ask_key, caller_id) "
            "VALUES ('t_viatalk', '', ?, 3, 1, 300, 3600, 20, ?, ?)", mode, key, OUR_NUMBER)
        now = int(time.time() * 1e6)
        run("INSERT INTO callbacks (tenant_id, id, queue_id, number, name, note, requested_by, state, attempt, dials, max_dials, doubts, requested_at, due_at, expires_at, state_at, open_key, "
            "server, startup, token, owner, epoch, beat, version) VALUES ('t_viatalk', ?, ?, ?, '', '', 'test', 'intent', 1, 0, 3, 0, ?, ?, ?, ?, ?, ?, '', ?, 'test', 1, 0, 3)",
            self.id, ident("q", "viatalk", "vip"), CUSTOMER, now, now, now + 3600_000_000, now, self.id, SERVER, TOKEN)
        run("INSERT INTO callback_attempts (tenant_id, callback_id, attempt, channel_id, server, begun_at, dial_status, hangup_cause) VALUES ('t_viatalk', ?, 1, ?, ?, ?, '', 0)",
            self.id, self.channel, SERVER, now)
        first, then = ("queue", "gate") if mode == "agent_first" else ("gate", "queue")
        variables = ({"PBX_CB_FIRST": "customer"} if first == "gate" else {}) | {"PBX_CB": self.id, "PBX_CB_ATTEMPT": 1, "PBX_CB_TOKEN": TOKEN, "PBX_CB_QUEUE": QUEUE, "PBX_CB_TENANT": "viatalk", "PBX_CB_POSITION": 1, "PBX_CB_PRIO": 5}
        self.ami.action("Originate", Channel=f"Local/s@pbxd-callback-{first}/n", Context=f"pbxd-callback-{then}", Exten="s", Priority="1", Async="true", Timeout="20000", ChannelId=self.channel,
                        OtherChannelId=self.channel + "x", Variable=[f"__{k}={v}" for k, v in variables.items()])

    def became(self):
        """(outcome, DIALSTATUS, cause) as reported, once it is settled."""
        def look():
            out = self.database.sql(f"SELECT outcome, dial_status, hangup_cause FROM callback_attempts WHERE callback_id = '{self.id}' AND outcome IS NOT NULL").split()
            return out or None
        out = soon(look, "the report", 15)
        self.event("Hangup", Uniqueid=self.channel)
        return out[0], out[1] if len(out) > 2 else "", int(out[-1])

    def test_answered(self):
        self.customer(lambda call: (call.phone.ring(call), call.answer(), time.sleep(0.5), call.hangup()))
        self.begin()
        connect = self.event("AgentConnect")
        self.assertEqual(connect.get("Uniqueid"), self.channel + "x")
        self.assertEqual(self.became(), ("reached", "ANSWER", 16))
        self.assertEqual(self.dialled, [(CUSTOMER, OUR_NUMBER)])
        join = self.event("QueueCallerJoin", Uniqueid=self.channel + "x")
        self.assertEqual(join.get("Queue"), QUEUE)
        self.assertEqual(self.event("VarSet", Uniqueid=self.channel + "x", Variable="QUEUE_PRIO").get("Value"), "05")

    def test_busy_then_refused(self):
        self.customer(lambda call: call.phone.refuse(call, "486 Busy Here"))
        self.begin()
        self.assertEqual(self.became(), ("busy", "BUSY", 17))
        self.assertEqual(len(self.dialled), 1)
        self.attempt_anew()
        self.customer(lambda call: call.phone.refuse(call, "603 Decline"))
        self.begin()
        self.assertEqual(self.became()[0], "declined")
        self.assertEqual(len(self.dialled), 1)     # and no second trunk is tried

    def test_the_agent_hangs_up_first(self):
        self.customer(lambda call: call.phone.ring(call))
        self.begin(agent="hangup")
        self.assertEqual(self.became()[:2], ("agent_gone", "CANCEL"))
        self.assertEqual(len(self.dialled), 1)

    def test_a_key_tells_a_person_from_a_machine(self):
        def person(call):
            call.answer()
            self.event("Newexten", Application="Read")
            time.sleep(0.3)
            call.press("1")
            self.event("BridgeEnter", Uniqueid=self.channel)
            call.hangup()
        self.customer(person)
        self.begin(key=1)
        self.assertEqual(self.became()[:2], ("reached", "ANSWER"))
        self.attempt_anew()

        def machine(call):
            call.answer()
            for _ in range(12):
                time.sleep(0.4)
                call.press("5")
        self.customer(machine)
        self.begin(key=1)
        self.assertEqual(self.became()[:2], ("machine", "ANSWER"))
        self.assertEqual(len(self.dialled), 1)

    def test_the_customer_first(self):
        """His place is kept, and an agent who is free is kept for it; he is dialled when pbxd says so."""
        self.pbxd.call("did.create", tenant="viatalk", number="+" + number("viatalk", "0108"), queue="vip")
        self.addCleanup(self.pbxd.call, "did.delete", tenant="viatalk", id="+" + number("viatalk", "0108"))
        def person(call):
            call.answer()
            self.event("Newexten", Application="Read")
            time.sleep(0.3)
            call.press("1")
            self.event("AgentConnect", Uniqueid=self.channel)
            call.hangup()
        self.customer(person)
        self.begin(key=1, mode="customer_first")
        self.event("QueueCallerJoin", Uniqueid=self.channel)
        later = self.provider.call(number("viatalk", "0108"), "16465550012")
        self.addCleanup(later.hangup)
        other = self.event("QueueCallerJoin", Queue=QUEUE, Position="2").get("Uniqueid")
        for _ in range(3):      # seconds in which the agent is free
            self.event("DTMFEnd", Uniqueid=self.channel + "x", since=self.press("0"))
            time.sleep(1)
        self.assertEqual(self.dialled, [])
        self.press("1")
        self.assertEqual(self.became()[:2], ("reached", "ANSWER"))
        self.assertEqual(len(self.dialled), 1)
        self.assertEqual(self.event("AgentConnect").get("Uniqueid"), self.channel)
        self.event("AgentConnect", Uniqueid=other)

    def test_the_customer_first_and_nobody_takes_him(self):
        """He is tried again: music is not what he was called for."""
        def impatient(call):
            call.answer()
            time.sleep(2)
            call.hangup()
        self.customer(impatient)
        self.begin(agent="busy", mode="customer_first")
        self.event("QueueCallerJoin", Uniqueid=self.channel)
        self.press("1")
        self.assertEqual(self.became()[:2], ("agent_gone", "ANSWER"))

    def test_without_a_trunk_no_agent_is_called_and_the_gate_not_asked(self):
        """pbxd's board would have kept it from that already; here the dialplan is alone."""
        self.customer(lambda call: call.phone.refuse(call, "486 Busy Here"))
        self.addCleanup(self.trunk, True)
        self.trunk(False)
        for mode in ("agent_first", "customer_first"):
            self.begin(mode=mode)
            self.assertEqual(self.event("OriginateResponse").get("Response"), "Failure", mode)
            mark = self.ami.mark()
            # the agent had answered before the trunk went
            self.ami.action("Originate", Channel="Local/s@pbxd-callback-gate/n", Application="Wait", Data="1", Async="true", Timeout="5000",
                            Variable=[f"__{k}={v}" for k, v in {"PBX_CB": self.id, "PBX_CB_ATTEMPT": 1, "PBX_CB_TOKEN": TOKEN, "PBX_CB_QUEUE": QUEUE, "PBX_CB_TENANT": "viatalk"}.items()])
            self.assertEqual(self.event("OriginateResponse", since=mark).get("Response"), "Failure")
            self.assertEqual([m.get("Event") for m in self.ami.messages[self.since:] if m.get("Event") in ("AgentCalled", "QueueCallerJoin")], [])
            self.assertEqual(self.row("state, dials", f"id = '{self.id}'"), ["intent", "0"])
            self.attempt_anew()
        self.assertEqual(self.dialled, [])

    def test_let_through_and_not_dialled_costs_nothing(self):
        self.customer(lambda call: call.phone.refuse(call, "486 Busy Here"))
        self.lab.cli("dialplan", "remove", "extension", "_+X.@viatalk-callback")
        self.addCleanup(self.lab.cli, "dialplan", "reload")
        self.begin()
        self.assertEqual(self.became()[:2], ("not_dialled", ""))
        self.assertEqual(self.row("state, dials", f"id = '{self.id}'"), ["retry_at", "0"])
        self.assertEqual(self.dialled, [])

    def press(self, key):
        """As pbxd does it."""
        mark = self.ami.mark()
        self.assertEqual(self.ami.action("PlayDTMF", Channel=self.channel, Digit=key).get("Response"), "Success")
        return mark

    def test_no_gate_no_call(self):
        """A token that is not the attempt's, a tenant that is none, pbxd's database away: nobody is dialled."""
        self.customer(lambda call: call.phone.refuse(call, "486 Busy Here"))
        global TOKEN
        right, TOKEN = TOKEN, "x" * 32
        try:
            variables = {"PBX_CB": "r_none", "PBX_CB_ATTEMPT": 1, "PBX_CB_TOKEN": TOKEN, "PBX_CB_QUEUE": QUEUE, "PBX_CB_TENANT": "viatalk"}
            for changed in ({}, {"PBX_CB_TENANT": "nobody"}, {"PBX_CB_TENANT": "viatalk-dial,+19005550000,1"}, {"PBX_CB": "r_${SHELL(id)}"}):
                mark = self.ami.mark()
                self.ami.action("Originate", Channel="Local/s@pbxd-callback-gate/n", Application="Wait", Data="1", Async="true", Timeout="5000",
                                Variable=[f"__{k}={v}" for k, v in (variables | changed).items()])
                self.assertEqual(self.event("OriginateResponse", since=mark).get("Response"), "Failure")
        finally:
            TOKEN = right
        self.assertEqual(self.dialled, [])


class Phone(Codes):
    """An agent's phone: codes; what pbxd originates with it."""

    def test_codes(self):
        soon(lambda: self.pbxd.link()["driven"], "pbxd to drive this Asterisk")
        self.assertEqual(self.dial("*11"), "refused")                       # in no queue before, and without a department
        self.assertEqual(self.pbxd.call("agent.login", tenant="viatalk", id="agent-102", queues=["support", "vip"])["state"], "confirmed")
        self.assertEqual(self.dial("*12"), "done")
        self.assertEqual(self.members(), {})
        self.assertEqual(self.dial("*11"), "done")
        self.assertEqual(self.members(), {"support": (False, ""), "vip": (False, "")})
        self.assertEqual(self.dial("*13"), "refused")                       # the tenant has a catalogue: a reason is needed
        self.assertEqual(self.dial("*1399"), "refused")
        self.assertEqual(self.dial("*1358"), "done")                        # LU
        self.assertEqual(self.members(), {"support": (True, "lunch"), "vip": (True, "lunch")})
        self.assertEqual(self.dial("*14"), "done")
        self.assertEqual(self.members(), {"support": (False, ""), "vip": (False, "")})
        actions = self.pbxd.items("action.list", tenant="viatalk", agent="agent-102")
        self.assertEqual({a["login"] for a in actions}, {"driver", "phone of agent-102"})
        audit = [a for a in self.pbxd.items("audit.list", tenant="viatalk") if a["via"] == "phone"]
        self.assertEqual({a["operation"] for a in audit}, {"agent.login", "agent.logout", "agent.pause", "agent.unpause"})

    def originate(self, channel, context, **variables):
        mark = self.ami.mark()
        self.ami.action("Originate", Channel=channel, Context=context, Exten="s", Priority="1", Async="true", Timeout="8000", Variable=[f"{k}={v}" for k, v in variables.items()])
        return mark

    def test_listening_and_calling(self):
        self.phones.register({"viatalk-101": "answer"})
        waiting = self.provider.call(number("viatalk", "0100"), "16465550009")
        self.addCleanup(waiting.hangup)
        spied = self.event("QueueCallerJoin").get("Channel")
        mark = self.originate(AGENT, "pbxd-monitor", PBX_SPY_CHANNEL=spied, PBX_SPY_OPTIONS="qEr(/tmp/x)")
        self.assertEqual(self.event("ChanSpyStart", since=mark).get("SpyeeChannel"), spied)
        self.assertEqual(self.event("Newexten", since=mark, Application="ChanSpy").get("AppData"), f"{spied},uqE")
        waiting.hangup()
        self.event("ChanSpyStop", since=mark)
        for channel in ("", "PJSIP/viatalk|x"):
            mark = self.originate(AGENT, "pbxd-monitor", PBX_SPY_CHANNEL=channel, PBX_SPY_OPTIONS="q")
            self.event("Newexten", since=mark, Context="pbxd-monitor", Application="Hangup")
        called = threading.Event()
        self.provider.on_call = lambda call: (called.set(), call.phone.refuse(call, "486 Busy Here"))
        self.originate(AGENT, "pbxd-click", PBX_CLICK_TENANT="viatalk", PBX_CLICK_NUMBER="+16465550077")
        self.assertTrue(called.wait(8))
        called.clear()
        for wrong in ({"PBX_CLICK_TENANT": "nobody"}, {"PBX_CLICK_NUMBER": "+1646&PJSIP/x"}, {"PBX_CLICK_NUMBER": "*11"}):
            mark = self.originate(AGENT, "pbxd-click", **({"PBX_CLICK_TENANT": "viatalk", "PBX_CLICK_NUMBER": "+16465550077"} | wrong))
            self.event("Newexten", since=mark, Context="pbxd-click", Application="Hangup")
        self.assertFalse(called.is_set())


class Requests:
    """What pbxd is asked for, through the rendered dialplan."""

    def confirmed(self, operation, **fields):
        answer = self.pbxd.call(operation, tenant="viatalk", wait_seconds=10, **fields)
        self.assertEqual(answer["state"], "confirmed", answer)
        return answer["actions"][0]

    def test_a_caller_is_moved(self):
        """To another queue; and back to where he waited, when that one does not take him."""
        soon(lambda: self.pbxd.link()["driven"], "pbxd to drive this Asterisk")
        call, uniqueid, since = self.call("16465550011")
        channel = self.event("QueueCallerJoin", since=since, Uniqueid=uniqueid, Queue="viatalk-sales").get("Channel")
        mark = self.ami.mark()
        with self.lab.ami(events="off") as ami:
            self.assertEqual(ami.action("QueueWithdrawCaller", Queue="viatalk-sales", Caller=channel, WithdrawInfo="100viatalk-empty").get("Response"), "Success")
        self.variable(mark, uniqueid, "QUEUESTATUS", "JOINEMPTY")
        self.event("QueueCallerJoin", since=mark, Uniqueid=uniqueid, Queue="viatalk-sales")
        soon(lambda: any(c["id"] == f"{SERVER}/{uniqueid}" and c["state"] == "waiting" for c in self.pbxd.items("call.list", tenant="viatalk")), "the board to have him")
        mark = self.ami.mark()
        self.confirmed("queue.transfer_caller", id=f"{SERVER}/{uniqueid}", queue="billing")
        self.event("QueueCallerJoin", since=mark, Uniqueid=uniqueid, Queue="viatalk-billing")
        self.assertEqual(call.state, "up")

    def test_a_caller_is_put_through_to_a_number(self):
        """Back to his queue when nobody answers there; where he does, the two talk. What may not be dialled is refused."""
        soon(lambda: self.pbxd.link()["driven"], "pbxd to drive this Asterisk")
        call, uniqueid, since = self.call("16465550012")
        self.event("QueueCallerJoin", since=since, Uniqueid=uniqueid, Queue="viatalk-sales")
        soon(lambda: any(c["id"] == f"{SERVER}/{uniqueid}" and c["state"] == "waiting" for c in self.pbxd.items("call.list", tenant="viatalk")), "the board to have him")
        for wrong, what in (({"number": "+19005551234"}, "premium"), ({}, "must be given"), ({"number": "+16465550078", "queue": "billing"}, "must be given")):
            with self.assertRaisesRegex(Exception, what):
                self.pbxd.call("queue.transfer_caller", tenant="viatalk", id=f"{SERVER}/{uniqueid}", **wrong)
        dialled = []
        self.provider.on_call = lambda call: (dialled.append(call.number), call.phone.ring(call), time.sleep(1), call.phone.refuse(call, "486 Busy Here"))
        mark = self.ami.mark()
        self.confirmed("queue.transfer_caller", id=f"{SERVER}/{uniqueid}", number="+16465550078")
        self.event("QueueCallerJoin", since=mark, Uniqueid=uniqueid, Queue="viatalk-sales")
        self.assertEqual(dialled, ["+16465550078"])
        soon(lambda: any(c["id"] == f"{SERVER}/{uniqueid}" and c["state"] == "waiting" for c in self.pbxd.items("call.list", tenant="viatalk")), "him to wait again")
        self.provider.on_call = lambda call: (dialled.append(call.number), call.answer())
        mark = self.ami.mark()
        self.confirmed("queue.transfer_caller", id=f"{SERVER}/{uniqueid}", number="+16465550079")
        self.event("BridgeEnter", since=mark, Uniqueid=uniqueid)
        self.assertEqual((dialled[1:], call.state), (["+16465550079"], "up"))

    def test_a_number_is_called_for_an_agent(self):
        soon(lambda: self.pbxd.link()["driven"], "pbxd to drive this Asterisk")
        self.phones.register({"viatalk-101": "answer"})
        called = threading.Event()
        self.provider.on_call = lambda call: (called.set(), call.phone.refuse(call, "486 Busy Here"))
        action = self.confirmed("call.originate", agent="agent-101", number="+16465550077")
        self.assertTrue(called.wait(8))
        self.event("Newexten", Uniqueid=action["call_id"].split("/")[1], Context="viatalk-dial", Application="Dial")


class Dialplan(Asked, Gate, Phone, Requests, Site):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ami.action("QueueAdd", Queue=QUEUE, Interface=AGENT, MemberName="Ann")
        cls.start_phone()

    def setUp(self):
        self.database.run("DELETE FROM callbacks")      # pbxd places what is open
        self.attempt_anew()


def main():
    global OPTIONS
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", type=int, choices=(22, 16))
    parser.add_argument("--pbxd", required=True)
    parser.add_argument("--pbxctl", required=True)
    parser.add_argument("--keep", action="store_true", help="leave the folder with its logs")
    OPTIONS, rest = parser.parse_known_args()
    render.OPTIONS = OPTIONS
    if not shutil.which("sipp"):
        print("SKIPPED: no SIPp; run scripts/setup asterisk", file=sys.stderr)
        sys.exit(77)
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)


if __name__ == "__main__":
    main()
