#include "control/standing.hpp"
#include "ops/board_view.hpp"
#include "ops/handlers/choices.hpp"

#include <algorithm>
#include <array>

namespace pbx::ops {
namespace {

AgentRow row(const BoardView& view, const domain::Agent& agent) {
    return {agent.id.str(), agent.name,      agent.title,
            agent.server,   agent.interface, unlessEmpty(view.departmentName(agent.department)),
            agent.createdAt};
}

AgentPage list(Context& context, const AgentListParams& params) {
    const BoardView view(context, context.scope());
    const auto found = context.repositories().agents.list(view.scope(), pageRequest(params.after, params.limit),
                                                          chosenDepartment(context, params.department));
    AgentPage page;
    page.asOf = context.now();
    for (const auto& agent : found.items) page.items.push_back(row(view, agent));
    page.next = nextCursor(found.next);
    return page;
}

// How it shall stand in the queues that the caller may see; an agent sees all of its own.
std::vector<AgentDesiredRow> desired(const Context& context, const BoardView& view, const domain::Agent& agent) {
    std::vector<AgentDesiredRow> rows;
    const auto* board = view.board(agent.server);
    for (const auto& state : context.repositories().agentStates.ofAgent(view.scope().tenant(), agent.id)) {
        const auto* queue = context.directory().queue(state.queue);
        if (!queue || !view.scope().reaches(queue->queue.department)) continue;
        const auto* live = board ? board->queues.find(queue->queue.asteriskName) : nullptr;
        const auto actual = control::standingOf(live ? live->member(agent.interface) : nullptr);
        rows.push_back({queue->queue.name, state.wanted.member, state.wanted.penalty, state.wanted.paused,
                        unlessEmpty(state.wanted.pauseReason), !control::sameStanding(state.wanted, actual),
                        state.changedBy, state.changedAt});
    }
    std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.queue < b.queue; });
    return rows;
}

AgentDetail get(Context& context, const Reference& params) {
    const BoardView view(context, context.scope());
    const auto agent = context.repositories().agents.get(view.scope(), params.id);
    AgentDetail detail{agent.id.str(),
                       agent.name,
                       agent.title,
                       agent.server,
                       agent.interface,
                       unlessEmpty(view.departmentName(agent.department)),
                       {},
                       desired(context, view, agent),
                       agent.createdAt};
    const auto stays = context.repositories().agents.departmentHistory(view.scope(), agent.id.str());
    for (auto stay = stays.rbegin(); stay != stays.rend(); ++stay)
        detail.departmentHistory.push_back(
            {unlessEmpty(view.departmentName(stay->department)), stay->since, stay->until});
    return detail;
}

const domain::Agent& findVisible(const Context& context, const BoardView& view, const std::string& idOrName) {
    for (const auto& mapped : context.directory().agents())
        if (mapped.tenant == view.scope().tenant() &&
            (mapped.agent.id.str() == idOrName || mapped.agent.name == idOrName) &&
            view.visibleAgent(mapped.agent.server, mapped.agent.interface))
            return mapped.agent;
    throw Error::notFound("agent", idOrName);
}

// Which of two states says more about the person; the phone is one, the queues are many.
std::size_t strength(MemberState state) {
    static constexpr std::array order{MemberState::unknown, MemberState::unavailable, MemberState::free,
                                      MemberState::paused,  MemberState::wrapup,      MemberState::busy,
                                      MemberState::on_hold, MemberState::ringing,     MemberState::in_call};
    return static_cast<std::size_t>(std::find(order.begin(), order.end(), state) - order.begin());
}

void addMembership(AgentStatusResult& result, const BoardView& view, const live::Queue& queue,
                   const live::Member& member, UtcTime now) {
    const auto row = memberRow(view, result.server, member, now);
    const auto* mapped = view.visibleQueue(result.server, queue.name);
    const bool stronger = !result.loggedIn || strength(row.state) > strength(result.state);
    if (stronger) result.state = row.state;
    result.loggedIn = true;
    if (row.callId && (stronger || !result.callId)) {
        result.callId = row.callId;
        result.talkingTo = row.talkingTo;
        result.inCallSince = row.inCallSince;
        if (mapped) result.callQueue = mapped->queue.name;
    }
    if (!mapped) return;
    result.queues.push_back({mapped->queue.name,
                             row.state,
                             row.penalty,
                             row.paused,
                             row.pausedReason,
                             row.pausedSince,
                             {},
                             false,
                             row.callsTaken,
                             row.lastCallAt,
                             row.wrapupUntil});
}

