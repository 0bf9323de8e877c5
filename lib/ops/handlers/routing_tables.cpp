// Where calls go: rules by status, the numbers that people call, conditions of queues, what holds for all calls.
#include "ops/catalogue/routing_tables.hpp"

#include "ops/handlers/choices.hpp"
#include "ops/handlers/routing_common.hpp"

namespace pbx::ops {
namespace {

using domain::DestinationKind;
using domain::OverflowWhen;

// ---- rules by status

StatusRuleRow ruleRow(const Context& context, const domain::StatusRule& rule) {
    return {rule.status, rule.level, queueName(context, rule.queue), shownDestination(context, rule.destination),
            rule.whenClosed};
}

StatusRulePage listRules(Context& context, const PageParams& params) {
    return tablePage<StatusRulePage>(
        context, context.repositories().statusRules.list(context.scope(), pageRequest(params.after, params.limit)),
        [&](const auto& rule) { return ruleRow(context, rule); });
}

StatusRuleRow getRule(Context& context, const StatusReference& params) {
    return ruleRow(context, context.repositories().statusRules.get(context.scope(), params.id));
}

StatusRuleRow setRule(Context& context, const StatusRuleSetParams& params) {
    domain::StatusRule rule;
    rule.status = params.status;
    rule.level = params.level.value_or(0);
    rule.queue = wantedQueue(context, params.queue);
    if (params.destination) rule.destination = wantedDestination(context, "destination", *params.destination);
    rule.whenClosed = params.whenClosed.value_or(false);
    context.concerns(params.status);
    return ruleRow(context, context.repositories().statusRules.put(context.scope(), rule));
}

Done deleteRule(Context& context, const StatusReference& params) {
    context.concerns(params.id);
    context.repositories().statusRules.remove(context.scope(), params.id);
    return {params.id};
}

// ---- the numbers that people call

DidRow didRow(const Context& context, const domain::Did& did, std::optional<std::string> hours) {
    const auto* department = did.department ? context.directory().department(*did.department) : nullptr;
    return {did.id.str(),
            did.number,
            did.title,
            queueName(context, did.queue),
            department ? std::optional(department->name) : std::nullopt,
            std::move(hours),
            shownDestination(context, did.closed)};
}

DidRow didRow(const Context& context, const domain::Did& did) {
    return didRow(context, did, hoursName(context, did.hours));
}

DidPage listDids(Context& context, const PageParams& params) {
    // Many numbers share few hours: each is asked for once.
    std::map<HoursId, std::optional<std::string>> names;
    return tablePage<DidPage>(
        context, context.repositories().dids.list(context.scope(), pageRequest(params.after, params.limit)),
        [&](const domain::Did& did) {
            if (!did.hours) return didRow(context, did, std::nullopt);
            auto known = names.find(*did.hours);
            if (known == names.end()) known = names.emplace(*did.hours, hoursName(context, did.hours)).first;
            return didRow(context, did, known->second);
        });
}

DidRow getDid(Context& context, const NumberReference& params) {
    return didRow(context, context.repositories().dids.get(context.scope(), numberReference(context, params.id)));
}

DidRow createDid(Context& context, const DidCreateParams& params) {
    domain::Did did;
    did.number = wantedNumber(context, "number", params.number);
    did.title = params.title.value_or("");
    did.queue = wantedQueue(context, params.queue);
    did.department = chosenDepartment(context, params.department);
    did.hours = wantedHours(context, params.hours);
    if (params.closed) did.closed = wantedDestination(context, "closed", *params.closed);
    const auto made = context.repositories().dids.create(context.scope(), did);
    context.concerns(made.id.str());
    return didRow(context, made);
}

storage::DidChange wantedChange(const Context& context, const DidUpdateParams& params) {
    storage::DidChange change;
    change.title = params.title;
    change.queue = changedQueue(context, params.queue);
    change.department = changedDepartment(context, params.department);
    if (params.hours)
        change.hours = params.hours->empty() ? std::optional<HoursId>() : wantedHours(context, params.hours);
    if (params.closed && params.closedAsTenant.value_or(false))
        throw Error::field("closed_as_tenant", "says otherwise than closed: give one of the two");
    if (params.closed) change.closed = wantedDestination(context, "closed", *params.closed);
    if (params.closedAsTenant.value_or(false)) change.closed = std::optional<domain::Destination>();
    return change;
}

DidRow updateDid(Context& context, const DidUpdateParams& params) {
    auto& dids = context.repositories().dids;
    const auto id = dids.get(context.scope(), numberReference(context, params.id)).id.str();
    context.concerns(id);
    return didRow(context, dids.update(context.scope(), id, wantedChange(context, params)));
}

Done deleteDid(Context& context, const NumberReference& params) {
    auto& dids = context.repositories().dids;
    const auto id = dids.get(context.scope(), numberReference(context, params.id)).id.str();
    context.concerns(id);
    dids.remove(context.scope(), id);
    return {id};
}

// ---- conditions of a queue

bool hasLimit(OverflowWhen when) { return when != OverflowWhen::noAgent && when != OverflowWhen::noFreeAgent; }

QueueConditionsRow conditionsRow(const Context& context, const domain::Queue& queue,
                                 const domain::QueueConditions& conditions) {
    QueueConditionsRow row{queue.id.str(),
                           queue.name,
                           conditions.priorityCeiling,
                           conditions.fairAfterSeconds,
                           conditions.callbackFromWaiting,
                           {}};
    for (const auto& rule : conditions.overflow) {
        auto to = shownDestination(context, rule.to);
        row.overflow.push_back({rule.when, hasLimit(rule.when) ? std::optional(wireInt(rule.limit)) : std::nullopt,
                                to.kind, std::move(to.target)});
    }
    return row;
}

QueueConditionsRow getConditions(Context& context, const Reference& params) {
    const auto queue = context.repositories().queues.get(context.scope(), params.id);
    return conditionsRow(context, queue, context.repositories().queueConditions.get(context.scope(), queue.id));
}

domain::OverflowRule wantedRule(const Context& context, const std::string& field, const OverflowRule& given) {
    if (hasLimit(given.when) && !given.limit)
        throw Error::field(field + ".limit", "is required: how many, or how many seconds");
    return {given.when, hasLimit(given.when) ? *given.limit : 0,
            wantedDestination(context, field, {given.kind, given.target})};
}

QueueConditionsRow setConditions(Context& context, const QueueSetConditionsParams& params) {
    const auto queue = context.repositories().queues.get(context.scope(), params.id);
    context.concerns(queue.id.str());
    domain::QueueConditions conditions;
    conditions.priorityCeiling = params.priorityCeiling.value_or(conditions.priorityCeiling);
    conditions.fairAfterSeconds = params.fairAfterSeconds;
    conditions.callbackFromWaiting = params.callbackFromWaiting;
    for (std::size_t i = 0; i < params.overflow.size(); ++i)
        conditions.overflow.push_back(wantedRule(context, "overflow[" + std::to_string(i) + "]", params.overflow[i]));
    return conditionsRow(context, queue,
                         context.repositories().queueConditions.put(context.scope(), queue.id, conditions));
}

// ---- the whole tenant

RoutingRow routingRow(const Context& context, const domain::TenantRouting& routing) {
    return {context.scope().tenant().str(), queueName(context, routing.defaultQueue),
            shownDestination(context, routing.blocked), shownDestination(context, routing.closed)};
}

RoutingRow getRouting(Context& context, const NoParams&) {
    return routingRow(context, context.repositories().tenantRouting.get(context.scope()));
}

RoutingRow updateRouting(Context& context, const RoutingUpdateParams& params) {
    const auto scope = context.scope();
    context.concerns(scope.tenant().str());
    const auto defaultQueue = changedQueue(context, params.defaultQueue);
    std::optional<domain::Destination> blocked, closed;
    if (params.blocked) {
        blocked = wantedDestination(context, "blocked", *params.blocked);
        if (blocked->kind != DestinationKind::hangUp && blocked->kind != DestinationKind::announcement)
            throw Error::field("blocked.kind", "must be hang_up or announcement: a blocked caller is connected with "
                                               "nobody");
    }
    if (params.closed) closed = wantedDestination(context, "closed", *params.closed);
    const auto change = [&](domain::TenantRouting& routing) {
        if (defaultQueue) routing.defaultQueue = *defaultQueue;
        if (blocked) routing.blocked = *blocked;
        if (closed) routing.closed = *closed;
    };
    return routingRow(context, context.repositories().tenantRouting.update(scope, change));
}

} // namespace

void addRoutingTableHandlers(Handlers& handlers) {
    handlers.on<StatusRuleList>(&listRules);
    handlers.on<StatusRuleGet>(&getRule);
    handlers.on<StatusRuleSet>(&setRule);
    handlers.on<StatusRuleDelete>(&deleteRule);
    handlers.on<DidList>(&listDids);
    handlers.on<DidGet>(&getDid);
    handlers.on<DidCreate>(&createDid);
    handlers.on<DidUpdate>(&updateDid);
    handlers.on<DidDelete>(&deleteDid);
    handlers.on<QueueGetConditions>(&getConditions);
    handlers.on<QueueSetConditions>(&setConditions);
    handlers.on<RoutingGet>(&getRouting);
    handlers.on<RoutingUpdate>(&updateRouting);
}

} // namespace pbx::ops
