#!/usr/bin/env python3
"""apply.py 22|16 --pbxd PROGRAM --pbxctl PROGRAM: changes of the tables brought into force in a real Asterisk, by `pbxctl asterisk render --apply` and by pbxd itself;
what Asterisk refuses is taken back; and what `pbxctl doctor` says of that, and of things broken on purpose. SQLite; exit code 77: cannot run here."""
import argparse
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))
from board.pbxd import bootstrap  # noqa: E402
from faces import JsonFace, Login  # noqa: E402
from lab import Lab, ports, processes  # noqa: E402
from lab.config import write_private  # noqa: E402

OPTIONS = None
CONFLICT = 6


class Applied(unittest.TestCase):
    """In their order of names: first by hand, then pbxd owns the folder."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="pbx-a-")
        if not OPTIONS.keep:
            cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.token = secrets.token_hex(20)
        write_private(f"{cls.folder}/token", cls.token + "\n")
        cls.http, cls.agi = ports.single(), ports.single()
        cls.process = None
        cls.lab = Lab.up(f"{cls.folder}/lab", OPTIONS.version, die_with_parent=True, write=cls.write)
        cls.addClassCleanup(cls.lab.down)
        cls.addClassCleanup(lambda: cls.process and (cls.process.terminate(), cls.process.wait(30)))
        cls.start_pbxd()
        for tenant in ("viatalk", "hostrocket"):
            cls.call("tenant.create", name=tenant, title=tenant.title(), country="US", time_zone="America/New_York", languages=["en"])

    @classmethod
    def write(cls, etc, version, values, available):
        prefix = values["PREFIX"]
        cls.etc, cls.conf, cls.values = etc, f"{cls.folder}/pbxd.conf", values
        cls.settings(apply="no")
        os.makedirs(f"{cls.folder}/data", mode=0o700, exist_ok=True)
        cls.operator = bootstrap(OPTIONS.pbxctl, cls.conf, cls.folder)
        cls.pbxctl("asterisk", "render", "--out", etc)
        for name in ("cdr-custom", "cel-custom"):
            os.makedirs(f"{prefix}/log/{name}")
        os.makedirs(f"{etc}/custom", mode=0o750)
        write_private(f"{etc}/custom/manager.conf", f"[lab](pbxd-account)\nsecret = {values['SECRET_LAB']}\npermit = 127.0.0.1\nread = all\nwrite = all\n")
        write_private(f"{etc}/custom/asterisk.conf", "[options](+)\nnocolor = yes\n")

    @classmethod
    def settings(cls, apply, version=None, agi_port=None, token="token"):
        values, prefix = cls.values, cls.values["PREFIX"]
        write_private(cls.conf, f"""[pbxd]
