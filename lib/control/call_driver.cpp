#include "control/call_driver.hpp"

#include <utility>

namespace pbx::control {
namespace {

// Then the sweep tells it as unknown, should we not be there any more.
constexpr std::chrono::seconds outcomeWithin{30};
constexpr std::chrono::seconds answerWithin{5}; // beyond the phone's ringing, for Asterisk to tell its outcome

constexpr std::chrono::milliseconds askAgainAfter{250};

constexpr auto lost = "the connection to Asterisk ended before its answer: look before you try again";
constexpr auto leftAlone = "who sent it stopped before its outcome: look before you try again";

} // namespace

using domain::ActionKind;
using domain::ActionState;

CallDriver::CallDriver(Line& line, storage::Repositories& stores, const domain::DirectoryHolder& directory,
                       const Clock& clock, Driver::Hooks hooks, DriverTimings timings)
    : line_(line), stores_(stores), directory_(directory), clock_(clock), hooks_(std::move(hooks)), timings_(timings),
      answers_(std::make_shared<Inbox<Answer>>()) {}

void CallDriver::turn(std::int64_t newest) {
    const auto lease = line_.lease();
    if (!lease || !lease_ || lease->epoch != lease_->epoch || lease->owner != lease_->owner) forget();
    lease_ = lease;
    if (!lease_) return;
    if (newest > seq_) load(newest);
    board_ = line_.snapshot();
    takeAnswers();
    for (auto& [id, work] : works_) look(work);
    std::erase_if(works_, [](const auto& one) { return one.second.done; });
}

void CallDriver::forget() {
    works_.clear();
    seq_ = -1;
    answers_ = std::make_shared<Inbox<Answer>>();
}

void CallDriver::load(std::int64_t newest) {
    const auto actions = stores_.actions.open(line_.server(), seq_);
    for (const auto& action : actions) {
        if (action.seq > newest) break;
        if (domain::isAgentAction(action.kind) || works_.contains(action.id)) continue;
        auto& work = works_[action.id];
        work.action = action;
        // Sent under a lease that is over, by us or another: nobody knows its answer.
        if (action.state != ActionState::sent) continue;
        if (steps::makesChannel(action.kind))
            work.phase = Phase::found;
        else
            end(work, ActionState::unknown, leftAlone);
    }
    const bool all = actions.size() < static_cast<std::size_t>(storage::ActionRepository::openAtOnce);
    seq_ = all ? newest : std::min(newest, actions.back().seq);
}

void CallDriver::takeAnswers() {
    answers_->each([this](const Answer& answer) {
        const auto at = works_.find(answer.id);
        if (at != works_.end() && at->second.phase == answer.phase && !at->second.done) take(at->second, answer);
    });
}

void CallDriver::take(Work& work, const Answer& answer) {
    using Kind = ami::Result::Kind;
    if (answer.phase == Phase::checking) {
        if (answer.kind == Kind::success && answer.found) {
            work.phase = Phase::checked;
            work.told = answer.value;
        } else if (answer.kind == Kind::success || answer.kind == Kind::refused) {
            const auto asked = steps::question(work.action, *board_);
            end(work, ActionState::rejected, asked ? asked->missing : "the call has ended");
        } else
            again(work, Phase::fresh); // nothing has happened: asked again until the action's time is over
        return;
    }
    if (answer.phase == Phase::proving) {
        if (answer.kind == Kind::success && answer.found)
            end(work, ActionState::confirmed, "");
        else
            again(work, Phase::answered);
        return;
    }
    if (answer.kind == Kind::success) {
        work.phase = Phase::answered;
        work.agreedAt = clock_.steady();
        if (work.action.kind == ActionKind::callOriginate) end(work, ActionState::confirmed, "");
    } else if (answer.kind == Kind::refused || answer.kind == Kind::cancelled)
        end(work, ActionState::rejected, answer.why.empty() ? answer.text : steps::whyNotAnswered(answer.why));
    else if (!answer.sent)
        end(work, ActionState::rejected, "not sent: the connection to Asterisk had ended");
    else if (steps::makesChannel(work.action.kind))
        work.phase = Phase::found; // its channel tells, when the board is there again
    else
        end(work, ActionState::unknown, lost);
}

void CallDriver::look(Work& work) {
    if (work.done) return;
    switch (work.phase) {
    case Phase::fresh:
    case Phase::checked:
        if (work.action.expiresAt <= clock_.now()) {
            work.done = true; // the sweep tells its end
        } else if (!board_->stale && clock_.steady() >= work.notBefore) {
            begin(work);
        }
        return;
    case Phase::answered:
        if (steps::happened(work.action, *board_, namesOf(work)))
            end(work, ActionState::confirmed, "");
        else if (clock_.steady() - work.agreedAt >= timings_.show)
            end(work, ActionState::unknown, "Asterisk agreed, and has not shown it: look before you try again");
        else if (auto question = steps::proof(work.action, namesOf(work));
                 question && clock_.steady() >= work.notBefore)
            submit(work, std::move(question->action), Phase::proving, std::move(question->found));
        return;
    case Phase::found:
        lookFor(work);
        return;
    case Phase::checking:
    case Phase::sent:
    case Phase::proving:
        return; // Asterisk has the word; its answer, or that there is none, always comes
    }
}

// A phone that rings may yet be answered: as long as our channel is there the outcome is open.
void CallDriver::lookFor(Work& work) {
    if (work.action.expiresAt <= clock_.now()) {
        work.done = true; // the sweep tells its end
        return;
    }
    if (board_->stale) return;
    if (steps::happened(work.action, *board_, namesOf(work)))
        end(work, ActionState::confirmed, "");
    else if (!board_->channels.find(steps::parameter(work.action, "uniqueid")))
        end(work, ActionState::unknown, leftAlone);
}

void CallDriver::begin(Work& work) {
    const auto names = namesOf(work);
    auto obstacle = steps::obstacle(work.action, *board_, names);
    if (obstacle.empty()) obstacle = stopped(work);
    if (!obstacle.empty()) {
        end(work, ActionState::rejected, obstacle);
        return;
    }
    try {
        if (auto question = steps::question(work.action, *board_); question && work.phase == Phase::fresh)
            submit(work, std::move(question->action), Phase::checking, std::move(question->found));
        else
            send(work, names);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::invalidArgument && error.code() != ErrorCode::unsupported) throw;
        end(work, ActionState::rejected, error.text()); // a name that must not go out, or an account that is not there
    }
}

