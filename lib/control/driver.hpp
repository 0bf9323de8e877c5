// Does what was asked of the agents of one Asterisk, while this process drives it: sends the steps that lead from what
// the board shows to what is wanted, tells each request's end, and keeps it so.
// Threads: one (the controller's); answers of Asterisk come on the link's thread and only wake it.
// Fails: turn() throws pbx::Error when the database is away; the next turn goes on where this one stopped.
//
// Whose word counts. A standing that was asked for and is not shown yet is sent again until it is. Once shown it is
// settled, together with the run (the start) of Asterisk that showed it. What differs later in the same run was changed
// by another hand, by a phone code or another tool: it is taken over as what is wanted. What differs in a later run was
// lost by the restart: it is brought back.
#pragma once

#include "base/log.hpp"
#include "control/inbox.hpp"
#include "control/line.hpp"
#include "control/standing.hpp"
#include "domain/directory.hpp"
#include "storage/repositories.hpp"

#include <functional>
#include <map>
#include <memory>
#include <tuple>
#include <vector>

namespace pbx::control {

struct DriverTimings {
    std::chrono::milliseconds answer{5'000};   // for Asterisk to answer an action
    std::chrono::milliseconds show{2'000};     // for the board to show its effect
    std::chrono::milliseconds doubt{1'000};    // events may come so long after the answer (both orders were seen)
    std::chrono::milliseconds retry{2'000};    // before a step is sent again; doubles ...
    std::chrono::milliseconds longest{60'000}; // ... up to this
};

class Driver {
public:
    struct Hooks {
        std::function<void()> wake;                          // any thread: a turn is worth while
        std::function<void(const domain::Action&)> progress; // an action was sent or has ended
    };

    // All references must outlive it.
    Driver(Line& line, storage::Repositories& stores, const domain::DirectoryHolder& directory, const Clock& clock,
           const Log& log, Hooks hooks, DriverTimings timings = {});

    // `newest`: ActionRepository::newestSeq(), read before this turn.
    void turn(std::int64_t newest);
    // Something is under way that a change of the board may end.
    bool busy() const noexcept { return busy_; }

private:
    using Key = std::tuple<TenantId, AgentId, QueueId>;

    // The last action that went out, and has not been seen on the board.
    struct Sent {
        Step step;
        domain::Standing wanted;
        domain::Standing assumed; // how it stands when it took effect
        std::int64_t seq = 0;     // of the request that wanted it
        bool answered = false;
        bool doubtful = false; // one before it was not seen either: what the board shows may be older than both
        SteadyTime at{};
    };
    struct Pair {
        domain::AgentState state;
        std::vector<domain::Action> open; // oldest first
        std::optional<Sent> sent;
        SteadyTime retryAt{};
        std::chrono::milliseconds backoff{0};
        bool toldRefusal = false;
    };
    struct Answer {
        Key key;
        ami::Result::Kind kind;
        bool sent = false;
        std::string text; // Asterisk's words
    };
    struct Names {
        std::string queue, interface, member;
    };

    void forget();
    void load(std::int64_t newest);
    void takeAnswers();
    void take(Pair& pair, const Answer& answer);
    void refused(Pair& pair, const std::string& words);
    void look(Pair& pair);
    void dropEnded(Pair& pair, const domain::Standing& actual);
    void dropOvertaken(Pair& pair);
    bool seen(Pair& pair, const domain::Standing& actual);
    void send(const Key& key, Pair& pair, Step step, const domain::Standing& base, const Names& names);
    bool claim(Pair& pair);
    void settleAll();
    void end(domain::Action& action, domain::ActionState state, const std::string& reason);
    void later(Pair& pair);
    std::optional<Names> namesOf(const domain::AgentState& state) const;
    domain::Standing actualOf(const Names& names) const;
    static Key keyOf(const domain::AgentState& state) { return {state.tenant, state.agent, state.queue}; }

    Line& line_;
    storage::Repositories& stores_;
    const domain::DirectoryHolder& directory_;
    const Clock& clock_;
    const Log log_;
    const Hooks hooks_;
    const DriverTimings timings_;

    std::optional<storage::Lease> lease_; // under which everything below holds
    live::SnapshotPtr board_;
    std::shared_ptr<const domain::Directory> names_;
    std::int64_t seq_ = -1; // requests up to this one are loaded
    std::map<Key, Pair> pairs_;
    std::vector<domain::AgentState> toSettle_;
    bool busy_ = false;
    // Shared with the handlers: an answer to an action of before forget() finds another one, and nobody.
    std::shared_ptr<Inbox<Answer>> answers_;
};

} // namespace pbx::control
