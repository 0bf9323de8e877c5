// What is done to calls: the request is stored with the Uniqueid of the one channel that it is about.
#include "ops/catalogue/calls.hpp"
#include "ops/handlers/call_target.hpp"
#include "ops/handlers/routing_common.hpp"

#include "base/random.hpp"

namespace pbx::ops {
namespace {

using domain::ActionKind;

Outcome hangup(Context& context, const CallCommandParams& params) {
    const BoardView view(context, context.scope());
    const auto target = findCall(context, view, params.id);
    return carryOut(context, {callAction(context, ActionKind::callHangup, target, target.call->callerUniqueid)},
                    params.waitSeconds);
}

Outcome transfer(Context& context, const CallTransferParams& params) {
    if (params.extension.empty() || params.extension.find_first_not_of("0123456789") != std::string::npos)
        throw Error::field("extension", "must be 1 to 7 digits");
    const BoardView view(context, context.scope());
    const auto target = findCall(context, view, params.id);
    AgentId agent;
    const auto* channel = agentChannel(context, target, agent);
    if (!channel) throw Error(ErrorCode::conflict, "no agent talks in call " + params.id);
    auto wanted = callAction(context, ActionKind::callTransfer, target, channel->uniqueid);
    wanted.agent = agent;
    wanted.parameters["bridge"] = channel->bridgeId;
    wanted.parameters["extension"] = params.extension;
    // What the tenant's phones may dial, by its name: never from outside.
    wanted.parameters["context"] = context.directory().tenant(context.scope().tenant())->name + "-agents";
    return carryOut(context, {wanted}, params.waitSeconds);
}

Outcome removeCaller(Context& context, const CallCommandParams& params) {
    const BoardView view(context, context.scope());
    const auto target = findWaiting(context, view, params.id);
    return carryOut(context, {callAction(context, ActionKind::queueRemove, target, target.call->callerUniqueid)},
                    params.waitSeconds);
}

void requireImmediate(const live::Snapshot& board) {
    const auto& version = board.asteriskVersion;
    if (!movesWhoWaits(board))
        throw Error(ErrorCode::unsupported, "Asterisk " + (version.empty() ? std::string("(unknown)") : version) +
                                                " does not move a caller who waits already; that takes " +
                                                std::to_string(firstWithImmediate));
}

int ceilingOf(const Context& context, const QueueId& queue) {
    return context.repositories().queueConditions.get(domain::Scope(context.scope().tenant()), queue).priorityCeiling;
}

Outcome prioritise(Context& context, const QueuePrioritiseParams& params) {
    const BoardView view(context, context.scope());
    const auto target = findWaiting(context, view, params.id);
    requireImmediate(*target.board);
    const auto ceiling = ceilingOf(context, target.mapped->queue.id);
    if (params.priority > ceiling)
        throw Error::field("priority", "is above the ceiling of queue " + target.mapped->queue.name + ", " +
                                           std::to_string(ceiling));
    auto wanted = callAction(context, ActionKind::queuePrioritise, target, target.call->callerUniqueid);
    wanted.parameters["priority"] = std::to_string(params.priority);
    return carryOut(context, {wanted}, params.waitSeconds);
}

// As for call.originate: the tenant pays for that call.
Outcome transferToNumber(Context& context, const CallTarget& target, const QueueTransferParams& params) {
    const auto number = allowedNumber(context, *params.number).text;
    auto wanted = callAction(context, ActionKind::queueTransfer, target, target.call->callerUniqueid);
    wanted.parameters["number"] = wanted.parameters["detail"] = number;
    reserveCall(context, number);
    return carryOut(context, {wanted}, params.waitSeconds);
}

Outcome transferCaller(Context& context, const QueueTransferParams& params) {
    const BoardView view(context, context.scope());
    const auto target = findWaiting(context, view, params.id);
    if (params.queue.has_value() == params.number.has_value())
        throw Error::field("queue", "or number must be given, and not both");
    if (params.number) return transferToNumber(context, target, params);
    const auto to = context.repositories().queues.get(view.scope(), *params.queue, view.ownQueues());
    if (to.id == target.mapped->queue.id)
        throw Error(ErrorCode::conflict, "the caller waits in " + to.name + " already");
    if (to.server != target.board->server)
        throw Error(ErrorCode::conflict,
                    "queue " + to.name + " is on Asterisk " + to.server + ", the caller on " + target.board->server);
    auto wanted = callAction(context, ActionKind::queueTransfer, target, target.call->callerUniqueid);
    wanted.parameters["to"] = to.id.str();
    wanted.parameters["detail"] = to.name;
    wanted.parameters["ceiling"] = std::to_string(ceilingOf(context, to.id));
    return carryOut(context, {wanted}, params.waitSeconds);
}

// "acme/2026-11-23/1763881234-12-k3j2h.wav", below Asterisk's folder of recordings.
std::string recordingName(const Context& context, const std::string& uniqueid) {
    std::string call;
    for (const char c : uniqueid)
        call += (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ? c : '-';
    return context.directory().tenant(context.scope().tenant())->name + '/' +
           formatRfc3339(context.now()).substr(0, 10) + '/' + call + '-' + randomText(5) + ".wav";
}

Outcome record(Context& context, const CallRecordParams& params) {
    const BoardView view(context, context.scope());
    const auto target = findCall(context, view, params.id);
    const auto& uniqueid = target.call->callerUniqueid; // recorded to its end, whoever it is put through to
    auto wanted = callAction(context, ActionKind::callRecord, target, uniqueid);
    const std::string what(Choices<RecordAction>::texts[static_cast<std::size_t>(params.action)]);
    wanted.parameters["action"] = what;
    if (params.action == RecordAction::start) {
        if (!target.board->systemAccount)
            throw Error(ErrorCode::unsupported,
                        "recording needs the second AMI account of Asterisk " + target.board->server +
                            ", and it is not connected: see sys_user and sys_secret_file of [asterisk." +
                            target.board->server + "], and [pbxd-sys] in Asterisk's manager.conf");
        wanted.parameters["file"] = wanted.parameters["detail"] = recordingName(context, uniqueid);
    } else {
        wanted.parameters["detail"] = what;
    }
    return carryOut(context, {wanted}, params.waitSeconds);
}

} // namespace

void addCallCommandHandlers(Handlers& handlers) {
    handlers.onWaiting<CallHangup>(&hangup);
    handlers.onWaiting<CallTransfer>(&transfer);
    handlers.onWaiting<CallRecord>(&record);
    handlers.onWaiting<QueueRemoveCaller>(&removeCaller);
    handlers.onWaiting<QueuePrioritiseCaller>(&prioritise);
    handlers.onWaiting<QueueTransferCaller>(&transferCaller);
}

} // namespace pbx::ops
