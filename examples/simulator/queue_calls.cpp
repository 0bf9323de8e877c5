// app_queue: joining, ringing members in turn, answers, abandons, time-outs; orders as in docs/facts/asterisk.md
// section 6.
#include "world.hpp"

#include <algorithm>
#include <iterator>

namespace pbx::sim {
namespace {

using namespace std::chrono_literals;

std::int64_t wholeSeconds(UtcTime from, UtcTime to) {
    return epochMicros(to) / 1'000'000 - epochMicros(from) / 1'000'000;
}

} // namespace

CallId World::startQueueCall(CallPlan plan) {
    Call& call = newCall(std::move(plan));
    call.queue = call.plan.queue;
    call.a = trunkChannel(call.plan.tenant);
    call.a.state = ChannelState::ring;
    call.a.callerNum = call.plan.number;
    call.a.callerName = call.plan.name;
    call.a.exten = call.plan.did;
    created(call, call.a);
    later(call, 10ms, &World::answerTrunk);
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
    enterState(call, CallState::waiting);
    call.joined = now_;
    call.a.priority = 12;
    call.a.application = "Queue";
    call.a.data = queue.name + ",tT,,," + std::to_string(queue.giveUpAfter / 1s) + ",,,";
    // A higher priority goes before all lower ones, behind its equals.
    // Looked for from the end, where nearly everybody goes: a queue of thousands is joined at no cost.
    auto place = queue.waiting.end();
    while (place != queue.waiting.begin() && find(*std::prev(place))->plan.priority < call.plan.priority) --place;
    call.originalPosition = static_cast<int>(place - queue.waiting.begin()) + 1;
    queue.waiting.insert(place, call.id);
    if (queue.waiting.size() == 1) deviceEvent("Queue:" + queue.name, "RINGING");
    emit(classAgent, "QueueCallerJoin", [&](Headers& h) {
        h.channel(call.a, "", tenantName(call.a)).field("Queue", queue.name).field("Position", call.originalPosition);
        h.field("Count", static_cast<std::int64_t>(queue.waiting.size()));
    });
    emit(classCall, "MusicOnHoldStart",
         [&](Headers& h) { h.channel(call.a, "", tenantName(call.a)).field("Class", "default"); });
    timers_.at(now_ + call.plan.patience, [this, id = call.id] { abandonIfWaiting(id); });
    timers_.at(now_ + queue.giveUpAfter, [this, id = call.id] { giveUp(id); });
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
    for (const CallId id : queue.waiting) {
        Call& call = *find(id);
        if (call.state != CallState::waiting || call.retryAt > now_) continue;
        Member* member = pick(queue);
        if (member == nullptr) return;
        ringMember(call, *member);
    }
}

bool World::eligible(const Member& member) const {
    return !member.paused && memberState(member) == DeviceState::notInUse && member.busyUntil <= now_;
}

// rrmemory: the lowest penalty that has a free member, and of those the next one after the last rung.
Member* World::pick(Queue& queue) {
    Member* best = nullptr;
    std::size_t bestAt = 0;
    for (std::size_t i = 0; i < queue.members.size(); ++i) {
        const std::size_t at = (queue.nextMember + i) % queue.members.size();
        Member& member = queue.members[at];
        if ((best != nullptr && member.penalty >= best->penalty) || !eligible(member)) continue;
        best = &member;
        bestAt = at;
    }
    if (best != nullptr) queue.nextMember = bestAt + 1;
    return best;
}

void World::offerToMember(Call& call, const Member& member, bool ringsAtOnce) {
    call.b = phoneChannel(member.phone, &call.a);
    created(call, call.b);
    call.b.tenantSet = true;
    connectedTo(call.b, call.a);
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
    dialEvent("DialBegin", call, "DialString", member.interface);
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
    use(call.b, Use::ringing);
    dialEvent("DialState", call, "DialStatus", "RINGING");
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
    hangupEvent(call.b, 17, true);
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
    call.bridge = newBridge();
    bridgeEvent("BridgeCreate", call.bridge);
    enter(call.bridge, call.b);
    enter(call.bridge, call.a);
    planTalk(call);
}

void World::agentComplete(Call& call, std::string_view reason) {
    Queue& queue = queues_[call.queue];
    const auto held = wholeSeconds(call.joined, call.answered);
    const auto talked = wholeSeconds(call.answered, now_);
    ++queue.completed;
    if (call.answered - call.joined <= queue.serviceLevel) ++queue.withinServiceLevel;
    queue.talkTime = static_cast<int>((queue.talkTime * 3 + talked) / 4);
    Member* own = memberOfCall(call);
    const std::string name = own != nullptr ? own->name : call.memberInterface;
    // shared_lastcall=yes: every queue of that member counts the call and waits for the wrap-up.
    for (const Index index : phones_[call.member].queues) {
        for (Member& member : queues_[index].members) {
            if (member.phone != call.member) continue;
            ++member.callsTaken;
            member.lastCall = epochMicros(now_) / 1'000'000;
            member.inCall = false;
            member.busyUntil = now_ + Micros(static_cast<std::int64_t>(1e6 * member.wrapupSeconds / speed_));
            timers_.at(member.busyUntil, [this, index] { planDispatch(index); });
        }
    }
    emit(classAgent, "AgentComplete", [&](Headers& h) {
        h.channel(call.a, "", tenantName(call.a)).channel(call.b, "Dest", tenantName(call.b));
        h.field("Queue", queue.name).field("Interface", call.memberInterface).field("MemberName", name);
        h.field("HoldTime", held).field("TalkTime", talked).field("Reason", reason);
    });
    call.queue = none;
}

void World::abandonIfWaiting(CallId id) {
    Call* call = find(id);
    if (call != nullptr && (call->state == CallState::waiting || call->state == CallState::ringing)) abandon(*call);
}

// The caller hangs up; while a member rings there is no agent event at all.
void World::abandon(Call& call) {
    Queue& queue = queues_[call.queue];
    const bool ringing = call.state == CallState::ringing;
    channelEvent("HangupRequest", call.a);
    emit(classCall, "MusicOnHoldStop", [&](Headers& h) { h.channel(call.a, "", tenantName(call.a)); });
    if (ringing) {
        dialEvent("DialEnd", call, "DialStatus", "CANCEL");
        dialEvent("DialEnd", call, "DialStatus", "CANCEL");
    }
    endOfQueue(call);
    if (ringing) {
        hangupEvent(call.b, 0);
        attempts_[call.id].back().end = now_;
        Channel gone = std::exchange(call.b, {});
        call.member = none;
        enterState(call, CallState::application);
        use(gone, Use::nothing);
    }
    ++queue.abandoned;
    leaveQueue(call);
    call.queue = none;
    softHangup(call.a);
    cdrEvents(call);
    hangupEvent(call.a, 0);
    use(call.a, Use::nothing);
    drop(call);
}

void World::endOfQueue(Call& call) {
    const Queue& queue = queues_[call.queue];
    const auto it = std::find(queue.waiting.begin(), queue.waiting.end(), call.id);
    emit(classAgent, "QueueCallerAbandon", [&](Headers& h) {
        h.channel(call.a, "", tenantName(call.a)).field("Queue", queue.name);
        h.field("Position", it - queue.waiting.begin() + 1).field("OriginalPosition", call.originalPosition);
        h.field("HoldTime", wholeSeconds(call.joined, now_));
    });
}

// Queue()'s own time-out: told as an abandon too, and the caller goes on in the dialplan.
void World::giveUp(CallId id) {
    Call* found = find(id);
    if (found == nullptr || (found->state != CallState::waiting && found->state != CallState::ringing)) return;
    Call& call = *found;
    if (call.state == CallState::ringing) memberNoAnswer(call);
    const std::string queue = queues_[call.queue].name;
    endOfQueue(call);
    ++queues_[call.queue].abandoned;
    emit(classCall, "MusicOnHoldStop", [&](Headers& h) { h.channel(call.a, "", tenantName(call.a)); });
    leaveQueue(call);
    call.queue = none;
    enterState(call, CallState::application);
    call.a.priority = 14;
    emit(classUser, "UserEvent", [&](Headers& h) {
        h.channel(call.a, "", tenantName(call.a)).field("UserEvent", "QueueExit").field("Tenant", tenantName(call.a));
        h.field("Queue", queue).field("Status", "TIMEOUT").field("CallRef", call.a.linkedid);
    });
    call.a.application = "Playback";
    later(call, 1600ms, &World::hangupAfterQueue);
}

void World::hangupAfterQueue(Call& call) {
    call.a.application = "Hangup";
    call.a.priority = 16;
    call.a.data.clear();
    softHangup(call.a);
    hangupEvent(call.a, 16);
    use(call.a, Use::nothing);
    cdrEvents(call);
    drop(call);
}

Call* World::waitingIn(std::string_view queueName, std::string_view channelName) {
    const auto it = callByChannel_.find(std::string(channelName));
    Call* call = it == callByChannel_.end() ? nullptr : find(it->second);
    const Index queue = queueIndex(queueName);
    if (call == nullptr || queue == none || call->queue != queue || call->a.name != channelName) return nullptr;
    const auto& waiting = queues_[queue].waiting;
    return std::find(waiting.begin(), waiting.end(), call->id) == waiting.end() ? nullptr : call;
}

// Told like a time-out of Queue(): an abandon, and the caller goes on in the dialplan.
bool World::withdraw(std::string_view queueName, std::string_view channelName) {
    const Call* call = waitingIn(queueName, channelName);
    if (call == nullptr) return false;
    timers_.at(now_, [this, id = call->id] { giveUp(id); });
    return true;
}

bool World::changePriority(std::string_view queueName, std::string_view channelName, int priority, bool immediate) {
    Call* call = waitingIn(queueName, channelName);
    if (call == nullptr) return false;
    call->plan.priority = priority;
    if (!immediate) return true;
    auto& waiting = queues_[call->queue].waiting;
    std::erase(waiting, call->id);
    auto place = waiting.end();
    while (place != waiting.begin() && find(*std::prev(place))->plan.priority < priority) --place;
    waiting.insert(place, call->id);
    return true;
}

bool World::hasExtension(std::string_view context, std::string_view exten) const {
    if (exten == "800") return true;
    for (const Phone& phone : phones_)
        if (phone.exten == exten && contextOf(phone.tenant) == context) return true;
    return false;
}

} // namespace pbx::sim
