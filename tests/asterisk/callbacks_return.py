#!/usr/bin/env python3
"""callbacks_return.py 22|16 --pbxd PROGRAM --pbxctl PROGRAM: people with an open callback call by themselves, and people give up, on a real Asterisk with the rendered
dialplan (as callbacks_live.py). Exit code 77: cannot run here."""
import threading
import time
import unittest

import callbacks_live
from callbacks_live import QUEUE, TENANT, Placed
from lab.wait import soon
from render import number

POLICY = {"max_attempts": 3, "max_doubts": 1, "retries": [{"outcome": "busy", "after_seconds": 4}], "expires_after_seconds": 3600, "ring_seconds": 10}


class Returns(Placed):
    def setUp(self):
        super().setUp()
        self.cursor = self.call("event.poll")["next"]

    def policy(self, **wanted):
        self.call("callback_policy.set", **POLICY, **wanted)
        time.sleep(2.1)         # so long pbxd may remember who wants to know

    def news(self, id):
        """What event.poll has told of the callback: type, state, outcome."""
        page = self.call("event.poll", after=self.cursor, limit=500)
        return [(e["type"], e["state"], e.get("outcome")) for e in page["items"] if e.get("callback") == id and e["type"].startswith("callback.")]

    def board(self):
        return self.call("queue.status", id="sales")

    def waits_alone(self, caller):
        """A caller before it, a callback, and the agent away."""
        self.agent("hangup")
        self.pause(True)
        first = self.caller(caller)
        time.sleep(2.1)         # who comes within two seconds of each other is served as it happens
        id = self.ask_json()
        channel = self.placeholder()
        time.sleep(2.1)
        return first, id, channel

    def served_in(self, order):
        self.pause(False)
        soon(lambda: len(self.served()) == len(order), "all to be served", 40)
        self.assertEqual(self.served(), order)
        self.assertEqual(self.dialled, [])
        self.at_rest()

    def test_a_adopted_he_waits_at_its_place(self):
        self.policy(on_return="adopt")
        first, id, channel = self.waits_alone("6465550111")
        row = soon(lambda: next((c for c in self.board()["callers"] if c.get("callback") == id), None), "the board to show it as a callback")
        self.assertEqual((row["number"], row["since"], row["position"]), (self.number, self.call("callback.get", id=id)["requested_at"], 2))
        counts = self.board()["counts"]
        self.assertEqual((counts["waiting"], counts["callbacks"]), (1, 1))
        self.assertGreater(counts["longest_wait_seconds"], counts["longest_callback_seconds"])
        later = self.caller("6465550112")
        began = time.monotonic()
        self.assertEqual(self.waiting(), [first, channel, later])
        himself = self.caller(self.number[2:])
        got = self.becomes(id, "cancelled", 3)
        self.assertEqual(got["outcome"], "adopted")
        soon(lambda: self.waiting() == [first, himself, later], "him at its place", 3)
        print(f"\n    adopted {(time.monotonic() - began) * 1000:.0f} ms after he called", flush=True)
        self.assertEqual(soon(lambda: len(n := self.news(id)) == 2 and n, "the news"), [("callback.asked", "queued", None), ("callback.ended", "cancelled", "adopted")])
        # another callback, asked for meanwhile, stands behind him and does not pass him
        time.sleep(2.1)
        self.number = self.number[:-4] + "3999"
        other = self.ask_json()
        behind = self.placeholder()
        time.sleep(1)           # it would be placed anew by now, were it wrong
        self.assertEqual(self.waiting(), [first, himself, later, behind])
        self.assertEqual(self.call("callback.cancel", id=other)["result"], "cancelled")
        soon(lambda: len(self.waiting()) == 3, "it to be gone", 3)
        self.served_in([first, himself, later])

    def test_b_cancelled_he_waits_as_any_other(self):
        self.policy(on_return="cancel")
        first, id, _ = self.waits_alone("6465550113")
        later = self.caller("6465550114")
        himself = self.caller(self.number[2:])
        self.assertEqual(self.becomes(id, "cancelled", 3)["outcome"], "called_again")
        soon(lambda: self.waiting() == [first, later, himself], "him behind the others", 3)
        self.served_in([first, later, himself])

    def test_c_off_it_stays(self):
        self.policy()
        first, id, channel = self.waits_alone("6465550115")
        himself = self.caller(self.number[2:])
        time.sleep(1)
        self.assertEqual(self.waiting(), [first, channel, himself])
        self.assertEqual(self.call("callback.cancel", id=id)["result"], "cancelled")
        soon(lambda: channel not in self.waiting(), "it to be gone", 3)
        self.served_in([first, himself])

    def test_d_while_his_phone_rings_the_attempt_is_let_go(self):
        self.policy(on_return="cancel")
        self.agent("answer")
        ringing, free = threading.Event(), threading.Event()
        self.addCleanup(free.set)

        def busy_calling_us(call):
            call.phone.ring(call)
            ringing.set()
            free.wait(8)
            call.phone.refuse(call, "486 Busy Here")
        self.customer(busy_calling_us)
        id = self.ask_json()
        self.assertTrue(ringing.wait(15), "his phone rings")
        himself = self.caller(self.number[2:], hold=10)
        time.sleep(0.6)
        self.assertIn(self.call("callback.get", id=id)["state"], ("gated", "ringing"))
        free.set()
        got = self.becomes(id, "cancelled", 8)
        self.assertEqual((got["outcome"], [h["outcome"] for h in got["history"]]), ("called_again", ["busy"]))
        soon(lambda: himself in self.served(), "him to be served", 15)
        time.sleep(4.5)         # when it would have been tried again
        self.assertEqual(self.dialled, [self.number])
        self.at_rest()

    def test_e_who_gives_up_is_called_back_once(self):
        self.policy(abandoned_after_seconds=2)
        self.agent("answer")
        self.pause(True)

        def gives_up(caller, after, headers=""):
            known = self.waiting()
            call = self.provider.call(number(TENANT, "0100"), caller, headers)
            soon(lambda: [u for u in self.waiting() if u not in known and not u.startswith("pbxd-")], f"{caller} to wait")
            time.sleep(after)
            call.hangup()
        gives_up(self.number[2:], 0.5)
        gives_up("16465550199", 3, "P-Asserted-Identity: <sip:16465550199@127.0.0.11>\r\nPrivacy: id\r\n")
        gives_up("19005551234", 3)
        gives_up(self.number[2:], 3)
        gives_up(self.number[2:], 3)
        rows = soon(lambda: self.pbxd.items("callback.list", tenant=TENANT, queue="sales"), "a callback for him")
        self.assertEqual([(r["number"], r["requested_by"]) for r in rows], [(self.number, "abandon")])
        self.pause(False)
        self.becomes(rows[0]["id"], "done")
        self.assertEqual(self.dialled, [self.number])
        self.at_rest()


if __name__ == "__main__":
    callbacks_live.main(__doc__)
