#!/usr/bin/env python3
"""render.py 22|16 --pbxd PROGRAM --pbxctl PROGRAM: what `pbxctl asterisk render` writes, run by a real Asterisk with three tenants.

It starts without a complaint, every outcome of the routing tables takes a SIPp call where it should; pbxd killed, the database decides by func_odbc; that
stopped too, the call goes to the tenant's default queue. The delays are printed. Exit code 77: cannot run here (no SIPp, no MariaDB)."""
import argparse
import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from board.pbxd import Pbxd, bootstrap  # noqa: E402
from lab import TENANTS, TRUNK_IP, Lab, Phones, ports, processes  # noqa: E402
from lab.config import write_private  # noqa: E402
from lab.wait import soon  # noqa: E402

OPTIONS = None
SERVER = "main"
QUEUES = ("support", "sales", "vip", "billing", "short", "empty", "busy", "full")
# as docs/asterisk.md has it
READ = ("queues", "agents", "blocklist", "priority_callers", "customers", "status_rules", "dids", "hours", "open_intervals", "queue_conditions", "queue_overflow", "tenant_routing")
CC = {"viatalk": "1212555", "hostrocket": "1312555", "dotblock": "1415555"}


def number(tenant, end):
    return f"{CC[tenant]}{end}"


def ident(kind, *parts):
    """An id as pbxd makes them: 16 characters of base32."""
    return f"{kind}_{''.join(parts).translate(str.maketrans('0189', 'abij')).ljust(16, 'z')[:16]}"


def seed(run, sip_secret, trunk_port):
    """The tables of three companies that have the same names for everything; each blocks and prefers other people."""
    far = 4_000_000_000_000_000     # µs: the year 2096
    for i, tenant in enumerate(TENANTS):
        t = f"t_{tenant}"
        q = {name: ident("q", tenant, name) for name in QUEUES}
        run("INSERT INTO tenants (id, name, title, country, time_zone, languages, created_at) VALUES (?, ?, ?, 'US', 'America/New_York', 'en', 1)", t, tenant, tenant.title())
        for name in QUEUES:
            run("INSERT INTO queues (tenant_id, id, name, title, server, asterisk_name, wrapup_seconds, created_at) VALUES (?, ?, ?, ?, ?, ?, 0, 1)",
                t, q[name], name, 'Hostile; "title" ${SHELL(id)}', SERVER, f"{tenant}-{name}")
        settings = ("INSERT INTO queue_settings (tenant_id, queue_id, strategy, ring_seconds, retry_seconds, max_waiting, max_wait_seconds, weight, service_level_seconds, music_class, "
                    "join_when, leave_when, agent_sound, position_every_seconds, periodic_sound, periodic_every_seconds) "
                    "VALUES (?, ?, 'rrmemory', 10, 1, ?, ?, 0, 20, 'default', ?, 'always', '', 0, '', 60)")
        run(settings, t, q["short"], 0, 2, "always")
        run(settings, t, q["empty"], 0, None, "logged_in")
        run(settings, t, q["busy"], 1, None, "always")
        run(settings, t, q["full"], 1, None, "always")
        for agent in (101, 102):
            a, user = ident("a", tenant, str(agent)), f"{tenant}-{agent}"
            run("INSERT INTO agents (tenant_id, id, name, title, server, interface, created_at) VALUES (?, ?, ?, ?, ?, ?, 1)", t, a, f"agent-{agent}", "Ann", SERVER, f"PJSIP/{user}")
            digest = hashlib.md5(f"{user}:pbxd:{sip_secret}".encode()).hexdigest()
            run("INSERT INTO phones (tenant_id, agent_id, extension, username, realm, digest, caller_name, caller_number, created_at) VALUES (?, ?, ?, ?, 'pbxd', ?, ?, '', 1)",
                t, a, str(agent), user, digest, 'Ann "O\'Neil"; ${SHELL(id)}')
        run("INSERT INTO trunks (tenant_id, id, name, server, host, port, addresses, codecs, username, realm, digest, registers, caller_number, created_at) "
            "VALUES (?, ?, 'main', ?, ?, ?, ?, 'ulaw alaw', '', '', '', 0, ?, 1)", t, f"l_{tenant}", SERVER, TRUNK_IP[tenant], trunk_port, TRUNK_IP[tenant], f"+{number(tenant, '0100')}")
        for prefix, allowed in (("+1", 1), ("+1900", 0), ("+16465557777", 0)):
            run("INSERT INTO outbound_rules (tenant_id, id, kind, value, types, allowed) VALUES (?, ?, 'prefix', ?, '', ?)", t, f"o_{tenant}{prefix}", prefix, allowed)
        run("INSERT INTO tenant_routing (tenant_id, version, default_queue_id, closed_kind, closed_sound) VALUES (?, 1, ?, 'announcement', 'vm-sorry')", t, q["support"])
        run("INSERT INTO hours (tenant_id, id, name, title, time_zone, intervals_until) VALUES (?, ?, 'never', 'Never', 'America/New_York', ?)", t, f"h_{tenant}", far)
        did = "INSERT INTO dids (tenant_id, id, number, title, queue_id, hours_id) VALUES (?, ?, ?, '', ?, ?)"
        for end, queue, hours in (("0100", "sales", None), ("0101", "billing", f"h_{tenant}"), ("0102", "short", None), ("0103", "empty", None), ("0104", "busy", None), ("0105", "full", None)):
            run(did, t, f"n_{tenant}{end}", f"+{number(tenant, end)}", q[queue], hours)
        closed = "INSERT INTO dids (tenant_id, id, number, title, queue_id, hours_id, closed_kind, closed_agent_id, closed_number) VALUES (?, ?, ?, '', ?, ?, ?, ?, ?)"
        run(closed, t, f"n_{tenant}0106", f"+{number(tenant, '0106')}", q["sales"], f"h_{tenant}", "agent", ident("a", tenant, "101"), None)
        run(closed, t, f"n_{tenant}0107", f"+{number(tenant, '0107')}", q["sales"], f"h_{tenant}", "number", None, "+16465558888")
        # of caller ...0200 each tenant thinks otherwise: blocked, vip, nothing
        if i == 0:
            run("INSERT INTO blocklist (tenant_id, id, kind, number, reason, added_by, created_at, hits) VALUES (?, 'b_1', 'prefix', '+16465550200', '', '', 1, 0)", t)
        if i == 1:
            run("INSERT INTO priority_callers (tenant_id, id, number, level, queue_id, reason, added_by, created_at) VALUES (?, 'p_1', '+16465550200', 10, ?, '', '', 1)", t, q["vip"])
        run("INSERT INTO customers (tenant_id, id, number, status, attributes, updated_at) VALUES (?, ?, '+16465550300', 'overdue', '{}', 1)", t, f"c_{tenant}")
        run("INSERT INTO status_rules (tenant_id, status, level, to_kind, to_queue_id, when_closed) VALUES (?, 'overdue', 0, 'queue', ?, 0)", t, q["billing"])
        run("INSERT INTO queue_conditions (tenant_id, queue_id, priority_ceiling) VALUES (?, ?, 7)", t, q["vip"])
        run("INSERT INTO queue_conditions (tenant_id, queue_id, priority_ceiling) VALUES (?, ?, 100)", t, q["busy"])
        run("INSERT INTO queue_overflow (tenant_id, queue_id, step, overflow_when, overflow_limit, to_kind, to_queue_id) VALUES (?, ?, 0, 'waiting', 1, 'queue', ?)", t, q["busy"], q["support"])


