// Who rings and who talks, from a queue's call to its completion. Order of the events: docs/facts/asterisk.md 6.
#include "live/board.hpp"

#include <algorithm>

namespace pbx::live {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t completingKept = 8;

std::string memberKeyText(std::string_view queue, std::string_view interface) {
    std::string key(queue);
    key.append(1, '\n').append(interface);
    return key;
}

} // namespace

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
    if (const auto it = leaving_.find(uniqueid); it != leaving_.end() && it->second.event.queue == f_[Key::queue]) {
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
        awaitComplete(queue->name, member->interface, engagement);
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
        if (member.talking->since || !engagement.since) return;
        // Found by a list before its event came: the event knows since when.
        member.talking->since = engagement.since;
        if (Call* call = calls_.edit(engagement.linkedid, epoch_); call && !call->answeredAt) {
            call->answeredAt = engagement.since;
            call->answerMissed = false;
        }
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
    if (!completed) awaitComplete(queue.name, member.interface, *member.talking);
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
    if (!talk || !engagement.since) return !talk.has_value();
    const auto began = at_ - std::chrono::seconds(*talk);
    return std::chrono::abs(*engagement.since - began) <= 2s;
}

void Board::awaitComplete(std::string_view queue, std::string_view interface, Engagement ended) {
    auto& all = completing_[memberKeyText(queue, interface)];
    if (all.size() >= completingKept) all.erase(all.begin());
    all.push_back(std::move(ended));
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

} // namespace pbx::live
