"""A laboratory with one pbxd (SQLite) or two (MariaDB) and a small dialplan of ours, whose customer is a phone: for tests in which Asterisk itself suffers.
callbacks_kill.py, in which pbxd does, has the rendered dialplan.

    with contextlib.ExitStack() as stack:
        site = Site(options, stack)       # options: version, backend, pbxd, pbxctl
"""
import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile

from board.pbxd import Pbxd, PbxdError, bootstrap
from lab import Lab, Phones, ports, processes, wait
from lab.config import REPOSITORY, write_private

TENANT, CUSTOMER = "viatalk", "PJSIP/viatalk-103"
WITHIN = 150    # lease of the Asterisk and of the callback, doubt, the delays of the policy, two calls
ASK = """ same => n,AGI(agi://127.0.0.1:{port}/{route}/{token},${{PBX_CB}},${{PBX_CB_ATTEMPT}},${{PBX_CB_TOKEN}}{more})
 same => n,GotoIf($["${{PBX_DONE}}" = "1"]?{then})
"""
DIALPLAN = """
[pbxd-callback-queue]
exten => s,1,Queue(${{PBX_CB_QUEUE}}{to_position}${{PBX_CB_POSITION}})
 same => n,Hangup()

[pbxd-callback-gate]
exten => s,1,Set(PBX_DONE=)
 same => n,Set(PBX_GATE=)
{ask_gate} same => n(asked),GotoIf($["${{PBX_DONE}}" != "1" | "${{PBX_GATE}}" != "dial"]?shut)
 same => n,Set(PBX_DIALLED=1)
 same => n,Dial({customer},${{PBX_TIMEOUT}})
 same => n(shut),Hangup()
exten => h,1,GotoIf($["${{PBX_DIALLED}}" != "1"]?end)
 same => n,Set(PBX_DONE=)
{ask_done} same => n(end),NoOp()
"""


class Wrong(RuntimeError):
    pass


def soon(condition, what, seconds, slowest=0.1):
    return wait.soon(condition, what, seconds, Wrong, slowest)


class Node:
    def __init__(self, site, name):
        self.site, self.name, self.process, self.pbxd = site, name, None, None
        self.http, self.agi = ports.single(), ports.single()
        self.configuration = f"{site.folder}/{name}.conf"

    def write(self, storage):
        lab = self.site.lab.state
        sections = {"pbxd": {"node_name": self.name, "data_dir": f"{self.site.folder}/data"}, "http": {"port": self.http}, "board": {"reconcile_seconds": 5},
                    "agi": {"port": self.agi}, "storage": storage, "calls": {"per_source_per_day": 100000, "per_tenant_per_day": 100000},
                    "asterisk.main": {"port": lab["ami_port"], "user": lab["accounts"]["main"], "secret_file": lab["secrets"]["pbxd"],
                                      "sys_user": lab["accounts"]["system"], "sys_secret_file": lab["secrets"]["pbxd-sys"], "agi_token_file": f"{self.site.folder}/token"}}
        write_private(self.configuration, "".join(f"[{s}]\n" + "".join(f"{k} = {v}\n" for k, v in values.items()) for s, values in sections.items()))

    def start(self, program):
        self.process = processes.start([program, "--config", self.configuration], log=f"{self.site.folder}/{self.name}.log", cwd=self.site.folder)
        self.pbxd = Pbxd(self.process, f"http://127.0.0.1:{self.http}", *self.site.driver, f"{self.site.folder}/{self.name}.log")
        self.pbxd.wait_ready(30)

    def drives(self):
        with contextlib.suppress(PbxdError):
            return self.pbxd.link()["driven"]
        return False

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise Wrong(f"{self.name} did not stop") from None
        self.process = None


