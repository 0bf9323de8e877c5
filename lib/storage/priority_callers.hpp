// Numbers that go first, for good or until a moment.
// Threads: any. Fails with pbx::Error: notFound (also: queue), alreadyExists (number), invalidArgument, forbidden (a
// scope limited to departments or an agent changes nothing here), unavailable, outcomeUnknown.
#pragma once

#include "domain/routing.hpp"
#include "storage/page.hpp"

namespace pbx::storage {

class Database;

struct NewPriorityCaller {
    std::string number;
    int level = 1; // 0-100
    std::optional<QueueId> queue;
    std::optional<UtcTime> expiresAt;
    std::string reason;
    std::string addedBy;
};
struct PriorityCallerFilter {
    std::string number;          // only numbers that begin so; empty: all
    std::optional<bool> expired; // only entries that count no more, or only those that count
};
struct PriorityCallerChange {
    std::optional<int> level;
    std::optional<std::optional<QueueId>> queue;     // present and empty: the DID's
    std::optional<std::optional<UtcTime>> expiresAt; // present and empty: never
    std::optional<std::string> reason;
};

class PriorityCallerRepository {
public:
    explicit PriorityCallerRepository(Database& database) : database_(database) {}

    // By number. Expired ones too.
    Page<domain::PriorityCaller> list(const domain::Scope& scope, const PageRequest& page,
                                      const PriorityCallerFilter& filter = {});
    domain::PriorityCaller get(const domain::Scope& scope, const std::string& idOrNumber);
    // Takes the place of an expired entry with this number.
    domain::PriorityCaller add(const domain::Scope& scope, const NewPriorityCaller& caller);
    domain::PriorityCaller update(const domain::Scope& scope, const std::string& idOrNumber,
                                  const PriorityCallerChange& change);
    void remove(const domain::Scope& scope, const std::string& idOrNumber);

private:
    Database& database_;
};

} // namespace pbx::storage
