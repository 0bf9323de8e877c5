#include "ops/catalogue/callbacks.hpp"

#include "ops/catalogue/page.hpp"

namespace pbx::ops {
namespace {

constexpr std::string_view stateDoc =
    "Where it stands: queued, claimed and intent wait for an agent; gated, ringing, answered and connected are being "
    "called; retry_at waits for its next attempt; in_doubt: what became of the attempt is being found out; done, "
    "failed, cancelled, expired and blocked are over.";

constexpr std::string_view outcomeDoc =
    "What the last attempt came to; called_again or adopted: cancelled, as the customer called himself.";
constexpr std::string_view priorityDoc = "0 to 100, as a caller's: a higher one is served first.";
constexpr std::string_view requesterDoc =
    "Login of who asked for it; queue: the caller did, by a key; abandon: he gave up waiting.";

} // namespace

const TypeDesc& CallbackRow::describe() {
    static const auto type = describeType<CallbackRow>(
        "Callback", field<&CallbackRow::id>("id", "Opaque id."),
        field<&CallbackRow::queue>("queue", "Name of the queue whose agents call; absent: it is gone."),
        field<&CallbackRow::number>("number", "The number to call, E.164."),
        field<&CallbackRow::name>("name", "The customer's name; empty: not given."),
        field<&CallbackRow::note>("note", "What the agent should know; empty: nothing."),
        field<&CallbackRow::state>("state", stateDoc), field<&CallbackRow::outcome>("outcome", outcomeDoc),
        field<&CallbackRow::attempts>("attempts", "How often the number was dialled."),
        field<&CallbackRow::maxAttempts>("max_attempts", "How often it is dialled at most."),
        field<&CallbackRow::requestedBy>("requested_by", requesterDoc),
        field<&CallbackRow::requestedAt>("requested_at", "When it was asked for: its turn."),
        field<&CallbackRow::dueAt>("due_at", "Not before."), field<&CallbackRow::expiresAt>("expires_at", "Not after."),
        field<&CallbackRow::endedAt>("ended_at", "When it was over."),
        field<&CallbackRow::priority>("priority", priorityDoc));
    return type;
}

const TypeDesc& CallbackPage::describe() {
    static const auto type = describePage<CallbackPage>("CallbackPage");
    return type;
}

const TypeDesc& CallbackAttemptRow::describe() {
    static const auto type = describeType<CallbackAttemptRow>(
        "CallbackAttempt", field<&CallbackAttemptRow::attempt>("attempt", "Its number, from 1."),
        field<&CallbackAttemptRow::channelId>("channel_id", "Id of its channel in Asterisk's logs and records."),
        field<&CallbackAttemptRow::server>("server", "The Asterisk that placed it."),
        field<&CallbackAttemptRow::begunAt>("begun_at", "When it was begun."),
        field<&CallbackAttemptRow::dialledAt>("dialled_at", "When the number was dialled; absent: it was not."),
        field<&CallbackAttemptRow::endedAt>("ended_at", "When it ended; absent: it lasts."),
        field<&CallbackAttemptRow::outcome>("outcome", "What it came to; absent: it lasts, or was taken back."),
        field<&CallbackAttemptRow::dialStatus>("dial_status", "Asterisk's DIALSTATUS; empty: not known."),
        field<&CallbackAttemptRow::hangupCause>("hangup_cause", "Asterisk's HANGUPCAUSE (Q.850); 0: not known."));
    return type;
}

const TypeDesc& CallbackDetail::describe() {
    static const auto type = describeType<CallbackDetail>(
        "CallbackDetail", field<&CallbackDetail::id>("id", "Opaque id."),
        field<&CallbackDetail::queue>("queue", "Name of the queue whose agents call; absent: it is gone."),
        field<&CallbackDetail::number>("number", "The number to call, E.164."),
        field<&CallbackDetail::name>("name", "The customer's name; empty: not given."),
        field<&CallbackDetail::note>("note", "What the agent should know; empty: nothing."),
        field<&CallbackDetail::state>("state", stateDoc), field<&CallbackDetail::outcome>("outcome", outcomeDoc),
        field<&CallbackDetail::attempts>("attempts", "How often the number was dialled."),
        field<&CallbackDetail::maxAttempts>("max_attempts", "How often it is dialled at most."),
        field<&CallbackDetail::requestedBy>("requested_by", requesterDoc),
        field<&CallbackDetail::requestedAt>("requested_at", "When it was asked for: its turn."),
        field<&CallbackDetail::dueAt>("due_at", "Not before."),
        field<&CallbackDetail::expiresAt>("expires_at", "Not after."),
        field<&CallbackDetail::endedAt>("ended_at", "When it was over."),
        field<&CallbackDetail::priority>("priority", priorityDoc),
        field<&CallbackDetail::history>("history", "Each attempt, oldest first."));
    return type;
}

const TypeDesc& CallbackListParams::describe() {
    static const auto type = describeType<CallbackListParams>(
        "CallbackListParams",
        field<&CallbackListParams::queue>("queue", "Only the callbacks of this queue.", reference()),
        field<&CallbackListParams::number>("number", "Only those to this number.", {.maxLength = 64}),
        field<&CallbackListParams::includeEnded>("include_ended", "Those that are over, too.", {.fallback = "false"}),
        field<&CallbackListParams::after>("after", "`next` of the page before; left out: the first page.", cursor()),
        field<&CallbackListParams::limit>("limit", "Items a page.", pageLimit()));
    return type;
}

const TypeDesc& CallbackRequestParams::describe() {
    static const auto type = describeType<CallbackRequestParams>(
        "CallbackRequestParams",
        field<&CallbackRequestParams::queue>("queue", "Id or name of the queue whose agents call.", reference()),
        field<&CallbackRequestParams::number>(
            "number", "The number to call, as it is dialled in the tenant's country or with +.", {.maxLength = 64}),
        field<&CallbackRequestParams::name>("name", "The customer's name.", {.maxLength = 120}),
        field<&CallbackRequestParams::note>("note", "What the agent should know.", {.maxLength = 500}),
        field<&CallbackRequestParams::notBefore>("not_before",
                                                 "Not called before; left out: as soon as it is its turn."),
        field<&CallbackRequestParams::expiresAt>("expires_at",
                                                 "Not called after; left out: as the tenant has it set."));
    return type;
}

const TypeDesc& CallbackRequestResult::describe() {
    static const auto type = describeType<CallbackRequestResult>(
        "CallbackRequestResult", field<&CallbackRequestResult::id>("id", "Opaque id."),
        field<&CallbackRequestResult::existing>(
            "existing", "Whether there was an open one for this queue and number; then this is it, unchanged."),
        field<&CallbackRequestResult::queue>("queue", "Name of the queue."),
        field<&CallbackRequestResult::number>("number", "The number, E.164."),
        field<&CallbackRequestResult::state>("state", stateDoc),
        field<&CallbackRequestResult::requestedAt>("requested_at", "When it was asked for: its turn."),
        field<&CallbackRequestResult::dueAt>("due_at", "Not before."),
        field<&CallbackRequestResult::expiresAt>("expires_at", "Not after."));
    return type;
}

const TypeDesc& CallbackCancelResult::describe() {
    static const auto type = describeType<CallbackCancelResult>(
        "CallbackCancelResult", field<&CallbackCancelResult::id>("id", "Opaque id."),
        field<&CallbackCancelResult::result>(
            "result", "cancelled: no phone rings for it from now on; too_late: it is being dialled, or over."),
        field<&CallbackCancelResult::state>("state", stateDoc));
    return type;
}

} // namespace pbx::ops
