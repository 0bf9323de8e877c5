// What of a database can be wrong from outside: its version, its clock, what the account may do.
// Threads: any. Fails with pbx::Error: unavailable.
#pragma once

#include "base/time.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pbx::storage {

class Database;

struct DatabaseHealth {
    std::string version;
    UtcTime clock;
    // MariaDB; without any: the right is there.
    std::vector<std::string> missing;     // what pbxd cannot do without
    std::vector<std::string> noMigration; // what `pbxctl db migrate` needs beyond that
    std::vector<std::string> onServer;    // what the account may do to the whole server, which nothing of ours needs
};
DatabaseHealth healthOf(Database& database);

// Of `tables` (names of ours), those that the account cannot read.
std::vector<std::string> unreadable(Database& database, std::span<const std::string_view> tables);
// What else than SELECT the account may do anywhere.
std::vector<std::string> rightsToChange(Database& database);

} // namespace pbx::storage
