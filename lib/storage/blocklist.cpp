#include "storage/blocklist.hpp"

#include "storage/routing_rows.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace pbx::storage {
namespace {

using domain::BlockEntry;
using domain::BlockKind;

// In the order of their tokens, as lists have them.
constexpr std::array<std::pair<BlockKind, std::string_view>, 3> kinds{
    {{BlockKind::anonymous, "anonymous"}, {BlockKind::exact, "exact"}, {BlockKind::prefix, "prefix"}}};

// --- SQL ---
const std::string select = "SELECT id, kind, number, expires_at, reason, added_by, created_at, hits, last_hit_at FROM "
                           "blocklist WHERE ";
const std::string byNumber = " ORDER BY number LIMIT ?";
constexpr auto change = "UPDATE blocklist SET expires_at = ?, reason = ? WHERE tenant_id = ? AND id = ?";
const std::string insert = "INSERT INTO blocklist (tenant_id, id, kind, number, expires_at, reason, added_by, "
                           "created_at, hits) VALUES ";
constexpr std::string_view oneRow = "(?, ?, ?, ?, ?, ?, ?, ?, 0)";
constexpr auto eraseExpired = "DELETE FROM blocklist WHERE tenant_id = ? AND kind = ? AND number = ? AND expires_at <= "
                              "?";
constexpr auto erase = "DELETE FROM blocklist WHERE tenant_id = ? AND id = ?";
constexpr auto countHits = "UPDATE blocklist SET hits = hits + ?, last_hit_at = CASE WHEN last_hit_at > ? THEN "
                           "last_hit_at ELSE ? END WHERE tenant_id = ? AND id = ?";

using BlockRow = Row<std::string, std::string, std::string, Maybe<Int>, std::string, std::string, Int, Int, Maybe<Int>>;

std::string tokenOf(BlockKind kind) {
    return std::string(std::ranges::find(kinds, kind, &decltype(kinds)::value_type::first)->second);
}

BlockEntry entryOf(const BlockRow& row) {
    const auto kind = std::ranges::find(kinds, at<1>(row), &decltype(kinds)::value_type::second);
    if (kind == kinds.end())
        throw Error(ErrorCode::internal, "a block entry is of a kind that this program does not know")
            .because(at<1>(row));
    return {BlockId(at<0>(row)),         kind->first, at<2>(row),        timeOf(at<3>(row)), at<4>(row), at<5>(row),
            fromEpochMicros(at<6>(row)), at<7>(row),  timeOf(at<8>(row))};
}

void check(const NewBlockEntry& entry) {
    if (std::ranges::find(kinds, entry.kind, &decltype(kinds)::value_type::first) == kinds.end())
        throw Error::field("kind", "is unknown");
    if (entry.kind != BlockKind::anonymous)
        checkNumber(entry.number, "number");
    else if (!entry.number.empty())
        throw Error::field("number", "must be empty with kind anonymous");
}

void addRow(Values& values, const domain::Scope& scope, const NewBlockEntry& entry, const BlockId& id, UtcTime now) {
    for (auto& value : Values{scope.tenant().str(), id.str(), tokenOf(entry.kind), entry.number,
                              orNull(entry.expiresAt), entry.reason, entry.addedBy, epochMicros(now)})
        values.push_back(std::move(value));
}

std::int64_t countPresent(Sql& sql, const domain::Scope& scope, std::span<const NewBlockEntry> chunk) {
    Where where;
    where.add("tenant_id = ?", {scope.tenant().str()}).add("kind = ?", {tokenOf(chunk.front().kind)});
    Values numbers;
    std::string condition;
    for (const auto& entry : chunk) {
        condition.append(condition.empty() ? "number IN (?" : ", ?");
        numbers.emplace_back(entry.number);
    }
    where.add(condition + ")", std::move(numbers));
    return at<0>(*sql.row<Row<Int>>("SELECT COUNT(*) FROM blocklist WHERE " + where.text, where.values));
}

// Sorted, so that two imports lock in the same order; the last of those with the same kind and number.
std::vector<NewBlockEntry> sorted(std::vector<NewBlockEntry> entries) {
    const auto key = [](const NewBlockEntry& entry) { return std::pair(entry.kind, std::string_view(entry.number)); };
    std::ranges::reverse(entries);
    std::ranges::stable_sort(entries, {}, key);
    const auto rest = std::ranges::unique(entries, {}, key);
    entries.erase(rest.begin(), rest.end());
    return entries;
}

BlockEntry findById(Sql& sql, const domain::Scope& scope, const std::string& id, std::string_view lock = {}) {
    if (!looksLikeId(id, 'b')) throw Error::notFound("block entry", isReference(id) ? id : "(not an id)");
    const auto row =
        sql.row<BlockRow>(select + "tenant_id = ? AND id = ?" + std::string(lock), {scope.tenant().str(), id});
    if (!row) throw Error::notFound("block entry", id);
    return entryOf(*row);
}

} // namespace

