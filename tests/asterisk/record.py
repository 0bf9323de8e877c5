#!/usr/bin/env python3
"""record.py OUT --pbxd PROGRAM --pbxctl PROGRAM [NAME...]: records what an Asterisk 22 with the rendered dialplan and pbxd says, into OUT/NAME.s2c.ami.

The recordings of tests/fixtures/ami/22/r*.s2c.ami were made so; tests/unit/simulator holds pbxsim against them. Not a test: run by hand when the dialplan has changed.
One AMI session for each scene, of the classes call, agent, user and dtmf. Exit code 77: cannot run here (no SIPp, no MariaDB)."""
import argparse
import os
import shutil
import socket
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import callbacks_live  # noqa: E402
import dialplan  # noqa: E402
import render  # noqa: E402
from lab.wait import soon  # noqa: E402
from render import ident, number  # noqa: E402

OPTIONS = None
BLOCKED = VIP = "16465550200"       # of viatalk blocked, of hostrocket preferred (render.py)


class Tape(threading.Thread):
    """The bytes of one AMI session."""

    def __init__(self, lab):
        super().__init__(daemon=True)
        self.bytes = b""
        self.socket = socket.create_connection(("127.0.0.1", lab.state["ami_port"]), 5)
        self.socket.sendall(f"Action: Login\r\nUsername: lab\r\nSecret: {lab.secret('lab')}\r\nEvents: call,agent,user,dtmf\r\n\r\n".encode())
        self.socket.settimeout(None)
        self.start()
        soon(lambda: b"Authentication accepted" in self.bytes, "the session")

    def run(self):
        while data := self.socket.recv(65536):
            self.bytes += data

    def stop(self):
        time.sleep(0.5)     # what other threads of Asterisk have to say still
        self.socket.shutdown(socket.SHUT_RDWR)
        self.join(5)
        self.socket.close()


