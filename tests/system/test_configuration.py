"""What Asterisk's configuration is made of, from outside: phones, trunks, outbound rules, queue settings, callback policies: said on one face, seen on the others,
refused by the field's name."""
import hashlib
import os
import unittest

import catalogue
import faces
import stack
import support
from support import attempt

S: stack.Stack
C: catalogue.Catalogue


def setUpModule():
    global T, admin, all_faces
    T = S.tenants["viatalk"]
    admin, all_faces = T.people["admin"], support.all_faces(S, C.api)


class Base(unittest.TestCase):
    def refused(self, face, operation, params, token, field=None, holds="", login=None):
        seen, answer = attempt(face, operation, params, login or admin)
        where = f"{face.name} {operation} {params}"
        self.assertEqual(seen, {"already_exists": "conflict"}.get(token, token) if face.name == "cli" else token, f"{where}: {answer}")
        if field and face.name != "cli":
            self.assertEqual(answer.field, field, where)
        self.assertIn(holds, answer.text, where)


class Phones(Base):
    def test_a_life_on_every_face(self):
        for n, face in enumerate(all_faces):
            agent = S.call("agent.create", admin, name=f"phone-{n}", title=f"Ann {n}", interface=f"PJSIP/viatalk-20{n}")
            made = face.call("phone.create", {"agent": f"phone-{n}", "extension": f"20{n}", "caller_number": "(646) 555-0103"}, admin)
            self.assertEqual((made["id"], made["agent"], made["username"], made["realm"]), (agent["id"], f"phone-{n}", f"viatalk-20{n}", "pbxd"), face.name)
            self.assertEqual(len(made["secret"]), 24)
            for other in all_faces:
                seen = other.call("phone.get", {"id": f"phone-{n}"}, admin)
                self.assertEqual((seen["extension"], seen["caller_name"], seen["caller_number"]), (f"20{n}", f"Ann {n}", T.numbers["did"]), other.name)
                self.assertNotIn(made["secret"], other.last)
                self.assertNotIn("secret", seen)
            changed = face.call("phone.update", {"id": agent["id"], "extension": f"30{n}", "caller_name": "Desk", "caller_number": ""}, admin)
            self.assertEqual((changed["extension"], changed["caller_name"], changed.get("caller_number")), (f"30{n}", "Desk", None), face.name)
            again = face.call("phone.new_secret", {"id": f"phone-{n}"}, admin)
            self.assertNotEqual(again["secret"], made["secret"])
            self.assertEqual(face.call("phone.delete", {"id": f"phone-{n}"}, admin), {"id": agent["id"]})
            self.refused(face, "phone.get", {"id": f"phone-{n}"}, "not_found")

    @unittest.skipUnless(os.environ.get("PBX_BACKEND", "sqlite") == "sqlite", "looks into the SQLite files")
    def test_the_digest_is_that_of_the_secret(self):
        S.call("agent.create", admin, name="digest", title="D", interface="PJSIP/viatalk-250")
        made = S.call("phone.create", admin, agent="digest", extension="250")
        wanted = hashlib.md5(f"viatalk-250:pbxd:{made['secret']}".encode()).hexdigest()
        held = b""
        for name in os.listdir(S.path("data")):
            with open(S.path("data", name), "rb") as f:
                held += f.read()
        self.assertIn(wanted.encode(), held)
        self.assertNotIn(made["secret"].encode(), held)

    def test_refusals(self):
        S.call("agent.create", S.operator, tenant="viatalk", name="local", title="L", interface="Local/1@x")
        for face in all_faces:
            self.refused(face, "phone.create", {"agent": "local", "extension": "260"}, "conflict", holds="PJSIP/")
            self.refused(face, "phone.create", {"agent": "agent-102", "extension": "261"}, "already_exists", holds="phone already")
            self.refused(face, "phone.create", {"agent": "agent-104", "extension": "102"}, "already_exists", holds="extension")
            for extension in ("1", "1234567", "10a"):
                self.refused(face, "phone.create", {"agent": "agent-104", "extension": extension}, "invalid_argument", "extension")
            self.refused(face, "phone.create", {"agent": "agent-104", "extension": "262", "caller_number": "+1"}, "invalid_argument", "caller_number", "such as +1")


