#!/usr/bin/env python3
"""asterisk_bench.py 22|16 --pbxd PROGRAM --pbxctl PROGRAM: what pbxd's share costs in a real Asterisk, by Asterisk's own times.

Prints one JSON object of lists of seconds: "FastAGI" and "func_odbc", the step of the rendered dialplan that decides a call, with a million blocked numbers and a
million customers on MariaDB; "agent free to Originate": from the end of an agent's pause to the channel of a callback's placeholder."""
import argparse
import json
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "asterisk")]
import dialplan  # noqa: E402
import render  # noqa: E402
from bench import fill, millions  # noqa: E402
from dialplan import AGENT, soon  # noqa: E402
from lab import processes  # noqa: E402
from render import number  # noqa: E402

TENANT, QUEUE = "viatalk", "viatalk-sales"
CALLS, RATE, CALLBACKS = 300, 20, 60


class Site(dialplan.Site):
    odbc, backend = True, "mariadb"

    @classmethod
    def settings_socket(cls):
        return f"{cls.database.folder}/s"

    @classmethod
    def seed_more(cls, run):
        run("INSERT INTO callback_policies (tenant_id, queue_id, mode, max_dials, max_doubts, expires_after, ring_seconds, ask_key, caller_id) "
            "VALUES ('t_viatalk', '', 'agent_first', 3, 1, 3600, 10, 0, '')")

    @classmethod
    def write(cls, *where):
        super().write(*where)
        fill(cls, millions("t_viatalk"))

    @classmethod
    def decisions(cls, between):
        """Seconds from one event of the dialplan to the next where between(one, next) is true, for each of CALLS blocked callers."""
        since = cls.ami.mark()
        cls.phones.call(TENANT, number(TENANT, "0100"), number="12122000000", count=CALLS, rate=RATE, hold=3)
        cls.ami.wait(lambda m: False, CALLS / RATE + 5, since)      # read on while they call
        cls.phones.reap(30)
        before, took = {}, []
        for m in cls.ami.messages[since:]:
            if m.get("Event") != "Newexten":
                continue
            last, before[m.get("Uniqueid")] = before.get(m.get("Uniqueid")), m
            if last and between(last, m):
                took.append(float(m.get("Timestamp")) - float(last.get("Timestamp")))
        if len(took) < CALLS * 0.95:
            raise RuntimeError(f"only {len(took)} of {CALLS} calls were decided so")
        return took

    @classmethod
    def originates(cls):
        """Seconds from the end of the agent's pause to the placeholder of a callback that waits."""
        pause = lambda on: cls.ami.action("QueuePause", Queue=QUEUE, Interface=AGENT, Paused="true" if on else "false")
        cls.ami.action("QueueAdd", Queue=QUEUE, Interface=AGENT, MemberName="Ann")
        cls.phones.register({f"{TENANT}-101": "noanswer"})
        soon(lambda: cls.pbxd.link()["driven"], "pbxd to drive", 20)
        took = []
        for i in range(CALLBACKS):
            pause(True)
            id = cls.pbxd.call("callback.request", tenant=TENANT, queue="sales", number=f"+1646555{3000 + i}")["id"]
            time.sleep(1.2 + 0.05 * (i % 10))      # known everywhere; at another beat of pbxd's each time
            since = cls.ami.mark()
            pause(False)
            free = cls.ami.wait(lambda m: m.get("Event") == "QueueMemberPause" and m.get("Paused") == "0", 10, since)
            made = cls.ami.wait(lambda m: m.get("Event") == "Newchannel" and (m.get("Uniqueid") or "").startswith("pbxd-"), 10, since)
            if not free or not made:
                raise RuntimeError("no placeholder came")
            took.append(float(made.get("Timestamp")) - float(free.get("Timestamp")))
            cls.pbxd.call("callback.cancel", tenant=TENANT, id=id)
            soon(lambda: not [m for m in cls.ami.list("QueueStatus", Queue=QUEUE) if m.get("Event") == "QueueEntry"], "the placeholder to go", 10)
        return took


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", type=int, choices=(22, 16))
    parser.add_argument("--pbxd", required=True, type=os.path.abspath)
    parser.add_argument("--pbxctl", required=True, type=os.path.abspath)
    parser.add_argument("--keep", action="store_true", help="leave the folder")
    render.OPTIONS = dialplan.OPTIONS = parser.parse_args()
    try:
        Site.setUpClass()
        # An application runs after its event.
        out = {"FastAGI": Site.decisions(lambda last, m: last.get("Application") == "AGI"), "agent free to Originate": Site.originates()}
        processes.end(processes.identity(Site.pbxd.process.pid), grace=0)
        out["func_odbc"] = Site.decisions(lambda last, m: last.get("Application") == "Dial" and "@pbxd-database" in (last.get("AppData") or ""))
    finally:
        Site.doClassCleanups()
    print(json.dumps(out))


if __name__ == "__main__":
    main()
