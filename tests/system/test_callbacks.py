"""callback.request, list, get, cancel, retry: asked for by each face, one open callback for a number, who sees it; and the dial gate of a running pbxd, asked as
Asterisk asks."""
import os
import re
import secrets
import shutil
import sqlite3
import tempfile
import unittest

import agi_client
import catalogue
import faces
import stack
import support
from support import attempt

S: stack.Stack
C: catalogue.Catalogue


class Callbacks(unittest.TestCase):
    def setUp(self):
        self.t = S.tenants["viatalk"]
        self.admin, self.agent, self.lead = (self.t.people[role] for role in ("admin", "agent", "lead"))

    def numbers(self, login, **params):
        return {row["number"] for row in S.items("callback.list", login, **params)}

    def test_asked_on_each_face_it_is_one(self):
        for n, face in enumerate(support.all_faces(S, C.api)):
            asked = {"queue": "sales", "number": f"+1212555030{n}", "name": "Zoë", "note": "about <the> invoice & \"more\""}
            first = face.call("callback.request", asked, self.admin)
            self.assertFalse(first["existing"], face.name)
            self.assertEqual(first["state"], "queued")
            again = face.call("callback.request", asked, self.admin)
            self.assertTrue(again["existing"], face.name)
            self.assertEqual(again["id"], first["id"])
            got = face.call("callback.get", {"id": first["id"]}, self.admin)
            self.assertEqual((got["number"], got["name"], got["note"], got["queue"], got["requested_by"]),
                             (asked["number"], "Zoë", asked["note"], "sales", "viatalk-admin"), face.name)
            self.assertIn(asked["number"], {row["number"] for row in face.call("callback.list", {}, self.admin)["items"]})
            done = face.call("callback.cancel", {"id": first["id"]}, self.admin)
            self.assertEqual((done["result"], done["state"]), ("cancelled", "cancelled"), face.name)
            self.assertEqual(attempt(face, "callback.retry", {"id": first["id"]}, self.admin)[0], "conflict", face.name)
            self.assertNotIn(asked["number"], self.numbers(self.admin))
            self.assertIn(asked["number"], self.numbers(self.admin, include_ended=True))

    def test_a_number_however_it_is_spelt_is_one(self):
        made = {S.call("callback.request", self.admin, queue="support", number=spelt)["id"]
                for spelt in ("+12125550310", "(212) 555-0310", "1-212-555-0310", "+1 212 555 0310")}
        self.assertEqual(len(made), 1)
        for bad in ("nobody", "+", "anonymous", "1" * 40, "+1212555\r\nAction: Logoff"):
            token, answer = attempt(S.json, "callback.request", {"queue": "sales", "number": bad}, self.admin)
            self.assertEqual(token, "invalid_argument", f"{bad!r}: {answer}")

    def test_only_what_the_tenant_may_dial_is_taken(self):
        """Toll fraud: whoever gets hold of an account must not have us call where it costs (SECURITY S32)."""
        wrong = {"19005551234": "premium", "+881612345678": "satellite", "911": "emergency", "+44 (0)20 7183 8750": "outbound rules",
                 "+442071838750;ext=5": "no extension", self.t.numbers["did"]: "own"}
        for number, why in wrong.items():
            token, answer = attempt(S.json, "callback.request", {"queue": "sales", "number": number}, self.admin)
            self.assertEqual(token, "invalid_argument", f"{number}: {answer}")
            self.assertIn(why, str(answer), number)
        token, answer = attempt(S.json, "callback.request", {"queue": "sales", "number": self.t.numbers["blocklist"]}, self.admin)
        self.assertEqual(token, "conflict", answer)

    def test_numbers_that_are_none(self):
        """S32: spellings that a switch might read otherwise than we do; what is let through is plain E.164."""
        for number in ("+4420071838750", "+44 (0)20 7183 8750 ext. 5", "12125550360w9", "12125550360p9", "12125550360,9", "12125550360;ext=9", "+1212555036X", "*72", "#31#2125550360",
                       "tel:+12125550360;phone-context=x", "sip:12125550360@evil", "+1-900-555-0100", "0019005550100", "011881612345678", "112", "999", "988", "+1911", "\u0661\u0662",
                       "", " ", "+", "++12125550360", "12125550360" * 3):
            for face in support.all_faces(S, C.api, cli=number.strip("\n ") != "" and not number.startswith("-")):
                for operation, more in (("callback.request", {"queue": "sales"}), ("call.originate", {"agent": "agent-103"})):
                    token, answer = attempt(face, operation, more | {"number": number}, self.admin)
                    self.assertEqual(token, "invalid_argument", f"{face.name} {operation} {number!r}: {answer}")
        full_width = "\uff0b\uff11\uff12\uff11\uff12\uff15\uff15\uff15\uff10\uff13\uff16\uff11"
        token, answer = attempt(S.json, "callback.request", {"queue": "sales", "number": full_width}, self.admin)
        self.assertTrue(token == "invalid_argument" or answer["number"] == "+12125550361", answer)

    def test_one_number_is_asked_for_by_many(self):
        """S33: no more than the cap is accepted, whoever asks and in whichever queue; the alarm is in the audit with the number and with who asked."""
        number, queues, outcomes = "+12125550399", ("sales", "support", "vip"), []
        for n in range(100):
            face = (S.json, *support.all_faces(S, C.api, cli=False))[n % 3]
            login = self.t.people[("admin", "supervisor")[n % 2]] if n % 3 else self.t.users["admin"]
            token, answer = attempt(face, "callback.request", {"queue": queues[n % 3], "number": number}, login)
            outcomes.append("existing" if token == "ok" and answer["existing"] else token)
            if outcomes[-1] == "ok":
                S.dialled("viatalk", number)      # as if it were over: the queue is free for the next
                S.call("callback.cancel", self.admin, id=answer["id"])
        self.assertEqual((outcomes.count("ok"), outcomes.count("too_many_requests")), (10, 90), outcomes)
        told = support.cap_alarms(S, "viatalk", number, 3)
        self.assertEqual(told, [("100 %", number), ("80 %", number), ("50 %", number)])

    def test_one_source_asks_for_many(self):
        """S33: the token's own cap; another token of the same user has its own."""
        made = [S.call("token.create", S.operator, tenant="hostrocket", name=f"t{n}", user="hostrocket-admin", operations=["*"]) for n in range(2)]
        first, second = (faces.Login(None, t["token"]) for t in made)
        outcomes = [attempt(S.json, "callback.request", {"queue": "sales", "number": f"+1646555{n:04}"}, first)[0] for n in range(1000)]
        self.assertEqual(outcomes, ["ok"] * 200 + ["too_many_requests"] * 800)
        self.assertEqual(attempt(S.json, "callback.request", {"queue": "sales", "number": "+16465551999"}, second)[0], "ok")
        source = "hostrocket-admin/" + made[0]["id"]
        told = support.cap_alarms(S, "hostrocket", source, 3)
        self.assertEqual(told, [("100 %", source), ("80 %", source), ("50 %", source)])

    def test_a_request_sent_again(self):
        """S35 for what dials: the captured request, byte for byte, is answered as the first one; its key with another body is a conflict. Nothing is dialled or counted twice."""
        S.call("agent.create", self.admin, name="agent-111", title="Agent 111", interface="PJSIP/viatalk-111", department="service")
        for n, face in enumerate(support.all_faces(S, C.api)):
            for operation, params, other in (("callback.request", {"queue": "sales", "number": f"+1212555067{n}"}, "+12125550389"),
                                             ("call.originate", {"agent": "agent-111", "number": f"+1212555038{n}", "wait_seconds": 0}, "+12125550389")):
                params["idempotency_key"] = key = secrets.token_hex(8)
                used = S.call("system.outbound_status", self.admin)["used_today"]
                first = face.call(operation, params, self.admin)
                if face.name != "cli":
                    face.post(*face.encode(operation, params), self.admin)
                    again = face.decode(operation)
                else:
                    again = face.call(operation, params, self.admin)
                where = f"{face.name} {operation}"
                if operation == "callback.request":
                    self.assertEqual(again, first, where)
                else:
                    self.assertEqual([a["id"] for a in again["actions"]], [a["id"] for a in first["actions"]], where)
                self.assertEqual(S.call("system.outbound_status", self.admin)["used_today"] - used, operation == "call.originate", where)
                token, answer = attempt(face, operation, params | {"number": other}, self.admin)
                self.assertEqual(token, "conflict", f"{where} {key}: {answer}")
        self.assertNotIn("+12125550389", self.numbers(self.admin, include_ended=True))

    def test_retry_makes_it_due_now(self):
        made = S.call("callback.request", self.admin, queue="sales", number="+12125550320", not_before="2099-01-01T00:00:00Z")
        self.assertEqual(made["due_at"], "2099-01-01T00:00:00Z")
        self.assertLess(S.call("callback.retry", self.admin, id=made["id"])["due_at"], "2090")

    def test_who_sees_which(self):
        S.call("callback.request", self.admin, queue="sales", number="+12125550330")
        other = S.call("callback.request", self.admin, queue="support", number="+12125550331")
        self.assertLessEqual({"+12125550330", "+12125550331"}, self.numbers(self.admin))
        self.assertIn("+12125550330", self.numbers(self.lead))
        self.assertNotIn("+12125550331", self.numbers(self.lead))
        for operation in ("callback.get", "callback.cancel", "callback.retry"):
            self.assertEqual(attempt(S.json, operation, {"id": other["id"]}, self.lead)[0], "not_found", operation)
        self.assertEqual(attempt(S.json, "callback.request", {"queue": "support", "number": "+12125550332"}, self.lead)[0], "not_found")
        own = {row["name"] for row in S.items("queue.list", self.agent)}
        for row in S.items("callback.list", self.agent):
            self.assertIn(row["queue"], own)
        self.assertEqual(attempt(S.json, "callback.request", {"queue": "sales", "number": "+12125550333"}, self.t.people["viewer"])[0], "forbidden")

    def test_a_policy_says_what_a_callers_return_means(self):
        for n, face in enumerate(support.all_faces(S, C.api)):
            wanted = {"queue": "vip", "on_return": "adopt", "abandoned_after_seconds": 40 + n, "use_levels": False}
            face.call("callback_policy.set", wanted, self.admin)
            got = face.call("callback_policy.get", {"queue": "vip"}, self.admin)
            self.assertEqual({k: got[k] for k in wanted}, wanted, face.name)
        for outcome in ("reached", "called_again", "adopted"):
            token, answer = attempt(S.json, "callback_policy.set", {"retries": [{"outcome": outcome, "after_seconds": 5}]}, self.admin)
            self.assertEqual((token, "retries[0].outcome" in str(answer)), ("invalid_argument", True), answer)
        S.call("callback_policy.unset", self.admin, queue="vip")
        got = S.call("callback_policy.get", self.admin, queue="vip")
        self.assertEqual((got["on_return"], got.get("abandoned_after_seconds"), got["use_levels"]), ("off", None, True))

    def test_who_is_important_is_called_back_first(self):
        entry = S.call("priority.add", self.admin, number="+12125550361", level=70)
        S.call("queue.set_conditions", self.admin, id="sales", priority_ceiling=50)
        try:
            asked = [S.call("callback.request", self.admin, queue="sales", number=f"+1212555036{n}")["id"] for n in range(2)]
            self.assertEqual([S.call("callback.get", self.admin, id=id)["priority"] for id in asked], [0, 50])     # the ceiling of the queue
            S.call("callback_policy.set", self.admin, queue="sales", use_levels=False)
            S.call("callback.cancel", self.admin, id=asked[1])
            again = S.call("callback.request", self.admin, queue="sales", number="+12125550361")["id"]
            self.assertEqual(S.call("callback.get", self.admin, id=again)["priority"], 0)
        finally:
            S.call("callback_policy.unset", self.admin, queue="sales")
            S.call("priority.remove", self.admin, id=entry["id"])
            S.call("queue.set_conditions", self.admin, id="sales")

    def test_event_poll_tells_what_becomes_of_it(self):
        cursor = S.call("event.poll", self.admin)["next"]
        made = S.call("callback.request", self.admin, queue="sales", number="+12125550370", not_before="2099-01-01T00:00:00Z")["id"]
        other = S.call("callback.request", self.admin, queue="support", number="+12125550371", not_before="2099-01-01T00:00:00Z")["id"]
        S.call("callback.cancel", self.admin, id=made)

        def told(login, count):
            seen, after = [], cursor
            for _ in range(20):
                page = S.call("event.poll", login, after=after, wait_seconds=1, limit=500)
                after = page["next"]
                seen += [e for e in page["items"] if e["type"].startswith("callback.") and e["callback"] in (made, other)]
                if len(seen) >= count:
                    break
            return seen
        rows = told(self.admin, 3)
        self.assertEqual([(e["type"], e["callback"], e["queue"], e["number"], e["state"]) for e in rows if e["callback"] == made],
                         [("callback.asked", made, "sales", "+12125550370", "queued"), ("callback.ended", made, "sales", "+12125550370", "cancelled")])
        self.assertEqual([e["type"] for e in rows if e["callback"] == other], ["callback.asked"])
        self.assertEqual({e["queue"] for e in told(self.lead, 2)}, {"sales"})       # who does not see the queue is told nothing

    def test_pages_by_turn(self):
        asked = [f"+1212555040{n}" for n in range(5)]
        for number in asked:
            S.call("callback.request", self.admin, queue="vip", number=number)
        seen, after = [], {}
        while True:
            page = S.call("callback.list", self.admin, queue="vip", limit=2, **after)
            seen += [row["number"] for row in page["items"]]
            if "next" not in page:
                break
            after = {"after": page["next"]}
        self.assertEqual(seen, asked)


