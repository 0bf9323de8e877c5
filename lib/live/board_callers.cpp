// Who waits in a queue, and how each caller left it. Order of the events: docs/facts/asterisk.md 6.
#include "live/board.hpp"

#include "domain/callback.hpp"

#include <algorithm>

namespace pbx::live {

namespace {

using namespace std::chrono_literals;

// Abandon without a hang-up before it: VarSet QUEUESTATUS comes 1-2 ms later where it comes at all.
constexpr auto explainAfterAbandon = 500ms;
// Leave without Abandon: AgentConnect follows within milliseconds when somebody answered.
constexpr auto explainAfterLeave = 1s;

int secondsBetween(UtcTime from, UtcTime to) {
    return static_cast<int>(
        std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(to - from).count()));
}

} // namespace

bool Board::onCallerJoin() {
    const auto queueName = f_[Key::queue];
    const auto uniqueid = f_[Key::uniqueid];
    if (queueName.empty() || uniqueid.empty()) return false;
    if (gone_.contains(uniqueid)) return true;
    // Who waits again was not answered where it left before.
    if (const auto it = leaving_.find(uniqueid); it != leaving_.end()) leftUnexplained(it);
    if (const auto it = waiting_.find(uniqueid); it != waiting_.end()) {
        if (it->second == queueName) return true; // a list told already; its order is newer than this event's
        const std::string before = it->second;
        if (auto event = takeCaller(before, uniqueid)) left(std::move(*event), Outcome::unknown);
    }
    Caller caller;
    caller.uniqueid = uniqueid;
    caller.linkedid = linkedidOf(uniqueid, f_[Key::linkedid]);
    caller.channel = f_[Key::channel];
    caller.position = f_.integer(Key::position);
    caller.since = at_;
    caller.number = f_.text(Key::callerIdNum);
    caller.name = f_.text(Key::callerIdName);
    caller.tenantId = f_.text(Key::tenantid);
    insertCaller(needQueue(queueName), std::move(caller), false);
    return true;
}

void Board::insertCaller(Queue& queue, Caller caller, bool found) {
    const std::string uniqueid = caller.uniqueid;
    caller.epoch = epoch_;
    caller.touched = eventNumber_;
    // A caller of higher priority enters in front; no event tells the others that they moved back.
    const auto wanted = static_cast<std::size_t>(std::max(caller.position, 1)) - 1;
    const auto index = std::min(wanted, queue.callers.size());
    auto kept = std::make_shared<Caller>(std::move(caller));
    queue.callers.insert(queue.callers.begin() + static_cast<std::ptrdiff_t>(index), kept);
    renumber(queue);
    queue.callersTouched = eventNumber_;
    waiting_[uniqueid] = queue.name;
    if (Call* call = callOf(uniqueid, kept->linkedid)) call->queue = queue.name;
    recompute(std::string(linkedidOf(uniqueid, kept->linkedid)));

    emit(callerEvent(FeedKind::callerJoined, queue.name, *kept), found);
}

FeedEvent Board::callerEvent(FeedKind kind, std::string_view queue, const Caller& caller) const {
    FeedEvent event = made(kind);
    event.callKey = callKey(server_, linkedidOf(caller.uniqueid, caller.linkedid));
    event.channel = caller.channel;
    event.tenantId = caller.tenantId;
    event.uniqueid = caller.uniqueid;
    if (const auto ours = domain::parseCallbackChannelId(caller.uniqueid)) event.callback = ours->id.str();
    event.queue = queue;
    event.number = caller.number;
    event.name = caller.name;
    event.position = caller.position;
    // A list that misses a caller does not tell when it left.
    if (kind == FeedKind::callerLeft && !fromList_) event.holdSeconds = secondsBetween(caller.since, at_);
    return event;
}

void Board::renumber(Queue& queue) {
    int position = 0;
    for (auto& caller : queue.callers) {
        ++position;
        if (caller->position == position) continue;
        if (caller->epoch != epoch_) {
            caller = std::make_shared<Caller>(*caller);
            caller->epoch = epoch_;
        }
        caller->position = position;
    }
}

std::optional<FeedEvent> Board::takeCaller(std::string_view queueName, std::string_view uniqueidView) {
    const std::string uniqueid(uniqueidView);
    const auto at = waiting_.find(uniqueid);
    if (at == waiting_.end() || at->second != queueName) {
        const auto lost = lost_.find(uniqueid);
        if (lost == lost_.end() || lost->second.event.queue != queueName) return std::nullopt;
        FeedEvent event = std::move(lost->second.event);
        event.at = at_;
        event.holdSeconds = secondsBetween(lost->second.since, at_);
        lost_.erase(lost);
        return event;
    }
    waiting_.erase(at);
    Queue* queue = queues_.edit(queueName, epoch_);
    const auto it = std::find_if(queue->callers.begin(), queue->callers.end(),
                                 [&](const auto& caller) { return caller->uniqueid == uniqueid; });
    if (it == queue->callers.end()) return std::nullopt;
    const auto caller = *it;
    queue->callers.erase(it);
    renumber(*queue);
    queue->callersTouched = eventNumber_;
    recompute(std::string(linkedidOf(uniqueid, caller->linkedid)));
    return callerEvent(FeedKind::callerLeft, queue->name, *caller);
}

