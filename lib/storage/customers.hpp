// What the CRM told us about numbers. Up to millions of rows.
// Threads: any. Fails with pbx::Error: notFound, invalidArgument, forbidden (a scope limited to departments or an agent
// changes nothing here), unavailable, outcomeUnknown.
#pragma once

#include "domain/routing.hpp"
#include "storage/page.hpp"

namespace pbx::storage {

class Database;

// What is absent stays as it is.
struct CustomerChange {
    std::optional<std::string> status; // a slug, or empty: none
    // All of them anew: at most 32, names of 1-64 bytes, values of at most 1,000; 4,096 bytes together as JSON.
    std::optional<std::map<std::string, std::string>> attributes;
};

class CustomerRepository {
public:
    explicit CustomerRepository(Database& database) : database_(database) {}

    // By number.
    Page<domain::Customer> list(const domain::Scope& scope, const PageRequest& page,
                                const std::optional<std::string>& status = {}, const std::string& numberBegins = {});
    domain::Customer get(const domain::Scope& scope, const std::string& idOrNumber);
    // The customer with this number, made when there is none. Two at once are no error: the later one holds.
    domain::Customer put(const domain::Scope& scope, const std::string& number, const CustomerChange& change);
    void remove(const domain::Scope& scope, const std::string& idOrNumber);

private:
    Database& database_;
};

} // namespace pbx::storage
