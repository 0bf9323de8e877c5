#!/usr/bin/env python3
"""callbacks_kill.py 22|16 --pbxd PROGRAM --failing PROGRAM --pbxctl PROGRAM [--backend sqlite|mariadb] [--rounds N] [--jobs N] [--points none,P1,...,P8,P5a,stop]

pbxd is killed by kill -9 at each fail point of a callback (docs/facts/reliability.md B5, F1-F8), or held by SIGSTOP beyond its lease; at P5a Asterisk is killed in
pbxd's place. The customer, a telephone behind the rendered dialplan's trunk, is called at most once an attempt, and the callback comes to its end. On SQLite the
same pbxd is started anew, on MariaDB a second one is there, asked by the dialplan too. --failing: pbxd-failpoints. --jobs: so many laboratories side by side.
Prints a table. Exit code 1: something was wrong; 77: cannot run here (no SIPp, no MariaDB)."""
import argparse
import collections
import contextlib
import multiprocessing
import os
import queue
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dialplan  # noqa: E402
import render  # noqa: E402
from board.callback_site import Wrong, soon  # noqa: E402
from board.pbxd import Pbxd, PbxdError  # noqa: E402
from dialplan import AGENT  # noqa: E402
from lab import LabError, ports, processes  # noqa: E402
from lab.config import write_private  # noqa: E402

POINTS = ("P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P5a")
TENANT, QUEUE = "viatalk", "viatalk-sales"
WITHIN = 150    # lease of the Asterisk and of the callback, doubt, the delays of the policy, two calls


class Sqlite:
    def __init__(self, path):
        self.path = path

    @contextlib.contextmanager
    def at_once(self):
        with contextlib.closing(sqlite3.connect(self.path, timeout=10)) as database, database:
            yield lambda statement, *values: database.execute(statement, values)


class Node:
    """One pbxd, which is started and ended many times."""

    def __init__(self, site, name, configuration, http):
        self.site, self.name, self.configuration, self.http, self.process, self.pbxd = site, name, configuration, http, None, None
        self.log = f"{site.folder}/{name}.log"

    def start(self, program, **environment):
        self.process = processes.start([program, "--config", self.configuration], log=self.log, cwd=self.site.folder, env=os.environ | environment)
        self.pbxd = Pbxd(self.process, f"http://127.0.0.1:{self.http}", *self.site.operator, self.log)
        self.pbxd.wait_ready(30)

    def drives(self):
        with contextlib.suppress(PbxdError):
            return self.pbxd.link()["driven"]
        return False

    def end(self):
        process, self.process = self.process, None
        if not process or process.poll() is not None:
            return
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Wrong(f"{self.name} did not stop") from None


