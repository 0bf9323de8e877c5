// Operations that do something to agents and calls, and what became of it: requests are stored, carried out, and told
// their end. Threads: plain structs. Errors: see each handler in lib/ops/handlers.
#pragma once

#include "domain/control.hpp"
#include "ops/catalogue/common.hpp"

namespace pbx::ops {

template <>
struct Choices<domain::ActionState> {
    static constexpr std::string_view name = "ActionState";
    static constexpr std::string_view texts[] = {"accepted",  "sent",    "confirmed", "rejected",
                                                 "timed_out", "expired", "unknown"};
};

// Who acts on what is not their own.
inline constexpr domain::RoleSet leaders{domain::Role::supervisor, domain::Role::admin, domain::Role::operator_};

// ---- actions

struct ActionRow {
    std::string id;
    std::string kind; // the operation that asked for it
    domain::ActionState state = domain::ActionState::accepted;
    std::optional<std::string> reason; // why it is not confirmed
    std::optional<std::string> agent, queue, callId, detail;
    std::string server, login;
    std::optional<std::string> idempotencyKey;
    UtcTime createdAt;
    std::optional<UtcTime> sentAt, finishedAt;
    static const TypeDesc& describe();
};
struct ActionPage {
    std::vector<ActionRow> items;
    std::optional<std::string> next;
    UtcTime asOf;
    bool stale = false;
    static const TypeDesc& describe();
};
struct ActionListParams {
    std::optional<std::string> agent, queue;
    std::optional<domain::ActionState> state;
    std::optional<std::string> key;
    std::optional<std::string> after;
    std::optional<std::int32_t> limit;
    static const TypeDesc& describe();
};
// What a request has come to when its answer is given.
struct CommandResult {
    domain::ActionState state = domain::ActionState::accepted; // of all of them together: the one that is least done
    std::vector<ActionRow> actions;
    UtcTime asOf;
    static const TypeDesc& describe();
};

struct ActionList {
    using Params = ActionListParams;
    using Result = ActionPage;
    static constexpr std::string_view name = "action.list",
                                      summary = "What was asked of agents and calls, the newest first.";
    static constexpr domain::RoleSet roles = domain::anyRole;
    static constexpr bool changes = false;
};
struct ActionGet {
    using Params = Reference;
    using Result = ActionRow;
    static constexpr std::string_view name = "action.get", summary = "One action: what became of a request.";
    static constexpr domain::RoleSet roles = domain::anyRole;
    static constexpr bool changes = false;
};

// ---- agents in their queues

inline constexpr std::int32_t longestWait = 10; // seconds
inline constexpr std::int32_t usualWait = 2;

struct AgentLoginParams {
    std::string id;
    std::vector<std::string> queues;
    std::optional<std::int32_t> penalty;
    std::optional<std::string> reason;
    std::optional<std::int32_t> waitSeconds;
    static const TypeDesc& describe();
};
struct AgentQueuesParams {
    std::string id;
    std::vector<std::string> queues;
    std::optional<std::int32_t> waitSeconds;
    static const TypeDesc& describe();
};
struct AgentPauseParams {
    std::string id;
    std::vector<std::string> queues;
    std::optional<std::string> reason;
    std::optional<std::int32_t> waitSeconds;
    static const TypeDesc& describe();
};
struct AgentPenaltyParams {
    std::string id;
    std::vector<std::string> queues;
    std::int32_t penalty = 0;
    std::optional<std::int32_t> waitSeconds;
    static const TypeDesc& describe();
};

struct AgentLogin {
    using Params = AgentLoginParams;
    using Result = CommandResult;
    static constexpr std::string_view name = "agent.login", summary = "Log an agent in to queues.";
    static constexpr domain::RoleSet roles = domain::workers;
    static constexpr bool changes = true;
};
struct AgentLogout {
    using Params = AgentQueuesParams;
    using Result = CommandResult;
    static constexpr std::string_view name = "agent.logout", summary = "Log an agent out of queues, or of all.";
    static constexpr domain::RoleSet roles = domain::workers;
    static constexpr bool changes = true;
};
struct AgentPause {
    using Params = AgentPauseParams;
    using Result = CommandResult;
    static constexpr std::string_view name = "agent.pause", summary = "Pause an agent in its queues, with a reason.";
    static constexpr domain::RoleSet roles = domain::workers;
    static constexpr bool changes = true;
};
struct AgentUnpause {
    using Params = AgentQueuesParams;
    using Result = CommandResult;
    static constexpr std::string_view name = "agent.unpause", summary = "End an agent's pause.";
    static constexpr domain::RoleSet roles = domain::workers;
    static constexpr bool changes = true;
};
struct AgentSetPenalty {
    using Params = AgentPenaltyParams;
    using Result = CommandResult;
    static constexpr std::string_view name = "agent.set_penalty",
                                      summary =
                                          "Set an agent's penalty in its queues: who has a lower one is rung first.";
    static constexpr domain::RoleSet roles = leaders;
    static constexpr bool changes = true;
};

// ---- calls

struct CallCommandParams {
    std::string id;
    std::optional<std::int32_t> waitSeconds;
    static const TypeDesc& describe();
};
struct CallTransferParams {
    std::string id, extension;
    std::optional<std::int32_t> waitSeconds;
    static const TypeDesc& describe();
};
struct QueuePrioritiseParams {
    std::string id;
    std::int32_t priority = 0;
    std::optional<std::int32_t> waitSeconds;
    static const TypeDesc& describe();
};

struct CallHangup {
    using Params = CallCommandParams;
    using Result = CommandResult;
    static constexpr std::string_view name = "call.hangup", summary = "End a call.";
    static constexpr domain::RoleSet roles = domain::workers;
    static constexpr bool changes = true;
};
struct CallTransfer {
    using Params = CallTransferParams;
    using Result = CommandResult;
    static constexpr std::string_view
        name = "call.transfer",
        summary = "Send the caller whom an agent talks to to an extension of the tenant; the agent leaves the call.";
    static constexpr domain::RoleSet roles = domain::workers;
    static constexpr bool changes = true;
};
struct QueueRemoveCaller {
    using Params = CallCommandParams;
    using Result = CommandResult;
    static constexpr std::string_view name = "queue.remove_caller",
                                      summary = "Take a caller who waits out of the queue; what follows is the "
                                                "dialplan's.";
    static constexpr domain::RoleSet roles = leaders;
    static constexpr bool changes = true;
};
struct QueuePrioritiseCaller {
    using Params = QueuePrioritiseParams;
    using Result = CommandResult;
    static constexpr std::string_view
        name = "queue.prioritise_caller",
        summary = "Move a waiting caller before those of lower priority, at once; Asterisk 22 and later.";
    static constexpr domain::RoleSet roles = leaders;
    static constexpr bool changes = true;
};

// ---- pause reasons

struct PauseReasonRow {
    std::string id, name, title;
    std::int32_t limitMinutes = 0;
    bool billable = false;
    UtcTime createdAt;
    static const TypeDesc& describe();
};
struct PauseReasonPage {
    std::vector<PauseReasonRow> items;
    std::optional<std::string> next;
    UtcTime asOf;
    bool stale = false;
    static const TypeDesc& describe();
};
struct PauseReasonCreateParams {
    std::string name, title;
    std::optional<std::int32_t> limitMinutes;
    std::optional<bool> billable;
    static const TypeDesc& describe();
};
struct PauseReasonUpdateParams {
    std::string id;
    std::optional<std::string> title;
    std::optional<std::int32_t> limitMinutes;
    std::optional<bool> billable;
    static const TypeDesc& describe();
};

struct PauseReasonList {
    using Params = NoParams;
    using Result = PauseReasonPage;
    static constexpr std::string_view name = "pause_reason.list",
                                      summary = "The reasons that agents of the tenant may pause for.";
    static constexpr domain::RoleSet roles = domain::anyRole;
    static constexpr bool changes = false;
};
struct PauseReasonCreate {
    using Params = PauseReasonCreateParams;
    using Result = PauseReasonRow;
    static constexpr std::string_view name = "pause_reason.create",
                                      summary =
                                          "Add a pause reason; from the first one on agent.pause needs one of them.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};
struct PauseReasonUpdate {
    using Params = PauseReasonUpdateParams;
    using Result = PauseReasonRow;
    static constexpr std::string_view name = "pause_reason.update",
                                      summary = "Change a pause reason; what is left out stays.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};
struct PauseReasonDelete {
    using Params = Reference;
    using Result = Done;
    static constexpr std::string_view name = "pause_reason.delete",
                                      summary = "Delete a pause reason; who is paused for it stays paused.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};

} // namespace pbx::ops
