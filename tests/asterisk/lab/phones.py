"""The people of the lab: agents' phones (SIPp answering) and callers (SIPp calling).

One SIPp process a behaviour answers for every agent that has it; an agent takes a behaviour by registering at that
process's port. Callers come from their tenant's trunk address, each in a process of its own.
"""
import atexit
import os
import shutil
import subprocess
import tempfile
import time

from . import config, ports, processes
from .server import LabError

SCENARIOS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "sipp")
FOREVER = 3_600_000

# behaviour: scenario, how long it rings (ms), what it does so long after the answer (ms)
BEHAVIOURS = {
    "answer": ("agent.xml", 500, FOREVER),       # talks until the caller hangs up
    "hangup": ("agent.xml", 500, 2500),          # hangs up himself
    "slow": ("agent.xml", 2500, FOREVER),
    "noanswer": ("agent.xml", FOREVER, FOREVER),
    "busy": ("agent_busy.xml", 0, 0),
    "transfer": ("agent_transfer.xml", 400, 1500),   # blind transfer to 800 by REFER
}


class Phones:
    def __init__(self, lab, behaviours=BEHAVIOURS):
        self.lab = lab
        self.behaviours = behaviours
        self.calls = []            # (name, process, callers) that were started and not yet reaped
        self.started = 0           # callers so far
        self._base = lab.state["base"]
        self._folder = tempfile.mkdtemp(prefix="pbx-phones-")
        self._agents = {}          # (behaviour, for chan_sip): process
        self._next_port = 0
        self._registrations = 0
        atexit.register(self.close)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends every phone; removes their files."""
        atexit.unregister(self.close)
        for process in [process for _, process, _ in self.calls] + list(self._agents.values()):
            processes.end(processes.identity(process.pid), grace=1.0)
            process.wait()
        self.calls, self._agents = [], {}
        shutil.rmtree(self._folder, ignore_errors=True)

    # --- SIPp

    def _scenario(self, template, **values):
        """The scenario file with its times filled in (SIPp takes no variables there)."""
        name = "-".join([template.removesuffix(".xml"), *(str(v) for v in values.values())]) + ".xml"
        path = os.path.join(self._folder, name)
        if not os.path.exists(path):
            with open(os.path.join(SCENARIOS, template), encoding="utf-8") as f:
                text = f.read()
            for key, value in values.items():
                text = text.replace(f"@{key}@", str(value))
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
        return path

    def _sipp(self, name, scenario, address, port, *arguments, target=None):
        target = target or self._target(chan_sip=False)
        argv = ["sipp", f"127.0.0.1:{target}", "-sf", scenario, "-i", address, "-p", str(port), "-nostdin",
                "-trace_err", "-error_file", os.path.join(self._folder, name + ".err"), "-timeout_error", *arguments]
        # at rest SIPp looks up each millisecond, for 3 % of a core
        return processes.start(argv, log=os.path.join(self._folder, name + ".out"), cwd=self._folder, timer_slack=0.01)

    def errors(self, name):
        """The end of what that SIPp complained about."""
        for suffix in (".err", ".out"):
            try:
                with open(os.path.join(self._folder, name + suffix), errors="replace") as f:
                    text = f.read()
                if text.strip():
                    return text[-600:]
            except OSError:
                pass
        return ""

    # --- agents

    def _agent_port(self, behaviour, chan_sip):
        return self._base + ports.AGENTS + list(self.behaviours).index(behaviour) + (ports.AGENTS_CHAN_SIP if chan_sip else 0)

    def _target(self, chan_sip):
        return self.lab.state["chan_sip_port" if chan_sip else "sip_port"]

    def _answer_as(self, behaviour, chan_sip):
        """SIPp sends its answers to the port on its command line, so each of Asterisk's SIP drivers needs its own."""
        key = (behaviour, chan_sip)
        if key in self._agents:
            return
        template, ring, talk = self.behaviours[behaviour]
        name = f"agent-{behaviour}{'-chan_sip' if chan_sip else ''}"
        port = self._agent_port(behaviour, chan_sip)
        media = self._base + ports.AGENT_MEDIA + 50 * list(self.behaviours).index(behaviour) + (26 if chan_sip else 0)
        process = self._sipp(name, self._scenario(template, RING_MS=ring, TALK_MS=talk), "127.0.0.1", port, "-mi", "127.0.0.1",
                             "-mp", str(media), "-aa", "-rtp_echo", target=self._target(chan_sip))
        self._agents[key] = process
        deadline = time.monotonic() + 5
        while not _udp_bound(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise LabError(f"SIPp {name} did not start: {self.errors(name)}")
            time.sleep(0.02)

    def register(self, agents, expires=3600, chan_sip=False, anew=False):
        """agents: {"viatalk-101": "answer", ...}. expires=0 signs them off. chan_sip: at Asterisk 16's old driver.
        anew: sign off first. Needed after a start of Asterisk: it remembers contacts, but has not asked them yet, and
        one that registers unchanged stays unavailable until it is asked (qualify_frequency)."""
        if anew:
            self.register(agents, expires=0, chan_sip=chan_sip)
        for behaviour in sorted(set(agents.values())):
            self._answer_as(behaviour, chan_sip)
        self._registrations += 1
        name = f"register-{self._registrations}"
        secret = self.lab.secret("sip")
        lines = [f"{agent};[authentication username={agent} password={secret}];{self._agent_port(behaviour, chan_sip)};{expires}"
                 for agent, behaviour in agents.items()]
        table = self._table(name, lines)
        process = self._sipp(name, self._scenario("register.xml"), "127.0.0.1", self._base + ports.REGISTER, "-inf", table,
                             "-m", str(len(lines)), "-r", "50", "-timeout", "10", target=self._target(chan_sip))
        if process.wait() != 0:
            raise LabError(f"registering {', '.join(agents)} failed: {self.errors(name)}")

    def _table(self, name, lines):
        path = os.path.join(self._folder, name + ".csv")
        config.write_private(path, "SEQUENTIAL\n" + "\n".join(lines) + "\n")
        return path

    # --- callers

    def call(self, tenant, called="1000", *, hold=6.0, number="5550100", count=1, rate=2, key=False):
        """Starts `count` callers from number on, `rate` a second; each hangs up `hold` seconds after the answer by the
        queue unless it was hung up on; with key it presses 1 then. Returns the name to look up its errors by."""
        self.started += count
        span = (ports.CALLERS_END - ports.CALLERS) // 2
        port = self._base + ports.CALLERS + 2 * (self._next_port % span)
        media = self._base + ports.CALLER_MEDIA + 20 * (self._next_port % 35)
        self._next_port += 1
        name = f"call-{self._next_port}-{tenant}"
        table = self._table(name, [f"{int(number) + i};{called}" for i in range(count)])
        scenario = self._scenario("caller_key.xml" if key else "caller.xml", HOLD_MS=int(hold * 1000))
        address = config.TRUNK_IP[tenant]
        process = self._sipp(name, scenario, address, port, "-inf", table, "-m", str(count), "-r", str(rate), "-mi", address,
                             "-mp", str(media), "-timeout", str(int(hold + count / rate) + 60), "-aa", "-rtp_echo")
        self.calls.append((name, process, count))
        return name

    def reap(self, timeout=60.0):
        """Waits for all callers. {name: why} of those whose SIPp did not end with 0."""
        deadline, failed = time.monotonic() + timeout, {}
        for name, process, _ in self.calls:
            try:
                code = process.wait(max(0.05, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                processes.end(processes.identity(process.pid), grace=0.2)
                process.wait()
                code = "still calling at the deadline"
            if code != 0:
                failed[name] = f"exit {code}: {self.errors(name)}"
        self.calls = []
        return failed

    def reap_finished(self):
        """Forgets callers that ended by themselves; for traffic that goes on and on."""
        self.calls = [call for call in self.calls if call[1].poll() is None]


def _udp_bound(port):
    """Whether somebody holds that UDP port on 127.0.0.1."""
    with open("/proc/net/udp") as f:
        return any(line.split()[1].endswith(f":{port:04X}") for line in f.readlines()[1:])