class Site(dialplan.Site):
    """Not a case of unittest: once() is called for each round."""

    @classmethod
    def make_database(cls):
        if OPTIONS.backend == "mariadb":
            return super().make_database()
        cls.database = Sqlite(f"{cls.folder}/data/pbxd.sqlite")
        return ""

    @classmethod
    def seed_more(cls, run):
        run("INSERT INTO callback_policies (tenant_id, queue_id, mode, max_dials, max_doubts, after_busy, after_no_answer, after_declined, after_machine, after_unreachable, after_agent_gone, "
            "after_not_dialled, after_unknown, expires_after, ring_seconds, ask_key, caller_id) VALUES ('t_viatalk', '', 'agent_first', 9, 9, 2, 2, 2, 2, 2, 2, 2, 2, 3600, 10, 0, '')")

    @classmethod
    def write(cls, etc, version, values, available):
        other = OPTIONS.backend == "mariadb"
        http, agi = ports.single(), ports.single()
        cls.render_more = f"agi_also = 127.0.0.1:{agi}\n" if other else ""
        super().write(etc, version, values, available)
        with open(cls.conf, "a", encoding="utf-8") as f:      # hundreds of rounds in a day, all asked for by one user
            f.write("[calls]\nper_source_per_day = 100000\nper_tenant_per_day = 100000\n")
        cls.nodes = [Node(cls, "pbxd", cls.conf, cls.http)]
        if not other:
            return
        with open(cls.conf, encoding="utf-8") as f:
            text = f.read()
        for old, new in ((f"port = {cls.http}\n", f"port = {http}\n"), (f"[agi]\nport = {cls.agi}\n", f"[agi]\nport = {agi}\n"), ("[pbxd]\n", "[pbxd]\nnode_name = b\n"), (f"{cls.folder}/data", f"{cls.folder}/data-b")):
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        os.makedirs(f"{cls.folder}/data-b", mode=0o700)
        write_private(f"{cls.folder}/b.conf", text)
        cls.nodes.append(Node(cls, "b", f"{cls.folder}/b.conf", http))

    @classmethod
    def begin(cls):
        cls.setUpClass()
        cls.nodes[0].process = cls.pbxd.process
        cls.nodes[0].end()
        cls.asked = 0
        cls.ami.action("QueueAdd", Queue=QUEUE, Interface=AGENT, MemberName="Ann")

    @classmethod
    def customer(cls, call):
        cls.invites.append(call.number)
        call.phone.ring(call)
        time.sleep(0.3)
        call.answer()
        time.sleep(1)
        call.hangup()

    @classmethod
    def revive(cls):
        """Asterisk died; (its events until then)."""
        soon(lambda: not cls.lab.alive(), "Asterisk to be killed", 60)
        events = cls.ami.messages
        cls.ami.close()
        cls.lab.revive()
        cls.ami = cls.lab.ami()
        cls.ami.action("QueueAdd", Queue=QUEUE, Interface=AGENT, MemberName="Ann")
        cls.phones.register({f"{TENANT}-101": "answer"}, anew=True)
        cls.lab.cli("pjsip", "qualify", "viatalk-trunk-main")
        return events

    @classmethod
    def once(cls, point):
        """One callback over that point: seconds to its end, attempts begun, INVITEs to the customer."""
        first, last, events, since = cls.nodes[0], cls.nodes[-1], [], cls.ami.mark()
        cls.invites, cls.provider.on_call = [], cls.customer
        cls.asked += 1
        number = f"+1646555{2000 + cls.asked % 7000}"
        fail = {"PBX_FAIL_AT": point[:2]} if point in POINTS else {}
        if point == "P5a":
            fail["PBX_FAIL_PID"] = str(cls.lab.pid)
        first.start(OPTIONS.failing, **fail)
        soon(first.drives, "the first pbxd to drive", 30)
        cls.phones.register({f"{TENANT}-101": "slow" if point == "stop" else "answer"})
        if last is not first:
            last.start(OPTIONS.pbxd)
        began = time.monotonic()
        id = first.pbxd.call("callback.request", tenant=TENANT, queue="sales", number=number)["id"]
        if point == "stop":
            soon(lambda: first.pbxd.call("callback.get", tenant=TENANT, id=id)["state"] == "intent", "the attempt", 20)
            first.process.send_signal(signal.SIGSTOP)
            time.sleep(20)      # the leases are of 10 and 15 s
            first.process.send_signal(signal.SIGCONT)
        elif point == "P5a":
            events, since = cls.revive()[since:], 0
        elif point in POINTS:
            soon(lambda: first.process.poll() is not None, f"pbxd to die at {point}", 60)
            if first.process.returncode != -signal.SIGKILL:
                raise Wrong(f"pbxd ended by itself: {first.process.returncode}")
            if last is first:
                first.start(OPTIONS.pbxd)

        def ended():
            row = last.pbxd.call("callback.get", tenant=TENANT, id=id)
            return row if row.get("ended_at") else None
        got = soon(ended, "the callback to end", WITHIN, 0.5)
        took = time.monotonic() - began
        for node in cls.nodes:
            node.end()
        dials = collections.Counter(m.get("Uniqueid") for m in events + cls.ami.messages[since:]
                                    if m.get("Event") == "DialBegin" and (m.get("DestChannel") or "").startswith("PJSIP/viatalk-trunk-main-"))
        attempts = len(got["history"])
        if got["state"] != "done":
            raise Wrong(f"{id} is {got['state']}: {got['history']}")
        if not cls.invites or set(cls.invites) != {number} or len(cls.invites) > attempts or max(dials.values()) > 1:
            raise Wrong(f"{number} was called as {cls.invites} in {attempts} attempts; dials: {dict(dials)}")
        return took, attempts, len(cls.invites)

    @classmethod
    def after_a_failure(cls):
        """What pbxd said last; everything ready for the next round."""
        said = ""
        for node in cls.nodes:
            with contextlib.suppress(OSError), open(node.log, errors="replace") as f:
                said += f"--- {node.name}\n{f.read()[-1500:]}"
            with contextlib.suppress(Wrong):
                node.end()
        if not cls.lab.alive():
            cls.revive()
        return said


