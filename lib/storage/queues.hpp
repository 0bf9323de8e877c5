// Queues of a tenant and where they live in Asterisk.
// Threads: any. Fails with pbx::Error: notFound, alreadyExists (name, asterisk_name), conflict (a DID or
// a rule sends calls to it), unavailable, outcomeUnknown.
// A scope with self() reaches only the queues in `memberOf`: membership is known to the board, not to the database.
#pragma once

#include "domain/model.hpp"
#include "storage/page.hpp"

#include <set>

namespace pbx::storage {

class Database;

struct NewQueue {
    std::string name;
    std::string title;
    std::string server;
    std::string asteriskName; // empty: "<tenant>-<name>"
    std::optional<DepartmentId> department;
    int wrapupSeconds = 0;
};
struct QueueChange {
    std::optional<std::string> name; // the name in Asterisk stays
    std::optional<std::string> title;
    std::optional<std::string> server;
    std::optional<std::string> asteriskName;
    std::optional<std::optional<DepartmentId>> department; // present and empty: out of any department
    std::optional<int> wrapupSeconds;
};

class QueueRepository {
public:
    explicit QueueRepository(Database& database) : database_(database) {}

    Page<domain::Queue> list(const domain::Scope& scope, const PageRequest& page,
                             const std::optional<DepartmentId>& department = {},
                             const std::set<QueueId>& memberOf = {});
    domain::Queue get(const domain::Scope& scope, const std::string& idOrName, const std::set<QueueId>& memberOf = {});
    domain::Queue create(const domain::Scope& scope, const NewQueue& queue);
    domain::Queue update(const domain::Scope& scope, const std::string& idOrName, const QueueChange& change);
    // Refused (conflict) while a DID, a priority caller, a rule or a default sends calls to it; its own conditions go
    // with it. Takes the queue out of our books; Asterisk is not touched, its events become unmapped.
    void remove(const domain::Scope& scope, const std::string& idOrName);

private:
    Database& database_;
};

} // namespace pbx::storage
