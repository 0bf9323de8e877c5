#!/usr/bin/env python3
"""places.py 22|16 --pbxd PROGRAM --pbxctl PROGRAM: whose turn it is, who is let into a queue and by which trunk a call goes, in the rendered dialplan on a real
Asterisk with pbxd (as dialplan.py). Exit code 77: cannot run here."""
import signal
import time

import callbacks_live
import dialplan
from lab.softphone import Softphone
from lab.wait import soon
from people import Asking
from render import SERVER, ident

SPARE = "127.0.0.31"        # of the second trunk
OFFERING = ("full", "empty", "support")


def seed(run, port):
    """A second trunk; queues that offer a callback: full takes one caller, empty nobody without an agent, support sends away as well."""
    run("INSERT INTO trunks (tenant_id, id, name, server, host, port, addresses, codecs, username, realm, digest, registers, caller_number, created_at) "
        "VALUES ('t_viatalk', 'l_viatalk2', 'spare', ?, ?, ?, ?, 'ulaw alaw', '', '', '', 0, '', 1)", SERVER, SPARE, port, SPARE)
    for queue in OFFERING:
        run("INSERT INTO queue_conditions (tenant_id, queue_id, priority_ceiling, callback_from_waiting) VALUES ('t_viatalk', ?, 100, 0)", ident("q", "viatalk", queue))
    run("INSERT INTO queue_settings (tenant_id, queue_id, strategy, ring_seconds, retry_seconds, max_waiting, weight, service_level_seconds, music_class, join_when, leave_when, agent_sound, "
        "position_every_seconds, periodic_sound, periodic_every_seconds) VALUES ('t_viatalk', ?, 'rrmemory', 10, 1, 0, 0, 20, 'default', 'logged_in', 'logged_in', '', 0, '', 60)",
        ident("q", "viatalk", "support"))


class People(Asking):
    """Callers who come, listen to the offer, and go."""

    def comes(self, caller, to="0100"):
        """He listens to the offer: (call, uniqueid, since)."""
        call, uniqueid, since = self.call(caller, to=to)
        self.reading(since, uniqueid, "offer")
        return call, uniqueid, since

    def joined(self, who):
        return self.event("QueueCallerJoin", since=who[2], Uniqueid=who[1])

    def impatient(self, who):
        """Another key than the one that is offered ends the offer."""
        time.sleep(0.2)
        who[0].press("5")
        self.joined(who)
        return who

    def asks_in_vain(self, who, meanwhile=lambda: None):
        """He presses 1 while he waits; nobody can store it, and he goes back. When his channel goes on is told."""
        self.database.sql("SET GLOBAL read_only = 1")
        try:
            who[0].press("1")
            self.reading(who[2], who[1], "confirm")
            meanwhile()
            mark = self.ami.mark()
            who[0].press("1")
            self.reading(mark, who[1], "unasked")
        finally:
            self.database.sql("SET GLOBAL read_only = 0")
        return mark

    def order(self, queue="sales"):
        with self.lab.ami(events="off") as ami:
            entries = [m for m in ami.list("QueueStatus", Queue=f"viatalk-{queue}") if m.get("Event") == "QueueEntry"]
        return [m.get("Uniqueid") for m in sorted(entries, key=lambda m: int(m.get("Position")))]

    def setUp(self):
        soon(lambda: not any(self.order(queue) for queue in (*OFFERING, "sales")), "nobody to wait")

    def refused(self, caller, to, why):
        """Told so in queue_log, and sorry."""
        call, uniqueid, since = self.comes(caller, to=to)
        time.sleep(0.2)
        call.press("5")
        self.event("Newexten", since=since, Uniqueid=uniqueid, Context="pbxd-go", Extension="sorry", Application="Playback")
        self.assertEqual([line.split("|")[4] for line in self.queue_log(0) if line.split("|")[1] == uniqueid], [why])
        call.hangup()


