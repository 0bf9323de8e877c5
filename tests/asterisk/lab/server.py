"""One private Asterisk below a folder: make, start, restart, kill, freeze, stop.

The program of the fetched tree runs through the ld-linux of its own suite, so no chroot is needed.
"""
import array
import atexit
import contextlib
import glob
import json
import math
import os
import secrets
import shutil
import signal
import sqlite3
import subprocess
import time

from . import config, ports, processes
from .ami import Ami

ACCOUNTS = ("pbxd", "pbxd-sys", "lab")


class LabError(RuntimeError):
    pass


def cache_folder():
    return os.environ.get("PBX_CACHE") or os.path.join(os.path.expanduser("~"), ".cache", "pbxd")


def fetch(version):
    """The tree of that Asterisk; downloads it when it is not there yet."""
    script = os.path.join(config.REPOSITORY, "scripts", "asterisk-fetch")
    done = subprocess.run([script, str(version)], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise LabError(f"scripts/asterisk-fetch {version} failed")
    return done.stdout.strip().splitlines()[-1]


class Lab:
    """Use it as a context manager in tests: with Lab.up(prefix, 22) as lab. State is in PREFIX/lab.json (0600)."""

    def __init__(self, prefix):
        self.prefix = os.path.abspath(prefix)
        self._child = None   # Asterisk, when this object started it
        try:
            with open(self._path("lab.json")) as f:
                self.state = json.load(f)
        except FileNotFoundError:
            raise LabError(f"{self.prefix} holds no lab (no lab.json): start one by 'up'") from None

    # --- making

    @classmethod
    def up(cls, prefix, version, *, base=None, tree=None, die_with_parent=False, qualify_seconds=30, sales_wait=20,
           write=config.write_all, environment=None):
        """Makes the lab in `prefix` anew (new secrets) and starts it. base: first port of the block, None = any free.
        die_with_parent: Asterisk ends with the calling thread. qualify_seconds: how often phones are asked whether
        they live. sales_wait: seconds after which the sales queues give a caller up. environment: more of it for Asterisk."""
        prefix = os.path.abspath(prefix)
        os.makedirs(prefix, mode=0o700, exist_ok=True)
        try:
            if processes.alive(cls(prefix).state.get("asterisk")):
                raise LabError(f"a lab already runs in {prefix}: stop it by 'down'")
        except LabError as e:
            if "already runs" in str(e):
                raise
        tree = tree or fetch(version)
        base = ports.claim(prefix, base)
        try:
            lab = cls._make(prefix, version, base, tree, qualify_seconds, sales_wait, write)
            lab.state["environment"] = environment or {}
            lab.start(die_with_parent=die_with_parent)
        except BaseException:
            ports.release(base)
            raise
        return lab

    @classmethod
    def _make(cls, prefix, version, base, tree, qualify_seconds, sales_wait, write):
        for name in ("etc", "lib", "spool", "run", "log", "data", "secrets", "agi-bin"):
            shutil.rmtree(os.path.join(prefix, name), ignore_errors=True)
        root = os.path.join(tree, "root")
        found = glob.glob(f"{root}/usr/lib/**/app_queue.so", recursive=True)
        if not found:
            raise LabError(f"{tree} holds no Asterisk: run scripts/asterisk-fetch {version}")
        modules = os.path.dirname(found[0])
        for name in ("lib/keys", "spool/monitor", "spool/outgoing", "spool/tmp", "spool/system", "spool/recording", "run",
                     "log/cdr-csv", "agi-bin", "data/sounds", "data/moh"):
            os.makedirs(os.path.join(prefix, name), exist_ok=True)
        os.makedirs(os.path.join(prefix, "secrets"), mode=0o700)
        # what Debian's maintainer scripts would have made
        share = f"{root}/usr/share/asterisk"
        for name in ("documentation", "static-http", "rest-api", "firmware"):
            if os.path.exists(f"{share}/{name}"):
                os.symlink(f"{share}/{name}", f"{prefix}/data/{name}")
        os.symlink(f"{share}/sounds/en_US_f_Allison", f"{prefix}/data/sounds/en")
        _write_tone(f"{prefix}/data/moh/tone.sln")

        secret = {name: secrets.token_hex(16) for name in (*ACCOUNTS, "sip")}
        for name, value in secret.items():
            config.write_private(f"{prefix}/secrets/{name}", value)
        values = {"PREFIX": prefix, "MODULES": modules, "AMI_PORT": base + ports.AMI, "SIP_PORT": base + ports.SIP,
                  "CHAN_SIP_PORT": base + ports.CHAN_SIP, "RTP_START": base + ports.RTP, "RTP_END": base + ports.RTP_END,
                  "QUALIFY_SECONDS": qualify_seconds, "SALES_WAIT": sales_wait}
        values |= {"SECRET_" + name.upper().replace("-", "_"): value for name, value in secret.items()}
        available = {os.path.basename(p)[:-3] for p in glob.glob(f"{modules}/*.so")}
        write(f"{prefix}/etc", version, values, available)
        _write_wrapper(prefix, root)
        with open(os.path.join(tree, "version")) as f:
            full = f.read().split()[0]
        state = {"version": version, "asterisk_version": full, "prefix": prefix, "tree": tree, "base": base,
                 "ami_host": "127.0.0.1", "ami_port": values["AMI_PORT"], "sip_port": values["SIP_PORT"],
                 "chan_sip_port": values["CHAN_SIP_PORT"] if version == 16 else None,
                 "secrets": {name: f"{prefix}/secrets/{name}" for name in secret},
                 "accounts": {"main": "pbxd", "system": "pbxd-sys", "observer": "lab"},
                 "queue_log": f"{prefix}/log/queue_log", "tenants": list(config.TENANTS), "agents": list(config.AGENTS),
                 "trunks": config.TRUNK_IP, "asterisk": None}
        config.write_private(f"{prefix}/lab.json", json.dumps(state, indent=1))
        return cls(prefix)

    def _path(self, *parts):
        return os.path.join(self.prefix, *parts)

    def _save(self):
        config.write_private(self._path("lab.json.new"), json.dumps(self.state, indent=1))
        os.replace(self._path("lab.json.new"), self._path("lab.json"))

    # --- running

    def start(self, *, die_with_parent=False, deadline=30.0):
        """Starts Asterisk with the configuration that is there; returns when it is fully booted. Seconds it took."""
        began = time.monotonic()
        self._child = processes.start([self._path("asterisk"), "-C", self._path("etc/asterisk.conf"), "-f", "-g"],
                                      log=self._path("log/stdout"), cwd=self.prefix, die_with_parent=die_with_parent,
                                      env=os.environ | self.state.get("environment", {}))
        self.state["asterisk"] = processes.identity(self._child.pid)
        self._save()
        if die_with_parent:
            atexit.register(self.down)
        self.wait_booted(deadline)
        return time.monotonic() - began

    def wait_booted(self, deadline=30.0):
        """Until an AMI login is answered and Asterisk says that it is fully booted."""
        end = time.monotonic() + deadline
        while time.monotonic() < end:
            if not processes.alive(self.state["asterisk"]):
                self.down()
                raise LabError(f"Asterisk ended at its start; the end of {self._path('log/stdout')}:\n{self._tail()}")
            try:
                with self.ami(events="system") as ami:
                    if ami.wait(lambda m: m.get("Event") == "FullyBooted", max(0.1, end - time.monotonic())):
                        return
            except OSError:
                pass
            time.sleep(0.05)
        raise LabError(f"Asterisk was not up within {deadline:.0f} s; see {self._path('log')}")

    def _tail(self):
        try:
            with open(self._path("log/stdout"), errors="replace") as f:
                return "".join(f.readlines()[-5:])
        except OSError:
            return ""

    def secret(self, name):
        with open(self.state["secrets"][name]) as f:
            return f.read()

    def ami(self, account="lab", events="on"):
        """A logged-in AMI session. OSError if Asterisk cannot be reached or refuses."""
        ami = Ami(self.state["ami_port"])
        try:
            ami.login(account, self.secret(account), events)
        except OSError:
            ami.close()
            raise
        return ami

    def cli(self, *command):
        done = subprocess.run([self._path("asterisk"), "-C", self._path("etc/asterisk.conf"), "-rx", " ".join(command)],
                              capture_output=True, text=True, errors="replace", timeout=15)
        return done.stdout

    @property
    def pid(self):
        return self.state["asterisk"]["pid"]

    def alive(self):
        return processes.alive(self.state["asterisk"])

    # --- trouble

    def restart_now(self, deadline=20.0):
        """'core restart now': same pid, new life. Returns when it is fully booted again."""
        before = self._startup()
        self.cli("core", "restart", "now")
        end = time.monotonic() + deadline
        while time.monotonic() < end:
            try:
                if self._startup() != before:
                    return self.wait_booted(deadline)
            except OSError:
                pass
            time.sleep(0.1)
        raise LabError(f"Asterisk did not restart within {deadline:.0f} s")

    def _startup(self):
        with self.ami(events="off") as ami:
            status = ami.action("CoreStatus")
            return status.get("CoreStartupDate"), status.get("CoreStartupTime")

    def kill(self):
        """kill -9; start() brings it back."""
        os.kill(self.pid, signal.SIGKILL)
        self._end()

    def revive(self):
        """Starts it again after something else killed it."""
        self._end()
        self.start(die_with_parent=True)

    def freeze(self):
        """Half-open: the sockets stay open, nothing is answered any more."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.pid, signal.SIGCONT)

    def persisted_members(self):
        """How many dynamic members of queues are safely in Asterisk's database (it commits about once a second)."""
        with contextlib.closing(sqlite3.connect(f"file:{self.prefix}/lib/astdb.sqlite3?mode=ro", uri=True, timeout=5)) as db:
            rows = db.execute("SELECT value FROM astdb WHERE key LIKE '/Queue/PersistentMembers/%'").fetchall()
        return sum(value.count("|") + 1 for (value,) in rows if value)

    def foreign_libraries(self):
        """Libraries that Asterisk loaded from outside its tree (a gap in the slim set): must be empty."""
        mapped = set()
        with open(f"/proc/{self.pid}/maps") as f:
            for line in f:
                path = line.rstrip("\n").partition("/")[2]
                if path and ".so" in path:
                    mapped.add("/" + path)
        own = (self.state["tree"] + "/", self.prefix + "/")
        return sorted(p for p in mapped if not p.startswith(own))

    def down(self):
        """Stops Asterisk and gives the ports back. The folder stays, with its logs."""
        atexit.unregister(self.down)
        if self.state["asterisk"]:
            self._end()
        self.state["asterisk"] = None
        self._save()
        ports.release(self.state["base"])

    def _end(self):
        if not processes.end(self.state["asterisk"]):
            raise LabError(f"Asterisk (pid {self.pid}) does not end")
        if self._child:
            self._child.poll()   # so that Python knows too
            self._child = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.down()


def _write_tone(path):
    """Music on hold: one second of 440 Hz, 8 kHz signed 16 bit."""
    wave = array.array("h", (int(3000 * math.sin(2 * math.pi * 440 * i / 8000)) for i in range(8000)))
    with open(path, "wb") as f:
        f.write(wave.tobytes())


def _write_wrapper(prefix, root):
    """PREFIX/asterisk. 'core restart now' execs argv[0] anew, so argv[0] must be this wrapper: ld-linux --argv0 does
    that where it exists (glibc 2.33); for bullseye a patchelf'ed copy of the program is used instead."""
    lib = f"{root}/usr/lib/x86_64-linux-gnu"
    libraries = f"{lib}:{root}/lib/x86_64-linux-gnu:{root}/usr/lib"
    loaders = [p for p in (f"{lib}/ld-linux-x86-64.so.2", f"{root}/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2") if os.path.exists(p)]
    if not loaders:
        raise LabError(f"no ld-linux-x86-64.so.2 below {root}: only amd64 is supported")
    loader, program, wrapper = os.path.realpath(loaders[0]), f"{root}/usr/sbin/asterisk", f"{prefix}/asterisk"
    run = [loader, "--argv0", wrapper, "--library-path", libraries, program]
    probe = subprocess.run([*run, "-V"], capture_output=True)
    if probe.returncode != 0:
        patchelf = shutil.which("patchelf")
        if not patchelf:
            raise LabError("patchelf is missing (Asterisk 16 needs it to restart itself): run scripts/setup asterisk")
        copy = f"{prefix}/asterisk.bin"
        shutil.copy2(program, copy)
        subprocess.run([patchelf, "--set-interpreter", loader, "--force-rpath", "--set-rpath", libraries, copy], check=True)
        run = [copy]
    quoted = " ".join(f"'{part}'" for part in run)
    with open(wrapper, "w") as f:
        f.write(f"#!/bin/sh\nexport LC_ALL=C GCONV_PATH='{lib}/gconv'\nexec {quoted} \"$@\"\n")
    os.chmod(wrapper, 0o700)
