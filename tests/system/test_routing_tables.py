"""The routing tables from outside: what is said on one face is seen on the others and decides about calls; numbers in any spelling; hostile input in structs."""
import unittest

import catalogue
import faces
import stack
import support
from support import attempt

S: stack.Stack
C: catalogue.Catalogue
MONDAY = "2026-11-23"   # New York is five hours behind UTC then


def setUpModule():
    global T, admin, supervisor, all_faces
    T = S.tenants["viatalk"]
    admin, supervisor, all_faces = T.people["admin"], T.people["supervisor"], support.all_faces(S, C.api)


class Base(unittest.TestCase):
    def refused(self, face, operation, params, token, field=None, holds="", login=None):
        seen, answer = attempt(face, operation, params, login or admin)
        where = f"{face.name} {operation} {params}"
        self.assertEqual(seen, token, f"{where}: {answer}")
        if field and face.name != "cli":
            self.assertEqual(answer.field, field, where)
        elif field:   # "number" is the command's own word: NUMBER
            option = "--" + field.replace("_", "-")
            self.assertTrue(option in answer.text or field.upper() in answer.text, f"{where}: {answer.text}")
        self.assertIn(holds, answer.text, where)


class Blocklist(Base):
    def test_a_life_on_every_face(self):
        for n, face in enumerate(all_faces):
            number, spelt = f"+1212555014{n}", f"(212) 555-014{n}"
            made = face.call("blocklist.add", {"number": spelt, "reason": "Sales robot", "expires_in_minutes": 60}, supervisor)
            self.assertEqual((made["number"], made["kind"], made["reason"], made["added_by"], made["hits"], made["expired"]),
                             (number, "exact", "Sales robot", "viatalk-supervisor", 0, False), face.name)
            for other in all_faces:
                self.assertEqual(other.call("blocklist.get", {"id": f"212-555-014{n}"}, supervisor), made, f"{face.name}, {other.name}")
                self.assertEqual(other.call("blocklist.check", {"number": f"1212555014{n}"}, supervisor),
                                 {"blocked": True, "number": number, "entry": made}, f"{face.name}, {other.name}")
            self.refused(face, "blocklist.add", {"number": number}, "already_exists" if face.name != "cli" else "conflict")
            self.assertNotIn("expires_at", face.call("blocklist.update", {"id": number, "expires_in_minutes": 0, "reason": ""}, supervisor))
            self.assertEqual(face.call("blocklist.get", {"id": made["id"]}, supervisor)["reason"], "")
            self.assertEqual(face.call("blocklist.remove", {"id": number}, supervisor), {"id": made["id"]})
            self.assertEqual(face.call("blocklist.check", {"number": number}, supervisor), {"blocked": False, "number": number}, face.name)
            self.refused(face, "blocklist.remove", {"id": number}, "not_found")

    def test_prefix_anonymous_and_which_counts(self):
        prefix = S.call("blocklist.add", supervisor, kind="prefix", number="+1 900")
        exact = S.call("blocklist.add", supervisor, number="+19005550123")
        nobody = S.call("blocklist.add", supervisor, kind="anonymous", reason="No number, no talk")
        try:
            self.assertEqual((prefix["kind"], prefix["number"]), ("prefix", "+1900"))
            self.assertNotIn("number", nobody)
            for caller, entry in (("+19005550123", exact), ("9005550124", prefix), ("anonymous", nobody), ("", nobody), ("no number", nobody),
                                  ("+12015550123", None)):
                answer = S.call("blocklist.check", supervisor, number=caller)
                self.assertEqual((answer["blocked"], answer.get("entry")), (entry is not None, entry), caller)
            self.assertEqual(S.call("blocklist.get", supervisor, id="+1900")["id"], prefix["id"])
            self.assertEqual(S.call("blocklist.get", supervisor, id="anonymous")["id"], nobody["id"])
            self.assertEqual([e["id"] for e in S.items("blocklist.list", supervisor, number="+1900")], [exact["id"], prefix["id"]])
            self.assertEqual([e["id"] for e in S.items("blocklist.list", supervisor, kind="anonymous")], [nobody["id"]])
            self.assertEqual(S.items("blocklist.list", supervisor, expired=True), [])
        finally:
            for entry in (prefix, exact, nobody):
                S.call("blocklist.remove", supervisor, id=entry["id"])

    def test_what_is_refused_says_what_would_be_right(self):
        for face in all_faces:
            self.refused(face, "blocklist.add", {"number": "12345678901234567890"}, "invalid_argument", "number", "+1201555")
            self.refused(face, "blocklist.add", {"number": "5550123"}, "invalid_argument", "number", "area code")
            self.refused(face, "blocklist.add", {"number": "900", "kind": "prefix"}, "invalid_argument", "number", "first digits")
            self.refused(face, "blocklist.add", {"number": "1-800-FLOWERS"}, "invalid_argument", "number", "+12125550123")
            self.refused(face, "blocklist.add", {"kind": "anonymous", "number": "+12125550123"}, "invalid_argument", "number")
            self.refused(face, "blocklist.add", {}, "invalid_argument", "number", "required")
            self.refused(face, "blocklist.add", {"number": "+12125550123", "expires_at": "2020-01-01T00:00:00Z"}, "invalid_argument", "expires_at", "future")
            self.refused(face, "blocklist.add", {"number": "+12125550123", "expires_at": "2099-01-01T00:00:00Z", "expires_in_minutes": 5}, "invalid_argument",
                         "expires_in_minutes", "one of the two")
        self.assertEqual(S.call("blocklist.check", supervisor, number="+12125550123")["blocked"], False)


