#include "ops/handlers/call_target.hpp"

#include "base/random.hpp"
#include "domain/callback.hpp"

#include <charconv>

namespace pbx::ops {
namespace {

constexpr std::chrono::seconds sendWithin{10}; // a call does not wait: later it would be another situation

void requireInStep(const live::Snapshot& board) {
    if (board.stale)
        throw Error(ErrorCode::unavailable, "the connection to Asterisk " + board.server + " is not in step");
}

} // namespace

CallTarget findCall(Context& context, const BoardView& view, const std::string& id) {
    context.concerns(id);
    for (const auto& board : view.boards()) {
        const auto prefix = live::callKey(board->server, "");
        if (!id.starts_with(prefix)) continue;
        const auto* call = board->calls.find(std::string_view(id).substr(prefix.size()));
        if (!call || !view.sees(board->server, *call)) break;
        requireInStep(*board);
        return {board, call, nullptr, nullptr};
    }
    throw Error::notFound("call", id);
}

CallTarget findWaiting(Context& context, const BoardView& view, const std::string& id) {
    auto target = findCall(context, view, id);
    if (!target.call->queue.empty()) {
        target.queue = target.board->queues.find(target.call->queue);
        target.mapped = view.visibleQueue(target.board->server, target.call->queue);
    }
    const auto& uniqueid = target.call->callerUniqueid;
    if (!target.queue || !target.mapped || !target.queue->caller(uniqueid))
        throw Error(ErrorCode::conflict, "call " + id + " does not wait in a queue");
    if (domain::parseCallbackChannelId(uniqueid))
        throw Error(ErrorCode::conflict, "call " + id + " keeps the place of a callback: see callback.cancel");
    return target;
}

bool movesWhoWaits(const live::Snapshot& board) {
    int major = 0;
    const auto& version = board.asteriskVersion;
    std::from_chars(version.data(), version.data() + version.size(), major);
    return major >= firstWithImmediate;
}

const live::Channel* agentChannel(const Context& context, const CallTarget& target, AgentId& agent) {
    for (const auto& uniqueid : target.call->channels) {
        const auto* channel = target.board->channels.find(uniqueid);
        if (!channel || channel->bridgeId.empty()) continue;
        const auto* mapped =
            context.directory().agentByInterface(target.board->server, domain::interfaceOfChannel(channel->name));
        if (!mapped || mapped->tenant != context.scope().tenant()) continue;
        agent = mapped->agent.id;
        return channel;
    }
    return nullptr;
}

storage::NewAction callAction(const Context& context, domain::ActionKind kind, const CallTarget& target,
                              const std::string& uniqueid) {
    storage::NewAction made;
    made.server = target.board->server;
    made.kind = kind;
    made.call = live::callKey(target.board->server, target.call->linkedid);
    made.parameters["uniqueid"] = uniqueid;
    made.expiresAt = context.now() + sendWithin;
    if (target.mapped) made.queue = target.mapped->queue.id;
    return made;
}

Phone findPhone(Context& context, const std::optional<std::string>& agent) {
    const auto scope = context.scope();
    const auto& own = context.principal().agent;
    if (!agent && !own) throw Error::field("agent", "is required: you are no agent yourself");
    auto& agents = context.repositories().agents;
    Phone phone{agent ? agents.get(scope, *agent) : agents.get(domain::Scope(scope.tenant()), own->str()), nullptr};
    for (auto& board : context.services().boards())
        if (board->server == phone.agent.server) phone.board = board;
    if (!phone.board)
        throw Error(ErrorCode::unavailable, "Asterisk " + phone.agent.server + " is not configured on this node");
    requireInStep(*phone.board);
    return phone;
}

storage::NewAction phoneAction(const Context& context, domain::ActionKind kind, const Phone& phone) {
    storage::NewAction made;
    made.server = phone.agent.server;
    made.kind = kind;
    made.agent = phone.agent.id;
    made.expiresAt = context.now() + sendWithin;
    const auto uniqueid = "pbxc-" + randomText(20); // a callback's begins otherwise
    made.parameters["uniqueid"] = uniqueid;
    made.call = live::callKey(phone.agent.server, uniqueid);
    return made;
}

} // namespace pbx::ops