// The tenant's pauses; the agent is shown without their limits when the database is away.
std::vector<domain::PauseReason> pauseReasons(const Context& context) {
    try {
        return context.repositories().pauseReasons.all(context.scope());
    } catch (const Error& error) {
        context.services().warn("agent.pause_limits_unknown", error);
        return {};
    }
}

// Which pauses have a limit, and which are beyond it. Only a paused agent costs a look into the catalogue.
void addPauseLimits(const Context& context, AgentStatusResult& result) {
    const auto limited = [](const AgentMembership& at) { return at.paused && at.pausedReason && at.pausedSince; };
    if (std::none_of(result.queues.begin(), result.queues.end(), limited)) return;
    const auto reasons = pauseReasons(context);
    for (auto& at : result.queues)
        for (const auto& reason : reasons)
            if (limited(at) && reason.name == *at.pausedReason && reason.limitMinutes > 0) {
                at.pauseLimitAt = *at.pausedSince + std::chrono::minutes(reason.limitMinutes);
                at.pauseExceeded = *at.pauseLimitAt < context.now();
            }
}

AgentStatusResult status(Context& context, const Reference& params) {
    const BoardView view(context, context.scope());
    const auto& agent = findVisible(context, view, params.id);
    const auto fresh = view.freshnessOf(agent.server);
    AgentStatusResult result;
    result.id = agent.id.str();
    result.name = agent.name;
    result.title = agent.title;
    result.server = agent.server;
    result.interface = agent.interface;
    result.department = unlessEmpty(view.departmentName(agent.department));
    result.asOf = fresh.asOf;
    result.stale = fresh.stale;
    const auto* board = view.board(agent.server);
    if (!board) return result;
    if (const auto* peer = board->peers.find(agent.interface); peer && peer->reachable != live::Tristate::unknown)
        result.reachable = peer->reachable == live::Tristate::yes;
    for (const auto* queue : board->queues.sorted())
        if (const auto* member = queue->member(agent.interface))
            addMembership(result, view, *queue, *member, context.now());
    addPauseLimits(context, result);
    return result;
}

// "acme-x@other-101" would be a name of acme's at another company's phone, "acme-trunk-main" a line to the outside.
void requireOwnPhone(const Context& context, std::string_view interface) {
    requireOwnName(context, "interface", std::string(interface));
    if (context.isOperator()) return;
    const auto name = interface.substr(interface.find('/') + 1);
    const auto technology = interface.substr(0, interface.find('/'));
    const auto trunk = context.directory().tenant(context.scope().tenant())->name + "-trunk-";
    if ((technology != "PJSIP" && technology != "SIP") || name.find_first_of("/@") != std::string_view::npos ||
        name.starts_with(trunk))
        throw Error::field("interface", "must be a phone: PJSIP/ or SIP/ and its name, no trunk's and without '@'; an "
                                        "operator can take over another one");
}

AgentRow create(Context& context, const AgentCreateParams& params) {
    requireOwnPhone(context, params.interface);
    const auto agent = context.repositories().agents.create(
        context.scope(), {params.name, params.title, chosenServer(context, params.server), params.interface,
                          chosenDepartment(context, params.department)});
    context.concerns(agent.id.str());
    context.services().reloadDirectory();
    return row(BoardView(context, context.scope()), agent);
}

AgentRow update(Context& context, const AgentUpdateParams& params) {
    // What an operator took over for the tenant may be sent back as it is.
    if (params.interface &&
        context.repositories().agents.get(context.scope(), params.id).interface != *params.interface)
        requireOwnPhone(context, *params.interface);
    storage::AgentChange change;
    change.title = params.title;
    change.interface = params.interface;
    change.department = changedDepartment(context, params.department);
    const auto agent = context.repositories().agents.update(context.scope(), params.id, change);
    context.concerns(agent.id.str());
    context.services().reloadDirectory();
    return row(BoardView(context, context.scope()), agent);
}

Done remove(Context& context, const Reference& params) {
    const auto agent = context.repositories().agents.get(context.scope(), params.id);
    context.concerns(agent.id.str());
    context.repositories().agents.remove(context.scope(), agent.id.str());
    context.services().reloadDirectory();
    return {agent.id.str()};
}

} // namespace

void addAgentHandlers(Handlers& handlers) {
    handlers.on<AgentList>(&list);
    handlers.on<AgentGet>(&get);
    handlers.on<AgentStatus>(&status);
    handlers.on<AgentCreate>(&create);
    handlers.on<AgentUpdate>(&update);
    handlers.on<AgentDelete>(&remove);
}

} // namespace pbx::ops
