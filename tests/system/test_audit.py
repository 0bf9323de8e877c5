"""Audit and idempotency (SECURITY S35, S40): every change, on every face, leaves one row that tells who, whose, from where, what and how it went; a request that is
sent again is done once."""
import concurrent.futures
import json
import os
import secrets
import unittest

import catalogue
import faces
import stack
import support
from faces import Login
from support import attempt

S: stack.Stack
C: catalogue.Catalogue


class Acts:
    """For each operation that changes something: parameters that succeed, on objects made for this one call."""
    def __init__(self, tenant):
        self.tenant, self.admin = tenant, tenant.people["admin"]

    def make(self, kind, **more):
        operation = f"{kind}.{catalogue.MAKES.get(kind, 'create')}"
        login = self.tenant.users["admin"] if kind == "token" else self.login(operation)
        return target_of(S.call(operation, login, **self.valid(operation, **more)))

    def valid(self, operation, **more):
        """A phone is made for an agent that has none; an operator names the tenant."""
        if operation == "phone.create":
            more["agent"] = self.make("agent")
        named = {"tenant": self.tenant.name} if operation in catalogue.OF_OPERATORS and operation.startswith(("trunk.", "did.")) else {}
        return C.valid(operation, self.tenant, **more) | named

    def params(self, operation):
        kind, verb = operation.split(".")
        if "id" not in C.properties(operation):
            return self.valid(operation)
        target = self.tenant.id if kind == "tenant" else self.make(kind)
        if verb in OF_MEMBERS:
            if verb != "login":
                S.call("agent.login", self.admin, id=target, queues=["sales"])
            return self.valid(operation, id=target) | {"queues": ["sales"]} | ({"reason": self.make("pause_reason")} if verb == "pause" else {})
        return self.valid(operation, id=target) | ({"title": "Changed"} if verb == "update" and "title" in C.properties(operation) else {}) \
            | ({"role": "viewer"} if operation == "user.update" else {})

    def login(self, operation):
        if operation in catalogue.OF_OPERATORS:
            return S.operator
        return self.tenant.users["admin"] if operation == "token.create" else self.admin


OF_MEMBERS = {"login", "logout", "pause", "unpause", "set_penalty"}      # verbs of agents in queues
# each needs a live call of its own: test_control.py, tests/asterisk/control.py
OF_CALLS = {"call.hangup", "call.transfer", "call.originate", "call.record", "call.monitor", "queue.remove_caller", "queue.prioritise_caller",
            "queue.transfer_caller", "system.outbound_stop", "system.outbound_resume"}


def target_of(result, params={}):
    return "" if "servers" in result else result.get("id") or params.get("id") or result["status"]


def changing():
    return [o for o in C.operations if C.changes(o) and o not in OF_CALLS]


def audit_rows(tenant, operation):
    """Newest first; those of the operator alone where there is no tenant."""
    return S.items("audit.list", S.operator, operation=operation, **({"tenant": tenant.name} if tenant else {}))


def database_bytes():
    if S.backend != "sqlite":
        return b""
    folder = S.path("data")
    held = b""
    for name in os.listdir(folder):
        if name.startswith("pbxd.sqlite"):
            with open(os.path.join(folder, name), "rb") as f:
                held += f.read()
    return held


