"""What the system tests share: one Stack a program, the faces, and how a test that cannot run ends."""
import os
import re
import signal
import sys
import unittest

import catalogue
import faces
import stack

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
REQUEST = re.compile(r"(request[ _]?(?:id|Id)?\"?\]?(?:[ :=>\"]|</name>|<value>|<string>)*)[a-z2-7]{16}")


def all_faces(s, api, cli=True):
    """One client for each face of the running stack."""
    made = [faces.JsonFace(s.url), faces.XmlRpcFace(s.url), faces.SoapFace(s.url, api=api)]
    if cli:
        made.append(faces.CliFace(s.program("pbxctl"), s.url, s.folder, EXIT_CODES))
    return made


# By the error table; several errors share an exit code, the first is named.
EXIT_CODES = {2: "invalid_argument", 3: "unauthenticated", 4: "forbidden", 5: "not_found", 6: "conflict", 7: "start_anew", 8: "too_many_requests",
              9: "unsupported", 10: "unavailable", 11: "deadline_exceeded", 12: "outcome_unknown", 70: "internal"}


def attempt(face, operation, params, login, headers=None):
    """("ok", result) or (token, Fault)."""
    try:
        return "ok", face.call(operation, params, login, headers)
    except faces.Fault as fault:
        return fault.token, fault


def cap_alarms(s, tenant, target, rows):
    """(outcome, target) of each, the newest first, once there are so many: the audit has them a moment after the call that made them."""
    def told():
        return [(r["outcome"], r["target"]) for r in s.items("audit.list", s.operator, tenant=tenant, operation="outbound.cap") if r["target"] == target]
    try:
        stack.wait(lambda: len(told()) >= rows, 10, "the audit to tell of the caps")
    except TimeoutError:
        pass      # the caller says what is there
    return told()


def masked(text, *references):
    """An answer without what may differ between two equal ones: times, the request's id, and the references that were asked for."""
    text = REQUEST.sub(r"\1<request>", TIME.sub("<time>", text))
    for reference in references:
        text = text.replace(reference, "<reference>")
    return text


def run(make_stack):
    """unittest.main() around one stack, which is module-level `S` of the caller, with `C` its catalogue."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    module = sys.modules["__main__"]
    try:
        with make_stack() as s:
            module.S, module.C = s, catalogue.Catalogue(s)
            program = unittest.main(exit=False, verbosity=1 if os.environ.get("CI") else 2)
            bad = not program.result.wasSuccessful() or program.result.skipped
            if s.daemon.poll() is not None:
                print(f"pbxd ended by itself with {s.daemon.returncode}", file=sys.stderr)
                bad = True
            if bad:
                print("the end of pbxd's log:\n" + s.log_text()[-3000:], file=sys.stderr)
            if program.result.skipped and program.result.wasSuccessful():
                sys.exit(stack.SKIPPED)
            sys.exit(1 if bad else 0)
    except stack.Unavailable as missing:
        print(f"SKIPPED: {missing}", file=sys.stderr)
        sys.exit(stack.SKIPPED)
