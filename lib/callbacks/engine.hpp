// Places callbacks on one Asterisk: begins an attempt when its turn is near, watches it on the board, settles what the
// dialplan did not report, takes over what a dead node left.
// It holds nothing that matters: each step is a guarded, committed change of a row (storage/callbacks_jobs.hpp), so
// that it may be killed anywhere, run twice or be stopped for minutes, and the customer's phone rings at most once an
// attempt (the gate sees to that).
// Threads: tick() from one; what the Sender answers may come on any. Fails: tick() logs what fails and goes on with the
// next callback; the database away: nothing is begun until it is back.
//
// The turn. Agent first: a placeholder waits in Asterisk's own queue at the callback's place, so that Asterisk itself
// serves callers and callbacks in their order; there are as many placeholders as members who could serve, so that one
// is there for whoever gets free. One that ends without an agent is made anew at its place, and so is one that came to
// stand wrong. Customer first: the placeholder keeps its place in the same way, but no agent can take it before the
// customer is there, and whoever waits behind it cannot pass it; the customer is dialled when an agent is free beyond
// all who stand before it.
//
// While no trunk of the tenant is reachable none of its callbacks is begun, and those that wait for an agent leave the
// queue: no agent is called for nothing, and no attempt is used up.
//
// In doubt (RELIABILITY B5): past the gate, the channel gone (or that Asterisk started anew), and no report from the
// dialplan within settleAfter. Then Asterisk's own records are asked for evidenceWithin; without any the tenant's
// policy decides (by default one more attempt after ten minutes).
#pragma once

#include "ami/action.hpp"
#include "base/log.hpp"
#include "callbacks/fail_points.hpp"
#include "callbacks/lease_watch.hpp"
#include "callbacks/turn.hpp"
#include "storage/callbacks_jobs.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace pbx::callbacks {

// To one Asterisk; must outlive the engine.
class Sender {
public:
    virtual ~Sender() = default;
    // Sends it once, never again. `answered` exactly once, on any thread: true when Asterisk says that the first leg
    // answered (OriginateResponse Success), false when it failed or when what became of it is not known.
    // Throws pbx::Error unavailable when it was not sent.
    virtual void originate(ami::Action action, std::chrono::milliseconds within,
                           std::function<void(bool)> answered) = 0;
    // Ends that channel if it is there. What cannot be sent is not worth a word: it comes again.
    virtual void hangUp(const std::string& channelId) = 0;
    // The other half of that Local channel hears a key (originate.hpp). Likewise.
    virtual void press(const std::string& channelId, char key) = 0;
};

