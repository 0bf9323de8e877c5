#include "storage/migrator.hpp"

#include "base/error.hpp"
#include "storage/hash.hpp"

#include <algorithm>
#include <map>

namespace pbx::storage {
namespace {

// --- SQL ---
constexpr auto createTable = "CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER NOT NULL PRIMARY KEY, "
                             "name VARCHAR(64) NOT NULL, checksum VARCHAR(64) NOT NULL, state VARCHAR(16) NOT NULL, "
                             "steps INTEGER NOT NULL)";
constexpr auto tableExistsSqlite = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = "
                                   "'schema_migrations'";
constexpr auto tableExistsMariadb = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() "
                                    "AND table_name = 'schema_migrations'";
constexpr auto selectAll = "SELECT version, name, checksum, state FROM schema_migrations ORDER BY version";
constexpr auto selectSteps = "SELECT steps FROM schema_migrations WHERE version = ?";
constexpr auto insertRow = "INSERT INTO schema_migrations (version, name, checksum, state, steps) VALUES (?, ?, ?, ?, "
                           "?)";
constexpr auto updateSteps = "UPDATE schema_migrations SET steps = ? WHERE version = ?";
constexpr auto updateDone = "UPDATE schema_migrations SET state = 'done' WHERE version = ?";
constexpr auto galeraOn = "SELECT COUNT(*) FROM information_schema.session_variables WHERE variable_name = 'WSREP_ON' "
                          "AND variable_value = 'ON'";
constexpr auto lock = "SELECT COALESCE(GET_LOCK(CONCAT('pbx_migrate.', DATABASE()), 10), 0)";
constexpr auto unlock = "SELECT COALESCE(RELEASE_LOCK(CONCAT('pbx_migrate.', DATABASE())), 0)";

using Count = Row<Int>;
using MigrationRow = Row<Int, std::string, std::string, std::string>;

SchemaStatus statusOf(Sql& sql, std::span<const Migration> migrations) {
    std::map<int, MigrationRow> rows;
    const bool mariadb = sql.dialect().engine == Engine::mariadb;
    const auto exists = sql.row<Count>(mariadb ? tableExistsMariadb : tableExistsSqlite);
    if (exists && at<0>(*exists) > 0)
        for (auto& row : sql.rows<MigrationRow>(selectAll)) rows.emplace(static_cast<int>(at<0>(row)), row);

    SchemaStatus status;
    for (const auto& migration : migrations) {
        MigrationStatus one{migration.version, std::string(migration.name), MigrationState::pending};
        if (const auto found = rows.extract(migration.version)) {
            const auto& row = found.mapped();
            one.state = at<2>(row) != checksumOf(migration.text) ? MigrationState::changed
                        : at<3>(row) == "done"                   ? MigrationState::done
                                                                 : MigrationState::started;
        }
        status.migrations.push_back(std::move(one));
    }
    for (const auto& [version, row] : rows) status.migrations.push_back({version, at<1>(row), MigrationState::unknown});
    return status;
}

} // namespace

std::string_view migrationStateText(MigrationState state) {
    switch (state) {
    case MigrationState::pending:
        return "pending";
    case MigrationState::started:
        return "started";
    case MigrationState::done:
        return "done";
    case MigrationState::changed:
        return "changed";
    case MigrationState::unknown:
        break;
    }
    return "unknown";
}

bool SchemaStatus::current() const {
    return std::ranges::all_of(migrations, [](const auto& one) { return one.state == MigrationState::done; });
}

std::string checksumOf(std::string_view text) { return hashText({text}); }

std::vector<std::string> statementsOf(std::string_view text) {
    std::vector<std::string> out;
    std::string current;
    while (!text.empty()) {
        const auto end = text.find('\n');
        auto line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.starts_with("--")) continue;
        while (!line.empty() && (line.back() == ' ' || line.back() == '\r')) line.remove_suffix(1);
        if (line.empty()) continue;
        const bool last = line.back() == ';';
        if (last) line.remove_suffix(1);
        current.append(current.empty() ? "" : "\n").append(line);
        if (last) out.push_back(std::exchange(current, {}));
    }
    if (!current.empty()) out.push_back(std::move(current));
    return out;
}