class ShownNumbers(Base):
    """What others are shown is the tenant's own: one of its DIDs, or what a trunk shows, which operators alone set."""

    def test_only_the_tenants_own(self):
        S.call("agent.create", admin, name="shown", title="S", interface="PJSIP/viatalk-270")
        S.call("phone.create", admin, agent="shown", extension="270")
        foreign = S.tenants["hostrocket"].numbers["did"]
        for face in all_faces:
            # another company's, nobody's, an extension, what is no number
            for number, holds in ((foreign, "did.list"), ("+12125550199", "trunk.list"), ("270", "did.list"), ("12+12", "")):
                self.refused(face, "phone.update", {"id": "shown", "caller_number": number}, "invalid_argument", "caller_number", holds)
                self.refused(face, "callback_policy.set", {"caller_number": number}, "invalid_argument", "caller_number", holds)
            self.refused(face, "phone.create", {"agent": "agent-104", "extension": "271", "caller_number": foreign}, "invalid_argument", "caller_number", "did.list")
            S.call("trunk.update", S.operator, tenant="viatalk", id="line", caller_number="+12125550199")
            try:
                for number in ("+12125550199", T.numbers["did"]):
                    self.assertEqual(face.call("phone.update", {"id": "shown", "caller_number": number}, admin)["caller_number"], number, face.name)
                    self.assertEqual(face.call("callback_policy.set", {"caller_number": number}, admin)["caller_number"], number, face.name)
            finally:
                S.call("trunk.update", S.operator, tenant="viatalk", id="line", caller_number="")
            face.call("callback_policy.unset", {}, admin)
        S.call("phone.delete", admin, id="shown")


class Trunks(Base):
    SECRET = "the providers word"

    def test_a_life_on_every_face(self):
        for n, face in enumerate(all_faces):
            host = f"198.51.100.{n}"
            made = face.call("trunk.create", {"tenant": "viatalk", "name": f"t{n}", "host": host, "username": "cust7", "realm": "example.com",
                                              "secret": self.SECRET, "registers": True}, S.operator)
            self.assertEqual((made["addresses"], made["codecs"], made["port"], made["registers"], made["server"]), ([host], ["alaw", "ulaw"], 5060, True, "main"), face.name)
            self.assertNotIn(self.SECRET, face.last)
            for other in all_faces:
                self.assertEqual(other.call("trunk.get", {"id": f"t{n}"}, admin), made, other.name)
            changed = face.call("trunk.update", {"tenant": "viatalk", "id": f"t{n}", "port": 5070, "codecs": ["g722", "alaw"]}, S.operator)
            self.assertEqual(changed, made | {"port": 5070, "codecs": ["g722", "alaw"]}, face.name)
            self.refused(face, "trunk.update", {"tenant": "viatalk", "id": f"t{n}", "username": "cust8"}, "invalid_argument", "secret", login=S.operator)
            self.refused(face, "trunk.update", {"id": f"t{n}", "port": 1}, "forbidden")
            face.call("trunk.delete", {"tenant": "viatalk", "id": made["id"]}, S.operator)
            self.refused(face, "trunk.get", {"id": f"t{n}"}, "not_found")

    def test_an_address_is_one_companys(self):
        for face in all_faces:
            for addresses in (["192.0.2.2"], ["203.0.113.1", "192.0.2.2/31"]):
                self.refused(face, "trunk.create", {"tenant": "viatalk", "name": "x", "host": "sip.example.com", "addresses": addresses}, "conflict",
                             holds="trunk line of hostrocket", login=S.operator)
            for params, field in (({"host": "sip.example.com"}, "addresses"), ({"host": "a;b"}, "host"), ({"host": "198.51.100.9", "codecs": ["mp3"]}, "codecs"),
                                  ({"host": "198.51.100.9", "username": "u", "secret": self.SECRET}, "realm"), ({"host": "198.51.100.9", "secret": self.SECRET}, "username"),
                                  ({"host": "198.51.100.9", "registers": True}, "username"), ({"host": "198.51.100.9", "server": "nowhere"}, "server")):
                self.refused(face, "trunk.create", {"tenant": "viatalk", "name": "x"} | params, "invalid_argument", field, login=S.operator)


class OutboundRules(Base):
    def test_a_life_on_every_face(self):
        for n, face in enumerate(all_faces):
            prefix = face.call("outbound_rule.create", {"value": f"+1 (80{n})", "allowed": False}, admin)
            self.assertEqual((prefix["kind"], prefix["value"], prefix["allowed"]), ("prefix", f"+180{n}", False), face.name)
            country = face.call("outbound_rule.create", {"value": "GB", "types": ["mobile", "fixed"]}, admin)
            self.assertEqual((country["kind"], country["types"], country["allowed"]), ("country", ["mobile", "fixed"], True), face.name)
            for other in all_faces:
                rows = {row["value"]: row for row in other.call("outbound_rule.list", {}, T.people["viewer"])["items"]}
                self.assertEqual((rows[f"+180{n}"], rows["GB"]), (prefix, country), other.name)
            self.refused(face, "outbound_rule.create", {"value": "GB"}, "already_exists", holds="value")
            self.assertEqual(face.call("outbound_rule.delete", {"id": f"+180{n}"}, admin), {"id": prefix["id"]})
            self.assertEqual(face.call("outbound_rule.delete", {"id": country["id"]}, admin), {"id": country["id"]})
            self.refused(face, "outbound_rule.delete", {"id": "GB"}, "not_found")
            for params, field in (({"value": "911"}, "value"), ({"value": "gb"}, "value"), ({"value": "+"}, "value"), ({"value": "US", "types": ["cheap"]}, "types[0]"),
                                  ({"value": "+1303", "types": ["mobile"]}, "types")):
                self.refused(face, "outbound_rule.create", params, "invalid_argument", field)

    def test_pages(self):
        for value in ("+1212", "+1213", "+1214"):
            S.call("outbound_rule.create", admin, value=value)
        everything = [row["value"] for row in S.call("outbound_rule.list", admin)["items"]]
        self.assertEqual(everything, sorted(everything))
        first = S.call("outbound_rule.list", admin, limit=2)
        self.assertEqual([row["value"] for row in first["items"]], everything[:2])
        self.assertEqual([row["value"] for row in S.call("outbound_rule.list", admin, after=first["next"])["items"]], everything[2:])