class Turns(People):
    """The offer takes three seconds before the queue: nobody is passed by that, and nobody passes."""

    def test_two_who_listen_to_the_offer_at_once(self):
        first, second = self.comes("16465550021"), self.comes("16465550022")
        self.joined(first)
        self.joined(second)
        self.assertEqual(self.order(), [first[1], second[1]])

    def test_who_listened_is_not_passed_when_those_before_him_leave(self):
        gone = [self.impatient(self.comes(f"1646555002{i}")) for i in (3, 4)]
        patient = self.comes("16465550025")
        for call, uniqueid, since in gone:
            call.hangup()
            self.event("QueueCallerLeave", since=since, Uniqueid=uniqueid)
        later = self.impatient(self.comes("16465550026"))
        self.joined(patient)
        self.assertEqual(self.order(), [patient[1], later[1]])

    def test_who_asked_in_vain_is_not_passed_meanwhile(self):
        before, asking = (self.impatient(self.comes(f"1646555002{i}")) for i in (7, 8))
        later = []

        def meanwhile():
            before[0].hangup()
            self.event("QueueCallerLeave", since=before[2], Uniqueid=before[1])
            later.append(self.impatient(self.comes("16465550029")))
        mark = self.asks_in_vain(asking, meanwhile)
        self.event("QueueCallerJoin", since=mark, Uniqueid=asking[1])
        self.assertEqual(self.order(), [asking[1], later[0][1]])

    def test_a_callback_asked_for_meanwhile_stands_behind_him(self):
        caller = self.comes("16465550030")
        time.sleep(0.5)
        id = self.pbxd.call("callback.request", tenant="viatalk", queue="sales", number="+16465550031")["id"]
        self.addCleanup(self.pbxd.call, "callback.cancel", tenant="viatalk", id=id)
        self.joined(caller)
        place = self.event("QueueCallerJoin", since=caller[2], Queue="viatalk-sales", Position="2")
        self.assertTrue(place.get("Uniqueid").startswith("pbxd-"), place)
        time.sleep(1)       # it would be placed anew by now, were it wrong
        self.assertEqual(self.order(), [caller[1], place.get("Uniqueid")])

    def test_while_pbxd_hangs_the_dialplan_counts_itself(self):
        first, second = self.comes("16465550032"), self.comes("16465550033")
        self.pbxd.process.send_signal(signal.SIGSTOP)
        try:
            self.joined(first)
            self.joined(second)
            self.assertEqual(self.order(), [first[1], second[1]])
        finally:
            self.pbxd.process.send_signal(signal.SIGCONT)


