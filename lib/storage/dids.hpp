// The numbers that people call. A number belongs to one tenant of the whole server.
// Threads: any. Fails with pbx::Error: notFound (also: queue, department, hours, agent), alreadyExists (number: taken,
// whoever has it), invalidArgument, forbidden (a scope limited to departments or an agent changes nothing here),
// unavailable, outcomeUnknown.
#pragma once

#include "domain/routing.hpp"
#include "storage/page.hpp"

namespace pbx::storage {

class Database;

// What is absent stays as it is; present and empty: none.
// Its number is what it is: another number is another row.
struct DidChange {
    std::optional<std::string> title;
    std::optional<std::optional<QueueId>> queue;
    std::optional<std::optional<DepartmentId>> department;
    std::optional<std::optional<HoursId>> hours;
    std::optional<std::optional<domain::Destination>> closed;
};

class DidRepository {
public:
    explicit DidRepository(Database& database) : database_(database) {}

    // By number.
    Page<domain::Did> list(const domain::Scope& scope, const PageRequest& page);
    domain::Did get(const domain::Scope& scope, const std::string& idOrNumber);
    // Of `did` all but the id.
    domain::Did create(const domain::Scope& scope, const domain::Did& did);
    domain::Did update(const domain::Scope& scope, const std::string& idOrNumber, const DidChange& change);
    void remove(const domain::Scope& scope, const std::string& idOrNumber);

private:
    Database& database_;
};

} // namespace pbx::storage
