#!/usr/bin/env python3
"""FastAGI of a running pbxd, asked as Asterisk asks: the case table, who is answered and who is not, hostile requests, a database that stops, renewed
tokens, hits of the blocklist. Each on the backend of $PBX_BACKEND.

The queues of the case table stand on [asterisk.lab], which has no board, so that the cases that need one run elsewhere (tests/unit/daemon/agi_test.cpp, over
the same server and database, with the board put there); the time of the others is set by Debian's faketime.
"""
import glob
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import agi_client
import stack

sys.path.insert(0, os.path.join(stack.ROOT, "tests/lib"))
import route_cases  # noqa: E402

FAKETIME = next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), None)
TENANT, DIALLED, PLAIN, BLOCKED = "viatalk", "+12125550102", "+13125550000", "+13125550666"   # a DID without hours; the block entry "exact"
S = None


class AgiStack(stack.Stack):
    def __init__(self):
        folder = tempfile.mkdtemp(prefix="pbx-agi-")
        super().__init__(folder=folder, tenants=False)
        self.settings = {"agi": {"port": 0},
                         "asterisk.lab": {"port": 1, "secret_file": self.path("ami-lab"), "agi_token_file": self.path("token-lab")},
                         "asterisk.main": {"agi_token_file": self.path("token-main")}}
        self._write("ami-lab", secrets.token_urlsafe(18) + "\n")
        self.tokens = {server: self.write_token(server) for server in ("lab", "main")}

    def __exit__(self, *_):
        super().__exit__()
        shutil.rmtree(self.folder, ignore_errors=True)

    def write_token(self, server, token=None):
        token = token or secrets.token_hex(32)
        self._write(f"token-{server}", token + "\n")
        return token

    def start_pbxd(self):
        start = os.path.getsize(self.log) if os.path.exists(self.log) else 0
        super().start_pbxd()
        self.agi_port = int(re.search(r" agi\.listening address=127\.0\.0\.1 port=(\d+)", self.log_text(start))[1])

    def ask(self, caller=PLAIN, dialled=DIALLED, tenant=TENANT, server="lab", **more):
        return agi_client.ask(self.agi_port, self.tokens[server], tenant, caller, dialled, **more)

    def await_answers(self):
        """The directory is read each second: until then a tenant that came by SQL is unknown."""
        return stack.wait(lambda: self.ask(), 20, "FastAGI to answer", self.daemon, self.log)

    def metric(self, name):
        found = re.search(r"^" + re.escape(name) + r" (\S+)$", self.get("/metrics")[1], re.M)
        return float(found[1]) if found else 0.0

    def hits(self, entry="exact"):
        return int(self.sql(f"SELECT hits FROM blocklist WHERE tenant_id = '{TENANT}' AND id = '{entry}'")[0][0])

    def await_metric(self, name, value):
        stack.wait(lambda: self.metric(name) >= value, 10, f"{name} {value}")


