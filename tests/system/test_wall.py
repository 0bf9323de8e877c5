"""The wall between tenants (SECURITY S14-S16, S18): every operation, on every face, as tenant B with what is tenant A's.

The operations come from the running server, so that a new one is tried without anybody thinking of it.
"""
import concurrent.futures
import json
import statistics
import time
import unittest

import catalogue
import faces
import stack
import support
from support import attempt, masked

S: stack.Stack
C: catalogue.Catalogue
ROLES = ("admin", "viewer")


def setUpModule():
    """Some objects whose names only A has, and A's things before the attack."""
    global A, B, only, before
    A, B = S.tenants["viatalk"], S.tenants["hostrocket"]
    only = {"department": "only-zkvajweq", "queue": "only-pqmxnvbt", "agent": "only-htrwqkzd", "hours": "only-bxnwtrqa", "status_rule": "only-jqmzkwve"}
    admin = A.people["admin"]
    S.call("department.create", admin, name=only["department"], title=A.marker)
    S.call("queue.create", admin, name=only["queue"], title=A.marker)
    S.call("agent.create", admin, name=only["agent"], title=A.marker, interface="PJSIP/viatalk-112")
    only["pause_reason"] = S.call("pause_reason.create", admin, name="only-reason", title=A.marker)["id"]
    only["action"] = S.call("agent.login", admin, id=only["agent"], queues=["support"], reason="only-reason")["actions"][0]["id"]
    S.call("hours.create", admin, name=only["hours"], title=A.marker)
    S.call("status_rule.set", admin, status=only["status_rule"], level=1)
    S.call("phone.create", admin, agent=only["agent"], extension="112", caller_name=A.marker)
    only["trunk"] = "only-wvxqtrzk"
    S.call("trunk.create", S.operator, tenant=A.name, name=only["trunk"], host="192.0.2.10")
    only["outbound_rule"] = "+4930"
    S.call("outbound_rule.create", admin, value=only["outbound_rule"])
    before = everything_of(A)


def everything_of(tenant):
    out = {}
    for name in ("department.list", "queue.list", "agent.list", "user.list", "token.list", "blocklist.list", "priority.list", "customer.list", "status_rule.list",
                 "did.list", "hours.list", "phone.list", "trunk.list", "outbound_rule.list"):
        out[name] = [{k: v for k, v in row.items() if k not in ("last_used_at", "on_asterisk")} for row in S.items(name, S.operator, tenant=tenant.name)]
    out["routing.get"] = S.call("routing.get", S.operator, tenant=tenant.name)
    out["queue.get_conditions"] = S.call("queue.get_conditions", S.operator, tenant=tenant.name, id="sales")
    out["queue.get_settings"] = S.call("queue.get_settings", S.operator, tenant=tenant.name, id="sales")
    out["callback_policy.get"] = S.call("callback_policy.get", S.operator, tenant=tenant.name)
    out["tenant.get"] = S.call("tenant.get", S.operator, id=tenant.name)
    return out


def call_of(tenant):
    """A live call of the tenant; the simulator has some at any time."""
    return stack.wait(lambda: S.call("call.list", tenant.people["admin"])["items"], 20, f"a call of {tenant.name}")[0]["id"]


def references_of(tenant, operation, field):
    """Ids and names of `tenant` that fit the field, and that B does not have too."""
    kind = operation.split(".")[0] if field == "id" else {"hours": "hours", "default_queue": "queue"}.get(field, field.rstrip("s"))
    if field == "id" and operation in catalogue.OF_CALLS:
        kind = "call"
    if kind in ("action", "pause_reason"):
        return [only[kind]]
    if kind in ("blocklist", "priority", "customer", "did"):
        return [tenant.routing[kind], tenant.numbers[kind]]
    if kind == "phone":
        kind = "agent"
    if kind in ("trunk", "outbound_rule"):
        return [tenant.routing[kind], only[kind]]
    if kind in ("hours", "status_rule"):
        return [only[kind]] + ([tenant.routing[kind]] if kind == "hours" else [])
    if field in ("department", "departments", "queue", "queues", "agent", "default_queue") or (field == "id" and kind in only):
        table = {"department": tenant.departments, "queue": tenant.queues, "agent": tenant.agents}[kind]
        return [table["agent-102"] if kind == "agent" else next(iter(table.values())), only[kind]]
    if kind == "tenant":
        return [tenant.id, tenant.name]
    if kind in ("user", "login"):
        return [tenant.users["agent"].user] + ([tenant.user_ids["agent"]] if kind == "user" else [])
    if kind == "token":
        return [tenant.token_ids["agent"]]
    if kind == "callback":
        return [tenant.callback]
    if kind == "call":
        return [call_of(tenant)]
    raise AssertionError(f"{operation}: nobody told the test what `{field}` refers to")


