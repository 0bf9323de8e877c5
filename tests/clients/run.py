#!/usr/bin/env python3
"""Runs the example clients of examples/clients against a running system and compares what each saw with the JSON API.

    run.py up FOLDER        starts pbxsim and pbxd with three companies in the background; what the clients need goes to FOLDER/stack.json
    run.py npm FOLDER       the node clients' packages into FOLDER/npm
    run.py check FOLDER CLIENT
    run.py down FOLDER

CTest calls them (fixtures of CMakeLists.txt). Exit code 77: an interpreter or a library is missing; with PBX_REQUIRE_ALL that is a failure.
"""
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
EXAMPLES = os.path.join(ROOT, "examples/clients")
sys.path.insert(0, os.path.join(ROOT, "tests/system"))

import stack  # noqa: E402
from faces import JsonFace, Login  # noqa: E402

# Debian's own interpreters: another one first in PATH has not the packages.
PHP, PYTHON, PERL = "/usr/bin/php", "/usr/bin/python3", "/usr/bin/perl"
# client: command, how to see whether it can run, package, company and queue (no two share one: each renames its own)
CLIENTS = {
    "php-soap": ([PHP, "php-soap.php"], [PHP, "-r", "exit(class_exists('SoapClient') ? 0 : 1);"], "php-soap", "viatalk", "support"),
    "python-zeep": ([PYTHON, "python-zeep.py"], [PYTHON, "-c", "import zeep"], "python3-zeep", "viatalk", "sales"),
    "perl-soap-lite": ([PERL, "perl-soap-lite.pl"], [PERL, "-MSOAP::Lite", "-e1"], "libsoap-lite-perl", "viatalk", "vip"),
    "node-soap": (["node", "node/soap.js"], ["node", "-e", "require('soap')"], "nodejs", "hostrocket", "support"),
    "php-xmlrpc": ([PHP, "php-xmlrpc.php"], [PHP, "-r", "exit(function_exists('xmlrpc_decode') ? 0 : 1);"], "php-xmlrpc", "hostrocket", "sales"),
    "python-xmlrpc": ([PYTHON, "python-xmlrpc.py"], [PYTHON, "-c", "import xmlrpc.client"], "python3", "hostrocket", "vip"),
    "perl-rpc-xml": ([PERL, "perl-rpc-xml.pl"], [PERL, "-MRPC::XML::Client", "-e1"], "librpc-xml-perl", "dotblock", "support"),
    "perl-frontier": ([PERL, "perl-frontier.pl"], [PERL, "-MFrontier::Client", "-e1"], "libfrontier-rpc-perl", "dotblock", "sales"),
    "node-xmlrpc": (["node", "node/xmlrpc.js"], ["node", "-e", "require('xmlrpc')"], "nodejs", "dotblock", "vip"),
}
# Perl has no booleans and no integers of its own, and these hand text back as they found it.
TEXT_ONLY = ("perl-soap-lite", "perl-rpc-xml", "perl-frontier")
COUNTS = ("waiting", "longest_wait_seconds", "members", "free", "ringing", "in_call", "wrapup", "paused", "unavailable", "callbacks", "longest_callback_seconds")
# What breaks clients and servers that mix up bytes and characters, forget to escape, or know no more than 16 bits a character.
HOSTILE = "Підтримка <VIP> & \"Söhne\" ]]> 😀 "
PASSWORD = "пароль: 😀 & <Ü>"       # a colon, and not Latin-1


def skip(reason):
    print(f"SKIPPED: {reason}", file=sys.stderr)
    sys.exit(1 if os.environ.get("PBX_REQUIRE_ALL") else 77)


# --- the system, kept running between the tests