class Answers(unittest.TestCase):
    def test_what_the_dialplan_gets(self):
        self.assertEqual(list(S.ask().items()), [("PBX_ACTION", "queue"), ("PBX_TARGET", "viatalk-support"), ("PBX_PRIO", "0"), ("PBX_OFFER", ""),
                                                 ("PBX_WHY", "queued"), ("PBX_DONE", "1")])
        blocked = S.ask(BLOCKED)
        self.assertEqual((blocked["PBX_ACTION"], blocked["PBX_TARGET"], blocked["PBX_WHY"], blocked["PBX_DONE"]), ("hangup", "", "blocked", "1"))
        self.assertEqual(S.ask("+13125550113")["PBX_TARGET"], "viatalk-vip")

    def test_one_caller_two_companies(self):
        self.assertEqual(S.ask(BLOCKED)["PBX_WHY"], "blocked")
        other = S.ask(BLOCKED, "+12125550201", "hostrocket")
        self.assertEqual((other["PBX_WHY"], other["PBX_TARGET"], other["PBX_PRIO"]), ("queued", "hostrocket-sales", "2"))

    def test_a_hidden_number_is_no_number(self):
        self.assertEqual(S.ask("+13125550111", "+12125550201", "hostrocket")["PBX_WHY"], "blocked")
        for presentation in ("32", "35", "67"):
            self.assertEqual(S.ask("+13125550111", "+12125550201", "hostrocket", presentation=presentation)["PBX_WHY"], "queued")

    def test_who_is_not_answered(self):
        closed = {"unknown_tenant": S.metric('pbxd_routes_total{outcome="unknown_tenant"}'),
                  "unknown_token": S.metric('pbxd_agi_ended_total{ending="unknown_token"}')}
        for tenant in ("nobody", "VIATALK", "viatalk%27", "t_viatalk"):
            self.assertEqual(S.ask(tenant=tenant), {})
        self.assertEqual(S.ask(server="main"), {}, "the token of a server where the company has nothing")
        for token in ("0" * 64, S.tokens["lab"][:-1], S.tokens["lab"] + "0", S.tokens["lab"].upper() + "A", "x"):
            self.assertEqual(agi_client.ask(S.agi_port, token, TENANT, PLAIN, DIALLED), {}, token)
        S.await_metric('pbxd_routes_total{outcome="unknown_tenant"}', closed["unknown_tenant"] + 5)
        S.await_metric('pbxd_agi_ended_total{ending="unknown_token"}', closed["unknown_token"] + 3)
        log = S.log_text()
        for token in S.tokens.values():
            self.assertNotIn(token, log)

    def test_hostile_requests_cost_nothing_but_themselves(self):
        script = f"route/{S.tokens['lab']}?tenant={TENANT}"
        environment = agi_client.environment
        requests = {
            "line end in the number": environment(script, BLOCKED + "\nagi_callerid: +13125550000", DIALLED),
            "line end in the name": environment(script, PLAIN, DIALLED, name="Ann\n\n200 result=1"),
            "a second script": environment(script, PLAIN, DIALLED, name=f"Ann\nagi_network_script: route/{S.tokens['main']}?tenant=hostrocket"),
            "NUL": environment(script, "+1312\0", DIALLED),
            "a long line": environment(script, PLAIN, DIALLED, name="A" * 5000),
            "many lines": environment(script, PLAIN, DIALLED, more="".join(f"agi_x{i}: 1\n" for i in range(200))),
            "no script": b"agi_callerid: 1\n\n",
            "HTTP": b"GET /route/x HTTP/1.1\r\nHost: a\r\n\r\n",
            "bytes": bytes(range(256)) * 64,
            "a command at once": environment(script, PLAIN, DIALLED) + b"200 result=1\n200 result=1\n",
        }
        before = S.metric('pbxd_agi_ended_total{ending="hostile"}')
        for what, request in requests.items():
            with self.subTest(what):
                answer = agi_client.exchange(S.agi_port, request)
                self.assertNotIn("PBX_DONE", answer)
                self.assertTrue(answer.ended)
                self.assertLess(answer.seconds, 3)
        S.await_metric('pbxd_agi_ended_total{ending="hostile"}', before + len(requests))
        # What Asterisk passes on in one line is read as it is: a caller of no number, never a way past the anonymous entry.
        for caller in ("+1312\r5550666", "\x1b[2J", "' OR 1=1 --", "${SHELL(id)}", "+13125550666;npdi\x07"):
            self.assertEqual(S.ask(caller)["PBX_DONE"], "1", repr(caller))
        self.assertEqual(S.ask("+1312\r5550666")["PBX_WHY"], "blocked")
        self.assertTrue(S.ask(dialled="\x01\x02")["PBX_DONE"])
        self.assertEqual(S.ask()["PBX_WHY"], "queued")

    def test_a_silent_peer_is_closed(self):
        late = S.metric('pbxd_agi_ended_total{ending="late"}')
        for sent in (b"", b"agi_network: yes\n"):
            answer = agi_client.exchange(S.agi_port, sent)
            self.assertTrue(answer.ended)
            self.assertLess(answer.seconds, 3)
        S.await_metric('pbxd_agi_ended_total{ending="late"}', late + 2)

    def test_it_is_measured(self):
        count = S.metric("pbxd_agi_answer_seconds_count")
        queued = S.metric('pbxd_routes_total{outcome="queued"}')
        for _ in range(3):
            S.ask()
        S.await_metric("pbxd_agi_answer_seconds_count", count + 3)
        S.await_metric('pbxd_routes_total{outcome="queued"}', queued + 3)
        S.await_metric('pbxd_agi_ended_total{ending="answered"}', 3)
        self.assertEqual(S.metric("pbxd_agi_open"), 0)
        line = next(line for line in reversed(S.log_text().splitlines()) if " info route " in line)
        self.assertIn("caller=***000 ", line)
        self.assertNotIn(PLAIN, S.log_text())

    def test_hits_are_written_behind_the_answer(self):
        before = S.hits()
        for _ in range(20):
            S.ask(BLOCKED)
        stack.wait(lambda: S.hits() == before + 20, 10, "20 hits")

    def test_a_change_holds_at_once(self):
        S.sql(f"INSERT INTO blocklist (tenant_id, id, kind, number, expires_at, reason, added_by, created_at, hits, last_hit_at) VALUES "
              f"('{TENANT}', 'new', 'exact', '+13125550777', NULL, '', '', 0, 0, NULL)")
        self.assertEqual(S.ask("+13125550777")["PBX_WHY"], "blocked")
        S.sql(f"DELETE FROM blocklist WHERE id = 'new'")
        self.assertEqual(S.ask("+13125550777")["PBX_WHY"], "queued")
        change = "UPDATE dids SET queue_id = '{}' WHERE number = '" + DIALLED + "'"
        bump = f"UPDATE tenant_routing SET version = version + 1 WHERE tenant_id = '{TENANT}'"
        S.sql(change.format("backup"), bump)
        self.assertEqual(S.ask()["PBX_TARGET"], "viatalk-backup")
        S.sql(change.format("support"), bump)
        self.assertEqual(S.ask()["PBX_TARGET"], "viatalk-support")

    def test_opening_hours_are_kept_as_utc(self):
        rows = lambda: S.sql("SELECT h.id, h.intervals_until, COUNT(o.from_at) FROM hours h LEFT JOIN open_intervals o ON o.tenant_id = h.tenant_id AND "
                             "o.hours_id = h.id WHERE h.tenant_id = 'viatalk' GROUP BY h.id, h.intervals_until ORDER BY h.id")
        stack.wait(lambda: all(until not in ("", "NULL") for _, until, _ in rows()), 20, "the intervals", S.daemon, S.log)
        for hours, until, count in rows():
            self.assertGreater(int(until) / 1e6 - time.time(), 60 * 86400, hours)
            self.assertGreater(int(count), 40 if hours != "mars" else 0, hours)
        self.assertEqual([row[2] for row in rows() if row[0] == "mars"], ["1"])