// Asked once more at the last moment: a switch that was thrown holds for what waits already.
std::string CallDriver::stopped(const Work& work) {
    if (steps::parameter(work.action, "number").empty()) return {}; // it dials nobody
    const auto stop = stores_.outboundGuard.stopped(work.action.tenant);
    return stop ? "calls on request are stopped: " + stop->reason : std::string();
}

void CallDriver::send(Work& work, const steps::Names& names) {
    auto action = steps::effect(work.action, *board_, names, work.told);
    const auto within = steps::makesChannel(work.action.kind) ? steps::phoneRings + outcomeWithin : outcomeWithin;
    if (!stores_.actions.claim(work.action, *lease_, clock_.now() + within)) {
        work.done = true; // the sweep was faster, or the lease is gone
        return;
    }
    work.action.state = ActionState::sent;
    work.action.sentAt = clock_.now();
    work.action.expiresAt = clock_.now() + within;
    hooks_.progress(work.action);
    if (!line_.lease()) {
        end(work, ActionState::rejected, "not sent: another node drives this Asterisk now");
        return;
    }
    submit(work, std::move(action), Phase::sent);
}

void CallDriver::submit(Work& work, ami::Action action, Phase phase, std::function<bool(const ami::Message&)> wanted) {
    const auto before = std::exchange(work.phase, phase);
    const bool rings = phase == Phase::sent && steps::makesChannel(work.action.kind);
    const auto found = std::make_shared<bool>(false);
    const bool list = static_cast<bool>(wanted);
    ami::ActionHandlers handlers;
    if (rings) handlers.awaitEvent = "OriginateResponse";
    if (list)
        handlers.onItem = [found, wanted = std::move(wanted)](const ami::Message& item) {
            *found = *found || wanted(item);
        };
    handlers.onDone = [answers = answers_, id = work.action.id, phase, found, list,
                       wake = hooks_.wake](const ami::Result& result) {
        const auto header = [&](std::string_view name) {
            return result.message ? std::string(result.message->get(name)) : std::string();
        };
        auto value = header("Value");
        const bool there = list ? *found : !value.empty();
        answers->put(
            {id, phase, result.kind, result.sent, there, header("Message"), std::move(value), header("Reason")});
        wake();
    };
    try {
        line_.submit(std::move(action), rings ? steps::phoneRings + answerWithin : timings_.answer,
                     std::move(handlers));
    } catch (const Error& error) {
        const bool never = error.code() == ErrorCode::unsupported;
        if (error.code() != ErrorCode::unavailable && !never) throw;
        if (phase == Phase::sent)
            end(work, ActionState::rejected, "not sent: " + error.text());
        else
            again(work, before);
    }
}

void CallDriver::again(Work& work, Phase phase) {
    work.phase = phase;
    work.notBefore = clock_.steady() + askAgainAfter;
}

void CallDriver::end(Work& work, ActionState state, const std::string& reason) {
    stores_.actions.finish(work.action, *lease_, state, reason);
    work.done = true;
    work.action.state = state;
    work.action.reason = reason;
    work.action.finishedAt = clock_.now();
    hooks_.progress(work.action);
}

steps::Names CallDriver::namesOf(const Work& work) const {
    return steps::namesOf(work.action, *directory_.get(), line_.server());
}

} // namespace pbx::control