class Provider(threading.Thread):
    """The other side of a trunk: answers OPTIONS, is busy for every call, keeps who was called."""

    def __init__(self, address, port):
        super().__init__(daemon=True)
        self.called = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, port))
        self.start()

    def close(self):
        self.socket.sendto(b"", self.socket.getsockname())
        self.join(5)
        self.socket.close()

    def run(self):
        while True:
            data, sender = self.socket.recvfrom(65536)
            if not data:
                return
            lines = data.decode(errors="replace").split("\r\n")
            method = lines[0].split(" ")[0]
            if method == "INVITE":
                self.called.append(lines[0].split(" ")[1].removeprefix("sip:").partition("@")[0])
            if method in ("INVITE", "OPTIONS"):
                kept = [line + (";tag=1" if line.lower().startswith("to:") else "") for line in lines[1:] if line.lower().startswith(("via:", "from:", "to:", "call-id:", "cseq:"))]
                status = "486 Busy Here" if method == "INVITE" else "200 OK"
                self.socket.sendto("\r\n".join([f"SIP/2.0 {status}", *kept, "Content-Length: 0", "", ""]).encode(), sender)


class Database:
    def __init__(self, folder):
        self.folder = folder
        self.start()

    def start(self):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib", "mariadb-up")
        code = subprocess.run([script, self.folder, str(os.getpid())], stdout=subprocess.DEVNULL, timeout=120).returncode
        if code == 77:
            print("SKIPPED: no MariaDB", file=sys.stderr)
            sys.exit(77)
        if code:
            raise RuntimeError(f"mariadb-up: exit {code}")
        with open(f"{self.folder}/pid", encoding="ascii") as f:
            self.who = processes.identity(int(f.read()))
        with open(f"{self.folder}/port", encoding="ascii") as f:
            self.port = int(f.read())

    def sql(self, text, database="pbx"):
        return subprocess.run(["mariadb", "--no-defaults", "-S", f"{self.folder}/s", "-u", "root", "-N", "-B", database], input=text, capture_output=True, text=True, check=True, timeout=60).stdout

    @staticmethod
    def bound(statement, values):
        """Test data only: values are ours, quoted for MariaDB."""
        def literal(value):
            return "NULL" if value is None else str(value) if isinstance(value, int) else "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
        parts = statement.split("?")
        return "".join(part + (literal(values[i]) if i < len(values) else "") for i, part in enumerate(parts))

    def run(self, statement, *values):
        self.sql(self.bound(statement, values))

    @contextlib.contextmanager
    def at_once(self):
        """What the block gives to the function that it gets goes to the server at its end: each time is a start of a program."""
        statements = []
        yield lambda statement, *values: statements.append(self.bound(statement, values))
        self.sql(";\n".join(statements))

    def stop(self):
        if processes.alive(self.who):
            os.kill(self.who["pid"], signal.SIGTERM)
        deadline = time.monotonic() + 20
        while processes.alive(self.who) and time.monotonic() < deadline:
            time.sleep(0.05)


