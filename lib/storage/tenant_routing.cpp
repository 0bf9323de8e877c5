#include "storage/tenant_routing.hpp"

#include "storage/callbacks_rows.hpp"
#include "storage/routing_rows.hpp"

namespace pbx::storage {
namespace {

using domain::TenantRouting;

// --- SQL ---
const std::string columns = "default_queue_id, " + destinationColumns("blocked") + ", " + destinationColumns("closed");
const std::string select = "SELECT " + columns + " FROM tenant_routing WHERE tenant_id = ?";
constexpr auto updateRouting =
    "UPDATE tenant_routing SET default_queue_id = ?, blocked_kind = ?, blocked_sound = ?, "
    "blocked_queue_id = ?, blocked_agent_id = ?, blocked_number = ?, closed_kind = ?, closed_sound "
    "= ?, closed_queue_id = ?, closed_agent_id = ?, closed_number = ? WHERE tenant_id = ?";
constexpr auto selectVersion = "SELECT COALESCE((SELECT version FROM tenant_routing WHERE tenant_id = ?), 0), number "
                               "FROM meta WHERE name = 'directory'";
constexpr auto selectTenant = "SELECT name, title, country, time_zone, languages, created_at FROM tenants WHERE id = "
                              "?";
constexpr auto selectQueues = "SELECT id, name, title, server, asterisk_name, department_id, wrapup_seconds, "
                              "created_at FROM queues WHERE tenant_id = ? ORDER BY name";
constexpr auto selectAgents = "SELECT id, name, title, server, interface, department_id, created_at FROM agents WHERE "
                              "tenant_id = ? ORDER BY id";

using Text = Maybe<std::string>;
using RoutingRow = Row<Text, Text, Text, Text, Text, Text, Text, Text, Text, Text, Text>;
using TenantRow = Row<std::string, std::string, std::string, std::string, std::string, Int>;
using AgentRow = Row<std::string, std::string, std::string, std::string, std::string, Text, Int>;
using QueueRow = Row<std::string, std::string, std::string, std::string, std::string, Text, Int, Int>;

TenantRouting find(Sql& sql, const TenantId& tenant) {
    TenantRouting routing;
    if (const auto row = sql.row<RoutingRow>(select, {tenant.str()})) {
        routing.defaultQueue = idOf<QueueId>(at<0>(*row));
        routing.blocked = destinationAt<1>(*row).value_or(domain::Destination());
        routing.closed = destinationAt<6>(*row).value_or(domain::Destination());
    }
    return routing;
}

RoutingVersion versionOf(Sql& sql, const TenantId& tenant) {
    const auto row = sql.row<Row<Int, Int>>(selectVersion, {tenant.str()});
    return row ? RoutingVersion{at<0>(*row), at<1>(*row)} : RoutingVersion();
}

RoutingTables loadOnce(Sql& sql, const TenantId& tenant) {
    RoutingTables out;
    const auto row = sql.row<TenantRow>(selectTenant, {tenant.str()});
    if (!row) throw Error::notFound("tenant", tenant.str());
    out.tenant = {tenant,
                  at<0>(*row),
                  at<1>(*row),
                  at<2>(*row),
                  at<3>(*row),
                  splitWords(at<4>(*row)),
                  fromEpochMicros(at<5>(*row))};
    out.routing = find(sql, tenant);
    out.dids = allDids(sql, tenant);
    out.hours = allHours(sql, tenant);
    out.statusRules = allStatusRules(sql, tenant);
    for (const auto& queue : sql.rows<QueueRow>(selectQueues, {tenant.str()}))
        out.queues.push_back({QueueId(at<0>(queue)), at<1>(queue), at<2>(queue), at<3>(queue), at<4>(queue),
                              idOf<DepartmentId>(at<5>(queue)), static_cast<int>(at<6>(queue)),
                              fromEpochMicros(at<7>(queue))});
    out.conditions = allQueueConditions(sql, tenant);
    out.callbackPolicies = allPolicies(sql, tenant);
    for (const auto& agent : sql.rows<AgentRow>(selectAgents, {tenant.str()}))
        out.agents.push_back({AgentId(at<0>(agent)), at<1>(agent), at<2>(agent), at<3>(agent), at<4>(agent),
                              idOf<DepartmentId>(at<5>(agent)), fromEpochMicros(at<6>(agent))});
    return out;
}

} // namespace

TenantRouting TenantRoutingRepository::get(const domain::Scope& scope) {
    return database_.connections().read([&](Sql& sql) { return find(sql, scope.tenant()); });
}

TenantRouting TenantRoutingRepository::update(const domain::Scope& scope,
                                              const std::function<void(TenantRouting&)>& apply) {
    checkWholeTenant(scope);
    return database_.connections().write([&](Sql& sql) {
        bumpRouting(sql, scope); // makes the row, and keeps a second writer out until we are done
        bumpVersion(sql, "site");
        auto routing = find(sql, scope.tenant());
        apply(routing);
        checkQueue(sql, scope, routing.defaultQueue);
        checkDestination(sql, scope, routing.blocked, "blocked");
        checkDestination(sql, scope, routing.closed, "closed");
        Values values{orNull(routing.defaultQueue)};
        addDestination(values, routing.blocked);
        addDestination(values, routing.closed);
        values.emplace_back(scope.tenant().str());
        sql.execute(updateRouting, values);
        return find(sql, scope.tenant());
    });
}

RoutingTables TenantRoutingRepository::load(const TenantId& tenant) {
    return database_.connections().read([&](Sql& sql) {
        // As of one moment on every engine and isolation level: a change meanwhile is seen by the version.
        for (int attempt = 1;; ++attempt) {
            const auto before = versionOf(sql, tenant);
            auto tables = loadOnce(sql, tenant);
            if (versionOf(sql, tenant) == before) {
                tables.version = before;
                return tables;
            }
            if (attempt == 5)
                throw Error(ErrorCode::unavailable, "the routing tables change faster than they can be read")
                    .retryIn(1);
        }
    });
}

} // namespace pbx::storage
