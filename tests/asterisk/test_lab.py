#!/usr/bin/env python3
"""Unit tests of the laboratory and of the comparison; needs neither Asterisk nor SIPp."""
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from board import compare  # noqa: E402
from lab import config, ports, processes  # noqa: E402
from lab.ami import Message  # noqa: E402


def message(**headers):
    return Message((k.replace("_", "-"), str(v)) for k, v in headers.items())


class Templates(unittest.TestCase):
    VALUES = {name: "1" for name in ("PREFIX", "MODULES", "AMI_PORT", "SIP_PORT", "CHAN_SIP_PORT", "RTP_START", "RTP_END", "QUALIFY_SECONDS",
                                     "SALES_WAIT", "SECRET_PBXD", "SECRET_PBXD_SYS", "SECRET_LAB", "SECRET_SIP")}

    def test_lines_of_a_version(self):
        text = "a\n@16@ b\n@22@  c\n"
        self.assertEqual(config.render(text, 16, {}), "a\nb\n")
        self.assertEqual(config.render(text, 22, {}), "a\n c\n")

    def test_unknown_name_is_an_error(self):
        with self.assertRaises(KeyError):
            config.render("x = @NOT_THERE@", 22, {})

    def test_every_template_renders_and_leaves_no_name(self):
        for version in (22, 16):
            files = config.render_all(version, self.VALUES)
            self.assertEqual("sip.conf" in files, version == 16)
            for name, text in files.items():
                self.assertNotRegex(text, r"@[A-Z_]+@", f"{name} for {version}")

    def test_three_tenants_with_queues_agents_and_trunks(self):
        files = config.render_all(22, self.VALUES)
        for tenant, address in (("viatalk", "127.0.0.11"), ("hostrocket", "127.0.0.12"), ("dotblock", "127.0.0.13")):
            for queue in ("support", "sales", "vip"):
                self.assertIn(f"[{tenant}-{queue}](queue)", files["queues.conf"])
            for agent in (101, 102, 103):
                self.assertIn(f"[{tenant}-{agent}](endpoint)", files["pjsip.conf"])
                self.assertIn(f"exten => {agent},hint,PJSIP/{tenant}-{agent}", files["extensions.conf"])
            self.assertIn(f"match = {address}", files["pjsip.conf"])

    def test_filters_are_anchored(self):
        """An unanchored filter would hide the calls of somebody who calls himself "Event: VarSet"."""
        for line in config.render_all(22, self.VALUES)["manager.conf"].splitlines():
            if line.startswith("eventfilter"):
                self.assertTrue(line.startswith("eventfilter = !^Event: "), line)

    def test_modules_that_are_missing(self):
        with self.assertRaises(FileNotFoundError):
            config.modules_conf(set())


class AmiMessage(unittest.TestCase):
    def test_parse(self):
        parsed = Message.parse(b"Event: X\r\nChanVariable: a=1\r\nchanvariable: b=2\r\nEmpty:\r\nText:  two: three \r\nno colon")
        self.assertEqual(parsed.get("EVENT"), "X")
        self.assertEqual(parsed.all("ChanVariable"), ["a=1", "b=2"])
        self.assertEqual(parsed.get("Empty"), "")
        self.assertEqual(parsed.get("Text"), " two: three ")
        self.assertIsNone(parsed.get("no colon"))


