"""The board in one form, made from Asterisk's lists or from pbxd's JSON, and the differences of two such boards.

Pure functions: messages and parsed JSON in, plain dictionaries out.

    {"queues": {name: {"settings": {...}, "callers": [{...} in order], "members": {interface: {...}}}},
     "calls":  {linkedid: {channel: {"state": "up", "bridge": id or None}}},
     "peers":  {"PJSIP/viatalk-101": {"device_state": "NOT_INUSE", "contacts": {uri: status}},
                "SIP/viatalk-151": {"device_state": "NOT_INUSE", "contacts": {uri: status}, "reachable": True, "latency_ms": 1}},
     "agents": {"PJSIP/viatalk-101": {queue: {...}}}}
"""
import datetime
import re
from typing import NamedTuple

# No event announces these (or late): pbxd refreshes them from time to time, so they may lag by its reconciling period.
REFRESHED = {"settings", "priority", "calls_taken", "last_call", "latency_ms"}
# Whole seconds of two clocks, rounded differently; a wait is also measured some time after the question.
SECONDS_OFF = {"paused_since": 1, "last_call": 1, "since": 2}
# Compared only where Asterisk's lists tell it.
IF_TOLD = {"since", "talking_to"}

_UNKNOWN = {"", "unknown", "<unknown>", "<null>"}


class Difference(NamedTuple):
    path: str
    asterisk: object
    pbxd: object

    def __str__(self):
        return f"{self.path}: Asterisk {self.asterisk!r}, pbxd {self.pbxd!r}"


def _text(value):
    return "" if value is None or value in _UNKNOWN else value


def _time(seconds):
    """Asterisk's 0 means never."""
    return int(seconds or 0) or None


def _rfc3339(text):
    return None if text is None else int(datetime.datetime.fromisoformat(text).timestamp())


def _state(text):
    """One spelling for "Up", "up", "Off Hook", "off_hook"."""
    return re.sub(r"[^a-z]", "", (text or "").lower())


# --- Asterisk

def asterisk_queues(events, linkedids, channels=(), now=None):
    """From the events of QueueStatus. linkedids: {uniqueid: linkedid} of the channels, from CoreShowChannels, whose events tell
    also who talks to whom. now: Unix time of the answer; without it no caller's `since`."""
    queues = {}
    talking = _talking(channels)
    for m in events:
        name = m.get("Queue")
        if m.get("Event") == "QueueParams":
            queues[name] = {"settings": {"strategy": m.get("Strategy"), "max_length": int(m.get("Max")), "weight": int(m.get("Weight")),
                                         "service_level_seconds": int(m.get("ServiceLevel"))}, "callers": [], "members": {}}
        elif m.get("Event") == "QueueMember":
            paused = m.get("Paused") == "1"
            queues[name]["members"][m.get("Location")] = {
                "name": m.get("Name"), "penalty": int(m.get("Penalty")), "paused": paused,
                "paused_reason": _text(m.get("PausedReason")) if paused else "",
                "paused_since": _time(m.get("LastPause")) if paused else None,
                "status": int(m.get("Status")), "in_call": m.get("InCall") == "1",
                "talking_to": talking.get((name, m.get("Location"))),
                "calls_taken": int(m.get("CallsTaken")), "last_call": _time(m.get("LastCall"))}
        elif m.get("Event") == "QueueEntry":
            unique = m.get("Uniqueid")
            queues[name]["callers"].append({"call": linkedids.get(unique, unique), "position": int(m.get("Position")),
                                            "number": _text(m.get("CallerIDNum")), "caller_name": _text(m.get("CallerIDName")),
                                            "priority": int(m.get("Priority") or 0),
                                            "since": None if now is None else int(now) - int(m.get("Wait"))})
    for queue in queues.values():
        queue["callers"].sort(key=lambda c: c["position"])
    return queues


def _talking(channels):
    """{(queue, interface): number of the caller}: a channel that runs Queue() shares its bridge with the channel of a phone."""
    found = {}
    for caller in channels:
        if caller.get("Application") != "Queue" or not caller.get("BridgeId"):
            continue
        inside = [c for c in channels if c.get("BridgeId") == caller.get("BridgeId") and c is not caller]
        if len(inside) == 1:   # more: a conference or a transfer in progress
            queue = (caller.get("ApplicationData") or "").partition(",")[0]
            found[queue, inside[0].get("Channel").rpartition("-")[0]] = _text(caller.get("CallerIDNum"))
    return found


def asterisk_calls(events):
    """From the events of CoreShowChannels."""
    calls = {}
    for m in events:
        calls.setdefault(m.get("Linkedid"), {})[m.get("Channel")] = {"state": _state(m.get("ChannelStateDesc")), "bridge": m.get("BridgeId") or None}
    return calls


_SIP_STATUS = {"OK": ("Reachable", True), "LAGGED": ("Lagged", True), "UNREACHABLE": ("Unreachable", False)}


