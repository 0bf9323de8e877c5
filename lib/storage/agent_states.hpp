// How agents shall stand in their queues.
// Threads: any. Fails with pbx::Error: notFound, unavailable, outcomeUnknown. They are wanted by requests alone
// (ActionRepository::request); the node that drives the Asterisk says what became of them.
#pragma once

#include "domain/control.hpp"
#include "storage/page.hpp"

#include <vector>

namespace pbx::storage {

class Database;
class Sql;

// What a request wants of one agent in one queue; what is absent stays as it is wanted, or at first as it is
// (`actual`).
struct StandingChange {
    std::string server;
    domain::Standing actual; // on the board when it was asked for
    std::optional<bool> member;
    std::optional<int> penalty;
    std::optional<bool> paused;
    std::string pauseReason; // with paused = true
};

class AgentStateRepository {
public:
    explicit AgentStateRepository(Database& database) : database_(database) {}

    std::vector<domain::AgentState> ofAgent(const TenantId& tenant, const AgentId& agent);
    // Those of one Asterisk that were wanted by requests later than `after` (-1: all).
    std::vector<domain::AgentState> ofServer(const std::string& server, std::int64_t after);

    // Asterisk shows them, in its run that began at `run`. No effect on one that a newer request is about.
    void settle(const std::vector<domain::AgentState>& states, const std::string& run);
    // Takes what Asterisk has for what is wanted, settled; `state` keeps its seq. No effect when a newer request came.
    void adopt(const domain::AgentState& state, const domain::Standing& actual, const std::string& run);

    // Within a request's transaction.
    static void want(Sql& sql, const domain::Action& action, const StandingChange& change);

private:
    Database& database_;
};

} // namespace pbx::storage