class Priority(Base):
    def test_a_life_on_every_face(self):
        for n, face in enumerate(all_faces):
            made = face.call("priority.add", {"number": f"+1212555015{n}", "level": 50, "queue": "vip", "expires_in_minutes": 30}, supervisor)
            self.assertEqual((made["level"], made["queue"], made["expired"]), (50, "vip", False))
            changed = face.call("priority.update", {"id": made["number"], "queue": "", "level": 60}, supervisor)
            self.assertEqual((changed["level"], "queue" in changed, changed["expires_at"]), (60, False, made["expires_at"]))
            for other in all_faces:
                self.assertEqual(other.call("priority.get", {"id": made["id"]}, supervisor), changed)
            self.refused(face, "priority.update", {"id": made["id"], "level": 101}, "invalid_argument", "level")
            self.refused(face, "priority.add", {"number": "+12125550199", "queue": "nowhere"}, "not_found")
            self.assertEqual(face.call("priority.remove", {"id": made["id"]}, supervisor), {"id": made["id"]})
        self.assertEqual(S.items("priority.list", supervisor, number="+1212555015"), [])


class Customers(Base):
    """What a CRM does."""
    def test_a_status_is_pushed(self):
        for n, face in enumerate(all_faces):
            number = f"+1212555016{n}"
            first = face.call("customer.set_status", {"number": f"1 212 555 016{n}", "status": "vip",
                                                      "attributes": [{"name": "plan", "value": "Gold & <more>"}, {"name": "since", "value": "2019"}]}, supervisor)
            self.assertEqual((first["number"], first["status"]), (number, "vip"), face.name)
            self.assertEqual(first["attributes"], [{"name": "plan", "value": "Gold & <more>"}, {"name": "since", "value": "2019"}], face.name)
            again = face.call("customer.set_status", {"number": number, "status": "vip"}, supervisor)
            self.assertEqual({k: v for k, v in again.items() if k != "updated_at"}, {k: v for k, v in first.items() if k != "updated_at"}, face.name)
            self.assertEqual(face.call("customer.set_status", {"number": number, "status": "overdue"}, supervisor)["id"], first["id"])
            none = face.call("customer.set_status", {"number": number, "status": ""}, supervisor)
            self.assertNotIn("status", none)
            self.assertEqual(len(none["attributes"]), 2)
            anew = face.call("customer.set", {"number": number, "status": "gold"}, supervisor)
            self.assertEqual((anew["id"], anew["status"], anew["attributes"]), (first["id"], "gold", []))
            for other in all_faces:
                self.assertEqual(other.call("customer.get", {"id": number}, supervisor), anew)
            self.refused(face, "customer.set_status", {"number": number, "status": "Very Important"}, "invalid_argument", "status")
            self.refused(face, "customer.set", {"number": number, "attributes": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]}, "invalid_argument",
                         "attributes[1].name")
            self.assertEqual(face.call("customer.delete", {"id": number}, supervisor), {"id": first["id"]})

    def test_filters_and_pages(self):
        for n in range(7):
            S.call("customer.set_status", supervisor, number=f"+1213555017{n}", status="late" if n % 2 else "vip")
        self.assertEqual([c["number"][-1] for c in S.items("customer.list", supervisor, number="+1213555017", status="late")], ["1", "3", "5"])
        numbers, after = [], {}
        while True:
            page = S.call("customer.list", supervisor, number="+1213555017", limit=3, **after)
            numbers += [c["number"] for c in page["items"]]
            if "next" not in page:
                break
            after = {"after": page["next"]}
        self.assertEqual(numbers, [f"+1213555017{n}" for n in range(7)])


