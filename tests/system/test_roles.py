"""What each role and each token may do (SECURITY S2): the matrix of the documentation is what the server does; limits inside a tenant; changes at once."""
import json
import os
import secrets
import sqlite3
import time
import unittest

import catalogue
import faces
import reference
import stack
import support
from faces import Login
from support import attempt

S: stack.Stack
C: catalogue.Catalogue
AGENT = "agent-101"       # whom the users of role agent are; of department sales
OWN_AGENTS = {f"agent-{n}" for n in stack.AGENTS if n % 2}   # department sales, to which "lead" is limited


class Matrix(unittest.TestCase):
    def harmless(self, operation, role):
        """Valid parameters that change nothing that is there: what is named never existed, what is created is new."""
        params = C.valid(operation, S.tenants["dotblock"])
        if "id" in params:
            params["id"] = catalogue.never_existed(params["id"] or "x_aaaaaaaaaaaaaaaa")
        if "agent" in params or operation == "call.originate":     # whose phone it would be is asked first
            params["agent"] = "a_aaaaaaaaaaaaaaaa"
        if role == "operator" and operation not in ("tenant.create", "system.unmapped"):
            params["tenant"] = "dotblock"
        return params

    def login(self, role):
        # with a password: a token cannot make tokens
        return S.operator if role == "operator" else S.tenants["dotblock"].users[role]

    def test_server_does_what_it_declares(self):
        for face in support.all_faces(S, C.api):
            for operation in C.operations:
                for role in reference.ROLES:
                    token, answer = attempt(face, operation, self.harmless(operation, role), self.login(role))
                    allowed = token != "forbidden"
                    self.assertEqual(allowed, role in C.roles(operation), f"{face.name} {operation} as {role}: {token} {answer}")
                    self.assertIn(token, ("ok", "forbidden", "not_found"), f"{face.name} {operation} as {role}: {answer}")

    def test_whoami_tells_the_same(self):
        for role in reference.ROLES:
            told = S.call("system.whoami", self.login(role))["operations"]
            self.assertEqual(told, [o for o in C.operations if role in C.roles(o)])

    def test_unknown_operation_is_refused_to_all(self):
        for role in reference.ROLES:
            for face in support.all_faces(S, C.api, cli=False):
                for name in ("queue.drop", "queue", "QUEUE.LIST", "system.shutdown"):
                    self.assertEqual(attempt(face, name, {}, self.login(role))[0], "unknown_operation", f"{face.name} {name}")

    def test_reference_pages(self):
        for name, text in reference.pages(S, C).items():
            with open(os.path.join(reference.FOLDER, name)) as f:
                self.assertEqual(f.read(), text, f"docs/reference/{name} is out of date: tests/system/reference.py --write")

    def test_error_table_on_the_wires(self):
        wires = reference.error_rows()
        self.assertEqual({row[1] for row in reference.exit_rows(S.program("pbxctl"))}, set(wires))
        exits = {token: code for code, token, _, _ in reference.exit_rows(S.program("pbxctl"))}
        admin, viewer = S.tenants["dotblock"].people["admin"], S.tenants["dotblock"].people["viewer"]
        json_face, xml, soap, cli = support.all_faces(S, C.api)
        for token, operation, params, login in (
                ("not_found", "queue.get", {"id": "nothing"}, viewer), ("forbidden", "user.list", {}, viewer),
                ("already_exists", "department.create", {"name": "sales", "title": "x"}, admin), ("conflict", "department.delete", {"id": "sales"}, admin),
                ("invalid_argument", "queue.get", {"id": "a b"}, viewer), ("unauthenticated", "queue.list", {}, Login(None, "pbx_" + "b" * 40)),
                ("unknown_operation", "no.such", {}, viewer)):
            number, status, _ = wires[token]
            self.assertEqual((attempt(json_face, operation, params, login)[0], json_face.last_status), (token, status))
            seen, fault = attempt(xml, operation, params, login)
            self.assertEqual((seen, fault.number), (token, number))
            self.assertEqual(attempt(soap, operation, params, login)[0], token)
            if operation in C.operations:
                attempt(cli, operation, params, login)
                self.assertEqual(cli.last_status, exits[token], cli.last_error)


