#!/usr/bin/env python3
"""test_instance.py 22|16: the laboratory with a real Asterisk of that version.

Exit code 77: cannot run here (no SIPp)."""
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from lab import Ami, Lab, LabError, Phones, processes  # noqa: E402
from lab.proxy import Relay  # noqa: E402
from lab.wait import soon  # noqa: E402

VERSION = 22


class Instance(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="pbx-lab-test-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.lab = Lab.up(f"{cls.folder}/lab", VERSION, die_with_parent=True, sales_wait=3)
        cls.addClassCleanup(lambda: cls.lab.down())

    def test_version_libraries_and_warnings(self):
        self.assertTrue(self.lab.state["asterisk_version"].startswith(f"{VERSION}."))
        self.assertEqual(self.lab.foreign_libraries(), [])
        with open(f"{self.lab.prefix}/log/messages") as f:
            trouble = [line for line in f if ("WARNING" in line or "ERROR" in line) and "deprecated" not in line and " pjproject: " not in line]   # the latter: a race in its own start
        self.assertEqual(trouble, [])

    def test_secrets_are_private_and_new_each_time(self):
        found = {}
        for name, path in self.lab.state["secrets"].items():
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
            found[name] = self.lab.secret(name)
        self.assertEqual(len(set(found.values())), len(found))
        self.assertEqual(stat.S_IMODE(os.stat(f"{self.lab.prefix}/etc/manager.conf").st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(self.lab.prefix).st_mode), 0o700)

    def test_rights_of_the_accounts(self):
        with self.lab.ami("pbxd") as main:
            for allowed in ("QueueStatus", "CoreShowChannels", "DeviceStateList", "BridgeList"):
                main.list(allowed)
            self.assertEqual(main.action("CoreStatus").get("Response"), "Success")
            self.assertIsNotNone(main.action("Ping").get("Timestamp"))
            for refused in ("PJSIPShowEndpoints", "Reload", "MixMonitor", "Command"):
                self.assertEqual(main.action(refused, Command="core show version").get("Message"), "Permission denied")
        with self.lab.ami("pbxd-sys") as system:
            self.assertEqual(len([m for m in system.list("PJSIPShowEndpoints") if "-10" in m.get("ObjectName")]), 9)
            for refused in ("Originate", "QueueAdd", "Command"):
                self.assertEqual(system.action(refused, Command="core show version").get("Message"), "Permission denied")

    def test_what_the_filter_lets_through(self):
        """One call, and administration: the daemon's account gets what it needs and nothing of what it does not."""
        with self.lab.ami() as full, self.lab.ami("pbxd") as thin, Phones(self.lab) as phones:
            phones.register({"viatalk-101": "answer"}, anew=True)
            # app_queue hears of the phone after everybody else, and this caller does not wait until it tries again
            self.assertTrue(full.wait(lambda m: m.get("Event") == "QueueMemberStatus" and m.get("Queue") == "viatalk-support" and
                                      m.get("Interface") == "PJSIP/viatalk-101" and m.get("Status") == "1"))
            phones.call("viatalk", hold=5)
            self.assertEqual(phones.reap(), {})
            self.assertIsNotNone(thin.wait(lambda m: m.get("Event") == "AgentComplete", 15))
            full.action("QueuePause", Queue="viatalk-support", Interface="PJSIP/viatalk-101", Paused="true", Reason="tea")
            full.action("QueuePause", Queue="viatalk-support", Interface="PJSIP/viatalk-101", Paused="false")
            self.lab.cli("module", "reload", "app_queue.so")
            self.assertIsNotNone(thin.wait(lambda m: m.get("Event") == "Reload"))
            everything, ours = ({m.get("Event") for m in a.messages} for a in (full, thin))
            self.assertLessEqual({"VarSet", "Newexten", "MusicOnHoldStart", "DeviceStateChange"}, everything)
            self.assertLessEqual({"FullyBooted", "Newchannel", "Newstate", "NewConnectedLine", "QueueCallerJoin", "QueueCallerLeave",
                                  "AgentCalled", "AgentConnect", "AgentComplete", "BridgeCreate", "BridgeEnter", "BridgeLeave", "BridgeDestroy",
                                  "Hangup", "QueueMemberStatus", "QueueMemberPause", "DeviceStateChange", "PeerStatus", "ContactStatus"}, ours)
            self.assertEqual(ours & {"VarSet", "Newexten", "TestEvent", "RTCPSent", "MusicOnHoldStart", "ExtensionStatus", "CEL"}, set())
            devices = {m.get("Device") for m in thin.messages if m.get("Event") == "DeviceStateChange"}
            self.assertIn("PJSIP/viatalk-101", devices)
            self.assertEqual([d for d in devices if d.startswith("Queue:")], [])
            self.assertEqual({m.get("Event") for m in thin.messages if m.get("Event") and not m.get("Timestamp")}, {"FullyBooted"})

    def test_a_dialplans_user_events_do_not_come(self):
        """They carry callers' text with its line ends; what the doctor sends itself does come."""
        with self.lab.ami() as full, self.lab.ami("pbxd") as thin:
            full.action("Originate", Channel="Local/800@viatalk-agents/n", Application="UserEvent", Data="Dialplan,Number: 5550100", Async="true")
            self.assertIsNotNone(full.wait(lambda m: m.get("UserEvent") == "Dialplan"))
            full.action("UserEvent", UserEvent="Manager")
            self.assertIsNotNone(thin.wait(lambda m: m.get("UserEvent") == "Manager"))
            self.assertEqual([m.get("UserEvent") for m in thin.messages if m.get("Event") == "UserEvent"], ["Manager"])

    def test_a_caller_cannot_hide_by_his_name(self):
        with self.lab.ami() as full, self.lab.ami("pbxd") as thin:
            for name in ("Event: VarSet", "DeviceStateChange Device: Queue:"):
                since = thin.mark()
                full.action("Originate", Channel="Local/800@viatalk-agents/n", Application="Wait", Data=1, CallerID=f'"{name}" <5550999>', Async="true")
                self.assertIsNotNone(thin.wait(lambda m: m.get("Event") == "NewCallerid" and m.get("CallerIDName") == name, since=since), name)
                self.assertIsNotNone(thin.wait(lambda m: m.get("Event") == "Hangup" and m.get("CallerIDName") == name, since=since), name)

    def test_restart_kill_and_freeze(self):
        pid = self.lab.pid
        self.lab.restart_now()
        self.assertEqual(self.lab.pid, pid)
        self.assertTrue(self.lab.alive())
        self.lab.freeze()
        with self.assertRaises(OSError):
            with Ami(self.lab.state["ami_port"]) as ami:
                ami.action("Ping", timeout=0.5)
        self.lab.thaw()
        self.lab.wait_booted()
        self.lab.kill()
        self.assertFalse(self.lab.alive())
        self.lab.start(die_with_parent=True)
        with self.lab.ami() as ami:   # the same secrets
            self.assertEqual(len({m.get("Queue") for m in ami.list("QueueStatus")}), 9)

    def test_relay_cuts_and_hangs(self):
        relay = Relay(self.lab.state["ami_port"])
        self.addCleanup(relay.close)
        with Ami(relay.port) as ami, self.lab.ami() as direct:
            ami.login("pbxd", self.lab.secret("pbxd"))
            self.assertEqual(len({m.get("Queue") for m in ami.list("QueueStatus")}), 9)
            relay.hang()
            with self.assertRaises(OSError):
                ami.action("Ping", timeout=0.5)
            self.assertFalse(ami.closed)
            relay.resume()
            self.assertEqual(ami.action("Ping").get("Response"), "Success")
            self.assertEqual(relay.cut(), 1)
            soon(lambda: ami.closed, "the session to be closed")
            self.assertEqual(direct.action("Ping").get("Response"), "Success")
        with Ami(relay.port) as again:
            again.login("pbxd", self.lab.secret("pbxd"))

    def test_two_side_by_side_and_nothing_is_left(self):
        with Lab.up(f"{self.folder}/second", VERSION, die_with_parent=True) as second:
            self.assertNotEqual(second.state["ami_port"], self.lab.state["ami_port"])
            self.assertNotEqual(second.secret("pbxd"), self.lab.secret("pbxd"))
            with self.assertRaises(LabError):
                Lab.up(second.prefix, VERSION)
            who = second.state["asterisk"]
        self.assertFalse(processes.alive(who))

    def test_demo_traffic_until_sigterm(self):
        since_log = f"{self.lab.prefix}/log/queue_log"
        before = os.path.getsize(since_log)
        demo = processes.start([sys.executable, "-m", "lab", "demo", self.lab.prefix], log=f"{self.folder}/demo.log", cwd=HERE,
                               env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"})
        who = processes.identity(demo.pid)
        self.addCleanup(processes.end, who)

        def seen(word):
            with open(since_log) as f:
                f.seek(before)
                return any(f"|{word}|" in line for line in f)
        soon(lambda: seen("CONNECT"), "somebody to be answered", 40)
        children = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if parent(pid) == demo.pid]
        self.assertTrue(children)
        demo.send_signal(signal.SIGTERM)
        self.assertEqual(demo.wait(15), 0)
        soon(lambda: all(processes.start_time(c) is None for c in children), "SIPp's processes to end")


def parent(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return int(f.read().rpartition(")")[2].split()[1])
    except OSError:
        return None


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in ("22", "16"):
        sys.exit(__doc__)
    VERSION = int(sys.argv.pop(1))
    if not shutil.which("sipp"):
        print("SKIPPED: sipp is not installed (scripts/setup asterisk)")
        sys.exit(77)
    unittest.main()
