// What was asked of agents and calls, and how an agent shall stand in a queue: plain structs, as stored.
// Threads: values. Nothing fails: a text that is none of ours is nullopt.
#pragma once

#include "base/ids.hpp"
#include "base/time.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace pbx {

using ActionId = Id<struct ActionTag>;
using PauseReasonId = Id<struct PauseReasonTag>;

} // namespace pbx

namespace pbx::domain {

// agent*: a state that shall hold, so it may be sent again. The others have an effect each time: they are sent once.
enum class ActionKind : std::uint8_t {
    agentLogin,
    agentLogout,
    agentPause,
    agentUnpause,
    agentPenalty,
    callHangup,
    callTransfer,
    queueRemove,
    queuePrioritise,
    queueTransfer,
    callOriginate,
    callRecord,
    callMonitor
};
// The operations' names.
inline constexpr std::array<std::string_view, 13> actionKindTexts{
    "agent.login",    "agent.logout",  "agent.pause",         "agent.unpause",           "agent.set_penalty",
    "call.hangup",    "call.transfer", "queue.remove_caller", "queue.prioritise_caller", "queue.transfer_caller",
    "call.originate", "call.record",   "call.monitor"};

enum class ActionState : std::uint8_t {
    accepted,  // stored; not yet with Asterisk
    sent,      // with Asterisk, or about to be: whoever crashed here leaves it so
    confirmed, // Asterisk's own event or answer shows it
    rejected,  // refused by Asterisk, or overtaken by a newer request; `reason` says which
    timedOut,  // agent*: not shown in time; it stays wanted
    expired,   // never sent: nobody drove that Asterisk in time
    unknown    // sent once, and nobody can tell what became of it
};
inline constexpr std::array<std::string_view, 7> actionStateTexts{"accepted",  "sent",    "confirmed", "rejected",
                                                                  "timed_out", "expired", "unknown"};

inline std::string_view actionKindText(ActionKind kind) { return actionKindTexts[static_cast<std::size_t>(kind)]; }
inline std::string_view actionStateText(ActionState state) { return actionStateTexts[static_cast<std::size_t>(state)]; }
std::optional<ActionKind> parseActionKind(std::string_view text);
std::optional<ActionState> parseActionState(std::string_view text);
inline bool isAgentAction(ActionKind kind) { return kind <= ActionKind::agentPenalty; }
inline bool isOpen(ActionState state) { return state <= ActionState::sent; }

struct Action {
    ActionId id;
    TenantId tenant;
    std::int64_t seq = 0; // grows with each request, over all tenants
    std::string server;
    ActionKind kind = ActionKind::agentLogin;
    std::optional<AgentId> agent;
    std::optional<QueueId> queue;
    std::string call;                              // Asterisk's Uniqueid of the channel that it is about; empty: none
    std::map<std::string, std::string> parameters; // by kind: "penalty", "reason", "extension", "number", ...
    std::string idempotencyKey;                    // the request's; empty: none
    std::string login;                             // who asked
    ActionState state = ActionState::accepted;
    std::string reason; // why it is rejected, unknown, ...; Asterisk's words where it has some
    UtcTime createdAt;
    std::optional<UtcTime> sentAt;
    std::optional<UtcTime> finishedAt;
    UtcTime expiresAt; // when it is given up
    std::string owner; // of the lease under which it was sent
    std::int64_t epoch = 0;
};

// How an agent stands in a queue.
struct Standing {
    bool member = false;
    int penalty = 0;     // of a member
    bool paused = false; // of a member
    std::string pauseReason;
    bool operator==(const Standing&) const = default;
};

// How an agent shall stand in a queue. There is a row for each (agent, queue) that a request was ever about.
struct AgentState {
    TenantId tenant;
    AgentId agent;
    QueueId queue;
    std::string server;
    Standing wanted;
    std::int64_t seq = 0;  // of the request that wanted it last
    bool settled = false;  // Asterisk has shown it so since; what differs then was changed by another hand
    std::string run;       // the start of Asterisk in which it was settled (live::Snapshot::startup)
    std::string changedBy; // login, or "asterisk" when it was taken over from there
    UtcTime changedAt;
};

struct PauseReason {
    PauseReasonId id;
    std::string name; // slug; what Asterisk and its queue_log carry
    std::string title;
    int limitMinutes = 0;  // 0: none; shown when it is exceeded, not enforced
    bool billable = false; // counts as work: meeting, training
    UtcTime createdAt;
};

} // namespace pbx::domain
