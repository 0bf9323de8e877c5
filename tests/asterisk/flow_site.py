"""The site of call_flow.py: three tenants on a rendered Asterisk, their people, and the agreement of board, queue_log and our tables."""
import time
from typing import NamedTuple

import dialplan
import render
from board import ledger
from board.driver import Driver
from board.faces import Faces
from lab import TENANTS, TRUNK_IP
from lab.wait import soon
from people import Asking, Codes
from render import number

MODES = {"viatalk": "agent_first", "hostrocket": "customer_first"}      # how each calls back
LEFT = ("ENTERQUEUE", "ABANDON")
SERVED = ("ENTERQUEUE", "CONNECT", "COMPLETE")


class Board(Driver):
    agents = (101, 102)


class Case(NamedTuple):
    """A call and where it must go; `log`: its events in queue_log, of that queue where no other is named."""
    tenant: str
    to: str
    caller: str
    why: str
    queue: str
    log: tuple
    priority: int = 0
    hold: float = 2.0


class Site(Codes, Asking, dialplan.Site):
    odbc = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ledger = ledger.Ledger()
        cls.start_phone()
        cls.providers = {"viatalk": cls.provider, "hostrocket": cls.start_provider(TRUNK_IP["hostrocket"], cls.provider.port)}
        cls.addClassCleanup(cls.providers["hostrocket"].close)
        cls.reach("hostrocket")
        cls.dialled, cls.dialled_at = ({tenant: [] for tenant in MODES} for _ in range(2))
        cls.faces = {tenant: Faces(cls.pbxd, tenant, render.OPTIONS.pbxctl, cls.folder) for tenant in TENANTS}
        cls.board = Board(cls.lab, cls.pbxd)
        cls.addClassCleanup(cls.board.close)
        soon(lambda: cls.pbxd.link()["driven"], "pbxd to drive this Asterisk", 30)

    @classmethod
    def seed_more(cls, run):
        """Nothing: what is more comes by operations."""

    @classmethod
    def write(cls, etc, version, values, available):
        super().write(etc, version, values, available)
        with open(cls.conf, "a", encoding="utf-8") as f:
            f.write("[board]\nreconcile_seconds = 5\n")

    def setUp(self):
        self.since = self.ami.mark()

    def op(self, tenant, operation, **fields):
        return self.pbxd.call(operation, tenant=tenant, **fields)

    # --- callers

    def caller(self, tenant, caller, hold=60.0, to="0100"):
        """A call by SIPp; its uniqueid."""
        mark = self.ami.mark()
        self.phones.call(tenant, number(tenant, to), number=caller, hold=hold)
        return self.arrived(tenant, caller, mark)

    def arrived(self, tenant, caller, mark):
        new = self.ami.wait(lambda m: m.get("Event") == "Newchannel" and (m.get("Channel") or "").startswith(f"PJSIP/{tenant}-trunk-main-")
                            and m.get("CallerIDNum") == caller, 15, mark)
        self.assertIsNotNone(new, f"the call of {caller} did not reach Asterisk")
        return new.get("Uniqueid")

    def waits(self, tenant, caller, hold=90.0, queue="sales"):
        """A caller who waits; his uniqueid."""
        call = self.caller(tenant, caller, hold)
        self.ledger.routes["queued"] += 1
        self.event("QueueCallerJoin", within=20, Uniqueid=call, Queue=f"{tenant}-{queue}")
        return call

    def routed(self, *cases):
        """All at once."""
        calls = [(case, self.caller(case.tenant, case.caller, case.hold, case.to)) for case in cases]
        for case, call in calls:
            self.event("Hangup", within=30, Uniqueid=call)
            why, target = (self.last(call, name) for name in ("PBX_WHY", "PBX_TARGET"))
            self.assertEqual((why, target), (case.why, f"{case.tenant}-{case.queue}" if case.queue else target), case)
            joined = [m.get("Queue") for m in self.ami.messages[self.since:] if m.get("Event") == "QueueCallerJoin" and m.get("Uniqueid") == call]
            self.assertEqual(joined, [f"{case.tenant}-{case.queue}"] if case.queue else [], case)
            if case.queue:
                self.assertEqual(int(self.last(call, "QUEUE_PRIO")), case.priority, case)
            self.ledger.routes[case.why] += 1
            self.ledger.call(call, f"{case.tenant}-{case.queue or 'support'}", *case.log)
        self.assertEqual(len(self.phones.reap(30)), sum(case.why == "blocked" for case in cases))    # SIPp calls a refusal a failure
        return [call for _, call in calls]

    def last(self, call, name):
        found = [m.get("Value") for m in self.ami.messages[self.since:] if m.get("Event") == "VarSet" and m.get("Uniqueid") == call and m.get("Variable") == name]
        return found[-1] if found else None

    # --- queues and agents

    def waiting(self, tenant, queue="sales"):
        entries = [m for m in self.ami.list("QueueStatus", Queue=f"{tenant}-{queue}") if m.get("Event") == "QueueEntry"]
        return [m.get("Uniqueid") for m in sorted(entries, key=lambda m: int(m.get("Position")))]

    def placeholder(self, tenant):
        return soon(lambda: next((u for u in self.waiting(tenant) if u.startswith("pbxd-")), None), f"a placeholder of {tenant} to wait", 20)

    def served(self, tenant, queue="sales"):
        return [m.get("Uniqueid") for m in self.ami.messages[self.since:] if m.get("Event") == "AgentConnect" and m.get("Queue") == f"{tenant}-{queue}"]

    def confirmed(self, states, answer):
        self.assertEqual(set(states), {"confirmed"}, answer)

    def pause(self, tenant, paused, queues):
        answer = self.faces[tenant].xmlrpc("agent.pause" if paused else "agent.unpause", id="agent-101", wait_seconds=10, **({"reason": "lunch"} if paused else {}))
        self.confirmed([answer["state"]], answer)
        self.ledger.agent(tenant, 101, queues, "PAUSE" if paused else "UNPAUSE")

    def agent_phone(self, tenant, behaviour):
        self.phones.register({f"{tenant}-101": behaviour})
        states = lambda: {m.get("Status") for m in self.ami.list("QueueStatus") if m.get("Event") == "QueueMember" and m.get("Location") == f"PJSIP/{tenant}-101"}
        soon(lambda: states() == {"1"}, f"the phone of {tenant}-101", 15)

    def at_rest(self):
        self.assertEqual(self.phones.reap(60), {})
        soon(lambda: not self.ami.list("CoreShowChannels"), "no channel to be left", 20)

    # --- callbacks

    def customer(self, tenant, what):
        def on_call(call):
            self.dialled[tenant].append(call.number)
            self.dialled_at[tenant].append(time.monotonic())
            what(call)
        self.providers[tenant].on_call = on_call

    def customer_talks(self, tenant):
        """Until the agent hangs up."""
        self.customer(tenant, lambda call: (call.phone.ring(call), time.sleep(0.3), call.answer()))

    def asks_by_key(self, tenant, caller):
        """Waits, presses 1, confirms his number; (uniqueid, the callback)."""
        mark = self.ami.mark()
        call, uniqueid = self.waits_by_telephone(tenant, caller)
        call.press("1")
        self.reading(mark, uniqueid, "confirm")
        call.press("1")
        self.variable(mark, uniqueid, "PBX_CB_ASKED", "new", within=15)
        self.assertTrue(call.wait("over", 15), "told, and hung up")
        self.ledger.call(uniqueid, f"{tenant}-sales", "ENTERQUEUE", "EXITWITHKEY", "PBXCALLBACK")
        return uniqueid, self.row("id", f"tenant_id = 't_{tenant}' AND number = '+{caller}'")[0]

    def waits_by_telephone(self, tenant, caller):
        """As waits(), for who hangs up when he is told to; (call, uniqueid)."""
        mark = self.ami.mark()
        call = self.providers[tenant].call(number(tenant, "0100"), caller)
        self.addCleanup(call.hangup)
        uniqueid = self.arrived(tenant, caller, mark)
        self.ledger.routes["queued"] += 1
        self.event("QueueCallerJoin", within=20, Uniqueid=uniqueid)
        return call, uniqueid

    def becomes(self, tenant, id, state, seconds=40):
        return soon(lambda: (row := self.op(tenant, "callback.get", id=id))["state"] == state and row, f"the callback of {tenant} to be {state}", seconds)

    def request(self, tenant, number):
        return self.op(tenant, "callback.request", queue="sales", number=number)["id"]

    # --- agreement

    def callbacks(self):
        """{channel in the queue: (queue, what queue_log must hold of it)}, by our tables."""
        out = {}
        rows = self.database.sql("SELECT c.tenant_id, a.channel_id, COALESCE(a.outcome, '') FROM callback_attempts a JOIN callbacks c ON c.tenant_id = a.tenant_id AND c.id = a.callback_id")
        for tenant_id, channel, outcome in (line.split("\t") for line in rows.splitlines()):
            tenant = tenant_id.removeprefix("t_")
            out[channel + ("x" if MODES[tenant] == "agent_first" else "")] = (f"{tenant}-sales", ledger.of_callback(MODES[tenant], outcome))
        return out

    def agree(self, label):
        """The board, Asterisk's queue_log and our tables, call by call."""
        lines = ledger.read(f"{self.lab.prefix}/log/queue_log")
        self.assertEqual(self.ledger.differences(lines, self.callbacks()), [])
        count = lambda tenant, event, *data: sum(line.event == event and line.queue.startswith(tenant + "-") and all(d in line.data for d in data) for line in lines)
        one = lambda statement: int(self.database.sql(statement) or 0)
        for tenant in TENANTS:
            self.assertEqual(one(f"SELECT COALESCE(SUM(hits), 0) FROM blocklist WHERE tenant_id = 't_{tenant}'"), count(tenant, "PBXBLOCKED"))
            self.assertEqual(one(f"SELECT COUNT(*) FROM callbacks WHERE tenant_id = 't_{tenant}' AND requested_by = 'queue'"), count(tenant, "PBXCALLBACK", "new"))
            self.assertEqual(one(f"SELECT COUNT(*) FROM callbacks WHERE tenant_id = 't_{tenant}' AND open_key IS NOT NULL"), 0)
            self.assertEqual(one(f"SELECT COALESCE(SUM(dials), 0) FROM callbacks WHERE tenant_id = 't_{tenant}'"), len(self.dialled.get(tenant, [])))
            for kind, event in (("login", "ADDMEMBER"), ("logout", "REMOVEMEMBER"), ("pause", "PAUSE"), ("unpause", "UNPAUSE")):
                self.assertEqual(one(f"SELECT COUNT(*) FROM actions WHERE tenant_id = 't_{tenant}' AND kind = 'agent.{kind}' AND state = 'confirmed'"), count(tenant, event), f"{tenant} {event}")
            for agent in (101, 102):
                self.assertEqual([d for d in self.op(tenant, "agent.get", id=f"agent-{agent}")["desired"] if d["differs"]], [])
        self.board.pbxd = self.pbxd
        shown = self.board.check_refreshed(label)      # pbxd's board is Asterisk's, field by field
        taken = {(queue, member["name"]): member["calls_taken"] for queue, q in shown["queues"].items() for member in q["members"].values()}
        served = ledger.served(lines)
        self.assertEqual(taken, {key: served[key] for key in taken})
        print(f"\n    {label}: {len(self.ledger.calls)} calls, {len(self.callbacks())} attempts of callbacks, {sum(line.event.startswith('COMPLETE') for line in lines)} served, {len(lines)} lines of queue_log", flush=True)
