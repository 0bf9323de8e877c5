"""Blocks of ports for labs that run side by side, and single ports for what stands beside them.

A block is 1000 ports between 10000 and 31999: below 32768, where the kernel takes ports for outgoing connections. It is
held by a file of the user that names the lab's folder; the file of a lab that is gone is taken over. Labs of other users
are seen by their ports.
"""
import fcntl
import json
import os
import random
import socket
import tempfile

from . import processes

FIRST, LAST, SIZE = 10000, 31000, 1000
SINGLE = range(32000, 32768)

# Offsets in the block. SIPp callers use the trunks' addresses, so they may share port numbers with the agents.
AMI, SIP, CHAN_SIP, AMI_TLS = 0, 1, 2, 3
AGENTS = 10            # SIPp user agents, one port a behaviour
AGENTS_CHAN_SIP = 20   # added to that for those that answer chan_sip
REGISTER = 49
CALLERS, CALLERS_END = 50, 199
RTP, RTP_END = 200, 599    # Asterisk's
AGENT_MEDIA = 600      # 20 ports a behaviour
CALLER_MEDIA = 200     # on the trunks' addresses


def _folder():
    path = os.path.join(tempfile.gettempdir(), f"pbx-lab-ports-{os.getuid()}")
    os.makedirs(path, mode=0o700, exist_ok=True)
    return path


def _bindable(kind, port):
    with socket.socket(socket.AF_INET, kind) as s:
        if kind == socket.SOCK_STREAM:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free(base):
    return all(_bindable(kind, base + offset) for kind, offset in ((socket.SOCK_STREAM, AMI), (socket.SOCK_DGRAM, SIP), (socket.SOCK_DGRAM, CHAN_SIP),
                                                                   (socket.SOCK_DGRAM, AGENTS + 1), (socket.SOCK_DGRAM, RTP)))


def _held(path):
    """True if the lab that this file names still runs, or is just being started; or who took a single port."""
    try:
        with open(path) as f:
            claim = json.load(f)
        if processes.alive(claim["starter"]):
            return True
        with open(os.path.join(claim["prefix"], "lab.json")) as f:
            return processes.alive(json.load(f).get("asterisk"))
    except (OSError, ValueError, KeyError):
        return False


def _take(candidates, free, claim):
    """The first of these ports that nobody holds and that is free, held by that claim from now on; None: there is none."""
    folder = _folder()
    with open(os.path.join(folder, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for candidate in candidates:
            path = os.path.join(folder, str(candidate))
            if _held(path) or not free(candidate):
                continue
            with open(path, "w") as f:
                json.dump(claim, f)
            return candidate
    return None


def claim(prefix, base=None):
    """Takes a free block, or exactly the block at `base`; returns its first port. LookupError if there is none."""
    taken = _take([base] if base else range(FIRST, LAST + 1, SIZE), _free, {"prefix": prefix, "starter": processes.identity(os.getpid())})
    if taken is None:
        raise LookupError(f"no free ports: {base or f'every block of {SIZE} from {FIRST} to {LAST}'} is in use")
    return taken


def single(pid=None):
    """A port of 127.0.0.1 that is nobody else's for as long as that process lives (None: this one), whenever it is listened on: the kernel gives it to no outgoing
    connection, and no other caller gets it. LookupError if there is none."""
    taken = _take(random.sample(SINGLE, len(SINGLE)), lambda port: _bindable(socket.SOCK_STREAM, port), {"starter": processes.identity(pid or os.getpid())})
    if taken is None:
        raise LookupError(f"no free port: every one from {SINGLE[0]} to {SINGLE[-1]} is in use")
    return taken


def release(base):
    try:
        os.unlink(os.path.join(_folder(), str(base)))
    except FileNotFoundError:
        pass