void Board::left(FeedEvent event, Outcome outcome) {
    event.outcome = outcome;
    emit(std::move(event));
}

void Board::startLeaving(std::string_view uniqueid, Leaving leaving) {
    if (const auto it = leaving_.find(uniqueid); it != leaving_.end()) leftUnexplained(it); // another queue
    leaving_.emplace(uniqueid, std::move(leaving));
}

// Asterisk runs Queue()'s subroutine on the answered call ("press 1 to accept") before AgentConnect: as long as both
// parties are there, it may take its time.
bool Board::beforeConnect(std::string_view uniqueid, const Leaving& leaving) const {
    return !leaving.answeredBy.empty() && channels_.find(uniqueid) && channels_.find(leaving.answeredBy);
}

TextMap<Board::Leaving>::iterator Board::leftUnexplained(TextMap<Leaving>::iterator at) {
    Leaving leaving = std::move(at->second);
    const auto next = leaving_.erase(at);
    // Left by itself, without hanging up, with nobody answering: a key took it out of the queue.
    const bool key = !leaving.abandoned && leaving.answeredBy.empty();
    left(std::move(leaving.event), key ? Outcome::key : Outcome::unknown);
    return next;
}

bool Board::onCallerAbandon() {
    const auto uniqueid = f_[Key::uniqueid];
    if (f_[Key::queue].empty() || uniqueid.empty()) return false;
    const Channel* channel = channels_.find(uniqueid);
    const bool hangingUp = channel && channel->hangingUp;
    auto event = takeCaller(f_[Key::queue], uniqueid);
    if (!event) return true;
    if (hangingUp) {
        left(std::move(*event), Outcome::abandoned);
        return true;
    }
    Leaving leaving{
        .event = std::move(*event), .abandoned = true, .answeredBy = {}, .deadline = steady_ + explainAfterAbandon};
    startLeaving(uniqueid, std::move(leaving));
    return true;
}

bool Board::onCallerLeave() {
    const std::string uniqueid(f_[Key::uniqueid]);
    if (f_[Key::queue].empty() || uniqueid.empty()) return false;
    std::string answeredBy;
    if (auto answering = answering_.extract(uniqueid)) answeredBy = std::move(answering.mapped());
    auto event = takeCaller(f_[Key::queue], uniqueid);
    if (!event) return true;
    const auto wait = answeredBy.empty() ? explainAfterLeave : explainAnswered;
    Leaving leaving{.event = std::move(*event),
                    .abandoned = false,
                    .answeredBy = std::move(answeredBy),
                    .deadline = steady_ + wait};
    startLeaving(uniqueid, std::move(leaving));
    return true;
}

// Only where the account reads class `dialplan`; without it these outcomes stay unknown here.
bool Board::onQueueStatusVariable() {
    const auto it = leaving_.find(f_[Key::uniqueid]);
    if (it == leaving_.end()) return true;
    const auto value = f_[Key::value];
    Outcome outcome = Outcome::unknown;
    if (value == "TIMEOUT") outcome = Outcome::timeout;
    if (value == "WITHDRAW") outcome = Outcome::withdrawn;
    if (value == "LEAVEEMPTY") outcome = Outcome::empty;
    if (value == "ABANDON") outcome = Outcome::abandoned;
    if (outcome == Outcome::unknown) return true;
    Leaving leaving = std::move(it->second);
    leaving_.erase(it);
    left(std::move(leaving.event), outcome);
    return true;
}

void Board::callerGone(std::string_view uniqueid) {
    answering_.erase(std::string(uniqueid));
    if (const auto it = leaving_.find(uniqueid); it != leaving_.end()) {
        if (!it->second.answeredBy.empty()) return; // AgentConnect may still be on its way
        leftUnexplained(it);
        return;
    }
    const auto at = waiting_.find(uniqueid);
    if (at == waiting_.end()) return;
    const Channel* channel = channels_.find(uniqueid);
    const Outcome outcome = channel && channel->hangingUp ? Outcome::abandoned : Outcome::unknown;
    if (auto event = takeCaller(std::string(at->second), uniqueid)) left(std::move(*event), outcome);
}

// --- members and their calls ---

FeedEvent Board::agentEvent(FeedKind kind, std::string_view queue, std::string_view interface,
                            std::string_view memberName, const Engagement& engagement) const {
    FeedEvent event = made(kind);
    event.callKey = engagement.linkedid.empty() ? std::string() : callKey(server_, engagement.linkedid);
    if (const Channel* channel = channels_.find(engagement.callerUniqueid)) {
        event.channel = channel->name;
        event.tenantId = channel->tenantId;
    }
    event.queue = queue;
    event.interface = interface;
    event.memberName = memberName;
    event.number = engagement.number;
    event.name = engagement.name;
    return event;
}

} // namespace pbx::live
