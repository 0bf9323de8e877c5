#!/usr/bin/env python3
"""The case table of routing (tests/fixtures/routing/cases.json) as rows of our database, for every test that asks somebody who reads them.

    route_cases.py sqlite|mariadb [SERVER]     prints SQL, one statement a line, for an empty schema; SERVER: the Asterisk of all queues (main)

Ids are the names of the file; in Asterisk a queue is TENANT-NAME and an agent PJSIP/TENANT-NAME. The file names objects that are gone, which our
own repositories would never allow: foreign keys are off while it is written.
"""
import datetime
import json
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KINDS = {"hang_up": "hang_up", "announcement": "announcement", "queue": "queue", "agent": "agent", "number": "number", "callback": "callback_offer"}
ACTIONS = {"hang_up": "hangup", "announcement": "announce", "queue": "queue", "agent": "agent", "number": "number", "callback": "callback"}
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def read():
    with open(os.path.join(ROOT, "tests/fixtures/routing/cases.json"), encoding="utf-8") as f:
        return json.load(f)


def target(tenant, to):
    """(PBX_ACTION, PBX_TARGET) of a destination as the file writes it."""
    word, _, rest = to.partition(":")
    if word in ("queue", "callback"):
        rest = f"{tenant}-{rest}"
    if word == "agent":
        rest = f"PJSIP/{tenant}-{rest}"
    return ACTIONS[word], rest


def micros(text):
    at = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (at - datetime.datetime.fromtimestamp(0, datetime.timezone.utc)) // datetime.timedelta(microseconds=1)


def _literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, (bool, int)):
        return str(int(value))
    if "\\" in value or "\n" in value:
        raise ValueError(f"not to be written the same for both engines: {value!r}")
    return "'" + value.replace("'", "''") + "'"


def _insert(table, **columns):
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(_literal(v) for v in columns.values())})"


def _destination(prefix, to):
    columns = {f"{prefix}_{part}": None for part in ("kind", "sound", "queue_id", "agent_id", "number")}
    if to is not None:
        word, _, rest = to.partition(":")
        columns[f"{prefix}_kind"] = KINDS[word]
        part = {"announcement": "sound", "queue": "queue_id", "callback": "queue_id", "agent": "agent_id", "number": "number"}.get(word)
        if part and rest:
            columns[f"{prefix}_{part}"] = rest
    return columns


def _minutes(interval):
    begin, end = (int(h) * 60 + int(m) for h, m in (t.split(":") for t in interval.split("-")))
    return {"from_minute": begin, "to_minute": end if end > begin else end + 1440}


def _objects(tenant, data, server):
    own = {"tenant_id": tenant}
    yield _insert("tenants", id=tenant, name=tenant, title=tenant, country=data["country"], time_zone=data["time_zone"], languages="en", created_at=0)
    for name in sorted({q["department"] for q in data["queues"].values() if "department" in q}):
        yield _insert("departments", **own, id=name, name=name, title=name, created_at=0)
    for name in data["agents"]:
        yield _insert("agents", **own, id=name, name=name, title=name, server=server, interface=f"PJSIP/{tenant}-{name}", department_id=None, created_at=0)
    for name, queue in data["queues"].items():
        yield _insert("queues", **own, id=name, name=name, title=name, server=server, asterisk_name=f"{tenant}-{name}",
                      department_id=queue.get("department"), wrapup_seconds=0, created_at=0)
        yield _insert("queue_conditions", **own, queue_id=name, priority_ceiling=queue.get("ceiling", 100),
                      fair_after_seconds=queue.get("fair_after"), callback_from_waiting=queue.get("callback_from"))
        for step, rule in enumerate(queue.get("overflow", ())):
            yield _insert("queue_overflow", **own, queue_id=name, step=step, overflow_when=rule["when"], overflow_limit=rule.get("limit", 0),
                          **_destination("to", rule["to"]))
    yield _insert("tenant_routing", **own, version=1, default_queue_id=data.get("default_queue"), **_destination("blocked", data["blocked"]),
                  **_destination("closed", data["closed"]))


def _hours(tenant, name, data):
    own = {"tenant_id": tenant, "hours_id": name}
    yield _insert("hours", tenant_id=tenant, id=name, name=name, title=name, time_zone=data["time_zone"], intervals_until=None)
    for day, intervals in data["week"].items():
        for interval in intervals:
            yield _insert("hours_week", **own, weekday=DAYS.index(day), **_minutes(interval))
    for day, intervals in data.get("holidays", {}).items():
        yield _insert("hours_holidays", **own, day=day, title="")
        for interval in intervals:
            yield _insert("hours_holiday_intervals", **own, day=day, **_minutes(interval))


def _callers(tenant, data):
    own = {"tenant_id": tenant}
    expiry = lambda row: micros(row["expires"]) if "expires" in row else None
    for row in data["blocklist"]:
        kind, number = "exact", row["number"]
        if number == "anonymous":
            kind, number = "anonymous", ""
        elif number.endswith("*"):
            kind, number = "prefix", number[:-1]
        yield _insert("blocklist", **own, id=row["id"], kind=kind, number=number, expires_at=expiry(row), reason="", added_by="", created_at=0, hits=0,
                      last_hit_at=None)
    for i, row in enumerate(data["priority"]):
        yield _insert("priority_callers", **own, id=f"p{i}", number=row["number"], level=row["level"], queue_id=row.get("queue"), expires_at=expiry(row),
                      reason="", added_by="", created_at=0)
    for i, row in enumerate(data["customers"]):
        yield _insert("customers", **own, id=f"c{i}", number=row["number"], status=row["status"], attributes="{}", updated_at=0)


def statements(engine, server="main"):
    off, on = {"sqlite": ("PRAGMA foreign_keys = OFF", "PRAGMA foreign_keys = ON"),
               "mariadb": ("SET SESSION foreign_key_checks = 0", "SET SESSION foreign_key_checks = 1")}[engine]
    yield off
    for tenant, data in read()["tenants"].items():
        yield from _objects(tenant, data, server)
        for name, hours in data["hours"].items():
            yield from _hours(tenant, name, hours)
        for number, did in data["dids"].items():
            yield _insert("dids", tenant_id=tenant, id=re.sub(r"\D", "d", number), number=number, title="", queue_id=did.get("queue"),
                          department_id=did.get("department"), hours_id=did.get("hours"), **_destination("closed", did.get("closed")))
        for status, rule in data["statuses"].items():
            yield _insert("status_rules", tenant_id=tenant, status=status, level=rule.get("level", 0), queue_id=rule.get("queue"),
                          **_destination("to", rule.get("destination")), when_closed=rule.get("when_closed", False))
        yield from _callers(tenant, data)
    yield "UPDATE meta SET number = number + 1 WHERE name = 'directory'"
    yield on


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or sys.argv[1] not in ("sqlite", "mariadb"):
        sys.exit(__doc__)
    print("\n".join(statements(*sys.argv[1:])))
