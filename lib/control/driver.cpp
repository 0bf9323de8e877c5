#include "control/driver.hpp"

#include "control/verbs.hpp"

#include <algorithm>
#include <utility>

namespace pbx::control {

using domain::Action;
using domain::ActionState;
using domain::Standing;

Driver::Driver(Line& line, storage::Repositories& stores, const domain::DirectoryHolder& directory, const Clock& clock,
               const Log& log, Hooks hooks, DriverTimings timings)
    : line_(line), stores_(stores), directory_(directory), clock_(clock), log_(log.with({{"asterisk", line.server()}})),
      hooks_(std::move(hooks)), timings_(timings), answers_(std::make_shared<Inbox<Answer>>()) {}

void Driver::turn(std::int64_t newest) {
    const auto lease = line_.lease();
    if (!lease || !lease_ || lease->epoch != lease_->epoch || lease->owner != lease_->owner) forget();
    lease_ = lease;
    busy_ = false;
    if (!lease_) return;
    if (newest > seq_) load(newest);
    board_ = line_.snapshot();
    names_ = directory_.get();
    takeAnswers();
    for (auto& [key, pair] : pairs_) {
        look(pair);
        busy_ = busy_ || pair.sent || !pair.open.empty();
    }
    settleAll();
}

void Driver::forget() {
    pairs_.clear();
    toSettle_.clear();
    seq_ = -1;
    answers_ = std::make_shared<Inbox<Answer>>();
}

void Driver::load(std::int64_t newest) {
    const auto states = stores_.agentStates.ofServer(line_.server(), seq_);
    const auto actions = stores_.actions.open(line_.server(), seq_);
    for (const auto& state : states) pairs_[keyOf(state)].state = state;
    for (const auto& action : actions) {
        if (action.seq > newest) break; // its state may have been stored after we read the states: the next time
        if (!domain::isAgentAction(action.kind) || !action.agent || !action.queue) continue;
        const auto at = pairs_.find({action.tenant, *action.agent, *action.queue});
        if (at == pairs_.end()) continue; // agent or queue was deleted: the action runs out
        auto& open = at->second.open;
        if (std::ranges::none_of(open, [&](const Action& have) { return have.id == action.id; }))
            open.push_back(action);
        at->second.retryAt = {};
    }
    // A full page of open ones: the next turn loads the rest.
    const bool all = actions.size() < static_cast<std::size_t>(storage::ActionRepository::openAtOnce);
    seq_ = all ? newest : std::min(newest, actions.back().seq);
}

void Driver::takeAnswers() {
    answers_->each([this](const Answer& answer) {
        const auto at = pairs_.find(answer.key);
        if (at != pairs_.end() && at->second.sent) take(at->second, answer);
    });
}

void Driver::take(Pair& pair, const Answer& answer) {
    using Kind = ami::Result::Kind;
    switch (answer.kind) {
    case Kind::success:
        pair.sent->answered = true;
        return;
    case Kind::refused:
    case Kind::cancelled:
        refused(pair, answer.text);
        return;
    case Kind::timedOut:
    case Kind::disconnected:
        // It may have had its effect: the board tells. If not, it is sent again.
        if (answer.sent)
            pair.sent->answered = true;
        else
            pair.sent.reset();
        later(pair);
        return;
    }
}

// What Asterisk calls an error and is none: it is as wanted already.
void Driver::refused(Pair& pair, const std::string& words) {
    const auto step = pair.sent->step;
    const bool already = (step == Step::add && words.ends_with("Already there")) ||
                         (step == Step::remove && words.ends_with("Not there"));
    if (already) {
        pair.sent->answered = true;
        for (auto& action : pair.open)
            if (action.kind == (step == Step::add ? domain::ActionKind::agentLogin : domain::ActionKind::agentLogout))
                end(action, ActionState::confirmed, "");
        std::erase_if(pair.open, [](const Action& action) { return !domain::isOpen(action.state); });
        return;
    }
    const bool overtaken = pair.sent->seq != pair.state.seq; // what was refused is not wanted any more
    pair.sent.reset();
    later(pair);
    if (overtaken) return;
    if (!std::exchange(pair.toldRefusal, true))
        log_.warning("control.refused", {{"agent", pair.state.agent}, {"queue", pair.state.queue}, {"text", words}});
    if (pair.open.empty()) return; // after a restart: tried again, and shown as differing
    const auto names = namesOf(pair.state);
    if (names && board_->stale) return; // what would be wanted instead is not known: asked again when it is
    const auto actual = names ? actualOf(*names) : Standing{};
    // Who asked is told no: nobody wants it any more, and whoever looks after the answer sees that.
    stores_.agentStates.adopt(pair.state, actual, board_->startup);
    pair.state.wanted = actual;
    pair.state.settled = true;
    pair.state.run = board_->startup;
    for (auto& action : pair.open)
        if (!satisfies(actual, action)) end(action, ActionState::rejected, words);
    std::erase_if(pair.open, [](const Action& action) { return !domain::isOpen(action.state); });
}

void Driver::look(Pair& pair) {
    dropOvertaken(pair);
    const auto now = clock_.now();
    std::erase_if(pair.open, [&](const Action& action) { return action.expiresAt <= now; }); // the sweep tells its end
    const auto names = namesOf(pair.state);
    if (!names || board_->stale) return;
    const auto actual = actualOf(*names);
    if (pair.sent && !seen(pair, actual)) {
        // Something newer is wanted, and Asterisk has answered: it goes out behind the one that we have not seen.
        if (!pair.sent->answered || pair.sent->seq == pair.state.seq) return;
        const auto step = nextStep(pair.state.wanted, pair.sent->assumed);
        if (step) send(keyOf(pair.state), pair, *step, pair.sent->assumed, *names);
        return;
    }
    dropEnded(pair, actual);
    const auto step = nextStep(pair.state.wanted, actual);
    const bool sameRun = pair.state.settled && pair.state.run == board_->startup;
    if (!step) {
        if (!sameRun) toSettle_.push_back(pair.state);
        pair.backoff = {};
        pair.toldRefusal = false;
    } else if (sameRun) {
        log_.info("control.adopted", {{"agent", pair.state.agent}, {"queue", pair.state.queue}});
        stores_.agentStates.adopt(pair.state, actual, board_->startup);
        pair.state.wanted = actual;
    } else if (clock_.steady() >= pair.retryAt) {
        send(keyOf(pair.state), pair, *step, actual, *names);
    }
}

// A request that something newer contradicts, ours or another hand's, will not be fulfilled.
void Driver::dropOvertaken(Pair& pair) {
    for (auto& action : pair.open)
        if (!satisfies(pair.state.wanted, action))
            end(action, ActionState::rejected,
                action.seq < pair.state.seq ? "overtaken by a newer request"
                                            : "it was changed in Asterisk by another hand meanwhile");
    std::erase_if(pair.open, [](const Action& action) { return !domain::isOpen(action.state); });
}

void Driver::dropEnded(Pair& pair, const Standing& actual) {
    for (auto& action : pair.open)
        if (satisfies(actual, action)) end(action, ActionState::confirmed, "");
    std::erase_if(pair.open, [](const Action& action) { return !domain::isOpen(action.state); });
}

// Whether the board can be believed again: it shows the last step, or had time enough to.
bool Driver::seen(Pair& pair, const Standing& actual) {
    if (!pair.sent->answered) return false;
    const auto since = clock_.steady() - pair.sent->at;
    const bool shown = shows(actual, pair.sent->step, pair.sent->wanted);
    if (shown ? pair.sent->doubtful && since < timings_.doubt : since < timings_.show) return false;
    if (!shown) later(pair);
    pair.sent.reset();
    return true;
}

void Driver::send(const Key& key, Pair& pair, Step step, const Standing& base, const Names& names) {
    const auto& wanted = pair.state.wanted;
    const auto action = [&] {
        switch (step) {
        case Step::add:
            return verbs::queueAdd(names.queue, names.interface, names.member, wanted.penalty, wanted.paused,
                                   wanted.pauseReason);
        case Step::remove:
            return verbs::queueRemove(names.queue, names.interface);
        case Step::pause:
            return verbs::queuePause(names.queue, names.interface, wanted.paused, wanted.pauseReason);
        case Step::penalty:
            break;
        }
        return verbs::queuePenalty(names.queue, names.interface, wanted.penalty);
    };
    const bool doubtful = pair.sent.has_value();
    try {
        auto ready = action();
        if (!claim(pair)) return;
        pair.sent = Sent{step, wanted, afterStep(step, wanted, base), pair.state.seq, false, doubtful, clock_.steady()};
        line_.submit(std::move(ready), timings_.answer,
                     {.onDone = [answers = answers_, key, wake = hooks_.wake](const ami::Result& result) {
                         answers->put({key, result.kind, result.sent,
                                       result.message ? std::string(result.message->get("Message")) : ""});
                         wake();
                     }});
    } catch (const Error& error) {
        pair.sent.reset();
        later(pair);
        if (error.code() == ErrorCode::invalidArgument) { // a name that must not go out
            pair.sent = Sent{step, wanted, base, pair.state.seq, true, false, clock_.steady()};
            refused(pair, error.text());
        } else if (error.code() != ErrorCode::unavailable) {
            throw;
        }
    }
}

// Committed before a byte goes out. False: the lease is gone, somebody else drives.
bool Driver::claim(Pair& pair) {
    for (auto& action : pair.open) {
        if (action.state != ActionState::accepted) continue;
        if (!stores_.actions.claim(action, *lease_, action.expiresAt)) continue; // the sweep was faster, or the lease
        action.state = ActionState::sent;
        action.sentAt = clock_.now();
        hooks_.progress(action);
    }
    return line_.lease().has_value();
}

void Driver::settleAll() {
    if (toSettle_.empty()) return;
    stores_.agentStates.settle(toSettle_, board_->startup);
    for (const auto& state : toSettle_) {
        auto& mine = pairs_[keyOf(state)].state;
        mine.settled = true;
        mine.run = board_->startup;
    }
    toSettle_.clear();
}

void Driver::end(Action& action, ActionState state, const std::string& reason) {
    stores_.actions.finish(action, *lease_, state, reason);
    action.state = state;
    action.reason = reason;
    action.finishedAt = clock_.now();
    hooks_.progress(action);
}

void Driver::later(Pair& pair) {
    pair.backoff = std::min(std::max(pair.backoff * 2, timings_.retry), timings_.longest);
    pair.retryAt = clock_.steady() + pair.backoff;
}

std::optional<Driver::Names> Driver::namesOf(const domain::AgentState& state) const {
    const auto* agent = names_->agent(state.agent);
    const auto* queue = names_->queue(state.queue);
    const auto* tenant = names_->tenant(state.tenant);
    if (!agent || !queue || !tenant || agent->tenant != state.tenant || queue->tenant != state.tenant ||
        agent->agent.server != line_.server() || queue->queue.server != line_.server())
        return std::nullopt;
    return Names{queue->queue.asteriskName, agent->agent.interface, tenant->name + '-' + agent->agent.name};
}

Standing Driver::actualOf(const Names& names) const {
    const auto* queue = board_->queues.find(names.queue);
    return standingOf(queue ? queue->member(names.interface) : nullptr);
}

} // namespace pbx::control
