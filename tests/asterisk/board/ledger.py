"""What queue_log must hold of each call, as the scenario says, and what it holds."""
import collections
import re
from typing import NamedTuple

CALL = re.compile(r"\d+\.\d+")       # the id of a channel; ours begin with pbxd-, all else is of no call


class Line(NamedTuple):
    call: str
    queue: str
    agent: str
    event: str
    data: list


def read(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return [Line(p[1], p[2], p[3], p[4], p[5:]) for p in (line.rstrip("\n").split("|") for line in f)]


def of_callback(mode, outcome):
    """The events of one attempt's channel in the queue, by its outcome; None: any, as long as nobody served it."""
    if outcome == "reached":
        return ["ENTERQUEUE", "CONNECT", "COMPLETE"] if mode == "agent_first" else ["ENTERQUEUE", "EXITWITHKEY", "ENTERQUEUE", "CONNECT", "COMPLETE"]
    if outcome in ("busy", "no_answer", "declined", "unreachable"):
        return ["ENTERQUEUE", "CONNECT", "COMPLETE"] if mode == "agent_first" else ["ENTERQUEUE", "ABANDON"]
    return None


class Ledger:
    def __init__(self):
        self.calls = {}                            # uniqueid: [(queue, event), ...]
        self.agents = collections.Counter()        # (queue, member, event)
        self.routes = collections.Counter()        # outcomes, of calls that pbxd decided

    def call(self, uniqueid, queue, *events):
        """In that order; each event is of `queue`, or a pair with another one."""
        self.calls[uniqueid] = [event if isinstance(event, tuple) else (queue, event) for event in events]

    def agent(self, tenant, agent, queues, *events):
        self.agents.update((f"{tenant}-{queue}", f"{tenant}-agent-{agent}", event) for queue in queues for event in events)

    def differences(self, lines, callbacks):
        """callbacks: {channel id in the queue: (queue, its events or None)}, of our tables. One text a difference."""
        found = collections.defaultdict(list)
        for line in lines:
            # who hung up first is the telephones' affair
            found[line.call].append((line.queue, re.sub("^COMPLETE(AGENT|CALLER)$", "COMPLETE", line.event)))
        wrong = []
        for call in sorted(self.calls.keys() | {c for c in found if CALL.fullmatch(c)}):
            if found.get(call) != self.calls.get(call):
                wrong.append(f"call {call}: queue_log {found.get(call)}, the scenario {self.calls.get(call)}")
        for channel in sorted({c for c in found if c.startswith("pbxd-")} - callbacks.keys()):
            wrong.append(f"callback channel {channel}: queue_log {found[channel]}, none in our tables")
        for channel, (queue, events) in callbacks.items():
            told = found.get(channel, [])
            if (events is None and any(event == "CONNECT" for _, event in told)) or (events is not None and told != [(queue, event) for event in events]):
                wrong.append(f"callback channel {channel}: queue_log {told}, our tables {queue} {events}")
        agents = collections.Counter((line.queue, line.agent, line.event) for line in lines if line.event in ("ADDMEMBER", "REMOVEMEMBER", "PAUSE", "UNPAUSE"))
        wrong += [f"agent {key}: queue_log {agents[key]}, the scenario {self.agents[key]}" for key in sorted(agents.keys() | self.agents.keys()) if agents[key] != self.agents[key]]
        return wrong


def served(lines):
    """{(queue, member): calls served since it was added last}, as Asterisk counts them with shared_lastcall: those of its other queues too."""
    count = collections.Counter()
    for line in lines:
        if line.event == "ADDMEMBER":
            count[line.queue, line.agent] = 0
        if line.event.startswith("COMPLETE"):
            count.update(key for key in list(count) if key[1] == line.agent)
    return count
