// Queues and their members: what events and lists say of them, and what a comparison repaired.
#include "live/board.hpp"

#include <algorithm>
#include <utility>

namespace pbx::live {

namespace {

using namespace std::chrono_literals;

// A member that is free again this long after it began to ring does not ring any more (the events of one attempt race).
constexpr auto ringingSettled = 1s;

Membership membershipOf(std::string_view text) {
    if (text == "dynamic") return Membership::dynamic;
    if (text == "static") return Membership::fixed;
    if (text == "realtime") return Membership::realtime;
    return Membership::unknown;
}

// Assigns; answers `bit` if that changed anything.
template <class T, class U>
std::uint32_t assign(T& have, U&& want, std::uint32_t bit) {
    if (have == want) return 0;
    have = std::forward<U>(want);
    return bit;
}

} // namespace

Queue& Board::needQueue(std::string_view name) {
    if (Queue* queue = queues_.edit(name, epoch_)) return *queue;
    Queue queue;
    queue.name = name;
    return queues_.put(std::move(queue), epoch_);
}

Member* Board::editMember(Queue& queue, std::string_view interface) {
    const auto at = std::lower_bound(queue.members.begin(), queue.members.end(), interface,
                                     [](const auto& member, std::string_view key) { return member->interface < key; });
    if (at == queue.members.end() || (*at)->interface != interface) return nullptr;
    if ((*at)->epoch != epoch_) {
        *at = std::make_shared<Member>(**at);
        (*at)->epoch = epoch_;
    }
    return at->get();
}

Member& Board::needMember(Queue& queue, std::string_view interface) {
    if (Member* member = editMember(queue, interface)) return *member;
    auto member = std::make_shared<Member>();
    member->interface = interface;
    member->epoch = epoch_;
    const auto at = std::lower_bound(queue.members.begin(), queue.members.end(), interface,
                                     [](const auto& have, std::string_view key) { return have->interface < key; });
    queue.membersTouched = eventNumber_;
    return **queue.members.insert(at, std::move(member));
}

// Events write MemberName/Interface, lists Name/Location; the rest is alike in 16 and 22.
std::uint32_t Board::writeMember(Member& member, const Fields& f, bool list) {
    std::uint32_t changes = 0;
    const auto name = f[list ? Key::name : Key::memberName];
    const auto stateInterface = f[Key::stateInterface];
    changes |= assign(member.name, name, memberSettings);
    changes |=
        assign(member.stateInterface, stateInterface.empty() ? member.interface : stateInterface, memberSettings);
    changes |= assign(member.membership, membershipOf(f[Key::membership]), memberSettings);
    changes |= assign(member.penalty, f.integer(Key::penalty), memberPenalty);
    changes |= assign(member.wrapupSeconds, f.integer(Key::wrapupTime), memberSettings);
    if (f.has(Key::ringInUse))
        changes |= assign(member.ringInUse, std::optional(f.flag(Key::ringInUse)), memberSettings);

    const bool paused = f.flag(Key::paused);
    member.lastPause = f.epoch(Key::lastPause);
    if (paused && !member.paused) member.pausedSince = list && member.lastPause ? *member.lastPause : at_;
    if (!paused) member.pausedSince.reset();
    followLastPause(member);
    changes |= assign(member.paused, paused, memberPaused);
    changes |= assign(member.pausedReason, f[Key::pausedReason], memberPaused);

    const int status = f.integer(Key::status);
    const auto known = status >= 0 && status <= 8 ? static_cast<MemberStatus>(status) : MemberStatus::unknown;
    if (known != member.status) member.statusSince = at_;
    changes |= assign(member.status, known, memberStatusChange);

    // Events carry the value of before the last call; a list carries the truth, zero after a restart among it.
    changes |= assign(member.callsTaken,
                      list ? f.integer(Key::callsTaken) : std::max(member.callsTaken, f.integer(Key::callsTaken)),
                      memberCounters);
    const auto lastCall = f.epoch(Key::lastCall);
    if (list || (lastCall && (!member.lastCall || *lastCall > *member.lastCall)))
        changes |= assign(member.lastCall, lastCall, memberCounters);
    member.loginTime = f.epoch(Key::loginTime);
    member.touched = eventNumber_;
    return changes;
}

bool Board::onMember() {
    const auto interface = f_[Key::interface];
    if (f_[Key::queue].empty() || interface.empty()) return false;
    Queue& queue = needQueue(f_[Key::queue]);
    const bool added = queue.member(interface) == nullptr;
    Member& member = needMember(queue, interface);
    const bool rang = member.status == MemberStatus::ringing || member.status == MemberStatus::ringingInUse;
    std::uint32_t changes = writeMember(member, f_, false);
    if (added) changes |= memberAdded;
    // Only where the leg itself is not known (its Newchannel was lost): else its Hangup or DialEnd tells, and a status
    // that is older than the list it comes after would be wrong.
    if (rang && member.status == MemberStatus::free && member.ringing &&
        !channels_.find(member.ringing->agentUniqueid) && at_ - member.ringing->since.value_or(at_) >= ringingSettled)
        stopRinging(queue, member);
    changedMember(queue, member, changes);
    return true;
}

bool Board::onMemberRemoved() {
    if (f_[Key::queue].empty() || f_[Key::interface].empty()) return false;
    if (Queue* queue = queues_.edit(f_[Key::queue], epoch_)) eraseMember(*queue, f_[Key::interface], false);
    return true;
}

void Board::eraseMember(Queue& queue, std::string_view interface, bool found) {
    const Member* member = queue.member(interface);
    if (!member) return;
    const Member gone = *member;
    std::erase_if(queue.members, [&](const auto& one) { return one->interface == gone.interface; });
    queue.membersTouched = eventNumber_;
    if (gone.talking) awaitComplete(queue.name, gone.interface, *gone.talking); // who logs out finishes his call
    if (gone.ringing) recompute(gone.ringing->linkedid);
    changedMember(queue, gone, memberRemoved, found);
}

void Board::changedMember(const Queue& queue, const Member& member, std::uint32_t changes, bool found) {
    if (changes == 0) return;
    FeedEvent event = made(FeedKind::memberChanged);
    event.queue = queue.name;
    event.interface = member.interface;
    event.memberName = member.name;
    event.changes = changes;
    event.state = memberStatusText(member.status);
    event.paused = member.paused;
    event.pausedReason = member.pausedReason;
    emit(std::move(event), found);
}

// --- callers ---

void Board::repairMember(std::string_view queueName, const Member& theirs, UtcTime at) {
    takesList(at);
    changed_ = true;
    Queue& queue = needQueue(queueName);
    const bool added = queue.member(theirs.interface) == nullptr;
    Member& member = needMember(queue, theirs.interface);
    std::uint32_t changes = added ? memberAdded : 0U;
    changes |= assign(member.name, theirs.name, memberSettings);
    changes |= assign(member.stateInterface, theirs.stateInterface, memberSettings);
    changes |= assign(member.membership, theirs.membership, memberSettings);
    changes |= assign(member.wrapupSeconds, theirs.wrapupSeconds, memberSettings);
    changes |= assign(member.penalty, theirs.penalty, memberPenalty);
    if (theirs.paused != member.paused) member.pausedSince = theirs.pausedSince;
    changes |= assign(member.paused, theirs.paused, memberPaused);
    changes |= assign(member.pausedReason, theirs.pausedReason, memberPaused);
    if (theirs.status != member.status) member.statusSince = at;
    changes |= assign(member.status, theirs.status, memberStatusChange);
    if (added) member.inCall = theirs.inCall;
    refreshMember(queueName, theirs);
    changedMember(queue, member, changes, true);
}

void Board::removeMember(std::string_view queueName, std::string_view interface, UtcTime at) {
    takesList(at);
    changed_ = true;
    if (Queue* queue = queues_.edit(queueName, epoch_)) eraseMember(*queue, std::string(interface), true);
}

void Board::addCaller(std::string_view queueName, const Caller& theirs, UtcTime at) {
    takesList(at);
    changed_ = true;
    if (const auto it = waiting_.find(theirs.uniqueid); it != waiting_.end())
        removeCaller(std::string(it->second), theirs.uniqueid, at);
    Caller caller = theirs;
    caller.linkedid = linkedidOf(caller.uniqueid, caller.linkedid);
    insertCaller(needQueue(queueName), std::move(caller), true);
}

void Board::removeCaller(std::string_view queueName, std::string_view uniqueid, UtcTime at) {
    takesList(at);
    changed_ = true;
    auto event = takeCaller(queueName, uniqueid);
    if (!event) return;
    event->found = true;
    left(std::move(*event), Outcome::unknown);
}

void Board::orderCallers(std::string_view queueName, const Queue& theirs) {
    Queue* queue = queues_.edit(queueName, epoch_);
    if (!queue) return;
    changed_ = true;
    std::vector<std::shared_ptr<Caller>> ordered;
    for (const auto& wanted : theirs.callers)
        for (const auto& have : queue->callers) {
            if (have->uniqueid != wanted->uniqueid) continue;
            auto caller = std::make_shared<Caller>(*have);
            caller->epoch = epoch_;
            caller->priority = wanted->priority;
            ordered.push_back(std::move(caller));
        }
    if (ordered.size() != queue->callers.size()) return; // not the same callers any more
    queue->callers = std::move(ordered);
    renumber(*queue);
}

void Board::refreshQueue(const Queue& theirs) {
    changed_ = true;
    Queue& queue = needQueue(theirs.name);
    queue.strategy = theirs.strategy;
    queue.max = theirs.max;
    queue.weight = theirs.weight;
    queue.serviceLevel = theirs.serviceLevel;
    queue.counters = theirs.counters;
}

// Asterisk 16 counts a pause anew when it is paused again with another reason; 22 does not. Whole seconds against
// microseconds: only what is later by more than their difference is another pause.
void Board::followLastPause(Member& member) {
    if (member.pausedSince && member.lastPause && *member.lastPause > *member.pausedSince + std::chrono::seconds(1))
        member.pausedSince = member.lastPause;
}

void Board::refreshMember(std::string_view queueName, const Member& theirs) {
    Queue* queue = queues_.edit(queueName, epoch_);
    Member* member = queue ? editMember(*queue, theirs.interface) : nullptr;
    if (!member) return;
    changed_ = true;
    member->callsTaken = theirs.callsTaken;
    member->lastCall = theirs.lastCall;
    member->lastPause = theirs.lastPause;
    followLastPause(*member);
    member->loginTime = theirs.loginTime;
    member->inCall = member->talking.has_value() || (member->inCall && theirs.inCall);
}

void Board::removeQueue(std::string_view queueName, UtcTime at) {
    const Queue* have = queues_.find(queueName);
    if (!have) return;
    const Queue gone = *have;
    for (const auto& caller : gone.callers) removeCaller(gone.name, caller->uniqueid, at);
    for (const auto& member : gone.members) removeMember(gone.name, member->interface, at);
    queues_.erase(gone.name, epoch_);
    changed_ = true;
}

} // namespace pbx::live
