#!/usr/bin/env python3
"""`cmake --install` puts down what a machine that runs pbxd needs, and nothing else; systemd takes the unit, and the installed sample is a configuration."""
import os
import shutil
import subprocess
import sys
import tempfile

from stack import ROOT, SKIPPED

BUILD = os.path.dirname(os.environ.get("PBX_BIN") or os.path.join(ROOT, "build/release/bin"))
PREFIX = "usr/local"
WANTED = {f"{PREFIX}/{name}" for name in ("bin/pbxd", "bin/pbxctl", "lib/systemd/system/pbxd.service", "share/bash-completion/completions/pbxctl",
                                          "share/doc/pbxd/pbxd.conf.sample")}


def run(*arguments, **more):
    return subprocess.run(arguments, capture_output=True, text=True, timeout=60, **more)


def main():
    if not os.path.exists(os.path.join(BUILD, "cmake_install.cmake")):
        print(f"SKIPPED: {BUILD} is no build folder (set PBX_BIN)")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="pbx-install-") as folder:
        done = run("cmake", "--install", BUILD, env=os.environ | {"DESTDIR": folder})
        assert done.returncode == 0, done.stderr
        found = {os.path.relpath(os.path.join(at, name), folder) for at, _, names in os.walk(folder) for name in names}
        assert found == WANTED, f"missing {WANTED - found}, too much {found - WANTED}"
        at = lambda name: os.path.join(folder, PREFIX, name)
        done = run(at("bin/pbxd"), "--check-config", "--config", at("share/doc/pbxd/pbxd.conf.sample"), env=os.environ | {"PBXD_DATA_DIR": folder})
        assert done.returncode == 0, done.stderr
        with open(at("lib/systemd/system/pbxd.service")) as f:
            unit = f.read()
        assert f"ExecStart=/{PREFIX}/bin/pbxd " in unit, unit
        if shutil.which("systemd-analyze"):
            # It looks for the program where the unit will have it, which is not here.
            checked = os.path.join(folder, "pbxd.service")
            with open(checked, "w") as f:
                f.write(unit.replace(f"/{PREFIX}/bin/pbxd", at("bin/pbxd")))
            done = run("systemd-analyze", "verify", checked)
            assert (done.returncode, [line for line in done.stderr.splitlines() if "pbxd" in line]) == (0, []), done.stderr
    print("ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