void refuseForeignSchema(const SchemaStatus& status) {
    for (const auto& one : status.migrations) {
        const auto label = std::to_string(one.version) + " (" + one.name + ")";
        if (one.state == MigrationState::unknown)
            throw Error(ErrorCode::unsupported, "the database has migration " + label +
                                                    ", which this program does not know: it was made by a newer "
                                                    "version; use that one");
        if (one.state == MigrationState::changed)
            throw Error(ErrorCode::conflict, "migration " + label +
                                                 " ran with another text than this program has: the program was built "
                                                 "from changed sources, or the database is another product's");
    }
}

SchemaStatus Migrator::status() {
    return connections_.read([this](Sql& sql) { return statusOf(sql, migrations_); });
}

int Migrator::run() {
    const auto before = status();
    refuseForeignSchema(before);
    std::vector<const Migration*> wanted;
    for (std::size_t i = 0; i < migrations_.size(); ++i)
        if (before.migrations[i].state != MigrationState::done) wanted.push_back(&migrations_[i]);
    if (wanted.empty()) return 0;
    if (connections_.engine() == Engine::mariadb) return runMariadb(wanted);
    for (const auto* migration : wanted) runSqlite(*migration);
    return static_cast<int>(wanted.size());
}

void Migrator::runSqlite(const Migration& migration) {
    connections_.write([&](Sql& sql) {
        sql.execute(createTable);
        // Another process may have been faster: BEGIN IMMEDIATE has let us in after it.
        if (sql.row<Count>(selectSteps, {std::int64_t(migration.version)})) return;
        const auto statements = statementsOf(migration.text);
        for (const auto& statement : statements) sql.execute(statement);
        sql.execute(insertRow,
                    {std::int64_t(migration.version), std::string(migration.name), checksumOf(migration.text),
                     std::string("done"), static_cast<std::int64_t>(statements.size())});
    });
    connections_.log().info("storage.migrated", {{"version", migration.version}, {"name", migration.name}});
}

int Migrator::runMariadb(const std::vector<const Migration*>& wanted) {
    return connections_.plain([&](Sql& sql) {
        // Galera knows no named locks: there the administrator runs it once, on one node (the documentation says so).
        const auto galera = sql.row<Count>(galeraOn);
        const bool locked = galera && at<0>(*galera) == 0;
        if (locked) {
            const auto got = sql.row<Count>(lock);
            if (!got || at<0>(*got) != 1)
                throw Error(ErrorCode::conflict, "another process is migrating this database; wait for it");
        }
        sql.execute(createTable);
        int ran = 0;
        const auto now = statusOf(sql, migrations_); // under the lock: what we saw before may have been done since
        for (const auto* migration : wanted) {
            const auto& one = now.migrations[static_cast<std::size_t>(migration - migrations_.data())];
            if (one.state == MigrationState::done) continue;
            runSteps(sql, *migration);
            ++ran;
            connections_.log().info("storage.migrated", {{"version", migration->version}, {"name", migration->name}});
        }
        if (locked) sql.row<Count>(unlock);
        return ran;
    });
}

void Migrator::runSteps(Sql& sql, const Migration& migration) {
    const std::int64_t version = migration.version;
    const auto begun = sql.row<Count>(selectSteps, {version});
    if (!begun)
        sql.execute(insertRow, {version, std::string(migration.name), checksumOf(migration.text),
                                std::string("started"), std::int64_t(0)});
    const auto statements = statementsOf(migration.text);
    for (auto i = static_cast<std::size_t>(begun ? at<0>(*begun) : 0); i < statements.size(); ++i) {
        sql.execute(statements[i]);
        sql.execute(updateSteps, {static_cast<std::int64_t>(i + 1), version});
    }
    sql.execute(updateDone, {version});
}

} // namespace pbx::storage
