// app_queue: joining, ringing members in turn, answers, abandons, time-outs; orders as in docs/facts/asterisk.md
// section 6.
#include "world.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace pbx::sim {

using namespace std::chrono_literals;

CallId World::startQueueCall(CallPlan plan) {
    Call& call = newCall(std::move(plan));
    call.rendered = asker_ != nullptr;
    if (!call.rendered) call.queue = call.plan.queue; // else pbxd says which
    call.a = trunkChannel(call.plan.tenant);
    call.a.state = ChannelState::ring;
    call.a.callerNum = call.plan.number;
    call.a.callerName = call.plan.name;
    call.a.exten = call.plan.did;
    created(call, call.a);
    later(call, 10ms, call.rendered ? &World::askRoute : &World::answerTrunk);
    return call.id;
}

void World::answerTrunk(Call& call) {
    call.a.state = ChannelState::up;
    call.a.context = "cc-enter";
    call.a.exten = "s";
    call.a.priority = 11;
    call.a.tenantSet = call.a.callRefSet = true;
    call.a.application = "Playback";
    channelEvent("Newstate", call.a);
    use(call.a, Use::active);
    later(call, call.plan.entry, &World::join);
}

void World::join(Call& call) {
    Queue& queue = queues_[call.queue];
    if (queue.max > 0 &&
        queue.waiting.size() >= static_cast<std::size_t>(queue.max)) { // refused: no event, no queue_log row
        call.queue = none;
        tearDown(call);
        return;
    }
    call.a.priority = 12;
    call.a.application = "Queue";
    call.a.data = queue.name + ",tT,,," + std::to_string(queue.giveUpAfter / 1s) + ",,,";
    enterQueue(call);
}

// Where Queue() puts it: a higher priority goes before all lower ones, behind its equals; a position that was asked for
// holds among its equals and before lower ones (app_queue.c, join_queue()).
std::size_t World::placeIn(const Queue& queue, const Call& call) {
    // Looked for from the end, where nearly everybody goes: a queue of thousands is joined at no cost.
    std::size_t place = queue.waiting.size();
    while (place > 0 && find(queue.waiting[place - 1])->plan.priority < call.plan.priority) --place;
    if (call.place == 0) return place;
    auto asked = static_cast<std::size_t>(call.place - 1);
    while (asked < place && find(queue.waiting[asked])->plan.priority > call.plan.priority) ++asked;
    return std::min(place, asked);
}

void World::enterQueue(Call& call) {
    Queue& queue = queues_[call.queue];
    enterState(call, CallState::waiting);
    call.joined = now_;
    const std::size_t place = placeIn(queue, call);
    call.originalPosition = static_cast<int>(place) + 1;
    queue.waiting.insert(queue.waiting.begin() + static_cast<std::ptrdiff_t>(place), call.id);
    if (queue.waiting.size() == 1) deviceEvent("Queue:" + queue.name, "RINGING");
    emit(classAgent, "QueueCallerJoin", [&](Headers& h) {
        h.channel(call.a, "", tenantName(call.a)).field("Queue", queue.name).field("Position", call.originalPosition);
        h.field("Count", static_cast<std::int64_t>(queue.waiting.size()));
    });
    emit(classCall, "MusicOnHoldStart",
         [&](Headers& h) { h.channel(call.a, "", tenantName(call.a)).field("Class", "default"); });
    if (!call.half) { // nobody loses patience there
        timers_.at(now_ + call.plan.patience, [this, id = call.id] { abandonIfWaiting(id); });
        timers_.at(now_ + queue.giveUpAfter, [this, id = call.id] { giveUp(id); });
    }
    planDispatch(call.queue);
}

void World::planDispatch(Index index) {
    Queue& queue = queues_[index];
    if (queue.dispatchPlanned || queue.waiting.empty()) return;
    queue.dispatchPlanned = true;
    timers_.at(now_ + 2ms, [this, index] { dispatch(index); });
}

void World::dispatch(Index index) {
    Queue& queue = queues_[index];
    queue.dispatchPlanned = false;
    std::size_t kept = 0; // for customers whose phones ring
    for (const CallId id : queue.waiting) {
        Call& call = *find(id);
        if (call.state != CallState::waiting || call.retryAt > now_) continue;
        if (call.half && call.half->keepsPlace) {
            ++kept;
            continue;
        }
        Member* member = pick(queue, kept);
        if (member == nullptr) return;
        ringMember(call, *member);
    }
}

