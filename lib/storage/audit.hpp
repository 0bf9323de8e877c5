// The audit log: rows are only ever added, each with a hash over itself and the row before it.
// Threads: any. Fails with pbx::Error: invalidArgument (a cursor that is not ours), unavailable, outcomeUnknown.
#pragma once

#include "domain/model.hpp"
#include "storage/page.hpp"

#include <cstdint>

namespace pbx::storage {

class Database;

struct AuditFilter {
    std::string login;     // empty: all
    std::string operation; // empty: all
    std::optional<UtcTime> from;
    std::optional<UtcTime> until; // exclusive
};
struct AuditVerdict {
    std::int64_t rows = 0;
    std::optional<std::string> firstBad; // id of the first row whose hash or place is wrong
    bool intact() const { return !firstBad; }
};

class AuditRepository {
public:
    explicit AuditRepository(Database& database) : database_(database) {}

    // Answers the row's id; `entry.id` is ignored, `entry.at` kept.
    std::string append(const domain::AuditEntry& entry);
    // Newest first; `after` is the id of the oldest row seen. A scope limited to departments or an agent reads nothing.
    Page<domain::AuditEntry> list(const domain::Scope& scope, const PageRequest& page, const AuditFilter& filter = {});
    // Over all tenants, from the first row, in pages of 1,000.
    AuditVerdict verify();

private:
    Database& database_;
};

} // namespace pbx::storage
