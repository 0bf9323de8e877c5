"""The phases of the acceptance test, in order. Each starts and ends with no call up and with agents 101 and 102 in the
support queues, un-paused, all phones free. PHASES at the end is the table."""
import time

from lab import TENANTS

from .driver import Failed

SUPPORT, SALES, VIP = "1000", "2000", "3000"
RETURN_SECONDS = 3.0   # after a link or Asterisk is back, the board is right within this


def setup(d):
    """Phones are registered: every member of a queue becomes free."""
    d.check("before any phone")
    d.all_phones()
    board = d.check("phones registered")
    statuses = {m["status"] for q in board["queues"].values() for m in q["members"].values()}
    if statuses != {1}:
        raise Failed(f"not every member is free: status {statuses}")


def answered_caller_hangs_up(d):
    d.mark()
    d.call_all(count=3, rate=5, hold=4.5)
    d.expect("AgentConnect", 6)
    board = d.check("two talk, one waits, in each tenant")
    waiting = {t: len(board["queues"][f"{t}-support"]["callers"]) for t in TENANTS}
    if set(waiting.values()) != {1}:
        raise Failed(f"one caller should wait in each support queue: {waiting}")
    d.expect("AgentComplete", 6, Reason="caller")
    d.finish()


def answered_agent_hangs_up(d):
    d.behave(a101="hangup", a102="hangup")
    d.mark()
    d.call_all(count=2, rate=5, hold=20)
    d.expect("AgentConnect", 6)
    d.check("agents talk")
    d.expect("AgentComplete", 6, Reason="agent")
    d.finish()
    d.behave(a101="answer", a102="answer")


def pauses_and_abandons(d):
    d.pause(101, 102, reason="lunch")
    d.mark()
    d.call_all(count=3, rate=5, hold=3.5)
    d.expect("QueueCallerJoin", 9)
    board = d.check("everybody at lunch, three wait in each tenant")
    callers = [len(board["queues"][f"{t}-support"]["callers"]) for t in TENANTS]
    if callers != [3, 3, 3]:
        raise Failed(f"three callers should wait in each support queue: {callers}")
    d.pause(102, reason="coffee")
    d.check("changed reason")
    d.expect("QueueCallerAbandon", 9)
    d.finish()
    d.resume(101, 102)


def ring_no_answer(d):
    d.behave(a103="noanswer")
    d.pause(101, 102)
    d.add(103)
    d.mark()
    d.call_all(hold=7.5)
    d.expect("AgentCalled", 3)
    d.check("ringing")
    d.expect("AgentRingNoAnswer", 3)
    d.expect("QueueCallerAbandon", 3)
    d.finish()
    d.remove(103)
    d.resume(101, 102)
    d.behave(a103="answer")


def busy_then_answered(d):
    d.behave(a102="busy")
    d.pause(101)
    d.mark()
    d.call_all(hold=6)
    d.expect("AgentRingNoAnswer", 3)
    d.resume(101)
    d.expect("AgentConnect", 3)
    d.check("the other agent answered")
    d.expect("AgentComplete", 3)
    d.finish()
    d.behave(a102="answer")


def blind_transfer_by_refer(d):
    d.behave(a102="transfer")
    d.pause(101)
    d.mark()
    d.call_all(hold=6)
    d.expect("BlindTransfer", 3, Result="Success")
    d.check("transferred")
    d.finish()
    d.resume(101)
    d.behave(a102="answer")


def blind_transfer_by_ami(d):
    d.mark()
    d.call_all(hold=6)
    d.expect("AgentConnect", 3)
    for i, talk in enumerate(d.events("AgentConnect")):
        context = talk.get("Queue").partition("-")[0] + "-agents"
        d.expect("BridgeEnter", Channel=talk.get("DestChannel"))   # before it, Asterisk refuses the transfer
        if i < 2:
            d.action("BlindTransfer", Channel=talk.get("DestChannel"), Context=context, Exten="800")
        else:
            d.action("Redirect", Channel=talk.get("Channel"), Context=context, Exten="800", Priority=1)
    d.expect("BlindTransfer", 2, Result="Success")
    d.expect("AgentComplete", 3)
    d.check("callers hear the tone, agents are free")
    d.finish()


