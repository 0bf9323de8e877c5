// Opening hours of a tenant, and the same as UTC intervals for those who cannot reckon with time zones (func_odbc).
// Threads: any. Fails with pbx::Error: notFound, alreadyExists (name), conflict (a DID uses them), invalidArgument,
// forbidden (a scope limited to departments or an agent changes nothing here), unavailable, outcomeUnknown.
// Zones and intervals are for routing/hours.hpp to check; here only what the tables need.
#pragma once

#include "domain/routing.hpp"
#include "storage/page.hpp"

#include <functional>
#include <utility>

namespace pbx::storage {

class Database;

// Hours whose UTC intervals end soon, for whoever writes them anew.
struct HoursOfTenant {
    TenantId tenant;
    domain::OpeningHours hours;
};

class HoursRepository {
public:
    explicit HoursRepository(Database& database) : database_(database) {}

    // By name.
    Page<domain::OpeningHours> list(const domain::Scope& scope, const PageRequest& page);
    domain::OpeningHours get(const domain::Scope& scope, const std::string& idOrName);
    // Of `hours` all but the id. At most 20 intervals a day and 500 holidays.
    domain::OpeningHours create(const domain::Scope& scope, const domain::OpeningHours& hours);
    // Within the transaction, so that what another request changes at the same time stays; may be run again. All but
    // the id may change; their UTC intervals are gone until they are written anew.
    domain::OpeningHours update(const domain::Scope& scope, const std::string& idOrName,
                                const std::function<void(domain::OpeningHours&)>& apply);
    void remove(const domain::Scope& scope, const std::string& idOrName);

    // Of any tenant: those whose intervals do not reach to `until`, at most `atMost`.
    std::vector<HoursOfTenant> withIntervalsBefore(UtcTime until, int atMost);
    // All intervals of these hours, [from, to) in order, which hold until `until`. False, and nothing written, when the
    // hours are not what `hours` says any more: somebody changed them meanwhile.
    bool setIntervals(const TenantId& tenant, const domain::OpeningHours& hours,
                      const std::vector<std::pair<UtcTime, UtcTime>>& intervals, UtcTime until);

private:
    Database& database_;
};

} // namespace pbx::storage
