// Whom a tenant does not want to hear: numbers, prefixes, and callers without a number. Up to millions of rows.
// Threads: any. Fails with pbx::Error: notFound, alreadyExists (number: there is such an entry), invalidArgument,
// forbidden (a scope limited to departments or an agent changes nothing here), unavailable, outcomeUnknown.
#pragma once

#include "domain/routing.hpp"
#include "storage/page.hpp"

namespace pbx::storage {

class Database;
class Sql;

struct NewBlockEntry {
    domain::BlockKind kind = domain::BlockKind::exact;
    std::string number; // empty for anonymous
    std::optional<UtcTime> expiresAt;
    std::string reason;
    std::string addedBy;
};
struct BlockFilter {
    std::optional<domain::BlockKind> kind;
    std::string number;          // only entries whose number begins so (of kind anonymous: none); empty: all
    std::optional<bool> expired; // only entries that count no more, or only those that count
};
struct BlockChange {
    std::optional<std::optional<UtcTime>> expiresAt; // present and empty: never
    std::optional<std::string> reason;
};
struct ImportResult {
    int added = 0;
    int updated = 0; // were there already; took the new expiry, reason and adder, kept their hits
};
struct BlockHits {
    TenantId tenant;
    BlockId id;
    std::int64_t count = 0;
    UtcTime lastAt;
};

class BlocklistRepository {
public:
    static constexpr std::size_t mostImported = 100'000; // entries in one call: one transaction

    explicit BlocklistRepository(Database& database) : database_(database) {}

    // By kind (anonymous, exact, prefix) and number. Expired ones too.
    Page<domain::BlockEntry> list(const domain::Scope& scope, const PageRequest& page, const BlockFilter& filter = {});
    domain::BlockEntry get(const domain::Scope& scope, const std::string& id);
    std::optional<domain::BlockEntry> find(const domain::Scope& scope, domain::BlockKind kind,
                                           const std::string& number);
    // Takes the place of an expired entry of the same kind and number.
    domain::BlockEntry add(const domain::Scope& scope, const NewBlockEntry& entry);
    domain::BlockEntry update(const domain::Scope& scope, const std::string& id, const BlockChange& change);
    void remove(const domain::Scope& scope, const std::string& id);
    // All or nothing. Of two entries with the same kind and number the later one counts.
    ImportResult import(const domain::Scope& scope, const std::vector<NewBlockEntry>& entries);
    // Of any tenants; entries that are gone meanwhile are passed over. Written in one transaction.
    void addHits(std::vector<BlockHits> hits);

private:
    Database& database_;
};

} // namespace pbx::storage
