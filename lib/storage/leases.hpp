// Leases: who may do what only one process may do (drive an Asterisk). Claimed by one guarded UPDATE (RELIABILITY B3).
// Threads: any. Fails with pbx::Error: unavailable. Time is the database's, so that nodes need no common clock; the
// holder must stop by its own steady clock when it could not renew within the time-to-live.
#pragma once

#include "base/time.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace pbx::storage {

class Database;

struct Lease {
    std::string name;       // "asterisk/pbx1"
    std::string owner;      // the process: node name and a random part
    std::int64_t epoch = 0; // grows with each change of owner; the fence against a zombie
    UtcTime until;          // by the database's clock
};

class LeaseRepository {
public:
    explicit LeaseRepository(Database& database) : database_(database) {}

    // The lease if it was free, expired or ours already (then renewed, same epoch); nothing while another holds it.
    // A commit whose outcome is unknown is read back: the answer is the truth.
    std::optional<Lease> acquire(const std::string& name, const std::string& owner, std::chrono::milliseconds ttl);
    // Nothing: lost (another epoch). An expired lease that nobody took is renewed.
    std::optional<Lease> renew(const Lease& lease, std::chrono::milliseconds ttl);
    void release(const Lease& lease); // a lost lease: no effect
    std::optional<Lease> find(const std::string& name);

private:
    Database& database_;
};

} // namespace pbx::storage
