#include "live/board.hpp"

#include <array>

namespace pbx::live {

namespace {

enum class EventId : std::uint8_t {
    unknown,
    newchannel,
    channel,
    hold,
    unhold,
    hangupRequest,
    hangup,
    rename,
    dial,
    dialEnd,
    localBridge,
    bridgeCreate,
    bridgeEnter,
    bridgeLeave,
    bridgeDestroy,
    recordStart,
    recordStop,
    recordMute,
    spyStart,
    spyStop,
    callerJoin,
    callerAbandon,
    callerLeave,
    agentCalled,
    agentConnect,
    agentComplete,
    agentRingNoAnswer,
    member,
    memberRemoved,
    variable,
    deviceState,
    peerStatus,
    contactStatus,
    reload,
    shutdown
};

struct Named {
    std::string_view name;
    EventId id;
};

// One name in 16 and 22 alike. UserEvent is not here on purpose: its text can be forged through dialplan values.
constexpr std::array known{Named{"Newchannel", EventId::newchannel},
                           Named{"Newstate", EventId::channel},
                           Named{"NewCallerid", EventId::channel},
                           Named{"NewConnectedLine", EventId::channel},
                           Named{"NewAccountCode", EventId::channel},
                           Named{"Newexten", EventId::channel},
                           Named{"Hold", EventId::hold},
                           Named{"Unhold", EventId::unhold},
                           Named{"HangupRequest", EventId::hangupRequest},
                           Named{"SoftHangupRequest", EventId::hangupRequest},
                           Named{"Hangup", EventId::hangup},
                           Named{"Rename", EventId::rename},
                           Named{"DialBegin", EventId::dial},
                           Named{"DialState", EventId::dial},
                           Named{"DialEnd", EventId::dialEnd},
                           Named{"LocalBridge", EventId::localBridge},
                           Named{"BridgeCreate", EventId::bridgeCreate},
                           Named{"BridgeEnter", EventId::bridgeEnter},
                           Named{"BridgeLeave", EventId::bridgeLeave},
                           Named{"BridgeDestroy", EventId::bridgeDestroy},
                           Named{"MixMonitorStart", EventId::recordStart},
                           Named{"MixMonitorStop", EventId::recordStop},
                           Named{"MixMonitorMute", EventId::recordMute},
                           Named{"ChanSpyStart", EventId::spyStart},
                           Named{"ChanSpyStop", EventId::spyStop},
                           Named{"QueueCallerJoin", EventId::callerJoin},
                           Named{"QueueCallerAbandon", EventId::callerAbandon},
                           Named{"QueueCallerLeave", EventId::callerLeave},
                           Named{"AgentCalled", EventId::agentCalled},
                           Named{"AgentConnect", EventId::agentConnect},
                           Named{"AgentComplete", EventId::agentComplete},
                           Named{"AgentRingNoAnswer", EventId::agentRingNoAnswer},
                           Named{"AgentDump", EventId::agentRingNoAnswer},
                           Named{"QueueMemberAdded", EventId::member},
                           Named{"QueueMemberPause", EventId::member},
                           Named{"QueueMemberPenalty", EventId::member},
                           Named{"QueueMemberRinginuse", EventId::member},
                           Named{"QueueMemberStatus", EventId::member},
                           Named{"QueueMemberRemoved", EventId::memberRemoved},
                           Named{"VarSet", EventId::variable},
                           Named{"DeviceStateChange", EventId::deviceState},
                           Named{"PeerStatus", EventId::peerStatus},
                           Named{"ContactStatus", EventId::contactStatus},
                           Named{"Reload", EventId::reload},
                           Named{"Load", EventId::reload},
                           Named{"Unload", EventId::reload},
                           Named{"Shutdown", EventId::shutdown}};

constexpr std::size_t slots = 256;
constexpr std::size_t slotOf(std::string_view name) {
    std::uint32_t hash = 2166136261U; // FNV-1a
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
    return hash % slots;
}
constexpr std::array<std::uint8_t, slots> makeTable() {
    std::array<std::uint8_t, slots> table{};
    for (std::size_t i = 0; i < known.size(); ++i) {
        std::size_t slot = slotOf(known[i].name);
        while (table[slot] != 0) slot = (slot + 1) % slots;
        table[slot] = static_cast<std::uint8_t>(i + 1);
    }
    return table;
}
constexpr auto table = makeTable();

EventId idOf(std::string_view name) {
    for (std::size_t slot = slotOf(name); table[slot] != 0; slot = (slot + 1) % slots)
        if (const auto& entry = known[table[slot] - 1U]; entry.name == name) return entry.id;
    return EventId::unknown;
}

constexpr std::size_t goneKept = 16'384; // channels that hung up; a late event comes within seconds

} // namespace

bool Board::isKnown(std::string_view eventName) { return idOf(eventName) != EventId::unknown; }

Board::Applied Board::apply(const ami::Message& event, UtcTime at, SteadyTime now) {
    const EventId id = idOf(event.name());
    if (id == EventId::unknown) return {};
    // VarSet is most of what an unfiltered stream carries.
    if (id == EventId::variable && event.get("Variable") != "QUEUESTATUS") return {};
    f_.read(event);
    at_ = at;
    steady_ = now;
    fromList_ = false;
    ++eventNumber_;
    changed_ = true;

    Applied applied{.known = true};
    bool good = true;
    switch (id) {
    case EventId::newchannel:
        good = onNewchannel();
        break;
    case EventId::channel:
        good = onChannel();
        break;
    case EventId::hold:
        good = onHold(true);
        break;
    case EventId::unhold:
        good = onHold(false);
        break;
    case EventId::hangupRequest:
        good = onHangupRequest();
        break;
    case EventId::hangup:
        good = onHangup();
        break;
    case EventId::rename:
        good = onRename();
        break;
    case EventId::dial:
        good = onDial();
        break;
    case EventId::dialEnd:
        good = onDialEnd();
        break;
    case EventId::localBridge:
        good = onLocalBridge();
        break;
    case EventId::bridgeCreate:
        good = onBridgeCreate();
        break;
    case EventId::bridgeEnter:
        good = onBridgeEnter();
        break;
    case EventId::bridgeLeave:
        good = onBridgeLeave();
        break;
    case EventId::bridgeDestroy:
        good = onBridgeDestroy();
        break;
    case EventId::recordStart:
        good = onRecording(Recording::on);
        break;
    case EventId::recordStop:
        good = onRecording(Recording::off);
        break;
    case EventId::recordMute: // "State: 1" or "State: 0"
        good = onRecording(f_[Key::state] == "0" ? Recording::on : Recording::paused);
        break;
    case EventId::spyStart:
        good = onSpy(f_[Key::spyeeUniqueid]);
        break;
    case EventId::spyStop:
        good = onSpy({});
        break;
    case EventId::callerJoin:
        good = onCallerJoin();
        break;
    case EventId::callerAbandon:
        good = onCallerAbandon();
        break;
    case EventId::callerLeave:
        good = onCallerLeave();
        break;
    case EventId::agentCalled:
        good = onAgentCalled();
        break;
    case EventId::agentConnect:
        good = onAgentConnect();
        break;
    case EventId::agentComplete:
        good = onAgentComplete();
        break;
    case EventId::agentRingNoAnswer:
        good = onAgentRingNoAnswer();
        break;
    case EventId::member:
        good = onMember();
        break;
    case EventId::memberRemoved:
        good = onMemberRemoved();
        break;
    case EventId::variable:
        good = onQueueStatusVariable();
        break;
    case EventId::deviceState:
        good = onDeviceState();
        break;
    case EventId::peerStatus:
        good = onPeerStatus();
        break;
    case EventId::contactStatus:
        good = onContactStatus();
        break;
    case EventId::reload:
        applied.notice = Notice::reload;
        break;
    case EventId::shutdown:
        applied.notice = Notice::shutdown;
        break;
    case EventId::unknown:
        break;
    }
    applied.malformed = !good;
    return applied;
}

void Board::tick(UtcTime now, SteadyTime steady) {
    at_ = now;
    while (!wrapups_.empty() && wrapups_.begin()->first <= now) {
        const auto [until, key] = *wrapups_.begin();
        wrapups_.erase(wrapups_.begin());
        Queue* queue = queues_.edit(key.first, epoch_);
        Member* member = queue ? editMember(*queue, key.second) : nullptr;
        if (!member || member->wrapupUntil != until) continue;
        member->wrapupUntil.reset();
        changed_ = true;
        changedMember(*queue, *member, memberWrapup);
    }
    for (auto it = leaving_.begin(); it != leaving_.end();) {
        if (it->second.deadline <= steady && beforeConnect(it->first, it->second))
            it->second.deadline = steady + explainAnswered;
        if (it->second.deadline > steady) {
            ++it;
            continue;
        }
        changed_ = true; // who reads the feed is told now, not with the next event
        it = leftUnexplained(it);
    }
}

std::optional<SteadyTime> Board::nextTick(UtcTime now, SteadyTime steady) const {
    std::optional<SteadyTime> next;
    if (!wrapups_.empty()) next = steady + (wrapups_.begin()->first - now);
    for (const auto& [uniqueid, leaving] : leaving_)
        if (!next || leaving.deadline < *next) next = leaving.deadline;
    return next;
}

void Board::publishTo(Snapshot& snapshot) {
    snapshot.queues = queues_;
    snapshot.channels = channels_;
    snapshot.bridges = bridges_;
    snapshot.calls = calls_;
    snapshot.peers = peers_;
    ++epoch_;
    changed_ = false;
}

FeedEvent Board::made(FeedKind kind) const {
    FeedEvent event;
    event.kind = kind;
    event.at = at_;
    event.server = server_;
    return event;
}

void Board::emit(FeedEvent event, bool found) {
    if (muted_) return;
    event.found = event.found || found;
    feed_.push_back(std::move(event));
}

void Board::rememberGone(std::string_view uniqueid) {
    if (!gone_.emplace(uniqueid).second) return;
    goneOrder_.emplace_back(uniqueid);
    if (goneOrder_.size() <= goneKept) return;
    gone_.erase(goneOrder_.front());
    goneOrder_.pop_front();
}

} // namespace pbx::live