class Limits(unittest.TestCase):
    """Inside one tenant."""
    def setUp(self):
        self.t = S.tenants["viatalk"]

    def hidden(self, login, operation, **params):
        """As if it did not exist."""
        for face in support.all_faces(S, C.api, cli=False):
            token, answer = attempt(face, operation, params, login)
            self.assertEqual(token, "not_found", f"{face.name} {operation} {params}: {answer}")

    def names(self, login, operation, **params):
        return {row["name"] for row in S.items(operation, login, **params)}

    def test_agent_sees_itself_and_its_queues(self):
        login = self.t.people["agent"]
        member_of = {q for q in self.t.queues if any(m["interface"] == "PJSIP/viatalk-101" for m in
                                                     S.call("queue.status", self.t.people["admin"], id=q)["members"])}
        self.assertTrue(member_of and member_of != set(self.t.queues), f"the simulator's agent is in {member_of}: no case")
        self.assertEqual(self.names(login, "queue.list"), member_of)
        self.assertEqual(self.names(login, "agent.list"), {AGENT})
        self.assertEqual(self.names(login, "peer.list"), {"PJSIP/viatalk-101"})
        self.assertEqual({row["user"] for row in S.items("token.list", login)}, {"viatalk-agent"})
        for name, key in self.t.queues.items():
            for operation in ("queue.get", "queue.status"):
                if name in member_of:
                    self.assertEqual(S.call(operation, login, id=key)["name"], name)
                else:
                    self.hidden(login, operation, id=key)
                    self.hidden(login, operation, id=name)
        for other in ("agent-102", self.t.agents["agent-103"]):
            self.hidden(login, "agent.get", id=other)
            self.hidden(login, "agent.status", id=other)
        self.assertEqual(S.call("agent.status", login, id=AGENT)["name"], AGENT)

    def test_agent_reaches_no_other_account(self):
        login, password = self.t.people["agent"], "correct horse battery"
        self.hidden(login, "user.set_password", id="viatalk-admin", password=password)
        self.hidden(login, "user.set_password", id=self.t.user_ids["viewer"], password=password)
        self.hidden(login, "user.set_password", id="operator", password=password)
        self.hidden(login, "token.revoke", id=self.t.token_ids["admin"])
        self.hidden(self.t.users["agent"], "token.create", name="x", user="viatalk-admin", operations=["*"])

    def test_limited_supervisor(self):
        login = self.t.people["lead"]
        self.assertEqual(self.names(login, "queue.list"), {"sales"})
        self.assertEqual(self.names(login, "agent.list"), OWN_AGENTS)
        self.assertEqual(self.names(login, "department.list"), {"sales"})
        self.assertEqual(self.names(login, "peer.list"), {f"PJSIP/viatalk-{name[6:]}" for name in OWN_AGENTS})
        for operation in ("queue.get", "queue.status"):
            self.hidden(login, operation, id="support")
            self.hidden(login, operation, id=self.t.queues["vip"])
        for operation in ("agent.get", "agent.status"):
            self.hidden(login, operation, id="agent-102")
            self.hidden(login, operation, id=self.t.agents["agent-104"])
        for operation in ("queue.list", "agent.list"):
            self.hidden(login, operation, department="service")
        self.hidden(login, "department.get", id="service")

    def test_calls_and_events_of_the_limited(self):
        admin, deadline = self.t.people["admin"], time.monotonic() + 25
        rights = {"lead": ({"sales"}, OWN_AGENTS), "agent": (self.names(self.t.people["agent"], "queue.list"), {AGENT})}
        after, rows = {role: S.call("event.poll", self.t.people[role])["next"] for role in rights}, {role: [] for role in rights}
        while time.monotonic() < deadline and any(len(r) < 12 for r in rows.values()):
            calls = {row["id"]: row for row in S.items("call.list", admin)}
            for role, (queues, agents) in rights.items():
                for row in S.items("call.list", self.t.people[role]):
                    self.assertTrue(row.get("queue") in queues or row.get("agent") in agents, f"{role}: {row}")
                for row in calls.values():
                    if row.get("queue") and row["queue"] not in queues and not row.get("agent"):
                        token, found = attempt(S.json, "call.get", {"id": row["id"]}, self.t.people[role])
                        if token == "ok":   # by now an agent of theirs has it
                            self.assertIn(found.get("agent"), agents)
                page = S.call("event.poll", self.t.people[role], after=after[role], wait_seconds=1)
                after[role], rows[role] = page["next"], rows[role] + page["items"]
        for role, (queues, agents) in rights.items():
            self.assertGreaterEqual(len(rows[role]), 12, role)
            for row in rows[role]:
                if row["type"] not in ("board.stale", "board.fresh"):
                    self.assertTrue(row.get("queue") in queues or row.get("agent") in agents, f"{role}: {row}")
                    self.assertTrue("queue" not in row or row["queue"] in queues, f"{role}: {row}")

    def test_operator_names_the_tenant(self):
        for face in support.all_faces(S, C.api):
            token, answer = attempt(face, "queue.list", {}, S.operator)
            self.assertEqual(token, "invalid_argument", answer)
            self.assertIn("tenant", answer.text)
            self.assertEqual(attempt(face, "queue.list", {"tenant": "nobody"}, S.operator)[0], "not_found")
            self.assertEqual(len(face.call("queue.list", {"tenant": "viatalk"}, S.operator)["items"]), 3)
            self.assertEqual(len(face.call("queue.list", {"tenant": self.t.id}, S.operator)["items"]), 3)

    def test_nobody_rises(self):
        """A tenant's admin makes no operators and reaches none."""
        admin, password = self.t.users["admin"], "correct horse battery"
        for face in support.all_faces(S, C.api):
            self.assertEqual(attempt(face, "user.create", {"login": "riser", "password": password, "role": "operator"}, admin)[0], "invalid_argument")
            self.assertEqual(attempt(face, "user.update", {"id": "viatalk-viewer", "role": "operator"}, admin)[0], "invalid_argument")
            for operation, params in (("user.update", {"disabled": True}), ("user.disable", {}), ("user.set_password", {"password": password})):
                self.assertEqual(attempt(face, operation, {"id": "operator"} | params, admin)[0], "not_found")
            self.assertEqual(attempt(face, "token.create", {"name": "x", "user": "operator", "operations": ["*"]}, admin)[0], "not_found")
        self.assertEqual(S.call("system.whoami", S.operator)["role"], "operator")


