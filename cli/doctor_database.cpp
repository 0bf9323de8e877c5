#include "base/error.hpp"
#include "cli/doctor.hpp"
#include "daemon/database_settings.hpp"
#include "storage/health.hpp"

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>

namespace pbx::cli {
namespace {

// What the dialplan's fallback reads (docs/asterisk.md).
constexpr std::array<std::string_view, 12> fallbackTables{
    "queues", "agents", "blocklist",      "priority_callers", "customers",      "status_rules",
    "dids",   "hours",  "open_intervals", "queue_conditions", "queue_overflow", "tenant_routing"};
constexpr std::chrono::seconds clockMayDiffer{2};

void examineSchema(Findings& findings, storage::Database& database) {
    using storage::MigrationState;
    const auto status = database.schemaStatus();
    for (const auto& migration : status.migrations) {
        const auto name = "migration " + std::to_string(migration.version) + ' ' + migration.name;
        if (migration.state == MigrationState::pending || migration.state == MigrationState::started)
            findings.fail("schema", name + " has not run", "pbxctl db migrate, after a backup");
        else if (migration.state != MigrationState::done)
            findings.fail("schema", name + " is " + std::string(storage::migrationStateText(migration.state)),
                          "run the version of pbxd and pbxctl that the database belongs to");
    }
    if (status.current()) findings.ok("schema", std::to_string(status.migrations.size()) + " migrations, all have run");
}

void examineRights(Findings& findings, const storage::DatabaseHealth& health) {
    if (!health.missing.empty())
        findings.fail("database rights", "the account lacks " + namesOf(health.missing),
                      "GRANT them on the database to the account that [storage] user names");
    else if (!health.noMigration.empty())
        findings.warn("database rights", "the account lacks " + namesOf(health.noMigration),
                      "pbxctl db migrate needs them: GRANT them for an update");
    else if (!health.onServer.empty())
        findings.warn("database rights", "the account has rights on the whole server: " + namesOf(health.onServer),
                      "REVOKE them, and GRANT rights on the one database");
    else
        findings.ok("database rights", "as needed");
}

// The driver that Asterisk's odbc.ini names, on this machine.
void examineDriver(Findings& findings, const render::Machine& machine) {
    const auto& driver = machine.odbc->driver;
    const auto remedy = "install odbc-mariadb on Asterisk's machine, or name the driver in odbc_driver";
    if (driver.starts_with('/')) {
        if (std::filesystem::exists(driver))
            findings.ok("odbc driver", driver);
        else
            findings.fail("odbc driver", driver + " is not on this machine", remedy);
        return;
    }
    std::ifstream file("/etc/odbcinst.ini");
    for (std::string line; std::getline(file, line);)
        if (line == '[' + driver + ']') return findings.ok("odbc driver", driver + " is in /etc/odbcinst.ini");
    findings.fail("odbc driver", "/etc/odbcinst.ini of this machine has no [" + driver + "]", remedy);
}

} // namespace

bool examineDatabase(Findings& findings, const Config& config, storage::Database& database) {
    const auto& backend = config.text("storage", "backend");
    try {
        // By the clock of before and after: the way there takes its time.
        const SystemClock clock;
        const auto before = clock.now();
        const auto health = storage::healthOf(database);
        findings.ok("database", backend + ' ' + health.version);
        if (health.clock < before - clockMayDiffer || health.clock > clock.now() + clockMayDiffer)
            findings.warn("database clock", "it differs from this machine's by more than 2 s",
                          "let both follow the same time servers (chrony, systemd-timesyncd)");
        else
            findings.ok("database clock", "as this machine's");
        if (backend == "mariadb") examineRights(findings, health);
        examineSchema(findings, database);
        return database.schemaStatus().current();
    } catch (const Error& error) {
        findings.fail("database", error.text(),
                      backend == "mariadb"
                          ? "is MariaDB up, and are socket or host, user, password_file of [storage] right?"
                          : "can this user read and write [pbxd] data_dir?");
        return false;
    }
}

void examineOdbc(Findings& findings, const Config& config, const render::Machine& machine) {
    if (config.text("storage", "backend") != "mariadb") return;
    if (!machine.odbc)
        return findings.warn("odbc", "without odbc_user calls go to the tenant's default queue while pbxd is away",
                             "give [render.NAME] odbc_user and odbc_password_file (docs/asterisk.md)");
    if (std::filesystem::is_directory(machine.directories.configuration)) examineDriver(findings, machine);
    auto settings = daemon::databaseSettings(config);
    settings.user = machine.odbc->user;
    settings.password = machine.odbc->password;
    settings.sessions = 1;
    const SystemClock clock;
    try {
        storage::Database database(settings, Log::none(), clock);
        database.ping();
        if (const auto closed = storage::unreadable(database, fallbackTables); !closed.empty())
            findings.fail("odbc account", machine.odbc->user + " cannot read " + namesOf(closed, 12),
                          "GRANT SELECT on each of them (docs/asterisk.md)");
        else if (const auto more = storage::rightsToChange(database); !more.empty())
            findings.warn("odbc account", machine.odbc->user + " may do more than SELECT: " + namesOf(more),
                          "REVOKE it: whoever takes over Asterisk could change the tables");
        else
            findings.ok("odbc account", machine.odbc->user + " reads what the dialplan needs");
    } catch (const Error& error) {
        findings.fail("odbc account", machine.odbc->user + ": " + error.text(),
                      "does the account exist for this host, and is odbc_password_file its password?");
    }
}

} // namespace pbx::cli