class Site(unittest.TestCase):
    """MariaDB, an Asterisk that runs what was rendered, pbxd; one for all tests of a class."""
    odbc = True
    render_more = ""    # settings of [render.*] of a derived class

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="pbx-r-")
        if not OPTIONS.keep:
            cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.storage = cls.make_database()
        cls.token = secrets.token_hex(20)
        write_private(f"{cls.folder}/token", cls.token + "\n")
        cls.http, cls.agi = ports.single(), ports.single()
        cls.lab = Lab.up(f"{cls.folder}/lab", OPTIONS.version, die_with_parent=True, write=cls.write)
        cls.addClassCleanup(cls.lab.down)
        cls.run_pbxd()
        cls.ami = cls.lab.ami()
        cls.addClassCleanup(cls.ami.close)
        cls.provider = cls.start_provider(TRUNK_IP["viatalk"], cls.lab.state["sip_port"] + 4)
        cls.addClassCleanup(cls.provider.close)
        cls.reach("viatalk")
        cls.phones = Phones(cls.lab)
        cls.addClassCleanup(cls.phones.close)

    @classmethod
    def make_database(cls):
        """Sets cls.database; the configuration's section."""
        cls.database = Database(f"{cls.folder}/db")
        cls.addClassCleanup(cls.database.stop)
        password = secrets.token_hex(12)
        cls.database.sql(f"CREATE DATABASE pbx; CREATE USER pbx IDENTIFIED BY '{password}'; GRANT ALL ON pbx.* TO pbx; CREATE USER asterisk IDENTIFIED BY '{password}'", "")
        write_private(f"{cls.folder}/password", password + "\n")
        return f"backend = mariadb\nhost = 127.0.0.1\nport = {cls.database.port}\ndatabase = pbx\nuser = pbx\npassword_file = {cls.folder}/password\n"

    @classmethod
    def run_pbxd(cls):
        process = processes.start([OPTIONS.pbxd, "--config", cls.conf], log=f"{cls.folder}/pbxd.log", cwd=cls.folder)
        cls.pbxd = Pbxd(process, f"http://127.0.0.1:{cls.http}", *cls.operator, f"{cls.folder}/pbxd.log")
        cls.addClassCleanup(lambda: (processes.end(processes.identity(process.pid)), process.wait()))
        cls.pbxd.wait_ready(30)

    @classmethod
    def reach(cls, tenant):
        """Until Asterisk knows that the other side of that tenant's trunk is there."""
        cls.lab.cli("pjsip", "qualify", f"{tenant}-trunk-main")
        deadline = time.monotonic() + 10
        while "Avail" not in cls.lab.cli("pjsip", "show", "contacts").partition(f"{tenant}-trunk-main/")[2].partition("\n")[0] and time.monotonic() < deadline:
            time.sleep(0.1)

    @classmethod
    def seed_more(cls, run):
        """Rows of a derived class."""

    @classmethod
    def start_provider(cls, address, port):
        return Provider(address, port)

    @classmethod
    def write(cls, etc, version, values, available):
        """pbxd's configuration, the schema and the tables; then what pbxctl renders from them."""
        prefix = values["PREFIX"]
        cls.etc, cls.conf = etc, f"{cls.folder}/pbxd.conf"
        driver = next(os.path.join(d, "libmaodbc.so") for d, _, files in os.walk(os.path.realpath(f"{os.path.dirname(values['MODULES'])}/..")) if "libmaodbc.so" in files)
        write_private(cls.conf, f"""[pbxd]
data_dir = {cls.folder}/data
[http]
port = {cls.http}
[agi]
port = {cls.agi}
[storage]
{cls.storage}[asterisk.{SERVER}]
port = {values['AMI_PORT']}
user = pbxd
secret_file = {prefix}/secrets/pbxd
sys_user = pbxd-sys
sys_secret_file = {prefix}/secrets/pbxd-sys
agi_token_file = {cls.folder}/token
[render.{SERVER}]
asterisk_version = {version}
etc_dir = {etc}
module_dir = {values['MODULES']}
lib_dir = {prefix}/lib
data_dir = {prefix}/data
spool_dir = {prefix}/spool
run_dir = {prefix}/run
log_dir = {prefix}/log
sip_listen = 127.0.0.1
sip_port = {values['SIP_PORT']}
phones_behind_nat = no
rtp_first = {values['RTP_START']}
rtp_last = {values['RTP_END']}
{cls.render_more}""" + (f"""odbc_user = asterisk
odbc_password_file = {cls.folder}/password
odbc_driver = {driver}
odbc_host = 127.0.0.1
odbc_port = {cls.database.port}
""" if cls.odbc else ""))
        os.makedirs(f"{cls.folder}/data", mode=0o700, exist_ok=True)
        cls.pbxctl("db", "migrate")
        if cls.odbc:
            cls.database.sql("".join(f"GRANT SELECT ON pbx.{table} TO asterisk;" for table in READ))
        cls.operator = bootstrap(OPTIONS.pbxctl, cls.conf, cls.folder)
        with open(f"{prefix}/secrets/sip", encoding="ascii") as f, cls.database.at_once() as run:
            seed(run, f.read(), values["SIP_PORT"] + 4)
            cls.seed_more(run)
        cls.pbxctl("asterisk", "render", "--out", etc)
        for name in ("cdr-custom", "cel-custom"):       # as Asterisk's packages do
            os.makedirs(f"{prefix}/log/{name}")
        # an admin's own parts: the test driver's account, output without colours
        os.makedirs(f"{etc}/custom", mode=0o750)
        write_private(f"{etc}/custom/manager.conf", f"[lab](pbxd-account)\nsecret = {values['SECRET_LAB']}\npermit = 127.0.0.1\nread = all\nwrite = all\n")
        write_private(f"{etc}/custom/asterisk.conf", "[options](+)\nnocolor = yes\nverbose = 3\n")
        write_private(f"{etc}/custom/logger.conf", "[logfiles](+)\nfull => verbose,warning\n")
        write_private(f"{etc}/custom/extensions.conf", "[viatalk-inbound](+)\nexten => 777,1,UserEvent(MyOwn)\n same => n,Hangup()\n")

    @classmethod
    def pbxctl(cls, *arguments, code=0):
        done = subprocess.run([OPTIONS.pbxctl, *arguments, "--config", cls.conf], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        if done.returncode != code:
            raise AssertionError(f"pbxctl {' '.join(arguments)}: exit {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    # --- one call

    def start(self, tenant, to, caller, hold):
        since = self.ami.mark()
        self.phones.call(tenant, number(tenant, to) if len(to) == 4 else to, number=caller, hold=hold)
        new = self.ami.wait(lambda m: m.get("Event") == "Newchannel" and (m.get("Channel") or "").startswith(f"PJSIP/{tenant}-trunk-main-"), 10, since)
        self.assertIsNotNone(new, "the call did not reach Asterisk")
        return since, new

    def variable(self, since, new, name):
        """What was set last, until now."""
        found = self.settings(since, new, name)
        return found[-1].get("Value") if found else None

    def settings(self, since, new, name):
        return [m for m in self.ami.messages[since:] if m.get("Event") == "VarSet" and m.get("Variable") == name and m.get("Uniqueid") == new.get("Uniqueid")]

    def decided(self, since, new, queue, within):
        """Joins that queue; seconds from Asterisk's first event of the call until it is decided (Answer() waits half a second for a voice packet then, which SIPp does
        not send)."""
        joined = self.ami.wait(lambda m: m.get("Event") == "QueueCallerJoin" and m.get("Uniqueid") == new.get("Uniqueid"), 12, since)
        self.assertIsNotNone(joined, "joined no queue")
        self.assertEqual(joined.get("Queue"), queue)
        seconds = float(self.settings(since, new, "QUEUE_PRIO")[-1].get("Timestamp")) - float(new.get("Timestamp"))
        self.assertLess(seconds, within)
        return seconds

    def joins(self, tenant, to, caller, queue, *, why, priority="0", hold=1.5, within=2.0):
        """As decided(), for a call from its beginning to its end."""
        since, new = self.start(tenant, to, caller, hold)
        seconds = self.decided(since, new, f"{tenant}-{queue}", within)
        self.assertEqual((self.variable(since, new, "PBX_WHY"), str(int(self.variable(since, new, "QUEUE_PRIO")))), (why, priority))
        self.ami.wait(lambda m: m.get("Event") == "Hangup" and m.get("Uniqueid") == new.get("Uniqueid"), 12, since)
        self.phones.reap(20)
        return seconds

    def ends(self, tenant, to, caller, *, why, event=None, hold=8):
        """The call is not queued; the event in queue_log, if one is expected."""
        log = self.log_length()
        since, new = self.start(tenant, to, caller, hold)
        end = self.ami.wait(lambda m: m.get("Event") == "Hangup" and m.get("Uniqueid") == new.get("Uniqueid"), 15, since)
        self.assertIsNotNone(end)
        self.phones.reap(20)
        self.assertEqual(self.variable(since, new, "PBX_WHY"), why)
        if event:
            lines = [line for line in self.queue_log(log) if line.split("|")[1] == new.get("Uniqueid") and line.split("|")[4] == event]
            self.assertEqual(len(lines), 1, self.queue_log(log))
            return end, lines[0].split("|")[5:]
        return end, None

    def log_length(self):
        return len(self.queue_log(0))

    def queue_log(self, since):
        with open(f"{self.lab.prefix}/log/queue_log", encoding="utf-8", errors="replace") as f:
            return f.read().splitlines()[since:]

    def tell(self, what, seconds):
        print(f"  {OPTIONS.version} {what}: {seconds * 1000:.0f} ms from the INVITE to the decision", file=sys.stderr)

    def assert_no_complaint(self):
        with open(f"{self.lab.prefix}/log/messages", encoding="utf-8", errors="replace") as f:
            self.assertEqual([line.rstrip() for line in f if re.search(r"(WARNING|ERROR)\[", line)], [])


class Rendered(Site):
    """In their order of names: the last ones take pbxd and MariaDB away."""

    def test_a_starts_without_a_complaint(self):
        self.assert_no_complaint()
        self.assertEqual(self.lab.foreign_libraries(), [])
        modules = self.lab.cli("module", "show")
        self.assertIn("chan_pjsip.so", modules)
        self.assertNotIn("chan_sip.so", modules)
        sounds = os.listdir(f"{self.lab.prefix}/data/sounds/en/")
        for sound in ("vm-sorry", "im-sorry", "please-try-call-later"):
            self.assertIn(f"{sound}.gsm", sounds)
        endpoints = self.lab.cli("pjsip", "show", "endpoints")
        for tenant in TENANTS:
            for name in (f"{tenant}-101", f"{tenant}-102", f"{tenant}-trunk-main"):
                self.assertIn(f"Endpoint:  {name}", endpoints)
        self.assertIn("viatalk-support", self.lab.cli("queue", "show"))

    def test_b_pbxd_decides(self):
        for tenant in TENANTS:
            self.tell(f"{tenant} FastAGI", self.joins(tenant, "0100", "16465550001", "sales", why="queued"))
        self.joins("viatalk", "0199", "16465550001", "support", why="queued")                           # a number that nobody knows
        end, data = self.ends("viatalk", "0100", "16465550200", why="blocked", event="PBXBLOCKED")
        self.assertEqual(data, ["viatalk", "16465550200", number("viatalk", "0100"), "hangup", ""])
        self.assertEqual(end.get("Cause"), "21")
        self.joins("hostrocket", "0100", "16465550200", "vip", why="queued", priority="7")              # the ceiling of 10
        self.joins("dotblock", "0100", "16465550200", "sales", why="queued")
        self.joins("viatalk", "0100", "16465550300", "billing", why="diverted")
        self.elsewhere()

    def elsewhere(self):
        """Closed: an announcement, an agent's phone, a number outside; overflow into another queue."""
        self.ends("viatalk", "0101", "16465550001", why="closed", event="PBXCLOSED")
        self.phones.register({"viatalk-101": "hangup"})
        since = self.ami.mark()
        _, data = self.ends("viatalk", "0106", "16465550001", why="closed", event="PBXCLOSED")
        self.assertEqual(data[3:], ["agent", "PJSIP/viatalk-101"])
        self.assertIsNotNone(self.ami.wait(lambda m: m.get("Event") == "DialEnd" and m.get("DialStatus") == "ANSWER" and (m.get("DestChannel") or "").startswith("PJSIP/viatalk-101-"), 1, since))
        called = len(self.provider.called)
        self.ends("viatalk", "0107", "16465550001", why="closed", event="PBXCLOSED")
        self.assertEqual(self.provider.called[called:], ["+16465558888"])
        with self.waiting("viatalk", "0104"):
            self.joins("viatalk", "0104", "16465550002", "support", why="overflowed")

    def test_c_after_the_queue(self):
        log = self.log_length()
        self.ends("viatalk", "0102", "16465550001", why="queued")                                       # two seconds at most
        self.assertTrue(any(line.split("|")[4] == "EXITWITHTIMEOUT" for line in self.queue_log(log)), self.queue_log(log))
        _, data = self.ends("viatalk", "0103", "16465550001", why="queued", event="PBXJOINEMPTY")
        self.assertEqual(data[:3], ["viatalk", "16465550001", number("viatalk", "0103")])
        with self.waiting("viatalk", "0105"):
            self.ends("viatalk", "0105", "16465550002", why="queued", event="PBXFULL")

    def test_d_a_phone_registers_by_its_digest_and_is_called(self):
        self.phones.register({"viatalk-101": "answer"})
        since = self.ami.mark()
        self.ami.action("QueueAdd", Queue="viatalk-sales", Interface="PJSIP/viatalk-101", MemberName="Ann")
        self.phones.call("viatalk", number("viatalk", "0100"), number="16465550001", hold=3)
        self.assertIsNotNone(self.ami.wait(lambda m: m.get("Event") == "AgentConnect" and m.get("Queue") == "viatalk-sales", 15, since))
        self.assertEqual(self.phones.reap(30), {})
        self.ami.action("QueueRemove", Queue="viatalk-sales", Interface="PJSIP/viatalk-101")
        connected = self.ami.wait(lambda m: m.get("Event") == "AgentComplete", 10, since)
        self.assertIsNotNone(connected)
        if OPTIONS.version == 22:
            self.assertEqual(connected.get("Tenantid"), "viatalk")

    def dials(self, dialled):
        """The numbers that reach the provider when an agent's phone dials that."""
        seen, since = len(self.provider.called), self.ami.mark()
        self.ami.action("Originate", Channel=f"Local/{dialled}@viatalk-agents/n", Application="Wait", Data=1, Async="true", Timeout=3000)
        self.ami.wait(lambda m: m.get("Event") == "OriginateResponse", 10, since)
        return self.provider.called[seen:]

    def test_e_phones_dial_what_the_allow_list_has(self):
        for dialled in ("+16465559999", "6465559999", "16465559999", "0016465559999", "01116465559999"):
            self.assertEqual(self.dials(dialled), ["+16465559999"], dialled)
        for refused in ("+19005559999", "+442071838750", "911", "112", "0019005559999", "+1646555&PJSIP", "+1646x9005559999", "+16465557777",
                        "+16465559999,dial", "001646555,dial", "0111646555,n", "+16465559999:x"):
            self.assertEqual(self.dials(refused), [], refused)

    def test_f_hostile_callers(self):
        """A number, a called number with line ends and dialplan syntax forge nothing, and open no way past the blocklist."""
        log = self.log_length()
        for caller in ("16465550200%0Aagi_context:%20x", "+1646555%0D%0A0200"):
            since = self.ami.mark()
            self.invite("viatalk", caller, number("viatalk", "0100"))
            why = self.ami.wait(lambda m: m.get("Event") == "VarSet" and m.get("Variable") == "PBX_WHY", 10, since)
            self.assertEqual(why.get("Value"), "blocked", caller)
        since = self.ami.mark()
        self.invite("viatalk", "16465550001", number("viatalk", "0100") + "%0A200%20result=1%24%7BSHELL(id)%7D")
        self.assertIsNotNone(self.ami.wait(lambda m: m.get("Event") == "VarSet" and m.get("Variable") == "PBX_DONE" and m.get("Value") == "1", 10, since), "pbxd was not asked")
        for line in self.queue_log(log):
            self.assertRegex(line, r"^\d+\|")

    def invite(self, tenant, caller, called):
        address = TRUNK_IP[tenant]
        sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(sip.close)
        sip.bind((address, 0))
        port, target = sip.getsockname()[1], self.lab.state["sip_port"]
        body = f"v=0\r\no=x 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
        sip.sendto((f"INVITE sip:{called}@127.0.0.1:{target} SIP/2.0\r\nVia: SIP/2.0/UDP {address}:{port};branch=z9hG4bK{secrets.token_hex(4)}\r\n"
                    f"From: \"${{SHELL(id)}}\" <sip:{caller}@{address}>;tag=1\r\nTo: <sip:{called}@127.0.0.1>\r\nCall-ID: {secrets.token_hex(8)}\r\nCSeq: 1 INVITE\r\n"
                    f"Contact: <sip:x@{address}:{port}>\r\nMax-Forwards: 70\r\nContent-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode(), ("127.0.0.1", target))

    def test_g_an_admins_parts_are_read_and_survive(self):
        since = self.ami.mark()
        self.phones.call("viatalk", "777", hold=1)
        self.assertIsNotNone(self.ami.wait(lambda m: m.get("UserEvent") == "MyOwn", 10, since))
        self.phones.reap(20)
        self.assertEqual(self.pbxctl("asterisk", "render", "--diff", self.etc), "")
        self.pbxctl("asterisk", "check", self.etc)
        self.database.run(f"UPDATE queue_settings SET max_wait_seconds = 3 WHERE queue_id = '{ident('q', 'viatalk', 'short')}'")
        diff = self.pbxctl("asterisk", "render", "--diff", self.etc, code=6)
        self.assertIn("--- extensions.conf", diff)
        self.assertNotIn(self.token, diff)
        self.pbxctl("asterisk", "render", "--out", self.etc)
        self.assertTrue(os.path.exists(f"{self.etc}/custom/manager.conf"))
        self.lab.cli("core", "reload")
        self.joins("viatalk", "0100", "16465550001", "sales", why="queued")
        os.chmod(f"{self.etc}/manager.conf", 0o644)
        self.assertIn("manager.conf can be read by others", self.pbxctl("asterisk", "check", self.etc, code=6))
        os.chmod(f"{self.etc}/manager.conf", 0o640)

    def test_h_cdr_and_cel_are_files_in_microseconds(self):
        for name in ("cdr-custom/pbxd-cdr.csv", "cel-custom/pbxd-cel.csv"):
            with open(f"{self.lab.prefix}/log/{name}", encoding="utf-8") as f:
                text = f.read()
            self.assertRegex(text, r'"1[0-9]{9}\.[0-9]{6}"')
            self.assertNotIn(self.token, text)
            self.assertIn('"viatalk"', text)
        with open(f"{self.lab.prefix}/log/messages", encoding="utf-8", errors="replace") as f:
            self.assertNotIn(self.token, f.read())

    # --- the doctor looks at the database

    def examined(self):
        """{check: result, text and remedy}; a new process each time."""
        done = subprocess.run([OPTIONS.pbxctl, "doctor", "--output", "json", "--config", self.conf], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        self.assertIn(done.returncode, (0, 6), done.stderr)
        return {c["check"]: f"{c['result']}: {c['text']}; {c['remedy']}" for c in json.loads(done.stdout)["checks"]}

    def found(self, check, *parts):
        told = self.examined()[check]
        for part in parts:
            self.assertIn(part, told)

    @contextlib.contextmanager
    def broken_by(self, statement, back):
        self.database.sql(statement)
        try:
            yield
        finally:
            self.database.sql(back)

    def test_i_the_doctor_finds_the_database_well(self):
        told = self.examined()
        for check in ("database", "database clock", "database rights", "schema", "time zones", "main: odbc driver", "main: odbc account"):
            self.assertTrue(told[check].startswith("ok: "), f"{check}: {told[check]}")
        with open(f"{self.folder}/password", encoding="ascii") as f:
            self.assertNotIn(f.read().strip(), str(told))

    def test_ia_the_doctor_names_what_is_wrong_with_the_database(self):
        with self.broken_by("REVOKE SELECT ON pbx.blocklist FROM asterisk", "GRANT SELECT ON pbx.blocklist TO asterisk"):
            self.found("main: odbc account", "fail: ", "asterisk cannot read blocklist", "GRANT SELECT")
        with self.broken_by("GRANT INSERT ON pbx.dids TO asterisk", "REVOKE INSERT ON pbx.dids FROM asterisk"):
            self.found("main: odbc account", "warn: ", "may do more than SELECT", "REVOKE")
        with open(f"{self.folder}/password", encoding="ascii") as f:
            password = f.read().strip()
        with self.broken_by("SET PASSWORD FOR asterisk = PASSWORD('another')", f"SET PASSWORD FOR asterisk = PASSWORD('{password}')"):
            self.found("main: odbc account", "fail: asterisk: ", "odbc_password_file")
        with self.broken_by("REVOKE ALL ON pbx.* FROM pbx; GRANT SELECT, INSERT, UPDATE ON pbx.* TO pbx", "GRANT ALL ON pbx.* TO pbx"):
            self.found("database rights", "fail: ", "lacks DELETE", "GRANT them")
        with self.broken_by("GRANT PROCESS ON *.* TO pbx", "REVOKE PROCESS ON *.* FROM pbx"):
            self.found("database rights", "warn: ", "on the whole server", "PROCESS")
        with self.broken_by("UPDATE tenants SET time_zone = 'Mars/Olympus' WHERE name = 'dotblock'", "UPDATE tenants SET time_zone = 'America/New_York' WHERE name = 'dotblock'"):
            self.found("time zones", "fail: ", "dotblock", "tzdata")
        # for every account but root's
        with self.broken_by("SET GLOBAL init_connect = 'SET timestamp = UNIX_TIMESTAMP() - 60'", "SET GLOBAL init_connect = ''"):
            self.found("database clock", "warn: ", "more than 2 s", "time servers")
        with open(self.conf, encoding="utf-8") as f:
            good = f.read()
        for line, check, parts in (("odbc_driver = ", "main: odbc driver", ("fail: /nowhere/libmaodbc.so is not on this machine", "odbc-mariadb")),
                                   ("database = ", "database", ("fail: ", "[storage]"))):
            write_private(self.conf, re.sub(f"^{line}.*$", f"{line}/nowhere/libmaodbc.so" if "odbc" in line else f"{line}nowhere", good, flags=re.M))
            try:
                self.found(check, *parts)
            finally:
                write_private(self.conf, good)
        self.database.sql("CREATE DATABASE empty; GRANT ALL ON empty.* TO pbx", "")
        write_private(self.conf, good.replace("database = pbx\n", "database = empty\n"))
        try:
            self.found("schema", "fail: ", "has not run", "pbxctl db migrate")
        finally:
            write_private(self.conf, good)

    def test_x_without_pbxd_the_database_decides(self):
        processes.end(processes.identity(self.pbxd.process.pid), grace=0)
        for tenant in TENANTS:
            self.tell(f"{tenant} func_odbc, pbxd gone", self.joins(tenant, "0100", "16465550001", "sales", why="queued"))
        self.joins("viatalk", "0199", "16465550001", "support", why="queued")
        self.ends("viatalk", "0100", "16465550200", why="blocked", event="PBXBLOCKED")
        self.joins("hostrocket", "0100", "6465550200", "vip", why="queued", priority="7")               # as dialled at home
        self.joins("dotblock", "0100", "16465550200", "sales", why="queued")
        self.joins("viatalk", "0100", "16465550300", "billing", why="diverted")
        self.elsewhere()
        self.a_callbacks_place_is_no_caller()

    def a_callbacks_place_is_no_caller(self):
        """With one caller waiting the queue is full, and overflows before that."""
        since = self.ami.mark()
        variables = {"PBX_CB_QUEUE": "viatalk-busy", "PBX_CB_TENANT": "viatalk", "PBX_CB_POSITION": 1}
        self.ami.action("Originate", Channel="Local/s@pbxd-callback-queue/n", Application="Wait", Data="1", Async="true", Timeout="60000", Variable=[f"__{k}={v}" for k, v in variables.items()])
        place = self.ami.wait(lambda m: m.get("Event") == "QueueCallerJoin" and m.get("Queue") == "viatalk-busy", 10, since)
        self.joins("viatalk", "0104", "16465550001", "busy", why="queued")
        self.ami.action("Hangup", Channel=place.get("Channel"))

    @contextlib.contextmanager
    def waiting(self, tenant, to):
        """Somebody waits in that queue meanwhile."""
        since, new = self.start(tenant, to, "16465550001", 6)
        self.assertIsNotNone(self.ami.wait(lambda m: m.get("Event") == "QueueCallerJoin" and m.get("Uniqueid") == new.get("Uniqueid"), 10, since))
        calls, self.phones.calls = self.phones.calls, []
        try:
            yield
        finally:
            self.phones.calls += calls
            self.phones.reap(20)

    def test_y_pbxd_hangs(self):
        with socket.create_server(("127.0.0.1", self.agi), backlog=20):      # the kernel accepts, nobody answers
            self.tell("viatalk func_odbc, pbxd hangs", self.joins("viatalk", "0100", "16465550300", "billing", why="diverted", within=5))

    def test_ya_mariadb_hangs(self):
        mark = self.ami.mark()
        self.joins("viatalk", "0100", "16465550300", "billing", why="diverted")
        self.assertEqual(len(self.answers(mark)), 1)
        mark = self.ami.mark()
        os.kill(self.database.who["pid"], signal.SIGSTOP)
        try:
            self.gives_up_while_the_database_is_asked()
            since, new = self.start("viatalk", "0100", "16465550300", 10)     # whom the answer would send elsewhere
            self.tell("viatalk default queue, MariaDB hangs", self.decided(since, new, "viatalk-support", 4))
            self.tell("hostrocket default queue, not asked again", self.decided(*self.start("hostrocket", "0100", "16465550001", 3), "hostrocket-support", 1))
            self.assertFalse(self.ended(new, since))
        finally:
            os.kill(self.database.who["pid"], signal.SIGCONT)
        # what it answers now is nobody's, and nobody waits for it
        soon(lambda: not self.asking(), "the halves that asked to end")
        self.assertEqual(self.answers(mark), [])
        self.assertFalse(self.ended(new, since), "still in the queue")
        self.phones.reap(20)
        self.assertEqual(len(self.records("16465550077")), 1)
        self.assertEqual(self.records("question@pbxd-database"), [])
        began = time.monotonic()
        while self.decider("viatalk") != "database":
            self.assertLess(time.monotonic() - began, 15)

    def gives_up_while_the_database_is_asked(self):
        since, new = self.start("viatalk", "0100", "16465550077", 5)
        soon(lambda: len(self.asking()) == 2, "both halves to be there")
        self.ami.action("Hangup", Channel=new.get("Channel"))
        self.assertIsNotNone(self.ami.wait(lambda m: m.get("Event") == "Hangup" and m.get("Uniqueid") == new.get("Uniqueid"), 2, since), "kept by the question")
        self.phones.reap(20)

    def asking(self):
        return [m.get("Channel") for m in self.ami.list("CoreShowChannels") if "@pbxd-database" in m.get("Channel")]

    def answers(self, since):
        return [m.get("Value") for m in self.ami.messages[since:] if m.get("Event") == "VarSet" and (m.get("Variable") or "").startswith("SHARED(PBX_")]

    def records(self, what):
        with open(f"{self.lab.prefix}/log/cdr-custom/pbxd-cdr.csv", encoding="utf-8") as f:
            return [line for line in f if what in line]

    def ended(self, new, since):
        return any(m.get("Event") == "Hangup" and m.get("Uniqueid") == new.get("Uniqueid") for m in self.ami.messages[since:])

    def decider(self, tenant):
        """Of one more call."""
        since, new = self.start(tenant, "0100", "16465550001", 1)
        self.phones.reap(20)
        self.ami.wait(lambda m: m.get("Event") == "Hangup" and m.get("Uniqueid") == new.get("Uniqueid"), 10, since)
        return "database" if self.variable(since, new, "PBX_DONE") == "1" else "default"

    def test_z_without_a_database_the_default_queue(self):
        self.database.stop()
        for tenant in TENANTS:
            self.tell(f"{tenant} default queue, MariaDB stopped", self.joins(tenant, "0100", "16465550001", "support", why="queued", within=5))


class WithoutOdbc(Site):
    """As with SQLite: nothing between pbxd and the default queue."""
    odbc = False

    def test_a_starts_without_a_complaint(self):
        self.assert_no_complaint()
        self.assertNotIn("odbc", self.lab.cli("module", "show"))
        self.joins("viatalk", "0100", "16465550300", "billing", why="diverted")

    def test_z_without_pbxd_the_default_queue(self):
        processes.end(processes.identity(self.pbxd.process.pid), grace=0)
        self.tell("viatalk default queue, pbxd gone, no database", self.joins("viatalk", "0100", "16465550300", "support", why="queued"))


def main():
    global OPTIONS
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", type=int, choices=(22, 16))
    parser.add_argument("--pbxd", required=True)
    parser.add_argument("--pbxctl", required=True)
    parser.add_argument("--keep", action="store_true", help="leave the folder with its logs")
    OPTIONS, rest = parser.parse_known_args()
    if not shutil.which("sipp"):
        print("SKIPPED: no SIPp; run scripts/setup asterisk", file=sys.stderr)
        sys.exit(77)
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)


if __name__ == "__main__":
    main()
