#!/usr/bin/env python3
"""SIGHUP: certificate and key are read again for new connections; a bad pair is logged and the old one stays in force, and a configuration with faults
changes nothing. --check-config: the files that a configuration names are looked at too. A start that fails says so where it was started."""
import os
import re
import signal
import socket
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
        self.notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notified.bind(self.path("notify"))
        self.notified.settimeout(20)
        log = open(self.path("log"), "ab")
        self.process = subprocess.Popen([os.path.join(BIN, "pbxd"), "--config", self.path("pbxd.conf")], stdout=log, stderr=log, cwd=folder,
                                        env=os.environ | {"NOTIFY_SOCKET": self.path("notify")})
        log.close()

    def path(self, name):
        return os.path.join(self.folder, name)

    def configure(self, tls=True, level="info", more=""):
        os.makedirs(self.path("data"), mode=0o700, exist_ok=True)
        pair = f"tls_certificate = {self.path('cert.pem')}\ntls_key = {self.path('key.pem')}\n" if tls else ""
        with open(self.path("pbxd.conf"), "w") as f:
            f.write(f"[pbxd]\ndata_dir = {self.path('data')}\nlog_level = {level}\n[http]\nport = 0\n{pair}{more}")

    def log(self, start=0):
        with open(self.path("log"), errors="replace") as f:
            return f.read()[start:]

    def await_line(self, part, start=0):
        return wait(lambda: next((line for line in self.log(start).splitlines() if part in line), None), 20, part, self.process, self.path("log"))

    def reload(self, last=" reloaded"):
        """Answers what it logged."""
        start = len(self.log())
        self.process.send_signal(signal.SIGHUP)
        self.await_line(last, start)
        return self.log(start)

    def status(self):
        """What the service manager was told last after RELOADING=1."""
        reloading = False
        while True:
            message = self.notified.recv(4096).decode()
            if reloading and message.startswith("READY=1"):
                return message.split("STATUS=")[1]
            reloading |= message.startswith("RELOADING=1")


def make_pair(folder, name):
    certificate, key = os.path.join(folder, name + "-cert.pem"), os.path.join(folder, name + "-key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True, timeout=30)
    with open(certificate) as c, open(key) as k:
        return c.read(), k.read()


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def check_refused(daemon, port, certificate):
    """One bad line: nothing is taken over, neither the level nor the renewed pair."""
    daemon.configure(level="error", more="no_such_key = 1\n")
    logged = daemon.reload(" reload.refused")
    check(" error reload.refused faults=1 " in logged, f"not refused: {logged}")
    check(re.search(r" error reload\.fault text=.*pbxd\.conf:\d+: there is no key ", logged), f"the fault is not named: {logged}")
    check(" reloaded" not in logged and "tls.renewed" not in logged, f"taken over: {logged}")
    check(daemon.status().startswith("reload refused, faults in the configuration: 1 ("), "the service manager was not told")
    context = ssl.create_default_context(cadata=certificate)
    context.check_hostname = False
    start = len(daemon.log())
    with urllib.request.urlopen(f"https://127.0.0.1:{port}/healthz/live", context=context, timeout=10) as answer:
        check(answer.status == 200, "/healthz/live")
    daemon.await_line(" info http ", start)   # the level stayed


def check_start(folder):
    """What is in the way of a start is told on the terminal too when the log is a file, and once when it is not; an option without its value by its name."""
    start = lambda *arguments: subprocess.run([os.path.join(BIN, "pbxd"), *arguments], capture_output=True, text=True, timeout=20)
    taken = socket.create_server(("127.0.0.1", 0))
    name = os.path.join(folder, "taken.conf")
    for log in ("", f"log_file = {os.path.join(folder, 'taken.log')}\n"):
        with open(name, "w") as f:
            f.write(f"[pbxd]\ndata_dir = {folder}\n{log}[http]\nport = {taken.getsockname()[1]}\n")
        done = start("--config", name)
        check(done.returncode != 0, "it started on a taken port")
        check(done.stderr.count("in use") == 1, f"with {log!r} it says: {done.stderr!r}")
    taken.close()
    for option in ("--config", "-c"):
        done = start("--check-config", option)
        check((done.returncode, done.stderr) == (2, f"pbxd: {option}: its value is missing (FILE); see pbxd --help\n"), f"{done}")


def check_files(folder, pair, other):
    """Each file that cannot be used is a fault of its own, with line, setting, path and remedy; all at once."""
    path = lambda name: os.path.join(folder, name)

    def verdict(data, log, certificate, key, authority):
        with open(path("check.conf"), "w") as f:
            f.write(f"[pbxd]\ndata_dir = {data}\nlog_file = {log}\n[http]\ntls_certificate = {certificate}\ntls_key = {key}\n"
                    f"[asterisk.main]\nsecret_file = ami\ntls = yes\ntls_ca = {authority}\n")
        done = subprocess.run([os.path.join(BIN, "pbxd"), "--check-config", "--config", path("check.conf")], capture_output=True, text=True, timeout=20)
        return done.returncode, done.stderr.splitlines(), done.stdout

    for name, text in (("ami", "no-guessing-1\n"), ("good.pem", pair[0]), ("good-key.pem", pair[1]), ("other-key.pem", other[1]), ("junk.pem", "junk\n")):
        with open(os.open(path(name), os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(text)
    os.makedirs(path("data"), exist_ok=True)
    code, faults, out = verdict("data", "new.log", "good.pem", "good-key.pem", "good.pem")
    check((code, faults, out) == (0, [], "configuration is in order\n"), f"in order: {code} {faults}")
    check(not os.path.exists(path("new.log")), "a check must make nothing")

    def named(faults, expected):
        check(len(faults) == len(expected), f"{len(expected)} faults: {faults}")
        for line, (number, setting, name, problem) in zip(faults, expected):
            check(line.startswith(f"error: {path('check.conf')}:{number}: {setting}: {path(name)} {problem}"), line)
            check(len(line.split("; ")[-1]) > 10, f"no remedy: {line}")

    code, faults, out = verdict("none/data", "none/log", "none.pem", "none-key.pem", "none-ca.pem")
    check(code == 78, f"exit {code}")
    named(faults, ((2, "[pbxd] data_dir", "none/data", "cannot be written to: No such file"), (3, "[pbxd] log_file", "none", "cannot be written to: No such file"),
                   (5, "[http] tls_certificate", "none.pem", "cannot be read: No such file"), (6, "[http] tls_key", "none-key.pem", "cannot be read: No such file"),
                   (10, "[asterisk.main] tls_ca", "none-ca.pem", "cannot be read: No such file")))
    code, faults, out = verdict("ami", "data", "junk.pem", "good-key.pem", "junk.pem")
    check(code == 78, f"exit {code}")
    named(faults, ((2, "[pbxd] data_dir", "ami", ""), (3, "[pbxd] log_file", "data", "is a folder"), (5, "[http] tls_certificate", "junk.pem", "holds no certificate"),
                   (10, "[asterisk.main] tls_ca", "junk.pem", "holds no certificate")))
    code, faults, out = verdict("data", "new.log", "good.pem", "other-key.pem", "good.pem")
    check(code == 78, f"exit {code}")
    named(faults, ((6, "[http] tls_key", "other-key.pem", "is not the key of tls_certificate"),))


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

        check_start(folder)
        check_files(folder, one, two)
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
            check(daemon.status() == "serving, reloaded", "the service manager was not told")

            install(*three)
            check_refused(daemon, port, two[0])
            check(shown() == two[0], "a refused reload must leave the old pair in force")
            daemon.configure()

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
            daemon.notified.close()
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
