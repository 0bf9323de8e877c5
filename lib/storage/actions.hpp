// What was asked of agents and calls, from the request to its end. A request is one transaction: answered means stored.
// Threads: any. Fails with pbx::Error: notFound, invalidArgument, unavailable, outcomeUnknown.
// Sent once: an action is claimed by one committed, guarded UPDATE that the lease of its Asterisk stands behind
// (docs/facts/reliability.md B3), before its first byte goes out.
#pragma once

#include "domain/control.hpp"
#include "storage/agent_states.hpp"
#include "storage/leases.hpp"
#include "storage/page.hpp"

#include <vector>

namespace pbx::storage {

class Database;

struct NewAction {
    std::string server;
    domain::ActionKind kind = domain::ActionKind::agentLogin;
    std::optional<AgentId> agent;
    std::optional<QueueId> queue;
    std::string call;
    std::map<std::string, std::string> parameters{};
    UtcTime expiresAt{};
    std::optional<StandingChange> wants{}; // agent actions, which name agent and queue
};

struct ActionFilter {
    std::optional<AgentId> agent;
    std::optional<QueueId> queue;
    std::optional<domain::ActionState> state;
    std::optional<std::string> idempotencyKey;
};

class ActionRepository {
public:
    static constexpr std::int64_t openAtOnce = 500;

    explicit ActionRepository(Database& database) : database_(database) {}

    // Stores them and what they want, all or nothing; in this order, each with its own seq.
    std::vector<domain::Action> request(const TenantId& tenant, const std::string& login,
                                        const std::string& idempotencyKey, const std::vector<NewAction>& actions);

    // The newest first; a cursor is a seq as text. Within reach: about the scope's agents and queues.
    Page<domain::Action> list(const domain::Scope& scope, const PageRequest& page, const ActionFilter& filter = {});
    domain::Action get(const domain::Scope& scope, const std::string& id);
    // In no order; those that are gone are left out.
    std::vector<domain::Action> byIds(const TenantId& tenant, const std::vector<ActionId>& ids);

    // --- for whoever drives ---
    std::int64_t newestSeq(); // of all requests: one cheap look tells whether there is anything new
    // Open ones of this Asterisk with a seq above `after`, the oldest first, at most openAtOnce.
    std::vector<domain::Action> open(const std::string& server, std::int64_t after);
    // From accepted to sent, under the lease, to be given up at `until`. False: not ours, or not to be sent any more.
    // A commit whose outcome is unknown is read back: the answer is the truth.
    bool claim(const domain::Action& action, const Lease& lease, UtcTime until);
    // Ends it, if it is open and the lease still holds. `reason` is cut to what is kept.
    bool finish(const domain::Action& action, const Lease& lease, domain::ActionState state, const std::string& reason);
    // Gives up what is past its time, whoever drives or drove: agents' actions are timed out, others expired when they
    // were not sent, else unknown. Answers those that it ended.
    std::vector<domain::Action> giveUpOverdue();
    // Deletes what ended before `before`, at most `atMost`.
    int purge(UtcTime before, int atMost = 1000);

private:
    Database& database_;
};

} // namespace pbx::storage
