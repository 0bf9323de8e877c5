// What holds for all of a tenant's calls, and all its small routing tables at once for a copy in memory.
// Threads: any. Fails with pbx::Error: notFound (tenant, or a queue or agent that is named), invalidArgument, forbidden
// (a scope limited to departments or an agent changes nothing here), unavailable, outcomeUnknown.
#pragma once

#include "domain/callback.hpp"
#include "domain/model.hpp"
#include "domain/routing.hpp"
#include "storage/callers.hpp"
#include "storage/page.hpp"

#include <functional>

namespace pbx::storage {

class Database;

// Everything that decides about a tenant's calls but the rows of callers. As of one moment.
struct RoutingTables {
    RoutingVersion version; // to be compared with that of every CallerFacts: another one, load anew
    domain::Tenant tenant;
    domain::TenantRouting routing;
    std::vector<domain::Did> dids;                              // by number
    std::vector<domain::OpeningHours> hours;                    // by name
    std::vector<domain::StatusRule> statusRules;                // by status
    std::vector<domain::Queue> queues;                          // by name
    std::map<QueueId, domain::QueueConditions> conditions;      // of queues that have any
    std::vector<domain::Agent> agents;                          // by id
    std::map<QueueId, domain::CallbackPolicy> callbackPolicies; // the tenant's own under an empty id
};

class TenantRoutingRepository {
public:
    explicit TenantRoutingRepository(Database& database) : database_(database) {}

    domain::TenantRouting get(const domain::Scope& scope);
    // Within the transaction, so that what another request changes at the same time stays; may be run again.
    domain::TenantRouting update(const domain::Scope& scope, const std::function<void(domain::TenantRouting&)>& apply);
    // Of the whole tenant, whatever the scope is limited to: it is for deciding about calls, not for showing.
    RoutingTables load(const TenantId& tenant);

private:
    Database& database_;
};

} // namespace pbx::storage
