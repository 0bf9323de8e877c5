"""Hostile text in every parameter of every operation (SECURITY S5, S6, S10): refused by name before it can do harm, or kept as it is and shown as text."""
import json
import subprocess
import unittest
import xmlrpc.client

import catalogue
import faces
import stack
import support
from support import attempt

S: stack.Stack
C: catalogue.Catalogue
CONTROLS = {"CR": "ab\rcd", "LF": "ab\ncd", "CRLF and an action": "ab\r\nAction: Command\r\nCommand: core stop now", "U+2028": "ab\u2028cd", "U+2029": "ab\u2029cd",
            "U+202E": "ab\u202ecd", "U+2066": "ab\u2066cd", "NEL": "ab\u0085cd", "DEL": "ab\x7fcd", "tab": "ab\tcd"}
NOT_IN_XML = {"NUL": "ab\x00cd", "escape": "ab\x1b[31mcd"}
HOSTILE = ["');DROP TABLE queues;--", "' OR '1'='1", "x' AND sleep(5)#", "1; SELECT pg_sleep(5)", "\" OR \"\"=\"", "$(id)", "`id`", "; rm -rf /", "| nc 127.0.0.1 1",
           "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "]]><x/>", "&lt;&amp;&#10;", "%s%n%x", "{{7*7}}", "${jndi:ldap://x}", "=cmd|'/c calc'!A1", "@SUM(1)",
           "../../etc/passwd", "\\", "%00", "%27", "_%", "Zoë Ünïcode 漢字 🎧", "a" * 119, "null", "-1", "\\u0000", "\u02bc OR 1=1", "''", "admin'/*"]


