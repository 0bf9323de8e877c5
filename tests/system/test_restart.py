"""An Asterisk with 2,000 agents restarts (RELIABILITY F20): the board is filled anew in less than three seconds, and pauses that the restart lost are restored."""
import os
import signal
import sys
import time
import unittest

import stack
import support

sys.path.insert(0, os.path.join(stack.ROOT, "tests/asterisk"))
from lab.ami import Ami  # noqa: E402

S: stack.Stack
TENANT = "viatalk"
AGENTS = 2000
PAUSED = 300


class Restart(unittest.TestCase):
    def ami(self):
        ami = Ami(S.ami_port)
        with open(S.path("ami-pbxd")) as f:
            ami.login("pbxd", f.read().strip(), events="off")
        return ami

    @staticmethod
    def figure(name):
        return float(S.get("/metrics")[1].partition(f'\n{name}{{asterisk="main"}} ')[2].split()[0])

    def paused(self, ami):
        """(interface, queue) of every paused member, and how many members there are, by Asterisk itself."""
        members = [m for m in ami.list("QueueStatus", timeout=30) if m.get("Event") == "QueueMember"]
        return {(m.get("Location"), m.get("Queue")) for m in members if m.get("Paused") == "1"}, len(members)

    def test_two_thousand(self):
        admin = S.tenants[TENANT].people["admin"]
        names = [f"agent-{n}" for n in range(201, 201 + PAUSED)]
        for name in names:
            S.call("agent.create", admin, name=name, title=name, interface=f"PJSIP/{TENANT}-{name[6:]}", department="service")
            S.call("agent.pause", admin, id=name, wait_seconds=0)
        ours = {f"PJSIP/{TENANT}-{name[6:]}" for name in names}
        ami = self.ami()
        self.addCleanup(lambda: ami.close())
        stack.wait(lambda: {i for i, _ in self.paused(ami)[0]} >= ours, 60, "all to be paused")
        time.sleep(2)      # the last of an agent's queues
        before, members = self.paused(ami)
        before = {p for p in before if p[0] in ours}
        self.assertGreater(members, AGENTS)
        self.assertGreaterEqual(len(before), PAUSED)
        resyncs = self.figure("pbxd_board_resyncs_total")
        ami.close()

        began = time.monotonic()
        os.kill(S.simulator.pid, signal.SIGUSR1)
        stack.wait(lambda: self.figure("pbxd_board_resyncs_total") > resyncs and self.figure("pbxd_asterisk_up") == 1, 20, "the board to be filled anew")
        up = time.monotonic() - began
        took = self.figure("pbxd_board_last_resync_seconds")
        self.assertLess(took, 3.0)
        self.assertEqual(self.figure("pbxd_board_members"), members)
        ami = self.ami()
        lost = before - self.paused(ami)[0]
        stack.wait(lambda: self.paused(ami)[0] >= before, 30, "the pauses to be restored")
        restored = time.monotonic() - began
        print(f"\n{AGENTS} agents, {members} members: resync {took:.2f} s, up {up:.1f} s after the restart began (Asterisk is away for 1 s of it); {len(before)} pauses "
              f"({len(lost)} of them seen lost) restored after {restored:.1f} s", flush=True)
        for name in names[::30]:
            rows = S.call("agent.get", admin, id=name)["desired"]
            self.assertNotIn(True, [row["differs"] for row in rows], rows)

    def test_z_away(self):
        """Nobody knows how late the events of an Asterisk are that is away: 0 would keep an alarm on it quiet."""
        stack.wait(lambda: "\npbxd_asterisk_lag_seconds{" in S.get("/metrics")[1], 20, "a lag")
        S.simulator.terminate()
        stack.wait(lambda: self.figure("pbxd_asterisk_up") == 0 and "pbxd_asterisk_lag_seconds{" not in S.get("/metrics")[1], 20, "the lag to go")


if __name__ == "__main__":
    support.run(lambda: stack.Stack(sim=("--speed", "1", "--agents", str(AGENTS), "--calls-per-hour", "600")))