data_dir = {cls.folder}/data
[http]
port = {cls.http}
[agi]
port = {agi_port or cls.agi}
[asterisk.main]
port = {values['AMI_PORT']}
secret_file = {prefix}/secrets/pbxd
sys_secret_file = {prefix}/secrets/pbxd-sys
agi_token_file = {cls.folder}/{token}
[render.main]
apply = {apply}
asterisk_version = {version or OPTIONS.version}
etc_dir = {cls.etc}
module_dir = {values['MODULES']}
lib_dir = {prefix}/lib
data_dir = {prefix}/data
spool_dir = {prefix}/spool
run_dir = {prefix}/run
log_dir = {prefix}/log
sip_listen = 127.0.0.1
sip_port = {values['SIP_PORT']}
rtp_first = {values['RTP_START']}
rtp_last = {values['RTP_END']}
""")

    @classmethod
    def start_pbxd(cls):
        if cls.process:
            cls.process.terminate()
            cls.process.wait(30)
        cls.process = processes.start([OPTIONS.pbxd, "--config", cls.conf], log=f"{cls.folder}/pbxd.log", cwd=cls.folder)
        cls.json = JsonFace(f"http://127.0.0.1:{cls.http}")
        deadline = time.monotonic() + 30
        while True:
            try:
                status = cls.json.call("system.status", {}, Login(*cls.operator))
                if status["asterisks"][0]["state"] == "up" and status["asterisks"][0]["privileged"]:
                    return
            except OSError:
                pass
            if time.monotonic() > deadline:
                raise RuntimeError("pbxd is not in step")
            time.sleep(0.1)

    @classmethod
    def call(cls, operation, **params):
        return cls.json.call(operation, params, Login(*cls.operator))

    @classmethod
    def pbxctl(cls, *arguments, code=0):
        done = subprocess.run([OPTIONS.pbxctl, *arguments, "--config", cls.conf], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
        if done.returncode != code:
            raise AssertionError(f"pbxctl {' '.join(arguments)}: exit {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def doctor(self, code=0):
        """{check: (result, text, remedy)} and whether all is well."""
        told = json.loads(self.pbxctl("doctor", "--output", "json", code=code))
        self.assertEqual(told["ok"], code == 0)
        for check in told["checks"]:
            self.assertEqual(bool(check["remedy"]), check["result"] != "ok", check)
        return {check["check"]: (check["result"], check["text"] + "; " + check["remedy"]) for check in told["checks"]}

    def has(self, context):
        return f"[ Context '{context}'" in self.lab.cli("dialplan", "show", context)

    def soon_applied(self, wanted, operation, **params):
        """What another process stored is told after a second at the latest."""
        end = time.monotonic() + 2
        while (told := self.call(operation, tenant="viatalk", **params).get("applied")) != wanted:
            self.assertLess(time.monotonic(), end, f"{operation}: {told}, not {wanted}")
            time.sleep(0.1)

    # --- by hand

    def test_a_what_is_new_is_in_force_at_once(self):
        queue = self.call("queue.create", tenant="viatalk", name="support", title="Support")
        self.assertNotIn("applied", queue)       # never applied: nothing is promised
        self.call("queue.update_settings", tenant="viatalk", id="support", strategy="fewestcalls", ring_seconds=7)
        self.call("agent.create", tenant="viatalk", name="ann", title="Ann", interface="PJSIP/viatalk-101")
        self.call("phone.create", tenant="viatalk", agent="ann", extension="101")
        self.call("trunk.create", tenant="viatalk", name="line", host="127.0.0.2")
        told = self.pbxctl("asterisk", "render", "--apply")
        self.assertIn("in force", told)
        self.assertIn("'fewestcalls' strategy", self.lab.cli("queue", "show", "viatalk-support"))
        endpoints = self.lab.cli("pjsip", "show", "endpoints")
        self.assertIn("viatalk-101", endpoints)
        self.assertIn("viatalk-trunk-line", endpoints)
        self.assertTrue(self.has("viatalk-inbound"))
        for operation, params in (("queue.get", {"id": "support"}), ("phone.get", {"id": "ann"}), ("trunk.get", {"id": "line"})):
            self.soon_applied("yes", operation, **params)
        self.assertIn("nothing has changed", self.pbxctl("asterisk", "render", "--apply"))
        self.call("outbound_rule.create", tenant="viatalk", value="+1")
        self.assertEqual(self.call("queue.get", tenant="viatalk", id="support")["applied"], "pending")

    def refused_phone(self, tenant, name, number):
        """A phone that Asterisk does not take, for what an admin has written beside it; answers the file."""
        path = f"{self.etc}/custom/pjsip.conf"
        write_private(path, f"[{tenant}-{number}](+type=endpoint)\nno_such_option = yes\n")
        self.call("agent.create", tenant=tenant, name=name, title=name, interface=f"PJSIP/{tenant}-{number}")
        self.call("phone.create", tenant=tenant, agent=name, extension=str(number))
        return path

    def test_b_what_asterisk_refuses_is_taken_back(self):
        before = self.lab.cli("dialplan", "show", "pbxd-rendered")
        custom = self.refused_phone("viatalk", "cleo", 102)
        told = self.pbxctl("asterisk", "render", "--apply", code=CONFLICT)
        self.assertIn("no phone or trunk viatalk-102", told)
        self.assertIn("those of before in place again and in force", told)
        self.assertTrue(os.path.isdir(self.etc + ".pbxd-refused"))
        self.assertEqual(self.lab.cli("dialplan", "show", "pbxd-rendered"), before)
        self.soon_applied("failed", "queue.get", id="support")
        status = self.call("asterisk.status")["servers"][0]
        self.assertEqual((status["applied"], status["by"]), ("failed", "pbxctl"))
        self.assertIn("viatalk-102", status["reason"])
        self.assertEqual(self.doctor(code=CONFLICT)["main: applied"][0], "fail")
        os.unlink(custom)      # it was copied along, and came back
        self.pbxctl("asterisk", "render", "--apply")
        self.assertNotEqual(self.lab.cli("dialplan", "show", "pbxd-rendered"), before)
        self.assertIn("viatalk-102", self.lab.cli("pjsip", "show", "endpoints"))
        self.soon_applied("yes", "queue.get", id="support")

    def test_c_without_asterisk_nothing_is_written(self):
        self.call("outbound_rule.create", tenant="viatalk", value="+44")
        with open(f"{self.etc}/extensions.conf", encoding="utf-8") as f:
            before = f.read()
        os.kill(self.lab.pid, signal.SIGSTOP)
        try:
            told = self.pbxctl("asterisk", "render", "--apply", code=10)
        finally:
            os.kill(self.lab.pid, signal.SIGCONT)
        self.assertIn("account pbxd", told)
        with open(f"{self.etc}/extensions.conf", encoding="utf-8") as f:
            self.assertEqual(f.read(), before)
        self.assertIn("in force", self.pbxctl("asterisk", "render", "--apply"))

    # --- the doctor

    def test_d_all_is_well(self):
        found = self.doctor()
        for check in ("configuration", "database", "database clock", "schema", "time zones", "main: render", "main: folder", "main: applied", "main: pbxd", "main: account pbxd", "main: version",
                      "main: pbxd rights", "main: events", "main: event filter", "main: clock", "main: dialplan", "main: account pbxd-sys", "main: pbxd-sys rights",
                      "main: modules", "main: fastagi"):
            self.assertEqual(found[check][0], "ok", f"{check}: {found[check]}")
        text = self.pbxctl("doctor")
        self.assertIn("ok    main: dialplan: that of the tables\n", text)
        for secret in (self.token, self.lab.secret("pbxd"), self.lab.secret("pbxd-sys")):
            self.assertNotIn(secret, text)

    def broken(self, check, *parts, result="fail"):
        found = self.doctor(code=CONFLICT if result == "fail" else 0)
        self.assertEqual(found[check][0], result, found[check])
        for part in parts:
            self.assertIn(part, found[check][1])
        return found

    def test_e_broken_on_purpose(self):
        self.call("outbound_rule.create", tenant="viatalk", value="+33")
        self.broken("main: dialplan", "not that of the tables", "--apply", result="warn")
        self.broken("main: applied", "changed since", "--apply", result="warn")
        self.call("tenant.create", name="later", title="Later", country="US", time_zone="America/New_York", languages=["en"])
        self.call("queue.create", tenant="later", name="support", title="Later")
        self.broken("main: dialplan", "no contexts of later")
        self.pbxctl("asterisk", "render", "--apply")

        self.settings(apply="no", version=18)
        self.broken("main: version", f"asterisk_version is 18")
        write_private(f"{self.folder}/token2", secrets.token_hex(20) + "\n")
        self.settings(apply="no", token="token2")
        self.broken("main: fastagi", "closes without an answer", "agi_token_file")
        self.settings(apply="no", agi_port=ports.single())
        self.broken("main: fastagi", "refused", "firewall")
        self.settings(apply="no")

        self.lab.cli("module", "unload", "app_playback.so")
        self.broken("main: modules", "app_playback", "modules.conf")
        self.lab.cli("module", "load", "app_playback.so")

        os.chmod(f"{self.etc}/manager.conf", 0o644)
        self.broken("main: folder", "manager.conf can be read by others", "chmod 0640", result="warn")
        os.chmod(f"{self.etc}/manager.conf", 0o640)

    def with_manager(self, then, more="", without=None):
        """manager.conf with more lines of the admin's, or ours without those that hold a text, for the doctor's own new sessions."""
        path = f"{self.etc}/manager.conf" if without else f"{self.etc}/custom/manager.conf"
        with open(path, encoding="utf-8") as f:
            before = f.read()
        write_private(path, "".join(line for line in before.splitlines(True) if not without or without not in line) + more)
        self.lab.cli("manager", "reload")
        try:
            then()
        finally:
            write_private(path, before)
            self.lab.cli("manager", "reload")

    def test_f_accounts(self):
        self.with_manager(lambda: self.broken("main: pbxd rights", "Command", result="warn"), "[pbxd](+)\nwrite = call,agent,user,reporting,originate,command,config\n")
        self.with_manager(lambda: self.broken("main: pbxd rights", "may not", "Originate"), "[pbxd](+)\nwrite = call,agent,user,reporting\n")
        self.with_manager(lambda: self.broken("main: events", "does not come back", "read ="), "[pbxd](+)\nread = system,call,agent\n")
        self.with_manager(lambda: self.broken("main: event filter", "VarSet", result="warn"), "[pbxd](+)\nread = system,call,agent,user,dialplan\n", without="eventfilter")
        self.with_manager(lambda: self.broken("main: events", "without their time", "timestampevents"), "[general](+)\ntimestampevents = no\n")
        self.with_manager(lambda: self.broken("main: account pbxd-sys", "permit"), "[pbxd-sys](+)\nsecret = another-one\n")
        self.with_manager(lambda: self.broken("main: account pbxd", "secret"), "[pbxd](+)\nsecret = another-one\n")

    def test_g_no_asterisk_no_configuration(self):
        with open(self.conf, encoding="utf-8") as f:
            good = f.read()
        with socket.create_server(("127.0.0.1", 0)) as silent:      # a port that nobody else takes, and nobody answers on
            write_private(self.conf, good.replace(f"port = {self.values['AMI_PORT']}", f"port = {silent.getsockname()[1]}"))
            self.assertIn("main: account pbxd", self.doctor(code=CONFLICT))
        write_private(self.conf, good.replace("sip_listen = 127.0.0.1", "sip_listen = nonsense"))
        found = self.doctor(code=CONFLICT)
        self.assertEqual(list(found), ["configuration"])
        self.assertIn("sip_listen", found["configuration"][1])
        write_private(self.conf, good)

    # --- pbxd owns the folder

    def applied(self, wanted, within=5.0):
        """Seconds until asterisk.status says so."""
        since = time.monotonic()
        while True:
            status = self.call("asterisk.status")["servers"][0]
            if status["applied"] == wanted:
                return time.monotonic() - since
            if time.monotonic() - since > within:
                self.fail(f"{status}, not {wanted} after {within} s")
            time.sleep(0.05)

    def test_x_pbxd_applies_what_changes(self):
        self.settings(apply="yes")
        self.start_pbxd()
        self.applied("yes", 10)
        for n in range(3):
            queue = self.call("queue.create", tenant="hostrocket", name=f"q{n}", title="Q")
            self.assertEqual(queue["applied"], "pending")
        took = self.applied("yes")
        print(f"  {OPTIONS.version} three queues in force after {took:.1f} s", file=sys.stderr)
        self.assertIn("hostrocket-q2", self.lab.cli("queue", "show"))
        self.assertEqual(self.call("queue.get", tenant="hostrocket", id="q2")["applied"], "yes")
        self.call("agent.create", tenant="hostrocket", name="bob", title="Bob", interface="PJSIP/hostrocket-101")
        self.call("phone.create", tenant="hostrocket", agent="bob", extension="101")
        self.applied("yes")
        self.assertIn("hostrocket-101", self.lab.cli("pjsip", "show", "endpoints"))
        with open(f"{self.folder}/pbxd.log", encoding="utf-8") as f:
            self.assertIn(" asterisk.applied ", f.read())

    def test_y_what_is_refused_is_told_and_mended_by_asking(self):
        custom = self.refused_phone("hostrocket", "dora", 102)
        self.applied("failed", 20)
        self.assertNotIn("hostrocket-102", self.lab.cli("pjsip", "show", "endpoints"))
        self.assertIn("hostrocket-102", self.call("asterisk.status")["servers"][0]["reason"])
        self.assertEqual(self.call("phone.get", tenant="hostrocket", id="dora")["applied"], "failed")
        os.unlink(custom)
        self.call("asterisk.apply")
        self.applied("yes", 8)
        self.assertIn("hostrocket-102", self.lab.cli("pjsip", "show", "endpoints"))

    def test_z_a_restart_finds_it_in_force(self):
        self.start_pbxd()
        self.applied("yes", 10)
        before = os.stat(self.etc).st_ino
        time.sleep(3)      # a look later it is still the same folder
        self.assertEqual(os.stat(self.etc).st_ino, before)


def main():
    global OPTIONS
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", type=int, choices=(22, 16))
    parser.add_argument("--pbxd", required=True)
    parser.add_argument("--pbxctl", required=True)
    parser.add_argument("--keep", action="store_true", help="leave the folder with its logs")
    OPTIONS, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)


if __name__ == "__main__":
    main()
