#include "ops/handlers/raise_waiting.hpp"

#include "ops/handlers/call_target.hpp"
#include "ops/handlers/routing_common.hpp"

#include <algorithm>

namespace pbx::ops {
namespace {

// Numbers are spelt in many ways and ask libphonenumber for 50 us each: their ends tell nearly all apart.
constexpr std::size_t digits = 6;
std::string_view endOf(std::string_view number) {
    return number.substr(number.size() - std::min(number.size(), digits));
}

// As decide() reckons it, in the queue where he waits: what he dialled counts no more.
int levelNow(const Context& context, const live::Queue& queue, const QueueId& id, const live::Caller& caller) {
    const auto now = context.now();
    const auto ruling = context.services().desk.rule(
        {context.scope().tenant(), caller.number, routing::Presentation::allowed, std::string(), now});
    if (ruling.decision.outcome == routing::Outcome::blocked) return 0;
    int level = 0;
    if (const auto& entry = ruling.rows.priority; entry && (!entry->expiresAt || *entry->expiresAt > now))
        level = entry->level;
    if (const auto& customer = ruling.rows.customer)
        if (const auto rule = ruling.tables->statusRules.find(customer->status);
            rule != ruling.tables->statusRules.end())
            level = std::max(level, rule->second.level);
    const auto row = ruling.tables->queues.find(id);
    if (row == ruling.tables->queues.end()) return 0;
    const auto& conditions = row->second.conditions;
    const auto tooLong = [&](const auto& other) { // before him
        return other->position < caller.position && conditions.fairAfterSeconds &&
               now - other->since >= std::chrono::seconds(*conditions.fairAfterSeconds);
    };
    if (std::ranges::any_of(queue.callers, tooLong)) return 0;
    return std::min(level, conditions.priorityCeiling);
}

void addRaises(const Context& context, const live::SnapshotPtr& board, const std::string& number,
               std::vector<storage::NewAction>& wanted) {
    const auto country = countryOf(context);
    board->queues.each([&](const live::Queue& queue) {
        const auto* mapped = context.directory().queueByAsteriskName(board->server, queue.name);
        if (!mapped || mapped->tenant != context.scope().tenant()) return;
        for (const auto& caller : queue.callers) {
            if (endOf(caller->number) != endOf(number) || routing::normalise(caller->number, country).text != number)
                continue;
            const auto* call = board->calls.find(caller->linkedid);
            if (!call) continue;
            const int level = levelNow(context, queue, mapped->queue.id, *caller);
            if (level <= caller->priority.value_or(0)) continue;
            auto action = callAction(context, domain::ActionKind::queuePrioritise, {board, call, &queue, mapped},
                                     caller->uniqueid);
            action.parameters["priority"] = std::to_string(level);
            wanted.push_back(std::move(action));
        }
    });
}

} // namespace

void raiseWaiting(Context& context, const std::string& number) {
    try {
        std::vector<storage::NewAction> wanted;
        for (const auto& board : context.services().boards())
            if (!board->stale && movesWhoWaits(*board)) addRaises(context, board, number, wanted);
        if (wanted.empty()) return;
        context.services().watchActions(context.repositories().actions.request(
            context.scope().tenant(), context.principal().login, context.idempotencyKey(), wanted));
    } catch (const Error& error) {
        context.services().warn("caller.not_raised", error);
    }
}

} // namespace pbx::ops
