"""Starting and ending child processes so that none is ever left behind, and none of anybody else's is ever hit.

Each child gets a session of its own; a process is known by its pid AND its start time, because pids are used again.
"""
import ctypes
import os
import signal
import subprocess
import time

_PR_SET_PDEATHSIG, _PR_SET_TIMERSLACK = 1, 29
_libc = ctypes.CDLL(None, use_errno=True)


def start(argv, *, log, cwd=None, env=None, die_with_parent=True, timer_slack=0.0):
    """Starts argv in a session of its own with its output in the file log. With die_with_parent the kernel kills it
    when the calling thread ends, even by kill -9: call it from the main thread then. timer_slack: by so many seconds
    the kernel may let it sleep longer than it asked for; what comes in wakes it at once all the same."""
    def prepare():
        if die_with_parent:
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if timer_slack:
            _libc.prctl(_PR_SET_TIMERSLACK, ctypes.c_ulong(int(timer_slack * 1e9)), 0, 0, 0)

    with open(log, "ab") as out:
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=cwd, env=env,
                                start_new_session=True, preexec_fn=prepare)


def start_time(pid):
    """The kernel's start time of the process in clock ticks, None if it is gone or a zombie."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as f:
            fields = f.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] == b"Z" else int(fields[19])


def identity(pid):
    """What to keep in a file to find this very process again."""
    return {"pid": pid, "start_time": start_time(pid)}


def alive(who):
    return bool(who) and who["start_time"] is not None and start_time(who["pid"]) == who["start_time"]


def end(who, *, grace=5.0):
    """Ends that process and what is left of its session: TERM, after `grace` seconds KILL. True if it is gone."""
    pid = who["pid"]
    if not alive(who):
        _reap(pid)
        return True
    for sig, wait in ((signal.SIGCONT, 0), (signal.SIGTERM, grace), (signal.SIGKILL, 5.0)):
        try:
            os.killpg(pid, sig)
        except ProcessLookupError:
            return True
        deadline = time.monotonic() + wait
        while time.monotonic() < deadline:
            if not alive(who):
                _kill_rest(pid)
                _reap(pid)
                return True
            time.sleep(0.02)
    return False


def _kill_rest(session):
    """What the ended leader left of its session. Before it is reaped: until then its number cannot be used again."""
    try:
        os.killpg(session, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _reap(pid, seconds=5.0):
    """Collects the ended process if it is a child of ours (else it would stay a zombie for ever). It may take a moment:
    the first thread of a program is a zombie before the others are gone."""
    deadline = time.monotonic() + seconds
    try:
        while os.waitpid(pid, os.WNOHANG)[0] == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
    except ChildProcessError:
        pass
