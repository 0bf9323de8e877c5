// pbxd calls somebody back: the two halves of a Local channel that its Originate makes. One waits in the queue for an
// agent (pbxd-callback-queue), the other asks the gate and dials the customer (pbxd-callback-gate); the half that the
// Originate waits for goes on when the other one has been answered. When one ends, the other does. Customer first, the
// place is kept before anybody is dialled, and two keys lead on: pbxd presses one on the half that waits, and the gate
// hears it; the gate presses the other when the customer is there, and the queue hears it.
#include "world.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <utility>

namespace pbx::sim {
namespace {

using namespace std::chrono_literals;

constexpr auto keyComesAfter = 3s;   // of the answer: the prompt
constexpr auto machineAfter = 20s;   // three prompts, and four seconds after each, without a key
constexpr auto pressedWithin = 15s;  // WaitExten()
constexpr auto pressesAfter = 100ms; // of the answer: Dial()'s D(:1), and how long it takes before it goes on
constexpr auto pressingLasts = 450ms;
constexpr char goAhead = '1';
constexpr char stay = '0';
constexpr double customerWaits = 300e6; // microseconds
constexpr int causeNormal = 16;
constexpr int causeBusy = 17;

std::string contextFor(Half::Task task) {
    Half half;
    half.task = task;
    return std::string(half.context());
}

} // namespace

void World::originateCallback(CallbackOrder order, std::string actionId, std::string channelId, std::string otherId,
                              Micros within) {
    // Through the timers, so that the answer to the action goes out before its events.
    timers_.at(now_, [this, order = std::move(order), action = std::move(actionId), one = std::move(channelId),
                      two = std::move(otherId), within] { placeCallback(order, action, one, two, within); });
}

Call& World::newHalf(const CallbackOrder& order, Half::Task task, std::string name, std::string uniqueid) {
    Call& call = newCall({.tenant = order.tenant});
    call.half = std::make_unique<Half>();
    call.half->task = task;
    call.half->order = order;
    call.a.name = std::move(name);
    call.a.uniqueid = std::move(uniqueid);
    call.a.tenant = order.tenant;
    call.a.local = true;
    call.a.since = now_;
    enterState(call, CallState::application);
    return call;
}

void World::placeCallback(const CallbackOrder& order, const std::string& actionId, const std::string& channelId,
                          const std::string& otherId, Micros within) {
    const Half::Task dialled = order.agentFirst ? Half::Task::waits : Half::Task::dials;
    const Half::Task after = order.agentFirst ? Half::Task::dials : Half::Task::waits;
    const std::string asked = "Local/s@" + contextFor(dialled);
    std::array<char, 12> number{};
    std::snprintf(number.data(), number.size(), "-%08x", ++localNumber_);
    const bool taken = findChannel(channelId) != nullptr || findChannel(otherId) != nullptr;
    Call& first = newHalf(order, after, asked + number.data() + ";1", channelId);
    first.originateId = actionId;
    first.half->originated = true;
    first.a.linkedid = channelId;
    if (taken) { // Asterisk makes no second channel with an id that is in use
        originateResponse(first, false, 0, asked + "/n");
        drop(first);
        return;
    }
    Call& second = newHalf(order, dialled, asked + number.data() + ";2", otherId);
    second.a.linkedid = channelId;
    second.a.state = ChannelState::ring;
    first.half->other = second.id;
    second.half->other = first.id;
    for (Call* call : {&first, &second}) {
        call->a.goTo(contextFor(dialled), "s", 1, call == &first ? "AppDial2" : "", "(Outgoing Line)");
        created(*call, call->a);
    }
    emit(classCall, "LocalBridge", [&](Headers& h) {
        h.channel(first.a, "LocalOne", {}).channel(second.a, "LocalTwo", {});
        h.field("Context", first.a.context).field("Exten", "s").field("LocalOptimization", "No");
    });
    dialEvent("DialBegin", nullptr, first.a, "DialString", "s@" + first.a.context + "/n");
    enterState(first, CallState::dialing);
    later(first, within, &World::halfNotAnswered);
    later(second, 1ms, &World::begin);
}

void World::begin(Call& call) {
    const CallbackOrder& order = call.half->order;
    const bool waits = call.half->task == Half::Task::waits;
    call.a.goTo(call.half->context(), "s", 2, "Set");
    call.a.account = tenantName(call.a);
    emit(classCall, "NewAccountCode", [&](Headers& h) { h.channel(call.a, "", {}).field("OldAccountCode", ""); });
    if (order.queue == none) {
        hangUpAt(call, "s", waits ? 11 : 17);
    } else if (waits) {
        call.queue = order.queue;
        call.plan.priority = order.priority;
        call.place = order.position;
        if (order.agentFirst)
            waitForAgent(call);
        else
            keepPlace(call);
    } else if (order.agentFirst) {
        askGate(call);
    } else {
        standBy(call);
    }
}

void World::hangUpAt(Call& call, std::string_view exten, int priority) {
    call.a.goTo(call.half->context(), exten, priority, "Hangup");
    hangupCaller(call);
}

// The placeholder: among those who wait, at the place that pbxd has told.
void World::waitForAgent(Call& call) {
    call.half->keepsPlace = false;
    call.a.goTo(call.half->context(), "s", 10, "Queue", queues_[call.queue].name + ",t");
    enterQueue(call);
}

void World::keepPlace(Call& call) {
    call.half->keepsPlace = true;
    call.a.goTo(call.half->context(), "hold", 4, "Queue", queues_[call.queue].name + ",t");
    enterQueue(call);
}

// Answered, so that the other half goes on and keeps the place.
void World::standBy(Call& call) {
    call.a.goTo(call.half->context(), "first", 3, "Answer");
    call.a.state = ChannelState::up;
    channelEvent("Newstate", call.a);
    awaitKey(call);
    if (Call* other = find(call.half->other); other != nullptr) goOn(*other);
}

void World::awaitKey(Call& call) {
    enterState(call, CallState::application);
    call.a.goTo(call.half->context(), "first", 4, "WaitExten", "15");
    later(call, pressedWithin, &World::noKeyCame);
}

// No pbxd sees to the place any more.
void World::noKeyCame(Call& call) { hangUpAt(call, "first", 5); }

// AMI PlayDTMF: what goes out on one half of a Local channel the other one hears; a phone's keys are nobody's here.
bool World::playDigit(std::string_view channel, char key) {
    const Channel* sent = findChannel(channel);
    if (sent == nullptr) return false;
    const Call* call = find(callByChannel_.at(sent->name));
    if (call->half && sent == &call->a) hear(call->half->other, key, 0ms);
    return true;
}

void World::keyHeard(Call& call, char key) {
    if (call.half && call.half->task == Half::Task::dials) {
        if (call.a.application != "WaitExten") return; // past that
        if (key == goAhead) askGate(call);
        if (key == stay) awaitKey(call);
    } else if (key == goAhead && call.state == CallState::waiting) {
        leaveByKey(call);
    }
}

void World::askGate(Call& call) {
    const CallbackOrder& order = call.half->order;
    enterState(call, CallState::application);
    call.a.goTo("pbxd-agi", "gate", 8, "AGI");
    ask(call, "gate", {order.id, order.attempt, order.token}, &World::gated);
}

void World::gated(Call& call, const Answer& answer) {
    const std::string number = answer.get("PBX_NUMBER");
    if (!answer.done() || answer.get("PBX_GATE") != "dial" || number.empty()) {
        hangUpAt(call, "s", 17);
        return;
    }
    Half& half = *call.half;
    half.told = true;
    half.asksKey = answer.get("PBX_KEY") == "1";
    int seconds = 0;
    const std::string ring = answer.get("PBX_TIMEOUT");
    std::from_chars(ring.data(), ring.data() + ring.size(), seconds);
    half.ringFor = std::chrono::seconds(std::clamp(seconds, 1, 300));
    call.a.goTo(tenantName(call.a) + "-callback", number, 4, "Dial");
    newCallerid(call.a, answer.get("PBX_CALLERID"));
    call.a.priority = 5;
    Channel out = trunkChannel(call.a.tenant);
    out.linkedid = call.a.linkedid;
    out.exten = "s";
    dial(call, std::move(out));
}

void World::newCallerid(Channel& channel, const std::string& number) {
    channel.callerNum = number;
    emit(classCall, "NewCallerid", [&](Headers& h) {
        h.channel(channel, "", tenantName(channel)).field("CID-CallingPres", "0 (Presentation Allowed, Not Screened)");
    });
}

// His channel is made before it has a number.
void World::customerDialled(Call& call) {
    created(call, call.b);
    call.b.tenantSet = call.b.callRefSet = true;
    call.b.exten = call.a.exten;
    call.b.connectedNum = call.a.callerNum;
    call.b.connectedName = call.a.callerName;
    newCallerid(call.b, call.a.exten);
    channelEvent("NewConnectedLine", call.b);
}

// Each half's own party appears on the display of the other half's party.
void World::tellOtherParty(Call& call) {
    Call* other = find(call.half->other);
    if (call.half->task == Half::Task::dials) connectedTo(call.a, call.b);
    if (other == nullptr || !other->b.exists()) return;
    const bool waits = call.half->task == Half::Task::waits;
    if (!waits || !other->b.bridge.empty()) connectedTo(other->b, call.b); // else as soon as he is bridged
    if (waits) connectedTo(call.b, other->b);
}

void World::customerAnswered(Call& call) {
    Half& half = *call.half;
    half.status = "ANSWER";
    half.cause = causeNormal;
    if (!half.asksKey) {
        customerThere(call);
        return;
    }
    enterState(call, CallState::dialing); // the two do not talk yet
    call.b.goTo("pbxd-callback-key", "s", 4, "Read");
    if (half.pressed)
        press(call, &Call::b, "1", keyComesAfter, &World::customerThere);
    else
        later(call, machineAfter, &World::noKeyPressed);
}

// Customer first, Dial() presses a key for the half that keeps his place, and connects him to it after that.
void World::customerThere(Call& call) {
    call.b.goTo(tenantName(call.b) + "-inbound", "", 1, "AppDial");
    if (call.half->order.agentFirst) {
        enterState(call, CallState::talking);
        connect(call);
        return;
    }
    dialEvent("DialEnd", call, "DialStatus", "ANSWER");
    enterState(call, CallState::dialing);
    hear(call.half->other, goAhead, pressesAfter);
    later(call, pressingLasts, &World::customerConnected);
}

void World::customerConnected(Call& call) {
    enterState(call, CallState::talking);
    bridgeParties(call);
    const Call* other = find(call.half->other);
    if (other != nullptr && other->b.exists()) connectedTo(call.b, other->b); // the agent's phone rings already
}

void World::noKeyPressed(Call& call) {
    call.b.goTo(tenantName(call.b) + "-inbound", "", 1, "AppDial");
    dialEvent("DialEnd", call, "DialStatus", "CONTINUE");
    hangupEvent(call.b, causeNormal);
    call.a.priority = 8; // behind Dial()
    Channel gone = std::exchange(call.b, {});
    use(gone, Use::nothing);
    hangupCaller(call);
}

// A half has found its agent or its customer. Once both have, the two talk.
void World::halfAnswered(Call& call) {
    Call* other = find(call.half->other);
    if (other == nullptr) { // it has just ended
        endHalf(call.id, causeNormal);
        return;
    }
    const bool dials = call.half->task == Half::Task::dials;
    if (!dials) other->half->taken = true;
    if (other->state == CallState::talking)
        planCallbackTalk(dials ? call : *other);
    else if (other->a.state != ChannelState::up)
        goOn(*other);
    else if (dials) // the customer waits for an agent, but not for ever
        later(call, Micros(static_cast<std::int64_t>(customerWaits / speed_)), &World::agentHangsUp);
}

// The half that the Originate waits for, when the other one has been answered.
void World::goOn(Call& call) {
    const Channel& party = find(call.half->other)->b;
    call.a.state = ChannelState::up;
    call.a.callerNum = party.callerNum;
    call.a.callerName = party.callerName;
    channelEvent("Newstate", call.a);
    if (party.exists()) newCallerid(call.a, party.callerNum);
    dialEvent("DialEnd", nullptr, call.a, "DialStatus", "ANSWER");
    originateResponse(call, true, 4, call.a.name);
    enterState(call, CallState::application);
    later(call, 1ms, &World::begin);
}

void World::planCallbackTalk(Call& dials) {
    const TalkPlan plan = people_.talk(dials);
    enterState(dials, CallState::talking);
    later(dials, plan.talk,
          plan.agentEnds ? &World::agentOfCallbackEnds : &World::agentHangsUp); // its "agent" = customer
}

void World::agentOfCallbackEnds(Call& call) {
    Call* waits = find(call.half->other);
    if (waits != nullptr && waits->state == CallState::talking) endTalk(*waits, true);
}

// Nobody answered within the Originate's time, or the other half has ended.
void World::halfNotAnswered(Call& call) {
    const bool alone = call.half->other == 0;
    originateResponse(call, false, alone ? 0 : 3, call.a.name.substr(0, call.a.name.rfind('-')) + "/n");
    if (alone) {
        hangupRequest(call.a, call.half->cause);
        dialEvent("DialEnd", nullptr, call.a, "DialStatus", "NOANSWER");
    }
    attempts_[call.id].push_back({"", "AppDial2", "(Outgoing Line)", "NO ANSWER", call.started, now_, {}});
    cdrEvents(call);
    hangupEvent(call.a, call.half->cause);
    drop(call);
}

// Both parties of one half leave their bridge; `otherParty`: the agent or the customer has hung up, else the half.
void World::endHalfTalk(Call& call, bool otherParty) {
    const bool waits = call.half->task == Half::Task::waits;
    if (!otherParty)
        hangupRequest(call.a, call.half->cause);
    else if (waits)
        channelEvent("HangupRequest", call.b);
    else
        hangupRequest(call.b, causeNormal);
    if (call.half->cause == 0) call.half->cause = causeNormal;
    if (waits) agentComplete(call, otherParty ? "agent" : "caller");
    leave(call.bridge, otherParty ? call.b : call.a);
    leave(call.bridge, otherParty ? call.a : call.b);
    bridgeEvent("BridgeDestroy", call.bridge);
    attempts_[call.id].back().end = now_;
    hangupEvent(call.b, call.half->cause, call.half->cause == causeBusy ? "486" : "");
    Channel gone = std::exchange(call.b, {});
    use(gone, Use::nothing);
    hangupCaller(call);
}

// The other half has ended: so does this one, as if it had hung up.
void World::endHalf(CallId id, int cause) {
    timers_.at(now_, [this, id, cause] {
        Call* call = find(id);
        if (call == nullptr) return;
        call->half->other = 0;
        if (call->half->cause == 0) call->half->cause = cause;
        if (call->state == CallState::talking)
            endHalfTalk(*call, false);
        else if (call->queue != none && (call->state == CallState::waiting || call->state == CallState::ringing))
            abandon(*call);
        else if (call->half->originated && call->a.state != ChannelState::up)
            halfNotAnswered(*call);
        else {
            hangupRequest(call->a, cause);
            tearDown(*call);
        }
    });
}

// The gate is told what became of the call that it let through; once, and nobody waits for its answer.
void World::report(Call& call) {
    if (call.half == nullptr || !call.half->told) return;
    Half& half = *call.half;
    half.told = false;
    if (half.status.empty()) half.status = "CANCEL"; // the agent hung up first
    const bool answered = half.status == "ANSWER";
    const std::string key = !half.asksKey || !answered ? "" : half.pressed ? "1" : "0";
    const std::string took = half.order.agentFirst || !answered ? "" : half.taken ? "1" : "0";
    ask(call, "done",
        {half.order.id, half.order.attempt, half.order.token, half.status, std::to_string(half.cause), key, took},
        nullptr);
}

} // namespace pbx::sim
