// Two people talk: hold, transfers, hanging up; with app_queue's AgentComplete where the call came from a queue.
#include "world.hpp"

#include <utility>

namespace pbx::sim {

using namespace std::chrono_literals;

void World::planTalk(Call& call) {
    const TalkPlan plan = people_.talk(call);
    talks_[call.id] = plan;
    later(call, plan.talk, plan.agentEnds ? &World::agentHangsUp : &World::callerHangsUp);
    switch (plan.turn) {
    case TalkPlan::Turn::nothing:
        break;
    case TalkPlan::Turn::hold:
        later(call, plan.turnAt, &World::hold);
        later(call, plan.turnAt + plan.turnFor, &World::unhold);
        break;
    case TalkPlan::Turn::blindTransfer:
        later(call, plan.turnAt, &World::transferPlanned);
        break;
    case TalkPlan::Turn::attendedTransfer:
        later(call, plan.turnAt, &World::consultPlanned);
        break;
    }
}

void World::callerHangsUp(Call& call) { endTalk(call, false); }
void World::agentHangsUp(Call& call) { endTalk(call, true); }

void World::endTalk(Call& call, bool byAgent) {
    if (call.half) {
        endHalfTalk(call, byAgent);
        return;
    }
    Channel& first = byAgent ? call.b : call.a;
    Channel& second = byAgent ? call.a : call.b;
    endConsult(call);
    channelEvent("HangupRequest", first);
    // AgentComplete comes from another thread: before, between or after the hang-ups (docs/facts/asterisk.md section 6,
    // point 3).
    const double race = rng_.unit();
    const int place = call.queue == none ? -1 : race < 0.35 ? 0 : race < 0.62 ? 1 : race < 0.75 ? 2 : 3;
    const auto complete = [&](int here) {
        if (place == here) agentComplete(call, byAgent ? "agent" : "caller");
    };
    complete(0);
    leave(call.bridge, first);
    leave(call.bridge, second);
    bridgeEvent("BridgeDestroy", call.bridge);
    complete(1);
    softHangup(call.a);
    attempts_[call.id].back().end = now_;
    cdrEvents(call);
    hangupEvent(call.a, 16);
    complete(2);
    hangupEvent(call.b, 16);
    complete(3);
    use(call.a, Use::nothing);
    use(call.b, Use::nothing);
    drop(call);
}

void World::hold(Call& call) {
    call.held = true;
    channelEvent("Hold", call.b);
    emit(classCall, "MusicOnHoldStart",
         [&](Headers& h) { h.channel(call.a, "", tenantName(call.a)).field("Class", "default"); });
    if (call.b.phone == none) return;
    phones_[call.b.phone].onHold = true;
    announce(call.b.phone);
}

void World::unhold(Call& call) {
    if (!std::exchange(call.held, false)) return;
    channelEvent("Unhold", call.b);
    emit(classCall, "MusicOnHoldStop", [&](Headers& h) { h.channel(call.a, "", tenantName(call.a)); });
    if (call.b.phone == none) return;
    phones_[call.b.phone].onHold = false;
    announce(call.b.phone);
}

void World::transferPlanned(Call& call) { transfer(call, contextOf(call.a.tenant), talks_[call.id].target); }

bool World::blindTransfer(std::string_view channelName, const std::string& context, const std::string& exten) {
    const auto it = callByChannel_.find(std::string(channelName));
    Call* call = it == callByChannel_.end() ? nullptr : find(it->second);
    if (call == nullptr || call->state != CallState::talking) return false;
    const bool agent = call->b.name == channelName;
    timers_.at(now_, [this, id = call->id, step = call->step, agent, context, exten] {
        Call* found = find(id);
        if (found == nullptr || found->step != step) return;
        endConsult(*found);
        if (!agent) std::swap(found->a, found->b); // the other party is sent away by the caller's phone
        transfer(*found, context, exten);
    });
    return true;
}

// `b` sends `a` to an extension and is out of the call at once.
void World::transfer(Call& call, const std::string& context, const std::string& exten) {
    channelEvent("Unhold", call.b); // spurious, as seen
    emit(classCall, "BlindTransfer", [&](Headers& h) {
        h.field("Result", "Success")
            .channel(call.b, "Transferer", tenantName(call.b))
            .channel(call.a, "Transferee", tenantName(call.a));
        h.bridge(call.bridge).field("IsExternal", "Yes").field("Context", context).field("Extension", exten);
    });
    call.a.context = context;
    call.a.exten = exten;
    call.a.priority = 1;
    leave(call.bridge, call.a);
    leave(call.bridge, call.b);
    bridgeEvent("BridgeDestroy", call.bridge);
    if (call.queue != none) agentComplete(call, "transfer");
    hangupEvent(call.b, 16);
    attempts_[call.id].back().end = now_;
    Channel gone = std::exchange(call.b, {});
    call.member = none;
    call.held = false;
    call.bridge = {};
    enterState(call, CallState::application);
    use(gone, Use::nothing);
    later(call, 2ms, &World::route);
}

// The agent puts the caller on hold and calls a colleague from the same phone.
void World::consultPlanned(Call& call) {
    const std::string target = talks_[call.id].target;
    const Index colleague = findPhone(call.a.tenant, target);
    if (call.b.phone == none || colleague == none || phones_[colleague].announced != DeviceState::notInUse) return;
    ++call.step; // nobody hangs up until the colleague has decided
    hold(call);
    call.b2 = phoneChannel(call.b.phone, nullptr);
    call.b2.state = ChannelState::ring;
    call.b2.exten = target;
    call.b2.application = "Dial";
    created(call, call.b2);
    call.b2.tenantSet = call.b2.callRefSet = true;
    use(call.b2, Use::active);
    call.c = phoneChannel(colleague, &call.b2);
    created(call, call.c);
    call.c.tenantSet = call.c.callRefSet = true;
    connectedTo(call.c, call.b2);
    dialEvent("DialBegin", &call.b2, call.c, "DialString", phones_[colleague].endpoint);
    call.c.state = ChannelState::ringing;
    channelEvent("Newstate", call.c);
    use(call.c, Use::ringing);
    dialEvent("DialState", &call.b2, call.c, "DialStatus", "RINGING");
    const RingPlan plan = people_.ring(call, colleague);
    const bool answers = plan.outcome == RingPlan::Outcome::answer;
    later(call, plan.after, answers ? &World::consultAnswered : &World::consultFailed);
}

void World::consultAnswered(Call& call) {
    call.c.state = ChannelState::up;
    channelEvent("Newstate", call.c);
    use(call.c, Use::active);
    dialEvent("DialEnd", &call.b2, call.c, "DialStatus", "ANSWER");
    call.b2.state = ChannelState::up;
    channelEvent("Newstate", call.b2);
    connectedTo(call.b2, call.c);
    call.consult = newBridge();
    bridgeEvent("BridgeCreate", call.consult);
    enter(call.consult, call.c);
    enter(call.consult, call.b2);
    later(call, talks_[call.id].turnFor, &World::completeAttended);
}

void World::consultFailed(Call& call) {
    endConsult(call);
    unhold(call);
    ++call.step;
    later(call, talks_[call.id].talk - talks_[call.id].turnAt, &World::callerHangsUp);
}

void World::endConsult(Call& call) {
    if (!call.b2.exists()) return;
    if (!call.consult.id.empty()) {
        leave(call.consult, call.b2);
        leave(call.consult, call.c);
        bridgeEvent("BridgeDestroy", call.consult);
    } else {
        dialEvent("DialEnd", &call.b2, call.c, "DialStatus", "CANCEL");
    }
    hangupEvent(call.c, 16);
    hangupEvent(call.b2, 16);
    Channel colleague = std::exchange(call.c, {});
    Channel own = std::exchange(call.b2, {});
    call.consult = {};
    use(colleague, Use::nothing);
    use(own, Use::nothing);
}

// Both calls of the agent become one; the agent is out. The order is that of scenario 8 of the recordings.
void World::completeAttended(Call& call) {
    leave(call.bridge, call.b);
    leave(call.consult, call.b2);
    emit(classCall, "BridgeMerge", [&](Headers& h) { h.bridge(call.bridge, "To").bridge(call.consult, "From"); });
    leave(call.consult, call.c);
    call.c.linkedid = call.a.linkedid;
    enter(call.bridge, call.c);
    emit(classCall, "MusicOnHoldStop", [&](Headers& h) { h.channel(call.a, "", tenantName(call.a)); });
    emit(classCall, "AttendedTransfer", [&](Headers& h) {
        h.field("Result", "Success").channel(call.b, "OrigTransferer", tenantName(call.b)).bridge(call.bridge, "Orig");
        h.channel(call.b2, "SecondTransferer", tenantName(call.b2)).bridge(call.consult, "Second");
        h.channel(call.a, "Transferee", tenantName(call.a)).field("IsExternal", "No").field("DestType", "Bridge");
        h.field("DestBridgeUniqueid", call.bridge.id);
    });
    bridgeEvent("BridgeDestroy", call.consult);
    hangupEvent(call.b, 16);
    if (call.queue != none) agentComplete(call, "transfer");
    hangupEvent(call.b2, 16);
    attempts_[call.id].back().end = now_;
    attempts_[call.id].push_back({call.c.name, "Queue", call.a.data, "ANSWERED", now_, now_, {}});
    Channel agent = std::exchange(call.b, std::exchange(call.c, {}));
    Channel second = std::exchange(call.b2, {});
    call.consult = {};
    call.member = none;
    call.held = false;
    if (agent.phone != none) phones_[agent.phone].onHold = false;
    use(agent, Use::nothing);
    use(second, Use::nothing);
    connectedTo(call.a, call.b);
    connectedTo(call.b, call.a);
    ++call.step;
    later(call, talks_[call.id].talk, &World::callerHangsUp);
}

} // namespace pbx::sim