class Tokens(unittest.TestCase):
    def setUp(self):
        self.t = S.tenants["hostrocket"]

    def token(self, patterns, user="hostrocket-admin"):
        made = S.call("token.create", S.operator, tenant="hostrocket", name="t" + secrets.token_hex(4), user=user, operations=patterns)
        return Login(None, made["token"]), made["id"]

    def test_scope(self):
        for patterns, inside, outside in ((["queue.*"], ("queue.list", "queue.get", "queue.status"), ("agent.list", "system.whoami", "user.list")),
                                          (["queue.list", "event.poll"], ("queue.list", "event.poll"), ("queue.get", "queue.status", "queue.create"))):
            login, _ = self.token(patterns)
            for face in support.all_faces(S, C.api):
                for operation in C.operations:
                    if operation in inside or operation in outside:
                        token, _ = attempt(face, operation, C.valid(operation, self.t), login)
                        self.assertEqual(token, "ok" if operation in inside else "forbidden", f"{face.name} {operation} with {patterns}")

    def test_never_more_than_the_role(self):
        login, _ = self.token(["*"], "hostrocket-viewer")
        self.assertEqual(attempt(S.json, "queue.create", {"name": "x", "title": "x"}, login)[0], "forbidden")
        self.assertEqual(attempt(S.json, "token.create", {"name": "x", "operations": ["*"]}, login)[0], "forbidden")
        self.assertEqual(attempt(S.json, "user.set_password", {"id": "hostrocket-viewer", "password": "correct horse battery"}, login)[0], "forbidden")

    def test_bad_patterns(self):
        for pattern in ("queue", "*.list", "queue.*.x", "Queue.*", "**", "queue.", ".list", "queue list", ""):
            token, answer = attempt(S.json, "token.create", {"name": "x", "operations": [pattern]}, self.t.users["admin"])
            self.assertEqual(token, "invalid_argument", f"{pattern!r}: {answer}")
        self.assertEqual(attempt(S.json, "token.create", {"name": "x", "operations": []}, self.t.users["admin"])[0], "invalid_argument")

    def test_basic_with_user_token(self):
        login, _ = self.token(["system.*"])
        for face in support.all_faces(S, C.api, cli=False):
            self.assertEqual(face.call("system.whoami", {}, Login("token", login.password)), face.call("system.whoami", {}, login))

    @unittest.skipUnless(os.environ.get("PBX_BACKEND", "sqlite") == "sqlite", "ages the token in the SQLite file")
    def test_expiry(self):
        made = S.call("token.create", self.t.users["admin"], name="short", operations=["*"], expires_in_days=1)
        login, other = Login(None, made["token"]), S.call("token.create", self.t.users["admin"], name="short-2", operations=["*"], expires_in_days=1)
        self.assertEqual(S.call("system.whoami", login)["via"], "token:short")
        database = sqlite3.connect(S.path("data/pbxd.sqlite"), timeout=10)
        with database:   # the days go by
            database.execute("UPDATE api_tokens SET expires_at = ? WHERE id = ?", (int((time.time() - 1) * 1e6), other["id"]))
        database.close()
        for face in support.all_faces(S, C.api):
            self.assertEqual(attempt(face, "system.whoami", {}, Login(None, other["token"]))[0], "unauthenticated", face.name)


