#include "storage/audit.hpp"

#include "storage/hash.hpp"
#include "storage/repository.hpp"

#include <charconv>

namespace pbx::storage {
namespace {

// --- SQL ---
constexpr auto head = "SELECT number, text FROM meta WHERE name = 'audit'";
constexpr auto setHead = "UPDATE meta SET number = ?, text = ? WHERE name = 'audit'";
constexpr auto insert = "INSERT INTO audit_log (seq, at, tenant_id, login, via, address, face, request_id, operation, "
                        "target, parameters, outcome, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
const std::string select = "SELECT seq, at, tenant_id, login, via, address, face, request_id, operation, target, "
                           "parameters, outcome, hash FROM audit_log WHERE ";
const std::string newestFirst = " ORDER BY seq DESC LIMIT ?";
const std::string inOrder = "seq > ? ORDER BY seq LIMIT 1000";

using Text = std::string;
using AuditRow = Row<Int, Int, Text, Text, Text, Text, Text, Text, Text, Text, Text, Text, Text>;
using HeadRow = Row<Int, Text>;

constexpr std::size_t idDigits = 19;

std::string idOfSeq(std::int64_t seq) {
    const auto digits = std::to_string(seq);
    return std::string(idDigits - digits.size(), '0') + digits;
}

std::int64_t seqOfId(const std::string& id) {
    std::int64_t seq = 0;
    const auto* end = id.data() + id.size();
    const auto [stop, error] = std::from_chars(id.data(), end, seq);
    if (id.size() != idDigits || error != std::errc() || stop != end || seq < 0)
        throw Error::field("after", "is not a cursor of this list");
    return seq;
}

domain::AuditEntry entryOf(const AuditRow& row) {
    domain::AuditEntry entry;
    entry.id = idOfSeq(at<0>(row));
    entry.at = fromEpochMicros(at<1>(row));
    if (!at<2>(row).empty()) entry.tenant = TenantId(at<2>(row));
    entry.login = at<3>(row);
    entry.via = at<4>(row);
    entry.address = at<5>(row);
    entry.face = at<6>(row);
    entry.requestId = at<7>(row);
    entry.operation = at<8>(row);
    entry.target = at<9>(row);
    entry.parameters = at<10>(row);
    entry.outcome = at<11>(row);
    return entry;
}

std::string tenantText(const domain::AuditEntry& entry) { return entry.tenant ? entry.tenant->str() : std::string(); }

std::string hashOf(const domain::AuditEntry& entry, std::string_view previous, std::string_view key) {
    return hashText({previous, entry.id, std::to_string(epochMicros(entry.at)), tenantText(entry), entry.login,
                     entry.via, entry.address, entry.face, entry.requestId, entry.operation, entry.target,
                     entry.parameters, entry.outcome},
                    key);
}

} // namespace

std::string AuditRepository::append(const domain::AuditEntry& given) {
    auto& connections = database_.connections();
    return connections.write([&](Sql& sql) {
        const auto last = sql.row<HeadRow>(head + std::string(sql.dialect().forUpdate()));
        if (!last) throw Error(ErrorCode::internal, "the audit log has no head");
        const std::int64_t seq = at<0>(*last) + 1;
        auto entry = given;
        entry.id = idOfSeq(seq);
        const auto hash = hashOf(entry, at<1>(*last), connections.settings().auditKey.reveal());
        sql.execute(insert,
                    {seq, epochMicros(entry.at), tenantText(entry), entry.login, entry.via, entry.address, entry.face,
                     entry.requestId, entry.operation, entry.target, entry.parameters, entry.outcome, hash});
        sql.execute(setHead, {seq, hash});
        return entry.id;
    });
}

Page<domain::AuditEntry> AuditRepository::list(const domain::Scope& scope, const PageRequest& page,
                                               const AuditFilter& filter) {
    const auto limit = limitOf(page);
    if (scope.departments() || scope.self()) return {};
    // The column is ASCII, which MariaDB compares with nothing else.
    if (!filter.operation.empty() && !isReference(filter.operation)) return {};
    Where where;
    whereTenant(where, scope, "audit_log");
    if (!page.after.empty()) where.add("seq < ?", {seqOfId(page.after)});
    if (!filter.login.empty()) where.add("login = ?", {filter.login});
    if (!filter.operation.empty()) where.add("operation = ?", {filter.operation});
    if (filter.from) where.add("at >= ?", {epochMicros(*filter.from)});
    if (filter.until) where.add("at < ?", {epochMicros(*filter.until)});
    where.values.emplace_back(limit);
    return database_.connections().read([&](Sql& sql) {
        std::vector<domain::AuditEntry> items;
        for (const auto& row : sql.rows<AuditRow>(select + where.text + newestFirst, where.values))
            items.push_back(entryOf(row));
        return makePage(std::move(items), page, [](const auto& entry) { return entry.id; });
    });
}

AuditVerdict AuditRepository::verify() {
    auto& connections = database_.connections();
    const auto key = connections.settings().auditKey;
    // The head first: rows that are added while we read are beyond it.
    const auto last = connections.read([](Sql& sql) { return sql.row<HeadRow>(head); });
    if (!last) throw Error(ErrorCode::internal, "the audit log has no head");
    AuditVerdict verdict;
    std::string previous;
    const std::int64_t end = at<0>(*last);
    while (verdict.rows < end) {
        const auto rows =
            connections.read([&](Sql& sql) { return sql.rows<AuditRow>(select + inOrder, {verdict.rows}); });
        if (rows.empty()) break;
        for (const auto& row : rows) {
            if (at<0>(row) > end) break;
            const auto entry = entryOf(row);
            if (at<0>(row) != verdict.rows + 1 || at<12>(row) != hashOf(entry, previous, key.reveal())) {
                verdict.firstBad = idOfSeq(verdict.rows + 1);
                return verdict;
            }
            previous = at<12>(row);
            ++verdict.rows;
        }
    }
    if (verdict.rows != end || previous != at<1>(*last)) verdict.firstBad = idOfSeq(verdict.rows + 1);
    return verdict;
}

} // namespace pbx::storage
