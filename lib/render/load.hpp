// What the tables say of the tenants that live on one Asterisk.
// Threads: any. Fails with pbx::Error: unavailable, internal (a word in the database that this program does not know).
#pragma once

#include "render/site.hpp"

#include <vector>

namespace pbx::storage {
class Database;
}

namespace pbx::render {

// Every tenant with a queue, a phone or a trunk on `server`, by name. Not of one moment: each table is read by itself.
std::vector<TenantSite> loadTenants(storage::Database& database, const std::string& server);

} // namespace pbx::render
