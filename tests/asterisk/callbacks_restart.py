#!/usr/bin/env python3
"""callbacks_restart.py 22|16 --pbxd PROGRAM [--pbxctl PROGRAM] [--backend sqlite|mariadb] [--callbacks N]

Asterisk is restarted while callbacks are in flight (docs/facts/reliability.md F19): once while their placeholders wait for an agent (P3, P4), once while customers' phones ring
(P5), once while they talk (P6, P7). However many were in flight: each attempt dials at most once, each callback comes to its end, and five seconds after Asterisk is back
the board shows neither caller nor agent that is not there.
Exit code 1: something was wrong; 77: cannot run here (no SIPp, no MariaDB)."""
import argparse
import collections
import contextlib
import os
import shutil
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from board import callback_site, compare  # noqa: E402
from board.pbxd import PbxdError  # noqa: E402
from board.callback_site import CUSTOMER, TENANT, Wrong, soon  # noqa: E402

# what is restarted upon: agents' phones, the customers' phone, the states that at least one callback must be in
STAGES = {"waiting": ("noanswer", "hangup", {"intent"}), "ringing": ("answer", "noanswer", {"gated", "ringing"}), "talking": ("answer", "answer", {"answered", "connected"})}
GHOSTS = 5.0
QUEUES = ("support", "sales", "vip")


class Site(callback_site.Site):
    def __init__(self, options, stack):
        self.heard = []       # of every AMI session before this one
        super().__init__(options, stack)
        self.node = self.nodes[0]
        for node in self.nodes:
            node.start(options.pbxd)
            stack.callback(node.end)

    def states(self, ids):
        return collections.Counter(self.node.pbxd.call("callback.get", tenant=TENANT, id=id)["state"] for id in ids)

    def phones_do(self, agents, customer, anew=False):
        self.phones.register({f"{TENANT}-101": agents, f"{TENANT}-102": agents, f"{TENANT}-103": customer}, anew=anew)

    def restart_asterisk(self):
        self.lab.kill()
        self.heard += self.ami.messages
        self.ami.close()
        self.lab.start(die_with_parent=True)
        self.ami = self.lab.ami()

    def ghosts(self):
        """Differences of the board to what Asterisk itself says."""
        linkedids = {m.get("Uniqueid"): m.get("Linkedid") for m in self.ami.list("CoreShowChannels")}
        truth = compare.asterisk_queues(self.ami.list("QueueStatus"), linkedids)
        try:
            rows = [self.node.pbxd.call("queue.status", tenant=TENANT, id=name) for name in QUEUES]
        except PbxdError as error:
            return [str(error)]
        if any(row["stale"] for row in rows):
            return ["stale"]
        shown = compare.pbxd_queues(rows)
        return compare.differences({name: truth[name] for name in shown if name in truth}, shown)

    def stage(self, name, count):
        agents, customer, wanted = STAGES[name]
        self.phones_do(agents, customer)
        ids = [self.request(self.node) for _ in range(count)]
        soon(lambda: sum(self.states(ids)[state] for state in wanted) > 0, f"one to be {' or '.join(sorted(wanted))}: {self.states(ids)}", 60)
        before = self.states(ids)
        self.restart_asterisk()
        back = time.monotonic()
        soon(lambda: not self.ghosts(), "the board to be what Asterisk says", GHOSTS)
        clean = time.monotonic() - back
        self.phones_do("answer", "hangup", anew=True)
        soon(lambda: all(self.ended(self.node, id) for id in ids), f"{count} callbacks to end", callback_site.WITHIN + 6 * count, 0.5)
        took = time.monotonic() - back
        ended = self.states(ids)
        if ended != {"done": count}:
            raise Wrong(f"{name}: {dict(ended)}")
        dials = collections.Counter(m.get("Uniqueid") for m in self.heard + self.ami.messages
                                    if m.get("Event") == "DialBegin" and (m.get("DestChannel") or "").startswith(CUSTOMER + "-"))
        if not dials or max(dials.values()) > 1:
            raise Wrong(f"{name}: dials by attempt: {dict(dials)}")
        soon(lambda: not self.ghosts(), "the board to be at rest", GHOSTS)
        print(f"{name:8} {count:3}  {', '.join(f'{n} {s}' for s, n in sorted(before.items())):40} {clean:5.1f} s  {took:5.0f} s  {sum(dials.values()):4}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", type=int, choices=(22, 16))
    parser.add_argument("--pbxd", required=True, type=os.path.abspath)
    parser.add_argument("--pbxctl", type=os.path.abspath)
    parser.add_argument("--backend", choices=("sqlite", "mariadb"), default="sqlite")
    parser.add_argument("--callbacks", type=int, default=4)
    options = parser.parse_args()
    options.pbxctl = options.pbxctl or os.path.join(os.path.dirname(options.pbxd), "pbxctl")
    if not shutil.which("sipp"):
        print("SKIPPED: sipp is not installed", file=sys.stderr)
        sys.exit(77)
    with contextlib.ExitStack() as stack:
        site = Site(options, stack)
        print(f"Asterisk {options.version} killed and started, {options.backend}, {len(site.nodes)} pbxd\nstage     n  at the kill                               board   ended  dials so far", flush=True)
        try:
            for name in STAGES:
                site.stage(name, options.callbacks)
        except (Wrong, PbxdError) as error:
            print(error, flush=True)
            for node in site.nodes:
                with open(f"{site.folder}/{node.name}.log", errors="replace") as f:
                    print(f"--- {node.name}\n" + "\n".join(line for line in f.read().splitlines() if " http " not in line)[-4000:], flush=True)
            sys.exit(1)


if __name__ == "__main__":
    main()
