#!/usr/bin/env python3
"""clock.py 22 --pbxd PROGRAM [--pbxctl PROGRAM]

Asterisk's clock is 90 s ahead of pbxd's, then 90 s behind (docs/facts/reliability.md F22; Debian's faketime, nobody's clock is touched): since when callers wait is shown by
our own clock, the turn among callers and callbacks is kept, and what is due at a time begins within a second of it.
Exit code 1: something was wrong; 77: cannot run here (no SIPp, no faketime)."""
import argparse
import contextlib
import datetime
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from board import callback_site  # noqa: E402
from board.pbxd import PbxdError  # noqa: E402
from board.callback_site import TENANT, Wrong, soon  # noqa: E402

QUEUE = f"{TENANT}-support"


class Site(callback_site.Site):
    """One pbxd on SQLite."""

    def __init__(self, options, stack):
        super().__init__(options, stack)
        self.node = self.nodes[0]
        self.node.start(options.pbxd)
        stack.callback(self.node.end)
        soon(self.node.drives, "pbxd to drive", 30)

    def ask(self, operation, **params):
        return self.node.pbxd.call(operation, tenant=TENANT, **params)

    def waiting(self):
        """Channel ids by the queue's order, as Asterisk says."""
        rows = [m for m in self.ami.list("QueueStatus", Queue=QUEUE) if m.get("Event") == "QueueEntry"]
        return [m.get("Uniqueid") for m in sorted(rows, key=lambda m: int(m.get("Position")))]

    def caller(self, number):
        before = set(self.waiting())
        self.phones.call(TENANT, "1000", hold=60, number=number)
        return soon(lambda: next((u for u in self.waiting() if u not in before), None), "the caller in the queue", 10)


def offset_of(site):
    answer = site.ami.action("Ping")
    return float(answer.get("Timestamp")) - time.time()


def rfc3339(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_of(text):
    return datetime.datetime.fromisoformat(text).timestamp()


def shown_since(site, expected):
    """By our own clock, whatever Asterisk's says; also once the board was filled anew."""
    def check(what):
        caller = site.ask("queue.status", id="support")["callers"][0]
        off = seconds_of(caller["since"]) - expected
        if abs(off) > 2:
            raise Wrong(f"{what}: since {caller['since']} is {off:.1f} s off")
        return off
    by_event = check("by its event")
    site.node.end()
    site.node.start(site.options.pbxd)
    soon(lambda: site.ask("queue.status", id="support")["callers"], "the caller on the board", 20)
    return by_event, check("by the list")


def turn(site):
    """A caller, a callback, a caller: served in that order by one agent."""
    joined = time.time()
    first = site.caller("5550101")
    off = shown_since(site, joined)
    soon(site.node.drives, "pbxd to drive", 30)
    time.sleep(3)
    id = site.request(site.node)
    time.sleep(3)
    last = site.caller("5550102")
    soon(lambda: len(site.waiting()) == 3, "the placeholder", 20)
    order = site.waiting()
    if order[0] != first or order[2] != last or not order[1].startswith("pbxd-"):
        raise Wrong(f"the order in the queue is {order}; callers {first}, {last}")
    mark = site.ami.mark()
    site.phones.register({f"{TENANT}-101": "hangup", f"{TENANT}-103": "hangup"})
    connected = lambda: [m.get("Uniqueid") for m in site.ami.messages[mark:] if m.get("Event") == "AgentConnect"]
    soon(lambda: len(connected()) >= 3, f"three to be served: {connected()}", 60)
    if connected()[:3] != order:
        raise Wrong(f"served {connected()}, not {order}")
    soon(lambda: site.ended(site.node, id), "the callback to end", 30)
    return off


def due(site):
    """Begun no earlier than it is due and no more than a second after."""
    mark, at = site.ami.mark(), time.time() + 5
    site.asked += 1
    id = site.ask("callback.request", queue="support", number=f"+1212555{3000 + site.asked}", not_before=rfc3339(at))["id"]
    soon(lambda: any((m.get("Uniqueid") or "").startswith("pbxd-") and m.get("Event") == "Newchannel" for m in site.ami.messages[mark:]), "its attempt", 15)
    late = time.time() - at
    if not -0.1 < late < 1.2:       # the test itself looks ten times a second
        raise Wrong(f"begun {late:.2f} s after it was due")
    soon(lambda: site.ended(site.node, id), "the callback to end", 30)
    return late


def doctor(site):
    """Told by `pbxctl doctor`, with what to do."""
    done = subprocess.run([site.options.pbxctl, "doctor", "--output", "json", "--config", site.node.configuration], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    told = next(c for c in json.loads(done.stdout)["checks"] if c["check"] == "main: clock")
    if (done.returncode, told["result"]) != (6, "fail") or not re.search(r"differs by (89|90)\.\d s", told["text"]) or "chrony" not in told["remedy"]:
        raise Wrong(f"doctor: exit {done.returncode}: {told}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", type=int, choices=(22,))
    parser.add_argument("--pbxd", required=True, type=os.path.abspath)
    parser.add_argument("--pbxctl", type=os.path.abspath)
    options = parser.parse_args()
    options.pbxctl, options.backend = options.pbxctl or os.path.join(os.path.dirname(options.pbxd), "pbxctl"), "sqlite"
    library = next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), None)
    if not shutil.which("sipp") or not library:
        print("SKIPPED: sipp or faketime is not installed", file=sys.stderr)
        sys.exit(77)
    wrong = 0
    for skew in (90, -90):
        Site.LAB = {"environment": {"LD_PRELOAD": library, "FAKETIME": f"{skew:+d}", "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}}
        with contextlib.ExitStack() as stack:
            site = Site(options, stack)
            try:
                measured = offset_of(site)
                if abs(measured - skew) > 1:
                    raise Wrong(f"Asterisk's clock is {measured:.1f} s off: this test is about nothing")
                doctor(site)
                by_event, by_list = turn(site)
                print(f"{measured:+.1f} s: since {by_event:+.1f} s by the event, {by_list:+.1f} s by the list; the turn is kept; due {due(site):+.2f} s", flush=True)
            except (Wrong, PbxdError) as error:
                wrong += 1
                print(f"{skew:+d} s: {error}", flush=True)
                with open(f"{site.folder}/a.log", errors="replace") as f:
                    print("\n".join(line for line in f.read().splitlines() if " http " not in line)[-3000:], flush=True)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