class AtOnce(unittest.TestCase):
    """S31, the part without sessions: what is taken away is gone for the next request, on every face, though it was remembered a moment ago."""
    def setUp(self):
        self.t, self.faces = S.tenants["hostrocket"], support.all_faces(S, C.api)
        self.login = Login("u" + secrets.token_hex(5), secrets.token_urlsafe(18))
        self.admin = self.t.people["admin"]
        S.call("user.create", self.admin, login=self.login.user, password=self.login.password, role="admin")
        made = S.call("token.create", self.t.users["admin"], name="t", user=self.login.user, operations=["*"])
        self.token, self.token_id = Login(None, made["token"]), made["id"]
        self.everybody("ok", self.login, self.token)

    def everybody(self, expected, *logins, operation="user.list"):
        for face in self.faces:
            for login in logins:
                token, answer = attempt(face, operation, {}, login)
                self.assertEqual(token, expected, f"{face.name}: {answer}")

    def test_revoked(self):
        S.call("token.revoke", self.admin, id=self.token_id)
        self.everybody("unauthenticated", self.token)
        self.everybody("ok", self.login)

    def test_disabled(self):
        S.call("user.disable", self.admin, id=self.login.user)
        self.everybody("unauthenticated", self.login, self.token)
        S.call("user.update", self.admin, id=self.login.user, disabled=False)
        self.everybody("ok", self.login)

    def test_password_changed(self):
        changed = Login(self.login.user, secrets.token_urlsafe(18))
        S.call("user.set_password", self.login, id=self.login.user, password=changed.password)
        self.everybody("unauthenticated", self.login)
        self.everybody("ok", changed)

    def test_role_lowered(self):
        S.call("user.update", self.admin, id=self.login.user, role="viewer")
        self.everybody("forbidden", self.login, self.token)


if __name__ == "__main__":
    support.run(lambda: stack.Stack(settings={"access": {"throttle_pair": 1000, "throttle_address": 1000, "throttle_account": 1000}}))
