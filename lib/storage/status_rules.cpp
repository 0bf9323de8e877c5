#include "storage/status_rules.hpp"

#include "base/text.hpp"
#include "storage/routing_rows.hpp"

namespace pbx::storage {
namespace {

using domain::StatusRule;

// --- SQL ---
const std::string columns = "status, level, queue_id, when_closed, " + destinationColumns("to");
const std::string select = "SELECT " + columns + " FROM status_rules WHERE tenant_id = ?";
const std::string insert = "INSERT INTO status_rules (tenant_id, " + columns +
                           ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, "
                           "?)";
constexpr auto erase = "DELETE FROM status_rules WHERE tenant_id = ? AND status = ?";

using Text = Maybe<std::string>;
using RuleRow = Row<std::string, Int, Text, Int, Text, Text, Text, Text, Text>;

StatusRule ruleOf(const RuleRow& row) {
    return {at<0>(row), static_cast<int>(at<1>(row)), idOf<QueueId>(at<2>(row)), destinationAt<4>(row),
            at<3>(row) != 0};
}

StatusRule find(Sql& sql, const domain::Scope& scope, const std::string& status, std::string_view lock = {}) {
    const auto row = isSlug(status) ? sql.row<RuleRow>(select + " AND status = ?" + std::string(lock),
                                                       {scope.tenant().str(), status})
                                    : std::optional<RuleRow>();
    if (!row) throw Error::notFound("status rule", status.size() > 63 ? "(too long)" : status);
    return ruleOf(*row);
}

} // namespace

Page<StatusRule> StatusRuleRepository::list(const domain::Scope& scope, const PageRequest& page) {
    const auto limit = limitOf(page);
    return database_.connections().read([&](Sql& sql) {
        std::vector<StatusRule> items;
        for (const auto& row : sql.rows<RuleRow>(select + " AND status > ? ORDER BY status LIMIT ?",
                                                 {scope.tenant().str(), page.after, limit}))
            items.push_back(ruleOf(row));
        return makePage(std::move(items), page, [](const auto& rule) { return rule.status; });
    });
}

StatusRule StatusRuleRepository::get(const domain::Scope& scope, const std::string& status) {
    return database_.connections().read([&](Sql& sql) { return find(sql, scope, status); });
}

StatusRule StatusRuleRepository::put(const domain::Scope& scope, const StatusRule& rule) {
    checkWholeTenant(scope);
    if (!isSlug(rule.status)) throw Error::field("status", "must be a slug: a-z, 0-9 and '-', at most 63");
    checkLevel(rule.level, "level");
    Values values{scope.tenant().str(), rule.status, std::int64_t(rule.level), orNull(rule.queue),
                  std::int64_t(rule.whenClosed)};
    addDestination(values, rule.destination);
    return database_.connections().write([&](Sql& sql) {
        checkQueue(sql, scope, rule.queue);
        if (rule.destination) checkDestination(sql, scope, *rule.destination, "destination");
        bumpRouting(sql, scope);
        const auto& dialect = sql.dialect();
        sql.execute(insert +
                        dialect.onDuplicate("tenant_id, status",
                                            dialect.takeOver({"level", "queue_id", "when_closed", "to_kind", "to_sound",
                                                              "to_queue_id", "to_agent_id", "to_number"})),
                    values);
        return find(sql, scope, rule.status);
    });
}

void StatusRuleRepository::remove(const domain::Scope& scope, const std::string& status) {
    checkWholeTenant(scope);
    database_.connections().write([&](Sql& sql) {
        find(sql, scope, status, sql.dialect().forUpdate());
        bumpRouting(sql, scope);
        sql.execute(erase, {scope.tenant().str(), status});
    });
}

std::vector<StatusRule> allStatusRules(Sql& sql, const TenantId& tenant) {
    std::vector<StatusRule> out;
    for (const auto& row : sql.rows<RuleRow>(select + " ORDER BY status", {tenant.str()})) out.push_back(ruleOf(row));
    return out;
}

} // namespace pbx::storage
