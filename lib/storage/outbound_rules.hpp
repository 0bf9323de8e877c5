// What a tenant may dial: nothing but what these rules allow. Emergency and short numbers are never among them.
// Threads: any. Fails with pbx::Error: notFound, alreadyExists (value), invalidArgument (names the field), forbidden (a
// scope limited to departments or an agent changes nothing here), unavailable, outcomeUnknown.
#pragma once

#include "domain/site.hpp"
#include "storage/page.hpp"

namespace pbx::storage {

class Database;

class OutboundRuleRepository {
public:
    static constexpr std::size_t mostRules = 1'000;

    explicit OutboundRuleRepository(Database& database) : database_(database) {}

    // All of them, in order of kind and value.
    std::vector<domain::OutboundRule> list(const domain::Scope& scope);
    // Of `rule` all but the id.
    domain::OutboundRule create(const domain::Scope& scope, const domain::OutboundRule& rule);
    void remove(const domain::Scope& scope, const std::string& id);

private:
    Database& database_;
};

} // namespace pbx::storage