class Hours(Base):
    WEEK = [{"weekday": "monday", "from": "09:00", "to": "12:00"}, {"weekday": "monday", "from": "13:00", "to": "17:30"},
            {"weekday": "friday", "from": "22:00", "to": "06:00"}, {"weekday": "sunday", "from": "00:00", "to": "24:00"}]
    HOLIDAYS = [{"date": "2026-12-24", "from": "09:00", "to": "12:00", "title": "Christmas Eve"}, {"date": "2026-12-25", "title": "Christmas Day"}]

    def test_a_life_on_every_face(self):
        for n, face in enumerate(all_faces):
            made = face.call("hours.create", {"name": f"shop{n}", "title": "Shop", "week": self.WEEK, "holidays": self.HOLIDAYS}, admin)
            self.assertEqual((made["time_zone"], made["week"], made["holidays"]), ("America/New_York", self.WEEK, self.HOLIDAYS), face.name)
            for other in all_faces:
                self.assertEqual(other.call("hours.get", {"id": f"shop{n}"}, T.people["agent"]), made, f"{face.name}, {other.name}")
            changed = face.call("hours.update", {"id": f"shop{n}", "time_zone": "Europe/Berlin", "week": self.WEEK[:1], "no_holidays": True}, admin)
            self.assertEqual((changed["id"], changed["title"], changed["time_zone"], changed["week"], changed["holidays"]),
                             (made["id"], "Shop", "Europe/Berlin", self.WEEK[:1], []), face.name)
            for path, params in (("week[1].from", {"week": self.WEEK[:1] + [{"weekday": "monday", "from": "9:00", "to": "17:00"}]}),
                                 ("week[0].to", {"week": [{"weekday": "monday", "from": "09:00", "to": "09:00"}]}),
                                 ("week[0].to", {"week": [{"weekday": "monday", "from": "09:00", "to": "24:01"}]}),
                                 ("holidays[0].date", {"holidays": [{"date": "2026-02-29"}]}),
                                 ("holidays[0].to", {"holidays": [{"date": "2026-02-28", "from": "09:00"}]}),
                                 ("holidays[1].date", {"holidays": [{"date": "2026-02-28"}, {"date": "2026-02-28", "from": "09:00", "to": "10:00"}]})):
                self.refused(face, "hours.update", {"id": f"shop{n}"} | params, "invalid_argument", path)
            self.refused(face, "hours.update", {"id": f"shop{n}", "time_zone": "Mars/Olympus"}, "invalid_argument", "time_zone")
            self.assertEqual(S.call("hours.get", admin, id=f"shop{n}"), changed)
            face.call("hours.delete", {"id": f"shop{n}"}, admin)
            self.refused(face, "hours.get", {"id": f"shop{n}"}, "not_found")

    def test_open_or_closed(self):
        S.call("hours.create", admin, name="night", title="Night", week=self.WEEK, holidays=self.HOLIDAYS)
        for at, is_open, changes in ((f"{MONDAY}T13:59:59Z", False, f"{MONDAY}T14:00:00Z"), (f"{MONDAY}T14:00:00Z", True, f"{MONDAY}T17:00:00Z"),
                                     (f"{MONDAY}T17:00:00Z", False, f"{MONDAY}T18:00:00Z"), ("2026-11-28T10:59:59Z", True, "2026-11-28T11:00:00Z"),
                                     ("2026-11-28T11:00:00Z", False, "2026-11-29T05:00:00Z"),
                                     # the day of 23 hours in March: summer time, four hours behind
                                     ("2026-03-08T05:00:00Z", True, "2026-03-09T04:00:00Z"),
                                     ("2026-12-24T16:59:00Z", True, "2026-12-24T17:00:00Z"), ("2026-12-25T16:00:00Z", False, "2026-12-27T05:00:00Z")):
            for face in all_faces:
                answer = face.call("hours.check", {"id": "night", "at": at}, T.people["agent"])
                self.assertEqual((answer["open"], answer["changes_at"]), (is_open, changes), f"{face.name} {at}: {answer}")
        self.assertEqual(answer["holiday"], "Christmas Day")
        self.assertEqual((answer["local_time"], answer["changes_local"]), ("Fri 2026-12-25 11:00", "Sun 2026-12-27 00:00"))
        row = next(r for r in S.items("hours.list", T.people["viewer"]) if r["name"] == "night")
        self.assertEqual(row["open"], S.call("hours.check", admin, id="night")["open"])

    def test_hours_in_use_stay(self):
        S.call("hours.create", admin, name="used", title="Used")
        S.call("did.create", S.operator, tenant="viatalk", number="+12125550180", hours="used")
        for face in all_faces:
            self.refused(face, "hours.delete", {"id": "used"}, "conflict", holds="+12125550180")


