"""What the phases use: calls, waiting for what must happen, and the comparison of the two boards."""
import time

from lab import AGENTS, TENANTS, Phones
from lab.server import LabError

from . import compare
from .pbxd import RECONCILE_SECONDS, PbxdError

CONVERGE_SECONDS = 2.0     # what events announce must be right within this time
UNSETTLED_SECONDS = 30.0   # Asterisk itself must come to rest within this


class Failed(Exception):
    """A phase did not go as it must."""


class Driver:
    agents = AGENTS     # of each tenant

    def __init__(self, lab, pbxd=None):
        self.lab, self.pbxd, self.version = lab, pbxd, lab.state["version"]
        self.phones = Phones(lab)
        self.ami = None
        self.comparisons = []      # (label, seconds until equal)
        self.lost = 0              # calls cut by a crash, whose SIPp cannot end well
        self._place = 0
        self.connect()

    def close(self):
        if self.ami:
            self.ami.close()
        self.phones.close()

    # --- events

    def connect(self):
        if self.ami:
            self.ami.close()
        self.ami = self.lab.ami(events="system,call,agent,user")
        self._place = 0

    def mark(self):
        """Events from here on count for expect()."""
        self._place = self.ami.mark()

    def events(self, event, **headers):
        """Those seen since mark()."""
        return [m for m in self.ami.messages[self._place:] if _matches(m, event, headers)]

    def expect(self, event, count=1, timeout=20.0, **headers):
        """Waits until so many such events came since mark(); the last of them. Header names: _ stands for -."""
        deadline = time.monotonic() + timeout
        while True:
            place = self.ami.mark()
            found = self.events(event, **headers)
            if len(found) >= count:
                return found[-1]
            left = deadline - time.monotonic()
            if left <= 0 or self.ami.closed:
                raise Failed(f"{len(found)} of {count} {event} {headers or ''} within {timeout:.0f} s")
            self.ami.wait(lambda m: _matches(m, event, headers), left, place)

    def action(self, name, **headers):
        """An action that must succeed."""
        answer = self.ami.action(name, **headers)
        if answer.get("Response") == "Error":
            raise Failed(f"{name} {headers}: {answer.get('Message')}")
        return answer

    def pipeline(self, actions, timeout=30.0):
        """Many actions, [(name, headers)], without waiting for each; all must succeed."""
        since = self.ami.mark()
        wanted = {self.ami.send(name, **headers) for name, headers in actions}
        deadline = time.monotonic() + timeout
        answered = 0
        while wanted:
            m = self.ami.wait(lambda m: m.get("Response") is not None, deadline - time.monotonic(), since + answered)
            if m is None:
                raise Failed(f"{len(wanted)} of {len(actions)} actions were not answered within {timeout:.0f} s")
            answered = self.ami.messages.index(m, since + answered) - since + 1
            wanted.discard(m.get("ActionID"))
            if m.get("Response") == "Error":
                raise Failed(f"{m.get('Message')}")

    # --- agents

    def each(self, action, agents=AGENTS, queues=("support",), **headers):
        """The action for these agents' membership of these queues, of every tenant."""
        for tenant in TENANTS:
            for agent in agents:
                for queue in queues:
                    self.action(action, Queue=f"{tenant}-{queue}", Interface=f"PJSIP/{tenant}-{agent}", **headers)

    def pause(self, *agents, reason="", queues=("support",)):
        self.each("QueuePause", agents, queues, Paused="true", Reason=reason)

    def resume(self, *agents, queues=("support",)):
        self.each("QueuePause", agents, queues, Paused="false")

    def add(self, agent, queue="support", penalty=0):
        for tenant in TENANTS:
            interface = f"PJSIP/{tenant}-{agent}"
            self.action("QueueAdd", Queue=f"{tenant}-{queue}", Interface=interface, StateInterface=interface,
                        MemberName=f"{tenant.title()} {agent}", Penalty=penalty)

    def remove(self, agent, queue="support"):
        self.each("QueueRemove", (agent,), (queue,))

    def behave(self, **behaviours):
        """behave(a101="answer", a102="busy"): the phones of that number of all tenants; waits until they can be rung."""
        agents = {f"{tenant}-{number[1:]}": behaviour for number, behaviour in behaviours.items() for tenant in TENANTS}
        self.phones.register(agents)
        self.wait_devices({f"PJSIP/{name}": "NOT_INUSE" for name in agents})

    def wait_devices(self, wanted, timeout=10.0):
        deadline = time.monotonic() + timeout
        while True:
            states = {m.get("Device"): m.get("State") for m in self.ami.list("DeviceStateList")}
            wrong = {d: states.get(d) for d, s in wanted.items() if states.get(d) != s}
            if not wrong:
                return
            if time.monotonic() > deadline:
                raise Failed(f"devices are not as wanted after {timeout:.0f} s: {wrong}")
            time.sleep(0.05)

    # --- calls

    def call_all(self, called="1000", count=1, **options):
        """`count` callers of every tenant."""
        for i, tenant in enumerate(TENANTS):
            self.phones.call(tenant, called, count=count, number=str(5550100 + 10000 * i + self.phones.started), **options)

    def finish(self, timeout=60.0):
        """Waits for all callers and for Asterisk to have no channel; a SIPp that did not end well fails the phase."""
        failed = self.phones.reap(timeout)
        if failed:
            raise Failed("; ".join(f"{name}: {why}" for name, why in failed.items()))
        deadline = time.monotonic() + 10
        while left := self.ami.list("CoreShowChannels"):
            if time.monotonic() > deadline:
                raise Failed("channels remain: " + ", ".join(m.get("Channel") for m in left))
            time.sleep(0.05)

    def lose_callers(self):
        """After a crash: nobody says goodbye to these callers any more."""
        self.lost += sum(count for _, _, count in self.phones.calls)
        self.phones.reap(0)

    # --- the board

    def _is_agent(self, name):
        return any(name.startswith(f"{technology}/{tenant}-1") for technology in ("PJSIP", "SIP") for tenant in TENANTS)

    def asterisk_board(self):
        channels = self.ami.list("CoreShowChannels")
        linkedids = {m.get("Uniqueid"): m.get("Linkedid") for m in channels}
        queues = compare.asterisk_queues(self.ami.list("QueueStatus"), linkedids, channels, time.time())
        interfaces = [f"PJSIP/{tenant}-{agent}" for tenant in TENANTS for agent in self.agents]
        return {"queues": queues, "calls": compare.asterisk_calls(channels), "agents": compare.asterisk_agents(queues, interfaces),
                "peers": compare.asterisk_peers(self.ami.list("DeviceStateList"), self.ami.list("PJSIPShowContacts"),
                                                self.ami.list("SIPpeers") if self.version == 16 else [], self._is_agent)}

    def check(self, label, within=CONVERGE_SECONDS, refreshed=False):
        """Waits until pbxd shows what Asterisk says. The time runs only while Asterisk itself does not change: it is
        asked before and after pbxd, and a change in between starts it anew. Returns Asterisk's board."""
        began = steady = time.monotonic()
        before = self.asterisk_board()
        while True:
            if self.pbxd is None:
                return before
            asked = time.monotonic()
            try:
                found = compare.differences(before, self.pbxd.board(self._is_agent), refreshed)
            except PbxdError as error:
                found = [str(error)]
            after = self.asterisk_board()
            if compare.differences(before, after, refreshed):
                before, steady = after, time.monotonic()
                if steady - began > UNSETTLED_SECONDS:
                    raise Failed(f"{label}: Asterisk does not come to rest")
                continue
            if not found:
                self.comparisons.append((label, asked - steady))
                drift = self.pbxd.drift()
                if drift:
                    raise Failed(f"{label}: drift {drift}")
                return after
            if asked - steady > within:
                raise Failed(f"{label}: not equal after {within:.1f} s: " + "; ".join(map(str, found[:8])) + (f" and {len(found) - 8} more" if len(found) > 8 else ""))
            time.sleep(0.05)

    def check_refreshed(self, label):
        """Also the fields that no event announces, within two rounds of the reconciler."""
        return self.check(label, within=2 * RECONCILE_SECONDS + 2, refreshed=True)

    def wait_stale(self, label, within=10.0):
        """pbxd must notice within that time that Asterisk is gone."""
        if self.pbxd is None:
            return
        began = time.monotonic()
        while not self.pbxd.link()["stale"]:
            if time.monotonic() - began > within:
                raise Failed(f"{label}: not marked stale within {within:.0f} s")
            time.sleep(0.1)
        self.comparisons.append((label + " (stale)", time.monotonic() - began))

    def all_phones(self):
        """Every agent answers, and is registered anew (see Phones.register)."""
        self.phones.register({f"{tenant}-{agent}": "answer" for tenant in TENANTS for agent in AGENTS}, anew=True)
        self.wait_devices({f"PJSIP/{tenant}-{agent}": "NOT_INUSE" for tenant in TENANTS for agent in AGENTS})


def _matches(message, event, headers):
    return message.get("Event") == event and all(message.get(k.replace("_", "-")) == v for k, v in headers.items())


__all__ = ["Driver", "Failed", "LabError"]
