// Calls without a queue: Dial between phones and to the trunk, Originate, and what becomes of a transferred caller.
#include "world.hpp"

#include <algorithm>
#include <utility>

namespace pbx::sim {

using namespace std::chrono_literals;

CallId World::startInternalCall(Index from, std::string exten) {
    Call& call = newCall({.tenant = phones_.at(from).tenant});
    call.a = phoneChannel(from, nullptr);
    call.a.state = ChannelState::ring;
    call.a.exten = std::move(exten);
    enterState(call, CallState::application);
    created(call, call.a);
    call.a.tenantSet = call.a.callRefSet = true;
    use(call.a, Use::active);
    later(call, 10ms, &World::route);
    return call.id;
}

// The dialplan of `<tenant>-agents`: a colleague, the test extension 800, a number outside, or nothing.
void World::route(Call& call) {
    if (!call.spied.empty()) {
        startListening(call);
        return;
    }
    const std::string& exten = call.a.exten;
    const Index phone = findPhone(call.a.tenant, exten);
    if (phone != none) {
        dial(call, phoneChannel(phone, &call.a));
        return;
    }
    if (exten == "800") {
        if (call.a.state != ChannelState::up) {
            call.a.state = ChannelState::up;
            channelEvent("Newstate", call.a);
        }
        call.a.application = "Echo";
        attempts_[call.id].push_back({"", "Echo", "", "ANSWERED", now_, now_, {}});
        later(call, Micros(static_cast<std::int64_t>(1e6 * rng_.between(10, 40) / speed_)), &World::applicationEnds);
        return;
    }
    const bool number =
        exten.size() >= 6 && std::all_of(exten.begin(), exten.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!number) { // no such extension: the caller is dropped, though the transfer was a success
        hangupCaller(call);
        return;
    }
    Channel out = trunkChannel(call.a.tenant);
    out.linkedid = call.a.linkedid;
    out.callerNum = exten;
    dial(call, std::move(out));
}

void World::applicationEnds(Call& call) {
    call.a.priority = 2;
    emit(classCall, "HangupRequest", [&](Headers& h) { h.channel(call.a, "", tenantName(call.a)).field("Cause", 16); });
    hangupCaller(call);
}

void World::dial(Call& call, Channel to) {
    enterState(call, CallState::dialing);
    call.a.application = "Dial";
    call.a.data = to.name.substr(0, to.name.rfind('-')) + ",20";
    call.b = std::move(to);
    call.b.application = "AppDial";
    if (call.half) {
        customerDialled(call);
    } else {
        created(call, call.b);
        call.b.tenantSet = call.b.callRefSet = true;
        connectedTo(call.b, call.a);
    }
    dialEvent("DialBegin", call, "DialString", call.b.name.substr(6, call.b.name.rfind('-') - 6));
    if (call.half) tellOtherParty(call);
    attempts_[call.id].push_back({call.b.name, "Dial", call.a.data, "NO ANSWER", now_, now_, {}});
    const bool engaged = call.b.phone != none && phones_[call.b.phone].announced != DeviceState::notInUse;
    const RingPlan plan = engaged ? RingPlan{} : people_.ring(call, call.b.phone);
    if (engaged || (call.half && plan.outcome == RingPlan::Outcome::busy)) {
        attempts_[call.id].back().disposition = "BUSY";
        later(call, 1ms, &World::dialFailed);
        return;
    }
    call.b.state = ChannelState::ringing;
    channelEvent("Newstate", call.b);
    use(call.b, Use::ringing);
    dialEvent("DialState", call, "DialStatus", "RINGING");
    const Micros longest = call.half ? call.half->ringFor : Micros(20s);
    const bool answers = plan.outcome == RingPlan::Outcome::answer && plan.after < longest;
    if (call.half) call.half->pressed = plan.pressesKey;
    later(call, answers ? plan.after : longest, answers ? &World::dialAnswered : &World::dialFailed);
}

void World::dialAnswered(Call& call) {
    enterState(call, CallState::talking);
    call.answered = now_;
    call.b.state = ChannelState::up;
    channelEvent("Newstate", call.b);
    use(call.b, Use::active);
    attempts_[call.id].back().disposition = "ANSWERED";
    attempts_[call.id].back().answer = now_;
    if (call.half)
        customerAnswered(call);
    else
        connect(call);
}

void World::connect(Call& call) {
    dialEvent("DialEnd", call, "DialStatus", "ANSWER");
    bridgeParties(call);
}

void World::bridgeParties(Call& call) {
    if (call.a.state != ChannelState::up) {
        call.a.state = ChannelState::up;
        channelEvent("Newstate", call.a);
        if (!call.a.local) use(call.a, Use::active);
    }
    connectedTo(call.a, call.b);
    call.bridge = newBridge();
    bridgeEvent("BridgeCreate", call.bridge);
    enter(call.bridge, call.b);
    enter(call.bridge, call.a);
    if (call.half)
        halfAnswered(call);
    else
        planTalk(call);
}

void World::dialFailed(Call& call) {
    const bool busy = attempts_[call.id].back().disposition == "BUSY";
    if (call.half) {
        call.half->status = busy ? "BUSY" : "NOANSWER";
        call.half->cause = busy ? 17 : 0;
        if (busy) hangupRequest(call.b, 17);
    }
    dialEvent("DialEnd", call, "DialStatus", busy ? "BUSY" : "NOANSWER");
    hangupEvent(call.b, busy ? 17 : 0, busy && call.half ? "486" : "");
    Channel gone = std::exchange(call.b, {});
    use(gone, Use::nothing);
    if (call.half) call.a.priority = 8; // behind Dial()
    if (call.rendered)
        agentMissed(call);
    else
        hangupCaller(call);
}

void World::hangupCaller(Call& call) {
    report(call);
    softHangup(call.a);
    cdrEvents(call);
    if (call.a.context == contextOf(call.a.tenant)) call.a.exten = "h"; // that context has a hang-up extension
    if (call.half && call.half->cause == 0) call.half->cause = 16;
    hangupEvent(call.a, call.half ? call.half->cause : 16);
    use(call.a, Use::nothing);
    drop(call);
}

// A hang-up from outside while the call is neither waiting nor talking.
void World::tearDown(Call& call) {
    if (call.b.exists()) {
        dialEvent("DialEnd", call, "DialStatus", "CANCEL");
        hangupEvent(call.b, 16);
        Channel gone = std::exchange(call.b, {});
        use(gone, Use::nothing);
    }
    hangupCaller(call);
}

void World::originate(std::string actionId, std::string_view channel, std::string context, std::string exten,
                      std::string callerNum, std::string callerName, Micros timeout, std::string uniqueid,
                      std::string spied) {
    const auto found = phoneByInterface_.find(std::string(channel));
    Call& call = newCall({.tenant = found == phoneByInterface_.end() ? 0 : phones_[found->second].tenant,
                          .number = std::move(callerNum),
                          .name = std::move(callerName)});
    call.originateId = std::move(actionId);
    call.spied = std::move(spied);
    call.a.context = std::move(context);
    call.a.exten = std::move(exten);
    enterState(call, CallState::dialing);
    if (found == phoneByInterface_.end() || phones_[found->second].announced == DeviceState::unavailable) {
        // No such endpoint or no contact: no channel is made at all.
        timers_.at(now_, [this, id = call.id, asked = std::string(channel)] {
            Call* gone = find(id);
            if (gone == nullptr) return; // Asterisk was restarted meanwhile
            originateResponse(*gone, false, 0, asked);
            drop(*gone);
        });
        return;
    }
    const Index phone = found->second;
    Channel made = phoneChannel(phone, nullptr, std::move(uniqueid));
    if (!call.plan.number.empty()) {
        made.callerNum = call.plan.number;
        made.callerName = call.plan.name;
    }
    made.application = "AppDial2";
    made.data = "(Outgoing Line)";
    timers_.at(now_, [this, id = call.id, phone, made, timeout]() mutable {
        Call* waiting = find(id);
        if (waiting == nullptr) return;
        Call& c = *waiting;
        const std::string goalContext = std::exchange(c.a.context, {});
        const std::string goalExten = std::exchange(c.a.exten, {});
        c.a = std::move(made);
        created(c, c.a);
        c.a.tenantSet = c.a.callRefSet = true;
        dialEvent("DialBegin", nullptr, c.a, "DialString", phones_[phone].endpoint);
        c.a.state = ChannelState::ringing;
        channelEvent("Newstate", c.a);
        use(c.a, Use::ringing);
        dialEvent("DialState", nullptr, c.a, "DialStatus", "RINGING");
        c.a.context = goalContext;
        c.a.exten = goalExten;
        const RingPlan plan = people_.ring(c, phone);
        const bool answers = plan.outcome == RingPlan::Outcome::answer && plan.after < timeout;
        later(c, answers ? plan.after : timeout, answers ? &World::originateAnswered : &World::originateFailed);
    });
}

void World::originateAnswered(Call& call) {
    call.a.state = ChannelState::up;
    channelEvent("Newstate", call.a);
    use(call.a, Use::active);
    dialEvent("DialEnd", nullptr, call.a, "DialStatus", "ANSWER");
    originateResponse(call, true, 4, call.a.name);
    enterState(call, CallState::application);
    later(call, 1ms, &World::route);
}

void World::originateFailed(Call& call) {
    originateResponse(call, false, 3, call.a.name.substr(0, call.a.name.rfind('-')));
    attempts_[call.id].push_back({"", "AppDial2", "(Outgoing Line)", "NO ANSWER", call.started, now_, {}});
    cdrEvents(call);
    hangupEvent(call.a, 19);
    use(call.a, Use::nothing);
    drop(call);
}

void World::originateResponse(const Call& call, bool ok, int reason, std::string_view channel) {
    // Where it was to go; a callback's failed half is known by its id all the same.
    const std::string_view context = call.half ? call.half->context() : std::string_view(call.a.context);
    emit(classCall, "OriginateResponse", [&](Headers& h) {
        if (!call.originateId.empty()) h.field("ActionID", call.originateId);
        h.field("Response", ok ? "Success" : "Failure").field("Channel", channel).field("Context", context);
        h.field("Exten", call.half ? std::string_view("s") : std::string_view(call.a.exten))
            .field("Reason", reason)
            .field("Uniqueid", ok || call.half ? call.a.uniqueid : std::string("<unknown>"));
        h.field("CallerIDNum", call.plan.number.empty() ? "<unknown>" : call.plan.number);
        h.field("CallerIDName", call.plan.name.empty() ? "<unknown>" : call.plan.name);
        if (!ok) return;
        h.field("ChanVariable(" + call.a.name + ")", "TENANT=" + tenantName(call.a));
        h.field("ChanVariable(" + call.a.name + ")", "CALLREF=");
    });
}

} // namespace pbx::sim