class Tokens(unittest.TestCase):
    def reload(self, last):
        start = os.path.getsize(S.log)
        S.daemon.send_signal(signal.SIGHUP)
        stack.wait(lambda: S._line("pbxd.log", f" {last}", start), 20, last, S.daemon, S.log)
        return S.log_text(start)

    def test_sighup_renews_them(self):
        old = S.tokens["lab"]
        S.tokens["lab"] = S.write_token("lab")
        self.assertEqual(S.ask(), {}, "files alone must change nothing")
        logged = self.reload("reloaded")
        self.assertIn("agi.tokens_renewed servers=2", logged)
        self.assertNotIn("needs_restart", logged)
        self.assertEqual(S.ask()["PBX_DONE"], "1")
        self.assertEqual(agi_client.ask(S.agi_port, old, TENANT, PLAIN, DIALLED), {})
        good = S.tokens["lab"]
        for bad in ("short", "x" * 40 + "/"):
            S.write_token("lab", bad)
            logged = self.reload("reload.refused")
            self.assertIn("agi_token_file", logged)
            self.assertNotIn(bad, logged.replace("shorter", ""))
            self.assertEqual(S.ask()["PBX_DONE"], "1", "the old token must stay in force")
        S.write_token("lab", good)
        os.chmod(S.path("token-lab"), 0o644)
        self.assertIn("agi_token_file", self.reload("reload.refused"))
        os.chmod(S.path("token-lab"), 0o600)
        self.reload("reloaded")
        self.assertEqual(S.ask()["PBX_DONE"], "1")

    def test_check_config_looks_into_the_file(self):
        S.write_token("main", "short")
        done = subprocess.run([S.program("pbxd"), "--check-config", "--config", S.path("pbxd.conf")], capture_output=True, text=True, timeout=20)
        S.write_token("main", S.tokens["main"])
        self.assertEqual(done.returncode, 78)
        self.assertIn("[asterisk.main] agi_token_file: the token is not of 32 to 128 letters and digits", done.stderr)


class Database(unittest.TestCase):
    """No answer, no wait: the dialplan goes on by itself."""

    def setUp(self):
        if S.backend != "mariadb":
            self.skipTest("SQLite is in the process: it does not stop by itself")

    def test_stopped_and_started_again(self):
        os.kill(S._mariadb_pid, signal.SIGTERM)
        stack.wait(lambda: not os.path.exists(f"/proc/{S._mariadb_pid}"), 30, "MariaDB to end")
        took = [self.unanswered() for _ in range(5)]
        subprocess.run([os.path.join(stack.ROOT, "tests/lib/mariadb-up"), S.mariadb, str(os.getpid())], stdout=subprocess.DEVNULL, check=True, timeout=120)
        with open(os.path.join(S.mariadb, "pid")) as f:
            S._mariadb_pid = int(f.read())
        S.await_answers()
        print(f"MariaDB stopped: closed after at most {max(took) * 1000:.0f} ms", flush=True)

    def test_hung(self):
        os.kill(S._mariadb_pid, signal.SIGSTOP)
        stack.wait(self.mariadb_stands, 10, "each of MariaDB's threads to stop")
        try:
            took = [self.unanswered() for _ in range(8)]   # more than there are workers
        finally:
            os.kill(S._mariadb_pid, signal.SIGCONT)
        S.await_answers()
        print(f"MariaDB hung: closed after at most {max(took) * 1000:.0f} ms", flush=True)

    @staticmethod
    def mariadb_stands():
        states = []
        for path in glob.glob(f"/proc/{S._mariadb_pid}/task/*/stat"):
            with open(path, encoding="ascii", errors="replace") as f:
                states.append(f.read().rpartition(")")[2].split()[0])
        return set(states) == {"T"}

    def unanswered(self):
        answer = S.ask(BLOCKED)
        self.assertEqual(answer, {})
        self.assertTrue(answer.ended)
        self.assertLess(answer.seconds, 2.5)   # answerWithin is 1.5 s; the rest is this machine's
        return answer.seconds