class Audit(unittest.TestCase):
    def test_every_change_on_every_face(self):
        t = S.tenants["viatalk"]
        acts, seen = Acts(t), 0
        for n, face in enumerate(support.all_faces(S, C.api), 1):
            if face.name != "cli":
                face.source = f"127.0.1.{n}"
            for operation in changing():
                login, params = acts.login(operation), acts.params(operation)
                owner = None if operation in ("tenant.create", "asterisk.apply") else t
                before = {row["id"] for row in audit_rows(owner, operation)}
                result = face.call(operation, params, login)
                new = [row for row in audit_rows(owner, operation) if row["id"] not in before]
                where = f"{face.name} {operation}"
                self.assertEqual(len(new), 1, where)
                row = new[0]
                self.assertEqual(row["login"], "operator" if operation in catalogue.OF_OPERATORS else "viatalk-admin", where)
                self.assertEqual(row["via"], "token:all" if login.user is None else "password", where)
                self.assertEqual(row.get("tenant"), owner and owner.name, where)
                self.assertEqual(row["address"], getattr(face, "source", None) or "127.0.0.1", where)
                self.assertEqual(row["face"], {"cli": "xmlrpc"}.get(face.name, face.name), where)
                self.assertEqual((row["operation"], row["outcome"], row.get("target", "")), (operation, "ok", target_of(result, params)), where)
                self.assertRegex(row["request_id"], "^[a-z2-7]{16}$")
                stack.wait(lambda: f"request={row['request_id']} " in S.log_text(), 5, "the request's line in the log")
                self.assertParameters(row, params, where)
                seen += 1
        self.assertEqual(seen, 4 * len(changing()))

    def assertParameters(self, row, params, where):
        told = json.loads(row["parameters"])
        for name, value in params.items():
            if name == "password":
                self.assertNotIn(value, row["parameters"], where)
            elif name == "tenant":
                self.assertEqual(row["tenant"], value, where)
            else:
                self.assertEqual(told.get(name), value, where)

    def test_refusals_are_told_too(self):
        t = S.tenants["hostrocket"]
        for face in support.all_faces(S, C.api):
            for operation, params, outcome in (("queue.create", {"name": "support", "title": "x"}, "already_exists"),
                                               ("department.delete", {"id": "sales"}, "conflict"), ("agent.delete", {"id": "nobody"}, "not_found")):
                before = len(audit_rows(t, operation))
                attempt(face, operation, params, t.people["admin"])
                rows = audit_rows(t, operation)
                self.assertEqual((len(rows) - before, rows[0]["outcome"], rows[0]["login"]), (1, outcome, "hostrocket-admin"), f"{face.name} {operation}")

    def test_what_only_reads_leaves_nothing(self):
        t = S.tenants["hostrocket"]
        before = len(S.items("audit.list", t.people["admin"]))
        for operation in C.operations:
            if not C.changes(operation):
                attempt(S.json, operation, C.valid(operation, t), t.people["admin"])
        self.assertEqual(len(S.items("audit.list", t.people["admin"])), before)

    def test_filters_and_order(self):
        t = S.tenants["viatalk"]
        rows = S.items("audit.list", t.people["admin"], operation="user.create")
        self.assertTrue(rows and all(row["operation"] == "user.create" for row in rows))
        self.assertEqual([row["at"] for row in rows], sorted((row["at"] for row in rows), reverse=True))
        self.assertEqual({row["login"] for row in S.items("audit.list", t.people["admin"], login="operator")}, {"operator"})


