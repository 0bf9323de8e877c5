#include "ops/catalogue/control.hpp"

#include "ops/catalogue/page.hpp"

namespace pbx::ops {
namespace {

Limits queueNames() { return {.maxItems = 100, .format = Format::reference}; }
Limits waitLimits() { return {.max = longestWait, .fallback = "2"}; }
Limits penaltyLimits() { return {.max = 1000}; }

constexpr std::string_view waitDoc =
    "Seconds to wait for the outcome, 0 to 10; what is still open then is answered as it is: ask action.get.";
constexpr std::string_view callDoc = "Id of the call, as in call.list.";
constexpr std::string_view agentDoc = "Id or name of the agent.";

} // namespace

const TypeDesc& ActionRow::describe() {
    static const auto type = describeType<ActionRow>(
        "Action", field<&ActionRow::id>("id", "Id of the action."),
        field<&ActionRow::kind>("kind", "The operation that asked for it, such as agent.pause."),
        field<&ActionRow::state>(
            "state", "accepted: stored; sent: with Asterisk; confirmed: Asterisk shows it; rejected: refused "
                     "by Asterisk, or overtaken; timed_out: not shown in time, stays wanted; expired: not "
                     "sent in time; unknown: sent, outcome not known."),
        field<&ActionRow::reason>("reason", "Why it is not confirmed; Asterisk's own words where it refused."),
        field<&ActionRow::agent>("agent", "Name of the agent."),
        field<&ActionRow::queue>("queue", "Name of the queue."),
        field<&ActionRow::callId>("call_id", "Id of the call; also of the one that it makes."),
        field<&ActionRow::detail>("detail", "The number to call, the other queue, the file of a recording (below "
                                            "Asterisk's folder of recordings), or what else it was about."),
        field<&ActionRow::server>("server", "Name of the Asterisk."),
        field<&ActionRow::login>("login", "Who asked for it."),
        field<&ActionRow::idempotencyKey>("idempotency_key", "The key that it was asked for with."),
        field<&ActionRow::createdAt>("created_at", "When it was asked for."),
        field<&ActionRow::sentAt>("sent_at", "When it went to Asterisk; absent: it did not."),
        field<&ActionRow::finishedAt>("finished_at", "When it ended; absent: it has not."));
    return type;
}

const TypeDesc& ActionPage::describe() {
    static const auto type = describePage<ActionPage>("ActionPage");
    return type;
}

const TypeDesc& ActionListParams::describe() {
    static const auto type = describeType<ActionListParams>(
        "ActionListParams", field<&ActionListParams::agent>("agent", "Only those about this agent.", reference()),
        field<&ActionListParams::queue>("queue", "Only those about this queue.", reference()),
        field<&ActionListParams::state>("state", "Only those in this state."),
        field<&ActionListParams::key>("key", "Only those that were asked for with this idempotency key.",
                                      {.maxLength = 128}),
        field<&ActionListParams::after>("after", "`next` of the page before; left out: the newest.", cursor()),
        field<&ActionListParams::limit>("limit", "Items a page.", pageLimit()));
    return type;
}

const TypeDesc& CommandResult::describe() {
    static const auto type = describeType<CommandResult>(
        "CommandResult",
        field<&CommandResult::state>("state", "Of all of them together: rejected, unknown, timed_out or expired if one "
                                              "is; else accepted or sent while one is open; else confirmed."),
        field<&CommandResult::actions>("actions", "One for each queue; none when there was nothing to do."),
        field<&CommandResult::asOf>("as_of", "When this was true."));
    return type;
}

const TypeDesc& AgentLoginParams::describe() {
    static const auto type = describeType<AgentLoginParams>(
        "AgentLoginParams", field<&AgentLoginParams::id>("id", agentDoc, reference()),
        field<&AgentLoginParams::queues>("queues",
                                         "Ids or names of the queues; left out: those of its last login, at first "
                                         "those of its department.",
                                         queueNames()),
        field<&AgentLoginParams::penalty>("penalty", "Penalty, 0 to 1000; left out: as it was, at first 0.",
                                          penaltyLimits()),
        field<&AgentLoginParams::reason>("reason", "Pause reason: the agent begins paused; left out: it does not.",
                                         reference()),
        field<&AgentLoginParams::waitSeconds>("wait_seconds", waitDoc, waitLimits()));
    return type;
}

const TypeDesc& AgentQueuesParams::describe() {
    static const auto type = describeType<AgentQueuesParams>(
        "AgentQueuesParams", field<&AgentQueuesParams::id>("id", agentDoc, reference()),
        field<&AgentQueuesParams::queues>("queues", "Ids or names of the queues; left out: all that it is in.",
                                          queueNames()),
        field<&AgentQueuesParams::waitSeconds>("wait_seconds", waitDoc, waitLimits()));
    return type;
}

const TypeDesc& AgentPauseParams::describe() {
    static const auto type = describeType<AgentPauseParams>(
        "AgentPauseParams", field<&AgentPauseParams::id>("id", agentDoc, reference()),
        field<&AgentPauseParams::queues>("queues", "Ids or names of the queues; left out: all that it is in.",
                                         queueNames()),
        field<&AgentPauseParams::reason>("reason",
                                         "Id or name of a pause reason of the tenant; needed as soon as it has any "
                                         "(pause_reason.list).",
                                         reference()),
        field<&AgentPauseParams::waitSeconds>("wait_seconds", waitDoc, waitLimits()));
    return type;
}

const TypeDesc& AgentPenaltyParams::describe() {
    static const auto type = describeType<AgentPenaltyParams>(
        "AgentPenaltyParams", field<&AgentPenaltyParams::id>("id", agentDoc, reference()),
        field<&AgentPenaltyParams::queues>("queues", "Ids or names of the queues; left out: all that it is in.",
                                           queueNames()),
        field<&AgentPenaltyParams::penalty>("penalty", "Penalty, 0 to 1000.", penaltyLimits()),
        field<&AgentPenaltyParams::waitSeconds>("wait_seconds", waitDoc, waitLimits()));
    return type;
}

const TypeDesc& CallCommandParams::describe() {
    static const auto type =
        describeType<CallCommandParams>("CallCommandParams", field<&CallCommandParams::id>("id", callDoc, reference()),
                                        field<&CallCommandParams::waitSeconds>("wait_seconds", waitDoc, waitLimits()));
    return type;
}

const TypeDesc& CallTransferParams::describe() {
    static const auto type = describeType<CallTransferParams>(
        "CallTransferParams", field<&CallTransferParams::id>("id", callDoc, reference()),
        field<&CallTransferParams::extension>("extension", "1 to 7 digits; one that the tenant's phones may dial.",
                                              {.maxLength = 7}),
        field<&CallTransferParams::waitSeconds>("wait_seconds", waitDoc, waitLimits()));
    return type;
}

const TypeDesc& QueuePrioritiseParams::describe() {
    static const auto type = describeType<QueuePrioritiseParams>(
        "QueuePrioritiseParams", field<&QueuePrioritiseParams::id>("id", callDoc, reference()),
        field<&QueuePrioritiseParams::priority>(
            "priority", "0 to 100, and not above the queue's ceiling; the higher goes first.", {.max = 100}),
        field<&QueuePrioritiseParams::waitSeconds>("wait_seconds", waitDoc, waitLimits()));
    return type;
}

const TypeDesc& PauseReasonRow::describe() {
    static const auto type = describeType<PauseReasonRow>(
        "PauseReason", field<&PauseReasonRow::id>("id", "Id of the pause reason."),
        field<&PauseReasonRow::name>("name", "Its name, which Asterisk's records carry."),
        field<&PauseReasonRow::title>("title", "Its name as shown."),
        field<&PauseReasonRow::limitMinutes>("limit_minutes", "How long such a pause may last; 0: no limit."),
        field<&PauseReasonRow::billable>("billable", "Whether it counts as work: a meeting, a training."),
        field<&PauseReasonRow::createdAt>("created_at", "When it was made."));
    return type;
}

const TypeDesc& PauseReasonPage::describe() {
    static const auto type = describePage<PauseReasonPage>("PauseReasonPage");
    return type;
}

const TypeDesc& PauseReasonCreateParams::describe() {
    static const auto type = describeType<PauseReasonCreateParams>(
        "PauseReasonCreateParams",
        field<&PauseReasonCreateParams::name>("name", "Its name: lower case, digits and '-'.",
                                              {.format = Format::slug}),
        field<&PauseReasonCreateParams::title>("title", "Its name as shown.", {.maxLength = 80}),
        field<&PauseReasonCreateParams::limitMinutes>(
            "limit_minutes", "How long such a pause may last, 0 to 1440; longer is shown, not ended. 0: no limit.",
            {.max = 1440, .fallback = "0"}),
        field<&PauseReasonCreateParams::billable>("billable", "Whether it counts as work.", {.fallback = "false"}));
    return type;
}

const TypeDesc& PauseReasonUpdateParams::describe() {
    static const auto type = describeType<PauseReasonUpdateParams>(
        "PauseReasonUpdateParams",
        field<&PauseReasonUpdateParams::id>("id", "Id or name of the pause reason.", reference()),
        field<&PauseReasonUpdateParams::title>("title", "Its name as shown.", {.maxLength = 80}),
        field<&PauseReasonUpdateParams::limitMinutes>("limit_minutes", "0 to 1440; 0: no limit.", {.max = 1440}),
        field<&PauseReasonUpdateParams::billable>("billable", "Whether it counts as work."));
    return type;
}

} // namespace pbx::ops
