#include "storage/callers.hpp"

#include "storage/routing_rows.hpp"

namespace pbx::storage {
namespace {

// Which table a row comes from, as the statement numbers them.
enum Source : Int { version, blockAnonymous, blockExact, blockPrefix, priority, customer };

// --- SQL ---
// One statement, because each one is two round trips on MariaDB. Each part is one look-up in a unique index (the
// prefixes: one a prefix). The columns: source, id, number, level or version, queue or status, expires_at, created_at,
// reason, added_by.
const std::string ofVersion =
    "SELECT 0, '', '', COALESCE((SELECT version FROM tenant_routing WHERE tenant_id = ?), 0), '', number, 0, '', '' "
    "FROM meta WHERE name = 'directory'";
const std::string blocks = "id, number, 0, '', expires_at, created_at, reason, added_by FROM blocklist WHERE tenant_id "
                           "= ? AND (expires_at IS NULL OR expires_at > ?) AND kind = ";
const std::string ofAnonymous = " UNION ALL SELECT 1, " + blocks + "'anonymous' AND number = ''";
const std::string ofExact = " UNION ALL SELECT 2, " + blocks + "'exact' AND number = ?";
const std::string ofPrefix = " UNION ALL SELECT 3, " + blocks + "'prefix' AND number IN (?";
const std::string ofPriority = " UNION ALL SELECT 4, id, number, level, queue_id, expires_at, created_at, reason, "
                               "added_by FROM priority_callers WHERE tenant_id = ? AND (expires_at IS NULL OR "
                               "expires_at > ?) AND number = ?";
const std::string ofCustomer = " UNION ALL SELECT 5, id, number, 0, status, NULL, updated_at, '', '' FROM customers "
                               "WHERE tenant_id = ? AND number = ?";

using FactRow = Row<Int, std::string, std::string, Int, Maybe<std::string>, Maybe<Int>, Int, std::string, std::string>;

void addBlock(CallerFacts& facts, const FactRow& row, domain::BlockKind kind) {
    facts.blocks.push_back({BlockId(at<1>(row)),
                            kind,
                            at<2>(row),
                            timeOf(at<5>(row)),
                            at<7>(row),
                            at<8>(row),
                            fromEpochMicros(at<6>(row)),
                            0,
                            {}});
}

void addRow(CallerFacts& facts, const FactRow& row) {
    switch (static_cast<Source>(at<0>(row))) {
    case version:
        facts.version = {at<3>(row), at<5>(row).value(0)};
        return;
    case blockAnonymous:
        return addBlock(facts, row, domain::BlockKind::anonymous);
    case blockExact:
        return addBlock(facts, row, domain::BlockKind::exact);
    case blockPrefix:
        return addBlock(facts, row, domain::BlockKind::prefix);
    case priority:
        facts.priority = {PriorityCallerId(at<1>(row)),
                          at<2>(row),
                          static_cast<int>(at<3>(row)),
                          idOf<QueueId>(at<4>(row)),
                          timeOf(at<5>(row)),
                          at<7>(row),
                          at<8>(row),
                          fromEpochMicros(at<6>(row))};
        return;
    case customer:
        facts.customer = {CustomerId(at<1>(row)), at<2>(row), at<4>(row).value(""), {}, fromEpochMicros(at<6>(row))};
        return;
    }
}

} // namespace

CallerFacts CallerRepository::find(const TenantId& tenant, const std::vector<std::string>& keys, UtcTime now) {
    if (keys.size() > mostKeys) throw Error::field("number", "has more prefixes than a number can have");
    for (const auto& key : keys) checkNumber(key, "number");
    auto text = ofVersion;
    Values values{tenant.str()};
    const auto add = [&](std::string_view part, std::initializer_list<Value> more) {
        text.append(part);
        values.insert(values.end(), more);
    };
    const auto at = epochMicros(now);
    if (keys.empty()) {
        add(ofAnonymous, {tenant.str(), at});
    } else {
        add(ofExact, {tenant.str(), at, keys.front()});
        add(ofPrefix, {tenant.str(), at, keys.front()});
        for (std::size_t i = 1; i < keys.size(); ++i) add(", ?", {keys[i]});
        add(")", {});
        add(ofPriority, {tenant.str(), at, keys.front()});
        add(ofCustomer, {tenant.str(), keys.front()});
    }
    return database_.connections().read([&](Sql& sql) {
        CallerFacts facts;
        for (const auto& row : sql.rowsOften<FactRow>(text, values)) addRow(facts, row);
        return facts;
    });
}

} // namespace pbx::storage
