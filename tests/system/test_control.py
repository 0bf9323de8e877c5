#!/usr/bin/env python3
"""Agents by request, on every face: logged in and out, paused, moved, and what Asterisk says to it; who may do it to whom; and whose word counts when
another hand changes it in Asterisk."""
import json
import secrets
import sys
import time
import unittest

import os

import stack
import support
from faces import Fault
from support import attempt

sys.path.insert(0, os.path.join(stack.ROOT, "tests/asterisk"))
from lab.ami import Ami  # noqa: E402

S: stack.Stack
TENANT = "viatalk"


class Control(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.t = S.tenants[TENANT]
        cls.admin = cls.t.people["admin"]
        cls.ami = Ami(S.ami_port)
        with open(S.path("ami-pbxd")) as f:
            cls.ami.login("pbxd", f.read().strip(), events="off")
        cls.addClassCleanup(cls.ami.close)

    def call(self, operation, **params):
        return S.call(operation, self.admin, **params)

    def fresh_agent(self, number, department="service"):
        """Of a phone that the simulator has and the stack has not mapped; out of every queue."""
        name = f"agent-{number}"
        interface = f"PJSIP/{TENANT}-{number}"
        if not any(a["name"] == name for a in S.items("agent.list", self.admin)):
            self.call("agent.create", name=name, title=name, interface=interface, department=department)
        for queue in ("support", "sales", "vip"):
            self.ami.action("QueueRemove", Queue=f"{TENANT}-{queue}", Interface=interface)
        self.assertTrue(stack.wait(lambda: not self.call("agent.status", id=name)["logged_in"], 5, "the agent to be out of all queues"))
        return name

    def members(self, interface):
        """What Asterisk itself says: queue → (paused, reason, penalty)."""
        return {m.get("Queue").removeprefix(TENANT + "-"): (m.get("Paused") == "1", m.get("PausedReason"), int(m.get("Penalty")))
                for m in self.ami.list("QueueStatus") if m.get("Event") == "QueueMember" and m.get("Location") == interface}

    def confirmed(self, answer, actions=None):
        self.assertEqual(answer["state"], "confirmed", answer)
        for action in answer["actions"]:
            self.assertEqual(action["state"], "confirmed")
            self.assertIn("finished_at", action)
        if actions is not None:
            self.assertEqual(len(answer["actions"]), actions)
        return answer

    def desired(self, agent):
        return {d["queue"]: d for d in self.call("agent.get", id=agent)["desired"]}

    def test_every_face(self):
        agent = self.fresh_agent(109)
        interface = f"PJSIP/{TENANT}-109"
        api = support.catalogue.Catalogue(S).api
        json, xmlrpc, soap, cli = support.all_faces(S, api)
        began = time.monotonic()
        self.confirmed(soap.call("agent.login", {"id": agent, "queues": ["support", "sales"], "penalty": 2}, self.admin), 2)
        self.assertLess(time.monotonic() - began, 2)
        self.assertRegex(S.get("/metrics")[1], r'pbxd_actions_total\{kind="agent.login",outcome="confirmed"\} [1-9]')
        self.assertEqual(self.members(interface), {"support": (False, "", 2), "sales": (False, "", 2)})
        self.confirmed(xmlrpc.call("agent.pause", {"id": agent, "queues": ["support"]}, self.admin), 1)
        self.assertEqual(self.members(interface), {"support": (True, "", 2), "sales": (False, "", 2)})
        self.confirmed(json.call("agent.unpause", {"id": agent}, self.admin), 2)
        self.confirmed(json.call("agent.set_penalty", {"id": agent, "queues": ["sales"], "penalty": 9}, self.admin), 1)
        self.assertEqual(self.members(interface), {"support": (False, "", 2), "sales": (False, "", 9)})
        self.confirmed(cli.call("agent.logout", {"id": agent, "queues": ["support"]}, self.admin), 1)
        self.confirmed(cli.call("agent.login", {"id": agent, "queues": ["vip"]}, self.admin), 1)
        self.assertEqual(set(self.members(interface)), {"sales", "vip"})
        answer = self.confirmed(xmlrpc.call("agent.logout", {"id": agent}, self.admin), 2)
        self.assertEqual(self.members(interface), {})
        action = soap.call("action.get", {"id": answer["actions"][0]["id"]}, self.admin)
        self.assertEqual((action["kind"], action["agent"], action["login"], action["state"]), ("agent.logout", agent, "viatalk-admin", "confirmed"))
        self.assertEqual([d["logged_in"] or d["differs"] for d in self.desired(agent).values()], [False, False, False])
        # out of all: the next login takes the queues of before
        self.confirmed(json.call("agent.login", {"id": agent}, self.admin), 3)
        self.assertEqual(set(self.members(interface)), {"support", "sales", "vip"})
        self.assertEqual(self.members(interface)["sales"][2], 9)

    def test_first_login_takes_the_departments_queues(self):
        agent = self.fresh_agent(110)
        self.confirmed(self.call("agent.login", id=agent), 2)
        self.assertEqual(set(self.members(f"PJSIP/{TENANT}-110")), {"support", "vip"})

    def test_pause_reasons(self):
        t = S.tenants["dotblock"]
        admin = t.people["admin"]
        S.call("pause_reason.create", admin, name="lunch", title="Lunch", limit_minutes=30)
        S.call("pause_reason.create", admin, name="coaching", title="Coaching", billable=True)
        self.assertEqual([(r["name"], r["limit_minutes"], r["billable"]) for r in S.call("pause_reason.list", admin)["items"]],
                         [("coaching", 0, True), ("lunch", 30, False)])
        self.assertEqual([r["name"] for r in S.call("pause_reason.list", self.admin)["items"]], [])
        for params in ({}, {"reason": "smoking"}):
            token, fault = attempt(S.json, "agent.pause", {"id": "agent-104"} | params, admin)
            self.assertEqual((token, fault.field), ("invalid_argument", "reason"))
            self.assertIn("coaching, lunch", fault.text)
        self.confirmed(S.call("agent.login", admin, id="agent-104", queues=["support"]))
        self.confirmed(S.call("agent.pause", admin, id="agent-104", queues=["support"], reason="lunch"), 1)
        row = next(q for q in S.call("agent.status", admin, id="agent-104")["queues"] if q["queue"] == "support")
        self.assertEqual((row["paused"], row["paused_reason"], row["pause_exceeded"]), (True, "lunch", False))
        limit, since = (time.strptime(row[k][:19], "%Y-%m-%dT%H:%M:%S") for k in ("pause_limit_at", "paused_since"))
        self.assertEqual(time.mktime(limit) - time.mktime(since), 1800)
        S.call("pause_reason.update", admin, id="lunch", limit_minutes=0)
        row = next(q for q in S.call("agent.status", admin, id="agent-104")["queues"] if q["queue"] == "support")
        self.assertNotIn("pause_limit_at", row)
        S.call("pause_reason.delete", admin, id="lunch")
        self.confirmed(S.call("agent.unpause", admin, id="agent-104"))

    def test_who_may_do_it_to_whom(self):
        people = self.t.people
        self.confirmed(S.call("agent.pause", people["agent"], id="agent-101"))     # itself, in all its queues
        self.confirmed(S.call("agent.unpause", people["agent"], id="agent-101"))
        self.assertEqual(attempt(S.json, "agent.pause", {"id": "agent-102"}, people["agent"])[0], "not_found")
        self.assertEqual(attempt(S.json, "agent.set_penalty", {"id": "agent-101", "penalty": 0}, people["agent"])[0], "forbidden")
        self.assertEqual(attempt(S.json, "agent.pause", {"id": "agent-101"}, people["viewer"])[0], "forbidden")
        self.assertEqual(attempt(S.json, "agent.login", {"id": "agent-102"}, people["lead"])[0], "not_found")     # of another department
        self.assertEqual(attempt(S.json, "agent.login", {"id": "agent-103", "queues": ["support"]}, people["lead"])[0], "not_found")
        self.confirmed(S.call("agent.login", people["lead"], id="agent-103", queues=["sales"]))
        other = S.tenants["hostrocket"].people["admin"]
        agent = self.t.agents["agent-101"]
        for operation in ("agent.login", "agent.logout", "agent.pause", "agent.unpause"):
            self.assertEqual(attempt(S.json, operation, {"id": agent}, other)[0], "not_found")
        self.assertEqual(attempt(S.json, "agent.login", {"id": "agent-101", "queues": [self.t.queues["support"]]}, other)[0], "not_found")
        mine = self.call("action.list", agent="agent-103")["items"][0]
        self.assertEqual(attempt(S.json, "action.get", {"id": mine["id"]}, other)[0], "not_found")
        self.assertEqual(attempt(S.json, "action.get", {"id": mine["id"]}, people["agent"])[0], "not_found")
        self.assertNotIn(mine["id"], [a["id"] for a in S.items("action.list", people["agent"])])
        self.assertIn(mine["id"], [a["id"] for a in S.items("action.list", people["lead"])])

    def test_refused_with_asterisks_words(self):
        agent = self.fresh_agent(111)
        name = "n" + secrets.token_hex(4)
        self.call("queue.create", name=name, title="Not in Asterisk", department="service")
        answer = self.call("agent.login", id=agent, queues=[name])
        self.assertEqual(answer["state"], "rejected")
        self.assertEqual(answer["actions"][0]["reason"], "Unable to add interface to queue: No such queue")
        self.assertFalse(self.desired(agent)[name]["logged_in"])
        self.assertEqual(attempt(S.json, "agent.pause", {"id": agent}, self.admin)[0], "conflict")
        self.assertEqual(attempt(S.json, "agent.pause", {"id": agent, "queues": ["sales"]}, self.admin)[0], "conflict")
        self.call("queue.delete", id=name)

    def test_no_wait_and_the_key(self):
        agent = self.fresh_agent(112)
        key = secrets.token_hex(8)
        params = {"id": agent, "queues": ["support"], "wait_seconds": 0, "idempotency_key": key}
        first = self.call("agent.login", **params)
        self.assertIn(first["state"], ("accepted", "sent", "confirmed"))
        id = first["actions"][0]["id"]
        stack.wait(lambda: self.call("action.get", id=id)["state"] == "confirmed", 3, "the action to be confirmed")
        self.assertEqual(self.call("agent.login", **params)["actions"][0]["id"], id)
        self.assertEqual([a["id"] for a in self.call("action.list", key=key)["items"]], [id])
        self.assertEqual(attempt(S.json, "agent.login", params | {"queues": ["sales"]}, self.admin)[0], "conflict")
        # one that waited: its repetition tells the end
        params = {"id": agent, "idempotency_key": secrets.token_hex(8)}
        done = self.confirmed(self.call("agent.logout", **params))
        self.assertEqual(self.call("agent.logout", **params), done)

    def test_another_hand_is_taken_over(self):
        agent, interface = self.fresh_agent(103), f"PJSIP/{TENANT}-103"
        self.confirmed(self.call("agent.login", id=agent, queues=["support"]))
        self.ami.action("QueuePause", Queue=f"{TENANT}-support", Interface=interface, Paused="true", Reason="phone")
        stack.wait(lambda: self.desired(agent)["support"]["changed_by"] == "asterisk", 3, "the pause to be taken over")
        row = self.desired(agent)["support"]
        self.assertEqual((row["paused"], row["reason"], row["differs"]), (True, "phone", False))
        self.assertEqual(self.members(interface)["support"], (True, "phone", 0))
        # what is changed while no pbxd runs counts too
        S.stop_pbxd()
        self.ami.action("QueueRemove", Queue=f"{TENANT}-support", Interface=interface)
        S.start_pbxd()
        stack.wait(lambda: not self.desired(agent)["support"]["logged_in"], 5, "the logout to be taken over")
        self.assertNotIn("support", self.members(interface))

    def test_many_at_once(self):
        """40 requests about one agent at once: it ends as the last one wanted, and Asterisk with it."""
        agent, interface = self.fresh_agent(105, "sales"), f"PJSIP/{TENANT}-105"
        self.confirmed(self.call("agent.login", id=agent, queues=["support"]))
        for i in range(40):
            self.call("agent.pause" if i % 2 == 0 else "agent.unpause", id=agent, queues=["support"], wait_seconds=0)
        last = self.call("agent.set_penalty", id=agent, queues=["support"], penalty=4, wait_seconds=10)
        self.confirmed(last)
        stack.wait(lambda: all(a["state"] in ("confirmed", "rejected") for a in S.items("action.list", self.admin, agent=agent)), 10, "all to end")
        stack.wait(lambda: self.members(interface)["support"] == (False, "", 4), 5, "Asterisk to have it so")
        self.assertEqual(self.desired(agent)["support"]["changed_by"], "viatalk-admin")

    # --- calls: there are always more of them than agents

    def a_call(self, wanted, what):
        return stack.wait(lambda: next((c for c in S.items("call.list", self.admin) if wanted(c)), None), 20, what)

    def talking(self):
        return self.a_call(lambda c: c["state"] == "talking" and c.get("agent") and c.get("queue"), "a call that talks to an agent")

    def waiting(self, at_least=1):
        def look():
            for queue in self.t.queues:
                status = self.call("queue.status", id=queue)
                if status["counts"]["waiting"] >= at_least and status["callers"][-1]["wait_seconds"] > 0:
                    return queue, status["callers"]
            return None
        return stack.wait(look, 30, "callers who wait")

    def gone(self, id):
        return attempt(S.json, "call.get", {"id": id}, self.admin)[0] == "not_found"

    def test_hangup(self):
        call = self.talking()
        answer = self.confirmed(self.call("call.hangup", id=call["id"]), 1)
        self.assertEqual(answer["actions"][0]["call_id"], call["id"])
        stack.wait(lambda: self.gone(call["id"]), 3, "the call to be gone")
        self.assertEqual(attempt(S.json, "call.hangup", {"id": call["id"]}, self.admin)[0], "not_found")
        other = self.talking()
        for login, wanted in ((S.tenants["dotblock"].people["admin"], "not_found"), (self.t.people["viewer"], "forbidden")):
            self.assertEqual(attempt(S.json, "call.hangup", {"id": other["id"]}, login)[0], wanted)

    def test_transfer(self):
        call = self.talking()
        answer = self.call("call.transfer", id=call["id"], extension="999")
        self.assertEqual((answer["state"], answer["actions"][0].get("reason")), ("rejected", "extension 999 does not exist there"))
        for extension in ("1,2", "${X}", "12345678", "8 0", "*8", "\uff18"):
            self.assertEqual(attempt(S.json, "call.transfer", {"id": call["id"], "extension": extension}, self.admin)[0], "invalid_argument", extension)
        call = self.talking()
        self.confirmed(self.call("call.transfer", id=call["id"], extension="800"), 1)
        queue, callers = self.waiting()
        self.assertEqual(attempt(S.json, "call.transfer", {"id": callers[-1]["call_id"], "extension": "800"}, self.admin)[0], "conflict")

    def test_prioritise(self):
        queue, callers = self.waiting(at_least=3)
        last = callers[-1]
        self.confirmed(self.call("queue.prioritise_caller", id=last["call_id"], priority=50), 1)
        stack.wait(lambda: next((c["position"] for c in self.call("queue.status", id=queue)["callers"] if c["call_id"] == last["call_id"]), 1) == 1, 15, "the board to show the new order")
        self.assertEqual(attempt(S.json, "queue.prioritise_caller", {"id": last["call_id"], "priority": 101}, self.admin)[0], "invalid_argument")
        self.assertEqual(attempt(S.json, "queue.prioritise_caller", {"id": last["call_id"], "priority": 1}, self.t.people["agent"])[0], "forbidden")
        self.assertEqual(attempt(S.json, "queue.prioritise_caller", {"id": self.talking()["id"], "priority": 1}, self.admin)[0], "conflict")

    def test_remove_caller(self):
        queue, callers = self.waiting()
        self.confirmed(self.call("queue.remove_caller", id=callers[-1]["call_id"]), 1)
        self.assertNotIn(callers[-1]["call_id"], [c["call_id"] for c in self.call("queue.status", id=queue)["callers"]])

    # --- calls on request

    def allow(self, *prefixes):
        for prefix in prefixes:
            token, answer = attempt(S.json, "outbound_rule.create", {"value": prefix}, self.admin)
            self.assertIn(token, ("ok", "already_exists"), answer)

    def originate(self, number, agent, who=None, **params):
        return attempt(S.json, "call.originate", {"number": number, "agent": agent, "wait_seconds": 10} | params, who or self.admin)

    def test_originate(self):
        """An agent's phone is rung first; what may not be dialled is refused before anything is sent; caps hold; the switch holds for all."""
        agent = self.fresh_agent(107)
        for number in ("+19005550123", "911", "+881612345678", "+442071838750", "12,5", "anonymous"):
            self.assertEqual(self.originate(number, agent)[0], "invalid_argument", number)     # the tenant has no rule for +44 yet
        self.allow("+1", "+44")
        for number in ("+19005550123", "911", "+881612345678", "+449098790000", "12125550177,9", "+1212555\u20100177"):
            self.assertEqual(self.originate(number, agent)[0], "invalid_argument", number)
        self.assertEqual(self.originate("+12125550177", agent, caller_id="+12125550999")[0], "invalid_argument")     # not the tenant's
        self.assertEqual(self.originate("+12125550177", "agent-999")[0], "not_found")
        self.assertEqual(self.originate("+12125550177", agent, self.t.people["viewer"])[0], "forbidden")
        self.assertEqual(self.originate("+12125550177", agent, self.t.people["agent"])[0], "not_found")     # a colleague's phone
        before = self.call("system.outbound_status")["used_today"]
        # the simulated agent answers or not; either way Asterisk itself tells
        outcome, answer = self.originate("(212) 555-0177", agent)
        self.assertEqual(outcome, "ok")
        self.assertIn(answer["state"], ("confirmed", "rejected", "sent"), answer)
        self.assertEqual(answer["actions"][0]["detail"], "+12125550177")
        self.assertRegex(answer["actions"][0]["call_id"], "^main/pbxc-[a-z2-7]{20}$")
        self.assertEqual(self.call("system.outbound_status")["used_today"], before + 1)

    def test_a_phone_shows_nothing_that_is_not_the_tenants(self):
        """An extension, or a number that was the tenant's once: the trunk's is shown instead, and the call is made."""
        agent = self.fresh_agent(107)
        self.allow("+1")
        self.call("phone.create", agent=agent, extension="107")
        self.addCleanup(self.call, "phone.delete", id=agent)
        for n, (number, shown) in enumerate((("107", None), ("+12125550999", None), (self.t.numbers["did"], self.t.numbers["did"]))):
            S.sql(f"UPDATE phones SET caller_number = '{number}' WHERE extension = '107'")
            outcome, answer = self.originate(f"+1212555016{n}", agent)
            self.assertEqual(outcome, "ok", answer)
            id = answer["actions"][0]["id"]
            state, parameters = S.sql(f"SELECT state, HEX(parameters) FROM actions WHERE id = '{id}'")[0]
            self.assertIn(state, ("confirmed", "rejected", "sent"))
            self.assertEqual(json.loads(bytes.fromhex(parameters)).get("caller_id") or None, shown)

    def test_originate_is_capped(self):
        agent = self.fresh_agent(108)
        self.allow("+1310")
        for n in range(10):
            self.assertEqual(self.originate("+13105550188", agent, wait_seconds=0)[0], "ok", n)
        self.assertEqual(self.originate("+13105550188", agent, wait_seconds=0)[0], "too_many_requests")
        told = support.cap_alarms(S, TENANT, "+13105550188", 3)
        self.assertEqual(told, [("100 %", "+13105550188"), ("80 %", "+13105550188"), ("50 %", "+13105550188")])
        self.assertIn('pbxd_outbound_cap_alarms_total{cap="number",percent="100"} 1', S.get("/metrics")[1])
        self.assertIn('pbxd_outbound_cap_alarms_total{cap="tenant",percent="100"} 0', S.get("/metrics")[1])     # there before it counts
        self.assertIn("outbound.cap", S.log_text())
        self.assertNotIn("+13105550188", "".join(line for line in S.log_text().splitlines() if "outbound.cap" in line))

    def test_originate_is_stopped(self):
        agent = self.fresh_agent(109)
        self.allow("+1415")
        self.assertEqual(attempt(S.json, "system.outbound_stop", {}, self.admin)[0], "forbidden")
        S.call("system.outbound_stop", S.operator, reason="attack")
        try:
            outcome = self.originate("+14155550188", agent, wait_seconds=0)
            self.assertEqual(outcome[0], "conflict")
            S.stop_pbxd()
            S.start_pbxd()
            self.assertEqual(self.originate("+14155550188", agent, wait_seconds=0)[0], "conflict")     # a restart changes nothing
            status = self.call("system.outbound_status")
            self.assertEqual((status["stopped"], status["stops"][0]["reason"]), (True, "attack"))
        finally:
            S.call("system.outbound_resume", S.operator)
        self.assertEqual(attempt(S.json, "system.outbound_resume", {}, S.operator)[0], "not_found")
        stack.wait(lambda: self.originate("+14155550188", agent, wait_seconds=0)[0] == "ok", 10, "calls to be made again")

    def test_hostile_names(self):
        for text in ("support\r\nAction: Command", "a\nb", "sup,port", "${EXTEN}", "x&SIP/y", "support ", "\u2028"):
            for params in ({"queues": [text]}, {"reason": text}):
                with self.assertRaises(Fault) as refused:
                    self.call("agent.login", id="agent-106", **params)
                self.assertIn(refused.exception.token, ("invalid_argument", "not_found"), text)
        self.assertEqual(self.ami.action("Ping").get("Ping"), "Pong")


if __name__ == "__main__":
    support.run(lambda: stack.Stack(sim=("--speed", "1", "--agents", "36", "--concurrent", "60")))
