// Why an agent may pause: a tenant's catalogue.
// Threads: any. Fails with pbx::Error: notFound, alreadyExists (name), invalidArgument, forbidden (a scope limited to
// departments or an agent changes nothing here), unavailable, outcomeUnknown.
#pragma once

#include "domain/control.hpp"
#include "storage/page.hpp"

#include <vector>

namespace pbx::storage {

class Database;

struct NewPauseReason {
    std::string name; // slug
    std::string title;
    int limitMinutes = 0; // 0-1440
    bool billable = false;
};
struct PauseReasonChange {
    std::optional<std::string> title;
    std::optional<int> limitMinutes;
    std::optional<bool> billable;
};

class PauseReasonRepository {
public:
    static constexpr int most = 200; // a tenant

    explicit PauseReasonRepository(Database& database) : database_(database) {}

    // All of them, by name: there are few.
    std::vector<domain::PauseReason> all(const domain::Scope& scope);
    domain::PauseReason get(const domain::Scope& scope, const std::string& idOrName);
    domain::PauseReason create(const domain::Scope& scope, const NewPauseReason& reason); // conflict above `most`
    domain::PauseReason update(const domain::Scope& scope, const std::string& idOrName,
                               const PauseReasonChange& change);
    // Who is paused for it stays so.
    void remove(const domain::Scope& scope, const std::string& idOrName);

private:
    Database& database_;
};

} // namespace pbx::storage
