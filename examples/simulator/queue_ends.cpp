// app_queue: how a call leaves its queue: completed, abandoned, timed out, withdrawn, moved; orders as in
// docs/facts/asterisk.md section 6.
#include "world.hpp"

#include <algorithm>
#include <utility>

namespace pbx::sim {

using namespace std::chrono_literals;

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
void World::abandon(Call& call, bool asked) {
    Queue& queue = queues_[call.queue];
    const bool ringing = call.state == CallState::ringing;
    if (asked && call.half)
        hangupRequest(call.a, call.half->cause);
    else if (asked)
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
    hangupEvent(call.a, call.half ? call.half->cause : 0);
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
    Call* call = leaveByItself(id);
    if (call == nullptr) return;
    if (call->rendered)
        sorry(*call);
    else
        afterQueue(*call);
}

Call* World::leaveByItself(CallId id) {
    Call* found = find(id);
    if (found == nullptr || (found->state != CallState::waiting && found->state != CallState::ringing)) return nullptr;
    Call& call = *found;
    if (call.state == CallState::ringing) memberNoAnswer(call);
    endOfQueue(call);
    ++queues_[call.queue].abandoned;
    emit(classCall, "MusicOnHoldStop", [&](Headers& h) { h.channel(call.a, "", tenantName(call.a)); });
    leaveQueue(call);
    enterState(call, CallState::application);
    return found;
}

void World::afterQueue(Call& call) {
    const std::string queue = queues_[std::exchange(call.queue, none)].name;
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
bool World::withdraw(std::string_view queueName, std::string_view channelName, std::string info) {
    const Call* call = waitingIn(queueName, channelName);
    if (call == nullptr) return false;
    timers_.at(now_, [this, id = call->id, info = std::move(info)] {
        if (info.empty()) {
            giveUp(id);
        } else if (Call* left = leaveByItself(id); left != nullptr) {
            moved(*left, info);
        }
    });
    return true;
}

bool World::changePriority(std::string_view queueName, std::string_view channelName, int priority, bool immediate) {
    Call* call = waitingIn(queueName, channelName);
    if (call == nullptr) return false;
    call->plan.priority = priority;
    if (!immediate) return true;
    Queue& queue = queues_[call->queue];
    std::erase(queue.waiting, call->id);
    call->place = 0;
    queue.waiting.insert(queue.waiting.begin() + static_cast<std::ptrdiff_t>(placeIn(queue, *call)), call->id);
    return true;
}

bool World::hasExtension(std::string_view context, std::string_view exten) const {
    if (exten == "800") return true;
    for (const Phone& phone : phones_)
        if (phone.exten == exten && contextOf(phone.tenant) == context) return true;
    return false;
}

} // namespace pbx::sim
