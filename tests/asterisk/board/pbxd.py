"""Starts the real pbxd for the acceptance test, fills it with the lab's tenants and asks its JSON API.

start_pbxd() is the one place that knows how pbxd is configured and bootstrapped.
"""
import base64
import json
import os
import secrets
import shutil
import subprocess
import time
import urllib.error
import urllib.request

from lab import ports, processes
from lab.config import AGENTS, TENANTS
from lab.proxy import Relay

from . import compare

RECONCILE_SECONDS = 5
SERVER = "main"


class PbxdError(RuntimeError):
    pass


def start_pbxd(pbxd, pbxctl, lab, folder, others=None):
    """A running pbxd (path of the program) that watches `lab` through a relay, everything of it below `folder`; a Pbxd.
    others: {name: {setting: value}} of more links to the same Asterisk, past the relay; nothing waits for them."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    port = ports.single()
    relay = Relay(lab.state["ami_port"])
    configuration = os.path.join(folder, "pbxd.conf")
    with open(configuration, "w") as f:
        f.write(f"""[pbxd]
data_dir = {folder}/data
log_level = debug
[http]
port = {port}
[board]
reconcile_seconds = {RECONCILE_SECONDS}
""")
        account = {"host": lab.state["ami_host"], "port": lab.state["ami_port"], "user": lab.state["accounts"]["main"], "secret_file": lab.state["secrets"]["pbxd"],
                   "sys_user": lab.state["accounts"]["system"], "sys_secret_file": lab.state["secrets"]["pbxd-sys"]}
        for name, settings in ({SERVER: {"port": relay.port}} | (others or {})).items():
            f.write(f"[asterisk.{name}]\n" + "".join(f"{k} = {v}\n" for k, v in (account | settings).items()))
    os.makedirs(f"{folder}/data", mode=0o700, exist_ok=True)
    user, password = bootstrap(pbxctl, configuration, folder)
    log = os.path.join(folder, "pbxd.log")
    process = processes.start([pbxd, "--config", configuration], log=log, cwd=folder)
    running = Pbxd(process, f"http://127.0.0.1:{port}", user, password, log, relay)
    try:
        running.wait_ready(20)
        running.create_directory()
    except BaseException:
        running.stop()
        raise
    return running


def bootstrap(pbxctl, configuration, folder):
    """Makes the first operator before the start; returns his name and password. The password goes by standard input."""
    if not shutil.which(pbxctl):
        raise PbxdError(f"{pbxctl} is not there: build it, or give --pbxctl")
    password = secrets.token_urlsafe(18)
    done = subprocess.run([pbxctl, "bootstrap", "driver", "--config", configuration, "--password-file", "-"], input=password + "\n",
                          capture_output=True, text=True, cwd=folder, timeout=60)
    if done.returncode != 0:
        raise PbxdError(f"pbxctl bootstrap: exit {done.returncode}: {done.stderr.strip()}")
    return "driver", password


class Pbxd:
    def __init__(self, process, url, user, password, log, relay=None):
        self.process, self.url, self.log, self.relay = process, url, log, relay
        self._authorization = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def stop(self):
        """SIGTERM; the exit code must be 0."""
        if self.relay:
            self.relay.close()
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            processes.end(processes.identity(self.process.pid), grace=0)
            raise PbxdError("pbxd did not stop within 15 s of SIGTERM") from None
        if self.process.returncode != 0:
            raise PbxdError(f"pbxd ended with {self.process.returncode}; see {self.log}")

    def _request(self, path, body=None):
        request = urllib.request.Request(self.url + path, data=body, headers={"Authorization": self._authorization, "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise PbxdError(f"{path}: HTTP {error.code}: {error.read().decode(errors='replace')[:500]}") from None
        except OSError as error:
            raise PbxdError(f"{path}: {error}") from None

    def call(self, operation, **parameters):
        return json.loads(self._request("/api/v1/" + operation, json.dumps(parameters).encode()))

    def items(self, operation, **parameters):
        """All pages of a list."""
        found, after = [], {}
        while True:
            page = self.call(operation, limit=500, **parameters, **after)
            found += page["items"]
            if not page.get("next"):
                return found
            after = {"after": page["next"]}

    def wait_ready(self, seconds):
        deadline = time.monotonic() + seconds
        why = ""
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                with open(self.log, errors="replace") as f:
                    raise PbxdError(f"pbxd ended at its start ({self.process.returncode}):\n{f.read()[-2000:]}")
            try:
                if self.link()["state"] == "up":
                    return
            except PbxdError as error:
                why = str(error)
            time.sleep(0.1)
        raise PbxdError(f"pbxd was not in step with Asterisk within {seconds} s: {why}")

    def create_directory(self):
        """The lab's tenants, queues and agents; queues and agents have their names in Asterisk by default."""
        for tenant in TENANTS:
            self.call("tenant.create", name=tenant, title=tenant.title(), country="US", time_zone="America/New_York", languages=["en"])
            for queue in ("support", "sales", "vip"):
                self.call("queue.create", tenant=tenant, server=SERVER, name=queue, title=queue.title())
            for agent in AGENTS:
                self.call("agent.create", tenant=tenant, server=SERVER, name=f"agent-{agent}", title=f"{tenant.title()} {agent}", interface=f"PJSIP/{tenant}-{agent}")

    def link(self, name=SERVER):
        """The row of that Asterisk in system.status."""
        return next(a for a in self.call("system.status")["asterisks"] if a["name"] == name)

    def board(self, wanted_peer):
        """What pbxd shows, as compare.py wants it; PbxdError while it is marked stale."""
        queues, details, peers, agents = [], [], [], {}
        for tenant in TENANTS:
            queues += [self.call("queue.status", tenant=tenant, id=q["id"]) for q in self.items("queue.list", tenant=tenant)]
            for row in self.items("call.list", tenant=tenant):
                try:
                    details.append(self.call("call.get", tenant=tenant, id=row["id"]))
                except PbxdError as error:
                    if "HTTP 404" not in str(error):   # it ended between the two questions
                        raise
            peers += self.items("peer.list", tenant=tenant)
            statuses = [self.call("agent.status", tenant=tenant, id=a["id"]) for a in self.items("agent.list", tenant=tenant)]
            agents |= compare.pbxd_agents(tenant, statuses)
        if any(q["stale"] for q in queues):
            raise PbxdError("the board is marked stale")
        return {"queues": compare.pbxd_queues(queues), "calls": compare.pbxd_calls(details), "peers": compare.pbxd_peers(peers, wanted_peer),
                "agents": agents}

    def metrics(self):
        return self._request("/metrics").decode()

    def drift(self):
        """Drift by system.status and by /metrics, which must agree."""
        by_status = self.link()["drift"]
        by_metrics = compare.drift_in_metrics(self.metrics())
        if by_metrics is None:
            raise PbxdError("/metrics has no drift counter")
        return max(by_status, by_metrics)
