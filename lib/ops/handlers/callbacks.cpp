// Callbacks: what people ask for. What becomes of it is lib/callbacks' business.
#include "ops/catalogue/callbacks.hpp"
#include "ops/handlers/routing_common.hpp"
#include "routing/desk_board.hpp"

namespace pbx::ops {
namespace {

std::string normalised(const Context& context, const std::string& number) {
    const auto found = routing::normalise(number, countryOf(context));
    if (found.kind != routing::NumberKind::e164 && found.kind != routing::NumberKind::shortCode)
        throw Error::field("number", "is no number that could be called: give it with +, such as +12125550123, or as "
                                     "it is dialled in the tenant's country");
    return found.text;
}

// Nothing for a queue that is gone: its callbacks are shown all the same.
std::optional<std::string> queueIfThere(const Context& context, const QueueId& id) {
    for (const auto& mapped : context.directory().queues())
        if (mapped.queue.id == id) return mapped.queue.name;
    return std::nullopt;
}

CallbackRow row(const Context& context, const domain::Callback& callback) {
    return {callback.id.str(),    queueIfThere(context, callback.queue),
            callback.number,      callback.name,
            callback.note,        callback.state,
            callback.outcome,     callback.dials,
            callback.maxDials,    callback.requestedBy,
            callback.requestedAt, callback.dueAt,
            callback.expiresAt,   callback.endedAt,
            callback.priority};
}

CallbackPage list(Context& context, const CallbackListParams& params) {
    const BoardView view(context, context.scope());
    storage::CallbackFilter filter;
    filter.memberOf = view.ownQueues();
    if (params.queue) filter.queue = context.repositories().queues.get(view.scope(), *params.queue, filter.memberOf).id;
    if (params.number) filter.number = normalised(context, *params.number);
    filter.open = !params.includeEnded.value_or(false);
    const auto found =
        context.repositories().callbacks.list(view.scope(), pageRequest(params.after, params.limit), filter);
    CallbackPage page;
    page.asOf = context.now();
    for (const auto& callback : found.items) page.items.push_back(row(context, callback));
    page.next = nextCursor(found.next);
    return page;
}

CallbackDetail get(Context& context, const Reference& params) {
    const BoardView view(context, context.scope());
    const auto found = context.repositories().callbacks.get(view.scope(), params.id, view.ownQueues());
    const auto flat = row(context, found.callback);
    CallbackDetail detail{flat.id,          flat.queue,       flat.number,      flat.name,
                          flat.note,        flat.state,       flat.outcome,     flat.attempts,
                          flat.maxAttempts, flat.requestedBy, flat.requestedAt, flat.dueAt,
                          flat.expiresAt,   flat.endedAt,     flat.priority,    {}};
    for (const auto& one : found.attempts)
        detail.history.push_back({one.attempt, one.channelId, one.server, one.begunAt, one.gatedAt, one.endedAt,
                                  one.outcome, one.dialStatus, one.hangupCause});
    return detail;
}

// With what priority that number would enter the queue now, where the policy wants it.
int priorityOf(const Context& context, const QueueId& queue, const std::string& number) {
    const auto now = context.now();
    const auto& services = context.services();
    const auto ruling =
        services.desk.rule({context.scope().tenant(), number, routing::Presentation::allowed, std::string(), now});
    if (!ruling.tables->callbackPolicy(queue).useLevels) return 0;
    return routing::priorityIn(*ruling.tables, ruling.rows, {ruling.caller, {}, now}, queue,
                               routing::boardOf(services.boards(), now));
}

CallbackRequestResult request(Context& context, const CallbackRequestParams& params) {
    const BoardView view(context, context.scope());
    storage::NewCallback wanted;
    const auto queue = context.repositories().queues.get(view.scope(), params.queue, view.ownQueues()).id;
    wanted.queue = queue.str();
    wanted.number = allowedNumber(context, params.number).text;
    wanted.name = params.name.value_or("");
    wanted.note = params.note.value_or("");
    wanted.requestedBy = context.principal().login;
    wanted.source = callSource(context);
    wanted.notBefore = params.notBefore;
    wanted.expiresAt = params.expiresAt;
    wanted.priority = priorityOf(context, queue, wanted.number);
    const auto made = context.repositories().callbacks.request(view.scope(), wanted, view.ownQueues());
    const auto& callback = made.callback;
    context.concerns(callback.id.str());
    tellCaps(context, made.alarms);
    return {callback.id.str(), made.existing,     queueIfThere(context, callback.queue).value_or(params.queue),
            callback.number,   callback.state,    callback.requestedAt,
            callback.dueAt,    callback.expiresAt};
}

CallbackCancelResult cancel(Context& context, const Reference& params) {
    const BoardView view(context, context.scope());
    const auto done = context.repositories().callbacks.cancel(view.scope(), params.id, view.ownQueues());
    context.concerns(done.callback.id.str());
    return {done.callback.id.str(), done.cancelled ? CancelResult::cancelled : CancelResult::too_late,
            done.callback.state};
}

CallbackRow retry(Context& context, const Reference& params) {
    const BoardView view(context, context.scope());
    const auto callback =
        context.repositories().callbacks.retry(view.scope(), params.id, callSource(context), view.ownQueues());
    context.concerns(callback.id.str());
    return row(context, callback);
}

} // namespace

void addCallbackHandlers(Handlers& handlers) {
    handlers.on<CallbackList>(&list);
    handlers.on<CallbackGet>(&get);
    handlers.on<CallbackRequest>(&request);
    handlers.on<CallbackCancel>(&cancel);
    handlers.on<CallbackRetry>(&retry);
}

} // namespace pbx::ops