class Scenes(callbacks_live.Live):
    @classmethod
    def seed_more(cls, run):
        super().seed_more(run)
        run("INSERT INTO queue_conditions (tenant_id, queue_id, priority_ceiling, callback_from_waiting) VALUES ('t_viatalk', ?, 100, 0)", ident("q", "viatalk", "sales"))

    def setUp(self):
        super().setUp()
        self.agent("answer")
        self.at_rest()
        self.since = self.ami.mark()
        self.tape = Tape(self.lab)

    def tearDown(self):
        self.at_rest()
        self.tape.stop()
        with open(os.path.join(OPTIONS.out, self._testMethodName + ".s2c.ami"), "wb") as f:
            f.write(self.tape.bytes)

    def r01_blocked(self):
        self.ends("viatalk", "0100", BLOCKED, why="blocked")

    def r02_closed_announcement(self):
        self.ends("viatalk", "0101", "16465550001", why="closed")

    def r03_priority_then_abandoned(self):
        self.joins("hostrocket", "0100", VIP, "vip", why="queued", priority="7", hold=2)

    def r04_asked_by_key(self):
        self.pause(True)
        call = self.provider.call(number("viatalk", "0100"), "16465550001")
        uniqueid = self.event("QueueCallerJoin").get("Uniqueid")
        time.sleep(1.2)
        call.press("1")
        self.event("Newexten", Uniqueid=uniqueid, Application="Gosub", AppData="pbxd-words,confirm,1")
        call.press("1")
        self.event("VarSet", Uniqueid=uniqueid, Variable="PBX_CB_ASKED", Value="new")
        self.assertTrue(call.wait("over", 10))
        for callback in self.pbxd.items("callback.list", tenant="viatalk", queue="sales"):
            self.call("callback.cancel", id=callback["id"])
        soon(lambda: not self.waiting(), "no placeholder to wait")
        self.pause(False)

    def r05_callback_reached(self):
        self.becomes(self.ask_json(), "done")

    def r06_callback_busy(self):
        self.customer(lambda call: call.phone.refuse(call, "486 Busy Here"))
        id = self.ask_json()
        self.becomes(id, "retry_at")
        self.call("callback.cancel", id=id)

    def r07_callback_not_answered(self):
        self.customer(lambda call: call.phone.ring(call))
        self.becomes(self.ask_json(), "failed")

    def r08_callback_cancelled(self):
        self.pause(True)
        caller = self.caller("6465550100", hold=6)
        id = self.ask_json()
        channel = self.placeholder()
        self.call("callback.cancel", id=id)
        soon(lambda: channel not in self.waiting(), "the placeholder to be gone", 3)
        self.assertIn(caller, self.waiting())
        self.at_rest()
        self.pause(False)

    def r09_callback_agent_hangs_up_while_dialling(self):
        self.agent("hangup")
        self.customer(lambda call: call.phone.ring(call))
        self.becomes(self.ask_json(), "failed")

    def customer_first(self, key):
        self.database.run(f"UPDATE callback_policies SET mode = 'customer_first', ask_key = {key}")
        self.addCleanup(self.database.run, "UPDATE callback_policies SET mode = 'agent_first', ask_key = 0")

    def r10_callback_customer_first_with_key(self):
        self.customer_first(1)

        def person(call):
            call.phone.ring(call)
            time.sleep(0.3)
            call.answer()
            self.event("Newexten", Application="Read")
            time.sleep(0.3)
            call.press("1")
            self.event("AgentConnect")
            time.sleep(1)
            call.hangup()
        self.customer(person)
        self.becomes(self.ask_json(), "done")

    def r11_callback_machine(self):
        self.customer_first(1)
        self.customer(lambda call: (call.phone.ring(call), time.sleep(0.3), call.answer()))
        self.becomes(self.ask_json(), "failed", 30)

    def r12_moved(self):
        self.pause(True)
        call = self.provider.call(number("viatalk", "0100"), "16465550011")
        channel = self.event("QueueCallerJoin", Queue="viatalk-sales").get("Channel")
        with self.lab.ami(events="off") as ami:
            ami.action("QueueWithdrawCaller", Queue="viatalk-sales", Caller=channel, WithdrawInfo="100viatalk-billing")
        self.event("QueueCallerJoin", Queue="viatalk-billing")
        call.hangup()
        self.event("Hangup", Channel=channel)
        self.pause(False)

    def r13_listening_and_recording(self):
        self.phones.register({"viatalk-101": "answer", "viatalk-102": "answer"})
        call = self.provider.call(number("viatalk", "0100"), "16465550012")
        self.event("AgentConnect")
        mark = self.ami.mark()
        heard = self.event("BridgeEnter", Channel=self.events("AgentConnect")[0].get("Channel")).get("Channel")
        self.ami.action("Originate", Channel="PJSIP/viatalk-102", Context="pbxd-monitor", Exten="s", Priority="1", Async="true", Timeout="8000",
                        ChannelId="pbxd-listens", Variable=[f"PBX_SPY_CHANNEL={heard}", "PBX_SPY_OPTIONS=qES"])
        self.event("ChanSpyStart", since=mark)
        with self.lab.ami(events="off") as ami:
            ami.action("MixMonitor", Channel=heard, File="record-test.wav", Options="i(PBX_RECORDING)")
            got = ami.action("Getvar", Channel=heard, Variable="PBX_RECORDING")
            ami.action("MixMonitorMute", Channel=heard, Direction="both", State="1")
            ami.action("MixMonitorMute", Channel=heard, Direction="both", State="0")
            ami.action("StopMixMonitor", Channel=heard, MixMonitorID=got.get("Value"))
        time.sleep(0.5)
        call.hangup()
        self.event("ChanSpyStop", since=mark)

    def r14_customer_first_and_a_caller_behind(self):
        """Two agents: one is kept for the customer while his phone rings, the other one serves the caller who stands behind."""
        self.customer_first(0)
        self.phones.register({"viatalk-102": "answer"})
        self.ami.action("QueueAdd", Queue="viatalk-sales", Interface="PJSIP/viatalk-102", MemberName="Bob")
        self.addCleanup(self.ami.action, "QueueRemove", Queue="viatalk-sales", Interface="PJSIP/viatalk-102")
        served = threading.Event()

        def person(call):
            call.phone.ring(call)
            served.wait(15)
            call.answer()
            self.event("AgentConnect", Channel=kept)
            time.sleep(1)
            call.hangup()
        self.customer(person)
        id = self.ask_json()
        kept = self.event("QueueCallerJoin").get("Channel")
        self.event("DialBegin", Context="viatalk-callback")
        caller = self.provider.call(number("viatalk", "0100"), "16465550013")
        channel = self.event("QueueCallerJoin", Position="2").get("Channel")
        self.event("AgentConnect", Channel=channel)
        time.sleep(1)
        caller.hangup()
        self.event("Hangup", Channel=channel)
        served.set()
        self.becomes(id, "done")


SCENES = [name for name in dir(Scenes) if name[:1] == "r" and name[1:3].isdigit()]


def main():
    global OPTIONS
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("scenes", nargs="*", default=SCENES)
    parser.add_argument("--pbxd", required=True, type=os.path.abspath)
    parser.add_argument("--pbxctl", required=True, type=os.path.abspath)
    parser.add_argument("--keep", action="store_true", help="leave the folder")
    OPTIONS = parser.parse_intermixed_args()
    OPTIONS.version = 22
    render.OPTIONS = dialplan.OPTIONS = callbacks_live.OPTIONS = OPTIONS
    if not shutil.which("sipp"):
        print("SKIPPED: sipp is not installed", file=sys.stderr)
        sys.exit(77)
    os.makedirs(OPTIONS.out, exist_ok=True)
    done = unittest.TextTestRunner(verbosity=2).run(unittest.TestSuite(Scenes(name) for name in OPTIONS.scenes))
    sys.exit(0 if done.wasSuccessful() else 1)


if __name__ == "__main__":
    main()