class Tables(Base):
    def test_dids(self):
        for n, face in enumerate(all_faces):
            new = {"number": f"(212) 555-019{n}", "title": "Front desk", "queue": "support", "hours": "office",
                   "closed": {"kind": "announcement", "target": "custom/closed"}}
            self.refused(face, "did.create", new, "forbidden")
            made = face.call("did.create", new | {"tenant": T.name}, S.operator)
            self.assertEqual(made, {"id": made["id"], "number": f"+1212555019{n}", "title": "Front desk", "queue": "support", "hours": "office",
                                    "closed": {"kind": "announcement", "target": "custom/closed"}}, face.name)
            changed = face.call("did.update", {"id": made["number"], "queue": "", "department": "sales", "hours": "", "closed_as_tenant": True}, admin)
            self.assertEqual(changed, {"id": made["id"], "number": made["number"], "title": "Front desk", "department": "sales"}, face.name)
            for other in all_faces:
                self.assertEqual(other.call("did.get", {"id": made["id"]}, T.people["viewer"]), changed)
            for closed in ({"kind": "announcement"}, {"kind": "queue"}, {"kind": "agent"}, {"kind": "number"}, {"kind": "hang_up", "target": "x"},
                           {"kind": "number", "target": "101"}, {"kind": "number", "target": "x"}):
                self.refused(face, "did.update", {"id": made["id"], "closed": closed}, "invalid_argument", "closed.target")
            self.refused(face, "did.update", {"id": made["id"], "closed": {"kind": "announcement", "target": "../etc/passwd"}}, "invalid_argument", "closed")
            self.refused(face, "did.update", {"id": made["id"], "closed": {"kind": "queue", "target": "nowhere"}}, "not_found")
            self.refused(face, "did.create", {"number": made["number"], "tenant": "dotblock"}, "already_exists" if face.name != "cli" else "conflict",
                         login=S.operator)
            self.refused(face, "did.delete", {"id": made["number"]}, "forbidden")
            face.call("did.delete", {"id": made["number"], "tenant": T.name}, S.operator)

    def test_conditions(self):
        default = {"priority_ceiling": 100, "overflow": [], "queue": "support", "id": T.queues["support"]}
        rules = [{"when": "waiting", "limit": 20, "kind": "callback_offer"}, {"when": "no_agent", "kind": "queue", "target": "sales"},
                 {"when": "longest_wait", "limit": 600, "kind": "number", "target": "+12125550123"}]
        for face in all_faces:
            self.assertEqual(face.call("queue.get_conditions", {"id": "support"}, T.people["viewer"]), default, face.name)
            made = face.call("queue.set_conditions", {"id": "support", "priority_ceiling": 80, "fair_after_seconds": 300, "callback_from_waiting": 3,
                                                      "overflow": rules}, admin)
            self.assertEqual(made, default | {"priority_ceiling": 80, "fair_after_seconds": 300, "callback_from_waiting": 3, "overflow": rules}, face.name)
            for other in all_faces:
                self.assertEqual(other.call("queue.get_conditions", {"id": T.queues["support"]}, admin), made)
            self.refused(face, "queue.set_conditions", {"id": "support", "overflow": [{"when": "waiting", "kind": "hang_up"}]}, "invalid_argument",
                         "overflow[0].limit")
            self.refused(face, "queue.set_conditions", {"id": "support", "overflow": [{"when": "no_agent", "kind": "queue", "target": "support"}]},
                         "invalid_argument", "overflow", "itself")
            self.refused(face, "queue.set_conditions", {"id": "support", "overflow": rules * 4}, "invalid_argument", "overflow")
            self.assertEqual(face.call("queue.set_conditions", {"id": "support"}, admin), default, face.name)

    def test_rules_and_the_whole_tenant(self):
        for face in all_faces:
            rule = face.call("status_rule.set", {"status": "overdue", "level": 5, "destination": {"kind": "queue", "target": "sales"}}, admin)
            self.assertEqual(rule, {"status": "overdue", "level": 5, "destination": {"kind": "queue", "target": "sales"}, "when_closed": False}, face.name)
            self.assertEqual(face.call("status_rule.set", {"status": "overdue", "queue": "vip", "when_closed": True}, admin),
                             {"status": "overdue", "level": 0, "queue": "vip", "when_closed": True}, face.name)
            self.assertEqual(face.call("status_rule.delete", {"id": "overdue"}, admin), {"id": "overdue"})
            self.refused(face, "status_rule.get", {"id": "overdue"}, "not_found")
            routing = face.call("routing.update", {"default_queue": "support", "blocked": {"kind": "announcement", "target": "custom/blocked"},
                                                   "closed": {"kind": "callback_offer", "target": "sales"}}, admin)
            self.assertEqual(routing, {"id": T.id, "default_queue": "support", "blocked": {"kind": "announcement", "target": "custom/blocked"},
                                       "closed": {"kind": "callback_offer", "target": "sales"}}, face.name)
            for other in all_faces:
                self.assertEqual(other.call("routing.get", {}, T.people["viewer"]), routing)
            self.refused(face, "routing.update", {"blocked": {"kind": "queue", "target": "support"}}, "invalid_argument", "blocked.kind", "hang_up")
            self.assertEqual(face.call("routing.update", {"default_queue": "", "blocked": {"kind": "hang_up"}, "closed": {"kind": "hang_up"}}, admin),
                             {"id": T.id, "blocked": {"kind": "hang_up"}, "closed": {"kind": "hang_up"}}, face.name)


