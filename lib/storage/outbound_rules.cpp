#include "storage/outbound_rules.hpp"

#include "storage/routing_rows.hpp"

#include <algorithm>

namespace pbx::storage {
namespace {

using domain::OutboundKind;
using domain::OutboundRule;

// --- SQL ---
const std::string select = "SELECT id, kind, value, types, allowed FROM outbound_rules WHERE tenant_id = ?";
constexpr auto insert =
    "INSERT INTO outbound_rules (tenant_id, id, kind, value, types, allowed) VALUES (?, ?, ?, ?, ?, "
    "?)";
constexpr auto count = "SELECT COUNT(*) FROM outbound_rules WHERE tenant_id = ?";
constexpr auto erase = "DELETE FROM outbound_rules WHERE tenant_id = ? AND id = ?";

using RuleRow = Row<std::string, std::string, std::string, std::string, Int>;

OutboundRule ruleOf(const RuleRow& row) {
    return {OutboundRuleId(at<0>(row)), at<1>(row) == "country" ? OutboundKind::country : OutboundKind::prefix,
            at<2>(row), splitWords(at<3>(row)), at<4>(row) != 0};
}

void check(const OutboundRule& rule) {
    if (rule.kind == OutboundKind::prefix) {
        if (!rule.value.starts_with('+'))
            throw Error::field("value", "must be \"+\" and the first digits of the numbers, such as +1212");
        checkNumber(rule.value, "value");
        if (!rule.types.empty()) throw Error::field("types", "belong to a country, not to a prefix");
        return;
    }
    if (rule.value.size() != 2 || !std::ranges::all_of(rule.value, [](char c) { return c >= 'A' && c <= 'Z'; }))
        throw Error::field("value", "must be a country, such as US");
    for (const auto& type : rule.types)
        if (type.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") != std::string::npos)
            throw Error::field("types", "must be types of numbers, such as mobile or toll_free");
}

} // namespace

std::vector<OutboundRule> OutboundRuleRepository::list(const domain::Scope& scope) {
    return database_.connections().read([&](Sql& sql) {
        std::vector<OutboundRule> items;
        for (const auto& row : sql.rows<RuleRow>(select + " ORDER BY kind, value", {scope.tenant().str()}))
            items.push_back(ruleOf(row));
        return items;
    });
}

OutboundRule OutboundRuleRepository::create(const domain::Scope& scope, const OutboundRule& wanted) {
    checkWholeTenant(scope);
    check(wanted);
    auto rule = wanted;
    rule.id = OutboundRuleId(newId('o'));
    return database_.connections().write([&](Sql& sql) {
        bumpVersion(sql, "site");
        const auto known = sql.row<Row<Int>>(count, {scope.tenant().str()});
        if (known && at<0>(*known) >= static_cast<Int>(mostRules))
            throw Error(ErrorCode::conflict, "there are " + std::to_string(mostRules) + " rules already: remove some");
        sql.execute(insert, {scope.tenant().str(), rule.id.str(),
                             std::string(rule.kind == OutboundKind::country ? "country" : "prefix"), rule.value,
                             joinWords(rule.types, "types"), std::int64_t(rule.allowed)});
        return rule;
    });
}

void OutboundRuleRepository::remove(const domain::Scope& scope, const std::string& id) {
    checkWholeTenant(scope);
    if (!looksLikeId(id, 'o')) throw Error::notFound("outbound rule", isReference(id) ? id : "(not an id)");
    const auto gone = database_.connections().write([&](Sql& sql) {
        bumpVersion(sql, "site");
        return sql.execute(erase, {scope.tenant().str(), id});
    });
    if (gone == 0) throw Error::notFound("outbound rule", id);
}

} // namespace pbx::storage
