"""The operations as the running server describes them in /api/v1/openapi.json, and parameters to call each with."""
import json
import secrets

# Every text parameter of the catalogue is one of these. A new one must be put in its place here, or the tests fail: a reference that nobody tries is a hole.
REFERENCES = {"id", "tenant", "department", "departments", "agent", "user", "queue", "queues", "after", "login"}
CLAIMS = {"asterisk_name", "interface"}      # names in Asterisk, which is shared by the tenants
PLAIN = {"name", "title", "country", "time_zone", "languages", "password", "operations", "operation", "server", "idempotency_key",
         "number", "note", "reason", "key", "extension"}
OF_CALLS = ("queue.remove_caller", "queue.prioritise_caller")      # their id is a call's
ID_PREFIXES = {"tenant": "t", "department": "d", "queue": "q", "agent": "a", "user": "u", "token": "k", "callback": "r", "pause_reason": "y", "action": "x"}
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
        return [n for n, p in self.properties(operation).items() if (p if p["type"] != "array" else p["items"]).get("type") == "string"
                and "enum" not in p and p.get("format") != "date-time"]

    def unclassified(self):
        return {n for o in self.operations for n in self.texts(o)} - REFERENCES - CLAIMS - PLAIN

    def valid(self, operation, tenant, **given):
        """Parameters with which somebody of `tenant` (a stack.Tenant) could call it; what is created has a fresh name."""
        fresh = "n" + secrets.token_hex(5)
        values = {
            "id": self.some_id(operation, tenant), "name": fresh, "title": "Some title", "country": "US", "time_zone": "America/New_York", "login": fresh,
            "password": "correct horse " + fresh, "role": "supervisor", "interface": f"PJSIP/{tenant.name}-{fresh}", "operations": ["queue.*"],
            "queue": tenant.queues["sales"], "number": "+1212" + "".join(secrets.choice("23456789") for _ in range(7)),
            "extension": "800", "priority": 1, "penalty": 0,
        }
        params = {n: values[n] for n in self.required(operation)}
        if operation == "token.create":
            params["operations"] = ["queue.*"]
        return params | given

    def some_id(self, operation, tenant):
        kind = operation.split(".")[0]
        if operation in OF_CALLS:
            kind = "call"
        return {"tenant": tenant.id, "department": tenant.departments["sales"], "queue": tenant.queues["sales"], "agent": tenant.agents["agent-102"],
                "user": tenant.user_ids["viewer"], "token": tenant.token_ids["viewer"], "call": "main/1.1",
                "pause_reason": "lunch", "action": "x_" + "a" * 16, "callback": tenant.callback}.get(kind)

    def _schema(self, operation):
        return self.operations[operation]["requestBody"]["content"]["application/json"]["schema"]


def never_existed(reference):
    """An id or a name of the same length and form that nobody has."""
    prefix, underscore, _ = reference.partition("_")
    if underscore and prefix in ID_PREFIXES.values():
        return prefix + "_" + "".join(secrets.choice(ALPHABET) for _ in reference[2:])
    if reference.startswith("main/"):
        return "main/" + "".join(secrets.choice("0123456789") if c.isdigit() else c for c in reference[5:])
    return "".join(secrets.choice(ALPHABET[:26]) for _ in reference)
