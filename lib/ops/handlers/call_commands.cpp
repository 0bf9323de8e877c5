// What is done to calls: the request is stored with the Uniqueid of the one channel that it is about.
#include "ops/board_view.hpp"
#include "ops/handlers/command.hpp"

#include <charconv>

namespace pbx::ops {
namespace {

using domain::ActionKind;

constexpr std::chrono::seconds sendWithin{10}; // a call does not wait: later it would be another situation
constexpr int firstWithImmediate = 22;         // Asterisk that moves who waits already

// A call that the caller of this operation may see, as the board has it.
struct Target {
    live::SnapshotPtr board;
    const live::Call* call = nullptr;
    const live::Queue* queue = nullptr; // in which it waits
    const domain::MappedQueue* mapped = nullptr;
};

Target find(Context& context, const BoardView& view, const std::string& id) {
    context.concerns(id);
    for (const auto& board : view.boards()) {
        const auto prefix = live::callKey(board->server, "");
        if (!id.starts_with(prefix)) continue;
        const auto* call = board->calls.find(std::string_view(id).substr(prefix.size()));
        if (!call || !view.sees(board->server, *call)) break;
        if (board->stale)
            throw Error(ErrorCode::unavailable, "the connection to Asterisk " + board->server + " is not in step");
        return {board, call, nullptr, nullptr};
    }
    throw Error::notFound("call", id);
}

// The same, of a caller who waits in a queue.
Target findWaiting(Context& context, const BoardView& view, const std::string& id) {
    auto target = find(context, view, id);
    if (!target.call->queue.empty()) {
        target.queue = target.board->queues.find(target.call->queue);
        target.mapped = view.visibleQueue(target.board->server, target.call->queue);
    }
    if (!target.queue || !target.mapped || !target.queue->caller(target.call->callerUniqueid))
        throw Error(ErrorCode::conflict, "call " + id + " does not wait in a queue");
    return target;
}

storage::NewAction action(const Context& context, ActionKind kind, const Target& target, const std::string& uniqueid) {
    storage::NewAction made;
    made.server = target.board->server;
    made.kind = kind;
    made.call = live::callKey(target.board->server, target.call->linkedid);
    made.parameters["uniqueid"] = uniqueid;
    made.expiresAt = context.now() + sendWithin;
    if (target.mapped) made.queue = target.mapped->queue.id;
    return made;
}

// Who of the call's channels is the agent that talks; nullptr: nobody does.
const live::Channel* agentChannel(const Context& context, const Target& target, AgentId& agent) {
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

Outcome hangup(Context& context, const CallCommandParams& params) {
    const BoardView view(context, context.scope());
    const auto target = find(context, view, params.id);
    return carryOut(context, {action(context, ActionKind::callHangup, target, target.call->callerUniqueid)},
                    params.waitSeconds);
}

Outcome transfer(Context& context, const CallTransferParams& params) {
    if (params.extension.empty() || params.extension.find_first_not_of("0123456789") != std::string::npos)
        throw Error::field("extension", "must be 1 to 7 digits");
    const BoardView view(context, context.scope());
    const auto target = find(context, view, params.id);
    AgentId agent;
    const auto* channel = agentChannel(context, target, agent);
    if (!channel) throw Error(ErrorCode::conflict, "no agent talks in call " + params.id);
    auto wanted = action(context, ActionKind::callTransfer, target, channel->uniqueid);
    wanted.agent = agent;
    wanted.parameters["bridge"] = channel->bridgeId;
    wanted.parameters["extension"] = params.extension;
    // The tenant's own part of the dialplan, by its name: never from outside.
    wanted.parameters["context"] = context.directory().tenant(context.scope().tenant())->name + "-internal";
    return carryOut(context, {wanted}, params.waitSeconds);
}

Outcome removeCaller(Context& context, const CallCommandParams& params) {
    const BoardView view(context, context.scope());
    const auto target = findWaiting(context, view, params.id);
    return carryOut(context, {action(context, ActionKind::queueRemove, target, target.call->callerUniqueid)},
                    params.waitSeconds);
}

void requireImmediate(const live::Snapshot& board) {
    int major = 0;
    const auto& version = board.asteriskVersion;
    std::from_chars(version.data(), version.data() + version.size(), major);
    if (major < firstWithImmediate)
        throw Error(ErrorCode::unsupported, "Asterisk " + (version.empty() ? std::string("(unknown)") : version) +
                                                " does not move a caller who waits already; that takes " +
                                                std::to_string(firstWithImmediate));
}

Outcome prioritise(Context& context, const QueuePrioritiseParams& params) {
    const BoardView view(context, context.scope());
    const auto target = findWaiting(context, view, params.id);
    requireImmediate(*target.board);
    const auto ceiling = context.repositories()
                             .queueConditions.get(domain::Scope(context.scope().tenant()), target.mapped->queue.id)
                             .priorityCeiling;
    if (params.priority > ceiling)
        throw Error::field("priority", "is above the ceiling of queue " + target.mapped->queue.name + ", " +
                                           std::to_string(ceiling));
    auto wanted = action(context, ActionKind::queuePrioritise, target, target.call->callerUniqueid);
    wanted.parameters["priority"] = std::to_string(params.priority);
    return carryOut(context, {wanted}, params.waitSeconds);
}

} // namespace

void addCallCommandHandlers(Handlers& handlers) {
    handlers.onWaiting<CallHangup>(&hangup);
    handlers.onWaiting<CallTransfer>(&transfer);
    handlers.onWaiting<QueueRemoveCaller>(&removeCaller);
    handlers.onWaiting<QueuePrioritiseCaller>(&prioritise);
}

} // namespace pbx::ops
