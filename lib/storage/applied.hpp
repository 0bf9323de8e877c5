// What of the tables each Asterisk runs with: the newest attempt to bring its configuration into force.
// Threads: any. Fails with pbx::Error: unavailable, outcomeUnknown, internal (a word that this program does not know).
#pragma once

#include "base/guarded.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace pbx::storage {

class Database;

enum class AppliedState {
    applying, // under way; or it was broken off, and nobody knows what Asterisk runs with
    applied,
    failed // what was in force before still is
};

struct Applied {
    std::string server; // [asterisk.NAME]
    AppliedState state = AppliedState::applying;
    std::int64_t version = 0; // of the tables that the attempt carried
    std::string reason;       // why it failed, or what an applied one still waits for; cut to 2000 bytes
    std::string node;         // who did it
    UtcTime at;
};

struct AppliedStates {
    std::int64_t version = 0; // of the tables, now
    std::vector<Applied> servers;

    const Applied* find(std::string_view server) const;
};

class AppliedRepository {
public:
    explicit AppliedRepository(Database& database) : database_(database) {}

    // Of every Asterisk that was ever applied to, by name; as of one moment.
    AppliedStates states();
    // The same, for what is otherwise told from memory: with everything that this process has stored, and what another
    // one stored more than a second ago.
    std::shared_ptr<const AppliedStates> recentStates();
    void put(const Applied& attempt);
    // Makes every Asterisk's configuration pending, so that it is applied anew.
    void ask();

private:
    struct Known {
        std::shared_ptr<const AppliedStates> states;
        SteadyTime readAt;
        std::uint64_t commits = 0; // of this process, when it was read
    };
    Database& database_;
    Guarded<Known> known_;
};

} // namespace pbx::storage