# Where a struct names a queue or an agent.
STRUCTS = {(operation, "closed"): {} for operation in ("did.create", "did.update", "routing.update")} | {
    ("routing.update", "blocked"): {}, ("status_rule.set", "destination"): {}, ("queue.set_conditions", "overflow"): {"when": "no_agent"}}


def parameter(operation, field, reference):
    """{name: value} of a case's field."""
    name, _, kind = field.partition(" ")
    if kind:
        value = STRUCTS[operation, name] | {"kind": kind, "target": reference}
        return {name: [value] if name == "overflow" else value}
    return {field: [reference] if field in ("departments", "queues") else reference}


def cases():
    """(operation, field, A's reference, a twin that never existed, the other parameters)."""
    for operation in C.operations:
        for field in set(C.texts(operation)) & catalogue.REFERENCES - {"after"}:
            if (operation, field) == ("user.create", "login"):
                continue   # login names are unique server-wide by design: that one is taken is told, and nothing else
            for reference in references_of(A, operation, field):
                yield operation, field, reference, catalogue.never_existed(reference), C.valid(operation, B)
    for (operation, field) in STRUCTS:
        for kind in ("queue", "agent"):
            for reference in references_of(A, operation, kind):
                yield operation, f"{field} {kind}", reference, catalogue.never_existed(reference), C.valid(operation, B)


class Wall(unittest.TestCase):
    def test_every_text_parameter_is_classified(self):
        self.assertEqual(C.unclassified(), set(), "tell tests/system/catalogue.py what these are")

    def check(self, face, role, case):
        operation, field, reference, twin, rest = case
        answers = []
        for value in (reference, twin):
            token, answer = attempt(face, operation, rest | parameter(operation, field, value), B.people[role])
            seen = (face.last, getattr(face, "last_error", "") or "")
            self.assertNotIn(A.marker, "".join(seen), f"{face.name} {role} {operation} {field}={value}: A's title in the answer")
            if token == "ok":
                self.assertEqual(answer["items"], [], f"{face.name} {role} {operation} {field}={value}: something was found or done: {answer}")
                answer = {k: v for k, v in answer.items() if k not in ("next", "as_of")}
            else:
                self.assertIn(token, ("not_found", "forbidden"), f"{face.name} {role} {operation} {field}={value}: {answer}")
                answer = [masked(text, value) for text in seen]
            answers.append((token, face.last_status, answer))
        self.assertEqual(*answers, f"{face.name} {role} {operation}: {field}={reference} is answered otherwise than what never existed")

    def check_face(self, face):
        done = 0
        for case in cases():
            for role in ROLES:
                self.check(face, role, case)
                done += 1
        self.assertGreater(done, 2 * len(C.operations))   # each has at least `tenant`

    def test_json(self):
        self.check_face(faces.JsonFace(S.url))

    def test_xmlrpc(self):
        self.check_face(faces.XmlRpcFace(S.url))

    def test_soap(self):
        self.check_face(faces.SoapFace(S.url, api=C.api))

    def test_cli(self):
        # pbxctl is a process each time, and a client of the XML-RPC face: every case once, the roles in turn.
        def one(job):
            face = faces.CliFace(S.program("pbxctl"), S.url, S.folder, support.EXIT_CODES)
            face.secret_file += f"-{id(face)}"
            self.check(face, *job)
        jobs = [(ROLES[i % 2], case) for i, case in enumerate(cases())]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(one, jobs))

    def test_cursors_of_a(self):
        """A cursor of A's pages is a place in B's own list for B."""
        checked = 0
        for operation in C.operations:
            if "after" not in C.properties(operation) or "admin" not in C.roles(operation):
                continue
            cursor = attempt(S.json, operation, {"limit": 1}, A.people["admin"])[1].get("next")
            if not cursor:
                continue
            for face in support.all_faces(S, C.api, cli=False):
                token, answer = attempt(face, operation, {"after": cursor}, B.people["admin"])
                self.assertEqual(token, "ok", f"{operation}: {answer}")
                self.assertNotIn(A.marker, face.last)
                self.assertNotIn("PJSIP/viatalk", face.last)
                if token == "ok" and operation != "audit.list":   # B's own audit tells what B typed in
                    self.assertNotIn("viatalk", face.last, f"{face.name} {operation}")
                checked += 1
        self.assertGreaterEqual(checked, 15)

    def test_the_answer_takes_no_longer(self):
        took = {"a": [], "never": []}
        reference = {"a": A.queues["support"], "never": catalogue.never_existed(A.queues["support"])}
        for _ in range(80):
            for which in took:
                start = time.perf_counter()
                attempt(S.json, "queue.get", {"id": reference[which]}, B.people["admin"])
                took[which].append(time.perf_counter() - start)
        a, never = (statistics.median(took[which]) for which in ("a", "never"))
        self.assertLess(abs(a - never), max(0.002, 0.5 * never), f"{a * 1000:.2f} ms for A's, {never * 1000:.2f} ms for none")


