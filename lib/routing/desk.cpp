#include "routing/desk.hpp"

#include "base/error.hpp"
#include "storage/repositories.hpp"

#include <atomic>
#include <mutex>
#include <optional>
#include <utility>

namespace pbx::routing {

struct Desk::Kept {
    storage::RoutingVersion version;
    TablesPtr tables;
};

struct Desk::Shelf {
    std::mutex loading; // one loader at a time; the others find what it brought, or how it failed
    Guarded<std::shared_ptr<const Kept>> kept;
    std::atomic<std::uint64_t> failures{0};
    std::optional<Error> failure; // the last one; under `loading`

    std::shared_ptr<const Kept> now() const {
        return kept.with([](const auto& held) { return held; });
    }
};

namespace {

bool covers(const storage::RoutingVersion& have, const storage::RoutingVersion& wanted) {
    return have.routing >= wanted.routing && have.directory >= wanted.directory;
}

Number callerOf(const Inquiry& inquiry, const TenantTables& tables) {
    if (inquiry.presentation != Presentation::allowed) return {NumberKind::withheld, {}};
    return normalise(inquiry.caller, tables.tenant.country);
}

} // namespace

const domain::Queue* Ruling::queue() const {
    const auto kind = decision.destination.kind;
    if (kind != domain::DestinationKind::queue && kind != domain::DestinationKind::callbackOffer) return nullptr;
    const auto found = tables->queues.find(decision.destination.queue);
    return found == tables->queues.end() ? nullptr : &found->second.queue;
}

const domain::Agent* Ruling::agent() const {
    if (decision.destination.kind != domain::DestinationKind::agent) return nullptr;
    const auto found = tables->agents.find(decision.destination.agent);
    return found == tables->agents.end() ? nullptr : &found->second;
}

Desk::Desk(storage::Repositories& repositories, BoardSource boards)
    : repositories_(repositories), boards_(std::move(boards)) {}
Desk::~Desk() = default;

Ruling Desk::rule(const Inquiry& inquiry) {
    const auto& tenant = inquiry.tenant;
    const auto own = shelf(tenant);
    auto kept = own->now();
    if (!kept) kept = load(tenant, *own, nullptr, {});
    Ruling ruling;
    ruling.caller = callerOf(inquiry, *kept->tables);
    auto facts = repositories_.callers.find(tenant, matchKeys(ruling.caller), inquiry.at);
    if (facts.version != kept->version) {
        const auto country = kept->tables->tenant.country;
        kept = load(tenant, *own, kept, facts.version);
        if (kept->tables->tenant.country != country) { // the number may be another one now
            ruling.caller = callerOf(inquiry, *kept->tables);
            facts = repositories_.callers.find(tenant, matchKeys(ruling.caller), inquiry.at);
        }
    }
    ruling.tables = kept->tables;
    ruling.dialled = dialledNumber(*ruling.tables, inquiry.dialled);
    ruling.rows = {std::move(facts.blocks), std::move(facts.priority), std::move(facts.customer)};
    ruling.decision = decide(*ruling.tables, ruling.rows, {ruling.caller, ruling.dialled, inquiry.at}, boards_());
    return ruling;
}

Desk::ShelfPtr Desk::shelf(const TenantId& tenant) {
    return shelves_.with([&](auto& shelves) {
        auto& found = shelves[tenant];
        if (!found) found = std::make_shared<Shelf>();
        return found;
    });
}

// `old` is what the asker held, `wanted` the version by which he knows that it is old.
Desk::KeptPtr Desk::load(const TenantId& tenant, Shelf& shelf, const KeptPtr& old,
                         const storage::RoutingVersion& wanted) {
    const auto failures = shelf.failures.load();
    std::lock_guard lock(shelf.loading);
    // Who waited for a loader that failed fails with it: one after the other against a database that hangs, the last
    // would have waited for all of their time-outs.
    if (shelf.failures != failures) throw Error(*shelf.failure);
    // Another one was faster. Its version must reach what this asker saw: its reading may have begun before the change.
    if (auto now = shelf.now(); now && now != old && covers(now->version, wanted)) return now;
    auto rows = [&] {
        try {
            return repositories_.tenantRouting.load(tenant);
        } catch (const Error& error) {
            shelf.failure = error;
            ++shelf.failures;
            throw;
        }
    }();
    auto fresh = std::make_shared<Kept>();
    fresh->version = rows.version;
    fresh->tables = std::make_shared<const TenantTables>(tablesOf(std::move(rows)));
    shelf.kept.with([&](auto& held) { held = fresh; });
    return fresh;
}

TenantTables tablesOf(storage::RoutingTables rows) {
    TenantTables tables;
    tables.tenant = std::move(rows.tenant);
    tables.routing = std::move(rows.routing);
    for (auto& did : rows.dids) tables.dids.emplace(did.number, std::move(did));
    for (auto& hours : rows.hours) tables.hours.emplace(hours.id, std::move(hours));
    for (auto& rule : rows.statusRules) tables.statusRules.emplace(rule.status, std::move(rule));
    for (auto& queue : rows.queues) { // by name: the first of a department stays
        if (queue.department) tables.departmentQueues.try_emplace(*queue.department, queue.id);
        auto& row = tables.queues[queue.id];
        if (const auto conditions = rows.conditions.find(queue.id); conditions != rows.conditions.end())
            row.conditions = std::move(conditions->second);
        row.queue = std::move(queue);
    }
    for (auto& agent : rows.agents) tables.agents.emplace(agent.id, std::move(agent));
    tables.callbackPolicies = std::move(rows.callbackPolicies);
    return tables;
}

} // namespace pbx::routing
