// A new generation of the board out of lists, and what it says against the old one.
#include "domain/directory.hpp"
#include "live/board.hpp"

#include <algorithm>

namespace pbx::live {

namespace {

// "00:01:15", hours may have more than two digits.
std::chrono::seconds durationOf(std::string_view text) {
    std::int64_t total = 0;
    std::int64_t part = 0;
    for (const char c : text) {
        if (c == ':') {
            total = (total + part) * 60;
            part = 0;
        } else if (c >= '0' && c <= '9' && part < 1'000'000) {
            part = part * 10 + (c - '0');
        } else {
            return std::chrono::seconds(0);
        }
    }
    return std::chrono::seconds(total + part);
}

// A member "Local/101@agents/n" calls channels "Local/101@agents-00000004;1".
std::string_view withoutOptions(std::string_view interface) {
    if (!interface.starts_with("Local/")) return interface;
    const auto slash = interface.find('/', 6);
    return slash == std::string_view::npos ? interface : interface.substr(0, slash);
}

} // namespace

void Board::fillQueue(const Fields& f, UtcTime at) {
    if (f[Key::queue].empty()) return;
    Queue& queue = needQueue(f[Key::queue]);
    queue.strategy = f[Key::strategy];
    queue.max = f.integer(Key::max);
    queue.weight = f.integer(Key::weight);
    queue.serviceLevel = f.integer(Key::serviceLevel);
    queue.counters.holdTime = f.integer(Key::holdTime);
    queue.counters.talkTime = f.integer(Key::talkTime);
    queue.counters.completed = f.integer(Key::completed);
    queue.counters.abandoned = f.integer(Key::abandoned);
    queue.counters.serviceLevelPerf = f.decimal(Key::serviceLevelPerf).value_or(0);
    queue.counters.serviceLevelPerf2 = f.decimal(Key::serviceLevelPerf2).value_or(0);
    queue.counters.asOf = at;
}

void Board::fillMember(const Fields& f, UtcTime at) {
    if (f[Key::queue].empty() || f[Key::location].empty()) return;
    takesList(at);
    Member& member = needMember(needQueue(f[Key::queue]), f[Key::location]);
    writeMember(member, f, true);
    member.inCall = f.flag(Key::inCall);
}

void Board::fillCaller(const Fields& f, UtcTime at) {
    if (f[Key::queue].empty() || f[Key::uniqueid].empty()) return;
    Caller caller;
    caller.uniqueid = f[Key::uniqueid];
    caller.linkedid = linkedidOf(caller.uniqueid, caller.uniqueid);
    caller.channel = f[Key::channel];
    caller.position = f.integer(Key::position);
    if (f.number(Key::priority)) caller.priority = f.integer(Key::priority);
    caller.since = at - std::chrono::seconds(std::clamp(f.integer(Key::wait), 0, 1'000'000));
    // A list spells what is missing without the brackets that events have (apps/app_queue.c, QueueEntry).
    const auto known = [&](Key key) { return f.text(key) == "unknown" ? std::string_view() : f.text(key); };
    caller.number = known(Key::callerIdNum);
    caller.name = known(Key::callerIdName);
    takesList(at);
    insertCaller(needQueue(f[Key::queue]), std::move(caller), false);
}

void Board::fillChannel(const Fields& f, UtcTime at) {
    if (f[Key::uniqueid].empty()) return;
    takesList(at);
    Channel channel = readChannel(f);
    channel.application = f.text(Key::application);
    channel.createdAt = at - durationOf(f[Key::duration]);
    const std::string uniqueid = channel.uniqueid;
    if (channel.application == "Queue" || channel.application == "AppQueue") {
        const auto data = f[Key::applicationData];
        inQueueApp_[uniqueid] = channel.application == "Queue" ? std::string(data.substr(0, data.find(','))) : "";
    }
    startChannel(std::move(channel), false);
    if (!f[Key::bridgeId].empty()) enterBridge(uniqueid, f[Key::bridgeId]);
}

void Board::fillBridge(const Fields& f) {
    if (f[Key::bridgeUniqueid].empty()) return;
    const Bridge* have = bridges_.find(f[Key::bridgeUniqueid]);
    Bridge bridge = have ? *have : Bridge{};
    bridge.id = f[Key::bridgeUniqueid];
    bridge.type = f.text(Key::bridgeType);
    bridge.technology = f.text(Key::bridgeTechnology);
    bridge.creator = f.text(Key::bridgeCreator);
    bridge.name = f.text(Key::bridgeName);
    bridges_.put(std::move(bridge), epoch_);
}

void Board::fillDevice(const Fields& f, UtcTime at) {
    if (!isPeerName(f[Key::device]) || f[Key::state].empty()) return;
    Peer& peer = needPeer(f[Key::device]);
    peer.deviceState = f[Key::state];
    peer.deviceStateSince = at;
}

void Board::finishFill(Board& old, UtcTime at, bool restarted) {
    takesList(at);
    muted_ = true;
    inherit(old, restarted);
    pairLocals();
    // QueueEntry has no linkedid, and may have come before its channel did.
    for (const auto& [uniqueid, queueName] : waiting_) {
        Queue* queue = queues_.edit(queueName, epoch_);
        for (auto& caller : queue->callers)
            if (caller->uniqueid == uniqueid) { // made during this fill: nobody shares it
                caller->linkedid = linkedidOf(uniqueid, caller->linkedid);
                if (const Channel* channel = channels_.find(uniqueid)) caller->tenantId = channel->tenantId;
                if (Call* call = callOf(uniqueid, caller->linkedid)) call->queue = queueName;
            }
    }
    deriveTalking();
    deriveRinging();
    std::vector<std::string> all;
    calls_.each([&](const Call& call) { all.push_back(call.linkedid); });
    for (const auto& linkedid : all) recompute(linkedid);
    inQueueApp_.clear();
    muted_ = false;
    reportDifferences(old);
    changed_ = true;
}

void Board::closeFill(UtcTime at) {
    takesList(at);
    for (auto& [uniqueid, lost] : lost_) {
        lost.event.found = true;
        left(std::move(lost.event), Outcome::unknown);
    }
    lost_.clear();
    for (auto& [linkedid, event] : lostCalls_) emit(std::move(event), true);
    lostCalls_.clear();
}

void Board::inherit(Board& old, bool restarted) {
    eventNumber_ = old.eventNumber_;
    wrapup_ = old.wrapup_;
    gone_ = std::move(old.gone_);
    goneOrder_ = std::move(old.goneOrder_);
    leaving_ = std::move(old.leaving_);
    completing_ = std::move(old.completing_);
    feed_ = std::move(old.feed_);
    if (!restarted) inheritCalls(old);
    old.queues_.each([&](const Queue& before) {
        if (queues_.find(before.name)) inheritQueue(before);
    });
    old.queues_.each([&](const Queue& before) {
        if (!restarted && queues_.find(before.name)) inheritTalks(before);
    });
    old.peers_.each([&](const Peer& before) {
        if (restarted) return; // its contacts are judged anew
        Peer& peer = needPeer(before.name);
        peer.contacts = before.contacts;
        peer.reachable = before.reachable;
        peer.latencyMicros = before.latencyMicros;
        if (peer.deviceState == before.deviceState) peer.deviceStateSince = before.deviceStateSince;
    });
}

void Board::inheritCalls(const Board& old) {
    old.channels_.each([&](const Channel& before) {
        Channel* channel = channels_.edit(before.uniqueid, epoch_);
        if (!channel) return;
        channel->createdAt = before.createdAt;
        channel->heldSince = before.heldSince;
        channel->localOther = before.localOther;
        channel->dialedBy = before.dialedBy;
        channel->hangingUp = before.hangingUp;
        if (channel->tenantId.empty()) channel->tenantId = before.tenantId;
    });
    old.bridges_.each([&](const Bridge& before) {
        if (Bridge* bridge = bridges_.edit(before.id, epoch_)) bridge->createdAt = before.createdAt;
    });
    old.calls_.each([&](const Call& before) {
        Call* call = calls_.edit(before.linkedid, epoch_);
        if (!call) return;
        call->startedAt = before.startedAt;
        call->answeredAt = before.answeredAt;
        // Found talking by this fill already, if it does now and did not before.
        call->answerMissed = !before.answeredAt && (before.answerMissed || call->answerMissed);
        call->callerUniqueid = before.callerUniqueid;
        call->callerChannel = before.callerChannel;
        call->number = before.number;
        call->name = before.name;
        call->context = before.context;
        call->exten = before.exten;
        call->queue = before.queue;
        call->interface = before.interface;
        call->memberName = before.memberName;
        if (call->tenantId.empty()) call->tenantId = before.tenantId;
    });
}

void Board::inheritQueue(const Queue& before) {
    Queue& now = *queues_.edit(before.name, epoch_);
    for (const auto& had : before.members) {
        Member* member = editMember(now, had->interface);
        if (!member) continue;
        if (member->paused && had->paused) {
            member->pausedSince = had->pausedSince;
            followLastPause(*member);
        }
        if (member->status == had->status) member->statusSince = had->statusSince;
        if (!member->ringInUse) member->ringInUse = had->ringInUse;
        if (had->wrapupUntil && *had->wrapupUntil > at_) {
            member->wrapupUntil = had->wrapupUntil;
            wrapups_.emplace(*had->wrapupUntil, MemberKey{now.name, member->interface});
        }
    }
    for (const auto& had : before.callers)
        for (auto& caller : now.callers)
            if (caller->uniqueid == had->uniqueid) caller->since = had->since;
}

// Talks and ringing go on if their channels do.
void Board::inheritTalks(const Queue& before) {
    Queue& now = *queues_.edit(before.name, epoch_);
    for (const auto& had : before.members) {
        Member* member = editMember(now, had->interface);
        if (!member) continue;
        if (had->talking) {
            const Channel* caller = channels_.find(had->talking->callerUniqueid);
            const Channel* agent = channels_.find(had->talking->agentUniqueid);
            if (caller && agent && !caller->bridgeId.empty() && caller->bridgeId == agent->bridgeId)
                startTalking(now, *member, *had->talking, false);
        }
        if (had->ringing) {
            const Channel* agent = channels_.find(had->ringing->agentUniqueid);
            if (agent && agent->state != ChannelState::up && waiting_.contains(had->ringing->callerUniqueid))
                startRinging(now, *member, *had->ringing, false);
        }
    }
}

void Board::pairLocals() {
    TextMap<std::string> first; // "Local/101@agents-00000004" -> uniqueid of one half
    std::vector<std::pair<std::string, std::string>> pairs;
    channels_.each([&](const Channel& channel) {
        if (!channel.name.starts_with("Local/") || channel.name.size() < 2) return;
        const std::string base = channel.name.substr(0, channel.name.size() - 2);
        const auto [it, fresh] = first.emplace(base, channel.uniqueid);
        if (!fresh) pairs.emplace_back(it->second, channel.uniqueid);
    });
    for (const auto& [one, two] : pairs) {
        channels_.edit(one, epoch_)->localOther = two;
        channels_.edit(two, epoch_)->localOther = one;
    }
}

Member* Board::memberOfChannel(Queue& queue, const Channel& channel) {
    const auto interface = domain::interfaceOfChannel(channel.name);
    for (const auto& member : queue.members)
        if (withoutOptions(member->interface) == interface) return editMember(queue, std::string(member->interface));
    for (const auto& member : queue.members)
        if (member->stateInterface == interface) return editMember(queue, std::string(member->interface));
    return nullptr;
}

// A channel that runs Queue() and shares a bridge with a channel of one of that queue's members talks to it, if
// Asterisk says that this member is in a call of the queue: whom the caller was put through to may be a member as well,
// but did not take the call from the queue. Who answers while the lists are on their way is told by an event, which is
// held.
void Board::deriveTalking() {
    for (const auto& [uniqueid, queueName] : inQueueApp_) {
        const Channel* caller = channels_.find(uniqueid);
        const Bridge* bridge = caller && !queueName.empty() ? bridges_.find(caller->bridgeId) : nullptr;
        if (!bridge || !queues_.find(queueName)) continue;
        Queue& queue = *queues_.edit(queueName, epoch_);
        for (const auto& other : bridge->channels) {
            const Channel* agent = other == uniqueid ? nullptr : channels_.find(other);
            Member* member = agent ? memberOfChannel(queue, *agent) : nullptr;
            if (!member || !member->inCall) continue;
            Engagement engagement{.linkedid = caller->linkedid,
                                  .callerUniqueid = uniqueid,
                                  .agentUniqueid = other,
                                  .number = caller->callerNumber,
                                  .name = caller->callerName,
                                  .since = std::nullopt};
            startTalking(queue, *member, engagement, false);
            noteAgent(engagement, queueName, member->interface, member->name);
        }
    }
    // Where the channels do not show it, Asterisk's own word stands until the next event.
}

// A channel that app_queue made, is not up yet, and belongs to the call of somebody who waits, rings for that caller.
void Board::deriveRinging() {
    TextMap<std::string> waitingCalls; // linkedid -> uniqueid
    for (const auto& [uniqueid, queueName] : waiting_) waitingCalls.emplace(linkedidOf(uniqueid, uniqueid), uniqueid);
    for (const auto& [uniqueid, unused] : inQueueApp_) {
        const Channel* agent = channels_.find(uniqueid);
        if (!agent || agent->application != "AppQueue" || agent->state == ChannelState::up) continue;
        const auto call = waitingCalls.find(agent->linkedid);
        if (call == waitingCalls.end()) continue;
        const std::string queueName = waiting_.find(call->second)->second;
        Queue& queue = *queues_.edit(queueName, epoch_);
        Member* member = memberOfChannel(queue, *agent);
        const Channel* caller = channels_.find(call->second);
        if (!member || !caller) continue;
        Engagement engagement{.linkedid = agent->linkedid,
                              .callerUniqueid = call->second,
                              .agentUniqueid = uniqueid,
                              .number = caller->callerNumber,
                              .name = caller->callerName,
                              .since = agent->createdAt};
        startRinging(queue, *member, engagement, false);
        noteAgent(engagement, queueName, member->interface, member->name);
    }
}

void Board::reportDifferences(const Board& old) {
    calls_.each([&](const Call& call) {
        if (!old.calls_.find(call.linkedid)) emit(callEvent(FeedKind::callStarted, call), true);
    });
    reportCallers(old);
    queues_.each([&](const Queue& now) { reportMembers(now, old.queues_.find(now.name)); });
    old.queues_.each([&](const Queue& before) {
        if (queues_.find(before.name)) return;
        for (const auto& member : before.members) changedMember(before, *member, memberRemoved, true);
    });
    old.calls_.each([&](const Call& call) {
        if (!calls_.find(call.linkedid)) lostCalls_.emplace(call.linkedid, callEvent(FeedKind::callEnded, call));
    });
    peers_.each([&](const Peer& peer) {
        const Peer* before = old.peers_.find(peer.name);
        if (!before || before->deviceState != peer.deviceState || before->reachable != peer.reachable)
            changedPeer(peer, true);
    });
}

void Board::reportCallers(const Board& old) {
    old.queues_.each([&](const Queue& before) {
        for (const auto& caller : before.callers) {
            const auto now = waiting_.find(caller->uniqueid);
            if (now == waiting_.end() || now->second != before.name)
                lost_.insert_or_assign(caller->uniqueid,
                                       Lost{callerEvent(FeedKind::callerLeft, before.name, *caller), caller->since});
        }
    });
    queues_.each([&](const Queue& now) {
        for (const auto& caller : now.callers) {
            const auto before = old.waiting_.find(caller->uniqueid);
            if (before == old.waiting_.end() || before->second != now.name)
                emit(callerEvent(FeedKind::callerJoined, now.name, *caller), true);
        }
    });
}

void Board::reportMembers(const Queue& now, const Queue* before) {
    for (const auto& member : now.members) {
        const Member* had = before ? before->member(member->interface) : nullptr;
        const bool same =
            had && had->talking && member->talking && had->talking->callerUniqueid == member->talking->callerUniqueid;
        if (member->talking && !same) {
            // A caller that was waiting when we looked last has been answered meanwhile.
            if (const auto lost = lost_.find(member->talking->callerUniqueid); lost != lost_.end()) {
                lost->second.event.found = true;
                left(std::move(lost->second.event), Outcome::answered);
                lost_.erase(lost);
            }
            if (const auto it = leaving_.find(member->talking->callerUniqueid);
                it != leaving_.end() && it->second.event.queue == now.name) {
                it->second.event.found = true;
                left(std::move(it->second.event), Outcome::answered);
                leaving_.erase(it);
            }
            emit(agentEvent(FeedKind::agentConnected, now.name, member->interface, member->name, *member->talking),
                 true);
        }
        if (!had) {
            changedMember(now, *member, memberAdded, true);
            continue;
        }
        // Its AgentComplete may be among the events that were held.
        if (had->talking && !same) awaitComplete(now.name, member->interface, *had->talking);
        std::uint32_t changes = 0;
        if (had->paused != member->paused || had->pausedReason != member->pausedReason) changes |= memberPaused;
        if (had->penalty != member->penalty) changes |= memberPenalty;
        if (had->status != member->status) changes |= memberStatusChange;
        if (had->inCall != member->inCall) changes |= memberInCall;
        if (had->ringing.has_value() != member->ringing.has_value()) changes |= memberRinging;
        if (had->name != member->name || had->membership != member->membership) changes |= memberSettings;
        changedMember(now, *member, changes, true);
    }
    if (!before) return;
    for (const auto& had : before->members) {
        if (now.member(had->interface)) continue;
        if (had->talking) awaitComplete(now.name, had->interface, *had->talking);
        changedMember(now, *had, memberRemoved, true);
    }
}

} // namespace pbx::live