class Names(unittest.TestCase):
    """Every text parameter names itself when it is refused."""
    def fields(self):
        for operation in C.operations:
            for field in C.texts(operation):
                p = C.properties(operation)[field]
                yield operation, field, p["type"] == "array", (p["items"] if p["type"] == "array" else p)["maxLength"]

    def refused(self, face, operation, field, is_list, value, what):
        params = C.valid(operation, S.tenants["viatalk"])
        # The operator may call everything; its tenant is tried like any other parameter.
        if operation not in ("tenant.create", "system.unmapped"):
            params["tenant"] = "viatalk"
        params[field] = [value] if is_list else value
        token, answer = attempt(face, operation, params, S.operator)
        where = f"{face.name} {operation} {field} with {what}"
        self.assertEqual(token, "invalid_argument", f"{where}: {answer}")
        self.assertEqual(answer.field, field + "[0]" if is_list else field, where)

    def check(self, face, values):
        tried = 0
        for operation, field, is_list, most in self.fields():
            for what, value in values.items():
                self.refused(face, operation, field, is_list, value, what)
            self.refused(face, operation, field, is_list, "a" * (most + 1), "one byte too many")
            self.refused(face, operation, field, is_list, "a" * 2000, "2000 bytes")
            tried += 1
        self.assertGreater(tried, 100)

    def test_json(self):
        self.check(faces.JsonFace(S.url), CONTROLS | NOT_IN_XML)

    def test_xmlrpc(self):
        face = faces.XmlRpcFace(S.url)
        self.check(face, {k: v for k, v in CONTROLS.items() if "\r" not in v})
        encode = face.encode   # a bare CR becomes LF in XML: it must be sent as a reference
        face.encode = lambda o, p: (lambda path, body: (path, body.replace("\r", "&#13;")))(*encode(o, p))
        self.check(face, {k: v for k, v in CONTROLS.items() if "\r" in v})

    def test_soap(self):
        face = faces.SoapFace(S.url, api=C.api)
        self.check(face, {k: v for k, v in CONTROLS.items() if "\r" not in v})
        encode = face.encode
        face.encode = lambda o, p: (lambda path, body: (path, body.replace("\r", "&#13;")))(*encode(o, p))
        self.check(face, {k: v for k, v in CONTROLS.items() if "\r" in v})

    def test_what_xml_cannot_hold(self):
        for face in (faces.XmlRpcFace(S.url), faces.SoapFace(S.url, api=C.api)):
            for bad in ("&#0;", "&#x0;", "&#27;", "&#xFFFE;", "&#xD800;", "&#1114112;", "&nothing;", "\x00", "\x1b", "\x0b"):
                path, body = face.encode("queue.get", {"id": "MARK"})
                face.post(path, body.replace("MARK", bad), S.tenants["viatalk"].people["viewer"])
                with self.assertRaises(faces.Fault, msg=f"{face.name} {bad!r}") as caught:
                    face.decode("queue.get")
                self.assertIn(caught.exception.token, ("malformed", "invalid_argument"), f"{face.name} {bad!r}")

    def test_bytes_that_are_not_utf8(self):
        viewer = S.tenants["viatalk"].people["viewer"]
        for face in support.all_faces(S, C.api, cli=False):
            for bad in (b"\xff", b"\xc0\x80", b"\xc0\xbc", b"\xe0\x80\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xe2\x82", b"\x80"):
                path, body = face.encode("queue.get", {"id": "MARK"})
                face.post(path, body.encode().replace(b"MARK", b"a" + bad + b"b"), viewer)
                with self.assertRaises(faces.Fault, msg=f"{face.name} {bad!r}") as caught:
                    face.decode("queue.get")
                self.assertIn(caught.exception.token, ("malformed", "invalid_argument"), f"{face.name} {bad!r}")
        face = faces.JsonFace(S.url)
        for escape in (r"\ud800", r"\udc00\ud800", r"\u0000", r"a\u202eb"):
            face.post("/api/v1/queue.get", '{"id":"%s"}' % escape, viewer)
            with self.assertRaises(faces.Fault) as caught:
                face.decode("queue.get")
            self.assertIn(caught.exception.token, ("malformed", "invalid_argument"), escape)

    def test_cli(self):
        cli = faces.CliFace(S.program("pbxctl"), S.url, S.folder, support.EXIT_CODES)
        admin = S.tenants["viatalk"].people["admin"]
        for what, value in (CONTROLS | {"escape": "ab\x1b[31mcd", "too long": "a" * 2000}).items():
            for operation, params, named in (("queue.create", {"name": "x", "title": value}, "--title"), ("queue.get", {"id": value}, "NAME|ID"),
                                             ("queue.list", {"department": value}, "--department"), ("department.create", {"name": value, "title": "x"}, "--name"),
                                             ("queue.create", {"name": "x", "title": "x", "idempotency_key": value}, "--idempotency-key")):
                token, answer = attempt(cli, operation, params, admin)
                self.assertEqual(token, "invalid_argument", f"{operation} {what}: {answer}")
                self.assertIn(named, answer.text, what)
                self.assertNotIn("\x1b", answer.text)
        # an argument that is not UTF-8
        done = subprocess.run([S.program("pbxctl"), "queue", "get", b"a\xff\xc0b"], capture_output=True, timeout=30, stdin=subprocess.DEVNULL,
                              env={"PBXCTL_SERVER": S.url, "PBXCTL_TOKEN": admin.password, "HOME": S.folder})
        self.assertEqual(done.returncode, 2, done.stderr)

    def test_cli_every_text(self):
        """S5, S6 for every text of every command: each in its turn with one of the values, as a process a value for all would take minutes."""
        cli = faces.CliFace(S.program("pbxctl"), S.url, S.folder, support.EXIT_CODES)
        values, tried = list((CONTROLS | {"escape": "ab\x1b[31mcd", "too long": "a" * 2000}).items()), 0
        for operation, field, is_list, _ in self.fields():
            if field in ("password", "secret"):
                continue      # come from a file; test_credentials.py
            what, value = values[tried % len(values)]
            params = C.valid(operation, S.tenants["viatalk"])
            if operation not in ("tenant.create", "system.unmapped"):
                params["tenant"] = "viatalk"
            params[field] = [value] if is_list else value
            token, answer = attempt(cli, operation, params, S.operator)
            self.assertEqual(token, "invalid_argument", f"{operation} {field} with {what}: {answer}")
            self.assertNotIn("\x1b", answer.text)
            tried += 1
        self.assertGreater(tried, 100)

    def test_texts_inside_structs(self):
        """A destination's target, the hours of a day, an attribute: as strict as what is outside."""
        for face in support.all_faces(S, C.api, cli=False):
            tried = 0
            for operation, field, is_list, inner in C.structs():
                for name, p in inner.items():
                    if p.get("type") != "string" or "enum" in p or p.get("format") == "date-time":
                        continue
                    for what, value in {"LF": "ab\ncd", "U+2028": "ab\u2028cd", "U+202E": "ab\u202ecd", "2000 bytes": "a" * 2000}.items():
                        struct = {n: q["enum"][0] if "enum" in q else {"integer": 1, "boolean": True}.get(q.get("type"), "x") for n, q in inner.items()} | {name: value}
                        params = C.valid(operation, S.tenants["viatalk"], **{field: [struct] if is_list else struct})
                        if operation != "tenant.create":
                            params["tenant"] = "viatalk"
                        token, answer = attempt(face, operation, params, S.operator)
                        where = f"{face.name} {operation} {field}.{name} with {what}"
                        self.assertEqual(token, "invalid_argument", f"{where}: {answer}")
                        self.assertIn(field, answer.field or "", f"{where}: {answer}")
                        tried += 1
            self.assertGreater(tried, 20)

    def test_kinds_that_are_not_text(self):
        """A number, a list, an object or null where text belongs, and the other way round."""
        viewer = S.tenants["viatalk"].people["viewer"]
        for face in (faces.JsonFace(S.url), faces.XmlRpcFace(S.url)):
            for value in (7, True, 1.5, ["a"], {"a": "b"}, [], {}):
                token, answer = attempt(face, "queue.get", {"id": value}, viewer)
                self.assertEqual((token, answer.field), ("invalid_argument", "id"), f"{face.name} {value!r}: {answer}")
            for value in ("7", True, 1.5, [1], 0, -1, 501, 2 ** 31 - 1):
                token, answer = attempt(face, "queue.list", {"limit": value}, viewer)
                self.assertEqual((token, answer.field), ("invalid_argument", "limit"), f"{face.name} {value!r}: {answer}")
        for value in (2 ** 31, 2 ** 63, -2 ** 63 - 1, 10 ** 40):
            token, answer = attempt(faces.JsonFace(S.url), "queue.list", {"limit": value}, viewer)
            self.assertIn(token, ("invalid_argument", "malformed"), f"{value}: {answer}")   # beyond 64 bits POCO reads no number
        for value in ("7x", "", "1.5", "501", "0", "99999999999999999999", "0x10"):
            token, answer = attempt(faces.SoapFace(S.url, api=C.api), "queue.list", {"limit": value}, viewer)
            self.assertEqual((token, answer.field), ("invalid_argument", "limit"), f"soap {value!r}: {answer}")
        for face in support.all_faces(S, C.api, cli=False):
            token, answer = attempt(face, "queue.list", {"no_such": "x"}, viewer)
            self.assertEqual(token, "invalid_argument", f"{face.name}: {answer}")
            self.assertIn("no_such", answer.text)

    def test_too_many_items(self):
        for face in support.all_faces(S, C.api, cli=False):
            token, answer = attempt(face, "token.create", {"name": "x", "operations": ["queue.*"] * 65}, S.tenants["viatalk"].users["admin"])
            self.assertEqual((token, answer.field), ("invalid_argument", "operations"), f"{face.name}: {answer}")