@unittest.skipUnless(os.environ.get("PBX_BACKEND", "sqlite") == "sqlite", "begins the attempt in the SQLite file")
class Gate(unittest.TestCase):
    def setUp(self):
        self.t = S.tenants["viatalk"]
        self.admin = self.t.people["admin"]

    def begun(self, number, server="main"):
        """A callback whose first attempt was stored, as the engine does it; its arguments for the gate."""
        # not due for years: pbxd itself leaves it alone
        made, token = S.call("callback.request", self.admin, queue="sales", number=number, not_before="2099-01-01T00:00:00Z")["id"], secrets.token_hex(16)
        database = sqlite3.connect(S.path("data/pbxd.sqlite"), timeout=10)
        with database:
            database.execute("UPDATE callbacks SET state = 'intent', attempt = 1, token = ?, server = ?, owner = 'test', epoch = 1 WHERE id = ?", (token, server, made))
            database.execute("INSERT INTO callback_attempts SELECT tenant_id, id, 1, 'pbxd-x', server, state_at, NULL, NULL, NULL, '', 0 FROM callbacks WHERE id = ?", (made,))
        database.close()
        return made, "1", token

    def ask(self, route, *args):
        port = int(re.search(r" agi\.listening address=127\.0\.0\.1 port=(\d+)", S.log_text())[1])
        more = "".join(f"agi_arg_{n}: {arg}\n" for n, arg in enumerate(args[1:], 2))
        return agi_client.exchange(port, agi_client.environment(f"{route}/{S.agi_token}", "", args[0], more=more))

    def test_it_opens_once_and_takes_the_report(self):
        args = self.begun("+12125550350")
        late = S.call("callback.get", self.admin, id=args[0])
        self.assertEqual(late["state"], "intent")
        self.assertEqual(list(self.ask("gate", *args).items()), [("PBX_GATE", "dial"), ("PBX_NUMBER", "+12125550350"), ("PBX_CALLERID", ""), ("PBX_TIMEOUT", "30"),
                                                                 ("PBX_KEY", ""), ("PBX_DONE", "1")])
        self.assertEqual(list(self.ask("gate", *args).items()), [("PBX_GATE", "hangup"), ("PBX_WHY", "not_waiting"), ("PBX_DONE", "1")])
        for face in support.all_faces(S, C.api):
            told = face.call("callback.cancel", {"id": args[0]}, self.admin)
            self.assertEqual((told["result"], told["state"]), ("too_late", "gated"), face.name)
        self.assertEqual(self.ask("done", *args, "BUSY", "17")["PBX_DONE"], "1")
        got = S.call("callback.get", self.admin, id=args[0])
        self.assertEqual((got["state"], got["outcome"], got["attempts"]), ("retry_at", "busy", 1))
        self.assertEqual((got["history"][0]["dial_status"], got["history"][0]["hangup_cause"]), ("BUSY", 17))

    def test_what_the_tenant_may_dial_is_judged_once_more(self):
        """SECURITY S34: the rules changed, or dialling was stopped, after it was asked for."""
        args = self.begun("+12125550341")
        rule = S.call("outbound_rule.create", self.admin, value="+1212555034", allowed=False)["id"]
        try:
            self.assertEqual(self.ask("gate", *args)["PBX_WHY"], "not_allowed")
        finally:
            S.call("outbound_rule.delete", self.admin, id=rule)
        self.assertEqual(S.call("callback.get", self.admin, id=args[0])["state"], "blocked")
        args = self.begun("+12125550343")
        did = S.call("did.create", S.operator, tenant="viatalk", number="+12125550343", queue="support")["id"]
        try:
            self.assertEqual(self.ask("gate", *args)["PBX_WHY"], "own_number")
        finally:
            S.call("did.delete", S.operator, tenant="viatalk", id=did)
        self.assertEqual(S.call("callback.get", self.admin, id=args[0])["state"], "blocked")
        args = self.begun("+12125550344")
        entry = S.call("blocklist.add", self.admin, number="+12125550344")["id"]
        try:
            self.assertEqual(self.ask("gate", *args)["PBX_WHY"], "blocked")
        finally:
            S.call("blocklist.remove", self.admin, id=entry)
        self.assertEqual(S.call("callback.get", self.admin, id=args[0])["state"], "blocked")
        args = self.begun("+12125550342")
        for tenant in ({}, {"tenant": "viatalk"}):
            S.call("system.outbound_stop", S.operator, reason="attack", **tenant)
            try:
                self.assertEqual(self.ask("gate", *args)["PBX_WHY"], "stopped")
            finally:
                S.call("system.outbound_resume", S.operator, **tenant)
        self.assertEqual(S.call("callback.get", self.admin, id=args[0])["state"], "intent")
        self.assertEqual(self.ask("gate", *args)["PBX_GATE"], "dial")

    def test_a_cancelled_or_foreign_attempt_is_not_dialled(self):
        args = self.begun("+12125550351")
        self.assertEqual(S.call("callback.cancel", self.admin, id=args[0])["result"], "cancelled")
        self.assertEqual(self.ask("gate", *args)["PBX_GATE"], "hangup")
        made, attempt_, token = self.begun("+12125550352", server="other")
        self.assertEqual(self.ask("gate", made, attempt_, token)["PBX_WHY"], "unknown")
        made, attempt_, token = self.begun("+12125550353")
        for args in ((made, "1", "wrong"), (made, "2", token), (made, "1"), ("r_' OR '1'='1", "1", token)):
            self.assertEqual(self.ask("gate", *args)["PBX_GATE"], "hangup", args)
        self.assertEqual(S.call("callback.get", self.admin, id=made)["state"], "intent")