def asterisk_peers(device_states, contacts, sip_peers, wanted):
    """From the events of DeviceStateList, PJSIPShowContacts and SIPpeers; only those for which wanted(name)."""
    peers = {}
    for m in device_states:
        name = m.get("Device")
        if wanted(name):
            peers[name] = {"device_state": m.get("State"), "contacts": {}}
    for m in sip_peers:
        name = "SIP/" + m.get("ObjectName")
        if not wanted(name):
            continue
        word, _, rest = m.get("Status").partition(" (")
        status, reachable = _SIP_STATUS.get(word, ("Unknown", None))
        peer = peers.setdefault(name, {"device_state": "UNKNOWN", "contacts": {}})   # Asterisk lists no state of a phone that never registered
        peer |= {"reachable": False, "latency_ms": None}
        if m.get("IPaddress") != "-none-":   # one that signed off keeps its last status
            peer |= {"contacts": {f"sip:{m.get('ObjectName')}@{m.get('IPaddress')}": status}, "reachable": reachable,
                     "latency_ms": int(rest.partition(" ")[0]) if rest else None}
    for m in contacts:
        name = "PJSIP/" + (m.get("Endpoint") or "").split(",")[0]
        if name in peers:
            peers[name]["contacts"][m.get("Uri")] = m.get("Status")
    return peers


_OF_MEMBERSHIP = ("penalty", "paused", "paused_reason", "paused_since", "calls_taken", "last_call")


def asterisk_agents(queues, interfaces):
    """The queues of each of these agents, from the result of asterisk_queues."""
    return {interface: {name: {k: queue["members"][interface][k] for k in _OF_MEMBERSHIP}
                        for name, queue in queues.items() if interface in queue["members"]} for interface in interfaces}


# --- pbxd

def pbxd_queues(statuses):
    """From the answers of queue.status."""
    return {s["asterisk_name"]: {"settings": {k: s.get(k) for k in ("strategy", "max_length", "weight", "service_level_seconds")},
                                 "callers": [_pbxd_caller(c) for c in s["callers"]],
                                 "members": {m["interface"]: _pbxd_member(m) for m in s["members"]}} for s in statuses}


def _pbxd_caller(c):
    return {"call": linkedid(c["call_id"]), "position": c["position"], "number": _text(c.get("number")), "caller_name": _text(c.get("name")),
            "priority": c.get("priority"), "since": _rfc3339(c.get("since"))}


def _pbxd_member(m):
    return _pbxd_membership(m) | {"name": m["member_name"], "status": m["device_status"],
                                  "talking_to": _text(m.get("talking_to")),
                                  "in_call": m["state"] in ("in_call", "on_hold") and m.get("call_id") is not None}


def _pbxd_membership(m):
    return {"penalty": m["penalty"], "paused": m["paused"], "paused_reason": _text(m.get("paused_reason")),
            "paused_since": _rfc3339(m.get("paused_since")), "calls_taken": m["calls_taken"], "last_call": _rfc3339(m.get("last_call_at"))}


def pbxd_agents(tenant, statuses):
    """From a tenant's answers of agent.status."""
    return {s["interface"]: {f"{tenant}-{m['queue']}": _pbxd_membership(m) for m in s["queues"]} for s in statuses}


def linkedid(call_id):
    """pbxd's id of a call is server/linkedid."""
    return call_id.rpartition("/")[2]


def pbxd_calls(details):
    """From the answers of call.get."""
    return {linkedid(d["id"]): {c["channel"]: {"state": _state(c["state"]), "bridge": c.get("bridge") or None} for c in d["channels"]} for d in details}


def pbxd_peers(rows, wanted):
    """From the items of peer.list."""
    return {r["name"]: _pbxd_peer(r) for r in rows if wanted(r["name"])}


def _pbxd_peer(r):
    peer = {"device_state": r["device_state"], "contacts": {c["uri"]: c["status"] for c in r["contacts"]}}
    if r["technology"] == "SIP":
        peer |= {"reachable": r.get("reachable"), "latency_ms": r["contacts"][0].get("latency_ms") if r["contacts"] else None}
    return peer


# --- comparing

def differences(asterisk, pbxd, refreshed=False, path=""):
    """Every field in which the two differ. refreshed: also those that no event announces."""
    if isinstance(asterisk, dict) and isinstance(pbxd, dict):
        found = []
        for key in sorted(asterisk.keys() | pbxd.keys()):
            if key in REFRESHED and not refreshed:
                continue
            here = f"{path}.{key}" if path else key
            if key in IF_TOLD and asterisk.get(key) is None:
                continue
            if key not in asterisk or key not in pbxd:
                found.append(Difference(here, asterisk.get(key, "(absent)"), pbxd.get(key, "(absent)")))
            elif not (key in SECONDS_OFF and _close(asterisk[key], pbxd[key], SECONDS_OFF[key])):
                found += differences(asterisk[key], pbxd[key], refreshed, here)
        return found
    if isinstance(asterisk, list) and isinstance(pbxd, list) and len(asterisk) == len(pbxd):
        return [d for i, (a, p) in enumerate(zip(asterisk, pbxd)) for d in differences(a, p, refreshed, f"{path}[{i + 1}]")]
    return [] if asterisk == pbxd else [Difference(path, asterisk, pbxd)]


def _close(a, b, seconds):
    return a is not None and b is not None and abs(a - b) <= seconds


def drift_in_metrics(text):
    """Sum of every drift counter in Prometheus text; None if there is none (then nothing was measured)."""
    values = [float(line.rpartition(" ")[2]) for line in text.splitlines() if re.match(r"[a-z_]*drift[a-z_]*(\{.*\})? ", line)]
    return sum(values) if values else None
