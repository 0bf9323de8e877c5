"""The four faces of pbxd as small clients: call(operation, params, login) answers the result or raises Fault.

They are raw on purpose (no SOAP or XML-RPC library between us and the wire, but for Python's marshalling of values), so that a test can also send what no
library would. `last` is the text of the last answer, byte for byte.
"""
import base64
import dataclasses
import http.client
import json
import os
import re
import subprocess
import urllib.parse
import xml.etree.ElementTree as ElementTree
import xmlrpc.client
from xml.sax.saxutils import escape

NAMESPACE = "urn:pbxd:integration:v1"
# What a command of pbxctl is about, where that is no `id`.
SUBJECTS = {"blocklist.add": "number", "blocklist.check": "number", "priority.add": "number", "customer.set": "number", "customer.set_status": "number",
            "status_rule.set": "status", "did.create": "number", "route.explain": "dialled", "phone.create": "agent", "outbound_rule.create": "value",
            "callback_policy.get": "queue", "callback_policy.set": "queue", "callback_policy.unset": "queue", "call.originate": "number"}
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"


@dataclasses.dataclass(frozen=True)
class Login:
    """Basic with `user`, Bearer where `user` is None."""
    user: str | None
    password: str

    @property
    def header(self):
        if self.user is None:
            return "Bearer " + self.password
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


class Fault(Exception):
    """A refusal: its token, its text, the field that it names (where the face tells it apart), the HTTP status."""

    def __init__(self, token, text, status=None, field=None):
        super().__init__(f"{token}: {text}")
        self.token, self.text, self.status, self.field = token, text, status, field


class Unreadable(Exception):
    """An answer that is neither a result nor a typed fault of its face."""


class HttpFace:
    name = path = content_type = None

    def __init__(self, url, source=None):
        self.url = urllib.parse.urlsplit(url)
        self.source = source          # address that we come from: 127.0.0.x
        self.last = self.last_status = self.last_headers = None
        self._connection = None   # kept between calls

    def post(self, path, body, login=None, headers=None):
        """Status and text. `login` is a Login, a raw Authorization header, or None."""
        sent = {"Content-Type": self.content_type}
        if login is not None:
            sent["Authorization"] = login if isinstance(login, str) else login.header
        sent.update(headers or {})
        body = body if isinstance(body, bytes) else body.encode()
        for fresh in (False, True):
            if self._connection is None:
                fresh = True
                self._connection = http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=60,
                                                              source_address=(self.source, 0) if self.source else None)
            try:
                self._connection.request("POST", path, body, sent)
                answer = self._connection.getresponse()
                self.last, self.last_status, self.last_headers = answer.read().decode(), answer.status, answer.headers
                break
            except (http.client.HTTPException, OSError):
                self.close()          # a kept connection that the server has closed meanwhile
                if fresh:
                    raise
        if self.last_headers.get("Connection", "").lower() == "close":
            self.close()
        return self.last_status, self.last

    def close(self):
        if self._connection:
            self._connection.close()
            self._connection = None

    def __del__(self):
        self.close()

    def call(self, operation, params=None, login=None, headers=None):
        path, body = self.encode(operation, params or {})
        self.post(path, body, login, headers)
        return self.decode(operation)

    def encode(self, operation, params):
        raise NotImplementedError

    def decode(self, operation):
        raise NotImplementedError


class JsonFace(HttpFace):
    name, content_type = "json", "application/json"

    def encode(self, operation, params):
        return "/api/v1/" + operation, json.dumps(params)

    def decode(self, operation):
        try:
            answer = json.loads(self.last)
        except ValueError:
            raise Unreadable(f"{operation}: HTTP {self.last_status}: {self.last[:300]}") from None
        if self.last_status == 200:
            return answer
        error = answer["error"]
        raise Fault(error["code"], error["message"], self.last_status, error.get("field"))


class XmlRpcFace(HttpFace):
    name, content_type = "xmlrpc", "text/xml"

    def encode(self, operation, params):
        return "/RPC2", xmlrpc.client.dumps((params,) if params else (), operation, encoding="utf-8")

    def decode(self, operation):
        try:
            (result,), _ = xmlrpc.client.loads(self.last)
            return result
        except xmlrpc.client.Fault as fault:
            token, _, text = fault.faultString.partition(": ")
            found = Fault(token, text, self.last_status, _field_of(text))
            found.number = fault.faultCode
            raise found from None
        except Exception as error:
            raise Unreadable(f"{operation}: HTTP {self.last_status}: {error}: {self.last[:300]}") from None


