// The case table as rows of a real database (tests/lib/route_cases.py writes the SQL), and its boards.
// Threads: one. Fails: std::runtime_error when the SQL cannot be made.
#pragma once

#include "case_table.hpp"
#include "storage/connections.hpp"

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>

namespace pbx::routing::test {

inline const CaseTable& caseTable() {
    static const auto read = readCaseTable(PBX_SOURCE_DIR "/tests/fixtures/routing/cases.json");
    return read;
}

// Into an empty schema. All queues and agents are on the Asterisk "main".
inline void storeCases(storage::Database& db) {
    const std::string engine = db.engine() == storage::Engine::mariadb ? "mariadb" : "sqlite";
    const auto command = "python3 " PBX_SOURCE_DIR "/tests/lib/route_cases.py " + engine;
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), &::pclose);
    if (!pipe) throw std::runtime_error("cannot run " + command);
    std::string text;
    char buffer[4096];
    for (std::size_t got; (got = std::fread(buffer, 1, sizeof buffer, pipe.get())) > 0;) text.append(buffer, got);
    if (text.empty()) throw std::runtime_error("nothing came from " + command);
    db.connections().plain([&](storage::Sql& sql) { // no transaction: SQLite switches foreign keys outside of one
        for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
            sql.execute(text.substr(at, text.find('\n', at) - at));
    });
}

// The queues of the case as it says, all others quiet.
inline Board boardOf(const Case& one) {
    return [&one](const domain::Queue& queue) {
        const auto facts = one.board.find(queue.name);
        return facts == one.board.end() ? std::optional(caseTable().quiet) : facts->second;
    };
}

} // namespace pbx::routing::test
