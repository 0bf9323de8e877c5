// Channels, bridges and calls: Newchannel to Hangup, and what follows from linkedids.
#include "live/board.hpp"

#include <algorithm>

namespace pbx::live {

namespace {

ChannelState stateOfNumber(int number) {
    return number >= 0 && number <= 9 ? static_cast<ChannelState>(number) : ChannelState::down;
}

// Assigns and tells whether that changed anything, so that an unchanged channel is not copied.
bool differs(const std::string& have, std::string_view want) { return have != want; }

// Asks the database when pbxd does not answer ([pbxd-database] of asterisk/extensions.conf): no part of the call, which
// it outlasts when the database hangs.
bool asksDatabase(const Channel& channel) { return channel.name.starts_with("Local/question@pbxd-database-"); }

} // namespace

Channel Board::readChannel(const Fields& f) const {
    Channel channel;
    channel.uniqueid = f[Key::uniqueid];
    channel.linkedid = f[Key::linkedid].empty() ? f[Key::uniqueid] : f[Key::linkedid];
    channel.name = f[Key::channel];
    channel.state = stateOfNumber(f.integer(Key::channelState));
    channel.callerNumber = f.text(Key::callerIdNum);
    channel.callerName = f.text(Key::callerIdName);
    channel.connectedNumber = f.text(Key::connectedLineNum);
    channel.connectedName = f.text(Key::connectedLineName);
    channel.accountCode = f.text(Key::accountCode);
    channel.context = f.text(Key::context);
    channel.exten = f.text(Key::exten);
    channel.tenantId = f.text(Key::tenantid);
    return channel;
}

// Takes over what the event says about its channel (or the called one). Only what the channel's own events carry in
// order may set the state; the queue's events come from another source and may be late.
Channel* Board::updateChannel(bool destination, bool withState) {
    const auto key = [destination](Key source) {
        constexpr auto offset = static_cast<int>(Key::destChannel) - static_cast<int>(Key::channel);
        return destination ? static_cast<Key>(static_cast<int>(source) + offset) : source;
    };
    const std::string_view uniqueid = f_[key(Key::uniqueid)];
    const Channel* have = channels_.find(uniqueid);
    if (!have) return nullptr;

    const ChannelState state = withState ? stateOfNumber(f_.integer(key(Key::channelState))) : have->state;
    const std::string_view linkedid = f_[key(Key::linkedid)];
    const bool moved = !linkedid.empty() && differs(have->linkedid, linkedid);
    const bool same = !moved && state == have->state && !differs(have->name, f_[key(Key::channel)]) &&
                      !differs(have->callerNumber, f_.text(key(Key::callerIdNum))) &&
                      !differs(have->callerName, f_.text(key(Key::callerIdName))) &&
                      !differs(have->connectedNumber, f_.text(key(Key::connectedLineNum))) &&
                      !differs(have->connectedName, f_.text(key(Key::connectedLineName))) &&
                      !differs(have->accountCode, f_.text(key(Key::accountCode))) &&
                      !differs(have->context, f_.text(key(Key::context))) &&
                      !differs(have->exten, f_.text(key(Key::exten)));
    Channel* channel = channels_.edit(uniqueid, epoch_);
    channel->touched = eventNumber_;
    if (same) return channel;

    if (moved) {
        // Bridges that merge make two calls one: the channel goes over to the older call.
        const Channel before = *channel;
        channel->linkedid = linkedid;
        detach(before, "", false);
    }
    if (!f_[key(Key::channel)].empty()) nameChannel(*channel, f_[key(Key::channel)]);
    channel->callerNumber = f_.text(key(Key::callerIdNum));
    channel->callerName = f_.text(key(Key::callerIdName));
    channel->connectedNumber = f_.text(key(Key::connectedLineNum));
    channel->connectedName = f_.text(key(Key::connectedLineName));
    channel->accountCode = f_.text(key(Key::accountCode));
    channel->context = f_.text(key(Key::context));
    channel->exten = f_.text(key(Key::exten));
    if (const auto tenant = f_.text(key(Key::tenantid)); !tenant.empty()) channel->tenantId = tenant;
    channel->state = state;
    if (moved) attach(*channel, false);
    if (Call* call = calls_.edit(channel->linkedid, epoch_); call && call->callerUniqueid == channel->uniqueid) {
        call->number = channel->callerNumber;
        call->name = channel->callerName;
        call->accountCode = channel->accountCode;
    }
    recompute(std::string(channel->linkedid));
    return channel;
}

// A call and who waits are shown with the name of their channel.
void Board::nameChannel(Channel& channel, std::string_view name) {
    if (channel.name == name) return;
    channel.name = name;
    if (Call* call = calls_.edit(channel.linkedid, epoch_); call && call->callerUniqueid == channel.uniqueid)
        call->callerChannel = name;
    const auto waits = waiting_.find(channel.uniqueid);
    Queue* queue = waits != waiting_.end() ? queues_.edit(waits->second, epoch_) : nullptr;
    if (!queue) return;
    for (auto& caller : queue->callers) {
        if (caller->uniqueid != channel.uniqueid) continue;
        caller = std::make_shared<Caller>(*caller);
        caller->epoch = epoch_;
        caller->channel = name;
    }
}

bool Board::onNewchannel() {
    if (f_[Key::uniqueid].empty()) return false;
    if (gone_.contains(f_[Key::uniqueid])) return true;
    if (channels_.find(f_[Key::uniqueid])) {
        updateChannel(false, true);
        return true;
    }
    Channel channel = readChannel(f_);
    channel.createdAt = at_;
    channel.recording = Recording::off;
    startChannel(std::move(channel), false);
    return true;
}

bool Board::onChannel() {
    if (f_[Key::uniqueid].empty()) return false;
    updateChannel(false, true);
    return true;
}

bool Board::onHold(bool held) {
    if (f_[Key::uniqueid].empty()) return false;
    Channel* channel = updateChannel(false, true);
    if (!channel) return true;
    if (held && !channel->heldSince) channel->heldSince = at_;
    if (!held) channel->heldSince.reset();
    recompute(std::string(channel->linkedid));
    return true;
}

bool Board::onRecording(Recording state) {
    if (f_[Key::uniqueid].empty()) return false;
    if (Channel* channel = channels_.edit(f_[Key::uniqueid], epoch_)) channel->recording = state;
    return true;
}

bool Board::onSpy(std::string_view target) {
    if (f_[Key::spyerUniqueid].empty()) return false;
    if (Channel* channel = channels_.edit(f_[Key::spyerUniqueid], epoch_)) channel->listensTo = target;
    return true;
}

bool Board::onHangupRequest() {
    if (f_[Key::uniqueid].empty()) return false;
    if (Channel* channel = channels_.edit(f_[Key::uniqueid], epoch_)) channel->hangingUp = true;
    return true;
}

bool Board::onHangup() {
    if (f_[Key::uniqueid].empty()) return false;
    endChannel(f_[Key::uniqueid], f_[Key::causeText], false);
    return true;
}

bool Board::onRename() {
    if (f_[Key::uniqueid].empty() || f_[Key::newName].empty()) return false;
    Channel* channel = channels_.edit(f_[Key::uniqueid], epoch_);
    if (!channel) return true;
    nameChannel(*channel, f_[Key::newName]);
    channel->touched = eventNumber_;
    return true;
}

bool Board::onDial() {
    if (f_[Key::destUniqueid].empty()) return false;
    updateChannel(false, false); // an Originate has no dialling channel
    Channel* called = updateChannel(true, false);
    if (!called) return true;
    if (!f_[Key::uniqueid].empty() && called->dialedBy != f_[Key::uniqueid]) {
        called->dialedBy = f_[Key::uniqueid];
        recompute(std::string(called->linkedid));
    }
    return true;
}

bool Board::onDialEnd() {
    if (f_[Key::destUniqueid].empty()) return false;
    if (f_[Key::dialStatus] == "ANSWER") {
        const auto caller = f_[Key::uniqueid];
        const auto leg = f_[Key::destUniqueid];
        // A leg that was called after the caller had left was not called by the queue.
        const Channel* called = channels_.find(leg);
        if (const auto it = leaving_.find(caller);
            it != leaving_.end() && !(called && called->createdAt > it->second.event.at))
            it->second.answeredBy = leg;
        if (waiting_.contains(caller)) answering_.insert_or_assign(std::string(caller), std::string(leg));
        return true;
    }
    const std::string leg(f_[Key::destUniqueid]);
    eachEngaged(leg, [&](Queue& queue, Member& member) {
        if (member.ringing && member.ringing->agentUniqueid == leg) stopRinging(queue, member);
    });
    return true;
}

bool Board::onLocalBridge() {
    const std::string one(f_[Key::localOneUniqueid]);
    const std::string two(f_[Key::localTwoUniqueid]);
    if (one.empty() || two.empty()) return false;
    if (Channel* channel = channels_.edit(one, epoch_)) channel->localOther = two;
    if (Channel* channel = channels_.edit(two, epoch_)) channel->localOther = one;
    return true;
}

bool Board::onBridgeCreate() {
    if (f_[Key::bridgeUniqueid].empty()) return false;
    if (bridges_.find(f_[Key::bridgeUniqueid])) return true;
    Bridge bridge;
    bridge.id = f_[Key::bridgeUniqueid];
    bridge.type = f_.text(Key::bridgeType);
    bridge.technology = f_.text(Key::bridgeTechnology);
    bridge.creator = f_.text(Key::bridgeCreator);
    bridge.name = f_.text(Key::bridgeName);
    bridge.createdAt = at_;
    bridge.touched = eventNumber_;
    bridges_.put(std::move(bridge), epoch_);
    return true;
}

bool Board::onBridgeEnter() {
    if (f_[Key::bridgeUniqueid].empty() || f_[Key::uniqueid].empty()) return false;
    Channel* channel = updateChannel(false, true);
    if (!channel) return true;
    onBridgeCreate();
    if (Bridge* bridge = bridges_.edit(f_[Key::bridgeUniqueid], epoch_); !f_[Key::bridgeTechnology].empty())
        bridge->technology = f_[Key::bridgeTechnology];
    enterBridge(f_[Key::uniqueid], f_[Key::bridgeUniqueid]);
    return true;
}

bool Board::onBridgeLeave() {
    if (f_[Key::bridgeUniqueid].empty() || f_[Key::uniqueid].empty()) return false;
    updateChannel(false, true);
    leaveBridge(f_[Key::uniqueid], f_[Key::bridgeUniqueid]);
    return true;
}

bool Board::onBridgeDestroy() {
    if (f_[Key::bridgeUniqueid].empty()) return false;
    const Bridge* bridge = bridges_.find(f_[Key::bridgeUniqueid]);
    if (!bridge) return true;
    const Bridge gone = *bridge;
    for (const auto& uniqueid : gone.channels) leaveBridge(uniqueid, gone.id);
    bridges_.erase(gone.id, epoch_);
    return true;
}

void Board::enterBridge(std::string_view uniqueid, std::string_view id) {
    Channel* channel = channels_.edit(uniqueid, epoch_);
    if (!channel) return;
    channel->touched = eventNumber_;
    if (channel->bridgeId != id) {
        if (!channel->bridgeId.empty()) leaveBridge(uniqueid, std::string(channel->bridgeId));
        channel->bridgeId = id;
    }
    Bridge* bridge = bridges_.edit(id, epoch_);
    if (!bridge) {
        Bridge made;
        made.id = id;
        bridge = &bridges_.put(std::move(made), epoch_);
    }
    bridge->touched = eventNumber_;
    if (std::find(bridge->channels.begin(), bridge->channels.end(), uniqueid) == bridge->channels.end())
        bridge->channels.emplace_back(uniqueid);
    const auto inside = bridge->channels;
    for (const auto& other : inside)
        if (const Channel* one = channels_.find(other)) recompute(std::string(one->linkedid));
}

void Board::leaveBridge(std::string_view uniqueid, std::string_view id) {
    std::vector<std::string> touched{std::string(uniqueid)};
    if (Bridge* bridge = bridges_.edit(id, epoch_)) {
        std::erase(bridge->channels, uniqueid);
        bridge->touched = eventNumber_;
        touched.insert(touched.end(), bridge->channels.begin(), bridge->channels.end());
    }
    Channel* channel = channels_.edit(uniqueid, epoch_);
    if (channel && channel->bridgeId == id) {
        channel->bridgeId.clear();
        channel->touched = eventNumber_;
    }
    for (const auto& one : touched)
        if (const Channel* other = channels_.find(one)) recompute(std::string(other->linkedid));
}

void Board::startChannel(Channel channel, bool found) {
    if (asksDatabase(channel)) return;
    channel.touched = eventNumber_;
    const Channel& kept = channels_.put(std::move(channel), epoch_);
    attach(kept, found);
    recompute(std::string(kept.linkedid));
}

void Board::endChannel(std::string_view uniqueidView, std::string_view cause, bool found) {
    const std::string uniqueid(uniqueidView);
    rememberGone(uniqueid);
    callerGone(uniqueid);
    const Channel* have = channels_.find(uniqueid);
    if (!have) {
        legEnded(uniqueid);
        return;
    }
    // A leg's end must still see its bridge: a Local half that was optimised away has been replaced in it.
    legEnded(uniqueid);
    const Channel channel = *channels_.find(uniqueid);
    if (!channel.bridgeId.empty()) leaveBridge(uniqueid, channel.bridgeId);
    channels_.erase(uniqueid, epoch_);
    detach(channel, cause, found);
}

void Board::attach(const Channel& channel, bool found) {
    Call* call = calls_.edit(channel.linkedid, epoch_);
    const bool fresh = call == nullptr;
    if (fresh) {
        Call made;
        made.linkedid = channel.linkedid;
        made.startedAt = channel.createdAt;
        call = &calls_.put(std::move(made), epoch_);
    }
    if (std::find(call->channels.begin(), call->channels.end(), channel.uniqueid) == call->channels.end())
        call->channels.push_back(channel.uniqueid);
    // The channel that gave the call its linkedid is the caller, whenever it turns up (lists have no order).
    if (fresh || (channel.uniqueid == call->linkedid && call->callerUniqueid != channel.uniqueid)) {
        call->callerUniqueid = channel.uniqueid;
        call->callerChannel = channel.name;
        call->number = channel.callerNumber;
        call->name = channel.callerName;
        call->context = channel.context;
        call->exten = channel.exten;
        call->accountCode = channel.accountCode;
        call->startedAt = std::min(call->startedAt, channel.createdAt);
    }
    if (call->tenantId.empty()) call->tenantId = channel.tenantId;
    if (!fresh) return;
    if (lostCalls_.erase(call->linkedid) > 0) return; // told long ago; its end is to come
    emit(callEvent(FeedKind::callStarted, *call), found);
}

FeedEvent Board::callEvent(FeedKind kind, const Call& call) const {
    FeedEvent event = made(kind);
    event.callKey = callKey(server_, call.linkedid);
    event.channel = call.callerChannel;
    event.context = call.context;
    event.tenantId = call.tenantId;
    event.queue = call.queue;
    event.interface = call.interface;
    event.memberName = call.memberName;
    event.number = call.number;
    event.name = call.name;
    event.dialled = call.exten;
    return event;
}

void Board::detach(const Channel& channel, std::string_view cause, bool found) {
    Call* call = calls_.edit(channel.linkedid, epoch_);
    if (!call) return;
    std::erase(call->channels, channel.uniqueid);
    if (!call->channels.empty()) {
        recompute(std::string(channel.linkedid));
        return;
    }
    FeedEvent event = callEvent(FeedKind::callEnded, *call);
    event.state = cause;
    calls_.erase(channel.linkedid, epoch_);
    emit(std::move(event), found);
}

CallState Board::stateOf(const Call& call) const {
    bool ringing = false;
    bool dialling = false;
    bool talking = false;
    bool held = false;
    for (const auto& uniqueid : call.channels) {
        if (waiting_.contains(uniqueid)) {
            const auto engaged = engaged_.find(uniqueid);
            if (engaged == engaged_.end()) return CallState::waiting;
            for (const auto& [queueName, interface] : engaged->second) {
                const Queue* queue = queues_.find(queueName);
                const Member* member = queue ? queue->member(interface) : nullptr;
                if (member && member->ringing && member->ringing->callerUniqueid == uniqueid) return CallState::ringing;
            }
            return CallState::waiting;
        }
        const Channel* channel = channels_.find(uniqueid);
        if (!channel) continue;
        if (!channel->bridgeId.empty()) {
            const Bridge* bridge = bridges_.find(channel->bridgeId);
            talking = talking || (bridge && bridge->channels.size() >= 2);
        }
        held = held || channel->heldSince.has_value();
        ringing = ringing || channel->state == ChannelState::ringing;
        dialling = dialling || (!channel->dialedBy.empty() && channel->state != ChannelState::up);
    }
    if (talking) return held ? CallState::held : CallState::talking;
    if (ringing) return CallState::ringing;
    return dialling ? CallState::dialling : CallState::other;
}

void Board::recompute(std::string_view linkedid) {
    const Call* have = calls_.find(linkedid);
    if (!have) return;
    const CallState state = stateOf(*have);
    const bool answered = state == CallState::talking && !have->answeredAt && !have->answerMissed;
    if (state == have->state && !answered) return;
    Call* call = calls_.edit(linkedid, epoch_);
    call->state = state;
    if (!answered) return;
    if (fromList_)
        call->answerMissed = true;
    else
        call->answeredAt = at_;
}

std::string_view Board::linkedidOf(std::string_view uniqueid, std::string_view otherwise) const {
    const Channel* channel = channels_.find(uniqueid);
    return channel ? std::string_view(channel->linkedid) : otherwise;
}

Call* Board::callOf(std::string_view uniqueid, std::string_view linkedid) {
    return calls_.edit(std::string(linkedidOf(uniqueid, linkedid)), epoch_);
}

void Board::repairChannel(const Channel& theirs, UtcTime at) {
    takesList(at);
    changed_ = true;
    if (!channels_.find(theirs.uniqueid)) {
        Channel channel = theirs;
        const std::string bridge = std::exchange(channel.bridgeId, {});
        startChannel(std::move(channel), true);
        if (!bridge.empty()) enterBridge(theirs.uniqueid, bridge);
        return;
    }
    Channel* channel = channels_.edit(theirs.uniqueid, epoch_);
    if (channel->linkedid != theirs.linkedid) {
        const Channel before = *channel;
        channel->linkedid = theirs.linkedid;
        detach(before, "", true);
        attach(*channel, true);
    }
    nameChannel(*channel, theirs.name);
    channel->state = theirs.state;
    channel->callerNumber = theirs.callerNumber;
    channel->callerName = theirs.callerName;
    channel->connectedNumber = theirs.connectedNumber;
    channel->connectedName = theirs.connectedName;
    channel->accountCode = theirs.accountCode;
    channel->context = theirs.context;
    channel->exten = theirs.exten;
    channel->application = theirs.application;
    if (channel->bridgeId != theirs.bridgeId) {
        if (theirs.bridgeId.empty())
            leaveBridge(theirs.uniqueid, std::string(channel->bridgeId));
        else
            enterBridge(theirs.uniqueid, theirs.bridgeId);
    }
    recompute(theirs.linkedid);
}

void Board::removeChannel(std::string_view uniqueid, UtcTime at) {
    takesList(at);
    changed_ = true;
    endChannel(uniqueid, "", true);
}

void Board::dropEmptyBridges(std::uint64_t untouchedSince) {
    std::vector<std::string> empty;
    bridges_.each([&](const Bridge& bridge) {
        if (bridge.channels.empty() && bridge.touched <= untouchedSince) empty.push_back(bridge.id);
    });
    for (const auto& id : empty) bridges_.erase(id, epoch_);
    if (!empty.empty()) changed_ = true;
}

} // namespace pbx::live
