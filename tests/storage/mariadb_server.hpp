// A private MariaDB for one test program, started by tests/lib/mariadb-up on first use and ended with the program.
// Threads: one. A machine without mariadbd: start() answers false, and a test that needs it is skipped loudly, or fails
// where the environment has CI or PBX_REQUIRE_ALL.
#pragma once

#include "storage/database.hpp"

#include <string>
#include <sys/types.h>

namespace pbx::test {

class MariadbServer {
public:
    static MariadbServer& instance();
    ~MariadbServer();

    bool start(); // again after stop(): the same data, socket and port
    void stop();  // and waits until it is gone
    bool running() const { return pid_ > 0; }

    const std::string& socket() const { return socket_; }
    int port() const { return port_; }
    // A new, empty database, as root.
    storage::DatabaseSettings newDatabase();
    // A database with the schema of now and nothing else, as root: the same one each time, emptied again, once the last
    // session of whoever had it is gone; made anew where it was left with other tables.
    storage::DatabaseSettings migratedDatabase();
    storage::DatabaseSettings rootSettings(const std::string& database) const;

private:
    MariadbServer() = default;
    bool emptyMigrated();
    std::string dir_;
    std::string socket_;
    int port_ = 0;
    pid_t pid_ = 0;
    int databases_ = 0;
    std::string migrated_; // its name
    std::string asMade_;   // its tables, columns and indexes
};

// What the tests' machine must have when everything is required.
bool everythingRequired();

} // namespace pbx::test
