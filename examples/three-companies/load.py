#!/usr/bin/env python3
"""load.py URL CREDENTIALS: makes the three companies of companies.json in a running pbxd, through its JSON face.

CREDENTIALS is a file of lines `user password tenant role` whose first line is an operator's; for each company an admin, a
supervisor, a viewer and an agent are added to it (and made) with generated passwords. What exists already is left alone, so that
it may be run again. Agents are taken over from the members that Asterisk's queues have.
"""
import base64
import json
import os
import re
import secrets
import sys
import time
import urllib.error
import urllib.request


class Refused(Exception):
    def __init__(self, error):
        super().__init__(f"{error['code']}: {error['message']}")
        self.code = error["code"]


class Pbxd:
    def __init__(self, url, user, password):
        self.url = url.rstrip("/")
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        self.headers = {"Content-Type": "application/json", "Authorization": "Basic " + token}

    def call(self, operation, **params):
        request = urllib.request.Request(f"{self.url}/api/v1/{operation}", json.dumps(params).encode(), self.headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            error = json.load(refused)["error"]
            if error["code"] == "too_many_requests":  # passwords are hashed two at a time
                time.sleep(error.get("retry_after", 1))
                return self.call(operation, **params)
            raise Refused(error) from None

    def ensure(self, operation, **params):
        """Creates; False when it was there."""
        try:
            self.call(operation, **params)
            return True
        except Refused as refused:
            if refused.code != "already_exists":
                raise
            return False


def slug(name):
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:63] or "agent"


def members(pbxd, tenant, queues, patience=20):
    """{interface: member name} of the company's queues, as soon as the board has them."""
    found, until = {}, time.monotonic() + patience
    while not found and time.monotonic() < until:
        for queue in queues:
            for member in pbxd.call("queue.status", tenant=tenant, id=queue)["members"]:
                found[member["interface"]] = member["member_name"]
        if not found:
            time.sleep(0.3)
    return found


def load_routing(pbxd, tenant, routing):
    """The routing tables, once: what people have changed since stays as it is."""
    made = [pbxd.ensure("hours.create", tenant=tenant, **hours) for hours in routing["hours"]]
    if not all(made):
        return
    for did in routing["dids"]:
        pbxd.ensure("did.create", tenant=tenant, **did)
    for entry in routing["blocklist"]:
        pbxd.ensure("blocklist.add", tenant=tenant, **entry)
    for caller in routing["priority"]:
        pbxd.ensure("priority.add", tenant=tenant, **caller)
    for rule in routing["status_rules"]:
        pbxd.call("status_rule.set", tenant=tenant, **rule)
    for customer in routing["customers"]:
        pbxd.call("customer.set", tenant=tenant, **customer)
    for conditions in routing["conditions"]:
        pbxd.call("queue.set_conditions", tenant=tenant, **conditions)
    pbxd.call("routing.update", tenant=tenant, **routing["routing"])


def load_site(pbxd, tenant, site):
    """What Asterisk's configuration is made of beside queues and agents; once, as the routing tables."""
    if not pbxd.ensure("trunk.create", tenant=tenant, **site["trunk"]):
        return
    for rule in site["outbound_rules"]:
        pbxd.ensure("outbound_rule.create", tenant=tenant, **rule)
    for settings in site["queue_settings"]:
        pbxd.call("queue.update_settings", tenant=tenant, **settings)
    for policy in site["callback_policies"]:
        pbxd.call("callback_policy.set", tenant=tenant, **policy)


def ask_callbacks(pbxd, tenant, callbacks):
    """At each start, so that there is something to see at once: asking again while one is open tells the open one."""
    for callback in callbacks:
        try:
            pbxd.call("callback.request", tenant=tenant, **callback)
        except Refused as refused:      # somebody has blocked that number, or taken away the rule that allows it
            print(f"load.py: no callback for {callback['number']} of {tenant}: {refused}", file=sys.stderr)


def load_company(pbxd, company, credentials):
    tenant = company["name"]
    pbxd.ensure("tenant.create", **{key: company[key] for key in ("name", "title", "country", "time_zone", "languages")})
    queues = []
    for department in company["departments"]:
        pbxd.ensure("department.create", tenant=tenant, name=department["name"], title=department["title"])
        for queue in department["queues"]:
            pbxd.ensure("queue.create", tenant=tenant, department=department["name"], **queue)
            queues.append(queue["name"])
    load_routing(pbxd, tenant, company["routing"])
    load_site(pbxd, tenant, company["site"])
    ask_callbacks(pbxd, tenant, company["callbacks"])
    department = company["departments"][0]["name"]
    agents = []
    for interface, name in sorted(members(pbxd, tenant, queues).items()):
        pbxd.ensure("agent.create", tenant=tenant, name=slug(name), title=name, interface=interface, department=department)
        agents.append(slug(name))
        extension = interface.rpartition("-")[2]
        if interface.startswith("PJSIP/") and extension.isdigit():   # its secret is for a phone that the demo does not have
            pbxd.ensure("phone.create", tenant=tenant, agent=slug(name), extension=extension)
    for role in ("admin", "supervisor", "viewer", "agent"):
        login = f"{tenant}-{role}"
        if login in credentials or (role == "agent" and not agents):
            continue
        password = secrets.token_urlsafe(15)
        extra = {"agent": agents[0]} if role == "agent" else {}
        if pbxd.ensure("user.create", tenant=tenant, login=login, password=password, role=role, **extra):
            credentials[login] = (password, tenant, role)


def main():
    url, path = sys.argv[1:3]
    with open(path, encoding="utf-8") as file:
        lines = [line.split() for line in file if line.strip()]
    operator = lines[0]
    credentials = {user: (password, tenant, role) for user, password, tenant, role in lines}
    pbxd = Pbxd(url, operator[0], operator[1])
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "companies.json"), encoding="utf-8") as file:
        companies = json.load(file)["companies"]
    for company in companies:
        load_company(pbxd, company, credentials)
        descriptor = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            for user, fields in credentials.items():
                file.write(" ".join((user, *fields)) + "\n")
        os.replace(path + ".new", path)


if __name__ == "__main__":
    main()
