#include "mariadb_server.hpp"

#include "storage/connections.hpp"

#include <filesystem>
#include <fstream>
#include <signal.h>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace pbx::test {
namespace {

template <class T>
T readFile(const std::string& path) {
    T value{};
    std::ifstream(path) >> value;
    return value;
}

using Names = storage::Row<std::string>;
using storage::at;

std::vector<std::string> tablesOf(storage::Sql& sql, const std::string& database) {
    std::vector<std::string> names;
    for (const auto& row : sql.rows<Names>("SELECT table_name FROM information_schema.tables WHERE table_schema = ? "
                                           "ORDER BY table_name",
                                           {database}))
        names.push_back(at<0>(row));
    return names;
}
// The tables, columns and indexes that there are.
std::string shapeOf(storage::Sql& sql) {
    return at<0>(*sql.row<Names>(
        "SELECT MD5(GROUP_CONCAT(line ORDER BY line)) FROM (SELECT CONCAT_WS('|', table_name, column_name, "
        "column_type, "
        "is_nullable) AS line FROM information_schema.columns WHERE table_schema = DATABASE() UNION SELECT "
        "CONCAT_WS('|', table_name, index_name, seq_in_index, column_name) FROM information_schema.statistics WHERE "
        "table_schema = DATABASE()) AS shape"));
}
std::string rowsOf(const std::string& database) { return database + "_rows"; }

// What the migrations have put in, to be put in again.
void keepRows(storage::Sql& sql, const std::string& database) {
    sql.execute("CREATE DATABASE " + rowsOf(database));
    for (const auto& table : tablesOf(sql, database))
        if (at<0>(*sql.row<storage::Row<storage::Int>>("SELECT COUNT(*) FROM " + table)) > 0)
            sql.execute("CREATE TABLE " + rowsOf(database) + '.' + table + " SELECT * FROM " + table);
}

// What a session does that is still being closed would come into the next test.
void waitUntilAlone(storage::Sql& sql, const std::string& database) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (at<0>(*sql.row<storage::Row<storage::Int>>(
               "SELECT COUNT(*) FROM information_schema.processlist WHERE db = ? AND id <> CONNECTION_ID()",
               {database})) > 0) {
        if (std::chrono::steady_clock::now() > deadline)
            throw std::runtime_error("a test has left a session on " + database);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

} // namespace

bool everythingRequired() { return std::getenv("CI") != nullptr || std::getenv("PBX_REQUIRE_ALL") != nullptr; }

MariadbServer& MariadbServer::instance() {
    static MariadbServer server;
    return server;
}

MariadbServer::~MariadbServer() {
    stop();
    if (!dir_.empty()) {
        std::error_code ignored;
        std::filesystem::remove_all(dir_, ignored);
    }
}

bool MariadbServer::start() {
    if (running()) return true;
    if (dir_.empty()) {
        std::string name = "/tmp/pbx-mdb-XXXXXX";
        if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp");
        dir_ = name;
        socket_ = dir_ + "/s";
    }
    const auto command = std::string(PBX_SOURCE_DIR) + "/tests/lib/mariadb-up " + dir_ + ' ' + std::to_string(getpid());
    const int status = std::system(command.c_str());
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) return false;
    if (status != 0) throw std::runtime_error("tests/lib/mariadb-up failed");
    pid_ = readFile<pid_t>(dir_ + "/pid");
    port_ = readFile<int>(dir_ + "/port");
    return true;
}

void MariadbServer::stop() {
    if (!running()) return;
    ::kill(pid_, SIGTERM);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (::kill(pid_, 0) == 0 && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (::kill(pid_, 0) == 0) ::kill(pid_, SIGKILL);
    pid_ = 0;
}

storage::DatabaseSettings MariadbServer::rootSettings(const std::string& database) const {
    storage::DatabaseSettings settings;
    settings.engine = storage::Engine::mariadb;
    settings.socket = socket_;
    settings.port = port_;
    settings.database = database;
    settings.user = "root";
    return settings;
}

storage::DatabaseSettings MariadbServer::newDatabase() {
    const auto name = "t" + std::to_string(++databases_);
    storage::Connections admin(rootSettings("mysql"), Log::none());
    admin.plain([&](storage::Sql& sql) {
        sql.execute("CREATE DATABASE " + name);
        sql.execute("GRANT ALL ON " + name + ".* TO 'pbx'@'127.0.0.1' IDENTIFIED BY 'over TCP'");
    });
    return rootSettings(name);
}

bool MariadbServer::emptyMigrated() {
    storage::Connections admin(rootSettings(migrated_), Log::none());
    return admin.plain([&](storage::Sql& sql) {
        waitUntilAlone(sql, migrated_);
        if (shapeOf(sql) != asMade_) return false;
        sql.execute("SET SESSION foreign_key_checks = 0"); // each table by itself, in any order
        for (const auto& table : tablesOf(sql, migrated_)) sql.execute("DELETE FROM " + table);
        for (const auto& table : tablesOf(sql, rowsOf(migrated_)))
            sql.execute("INSERT INTO " + table + " SELECT * FROM " + rowsOf(migrated_) + '.' + table);
        return true;
    });
}

storage::DatabaseSettings MariadbServer::migratedDatabase() {
    if (!migrated_.empty() && emptyMigrated()) return rootSettings(migrated_);
    auto settings = newDatabase();
    const SystemClock clock;
    storage::Database(settings, Log::none(), clock).migrate();
    storage::Connections admin(settings, Log::none());
    admin.plain([&](storage::Sql& sql) {
        keepRows(sql, settings.database);
        asMade_ = shapeOf(sql);
    });
    migrated_ = settings.database;
    return settings;
}

} // namespace pbx::test
