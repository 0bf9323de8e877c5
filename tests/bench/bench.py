#!/usr/bin/env python3
"""Measures pbxd against its targets and prints one table; scripts/bench builds what this needs and calls it.

    bench.py BUILD_DIR [ami] [agi] [route] [asterisk] [latency] [soap] [xmlrpc] [memory]        no name: all, in about six minutes

On a shared machine absolute figures wander by a factor of two: servers are compared in interleaved rounds of one run, by the ratio of medians.
Exit code 0 when everything could be measured (a missed target is a finding, not a failure), 1 when something could not.
"""
import json
import os
import re
import secrets
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from bench_stack import BenchStack, commit, free_port, load, stack
from faces import Login, SoapFace, XmlRpcFace

HERE = os.path.dirname(os.path.abspath(__file__))
TENANT = "viatalk"
ROUNDS, SECONDS, CONNECTIONS = 3, 3, 64
ROWS = []       # (what, measured, ratio, target, verdict, note)


def report(what, measured, target, met, ratio="", note=""):
    ROWS.append((what, measured, ratio, target, "" if met is None else "ok" if met else "MISSED", note))
    print(f"  {what}: {measured} {ratio} {note}", file=sys.stderr, flush=True)


# --- AMI

def ami(build):
    for program, kind, least in (("ami_bench", "parse", 1_000_000), ("live_bench", "parse+apply", 500_000)):
        out = subprocess.run([f"{build}/bench/{program}", "--benchmark_format=json", "--benchmark_min_time=0.3", "--benchmark_repetitions=3",
                              "--benchmark_report_aggregates_only=true"], capture_output=True, text=True, check=True, timeout=120)
        for run in json.loads(out.stdout)["benchmarks"]:
            if run.get("aggregate_name") != "median":
                continue
            rate, name = run["items_per_second"], run["run_name"]
            share = f"{run['applied']:.0%} of the events applied" if "applied" in run else f"{run['bytes_per_second'] / 1e6:.0f} MB/s"
            aimed = not name.startswith("parseAndAsk/")     # between the two: no target of its own
            report(f"AMI {kind}: {name}", f"{rate / 1e6:.2f} M events/s", f">= {least / 1e6:g} M" if aimed else "", rate >= least if aimed else None, note=share)


# --- FastAGI

def agi(build):
    for rate in (200, 2000):
        out = subprocess.run([f"{build}/bench/agi_bench", str(rate), "5"], capture_output=True, text=True, timeout=60)
        if not out.stdout.startswith("{"):
            raise RuntimeError(f"agi_bench: {out.stderr[:300]}")
        run = json.loads(out.stdout)
        p50, p99 = run["p50_us"] / 1000, run["p99_us"] / 1000
        met = p99 <= 2 and not run["incomplete"] and run["per_second"] >= 0.95 * rate
        report(f"FastAGI at {rate}/s", f"p50 {p50:.2f} ms, p99 {p99:.2f} ms", "p99 <= 2 ms", met,
               note=f"connect to close, 4 variables in one command, the handler does nothing; {run['per_second']:.0f}/s, {run['incomplete']} not answered, max {run['max_us'] / 1000:.1f} ms")


# --- the decision over FastAGI of pbxd

DIALLED, MILLION = "+12125550100", 1_000_000


def route_rows(s, tenant):
    """Statements: a DID with hours, three status rules, limits of the queue (the stack has some already); then a million blocked numbers and a million customers."""
    queue, t = tenant.queues["support"], tenant.id
    yield f"INSERT INTO hours (tenant_id, id, name, title, time_zone, intervals_until) VALUES ('{t}', 'h_b', 'always', '', 'America/New_York', NULL)"
    for day in range(7):
        yield f"INSERT INTO hours_week (tenant_id, hours_id, weekday, from_minute, to_minute) VALUES ('{t}', 'h_b', {day}, 0, 1440)"
    yield f"INSERT INTO dids (tenant_id, id, number, title, queue_id, hours_id) VALUES ('{t}', 'n_b', '{DIALLED}', '', '{queue}', 'h_b')"
    for level, status in enumerate(("vip", "gold", "overdue")):
        yield f"REPLACE INTO status_rules (tenant_id, status, level, when_closed) VALUES ('{t}', '{status}', {level}, 0)"
    yield f"REPLACE INTO queue_conditions (tenant_id, queue_id, priority_ceiling) VALUES ('{t}', '{queue}', 5)"
    yield (f"REPLACE INTO queue_overflow (tenant_id, queue_id, step, overflow_when, overflow_limit, to_kind) "
           f"VALUES ('{t}', '{queue}', 0, 'waiting', 1000, 'hang_up')")
    yield from millions(t)
    yield f"REPLACE INTO tenant_routing (tenant_id, version, default_queue_id) VALUES ('{t}', 1, '{queue}')"


