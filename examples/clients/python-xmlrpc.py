#!/usr/bin/env python3
"""pbxd over XML-RPC with Python's own xmlrpc.client (Python 3.8 or later, nothing to install).

    PBX_URL=http://127.0.0.1:8080 PBX_USER=... PBX_PASSWORD=... ./python-xmlrpc.py [--json]
    PBX_TOKEN=... in place of user and password sends `Authorization: Bearer`.
    PBX_QUEUE names the queue to read (the first one), PBX_TITLE renames it before (role admin).
"""
import base64
import json
import os
import sys
import xmlrpc.client

URL = os.environ.get("PBX_URL", "http://127.0.0.1:8080").rstrip("/") + "/RPC2"


def authorization():
    if os.environ.get("PBX_TOKEN"):
        return "Bearer " + os.environ["PBX_TOKEN"]
    try:
        pair = os.environ["PBX_USER"] + ":" + os.environ["PBX_PASSWORD"]
    except KeyError as missing:
        sys.exit(f"{missing.args[0]} is not set (or set PBX_TOKEN)")
    return "Basic " + base64.b64encode(pair.encode()).decode()


def connect(header):
    # Credentials go into a header, not into the URL: URLs end up in logs and error messages.
    return xmlrpc.client.ServerProxy(URL, headers=[("Authorization", header)])


class PbxError(Exception):
    """A fault of the server. Decide by `token` or `code`, show `message` to people."""

    def __init__(self, code, token, message):
        super().__init__(message)
        self.code, self.token, self.message = code, token, message


def call(method, **params):
    """An operation takes one struct of named parameters and answers one struct."""
    try:
        return method(params)
    except xmlrpc.client.Fault as fault:
        # faultString is "token: text [request ID]"; the ID finds the request in the server's log.
        token, _, message = fault.faultString.partition(": ")
        raise PbxError(fault.faultCode, token, message) from fault


def main():
    pbx = connect(authorization())
    report = {"client": "python-xmlrpc"}

    # A list comes in pages: `next` goes into `after` of the next call and is absent on the last page.
    queues, page = [], {"next": None}
    while "next" in page:
        after = {"after": page["next"]} if page["next"] else {}
        page = call(pbx.queue.list, limit=100, **after)
        queues += page["items"]
    report["queues"] = [{k: q[k] for k in ("id", "name", "title")} for q in queues]

    queue = os.environ.get("PBX_QUEUE") or queues[0]["name"]
    if os.environ.get("PBX_TITLE"):
        call(pbx.queue.update, id=queue, title=os.environ["PBX_TITLE"])
    status = call(pbx.queue.status, id=queue)  # `id` takes the name as well
    report["status"] = status

    # The first poll only fetches a cursor; the second waits for something to happen after it.
    cursor = call(pbx.event.poll)["next"]
    events = call(pbx.event.poll, after=cursor, wait_seconds=int(os.environ.get("PBX_WAIT", "5")))
    report["events"] = {"types": [e["type"] for e in events["items"]], "next": events["next"]}

    try:
        call(pbx.queue.status, id="no-such-queue")
        sys.exit("an unknown queue was answered")
    except PbxError as error:
        if error.token != "not_found":
            raise
        report["unknown_queue"] = vars(error)

    try:
        # A wrong login is a fault like any other; only a request without any is answered by HTTP 401.
        call(connect("Basic " + base64.b64encode(b"no-such-user:wrong").decode()).queue.list)
        sys.exit("wrong credentials were accepted")
    except PbxError as error:
        if error.token != "unauthenticated":
            raise
        report["bad_credentials"] = vars(error)

    if "--json" in sys.argv[1:]:
        print(json.dumps(report))
        return
    for q in queues:
        print(f"queue {q['name']}: {q['title']}")
    counts = status["counts"]
    print(f"{status['name']}: {counts['waiting']} waiting (longest {counts['longest_wait_seconds']} s), "
          f"{counts['free']} of {counts['members']} members free, as of {status['as_of']}"
          + (", STALE" if status["stale"] else ""))
    print("events:", ", ".join(report["events"]["types"]) or "none")
    print("unknown queue:", report["unknown_queue"]["token"], "-", report["unknown_queue"]["message"])
    print("bad credentials:", report["bad_credentials"]["token"], "-", report["bad_credentials"]["message"])


if __name__ == "__main__":
    try:
        main()
    except PbxError as error:
        sys.exit(f"{error.token} ({error.code}): {error.message}")
    except xmlrpc.client.ProtocolError as error:
        sys.exit(f"HTTP {error.errcode}: {error.errmsg}")
    except OSError as error:
        sys.exit(f"{URL}: {error}")
