// The one door to the database: settings, pool, schema state, statement counter. Repositories take a Database&.
// Threads: any, after open(); close() once, when nobody uses it any more.
// Fails with pbx::Error: unavailable (no server: Away; or no session in time), unsupported (a schema this program does
// not know), conflict (a migration was changed after it ran), invalidArgument (bad settings). Causes are for the log
// only.
#pragma once

#include "base/error.hpp"
#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pbx::storage {

enum class Engine { sqlite, mariadb };

struct DatabaseSettings {
    Engine engine = Engine::sqlite;

    std::string file; // SQLite: path of the database file, made with mode 0600; its folder must exist

    std::string socket;             // MariaDB: path of the server's unix socket; wins over host and port. One path a
                                    // process: the client library keeps it in a global
    std::string host = "127.0.0.1"; // MariaDB: address or name
    int port = 3306;
    std::string database;
    std::string user;
    SecretString password;
    // POCO 1.11 cannot ask for TLS, so a server that is not on this machine is refused unless the configuration says
    // so in words (a tunnel or a private network).
    bool plainTextRemote = false;

    int sessions = 8;                               // 1-256; MariaDB: of both kinds; SQLite: readers beside the writer
    std::chrono::milliseconds acquireTimeout{3000}; // wait for a free session, then `unavailable`
    std::chrono::seconds loginTimeout{3};           // MariaDB: to reach the server
    std::chrono::seconds validateAfter{30};         // a session idle for longer is pinged before use
    std::chrono::milliseconds statementTimeout{10000}; // MariaDB: max_statement_time of a SELECT; SQLite: none

    SecretString auditKey; // key of the audit hash chain; empty: unkeyed (finds damage, not a forger with the database)
};

enum class MigrationState { pending, started, done, changed, unknown };
// started: broke off half way, `migrate` goes on; changed: its text is not the one that ran; unknown: made by a newer
// program.
std::string_view migrationStateText(MigrationState state);

struct MigrationStatus {
    int version = 0;
    std::string name;
    MigrationState state = MigrationState::pending;
};

struct SchemaStatus {
    std::vector<MigrationStatus> migrations; // by version, ours and what the database holds beyond
    bool current() const;                    // every one is done
};

struct PoolFigures {
    int open = 0;               // sessions that exist
    int idle = 0;               // of these, not in use
    std::uint64_t dropped = 0;  // dead ones thrown away so far
    std::uint64_t timeouts = 0; // callers that got no session in time so far
};

// Counters in the database that grow with each change, read with one statement; other processes see ours.
struct Versions {
    std::int64_t access = 0; // a user or token was changed, disabled or revoked (a new one needs no notice)
    // Whose change made it which number, of the newest ones; a number that is not there says nothing of whom.
    std::vector<std::pair<std::int64_t, UserId>> changedUsers;
    std::int64_t directory = 0; // tenants, departments, queues, agents
};

// The `unavailable` of a database that cannot be reached at all: it is not merely busy.
class Away : public Error {
public:
    explicit Away(Error error) : Error(std::move(error)) {}
};

class Connections; // lib/storage/connections.hpp, for repositories only

class Database {
public:
    // Does not need the server to be up; checks the settings. `clock` must outlive it.
    Database(const DatabaseSettings& settings, const Log& log, const Clock& clock);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    Engine engine() const noexcept;

    SchemaStatus schemaStatus();
    // Runs what is pending or half done, in order; refuses a changed or unknown schema. Answers how many ran.
    int migrate();
    // For a daemon's start: SQLite is migrated, MariaDB only checked (`pbxctl db migrate` does it there).
    void requireSchema();

    // One trivial statement, for readiness; throws unavailable.
    void ping();
    Versions versions();
    PoolFigures figures() const;

    // Statements sent since the start, of every kind: lets a test prove that a refused request sent none.
    std::uint64_t statements() const noexcept;
    // Called with the SQL text (never values) before each statement, on the caller's thread. Set before other threads
    // use the database.
    void onStatement(std::function<void(std::string_view sql)> hook);

    // Closes idle sessions now and the others when they come back; later calls throw unavailable.
    void close();

    Connections& connections() noexcept { return *connections_; }
    const Clock& clock() const noexcept { return clock_; }

private:
    const Clock& clock_;
    std::unique_ptr<Connections> connections_;
};

} // namespace pbx::storage
