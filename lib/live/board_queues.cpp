// Queues: who waits, who rings, who talks, and how each caller left. Order of the events: ASTERISK.md 6.
#include "live/board.hpp"

#include <algorithm>
#include <cmath>

namespace pbx::live {

namespace {

using namespace std::chrono_literals;

// Abandon without a hang-up before it: VarSet QUEUESTATUS comes 1-2 ms later where it comes at all.
constexpr auto explainAfterAbandon = 500ms;
// Leave without Abandon: AgentConnect follows within milliseconds when somebody answered.
constexpr auto explainAfterLeave = 1s;
constexpr auto explainAnswered = 5s;
// A member that is free again this long after it began to ring does not ring any more (the events of one attempt race).
constexpr auto ringingSettled = 1s;
constexpr std::size_t completingKept = 8;

std::string memberKeyText(std::string_view queue, std::string_view interface) {
    std::string key(queue);
    key.append(1, '\n').append(interface);
    return key;
}

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

int secondsBetween(UtcTime from, UtcTime to) {
    return static_cast<int>(
        std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(to - from).count()));
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
        !channels_.find(member.ringing->agentUniqueid) && at_ - member.ringing->since >= ringingSettled)
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

bool Board::onCallerJoin() {
    const auto queueName = f_[Key::queue];
    const auto uniqueid = f_[Key::uniqueid];
    if (queueName.empty() || uniqueid.empty()) return false;
    if (gone_.contains(uniqueid)) return true;
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
    event.queue = queue;
    event.number = caller.number;
    event.name = caller.name;
    event.position = caller.position;
    if (kind == FeedKind::callerLeft) event.holdSeconds = secondsBetween(caller.since, at_);
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
        if (lost == lost_.end() || lost->second.queue != queueName) return std::nullopt;
        FeedEvent event = std::move(lost->second);
        lost_.erase(lost);
        event.at = at_;
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
        .event = std::move(*event), .abandoned = true, .answered = false, .deadline = at_ + explainAfterAbandon};
    leaving_.insert_or_assign(std::string(uniqueid), std::move(leaving));
    return true;
}

