#!/usr/bin/env python3
"""test_site.py 22|16 --pbxd PROGRAM [--pbxctl PROGRAM]: an Asterisk that a site has set up in its own way. AMI over TLS, with certificates that are right and
wrong; an account for which nothing is filtered and every class is on.

Exit code 77: cannot run here (no SIPp, no openssl)."""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from board import phases  # noqa: E402
from board.driver import Driver  # noqa: E402
from board.pbxd import start_pbxd  # noqa: E402
from lab import Lab, ports  # noqa: E402
from lab.config import write_private  # noqa: E402
from lab.wait import soon  # noqa: E402

OPTIONS = None
NAME = "asterisk.test"


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=30)


def make_certificates(folder):
    """Two authorities, of which the first has signed a certificate for NAME and 127.0.0.1."""
    for ca in ("ca", "other-ca"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN=Test {ca}",
                "-keyout", f"{folder}/{ca}.key", "-out", f"{folder}/{ca}.pem")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={NAME}", "-keyout", f"{folder}/ami.key", "-out", f"{folder}/ami.csr")
    write_private(f"{folder}/extensions", f"subjectAltName = DNS:{NAME}, IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", f"{folder}/ami.csr", "-CA", f"{folder}/ca.pem", "-CAkey", f"{folder}/ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", f"{folder}/extensions", "-out", f"{folder}/ami.pem")


