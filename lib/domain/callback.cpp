#include "domain/callback.hpp"

#include <algorithm>
#include <span>

namespace pbx::domain {
namespace {

using S = CallbackState;
using E = CallbackEvent;

// The whole machine. What is not here does not happen.
constexpr CallbackTransition transitions[] = {
    {S::queued, E::claim, S::claimed},
    {S::queued, E::cancel, S::cancelled},
    {S::queued, E::expire, S::expired},
    {S::queued, E::block, S::blocked},
    {S::queued, E::reopen, S::queued}, // wanted now: its time of waiting ends

    {S::claimed, E::adopt, S::claimed},
    {S::claimed, E::release, S::queued},
    {S::claimed, E::intend, S::intent},
    {S::claimed, E::cancel, S::cancelled},
    {S::claimed, E::expire, S::expired},
    {S::claimed, E::block, S::blocked},

    {S::intent, E::adopt, S::intent},
    {S::intent, E::withdraw, S::queued},
    {S::intent, E::gate, S::gated},
    {S::intent, E::cancel, S::cancelled}, // its Originate, if any, finds the gate shut
    {S::intent, E::expire, S::expired},
    {S::intent, E::block, S::blocked},

    // Events that tell of progress may be missed, so each later one may come in any earlier state.
    {S::gated, E::adopt, S::gated},
    {S::gated, E::ring, S::ringing},
    {S::gated, E::answer, S::answered},
    {S::gated, E::connect, S::connected},
    {S::gated, E::complete, S::done},
    {S::gated, E::missNoAnswer, S::noAnswer},
    {S::gated, E::missBusy, S::busy},
    {S::gated, E::doubt, S::inDoubt},

    {S::ringing, E::adopt, S::ringing},
    {S::ringing, E::answer, S::answered},
    {S::ringing, E::connect, S::connected},
    {S::ringing, E::complete, S::done},
    {S::ringing, E::missNoAnswer, S::noAnswer},
    {S::ringing, E::missBusy, S::busy},
    {S::ringing, E::doubt, S::inDoubt},

    {S::answered, E::adopt, S::answered},
    {S::answered, E::connect, S::connected},
    {S::answered, E::complete, S::done},
    {S::answered, E::missNoAnswer, S::noAnswer}, // a machine, or the agent left
    {S::answered, E::missBusy, S::busy},
    {S::answered, E::doubt, S::inDoubt},

    // Who talked to an agent was reached, whatever ended the call: nobody is rung again for a cut line.
    {S::connected, E::adopt, S::connected},
    {S::connected, E::complete, S::done},

    {S::noAnswer, E::retry, S::retryAt},
    {S::noAnswer, E::giveUp, S::failed},
    {S::busy, E::retry, S::retryAt},
    {S::busy, E::giveUp, S::failed},

    {S::retryAt, E::claim, S::claimed}, // when it is due
    {S::retryAt, E::cancel, S::cancelled},
    {S::retryAt, E::expire, S::expired},
    {S::retryAt, E::block, S::blocked},
    {S::retryAt, E::reopen, S::queued},
    {S::retryAt, E::complete, S::done}, // a late record: was reached after all

    // A late record settles it; else the tenant's policy does.
    {S::inDoubt, E::adopt, S::inDoubt},
    {S::inDoubt, E::complete, S::done},
    {S::inDoubt, E::missNoAnswer, S::noAnswer},
    {S::inDoubt, E::missBusy, S::busy},
    {S::inDoubt, E::retry, S::retryAt},
    {S::inDoubt, E::giveUp, S::failed},
    {S::inDoubt, E::cancel, S::cancelled},
    {S::inDoubt, E::expire, S::expired},

    {S::failed, E::reopen, S::queued},
    {S::expired, E::reopen, S::queued},
};

constexpr std::array<std::string_view, callbackStates> stateTokens{
    "queued",    "claimed", "intent",   "gated",    "ringing", "answered",  "connected", "done",
    "no_answer", "busy",    "retry_at", "in_doubt", "failed",  "cancelled", "expired",   "blocked"};
constexpr std::array<std::string_view, callbackEvents> eventTokens{
    "claim",          "adopt",     "release", "intend", "withdraw", "gate",   "ring",   "answer", "connect", "complete",
    "miss_no_answer", "miss_busy", "doubt",   "retry",  "give_up",  "cancel", "expire", "block",  "reopen"};
constexpr std::array<std::string_view, callbackOutcomes> outcomeTokens{
    "reached",    "busy",        "no_answer", "declined",     "machine", "unreachable",
    "agent_gone", "not_dialled", "unknown",   "called_again", "adopted"};
constexpr std::array<std::string_view, 2> modeTokens{"agent_first", "customer_first"};
constexpr std::array<std::string_view, 3> returnTokens{"off", "cancel", "adopt"};

template <class Enum>
std::optional<Enum> find(std::span<const std::string_view> tokens, std::string_view token) {
    const auto at = std::ranges::find(tokens, token);
    if (at == tokens.end()) return std::nullopt;
    return static_cast<Enum>(at - tokens.begin());
}

constexpr std::string_view channelPrefix = "pbxd-";
constexpr std::string_view base32 = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::string_view idPrefix = "r_";
constexpr std::size_t idDigits = 16;
constexpr std::size_t attemptDigits = 4;

} // namespace

std::vector<CallbackTransition> callbackTransitions() { return {std::begin(transitions), std::end(transitions)}; }

std::optional<CallbackState> nextState(CallbackState state, CallbackEvent event) {
    for (const auto& one : transitions)
        if (one.from == state && one.event == event) return one.to;
    return std::nullopt;
}

std::vector<CallbackState> statesTaking(CallbackEvent event) {
    std::vector<CallbackState> out;
    for (const auto& one : transitions)
        if (one.event == event) out.push_back(one.from);
    std::ranges::sort(out);
    return out;
}

bool isFinal(CallbackState state) {
    return state == S::done || state == S::failed || state == S::cancelled || state == S::expired ||
           state == S::blocked;
}

bool isDialling(CallbackState state) {
    return state == S::gated || state == S::ringing || state == S::answered || state == S::connected;
}

std::string_view stateToken(CallbackState state) { return stateTokens[static_cast<std::size_t>(state)]; }
std::optional<CallbackState> parseCallbackState(std::string_view token) {
    return find<CallbackState>(stateTokens, token);
}
std::string_view eventToken(CallbackEvent event) { return eventTokens[static_cast<std::size_t>(event)]; }
std::string_view outcomeToken(CallbackOutcome outcome) { return outcomeTokens[static_cast<std::size_t>(outcome)]; }
std::optional<CallbackOutcome> parseCallbackOutcome(std::string_view token) {
    return find<CallbackOutcome>(outcomeTokens, token);
}
std::string_view modeToken(CallbackMode mode) { return modeTokens[static_cast<std::size_t>(mode)]; }
std::optional<CallbackMode> parseCallbackMode(std::string_view token) { return find<CallbackMode>(modeTokens, token); }
std::string_view returnToken(CallbackReturn what) { return returnTokens[static_cast<std::size_t>(what)]; }
std::optional<CallbackReturn> parseCallbackReturn(std::string_view token) {
    return find<CallbackReturn>(returnTokens, token);
}
CallbackOutcome outcomeOf(CallbackReturn what) {
    return what == CallbackReturn::adopt ? CallbackOutcome::adopted : CallbackOutcome::calledAgain;
}

CallbackEvent eventOf(CallbackOutcome outcome) {
    switch (outcome) {
    case CallbackOutcome::reached:
        return E::complete;
    case CallbackOutcome::busy:
    case CallbackOutcome::declined:
        return E::missBusy;
    case CallbackOutcome::unknown:
        return E::doubt;
    case CallbackOutcome::noAnswer:
    case CallbackOutcome::machine:
    case CallbackOutcome::unreachable:
    case CallbackOutcome::agentGone:
    case CallbackOutcome::notDialled:
    case CallbackOutcome::calledAgain:
    case CallbackOutcome::adopted:
        break;
    }
    return E::missNoAnswer;
}

CallbackOutcome outcomeOf(const DialReport& report) {
    static constexpr int causeBusy = 17, causeNoAnswer = 18, causeNoAnswerFromUser = 19, causeRejected = 21;
    const auto& status = report.dialStatus;
    if (status.empty()) return CallbackOutcome::notDialled;
    if (status == "ANSWER") {
        if (!report.keyPressed.value_or(true)) return CallbackOutcome::machine;
        return report.agentTook.value_or(true) ? CallbackOutcome::reached : CallbackOutcome::agentGone;
    }
    if (status == "CANCEL") return CallbackOutcome::agentGone;
    if (report.hangupCause == causeRejected) return CallbackOutcome::declined;
    if (status == "BUSY" || report.hangupCause == causeBusy) return CallbackOutcome::busy;
    if (status == "NOANSWER" || report.hangupCause == causeNoAnswer || report.hangupCause == causeNoAnswerFromUser)
        return CallbackOutcome::noAnswer;
    return CallbackOutcome::unreachable; // CHANUNAVAIL, CONGESTION, DONTCALL, TORTURE, INVALIDARGS
}

std::array<std::optional<std::chrono::seconds>, attemptOutcomes> RetryPolicy::defaultDelays() {
    using std::chrono::minutes;
    std::array<std::optional<std::chrono::seconds>, attemptOutcomes> out;
    const auto set = [&](CallbackOutcome outcome, minutes delay) { out[static_cast<std::size_t>(outcome)] = delay; };
    set(CallbackOutcome::busy, minutes(5));
    set(CallbackOutcome::noAnswer, minutes(15));
    set(CallbackOutcome::declined, minutes(60));
    set(CallbackOutcome::machine, minutes(60));
    set(CallbackOutcome::unreachable, minutes(30));
    set(CallbackOutcome::agentGone, minutes(1));
    set(CallbackOutcome::notDialled, minutes(1));
    set(CallbackOutcome::unknown, minutes(10));
    return out;
}

std::optional<UtcTime> nextAttempt(const RetryPolicy& policy, CallbackOutcome outcome, int dials, int doubts,
                                   UtcTime ended, UtcTime expires) {
    const auto delay = policy.delayAfter(outcome);
    if (!delay || outcome == CallbackOutcome::reached || dials >= policy.maxDials) return std::nullopt;
    if (outcome == CallbackOutcome::unknown && doubts > policy.maxDoubts) return std::nullopt;
    const auto at = ended + *delay;
    if (at >= expires) return std::nullopt;
    return at;
}

std::string callbackChannelId(const CallbackId& id, int attempt, int half) {
    std::string out(channelPrefix);
    out.append(id.str(), std::min(idPrefix.size(), id.str().size()));
    const auto number = static_cast<unsigned>(attempt);
    for (int shift = 15; shift >= 0; shift -= 5) out += base32[(number >> static_cast<unsigned>(shift)) & 31U];
    if (half == 2) out += 'x';
    return out;
}

std::optional<CallbackChannel> parseCallbackChannelId(std::string_view text) {
    constexpr auto size = channelPrefix.size() + idDigits + attemptDigits;
    CallbackChannel out;
    if (text.size() == size + 1 && text.back() == 'x') {
        out.half = 2;
        text.remove_suffix(1);
    }
    if (text.size() != size || !text.starts_with(channelPrefix)) return std::nullopt;
    text.remove_prefix(channelPrefix.size());
    if (text.find_first_not_of(base32) != std::string_view::npos) return std::nullopt;
    out.id = CallbackId(std::string(idPrefix).append(text.substr(0, idDigits)));
    for (const char c : text.substr(idDigits)) out.attempt = out.attempt * 32 + static_cast<int>(base32.find(c));
    return out;
}

} // namespace pbx::domain
