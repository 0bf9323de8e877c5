#!/usr/bin/env python3
"""Starts a whole system in a temporary folder: pbxsim, pbxd, the first operator and three companies; and ends it again.

    with stack.Stack() as s:                       # programs from $PBX_BIN, or bin_dir=
        s.call("queue.list", s.tenants["viatalk"].users["admin"])
    python3 stack.py up [--json] [--bin DIR] [--backend sqlite|mariadb]     until Ctrl-C or SIGTERM

Everything is made through the public ways: `pbxctl bootstrap` for the operator, the JSON API for the rest.
Exit code 77 (Unavailable): something that is needed is not installed or not built.
"""
import argparse
import ctypes
import dataclasses
import glob
import json
import os
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "asterisk"))
from faces import Fault, JsonFace, Login  # noqa: E402
from lab import ports  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
COMPANIES = {"viatalk": ("US", "America/New_York"), "hostrocket": ("US", "America/New_York"), "dotblock": ("US", "America/Chicago")}
DEPARTMENTS = {"service": ("support", "vip"), "sales": ("sales",)}   # the queues that each owns
AGENTS = tuple(range(101, 109))                                       # phones of the simulator: PJSIP/<tenant>-101 ...
SKIPPED = 77


class Unavailable(RuntimeError):
    """Something that is needed is not on this machine: the test is skipped, loudly."""


@dataclasses.dataclass
class Tenant:
    """What was made for one company; the values of the dicts are ids, those of users and tokens are Logins."""
    name: str
    id: str = ""
    marker: str = ""      # a text that stands in every title of this company and nowhere else
    departments: dict = dataclasses.field(default_factory=dict)
    queues: dict = dataclasses.field(default_factory=dict)
    agents: dict = dataclasses.field(default_factory=dict)
    callback: str = ""                                            # id of an open one, of sales
    routing: dict = dataclasses.field(default_factory=dict)      # kind ("blocklist", "hours", ...) → id of one entry; of status_rule the status
    numbers: dict = dataclasses.field(default_factory=dict)      # kind → its number
    users: dict = dataclasses.field(default_factory=dict)        # role → Login with a password; "lead": a supervisor of sales
    user_ids: dict = dataclasses.field(default_factory=dict)
    tokens: dict = dataclasses.field(default_factory=dict)       # role → Login with a token for everything
    token_ids: dict = dataclasses.field(default_factory=dict)

    @property
    def people(self):
        """Every role's cheap Login (a token: no password has to be verified)."""
        return self.tokens


