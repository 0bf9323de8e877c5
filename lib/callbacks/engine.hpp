// Places callbacks on one Asterisk: claims as many as agents are free, begins each attempt, watches it on the board,
// settles what the dialplan did not report, takes over what a dead node left, and tells what happened.
// It holds nothing that matters: each step is a guarded, committed change of a row (storage/callbacks_jobs.hpp), so
// that it may be killed anywhere, run twice or be stopped for minutes, and the customer's phone rings at most once an
// attempt (the gate sees to that).
// Threads: tick() from one; what the Sender answers may come on any. Fails: tick() logs what fails and goes on with the
// next callback; the database away: nothing is begun until it is back.
//
// In doubt (RELIABILITY B5): past the gate, the channel gone (or that Asterisk started anew), and no report from the
// dialplan within settleAfter. Then Asterisk's own records are asked for evidenceWithin; without any the tenant's
// policy decides (by default one more attempt after ten minutes).
#pragma once

#include "ami/action.hpp"
#include "base/log.hpp"
#include "callbacks/fail_points.hpp"
#include "callbacks/lease_watch.hpp"
#include "callbacks/sight.hpp"
#include "storage/callbacks_jobs.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
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
};

struct EngineSettings {
    std::string server; // as in [asterisk.NAME]
    std::string owner;  // of this process, unlike any other: node name and a random part
    std::chrono::milliseconds leaseFor{15'000};
    std::chrono::milliseconds renewEvery{4'000};      // three may fail
    std::chrono::milliseconds answerWithin{45'000};   // for the first leg; Originate's Timeout
    std::chrono::milliseconds settleAfter{5'000};     // from the end of the channel to doubt
    std::chrono::milliseconds evidenceWithin{30'000}; // how late a record may come
    std::chrono::milliseconds sweepEvery{5'000};      // what has expired
    std::chrono::seconds withdrawnFor{20};            // until an attempt that came to nothing is begun again
    int perQueue = 20;                                // looked at in one tick
};

// What the engine asks of its surroundings. All may be called in each tick.
struct EngineLinks {
    // What Asterisk's records say of an attempt by its channel id; nullopt: nothing (yet).
    std::function<std::optional<domain::CallbackOutcome>(const std::string& channelId)> evidence;
    // Whether these hours are open now.
    std::function<bool(const TenantId&, const HoursId&)> open;
    // Tells receivers; an event may come twice, with the same id. Throws pbx::Error: it comes again.
    std::function<void(const storage::CallbackNews&)> tell;
    FailHook failHook;
};

struct EngineFigures {
    std::uint64_t claimed = 0, begun = 0, sent = 0, resent = 0, withdrawn = 0, adopted = 0, doubts = 0, settled = 0,
                  failures = 0;
    int inFlight = 0;
};

class Engine {
public:
    // `jobs`, `sender` and `clock` must outlive it. `seed`: of the order in which candidates are tried.
    Engine(EngineSettings settings, storage::CallbackJobRepository& jobs, Sender& sender, EngineLinks links,
           const Clock& clock, const Log& log, std::uint64_t seed = std::random_device()());
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    // To be called when the board has changed and at least four times a second.
    void tick(const Sight& sight);
    const EngineFigures& figures() const noexcept { return figures_; } // on tick()'s thread

private:
    using Job = storage::CallbackJob;
    // What this process knows of an attempt under way; lost with it, and then found out again.
    struct Flight {
        std::int64_t epoch = 0;
        int attempt = 0;
        std::optional<SteadyTime> sentAt;
        std::optional<bool> answered;        // of the Originate that we sent
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
    void stepDialling(Job& job, Flight& flight, const Sight& sight);
    void stepDoubt(Job& job, Flight& flight);
    void place(const Sight& sight);
    void take(Job job, const Sight& sight);
    void begin(Job& job, const Sight& sight);
    void send(const Job& job, Flight& flight);
    void withdraw(const Job& job);
    void settle(const Job& job, domain::CallbackOutcome outcome);
    void sweep(SteadyTime now);
    void tell();
    Flight& flightOf(const Job& job);
    bool needsAgent(const Job& job, const Sight& sight);
    bool isAlive(const Job& job, const Sight& sight) const;
    int room(const Job& job, const Sight& sight) const;
    const domain::CallbackPolicy& policyOf(const Job& job);
    void reach(FailPoint point) const { callbacks::reach(links_.failHook, point); }
    template <class Work>
    bool guarded(const char* what, const Work& work);

    const EngineSettings settings_;
    storage::CallbackJobRepository& jobs_;
    Sender& sender_;
    const EngineLinks links_;
    const Clock& clock_;
    const Log log_;
    std::mt19937_64 random_;
    LeaseWatch leases_;
    std::unordered_map<CallbackId, Flight> flights_;
    std::unordered_map<std::string, int> unengaged_; // by Asterisk's queue: attempts that need an agent still
    std::unordered_map<std::string, domain::CallbackPolicy> policies_; // of this tick
    std::shared_ptr<Answers> answers_;
    std::optional<SteadyTime> renewedAt_, sweptAt_;
    bool quiet_ = false; // the last failure was logged already
    EngineFigures figures_;
};

} // namespace pbx::callbacks
