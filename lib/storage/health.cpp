#include "storage/health.hpp"

#include "storage/repository.hpp"

#include <array>
#include <set>

namespace pbx::storage {
namespace {

constexpr std::array<std::string_view, 4> running = {"SELECT", "INSERT", "UPDATE", "DELETE"};
constexpr std::array<std::string_view, 4> migrating = {"CREATE", "ALTER", "INDEX", "REFERENCES"};

// --- SQL --- (an account sees its own rights alone; a right on a pattern of databases counts for ours)
constexpr auto rightsHere = "SELECT privilege_type FROM information_schema.schema_privileges WHERE DATABASE() LIKE "
                            "table_schema UNION SELECT privilege_type FROM information_schema.user_privileges";
constexpr auto rightsOnServer =
    "SELECT DISTINCT privilege_type FROM information_schema.user_privileges WHERE privilege_type <> 'USAGE'";
constexpr auto rightsAnywhere =
    "SELECT privilege_type FROM information_schema.table_privileges WHERE privilege_type <> 'SELECT' UNION SELECT "
    "privilege_type FROM information_schema.schema_privileges WHERE privilege_type <> 'SELECT' UNION SELECT "
    "privilege_type FROM information_schema.user_privileges WHERE privilege_type NOT IN ('SELECT', 'USAGE')";

std::vector<std::string> column(Sql& sql, const std::string& statement) {
    std::vector<std::string> out;
    for (const auto& row : sql.rows<Row<std::string>>(statement, {})) out.push_back(at<0>(row));
    return out;
}

template <class Names>
std::vector<std::string> without(const Names& wanted, const std::set<std::string>& held) {
    std::vector<std::string> out;
    for (const auto name : wanted)
        if (!held.contains(std::string(name))) out.emplace_back(name);
    return out;
}

} // namespace

DatabaseHealth healthOf(Database& database) {
    return database.connections().read([&](Sql& sql) {
        DatabaseHealth out;
        const bool mariadb = database.engine() == Engine::mariadb;
        out.version = column(sql, mariadb ? "SELECT VERSION()" : "SELECT sqlite_version()").front();
        const auto now = sql.row<Row<Int>>("SELECT " + std::string(sql.dialect().nowMicros()), {});
        out.clock = fromEpochMicros(at<0>(*now));
        if (!mariadb) return out;
        const auto held = column(sql, rightsHere);
        const std::set<std::string> rights(held.begin(), held.end());
        out.missing = without(running, rights);
        out.noMigration = without(migrating, rights);
        out.onServer = column(sql, rightsOnServer);
        return out;
    });
}

std::vector<std::string> unreadable(Database& database, std::span<const std::string_view> tables) {
    std::vector<std::string> out;
    for (const auto table : tables) {
        try {
            database.connections().read(
                [&](Sql& sql) { sql.rows<Row<Int>>("SELECT 1 FROM " + std::string(table) + " LIMIT 1", {}); });
        } catch (const Error&) {
            database.ping(); // the database is there: it is the table that is not open to the account
            out.emplace_back(table);
        }
    }
    return out;
}

std::vector<std::string> rightsToChange(Database& database) {
    return database.connections().read([](Sql& sql) { return column(sql, rightsAnywhere); });
}

} // namespace pbx::storage
