#include "callbacks/engine.hpp"

#include "base/error.hpp"
#include "callbacks/originate.hpp"

#include <algorithm>
#include <utility>

namespace pbx::callbacks {

using domain::CallbackEvent;
using domain::CallbackOutcome;
using domain::CallbackState;

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
               const Clock& clock, const Log& log, std::uint64_t seed)
    : settings_(std::move(settings)), jobs_(jobs), sender_(sender), links_(std::move(links)), clock_(clock),
      log_(log.with({{"asterisk", settings_.server}})), random_(seed), leases_(settings_.leaseFor),
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
    if (!guarded("renew", [&] { renew(now); })) return;
    if (sight.current) {
        if (!guarded("watch", [&] { watch(sight); })) return;
        guarded("place", [&] { place(sight); });
        guarded("sweep", [&] { sweep(now); });
    }
    guarded("tell", [&] { tell(); });
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
    }
    flight.current = true;
    return flight;
}

void Engine::watch(const Sight& sight) {
    for (auto& [id, flight] : flights_) flight.current = false;
    auto jobs = jobs_.inFlight(settings_.server);
    figures_.inFlight = static_cast<int>(jobs.size());
    unengaged_.clear();
    for (const auto& job : jobs)
        if (needsAgent(job, sight)) ++unengaged_[job.asteriskQueue];
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
    std::erase_if(flights_, [](const auto& entry) { return !entry.second.current; });
}

// Until an agent's phone rings for it that agent counts as free on the board, and is spoken for.
bool Engine::needsAgent(const Job& job, const Sight& sight) {
    const auto state = job.callback.state;
    if (state == CallbackState::connected || state == CallbackState::inDoubt) return false;
    const int waitingHalf = 3 - diallingHalf(policyOf(job).mode);
    return !sight.legs.contains(domain::callbackChannelId(job.callback.id, job.callback.attempt, waitingHalf));
}

bool Engine::isAlive(const Job& job, const Sight& sight) const {
    const auto& callback = job.callback;
    return sight.alive.contains(domain::callbackChannelId(callback.id, callback.attempt)) ||
           sight.alive.contains(domain::callbackChannelId(callback.id, callback.attempt, 2));
}

void Engine::step(Job& job, const Sight& sight) {
    auto& flight = flightOf(job);
    switch (job.callback.state) {
    case CallbackState::claimed: // begun by an owner who came no further
        --unengaged_[job.asteriskQueue];
        if (room(job, sight) > 0) {
            ++unengaged_[job.asteriskQueue];
            begin(job, sight);
        } else {
            jobs_.release(job, clock_.now());
        }
        return;
    case CallbackState::intent:
        return stepIntent(job, flight, sight);
    case CallbackState::gated:
    case CallbackState::ringing:
    case CallbackState::answered:
    case CallbackState::connected:
        return stepDialling(job, flight, sight);
    case CallbackState::inDoubt:
        return stepDoubt(job, flight);
    default:
        return;
    }
}

void Engine::stepIntent(Job& job, Flight& flight, const Sight& sight) {
    const auto now = clock_.steady();
    if (isAlive(job, sight)) {
        if (!flight.sentAt) flight.sentAt = now; // sent by an owner before us
        flight.goneSince.reset();
        // Nobody has answered in all its time, or the gate said no and the channel lingers.
        if (now - *flight.sentAt > settings_.answerWithin + settings_.settleAfter * 2) withdraw(job);
        return;
    }
    if (!flight.sentAt) {
        // Not on the board, not through the gate: whether it was ever sent is not known. The same attempt may be sent
        // (again): Asterisk refuses a second channel of this id, and the gate opens once.
        ++figures_.resent;
        send(job, flight);
        return;
    }
    if (!flight.goneSince) flight.goneSince = now;
    const bool failed = flight.answered == false;
    const bool lost = now - *flight.sentAt > settings_.answerWithin + settings_.settleAfter;
    const bool gone = flight.answered == true && now - *flight.goneSince > settings_.settleAfter;
    const bool restarted = !job.startup.empty() && !sight.startup.empty() && job.startup != sight.startup;
    if (failed || lost || gone || restarted) withdraw(job);
}

void Engine::stepDialling(Job& job, Flight& flight, const Sight& sight) {
    const auto now = clock_.steady();
    if (isAlive(job, sight)) {
        flight.goneSince.reset();
        const auto id =
            domain::callbackChannelId(job.callback.id, job.callback.attempt, diallingHalf(policyOf(job).mode));
        const auto leg = sight.legs.find(id);
        if (leg == sight.legs.end() || leg->second == LegState::none) return;
        const auto event = leg->second == LegState::connected  ? CallbackEvent::connect
                           : leg->second == LegState::answered ? CallbackEvent::answer
                                                               : CallbackEvent::ring;
        if (!domain::nextState(job.callback.state, event)) return;
        reach(FailPoint::talking);
        jobs_.progress(job, event);
        return;
    }
    // The dialplan reports by itself, as a rule before the channel is gone from the board.
    if (!flight.goneSince) flight.goneSince = now;
    const bool restarted = !job.startup.empty() && !sight.startup.empty() && job.startup != sight.startup;
    if (!restarted && now - *flight.goneSince < settings_.settleAfter) return;
    const auto id = domain::callbackChannelId(job.callback.id, job.callback.attempt);
    if (const auto outcome = links_.evidence(id)) return settle(job, *outcome);
    if (job.callback.state == CallbackState::connected) return settle(job, CallbackOutcome::reached);
    reach(FailPoint::resultKnown);
    if (!jobs_.doubt(job)) return;
    ++figures_.doubts;
    log_.warning("callback.in_doubt", {{"callback", job.callback.id.str()}, {"attempt", job.callback.attempt}});
}

