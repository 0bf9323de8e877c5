"""MariaDB is killed under load and comes back (RELIABILITY F11): no request that was accepted is lost, what is refused is refused in words, the live board goes on from
AMI, and all is well again within ten seconds of its return, without a storm of connections. PBX_OUTAGE_SECONDS: how long it is away (15; scripts/soak database: 300)."""
import collections
import os
import secrets
import signal
import subprocess
import threading
import time
import unittest

import stack
import support
from faces import Fault, JsonFace

S: "AwayStack"
OUTAGE = float(os.environ.get("PBX_OUTAGE_SECONDS", "15"))
BACK = 10.0
REFUSALS = {"unavailable", "deadline_exceeded", "outcome_unknown"}


class Asker(threading.Thread):
    """Until `end` is set: asks, and keeps (when, seconds, outcome) of each."""

    def __init__(self, number):
        super().__init__(daemon=True)
        self.number, self.face, self.end = number, JsonFace(S.url), threading.Event()
        self.tenant = list(S.tenants.values())[number % 3]
        self.login = self.tenant.people["admin"]
        self.seen = []

    def run(self):
        while not self.end.wait(self.pause):
            began = time.monotonic()
            try:
                outcome = self.ask() or "ok"
            except Fault as fault:
                outcome = fault.token
            except OSError as error:
                outcome = str(error) or type(error).__name__
            self.seen.append((began, time.monotonic() - began, outcome))

    def during(self, first, last):
        return [s for s in self.seen if first <= s[0] <= last]


class Writer(Asker):
    pause = 0.02

    def __init__(self, number):
        super().__init__(number)
        self.accepted, self.refused = {}, {}      # number asked for → id; → (token, key)

    def ask(self):
        wanted, key = f"+1212{self.number + 2}{len(self.accepted) + len(self.refused):06}", secrets.token_hex(8)
        try:
            self.accepted[wanted] = self.face.call("callback.request", {"queue": "sales", "number": wanted, "idempotency_key": key}, self.login)["id"]
        except Fault as fault:
            self.refused[wanted] = fault.token, key
            raise
        return None


class Reader(Asker):
    """What a board on the wall asks for."""
    pause = 0.1

    def ask(self):
        queue = self.face.call("queue.status", {"id": "support"}, self.login)
        calls = self.face.call("call.list", {"limit": 100}, self.login)
        self.face.call("event.poll", {}, self.login)
        if queue["stale"] or calls["stale"]:
            return "stale"
        self.calls = getattr(self, "calls", set()) | {c["id"] for c in calls["items"]}
        return None


class Away(unittest.TestCase):
    def test_killed_under_load(self):
        writers, readers = [Writer(n) for n in range(4)], [Reader(n) for n in range(3)]
        for asker in writers + readers:
            asker.start()
        time.sleep(3)       # the load itself, not a wait for anything
        self.assertEqual({o for w in writers + readers for _, _, o in w.seen}, {"ok"})
        log_from, calls_before = os.path.getsize(S.log), set().union(*(r.calls for r in readers))
        gone = time.monotonic()
        S.kill_database()
        time.sleep(OUTAGE)
        # each request has a line or two of its own; what is said beside them must not grow with the load
        events = collections.Counter(line.split()[2] for line in S.log_text(log_from).splitlines() if len(line.split()) > 2)
        aside = {event: n for event, n in events.items() if not event.startswith(("http", "call.refused", "audit.unwritten"))}
        during = time.monotonic()
        S.start_database()
        back = time.monotonic()
        stack.wait(lambda: all(w.during(back, time.monotonic()) and w.seen[-1][2] == "ok" for w in writers), BACK, "every writer to be served again")
        served = time.monotonic() - back
        stack.wait(lambda: 'pbxd_asterisk_driven{asterisk="main"} 1' in S.get("/metrics")[1], BACK, "Asterisk to be driven again")
        time.sleep(2)
        for asker in writers + readers:
            asker.end.set()
        for asker in writers + readers:
            asker.join(30)

        told = collections.Counter(o for w in writers for _, _, o in w.during(gone, during))
        self.assertLessEqual(set(told) - {"ok"}, REFUSALS, told)      # "ok": answered in the moment before the end
        self.assertGreater(told["unavailable"], 10)
        self.assertEqual(S.get("/healthz")[0], 200)
        # nothing that was accepted is lost, and what was refused has left nothing behind
        accepted = {number: id for w in writers for number, id in w.accepted.items()}
        stored = {row["number"]: row["id"] for t in S.tenants.values() for row in S.items("callback.list", t.people["admin"], include_ended=True)}
        self.assertEqual({n: i for n, i in accepted.items() if stored.get(n) != i}, {})
        unknown = 0
        for w in writers:
            for number, (token, key) in w.refused.items():
                unknown += token != "unavailable"
                if token == "unavailable":
                    self.assertNotIn(number, stored)
            for number, (token, key) in list(w.refused.items())[:20]:
                # its key is free again, also of the request that was under way when the database died
                again = S.call("callback.request", w.login, queue="sales", number=number, idempotency_key=key)
                if token == "unavailable":
                    self.assertFalse(again["existing"], number)
        # the board goes on: nobody who reads is refused, and what is shown is today's
        shown = collections.Counter(o for r in readers for _, _, o in r.during(gone, during))
        slowest = max(took for r in readers for _, took, _ in r.during(gone, during))
        self.assertEqual(set(shown), {"ok"}, shown)
        self.assertGreater(shown["ok"], OUTAGE * 5)
        self.assertLess(slowest, 1.0)
        self.assertGreater(len(set().union(*(r.calls for r in readers)) - calls_before), 0, "no call began meanwhile")
        # no storm: MariaDB has counted since its start
        connections = int(S.sql("SHOW GLOBAL STATUS LIKE 'Connections'").split()[1])
        self.assertLess(connections, 60)
        self.assertLess(sum(aside.values()), 20 * OUTAGE + 50, events)
        print(f"\nMariaDB away for {during - gone:.0f} s: {len(accepted)} accepted, {sum(told.values()) - told['ok']} refused ({unknown} unknown), writers served {served:.1f} s after its "
              f"return, {connections} connections since, {shown['ok']} readings in between, the slowest {slowest * 1000:.0f} ms, {sum(aside.values())} lines in the log beside those of requests", flush=True)


class AwayStack(stack.Stack):
    def _start_mariadb(self):
        values = super()._start_mariadb()
        self._database_folder = os.path.dirname(values["socket"])
        return values

    def kill_database(self):
        os.kill(self._mariadb_pid, signal.SIGKILL)
        stack.wait(lambda: not os.path.exists(f"/proc/{self._mariadb_pid}"), 10, "MariaDB to be gone")
        self._mariadb_pid = None

    def start_database(self):
        subprocess.run([os.path.join(stack.ROOT, "tests/lib/mariadb-up"), self._database_folder, str(os.getpid())], stdout=subprocess.DEVNULL, timeout=60, check=True)
        with open(os.path.join(self._database_folder, "pid")) as f:
            self._mariadb_pid = int(f.read())

    def sql(self, statement):
        return subprocess.run(["mariadb", "--no-defaults", "-S", os.path.join(self._database_folder, "s"), "-u", "root", "-N", "-B", "pbx", "-e", statement], capture_output=True,
                              text=True, check=True, timeout=30).stdout


if __name__ == "__main__":
    support.run(lambda: AwayStack(backend="mariadb", sim=("--speed", "3", "--agents", "36", "--concurrent", "40"),
                                  settings={"calls": {"per_source_per_day": 100000, "per_tenant_per_day": 1000000}}))