class Claims(unittest.TestCase):
    """A's queues and phones in Asterisk cannot be claimed by B, mapped or not, and the answer does not tell which of the two."""
    def test_names_in_asterisk(self):
        mine = {"asterisk_name": B.queues["sales"], "interface": B.agents["agent-102"]}
        calls_before = len(S.items("peer.list", A.people["admin"]))
        for face in support.all_faces(S, C.api):
            for field, names in {"asterisk_name": ("viatalk-support", "viatalk-nothing", "dotblock-sales", "nobodys-queue"),
                                 "interface": ("PJSIP/viatalk-101", "PJSIP/viatalk-109", "PJSIP/viatalk-trunk", "PJSIP/nobodys-1")}.items():
                kind = "queue" if field == "asterisk_name" else "agent"
                for verb, more in (("create", {"name": "claimed", "title": "x"}), ("update", {"id": mine[field]})):
                    answers = set()
                    for name in names:
                        token, answer = attempt(face, f"{kind}.{verb}", more | {field: name}, B.people["admin"])
                        self.assertEqual(token, "invalid_argument", f"{face.name} {kind}.{verb} {field}={name}: {answer}")
                        answers.add(masked(answer.text, name))
                    self.assertEqual(len(answers), 1, answers)
        self.assertEqual(len(S.items("peer.list", A.people["admin"])), calls_before)

    def test_only_a_phone_of_the_own_name_is_an_agents_interface(self):
        own = B.name
        for interface in (f"PJSIP/{own}-x@viatalk-101", f"PJSIP/{own}-x@viatalk-trunk-main", f"PJSIP/{own}-trunk-main", f"Local/{own}-x@pbxd-agi", f"PJSIP/{own}-1/sip:x@y"):
            token, answer = attempt(support.all_faces(S, C.api)[0], "agent.create", {"name": "claimed", "title": "x", "interface": interface}, B.people["admin"])
            self.assertEqual((token, "interface" in answer.text), ("invalid_argument", True), f"{interface}: {answer}")

    def test_an_operator_may_and_the_tenant_may_send_it_back(self):
        made = S.call("agent.create", S.operator, tenant="dotblock", name="adopted", title="Adopted", interface="PJSIP/old-phone-7")
        own = S.tenants["dotblock"].people["admin"]
        S.call("agent.update", own, id=made["id"], title="Adopted once", interface="PJSIP/old-phone-7")
        S.call("agent.update", own, id=made["id"], interface="PJSIP/dotblock-112")
        S.call("agent.delete", own, id=made["id"])