def attended_transfer(d):
    d.pause(102)
    d.mark()
    d.call_all(hold=14)
    d.expect("AgentConnect", 3)
    time.sleep(0.3)   # not for synchronisation: the transfer's digits are clocked by media, which must flow first
    talks = d.events("AgentConnect")
    for talk in talks:
        d.action("Atxfer", Channel=talk.get("DestChannel"), Context=talk.get("Queue").partition("-")[0] + "-agents", Exten="103")
    for tenant in TENANTS:
        d.expect("DeviceStateChange", Device=f"PJSIP/{tenant}-103", State="INUSE")
    d.check("consultation: caller on hold, two agents talk")
    for talk in talks:
        d.action("Hangup", Channel=talk.get("DestChannel"))
    d.expect("AttendedTransfer", 3, Result="Success")
    d.check("caller talks to the third agent")
    d.finish()
    d.resume(102)


def administration(d):
    """Penalties, pauses with reasons, ring in use, members that come and go."""
    d.add(103, penalty=2)
    for queue in ("sales", "vip"):
        d.add(101, queue)
    d.check("members added")
    d.each("QueuePenalty", (103,), Penalty=7)
    d.each("QueueMemberRingInUse", (103,), RingInUse="true")
    d.pause(101, reason="training", queues=("support", "sales", "vip"))
    d.check("penalty, reason, three queues")
    d.resume(101, queues=("sales",))
    d.check("un-paused in one queue only")
    d.resume(101, queues=("support", "vip"))
    d.remove(103)
    for queue in ("sales", "vip"):
        d.remove(101, queue)
    board = d.check("members removed")
    if board["queues"]["viatalk-sales"]["members"]:
        raise Failed("viatalk-sales still has members")


def priority_caller(d):
    """A caller with priority joins in front of two who wait; then all are abandoned."""
    d.pause(101, 102)
    for tenant in TENANTS:
        d.action("DBPut", Family="priority", Key=f"{tenant}/5550777", Val=10)
    d.mark()
    d.call_all(count=2, rate=5, hold=6)
    d.expect("QueueCallerJoin", 6)
    for tenant in TENANTS:
        d.phones.call(tenant, SUPPORT, number="5550777", hold=4)
    d.expect("QueueCallerJoin", 9)
    board = d.check("priority caller in front")
    for tenant in TENANTS:
        first = board["queues"][f"{tenant}-support"]["callers"][0]
        if (first["number"], first["priority"]) != ("5550777", 10):
            raise Failed(f"{tenant}: the first caller is {first}")
    d.expect("QueueCallerAbandon", 9)
    d.finish()
    d.resume(101, 102)


def key_exit(d):
    d.pause(101, 102)
    d.mark()
    d.call_all(hold=1.5, key=True)
    d.expect("UserEvent", 3, UserEvent="KeyExit")
    d.expect("QueueCallerLeave", 3)
    d.check("left by key")
    d.finish()
    d.resume(101, 102)


def queue_timeout(d):
    """The sales queues have nobody and give a caller up."""
    d.mark()
    d.call_all(SALES, hold=15)
    d.expect("QueueCallerJoin", 3)
    d.check("waits in vain")
    d.expect("UserEvent", 3, UserEvent="QueueExit", Status="TIMEOUT")
    d.check("given up")
    d.finish()


def originate(d):
    d.behave(a102="busy", a103="noanswer")
    d.mark()
    for tenant in TENANTS:
        for agent in (101, 102, 103):
            d.action("Originate", Channel=f"PJSIP/{tenant}-{agent}", Context=f"{tenant}-agents", Exten="800", Priority=1,
                     CallerID=f'"Click" <{agent}>', Timeout=2500, Async="true", ActionID=f"click-{tenant}-{agent}")
    d.expect("OriginateResponse", 3, Response="Success")
    d.check("one talks, one rings, one was busy")
    d.expect("OriginateResponse", 6, Response="Failure")
    for answer in d.events("OriginateResponse", Response="Success"):
        d.action("Hangup", Channel=answer.get("Channel"))
    # the queue is rung first: a callback
    for tenant in TENANTS:
        d.action("Originate", Channel=f"Local/{SUPPORT}@{tenant}-agents/n", Application="Wait", Data=4, Timeout=15000, Async="true")
    d.expect("AgentConnect", 3)
    d.check("callback by a Local channel talks")
    d.expect("AgentComplete", 3)
    d.finish()
    d.behave(a102="answer", a103="answer")


