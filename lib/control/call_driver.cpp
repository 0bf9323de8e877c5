#include "control/call_driver.hpp"

#include "control/verbs.hpp"

#include <charconv>
#include <utility>

namespace pbx::control {
namespace {

constexpr std::chrono::seconds outcomeWithin{30}; // then the sweep tells it as unknown, should we not be there any more

constexpr std::chrono::milliseconds askAgainAfter{250};

constexpr auto lost = "the connection to Asterisk ended before its answer: look before you try again";

int numberOf(const std::string& text) {
    int value = -1;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

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
        if (action.state == ActionState::sent)
            end(work, ActionState::unknown, "who sent it stopped before its outcome: look before you try again");
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
        if (answer.kind == Kind::success && answer.found)
            work.phase = Phase::checked;
        else if (answer.kind == Kind::success || answer.kind == Kind::refused)
            end(work, ActionState::rejected, "extension " + parameter(work, "extension") + " does not exist there");
        else
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
    } else if (answer.kind == Kind::refused || answer.kind == Kind::cancelled)
        end(work, ActionState::rejected, answer.text);
    else if (answer.sent)
        end(work, ActionState::unknown, lost);
    else
        end(work, ActionState::rejected, "not sent: the connection to Asterisk had ended");
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
        if (happened(work))
            end(work, ActionState::confirmed, "");
        else if (clock_.steady() - work.agreedAt >= timings_.show)
            end(work, ActionState::unknown, "Asterisk agreed, and has not shown it: look before you try again");
        else if (work.action.kind == ActionKind::queuePrioritise && clock_.steady() >= work.notBefore)
            submit(work, verbs::queueStatus(queueOf(work)), Phase::proving,
                   [uniqueid = parameter(work, "uniqueid"), priority = parameter(work, "priority")](const auto& item) {
                       return item.get("Uniqueid") == uniqueid && item.get("Priority") == priority;
                   });
        return;
    case Phase::checking:
    case Phase::sent:
    case Phase::proving:
        return; // Asterisk has the word; its answer, or that there is none, always comes
    }
}

void CallDriver::begin(Work& work) {
    const auto* channel = board_->channels.find(parameter(work, "uniqueid"));
    if (!channel || channel->hangingUp) {
        end(work, ActionState::rejected, "the call has ended");
        return;
    }
    const bool inQueue = work.action.kind == ActionKind::queueRemove || work.action.kind == ActionKind::queuePrioritise;
    if (inQueue) {
        const auto* queue = board_->queues.find(queueOf(work));
        if (!queue || !queue->caller(channel->uniqueid)) {
            end(work, ActionState::rejected, "the caller does not wait in that queue any more");
            return;
        }
    }
    try {
        if (work.action.kind == ActionKind::callTransfer && work.phase == Phase::fresh)
            submit(work, verbs::showDialPlan(parameter(work, "context"), parameter(work, "extension")), Phase::checking,
                   [](const auto& item) { return item.has("Extension"); });
        else
            send(work, *channel);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::invalidArgument) throw;
        end(work, ActionState::rejected, error.text()); // a name that must not go out
    }
}

void CallDriver::send(Work& work, const live::Channel& channel) {
    auto action = [&] {
        switch (work.action.kind) {
        case ActionKind::callTransfer:
            return verbs::blindTransfer(channel.name, parameter(work, "context"), parameter(work, "extension"));
        case ActionKind::queueRemove:
            return verbs::queueWithdrawCaller(queueOf(work), channel.name);
        case ActionKind::queuePrioritise:
            return verbs::queueChangePriorityCaller(queueOf(work), channel.name, numberOf(parameter(work, "priority")));
        default:
            return verbs::hangup(channel.name);
        }
    }();
    if (!stores_.actions.claim(work.action, *lease_, clock_.now() + outcomeWithin)) {
        work.done = true; // the sweep was faster, or the lease is gone
        return;
    }
    work.action.state = ActionState::sent;
    work.action.sentAt = clock_.now();
    hooks_.progress(work.action);
    if (!line_.lease()) {
        end(work, ActionState::rejected, "not sent: another node drives this Asterisk now");
        return;
    }
    submit(work, std::move(action), Phase::sent);
}

void CallDriver::submit(Work& work, ami::Action action, Phase phase, std::function<bool(const ami::Message&)> wanted) {
    const auto before = std::exchange(work.phase, phase);
    const auto found = std::make_shared<bool>(false);
    ami::ActionHandlers handlers;
    if (wanted)
        handlers.onItem = [found, wanted = std::move(wanted)](const ami::Message& item) {
            *found = *found || wanted(item);
        };
    handlers.onDone = [answers = answers_, id = work.action.id, phase, found,
                       wake = hooks_.wake](const ami::Result& result) {
        answers->put({id, phase, result.kind, result.sent, *found,
                      result.message ? std::string(result.message->get("Message")) : ""});
        wake();
    };
    try {
        line_.submit(std::move(action), timings_.answer, std::move(handlers));
    } catch (const Error& error) {
        if (error.code() != ErrorCode::unavailable) throw;
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

// Whether the board shows the effect.
bool CallDriver::happened(const Work& work) const {
    if (board_->stale) return false;
    const auto* channel = board_->channels.find(parameter(work, "uniqueid"));
    switch (work.action.kind) {
    case ActionKind::callHangup:
        return !channel || channel->hangingUp;
    case ActionKind::callTransfer:
        return !channel || channel->hangingUp || channel->bridgeId != parameter(work, "bridge");
    case ActionKind::queueRemove: {
        const auto* queue = board_->queues.find(queueOf(work));
        return !queue || !queue->caller(parameter(work, "uniqueid"));
    }
    default:
        return false; // no event tells it: Asterisk is asked
    }
}

void CallDriver::end(Work& work, ActionState state, const std::string& reason) {
    stores_.actions.finish(work.action, *lease_, state, reason);
    work.done = true;
    work.action.state = state;
    work.action.reason = reason;
    work.action.finishedAt = clock_.now();
    hooks_.progress(work.action);
}

std::string CallDriver::queueOf(const Work& work) const {
    const auto directory = directory_.get();
    const auto* queue = work.action.queue ? directory->queue(*work.action.queue) : nullptr;
    const bool ours = queue && queue->tenant == work.action.tenant && queue->queue.server == line_.server();
    return ours ? queue->queue.asteriskName : std::string();
}

std::string CallDriver::parameter(const Work& work, const std::string& name) {
    const auto at = work.action.parameters.find(name);
    return at == work.action.parameters.end() ? std::string() : at->second;
}

} // namespace pbx::control
