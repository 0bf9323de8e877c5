#!/usr/bin/env python3
"""Unit tests of the acceptance driver: its client of pbxd's JSON against a small server, and Driver.check() against boards
that converge, never do, or drift. Needs neither Asterisk nor pbxd."""
import copy
import http.server
import json
import os
import sys
import threading
import types
import unittest
from unittest import mock

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from board import driver as driver_module  # noqa: E402
from board.driver import Driver, Failed  # noqa: E402
from board.pbxd import Pbxd, PbxdError  # noqa: E402

QUEUE = {"id": "q1", "asterisk_name": "viatalk-support", "strategy": "rrmemory", "max_length": 20, "weight": 0, "service_level_seconds": 10,
         "callers": [], "stale": False,
         "members": [{"member_name": "Ann", "interface": "PJSIP/viatalk-101", "state": "free", "device_status": 1, "penalty": 0, "paused": False, "calls_taken": 0}]}


class Handler(http.server.BaseHTTPRequestHandler):
    """Two pages of queues for viatalk, one agent, a call that ends between list and get."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((self.path, self.headers["Authorization"], asked))
        mine = asked.get("tenant") == "viatalk"
        operation = self.path.removeprefix("/api/v1/")
        if operation == "queue.list":
            answer = {"items": [{"id": "q2" if asked.get("after") else "q1"}] if mine else []}
            if mine and not asked.get("after"):
                answer["next"] = "more"
        elif operation == "queue.status":
            answer = QUEUE | {"asterisk_name": "viatalk-" + ("support" if asked["id"] == "q1" else "sales"), "stale": self.server.stale}
        elif operation == "agent.list":
            answer = {"items": [{"id": "a1"}] if mine else []}
        elif operation == "agent.status":
            answer = {"interface": "PJSIP/viatalk-101", "queues": [{"queue": "support", "penalty": 0, "paused": False, "calls_taken": 0}]}
        elif operation == "call.list":
            answer = {"items": [{"id": "main/1.1"}] if mine else []}
        elif operation == "peer.list":
            answer = {"items": []}
        elif operation == "system.status":
            answer = {"asterisks": [{"name": "other", "drift": 9}, {"name": "main", "drift": 0, "state": "up", "stale": False}]}
        else:
            return self.reply(404, b'{"token": "not_found"}')
        self.reply(200, json.dumps(answer).encode())

    def do_GET(self):
        self.reply(200, self.server.metrics.encode())

    def reply(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Client(unittest.TestCase):
    def setUp(self):
        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.server.seen, self.server.stale, self.server.metrics = [], False, 'pbxd_board_drift_total{kind="status"} 0\n'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.pbxd = Pbxd(None, f"http://127.0.0.1:{self.server.server_address[1]}", "driver", "pass", "")

    def test_board_follows_pages_and_survives_a_call_that_ended(self):
        board = self.pbxd.board(lambda name: True)
        self.assertEqual(sorted(board["queues"]), ["viatalk-sales", "viatalk-support"])
        self.assertEqual(board["calls"], {})
        self.assertEqual(list(board["agents"]["PJSIP/viatalk-101"]), ["viatalk-support"])
        self.assertEqual({authorization for _, authorization, _ in self.server.seen}, {"Basic ZHJpdmVyOnBhc3M="})

    def test_a_stale_board_is_refused(self):
        self.server.stale = True
        with self.assertRaisesRegex(PbxdError, "stale"):
            self.pbxd.board(lambda name: True)

    def test_an_error_names_operation_status_and_text(self):
        with self.assertRaisesRegex(PbxdError, "call.get.*404.*not_found"):
            self.pbxd.call("call.get", id="x")

    def test_drift_of_status_and_metrics(self):
        self.assertEqual(self.pbxd.drift(), 0)
        self.server.metrics = 'pbxd_board_drift_total{kind="status"} 2\n'
        self.assertEqual(self.pbxd.drift(), 2)
        self.server.metrics = "something_else 1\n"
        with self.assertRaises(PbxdError):
            self.pbxd.drift()


class Check(unittest.TestCase):
    """Driver.check() with a clock that only moves when the driver sleeps."""

    def setUp(self):
        self.clock = 100.0
        fake = types.SimpleNamespace(monotonic=lambda: self.clock, sleep=self.sleep)
        patch = mock.patch.object(driver_module, "time", fake)
        patch.start()
        self.addCleanup(patch.stop)
        self.driver = Driver.__new__(Driver)
        self.driver.comparisons = []
        self.driver.asterisk_board = lambda: copy.deepcopy(self.truth)
        self.driver.pbxd = types.SimpleNamespace(board=lambda wanted: copy.deepcopy(self.shown), drift=lambda: self.drift)
        self.truth = {"queues": {"q": {"settings": {"weight": 1}, "members": {"m": {"penalty": 1}}}}}
        self.shown = copy.deepcopy(self.truth)
        self.drift = 0
        self.at = {}   # seconds from now: what happens then

    def sleep(self, seconds):
        self.clock += seconds
        for moment in sorted(m for m in self.at if 100.0 + m <= self.clock):
            self.at.pop(moment)()

    def test_equal_at_once(self):
        self.assertEqual(self.driver.check("x"), self.truth)
        self.assertEqual(self.driver.comparisons, [("x", 0.0)])

    def test_converges_in_time(self):
        self.truth["queues"]["q"]["members"]["m"]["penalty"] = 5
        self.at[1.0] = lambda: self.shown["queues"]["q"]["members"]["m"].update(penalty=5)
        self.driver.check("x")
        self.assertAlmostEqual(self.driver.comparisons[0][1], 1.0, delta=0.11)

    def test_too_late(self):
        self.truth["queues"]["q"]["members"]["m"]["penalty"] = 5
        self.at[2.5] = lambda: self.shown["queues"]["q"]["members"]["m"].update(penalty=5)
        with self.assertRaisesRegex(Failed, r"queues.q.members.m.penalty: Asterisk 5, pbxd 1"):
            self.driver.check("x")

    def test_time_runs_only_while_asterisk_rests(self):
        self.shown["queues"]["q"]["members"]["m"]["penalty"] = 9
        for second in (1.5, 3.0, 4.5):
            self.at[second] = lambda s=second: self.truth["queues"]["q"]["members"]["m"].update(penalty=s)
        self.at[5.0] = lambda: self.truth["queues"]["q"]["members"]["m"].update(penalty=9)
        self.driver.check("x")
        self.assertLess(self.driver.comparisons[0][1], 0.2)

    def test_drift_fails_an_equal_board(self):
        self.drift = 1
        with self.assertRaisesRegex(Failed, "drift 1"):
            self.driver.check("x")

    def test_settings_count_only_when_refreshed_fields_are_asked_for(self):
        self.truth["queues"]["q"]["settings"]["weight"] = 2
        self.driver.check("x")
        with self.assertRaisesRegex(Failed, "weight"):
            self.driver.check_refreshed("x")


if __name__ == "__main__":
    unittest.main()
