#!/usr/bin/env python3
"""SIGHUP: certificate and key are read again for new connections; a bad pair is logged and the old one stays in force."""
import os
import re
import signal
import ssl
import subprocess
import sys
import tempfile
import urllib.request

from stack import ROOT, SKIPPED, wait

BIN = os.environ.get("PBX_BIN") or os.path.join(ROOT, "build/release/bin")


class Daemon:
    def __init__(self, folder):
        self.folder = folder
        self.configure()
        log = open(self.path("log"), "ab")
        self.process = subprocess.Popen([os.path.join(BIN, "pbxd"), "--config", self.path("pbxd.conf")], stdout=log, stderr=log, cwd=folder)
        log.close()

    def path(self, name):
        return os.path.join(self.folder, name)

    def configure(self, tls=True, level="info"):
        os.makedirs(self.path("data"), mode=0o700, exist_ok=True)
        pair = f"tls_certificate = {self.path('cert.pem')}\ntls_key = {self.path('key.pem')}\n" if tls else ""
        with open(self.path("pbxd.conf"), "w") as f:
            f.write(f"[pbxd]\ndata_dir = {self.path('data')}\nlog_level = {level}\n[http]\nport = 0\n{pair}")

    def log(self, start=0):
        with open(self.path("log"), errors="replace") as f:
            return f.read()[start:]

    def await_line(self, part, start=0):
        return wait(lambda: next((line for line in self.log(start).splitlines() if part in line), None), 20, part, self.process, self.path("log"))

    def reload(self):
        """Answers what it logged."""
        start = len(self.log())
        self.process.send_signal(signal.SIGHUP)
        self.await_line(" reloaded", start)
        return self.log(start)


def make_pair(folder, name):
    certificate, key = os.path.join(folder, name + "-cert.pem"), os.path.join(folder, name + "-key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True, timeout=30)
    with open(certificate) as c, open(key) as k:
        return c.read(), k.read()


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def main():
    if not os.access(os.path.join(BIN, "pbxd"), os.X_OK):
        print(f"SKIPPED: no pbxd in {BIN} (set PBX_BIN)")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="pbx-reload-") as folder:
        one, two, three = (make_pair(folder, name) for name in ("one", "two", "three"))

        def install(certificate, key):
            for name, text in (("cert.pem", certificate), ("key.pem", key)):
                with open(os.path.join(folder, name), "w") as f:
                    f.write(text)

        install(*one)
        daemon = Daemon(folder)
        try:
            port = int(re.search(r"port=(\d+)", daemon.await_line(" ready "))[1])
            shown = lambda: ssl.get_server_certificate(("127.0.0.1", port), timeout=10)
            check(shown() == one[0], "the first certificate is not served")

            install(*two)
            check(shown() == one[0], "files alone must change nothing")
            check("tls.renewed" in daemon.reload(), "the renewal is not logged")
            check(shown() == two[0], "the second certificate is not served after SIGHUP")

            for pair, field in (((three[0], two[1]), "tls_private_key"), (("junk", three[1]), "tls_certificate"), ((three[0], ""), "tls_private_key")):
                install(*pair)
                line = next(line for line in daemon.reload().splitlines() if "tls.not_renewed" in line)
                check(field in line, f"the field is not named: {line}")
                check(re.search(r'cause="?[^"\s]', line), f"no reason: {line}")
                check(shown() == two[0], "a bad pair must leave the old one in force")

            daemon.configure(tls=False)
            logged = daemon.reload()
            check("reload.needs_restart" in logged and "[http] tls_certificate" in logged, f"TLS cannot be switched off while running: {logged}")
            check(shown() == two[0], "TLS was switched off")

            install(*three)
            daemon.configure(level="warning")
            start = len(daemon.log())
            daemon.process.send_signal(signal.SIGHUP)   # "reloaded" is below the new level
            wait(lambda: shown() == three[0], 20, "the third certificate", daemon.process, daemon.path("log"))
            check("tls.not_renewed" not in daemon.log(start), "a good pair was refused")
            context = ssl.create_default_context(cadata=three[0])
            context.check_hostname = False
            with urllib.request.urlopen(f"https://127.0.0.1:{port}/healthz", context=context, timeout=10) as answer:
                check(answer.status == 200, "/healthz")
            check("PRIVATE KEY" not in daemon.log(), "a key is in the log")
        finally:
            daemon.process.send_signal(signal.SIGTERM)
            try:
                code = daemon.process.wait(30)
            except subprocess.TimeoutExpired:
                daemon.process.kill()
                code = daemon.process.wait()
        check(code == 0, f"pbxd ended with {code}")
    print("ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