Page<BlockEntry> BlocklistRepository::list(const domain::Scope& scope, const PageRequest& page,
                                           const BlockFilter& filter) {
    const auto limit = limitOf(page);
    const auto blank = page.after.find(' ');
    if (!page.after.empty() && blank == std::string::npos)
        throw Error::field("after", "must be a `next` that this server gave");
    const auto afterKind = page.after.substr(0, blank);
    const auto afterNumber = page.after.empty() ? std::string() : page.after.substr(blank + 1);
    const auto now = database_.clock().now();
    return database_.connections().read([&](Sql& sql) {
        std::vector<BlockEntry> items;
        // Kind by kind: each is one range of the index, however far the page is from the start.
        for (const auto& [one, token] : kinds) {
            if ((filter.kind && *filter.kind != one) || token < afterKind) continue;
            const bool begun = !page.after.empty() && token == afterKind;
            const auto room = limit - static_cast<std::int64_t>(items.size());
            if (room <= 0) break;
            Where where;
            where.add("tenant_id = ?", {scope.tenant().str()}).add("kind = ?", {std::string(token)});
            // The one anonymous entry has the number '', which comes after nothing.
            if (begun) where.add("number > ?", {afterNumber});
            if (!filter.number.empty()) whereNumberBegins(where, filter.number);
            if (filter.expired) whereExpired(where, *filter.expired, now);
            where.values.emplace_back(room);
            for (const auto& row : sql.rows<BlockRow>(select + where.text + byNumber, where.values))
                items.push_back(entryOf(row));
        }
        return makePage(std::move(items), page,
                        [](const auto& entry) { return tokenOf(entry.kind) + ' ' + entry.number; });
    });
}

BlockEntry BlocklistRepository::get(const domain::Scope& scope, const std::string& id) {
    return database_.connections().read([&](Sql& sql) { return findById(sql, scope, id); });
}

std::optional<BlockEntry> BlocklistRepository::find(const domain::Scope& scope, BlockKind kind,
                                                    const std::string& number) {
    return database_.connections().read([&](Sql& sql) -> std::optional<BlockEntry> {
        const auto row = sql.row<BlockRow>(select + "tenant_id = ? AND kind = ? AND number = ?",
                                           {scope.tenant().str(), tokenOf(kind), number});
        return row ? std::optional(entryOf(*row)) : std::nullopt;
    });
}

BlockEntry BlocklistRepository::add(const domain::Scope& scope, const NewBlockEntry& entry) {
    checkWholeTenant(scope);
    check(entry);
    const auto now = database_.clock().now();
    BlockEntry made{
        BlockId(newId('b')), entry.kind, entry.number, entry.expiresAt, entry.reason, entry.addedBy, now, 0, {}};
    Values values;
    addRow(values, scope, entry, made.id, now);
    database_.connections().write([&](Sql& sql) {
        sql.execute(eraseExpired, {scope.tenant().str(), tokenOf(entry.kind), entry.number, epochMicros(now)});
        sql.execute(insert + std::string(oneRow), values);
    });
    return made;
}

BlockEntry BlocklistRepository::update(const domain::Scope& scope, const std::string& id, const BlockChange& wanted) {
    checkWholeTenant(scope);
    return database_.connections().write([&](Sql& sql) {
        auto entry = findById(sql, scope, id, sql.dialect().forUpdate());
        if (wanted.expiresAt) entry.expiresAt = *wanted.expiresAt;
        if (wanted.reason) entry.reason = *wanted.reason;
        sql.execute(change, {orNull(entry.expiresAt), entry.reason, scope.tenant().str(), entry.id.str()});
        return entry;
    });
}

void BlocklistRepository::remove(const domain::Scope& scope, const std::string& id) {
    checkWholeTenant(scope);
    database_.connections().write([&](Sql& sql) {
        const auto entry = findById(sql, scope, id, sql.dialect().forUpdate());
        sql.execute(erase, {scope.tenant().str(), entry.id.str()});
    });
}

ImportResult BlocklistRepository::import(const domain::Scope& scope, const std::vector<NewBlockEntry>& entries) {
    checkWholeTenant(scope);
    if (entries.size() > mostImported)
        throw Error::field("entries", "at most " + std::to_string(mostImported) + " at a time");
    for (const auto& entry : entries) check(entry);
    const auto all = sorted(entries);
    const auto now = database_.clock().now();
    return database_.connections().write([&](Sql& sql) {
        static constexpr std::size_t rowsInStatement = 500;
        const auto end = sql.dialect().onDuplicate("tenant_id, kind, number",
                                                   sql.dialect().takeOver({"expires_at", "reason", "added_by"}));
        ImportResult result;
        for (std::size_t first = 0; first < all.size();) {
            auto last = first;
            std::string text = insert;
            Values values;
            while (last < all.size() && last - first < rowsInStatement && all[last].kind == all[first].kind) {
                text.append(last == first ? "" : ", ").append(oneRow);
                addRow(values, scope, all[last], BlockId(newId('b')), now);
                ++last;
            }
            const auto present = countPresent(sql, scope, std::span(all).subspan(first, last - first));
            sql.execute(text + end, values);
            result.updated += static_cast<int>(present);
            result.added += static_cast<int>(static_cast<std::int64_t>(last - first) - present);
            first = last;
        }
        return result;
    });
}

void BlocklistRepository::addHits(std::vector<BlockHits> hits) {
    if (hits.empty()) return;
    // One order for all nodes: no deadlock between two batches.
    std::ranges::sort(hits, {}, [](const BlockHits& one) { return std::pair(one.tenant, one.id); });
    database_.connections().write([&](Sql& sql) {
        for (const auto& one : hits) {
            const auto last = epochMicros(one.lastAt);
            sql.execute(countHits, {one.count, last, last, one.tenant.str(), one.id.str()});
        }
    });
}

} // namespace pbx::storage