class Processes(unittest.TestCase):
    def test_a_reused_pid_is_not_ours(self):
        mine = processes.identity(os.getpid())
        self.assertTrue(processes.alive(mine))
        self.assertFalse(processes.alive({"pid": mine["pid"], "start_time": mine["start_time"] - 1}))

    def test_end_kills_the_whole_session_even_if_stopped(self):
        with tempfile.TemporaryDirectory() as folder:
            child = processes.start(["sh", "-c", "trap '' TERM; sleep 100 & echo $!; kill -STOP $$"], log=f"{folder}/out")
            self.addCleanup(child.wait)
            who = processes.identity(child.pid)
            self.assertTrue(_soon(lambda: pathlib.Path(folder, "out").read_text().endswith("\n")))
            grandchild = int(pathlib.Path(folder, "out").read_text())
            self.assertTrue(processes.end(who, grace=0.3))
            self.assertIsNone(processes.start_time(child.pid))
            self.assertTrue(_soon(lambda: processes.start_time(grandchild) is None))

    def test_child_dies_with_a_killed_parent(self):
        with tempfile.TemporaryDirectory() as folder:
            code = (f"import sys, time; sys.path.insert(0, {os.path.dirname(os.path.abspath(__file__))!r})\n"
                    f"from lab import processes\nc = processes.start(['sleep', '100'], log='{folder}/out')\nprint(c.pid, flush=True)\ntime.sleep(100)")
            parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
            child = processes.identity(int(parent.stdout.readline()))
            self.assertTrue(processes.alive(child))
            parent.kill()
            parent.wait()
            parent.stdout.close()
            self.assertTrue(_soon(lambda: not processes.alive(child)))


