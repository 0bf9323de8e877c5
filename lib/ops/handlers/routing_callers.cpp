// Who is blocked and who goes first.
#include "ops/catalogue/routing_callers.hpp"

#include "ops/handlers/raise_waiting.hpp"
#include "ops/handlers/routing_common.hpp"
#include "routing/decision.hpp"

namespace pbx::ops {
namespace {

using domain::BlockKind;

// ---- blocklist

BlockRow blockRow(const Context& context, const domain::BlockEntry& entry) {
    return {entry.id.str(),  entry.kind,      unlessEmpty(entry.number),           entry.reason,
            entry.addedBy,   entry.expiresAt, isExpired(context, entry.expiresAt), wireInt(entry.hits),
            entry.lastHitAt, entry.createdAt};
}

// By id, by number in any spelling, by the prefix, or "anonymous".
domain::BlockEntry findBlockEntry(const Context& context, const std::string& reference) {
    auto& blocklist = context.repositories().blocklist;
    const auto scope = context.scope();
    if (reference.find('_') != std::string::npos) return blocklist.get(scope, reference);
    auto found = std::optional<domain::BlockEntry>();
    if (reference == "anonymous")
        found = blocklist.find(scope, BlockKind::anonymous, "");
    else if (const auto number = routing::normalise(reference, countryOf(context)).text; !number.empty())
        found = blocklist.find(scope, BlockKind::exact, number);
    if (const auto prefix = compactPrefix(reference); !found && !prefix.empty())
        found = blocklist.find(scope, BlockKind::prefix, prefix);
    if (!found) throw Error::notFound("block entry", reference);
    return *std::move(found);
}

std::string wantedBlockNumber(const Context& context, BlockKind kind, const std::optional<std::string>& number) {
    if (kind == BlockKind::anonymous) {
        if (number) throw Error::field("number", "must be left out with kind anonymous");
        return {};
    }
    if (!number) throw Error::field("number", "is required, but for kind anonymous");
    return kind == BlockKind::prefix ? wantedPrefix(context, "number", *number)
                                     : wantedNumber(context, "number", *number);
}

BlockPage listBlocks(Context& context, const BlocklistListParams& params) {
    storage::BlockFilter filter;
    filter.kind = params.kind;
    if (params.number) filter.number = wantedPrefix(context, "number", *params.number);
    filter.expired = params.expired;
    return tablePage<BlockPage>(
        context,
        context.repositories().blocklist.list(context.scope(), pageRequest(params.after, params.limit), filter),
        [&](const auto& entry) { return blockRow(context, entry); });
}

BlockRow getBlock(Context& context, const NumberReference& params) {
    return blockRow(context, findBlockEntry(context, params.id));
}

BlockRow addBlock(Context& context, const BlocklistAddParams& params) {
    storage::NewBlockEntry entry;
    entry.kind = params.kind.value_or(BlockKind::exact);
    entry.number = wantedBlockNumber(context, entry.kind, params.number);
    entry.expiresAt = wantedExpiry(context, params.expiresAt, params.expiresInMinutes);
    entry.reason = params.reason.value_or("");
    entry.addedBy = context.principal().login;
    const auto added = context.repositories().blocklist.add(context.scope(), entry);
    context.concerns(added.id.str());
    return blockRow(context, added);
}

BlockRow updateBlock(Context& context, const BlocklistUpdateParams& params) {
    const auto id = findBlockEntry(context, params.id).id.str();
    context.concerns(id);
    const storage::BlockChange change{changedExpiry(context, params.expiresAt, params.expiresInMinutes), params.reason};
    return blockRow(context, context.repositories().blocklist.update(context.scope(), id, change));
}

Done removeBlock(Context& context, const NumberReference& params) {
    const auto id = findBlockEntry(context, params.id).id.str();
    context.concerns(id);
    context.repositories().blocklist.remove(context.scope(), id);
    return {id};
}

BlocklistCheckResult checkBlock(Context& context, const BlocklistCheckParams& params) {
    const auto scope = context.scope();
    const auto number = routing::normalise(params.number, countryOf(context));
    const auto facts = context.repositories().callers.find(scope.tenant(), routing::matchKeys(number), context.now());
    BlocklistCheckResult result{false, unlessEmpty(number.text), std::nullopt};
    if (const auto* entry = routing::findBlock(facts.blocks, number, context.now())) {
        result.blocked = true;
        result.entry = blockRow(context, context.repositories().blocklist.get(scope, entry->id.str()));
    }
    return result;
}

// ---- priority callers

PriorityRow priorityRow(const Context& context, const domain::PriorityCaller& caller) {
    return {caller.id.str(), caller.number,  caller.level,     queueName(context, caller.queue),
            caller.reason,   caller.addedBy, caller.expiresAt, isExpired(context, caller.expiresAt),
            caller.createdAt};
}

PriorityPage listPriorities(Context& context, const PriorityListParams& params) {
    storage::PriorityCallerFilter filter;
    if (params.number) filter.number = wantedPrefix(context, "number", *params.number);
    filter.expired = params.expired;
    return tablePage<PriorityPage>(
        context,
        context.repositories().priorityCallers.list(context.scope(), pageRequest(params.after, params.limit), filter),
        [&](const auto& caller) { return priorityRow(context, caller); });
}

PriorityRow getPriority(Context& context, const NumberReference& params) {
    return priorityRow(
        context, context.repositories().priorityCallers.get(context.scope(), numberReference(context, params.id)));
}

PriorityRow addPriority(Context& context, const PriorityAddParams& params) {
    storage::NewPriorityCaller caller;
    caller.number = wantedNumber(context, "number", params.number);
    caller.level = params.level.value_or(1);
    caller.queue = wantedQueue(context, params.queue);
    caller.expiresAt = wantedExpiry(context, params.expiresAt, params.expiresInMinutes);
    caller.reason = params.reason.value_or("");
    caller.addedBy = context.principal().login;
    const auto added = context.repositories().priorityCallers.add(context.scope(), caller);
    context.concerns(added.id.str());
    raiseWaiting(context, added.number);
    return priorityRow(context, added);
}

PriorityRow updatePriority(Context& context, const PriorityUpdateParams& params) {
    auto& callers = context.repositories().priorityCallers;
    const auto id = callers.get(context.scope(), numberReference(context, params.id)).id.str();
    context.concerns(id);
    storage::PriorityCallerChange change;
    change.level = params.level;
    change.queue = changedQueue(context, params.queue);
    change.expiresAt = changedExpiry(context, params.expiresAt, params.expiresInMinutes);
    change.reason = params.reason;
    const auto updated = callers.update(context.scope(), id, change);
    raiseWaiting(context, updated.number);
    return priorityRow(context, updated);
}

Done removePriority(Context& context, const NumberReference& params) {
    auto& callers = context.repositories().priorityCallers;
    const auto id = callers.get(context.scope(), numberReference(context, params.id)).id.str();
    context.concerns(id);
    callers.remove(context.scope(), id);
    return {id};
}

} // namespace

void addRoutingCallerHandlers(Handlers& handlers) {
    handlers.on<BlocklistList>(&listBlocks);
    handlers.on<BlocklistGet>(&getBlock);
    handlers.on<BlocklistAdd>(&addBlock);
    handlers.on<BlocklistUpdate>(&updateBlock);
    handlers.on<BlocklistRemove>(&removeBlock);
    handlers.on<BlocklistCheck>(&checkBlock);
    handlers.on<PriorityList>(&listPriorities);
    handlers.on<PriorityGet>(&getPriority);
    handlers.on<PriorityAdd>(&addPriority);
    handlers.on<PriorityUpdate>(&updatePriority);
    handlers.on<PriorityRemove>(&removePriority);
}

} // namespace pbx::ops