def local_channel_agent(d):
    """Members behind Local channels, one that is optimised away and one that is not."""
    for suffix in ("/n", ""):
        for tenant in TENANTS:
            d.action("QueueAdd", Queue=f"{tenant}-vip", Interface=f"Local/101@{tenant}-agents{suffix}", MemberName="Ann",
                     StateInterface=f"PJSIP/{tenant}-101")
        d.mark()
        d.call_all(VIP, hold=3)
        d.expect("AgentConnect", 3)
        for tenant in TENANTS:
            d.expect("DeviceStateChange", Device=f"PJSIP/{tenant}-101", State="INUSE")
        d.check(f"talks through Local{suffix}")
        d.expect("AgentComplete", 3)
        d.finish()
        for tenant in TENANTS:
            d.action("QueueRemove", Queue=f"{tenant}-vip", Interface=f"Local/101@{tenant}-agents{suffix}")


def chan_sip_agent(d):
    """Asterisk 16's old SIP driver."""
    if d.version != 16:
        return
    d.phones.register({f"{t}-151": "answer" for t in TENANTS}, chan_sip=True)
    d.wait_devices({f"SIP/{t}-151": "NOT_INUSE" for t in TENANTS})
    for tenant in TENANTS:
        d.action("QueueAdd", Queue=f"{tenant}-vip", Interface=f"SIP/{tenant}-151", MemberName=f"{tenant.title()} 151")
    d.mark()
    d.call_all(VIP, hold=3)
    d.expect("AgentConnect", 3)
    d.check("chan_sip agent talks")
    d.finish()
    if d.pbxd:
        d.pbxd.relay.cut()   # pbxd asks for latencies each minute, and when the link is new
    board = d.check_refreshed("chan_sip phones: reachability and latency")
    known = [(p["reachable"], p["latency_ms"] is not None) for name, p in board["peers"].items() if name.startswith("SIP/")]
    if known != [(True, True)] * 3:
        raise Failed(f"Asterisk does not know its chan_sip phones: {known}")
    for tenant in TENANTS:
        d.action("QueueRemove", Queue=f"{tenant}-vip", Interface=f"SIP/{tenant}-151")
    d.phones.register({f"{t}-151": "answer" for t in TENANTS}, chan_sip=True, expires=0)
    d.wait_devices({f"SIP/{t}-151": "UNAVAILABLE" for t in TENANTS})
    d.check("chan_sip phones signed off")


def phone_leaves_and_returns(d):
    d.mark()
    d.phones.register({f"{t}-102": "answer" for t in TENANTS}, expires=0)
    d.wait_devices({f"PJSIP/{t}-102": "UNAVAILABLE" for t in TENANTS})
    d.check("phones signed off")
    d.behave(a102="answer")
    d.check("phones back")


def reload_of_queues(d):
    """A changed queues.conf announces nothing; pbxd must find out without calling it drift."""
    path = d.lab.prefix + "/etc/queues.conf"
    with open(path) as f:
        before = f.read()
    changed = before.replace("weight = 5\n", "weight = 7\n").replace("PJSIP/viatalk-102,1,", "PJSIP/viatalk-102,4,")
    changed = changed.replace("[hostrocket-support](queue)", "[hostrocket-support](queue)\nmember => PJSIP/hostrocket-103,3,Hostrocket 103,PJSIP/hostrocket-103")
    if changed.count("weight = 7") != 3 or "viatalk-102,4," not in changed or "hostrocket-103,3," not in changed:
        raise Failed("queues.conf is not as this phase expects")
    for text, penalty, members in ((changed, 4, 3), (before, 1, 2)):
        with open(path, "w") as f:
            f.write(text)
        d.lab.cli("queue", "reload", "all")
        board = d.check_refreshed("after queue reload")
        if board["queues"]["viatalk-support"]["members"]["PJSIP/viatalk-102"]["penalty"] != penalty or len(board["queues"]["hostrocket-support"]["members"]) != members:
            raise Failed("the reload did not change Asterisk's queues")


def restart_with_calls(d):
    d.pause(102, reason="before the restart")
    d.mark()
    d.call_all(count=2, rate=5, hold=30)
    d.expect("AgentConnect", 3)
    d.expect("QueueCallerJoin", 6)
    d.check("before the restart: one talks, one waits")
    d.lab.restart_now()
    d.connect()
    d.check("after core restart now", within=RETURN_SECONDS)
    d.finish()
    d.all_phones()
    d.resume(102)
    d.check("phones back after the restart")


