#include "daemon/database_settings.hpp"

#include "daemon/settings_table.hpp"

namespace pbx::daemon {

storage::DatabaseSettings databaseSettings(const Config& config) {
    storage::DatabaseSettings out;
    const auto whole = [&](std::string_view key) { return static_cast<int>(config.whole("storage", key)); };
    out.engine = config.text("storage", "backend") == "mariadb" ? storage::Engine::mariadb : storage::Engine::sqlite;
    out.file = sqliteFile(config);
    out.socket = config.text("storage", "socket");
    out.host = config.text("storage", "host");
    out.port = whole("port");
    out.database = config.text("storage", "database");
    out.user = config.text("storage", "user");
    out.password = config.secret("storage", "password_file");
    out.sessions = whole("pool_size");
    out.acquireTimeout = std::chrono::milliseconds(whole("pool_wait_ms"));
    out.plainTextRemote = config.text("storage", "allow_plain_remote") == "yes-in-clear";
    out.auditKey = config.secret("storage", "audit_key_file");
    return out;
}

} // namespace pbx::daemon
