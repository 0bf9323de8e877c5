#!/usr/bin/python3
"""pbxd over SOAP with zeep (Debian: python3-zeep; elsewhere: pip install zeep).

    PBX_URL=http://127.0.0.1:8080 PBX_USER=... PBX_PASSWORD=... ./python-zeep.py [--json]
    PBX_TOKEN=... in place of user and password sends `Authorization: Bearer`.
    PBX_QUEUE names the queue to read (the first one), PBX_TITLE renames it before (role admin).
"""
import json
import os
import sys

import requests
import zeep
from zeep.helpers import serialize_object

URL = os.environ.get("PBX_URL", "http://127.0.0.1:8080").rstrip("/") + "/soap"
BINDING = "{urn:pbxd:integration:v1}PbxBindingV1"


def login(session):
    if os.environ.get("PBX_TOKEN"):
        session.headers["Authorization"] = "Bearer " + os.environ["PBX_TOKEN"]
        return
    try:
        pair = os.environ["PBX_USER"] + ":" + os.environ["PBX_PASSWORD"]
    except KeyError as missing:
        sys.exit(f"{missing.args[0]} is not set (or set PBX_TOKEN)")
    user, _, password = pair.partition(":")
    session.auth = (user.encode(), password.encode())  # bytes: requests would write str as Latin-1


class PbxError(Exception):
    """A typed fault of the server. Decide by `token` or `code`, show `message` to people."""

    def __init__(self, detail):
        super().__init__(detail["message"])
        self.code, self.token, self.message = detail["code"], detail["token"], detail["message"]


class Pbx:
    def __init__(self, session):
        # trust_env would let a ~/.netrc replace the Authorization header.
        session.trust_env = False
        transport = zeep.Transport(session=session, operation_timeout=40)  # event.poll waits up to 30 s
        self.client = zeep.Client(URL + "?wsdl", transport=transport)
        # The address in the contract is the server's public one; credentials go only where PBX_URL points.
        self.service = self.client.create_service(BINDING, URL)

    def __call__(self, operation, **params):
        """queue.list is queueList in SOAP. zeep hands back what is in `result`, as plain dict and list here."""
        try:
            return serialize_object(self.service[operation](**params), dict)
        except zeep.exceptions.Fault as fault:
            if fault.detail is None or len(fault.detail) == 0:
                raise
            raise PbxError(serialize_object(self.client.wsdl.types.deserialize(fault.detail[0]), dict)) from fault


def main():
    session = requests.Session()
    login(session)
    pbx = Pbx(session)
    report = {"client": "python-zeep"}

    # A list comes in pages: `next` goes into `after` of the next call and is None on the last page.
    queues, after = [], None
    while True:
        page = pbx("queueList", limit=100, after=after)
        queues += page["items"]
        after = page["next"]
        if after is None:
            break
    report["queues"] = [{k: q[k] for k in ("id", "name", "title")} for q in queues]

    queue = os.environ.get("PBX_QUEUE") or queues[0]["name"]
    if os.environ.get("PBX_TITLE"):
        pbx("queueUpdate", id=queue, title=os.environ["PBX_TITLE"])
    status = pbx("queueStatus", id=queue)  # `id` takes the name as well
    report["status"] = status

    # The first poll only fetches a cursor; the second waits for something to happen after it.
    cursor = pbx("eventPoll")["next"]
    events = pbx("eventPoll", after=cursor, wait_seconds=int(os.environ.get("PBX_WAIT", "5")))
    report["events"] = {"types": [e["type"] for e in events["items"]], "next": events["next"]}

    try:
        pbx("queueStatus", id="no-such-queue")
        sys.exit("an unknown queue was answered")
    except PbxError as error:
        if error.token != "not_found":
            raise
        report["unknown_queue"] = vars(error)

    stranger = requests.Session()
    stranger.auth = ("no-such-user", "wrong")
    try:
        Pbx(stranger)("queueList")
        sys.exit("wrong credentials were accepted")
    except PbxError as error:
        if error.token != "unauthenticated":
            raise
        report["bad_credentials"] = vars(error)

    if "--json" in sys.argv[1:]:
        print(json.dumps(report, default=lambda time: time.isoformat()))  # xs:dateTime is a datetime here
        return
    for q in queues:
        print(f"queue {q['name']}: {q['title']}")
    counts = status["counts"]
    print(f"{status['name']}: {counts['waiting']} waiting (longest {counts['longest_wait_seconds']} s), "
          f"{counts['free']} of {counts['members']} members free, as of {status['as_of'].isoformat()}"
          + (", STALE" if status["stale"] else ""))
    print("events:", ", ".join(report["events"]["types"]) or "none")
    print("unknown queue:", report["unknown_queue"]["token"], "-", report["unknown_queue"]["message"])
    print("bad credentials:", report["bad_credentials"]["token"], "-", report["bad_credentials"]["message"])


if __name__ == "__main__":
    try:
        main()
    except PbxError as error:
        sys.exit(f"{error.token} ({error.code}): {error.message}")
    except (zeep.exceptions.Error, requests.RequestException) as error:
        sys.exit(f"{URL}: {error}")
