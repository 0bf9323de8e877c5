#!/usr/bin/env python3
"""call_flow.py 22|16 --pbxd PROGRAM --pbxctl PROGRAM: the call flow from end to end on a real Asterisk with MariaDB, three tenants in one continuous run.

Blocked, VIP, CRM status, closed, overflow; agents by each face; callbacks asked for by key in both modes, with their turn, retry and cancel. Then the board, queue_log
and our tables must agree, call by call. Then pbxd and MariaDB are taken away while calls flow: the delays are bounded and printed. Callers and agents are SIPp, those
who press keys or are called back telephones in Python (lab/softphone.py). Exit code 77: cannot run here (no SIPp, no MariaDB)."""
import argparse
import datetime
import os
import shutil
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dialplan  # noqa: E402
import render  # noqa: E402
from board.traffic import Traffic  # noqa: E402
from flow_site import LEFT, MODES, SERVED, Case, Site  # noqa: E402
from lab import TENANTS  # noqa: E402
from lab.wait import soon  # noqa: E402
from render import number  # noqa: E402

OPTIONS = None


class CallFlow(Site):
    """In their order of names: one run."""

    def test_a_agents_by_every_face(self):
        for tenant in TENANTS:
            self.op(tenant, "pause_reason.create", name="lunch", title="Lunch")
        for tenant, queues in (("viatalk", ["sales", "vip"]), ("hostrocket", ["sales"])):
            self.confirmed(*self.faces[tenant].soap("agentLogin", id="agent-101", queues=queues, wait_seconds=10))
            self.ledger.agent(tenant, 101, queues, "ADDMEMBER")
        self.pause("viatalk", True, ["sales", "vip"])
        self.pause("hostrocket", True, ["sales"])
        self.assertEqual(self.members(101), {"sales": (True, "lunch"), "vip": (True, "lunch")})
        # moved by CLI: he takes calls of sales after that
        cli = self.faces["dotblock"].cli
        for what, queue, event in (("login", "support", "ADDMEMBER"), ("logout", "support", "REMOVEMEMBER"), ("login", "sales", "ADDMEMBER")):
            self.assertIn("confirmed", cli("agent", what, "agent-101", "--queues", queue, "--wait-seconds", "10"))
            self.ledger.agent("dotblock", 101, [queue], event)
        # by codes of his phone
        self.assertEqual(self.op("viatalk", "agent.login", id="agent-102", queues=["support", "vip"], wait_seconds=10)["state"], "confirmed")
        self.ledger.agent("viatalk", 102, ["support", "vip"], "ADDMEMBER")
        for code, event, members in (("*12", "REMOVEMEMBER", None), ("*11", "ADDMEMBER", (False, "")), ("*1358", "PAUSE", (True, "lunch")), ("*14", "UNPAUSE", (False, ""))):
            self.assertIn(self.dial(code), ("done", "later"))
            soon(lambda: self.members() == ({q: members for q in ("support", "vip")} if members else {}), f"what {code} does")
            self.ledger.agent("viatalk", 102, ["support", "vip"], event)

    def test_b_every_tenant_has_its_own_way(self):
        self.agent_phone("dotblock", "answer")
        another_day = (datetime.date.today() + datetime.timedelta(days=3)).strftime("%A").lower()
        self.faces["hostrocket"].cli("hours", "create", "--name", "another-day", "--title", "Another day", "--week", f"{another_day} 09:00 10:00")
        self.op("hostrocket", "did.create", number="+" + number("hostrocket", "0109"), queue="sales", hours="another-day")
        full = self.caller("dotblock", "6465550290", 12, "0104")      # one waits: the next goes elsewhere
        self.ledger.routes["queued"] += 1
        self.event("QueueCallerJoin", Uniqueid=full)
        crm = Case("viatalk", "0100", "6465550301", "queued", "sales", LEFT)
        blocked, *_ = self.routed(
            Case("viatalk", "0100", "6465550200", "blocked", "", ("PBXBLOCKED",)),
            Case("hostrocket", "0100", "6465550200", "queued", "vip", LEFT, priority=7),
            Case("dotblock", "0100", "6465550200", "queued", "sales", SERVED, hold=5),
            Case("hostrocket", "0109", "6465550001", "closed", "", ("PBXCLOSED",), hold=10),
            Case("viatalk", "0101", "6465550001", "closed", "", ("PBXCLOSED",), hold=10),
            Case("dotblock", "0104", "6465550001", "overflowed", "support", ("PBXOVERFLOWED", *LEFT)),
            crm)
        self.ledger.call(full, "dotblock-busy", *LEFT)
        self.assertEqual(self.event("Hangup", Uniqueid=blocked).get("Cause"), "21")
        self.op("hostrocket", "did.update", id="+" + number("hostrocket", "0109"), hours="")
        # a status that the CRM pushes is in force for the next call; another tenant's is not
        self.faces["viatalk"].xmlrpc("customer.set_status", number="+16465550301", status="overdue")
        self.routed(crm._replace(why="diverted", queue="billing", log=("PBXDIVERTED", *LEFT)),
                    Case("hostrocket", "0109", "6465550301", "queued", "sales", LEFT))
        self.faces["viatalk"].soap("customerSetStatus", number="+16465550301", status="")
        self.routed(crm)
        self.at_rest()

    def test_c_a_vip_overtakes(self):
        self.agent_phone("viatalk", "hangup")
        self.faces["viatalk"].cli("priority", "add", "+16465550403", "--level", "50")
        calls = [self.waits("viatalk", f"646555040{i}") for i in (1, 2, 3)]
        self.assertEqual(self.waiting("viatalk"), order := [calls[2], calls[0], calls[1]])
        self.pause("viatalk", False, ["sales", "vip"])
        soon(lambda: len(self.served("viatalk")) == 3, "all to be served", 60)
        self.assertEqual(self.served("viatalk"), order)
        for call in calls:
            self.ledger.call(call, "viatalk-sales", *SERVED)
        self.at_rest()

    def test_d_callbacks_asked_by_key_keep_their_turn(self):
        """One agent, paused: A waits, B asks to be called back, C comes later. In both modes."""
        self.agent_phone("hostrocket", "hangup")
        self.pause("viatalk", True, ["sales", "vip"])
        for tenant, mode in MODES.items():
            self.op(tenant, "callback_policy.set", mode=mode, ring_seconds=15, retries=[{"outcome": "busy", "after_seconds": 4}])
            self.op(tenant, "queue.set_conditions", id="sales", callback_from_waiting=0)
            self.customer_talks(tenant)
        first = {tenant: self.waits(tenant, "6465550501") for tenant in MODES}
        asked = {tenant: self.asks_by_key(tenant, "16465550502")[1] for tenant in MODES}
        place = {tenant: self.placeholder(tenant) for tenant in MODES}
        time.sleep(2.1)     # who comes within two seconds of each other is served as it happens
        last = {tenant: self.waits(tenant, "6465550503") for tenant in MODES}
        self.assertEqual({t: self.waiting(t) for t in MODES}, order := {t: [first[t], place[t], last[t]] for t in MODES})
        self.assertEqual(self.dialled, {t: [] for t in MODES})
        self.pause("viatalk", False, ["sales", "vip"])
        self.pause("hostrocket", False, ["sales"])
        soon(lambda: all(len(self.served(t)) == 3 for t in MODES), "all to be served", 90)
        self.assertEqual({t: self.served(t) for t in MODES}, order)
        for tenant, id in asked.items():
            got = self.becomes(tenant, id, "done")
            self.assertEqual((got["outcome"], got["requested_by"]), ("reached", "queue"))
            for call in (first[tenant], last[tenant]):
                self.ledger.call(call, f"{tenant}-sales", *SERVED)
        self.assertEqual(self.dialled, {t: ["+16465550502"] for t in MODES})     # one INVITE each
        self.at_rest()

    def test_e_busy_is_tried_again(self):
        began, asked = {t: len(self.dialled[t]) for t in MODES}, {}
        for tenant in MODES:
            self.customer(tenant, lambda call: call.phone.refuse(call, "486 Busy Here"))
            asked[tenant] = self.request(tenant, "+16465550601")
        for tenant, id in asked.items():
            self.assertEqual(self.becomes(tenant, id, "retry_at")["outcome"], "busy")
            self.customer_talks(tenant)
        for tenant, id in asked.items():
            soon(lambda: len(self.dialled[tenant]) - began[tenant] == 2, "the second attempt", 30)
            self.assertGreater(self.dialled_at[tenant][-1] - self.dialled_at[tenant][-2], 3.5)
            self.assertEqual([h["outcome"] for h in self.becomes(tenant, id, "done")["history"]], ["busy", "reached"])
        self.at_rest()

    def test_f_cancelled_in_time_and_too_late(self):
        began, asked, ringing = {t: len(self.dialled[t]) for t in MODES}, {}, {}
        self.pause("viatalk", True, ["sales", "vip"])
        self.pause("hostrocket", True, ["sales"])
        for tenant in MODES:
            self.agent_phone(tenant, "answer")
            self.customer(tenant, lambda call, tenant=tenant: (call.phone.ring(call), ringing.__setitem__(tenant, call)))
        callers = {tenant: self.waits_by_telephone(tenant, "16465550701") for tenant in MODES}      # so that callbacks wait although nobody serves
        for tenant in MODES:
            asked[tenant] = self.request(tenant, "+16465550702")
            place = self.placeholder(tenant)
            self.assertEqual(self.op(tenant, "callback.cancel", id=asked[tenant])["result"], "cancelled")
            soon(lambda: place not in self.waiting(tenant), "the placeholder to be gone")
            asked[tenant] = self.request(tenant, "+16465550703")
        self.pause("viatalk", False, ["sales", "vip"])
        self.pause("hostrocket", False, ["sales"])
        for tenant in MODES:
            call, uniqueid = callers[tenant]
            self.event("AgentConnect", within=20, Uniqueid=uniqueid)
            call.hangup()
            self.ledger.call(uniqueid, f"{tenant}-sales", *SERVED)
            soon(lambda: tenant in ringing, "the customer's phone to ring", 40)
            self.assertEqual(self.op(tenant, "callback.cancel", id=asked[tenant])["result"], "too_late")
            ringing[tenant].answer()
            soon(lambda: len(self.served(tenant)) == 2, "the customer to have an agent", 20)
            self.becomes(tenant, asked[tenant], "connected")
            ringing[tenant].hangup()
            self.becomes(tenant, asked[tenant], "done")
            self.assertEqual(self.dialled[tenant][began[tenant]:], ["+16465550703"])
        self.at_rest()

    def test_g_all_agree(self):
        soon(lambda: self.database.sql("SELECT SUM(hits) FROM blocklist").strip() == "1", "the hits to be written")
        self.agree("after the scenario")
        metrics = self.pbxd.metrics()
        told = {line.partition('outcome="')[2].partition('"')[0]: int(float(line.rpartition(" ")[2])) for line in metrics.splitlines() if line.startswith("pbxd_routes_total{")}
        self.assertEqual({outcome: n for outcome, n in told.items() if n}, dict(self.ledger.routes))

    # --- pbxd and MariaDB are taken away while calls flow

    def until(self, by, within):
        """A call decided so; seconds that took."""
        mark, began = self.ami.mark(), time.monotonic()
        soon(lambda: any(d.by == by for d in self.traffic.decisions(mark)), f"a call to be decided by {by}", within)
        return time.monotonic() - began

    def mode(self, what, by, within, each=2):
        """`each` calls of every tenant that begin from now on; all decided so, and within so many seconds."""
        mark = self.ami.mark()

        def enough():
            done = [d for d in self.traffic.decisions(mark) if d.by]
            return all(sum(d.tenant == t for d in done) >= each for t in TENANTS) and done
        done = soon(enough, f"calls while {what}", 30 + within)
        slowest = max(d.seconds for d in done)
        print(f"\n    {OPTIONS.version} {what}: {len(done)} calls by {by}, slowest {slowest * 1000:.0f} ms (bound {within} s)", end="", flush=True)
        self.assertEqual([d for d in done if d.by != by or d.seconds > within], [])

    def test_h_pbxd_and_mariadb_are_taken_away(self):
        for tenant in MODES:
            self.op(tenant, "queue.set_conditions", id="sales")     # no offer, which takes as long as these callers have
        for tenant, queues in (("viatalk", ["sales", "vip"]), ("hostrocket", ["sales"]), ("dotblock", ["sales"])):
            self.pause(tenant, True, queues)
        self.customer_talks("viatalk")
        self.agent_phone("viatalk", "hangup")
        type(self).traffic = Traffic(self.ami, self.phones, {t: number(t, "0100") for t in TENANTS}, "6465551000", 2.5)
        asked = self.request("viatalk", "+16465550801")
        self.placeholder("viatalk")
        self.mode("all is well", "pbxd", 2)
        self.pbxd.stop()
        self.mode("pbxd is stopped by SIGTERM", "database", 2)
        self.run_pbxd()
        self.mode("pbxd is back", "pbxd", 2)
        os.kill(self.pbxd.process.pid, signal.SIGSTOP)
        self.mode("pbxd hangs (SIGSTOP)", "database", 5)
        os.kill(self.pbxd.process.pid, signal.SIGCONT)
        self.until("pbxd", 10)
        self.mode("pbxd goes on", "pbxd", 2)
        self.pbxd.process.kill()
        self.pbxd.process.wait()
        self.mode("pbxd is killed (-9)", "database", 2)
        os.kill(self.database.who["pid"], signal.SIGSTOP)
        try:
            self.mode("pbxd is gone and MariaDB hangs", "default", 4, each=8)
        finally:
            os.kill(self.database.who["pid"], signal.SIGCONT)
        print(f"\n    {OPTIONS.version} the database decides {self.until('database', 15):.1f} s after it goes on", end="")
        self.mode("MariaDB goes on", "database", 2)
        self.database.stop()
        self.mode("pbxd is gone and MariaDB is stopped", "default", 5)
        self.database.start()
        print(f"\n    {OPTIONS.version} the database decides {self.until('database', 15):.1f} s after it is back", end="")
        self.run_pbxd()
        self.mode("all is back", "pbxd", 2)
        self.assertEqual(self.traffic.stop(), {})
        # what was asked before all this is called, once
        soon(lambda: self.pbxd.link()["driven"], "pbxd to drive this Asterisk", 30)
        self.pause("viatalk", False, ["sales", "vip"])
        self.becomes("viatalk", asked, "done", 60)
        self.assertEqual(self.dialled["viatalk"][-1:], ["+16465550801"])
        self.at_rest()

    def test_i_all_agree_again(self):
        calls = self.traffic.decisions()
        self.assertEqual([d for d in calls if not d.by], [], "calls that nobody decided")
        self.assertEqual([d for d in calls if d.queue != ("support" if d.by == "default" else "sales")], [])
        for d in calls:
            self.ledger.call(d.call, f"{d.tenant}-{d.queue}", *LEFT)
        print(f"\n    {OPTIONS.version} {len(calls)} calls flowed meanwhile, slowest {max(d.seconds for d in calls):.2f} s", end="")
        self.agree("after pbxd and MariaDB were away")


def main():
    global OPTIONS
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", type=int, choices=(22, 16))
    parser.add_argument("--pbxd", required=True, type=os.path.abspath)
    parser.add_argument("--pbxctl", required=True, type=os.path.abspath)
    parser.add_argument("--keep", action="store_true", help="leave the folder with its logs")
    OPTIONS, rest = parser.parse_known_args()
    render.OPTIONS = dialplan.OPTIONS = OPTIONS
    if not shutil.which("sipp"):
        print("SKIPPED: no SIPp; run scripts/setup asterisk", file=sys.stderr)
        sys.exit(77)
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2, failfast=True)


if __name__ == "__main__":
    main()
