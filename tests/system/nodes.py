"""Several pbxd over the database and the Asterisk of one Stack, and the proof of who drives: for tests of what happens when one of them dies.

    with nodes.Cluster() as c:
        c.node("b").start()
        c.driver()                  # the one Node that drives
        c.watch.overlaps()          # [] unless two ever drove at once
"""
import http.client
import os
import signal
import subprocess
import sys
import threading
import time

import stack
from faces import JsonFace

sys.path.insert(0, os.path.join(stack.ROOT, "tests/asterisk"))
from board import compare  # noqa: E402
from lab.ami import Ami  # noqa: E402

DRIVEN = 'pbxd_asterisk_driven{asterisk="main"} '
SAMPLE_SECONDS = 0.02


class Node:
    """One pbxd: its own folder, port and log. `id` is its node_name, which others may have too."""

    def __init__(self, cluster, name, id):
        self.cluster, self.name, self.id = cluster, name, id
        self.process = self.port = self.json = None
        self.since = 0           # where its log began when it was started last
        self.wanted = False      # it was started, and nobody ended it
        self.ami_port = cluster.ami_port     # or a relay's
        self.log = cluster.path(f"{name}.log")

    def start(self):
        return self.launch().wait_ready()

    def launch(self):
        """Without waiting for anything. By the main thread: the process ends with the thread that started it."""
        self.since = self.log_size()
        configuration = self.cluster.configure(self)
        self.process = self.cluster.spawn([self.cluster.program("pbxd"), "--config", configuration], self.log)
        return self

    def wait_ready(self):
        line = stack.wait(lambda: next((l for l in self.log_lines(self.since) if " ready " in l), None), 60, f"{self.name}'s ready line", self.process, self.log)
        self.port = int(line.partition(" port=")[2].split()[0])
        self.json = JsonFace(f"http://127.0.0.1:{self.port}")
        stack.wait(lambda: 'pbxd_asterisk_up{asterisk="main"} 1' in self.metrics(), 30, f"{self.name}'s board", self.process, self.log)
        self.cluster.watch.add(self)
        self.wanted = True
        return self

    @property
    def runs(self):
        return self.process is not None and self.process.poll() is None

    def send(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.wanted = False
        self.send(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """SIGTERM; its exit code."""
        self.wanted = False
        self.process.terminate()
        return self.process.wait(30)

    def metrics(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/metrics")
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def call(self, operation, login, /, **params):
        return self.json.call(operation, params, login)

    def drives(self):
        """By system.status; /metrics is what `watch` samples."""
        return self.call("system.status", self.cluster.operator)["asterisks"][0]["driven"]

    def log_size(self):
        return os.path.getsize(self.log) if os.path.exists(self.log) else 0

    def log_lines(self, start=0):
        """Whole lines only."""
        with open(self.log, "rb") as f:
            f.seek(start)
            return [l.decode(errors="replace") for l in f.read().split(b"\n")[:-1]]

    def board(self):
        """Every queue of every tenant, as compare.py wants it."""
        found = []
        for tenant in self.cluster.tenants.values():
            found += [self.call("queue.status", tenant.people["admin"], id=name) for name in tenant.queues]
        if any(q["stale"] for q in found):
            raise OSError(f"{self.name}: the board is marked stale")
        return compare.pbxd_queues(found)


class Watch:
    """Asks every node all the time whether it drives; keeps (began, ended, driven) of each answer."""

    def __init__(self):
        self.samples = {}     # of each process by its own: one that ended cannot drive until its successor does
        self._ended = threading.Event()
        self._threads = []

    def add(self, node):
        mine = self.samples.setdefault(f"{node.name} {node.process.pid}", [])
        thread = threading.Thread(target=self._sample, args=(node.process, node.port, mine), daemon=True)
        thread.start()
        self._threads.append(thread)

    def end(self):
        self._ended.set()
        for thread in self._threads:
            thread.join(5)

    def _sample(self, process, port, into):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while process.poll() is None and not self._ended.wait(SAMPLE_SECONDS):
            began = time.monotonic()
            try:
                connection.request("GET", "/metrics")
                text = connection.getresponse().read().decode()
            except (OSError, http.client.HTTPException):
                connection.close()
                continue
            if (at := text.find("\n" + DRIVEN)) >= 0:
                into.append((began, time.monotonic(), text[at + 1 + len(DRIVEN)] == "1"))
        connection.close()

    def overlaps(self):
        """Proven cases of two drivers at once: while one said that it drives, the other said so before and said so after.
        (time, one, other), empty when all is well."""
        found = []
        samples = {name: list(held) for name, held in self.samples.items()}
        for one, held in samples.items():
            for other, theirs in samples.items():
                if one == other:
                    continue
                place = 0
                for began, ended, driven in held:
                    if not driven:
                        continue
                    while place + 1 < len(theirs) and theirs[place + 1][1] < began:
                        place += 1
                    if not theirs or theirs[place][1] >= began or not theirs[place][2]:
                        continue
                    after = next((s for s in theirs[place + 1:] if s[0] > ended), None)
                    between = [s for s in theirs[place + 1:] if after and s[1] < after[1]]
                    if after and after[2] and all(s[2] for s in between):
                        found.append((began, one, other))
        return found


class Cluster(stack.Stack):
    """The stack's own daemon makes the tenants and ends; then there are Nodes."""

    def __init__(self, **options):
        super().__init__(backend="mariadb", **options)
        self.nodes, self.watch = {}, Watch()

    def start(self):
        super().start()
        self.stop_pbxd()
        self.ami = Ami(self.ami_port)
        with open(self.path("ami-pbxd")) as f:
            self.ami.login("pbxd", f.read().strip(), events="off")
        self.node("a").start()
        self.url = f"http://127.0.0.1:{self.node('a').port}"

    def stop(self):
        self.watch.end()
        for node in self.nodes.values():
            if node.runs:
                node.send(signal.SIGCONT)   # or the SIGTERM that follows would wait
        super().stop()

    def spawn(self, arguments, log):
        return self._spawn(arguments, log)

    def node(self, name, id=None):
        if name not in self.nodes:
            self.nodes[name] = Node(self, name, id or name)
        return self.nodes[name]

    def running(self):
        return [n for n in self.nodes.values() if n.runs]

    def ended_by_themselves(self):
        return [n.name for n in self.nodes.values() if n.wanted and not n.runs]

    @property
    def daemon(self):
        """For what asks a Stack how its daemon is."""
        return self._daemon if not self.nodes else self.node("a").process

    @daemon.setter
    def daemon(self, process):
        self._daemon = process

    def log_text(self, start=0):
        return "\n".join(f"--- {n.name}\n" + "\n".join([l for l in n.log_lines() if " http " not in l][-40:]) for n in self.nodes.values())

    def configure(self, node):
        with open(self.path("pbxd.conf")) as f:
            text = f.read()
        data = self.path("data-" + node.name)
        os.makedirs(data, mode=0o700, exist_ok=True)
        text = text.replace(f"port = {self.ami_port}\n", f"port = {node.ami_port}\n")
        self._write(node.name + ".conf", text.replace(f"data_dir = {self.path('data')}\n", f"data_dir = {data}\nnode_name = {node.id}\n"))
        return self.path(node.name + ".conf")

    # --- who drives

    def driver(self):
        """The one running node that says it drives; None when nobody does."""
        found = [n for n in self.running() if n.drives()]
        if len(found) > 1:
            raise AssertionError("two drive: " + ", ".join(n.name for n in found))
        return found[0] if found else None

    def lease(self):
        """(owner, epoch) of the row in the database."""
        owner, epoch = self._sql("SELECT owner, epoch FROM leases WHERE name = 'asterisk/main'").rstrip("\n").split("\t")
        return owner, int(epoch)

    def forget_lease(self):
        """As before the first node ever ran."""
        self._sql("DELETE FROM leases")

    def _sql(self, statement):
        with open(self.path("pbxd.conf")) as f:
            socket = next(l for l in f if l.startswith("socket = ")).partition(" = ")[2].strip()
        return subprocess.run(["mariadb", "--no-defaults", "-S", socket, "-u", "root", "-N", "-B", "pbx", "-e", statement], capture_output=True, text=True, check=True,
                              timeout=30).stdout

    def wait_driver(self, seconds, among=None):
        """The first of `among` (left out: of all) that drives, and how long that took from now."""
        began = time.monotonic()
        found = stack.wait(lambda: next((n for n in among or self.running() if n.drives()), None), seconds, "a driver")
        return found, time.monotonic() - began

    def freeze_database(self):
        os.kill(self._mariadb_pid, signal.SIGSTOP)

    def thaw_database(self):
        os.kill(self._mariadb_pid, signal.SIGCONT)

    # --- the board

    def truth(self):
        linkedids = {m.get("Uniqueid"): m.get("Linkedid") for m in self.ami.list("CoreShowChannels")}
        return compare.asterisk_queues(self.ami.list("QueueStatus"), linkedids)

    def wait_same_board(self, among=None, seconds=10.0):
        """Until every one of these nodes shows what the Asterisk says, which is asked before and after. Seconds it took,
        and callers and members on it."""
        began, why = time.monotonic(), ""
        while True:
            before = self.truth()
            try:
                boards = {n.name: n.board() for n in among or self.running()}
                after = self.truth()
                if not compare.differences(before, after):
                    found = [f"{name}: {d}" for name, board in boards.items() for d in compare.differences(before, board)]
                    if not found:
                        return time.monotonic() - began, sum(len(q["callers"]) for q in before.values()), sum(len(q["members"]) for q in before.values())
                    why = "; ".join(found[:5])
            except OSError as error:
                why = str(error)
            if time.monotonic() - began > seconds:
                raise TimeoutError(f"the boards are not the same within {seconds} s: {why or 'the Asterisk does not come to rest'}")
