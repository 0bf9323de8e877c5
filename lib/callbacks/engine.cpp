#include "callbacks/engine.hpp"

#include "base/error.hpp"
#include "callbacks/originate.hpp"

#include <algorithm>
#include <utility>

namespace pbx::callbacks {

using domain::CallbackMode;
using domain::CallbackState;

namespace {

// Clocks of two nodes may differ by so much: what was asked for "later" than now is as new as can be.
constexpr std::chrono::seconds clocksApart{2};

Turn turnOf(const storage::CallbackJob& job) {
    return {job.callback.priority, job.callback.requestedAt, job.callback.id};
}

const QueueSight* queueOf(const storage::CallbackJob& job, const Sight& sight) {
    const auto queue = sight.queues.find(job.asteriskQueue);
    return queue == sight.queues.end() ? nullptr : &queue->second;
}

bool waitsThere(const storage::CallbackJob& job, const Sight& sight, const std::string& channelId) {
    const auto* queue = queueOf(job, sight);
    return queue && std::ranges::find(queue->waiting, channelId, &Waiter::channelId) != queue->waiting.end();
}

// Any of its attempts.
bool waitsStill(const storage::CallbackJob& job, const QueueSight& queue) {
    return std::ranges::any_of(queue.waiting,
                               [&](const Waiter& waiter) { return waiter.ours && waiter.ours->id == job.callback.id; });
}

} // namespace

struct Engine::Answers {
    struct One {
        CallbackId id;
        int attempt = 0;
        bool answered = false;
    };
    std::mutex mutex;
    std::vector<One> come;
};

Engine::Engine(EngineSettings settings, storage::CallbackJobRepository& jobs, Sender& sender, EngineLinks links,
               const Clock& clock, const Log& log)
    : settings_(std::move(settings)), jobs_(jobs), sender_(sender), links_(std::move(links)), clock_(clock),
      log_(log.with({{"asterisk", settings_.server}})), leases_(settings_.leaseFor),
      answers_(std::make_shared<Answers>()) {}

Engine::~Engine() = default;

// One callback's trouble is not the others'. False: it failed.
template <class Work>
bool Engine::guarded(const char* what, const Work& work) {
    try {
        work();
        quiet_ = false;
        return true;
    } catch (const Error& error) {
        ++figures_.failures;
        if (!std::exchange(quiet_, true)) // once, not four times a second
            log_.warning("callbacks.failed", {{"what", what}, {"text", error.text()}, {"cause", error.cause()}});
        return false;
    }
}

void Engine::tick(const Sight& sight) {
    const auto now = clock_.steady();
    policies_.clear();
    takeAnswers();
    if (!sight.driven) { // another node takes over what is under way, once nobody renews it
        flights_.clear();
        busy_ = false;
        return;
    }
    if (!guarded("renew", [&] { renew(now); })) return;
    if (!sight.current) return;
    std::erase_if(cutOff_, [&](const auto& tenant) { return !sight.cutOff.contains(tenant); });
    if (!guarded("watch", [&] { watch(sight); })) return;
    guarded("place", [&] { place(sight); });
}

void Engine::renew(SteadyTime now) {
    if (flights_.empty() || (renewedAt_ && now - *renewedAt_ < settings_.renewEvery)) return;
    jobs_.renew(settings_.server, settings_.owner);
    renewedAt_ = now;
}

void Engine::takeAnswers() {
    std::vector<Answers::One> come;
    {
        std::lock_guard lock(answers_->mutex);
        come.swap(answers_->come);
    }
    for (const auto& one : come)
        if (const auto flight = flights_.find(one.id);
            flight != flights_.end() && flight->second.attempt == one.attempt)
            flight->second.answered = one.answered;
}

Engine::Flight& Engine::flightOf(const Job& job) {
    auto& flight = flights_[job.callback.id];
    if (flight.epoch != job.epoch || flight.attempt != job.callback.attempt) {
        flight = {};
        flight.epoch = job.epoch;
        flight.attempt = job.callback.attempt;
        flight.mode = policyOf(job).mode;
    }
    flight.current = true;
    return flight;
}

void Engine::watch(const Sight& sight) {
    for (auto& [id, flight] : flights_) flight.current = false;
    auto jobs = jobs_.inFlight(settings_.server);
    figures_.inFlight = static_cast<int>(jobs.size());
    unengaged_.clear();
    joining_.clear();
    turns_.clear();
    underWay_.clear();
    for (const auto& job : jobs) {
        turns_[job.callback.id] = turnOf(job);
        underWay_.emplace(job.callback.id, job.callback.attempt);
        if (!needsAgent(job, sight)) continue;
        unengaged_[job.asteriskQueue].emplace(job.callback.id, turnOf(job));
        if (isJoining(job, sight)) joining_.insert(job.asteriskQueue);
    }
    for (auto& job : jobs) {
        if (job.owner != settings_.owner) {
            if (!leases_.isOver(job, clock_.steady()) || !jobs_.adopt(job, settings_.owner)) continue;
            ++figures_.adopted;
            log_.info("callback.adopted", {{"callback", job.callback.id.str()},
                                           {"state", domain::stateToken(job.callback.state)},
                                           {"epoch", job.epoch}});
        }
        flightOf(job);
        guarded("step", [&] { step(job, sight); });
    }
    leases_.sweep();
    hangUpStrays(sight);
    std::erase_if(flights_, [](const auto& entry) { return !entry.second.current; });
    std::erase_if(moves_,
                  [&](const auto& entry) { return clock_.steady() - entry.second.since > settings_.movesWithin; });
    busy_ = !jobs.empty();
}

// Until an agent's phone rings for it an attempt has a claim on one.
bool Engine::needsAgent(const Job& job, const Sight& sight) {
    const auto state = job.callback.state;
    if (state == CallbackState::inDoubt) return false;
    // Agent first the agent is there by then; customer first the customer alone.
    if (state == CallbackState::connected && modeOf(job) == CallbackMode::agentFirst) return false;
    return !sight.legs.contains(waitingChannel(job));
}

// The half of its Local channel that waits in the queue.
std::string Engine::waitingChannel(const Job& job) {
    return domain::callbackChannelId(job.callback.id, job.callback.attempt, 3 - diallingHalf(modeOf(job)));
}

bool Engine::isAlive(const Job& job, const Sight& sight) const {
    const auto& callback = job.callback;
    return sight.alive.contains(domain::callbackChannelId(callback.id, callback.attempt)) ||
           sight.alive.contains(domain::callbackChannelId(callback.id, callback.attempt, 2));
}

// We have sent it, and it does not stand in its queue yet: whoever joined meanwhile would not know its place.
bool Engine::isJoining(const Job& job, const Sight& sight) {
    const auto flight = flights_.find(job.callback.id);
    if (job.callback.state != CallbackState::intent || flight == flights_.end()) return false;
    const auto& [id, ours] = *flight;
    return ours.attempt == job.callback.attempt && ours.sentAt &&
           clock_.steady() - *ours.sentAt < settings_.joinWithin && !waitsThere(job, sight, waitingChannel(job));
}

bool Engine::isMisplaced(const Job& job, const Sight& sight) {
    const auto* queue = queueOf(job, sight);
    const auto moves = moves_.find(job.callback.id);
    return queue && (moves == moves_.end() || moves->second.count < settings_.moves) && needsAgent(job, sight) &&
           callbacks::isMisplaced(*queue, waitingChannel(job), turnOf(job), turns_);
}

// What waits in a queue for a callback that is not under way any more: cancelled, expired, blocked, taken back.
void Engine::hangUpStrays(const Sight& sight) {
    const auto now = clock_.steady();
    std::map<std::string, SteadyTime> done;
    for (const auto& [name, queue] : sight.queues)
        for (const auto& waiter : queue.waiting) {
            if (!waiter.ours || underWay_.contains({waiter.ours->id, waiter.ours->attempt})) continue;
            const auto before = hungUp_.find(waiter.channelId);
            if (before != hungUp_.end() && now - before->second < settings_.settleAfter) {
                done.insert(*before);
                continue;
            }
            sender_.hangUp(waiter.channelId);
            ++figures_.hungUp;
            done.emplace(waiter.channelId, now);
        }
    hungUp_ = std::move(done);
}

// Whether an agent can be had for one more.
bool Engine::hasRoom(const Job& job, const Sight& sight) {
    const auto* queue = queueOf(job, sight);
    if (!queue) return false;
    const auto mine = turnOf(job);
    const auto& taken = unengaged_[job.asteriskQueue];
    if (joining_.contains(job.asteriskQueue) || waitsStill(job, *queue)) return false;
    // Where callers wait although nobody serves, the next to log in takes whoever is first.
    const bool callers = std::ranges::any_of(queue->waiting, [](const Waiter& waiter) { return !waiter.ours; });
    const auto before = std::ranges::count_if(taken, [&](const auto& one) { return isBefore(one.second, mine); });
    return std::max(queue->serving, callers ? 1 : 0) > before; // one of the first
}

// No trunk of its tenant is reachable.
bool Engine::isCutOff(const Job& job, const Sight& sight) {
    if (!sight.cutOff.contains(job.tenantName)) return false;
    if (cutOff_.insert(job.tenantName).second) log_.warning("callbacks.no_trunk", {{"tenant", job.tenantName}});
    return true;
}

bool Engine::isDue(const Job& job, const Sight& sight) {
    if (isCutOff(job, sight)) return false;
    const auto age = sight.at - job.callback.requestedAt;
    if (age < settings_.boardLag && age > -clocksApart) return false; // who came before it may not be on the board yet
    return isOpen(job);
}

bool Engine::isOpen(const Job& job) {
    const auto& hours = policyOf(job).hours;
    return !hours || links_.open(job.tenant, *hours);
}

CallbackMode Engine::modeOf(const Job& job) {
    const auto flight = flights_.find(job.callback.id);
    const bool known = flight != flights_.end() && flight->second.attempt == job.callback.attempt;
    return known ? flight->second.mode : policyOf(job).mode;
}

const domain::CallbackPolicy& Engine::policyOf(const Job& job) {
    const auto key = job.tenant.str() + '/' + job.callback.queue.str();
    const auto known = policies_.find(key);
    if (known != policies_.end()) return known->second;
    return policies_.emplace(key, jobs_.policy(job.tenant, job.callback.queue)).first->second;
}

void Engine::place(const Sight& sight) {
    auto jobs = jobs_.due(settings_.server, settings_.perQueue);
    busy_ = busy_ || !jobs.empty();
    for (auto& job : jobs)
        guarded("take", [&] {
            if (hasRoom(job, sight) && isDue(job, sight)) take(std::move(job), sight);
        });
}

void Engine::take(Job job, const Sight& sight) {
    reach(FailPoint::beforeClaim);
    if (!jobs_.claim(job, settings_.server, settings_.owner)) return;
    ++figures_.claimed;
    unengaged_[job.asteriskQueue].emplace(job.callback.id, turnOf(job));
    reach(FailPoint::claimed);
    begin(job, sight);
}

void Engine::begin(Job& job, const Sight& sight) {
    const auto result = jobs_.intend(job, sight.startup);
    if (result != storage::IntendResult::begun) {
        unengaged_[job.asteriskQueue].erase(job.callback.id);
        if (result == storage::IntendResult::capped)
            log_.warning("callback.capped", {{"callback", job.callback.id.str()}, {"tenant", job.tenantName}});
        return;
    }
    ++figures_.begun;
    underWay_.emplace(job.callback.id, job.callback.attempt);
    reach(FailPoint::begun);
    send(job, flightOf(job), sight);
}

void Engine::send(const Job& job, Flight& flight, const Sight& sight) {
    const auto* queue = queueOf(job, sight);
    if (!queue) return withdrawFailed(job, flight); // Asterisk does not have it any more
    auto action = originateAction(job, flight.mode, positionOf(*queue, turnOf(job), turns_), settings_.waitFor);
    const auto answered = [answers = answers_, id = job.callback.id, attempt = job.callback.attempt](bool ok) {
        std::lock_guard lock(answers->mutex);
        answers->come.push_back({id, attempt, ok});
    };
    try {
        sender_.originate(std::move(action), settings_.waitFor, answered);
    } catch (const Error&) {
        // Not sent, or so it was said: the gate is shut for it from now on either way.
        withdrawFailed(job, flight);
        throw;
    }
    flight.sentAt = clock_.steady();
    joining_.insert(job.asteriskQueue);
    ++figures_.sent;
    reach(FailPoint::sent);
}

} // namespace pbx::callbacks