bool World::eligible(const Member& member) const {
    return !member.paused && memberState(member) == DeviceState::notInUse && member.busyUntil <= now_;
}

// rrmemory: the lowest penalty that has a free member, and of those the next one after the last rung. As many members
// as are kept stay free (app_queue.c, is_our_turn(): each who stands before has a claim on one, also who can take
// none).
Member* World::pick(Queue& queue, std::size_t kept) {
    Member* best = nullptr;
    std::size_t bestAt = 0;
    std::size_t free = 0;
    for (std::size_t i = 0; i < queue.members.size(); ++i) {
        const std::size_t at = (queue.nextMember + i) % queue.members.size();
        Member& member = queue.members[at];
        if (!eligible(member)) continue;
        ++free;
        if (best != nullptr && member.penalty >= best->penalty) continue;
        best = &member;
        bestAt = at;
    }
    if (free <= kept) return nullptr;
    queue.nextMember = bestAt + 1;
    return best;
}

void World::offerToMember(Call& call, const Member& member, bool ringsAtOnce) {
    call.b = phoneChannel(member.phone, &call.a);
    created(call, call.b);
    const std::string madeExten = std::exchange(call.b.exten, call.a.exten);
    call.b.tenantSet = true;
    if (!call.half && !call.rendered) connectedTo(call.b, call.a); // of a half it comes through the Local channel
    call.b.callRefSet = true;
    if (ringsAtOnce) {
        call.b.state = ChannelState::ringing;
        channelEvent("Newstate", call.b);
    }
    emit(classAgent, "AgentCalled", [&](Headers& h) {
        h.channel(call.a, "", tenantName(call.a)).channel(call.b, "Dest", tenantName(call.b));
        h.field("Queue", queues_[call.queue].name)
            .field("Interface", member.interface)
            .field("MemberName", member.name);
    });
    Channel asMade = call.b; // DialBegin shows it so still
    asMade.exten = madeExten;
    dialEvent("DialBegin", &call.a, asMade, "DialString", member.interface);
    connectedTo(call.a, call.b);
    attempts_[call.id].push_back({call.b.name, call.a.application, call.a.data, "NO ANSWER", now_, now_, {}});
}

void World::ringMember(Call& call, Member& member) {
    call.member = member.phone;
    call.memberInterface = member.interface;
    call.ringStart = now_;
    enterState(call, CallState::ringing);
    const RingPlan plan = people_.ring(call, member.phone);
    // The phone's 180 now and then overtakes the queue's own events.
    offerToMember(call, member, plan.outcome != RingPlan::Outcome::busy && rng_.chance(0.1));
    if (plan.outcome == RingPlan::Outcome::busy) {
        memberBusy(call);
        return;
    }
    if (call.b.state != ChannelState::ringing) {
        call.b.state = ChannelState::ringing;
        channelEvent("Newstate", call.b);
    }
    if (call.rendered) connectedTo(call.b, call.a); // that late with the rendered dialplan, as r13 and r14 have it
    use(call.b, Use::ringing);
    dialEvent("DialState", call, "DialStatus", "RINGING");
    if (call.half) tellOtherParty(call);
    const Micros ringFor = queues_[call.queue].ringFor;
    if (plan.outcome == RingPlan::Outcome::answer && plan.after < ringFor)
        later(call, plan.after, &World::memberAnswers);
    else
        later(call, ringFor, &World::memberNoAnswer);
}

void World::memberBusy(Call& call) {
    emit(classCall, "HangupRequest",
         [&](Headers& h) { h.channel(call.b, "", tenantName(call.b)).field("Cause", 17).field("TechCause", "486"); });
    dialEvent("DialEnd", call, "DialStatus", "NOANSWER"); // so it is, for 486 too
    emit(classAgent, "AgentRingNoAnswer", [&](Headers& h) {
        const Member* member = memberOfCall(call);
        h.channel(call.a, "", tenantName(call.a)).channel(call.b, "Dest", tenantName(call.b));
        h.field("Queue", queues_[call.queue].name).field("Interface", call.memberInterface);
        h.field("MemberName", member != nullptr ? member->name : call.memberInterface).field("RingTime", 0);
    });
    hangupEvent(call.b, 17, "486");
    attempts_[call.id].back().end = now_;
    stopRinging(call);
}