def up(folder):
    down(folder)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "serve.log"), "wb") as log:
        process = subprocess.Popen([sys.executable, __file__, "serve", folder], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    ready = os.path.join(folder, "stack.json")
    deadline = time.monotonic() + 100
    while not os.path.exists(ready):
        if process.poll() is not None or time.monotonic() > deadline:
            process.terminate()
            with open(os.path.join(folder, "serve.log"), errors="replace") as log:
                sys.exit("the system did not start:\n" + log.read()[-4000:])
        time.sleep(0.05)


def serve(folder):
    """The process behind up(): holds the system until down(), or ten minutes if nobody calls that."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    limits = {"throttle_pair": 1000, "throttle_address": 1000}      # each client logs in wrongly, all from one address
    with stack.Stack(settings={"access": limits}) as s:
        users = {}
        for name, tenant in s.tenants.items():
            s.call("user.create", s.operator, tenant=name, login=f"{name}-partner", password=PASSWORD, role="admin")
            users[name] = {"user": f"{name}-partner", "password": PASSWORD, "token": tenant.tokens["admin"].password}
        unfinished = os.path.join(folder, "stack.json.new")
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
            json.dump({"url": s.url, "pid": os.getpid(), "users": users}, f)
        os.rename(unfinished, os.path.join(folder, "stack.json"))
        deadline = time.monotonic() + 600
        while time.monotonic() < deadline and s.daemon.poll() is None and s.simulator.poll() is None:
            time.sleep(0.2)
        sys.exit("pbxd, pbxsim or the time ended\n" + s.log_text()[-3000:])


def down(folder):
    path = os.path.join(folder, "stack.json")
    try:
        with open(path) as f:
            pid = json.load(f)["pid"]
    except FileNotFoundError:
        return
    os.remove(path)

    def runs():
        # A process id may be another's by now: only ours has these arguments.
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                return f"\0{__file__}\0serve\0{folder}\0".encode() in b"\0" + f.read()
        except (FileNotFoundError, ProcessLookupError):
            return False

    if runs():
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 45
    while runs():
        if time.monotonic() > deadline:
            sys.exit(f"process {pid} did not end")
        time.sleep(0.05)


def npm(folder):
    if not shutil.which("node") or not shutil.which("npm"):
        skip("nodejs and npm are not installed (scripts/setup test)")
    target, done = os.path.join(folder, "npm"), os.path.join(folder, "npm", "installed")
    lock = os.path.join(EXAMPLES, "node/package-lock.json")
    with open(lock, "rb") as f:
        text = f.read()
    if any("resolved" in package for package in json.loads(text)["packages"].values()):
        sys.exit("package-lock.json names download hosts: npm install --package-lock-only --omit-lockfile-registry-resolved")
    wanted = hashlib.sha256(text).hexdigest()
    try:
        with open(done) as f:
            if f.read() == wanted:
                return
    except FileNotFoundError:
        pass
    os.makedirs(target, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(os.path.join(EXAMPLES, "node", name), target)
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=target, check=True, timeout=240)
    with open(done, "w") as f:
        f.write(wanted)


# --- one client

class Client:
    def __init__(self, folder, name):
        self.name, (self.command, self.probe, self.package, self.tenant, self.queue) = name, CLIENTS[name]
        self.packages = os.path.join(folder, "npm/node_modules")
        with open(os.path.join(folder, "stack.json")) as f:
            running = json.load(f)
        self.url, self.login = running["url"], running["users"][self.tenant]
        self.json, self.bearer = JsonFace(self.url), Login(None, self.login["token"])
        try:
            if subprocess.run(self.probe, env=self.environment(), capture_output=True, timeout=60).returncode:
                skip(f"{self.package} is not installed (scripts/setup test)")
        except FileNotFoundError:
            skip(f"{self.probe[0]} is not installed (scripts/setup test)")

    def environment(self, **more):
        mine = {"PBX_URL": self.url, "PBX_QUEUE": self.queue, "PBX_WAIT": "1", "NODE_PATH": self.packages}
        return {k: v for k, v in os.environ.items() if not k.startswith("PBX_")} | mine | more

    def run(self, *arguments, **environment):
        command = [self.command[0], os.path.join(EXAMPLES, self.command[1]), *arguments]
        return subprocess.run(command, env=self.environment(**environment), capture_output=True, timeout=60)

    def ask(self, operation, **params):
        return self.json.call(operation, params, self.bearer)

    def check(self, what, **environment):
        """One full run with these credentials; between two looks through the JSON API."""
        title = HOSTILE + what
        before = self.ask("queue.status", id=self.queue)
        done = self.run("--json", PBX_TITLE=title, **environment)
        after = self.ask("queue.status", id=self.queue)
        expect(done.returncode == 0 and not done.stderr, f"exit {done.returncode}: {done.stderr.decode(errors='replace')}")
        seen = json.loads(done.stdout.decode())
        expect(seen["client"] == self.name, seen["client"])
        expect(after["title"] == title, f"the client wrote {after['title']!r}, not {title!r}")
        self.check_queues(seen["queues"])
        self.check_status(seen["status"], before, after)
        self.check_faults(seen)
        expect(seen["events"]["next"] and all("." in t for t in seen["events"]["types"]), f"events: {seen['events']}")
        print(f"{self.name} {what}: {len(seen['queues'])} queues, {len(seen['status']['members'])} members, {len(seen['events']['types'])} events")

    def check_queues(self, queues):
        known = [(q["id"], q["name"]) for q in self.ask("queue.list")["items"]]
        expect([(q["id"], q["name"]) for q in queues] == known and len(known) == 3, f"{queues} instead of {known}")

    def check_status(self, status, before, after):
        for field in ("id", "name", "title", "server", "asterisk_name", "department", "strategy"):
            expect(status[field] == after[field], f"{field} is {status[field]!r}, not {after[field]!r}")
        expect(self.boolean(status["stale"]) is False, f"stale is {status['stale']!r}")
        expect(before["as_of"][:19] <= str(status["as_of"])[:19] <= after["as_of"][:19], f"as_of is {status['as_of']!r}")
        counts = {name: self.integer(status["counts"][name]) for name in COUNTS}
        expect(set(status["counts"]) == set(COUNTS), f"counts: {status['counts']}")
        expect(counts["waiting"] == len(status["callers"]), f"{counts['waiting']} callers waiting, {len(status['callers'])} listed")
        expect(counts["members"] == len(status["members"]) == len(after["members"]) > 0, f"{counts['members']} members")
        key = "interface"
        old, new = ({m[key]: m for m in look["members"]} for look in (before, after))
        for member in status["members"]:
            known = new[member[key]]
            for field in ("agent", "member_name"):
                expect(member.get(field) == known.get(field), f"{field} is {member.get(field)!r}, not {known.get(field)!r}")
            expect(isinstance(self.boolean(member["paused"]), bool), "paused")
            # It only grows: a live value with a lower and an upper bound.
            taken = self.integer(member["calls_taken"])
            expect(old[member[key]]["calls_taken"] <= taken <= known["calls_taken"], f"calls_taken of {member[key]} is {taken}")
        for place, caller in enumerate(status["callers"], 1):
            expect(self.integer(caller["position"]) == place and caller["call_id"], f"caller {place}: {caller}")

    def check_faults(self, seen):
        for name, code, token, words in (("unknown_queue", 103, "not_found", "no-such-queue"), ("bad_credentials", 101, "unauthenticated", "wrong")):
            fault = seen[name]
            expect((self.integer(fault["code"]), fault["token"]) == (code, token) and words in fault["message"], f"{name}: {fault}")

    def check_lines(self):
        """What a person sees, and that a run that fails says so without the secret."""
        done = self.run(PBX_TOKEN=self.login["token"])
        text = done.stdout.decode()
        expect(done.returncode == 0 and not done.stderr, f"exit {done.returncode}: {done.stderr.decode(errors='replace')}")
        for line in (f"queue {self.queue}: {HOSTILE}", f"{self.queue}: ", "members free, as of 20", "events: ", "unknown queue: not_found - ",
                     "bad credentials: unauthenticated - "):
            expect(line in text, f"{line!r} is not in\n{text}")
        for what, environment in (("a wrong token", {"PBX_TOKEN": "wr0ng-secret"}), ("a wrong password", {"PBX_USER": "nobody", "PBX_PASSWORD": "wr0ng-secret"})):
            done = self.run(**environment)
            error = done.stderr.decode(errors="replace")
            expect(done.returncode != 0 and "unauthenticated (101)" in error, f"{what}: exit {done.returncode}: {error}")
            expect("wr0ng-secret" not in error + done.stdout.decode(), f"{what} is told:\n{error}")
        for what, environment in (("no server", {"PBX_TOKEN": "x", "PBX_URL": "http://127.0.0.1:9"}), ("no credentials", {})):
            done = self.run(**environment)
            expect(done.returncode != 0 and done.stderr, f"{what}: exit {done.returncode}")

    def boolean(self, value):
        if self.name in TEXT_ONLY and str(value) in ("0", "1", "true", "false"):
            return str(value) in ("1", "true")
        expect(isinstance(value, bool), f"{value!r} is not a boolean")
        return value

    def integer(self, value):
        if self.name in TEXT_ONLY and isinstance(value, str):
            return int(value)
        expect(isinstance(value, int) and not isinstance(value, bool), f"{value!r} is not an integer")
        return value


def expect(holds, what):
    if not holds:
        raise AssertionError(what)


def check(folder, name):
    client = Client(folder, name)
    login = client.login
    client.check("Bearer", PBX_TOKEN=login["token"])
    client.check("Basic", PBX_USER=login["user"], PBX_PASSWORD=login["password"])
    client.check("Basic with a token", PBX_USER="token", PBX_PASSWORD=login["token"])
    if name == "php-soap":
        client.check("SOAP 1.2 with Bearer", PBX_TOKEN=login["token"], PBX_SOAP="1.2")
        client.check("SOAP 1.2 with Basic", PBX_USER=login["user"], PBX_PASSWORD=login["password"], PBX_SOAP="1.2")
    client.check_lines()


def main():
    steps = {"up": up, "serve": serve, "npm": npm, "down": down, "check": check}
    if len(sys.argv) < 3 or sys.argv[1] not in steps or (sys.argv[1] == "check") != (len(sys.argv) == 4):
        sys.exit(__doc__)
    steps[sys.argv[1]](os.path.abspath(sys.argv[2]), *sys.argv[3:])


if __name__ == "__main__":
    try:
        main()
    except stack.Unavailable as missing:
        skip(str(missing))