class Explain(Base):
    """A change on one face decides about the next call, which every face tells."""
    DID, CALLER = "+12125550170", "+12125550171"

    @classmethod
    def setUpClass(cls):
        S.call("did.create", S.operator, tenant="viatalk", number=cls.DID, title="Front desk", queue="support")

    @classmethod
    def tearDownClass(cls):
        S.call("did.delete", S.operator, tenant="viatalk", id=cls.DID)

    def told(self, outcome, destination, priority=0, **params):
        """What all faces say alike; answers the reasons as {code: text}."""
        answers = [face.call("route.explain", {"dialled": self.DID, "caller": self.CALLER, "at": "2030-01-07T15:00:00Z"} | params, supervisor) for face in all_faces]
        for face, answer in zip(all_faces, answers):
            self.assertEqual(answer, answers[0], face.name)
            self.assertEqual((answer["outcome"], answer["destination"], answer["priority"]), (outcome, destination, priority), f"{face.name}: {answer}")
        self.assertTrue(all(reason["text"].endswith(".") for reason in answer["reasons"]), answer)
        return {reason["code"]: reason["text"] for reason in answer["reasons"]}

    SUPPORT, HANG_UP = {"kind": "queue", "target": "support"}, {"kind": "hang_up"}

    def test_blocked_and_not_any_more(self):
        self.assertEqual(self.told("queued", self.SUPPORT)["did_found"], f'The number called, {self.DID}, is "Front desk" and leads to queue "support".')
        for face in all_faces:
            made = face.call("blocklist.add", {"number": "212 555 0171", "reason": "Sales robot"}, supervisor)
            self.assertEqual(self.told("blocked", self.HANG_UP, caller="(212) 555-0171"),
                             {"blocked_exact": f'The caller\'s number {self.CALLER} is on the blocklist: "Sales robot" (by viatalk-supervisor).'})
            self.assertEqual(S.call("blocklist.get", supervisor, id=made["id"])["hits"], 0, "asking is no call")
            face.call("blocklist.remove", {"id": self.CALLER}, supervisor)
            self.told("queued", self.SUPPORT)

    def test_who_calls(self):
        soap, xml = all_faces[2], all_faces[1]
        S.call("status_rule.set", admin, status="overdue", destination={"kind": "queue", "target": "sales"})
        S.call("status_rule.set", admin, status="vip", level=40, queue="vip")
        soap.call("customer.set_status", {"number": self.CALLER, "status": "overdue"}, supervisor)
        self.assertEqual(set(self.told("diverted", {"kind": "queue", "target": "sales"})), {"did_found", "status", "status_diverts"})
        xml.call("customer.set_status", {"number": self.CALLER, "status": "vip"}, supervisor)
        self.assertIn('level 40 and queue "vip"', self.told("queued", {"kind": "queue", "target": "vip"}, 40)["status"])
        S.call("priority.add", supervisor, number=self.CALLER, level=70, queue="sales", expires_at="2030-01-07T15:00:01Z", reason="Outage")
        reasons = self.told("queued", {"kind": "queue", "target": "sales"}, 70)
        self.assertEqual(reasons["priority_caller"], 'The caller is a priority caller of level 70, until 2030-01-07T15:00:01Z: "Outage".')
        self.told("queued", {"kind": "queue", "target": "vip"}, 40, at="2030-01-07T15:00:01Z")
        self.assertEqual(set(self.told("queued", self.SUPPORT, presentation="restricted")), {"caller_withheld", "did_found"})
        S.call("queue.set_conditions", admin, id="sales", priority_ceiling=50, callback_from_waiting=0)
        reasons = self.told("queued", {"kind": "queue", "target": "sales"}, 50)
        self.assertEqual(reasons["ceiling"], "The queue lets nobody in above level 50.")
        self.assertIn("callback_offered", reasons)
        S.call("queue.set_conditions", admin, id="sales")
        S.call("priority.remove", supervisor, id=self.CALLER)
        S.call("customer.set_status", supervisor, number=self.CALLER, status="strange")
        self.assertIn("strange", self.told("queued", self.SUPPORT)["status_unknown"])
        S.call("customer.delete", supervisor, id=self.CALLER)

    def test_hours_and_what_is_not_known(self):
        S.call("hours.create", admin, name="explained", title="x", week=[{"weekday": "monday", "from": "09:00", "to": "17:00"}])
        S.call("did.update", admin, id=self.DID, hours="explained", closed={"kind": "announcement", "target": "custom/closed"})
        self.assertEqual(self.told("queued", self.SUPPORT)["open"], 'Open, by the hours "explained", until Mon 2030-01-07 17:00.')
        self.assertIn("closed", self.told("closed", {"kind": "announcement", "target": "custom/closed"}, at="2030-01-08T15:00:00Z"))
        S.call("did.update", admin, id=self.DID, hours="", closed_as_tenant=True)
        S.call("hours.delete", admin, id="explained")
        self.assertEqual(set(self.told("unroutable", self.HANG_UP, dialled="+12125550179")), {"did_unknown", "no_default_queue"})
        S.call("routing.update", admin, default_queue="support")
        self.assertIn("support", self.told("queued", self.SUPPORT, dialled="+12125550179")["default_queue"])
        S.call("routing.update", admin, default_queue="")

    def test_overflow_by_the_board(self):
        S.call("queue.set_conditions", admin, id="support", overflow=[{"when": "waiting", "limit": 0, "kind": "queue", "target": "sales"}])
        self.assertEqual(self.told("overflowed", {"kind": "queue", "target": "sales"})["overflow"], 'Queue "support" overflows: too many callers wait.')
        S.call("queue.set_conditions", admin, id="support")

    def test_another_tenants_number_is_not_known(self):
        for face in all_faces:
            there = S.tenants["dotblock"].people["admin"]
            answers = [face.call("route.explain", {"dialled": number, "caller": self.CALLER}, there) for number in (self.DID, "+12125550172")]
            for answer, number in zip(answers, (self.DID, "+12125550172")):
                self.assertEqual(answer["outcome"], "unroutable", face.name)
                self.assertEqual([(r["code"], r["text"].replace(number, "N")) for r in answer["reasons"]],
                                 [("did_unknown", "No number that people call is N."), ("no_default_queue", "There is no default queue; routing.update names one.")])
            self.assertNotIn("Front desk", face.last)


