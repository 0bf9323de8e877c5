"""Asterisk's side of FastAGI: asks, takes SET VARIABLE commands, confirms each.

Source: res/res_agi.c of Asterisk 16 to 22 (launch_netscript, setup_env, run_agi).
"""
import re
import socket
import time

COMMAND = re.compile(r'SET VARIABLE (?:([A-Z0-9_]+)|ARRAY\(([A-Z0-9_,]+)\)) "((?:[^"\\]|\\.)*)"')


class Answer(dict):
    """The variables in their order; `seconds` from the connection to its end; `ended`: the other side closed it."""
    seconds = 0.0
    ended = True


def environment(script, caller, dialled, presentation="0", name="Ann", more=""):
    return (f"agi_network: yes\nagi_network_script: {script}\nagi_request: agi://127.0.0.1:4573/{script}\n"
            "agi_channel: PJSIP/trunk-00000001\nagi_language: en\nagi_type: PJSIP\nagi_uniqueid: 1790000000.1\nagi_version: 22.8.2\n"
            f"agi_callerid: {caller or 'unknown'}\nagi_calleridname: {name}\nagi_callingpres: {presentation}\nagi_callingani2: 0\n"
            "agi_callington: 0\nagi_callingtns: 0\nagi_dnid: s\nagi_rdnis: unknown\nagi_context: inbound\nagi_extension: s\nagi_priority: 3\n"
            f"agi_enhanced: 0.0\nagi_accountcode: \nagi_threadid: 140000000000000\nagi_arg_1: {dialled}\n{more}\n").encode()


def exchange(port, data, within=10.0):
    """Sends `data`, confirms every command until the other side closes; its Answer."""
    answer, begun = Answer(), time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=within) as connection:
        try:
            connection.sendall(data)
            lines = connection.makefile("rb")
            for line in lines:
                command = COMMAND.fullmatch(line.decode().rstrip("\n"))
                if not command:
                    raise AssertionError(f"no SET VARIABLE: {line!r}")
                one, several, value = command.groups()
                if several:
                    names, values = several.split(","), value.split(",")      # as func_strings.c, array(): no value of ours holds a quote
                    answer.update(zip(names, values, strict=True))
                else:
                    answer[one] = re.sub(r"\\(.)", r"\1", value)
                connection.sendall(b"200 result=1\n")
        except TimeoutError:
            answer.ended = False
        except (ConnectionResetError, BrokenPipeError):
            pass   # closed while we were still sending
    answer.seconds = time.monotonic() - begun
    return answer


def ask(port, token, tenant, caller, dialled, presentation="0", within=10.0, **more):
    return exchange(port, environment(f"route/{token}?tenant={tenant}", caller, dialled, presentation, **more), within)