def laboratory(tasks, results):
    """One process: rounds until there are none."""
    try:
        Site.begin()
        while True:
            try:
                point = tasks.get(timeout=1)
            except queue.Empty:
                break
            try:
                results.put((point, Site.once(point), ""))
            except (Wrong, PbxdError, LabError, OSError) as error:
                results.put((point, None, f"{error}\n{Site.after_a_failure()}"))
    except SystemExit as end:       # no MariaDB
        results.put(("", None, end.code))
    except BaseException as error:  # the parent must not wait for us
        results.put(("", None, f"the laboratory failed: {error!r}"))
        raise
    finally:
        Site.doClassCleanups()


def main():
    global OPTIONS
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", type=int, choices=(22, 16))
    parser.add_argument("--pbxd", required=True, type=os.path.abspath)
    parser.add_argument("--failing", required=True, type=os.path.abspath)
    parser.add_argument("--pbxctl", required=True, type=os.path.abspath)
    parser.add_argument("--backend", choices=("sqlite", "mariadb"), default="sqlite")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--points", default="")
    parser.add_argument("--keep", action="store_true", help="leave the folders")
    OPTIONS = render.OPTIONS = dialplan.OPTIONS = parser.parse_args()
    points = OPTIONS.points.split(",") if OPTIONS.points else ["none", *POINTS] + (["stop"] if OPTIONS.backend == "mariadb" else [])
    if not shutil.which("sipp"):
        print("SKIPPED: sipp is not installed", file=sys.stderr)
        sys.exit(77)
    tasks, results = multiprocessing.Queue(), multiprocessing.Queue()
    for _ in range(OPTIONS.rounds):
        for point in points:
            tasks.put(point)
    left, jobs = OPTIONS.rounds * len(points), min(OPTIONS.jobs, OPTIONS.rounds * len(points))
    workers = [multiprocessing.Process(target=laboratory, args=(tasks, results)) for _ in range(jobs)]
    for worker in workers:
        worker.start()
    print(f"Asterisk {OPTIONS.version}, {OPTIONS.backend}, {2 if OPTIONS.backend == 'mariadb' else 1} pbxd, {OPTIONS.rounds} round(s), {jobs} laboratories", flush=True)
    rows, wrong = {point: [] for point in points}, 0
    while left:
        try:
            point, row, why = results.get(timeout=5)
        except queue.Empty:
            if any(worker.is_alive() for worker in workers):
                continue
            print(f"{left} rounds were not run", flush=True)
            wrong += left
            break
        if not point and why == 77:
            sys.exit(77)
        if not point:
            wrong += 1
            print(why, flush=True)
            continue
        left -= 1
        if row:
            rows[point].append(row)
        else:
            wrong += 1
            print(f"{point}: {why}", flush=True)
        if left and left % 50 == 0:
            print(f"  {left} rounds to go", flush=True)
    for worker in workers:
        worker.join()
    print("point  ok  attempts  INVITEs  longest")
    for point in points:
        took, attempts, invites = zip(*rows[point]) if rows[point] else ((0,), (), ())
        print(f"{point:5} {len(rows[point]):3}  {sum(attempts):8}  {sum(invites):7}  {max(took):5.0f} s", flush=True)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    OPTIONS = None
    main()