def millions(t):
    """Statements: a million blocked numbers and a million customers of that tenant."""
    statuses = ("vip", "gold", "overdue", "")
    for first in range(0, MILLION, 1000):
        numbers = range(2_000_000 + first, 2_001_000 + first)
        yield ("INSERT INTO blocklist (tenant_id, id, kind, number, expires_at, reason, added_by, created_at, hits, last_hit_at) VALUES " +
               ", ".join(f"('{t}', 'b_{n}', 'exact', '+1212{n}', NULL, 'benchmark', 'bench', 0, 0, NULL)" for n in numbers))
        yield ("INSERT INTO customers (tenant_id, id, number, status, attributes, updated_at) VALUES " +
               ", ".join(f"('{t}', 'c_{n}', '+1312{n}', '{statuses[n % 4]}', '{{}}', 0)" for n in numbers))


def fill(s, statements):
    """What was loaded is on the disk before anything is measured: a server at rest, not one that has just been filled."""
    if s.backend == "sqlite":
        with sqlite3.connect(s.path("data/pbxd.sqlite"), isolation_level=None, timeout=60) as db:
            for number, statement in enumerate(statements):
                if number % 100 == 0:
                    db.execute("COMMIT") if number else None
                    db.execute("BEGIN IMMEDIATE")
                db.execute(statement)
            db.execute("COMMIT")
            db.execute("ANALYZE")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        os.sync()
        return db.close()
    client = ["mariadb", "--no-defaults", "-S", s.settings_socket(), "-u", "root", "pbx"]
    # What a server of this size would have; the tests' own has 32 MB.
    subprocess.run([*client, "-e", "SET GLOBAL innodb_buffer_pool_size = 1073741824"], check=True, timeout=60)
    with subprocess.Popen(client, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        process.stdin.write("SET autocommit = 0;\n")
        for number, statement in enumerate(statements):
            process.stdin.write(statement + (";\nCOMMIT;\n" if number % 20 == 0 else ";\n"))
        process.stdin.write("COMMIT;\nANALYZE TABLE blocklist, customers;\n")
        process.stdin.close()
    if process.returncode:
        raise RuntimeError(f"mariadb: exit {process.returncode}")
    subprocess.run([*client, "-e", "SET GLOBAL innodb_max_dirty_pages_pct_lwm = 0; SET GLOBAL innodb_max_dirty_pages_pct = 0"], check=True, timeout=60)
    deadline = time.monotonic() + 180
    while int(subprocess.run([*client, "-N", "-e", "SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'"], check=True, capture_output=True,
                             text=True, timeout=60).stdout.split()[1]) > 100:
        if time.monotonic() > deadline:
            raise RuntimeError("mariadb still writes what was loaded")
        time.sleep(0.5)
    subprocess.run([*client, "-e", "SET GLOBAL innodb_max_dirty_pages_pct = 90"], check=True, timeout=60)


def route(build):
    for backend in ("mariadb", "sqlite"):
        port = free_port()
        folder = tempfile.mkdtemp(prefix="pbx-bench-")
        try:
            token = os.path.join(folder, "token")
            with open(os.open(token, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
                f.write(secrets.token_hex(32) + "\n")
            # log_level: as it is by default, a line for each decision.
            with BenchStack(bin_dir=f"{build}/bin", backend=backend, level="info", settings={"agi": {"port": port}, "asterisk.main": {"agi_token_file": token}}) as s:
                begun = time.monotonic()
                fill(s, route_rows(s, s.tenants[TENANT]))
                print(f"  {backend}: 1 M blocked numbers and 1 M customers in {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
                for rate, seconds in ((200, 2), (200, 10), (2000, 10)):     # the first warms up
                    out = subprocess.run([f"{build}/bench/agi_bench", str(rate), str(seconds), str(port), token, TENANT, DIALLED],
                                         capture_output=True, text=True, timeout=120)
                    if not out.stdout.startswith("{"):
                        raise RuntimeError(f"agi_bench: {out.stderr[:300]}")
                    run = json.loads(out.stdout)
                    if seconds == 2:
                        continue
                    p50, p99 = run["p50_us"] / 1000, run["p99_us"] / 1000
                    met = p99 <= 2 and not run["incomplete"] and run["per_second"] >= 0.95 * rate
                    report(f"FastAGI decision, {backend}, {rate}/s", f"p50 {p50:.2f} ms, p99 {p99:.2f} ms", "p99 <= 2 ms", met,
                           note=f"connect to close, 6 variables in one command, 1 M + 1 M rows; {run['per_second']:.0f}/s, {run['incomplete']} not answered, "
                                f"max {run['max_us'] / 1000:.1f} ms")
                blocked = s.series("pbxd_routes_total").get('{outcome="blocked"}', 0)
                if not 0.2 < blocked / s.metric("pbxd_routes_total") < 0.3:
                    raise RuntimeError(f"a quarter of the callers is blocked, and {blocked} were")
        finally:
            shutil.rmtree(folder, ignore_errors=True)


# --- through the real Asterisk

def asterisk(build):
    out = subprocess.run([sys.executable, f"{HERE}/asterisk_bench.py", "22", "--pbxd", f"{build}/bin/pbxd", "--pbxctl", f"{build}/bin/pbxctl"], capture_output=True, text=True, timeout=600)
    if not out.stdout.startswith("{"):
        raise RuntimeError(f"asterisk_bench: {out.stderr[-300:]}")
    run = {name: [1000 * seconds for seconds in values] for name, values in json.loads(out.stdout).items()}
    shown = {name: (percentile(values, 0.5), percentile(values, 0.99), len(values)) for name, values in run.items()}
    for name, (p50, p99, n) in shown.items():
        target = {"FastAGI": 2, "agent free to Originate": 100}.get(name)
        report(f"Asterisk 22: {name}", f"p50 {p50:.1f} ms, p99 {p99:.1f} ms", f"p99 <= {target} ms" if target else "", p99 <= target if target else None,
               ratio=f"{p50 / shown['FastAGI'][0]:.2f}" if name == "func_odbc" else "", note=f"{n} times; " + ASTERISK_NOTES[name])


ASTERISK_NOTES = {"FastAGI": "the dialplan's step at 20 calls/s, 1 M + 1 M rows", "func_odbc": "the same with pbxd killed, against FastAGI",
                  "agent free to Originate": "Asterisk's own times of the pause's end and of the placeholder's channel"}


# --- from the AMI event to the answer of event.poll

def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def latency(build):
    with BenchStack(bin_dir=f"{build}/bin", tap=True, sim=("--speed", "5", "--agents", "300", "--concurrent", "300", "--quiet")) as s:
        token, page, seen = s.tenants[TENANT].tokens["admin"], {}, []
        after = s.call("event.poll", token)["next"]
        end = time.monotonic() + 25
        while time.monotonic() < end:
            page = s.call("event.poll", token, after=after, wait_seconds=1, limit=500)
            now, after = time.monotonic_ns(), page["next"]
            seen += [(row["at"], now) for row in page["items"]]
        with open(s.path("arrivals")) as f:
            arrived = {}
            for line in f:
                stamp, when = line.split()
                arrived.setdefault(int(stamp), int(when))
    waits = [(now - arrived[m]) / 1e6 for at, now in seen if (m := micros(at)) in arrived]
    if len(waits) < 500 or len(waits) < 0.95 * len(seen):
        raise RuntimeError(f"only {len(waits)} of {len(seen)} rows could be matched with an AMI event")
    p50, p99 = percentile(waits, 0.5), percentile(waits, 0.99)
    report("event -> event.poll", f"p50 {p50:.1f} ms, p99 {p99:.1f} ms", "p99 <= 10 ms", p99 <= 10, note=f"{len(waits)} events of one tenant, JSON, max {max(waits):.0f} ms")


def micros(at):
    """Microseconds since 1970 of an RFC 3339 text; without floating point."""
    import calendar
    m = re.fullmatch(r"(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)(?:\.(\d{1,6}))?Z", at)
    return calendar.timegm(tuple(map(int, m.groups()[:6]))) * 1_000_000 + int((m[7] or "0").ljust(6, "0"))


# --- SOAP and XML-RPC against the bare servers

class Wrk:
    """One request against one server, over and over."""

    def __init__(self, folder, name, url, path, body, login=None):
        self.url, self.rps, self.p99 = url, [], []
        self.file = os.path.join(folder, name + ".lua")
        quoted = {"path": path, "body": body} | ({"authorization": login.header} if login else {})
        with open(os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as f:
            f.write("".join(f"request_{key} = [==[{value}]==]\n" for key, value in quoted.items()))
        request = urllib.request.Request(url + path, body.encode(), {"Content-Type": "text/xml; charset=utf-8"} | ({"Authorization": login.header} if login else {}))
        with urllib.request.urlopen(request, timeout=20) as answer:
            self.answer = answer.read().decode()

    def run(self):
        out = subprocess.run(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--timeout", "5s", "-s", os.path.join(HERE, "wrk.lua"), self.url],
                             env=os.environ | {"BENCH_REQUEST": self.file}, capture_output=True, text=True, timeout=60)
        found = re.search(r"RESULT rps=(\S+) p50_ms=\S+ p99_ms=(\S+) failed=(\d+)", out.stdout)
        if not found or int(found[3]):
            raise RuntimeError(f"wrk: {out.stdout} {out.stderr}")
        self.rps.append(float(found[1]))
        self.p99.append(float(found[2]))


def faces(build, wanted):
    with BenchStack(bin_dir=f"{build}/bin", sim=("--concurrent", "450", "--agents", "300", "--quiet")) as s:
        operations = ["system.whoami", "queue.get", "call.list"]     # what the bare servers say that they have: answers of the same shape
        token = Login(None, s.call("token.create", s.operator, tenant=TENANT, name="bench", user=f"{TENANT}-admin", operations=operations)["token"])
        stack.wait(lambda: len(s.call("call.list", token, limit=100)["items"]) == 100, 30, "100 calls of one company")
        for face in wanted:
            protocol, least, row = {"soap": (SoapFace, (0.7, 0.9), r"<(?:\w+:)?items>"),
                                    "xmlrpc": (XmlRpcFace, (1.2, 1.2), r"<name>duration_seconds</name>")}[face]
            bare_name = {"soap": "bare_gsoap_server", "xmlrpc": "bare_abyss_server"}[face]
            client, port = protocol(s.url), free_port()
            bare = s._spawn([f"{build}/bench/{bare_name}", str(port), "72"], s.path(bare_name + ".log"))
            stack.wait(lambda: urllib_open(port), 10, bare_name, bare, s.path(bare_name + ".log"))
            pairs = {}
            # Two trivial ones: without the database, and with the one statement that queue.get makes.
            for what, operation, params in (("whoami", "system.whoami", {}), ("queue.get", "queue.get", {"id": "support"}), ("100 rows", "call.list", {"limit": 100})):
                path, body = client.encode(operation, params)
                key = f"{face}-{operation}-"
                pairs[what] = (Wrk(s.folder, key + "pbxd", s.url, path, body, token), Wrk(s.folder, key + "bare", f"http://127.0.0.1:{port}", path, body))
                for server in pairs[what]:
                    rows = len(re.findall(row, server.answer))
                    if what == "100 rows" and rows != 100:
                        raise RuntimeError(f"{operation} answered {rows} rows, not 100: {server.answer[:300]}")
            for _ in range(ROUNDS):
                for pair in pairs.values():
                    for server in pair:
                        server.run()
            stack._end(bare)
            for what, (ours, its) in pairs.items():
                ratio = statistics.median(ours.rps) / statistics.median(its.rps)
                each = ", ".join(f"{a / b:.2f}" for a, b in zip(ours.rps, its.rps))
                aim = least[what == "100 rows"]
                report(f"{face} {what} vs {bare_name}", f"{statistics.median(ours.rps):.0f} / {statistics.median(its.rps):.0f} req/s", f">= {aim}", ratio >= aim, ratio=f"{ratio:.2f}",
                       note=f"rounds {each}; p99 {statistics.median(ours.p99):.0f} / {statistics.median(its.p99):.0f} ms; "
                            f"answers of {len(ours.answer)} / {len(its.answer)} B")


def urllib_open(port):
    import socket
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True


# --- memory

def memory(build):
    with BenchStack(bin_dir=f"{build}/bin", sim=("--agents", "1000", "--concurrent", "10000", "--quiet")) as s:
        for name in stack.COMPANIES:
            for number in range(109, 101 + 334):
                s.call("agent.create", s.operator, tenant=name, name=f"agent-{number}", title=f"Agent {number}", interface=f"PJSIP/{name}-{number}",
                       department="service")
        stack.wait(lambda: s.metric("pbxd_board_calls") >= 9500, 60, "9,500 calls on the board")
        before = s.rss_mb()
        calls = 0
        for tenant in s.tenants.values():      # everything is read once: what is built on demand counts
            token = tenant.tokens["admin"]
            calls += len(s.items("call.list", token))
            for operation in ("queue.list", "agent.list", "peer.list"):
                s.items(operation, token)
            for queue in tenant.queues:
                s.call("queue.status", token, id=queue)
        end = time.monotonic() + 15
        peak = 0.0
        while time.monotonic() < end:
            peak = max(peak, s.rss_mb())
            time.sleep(0.5)
        report("memory: RSS of pbxd", f"{peak:.0f} MB", "<= 150 MB", peak <= 150,
               note=f"{s.metric('pbxd_board_members'):.0f} memberships, {s.metric('pbxd_board_calls'):.0f} calls on the board, {calls} listed; "
                    f"{before:.0f} MB before reading, highest ever {s.rss_mb('VmHWM'):.0f} MB; drift {s.metric('pbxd_board_drift_total'):.0f}")


def table():
    head = ("", "measured", "ratio", "target", "", "")
    rows = [head] + ROWS
    widths = [max(len(r[i]) for r in rows) for i in range(5)]
    for r in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(r, widths)) + "  " + r[5])


def main():
    build, names = os.path.abspath(sys.argv[1]), sys.argv[2:] or ["ami", "agi", "route", "asterisk", "latency", "soap", "xmlrpc", "memory"]
    steps = {"ami": ami, "agi": agi, "route": route, "asterisk": asterisk, "latency": latency, "memory": memory}
    unknown = [n for n in names if n not in (*steps, "soap", "xmlrpc")]
    if unknown:
        sys.exit(f"bench: unknown: {', '.join(unknown)}; there are ami, agi, route, asterisk, latency, soap, xmlrpc, memory")
    started, before, failed = time.monotonic(), load(), []
    wanted = [n for n in names if n in ("soap", "xmlrpc")]
    for name in [n for n in names if n in steps and n != "memory"] + (["faces"] if wanted else []) + (["memory"] if "memory" in names else []):
        print(f"{name} ({time.monotonic() - started:.0f} s, {load()})", file=sys.stderr, flush=True)
        try:
            faces(build, wanted) if name == "faces" else steps[name](build)
        except Exception as error:  # the other figures are still wanted
            failed.append(name)
            report(name, "not measured", "", None, note=f"{type(error).__name__}: {str(error)[:300]}")
    print(f"\npbxd {commit()}, {time.strftime('%Y-%m-%d %H:%M')} UTC, {before} at the start, {load()} at the end, {time.monotonic() - started:.0f} s\n")
    table()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