class Site(unittest.TestCase):
    """One Asterisk and one pbxd with many links to it."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="pbx-site-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.lab = Lab.up(f"{cls.folder}/lab", OPTIONS.version, die_with_parent=True)
        cls.addClassCleanup(cls.lab.down)
        make_certificates(cls.folder)
        cls.tls_port = cls.lab.state["base"] + ports.AMI_TLS
        cls.set_up_site()
        right, tls = f"{cls.folder}/ca.pem", {"port": cls.tls_port, "tls": "yes"}
        cls.pbxd = cls.start_pbxd("pbxd", {
            "tls": tls | {"tls_ca": right},
            "named": tls | {"tls_ca": right, "tls_name": NAME},
            "plain": tls | {"tls_ca": right, "plain_login": "yes"},
            "wrong-ca": tls | {"tls_ca": f"{cls.folder}/other-ca.pem"},
            "system-ca": tls,
            "wrong-name": tls | {"tls_ca": right, "tls_name": "elsewhere.test"},
            "tls-to-plain": {"tls": "yes", "tls_ca": right},
            "plain-to-tls": {"port": cls.tls_port}})
        cls.addClassCleanup(cls.pbxd.stop)

    @classmethod
    def start_pbxd(cls, folder, others=None):
        program = os.path.abspath(OPTIONS.pbxd)
        return start_pbxd(program, OPTIONS.pbxctl or os.path.join(os.path.dirname(program), "pbxctl"), cls.lab, f"{cls.folder}/{folder}", others)

    @classmethod
    def set_up_site(cls):
        """manager.conf as a site may have it: TLS beside plain, no filter, every class on for pbxd's account."""
        path = f"{cls.lab.prefix}/etc/manager.conf"
        with open(path) as f:
            text = f.read()
        text, filters = re.subn(r"(?m)^eventfilter.*\n", "", text)
        text, reads = re.subn(r"(?m)^read = system,call,agent,user,dtmf$", "read = all", text)
        text = text.replace("[general]\n", f"[general]\ntlsenable = yes\ntlsbindaddr = 127.0.0.1:{cls.tls_port}\ntlscertfile = {cls.folder}/ami.pem\n"
                                           f"tlsprivatekey = {cls.folder}/ami.key\n", 1)
        if (filters, reads) != (3, 1):
            raise AssertionError(f"manager.conf is not as expected: {filters} filters, {reads} lines of classes")
        write_private(path, text)
        cls.lab.cli("module", "reload", "manager")

    def up(self, name):
        soon(lambda: not self.pbxd.link(name)["stale"], f"a board of {name}")
        link = self.pbxd.link(name)
        self.assertEqual((link["state"], link.get("problem"), link["privileged"], link["queues"]), ("up", None, True, 9))

    def refused(self, name, *wanted):
        """Down; why is said to the operator and in the log, in words that name what is wrong."""
        def said():     # also while it tries once more: it is down for some 0.2 s only
            link = self.pbxd.link(name)
            return link["state"] != "up" and link.get("problem") not in (None, "", "not connected yet")
        soon(said, f"a problem of {name}", 15)    # a side that says nothing is given up after 9 s
        link = self.pbxd.link(name)
        self.assertTrue(link["stale"])
        for text in wanted:
            self.assertIn(text, link["problem"])
        logged = [line for line in self.log() if f" link.failed asterisk={name} " in line]
        self.assertTrue(any(all(text in line for text in wanted) for line in logged), logged)
        self.assertFalse([line for line in self.log() if f" link.up asterisk={name} " in line])
        print(f"\n    {name}: {link['problem']}", flush=True)

    def log(self):
        with open(self.pbxd.log, errors="replace") as f:
            return f.read().splitlines()

    # --- TLS

    def test_tls_by_address_and_by_name(self):
        self.up("tls")
        self.up("named")

    def test_plain_secret_over_tls(self):
        self.up("plain")

    def test_plain_secret_without_tls_is_no_configuration(self):
        with open(f"{self.folder}/pbxd/pbxd.conf") as f:
            text = f.read()
        path = f"{self.folder}/pbxd/plain.conf"
        write_private(path, text + f"[asterisk.clear]\nhost = 127.0.0.1\nsecret_file = {self.lab.state['secrets']['pbxd']}\nplain_login = yes\n")
        done = subprocess.run([OPTIONS.pbxd, "--check-config", "--config", path], capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertRegex(done.stderr, r"error: .*plain_login is yes, but tls is no")

    def test_wrong_authority(self):
        self.refused("wrong-ca", "certificate", "tls_ca")
        self.refused("system-ca", "certificate", "tls_ca")

    def test_wrong_name(self):
        self.refused("wrong-name", "certificate", "elsewhere.test", "tls_name")

    def test_tls_where_none_is(self):
        self.refused("tls-to-plain", "no TLS at this port")
        self.refused("plain-to-tls")

    def test_no_secret_in_the_log(self):
        log = "\n".join(self.log())
        self.assertIn(" link.up asterisk=plain ", log)
        for account in ("pbxd", "pbxd-sys"):
            self.assertNotIn(self.lab.secret(account), log)

    # --- nothing filtered

    @staticmethod
    def ignored_events(pbxd):
        return sum(float(line.rpartition(" ")[2]) for line in pbxd.metrics().splitlines() if line.startswith("pbxd_ami_events_total{") and 'fate="ignored"' in line)

    def test_unfiltered(self):
        """The board is right, and drift stays 0 (each comparison looks), while all that a renderer of ours would filter comes too."""
        pbxd = self.start_pbxd("unfiltered")
        self.addCleanup(pbxd.stop)
        driver = Driver(self.lab, pbxd)
        try:
            with self.lab.ami("pbxd") as seen:
                for phase in (phases.setup, phases.answered_caller_hangs_up, phases.blind_transfer_by_refer, phases.pauses_and_abandons, phases.administration):
                    phase(driver)
                kinds = {m.get("Event") for m in seen.messages}
            driver.check_refreshed("everything, counters too")
            self.assertGreaterEqual(driver.phones.started, 21)
            self.assertLessEqual({"VarSet", "Newexten", "RTCPSent"}, kinds)     # what lab/templates/manager.conf filters
            ignored = self.ignored_events(pbxd)
            self.assertGreater(ignored, 1000)
            slowest = max(driver.comparisons, key=lambda c: c[1])
            print(f"\n    {driver.phones.started} calls, {len(driver.comparisons)} comparisons (slowest {slowest[1]:.2f} s: {slowest[0]}), drift {pbxd.drift()}, "
                  f"{len(kinds)} kinds of events, {ignored:.0f} for nothing", flush=True)
        finally:
            driver.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("version", type=int, choices=(22, 16))
    parser.add_argument("--pbxd", required=True)
    parser.add_argument("--pbxctl")
    OPTIONS, rest = parser.parse_known_args()
    for program in ("sipp", "openssl"):
        if not shutil.which(program):
            print(f"SKIPPED: {program} is not installed (scripts/setup asterisk)")
            sys.exit(77)
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