class Events(unittest.TestCase):
    """S15: what B polls while all three companies' calls go on is B's alone, also from A's cursor."""
    def test_poll_under_traffic(self):
        cursor = S.call("event.poll", A.people["admin"])["next"]
        seen = {tenant.name: [] for tenant in (A, B)}
        deadline = time.monotonic() + 30
        after = {tenant.name: cursor for tenant in (A, B)}
        while time.monotonic() < deadline and any(len(rows) < 40 for rows in seen.values()):
            for tenant in (A, B):
                page = S.call("event.poll", tenant.people["admin"], after=after[tenant.name], wait_seconds=1, limit=500)
                after[tenant.name] = page["next"]
                seen[tenant.name] += page["items"]
        numbers = {"viatalk": "1201555", "hostrocket": "1202555"}   # as the simulator deals them out
        for tenant, other in ((A, B), (B, A)):
            rows = seen[tenant.name]
            self.assertGreaterEqual(len(rows), 40, "the simulator was too quiet for the test to mean anything")
            text = json.dumps(rows)
            for foreign in (other.marker, f"PJSIP/{other.name}", numbers[other.name]):
                self.assertNotIn(foreign, text)
            self.assertIn(f"PJSIP/{tenant.name}", text)

    def test_live_lists(self):
        for operation in ("call.list", "peer.list", "agent.list", "queue.list", "system.status", "system.whoami", "tenant.list", "user.list", "token.list"):
            for face in support.all_faces(S, C.api):
                face.call(operation, {}, B.people["admin"])
                for foreign in (A.marker, "PJSIP/viatalk", "viatalk-", "1201555"):
                    self.assertNotIn(foreign, face.last, f"{face.name} {operation}")


class SameNames(unittest.TestCase):
    """S16: all three have queues, agents and departments of the same names."""
    def test_changes_stay_at_home(self):
        c = S.tenants["dotblock"]
        admin, was = c.people["admin"], {name: everything_of(t) for name, t in S.tenants.items() if t is not c}
        S.call("queue.update", admin, id="vip", title="Changed", wrapup_seconds=7)
        S.call("agent.update", admin, id="agent-103", title="Changed", department="service")
        S.call("department.update", admin, id="sales", title="Changed")
        S.call("queue.delete", admin, id="vip")
        S.call("agent.delete", admin, id="agent-103")
        self.assertEqual(was, {name: everything_of(S.tenants[name]) for name in was})
        for name in was:
            self.assertEqual(S.call("queue.status", S.tenants[name].people["viewer"], id="vip")["asterisk_name"], name + "-vip")

    def test_taken_names_tell_nothing(self):
        """S18: the duplicate-key path names B's own object only."""
        for face in support.all_faces(S, C.api):
            for operation, params in (("queue.create", {"name": "support", "title": "x"}), ("department.create", {"name": "sales", "title": "x"}),
                                      ("agent.create", {"name": "agent-102", "title": "x", "interface": "PJSIP/hostrocket-102"}),
                                      ("user.create", {"login": A.users["admin"].user, "password": "correct horse battery", "role": "viewer"})):
                token, answer = attempt(face, operation, params, B.people["admin"])
                self.assertIn(token, ("already_exists", "conflict"), answer)
                for foreign in (A.marker, A.id, A.user_ids["admin"]):
                    self.assertNotIn(foreign, face.last + str(answer))


class ZAfterwards(unittest.TestCase):
    """Runs last (unittest sorts by name)."""
    def test_nothing_of_a_has_changed(self):
        self.assertEqual(before, everything_of(A))
        self.assertEqual([row for row in S.items("audit.list", A.people["admin"]) if "hostrocket" in row["login"]], [])

    def test_metrics_name_no_tenant(self):
        text = S.get("/metrics")[1]
        for tenant in S.tenants.values():
            for word in (tenant.name, tenant.marker, tenant.id):
                self.assertNotIn(word, text)

    def test_audit_of_b_has_no_marker(self):
        self.assertNotIn(A.marker, json.dumps(S.items("audit.list", B.people["admin"])))


if __name__ == "__main__":
    support.run(lambda: stack.Stack(markers=True))
