#include "storage/queue_conditions.hpp"

#include "storage/routing_rows.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace pbx::storage {
namespace {

using domain::OverflowRule;
using domain::OverflowWhen;
using domain::QueueConditions;

constexpr std::array<std::pair<OverflowWhen, std::string_view>, 5> whens{
    {{OverflowWhen::waiting, "waiting"},
     {OverflowWhen::longestWait, "longest_wait"},
     {OverflowWhen::waitingPerAgent, "waiting_per_agent"},
     {OverflowWhen::noAgent, "no_agent"},
     {OverflowWhen::noFreeAgent, "no_free_agent"}}};

// --- SQL ---
const std::string select = "SELECT queue_id, priority_ceiling, fair_after_seconds, callback_from_waiting FROM "
                           "queue_conditions WHERE tenant_id = ?";
const std::string ruleColumns = "queue_id, step, overflow_when, overflow_limit, " + destinationColumns("to");
const std::string selectRules = "SELECT " + ruleColumns + " FROM queue_overflow WHERE tenant_id = ?";
const std::string byStep = " ORDER BY queue_id, step";
const std::string ofQueue = " AND queue_id = ?";
constexpr auto insert = "INSERT INTO queue_conditions (tenant_id, queue_id, priority_ceiling, fair_after_seconds, "
                        "callback_from_waiting) VALUES (?, ?, ?, ?, ?)";
const std::string insertRule =
    "INSERT INTO queue_overflow (tenant_id, " + ruleColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
constexpr auto eraseRules = "DELETE FROM queue_overflow WHERE tenant_id = ? AND queue_id = ?";

using Text = Maybe<std::string>;
using ConditionsRow = Row<std::string, Int, Maybe<Int>, Maybe<Int>>;
using RuleRow = Row<std::string, Int, std::string, Int, Text, Text, Text, Text, Text>;

std::optional<int> intOf(const Maybe<Int>& value) {
    return value.isNull() ? std::nullopt : std::optional(static_cast<int>(value.value()));
}
Value orNull(const std::optional<int>& value) { return value ? Value(std::int64_t(*value)) : Value(); }

OverflowRule ruleOf(const RuleRow& row) {
    const auto when = std::ranges::find(whens, at<2>(row), &decltype(whens)::value_type::second);
    const auto to = destinationAt<4>(row);
    if (when == whens.end() || !to)
        throw Error(ErrorCode::internal, "an overflow rule in the database is of a kind that this program does not "
                                         "know")
            .because(at<2>(row));
    return {when->first, static_cast<int>(at<3>(row)), *to};
}

std::map<QueueId, QueueConditions> load(Sql& sql, const std::string& which, const Values& values) {
    std::map<QueueId, QueueConditions> out;
    for (const auto& row : sql.rows<ConditionsRow>(select + which, values))
        out.emplace(QueueId(at<0>(row)),
                    QueueConditions{{}, static_cast<int>(at<1>(row)), intOf(at<2>(row)), intOf(at<3>(row))});
    for (const auto& row : sql.rows<RuleRow>(selectRules + which + byStep, values))
        out[QueueId(at<0>(row))].overflow.push_back(ruleOf(row));
    return out;
}

void check(Sql& sql, const domain::Scope& scope, const QueueId& queue, const QueueConditions& conditions) {
    checkLevel(conditions.priorityCeiling, "priority_ceiling");
    for (const auto& [number, field] : {std::pair(conditions.fairAfterSeconds, "fair_after_seconds"),
                                        std::pair(conditions.callbackFromWaiting, "callback_from_waiting")})
        if (number && (*number < 0 || *number > 86'400)) throw Error::field(field, "must be 0 to 86400");
    if (conditions.overflow.size() > QueueConditionsRepository::mostRules)
        throw Error::field("overflow", "at most " + std::to_string(QueueConditionsRepository::mostRules) + " rules");
    for (const auto& rule : conditions.overflow) {
        if (std::ranges::find(whens, rule.when, &decltype(whens)::value_type::first) == whens.end())
            throw Error::field("overflow", "a condition is unknown");
        if (rule.limit < 0 || rule.limit > 86'400) throw Error::field("overflow", "a limit must be 0 to 86400");
        if (rule.to.kind == domain::DestinationKind::queue && rule.to.queue == queue)
            throw Error::field("overflow", "a queue cannot overflow into itself");
        checkDestination(sql, scope, rule.to, "overflow");
    }
}

QueueConditions find(Sql& sql, const domain::Scope& scope, const QueueId& queue) {
    auto found = load(sql, ofQueue, {scope.tenant().str(), queue.str()});
    return found.empty() ? QueueConditions() : std::move(found.begin()->second);
}

} // namespace

QueueConditions QueueConditionsRepository::get(const domain::Scope& scope, const QueueId& queue) {
    return database_.connections().read([&](Sql& sql) {
        checkQueue(sql, scope, queue);
        return find(sql, scope, queue);
    });
}

QueueConditions QueueConditionsRepository::put(const domain::Scope& scope, const QueueId& queue,
                                               const QueueConditions& conditions) {
    if (scope.self()) throw Error(ErrorCode::forbidden, "an agent cannot change a queue");
    return database_.connections().write([&](Sql& sql) {
        checkQueue(sql, scope, queue);
        check(sql, scope, queue, conditions);
        bumpRouting(sql, scope); // also keeps a second writer out until we are done
        const Values key{scope.tenant().str(), queue.str()};
        sql.execute(eraseRules, key);
        const auto& dialect = sql.dialect();
        sql.execute(insert + dialect.onDuplicate(
                                 "tenant_id, queue_id",
                                 dialect.takeOver({"priority_ceiling", "fair_after_seconds", "callback_from_waiting"})),
                    {key[0], key[1], std::int64_t(conditions.priorityCeiling), orNull(conditions.fairAfterSeconds),
                     orNull(conditions.callbackFromWaiting)});
        std::int64_t step = 0;
        for (const auto& rule : conditions.overflow) {
            const auto* when = std::ranges::find(whens, rule.when, &decltype(whens)::value_type::first);
            Values values{key[0], key[1], step++, std::string(when->second), std::int64_t(rule.limit)};
            addDestination(values, rule.to);
            sql.execute(insertRule, values);
        }
        return find(sql, scope, queue);
    });
}

std::map<QueueId, QueueConditions> allQueueConditions(Sql& sql, const TenantId& tenant) {
    return load(sql, "", {tenant.str()});
}

} // namespace pbx::storage
