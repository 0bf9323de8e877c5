#include "control/standing.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace pbx::control {
namespace {

constexpr std::size_t longestReason = 80;

std::string parameter(const domain::Action& action, const std::string& name) {
    const auto at = action.parameters.find(name);
    return at == action.parameters.end() ? std::string() : at->second;
}

bool samePause(const domain::Standing& a, const domain::Standing& b) {
    return a.paused == b.paused && (!a.paused || a.pauseReason == b.pauseReason);
}

} // namespace

domain::Standing standingOf(const live::Member* member) {
    if (!member) return {};
    domain::Standing standing{true, std::max(member->penalty, 0), member->paused, {}};
    const bool storable = member->pausedReason.size() <= longestReason && isUtf8(member->pausedReason) &&
                          member->pausedReason.find('\0') == std::string::npos;
    if (member->paused && storable) standing.pauseReason = member->pausedReason;
    return standing;
}

bool sameStanding(const domain::Standing& a, const domain::Standing& b) {
    if (a.member != b.member || !a.member) return a.member == b.member;
    return a.penalty == b.penalty && samePause(a, b);
}

std::optional<Step> nextStep(const domain::Standing& wanted, const domain::Standing& actual) {
    if (wanted.member != actual.member) return wanted.member ? Step::add : Step::remove;
    if (!wanted.member) return std::nullopt;
    if (!samePause(wanted, actual)) return Step::pause; // first: who shall be paused gets no call
    if (wanted.penalty != actual.penalty) return Step::penalty;
    return std::nullopt;
}

domain::Standing afterStep(Step step, const domain::Standing& wanted, domain::Standing actual) {
    switch (step) {
    case Step::add:
        return wanted;
    case Step::remove:
        return {};
    case Step::pause:
        actual.paused = wanted.paused;
        actual.pauseReason = wanted.pauseReason;
        return actual;
    case Step::penalty:
        actual.penalty = wanted.penalty;
        return actual;
    }
    return actual;
}

bool shows(const domain::Standing& actual, Step step, const domain::Standing& wanted) {
    switch (step) {
    case Step::add:
        return actual.member;
    case Step::remove:
        return !actual.member;
    case Step::pause:
        return !actual.member || samePause(actual, wanted);
    case Step::penalty:
        return !actual.member || actual.penalty == wanted.penalty;
    }
    return false;
}

bool satisfies(const domain::Standing& standing, const domain::Action& action) {
    using domain::ActionKind;
    const auto reason = parameter(action, "reason");
    const auto penalty = parameter(action, "penalty");
    switch (action.kind) {
    case ActionKind::agentLogin: // what it does not speak of may be anything
        return standing.member && (penalty.empty() || std::to_string(standing.penalty) == penalty) &&
               (reason.empty() || (standing.paused && standing.pauseReason == reason));
    case ActionKind::agentLogout:
        return !standing.member;
    case ActionKind::agentPause:
        return standing.member && standing.paused && standing.pauseReason == reason;
    case ActionKind::agentUnpause:
        return !standing.member || !standing.paused;
    case ActionKind::agentPenalty:
        return standing.member && std::to_string(standing.penalty) == penalty;
    default:
        return false;
    }
}

} // namespace pbx::control
