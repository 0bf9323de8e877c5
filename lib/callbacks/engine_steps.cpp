// What the engine makes of one attempt under way, state by state.
#include "callbacks/engine.hpp"
#include "callbacks/originate.hpp"

#include <algorithm>

namespace pbx::callbacks {

using domain::CallbackEvent;
using domain::CallbackMode;
using domain::CallbackOutcome;
using domain::CallbackState;

namespace {

bool startedAnew(const storage::CallbackJob& job, const Sight& sight) {
    return !job.startup.empty() && !sight.startup.empty() && job.startup != sight.startup;
}

} // namespace

void Engine::step(Job& job, const Sight& sight) {
    auto& flight = flightOf(job);
    switch (job.callback.state) {
    case CallbackState::claimed: // begun by an owner who came no further
        unengaged_[job.asteriskQueue].erase(job.callback.id);
        if (isCutOff(job, sight) || !hasRoom(job, sight)) {
            jobs_.release(job, clock_.now());
            return;
        }
        unengaged_[job.asteriskQueue].emplace(job.callback.id, turns_.at(job.callback.id));
        return begin(job, sight);
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
    if (isAlive(job, sight)) return stepWaiting(job, flight, sight);
    if (startedAnew(job, sight) || (!flight.sentAt && isCutOff(job, sight))) return withdraw(job, {});
    if (!flight.sentAt) {
        // Not on the board, not through the gate: whether it was ever sent is not known. The same attempt may be sent
        // (again): Asterisk refuses a second channel of this id, and the gate opens once.
        if (joining_.contains(job.asteriskQueue)) return;
        ++figures_.resent;
        return send(job, flight, sight);
    }
    if (!flight.goneSince) flight.goneSince = now;
    const bool failed = flight.answered == false;
    const bool lost = !flight.seen && now - *flight.sentAt > settings_.appearWithin;
    const bool gone = (flight.seen || flight.answered) && now - *flight.goneSince > settings_.settleAfter;
    if (failed || lost || gone) withdrawFailed(job, flight);
}

void Engine::stepWaiting(Job& job, Flight& flight, const Sight& sight) {
    const auto now = clock_.steady();
    if (!flight.sentAt) flight.sentAt = now; // sent by an owner before us
    if (!flight.lookedAt) flight.lookedAt = now;
    flight.seen = true;
    flight.goneSince.reset();
    const bool customerFirst = flight.mode == CallbackMode::customerFirst;
    const bool inVain = isCutOff(job, sight) || !isOpen(job); // for an agent; or a customer would be called at night
    const bool misplaced = !inVain && isMisplaced(job, sight);
    if (misplaced) {
        ++moves_.try_emplace(job.callback.id, Moves{now, 0}).first->second.count;
        ++figures_.moved;
    }
    // Asterisk should have ended it; or the gate said no, and the channel lingers.
    const bool overdue = now - *flight.sentAt > settings_.waitFor + settings_.settleAfter * 2;
    if (inVain || misplaced || overdue) {
        withdraw(job, {});
    } else if (now - *flight.lookedAt < settings_.lookEvery) {
        if (customerFirst) letDial(job, flight, sight);
    } else {
        flight.lookedAt = now;
        if (jobs_.blockIfListed(job))
            underWay_.erase({job.callback.id, job.callback.attempt}); // and is hung up
        else if (customerFirst)
            sender_.press(waitingChannel(job), stayKey);
    }
}

// The customer may be dialled: an agent is free beyond all who stand before the one who keeps his place.
void Engine::letDial(const Job& job, Flight& flight, const Sight& sight) {
    const auto now = clock_.steady();
    const auto queue = sight.queues.find(job.asteriskQueue);
    if (queue == sight.queues.end() || (flight.pressedAt && now - *flight.pressedAt < settings_.pressEvery)) return;
    const auto channel = waitingChannel(job);
    const auto& waiting = queue->second.waiting;
    const auto me = std::ranges::find(waiting, channel, &Waiter::channelId);
    auto before = static_cast<int>(me - waiting.begin());
    if (me == waiting.end()) {
        // A queue that may not be joined without agents takes nobody whom no agent may take: his place is reckoned.
        if (now - *flight.sentAt < settings_.joinWithin) return;
        before = positionOf(queue->second, turns_.at(job.callback.id), turns_) - 1;
    }
    if (queue->second.free <= before) return;
    flight.pressedAt = now;
    sender_.press(channel, dialKey);
}

void Engine::stepDialling(Job& job, Flight& flight, const Sight& sight) {
    const auto now = clock_.steady();
    if (isAlive(job, sight)) {
        flight.goneSince.reset();
        const auto id = domain::callbackChannelId(job.callback.id, job.callback.attempt, diallingHalf(flight.mode));
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
    if (!startedAnew(job, sight) && now - *flight.goneSince < settings_.settleAfter) return;
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

// Its channel, if it waits in the queue still, is hung up with the other strays.
void Engine::withdraw(const Job& job, std::chrono::milliseconds notBefore) {
    if (!jobs_.withdraw(job, clock_.now() + notBefore)) return;
    ++figures_.withdrawn;
    underWay_.erase({job.callback.id, job.callback.attempt});
    joining_.erase(job.asteriskQueue);
    unengaged_[job.asteriskQueue].erase(job.callback.id);
}

// What waited long before it ended is begun again at once; what fails at once is not tried four times a second.
void Engine::withdrawFailed(const Job& job, const Flight& flight) {
    const auto lived = flight.sentAt ? clock_.steady() - *flight.sentAt : SteadyTime::duration(0);
    const auto left = settings_.withdrawnFor - std::chrono::duration_cast<std::chrono::milliseconds>(lived);
    withdraw(job, std::max(left, std::chrono::milliseconds(0)));
}

} // namespace pbx::callbacks