class Ports(unittest.TestCase):
    def test_two_claims_differ_and_a_stale_one_is_taken_over(self):
        # apart from real labs, which may run beside this test: own folder of claims, ports not probed
        alone = f"import sys; sys.path.insert(0, {os.path.dirname(os.path.abspath(__file__))!r})\nfrom lab import ports\nports._free = lambda base: True\n"
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(ports, "_free", lambda base: True), \
                mock.patch.object(tempfile, "tempdir", folder):
            one = ports.claim(folder)
            two = ports.claim(folder)
            self.assertEqual(two, one + ports.SIZE)
            with self.assertRaises(LookupError):
                ports.claim(folder, one)
            ports.release(one)
            maker = subprocess.run([sys.executable, "-c", f"{alone}print(ports.claim({folder!r}, {one}))"], env=os.environ | {"TMPDIR": folder},
                                   stdout=subprocess.PIPE, text=True, check=True)
            self.assertEqual(int(maker.stdout), one)
            self.assertEqual(ports.claim(folder, one), one)   # its maker is gone and runs no Asterisk

    def test_a_port_in_use_is_not_free(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            self.assertFalse(ports._free(s.getsockname()[1] - ports.AMI))


class Comparison(unittest.TestCase):
    QUEUE = [message(Event="QueueParams", Queue="viatalk-support", Max=20, Strategy="rrmemory", Weight=0, ServiceLevel=10),
             message(Event="QueueMember", Queue="viatalk-support", Name="Viatalk 101", Location="PJSIP/viatalk-101", Penalty=3, CallsTaken=2,
                     LastCall=1700000000, LastPause=1700000100, InCall=1, Status=2, Paused=1, PausedReason="lunch"),
             message(Event="QueueEntry", Queue="viatalk-support", Position=2, Uniqueid="17.2", CallerIDNum="unknown", CallerIDName="unknown", Priority=0),
             message(Event="QueueEntry", Queue="viatalk-support", Position=1, Uniqueid="17.1", CallerIDNum="5550100", CallerIDName="Ann", Priority=10)]

    def status(self, **member):
        """The same queue as pbxd's queue.status answers it."""
        return {"asterisk_name": "viatalk-support", "strategy": "rrmemory", "max_length": 20, "weight": 0, "service_level_seconds": 10,
                "callers": [{"call_id": "main/17.0", "position": 1, "priority": 10, "number": "5550100", "name": "Ann"},
                            {"call_id": "main/17.2", "position": 2, "number": "", "name": ""}],
                "members": [{"member_name": "Viatalk 101", "interface": "PJSIP/viatalk-101", "state": "in_call", "device_status": 2, "penalty": 3,
                             "paused": True, "paused_reason": "lunch", "paused_since": "2023-11-14T22:15:00Z", "calls_taken": 2,
                             "last_call_at": "2023-11-14T22:13:20Z", "call_id": "main/16.5"} | member]}

    def compare(self, status, refreshed=False):
        queues = compare.asterisk_queues(self.QUEUE, {"17.1": "17.0"})
        return [d.path for d in compare.differences(queues, compare.pbxd_queues([status]), refreshed)]

    def test_equal_boards(self):
        self.assertEqual(self.compare(self.status()), [])

    def test_every_announced_field_of_a_member_is_compared(self):
        for field, wrong, path in (("member_name", "x", "name"), ("device_status", 1, "status"), ("penalty", 4, "penalty"),
                                   ("paused_reason", "coffee", "paused_reason"), ("paused_since", "2023-11-14T22:15:02Z", "paused_since"),
                                   ("state", "free", "in_call"), ("call_id", None, "in_call"), ("paused", False, "paused")):
            self.assertEqual(self.compare(self.status(**{field: wrong})), [f"viatalk-support.members.PJSIP/viatalk-101.{path}"], field)

    def test_a_second_off_is_rounding(self):
        self.assertEqual(self.compare(self.status(paused_since="2023-11-14T22:15:01Z")), [])
        self.assertEqual(self.compare(self.status(paused_since=None)), ["viatalk-support.members.PJSIP/viatalk-101.paused_since"])

    def test_refreshed_fields_count_only_when_asked_for(self):
        late = self.status(calls_taken=1, last_call_at=None)
        late["weight"] = 7
        self.assertEqual(self.compare(late), [])
        # the second caller's priority is not known to pbxd either
        self.assertEqual(self.compare(late, refreshed=True),
                         ["viatalk-support.callers[2].priority", "viatalk-support.members.PJSIP/viatalk-101.calls_taken",
                          "viatalk-support.members.PJSIP/viatalk-101.last_call", "viatalk-support.settings.weight"])

    def test_waits_and_talks_where_asterisk_tells_them(self):
        entry = message(Event="QueueEntry", Queue="viatalk-support", Position=1, Uniqueid="17.1", CallerIDNum="5550100", CallerIDName="Ann", Priority=0, Wait=40)
        channels = [message(Channel="PJSIP/trunk-00000001", Application="Queue", ApplicationData="viatalk-support,tT", BridgeId="b1", CallerIDNum="5550199"),
                    message(Channel="PJSIP/viatalk-101-00000002", Application="AppQueue", BridgeId="b1", CallerIDNum="101")]
        queues = compare.asterisk_queues(self.QUEUE[:2] + [entry], {"17.1": "17.0"}, channels, now=1700000140.9)
        for since, talking_to, wrong in (("2023-11-14T22:15:00.4Z", "5550199", []), ("2023-11-14T22:15:02Z", "5550199", []),
                                         ("2023-11-14T22:15:03Z", "5550199", ["callers[1].since"]),
                                         ("2023-11-14T22:14:57Z", "5550199", ["callers[1].since"]),
                                         ("2023-11-14T22:15:00Z", None, ["members.PJSIP/viatalk-101.talking_to"]),
                                         ("2023-11-14T22:15:00Z", "5550100", ["members.PJSIP/viatalk-101.talking_to"])):
            status = self.status(talking_to=talking_to)
            status["callers"] = [status["callers"][0] | {"since": since}]
            found = [d.path for d in compare.differences(queues, compare.pbxd_queues([status]))]
            self.assertEqual(found, [f"viatalk-support.{path}" for path in wrong], (since, talking_to))

    def test_callers(self):
        swapped = self.status()
        swapped["callers"].reverse()
        self.assertEqual(len(self.compare(swapped)), 8)   # call, position, number and name of both
        fewer = self.status()
        fewer["callers"].pop()
        self.assertEqual(self.compare(fewer), ["viatalk-support.callers"])

    def test_absent_and_extra_members(self):
        moved = self.status(interface="PJSIP/viatalk-102")
        self.assertEqual(self.compare(moved), ["viatalk-support.members.PJSIP/viatalk-101", "viatalk-support.members.PJSIP/viatalk-102"])

    def test_calls(self):
        asterisk = compare.asterisk_calls([message(Event="CoreShowChannel", Channel="PJSIP/a-1", Linkedid="17.0", ChannelStateDesc="Up", BridgeId="b1"),
                                           message(Event="CoreShowChannel", Channel="PJSIP/b-2", Linkedid="17.0", ChannelStateDesc="Ringing", BridgeId="")])
        detail = {"id": "main/17.0", "channels": [{"channel": "PJSIP/a-1", "state": "up", "bridge": "b1"}, {"channel": "PJSIP/b-2", "state": "ringing"}]}
        self.assertEqual(compare.differences(asterisk, compare.pbxd_calls([detail])), [])
        detail["channels"][0]["bridge"] = "b2"
        self.assertEqual([str(d) for d in compare.differences(asterisk, compare.pbxd_calls([detail]))], ["17.0.PJSIP/a-1.bridge: Asterisk 'b1', pbxd 'b2'"])
        self.assertEqual([d.path for d in compare.differences(asterisk, {})], ["17.0"])

    def test_peers(self):
        wanted = lambda name: "trunk" not in name
        asterisk = compare.asterisk_peers([message(Device="PJSIP/viatalk-101", State="NOT_INUSE"), message(Device="PJSIP/viatalk-trunk", State="INUSE"),
                                           message(Device="SIP/viatalk-151", State="RINGING")],
                                          [message(Event="ContactList", Endpoint="viatalk-101", Uri="sip:1", Status="Reachable")],
                                          [message(Event="PeerEntry", ObjectName="viatalk-151", IPaddress="127.0.0.1", Status="OK (3 ms)"),
                                           message(Event="PeerEntry", ObjectName="viatalk-152", IPaddress="-none-", Status="OK (1 ms)")], wanted)
        rows = [{"name": "PJSIP/viatalk-101", "technology": "PJSIP", "device_state": "NOT_INUSE", "contacts": [{"uri": "sip:1", "status": "Reachable", "latency_ms": 1}]},
                {"name": "SIP/viatalk-151", "technology": "SIP", "device_state": "RINGING", "reachable": True,
                 "contacts": [{"uri": "sip:viatalk-151@127.0.0.1", "status": "Reachable", "latency_ms": 3}]},
                {"name": "SIP/viatalk-152", "technology": "SIP", "device_state": "UNKNOWN", "reachable": False, "contacts": []},
                {"name": "PJSIP/viatalk-trunk", "technology": "PJSIP", "device_state": "NOT_INUSE", "contacts": []}]
        self.assertEqual(compare.differences(asterisk, compare.pbxd_peers(rows, wanted)), [])
        rows[0]["contacts"] = []
        self.assertEqual([d.path for d in compare.differences(asterisk, compare.pbxd_peers(rows, wanted))], ["PJSIP/viatalk-101.contacts.sip:1"])
        rows[1]["contacts"][0]["latency_ms"], rows[2]["reachable"] = 4, True
        self.assertEqual([d.path for d in compare.differences(asterisk, compare.pbxd_peers(rows, wanted), refreshed=True)][1:],
                         ["SIP/viatalk-151.latency_ms", "SIP/viatalk-152.reachable"])

    def test_drift_in_metrics(self):
        text = '# HELP pbxd_board_drift_total x\npbxd_board_drift_total{kind="status"} 2\npbxd_board_drift_total{kind="paused"} 1\npbxd_other 7\n'
        self.assertEqual(compare.drift_in_metrics(text), 3)
        self.assertIsNone(compare.drift_in_metrics("pbxd_other 7\n"))


def _soon(condition, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


if __name__ == "__main__":
    unittest.main()
