// Operations on what is going on now: the system, phones, calls and the event feed.
// Threads: plain structs. Errors: see each handler in lib/ops/handlers.
#pragma once

#include "ops/catalogue/common.hpp"

namespace pbx::ops {

enum class LinkState { connecting, syncing, up, down };
template <>
struct Choices<LinkState> {
    static constexpr std::string_view name = "LinkState";
    static constexpr std::string_view texts[] = {"connecting", "syncing", "up", "down"};
};

struct AsteriskRow {
    std::string name;
    LinkState state = LinkState::connecting;
    std::optional<std::string> problem; // why it is not up
    std::optional<std::string> version;
    std::optional<std::string> startup; // Asterisk's own start, in its own zone: AMI tells no other
    bool privileged = false;            // the second account works: phone contacts are known
    bool driven = true;                 // this node drives it (false: another node holds the lease, we watch)
    UtcTime asOf;
    bool stale = false;
    std::int32_t lagMs = 0;
    std::int32_t queues = 0, members = 0, callers = 0, calls = 0;
    std::int32_t drift = 0, refreshed = 0, resyncs = 0, damaged = 0;
    static const TypeDesc& describe();
};
struct SystemStatusResult {
    std::string version, node;
    UtcTime startedAt;
    std::string storage; // "sqlite" or "mariadb"
    std::int32_t schema = 0;
    bool ready = false;
    std::vector<AsteriskRow> asterisks;
    UtcTime asOf;
    bool stale = false;
    static const TypeDesc& describe();
};

struct UnmappedRow {
    std::string server, kind, name; // kind: "queue", "interface", "channel"
    std::string detail;
    static const TypeDesc& describe();
};
struct UnmappedPage {
    std::vector<UnmappedRow> items;
    std::optional<std::string> next;
    UtcTime asOf;
    bool stale = false;
    static const TypeDesc& describe();
};

struct ContactRow {
    std::string uri;
    std::string status; // Asterisk's word: "Reachable", "Unreachable", "NonQualified"
    std::optional<std::int32_t> latencyMs;
    static const TypeDesc& describe();
};
struct PeerRow {
    std::string name; // "PJSIP/viatalk-101"
    std::string server;
    std::string technology;  // "PJSIP", "SIP"
    std::string deviceState; // Asterisk's word: "NOT_INUSE", "INUSE", "RINGING", "UNAVAILABLE", ...
    std::optional<bool> reachable;
    std::optional<std::string> agent;
    std::vector<ContactRow> contacts;
    static const TypeDesc& describe();
};
struct PeerPage {
    std::vector<PeerRow> items;
    std::optional<std::string> next;
    UtcTime asOf;
    bool stale = false;
    static const TypeDesc& describe();
};

enum class CallState { dialling, waiting, ringing, talking, held, other };
template <>
struct Choices<CallState> {
    static constexpr std::string_view name = "CallState";
    static constexpr std::string_view texts[] = {"dialling", "waiting", "ringing", "talking", "held", "other"};
};
struct CallRow {
    std::string id;
    std::string server;
    CallState state = CallState::other;
    std::string number, name;
    std::optional<std::string> queue, agent;
    UtcTime startedAt;
    std::optional<UtcTime> answeredAt;
    std::int32_t durationSeconds = 0;
    static const TypeDesc& describe();
};
struct CallPage {
    std::vector<CallRow> items;
    std::optional<std::string> next;
    UtcTime asOf;
    bool stale = false;
    static const TypeDesc& describe();
};
struct CallListParams {
    std::optional<std::string> queue, agent, after;
    std::optional<std::int32_t> limit;
    static const TypeDesc& describe();
};
enum class RecordingState { off, on, paused };
template <>
struct Choices<RecordingState> {
    static constexpr std::string_view name = "RecordingState";
    static constexpr std::string_view texts[] = {"off", "on", "paused"};
};
struct ChannelRow {
    std::string channel, state;
    std::string number, name;
    std::optional<std::string> agent;
    std::optional<std::string> bridge;
    std::optional<UtcTime> heldSince;
    std::optional<RecordingState> recording;
    UtcTime startedAt;
    static const TypeDesc& describe();
};
struct CallDetail {
    std::string id;
    std::string server;
    CallState state = CallState::other;
    std::string number, name;
    std::optional<std::string> queue, agent;
    UtcTime startedAt;
    std::optional<UtcTime> answeredAt;
    std::int32_t durationSeconds = 0;
    std::vector<ChannelRow> channels;
    UtcTime asOf;
    bool stale = false;
    static const TypeDesc& describe();
};

enum class EventType {
    caller_joined,
    caller_left,
    agent_ringing,
    agent_connected,
    agent_completed,
    member_changed,
    call_started,
    call_ended,
    peer_changed,
    board_stale,
    board_fresh,
    callback_asked,
    callback_changed,
    callback_ended
};
template <>
struct Choices<EventType> {
    static constexpr std::string_view name = "EventType";
    static constexpr std::string_view texts[] = {
        "caller.joined",  "caller.left",    "agent.ringing",    "agent.connected", "agent.completed",
        "member.changed", "call.started",   "call.ended",       "peer.changed",    "board.stale",
        "board.fresh",    "callback.asked", "callback.changed", "callback.ended"};
};
struct EventRow {
    EventType type = EventType::board_stale;
    UtcTime at;
    std::string server;
    std::optional<std::string> callId, number, name, queue, agent, memberName, interface;
    std::optional<std::string> outcome; // caller.left: answered, abandoned, timeout, key, withdrawn, empty, unknown;
                                        // agent.completed: agent, caller, transfer; callback.*: its outcome
    std::optional<std::int32_t> position, waitSeconds, talkSeconds;
    std::optional<bool> paused;
    std::optional<std::string> pausedReason, state;
    std::optional<std::string> callback;
    static const TypeDesc& describe();
};
struct EventPage {
    std::vector<EventRow> items;
    std::optional<std::string> next; // always given
    UtcTime asOf;
    bool stale = false;
    static const TypeDesc& describe();
};
struct EventPollParams {
    std::optional<std::string> after;
    std::optional<std::int32_t> limit;
    std::optional<std::int32_t> waitSeconds; // 0-30
    std::optional<std::string> queue;
    static const TypeDesc& describe();
};

struct SystemStatus {
    using Params = NoParams;
    using Result = SystemStatusResult;
    static constexpr std::string_view
        name = "system.status",
        summary = "Is it well: version, database, and each Asterisk with its link, lag and drift.";
    static constexpr domain::RoleSet roles = domain::anyRole;
    static constexpr bool changes = false;
};
struct SystemUnmapped {
    using Params = PageParams;
    using Result = UnmappedPage;
    static constexpr std::string_view name = "system.unmapped",
                                      summary = "What Asterisk has that belongs to no tenant.";
    static constexpr domain::RoleSet roles = domain::operators;
    static constexpr bool changes = false;
};
struct PeerList {
    using Params = PageParams;
    using Result = PeerPage;
    static constexpr std::string_view name = "peer.list",
                                      summary =
                                          "The phones of the tenant: device state, contacts, reachability, latency.";
    static constexpr domain::RoleSet roles = domain::anyRole;
    static constexpr bool changes = false;
};
struct CallList {
    using Params = CallListParams;
    using Result = CallPage;
    static constexpr std::string_view name = "call.list", summary = "The calls that are up now.";
    static constexpr domain::RoleSet roles = domain::anyRole;
    static constexpr bool changes = false;
};
struct CallGet {
    using Params = Reference;
    using Result = CallDetail;
    static constexpr std::string_view name = "call.get", summary = "One call that is up now, with its channels.";
    static constexpr domain::RoleSet roles = domain::anyRole;
    static constexpr bool changes = false;
};
struct EventPoll {
    using Params = EventPollParams;
    using Result = EventPage;
    static constexpr std::string_view name = "event.poll",
                                      summary =
                                          "What has happened since a cursor; waits up to 30 s for the first event.";
    static constexpr domain::RoleSet roles = domain::anyRole;
    static constexpr bool changes = false;
};

} // namespace pbx::ops
