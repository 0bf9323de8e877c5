"""The operations as the running server describes them in /api/v1/openapi.json, and parameters to call each with."""
import json
import secrets

# Every text parameter of the catalogue is one of these. A new one must be put in its place here, or the tests fail: a reference that nobody tries is a hole.
REFERENCES = {"id", "tenant", "department", "departments", "agent", "user", "queue", "queues", "after", "login", "hours", "default_queue"}
CLAIMS = {"asterisk_name", "interface"}      # names in Asterisk, which is shared by the tenants
PLAIN = {"name", "title", "country", "time_zone", "languages", "password", "operations", "operation", "server", "idempotency_key",
         "number", "reason", "status", "dialled", "caller", "note", "key", "extension", "caller_id",
         "caller_name", "caller_number", "host", "addresses", "codecs", "username", "realm", "secret", "value", "types", "music_class", "agent_sound", "periodic_sound"}
NESTED = {"target", "name", "value", "from", "to", "date", "title"}   # texts of structs; test_wall.py tries what `target` names
ID_PREFIXES = {"tenant": "t", "department": "d", "queue": "q", "agent": "a", "user": "u", "token": "k", "blocklist": "b", "priority": "p", "customer": "c",
               "did": "n", "hours": "h", "callback": "r", "pause_reason": "y", "action": "x", "trunk": "l", "outbound_rule": "o"}
MAKES = {"blocklist": "add", "priority": "add", "customer": "set", "status_rule": "set", "callback": "request"}   # of the others: create
OF_OPERATORS = {"tenant.create", "trunk.create", "trunk.update", "trunk.delete", "did.create", "did.delete", "asterisk.apply"}      # what a tenant's own people cannot do
OF_CALLS = ("queue.remove_caller", "queue.prioritise_caller", "queue.transfer_caller")      # their id is a call's
ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


class Catalogue:
    def __init__(self, stack):
        self.api = json.loads(stack.get("/api/v1/openapi.json")[1])
        self.operations = {path.removeprefix("/api/v1/"): item["post"] for path, item in self.api["paths"].items()}

    def properties(self, operation):
        return self._schema(operation)["properties"]

    def required(self, operation):
        return self._schema(operation).get("required", [])

    def roles(self, operation):
        return self.operations[operation]["description"].removeprefix("Roles: ").rstrip(".").split(", ")

    def changes(self, operation):
        return "idempotency_key" in self.properties(operation)

    def texts(self, operation):
        """The parameters that are text or lists of text, without enumerations."""
        return [n for n, p in self.properties(operation).items() if (p if p.get("type") != "array" else p["items"]).get("type") == "string"
                and "enum" not in p and p.get("format") != "date-time"]

    def unclassified(self):
        return {n for o in self.operations for n in self.texts(o)} - REFERENCES - CLAIMS - PLAIN | self._nested_texts() - NESTED

    def structs(self):
        """(operation, parameter, whether it is a list, the properties of the struct) of every parameter that is one."""
        for operation in self.operations:
            for name, p in self.properties(operation).items():
                reference = p.get("$ref") or p.get("items", {}).get("$ref")
                if reference:
                    yield operation, name, "items" in p, self.api["components"]["schemas"][reference.rpartition("/")[2]]["properties"]

    def _nested_texts(self):
        found = set()
        for operation in self.operations:
            for p in self.properties(operation).values():
                reference = p.get("$ref") or p.get("items", {}).get("$ref")
                if reference:
                    inner = self.api["components"]["schemas"][reference.rpartition("/")[2]]["properties"]
                    found |= {n for n, q in inner.items() if q.get("type") == "string" and "enum" not in q}
        return found

    def valid(self, operation, tenant, **given):
        """Parameters with which somebody of `tenant` (a stack.Tenant) could call it; what is created has a fresh name."""
        fresh = "n" + secrets.token_hex(5)
        values = {
            "id": self.some_id(operation, tenant), "name": fresh, "title": "Some title", "country": "US", "time_zone": "America/New_York", "login": fresh,
            "password": "correct horse " + fresh, "role": "supervisor", "interface": f"PJSIP/{tenant.name}-{fresh}", "operations": ["queue.*"],
            "queue": tenant.queues["sales"],
            "number": fresh_number(), "dialled": fresh_number(), "status": fresh,
            "extension": "800", "priority": 1, "penalty": 0, "action": "pause",
        }
        values |= {"host": fresh_address(), "value": fresh_number()[:8], "agent": tenant.agents["agent-103"]}
        if operation == "phone.create":
            values["extension"] = str(secrets.randbelow(900_000) + 100_000)
        params = {n: values[n] for n in self.required(operation)}
        if operation == "token.create":
            params["operations"] = ["queue.*"]
        if operation == "blocklist.add":
            params["number"] = values["number"]
        return params | given

    def some_id(self, operation, tenant):
        kind = operation.split(".")[0]
        if operation in OF_CALLS:
            kind = "call"
        return {"tenant": tenant.id, "department": tenant.departments["sales"], "queue": tenant.queues["sales"], "agent": tenant.agents["agent-102"],
                "phone": tenant.agents["agent-102"], "user": tenant.user_ids["viewer"], "token": tenant.token_ids["viewer"], "call": "main/1.1",
                "pause_reason": "lunch", "action": "x_" + "a" * 16,
                "callback": tenant.callback}.get(kind) or tenant.routing.get(kind)

    def _schema(self, operation):
        return self.operations[operation]["requestBody"]["content"]["application/json"]["schema"]


def fresh_number():
    """Of a city: what begins with 900 is a premium-rate number, which is refused as such."""
    return "+1" + secrets.choice(("212", "312", "415")) + secrets.choice("23456789") + "".join(secrets.choice("0123456789") for _ in range(6))


def fresh_address():
    return "10." + ".".join(str(secrets.randbelow(254) + 1) for _ in range(3))


def never_existed(reference):
    """An id or a name of the same length and form that nobody has."""
    prefix, underscore, _ = reference.partition("_")
    if underscore and prefix in ID_PREFIXES.values():
        return prefix + "_" + "".join(secrets.choice(ALPHABET) for _ in reference[2:])
    if reference.startswith("+"):
        return fresh_number()[:len(reference)]
    if reference.startswith("main/"):
        return "main/" + "".join(secrets.choice("0123456789") if c.isdigit() else c for c in reference[5:])
    return "".join(secrets.choice(ALPHABET[:26]) for _ in reference)
