"""The system of tests/system/stack.py as the benchmarks and the soak want it: pbxd writes warnings only, so that its ready line cannot be waited for and its
port is chosen beforehand; pbxd may be led through a tap (tap.py) that notes when each AMI event reached it."""
import os
import re
import socket
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests/system"))
import stack  # noqa: E402
from faces import JsonFace  # noqa: E402


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class BenchStack(stack.Stack):
    def __init__(self, *, tap=False, settings=None, level="warning", **more):
        self.fixed_port = free_port()
        settings = {"pbxd": {"log_level": level}, "http": {"port": self.fixed_port}} | (settings or {})
        super().__init__(settings=settings, **more)
        self.tap_wanted = tap

    def _start_simulator(self):
        super()._start_simulator()
        if self.tap_wanted:
            self.tap = self._spawn([sys.executable, os.path.join(HERE, "tap.py"), str(self.ami_port), self.path("arrivals")], self.path("tap.log"))
            line = stack.wait(lambda: self._line("tap.log", "ready "), 10, "the tap's ready line", self.tap, self.path("tap.log"))
            self.ami_port = int(line.split()[1])

    def start_pbxd(self):
        self.daemon = self._spawn([self.program("pbxd"), "--config", self.path("pbxd.conf")], self.log)
        self.port, self.url = self.fixed_port, f"http://127.0.0.1:{self.fixed_port}"
        self.json = JsonFace(self.url)
        stack.wait(lambda: self.get("/healthz")[0] == 200, 60, "/healthz", self.daemon, self.log)
        stack.wait(self._in_step, 60, "the board to be in step", self.daemon, self.log)

    def settings_socket(self):
        """MariaDB's."""
        with open(self.path("pbxd.conf")) as f:
            return re.search(r"^socket = (.+)$", f.read(), re.M)[1]

    def metric(self, name):
        """Sum of all series of this name."""
        found = re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", self.get("/metrics")[1], re.M)
        if not found:
            raise KeyError(name)
        return sum(map(float, found))

    def series(self, name):
        return {labels: float(value) for labels, value in re.findall(rf"^{name}({{[^}}]*}})? (\S+)$", self.get("/metrics")[1], re.M)}

    def rss_mb(self, field="VmRSS"):
        with open(f"/proc/{self.daemon.pid}/status") as f:
            return int(re.search(rf"^{field}:\s+(\d+) kB", f.read(), re.M).group(1)) / 1024


def load():
    return "load " + " ".join(f"{x:.1f}" for x in os.getloadavg()) + f" on {os.cpu_count()} cores"


def commit():
    return subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip() or "unknown"
