// Agents of a tenant, their interface in Asterisk and the history of their departments.
// Threads: any. Fails with pbx::Error: notFound, alreadyExists (name, interface), conflict (a user is linked to it),
// unavailable, outcomeUnknown.
#pragma once

#include "domain/model.hpp"
#include "storage/page.hpp"

namespace pbx::storage {

class Database;

struct NewAgent {
    std::string name;
    std::string title;
    std::string server;
    std::string interface;
    std::optional<DepartmentId> department;
};
struct AgentChange {
    std::optional<std::string> name;
    std::optional<std::string> title;
    std::optional<std::string> server;
    std::optional<std::string> interface;
    std::optional<std::optional<DepartmentId>> department; // present and empty: out of any department
};

class AgentRepository {
public:
    explicit AgentRepository(Database& database) : database_(database) {}

    Page<domain::Agent> list(const domain::Scope& scope, const PageRequest& page,
                             const std::optional<DepartmentId>& department = {});
    domain::Agent get(const domain::Scope& scope, const std::string& idOrName);
    domain::Agent create(const domain::Scope& scope, const NewAgent& agent);
    // A move to another department and its history are one transaction; a move to where the agent is adds no stay.
    domain::Agent update(const domain::Scope& scope, const std::string& idOrName, const AgentChange& change);
    // Refused (conflict) while a user is linked to it or a DID, a rule or a default sends calls to it. The history
    // stays, for reports.
    void remove(const domain::Scope& scope, const std::string& idOrName);
    // Oldest first; the last one is open.
    std::vector<domain::DepartmentStay> departmentHistory(const domain::Scope& scope, const std::string& idOrName);

private:
    Database& database_;
};

} // namespace pbx::storage