class Limits(Base):
    def test_who_is_limited_to_departments_changes_nothing_of_all(self):
        lead = T.people["lead"]
        for face in all_faces:
            for operation, params in (("blocklist.add", {"number": "+12125550111"}), ("priority.add", {"number": "+12125550111"}),
                                      ("customer.set_status", {"number": "+12125550111", "status": "vip"})):
                self.refused(face, operation, params, "forbidden", login=lead)
            self.refused(face, "queue.get_conditions", {"id": "support"}, "not_found", login=lead)
        self.assertEqual(S.call("queue.get_conditions", lead, id="sales")["queue"], "sales")


class Hostile(Base):
    """In the texts of structs, which no other test reaches."""
    def test_structs(self):
        web = support.all_faces(S, C.api, cli=False)
        for bad in ("ab\rcd", "ab\ncd", "a\u202eb", "a\u0085b", "x" * 2000):
            if "\r" in bad:
                tried = [faces.JsonFace(S.url)]   # XML makes a bare CR a line feed
            else:
                tried = web
            for face in tried:
                for operation, params, field in (("customer.set", {"number": "+12125550123", "attributes": [{"name": bad, "value": "x"}]}, "attributes[0].name"),
                                                 ("customer.set", {"number": "+12125550123", "attributes": [{"name": "x", "value": bad}]}, "attributes[0].value"),
                                                 ("routing.update", {"closed": {"kind": "announcement", "target": bad}}, "closed.target"),
                                                 ("hours.update", {"id": "office", "week": [{"weekday": "monday", "from": bad, "to": "10:00"}]}, "week[0].from"),
                                                 ("hours.update", {"id": "office", "holidays": [{"date": "2026-12-25", "title": bad}]}, "holidays[0].title"),
                                                 ("queue.set_conditions", {"id": "sales", "overflow": [{"when": "no_agent", "kind": "queue", "target": bad}]},
                                                  "overflow[0].target")):
                    self.refused(face, operation, params, "invalid_argument", field)
        for kind in ("nonsense", "", "QUEUE"):
            for face in web:
                seen, answer = attempt(face, "routing.update", {"closed": {"kind": kind}}, admin)
                self.assertEqual(seen, "invalid_argument", f"{face.name} {kind}: {answer}")
                self.assertIn("kind", answer.field, f"{face.name} {kind}: {answer}")
        for face in web:
            seen, answer = attempt(face, "routing.update", {"closed": {"target": "x"}}, admin)
            self.assertEqual((seen, answer.field), ("invalid_argument", "closed.kind"), f"{face.name}: {answer}")
            seen, answer = attempt(face, "routing.update", {"closed": {"kind": "hang_up", "surprise": "x"}}, admin)
            self.assertEqual(seen, "invalid_argument", f"{face.name}: {answer}")
            self.assertIn("surprise", answer.text)
            seen, answer = attempt(face, "routing.update", {"closed": "hang_up"}, admin)
            self.assertIn(seen, ("invalid_argument", "malformed"), f"{face.name}: {answer}")

    def test_text_is_kept_as_text(self):
        for n, text in enumerate(("');DROP TABLE blocklist;--", "<script>alert(1)</script>", "=cmd|'/c calc'!A1", "${CHANNEL(name)}", "Zoë 漢字 🎧")):
            made = all_faces[n % 4].call("blocklist.add", {"number": f"+1214555010{n}", "reason": text}, supervisor)
            for face in all_faces:
                self.assertEqual(face.call("blocklist.get", {"id": made["id"]}, supervisor)["reason"], text, face.name)

    def test_commands_take_structs_as_words(self):
        cli = all_faces[3]
        def run(*words):
            done = cli.run([*words, "--output=json"], admin)
            self.assertEqual(done[0], 0, done)
            return done[1]
        made = run("hours", "create", "--name=words", "--title=Words", "--week=monday 09:00 17:30", "--week=tuesday 22:00 06:00",
                   "--holidays=2026-12-25 - - Christmas Day")
        self.assertEqual(made["week"], [{"weekday": "monday", "from": "09:00", "to": "17:30"}, {"weekday": "tuesday", "from": "22:00", "to": "06:00"}])
        self.assertEqual(made["holidays"], [{"date": "2026-12-25", "title": "Christmas Day"}])
        made = run("queue", "set-conditions", "sales", "--overflow=waiting 20 callback_offer", "--overflow=no_agent - queue support")
        self.assertEqual(made["overflow"], [{"when": "waiting", "limit": 20, "kind": "callback_offer"}, {"when": "no_agent", "kind": "queue", "target": "support"}])
        run("queue", "set-conditions", "sales")
        for words, named in ((["--week=someday 09:00 10:00"], "--week[0].weekday"), (["--week=monday"], "--week[0].from"), (["--week=monday 09:00 10:00 11:00"], "--week")):
            code, _, error = cli.run(["hours", "update", "words", *words], admin)
            self.assertEqual(code, 2)
            self.assertIn(named, error)


if __name__ == "__main__":
    support.run(stack.Stack)
