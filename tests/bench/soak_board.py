#!/usr/bin/env python3
"""soak_board.py BUILD_DIR MINUTES: the board under a fast simulated day while Asterisk restarts and the link is cut, over and over.

Fails (exit 1) when the board does not come back within 15 s, a field was announced and yet wrong (drift), pbxd wrote an error, or its memory still grows by
more than 1 MB a minute in the second half of a run of at least ten minutes. A process that ends by itself ends the soak at once.
"""
import os
import signal
import sys
import time

from bench_stack import BenchStack, commit, load, stack

EVERY = 20          # seconds between faults
BACK_WITHIN = 15    # seconds until the board must be fresh again: back-off, login, resync, with a build or tests beside us
GROWTH = 1.0        # MB a minute


def slope(points):
    """MB a minute, by least squares."""
    n = len(points)
    mean_t, mean_v = sum(t for t, _ in points) / n, sum(v for _, v in points) / n
    over = sum((t - mean_t) ** 2 for t, _ in points)
    return 60 * sum((t - mean_t) * (v - mean_v) for t, v in points) / over if over else 0.0


class Soak:
    def __init__(self, s, minutes):
        self.s, self.minutes = s, minutes
        self.token = s.tenants["viatalk"].tokens["admin"]
        self.rss, self.back, self.faults, self.polled, self.anew = [], [], {"restart": 0, "cut": 0}, 0, 0
        self.started, self.cursor = time.monotonic(), None

    def alive(self):
        for name, process in (("pbxd", self.s.daemon), ("pbxsim", self.s.simulator)):
            if process.poll() is not None:
                raise RuntimeError(f"{name} ended by itself with {process.returncode}\n{self.s.log_text()[-3000:]}")

    def use(self):
        """What a dashboard and a CRM do meanwhile; also takes the samples."""
        self.alive()
        try:
            page = self.s.call("event.poll", self.token, limit=500, wait_seconds=1, **({"after": self.cursor} if self.cursor else {}))
            self.cursor, self.polled = page["next"], self.polled + len(page["items"])
        except stack.Fault as fault:
            if fault.token != "start_anew":
                raise
            self.cursor, self.anew = None, self.anew + 1
        self.s.items("call.list", self.token)
        for queue in self.s.tenants["viatalk"].queues:
            self.s.call("queue.status", self.token, id=queue)
        self.rss.append((time.monotonic() - self.started, self.s.rss_mb()))

    def fault(self, kind):
        losses, connects = self.s.metric("pbxd_ami_losses_total"), self.s.metric("pbxd_ami_connects_total")
        at = time.monotonic()
        self.s.simulator.send_signal(signal.SIGUSR1 if kind == "restart" else signal.SIGUSR2)
        self.faults[kind] += 1
        stack.wait(lambda: self.s.metric("pbxd_ami_losses_total") > losses, 10, f"the {kind} to be noticed", self.s.daemon, self.s.log)
        stack.wait(lambda: self.s.metric("pbxd_ami_connects_total") > connects and self.s._in_step() and
                   not self.s.call("queue.list", self.token)["stale"], BACK_WITHIN, f"the board after a {kind}", self.s.daemon, self.s.log)
        self.back.append(time.monotonic() - at)

    def run(self):
        end, due, turn = self.started + 60 * self.minutes, self.started + EVERY, 0
        while time.monotonic() < end:
            self.use()
            if time.monotonic() >= due:
                self.fault(("cut", "restart")[turn % 2])
                turn, due = turn + 1, time.monotonic() + EVERY
        # The last comparison: every queue has been asked for once more since the last fault.
        quiet = time.monotonic() + 12
        while time.monotonic() < quiet:
            self.use()

    def summary(self):
        s, problems = self.s, []
        late = [(t, v) for t, v in self.rss if t > self.rss[-1][0] / 2]
        growth = slope(late)
        drift = {labels: value for labels, value in s.series("pbxd_board_drift_total").items() if value}
        errors = [line for line in s.log_text().splitlines() if " error " in line]
        print(f"\nsoak board: pbxd {commit()}, {(time.monotonic() - self.started) / 60:.1f} min, {load()}")
        print(f"  events        {sum(s.series('pbxd_ami_events_total').values()):.0f} from Asterisk, {self.polled} polled by one company, {self.anew} times told to start anew")
        print(f"  faults        {self.faults['cut']} links cut, {self.faults['restart']} restarts; fresh again after {max(self.back, default=0):.1f} s at most")
        print(f"  resyncs       {s.metric('pbxd_board_resyncs_total'):.0f}; damaged {s.metric('pbxd_ami_damaged_total'):.0f}; refreshed {s.metric('pbxd_board_refreshed_total'):.0f}")
        print(f"  drift         {s.metric('pbxd_board_drift_total'):.0f} {drift or ''}")
        print(f"  memory        {self.rss[0][1]:.1f} MB at the start, {self.rss[-1][1]:.1f} at the end, {max(v for _, v in self.rss):.1f} at most; second half {growth:+.2f} MB a minute")
        print(f"  errors logged {len(errors)}")
        if drift:
            problems.append("drift")
        if errors:
            problems.append("errors in the log: " + errors[0])
        if self.minutes >= 10 and growth > GROWTH:
            problems.append(f"memory grows by {growth:.2f} MB a minute")
        if not self.back:
            problems.append("too short for a single fault: run it for a minute at least")
        print("  FAILED: " + "; ".join(problems) if problems else "  passed")
        return not problems


def main():
    build, minutes = os.path.abspath(sys.argv[1]), float(sys.argv[2])
    # A small ring of events: it is full after a minute, so that what grows later is no ring that fills.
    with BenchStack(bin_dir=f"{build}/bin", settings={"board": {"reconcile_seconds": 5, "feed_size": 2048}}, sim=("--speed", "20", "--agents", "120", "--quiet")) as s:
        soak = Soak(s, minutes)
        try:
            soak.run()
        except (RuntimeError, TimeoutError) as error:
            print(f"soak board FAILED after {(time.monotonic() - soak.started) / 60:.1f} min: {error}")
            sys.exit(1)
        sys.exit(0 if soak.summary() else 1)


if __name__ == "__main__":
    main()
