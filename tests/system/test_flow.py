#!/usr/bin/env python3
"""The call flow with pbxsim in Asterisk's place: each of its calls is asked for by FastAGI, and callbacks are placed, as the demo shows it. People act five times
as fast. What a real Asterisk does is tested in tests/asterisk; this shows that the simulator and pbxd play together, and what becomes of it when pbxd goes away."""
import os
import re
import sys
import time
import unittest

import stack
import support

sys.path.insert(0, os.path.join(stack.ROOT, "tests/asterisk"))
from lab.ami import Ami  # noqa: E402

S: stack.Stack


def soon(condition, what, seconds=60):
    return stack.wait(condition, seconds, what)


class Flow(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.viatalk = S.tenants["viatalk"].people["admin"]
        op = S.operator
        # The numbers that its callers have (examples/simulator/companies.hpp).
        S.call("did.create", op, tenant="viatalk", number="+12015550101", title="Support", queue="support")
        S.call("did.create", op, tenant="viatalk", number="+12015550110", title="Sales", queue="sales")
        S.call("blocklist.add", op, tenant="viatalk", number="+12125550123", reason="toner")
        S.call("priority.add", op, tenant="viatalk", number="+12015550142", level=70, queue="vip", reason="outage")
        S.call("queue.set_conditions", op, tenant="viatalk", id="support", callback_from_waiting=0)
        S.call("routing.update", op, tenant="viatalk", default_queue="support", blocked={"kind": "hang_up"})

    def call(self, operation, **params):
        return S.call(operation, self.viatalk, **params)

    def routed(self):
        """outcome → how often, of all calls that were asked for."""
        found = {}
        for line in S.get("/metrics")[1].splitlines():
            if line.startswith("pbxd_routes_total{"):
                found[line.split('"')[1]] = int(float(line.rpartition(" ")[2]))
        return found

    def callbacks(self, **params):
        return S.items("callback.list", self.viatalk, include_ended=True, **params)

    def becomes(self, id, *states, seconds=60):
        return soon(lambda: (row := self.call("callback.get", id=id))["state"] in states and row, f"the callback to be {states}", seconds)

    def request(self, number, queue="support"):
        return self.call("callback.request", queue=queue, number=number, name="Hudson Dental")["id"]

    def test_a_calls_are_asked_for(self):
        soon(lambda: self.routed().get("queued", 0) > 5, "calls to be queued")
        soon(lambda: next(row for row in self.call("blocklist.list")["items"] if row["number"] == "+12125550123")["hits"] > 0, "the blocked caller's hit")
        # the preferred one is sent to vip, with his level
        soon(lambda: "target=viatalk-vip" in S.log_text(), "the preferred caller in vip", 90)

    def test_b_callbacks_are_placed_and_come_to_an_end(self):
        ids = [self.request(f"+1201555030{n}") for n in range(6)]
        for id in ids:
            row = self.becomes(id, "done", "retry_at", "failed", seconds=120)      # it has its turn, and agents have calls
            self.assertEqual(row["attempts"], 1, row)
            self.assertIn(row["outcome"], ("reached", "busy", "no_answer", "agent_gone"), row)
            # one that stood wrong is placed anew: an attempt that dialled nobody
            reports = [attempt["dial_status"] for attempt in row["history"] if attempt["dial_status"]]
            self.assertEqual(reports, [{"reached": "ANSWER", "busy": "BUSY", "no_answer": "NOANSWER", "agent_gone": "CANCEL"}[row["outcome"]]], row)
        reached = soon(lambda: [c for c in self.callbacks() if c["state"] == "done" and c.get("outcome") == "reached"], "one to be reached")
        self.assertTrue(reached)

    def test_b_customer_first(self):
        """The placeholder keeps the place before anybody is dialled; somebody is reached, by the key and by an agent."""
        self.call("callback_policy.set", queue="sales", mode="customer_first", ask_key=True, ring_seconds=10)
        self.addCleanup(self.call, "callback_policy.unset", queue="sales")
        said = {"reached": ("ANSWER",), "machine": ("ANSWER",), "busy": ("BUSY",), "no_answer": ("NOANSWER",), "agent_gone": ("ANSWER", "CANCEL")}
        for attempt in range(3):     # of four people nobody may be reached, of twelve hardly ever
            open_ones = {self.request(f"+120155504{attempt}{n}", "sales") for n in range(4)}
            asked, kept, rows = set(open_ones), set(), []

            def all_over():
                kept.update(c["callback"] for c in self.call("queue.status", id="sales")["callers"] if c.get("callback"))
                for row in [self.call("callback.get", id=id) for id in open_ones]:
                    if row["state"] in ("done", "retry_at", "failed"):
                        open_ones.remove(row["id"])
                        rows.append(row)
                        self.call("callback.cancel", id=row["id"])     # nobody is called a second time
                return not open_ones
            soon(all_over, "each to have had its turn", 90)
            for row in rows:
                self.assertEqual(row["attempts"], 1, row)
                reports = [h["dial_status"] for h in row["history"] if h["dial_status"]]
                self.assertEqual(len(reports), 1, row)
                self.assertIn(reports[0], said[row["outcome"]], row)
            self.assertTrue(kept & asked, "none was seen in its place on the board")
            if any(row["outcome"] == "reached" for row in rows):
                return
        self.fail("nobody was reached")

    def test_c_callers_ask_while_they_wait(self):
        asked = soon(lambda: [c for c in self.callbacks() if c["requested_by"] == "queue"], "a caller to ask for a callback", 90)
        self.assertTrue(all(re.fullmatch(r"\+1\d{10}", c["number"]) for c in asked), asked)

    def test_d_cancelled_while_it_waits(self):
        """Nobody serves support: the placeholder waits as soon as a caller does, and is taken away."""
        with Ami(S.ami_port) as ami:
            with open(S.path("ami-pbxd")) as f:
                ami.login("pbxd", f.read().strip(), events="off")

            def pause(paused):
                for member in [m for m in ami.list("QueueStatus", Queue="viatalk-support") if m.get("Event") == "QueueMember"]:
                    ami.action("QueuePause", Queue="viatalk-support", Interface=member.get("Location"), Paused=paused)
            pause("true")

            def waiting():
                return {m.get("Uniqueid") for m in ami.list("QueueStatus", Queue="viatalk-support") if m.get("Event") == "QueueEntry"}
            soon(lambda: any(not u.startswith("pbxd-") for u in waiting()), "a caller to wait")
            S.call("queue.set_conditions", S.operator, tenant="viatalk", id="support")     # nobody is offered one any more
            id = self.request("+12015550320")

            def placeholder_alone():
                """While nobody serves one placeholder waits, that of the first: who asked before gives way."""
                for other in self.call("callback.list", queue="support", limit=500)["items"]:
                    if other["id"] != id:
                        self.call("callback.cancel", id=other["id"])
                return next((u for u in waiting() if u.startswith(f"pbxd-{id[2:]}")), None)
            placeholder = soon(placeholder_alone, "the placeholder to wait")
            self.assertEqual(self.call("callback.cancel", id=id)["result"], "cancelled")
            soon(lambda: placeholder not in waiting(), "the placeholder to be gone", 10)
            pause("false")
        self.assertEqual(self.call("callback.get", id=id)["state"], "cancelled")

    def test_e_listening_and_recording(self):
        def recorded():
            """The last that began to talk; another one where it has ended meanwhile."""
            talking = [c for c in self.call("call.list", limit=500)["items"] if c["state"] == "talking" and c.get("agent")]
            for call in sorted(talking, key=lambda c: c["started_at"], reverse=True)[:1]:
                outcomes = [support.attempt(S.json, "call.record", {"id": call["id"], "action": action, "wait_seconds": 5}, self.viatalk) for action in ("start", "stop")]
                return all(seen == "ok" and answer["state"] == "confirmed" for seen, answer in outcomes)
        soon(recorded, "a call to be recorded, and not any more")

    def test_f_without_pbxd_calls_go_on(self):
        start = time.monotonic()
        S.stop_pbxd()
        S.start_pbxd()
        self.assertLess(time.monotonic() - start, 60)
        soon(lambda: self.routed().get("queued", 0) > 3, "calls to be asked for again")
        self.assertEqual(S.simulator.poll(), None)


if __name__ == "__main__":
    support.run(lambda: stack.Stack(agi=True, sim=("--speed", "5", "--agents", "45")))
