#include "render/load.hpp"

#include "storage/repositories.hpp"

#include <algorithm>
#include <unordered_map>

namespace pbx::render {
namespace {

// All pages of a list.
template <class List>
auto everything(List&& list) {
    storage::PageRequest request{{}, 500};
    auto page = list(request);
    auto items = std::move(page.items);
    while (page.next) {
        request.after = *page.next;
        page = list(request);
        std::ranges::move(page.items, std::back_inserter(items));
    }
    return items;
}

void addQueues(TenantSite& site, const storage::RoutingTables& tables,
               const std::map<QueueId, domain::QueueSettings>& settings, const std::string& server) {
    for (const auto& queue : tables.queues) {
        if (queue.server != server) continue;
        const auto found = settings.find(queue.id);
        site.queues.push_back({queue, found == settings.end() ? domain::QueueSettings() : found->second});
        if (tables.routing.defaultQueue == queue.id) site.defaultQueue = queue.asteriskName;
    }
}

void addPhones(TenantSite& site, storage::Repositories& repositories, const domain::Scope& scope,
               const std::string& server) {
    std::unordered_map<AgentId, domain::Agent> agents;
    for (auto& agent : everything([&](const auto& page) { return repositories.agents.list(scope, page); }))
        if (agent.server == server) agents.emplace(agent.id, std::move(agent));
    for (auto& phone : everything([&](const auto& page) { return repositories.phones.list(scope, page); }))
        if (const auto agent = agents.find(phone.agent); agent != agents.end())
            site.phones.push_back({std::move(phone), agent->second.name, agent->second.interface});
}

} // namespace

std::vector<TenantSite> loadTenants(storage::Database& database, const std::string& server) {
    storage::Repositories repositories(database);
    const auto directory = storage::loadDirectory(database);
    std::vector<TenantSite> out;
    for (const auto& tenant : directory.tenants()) {
        const domain::Scope scope(tenant.id);
        const auto tables = repositories.tenantRouting.load(tenant.id);
        TenantSite site;
        site.tenant = tenant;
        addQueues(site, tables, repositories.queueSettings.all(tenant.id), server);
        addPhones(site, repositories, scope, server);
        for (auto& trunk : everything([&](const auto& page) { return repositories.trunks.list(scope, page); }))
            if (trunk.server == server) site.trunks.push_back(std::move(trunk));
        if (site.queues.empty() && site.phones.empty() && site.trunks.empty()) continue;
        site.outbound = repositories.outboundRules.list(scope);
        for (const auto& did : tables.dids) site.dids.push_back(did.number);
        out.push_back(std::move(site));
    }
    std::ranges::sort(out, {}, [](const TenantSite& site) { return site.tenant.name; });
    return out;
}

} // namespace pbx::render
