"""scripts/demo as a newcomer runs it: becomes ready, every line it prints works as pasted, and a signal ends all of it.

test_demo.py [--asterisk]   the latter with a real Asterisk 22 and SIPp instead of the simulator
"""
import os
import pathlib
import re
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/asterisk"))
from lab import ports  # noqa: E402

SOURCE = [option for option in sys.argv[1:] if option == "--asterisk"]


def processes_below(folder):
    """Command lines of all processes that name `folder` or have it as their own."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue   # it has ended meanwhile
        if str(folder) in line:
            found.append(line)
    return found


class Demo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="pbx-demo-")
        cls.data = pathlib.Path(cls.folder.name) / "data"
        cls.port = ports.single()
        cls.start()

    @classmethod
    def start(cls):
        cls.demo = subprocess.Popen([ROOT / "scripts/demo", *SOURCE, "--port", str(cls.port), "--data", str(cls.data)],
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        cls.printed = []
        cls.ready = threading.Event()
        cls.reader = threading.Thread(target=cls.read, daemon=True)
        cls.reader.start()
        if not cls.ready.wait(150) or cls.demo.poll() is not None:
            cls.demo.kill()
            raise AssertionError("not ready:\n" + "\n".join(cls.printed[-40:]))

    @classmethod
    def read(cls):
        for line in cls.demo.stdout:
            cls.printed.append(line.rstrip("\n"))
            if line.startswith("ready: "):
                cls.ready.set()
        cls.ready.set()   # it has ended

    @classmethod
    def tearDownClass(cls):
        if cls.demo.poll() is None:
            os.killpg(cls.demo.pid, signal.SIGKILL)
            cls.demo.wait()
        cls.folder.cleanup()

    def line(self, label):
        for number, text in enumerate(self.printed):
            if match := re.match(rf"^  {re.escape(label)} +(.*)$", text):
                return match[1], self.printed[number + 1].strip()
        self.fail(f"no line for {label}")

    def paste(self, command):
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=30)
        self.assertEqual(0, done.returncode, f"{command}\n{done.stdout}{done.stderr}")
        return done.stdout

    def test_1_ready_line_and_accounts(self):
        self.assertEqual(f"ready: http://127.0.0.1:{self.port}/", self.printed[-1])
        credentials = self.data / "credentials"
        self.assertEqual(0o600, stat.S_IMODE(credentials.stat().st_mode))
        rows = [line.split(" ") for line in credentials.read_text().splitlines()]
        self.assertTrue(all(len(row) == 4 for row in rows), rows)
        self.assertIn(("-", "operator"), [(row[2], row[3]) for row in rows])
        for tenant in ("viatalk", "hostrocket", "dotblock"):
            self.assertLessEqual({"admin", "supervisor", "agent"}, {row[3] for row in rows if row[2] == tenant})
        passwords = [row[1] for row in rows]
        self.assertEqual(len(passwords), len(set(passwords)))
        arguments = "\n".join(processes_below(self.data))
        for password in passwords:
            self.assertNotIn(password, arguments)

    def test_2_every_printed_line_works(self):
        self.assertIn("<name>support</name>", self.paste(self.line("SOAP")[0]))
        answer = self.paste(self.line("XML-RPC")[0])
        self.assertNotIn("<fault>", answer)
        self.assertIn("hostrocket-support", answer)
        self.assertIn('"asterisk_name":"dotblock-support"', self.paste(self.line("JSON")[0]))
        status, watch = self.line("CLI")
        self.assertIn("viatalk-support", self.paste(status))
        self.assertTrue(watch.endswith(" watch"), watch)
        self.assertIn("viatalk", self.paste(watch + " --once"))
        address = self.line("browser")[0].split(" ")[0]
        self.assertIn("401", self.paste(f"curl -s -o /dev/null -w '%{{http_code}}' {address}"))
        self.assertIn("<html", self.paste(f"curl -s --netrc-file {self.data}/netrc {address}"))

    def test_3_calls_are_seen(self):
        status = self.line("JSON")[0].split(" -H ")[0] + f" -H 'Content-Type: application/json' -d '{{\"tenant\":\"viatalk\"}}'"
        deadline = time.monotonic() + 60
        while '"id"' not in (calls := self.paste(f"{status} http://127.0.0.1:{self.port}/api/v1/call.list")):
            self.assertLess(time.monotonic(), deadline, calls)
            time.sleep(0.2)

    def within(self, seconds, command, found):
        deadline = time.monotonic() + seconds
        while not found(answer := self.paste(command)):
            self.assertLess(time.monotonic(), deadline, answer)
            time.sleep(0.5)

    @unittest.skipIf(SOURCE, "its dialplan is the laboratory's own, which asks nobody")
    def test_4_calls_are_decided_and_callbacks_placed(self):
        callbacks = next(line.strip() for line in self.printed if "callback list" in line)
        self.within(120, callbacks, lambda answer: re.search(r"\b(done|retry_at|failed)\b", answer))     # somebody was called back
        curl = self.line("JSON")[0].split(" -H ")[0]
        metrics = f"{curl} http://127.0.0.1:{self.port}/metrics"
        for outcome in ("blocked", "queued"):
            self.within(120, metrics, lambda answer: re.search(rf'pbxd_routes_total{{outcome="{outcome}"}} [1-9]', answer))

    def test_5_two_signals_end_all_of_it(self):
        self.demo.send_signal(signal.SIGTERM)
        self.demo.send_signal(signal.SIGTERM)
        self.assertEqual(0, self.demo.wait(40))
        self.reader.join(10)
        self.demo.stdout.close()
        deadline = time.monotonic() + 10
        while left := processes_below(self.data):
            self.assertLess(time.monotonic(), deadline, left)
            time.sleep(0.05)

    def test_6_the_same_folder_serves_again(self):
        credentials = (self.data / "credentials").read_text()
        for _ in range(2):
            self.start()
            self.test_1_ready_line_and_accounts()
            self.assertEqual(credentials, (self.data / "credentials").read_text())
            self.assertNotIn("grep:", "\n".join(self.printed))
            self.test_3_calls_are_seen()
            self.test_5_two_signals_end_all_of_it()


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
