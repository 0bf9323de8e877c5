// How each engine's sessions are opened and checked; the only place with connection strings and session settings.
// Threads: any. open() throws Poco exceptions; checkSettings() throws pbx::Error (invalidArgument) naming the setting.
#pragma once

#include "storage/connections.hpp"
#include "storage/pool.hpp"

#include <memory>

namespace pbx::storage {

enum class SqliteRole { reader, writer };

// The server's number of the session's last error; 0 for SQLite.
int errorNumber(Poco::Data::Session& session);
void checkSettings(const DatabaseSettings& settings);
// `settings` and `watch` must outlive the opener.
std::unique_ptr<Opener> sqliteOpener(const DatabaseSettings& settings, SqliteRole role, StatementWatch& watch);
std::unique_ptr<Opener> mariadbOpener(const DatabaseSettings& settings, StatementWatch& watch);

} // namespace pbx::storage