class SoapFace(HttpFace):
    name, content_type = "soap", 'text/xml; charset="utf-8"'

    def __init__(self, url, source=None, api=None):
        """`api`: the OpenAPI document, for the order of the elements and to know lists from single values."""
        super().__init__(url, source)
        self.api = api

    def _properties(self, operation):
        return self.api["paths"]["/api/v1/" + operation]["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"]

    def encode(self, operation, params):
        name = soap_name(operation)
        known = list(self._properties(operation)) if self.api and f"/api/v1/{operation}" in self.api["paths"] else []
        ordered = [n for n in known if n in params] + [n for n in params if n not in known]
        properties = self._properties(operation) if known else {}
        inner = "".join(f"<{n}>{self._value(v, properties.get(n, {}))}</{n}>"
                        for n in ordered for v in (params[n] if isinstance(params[n], list) else [params[n]]))
        return "/soap", (f'<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="{ENVELOPE}"><e:Body><{name} xmlns="{NAMESPACE}">'
                         f"{inner}</{name}></e:Body></e:Envelope>")

    def _value(self, value, schema):
        """Of a struct its fields, in the order of its description."""
        if not isinstance(value, dict):
            return _soap_text(value)
        reference = schema.get("$ref") or schema.get("items", {}).get("$ref", "")
        fields = self.api["components"]["schemas"][reference.rpartition("/")[2]]["properties"] if reference else {}
        ordered = [n for n in fields if n in value] + [n for n in value if n not in fields]
        return "".join(f"<{n}>{_soap_text(value[n])}</{n}>" for n in ordered)

    def decode(self, operation):
        try:
            body = ElementTree.fromstring(self.last).find(f"{{{ENVELOPE}}}Body")
            first = body[0]
        except (ElementTree.ParseError, TypeError, IndexError) as error:
            raise Unreadable(f"{operation}: HTTP {self.last_status}: {error}: {self.last[:300]}") from None
        if first.tag != f"{{{ENVELOPE}}}Fault":
            schemas = self.api["components"]["schemas"]
            answer = self.api["paths"]["/api/v1/" + operation]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
            return _soap_object(first[0], answer, schemas)
        detail = {e.tag.rpartition("}")[2]: e.text for e in first.iter()}
        if "code" not in detail or "token" not in detail:
            raise Unreadable(f"{operation}: a fault without code and token: {self.last[:600]}")
        text = detail.get("text") or detail.get("message") or detail.get("faultstring") or ""
        raise Fault(detail["token"], text, self.last_status, detail.get("field") or _field_of(text))


class CliFace:
    """pbxctl --output json. Its exit code gives the token; its text goes to standard error."""
    name = "cli"

    def __init__(self, program, url, folder, errors=None):
        self.program, self.url, self.folder = program, url, folder
        self.errors = errors or {}      # exit code → tokens; several tokens share one
        self.last = self.last_error = None
        self.secret_file = os.path.join(folder, "cli-secret")   # for one call at a time

    def close(self):
        pass

    def arguments(self, operation, params):
        """A field that is secret goes by a file."""
        noun, verb = operation.split(".")
        out = [noun.replace("_", "-"), verb.replace("_", "-"), "--output=json"]
        rest = dict(params)
        positional = rest.pop(SUBJECTS.get(operation, "id"), None)
        for n, value in rest.items():
            option = n.replace("_", "-")
            if n in ("password", "secret"):
                with open(os.open(self.secret_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
                    f.write(value + "\n")
                out.append(f"--{option}-file={self.secret_file}")
                continue
            if value == []:
                value = ""
            for v in value if isinstance(value, list) else [value]:
                v = json.dumps(v) if isinstance(v, dict) else v
                v = ("yes" if v else "no") if isinstance(v, bool) else v
                out += [f"--{option}", ""] if v == "" else [f"--{option}={v}"]
        return out + ([str(positional)] if positional is not None else [])

    def run(self, arguments, login=None):
        """(exit code, the answer where it is one, standard error) of a command line."""
        environment = {"PBXCTL_SERVER": self.url, "HOME": self.folder, "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        if login is not None and login.user is None:
            environment["PBXCTL_TOKEN"] = login.password
        elif login is not None:
            environment.update(PBXCTL_USER=login.user, PBXCTL_PASSWORD=login.password)
        done = subprocess.run([self.program, *arguments], capture_output=True, text=True, timeout=60, env=environment, stdin=subprocess.DEVNULL, cwd=self.folder)
        self.last, self.last_error, self.last_status = done.stdout, done.stderr, done.returncode
        if done.returncode:
            return done.returncode, None, done.stderr
        try:
            return 0, json.loads(done.stdout), done.stderr
        except ValueError:
            raise Unreadable(f"pbxctl {arguments}: {done.stdout[:300]}") from None

    def call(self, operation, params=None, login=None, headers=None):
        code, answer, error = self.run(self.arguments(operation, params or {}), login)
        if code:
            raise Fault(self.errors.get(code, f"exit_{code}"), error.strip(), code)
        return answer


def soap_name(operation):
    """"user.set_password" → "userSetPassword"."""
    first, *rest = re.split(r"[._]", operation)
    return first + "".join(word.capitalize() for word in rest)


def _soap_text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape(str(value))


def _soap_object(element, schema, schemas):
    """An element as the JSON face would give it."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if schema.get("type") == "object":
        out = {n: [] for n, p in schema["properties"].items() if p.get("type") == "array"}
        for child in element:
            n = child.tag.rpartition("}")[2]
            p = schema["properties"][n]
            if p.get("type") == "array":
                out[n].append(_soap_object(child, p["items"], schemas))
            else:
                out[n] = _soap_object(child, p, schemas)
        return out
    text = element.text or ""
    return {"integer": int, "boolean": lambda t: t in ("true", "1")}.get(schema.get("type"), str)(text)


def _field_of(text):
    match = re.match(r"([a-z][a-z0-9_.\[\]]*): ", text)
    return match.group(1) if match else None