class PortTaken(unittest.TestCase):
    def test_a_start_that_fails_half_way_says_why_and_ends(self):
        """The board's threads run already when FastAGI finds its port taken: whatever they do just then, pbxd ends in order."""
        others = S.path("second")
        os.makedirs(others, mode=0o700)
        with open(S.path("pbxd.conf")) as f:
            text = f.read()
        for old, new in ((S.path("data"), others), ("[agi]\nport = 0\n", f"[agi]\nport = {S.agi_port}\n")):
            self.assertEqual(text.count(old), 1, old)
            text = text.replace(old, new)
        text = re.sub(r"(?m)^\[storage\]\n(?:\w.*\n)*", "", text)    # SQLite's, which is migrated at start
        S._write("second.conf", text)
        for _ in range(20):
            done = subprocess.run([S.program("pbxd"), "--config", S.path("second.conf")], capture_output=True, text=True, timeout=60)
            said = done.stdout + done.stderr
            self.assertEqual(done.returncode, 10, said[-2000:])
            self.assertIn(f"cannot listen on 127.0.0.1 port {S.agi_port}: Address already in use", said)


class ZStop(unittest.TestCase):
    """Last: pbxd is stopped and started."""

    def test_hits_survive_a_stop(self):
        before, asked = S.hits(), 30
        settled = S.metric('pbxd_routes_total{outcome="blocked"}')
        for _ in range(asked):
            S.ask(BLOCKED)
        S.await_metric('pbxd_routes_total{outcome="blocked"}', settled + asked)
        self.assertEqual(S.stop_pbxd(), 0)
        self.assertGreaterEqual(S.hits(), before + asked)
        with self.assertRaises(ConnectionRefusedError):
            S.ask()
        S.start_pbxd()
        self.assertEqual(S.ask()["PBX_DONE"], "1")

    def test_the_case_table(self):
        if not FAKETIME:
            self.skipTest("NOT RUN: libfaketime is not installed")
        table = route_cases.read()
        chosen, ran = {}, 0
        for case in table["cases"]:
            if "board" not in case and case["at"] in ("2026-11-23T15:00:00Z", "2026-11-22T15:00:00Z"):
                chosen.setdefault(case["at"], []).append(case)
        for at, cases in chosen.items():
            self.assertEqual(S.stop_pbxd(), 0)
            S.environment = {"TZ": "UTC", "LD_PRELOAD": FAKETIME, "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME": "@" + at.replace("T", " ").rstrip("Z")}
            S.start_pbxd()
            for case in cases:
                with self.subTest(case["name"]):
                    expect = case["expect"]
                    action, target = route_cases.target(case["tenant"], expect["to"])
                    answer = S.ask(case["caller"], case["did"], case["tenant"])
                    self.assertEqual(dict(answer), {"PBX_ACTION": action, "PBX_TARGET": target, "PBX_PRIO": str(expect.get("priority", 0)),
                                                    "PBX_OFFER": "1" if expect.get("callback") else "", "PBX_WHY": expect["outcome"], "PBX_DONE": "1"})
                    ran += 1
        S.stop_pbxd()
        S.environment = {}
        S.start_pbxd()
        print(f"{ran} of {len(table['cases'])} cases through the running pbxd; the others need a board or another moment", flush=True)
        self.assertGreaterEqual(ran, 70)


def main():
    global S
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with AgiStack() as S:
            S.sql(*route_cases.statements(S.backend, "lab"))
            S.await_answers()
            result = unittest.main(exit=False, verbosity=2).result
            if not result.wasSuccessful():
                print("the end of pbxd's log:\n" + S.log_text()[-3000:], file=sys.stderr)
            sys.exit(0 if result.wasSuccessful() else 1)
    except stack.Unavailable as missing:
        print(f"SKIPPED: {missing}", file=sys.stderr)
        sys.exit(stack.SKIPPED)


if __name__ == "__main__":
    main()
