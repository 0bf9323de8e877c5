#include "ops/catalogue/callback_policies.hpp"

namespace pbx::ops {
namespace {

constexpr std::int32_t month = 30 * 24 * 3600;
constexpr std::int32_t day = 24 * 3600;

constexpr std::string_view queueDoc = "Id or name of the queue; left out: the tenant's, which holds where a queue has "
                                      "none of its own.";
constexpr std::string_view modeDoc = "agent_first: an agent answers, then the customer is dialled; customer_first: the "
                                     "customer answers, then waits at the kept place.";
constexpr std::string_view attemptsDoc = "How often a number is dialled at most, 1 to 20.";
constexpr std::string_view doubtsDoc = "Attempts of which nobody knows what became, that are tried again all the same.";
constexpr std::string_view retriesDoc = "After which outcome it is tried again, and when; an outcome that is not named "
                                        "ends it.";
constexpr std::string_view expiresDoc = "Seconds from the request on, 60 to 2592000 (30 days).";
constexpr std::string_view policyRingDoc = "Seconds the customer's phone rings, 5 to 120.";
constexpr std::string_view keyDoc = "Whether the customer must press 1 to show that no machine answered.";

constexpr std::string_view returnDoc = "When the customer calls the queue himself: off, the callback stays; cancel, it "
                                       "ends; adopt, it ends and he waits at its place.";
constexpr std::string_view levelsDoc =
    "Whether priority callers and customers' statuses lift a callback as they lift a "
    "call; one asked for in the queue keeps what it had there.";

} // namespace

const TypeDesc& CallbackRetryRule::describe() {
    static const auto type = describeType<CallbackRetryRule>(
        "CallbackRetryRule",
        field<&CallbackRetryRule::outcome>("outcome",
                                           "What the attempt came to; any but reached, called_again and adopted."),
        field<&CallbackRetryRule::afterSeconds>("after_seconds", "Seconds from its end on.", {.max = month}));
    return type;
}

const TypeDesc& CallbackPolicyRow::describe() {
    using R = CallbackPolicyRow;
    static const auto type = describeType<R>(
        "CallbackPolicy", field<&R::id>("id", "Id of the queue, or of the tenant."),
        field<&R::queue>("queue", "Name of the queue; absent: it is about the tenant."),
        field<&R::origin>("origin", "Who says so: queue, tenant, or built_in where neither does."),
        field<&R::mode>("mode", modeDoc), field<&R::maxAttempts>("max_attempts", attemptsDoc),
        field<&R::maxDoubts>("max_doubts", doubtsDoc), field<&R::retries>("retries", retriesDoc),
        field<&R::expiresAfterSeconds>("expires_after_seconds", expiresDoc),
        field<&R::ringSeconds>("ring_seconds", policyRingDoc), field<&R::askKey>("ask_key", keyDoc),
        field<&R::hours>("hours", "Opening hours in which it is called; absent: at any time."),
        field<&R::callerNumber>("caller_number", "Number that the customer is shown; absent: the trunk's."),
        field<&R::onReturn>("on_return", returnDoc),
        field<&R::abandonedAfterSeconds>("abandoned_after_seconds",
                                         "Who gives up after waiting so many seconds is called back; absent: nobody."),
        field<&R::useLevels>("use_levels", levelsDoc));
    return type;
}

const TypeDesc& CallbackPolicyReference::describe() {
    static const auto type = describeType<CallbackPolicyReference>(
        "CallbackPolicyReference",
        field<&CallbackPolicyReference::queue>("queue", queueDoc, {.format = Format::reference, .subject = true}));
    return type;
}

const TypeDesc& CallbackPolicySetParams::describe() {
    using P = CallbackPolicySetParams;
    static const auto type = describeType<P>(
        "CallbackPolicySetParams", field<&P::queue>("queue", queueDoc, {.format = Format::reference, .subject = true}),
        field<&P::mode>("mode", modeDoc, {.fallback = "agent_first"}),
        field<&P::maxAttempts>("max_attempts", attemptsDoc, {.min = 1, .max = 20, .fallback = "3"}),
        field<&P::maxDoubts>("max_doubts", doubtsDoc, {.max = 20, .fallback = "1"}),
        field<&P::retries>(
            "retries",
            "After which outcome it is tried again, and when; an outcome that is not named ends it. Left "
            "out: as built in.",
            {.maxItems = 8}),
        field<&P::expiresAfterSeconds>("expires_after_seconds", expiresDoc,
                                       {.min = 60, .max = month, .fallback = "28800"}),
        field<&P::ringSeconds>("ring_seconds", policyRingDoc, {.min = 5, .max = 120, .fallback = "30"}),
        field<&P::askKey>("ask_key", keyDoc, {.fallback = "no"}),
        field<&P::hours>("hours", "Opening hours in which it is called; left out: at any time.", reference()),
        field<&P::callerNumber>("caller_number",
                                "Number that the customer is shown: one of the tenant's (did.list) or of its trunks "
                                "(trunk.list); left out: the trunk's.",
                                phone()),
        field<&P::onReturn>("on_return", returnDoc, {.fallback = "off"}),
        field<&P::abandonedAfterSeconds>(
            "abandoned_after_seconds",
            "Who gives up after waiting so many seconds is called back, 0 to 86400; left out: nobody.", {.max = day}),
        field<&P::useLevels>("use_levels", levelsDoc, {.fallback = "yes"}));
    return type;
}

} // namespace pbx::ops
