"""Believable traffic for scripts/demo --asterisk: nine agents at work, callers coming and going, until SIGTERM."""
import random
import signal
import time

from . import config
from .phones import BEHAVIOURS, FOREVER, Phones
from .server import LabError

# who does what; "noanswer" makes the ring-no-answers, "hangup" ends some calls by the agent
AGENTS = {"viatalk-101": "answer", "viatalk-102": "talkative", "viatalk-103": "slow",
          "hostrocket-101": "answer", "hostrocket-102": "transfer", "hostrocket-103": "slow",
          "dotblock-101": "talkative", "dotblock-102": "noanswer", "dotblock-103": "answer"}
# people do not hang up after 2.5 s as in the tests
PEOPLE = BEHAVIOURS | {"talkative": ("agent.xml", 1500, 25000), "slow": ("agent.xml", 3000, FOREVER),
                       "answer": ("agent.xml", 1500, FOREVER), "transfer": ("agent_transfer.xml", 1200, 9000)}
REASONS = ("lunch", "coffee", "training", "meeting")


class _Stop(Exception):
    pass


def _stop(*_):
    raise _Stop


def run(lab, seed=1):
    """Returns after SIGTERM or SIGINT. Outlives restarts of Asterisk."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    chance = random.Random(seed)
    try:
        with Phones(lab, PEOPLE) as phones:
            while True:
                try:
                    phones.register(AGENTS, anew=True)
                    with lab.ami(events="off") as ami:
                        _sign_in(ami)
                        _traffic(phones, ami, chance)
                except (OSError, LabError):
                    time.sleep(2)   # Asterisk is being restarted
    except _Stop:
        pass


def _sign_in(ami):
    for tenant in config.TENANTS:
        for agent in config.AGENTS:
            for queue in ("support", "sales", "vip"):
                interface = f"PJSIP/{tenant}-{agent}"
                ami.action("QueueAdd", Queue=f"{tenant}-{queue}", Interface=interface, StateInterface=interface,
                           MemberName=f"{tenant.title()} {agent}", Penalty=agent - 101)


def _traffic(phones, ami, chance):
    number, paused = 5550200, {}
    while True:
        tenant = chance.choice(config.TENANTS)
        called = chance.choices(("1000", "2000", "3000"), (6, 3, 1))[0]
        hold = chance.choice((4, 9)) if chance.random() < 0.2 else chance.uniform(15, 60)   # a fifth has no patience
        phones.reap_finished()
        if len(phones.calls) < 15:
            phones.call(tenant, called, hold=hold, number=str(number))
            number += 1
        _pauses(ami, chance, paused)
        time.sleep(min(12.0, chance.expovariate(1 / 4.0)))


def _pauses(ami, chance, paused):
    """Now and then somebody takes a break of 20 to 60 seconds; who is away longer comes back."""
    now = time.monotonic()
    for interface in [i for i, until in paused.items() if until < now]:
        del paused[interface]
        _pause(ami, interface, "false", "")
    if chance.random() < 0.1 and len(paused) < 3:
        interface = f"PJSIP/{chance.choice(config.TENANTS)}-{chance.choice(config.AGENTS)}"
        if interface not in paused:
            paused[interface] = now + chance.uniform(20, 60)
            _pause(ami, interface, "true", chance.choice(REASONS))


def _pause(ami, interface, value, reason):
    tenant = interface.removeprefix("PJSIP/").rpartition("-")[0]
    for queue in ("support", "sales", "vip"):
        ami.action("QueuePause", Queue=f"{tenant}-{queue}", Interface=interface, Paused=value, Reason=reason)
