// Departments of a tenant. A scope limited to departments reaches these only; an agent's scope reaches its own one.
// Threads: any. Fails with pbx::Error: notFound, alreadyExists (name), conflict (in use), unavailable, outcomeUnknown.
#pragma once

#include "domain/model.hpp"
#include "storage/page.hpp"

namespace pbx::storage {

class Database;

struct NewDepartment {
    std::string name;
    std::string title;
};
struct DepartmentChange {
    std::optional<std::string> name;
    std::optional<std::string> title;
};

class DepartmentRepository {
public:
    explicit DepartmentRepository(Database& database) : database_(database) {}

    Page<domain::Department> list(const domain::Scope& scope, const PageRequest& page);
    domain::Department get(const domain::Scope& scope, const std::string& idOrName);
    domain::Department create(const domain::Scope& scope, const NewDepartment& department);
    domain::Department update(const domain::Scope& scope, const std::string& idOrName, const DepartmentChange& change);
    // Refused (conflict, naming what) while a queue, an agent, a DID or a supervisor's limit points at it: a supervisor
    // whose last department vanished would otherwise reach the whole tenant.
    void remove(const domain::Scope& scope, const std::string& idOrName);

private:
    Database& database_;
};

} // namespace pbx::storage
