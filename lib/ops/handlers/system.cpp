#include "ops/board_view.hpp"
#include "ops/catalogue/access.hpp"
#include "ops/dispatcher.hpp"

namespace pbx::ops {
namespace {

LinkState linkState(const LinkFacts* link, const live::Snapshot& board) {
    if (!board.stale) return LinkState::up;
    if (!link || link->state == "connecting") return LinkState::connecting;
    if (link->state == "down") return LinkState::down;
    return LinkState::syncing;
}

AsteriskRow asteriskRow(const live::Snapshot& board, const LinkFacts* link) {
    AsteriskRow row;
    row.name = board.server;
    row.state = linkState(link, board);
    if (board.stale) row.problem = unlessEmpty(link && !link->problem.empty() ? link->problem : board.staleReason);
    row.version = unlessEmpty(board.asteriskVersion);
    row.startup = unlessEmpty(board.startup);
    row.privileged = board.systemAccount;
    row.asOf = board.asOf;
    row.stale = board.stale;
    if (link) {
        row.driven = link->driven;
        row.lagMs = wireInt(link->lagMicros / 1000);
        row.damaged = wireInt(static_cast<std::int64_t>(link->damaged));
    }
    std::int64_t members = 0;
    std::int64_t callers = 0;
    board.queues.each([&](const live::Queue& queue) {
        members += static_cast<std::int64_t>(queue.members.size());
        callers += static_cast<std::int64_t>(queue.people());
    });
    row.queues = wireInt(static_cast<std::int64_t>(board.queues.size()));
    row.members = wireInt(members);
    row.callers = wireInt(callers);
    row.calls = wireInt(static_cast<std::int64_t>(board.calls.size()));
    std::int64_t refreshed = 0;
    for (const auto count : board.counters.refreshed) refreshed += static_cast<std::int64_t>(count);
    row.drift = wireInt(static_cast<std::int64_t>(board.counters.driftTotal()));
    row.refreshed = wireInt(refreshed);
    row.resyncs = wireInt(static_cast<std::int64_t>(board.counters.resyncs));
    return row;
}

// A tenant learns how its Asterisks are, not how busy the others on them are.
void hideOthersLoad(AsteriskRow& row) { row.queues = row.members = row.callers = row.calls = 0; }

SystemStatusResult status(Context& context, const NoParams&) {
    const auto& services = context.services();
    SystemStatusResult result;
    result.version = services.version;
    result.node = services.node;
    result.startedAt = services.startedAt;
    result.storage = services.database.engine() == storage::Engine::sqlite ? "sqlite" : "mariadb";
    result.schema = services.schema;
    result.ready = services.ready();
    result.asOf = context.now();
    const auto links = services.links();
    for (const auto& board : services.boards()) {
        const LinkFacts* link = nullptr;
        for (const auto& facts : links)
            if (facts.server == board->server) link = &facts;
        auto row = asteriskRow(*board, link);
        if (!context.isOperator()) hideOthersLoad(row);
        result.stale = result.stale || row.stale;
        result.asterisks.push_back(std::move(row));
    }
    return result;
}

WhoamiResult whoami(Context& context, const NoParams&) {
    const auto& principal = context.principal();
    WhoamiResult result;
    result.login = principal.login;
    result.role = principal.role;
    if (principal.tenant)
        if (const auto* tenant = context.directory().tenant(*principal.tenant)) result.tenant = tenant->name;
    if (principal.agent)
        for (const auto& mapped : context.directory().agents())
            if (mapped.agent.id == *principal.agent) result.agent = mapped.agent.name;
    for (const auto& id : principal.departments)
        if (const auto* department = context.directory().department(id)) result.departments.push_back(department->name);
    result.via = principal.viaText();
    for (const auto& operation : catalogue())
        if (mayCall(principal, operation)) result.operations.emplace_back(operation.name);
    return result;
}

UnmappedPage unmapped(Context& context, const PageParams& params) {
    const auto& directory = context.directory();
    UnmappedPage page;
    page.asOf = context.now();
    for (const auto& board : context.services().boards()) {
        page.stale = page.stale || board->stale;
        const auto add = [&](std::string_view kind, std::string_view name, std::string detail) {
            page.items.push_back({board->server, std::string(kind), std::string(name), std::move(detail)});
        };
        board->queues.each([&](const live::Queue& queue) {
            if (!directory.queueByAsteriskName(board->server, queue.name))
                add("queue", queue.name,
                    std::to_string(queue.members.size()) + " members, " + std::to_string(queue.callers.size()) +
                        " callers");
        });
        board->peers.each([&](const live::Peer& peer) {
            if (!directory.agentByInterface(board->server, peer.name) &&
                !directory.tenantOfChannel(board->server, {peer.name, {}, {}}))
                add("interface", peer.name, peer.deviceState);
        });
        board->calls.each([&](const live::Call& call) {
            bool contradiction = false;
            if (!tenantOfCall(directory, board->server, call.queue, {call.callerChannel, call.tenantId, call.context},
                              &contradiction))
                add("channel", call.callerChannel,
                    contradiction ? "its traits name two tenants" : "context " + call.context);
        });
    }
    page.next = cutPage(page.items, pageRequest(params.after, params.limit),
                        [](const UnmappedRow& row) { return row.server + '\n' + row.kind + '\n' + row.name; });
    return page;
}

} // namespace

void addSystemHandlers(Handlers& handlers) {
    handlers.on<SystemStatus>(&status);
    handlers.on<SystemWhoami>(&whoami);
    handlers.on<SystemUnmapped>(&unmapped);
}

} // namespace pbx::ops
