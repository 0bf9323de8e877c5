#!/usr/bin/env python3
"""Acceptance test of the live board: real calls on a private Asterisk, and after each step pbxd's board against what
Asterisk itself says, field by field; drift must stay 0.

    acceptance.py --version 22|16 --pbxd PROGRAM [--pbxctl PROGRAM] [--only PHASE ...] [--keep]
    acceptance.py --version 22|16 --no-pbxd        only the calls, to prove the laboratory

Exit code 0: all well; 1: something is not as it must be; 2: usage; 77: cannot run here (no SIPp).
"""
import argparse
import os
import shutil
import sys
import tempfile
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from board.driver import Driver, Failed  # noqa: E402
from board.pbxd import PbxdError, start_pbxd  # noqa: E402
from board.phases import PHASES  # noqa: E402
from lab import Lab, LabError  # noqa: E402

CALLS_WANTED = 50


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--version", type=int, choices=(22, 16), required=True)
    program = parser.add_mutually_exclusive_group(required=True)
    program.add_argument("--pbxd", help="the program under test")
    program.add_argument("--no-pbxd", action="store_true", help="phases and calls only, nothing is compared")
    parser.add_argument("--pbxctl", help="default: beside pbxd")
    parser.add_argument("--only", nargs="+", metavar="PHASE", choices=[p.__name__ for p in PHASES], help="these phases after setup")
    parser.add_argument("--keep", action="store_true", help="keep the folder with all logs, also when all is well")
    return parser.parse_args()


def run_phases(driver, only):
    """Prints a line a phase; returns the names of those that failed. After a failure the rest still runs if it can."""
    failed = []
    for phase in PHASES:
        if only and phase.__name__ not in only and phase.__name__ != "setup":
            continue
        began, calls, compared = time.monotonic(), driver.phones.started, len(driver.comparisons)
        error = None
        try:
            phase(driver)
        except (Failed, PbxdError, LabError, OSError) as e:
            error = f"{type(e).__name__}: {e}"
        slowest = max((s for _, s in driver.comparisons[compared:]), default=0.0)
        print(f"{'FAIL' if error else 'ok  '}  {phase.__name__:28} {time.monotonic() - began:6.1f} s  {driver.phones.started - calls:3d} calls"
              f"  {len(driver.comparisons) - compared:2d} comparisons, slowest {slowest:.2f} s", flush=True)
        if error:
            failed.append(phase.__name__)
            print(f"      {error}", flush=True)
            if not recover(driver):
                print("      the laboratory cannot go on; the remaining phases did not run", flush=True)
                break
    return failed


def recover(driver):
    """Brings the laboratory back to what a phase may expect, so that one fault does not hide the next."""
    try:
        if not driver.lab.alive():
            driver.lab.start(die_with_parent=True)
        driver.lab.thaw()
        driver.phones.reap(0)
        driver.connect()
        driver.ami.action("Hangup", Channel="/.*/")
        for m in driver.ami.list("QueueStatus"):
            if m.get("Event") == "QueueMember" and m.get("Membership") == "dynamic":
                driver.ami.action("QueueRemove", Queue=m.get("Queue"), Interface=m.get("Location"))
        driver.all_phones()
        driver.resume(101, 102)
        return True
    except (Failed, LabError, OSError):
        traceback.print_exc(limit=1, file=sys.stdout)
        return False


def main():
    options = arguments()
    if not shutil.which("sipp"):
        print("SKIPPED: sipp is not installed (scripts/setup asterisk)")
        return 77
    began = time.monotonic()
    folder = tempfile.mkdtemp(prefix=f"pbx-acceptance-{options.version}-")
    failed, driver, pbxd = ["start"], None, None
    try:
        with Lab.up(f"{folder}/asterisk", options.version, die_with_parent=True, sales_wait=4) as lab:
            print(f"Asterisk {lab.state['asterisk_version']}, {folder}", flush=True)
            if foreign := lab.foreign_libraries():
                raise LabError(f"libraries from outside the tree: {foreign}")
            try:
                if options.pbxd:
                    pbxctl = options.pbxctl or os.path.join(os.path.dirname(os.path.abspath(options.pbxd)), "pbxctl")
                    pbxd = start_pbxd(os.path.abspath(options.pbxd), pbxctl, lab, f"{folder}/pbxd")
                driver = Driver(lab, pbxd)
                failed = run_phases(driver, options.only)
            finally:
                if driver:
                    driver.close()
                if pbxd:
                    pbxd.stop()
    except (Failed, PbxdError, LabError, LookupError, OSError) as error:
        print(f"FAIL  {type(error).__name__}: {error}")
        failed = failed or ["stop"]
    calls = driver.phones.started if driver else 0
    comparisons = driver.comparisons if driver else []
    if not options.only and calls < CALLS_WANTED:
        print(f"FAIL  only {calls} calls, {CALLS_WANTED} are wanted")
        failed.append("calls")
    if options.pbxd and not comparisons:
        print("FAIL  nothing was compared")
        failed.append("comparisons")
    slowest = max(comparisons, key=lambda c: c[1], default=("-", 0.0))
    print(f"{'FAILED: ' + ', '.join(failed) if failed else 'PASSED'}: Asterisk {options.version}, {calls} calls, {driver.lost if driver else 0} of them cut by the crash,"
          f" {len(comparisons)} comparisons" + (f" (slowest {slowest[1]:.2f} s: {slowest[0]})" if comparisons else "") + f", {time.monotonic() - began:.0f} s")
    if failed or options.keep:
        print(f"logs: {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
