// Operations on where calls go: rules by status, the numbers that people call, conditions of queues, what holds for the
// whole tenant; and what would happen to a call.
// Threads: plain structs. Errors: see lib/ops/handlers/routing_tables.cpp and routing_explain.cpp.
#pragma once

#include "ops/catalogue/routing_common.hpp"

namespace pbx::ops {

// ---- rules by a customer's status

struct StatusRuleRow {
    std::string status;
    std::int32_t level = 0;
    std::optional<std::string> queue; // name
    std::optional<Destination> destination;
    bool whenClosed = false;
    static const TypeDesc& describe();
};
struct StatusRulePage {
    std::vector<StatusRuleRow> items;
    std::optional<std::string> next;
    UtcTime asOf;
    bool stale = false;
    static const TypeDesc& describe();
};
struct StatusReference {
    std::string id; // the status
    static const TypeDesc& describe();
};
struct StatusRuleSetParams {
    std::string status;
    std::optional<std::int32_t> level;
    std::optional<std::string> queue;
    std::optional<Destination> destination;
    std::optional<bool> whenClosed;
    static const TypeDesc& describe();
};

struct StatusRuleList {
    using Params = PageParams;
    using Result = StatusRulePage;
    static constexpr std::string_view name = "status_rule.list",
                                      summary = "What happens to callers by the status that the CRM gave them.";
    static constexpr domain::RoleSet roles = domain::readers;
    static constexpr bool changes = false;
};
struct StatusRuleGet {
    using Params = StatusReference;
    using Result = StatusRuleRow;
    static constexpr std::string_view name = "status_rule.get", summary = "What happens to callers of one status.";
    static constexpr domain::RoleSet roles = domain::readers;
    static constexpr bool changes = false;
};
struct StatusRuleSet {
    using Params = StatusRuleSetParams;
    using Result = StatusRuleRow;
    static constexpr std::string_view
        name = "status_rule.set",
        summary = "Say anew what happens to callers of a status: what is left out has its default.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};
struct StatusRuleDelete {
    using Params = StatusReference;
    using Result = Done;
    static constexpr std::string_view name = "status_rule.delete",
                                      summary = "Let callers of a status be like everybody again.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};

// ---- the numbers that people call

struct DidRow {
    std::string id, number, title;
    std::optional<std::string> queue, department, hours; // names
    std::optional<Destination> closed;
    static const TypeDesc& describe();
};
struct DidPage {
    std::vector<DidRow> items;
    std::optional<std::string> next;
    UtcTime asOf;
    bool stale = false;
    static const TypeDesc& describe();
};
struct DidCreateParams {
    std::string number;
    std::optional<std::string> title, queue, department, hours;
    std::optional<Destination> closed;
    static const TypeDesc& describe();
};
struct DidUpdateParams {
    std::string id;
    std::optional<std::string> title, queue, department, hours;
    std::optional<Destination> closed;
    std::optional<bool> closedAsTenant;
    static const TypeDesc& describe();
};

struct DidList {
    using Params = PageParams;
    using Result = DidPage;
    static constexpr std::string_view name = "did.list", summary = "The numbers that people call, and where they lead.";
    static constexpr domain::RoleSet roles = domain::readers;
    static constexpr bool changes = false;
};
struct DidGet {
    using Params = NumberReference;
    using Result = DidRow;
    static constexpr std::string_view name = "did.get", summary = "One number that people call.";
    static constexpr domain::RoleSet roles = domain::readers;
    static constexpr bool changes = false;
};
struct DidCreate {
    using Params = DidCreateParams;
    using Result = DidRow;
    static constexpr std::string_view name = "did.create",
                                      summary =
                                          "Give a tenant a number that people call. It belongs to that tenant alone.";
    // Whose number it is decides whose callers these are and who may show it: no tenant may say so of itself.
    static constexpr domain::RoleSet roles = domain::operators;
    static constexpr bool changes = true;
};
struct DidUpdate {
    using Params = DidUpdateParams;
    using Result = DidRow;
    static constexpr std::string_view name = "did.update",
                                      summary = "Change where a number leads; what is left out stays.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};
struct DidDelete {
    using Params = NumberReference;
    using Result = Done;
    static constexpr std::string_view name = "did.delete",
                                      summary = "Forget a number; calls to it go to the tenant's default queue.";
    static constexpr domain::RoleSet roles = domain::operators;
    static constexpr bool changes = true;
};

// ---- conditions of a queue

template <>
struct Choices<domain::OverflowWhen> {
    static constexpr std::string_view name = "OverflowWhen";
    static constexpr std::string_view texts[] = {"waiting", "longest_wait", "waiting_per_agent", "no_agent",
                                                 "no_free_agent"};
};

struct OverflowRule {
    domain::OverflowWhen when = domain::OverflowWhen::waiting;
    std::optional<std::int32_t> limit;
    domain::DestinationKind kind = domain::DestinationKind::hangUp;
    std::optional<std::string> target;
    static const TypeDesc& describe();
};
struct QueueConditionsRow {
    std::string id, queue; // of the queue; its name
    std::int32_t priorityCeiling = 100;
    std::optional<std::int32_t> fairAfterSeconds, callbackFromWaiting;
    std::vector<OverflowRule> overflow;
    static const TypeDesc& describe();
};
struct QueueSetConditionsParams {
    std::string id;
    std::optional<std::int32_t> priorityCeiling, fairAfterSeconds, callbackFromWaiting;
    std::vector<OverflowRule> overflow;
    static const TypeDesc& describe();
};

struct QueueGetConditions {
    using Params = Reference;
    using Result = QueueConditionsRow;
    static constexpr std::string_view name = "queue.get_conditions",
                                      summary = "What a queue does with a caller who is about to enter it.";
    static constexpr domain::RoleSet roles = domain::readers;
    static constexpr bool changes = false;
};
struct QueueSetConditions {
    using Params = QueueSetConditionsParams;
    using Result = QueueConditionsRow;
    static constexpr std::string_view
        name = "queue.set_conditions",
        summary = "Say anew what a queue does with entering callers: what is left out has its default.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};

// ---- the whole tenant

struct RoutingRow {
    std::string id;                          // the tenant's
    std::optional<std::string> defaultQueue; // name
    Destination blocked, closed;
    static const TypeDesc& describe();
};
struct RoutingUpdateParams {
    std::optional<std::string> defaultQueue;
    std::optional<Destination> blocked, closed;
    static const TypeDesc& describe();
};

struct RoutingGet {
    using Params = NoParams;
    using Result = RoutingRow;
    static constexpr std::string_view name = "routing.get",
                                      summary = "What holds for all calls: default queue, blocked and closed calls.";
    static constexpr domain::RoleSet roles = domain::readers;
    static constexpr bool changes = false;
};
struct RoutingUpdate {
    using Params = RoutingUpdateParams;
    using Result = RoutingRow;
    static constexpr std::string_view name = "routing.update",
                                      summary = "Change what holds for all calls; what is left out stays.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};

// ---- what would happen to a call

enum class RouteOutcome { blocked, queued, closed, overflowed, diverted, unroutable };
template <>
struct Choices<RouteOutcome> {
    static constexpr std::string_view name = "RouteOutcome";
    static constexpr std::string_view texts[] = {"blocked", "queued", "closed", "overflowed", "diverted", "unroutable"};
};
enum class NumberShown { allowed, restricted, unavailable };
template <>
struct Choices<NumberShown> {
    static constexpr std::string_view name = "NumberShown";
    static constexpr std::string_view texts[] = {"allowed", "restricted", "unavailable"};
};

struct RouteReason {
    std::string code, text;
    static const TypeDesc& describe();
};
struct RouteExplainParams {
    std::string dialled;
    std::optional<std::string> caller;
    std::optional<UtcTime> at;
    std::optional<NumberShown> presentation;
    static const TypeDesc& describe();
};
struct RouteExplainResult {
    RouteOutcome outcome = RouteOutcome::unroutable;
    Destination destination;
    std::int32_t priority = 0;
    bool offerCallback = false;
    std::optional<std::string> caller, dialled; // as they were understood
    UtcTime at;
    std::vector<RouteReason> reasons;
    static const TypeDesc& describe();
};

struct RouteExplain {
    using Params = RouteExplainParams;
    using Result = RouteExplainResult;
    static constexpr std::string_view name = "route.explain",
                                      summary =
                                          "What would happen to a caller on a number, and why. Nothing is counted.";
    static constexpr domain::RoleSet roles = domain::supervisors;
    static constexpr bool changes = false;
};

} // namespace pbx::ops
