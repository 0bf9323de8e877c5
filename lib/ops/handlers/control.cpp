// Agents in their queues, as asked for: requests are stored here, carried out by whoever drives that Asterisk.
#include "ops/catalogue/control.hpp"
#include "control/standing.hpp"
#include "ops/board_view.hpp"
#include "ops/handlers/command.hpp"

#include <algorithm>

namespace pbx::ops {
namespace {

using domain::ActionKind;

constexpr std::chrono::seconds agentActionFor{60}; // after that it is told as timed out, and stays wanted

// ---- which agent, which queues

// One of the agent's queues: how it shall stand there, or at first how it does.
struct Place {
    domain::Queue queue;
    domain::Standing actual;
    std::optional<domain::Standing> wanted; // none: it was never asked for

    bool member() const { return wanted ? wanted->member : actual.member; }
};

class Desk {
public:
    Desk(Context& context, const std::string& agent)
        : context_(context), view_(context, context.scope()),
          agent_(context.repositories().agents.get(view_.scope(), agent)),
          states_(context.repositories().agentStates.ofAgent(view_.scope().tenant(), agent_.id)) {
        context.concerns(agent_.id.str());
    }

    const domain::Agent& agent() const { return agent_; }

    // The named queues, each once, in the order given.
    std::vector<Place> named(const std::vector<std::string>& names) const {
        std::vector<Place> places;
        for (const auto& name : names) {
            const auto& queue = find(name);
            if (std::ranges::none_of(places, [&](const Place& have) { return have.queue.id == queue.id; }))
                places.push_back(place(queue));
        }
        return places;
    }
    // Where it is a member, or shall be.
    std::vector<Place> all() const {
        return where([](const Place& at) { return at.member() || at.actual.member; });
    }
    // Those of its last login; at first those of its department.
    std::vector<Place> usual() const {
        auto places = where([](const Place& at) { return at.wanted.has_value(); });
        if (places.empty() && agent_.department)
            places = where([&](const Place& at) { return at.queue.department == agent_.department; });
        return places;
    }
    std::vector<Place> namedOrAll(const std::vector<std::string>& names) const {
        if (names.empty()) return all();
        auto places = named(names);
        for (const auto& at : places)
            if (!at.member() && !at.actual.member)
                throw Error(ErrorCode::conflict,
                            "agent " + agent_.name + " is not in queue " + at.queue.name + ": log it in first");
        return places;
    }

    storage::NewAction action(ActionKind kind, const Place& at, storage::StandingChange change,
                              std::map<std::string, std::string> parameters = {}) const {
        change.server = agent_.server;
        change.actual = at.actual;
        return {
            agent_.server,    kind, agent_.id, at.queue.id, {}, std::move(parameters), context_.now() + agentActionFor,
            std::move(change)};
    }

private:
    template <class Wanted>
    std::vector<Place> where(const Wanted& wanted) const {
        std::vector<Place> places;
        for (const auto& mapped : context_.directory().queues()) {
            if (mapped.tenant != view_.scope().tenant() || mapped.queue.server != agent_.server) continue;
            auto at = place(mapped.queue);
            if (wanted(at)) places.push_back(std::move(at));
        }
        std::ranges::sort(places, {}, [](const Place& at) { return at.queue.name; });
        return places;
    }

    // In reach of the caller; for an agent: its department's, and those that it is or was in.
    const domain::Queue& find(const std::string& name) const {
        for (const auto& mapped : context_.directory().queues()) {
            if (mapped.tenant != view_.scope().tenant() || (mapped.queue.id.str() != name && mapped.queue.name != name))
                continue;
            const auto at = place(mapped.queue);
            const bool own =
                at.wanted || at.actual.member || (agent_.department && mapped.queue.department == agent_.department);
            if (view_.scope().self() ? !own : !view_.scope().reaches(mapped.queue.department)) break;
            if (mapped.queue.server != agent_.server)
                throw Error(ErrorCode::conflict, "queue " + mapped.queue.name + " is on Asterisk " +
                                                     mapped.queue.server + ", agent " + agent_.name + " on " +
                                                     agent_.server);
            return mapped.queue;
        }
        throw Error::notFound("queue", name);
    }

    Place place(const domain::Queue& queue) const {
        Place at{queue, {}, {}};
        if (const auto* board = view_.board(queue.server)) {
            const auto* live = board->queues.find(queue.asteriskName);
            at.actual = control::standingOf(live ? live->member(agent_.interface) : nullptr);
        }
        for (const auto& state : states_)
            if (state.queue == queue.id) at.wanted = state.wanted;
        return at;
    }

