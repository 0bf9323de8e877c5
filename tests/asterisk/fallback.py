#!/usr/bin/env python3
"""The case table of routing through the SQL of asterisk/func_odbc.conf on a real MariaDB: the decision that Asterisk makes when pbxd does not answer.

The statements are the template's own, at the case's moment. The steps between them are those of [pbxd-e164] and [pbxd-database] in asterisk/extensions.conf, written
again here: that Asterisk takes them is shown by render.py's calls. Exit code 77: no MariaDB."""
import datetime
import glob
import os
import re
import subprocess
import sys
import tempfile
import unittest
import zoneinfo

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib")]
import route_cases  # noqa: E402
from lab import processes  # noqa: E402

ROOT = route_cases.ROOT
CODES = {"US": ("1", "1")}
DAY = datetime.timedelta(days=1)


def statement(name):
    """The readsql of that function, with its arguments as {1}, {2}, ..."""
    with open(f"{ROOT}/asterisk/func_odbc.conf", encoding="utf-8") as f:
        text = f.read().replace("@?ODBC@", "").replace("@SERVER@", "main")
    sql = re.search(rf"\[{name}\].*?readsql = ([^\n]*)", text, re.S)[1]
    return re.sub(r"\$\{ARG(\d)\}", r"{\1}", sql)


def e164(number, country):
    """[pbxd-e164]"""
    code, prefix = CODES.get(country, ("", ""))
    if number[:1] == "+" or len(number) < 6:
        return number
    if number[:2] == "00":
        return "+" + number[2:]
    if not code:
        return number
    if code == "1":
        if number[:3] == "011":
            return "+" + number[3:]
        return "+1" + number if len(number) == 10 else "+" + number
    if not prefix:
        return "+" + code + number
    return "+" + code + number[len(prefix):] if number.startswith(prefix) else "+" + number


def open_spans(hours, at):
    """The UTC spans of those hours within some days of `at`; reckoned anew, by Python's zones. None: a zone that there is not."""
    try:
        zone = zoneinfo.ZoneInfo(hours["time_zone"])
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return None
    instant = lambda day, minute: (datetime.datetime.combine(day, datetime.time()) + datetime.timedelta(minutes=minute)).replace(tzinfo=zone).astimezone(datetime.timezone.utc)
    holidays = hours.get("holidays", {})
    spans = []
    first = at.astimezone(zone).date() - 2 * DAY
    for day in (first + n * DAY for n in range(5)):
        own = holidays.get(day.isoformat())
        for interval in hours["week"].get(route_cases.DAYS[day.weekday()], ()) if own is None else own:
            span = route_cases._minutes(interval)
            end = span["to_minute"]
            if end > 1440 and (day + DAY).isoformat() in holidays:
                end = 1440
            spans.append((instant(day, span["from_minute"]), instant(day, end)))
    return spans


class Fallback(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="pbx-f-")
        cls.addClassCleanup(subprocess.run, ["rm", "-rf", cls.folder])
        code = subprocess.run([f"{ROOT}/tests/lib/mariadb-up", f"{cls.folder}/db", str(os.getpid())], stdout=subprocess.DEVNULL, timeout=120).returncode
        if code == 77:
            print("SKIPPED: no MariaDB", file=sys.stderr)
            sys.exit(77)
        with open(f"{cls.folder}/db/pid", encoding="ascii") as f:
            cls.addClassCleanup(processes.end, processes.identity(int(f.read())))
        cls.sql("CREATE DATABASE pbx CHARACTER SET utf8mb4", "")
        for path in sorted(glob.glob(f"{ROOT}/sql/mariadb/*.sql")):
            with open(path, encoding="utf-8") as f:
                cls.sql(f.read())
        cls.sql(";\n".join(route_cases.statements("mariadb")) + ";")
        cls.table = route_cases.read()
        cls.route, cls.enter = statement("ROUTE"), statement("ENTER")

    @classmethod
    def sql(cls, text, database="pbx"):
        done = subprocess.run(["mariadb", "--no-defaults", "-S", f"{cls.folder}/db/s", "-u", "root", "-N", "-B", "--default-character-set=utf8mb4", *([database] if database else [])],
                              input=text, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise RuntimeError(f"{done.stderr}: {text[:300]}")
        return done.stdout

    def ask(self, at, template, *arguments):
        """One row; nothing: None. Arguments are filtered as the dialplan filters them."""
        for argument in arguments:
            self.assertRegex(str(argument), r"^[A-Za-z0-9_.+-]*$")
        out = self.sql(f"SET timestamp = {at.timestamp()};\n" + template.format(None, *arguments) + ";")
        return out.rstrip("\n").split("\t") if out else None

    def decide(self, case):
        """[pbxd-database]: (outcome, action, target, priority)"""
        tenant, data = case["tenant"], self.table["tenants"][case["tenant"]]
        at = datetime.datetime.fromisoformat(case["at"].replace("Z", "+00:00"))
        clean = lambda text: re.sub(r"[^0-9+]", "", text)
        dialled = clean(case["did"])
        why, action, target, level = self.ask(at, self.route, tenant, e164(clean(case["caller"]), data["country"]), e164(dialled, data["country"]), dialled)
        level, first, steps = int(level), (why, target), 0
        while action == "queue":
            facts = (case.get("board") or {}).get(target.removeprefix(f"{tenant}-")) or self.table["quiet"]
            row = self.ask(at, self.enter, tenant, target, facts["waiting"], facts["logged_in"], facts["free"])
            ceiling, _, over, to = row
            if not over or steps > 4:
                return why, action, target, min(level, int(ceiling))
            why, action, target, steps = "overflowed", over, to or first[1], steps + 1
            if action == "queue" and (target == first[1] or steps >= 5):
                steps, (why, target) = 9, first
        return why, action, target, 0

    def hours_at(self, case):
        """open_intervals as pbxd keeps them."""
        tenant, at = case["tenant"], datetime.datetime.fromisoformat(case["at"].replace("Z", "+00:00"))
        out = [f"DELETE FROM open_intervals WHERE tenant_id = '{tenant}'"]
        for name, hours in self.table["tenants"][tenant]["hours"].items():
            spans = open_spans(hours, at)
            if spans is None:
                continue
            out.append(f"UPDATE hours SET intervals_until = 4000000000000000 WHERE tenant_id = '{tenant}' AND id = '{name}'")
            out += [f"INSERT IGNORE INTO open_intervals (tenant_id, hours_id, from_at, to_at) VALUES ('{tenant}', '{name}', {int(a.timestamp())}000000, {int(b.timestamp())}000000)" for a, b in spans if a < b]
        self.sql(";\n".join(out) + ";")

    def test_cases(self):
        wrong, ran, hours_of = [], 0, None
        for case in self.table["cases"]:
            # foreign keys keep these from being: the fallback sends them to the default queue
            if {"queue_gone", "destination_gone", "overflow_target_gone"} & set(case["expect"]["because"]):
                continue
            ran += 1
            if (case["tenant"], case["at"]) != hours_of:
                hours_of = (case["tenant"], case["at"])
                self.hours_at(case)
            wanted = case.get("sql", case["expect"])
            action, target = route_cases.target(case["tenant"], wanted["to"])
            expected = (wanted["outcome"], action, target, wanted.get("priority", 0))
            found = self.decide(case)
            if found != expected:
                wrong.append(f"{case['name']} ({case['why']}): {found}, expected {expected}")
        print(f"  {ran} of {len(self.table['cases'])} cases; the others name what is gone", file=sys.stderr)
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