class Once(unittest.TestCase):
    """S35."""
    def setUp(self):
        self.t = S.tenants["dotblock"]
        self.acts = Acts(self.t)

    def count(self, operation):
        kind = operation.split(".")[0]
        if kind == "pause_reason":      # a list without pages
            return len(S.call("pause_reason.list", S.operator, tenant="dotblock")["items"])
        return len(S.items(f"{kind}.list", S.operator, **({} if kind == "tenant" else {"tenant": "dotblock"})))

    def test_creating_twice(self):
        for face in support.all_faces(S, C.api):
            for operation in changing():
                if not operation.endswith(".create"):
                    continue
                where, key = f"{face.name} {operation}", "key " + secrets.token_hex(8)
                params, login, before = self.acts.params(operation) | {"idempotency_key": key}, self.acts.login(operation), self.count(operation)
                first = face.call(operation, params, login)
                again = face.call(operation, params, login)
                if secret := {"token.create": "token", "phone.create": "secret"}.get(operation):
                    self.assertNotEqual(first[secret], again[secret], where)     # a secret is shown once
                    self.assertNotIn(first[secret].encode(), database_bytes(), where)
                    if operation == "token.create":
                        self.assertEqual(attempt(S.json, "system.whoami", {}, Login(None, again["token"]))[0], "unauthenticated")
                    first, again = ({k: v for k, v in answer.items() if k != secret} for answer in (first, again))
                self.assertEqual(first, again, where)
                self.assertEqual(self.count(operation), before + 1, where)
                other = params | ({"name": "other"} if "name" in params else {"login": "other-login"} if "login" in params else
                                  {"caller_name": "Other"} if "extension" in params else {"allowed": False} if "value" in params else {"title": "Other"})
                token, answer = attempt(face, operation, other, login)
                self.assertEqual(token, "conflict", f"{where}: {answer}")
                self.assertEqual(self.count(operation), before + 1, where)

    def test_changing_twice(self):
        for face in support.all_faces(S, C.api):
            for operation in changing():
                if operation.endswith(".create"):
                    continue
                params, login = self.acts.params(operation) | {"idempotency_key": "key " + secrets.token_hex(8)}, self.acts.login(operation)
                first, again = face.call(operation, params, login), face.call(operation, params, login)
                if operation == "phone.new_secret":
                    self.assertNotEqual(first.pop("secret"), again.pop("secret"))     # shown once
                self.assertEqual(first | {"as_of": ""}, again | {"as_of": ""}, f"{face.name} {operation}")

    def test_the_key_is_the_users_own(self):
        """The same key of another user, or for another operation, is another key; on another face it is the same one."""
        key = "shared " + secrets.token_hex(8)
        params = {"name": "n" + secrets.token_hex(4), "title": "One", "idempotency_key": key}
        made = S.call("department.create", self.t.people["admin"], **params)
        self.assertEqual(attempt(S.json, "department.create", params | {"tenant": "dotblock"}, S.operator)[0], "already_exists")
        self.assertEqual(S.call("queue.create", self.t.people["admin"], **params)["name"], params["name"])
        there = S.call("department.create", S.tenants["viatalk"].people["admin"], **params)
        self.assertNotEqual(there["id"], made["id"])
        for face in support.all_faces(S, C.api):
            self.assertEqual(face.call("department.create", params, self.t.people["admin"]), made, face.name)

    def test_a_failure_may_be_tried_again(self):
        key, admin = "retry " + secrets.token_hex(8), self.t.people["admin"]
        params = {"name": "n" + secrets.token_hex(4), "title": "x", "department": "n" + secrets.token_hex(4), "idempotency_key": key}
        self.assertEqual(attempt(S.json, "queue.create", params, admin)[0], "not_found")
        S.call("department.create", admin, name=params["department"], title="x")
        self.assertEqual(S.call("queue.create", admin, **params)["name"], params["name"])

    def test_at_the_same_time(self):
        """Of eight at once one does it; the others get its result, or are told that it is under way."""
        before = self.count("department.create")
        params = {"name": "n" + secrets.token_hex(4), "title": "x", "idempotency_key": "race " + secrets.token_hex(8)}
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: attempt(faces.JsonFace(S.url), "department.create", params, self.t.people["admin"]), range(8)))
        ids = {answer["id"] for token, answer in answers if token == "ok"}
        self.assertEqual(len(ids), 1, answers)
        self.assertLessEqual({token for token, _ in answers}, {"ok", "conflict"}, answers)
        self.assertEqual(self.count("department.create"), before + 1)

    def test_it_holds_over_a_restart(self):
        params = {"name": "n" + secrets.token_hex(4), "title": "x", "idempotency_key": "restart " + secrets.token_hex(8)}
        made = S.call("department.create", self.t.people["admin"], **params)
        self.assertEqual(S.stop_pbxd(), 0)
        S.start_pbxd()
        self.assertEqual(S.call("department.create", self.t.people["admin"], **params), made)

    def test_the_database_holds_no_secret(self):
        """S12: neither passwords nor tokens, whatever the path they came by."""
        password = "planted " + secrets.token_hex(12)
        made = S.call("user.create", self.t.people["admin"], login="n" + secrets.token_hex(4), password=password, role="viewer", idempotency_key=secrets.token_hex(8))
        S.call("user.set_password", self.t.people["admin"], id=made["id"], password=password + "2", idempotency_key=secrets.token_hex(8))
        held = database_bytes()
        for tenant in S.tenants.values():
            for login in (*tenant.users.values(), *tenant.tokens.values()):
                self.assertNotIn(login.password.encode(), held)
        self.assertNotIn(password.encode(), held)


if __name__ == "__main__":
    support.run(stack.Stack)