    Context& context_;
    const BoardView view_;
    const domain::Agent agent_;
    const std::vector<domain::AgentState> states_;
};

std::string list(const std::vector<domain::PauseReason>& reasons) {
    std::string out;
    for (const auto& reason : reasons) out.append(out.empty() ? "" : ", ").append(reason.name);
    return out;
}

// The name of the chosen reason; a tenant that has a catalogue must choose from it.
std::string chosenReason(const Context& context, const std::optional<std::string>& named) {
    const auto reasons = context.repositories().pauseReasons.all(context.scope());
    if (!named) {
        if (!reasons.empty()) throw Error::field("reason", "is required; one of: " + list(reasons));
        return {};
    }
    for (const auto& reason : reasons)
        if (reason.name == *named || reason.id.str() == *named) return reason.name;
    if (reasons.empty()) throw Error::notFound("pause reason", *named);
    throw Error::field("reason", "is not in the tenant's catalogue; one of: " + list(reasons));
}

// ---- the operations

Outcome login(Context& context, const AgentLoginParams& params) {
    const Desk desk(context, params.id);
    const auto places = params.queues.empty() ? desk.usual() : desk.named(params.queues);
    if (places.empty())
        throw Error::field("queues", "is required: agent " + desk.agent().name +
                                         " was in no queue before, and its department has none");
    storage::StandingChange change;
    change.member = true;
    change.penalty = params.penalty;
    std::map<std::string, std::string> parameters;
    if (params.penalty) parameters["penalty"] = std::to_string(*params.penalty);
    if (params.reason) {
        change.paused = true;
        change.pauseReason = parameters["reason"] = chosenReason(context, params.reason);
    }
    std::vector<storage::NewAction> wanted;
    for (const auto& at : places) wanted.push_back(desk.action(ActionKind::agentLogin, at, change, parameters));
    return carryOut(context, wanted, params.waitSeconds);
}

Outcome logout(Context& context, const AgentQueuesParams& params) {
    const Desk desk(context, params.id);
    storage::StandingChange change;
    change.member = false;
    std::vector<storage::NewAction> wanted;
    for (const auto& at : params.queues.empty() ? desk.all() : desk.named(params.queues))
        wanted.push_back(desk.action(ActionKind::agentLogout, at, change));
    return carryOut(context, wanted, params.waitSeconds);
}

std::vector<Place> placesToChange(const Desk& desk, const std::vector<std::string>& names) {
    auto places = desk.namedOrAll(names);
    if (places.empty())
        throw Error(ErrorCode::conflict, "agent " + desk.agent().name + " is in no queue: log it in first");
    return places;
}

Outcome pause(Context& context, const AgentPauseParams& params) {
    const Desk desk(context, params.id);
    storage::StandingChange change;
    change.paused = true;
    change.pauseReason = chosenReason(context, params.reason);
    std::vector<storage::NewAction> wanted;
    for (const auto& at : placesToChange(desk, params.queues))
        wanted.push_back(desk.action(ActionKind::agentPause, at, change, {{"reason", change.pauseReason}}));
    return carryOut(context, wanted, params.waitSeconds);
}

Outcome unpause(Context& context, const AgentQueuesParams& params) {
    const Desk desk(context, params.id);
    storage::StandingChange change;
    change.paused = false;
    std::vector<storage::NewAction> wanted;
    for (const auto& at : placesToChange(desk, params.queues))
        wanted.push_back(desk.action(ActionKind::agentUnpause, at, change));
    return carryOut(context, wanted, params.waitSeconds);
}

Outcome setPenalty(Context& context, const AgentPenaltyParams& params) {
    const Desk desk(context, params.id);
    storage::StandingChange change;
    change.penalty = params.penalty;
    std::vector<storage::NewAction> wanted;
    for (const auto& at : placesToChange(desk, params.queues))
        wanted.push_back(
            desk.action(ActionKind::agentPenalty, at, change, {{"penalty", std::to_string(params.penalty)}}));
    return carryOut(context, wanted, params.waitSeconds);
}

// ---- what became of it

ActionPage listActions(Context& context, const ActionListParams& params) {
    const auto scope = context.scope();
    storage::ActionFilter filter;
    if (params.agent) filter.agent = context.repositories().agents.get(scope, *params.agent).id;
    if (params.queue)
        filter.queue =
            context.repositories().queues.get(scope, *params.queue, BoardView(context, scope).ownQueues()).id;
    filter.state = params.state;
    filter.idempotencyKey = params.key;
    const auto found = context.repositories().actions.list(scope, pageRequest(params.after, params.limit), filter);
    ActionPage page;
    page.asOf = context.now();
    for (const auto& action : found.items) page.items.push_back(actionRow(context.directory(), action));
    page.next = nextCursor(found.next);
    return page;
}

ActionRow getAction(Context& context, const Reference& params) {
    return actionRow(context.directory(), context.repositories().actions.get(context.scope(), params.id));
}

} // namespace

void addControlHandlers(Handlers& handlers) {
    handlers.onWaiting<AgentLogin>(&login);
    handlers.onWaiting<AgentLogout>(&logout);
    handlers.onWaiting<AgentPause>(&pause);
    handlers.onWaiting<AgentUnpause>(&unpause);
    handlers.onWaiting<AgentSetPenalty>(&setPenalty);
    handlers.on<ActionList>(&listActions);
    handlers.on<ActionGet>(&getAction);
}

} // namespace pbx::ops
