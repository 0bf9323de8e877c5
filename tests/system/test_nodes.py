#!/usr/bin/env python3
"""Several pbxd over one MariaDB and one Asterisk (RELIABILITY F9, F10): all show the same board, one drives by its lease, another takes over when it dies,
hangs or goes, never two at once; what is changed on one is in force on the others."""
import secrets
import signal
import time
import unittest

import nodes
import stack
import support
from faces import Login
from lab.proxy import Relay     # nodes.py has said where
from support import attempt

S: nodes.Cluster

LEASE = 10.0      # seconds that a lease holds
LINK = 5.0        # seconds that a driver may be without its connection
TRY = 1.0         # between two tries to take it
CACHE = 1.0       # between two looks at whether another node changed something
SLACK = 3.0       # this machine may be busy
FIRST = ("a", "b")


def start_first():
    for name in FIRST:
        if not S.node(name).runs:
            S.node(name).start()


class Nodes(unittest.TestCase):
    def setUp(self):
        start_first()
        self.driver, _ = S.wait_driver(LEASE + TRY + SLACK)
        self.watcher = next(S.node(n) for n in FIRST if S.node(n) is not self.driver)

    def tearDown(self):
        ended = S.ended_by_themselves()
        others = {name: node.stop() for name, node in S.nodes.items() if node.runs and name not in FIRST}
        self.assertEqual(ended, [])
        self.assertEqual(set(others.values()) - {0}, set(), others)
        self.assertEqual(S.watch.overlaps(), [])

    @classmethod
    def tearDownClass(cls):
        start_first()

    def say(self, text):
        print(f"\n    {text}", flush=True)

    def one_drives(self, wanted=None):
        """By system.status, /metrics, the row and the log; returns it."""
        driver = S.driver()
        self.assertIsNotNone(driver)
        if wanted:
            self.assertEqual(driver.name, wanted.name)
        for node in S.running():
            self.assertIn(f"\n{nodes.DRIVEN}{1 if node is driver else 0}", node.metrics(), node.name)
        owner, epoch = S.lease()
        self.assertEqual(owner.rpartition("/")[0], driver.id)
        told = [l for l in driver.log_lines() if " lease." in l][-1]
        self.assertIn(f" lease.taken asterisk=main owner={owner} epoch={epoch}", told)
        return driver

    def test_the_same_board(self):
        S.node("c").start()
        driver = self.one_drives()
        for _ in range(5):
            took, callers, members = S.wait_same_board(seconds=20)
            self.assertEqual(members, 72)
        self.say(f"three nodes and the Asterisk show the same 9 queues, {members} members, {callers} callers (the last of 5 comparisons took {took:.2f} s)")
        for node in S.running():
            if node is not driver:
                self.assertRegex(next(l for l in reversed(node.log_lines()) if " lease." in l), " lease\\.(watching|lost) ")
        drift = [n.call("system.status", S.operator)["asterisks"][0]["drift"] for n in S.running()]
        self.assertEqual(drift, [0, 0, 0])

    def test_killed(self):
        _, epoch = S.lease()
        self.driver.kill()
        found, took = S.wait_driver(LEASE + TRY + SLACK, [self.watcher])
        self.say(f"kill -9 of the driver: the other drives after {took:.1f} s (the lease holds {LEASE:.0f} s)")
        self.assertEqual(S.lease()[1], epoch + 1)
        S.wait_same_board([self.watcher])
        self.one_drives(self.watcher)
        # it comes back, and watches
        killed = S.nodes[self.driver.name]
        killed.start()
        stack.wait(lambda: any(" lease.watching " in l for l in killed.log_lines(killed.since)), 3, "lease.watching in the log")
        S.wait_same_board()
        self.one_drives(self.watcher)

    def test_stopped_beyond_the_lease(self):
        start = self.driver.log_size()
        self.driver.send(signal.SIGSTOP)
        try:
            _, took = S.wait_driver(LEASE + TRY + SLACK, [self.watcher])
        finally:
            self.driver.send(signal.SIGCONT)
        self.say(f"SIGSTOP of the driver: the other drives after {took:.1f} s")
        self.assertFalse(self.driver.drives())      # its very first answer
        stack.wait(lambda: any(" lease.lost " in l + " " for l in self.driver.log_lines(start)), TRY + SLACK, "lease.lost in the log")
        S.wait_same_board(seconds=20)
        self.one_drives(self.watcher)

    def test_stopped_for_less(self):
        """It keeps the lease that nobody could take."""
        _, epoch = S.lease()
        self.driver.send(signal.SIGSTOP)
        time.sleep(LEASE / 2)   # not a wait for anything: the length of the pause
        self.driver.send(signal.SIGCONT)
        S.wait_same_board(seconds=20)
        self.assertEqual(S.lease()[1], epoch)
        self.one_drives(self.driver)

    def test_terminated(self):
        began = time.monotonic()
        self.assertEqual(self.driver.stop(), 0)
        ended = time.monotonic() - began
        _, took = S.wait_driver(TRY + SLACK, [self.watcher])
        self.say(f"SIGTERM of the driver: ended after {ended:.2f} s, the other drives {took:.2f} s later")
        S.wait_same_board([self.watcher])
        self.one_drives(self.watcher)

    def test_the_same_id_twice(self):
        """F10: the second is another owner all the same; it watches, and takes over like any other."""
        self.assertEqual(self.watcher.stop(), 0)
        twin = S.node(self.driver.name + "-twin", self.driver.id).start()
        stack.wait(lambda: any(" lease.watching " in l for l in twin.log_lines()), 3, "lease.watching in the log")
        owner, _ = S.lease()
        S.wait_same_board()
        self.one_drives(self.driver)
        self.assertEqual(self.driver.stop(), 0)
        S.wait_driver(TRY + SLACK, [twin])
        after, _ = S.lease()
        self.assertEqual(after.rpartition("/")[0], owner.rpartition("/")[0])
        self.assertNotEqual(after, owner)
        self.one_drives(twin)

    def test_all_start_at_once(self):
        """On a database that knows no lease yet: all insert its first row, one wins."""
        for _ in range(3):
            for node in S.running():
                self.assertEqual(node.stop(), 0)
            S.forget_lease()
            started = [S.node(name) for name in ("a", "b", "c")]
            for node in started:
                node.launch()
            for node in started:
                node.wait_ready()
            S.wait_driver(TRY + SLACK)
            self.one_drives()
            self.assertEqual(S.lease()[1], 1)
            for node in started:
                self.assertEqual([l for l in node.log_lines(node.since) if " error " in l or " warning " in l], [])

    def test_the_driver_loses_asterisk(self):
        """Alone: it gives its lease back, and one that still has a connection drives. Without a connection nobody takes it."""
        for node in (self.driver, self.watcher):
            self.assertEqual(node.stop(), 0)
        relay = Relay(S.ami_port)
        self.addCleanup(relay.close)
        cut = S.node("cut")
        cut.ami_port = relay.port
        cut.start()
        S.wait_driver(TRY + SLACK, [cut])
        other = S.node("a").start()
        start = cut.log_size()
        relay.close()
        _, took = S.wait_driver(LINK + TRY + SLACK, [other])
        self.say(f"the driver's connection to Asterisk is cut: the other drives after {took:.1f} s")
        self.assertFalse(cut.drives())
        self.assertTrue(any(" lease.lost " in l + " " for l in cut.log_lines(start)))
        self.assertEqual(other.stop(), 0)
        time.sleep(2 * TRY)     # not a wait for anything: the time in which it could have taken the lease
        self.assertFalse(cut.drives())
        self.assertEqual(cut.stop(), 0)

    def test_the_database_hangs(self):
        """Longer than the lease: nobody drives, both boards go on, one drives when it is back."""
        S.freeze_database()
        began = time.monotonic()
        try:
            stack.wait(lambda: f"\n{nodes.DRIVEN}0" in self.driver.metrics(), LEASE + SLACK, "the driver to give up")
            gave_up = time.monotonic() - began
            self.assertIn(f"\n{nodes.DRIVEN}0", self.watcher.metrics())
            for node in S.running():
                self.assertIn('pbxd_asterisk_up{asterisk="main"} 1', node.metrics())
        finally:
            S.thaw_database()
        _, took = S.wait_driver(LEASE + TRY + SLACK)
        self.say(f"the database hangs: the driver gives up after {gave_up:.1f} s; {took:.1f} s after its return one drives")
        S.wait_same_board(seconds=20)
        self.one_drives()