class Kept(unittest.TestCase):
    """S7, S10: what is harmless text here comes back as it was sent, on every face; nothing of it reaches SQL, a shell or markup."""
    def test_titles(self):
        admin = S.tenants["dotblock"].people["admin"]
        makers = support.all_faces(S, C.api)
        for n, text in enumerate(HOSTILE):
            made = makers[n % 4].call("department.create", {"name": f"h{n}", "title": text}, admin)
            self.assertEqual(made["title"], text, makers[n % 4].name)
            for face in makers:
                self.assertEqual(face.call("department.get", {"id": f"h{n}"}, admin)["title"], text, face.name)
        self.assertEqual(len(S.items("department.list", admin)), len(HOSTILE) + 2)
        self.assertEqual(len(S.items("queue.list", admin)), 3)

    def test_wide_characters_as_references(self):
        """xmlrpc-c knows none above U+FFFF: we bring them through it, also where they are written as references; in CDATA a reference is text."""
        admin, face = S.tenants["dotblock"].people["admin"], faces.XmlRpcFace(S.url)
        for n, (sent, kept) in enumerate((("&#x1F3A7;", "\U0001F3A7"), ("&#127911;!", "\U0001F3A7!"), ("<![CDATA[&#x1F3A7;\U0001F3A7]]>", "&#x1F3A7;\U0001F3A7"),
                                          ("\U00010000\U0010FFFDx", "\U00010000\U0010FFFDx"), ("&#xE9;", "\xe9"))):
            path, body = face.encode("department.create", {"name": f"wide{n}", "title": "MARK"})
            face.post(path, body.replace("MARK", sent), admin)
            made = face.decode("department.create")
            self.assertEqual(made["title"], kept)
            self.assertEqual(S.call("department.get", admin, id=made["id"])["title"], kept)
            S.call("department.delete", admin, id=made["id"])

    def test_references(self):
        viewer = S.tenants["dotblock"].people["viewer"]
        for face in support.all_faces(S, C.api):
            for text in HOSTILE:
                for operation in ("queue.get", "agent.get") if face.name != "cli" else ("queue.get",):
                    if face.name == "cli" and text.startswith("-"):
                        continue   # an option, as for any program
                    token, answer = attempt(face, operation, {"id": text}, viewer)
                    self.assertIn(token, ("not_found", "invalid_argument"), f"{face.name} {text!r}: {answer}")
                    self.assertNotRegex((face.last + str(answer)).lower(), "sqlite|mysql|mariadb|syntax error|constraint")

    def test_cursors(self):
        """A cursor is opaque, so its inside is the server's to distrust: for the feed what it did not give is foreign, in a page it is a place or no `next`."""
        import base64
        viewer = S.tenants["dotblock"].people["admin"]
        foreign = base64.urlsafe_b64encode(b"k3v9x1q7m2p8w4z6:5").decode().rstrip("=")   # as another run gives them
        self.assertRegex(base64.urlsafe_b64decode(S.call("event.poll", viewer)["next"] + "=="), rb"^[^:]+:\d+$")
        self.assertEqual(attempt(S.json, "event.poll", {"after": foreign}, viewer)[0], "start_anew")
        self.assertEqual(attempt(S.json, "event.poll", {"after": "AAAA"}, viewer)[0], "start_anew")
        for inside in (b"", b"\x00", b"\xff\xfe", b"' OR 1=1 --", b"a" * 300, b"99999999999999999999999", b"-1", b"\r\n", "漢".encode(), b":::", b"x:1", b"x:-1", b"x:" + b"9" * 30):
            cursor = base64.urlsafe_b64encode(inside).decode().rstrip("=") or "A"
            for operation in C.operations:
                if "after" in C.properties(operation) and "admin" in C.roles(operation):
                    token, answer = attempt(S.json, operation, {"after": cursor}, viewer)
                    expected = ("start_anew",) if operation == "event.poll" else ("ok", "invalid_argument")
                    self.assertIn(token, expected, f"{operation} after {inside!r}: {answer}")


class ZAfterwards(unittest.TestCase):
    def test_nothing_broke(self):
        text = S.get("/metrics")[1]
        self.assertNotIn('outcome="internal"', text)
        self.assertIn('pbxd_ami_connects_total{asterisk="main"} 1\n', text)   # the session to Asterisk never ended
        self.assertIn('pbxd_asterisk_up{asterisk="main"} 1\n', text)
        self.assertIn('pbxd_ami_unknown_action_ids_total{asterisk="main"} 0\n', text)

    def test_one_line_each_in_the_log(self):
        """Nothing that was sent starts a line of its own."""
        for line in S.log_text().splitlines():
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z (error|warning|info|debug) ")


if __name__ == "__main__":
    support.run(stack.Stack)
