"""Who gets in (SECURITY S1, S3, S13): no credentials, wrong ones, malformed ones, pretended ones, guessed ones; on every face, for every operation."""
import base64
import http.client
import json
import re
import secrets
import statistics
import time
import unittest

import catalogue
import faces
import stack
import support
from faces import Login
from support import attempt

S: stack.Stack
C: catalogue.Catalogue
PAIR, ADDRESS, ACCOUNT = 5, 12, 16    # wrong logins a minute: low, since each of them costs an Argon2id computation
WRONG_TOKEN = "pbx_" + "a" * 40
_sources = iter(f"127.0.{a}.{b}" for a in range(9, 255) for b in range(1, 255))


def http_faces(source=None):
    return [faces.JsonFace(S.url, source), faces.XmlRpcFace(S.url, source), faces.SoapFace(S.url, source, C.api)]


def basic(text):
    return "Basic " + base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def statements():
    return int(float(re.search(r"^pbxd_storage_statements_total (\S+)", S.get("/metrics")[1], re.M).group(1)))


def log_size():
    with open(S.log, "rb") as f:
        return f.seek(0, 2)


class Without(unittest.TestCase):
    MALFORMED = ["", "Basic", "Basic ", "Basic !!!", basic("nocolon"), "Bearer", "Bearer ", "Bearer a b", "Digest username=x", "Negotiate abc", "bogus",
                 "Bearer pbx_short", basic("token:pbx_short"), "Basic " + "A" * 4000]

    def refused(self, face, operation, login, headers=None):
        token, answer = attempt(face, operation, C.valid(operation, S.tenants["viatalk"]) if operation in C.operations else {}, login, headers)
        self.assertEqual(token, "unauthenticated", f"{face.name} {operation} {login!r}: {answer}")
        self.assertEqual(answer.text.partition(" [request")[0], "credentials are missing or wrong", f"{face.name} {operation}")

    def test_no_credentials_no_statement(self):
        """An operation that sent one statement a refusal would send 20; the housekeeper's own are a few a second."""
        idle_from, idle_start = statements(), time.monotonic()
        time.sleep(2)   # not a wait for anything: the measure of the housekeeper's own rate
        rate = (statements() - idle_from) / (time.monotonic() - idle_start)
        for face in http_faces():
            lines_from, sent = log_size(), 0
            count, start = statements(), time.monotonic()
            for operation in C.operations:
                path, body = face.encode(operation, C.valid(operation, S.tenants["viatalk"]))
                for _ in range(20):
                    face.post(path, body)
                    sent += 1
                    self.assertEqual(face.last_status, 401, f"{face.name} {operation}")
                self.assertIn("unauthenticated", face.last)
            moved, took = statements() - count, time.monotonic() - start
            self.assertLessEqual(moved, rate * took + 12, f"{face.name}: {moved} statements for {sent} refusals in {took:.1f} s; idle: {rate:.1f} a second")
            lines = S.log_text(lines_from).splitlines()
            self.assertEqual(sum(" login.refused " in line for line in lines), sent, f"{face.name}: one line for each refusal")

    def test_every_operation_with_a_wrong_token(self):
        for kind in range(3):
            source = None
            for n, operation in enumerate(C.operations):
                if n % (ADDRESS - 1) == 0:
                    source = next(_sources)   # before the throttle would answer in place of the check
                face = http_faces(source)[kind]
                self.refused(face, operation, Login(None, WRONG_TOKEN))
                face.close()

    def test_malformed(self):
        for header in self.MALFORMED:
            source = next(_sources)
            for face in http_faces(source):
                for operation in ("queue.list", "tenant.create"):
                    self.refused(face, operation, header)
                face.close()

    def test_before_anything_is_read(self):
        """No parser, no look at the name: garbage and unknown operations are refused for their missing credentials."""
        for face in http_faces():
            self.refused(face, "no.such", None)
            for body in (b"", b"garbage \xff\x00", b"<!DOCTYPE x>", b"<a>" * 5000, b"{" * 5000):
                face.post(face.encode("queue.list", {})[0], body)
                self.assertEqual(face.last_status, 401)
        face = faces.XmlRpcFace(S.url)
        for method in ("system.listMethods", "system.methodHelp", "system.methodSignature", "system.multicall", "system.getCapabilities"):
            self.assertEqual(attempt(face, method, {}, None)[0], "unauthenticated", method)

    def test_two_authorization_headers(self):
        good = S.tenants["viatalk"].people["admin"].header
        for first, second in ((good, "Bearer " + WRONG_TOKEN), ("Bearer " + WRONG_TOKEN, good), (good, good)):
            connection = http.client.HTTPConnection(faces.urllib.parse.urlsplit(S.url).netloc, timeout=10, source_address=(next(_sources), 0))
            connection.putrequest("POST", "/api/v1/system.whoami")
            connection.putheader("Authorization", first)
            connection.putheader("Authorization", second)
            connection.putheader("Content-Length", "2")
            connection.endheaders(b"{}")
            self.assertIn(connection.getresponse().status, (400, 401))
            connection.close()

    def test_cli(self):
        cli = faces.CliFace(S.program("pbxctl"), S.url, S.folder, support.EXIT_CODES)
        self.assertEqual(attempt(cli, "queue.list", {}, None)[0], "invalid_argument")   # it does not even ask the server
        for operation in list(C.operations)[:ADDRESS - 2]:
            self.assertEqual(attempt(cli, operation, C.valid(operation, S.tenants["viatalk"]), Login(None, WRONG_TOKEN))[0], "unauthenticated", operation)


