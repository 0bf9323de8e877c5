#include "ops/handlers/command.hpp"

#include "ops/board_view.hpp"

#include <algorithm>
#include <array>

namespace pbx::ops {
namespace {

using domain::ActionState;

// The one that is least done speaks for all.
ActionState together(const std::vector<domain::Action>& actions) {
    static constexpr std::array order{ActionState::rejected, ActionState::unknown,  ActionState::timedOut,
                                      ActionState::expired,  ActionState::accepted, ActionState::sent};
    for (const auto state : order)
        if (std::ranges::any_of(actions, [&](const auto& action) { return action.state == state; })) return state;
    return ActionState::confirmed;
}

CommandResult result(const Services& services, const std::vector<domain::Action>& actions) {
    CommandResult out;
    out.state = together(actions);
    out.asOf = services.clock.now();
    const auto directory = services.directory.get();
    for (const auto& action : actions) out.actions.push_back(actionRow(*directory, action));
    return out;
}

} // namespace

ActionRow actionRow(const domain::Directory& directory, const domain::Action& action) {
    ActionRow out;
    out.id = action.id.str();
    out.kind = domain::actionKindText(action.kind);
    out.state = action.state;
    out.reason = unlessEmpty(action.reason);
    if (action.agent)
        if (const auto* agent = directory.agent(*action.agent)) out.agent = agent->agent.name;
    if (action.queue)
        if (const auto* queue = directory.queue(*action.queue)) out.queue = queue->queue.name;
    out.callId = unlessEmpty(action.call);
    if (const auto at = action.parameters.find("detail"); at != action.parameters.end()) out.detail = at->second;
    out.server = action.server;
    out.login = action.login;
    out.idempotencyKey = unlessEmpty(action.idempotencyKey);
    out.createdAt = action.createdAt;
    out.sentAt = action.sentAt;
    out.finishedAt = action.finishedAt;
    return out;
}

Outcome carryOut(Context& context, const std::vector<storage::NewAction>& wanted,
                 const std::optional<std::int32_t>& waitSeconds) {
    const auto& services = context.services();
    if (wanted.empty()) return Value::of(result(services, {}));
    const auto watch = services.watchActions(context.repositories().actions.request(
        context.scope().tenant(), context.principal().login, context.idempotencyKey(), wanted));
    const std::chrono::seconds wait(waitSeconds.value_or(usualWait));
    if (wait.count() == 0) return Value::of(result(services, watch->actions()));
    return Waiting{services.clock.steady() + wait, [&services, watch](bool expired) -> std::optional<Value> {
                       if (!expired && !watch->ended()) return std::nullopt;
                       return Value::of(result(services, watch->actions()));
                   }};
}

} // namespace pbx::ops
