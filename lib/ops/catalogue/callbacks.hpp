// Operations on callbacks: who asked to be called back, what became of it.
// Threads: plain structs. Errors: see each handler in lib/ops/handlers/callbacks.cpp.
#pragma once

#include "domain/callback.hpp"
#include "ops/catalogue/common.hpp"

namespace pbx::ops {

template <>
struct Choices<domain::CallbackState> {
    static constexpr std::string_view name = "CallbackState";
    static constexpr std::string_view texts[] = {
        "queued",    "claimed", "intent",   "gated",    "ringing", "answered",  "connected", "done",
        "no_answer", "busy",    "retry_at", "in_doubt", "failed",  "cancelled", "expired",   "blocked"};
};
template <>
struct Choices<domain::CallbackOutcome> {
    static constexpr std::string_view name = "CallbackOutcome";
    static constexpr std::string_view texts[] = {"reached", "busy",         "no_answer",  "declined",
                                                 "machine", "unreachable",  "agent_gone", "not_dialled",
                                                 "unknown", "called_again", "adopted"};
};
enum class CancelResult { cancelled, too_late };
template <>
struct Choices<CancelResult> {
    static constexpr std::string_view name = "CancelResult";
    static constexpr std::string_view texts[] = {"cancelled", "too_late"};
};

struct CallbackRow {
    std::string id;
    std::optional<std::string> queue; // name; absent: the queue is gone
    std::string number, name, note;
    domain::CallbackState state = domain::CallbackState::queued;
    std::optional<domain::CallbackOutcome> outcome;
    std::int32_t attempts = 0, maxAttempts = 0;
    std::string requestedBy;
    UtcTime requestedAt, dueAt, expiresAt;
    std::optional<UtcTime> endedAt;
    std::int32_t priority = 0;
    static const TypeDesc& describe();
};
struct CallbackPage {
    std::vector<CallbackRow> items;
    std::optional<std::string> next;
    UtcTime asOf;
    bool stale = false;
    static const TypeDesc& describe();
};
struct CallbackAttemptRow {
    std::int32_t attempt = 0;
    std::string channelId, server;
    UtcTime begunAt;
    std::optional<UtcTime> dialledAt, endedAt;
    std::optional<domain::CallbackOutcome> outcome;
    std::string dialStatus;
    std::int32_t hangupCause = 0;
    static const TypeDesc& describe();
};
struct CallbackDetail {
    std::string id;
    std::optional<std::string> queue;
    std::string number, name, note;
    domain::CallbackState state = domain::CallbackState::queued;
    std::optional<domain::CallbackOutcome> outcome;
    std::int32_t attempts = 0, maxAttempts = 0;
    std::string requestedBy;
    UtcTime requestedAt, dueAt, expiresAt;
    std::optional<UtcTime> endedAt;
    std::int32_t priority = 0;
    std::vector<CallbackAttemptRow> history;
    static const TypeDesc& describe();
};
struct CallbackListParams {
    std::optional<std::string> queue, number;
    std::optional<bool> includeEnded;
    std::optional<std::string> after;
    std::optional<std::int32_t> limit;
    static const TypeDesc& describe();
};
struct CallbackRequestParams {
    std::string queue, number;
    std::optional<std::string> name, note;
    std::optional<UtcTime> notBefore, expiresAt;
    static const TypeDesc& describe();
};
struct CallbackRequestResult {
    std::string id;
    bool existing = false;
    std::string queue, number;
    domain::CallbackState state = domain::CallbackState::queued;
    UtcTime requestedAt, dueAt, expiresAt;
    static const TypeDesc& describe();
};
struct CallbackCancelResult {
    std::string id;
    CancelResult result = CancelResult::cancelled;
    domain::CallbackState state = domain::CallbackState::cancelled;
    static const TypeDesc& describe();
};

inline constexpr domain::RoleSet callbackTakers{domain::Role::agent, domain::Role::supervisor, domain::Role::admin,
                                                domain::Role::operator_};
inline constexpr domain::RoleSet callbackManagers{domain::Role::supervisor, domain::Role::admin,
                                                  domain::Role::operator_};

struct CallbackList {
    using Params = CallbackListParams;
    using Result = CallbackPage;
    static constexpr std::string_view name = "callback.list",
                                      summary = "The callbacks of the queues that you may see, by their turn.";
    static constexpr domain::RoleSet roles = domain::anyRole;
    static constexpr bool changes = false;
};
struct CallbackGet {
    using Params = Reference;
    using Result = CallbackDetail;
    static constexpr std::string_view name = "callback.get", summary = "One callback with each of its attempts.";
    static constexpr domain::RoleSet roles = domain::anyRole;
    static constexpr bool changes = false;
};
struct CallbackRequest {
    using Params = CallbackRequestParams;
    using Result = CallbackRequestResult;
    static constexpr std::string_view
        name = "callback.request",
        summary = "Have a number called back by a queue's agents; where one is open already, that one is told.";
    static constexpr domain::RoleSet roles = callbackTakers;
    static constexpr bool changes = true;
};
struct CallbackCancel {
    using Params = Reference;
    using Result = CallbackCancelResult;
    static constexpr std::string_view name = "callback.cancel",
                                      summary = "Call it off, or learn that it is too late: the number is being "
                                                "dialled, or it is over.";
    static constexpr domain::RoleSet roles = callbackTakers;
    static constexpr bool changes = true;
};
struct CallbackRetry {
    using Params = Reference;
    using Result = CallbackRow;
    static constexpr std::string_view name = "callback.retry",
                                      summary = "Try one that waits now, or open a failed or expired one again.";
    static constexpr domain::RoleSet roles = callbackManagers;
    static constexpr bool changes = true;
};

} // namespace pbx::ops