class Pretended(unittest.TestCase):
    """S3: identity comes from credentials alone."""
    HEADERS = ("X-Forwarded-User", "X-Remote-User", "Remote-User", "REMOTE_USER", "X-Auth-User", "X-User", "X-Webauth-User", "X-Authenticated-User",
               "X-Tenant-ID", "X-Tenant", "X-Forwarded-Email", "X-Original-User", "X-Real-User", "X-Role")

    def test_identity_headers(self):
        a = S.tenants["viatalk"]
        for value in (S.operator.user, a.users["admin"].user, a.id, a.name, "admin", "operator"):
            headers = dict.fromkeys(self.HEADERS, value)
            for face in http_faces():
                self.assertEqual(attempt(face, "system.whoami", {}, None, headers)[0], "unauthenticated")
                me = face.call("system.whoami", {}, S.tenants["hostrocket"].people["viewer"], headers)
                self.assertEqual((me["login"], me["role"], me["tenant"]), ("hostrocket-viewer", "viewer", "hostrocket"))

    def test_forwarded_address_without_trusted_proxy(self):
        c, faked = S.tenants["dotblock"], {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9", "X-Real-IP": "203.0.113.9"}
        face = faces.JsonFace(S.url, next(_sources))
        made = face.call("department.create", {"name": "from-where", "title": "x"}, c.people["admin"], faked)
        row = next(r for r in S.items("audit.list", c.people["admin"]) if r["target"] == made["id"])
        self.assertEqual(row["address"], face.source)


class Guessed(unittest.TestCase):
    """S13. The limits of this stack are low; what is tried is what the defaults would see in a minute."""
    def attempts(self, face, logins):
        """How many were 401 and 429; each 429 says when to come back."""
        counts = {"unauthenticated": 0, "too_many_requests": 0}
        for login in logins:
            token, _ = attempt(face, "system.whoami", {}, login)
            counts[token] += 1
            if token == "too_many_requests" and face.name == "json":
                self.assertEqual(face.last_status, 429)
                self.assertGreaterEqual(int(face.last_headers["Retry-After"]), 1)
        return counts

    def test_one_account_from_one_address(self):
        victim = S.tenants["viatalk"].users["supervisor"]
        face = faces.JsonFace(S.url, next(_sources))
        start = time.monotonic()
        counts = self.attempts(face, (Login(victim.user, f"wrong password {n}") for n in range(1000)))
        took = time.monotonic() - start
        # the bucket leaks PAIR a minute while we knock
        self.assertLessEqual(counts["unauthenticated"], PAIR + took * PAIR / 60 + 1)
        self.assertEqual(sum(counts.values()), 1000)
        # the right password is not looked at here either: otherwise guessing would go on behind the throttle
        self.assertEqual(attempt(face, "system.whoami", {}, victim)[0], "too_many_requests")
        elsewhere = faces.JsonFace(S.url, next(_sources))
        self.assertEqual(elsewhere.call("system.whoami", {}, victim)["login"], victim.user)

    def test_many_accounts_from_one_address(self):
        source = next(_sources)
        start = time.monotonic()
        counts = {"unauthenticated": 0, "too_many_requests": 0}
        for n, face in enumerate(http_faces(source) * 3):
            for token, count in self.attempts(face, (Login(f"user{n}x{i}", "wrong password") for i in range(112))).items():
                counts[token] += count
        took = time.monotonic() - start
        self.assertLessEqual(counts["unauthenticated"], ADDRESS + took * ADDRESS / 60 + 1)
        self.assertEqual(sum(counts.values()), 9 * 112)
        other = S.tenants["hostrocket"].users["supervisor"]
        self.assertEqual(faces.JsonFace(S.url, next(_sources)).call("system.whoami", {}, other)["login"], other.user)

    def test_one_account_from_everywhere(self):
        """The owner still gets in where it has logged in before."""
        victim = S.tenants["dotblock"].users["supervisor"]
        home = faces.JsonFace(S.url, next(_sources))
        home.call("system.whoami", {}, victim)
        seen = []
        while "too_many_requests" not in seen and len(seen) < 2 * ACCOUNT:
            face = faces.JsonFace(S.url, next(_sources))
            for n in range(PAIR - 1):
                seen.append(attempt(face, "system.whoami", {}, Login(victim.user, f"wrong password {n}"))[0])
            face.close()
        self.assertIn("too_many_requests", seen)
        # a changed password makes sure that no remembered credential answers
        changed = Login(victim.user, secrets.token_urlsafe(18))
        S.call("user.set_password", S.operator, tenant="dotblock", id=victim.user, password=changed.password)
        self.assertEqual(home.call("system.whoami", {}, changed)["login"], victim.user)

    def test_no_enumeration(self):
        """Text, status and time are the same whether there is such a user, it is disabled, or the login is no login at all."""
        c = S.tenants["dotblock"]
        gone = Login("dotblock-gone", secrets.token_urlsafe(18))
        S.call("user.create", S.operator, tenant="dotblock", login=gone.user, password=gone.password, role="viewer")
        S.call("user.disable", S.operator, tenant="dotblock", id=gone.user)
        kinds = {"wrong": lambda: Login(c.users["viewer"].user, "wrong " + secrets.token_hex(6)), "unknown": lambda: Login("u" + secrets.token_hex(4), "wrong password"),
                 "disabled": lambda: gone, "no login": lambda: Login("../' or 1=1 --", "wrong password")}
        took, answers = {kind: [] for kind in kinds}, set()
        for _ in range(4):
            for kind, login in kinds.items():
                face = faces.JsonFace(S.url, next(_sources))
                start = time.perf_counter()
                attempt(face, "system.whoami", {}, login())
                took[kind].append(time.perf_counter() - start)
                error = json.loads(face.last)["error"]
                answers.add((face.last_status, json.dumps({k: v for k, v in error.items() if k != "request_id"})))
                face.close()
        self.assertEqual(len(answers), 1, answers)
        medians = {kind: statistics.median(times) for kind, times in took.items()}
        self.assertGreater(min(medians.values()), 0.5 * max(medians.values()), medians)

    def test_sql_in_a_login(self):
        """S10, the part before the login: refused like any other, and nothing of the database in the answer."""
        for text in ("' OR '1'='1", "admin'--", "x'; DROP TABLE users; --", "\" OR \"\"=\"", "1 UNION SELECT verifier FROM users", "viatalk-admin' AND sleep(5)#", "%' --",
                     "\\' OR 1=1 --", "' || (SELECT 1) || '", "admin\x00", "\u02bc OR 1=1"):
            for where in (Login(text, "wrong password"), Login("token", text), Login(None, "pbx_" + text.replace("\x00", "").encode("ascii", "ignore").decode())):
                face = faces.JsonFace(S.url, next(_sources))
                token, answer = attempt(face, "system.whoami", {}, where)
                self.assertEqual(token, "unauthenticated", text)
                self.assertNotRegex(face.last.lower(), "sql|syntax|table|column|users")
                face.close()


class ZAfterwards(unittest.TestCase):
    def test_no_secret_in_the_log(self):
        text = S.log_text()
        planted = [S.operator.password, WRONG_TOKEN, "wrong password"]
        for tenant in S.tenants.values():
            planted += [login.password for login in (*tenant.users.values(), *tenant.tokens.values())]
        for secret in planted:
            self.assertNotIn(secret, text)


if __name__ == "__main__":
    support.run(lambda: stack.Stack(settings={"access": {"throttle_pair": PAIR, "throttle_address": ADDRESS, "throttle_account": ACCOUNT}}))
