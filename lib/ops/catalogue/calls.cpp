#include "ops/catalogue/calls.hpp"

namespace pbx::ops {
namespace {

Limits patience() { return {.max = longestWait, .fallback = "2"}; }
constexpr std::string_view patienceDoc =
    "Seconds to wait for the outcome, 0 to 10; what is still open then is answered as it is: ask action.get.";
constexpr std::string_view whichCall = "Id of the call, as in call.list.";

} // namespace

const TypeDesc& CallOriginateParams::describe() {
    static const auto type = describeType<CallOriginateParams>(
        "CallOriginateParams",
        field<&CallOriginateParams::number>(
            "number",
            "The number to call, as it is dialled in the tenant's country or with +. The tenant's outbound rules must "
            "allow it; premium-rate, satellite and emergency numbers are never called.",
            {.format = Format::phone, .subject = true}),
        field<&CallOriginateParams::agent>(
            "agent", "Id or name of the agent whose phone rings first; left out: you yourself.", reference()),
        field<&CallOriginateParams::callerId>("caller_id",
                                              "The number to show: one of the tenant's (did.list) or of its trunks "
                                              "(trunk.list); left out: the phone's, else "
                                              "the trunk's.",
                                              {.format = Format::phone}),
        field<&CallOriginateParams::waitSeconds>("wait_seconds", patienceDoc, patience()));
    return type;
}

const TypeDesc& CallRecordParams::describe() {
    static const auto type = describeType<CallRecordParams>(
        "CallRecordParams", field<&CallRecordParams::id>("id", whichCall, reference()),
        field<&CallRecordParams::action>("action", "What to do; while it is paused the file holds silence."),
        field<&CallRecordParams::waitSeconds>("wait_seconds", patienceDoc, patience()));
    return type;
}

const TypeDesc& CallMonitorParams::describe() {
    static const auto type = describeType<CallMonitorParams>(
        "CallMonitorParams", field<&CallMonitorParams::id>("id", whichCall, reference()),
        field<&CallMonitorParams::mode>("mode", "listen: nobody hears you; whisper: the agent does; barge: both do.",
                                        {.fallback = "listen"}),
        field<&CallMonitorParams::agent>(
            "agent", "Id or name of the agent whose phone you listen with; left out: yours.", reference()),
        field<&CallMonitorParams::waitSeconds>("wait_seconds", patienceDoc, patience()));
    return type;
}

const TypeDesc& QueueTransferParams::describe() {
    static const auto type = describeType<QueueTransferParams>(
        "QueueTransferParams", field<&QueueTransferParams::id>("id", whichCall, reference()),
        field<&QueueTransferParams::queue>("queue", "Id or name of the queue to move it to, on the same Asterisk.",
                                           reference()),
        field<&QueueTransferParams::number>("number",
                                            "Or the number to put the call through to, as call.originate may dial it.",
                                            {.format = Format::phone}),
        field<&QueueTransferParams::waitSeconds>("wait_seconds", patienceDoc, patience()));
    return type;
}

const TypeDesc& OutboundStopRow::describe() {
    static const auto type = describeType<OutboundStopRow>(
        "OutboundStop", field<&OutboundStopRow::tenant>("tenant", "Name of the tenant; absent: all of them."),
        field<&OutboundStopRow::reason>("reason", "Why; empty: not said."),
        field<&OutboundStopRow::stoppedBy>("stopped_by", "Who stopped it."),
        field<&OutboundStopRow::stoppedAt>("stopped_at", "Since when."));
    return type;
}

const TypeDesc& OutboundStatusResult::describe() {
    static const auto type = describeType<OutboundStatusResult>(
        "OutboundStatus",
        field<&OutboundStatusResult::stopped>("stopped", "Whether calls on request are refused at this moment."),
        field<&OutboundStatusResult::stops>("stops", "Each stop that is in force."),
        field<&OutboundStatusResult::usedToday>("used_today",
                                                "Calls asked for since 00:00 UTC; absent: no tenant was named."),
        field<&OutboundStatusResult::perNumberPerDay>("per_number_per_day", "Calls to one number a day, at most."),
        field<&OutboundStatusResult::perSourcePerDay>("per_source_per_day",
                                                      "Calls by one user or token a day, at most."),
        field<&OutboundStatusResult::perTenantPerDay>("per_tenant_per_day", "Calls of the tenant a day, at most."),
        field<&OutboundStatusResult::asOf>("as_of", "When this was true."));
    return type;
}

const TypeDesc& OutboundStopParams::describe() {
    static const auto type = describeType<OutboundStopParams>(
        "OutboundStopParams",
        field<&OutboundStopParams::reason>("reason", "Why; told to who is refused.", {.maxLength = 200}));
    return type;
}

} // namespace pbx::ops
