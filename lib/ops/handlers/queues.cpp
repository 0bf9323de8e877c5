#include "domain/callback.hpp"
#include "ops/board_view.hpp"
#include "ops/handlers/applied.hpp"
#include "ops/handlers/choices.hpp"

#include <algorithm>

namespace pbx::ops {
namespace {

QueueRow row(const BoardView& view, const AppliedView& applied, const domain::Queue& queue) {
    const auto* board = view.board(queue.server);
    return {queue.id.str(),
            queue.name,
            queue.title,
            queue.server,
            queue.asteriskName,
            unlessEmpty(view.departmentName(queue.department)),
            queue.wrapupSeconds,
            board && board->queues.find(queue.asteriskName) != nullptr,
            applied.of(queue.server),
            queue.createdAt};
}

QueuePage list(Context& context, const QueueListParams& params) {
    const BoardView view(context, context.scope());
    const auto found =
        context.repositories().queues.list(view.scope(), pageRequest(params.after, params.limit),
                                           chosenDepartment(context, params.department), view.ownQueues());
    const auto fresh = view.freshness();
    QueuePage page;
    page.asOf = fresh.asOf;
    page.stale = fresh.stale;
    const AppliedView applied(context);
    for (const auto& queue : found.items) page.items.push_back(row(view, applied, queue));
    page.next = nextCursor(found.next);
    return page;
}

void count(QueueCounts& counts, const QueueMember& member) {
    ++counts.members;
    switch (member.state) {
    case MemberState::free:
        ++counts.free;
        break;
    case MemberState::ringing:
        ++counts.ringing;
        break;
    case MemberState::in_call:
    case MemberState::busy:
    case MemberState::on_hold:
        ++counts.inCall;
        break;
    case MemberState::wrapup:
        ++counts.wrapup;
        break;
    case MemberState::paused:
        ++counts.paused;
        break;
    case MemberState::unavailable:
        ++counts.unavailable;
        break;
    case MemberState::unknown:
        break;
    }
}

// The queue by the directory, which is in memory: what is asked most needs no database.
const domain::Queue& findVisible(const Context& context, const BoardView& view, const std::string& idOrName) {
    for (const auto& mapped : context.directory().queues())
        if (mapped.tenant == view.scope().tenant() &&
            (mapped.queue.id.str() == idOrName || mapped.queue.name == idOrName) &&
            view.visibleQueue(mapped.queue.server, mapped.queue.asteriskName))
            return mapped.queue;
    throw Error::notFound("queue", idOrName);
}

QueueRow get(Context& context, const Reference& params) {
    const BoardView view(context, context.scope());
    return row(view, AppliedView::recent(context), findVisible(context, view, params.id));
}

// Those whose places are kept in that queue. The board is shown without them when the database is away.
std::map<CallbackId, domain::Callback> callbacksIn(const Context& context, const live::Queue& queue) {
    std::set<CallbackId> ids;
    for (const auto& caller : queue.callers)
        if (const auto ours = domain::parseCallbackChannelId(caller->uniqueid)) ids.insert(ours->id);
    if (ids.empty()) return {};
    try {
        return context.repositories().callbacks.among(context.scope(), ids);
    } catch (const Error& error) {
        context.services().warn("queue.callbacks_unknown", error);
        return {};
    }
}

void addWaiting(const Context& context, const std::string& server, const live::Queue& queue,
                QueueStatusResult& result) {
    const auto callbacks = callbacksIn(context, queue);
    auto& counts = result.counts;
    for (const auto& caller : queue.callers) {
        QueueCaller row{live::callKey(server, caller->linkedid),
                        caller->position,
                        caller->priority,
                        caller->number,
                        caller->name,
                        caller->since,
                        0,
                        {}};
        if (const auto ours = domain::parseCallbackChannelId(caller->uniqueid)) {
            row.callback = ours->id.str();
            if (const auto known = callbacks.find(ours->id); known != callbacks.end()) {
                row.number = known->second.number;
                row.name = known->second.name;
                row.since = known->second.requestedAt;
            }
        }
        row.waitSeconds = wholeSeconds(row.since, context.now());
        auto& longest = row.callback ? counts.longestCallbackSeconds : counts.longestWaitSeconds;
        longest = std::max(longest, row.waitSeconds);
        ++(row.callback ? counts.callbacks : counts.waiting);
        result.callers.push_back(std::move(row));
    }
}

QueueStatusResult status(Context& context, const Reference& params) {
    const BoardView view(context, context.scope());
    const auto& queue = findVisible(context, view, params.id);
    const auto fresh = view.freshnessOf(queue.server);
    const UtcTime now = context.now();
    QueueStatusResult result;
    result.id = queue.id.str();
    result.name = queue.name;
    result.title = queue.title;
    result.server = queue.server;
    result.asteriskName = queue.asteriskName;
    result.department = unlessEmpty(view.departmentName(queue.department));
    result.asOf = fresh.asOf;
    result.stale = fresh.stale;
    const auto* board = view.board(queue.server);
    const auto* live = board ? board->queues.find(queue.asteriskName) : nullptr;
    if (!live) return result;

    result.strategy = live->strategy;
    result.maxLength = live->max;
    result.weight = live->weight;
    result.serviceLevelSeconds = live->serviceLevel;
    addWaiting(context, queue.server, *live, result);
    for (const auto& member : live->members) {
        result.members.push_back(memberRow(view, queue.server, *member, now));
        count(result.counts, result.members.back());
    }
    return result;
}

QueueRow create(Context& context, const QueueCreateParams& params) {
    if (params.asteriskName)
        requireOwnName(context, "asterisk_name", *params.asteriskName);
    else if (const auto* tenant = context.directory().tenant(context.scope().tenant()))
        requireOwnName(context, "name", tenant->name + '-' + params.name); // "via" must not make "via-talk-1"
    const auto queue = context.repositories().queues.create(
        context.scope(),
        {params.name, params.title, chosenServer(context, params.server), params.asteriskName.value_or(""),
         chosenDepartment(context, params.department), params.wrapupSeconds.value_or(0)});
    context.concerns(queue.id.str());
    context.services().reloadDirectory();
    return row(BoardView(context, context.scope()), AppliedView(context), queue);
}

QueueRow update(Context& context, const QueueUpdateParams& params) {
    // What an operator took over for the tenant may be sent back as it is.
    if (params.asteriskName &&
        context.repositories().queues.get(context.scope(), params.id).asteriskName != *params.asteriskName)
        requireOwnName(context, "asterisk_name", *params.asteriskName);
    storage::QueueChange change;
    change.title = params.title;
    change.asteriskName = params.asteriskName;
    change.department = changedDepartment(context, params.department);
    change.wrapupSeconds = params.wrapupSeconds;
    const auto queue = context.repositories().queues.update(context.scope(), params.id, change);
    context.concerns(queue.id.str());
    context.services().reloadDirectory();
    return row(BoardView(context, context.scope()), AppliedView(context), queue);
}

Done remove(Context& context, const Reference& params) {
    const auto queue = context.repositories().queues.get(context.scope(), params.id);
    context.concerns(queue.id.str());
    context.repositories().queues.remove(context.scope(), queue.id.str());
    context.services().reloadDirectory();
    return {queue.id.str()};
}

} // namespace

void addQueueHandlers(Handlers& handlers) {
    handlers.on<QueueList>(&list);
    handlers.on<QueueGet>(&get);
    handlers.on<QueueStatus>(&status);
    handlers.on<QueueCreate>(&create);
    handlers.on<QueueUpdate>(&update);
    handlers.on<QueueDelete>(&remove);
}

} // namespace pbx::ops
