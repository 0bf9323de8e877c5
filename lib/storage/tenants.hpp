// Tenants: made and changed by the operator only, so these calls take no Scope.
// Threads: any. Fails with pbx::Error: notFound, alreadyExists (name), invalidArgument, unavailable, outcomeUnknown.
#pragma once

#include "domain/model.hpp"
#include "storage/page.hpp"

namespace pbx::storage {

class Database;

struct NewTenant {
    std::string name;
    std::string title;
    std::string country;
    std::string timeZone;
    std::vector<std::string> languages;
};
// What is absent stays as it is. The name never changes: queues, contexts and endpoints in Asterisk carry it.
struct TenantChange {
    std::optional<std::string> title;
    std::optional<std::string> country;
    std::optional<std::string> timeZone;
    std::optional<std::vector<std::string>> languages;
};

class TenantRepository {
public:
    explicit TenantRepository(Database& database) : database_(database) {}

    Page<domain::Tenant> list(const PageRequest& page);
    domain::Tenant get(const std::string& idOrName);
    domain::Tenant create(const NewTenant& tenant);
    domain::Tenant update(const std::string& idOrName, const TenantChange& change);

private:
    Database& database_;
};

} // namespace pbx::storage