bool Board::onCallerLeave() {
    const std::string uniqueid(f_[Key::uniqueid]);
    if (f_[Key::queue].empty() || uniqueid.empty()) return false;
    const bool answered = answering_.erase(uniqueid) > 0;
    auto event = takeCaller(f_[Key::queue], uniqueid);
    if (!event) return true;
    Leaving leaving{.event = std::move(*event),
                    .abandoned = false,
                    .answered = answered,
                    .deadline =
                        at_ + (answered ? UtcTime::duration(explainAnswered) : UtcTime::duration(explainAfterLeave))};
    leaving_.insert_or_assign(uniqueid, std::move(leaving));
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
        if (it->second.answered) return; // AgentConnect may still be on its way
        Leaving leaving = std::move(it->second);
        leaving_.erase(it);
        left(std::move(leaving.event), leaving.abandoned ? Outcome::unknown : Outcome::key);
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

void Board::noteAgent(const Engagement& engagement, std::string_view queue, std::string_view interface,
                      std::string_view memberName) {
    Call* call = calls_.edit(engagement.linkedid, epoch_);
    if (!call) return;
    call->queue = queue;
    call->interface = interface;
    call->memberName = memberName;
}

Engagement Board::readEngagement() const {
    Engagement engagement;
    engagement.callerUniqueid = f_[Key::uniqueid];
    engagement.agentUniqueid = f_[Key::destUniqueid];
    engagement.linkedid = linkedidOf(engagement.callerUniqueid, f_[Key::linkedid]);
    engagement.number = f_.text(Key::callerIdNum);
    engagement.name = f_.text(Key::callerIdName);
    engagement.since = at_;
    return engagement;
}

void Board::index(std::string_view uniqueid, const Queue& queue, const Member& member) {
    if (uniqueid.empty()) return;
    auto& keys = engaged_[std::string(uniqueid)];
    MemberKey key{queue.name, member.interface};
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(std::move(key));
}

bool Board::onAgentCalled() {
    if (f_[Key::queue].empty() || f_[Key::interface].empty()) return false;
    if (gone_.contains(f_[Key::uniqueid]) || gone_.contains(f_[Key::destUniqueid])) return true;
    const Engagement engagement = readEngagement();
    answering_.erase(engagement.callerUniqueid); // whoever answered before did not keep the caller
    noteAgent(engagement, f_[Key::queue], f_[Key::interface], f_[Key::memberName]);
    Queue* queue = queues_.edit(f_[Key::queue], epoch_);
    if (Member* member = queue ? editMember(*queue, f_[Key::interface]) : nullptr) {
        startRinging(*queue, *member, engagement, false);
        return true;
    }
    emit(agentEvent(FeedKind::agentRinging, f_[Key::queue], f_[Key::interface], f_[Key::memberName], engagement));
    return true;
}

void Board::startRinging(Queue& queue, Member& member, Engagement engagement, bool found) {
    const auto same = [&](const std::optional<Engagement>& have) {
        return have && have->callerUniqueid == engagement.callerUniqueid &&
               have->agentUniqueid == engagement.agentUniqueid;
    };
    if (same(member.ringing) || same(member.talking)) return;
    member.ringing = engagement;
    member.touched = eventNumber_;
    index(engagement.callerUniqueid, queue, member);
    index(engagement.agentUniqueid, queue, member);
    recompute(engagement.linkedid);
    emit(agentEvent(FeedKind::agentRinging, queue.name, member.interface, member.name, engagement), found);
}

void Board::stopRinging(const Queue& queue, Member& member) {
    const std::string linkedid = member.ringing ? member.ringing->linkedid : std::string();
    member.ringing.reset();
    recompute(linkedid);
    changedMember(queue, member, memberRinging);
}

bool Board::onAgentRingNoAnswer() {
    if (f_[Key::queue].empty() || f_[Key::interface].empty()) return false;
    Queue* queue = queues_.edit(f_[Key::queue], epoch_);
    Member* member = queue ? editMember(*queue, f_[Key::interface]) : nullptr;
    if (!member || !member->ringing) return true;
    const auto leg = f_[Key::destUniqueid];
    if (leg.empty() || member->ringing->agentUniqueid == leg) stopRinging(*queue, *member);
    return true;
}

bool Board::onAgentConnect() {
    const std::string uniqueid(f_[Key::uniqueid]);
    if (f_[Key::queue].empty() || f_[Key::interface].empty()) return false;
    const Engagement engagement = readEngagement();

    answering_.erase(uniqueid);
    bool fresh = true; // not the repetition of an event that was applied
    if (const auto it = leaving_.find(uniqueid); it != leaving_.end()) {
        Leaving leaving = std::move(it->second);
        leaving_.erase(it);
        left(std::move(leaving.event), Outcome::answered);
    } else if (auto event = takeCaller(f_[Key::queue], uniqueid)) {
        left(std::move(*event), Outcome::answered);
    } else {
        fresh = !gone_.contains(uniqueid) && !gone_.contains(engagement.agentUniqueid);
    }
    if (!fresh) return true;
    noteAgent(engagement, f_[Key::queue], f_[Key::interface], f_[Key::memberName]);

    FeedEvent event =
        agentEvent(FeedKind::agentConnected, f_[Key::queue], f_[Key::interface], f_[Key::memberName], engagement);
    if (f_.number(Key::holdTime)) event.holdSeconds = f_.integer(Key::holdTime);
    Queue* queue = queues_.edit(f_[Key::queue], epoch_);
    Member* member = queue ? editMember(*queue, f_[Key::interface]) : nullptr;
    const bool over = gone_.contains(uniqueid) || gone_.contains(engagement.agentUniqueid);
    if (member && over) { // shorter than the events' disorder: AgentComplete will look for it
        member->ringing.reset();
        completing_[memberKeyText(queue->name, member->interface)].push_back(engagement);
    } else if (member) {
        const bool known = member->talking && member->talking->callerUniqueid == engagement.callerUniqueid;
        startTalking(*queue, *member, engagement, false);
        if (known) return true;
    }
    emit(std::move(event));
    return true;
}

void Board::startTalking(Queue& queue, Member& member, Engagement engagement, bool found) {
    if (member.talking && member.talking->callerUniqueid == engagement.callerUniqueid) {
        // Found by a list before its event came: the event knows since when.
        if (member.talking->approximate && !engagement.approximate) member.talking->since = engagement.since;
        member.talking->approximate = member.talking->approximate && engagement.approximate;
        return;
    }
    if (member.talking) stopTalking(queue, member, false);
    member.ringing.reset();
    member.wrapupUntil.reset();
    member.inCall = true;
    member.touched = eventNumber_;
    index(engagement.callerUniqueid, queue, member);
    index(engagement.agentUniqueid, queue, member);
    member.talking = std::move(engagement);
    recompute(member.talking->linkedid);
    if (!found) return;
    emit(agentEvent(FeedKind::agentConnected, queue.name, member.interface, member.name, *member.talking), true);
}

int Board::wrapupOf(const Queue& queue, const Member& member) const {
    if (member.wrapupSeconds > 0) return member.wrapupSeconds;
    const auto it = wrapup_.find(queue.name);
    return it != wrapup_.end() ? it->second : 0;
}

void Board::stopTalking(const Queue& queue, Member& member, bool completed) {
    if (!member.talking) return;
    if (!completed) {
        auto& ended = completing_[memberKeyText(queue.name, member.interface)];
        if (ended.size() >= completingKept) ended.erase(ended.begin());
        ended.push_back(*member.talking);
    }
    const std::string linkedid = member.talking->linkedid;
    member.talking.reset();
    member.inCall = false;
    member.touched = eventNumber_;
    std::uint32_t changes = memberInCall;
    if (const int seconds = wrapupOf(queue, member); seconds > 0) {
        member.wrapupUntil = at_ + std::chrono::seconds(seconds);
        wrapups_.emplace(*member.wrapupUntil, MemberKey{queue.name, member.interface});
        changes |= memberWrapup;
    }
    recompute(linkedid);
    changedMember(queue, member, changes);
}

bool Board::isOf(const Engagement& engagement, std::string_view uniqueid, std::string_view destination,
                 std::string_view linkedid) const {
    if (!uniqueid.empty() && engagement.callerUniqueid == uniqueid) return true;
    if (!destination.empty() && engagement.agentUniqueid == destination) return true;
    if (!uniqueid.empty() || !destination.empty()) return !linkedid.empty() && engagement.linkedid == linkedid;
    // AgentComplete without any channel (redirected callers, optimised Local channels): its talk began TalkTime ago, to
    // the whole second.
    const auto talk = f_.number(Key::talkTime);
    if (!talk || engagement.approximate) return !talk.has_value();
    const auto began = at_ - std::chrono::seconds(*talk);
    return std::chrono::abs(engagement.since - began) <= 2s;
}

std::optional<Engagement> Board::takeCompleted(std::string_view queue, std::string_view interface) {
    const auto it = completing_.find(memberKeyText(queue, interface));
    if (it == completing_.end()) return std::nullopt;
    for (auto one = it->second.begin(); one != it->second.end(); ++one) {
        if (!isOf(*one, f_[Key::uniqueid], f_[Key::destUniqueid], f_[Key::linkedid])) continue;
        Engagement engagement = std::move(*one);
        it->second.erase(one);
        if (it->second.empty()) completing_.erase(it);
        return engagement;
    }
    return std::nullopt;
}

bool Board::onAgentComplete() {
    if (f_[Key::queue].empty() || f_[Key::interface].empty()) return false;
    Queue* queue = queues_.edit(f_[Key::queue], epoch_);
    Member* member = queue ? editMember(*queue, f_[Key::interface]) : nullptr;
    // Ended talks first: with a new call already in progress the late event belongs to the old one.
    auto engagement = takeCompleted(f_[Key::queue], f_[Key::interface]);
    if (!engagement && member && member->talking &&
        isOf(*member->talking, f_[Key::uniqueid], f_[Key::destUniqueid], f_[Key::linkedid])) {
        engagement = *member->talking;
        stopTalking(*queue, *member, true);
    }
    if (!engagement) {
        if (gone_.contains(f_[Key::uniqueid])) return true; // told already
        engagement = readEngagement();
    }
    if (member && !member->talking) member->inCall = false;
    if (member && (!member->lastCall || *member->lastCall < at_)) member->lastCall = at_;

    FeedEvent event =
        agentEvent(FeedKind::agentCompleted, f_[Key::queue], f_[Key::interface], f_[Key::memberName], *engagement);
    if (f_.number(Key::holdTime)) event.holdSeconds = f_.integer(Key::holdTime);
    if (f_.number(Key::talkTime)) event.talkSeconds = f_.integer(Key::talkTime);
    event.reason = f_[Key::reason];
    emit(std::move(event));
    return true;
}

// A Local half that was optimised away: the other party is bridged with what replaced it.
bool Board::replacedLeg(Engagement& talking, std::string_view uniqueid) const {
    const Channel* leaving = channels_.find(uniqueid);
    if (!leaving || !leaving->name.starts_with("Local/")) return false;
    const bool isAgent = talking.agentUniqueid == uniqueid;
    const Channel* partner = channels_.find(isAgent ? talking.callerUniqueid : talking.agentUniqueid);
    const Bridge* bridge = partner ? bridges_.find(partner->bridgeId) : nullptr;
    if (!bridge) return false;
    for (const auto& other : bridge->channels) {
        if (other == partner->uniqueid || other == uniqueid) continue;
        (isAgent ? talking.agentUniqueid : talking.callerUniqueid) = other;
        return true;
    }
    return false;
}

void Board::legEnded(std::string_view uniqueid) {
    eachEngaged(uniqueid, [&](Queue& queue, Member& member) {
        if (member.ringing && (member.ringing->agentUniqueid == uniqueid || member.ringing->callerUniqueid == uniqueid))
            stopRinging(queue, member);
        if (!member.talking ||
            (member.talking->agentUniqueid != uniqueid && member.talking->callerUniqueid != uniqueid))
            return;
        if (replacedLeg(*member.talking, uniqueid)) {
            index(member.talking->agentUniqueid, queue, member);
            index(member.talking->callerUniqueid, queue, member);
        } else {
            stopTalking(queue, member, false);
        }
    });
    if (const auto it = engaged_.find(uniqueid); it != engaged_.end()) engaged_.erase(it);
}

// --- repairs ---

void Board::repairMember(std::string_view queueName, const Member& theirs, UtcTime at) {
    at_ = at;
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
    at_ = at;
    changed_ = true;
    if (Queue* queue = queues_.edit(queueName, epoch_)) eraseMember(*queue, std::string(interface), true);
}

void Board::addCaller(std::string_view queueName, const Caller& theirs, UtcTime at) {
    at_ = at;
    changed_ = true;
    if (const auto it = waiting_.find(theirs.uniqueid); it != waiting_.end())
        removeCaller(std::string(it->second), theirs.uniqueid, at);
    Caller caller = theirs;
    caller.linkedid = linkedidOf(caller.uniqueid, caller.linkedid);
    insertCaller(needQueue(queueName), std::move(caller), true);
}

void Board::removeCaller(std::string_view queueName, std::string_view uniqueid, UtcTime at) {
    at_ = at;
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