void World::memberNoAnswer(Call& call) {
    const Member* member = memberOfCall(call);
    emit(classAgent, "AgentRingNoAnswer", [&](Headers& h) {
        h.channel(call.a, "", tenantName(call.a)).channel(call.b, "Dest", tenantName(call.b));
        h.field("Queue", queues_[call.queue].name).field("Interface", call.memberInterface);
        h.field("MemberName", member != nullptr ? member->name : call.memberInterface);
        h.field("RingTime", std::chrono::duration_cast<std::chrono::milliseconds>(now_ - call.ringStart).count());
    });
    dialEvent("DialEnd", call, "DialStatus", "NOANSWER");
    dialEvent("DialEnd", call, "DialStatus", "CANCEL"); // it comes twice
    hangupEvent(call.b, 0);
    attempts_[call.id].back().end = now_;
    Channel gone = call.b;
    stopRinging(call);
    use(gone, Use::nothing);
}

// Back to waiting; tried again after the queue's `retry`.
void World::stopRinging(Call& call) {
    call.b = {};
    call.member = none;
    enterState(call, CallState::waiting);
    const Micros retry = queues_[call.queue].retry;
    call.retryAt = now_ + retry;
    timers_.at(call.retryAt, [this, queue = call.queue] { planDispatch(queue); });
}

Member* World::memberOfCall(const Call& call) {
    if (call.queue == none) return nullptr;
    auto& members = queues_[call.queue].members;
    const auto it = std::find_if(members.begin(), members.end(),
                                 [&](const Member& m) { return m.interface == call.memberInterface; });
    return it == members.end() ? nullptr : &*it;
}

void World::leaveQueue(Call& call) {
    Queue& queue = queues_[call.queue];
    const auto it = std::find(queue.waiting.begin(), queue.waiting.end(), call.id);
    const auto position = it - queue.waiting.begin() + 1;
    queue.waiting.erase(it);
    if (queue.waiting.empty()) deviceEvent("Queue:" + queue.name, "NOT_INUSE");
    emit(classAgent, "QueueCallerLeave", [&](Headers& h) {
        h.channel(call.a, "", tenantName(call.a)).field("Queue", queue.name).field("Position", position);
        h.field("Count", static_cast<std::int64_t>(queue.waiting.size()));
    });
    if (call.half && call.half->keepsPlace) planDispatch(call.queue); // an agent was kept for it
}

void World::memberAnswers(Call& call) {
    Queue& queue = queues_[call.queue];
    enterState(call, CallState::talking);
    call.answered = now_;
    call.b.state = ChannelState::up;
    channelEvent("Newstate", call.b);
    dialEvent("DialEnd", call, "DialStatus", "ANSWER");
    emit(classCall, "MusicOnHoldStop", [&](Headers& h) { h.channel(call.a, "", tenantName(call.a)); });
    leaveQueue(call);
    use(call.b, Use::active);
    const auto held = wholeSeconds(call.joined, now_);
    queue.holdTime = static_cast<int>((queue.holdTime * 3 + held) / 4);
    Member* member = memberOfCall(call);
    if (member != nullptr)
        member->inCall = true; // after the status event: events say InCall 0 for the whole call, as seen
    emit(classAgent, "AgentConnect", [&](Headers& h) {
        h.channel(call.a, "", tenantName(call.a)).channel(call.b, "Dest", tenantName(call.b));
        h.field("Queue", queue.name).field("Interface", call.memberInterface);
        h.field("MemberName", member != nullptr ? member->name : call.memberInterface);
        h.field("HoldTime", held).field("RingTime", wholeSeconds(call.ringStart, now_));
    });
    auto& attempt = attempts_[call.id].back();
    attempt.disposition = "ANSWERED";
    attempt.answer = now_;
    if (call.a.state != ChannelState::up) { // a placeholder is not answered before
        call.a.state = ChannelState::up;
        channelEvent("Newstate", call.a);
    }
    call.bridge = newBridge();
    bridgeEvent("BridgeCreate", call.bridge);
    enter(call.bridge, call.b);
    enter(call.bridge, call.a);
    if (call.half)
        halfAnswered(call);
    else
        planTalk(call);
}

} // namespace pbx::sim