class QueueSettings(Base):
    def test_what_is_left_out_stays(self):
        start = S.call("queue.get_settings", admin, id="sales")
        self.assertEqual((start["strategy"], start["ring_seconds"], start["join_when"], start.get("max_wait_seconds")), ("rrmemory", 15, "always", None))
        told = dict(start)
        for face, change in zip(all_faces, ({"strategy": "fewestcalls", "max_wait_seconds": 600}, {"ring_seconds": 20, "join_when": "logged_in", "agent_sound": "beep"},
                                            {"music_class": "jazz", "periodic_sound": "custom/hello", "weight": 3}, {"max_waiting": 30, "leave_when": "unpaused"})):
            told |= change
            self.assertEqual(face.call("queue.update_settings", {"id": "sales"} | change, admin), told, face.name)
            for other in all_faces:
                self.assertEqual(other.call("queue.get_settings", {"id": "sales"}, admin), told, f"{face.name} {other.name}")
            self.refused(face, "queue.update_settings", {"id": "sales", "ring_seconds": 0}, "invalid_argument", "ring_seconds")
            self.refused(face, "queue.update_settings", {"id": "sales", "music_class": "a;b"}, "invalid_argument", "music_class")
            self.refused(face, "queue.update_settings", {"id": "sales", "agent_sound": "${SHELL(id)}"}, "invalid_argument", "agent_sound")
        cleared = S.call("queue.update_settings", admin, id="sales", max_wait_seconds=0, agent_sound="", periodic_sound="")
        self.assertEqual(set(told) - set(cleared), {"max_wait_seconds", "agent_sound", "periodic_sound"})


class CallbackPolicies(Base):
    def test_queue_tenant_built_in(self):
        for face in all_faces:
            built_in = face.call("callback_policy.get", {"queue": "sales"}, admin)
            self.assertEqual((built_in["origin"], built_in["mode"], built_in["max_attempts"], built_in["queue"]), ("built_in", "agent_first", 3, "sales"), face.name)
            tenant = face.call("callback_policy.set", {"max_attempts": 5, "hours": "office", "caller_number": "646 555 0103"}, admin)
            self.assertEqual((tenant["origin"], tenant["id"], tenant["max_attempts"], tenant["hours"], tenant["caller_number"], tenant["retries"]),
                             ("tenant", T.id, 5, "office", T.numbers["did"], built_in["retries"]), face.name)
            of_queue = face.call("callback_policy.get", {"queue": "sales"}, admin)
            self.assertEqual((of_queue["origin"], of_queue["max_attempts"], of_queue["id"]), ("tenant", 5, T.queues["sales"]), face.name)
            own = face.call("callback_policy.set", {"queue": "sales", "mode": "customer_first", "ask_key": True, "ring_seconds": 20,
                                                    "retries": [{"outcome": "busy", "after_seconds": 120}, {"outcome": "no_answer", "after_seconds": 0}]}, admin)
            self.assertEqual((own["origin"], own["mode"], own["ask_key"], own["max_attempts"], own.get("hours")), ("queue", "customer_first", True, 3, None), face.name)
            self.assertEqual(own["retries"], [{"outcome": "busy", "after_seconds": 120}, {"outcome": "no_answer", "after_seconds": 0}], face.name)
            for other in all_faces:
                self.assertEqual(other.call("callback_policy.get", {"queue": "sales"}, T.people["viewer"]), own, other.name)
            self.refused(face, "hours.delete", {"id": "office"}, "conflict", holds="callback policy")
            self.refused(face, "callback_policy.set", {"retries": [{"outcome": "reached", "after_seconds": 1}]}, "invalid_argument", "retries[0].outcome")
            self.refused(face, "callback_policy.set", {"retries": [{"outcome": "busy", "after_seconds": 1}] * 2}, "invalid_argument", "retries[1].outcome", "twice")
            self.refused(face, "callback_policy.set", {"ring_seconds": 4}, "invalid_argument", "ring_seconds")
            self.refused(face, "callback_policy.set", {"hours": "nothing"}, "not_found")
            self.assertEqual(face.call("callback_policy.unset", {"queue": "sales"}, admin), {"id": T.queues["sales"]})
            self.assertEqual(face.call("callback_policy.unset", {}, admin), {"id": T.id})
            self.assertEqual(face.call("callback_policy.get", {"queue": "sales"}, admin), built_in, face.name)


if __name__ == "__main__":
    support.run(stack.Stack)