void Engine::stepDoubt(Job& job, Flight& flight) {
    const auto now = clock_.steady();
    if (!flight.doubtSince) flight.doubtSince = now;
    const auto id = domain::callbackChannelId(job.callback.id, job.callback.attempt);
    if (const auto outcome = links_.evidence(id)) return settle(job, *outcome);
    if (now - *flight.doubtSince < settings_.evidenceWithin) return;
    reach(FailPoint::resultKnown);
    if (jobs_.settleDoubt(job)) ++figures_.settled;
    reach(FailPoint::resultStored);
}

void Engine::settle(const Job& job, CallbackOutcome outcome) {
    reach(FailPoint::resultKnown);
    if (jobs_.settle(job, outcome)) ++figures_.settled;
    reach(FailPoint::resultStored);
}

void Engine::withdraw(const Job& job) {
    if (jobs_.withdraw(job, clock_.now() + settings_.withdrawnFor)) ++figures_.withdrawn;
}

// How many more attempts this callback's queue has agents for, after those who wait since before it was asked for.
int Engine::room(const Job& job, const Sight& sight) const {
    const auto queue = sight.queues.find(job.asteriskQueue);
    if (queue == sight.queues.end()) return 0;
    const auto& waiting = queue->second.waitingSince;
    const auto earlier =
        std::ranges::count_if(waiting, [&](UtcTime since) { return since < job.callback.requestedAt; });
    const auto taken = unengaged_.find(job.asteriskQueue);
    return queue->second.free - static_cast<int>(earlier) - (taken == unengaged_.end() ? 0 : taken->second);
}

const domain::CallbackPolicy& Engine::policyOf(const Job& job) {
    const auto key = job.tenant.str() + '/' + job.callback.queue.str();
    const auto known = policies_.find(key);
    if (known != policies_.end()) return known->second;
    return policies_.emplace(key, jobs_.policy(job.tenant, job.callback.queue)).first->second;
}

void Engine::place(const Sight& sight) {
    if (std::ranges::none_of(sight.queues, [](const auto& entry) { return entry.second.free > 0; })) return;
    // By their turn, as many as there is room for; among these in any order, so that two nodes do not fight for one.
    std::vector<Job> chosen;
    std::unordered_map<std::string, int> counted;
    for (auto& job : jobs_.due(settings_.server, settings_.perQueue)) {
        auto& count = counted[job.asteriskQueue];
        if (room(job, sight) - count <= 0) continue;
        const auto& hours = policyOf(job).hours;
        if (hours && !links_.open(job.tenant, *hours)) continue;
        ++count;
        chosen.push_back(std::move(job));
    }
    std::ranges::shuffle(chosen, random_);
    for (auto& job : chosen) guarded("take", [&] { take(std::move(job), sight); });
}

void Engine::take(Job job, const Sight& sight) {
    reach(FailPoint::beforeClaim);
    if (!jobs_.claim(job, settings_.server, settings_.owner)) return;
    ++figures_.claimed;
    ++unengaged_[job.asteriskQueue];
    reach(FailPoint::claimed);
    begin(job, sight);
}

void Engine::begin(Job& job, const Sight& sight) {
    const auto result = jobs_.intend(job, sight.startup);
    if (result != storage::IntendResult::begun) {
        --unengaged_[job.asteriskQueue];
        return;
    }
    ++figures_.begun;
    reach(FailPoint::begun);
    send(job, flightOf(job));
}

void Engine::send(const Job& job, Flight& flight) {
    auto action = originateAction(job, policyOf(job), settings_.answerWithin);
    const auto answered = [answers = answers_, id = job.callback.id, attempt = job.callback.attempt](bool ok) {
        std::lock_guard lock(answers->mutex);
        answers->come.push_back({id, attempt, ok});
    };
    try {
        sender_.originate(std::move(action), settings_.answerWithin, answered);
    } catch (const Error&) {
        withdraw(job); // not sent, or so it was said: the gate is shut for it from now on either way
        throw;
    }
    flight.sentAt = clock_.steady();
    ++figures_.sent;
    reach(FailPoint::sent);
}

void Engine::sweep(SteadyTime now) {
    if (sweptAt_ && now - *sweptAt_ < settings_.sweepEvery) return;
    jobs_.expire();
    sweptAt_ = now;
}

void Engine::tell() {
    const auto news = jobs_.untold();
    std::vector<storage::CallbackNews> told;
    for (const auto& one : news) {
        links_.tell(one);
        told.push_back(one);
    }
    jobs_.told(told);
}

} // namespace pbx::callbacks