class Site:
    LAB = {}      # more for Lab.up()

    def __init__(self, options, stack):
        self.options = options
        self.folder = tempfile.mkdtemp(prefix="pbx-kill-")
        stack.callback(shutil.rmtree, self.folder, True)
        self.lab = Lab.up(f"{self.folder}/lab", options.version, die_with_parent=True, **self.LAB)
        stack.callback(self.lab.down)
        os.makedirs(f"{self.folder}/data", mode=0o700)
        write_private(f"{self.folder}/token", (token := secrets.token_hex(32)) + "\n")
        self.nodes = [Node(self, name) for name in (("a", "b") if options.backend == "mariadb" else ("a",))]
        storage = self.mariadb(stack) if options.backend == "mariadb" else {}
        for node in self.nodes:
            node.write(storage)
        self.write_dialplan(token)
        self.ami = self.lab.ami()
        stack.callback(self.ami.close)
        self.phones = Phones(self.lab)
        stack.callback(self.phones.close)
        if storage:
            subprocess.run([options.pbxctl, "db", "migrate", "--config", self.nodes[0].configuration], check=True, capture_output=True, timeout=60)
        self.driver = bootstrap(options.pbxctl, self.nodes[0].configuration, self.folder)
        self.nodes[0].start(options.pbxd)
        self.nodes[0].pbxd.create_directory()
        self.nodes[0].pbxd.call("outbound_rule.create", tenant=TENANT, value="+1")
        self.policy(storage)
        self.nodes[0].end()
        self.asked = 0

    def mariadb(self, stack):
        folder = tempfile.mkdtemp(prefix="mdb-", dir="/tmp")
        stack.callback(shutil.rmtree, folder, True)
        done = subprocess.run([f"{REPOSITORY}/tests/lib/mariadb-up", folder, str(os.getpid())], stdout=subprocess.DEVNULL, timeout=120)
        if done.returncode:
            print("SKIPPED: no MariaDB", file=sys.stderr)
            sys.exit(77)
        with open(f"{folder}/pid") as f:
            stack.callback(os.kill, int(f.read()), signal.SIGTERM)
        self.socket = f"{folder}/s"
        password = secrets.token_urlsafe(18)
        write_private(f"{self.folder}/db-password", password + "\n")
        self.mysql(f"CREATE DATABASE pbx; CREATE USER pbx@localhost IDENTIFIED BY '{password}'; GRANT ALL ON pbx.* TO pbx@localhost;")
        return {"backend": "mariadb", "socket": self.socket, "database": "pbx", "user": "pbx", "password_file": f"{self.folder}/db-password"}

    def mysql(self, text, *database):
        subprocess.run(["mariadb", "--no-defaults", "-S", self.socket, "-u", "root", *database], input=text, text=True, check=True, timeout=30)

    def policy(self, storage):
        """Two seconds after whatever happened; no operation sets it."""
        text = ("INSERT INTO callback_policies (tenant_id, queue_id, mode, max_dials, max_doubts, after_busy, after_no_answer, after_declined, after_machine, after_unreachable, "
                "after_agent_gone, after_not_dialled, after_unknown, expires_after, ring_seconds, ask_key, caller_id) "
                "SELECT id, '', 'agent_first', 9, 9, 2, 2, 2, 2, 2, 2, 2, 2, 3600, 10, 0, '' FROM tenants "
                f"WHERE name = '{TENANT}';")
        if storage:
            return self.mysql(text, "pbx")
        import sqlite3
        database = sqlite3.connect(f"{self.folder}/data/pbxd.sqlite", timeout=10)
        with database:
            database.execute(text)
        database.close()

    def write_dialplan(self, token):
        def ask(route, then, more=""):
            return "".join(ASK.format(port=node.agi, route=route, token=token, then=then, more=more) for node in self.nodes)
        with open(f"{self.lab.prefix}/etc/extensions.conf", "a", encoding="utf-8") as f:
            f.write(DIALPLAN.format(to_position="," * (9 if self.options.version == 16 else 8), customer=CUSTOMER, ask_gate=ask("gate", "asked"),
                                    ask_done=ask("done", "end", ",${DIALSTATUS},${HANGUPCAUSE},")))
        self.lab.cli("dialplan", "reload")

    def request(self, node):
        self.asked += 1
        return node.pbxd.call("callback.request", tenant=TENANT, queue="support", number=f"+1212555{3000 + self.asked}")["id"]

    @staticmethod
    def ended(node, id):
        row = node.pbxd.call("callback.get", tenant=TENANT, id=id)
        return row if row.get("ended_at") else None
