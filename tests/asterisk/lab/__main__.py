"""python3 -m lab up|down|start|restart|kill|freeze|thaw|cli|info|call|agents|demo PREFIX ...  (see --help of each)"""
import argparse
import json
import signal
import sys

from . import config, demo
from .phones import BEHAVIOURS, Phones
from .server import Lab, LabError, cache_folder, fetch


def _arguments():
    parser = argparse.ArgumentParser(prog="python3 -m lab", description="A private Asterisk with three tenants on loopback.")
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name, text):
        made = commands.add_parser(name, help=text, description=text)
        made.add_argument("prefix", help="folder of the lab")
        return made

    up = command("up", "make the lab in PREFIX anew and start it; prints where everything is")
    up.add_argument("--version", type=int, choices=(22, 16), default=22)
    up.add_argument("--ports", default="auto", help="first port of a block of 1000, or auto")
    up.add_argument("--tree", help="folder made by scripts/asterisk-fetch (default: fetched below %s)" % cache_folder())
    up.add_argument("--json", action="store_true", help="the whole of lab.json instead of one line")
    command("down", "stop it")
    command("start", "start it again after kill, with the configuration and secrets that are there")
    command("restart", "core restart now")
    command("kill", "kill -9")
    command("freeze", "SIGSTOP: connections stay open, nothing answers")
    command("thaw", "SIGCONT")
    command("info", "print lab.json")
    cli = command("cli", "run a command of Asterisk's console")
    cli.add_argument("words", nargs=argparse.REMAINDER)
    call = command("call", "one batch of callers; waits for them")
    call.add_argument("tenant", choices=config.TENANTS)
    call.add_argument("--to", default="1000", help="1000 support, 2000 sales, 3000 vip")
    call.add_argument("--hold", type=float, default=6.0, help="seconds")
    call.add_argument("--count", type=int, default=1)
    agents = command("agents", "phones for agents until SIGTERM")
    agents.add_argument("who", nargs="+", metavar="TENANT-NUMBER=BEHAVIOUR", help="behaviours: " + ", ".join(BEHAVIOURS))
    play = command("demo", "believable traffic until SIGTERM: agents, callers, abandons, pauses")
    play.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def _until_told():
    """Waits for SIGTERM or Ctrl-C."""
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


def _run(options):
    if options.command == "up":
        base = None if options.ports == "auto" else int(options.ports)
        lab = Lab.up(options.prefix, options.version, base=base, tree=options.tree or fetch(options.version))
        print(json.dumps(lab.state, indent=1) if options.json else
              f"Asterisk {lab.state['asterisk_version']}: AMI 127.0.0.1:{lab.state['ami_port']}, SIP {lab.state['sip_port']}, {lab.prefix}")
        return 0
    lab = Lab(options.prefix)
    if options.command == "info":
        print(json.dumps(lab.state | {"running": lab.alive()}, indent=1))
    elif options.command == "cli":
        print(lab.cli(*options.words), end="")
    elif options.command == "call":
        with Phones(lab) as phones:
            phones.call(options.tenant, options.to, hold=options.hold, count=options.count)
            failed = phones.reap(options.hold + options.count + 60)
        for name, why in failed.items():
            print(name, why, file=sys.stderr)
        return 1 if failed else 0
    elif options.command == "agents":
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        with Phones(lab) as phones:
            phones.register(dict(pair.split("=", 1) for pair in options.who))
            _until_told()
    elif options.command == "demo":
        demo.run(lab, options.seed)
    else:
        {"down": lab.down, "start": lab.start, "restart": lab.restart_now, "kill": lab.kill, "freeze": lab.freeze,
         "thaw": lab.thaw}[options.command]()
    return 0


try:
    sys.exit(_run(_arguments()))
except (LabError, LookupError, OSError) as error:
    print(f"lab: {error}", file=sys.stderr)
    sys.exit(1)
