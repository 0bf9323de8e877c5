#include "ops/catalogue/routing_tables.hpp"

#include "ops/catalogue/page.hpp"

namespace pbx::ops {
namespace {

constexpr std::string_view ceilingDoc = "Nobody enters above this level.";
constexpr std::string_view fairDoc =
    "Once somebody has waited so many seconds, callers enter at level 0: nobody is overtaken for ever. Absent: never.";
constexpr std::string_view callbackDoc =
    "A callback is offered to whoever finds so many waiting; 0: to everybody. Absent: it is not offered.";
constexpr std::string_view overflowDoc = "Where a caller goes instead; the first that holds, in this order.";

Limits seconds() { return {.max = 86'400}; }
Limits titleText() { return {.maxLength = 120, .mayBeEmpty = true}; }

} // namespace

const TypeDesc& StatusRuleRow::describe() {
    static const auto type = describeType<StatusRuleRow>(
        "StatusRule", field<&StatusRuleRow::status>("status", "As the CRM pushes it.", {.subject = true}),
        field<&StatusRuleRow::level>("level", levelDoc),
        field<&StatusRuleRow::queue>("queue", "Queue instead of that of the number called."),
        field<&StatusRuleRow::destination>("destination", "Where such a call goes instead of any queue."),
        field<&StatusRuleRow::whenClosed>("when_closed", "Whether the rule holds out of hours too: such a caller finds "
                                                         "the company always open."));
    return type;
}

const TypeDesc& StatusRulePage::describe() {
    static const auto type = describePage<StatusRulePage>("StatusRulePage");
    return type;
}

const TypeDesc& StatusReference::describe() {
    static const auto type = describeType<StatusReference>(
        "StatusReference", field<&StatusReference::id>("id", "The status.", statusSlug()));
    return type;
}

const TypeDesc& StatusRuleSetParams::describe() {
    static const auto type = describeType<StatusRuleSetParams>(
        "StatusRuleSetParams",
        field<&StatusRuleSetParams::status>("status", "The status, such as vip or overdue.",
                                            {.maxLength = 63, .format = Format::slug, .subject = true}),
        field<&StatusRuleSetParams::level>("level", levelDoc, {.max = 100, .fallback = "0"}),
        field<&StatusRuleSetParams::queue>("queue", "Queue instead of that of the number called.", reference()),
        field<&StatusRuleSetParams::destination>("destination", "Where such a call goes instead of any queue."),
        field<&StatusRuleSetParams::whenClosed>("when_closed",
                                                "Whether the rule holds out of hours too: such a caller finds the "
                                                "company always open.",
                                                {.fallback = "no"}));
    return type;
}

const TypeDesc& DidRow::describe() {
    static const auto type = describeType<DidRow>(
        "Did", field<&DidRow::id>("id", "Opaque id."),
        field<&DidRow::number>("number", "The number, with + and country code.", {.subject = true}),
        field<&DidRow::title>("title", "Shown name."), field<&DidRow::queue>("queue", "The queue that it leads to."),
        field<&DidRow::department>("department", "Without a queue: the department, whose first queue it leads to."),
        field<&DidRow::hours>("hours", "Opening hours; absent: always open."),
        field<&DidRow::closed>("closed", "Where calls go out of hours; absent: as routing.get says for all."));
    return type;
}

const TypeDesc& DidPage::describe() {
    static const auto type = describePage<DidPage>("DidPage");
    return type;
}

const TypeDesc& DidCreateParams::describe() {
    static const auto type = describeType<DidCreateParams>(
        "DidCreateParams",
        field<&DidCreateParams::number>("number",
                                        "The number as it is dialled in the tenant's country or with + and country "
                                        "code, such as +12125550123.",
                                        phoneSubject()),
        field<&DidCreateParams::title>("title", "Shown name.", titleText()),
        field<&DidCreateParams::queue>("queue", "The queue that it leads to.", reference()),
        field<&DidCreateParams::department>(
            "department", "Without a queue: the department, whose first queue it leads to.", reference()),
        field<&DidCreateParams::hours>("hours", "Opening hours; left out: always open.", reference()),
        field<&DidCreateParams::closed>("closed", "Where calls go out of hours; left out: as routing.get says for "
                                                  "all."));
    return type;
}

const TypeDesc& DidUpdateParams::describe() {
    static const auto type = describeType<DidUpdateParams>(
        "DidUpdateParams",
        field<&DidUpdateParams::id>("id", "Id of the entry, or its number in any spelling.", phoneReference()),
        field<&DidUpdateParams::title>("title", "Shown name.", titleText()),
        field<&DidUpdateParams::queue>("queue", "The queue that it leads to; empty: none.", optionalReference()),
        field<&DidUpdateParams::department>(
            "department", "Without a queue: the department, whose first queue it leads to; empty: none.",
            optionalReference()),
        field<&DidUpdateParams::hours>("hours", "Opening hours; empty: always open.", optionalReference()),
        field<&DidUpdateParams::closed>("closed", "Where calls go out of hours."),
        field<&DidUpdateParams::closedAsTenant>("closed_as_tenant",
                                                "true: calls out of hours go where routing.get says for all."));
    return type;
}

const TypeDesc& OverflowRule::describe() {
    static const auto type = describeType<OverflowRule>(
        "OverflowRule",
        field<&OverflowRule::when>("when", "waiting: so many wait already; longest_wait: the first has waited so many "
                                           "seconds; waiting_per_agent: so many wait for each agent logged in; "
                                           "no_agent: nobody is logged in; no_free_agent: nobody could take a call."),
        field<&OverflowRule::limit>("limit", "How many, or seconds; no_agent and no_free_agent need none.", seconds()),
        field<&OverflowRule::kind>("kind", "What happens to the call."),
        field<&OverflowRule::target>("target", targetDoc, {.maxLength = 128}));
    return type;
}

const TypeDesc& QueueConditionsRow::describe() {
    static const auto type = describeType<QueueConditionsRow>(
        "QueueConditions", field<&QueueConditionsRow::id>("id", "Id of the queue."),
        field<&QueueConditionsRow::queue>("queue", "Its name."),
        field<&QueueConditionsRow::priorityCeiling>("priority_ceiling", ceilingDoc),
        field<&QueueConditionsRow::fairAfterSeconds>("fair_after_seconds", fairDoc),
        field<&QueueConditionsRow::callbackFromWaiting>("callback_from_waiting", callbackDoc),
        field<&QueueConditionsRow::overflow>("overflow", overflowDoc));
    return type;
}

const TypeDesc& QueueSetConditionsParams::describe() {
    static const auto type = describeType<QueueSetConditionsParams>(
        "QueueSetConditionsParams", field<&QueueSetConditionsParams::id>("id", "Id or name of the queue.", reference()),
        field<&QueueSetConditionsParams::priorityCeiling>("priority_ceiling", ceilingDoc,
                                                          {.max = 100, .fallback = "100"}),
        field<&QueueSetConditionsParams::fairAfterSeconds>("fair_after_seconds", fairDoc, seconds()),
        field<&QueueSetConditionsParams::callbackFromWaiting>("callback_from_waiting", callbackDoc, seconds()),
        field<&QueueSetConditionsParams::overflow>("overflow", overflowDoc, {.maxItems = 10}));
    return type;
}

const TypeDesc& RoutingRow::describe() {
    static const auto type = describeType<RoutingRow>(
        "Routing", field<&RoutingRow::id>("id", "Id of the tenant."),
        field<&RoutingRow::defaultQueue>("default_queue", "For numbers that are not known, and queues that are gone."),
        field<&RoutingRow::blocked>("blocked", "What a blocked caller gets: hang_up or announcement."),
        field<&RoutingRow::closed>("closed", "Where calls go out of hours, unless the number called has its own."));
    return type;
}

const TypeDesc& RoutingUpdateParams::describe() {
    static const auto type = describeType<RoutingUpdateParams>(
        "RoutingUpdateParams",
        field<&RoutingUpdateParams::defaultQueue>(
            "default_queue", "For numbers that are not known, and queues that are gone; empty: none.",
            optionalReference()),
        field<&RoutingUpdateParams::blocked>("blocked", "What a blocked caller gets: hang_up or announcement."),
        field<&RoutingUpdateParams::closed>("closed", "Where calls go out of hours, unless the number called has its "
                                                      "own."));
    return type;
}

const TypeDesc& RouteReason::describe() {
    static const auto type = describeType<RouteReason>(
        "RouteReason",
        field<&RouteReason::code>("code", "Stable name, such as priority_caller; newer servers may know "
                                          "more."),
        field<&RouteReason::text>("text", "The same in words.", {.prose = true}));
    return type;
}

const TypeDesc& RouteExplainParams::describe() {
    static const auto type = describeType<RouteExplainParams>(
        "RouteExplainParams",
        field<&RouteExplainParams::dialled>("dialled", "The number that is called.",
                                            {.maxLength = longestNumber, .subject = true}),
        field<&RouteExplainParams::caller>("caller",
                                           "The caller's number as the network sends it; left out, empty or anonymous: "
                                           "a caller without one.",
                                           {.maxLength = longestNumber, .mayBeEmpty = true}),
        field<&RouteExplainParams::at>("at", "When it is called.", {.fallback = "now"}),
        field<&RouteExplainParams::presentation>(
            "presentation",
            "Whether the caller lets the number be shown; one that is not shown is "
            "treated as none.",
            {.fallback = "allowed"}));
    return type;
}

const TypeDesc& RouteExplainResult::describe() {
    static const auto type = describeType<RouteExplainResult>(
        "RouteExplanation", field<&RouteExplainResult::outcome>("outcome", "What happens."),
        field<&RouteExplainResult::destination>("destination", "Where the call goes."),
        field<&RouteExplainResult::priority>("priority", "Its level in the queue, 0 to 100; the higher goes first."),
        field<&RouteExplainResult::offerCallback>("offer_callback", "Whether a callback is offered while waiting."),
        field<&RouteExplainResult::caller>("caller", "The caller's number as it was understood; absent: none."),
        field<&RouteExplainResult::dialled>("dialled", "The number called as it was understood; absent: it is none."),
        field<&RouteExplainResult::at>("at", "For when this holds; queues are taken as they are now."),
        field<&RouteExplainResult::reasons>("reasons", "Why, in the order in which it was found."));
    return type;
}

} // namespace pbx::ops