class Stack:
    """`settings`: {"access": {"throttle_pair": 1000}} goes into pbxd.conf. `sim`: more options for pbxsim.
    `tenants=False`: the operator alone. `markers=True`: a random text stands in every title of a company, to look for elsewhere.
    `agi=True`: pbxsim asks pbxd for each call, and callbacks are placed."""

    def __init__(self, bin_dir=None, backend=None, settings=None, sim=("--speed", "5"), tenants=True, markers=False, folder=None, agi=False):
        self.bin = bin_dir or os.environ.get("PBX_BIN") or os.path.join(ROOT, "build/release/bin")
        self.backend, self.settings, self.sim_options = backend or os.environ.get("PBX_BACKEND", "sqlite"), settings or {}, list(sim)
        self.with_tenants, self.markers, self.agi = tenants, markers, agi
        self.folder, self._keep_folder = folder, folder is not None
        self.environment = {}   # more of it for pbxd, as from the next start_pbxd()
        self.operator, self.tenants = None, {}
        self.url = self.port = self.ami_port = None
        self._processes = []
        self._mariadb_pid = None

    # --- start and stop

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        missing = [name for name in ("pbxd", "pbxsim", "pbxctl") if not os.access(self.program(name), os.X_OK)]
        if missing:
            raise Unavailable(f"not in {self.bin}: {', '.join(missing)} (set PBX_BIN)")
        if self.folder is None:
            self.folder = tempfile.mkdtemp(prefix="pbx-stack-")
        os.makedirs(self.path("data"), mode=0o700, exist_ok=True)
        self._start_simulator()
        self._write_configuration()
        self._bootstrap()
        self.start_pbxd()
        if self.with_tenants:
            for name in COMPANIES:
                self.tenants[name] = self._make_tenant(name)

    def stop(self):
        for process in reversed(self._processes):
            _end(process)
        self._processes.clear()
        if self._mariadb_pid:
            try:
                os.kill(self._mariadb_pid, signal.SIGTERM)
                _wait(lambda: not os.path.exists(f"/proc/{self._mariadb_pid}"), 20, "MariaDB to end")
            except (ProcessLookupError, TimeoutError):
                pass
            self._mariadb_pid = None
        if self.folder and not self._keep_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def program(self, name):
        return os.path.join(self.bin, name)

    @property
    def log(self):
        return self.path("pbxd.log")

    def _spawn(self, arguments, log, environment=None):
        with open(log, "ab") as out:
            process = subprocess.Popen(arguments, stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd=self.folder, preexec_fn=_end_with_parent,
                                       env=os.environ | (environment or {}))
        self._processes.append(process)
        return process

    def _start_simulator(self):
        main, system = secrets.token_urlsafe(18), secrets.token_urlsafe(18)
        self._write("ami", f"pbxd {main}\npbxd-sys {system}\n")
        self._write("ami-pbxd", main + "\n")
        self._write("ami-sys", system + "\n")
        questions = self._agi() if self.agi else []
        self.simulator = self._spawn([self.program("pbxsim"), "--secret-file", self.path("ami"), "--port", "0", *questions, *self.sim_options], self.path("sim.log"))
        line = _wait(lambda: self._line("sim.log", "ready: ami "), 15, "pbxsim's ready line", self.simulator, self.path("sim.log"))
        self.ami_port = int(line.rsplit(":", 1)[1])

    def _agi(self):
        """pbxd's FastAGI, whose port pbxsim has to know before pbxd runs; pbxsim's options for it."""
        port = ports.single()
        self._write("agi-token", secrets.token_hex(32) + "\n")
        self.settings.setdefault("agi", {})["port"] = port
        self.settings.setdefault("asterisk.main", {})["agi_token_file"] = self.path("agi-token")
        return ["--agi", f"127.0.0.1:{port}", "--agi-token-file", self.path("agi-token")]

    def _write_configuration(self):
        sections = {
            "pbxd": {"data_dir": self.path("data")},
            "http": {"port": 0},
            "board": {"reconcile_seconds": 5},
            "asterisk.main": {"port": self.ami_port, "secret_file": self.path("ami-pbxd"), "sys_secret_file": self.path("ami-sys")},
        }
        if self.backend == "mariadb":
            sections["storage"] = self._start_mariadb()
        for section, values in self.settings.items():
            sections.setdefault(section, {}).update(values)
        self._write("pbxd.conf", "".join(f"[{s}]\n" + "".join(f"{k} = {v}\n" for k, v in values.items()) for s, values in sections.items()))

    def sql(self, *statements):
        """Past pbxd; the rows of the last one, as texts. Values are ours, and written into the statements."""
        if self.backend == "sqlite":
            with sqlite3.connect(self.path("data/pbxd.sqlite"), isolation_level=None, timeout=10) as db:
                rows = [db.execute(one).fetchall() for one in statements][-1]
            db.close()
            return [["" if value is None else str(value) for value in row] for row in rows]
        done = subprocess.run(["mariadb", "--no-defaults", "-S", self.mariadb + "/s", "-u", "root", "-N", "-B", "pbx"], input=";\n".join(statements) + ";\n",
                              capture_output=True, text=True, check=True, timeout=60)
        return [line.split("\t") for line in done.stdout.splitlines()]

    @property
    def mariadb(self):
        return glob.glob(self.path("mdb-*"))[0]

    def _start_mariadb(self):
        folder = tempfile.mkdtemp(prefix="mdb-", dir=self.folder)
        done = subprocess.run([os.path.join(ROOT, "tests/lib/mariadb-up"), folder, str(os.getpid())], stdout=subprocess.DEVNULL, timeout=120)
        if done.returncode == SKIPPED:
            raise Unavailable("MariaDB is not installed")
        if done.returncode:
            raise RuntimeError(f"tests/lib/mariadb-up: exit {done.returncode}")
        with open(os.path.join(folder, "pid")) as f:
            self._mariadb_pid = int(f.read())
        password = secrets.token_urlsafe(18)
        self._write("db-password", password + "\n")
        sql = f"CREATE DATABASE pbx; CREATE USER pbx@localhost IDENTIFIED BY '{password}'; GRANT ALL ON pbx.* TO pbx@localhost;"
        subprocess.run(["mariadb", "--no-defaults", "-S", f"{folder}/s", "-u", "root"], input=sql, text=True, check=True, timeout=30)
        return {"backend": "mariadb", "socket": f"{folder}/s", "database": "pbx", "user": "pbx", "password_file": self.path("db-password")}

    def _bootstrap(self):
        self.operator = Login("operator", secrets.token_urlsafe(18))
        self._write("operator-password", self.operator.password + "\n")
        if self.backend == "mariadb":
            self._run_pbxctl("db", "migrate")
        self._run_pbxctl("bootstrap", self.operator.user, "--password-file", self.path("operator-password"))

    def _run_pbxctl(self, *arguments):
        done = subprocess.run([self.program("pbxctl"), *arguments, "--config", self.path("pbxd.conf")], capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL)
        if done.returncode:
            raise RuntimeError(f"pbxctl {' '.join(arguments)}: exit {done.returncode}: {done.stderr.strip()}")

    def start_pbxd(self):
        """Also after stop_pbxd(): the data are kept, the port is a new one."""
        start = os.path.getsize(self.log) if os.path.exists(self.log) else 0
        self.daemon = self._spawn([self.program("pbxd"), "--config", self.path("pbxd.conf")], self.log, self.environment)
        line = _wait(lambda: self._line("pbxd.log", " ready ", start), 60, "pbxd's ready line", self.daemon, self.log)
        self.port = int(next(word for word in line.split() if word.startswith("port=")).split("=")[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.json = JsonFace(self.url)
        _wait(lambda: self.get("/healthz")[0] == 200, 20, "/healthz", self.daemon, self.log)
        _wait(self._in_step, 30, "the board to be in step", self.daemon, self.log)

    def stop_pbxd(self):
        self._processes.remove(self.daemon)
        _end(self.daemon)
        return self.daemon.returncode

    def _in_step(self):
        return "pbxd_asterisk_up{asterisk=\"main\"} 1" in self.get("/metrics")[1]

    # --- use

    def get(self, path):
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def call(self, operation, login, /, **params):
        """The JSON face; Fault for what is refused."""
        return self.json.call(operation, params, login)

    def items(self, operation, login, /, **params):
        """All pages of a list."""
        found, after = [], {}
        while True:
            page = self.call(operation, login, limit=500, **params, **after)
            found += page["items"]
            if not page.get("next"):
                return found
            after = {"after": page["next"]}

    def log_text(self, start=0):
        with open(self.log, "rb") as f:
            f.seek(start)
            return f.read().decode(errors="replace")

    # --- the three companies

    def _make_tenant(self, name):
        country, zone = COMPANIES[name]
        t = Tenant(name, marker="Zq" + secrets.token_hex(8) if self.markers else name.title())
        op = self.operator
        t.id = self.call("tenant.create", op, name=name, title=f"{t.marker} Inc", country=country, time_zone=zone, languages=["en"])["id"]
        for department, queues in DEPARTMENTS.items():
            t.departments[department] = self.call("department.create", op, tenant=name, name=department, title=f"{department.title()} {t.marker}")["id"]
            for queue in queues:
                t.queues[queue] = self.call("queue.create", op, tenant=name, name=queue, title=f"{queue.title()} {t.marker}", department=department)["id"]
        for number in AGENTS:
            t.agents[f"agent-{number}"] = self.call("agent.create", op, tenant=name, name=f"agent-{number}", title=f"Agent {number} {t.marker}",
                                                    interface=f"PJSIP/{name}-{number}", department="sales" if number % 2 else "service")["id"]
        self._make_routing(t)
        t.callback = self.call("callback.request", op, tenant=name, queue="sales", number="+12125550123", name=t.marker)["id"]
        people = {"admin": {}, "supervisor": {}, "viewer": {}, "agent": {"agent": "agent-101"}, "lead": {"role": "supervisor", "departments": ["sales"]}}
        for role, more in people.items():
            login = Login(f"{name}-{role}", secrets.token_urlsafe(18))
            fields = {"role": role} | more
            t.user_ids[role] = self.call("user.create", op, tenant=name, login=login.user, password=login.password, **fields)["id"]
            t.users[role] = login
            made = self.call("token.create", op, tenant=name, name="all", user=login.user, operations=["*"])
            t.tokens[role], t.token_ids[role] = Login(None, made["token"]), made["id"]
        return t

    def _make_routing(self, t):
        """One entry in each of the routing tables."""
        area = {"viatalk": "646", "hostrocket": "718", "dotblock": "312"}[t.name]
        for n, (kind, operation, more) in enumerate((("blocklist", "blocklist.add", {}), ("priority", "priority.add", {}), ("customer", "customer.set", {}),
                                                     ("did", "did.create", {"title": t.marker, "queue": "sales"}))):
            t.numbers[kind] = f"+1{area}555010{n}"
            more = more or ({"reason": t.marker} if kind != "customer" else {"attributes": [{"name": "company", "value": t.marker}]})
            t.routing[kind] = self.call(operation, self.operator, tenant=t.name, number=t.numbers[kind], **more)["id"]
        t.routing["hours"] = self.call("hours.create", self.operator, tenant=t.name, name="office", title=f"Office {t.marker}",
                                       week=[{"weekday": "monday", "from": "09:00", "to": "17:00"}])["id"]
        self.call("phone.create", self.operator, tenant=t.name, agent="agent-102", extension="102", caller_name=t.marker)
        t.routing["trunk"] = self.call("trunk.create", self.operator, tenant=t.name, name="line", host={"646": "192.0.2.1", "718": "192.0.2.2", "312": "192.0.2.3"}[area])["id"]
        t.routing["outbound_rule"] = self.call("outbound_rule.create", self.operator, tenant=t.name, value="+1")["id"]
        t.routing["status_rule"] = self.call("status_rule.set", self.operator, tenant=t.name, status="gold", level=20)["status"]

    # --- small things

    def _write(self, name, text):
        with open(os.open(self.path(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
            f.write(text)

    def _line(self, name, part, start=0):
        with open(self.path(name), "rb") as f:
            f.seek(start)
            return next((line for line in f.read().decode(errors="replace").splitlines(keepends=True) if part in line and line.endswith("\n")), None)

    def describe(self):
        """Everything that a caller of `stack.py up --json` may want."""
        def login(l):
            return {"token": l.password} if l.user is None else {"user": l.user, "password": l.password}
        return {"url": self.url, "folder": self.folder, "bin": self.bin, "operator": login(self.operator), "pids": [p.pid for p in self._processes],
                "tenants": {t.name: {"id": t.id, "departments": t.departments, "queues": t.queues, "agents": t.agents,
                                     "users": {role: login(l) for role, l in t.users.items()}, "tokens": {role: l.password for role, l in t.tokens.items()}}
                            for t in self.tenants.values()}}


def _end_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)   # PR_SET_PDEATHSIG: nothing is left behind, even by a kill -9


def _end(process):
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait(condition, seconds, what, process=None, log=None):
    """The first true answer of `condition`; TimeoutError, or RuntimeError when `process` has ended."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            found = condition()
            if found:
                return found
        except OSError:
            pass
        ended = process is not None and process.poll() is not None
        if ended or time.monotonic() > deadline:
            tail = ""
            if log:
                with open(log, errors="replace") as f:
                    tail = "\n" + f.read()[-3000:]
            if ended:
                raise RuntimeError(f"it ended with {process.returncode} while waiting for {what}{tail}")
            raise TimeoutError(f"waited {seconds} s for {what}{tail}")
        time.sleep(0.05)


wait = _wait


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["up"])
    parser.add_argument("--json", action="store_true", help="print everything as one line of JSON")
    parser.add_argument("--bin")
    parser.add_argument("--backend", choices=["sqlite", "mariadb"], default=None, help="left out: $PBX_BACKEND, else sqlite")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with Stack(bin_dir=arguments.bin, backend=arguments.backend) as s:
            if arguments.json:
                print(json.dumps(s.describe()), flush=True)
            else:
                print(f"ready: {s.url}\nfolder: {s.folder}\noperator: {s.operator.user} {s.operator.password}")
                for t in s.tenants.values():
                    for l in t.users.values():
                        print(f"  {l.user} {l.password}")
                print("Ctrl-C ends it", flush=True)
            while s.daemon.poll() is None and s.simulator.poll() is None:
                time.sleep(0.5)
            sys.exit("pbxd or pbxsim ended by itself\n" + s.log_text()[-2000:])
    except KeyboardInterrupt:
        pass
    except Unavailable as missing:
        print(f"stack.py: {missing}", file=sys.stderr)
        sys.exit(SKIPPED)


if __name__ == "__main__":
    main()