struct EngineSettings {
    std::string server; // as in [asterisk.NAME]
    std::string owner;  // of this process, unlike any other: node name and a random part
    std::chrono::milliseconds leaseFor{15'000};
    std::chrono::milliseconds renewEvery{4'000};      // three may fail
    std::chrono::milliseconds waitFor{600'000};       // how long one placeholder waits in the queue
    std::chrono::milliseconds appearWithin{15'000};   // from the Originate to its channel on the board
    std::chrono::milliseconds joinWithin{3'000};      // likewise to its place in the queue: one at a time joins it
    std::chrono::milliseconds boardLag{500};          // so old a board shows who came before a callback was asked for
    std::chrono::milliseconds movesWithin{60'000};    // one that stands wrong is placed anew
    int moves = 5;                                    // so often in that time at most
    std::chrono::milliseconds lookEvery{5'000};       // whether one that waits came onto the blocklist
    std::chrono::milliseconds pressEvery{3'000};      // customer first: that the customer be dialled, until he is
    std::chrono::milliseconds settleAfter{5'000};     // from the end of the channel to doubt
    std::chrono::milliseconds evidenceWithin{30'000}; // how late a record may come
    std::chrono::milliseconds withdrawnFor{10'000};   // from the begin of an attempt that came to nothing to the next
    int perQueue = 20;                                // looked at in one tick
};

// What the engine asks of its surroundings. All may be called in each tick.
struct EngineLinks {
    // What Asterisk's records say of an attempt by its channel id; nullopt: nothing (yet).
    std::function<std::optional<domain::CallbackOutcome>(const std::string& channelId)> evidence;
    // Whether these hours are open now.
    std::function<bool(const TenantId&, const HoursId&)> open;
    FailHook failHook;
};

struct EngineFigures {
    std::uint64_t claimed = 0, begun = 0, sent = 0, resent = 0, withdrawn = 0, moved = 0, hungUp = 0, adopted = 0,
                  doubts = 0, settled = 0, failures = 0;
    int inFlight = 0;
};

class Engine {
public:
    // `jobs`, `sender` and `clock` must outlive it.
    Engine(EngineSettings settings, storage::CallbackJobRepository& jobs, Sender& sender, EngineLinks links,
           const Clock& clock, const Log& log);
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    // To be called when the board has changed and at least four times a second.
    void tick(const Sight& sight);
    const EngineFigures& figures() const noexcept { return figures_; } // on tick()'s thread
    // Whether something is under way or due: then a change of the board is worth a tick. On tick()'s thread.
    bool busy() const noexcept { return busy_; }

private:
    using Job = storage::CallbackJob;
    // What this process knows of an attempt under way; lost with it, and then found out again.
    struct Flight {
        std::int64_t epoch = 0;
        int attempt = 0;
        domain::CallbackMode mode = domain::CallbackMode::agentFirst; // as it was begun, whatever the policy says later
        std::optional<SteadyTime> sentAt;
        std::optional<bool> answered;        // of the Originate that we sent
        bool seen = false;                   // its channel was on the board
        std::optional<SteadyTime> lookedAt;  // at the blocklist
        std::optional<SteadyTime> pressedAt; // customer first: that he be dialled
        std::optional<SteadyTime> goneSince; // the channel is not on the board
        std::optional<SteadyTime> doubtSince;
        bool current = true;
    };
    struct Answers; // what came from the Sender's threads

    void renew(SteadyTime now);
    void takeAnswers();
    void watch(const Sight& sight);
    void step(Job& job, const Sight& sight);
    void stepIntent(Job& job, Flight& flight, const Sight& sight);
    void stepWaiting(Job& job, Flight& flight, const Sight& sight);
    void letDial(const Job& job, Flight& flight, const Sight& sight);
    void stepDialling(Job& job, Flight& flight, const Sight& sight);
    void stepDoubt(Job& job, Flight& flight);
    void place(const Sight& sight);
    void take(Job job, const Sight& sight);
    void begin(Job& job, const Sight& sight);
    void send(const Job& job, Flight& flight, const Sight& sight);
    void withdraw(const Job& job, std::chrono::milliseconds notBefore);
    void withdrawFailed(const Job& job, const Flight& flight);
    void settle(const Job& job, domain::CallbackOutcome outcome);
    void hangUpStrays(const Sight& sight);
    Flight& flightOf(const Job& job);
    bool needsAgent(const Job& job, const Sight& sight);
    bool isAlive(const Job& job, const Sight& sight) const;
    bool isJoining(const Job& job, const Sight& sight);
    bool isMisplaced(const Job& job, const Sight& sight);
    bool hasRoom(const Job& job, const Sight& sight);
    bool isDue(const Job& job, const Sight& sight);
    bool isCutOff(const Job& job, const Sight& sight);
    std::string waitingChannel(const Job& job);
    const domain::CallbackPolicy& policyOf(const Job& job);
    domain::CallbackMode modeOf(const Job& job);
    bool isOpen(const Job& job); // by the opening hours of its policy
    void reach(FailPoint point) const { callbacks::reach(links_.failHook, point); }
    template <class Work>
    bool guarded(const char* what, const Work& work);

    const EngineSettings settings_;
    storage::CallbackJobRepository& jobs_;
    Sender& sender_;
    const EngineLinks links_;
    const Clock& clock_;
    const Log log_;
    LeaseWatch leases_;
    std::unordered_map<CallbackId, Flight> flights_;
    // Of this tick: by Asterisk's queue the attempts that need an agent still, and whether one is about to join; each
    // callback's turn; what is under way; policies by tenant and queue.
    std::unordered_map<std::string, Turns> unengaged_;
    std::set<std::string> joining_;
    Turns turns_;
    std::set<std::pair<CallbackId, int>> underWay_;
    std::unordered_map<std::string, domain::CallbackPolicy> policies_;
    struct Moves {
        SteadyTime since;
        int count = 0;
    };
    std::map<CallbackId, Moves> moves_;        // who was placed anew lately
    std::map<std::string, SteadyTime> hungUp_; // when that channel was last hung up
    std::set<std::string> cutOff_;             // tenants whose callbacks wait for a trunk, and who were told of
    std::shared_ptr<Answers> answers_;
    std::optional<SteadyTime> renewedAt_;
    bool quiet_ = false; // the last failure was logged already
    bool busy_ = false;
    EngineFigures figures_;
};

} // namespace pbx::callbacks