class LetIn(People):
    """max_waiting is for callers; and who was in once is let in again."""

    def placeholder(self, first="queue"):
        """As pbxd originates it, but that nobody is called when an agent has taken it. Its id is none of pbxd's, who would end it."""
        type(self).kept = getattr(self, "kept", 0) + 1
        channel, mark = f"kept-{self.kept}", self.ami.mark()
        variables = {"PBX_CB": "r_none", "PBX_CB_QUEUE": "viatalk-full", "PBX_CB_TENANT": "viatalk", "PBX_CB_POSITION": 1} | ({"PBX_CB_FIRST": "customer"} if first == "gate" else {})
        then = {"Application": "Wait", "Data": "30"} if first == "queue" else {"Context": "pbxd-callback-queue", "Exten": "s", "Priority": "1"}
        self.ami.action("Originate", Channel=f"Local/s@pbxd-callback-{first}/n", Async="true", Timeout="60000", ChannelId=channel, OtherChannelId=channel + "x", **then,
                        Variable=[f"__{k}={v}" for k, v in variables.items()])
        waits = channel + ("x" if first == "queue" else "")
        name = self.event("QueueCallerJoin", since=mark, Uniqueid=waits, Queue="viatalk-full").get("Channel")
        self.addCleanup(self.ami.action, "Hangup", Channel=name)
        return waits, name

    def only_callers_fill_it(self, first):
        kept, name = self.placeholder(first)
        one = self.impatient(self.comes("16465550041", to="0105"))
        self.assertEqual(self.order("full"), [kept, one[1]])
        self.refused("16465550042", "0105", "PBXFULL")
        self.phones.register({"viatalk-101": "answer"})
        mark = self.ami.mark()
        if first == "gate":
            self.ami.action("PlayDTMF", Channel=kept + "x", Digit="1")    # as the customer is heard
            self.event("QueueCallerJoin", since=mark, Uniqueid=kept)
        self.ami.action("QueueAdd", Queue="viatalk-full", Interface="PJSIP/viatalk-101", MemberName="Ann")
        self.addCleanup(self.ami.action, "QueueRemove", Queue="viatalk-full", Interface="PJSIP/viatalk-101")
        self.event("AgentConnect", since=mark, Uniqueid=kept)
        self.refused("16465550043", "0105", "PBXFULL")      # what is talking keeps no place: the one who waits does
        one[0].hangup()

    def test_only_callers_fill_a_queue(self):
        self.only_callers_fill_it("queue")

    def test_only_callers_fill_a_queue_customer_first(self):
        self.only_callers_fill_it("gate")

    def test_who_was_in_is_no_one_too_many(self):
        asking = self.impatient(self.comes("16465550044", to="0105"))
        later = []
        mark = self.asks_in_vain(asking, lambda: later.append(self.impatient(self.comes("16465550045", to="0105"))))
        self.event("QueueCallerJoin", since=mark, Uniqueid=asking[1], Position="1")
        self.refused("16465550046", "0105", "PBXFULL")

    def last_agent(self, queue, does):
        self.ami.action(does, Queue=f"viatalk-{queue}", Interface="PJSIP/viatalk-101", **({"MemberName": "Ann", "Paused": "true"} if does == "QueueAdd" else {}))

    def asks_while_the_last_agent_goes(self, queue, to, caller):
        self.phones.register({"viatalk-101": "answer"})
        self.last_agent(queue, "QueueAdd")
        self.addCleanup(self.last_agent, queue, "QueueRemove")
        asking = self.impatient(self.comes(caller, to=to))
        return asking, self.asks_in_vain(asking, lambda: self.last_agent(queue, "QueueRemove"))

    def test_who_was_in_waits_until_somebody_is_there_again(self):
        """The queue may not be joined without agents, and sends nobody away who is in."""
        asking, mark = self.asks_while_the_last_agent_goes("empty", "0103", "16465550047")
        self.event("MusicOnHoldStart", since=mark, Uniqueid=asking[1])
        self.assertEqual(self.order("empty"), [])
        self.last_agent("empty", "QueueAdd")
        self.event("QueueCallerJoin", since=mark, Uniqueid=asking[1])
        self.assertEqual([line for line in self.queue_log(0) if line.split("|")[1] == asking[1] and "PBXJOINEMPTY" in line], [])

    def test_who_was_in_is_told_where_all_were_sent_away(self):
        asking, mark = self.asks_while_the_last_agent_goes("support", "0199", "16465550048")
        self.event("Newexten", since=mark, Uniqueid=asking[1], Context="pbxd-go", Extension="sorry", Application="Playback")
        self.assertEqual([line.split("|")[4] for line in self.queue_log(0) if line.split("|")[1] == asking[1]][-1], "PBXJOINEMPTY")


class Trunks:
    """An agent's call goes to the next trunk when one has failed, not when somebody has said no."""

    def test_a_person_is_called_once(self):
        said = {"main": "", "spare": "486 Busy Here"}
        called = []

        def answers(trunk):
            return lambda call: (called.append(trunk), call.phone.refuse(call, said[trunk]))
        spare = Softphone(SPARE, self.lab.state["sip_port"], self.provider.port)
        self.addCleanup(spare.close)
        self.provider.on_call, spare.on_call = answers("main"), answers("spare")
        for answer, trunks in (("603 Decline", 1), ("486 Busy Here", 1), ("600 Busy Everywhere", 1), ("404 Not Found", 1), ("480 Temporarily Unavailable", 1), ("484 Address Incomplete", 1),
                               ("410 Gone", 1), ("503 Service Unavailable", 2), ("502 Bad Gateway", 2), ("500 Server Internal Error", 2)):
            called.clear()
            said["main"] = answer
            mark = self.ami.mark()
            self.ami.action("Originate", Channel="Local/6465559999@viatalk-agents/n", Application="Wait", Data=1, Async="true", Timeout=30000)
            ended = self.event("OriginateResponse", since=mark)
            self.assertEqual(called, ["main", "spare"][:trunks], f"{answer}: {ended}")


class Places(Turns, LetIn, Trunks, dialplan.Site):
    @classmethod
    def write(cls, etc, version, values, available):
        cls.trunk_port = values["SIP_PORT"] + 4
        super().write(etc, version, values, available)

    @classmethod
    def seed_more(cls, run):
        super().seed_more(run)
        seed(run, cls.trunk_port)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        soon(lambda: cls.pbxd.link()["driven"], "pbxd to drive this Asterisk", 20)


if __name__ == "__main__":
    callbacks_live.main(__doc__)
