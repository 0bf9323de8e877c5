// Brings the schema up to date: numbered, forward-only, checksummed migrations from sql/, embedded at build time.
// Threads: one at a time; two processes are kept apart by the database. Fails with pbx::Error: unsupported (unknown
// newer schema), conflict (a migration's text changed after it ran, or somebody else migrates), unavailable, internal.
// SQLite runs each migration in one transaction. MariaDB commits every DDL statement by itself, so the number of
// finished statements is kept and a broken-off migration goes on there; each statement may safely run twice.
#pragma once

#include "storage/connections.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pbx::storage {

struct Migration {
    int version = 0;
    std::string_view name;
    std::string_view text;
};

// Generated from sql/<engine>/NNNN_name.sql, in order.
std::span<const Migration> embeddedMigrations(Engine engine);

class Migrator {
public:
    Migrator(Connections& connections, std::span<const Migration> migrations)
        : connections_(connections), migrations_(migrations) {}

    SchemaStatus status();
    int run();

private:
    void runSqlite(const Migration& migration);
    int runMariadb(const std::vector<const Migration*>& wanted);
    void runSteps(Sql& sql, const Migration& migration);

    Connections& connections_;
    std::span<const Migration> migrations_;
};

// Throws unless the schema may be used or migrated: unsupported or conflict, naming the first bad migration.
void refuseForeignSchema(const SchemaStatus& status);
// The statements of a migration: each ends with ';' at the end of a line; lines that begin with "--" are comments.
std::vector<std::string> statementsOf(std::string_view text);
// BLAKE2b-256 of the text, hexadecimal.
std::string checksumOf(std::string_view text);

} // namespace pbx::storage
