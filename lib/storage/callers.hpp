// Everything that the tables of callers say about one caller, in one statement: asked for by every call.
// Threads: any. Fails with pbx::Error: unavailable, deadlineExceeded, invalidArgument (keys that are no numbers).
#pragma once

#include "domain/routing.hpp"

namespace pbx::storage {

class Database;

// Grows with each change of what RoutingTables (tenant_routing.hpp) hold: who keeps a copy compares.
struct RoutingVersion {
    std::int64_t routing = 0;   // of the tenant
    std::int64_t directory = 0; // of the server: queues, agents, departments, tenants
    bool operator==(const RoutingVersion&) const = default;
};

struct CallerFacts {
    RoutingVersion version;
    std::vector<domain::BlockEntry> blocks;         // in force; of kind anonymous only for a caller without a number
    std::optional<domain::PriorityCaller> priority; // in force
    std::optional<domain::Customer> customer;       // without its attributes: routing never reads them
};

class CallerRepository {
public:
    static constexpr std::size_t mostKeys = 16;

    explicit CallerRepository(Database& database) : database_(database) {}

    // `keys`: the caller's number and then its prefixes (routing::matchKeys); empty: a caller without a number.
    // What expires at `now` is not in force any more.
    CallerFacts find(const TenantId& tenant, const std::vector<std::string>& keys, UtcTime now);

private:
    Database& database_;
};

} // namespace pbx::storage
