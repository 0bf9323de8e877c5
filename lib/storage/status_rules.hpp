// What a tenant does with callers of a status ("vip", "overdue"); one rule a status.
// Threads: any. Fails with pbx::Error: notFound (also: queue, agent), invalidArgument, forbidden (a scope limited to
// departments or an agent changes nothing here), conflict, unavailable, outcomeUnknown.
#pragma once

#include "domain/routing.hpp"
#include "storage/page.hpp"

namespace pbx::storage {

class Database;

class StatusRuleRepository {
public:
    explicit StatusRuleRepository(Database& database) : database_(database) {}

    // By status.
    Page<domain::StatusRule> list(const domain::Scope& scope, const PageRequest& page);
    domain::StatusRule get(const domain::Scope& scope, const std::string& status);
    // Takes the place of the rule for this status. Answers it as stored: members that its kind does not read are gone.
    domain::StatusRule put(const domain::Scope& scope, const domain::StatusRule& rule);
    void remove(const domain::Scope& scope, const std::string& status);

private:
    Database& database_;
};

} // namespace pbx::storage
