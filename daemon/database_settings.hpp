// What the settings say about the database: for the daemon, and for pbxctl's local commands.
// Threads: a pure function. Nothing fails: the settings were checked when they were loaded.
#pragma once

#include "base/config.hpp"
#include "storage/database.hpp"

namespace pbx::daemon {

storage::DatabaseSettings databaseSettings(const Config& config);

} // namespace pbx::daemon