def crash_with_calls(d):
    d.mark()
    d.call_all(count=2, rate=5, hold=60)
    d.expect("AgentConnect", 6)
    d.check("before kill -9")
    d.lab.kill()
    d.wait_stale("kill -9")
    d.lose_callers()
    d.lab.start(die_with_parent=True)
    d.connect()
    d.check("after kill -9 and start", within=RETURN_SECONDS)
    d.all_phones()
    d.check("phones back after the crash")


def crash_with_2000_members(d):
    """kill -9 and start: the board must be right again within 3 s of Asterisk's return, however many members there are."""
    many = [(f"{tenant}-vip", f"PJSIP/{tenant}-{5000 + i}") for tenant in TENANTS for i in range(667)]
    d.pipeline([("QueueAdd", {"Queue": q, "Interface": i, "MemberName": "Member " + i[-4:]}) for q, i in many])
    d.check(f"{len(many)} members more", within=5.0)
    deadline = time.monotonic() + 10
    while d.lab.persisted_members() < len(many):   # else Asterisk itself would forget some
        if time.monotonic() > deadline:
            raise Failed(f"only {d.lab.persisted_members()} members in Asterisk's database")
        time.sleep(0.2)
    d.lab.kill()
    d.wait_stale("kill -9 with 2000 members")
    d.lab.start(die_with_parent=True)
    d.connect()
    board = d.check("2000 members after kill -9 and start", within=RETURN_SECONDS)
    restored = sum(len(board["queues"][f"{tenant}-vip"]["members"]) for tenant in TENANTS)
    if restored != len(many):
        raise Failed(f"Asterisk restored {restored} of {len(many)} members")
    d.pipeline([("QueueRemove", {"Queue": q, "Interface": i}) for q, i in many])
    d.all_phones()
    d.check("members removed, phones back", within=5.0)


def link_cut(d):
    """The connections between pbxd and Asterisk end; while they are down, things change. Needs pbxd."""
    if d.pbxd is None:
        return
    before = d.pbxd.link()["resyncs"]
    if not d.pbxd.relay.cut():
        raise Failed("pbxd has no connection that could be cut")
    d.pause(101, reason="while the link was down")
    deadline = time.monotonic() + 10
    while d.pbxd.link()["resyncs"] == before:
        if time.monotonic() > deadline:
            raise Failed("no resync within 10 s of the cut")
        time.sleep(0.05)
    d.check("after the cut", within=RETURN_SECONDS)
    d.resume(101)


def half_open(d):
    """The connections hang: nothing comes, nothing ends. Needs pbxd."""
    if d.pbxd is None:
        return
    d.pbxd.relay.hang()
    try:
        d.pause(101, reason="while the link hung")
        d.wait_stale("half-open")
    finally:
        d.pbxd.relay.cut()
        d.pbxd.relay.resume()
    d.check("after half-open", within=RETURN_SECONDS)
    d.resume(101)


def frozen_asterisk(d):
    """SIGSTOP: Asterisk itself hangs, then goes on. Without pbxd there is nothing to wait for."""
    d.lab.freeze()
    try:
        d.wait_stale("frozen Asterisk")
    finally:
        d.lab.thaw()
    d.check("after frozen Asterisk", within=RETURN_SECONDS)


def after_all(d):
    d.mark()
    d.call_all(count=2, rate=5, hold=3)
    d.expect("AgentConnect", 6)
    d.check("calls as at the beginning")
    d.expect("AgentComplete", 6)
    d.finish()
    d.check_refreshed("everything, counters too")


PHASES = (
    setup,
    answered_caller_hangs_up,
    answered_agent_hangs_up,
    pauses_and_abandons,
    ring_no_answer,
    busy_then_answered,
    blind_transfer_by_refer,
    blind_transfer_by_ami,
    attended_transfer,
    administration,
    priority_caller,
    key_exit,
    queue_timeout,
    originate,
    local_channel_agent,
    chan_sip_agent,
    phone_leaves_and_returns,
    reload_of_queues,
    restart_with_calls,
    crash_with_calls,
    crash_with_2000_members,
    link_cut,
    half_open,
    frozen_asterisk,
    after_all,
)