class Overlaps(unittest.TestCase):
    """That Watch would see two drivers, and sees none where one hands over."""

    def found(self, **samples):
        watch = nodes.Watch()
        watch.samples = {name: [(at, at + 1, driven) for at, driven in held] for name, held in samples.items()}
        return [(one, other) for _, one, other in watch.overlaps()]

    def test_two_at_once(self):
        self.assertEqual(self.found(a=[(0, True), (10, True), (20, True)], b=[(5, True)]), [("b", "a")])
        self.assertEqual(self.found(a=[(0, True), (10, True), (20, False)], b=[(5, True), (15, True)]), [("a", "b"), ("b", "a")])

    def test_one_after_the_other(self):
        self.assertEqual(self.found(a=[(0, True), (4, False), (8, False)], b=[(2, False), (6, True), (12, True)]), [])
        self.assertEqual(self.found(a=[(0, True), (10, False)], b=[(5, True)]), [])                             # a was stopped meanwhile
        self.assertEqual(self.found(a=[(0, True), (4, False), (10, True)], b=[(5, True), (8, False)]), [])      # there and back


class Caches(unittest.TestCase):
    """What is changed on one node is in force on the other within CACHE seconds."""

    @classmethod
    def setUpClass(cls):
        start_first()

    def setUp(self):
        self.a, self.b, self.t = S.node("a"), S.node("b"), S.tenants["viatalk"]
        self.admin = self.t.people["admin"]

    def in_force(self, what, condition):
        began = time.monotonic()
        stack.wait(condition, CACHE + SLACK, what)
        print(f"\n    {what}: {time.monotonic() - began:.2f} s", flush=True)

    def refused(self, login):
        return attempt(self.b.json, "system.whoami", {}, login)[0] == "unauthenticated"

    def new_user(self):
        login = Login("n" + secrets.token_hex(4), secrets.token_urlsafe(18))
        made = self.a.call("user.create", self.admin, login=login.user, password=login.password, role="viewer")
        return login, made["id"]

    def test_queue_changed_and_created(self):
        title, before = "Title " + secrets.token_hex(4), self.b.call("queue.status", self.admin, id="sales")["title"]
        self.a.call("queue.update", self.admin, id="sales", title=title)
        try:
            self.in_force("a changed queue", lambda: self.b.call("queue.status", self.admin, id="sales")["title"] == title)
        finally:
            self.a.call("queue.update", self.admin, id="sales", title=before)
        name = "n" + secrets.token_hex(4)
        self.a.call("queue.create", self.admin, name=name, title=title)
        self.in_force("a new queue", lambda: attempt(self.b.json, "queue.get", {"id": name}, self.admin)[0] == "ok")
        self.a.call("queue.delete", self.admin, id=name)
        self.in_force("a deleted queue", lambda: attempt(self.b.json, "queue.get", {"id": name}, self.admin)[0] == "not_found")

    def test_user_created(self):
        login, id = self.new_user()
        self.assertEqual(self.b.call("system.whoami", login)["login"], login.user)     # no cache knows that it was not there
        self.assertIn(id, [u["id"] for u in self.b.call("user.list", self.admin, limit=500)["items"]])

    def test_token_revoked(self):
        made = self.a.call("token.create", self.t.users["admin"], name="n" + secrets.token_hex(4), user="viatalk-viewer", operations=["*"])
        login = Login(None, made["token"])
        self.b.call("system.whoami", login)     # now B remembers it
        self.a.call("token.revoke", self.admin, id=made["id"])
        self.assertEqual(attempt(self.a.json, "system.whoami", {}, login)[0], "unauthenticated")
        self.in_force("a revoked token", lambda: self.refused(login))

    def test_user_disabled(self):
        login, id = self.new_user()
        self.b.call("system.whoami", login)
        self.a.call("user.update", self.admin, id=id, disabled=True)
        self.assertEqual(attempt(self.a.json, "system.whoami", {}, login)[0], "unauthenticated")
        self.in_force("a disabled user", lambda: self.refused(login))

    def test_password_and_role_changed(self):
        login, id = self.new_user()
        self.b.call("system.whoami", login)
        self.a.call("user.update", self.admin, id=id, role="supervisor")
        self.in_force("a changed role", lambda: self.b.call("system.whoami", login)["role"] == "supervisor")
        fresh = Login(login.user, secrets.token_urlsafe(18))
        self.a.call("user.set_password", self.admin, id=id, password=fresh.password)
        self.in_force("a changed password", lambda: self.refused(login))
        self.assertEqual(self.b.call("system.whoami", fresh)["login"], login.user)


if __name__ == "__main__":
    support.run(lambda: nodes.Cluster(settings={"access": {"throttle_pair": 1000, "throttle_address": 1000, "throttle_account": 1000}}))