class FailPoints(unittest.TestCase):
    @staticmethod
    def has(program):
        with open(S.program(program), "rb") as f:
            return b"PBX_FAIL_AT" in f.read()

    def test_what_is_shipped_has_none(self):
        self.assertFalse(self.has("pbxd"))
        if not os.path.exists(S.program("pbxd-failpoints")):
            self.skipTest("pbxd-failpoints is not built: nothing proves that they would be found")
        self.assertTrue(self.has("pbxd-failpoints"))


class CallbackStack(stack.Stack):
    def __init__(self):
        super().__init__(folder=tempfile.mkdtemp(prefix="pbx-callbacks-"))
        self.settings = {"agi": {"port": 0}, "asterisk.main": {"agi_token_file": self.path("token-main")}}
        self.agi_token = secrets.token_hex(32)
        self._write("token-main", self.agi_token + "\n")

    def dialled(self, tenant, number):
        """One more dial of today, as the gate counts it."""
        database = sqlite3.connect(self.path("data/pbxd.sqlite"), timeout=10)
        with database:
            for cap, name in (("tenant", ""), ("number", number)):
                database.execute("INSERT INTO outbound_counts (tenant_id, day, cap, name, used) VALUES (?, unixepoch() / 86400, ?, ?, 1) ON CONFLICT DO UPDATE SET used = used + 1",
                                 (self.tenants[tenant].id, cap, name))
        database.close()

    def __exit__(self, *_):
        super().__exit__()
        shutil.rmtree(self.folder, ignore_errors=True)


if __name__ == "__main__":
    support.run(CallbackStack)
