#!/usr/bin/env python3
"""Prints docs/reference/roles.md and errors.md from what the programs say of themselves.

    reference.py --write        starts pbxd ($PBX_BIN or --bin DIR) and writes both files
The roles come from /api/v1/openapi.json; the errors from `pbxctl help errors` and, for what each wire makes of them, the table in lib/base/error.cpp.
tests/system/test_roles.py compares the files with the running programs.
"""
import argparse
import os
import re
import subprocess
import sys

import catalogue
import stack

FOLDER = os.path.join(stack.ROOT, "docs/reference")
ROLES = ("viewer", "agent", "supervisor", "admin", "operator")
NOTE = "<!-- Printed by tests/system/reference.py; a test compares it. Do not edit. -->"


def roles_page(c):
    lines = ["# Who may call what", "", NOTE, "",
             "What a role may call, it may call for its own tenant; an operator for every tenant, which it names with the common parameter `tenant`. "
             "An agent sees itself, the queues that it is a member of and the calls in them. A supervisor may be limited to departments and then sees their queues and "
             "agents alone. A token reaches what its patterns and its user's role both allow. Whatever is another tenant's is *not found*.", "",
             "| operation | " + " | ".join(ROLES) + " | changes | what it does |", "| --- |" + " :-: |" * (len(ROLES) + 1) + " --- |"]
    for name, described in c.operations.items():
        may = c.roles(name)
        cells = " | ".join("yes" if role in may else "" for role in ROLES)
        lines.append(f"| `{name}` | {cells} | {'yes' if c.changes(name) else ''} | {described['summary']} |")
    return re.sub(r"\|  +\|", "| |", re.sub(r"\|  +\|", "| |", "\n".join(lines))) + "\n"


def error_rows():
    """token → (XML-RPC number, HTTP status, SOAP side)."""
    with open(os.path.join(stack.ROOT, "lib/base/error.cpp")) as f:
        found = re.findall(r'ErrorRow\{\w+,\s*"(\w+)",\s*(-?\d+),\s*(\d+),\s*(true|false),', f.read())
    return {token: (int(number), int(status), sender == "true") for token, number, status, sender in found}


def exit_rows(pbxctl):
    """[(exit code, token, retry, meaning)] as `pbxctl help errors` prints them."""
    text = subprocess.run([pbxctl, "help", "errors"], capture_output=True, text=True, check=True, timeout=30).stdout
    return [(int(code), token, retry, meaning) for code, token, retry, meaning in re.findall(r"^ +(\d+) +([a-z_]+) +(never|later|after_looking) +(.+)$", text, re.M)]


def errors_page(pbxctl):
    lines = ["# Errors", "", NOTE, "",
             "The same error has the same token on every face. `retry`: *never* the same request again, *later* with a pause (`retry_after` where it is given), "
             "*after_looking* at what has become of it. XML-RPC answers faults with HTTP 200 (401 where no credentials were sent), SOAP 1.1 with 500 "
             "(401 for `unauthenticated`), JSON with the status below.", "",
             "| token | JSON status | XML-RPC faultCode | SOAP | pbxctl exit | retry | meaning |", "| --- | --: | --: | --- | --: | --- | --- |"]
    wires = error_rows()
    for code, token, retry, meaning in exit_rows(pbxctl):
        number, status, sender = wires[token]
        lines.append(f"| `{token}` | {status} | {number} | {'Client / Sender' if sender else 'Server / Receiver'} | {code} | {retry} | {meaning} |")
    return "\n".join(lines) + "\n"


def pages(s, c):
    return {"roles.md": roles_page(c), "errors.md": errors_page(s.program("pbxctl"))}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", required=True)
    parser.add_argument("--bin")
    with stack.Stack(bin_dir=parser.parse_args().bin, tenants=False) as s:
        for name, text in pages(s, catalogue.Catalogue(s)).items():
            with open(os.path.join(FOLDER, name), "w") as f:
                f.write(text)
            print(os.path.join("docs/reference", name))


if __name__ == "__main__":
    try:
        main()
    except stack.Unavailable as missing:
        sys.exit(str(missing))
