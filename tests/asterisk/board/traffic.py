"""Calls that go on and on, one a second for each tenant, and how each of them was decided."""
import os
import signal
from typing import NamedTuple

from lab import TENANTS


class Decision(NamedTuple):
    call: str          # uniqueid
    tenant: str
    place: int         # of its beginning, among the AMI messages
    by: str            # "pbxd", "database", "default"; "" : not yet
    seconds: float     # from Asterisk's first event of it
    queue: str         # that it joined; "": none (yet)


class Traffic:
    """observer: a session of lab.ami that sees VarSet. SIPp plays the callers, who hang up by themselves."""

    def __init__(self, observer, phones, called, number, hold):
        """called: {tenant: number}."""
        self.observer, self.phones = observer, phones
        self.since = observer.mark()
        before = len(phones.calls)
        for tenant in TENANTS:
            phones.call(tenant, called[tenant], count=900, rate=1, number=number, hold=hold)
        self.processes = [process for _, process, _ in phones.calls[before:]]

    def stop(self, seconds=30):
        """No new calls; {name: why} of SIPps that did not end well."""
        for process in self.processes:
            os.kill(process.pid, signal.SIGUSR1)
        return self.phones.reap(seconds)

    def decisions(self, since=None):
        """Of all calls that began from that place on."""
        calls, set_, queues = {}, {}, {}
        start = self.since if since is None else since
        for place, m in enumerate(self.observer.messages[start:], start):
            name, call = m.get("Event"), m.get("Uniqueid")
            if name == "Newchannel" and "-trunk-main-" in (m.get("Channel") or "") and (m.get("Exten") or "").isdigit():     # else one of ours, going out
                calls[call] = (m.get("Channel").removeprefix("PJSIP/").partition("-trunk-")[0], place, float(m.get("Timestamp")))
            elif name == "VarSet" and call in calls:
                values = set_.setdefault(call, {})
                if "at" not in values:
                    values[m.get("Variable")] = m.get("Value")
                if m.get("Variable") == "QUEUE_PRIO":
                    values.setdefault("at", float(m.get("Timestamp")))
            elif name == "QueueCallerJoin" and call in calls:
                queues[call] = m.get("Queue").partition("-")[2]
        return [self._decision(call, *calls[call], set_.get(call, {}), queues.get(call, "")) for call in calls]

    @staticmethod
    def _decision(call, tenant, place, began, values, queue):
        if "at" not in values:
            return Decision(call, tenant, place, "", 0.0, queue)
        by = "default" if values.get("PBX_DONE") != "1" else "database" if "PBX_QUESTION" in values else "pbxd"
        return Decision(call, tenant, place, by, values["at"] - began, queue)
