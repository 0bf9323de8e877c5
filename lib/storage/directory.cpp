#include "storage/repositories.hpp"

#include "storage/connections.hpp"
#include "storage/repository.hpp"

namespace pbx::storage {
namespace {

// --- SQL ---
constexpr auto version = "SELECT number FROM meta WHERE name = 'directory'";
constexpr auto tenants = "SELECT id, name, title, country, time_zone, languages, created_at FROM tenants ORDER BY name";
constexpr auto departments = "SELECT id, name, title, created_at FROM departments ORDER BY tenant_id, name";
constexpr auto queues = "SELECT tenant_id, id, name, title, server, asterisk_name, department_id, wrapup_seconds, "
                        "created_at FROM queues ORDER BY tenant_id, name";
constexpr auto agents = "SELECT tenant_id, id, name, title, server, interface, department_id, created_at FROM agents "
                        "ORDER BY tenant_id, name";

using Text = std::string;

domain::Directory loadOnce(Sql& sql) {
    std::vector<domain::Tenant> allTenants;
    sql.each<Row<Text, Text, Text, Text, Text, Text, Int>>(tenants, {}, [&](const auto& row) {
        allTenants.push_back({TenantId(at<0>(row)), at<1>(row), at<2>(row), at<3>(row), at<4>(row),
                              splitWords(at<5>(row)), fromEpochMicros(at<6>(row))});
    });
    std::vector<domain::Department> allDepartments;
    sql.each<Row<Text, Text, Text, Int>>(departments, {}, [&](const auto& row) {
        allDepartments.push_back({DepartmentId(at<0>(row)), at<1>(row), at<2>(row), fromEpochMicros(at<3>(row))});
    });
    std::vector<domain::MappedQueue> allQueues;
    sql.each<Row<Text, Text, Text, Text, Text, Text, Maybe<Text>, Int, Int>>(queues, {}, [&](const auto& row) {
        allQueues.push_back(
            {TenantId(at<0>(row)),
             {QueueId(at<1>(row)), at<2>(row), at<3>(row), at<4>(row), at<5>(row), idOf<DepartmentId>(at<6>(row)),
              static_cast<int>(at<7>(row)), fromEpochMicros(at<8>(row))}});
    });
    std::vector<domain::MappedAgent> allAgents;
    sql.each<Row<Text, Text, Text, Text, Text, Text, Maybe<Text>, Int>>(agents, {}, [&](const auto& row) {
        allAgents.push_back({TenantId(at<0>(row)),
                             {AgentId(at<1>(row)), at<2>(row), at<3>(row), at<4>(row), at<5>(row),
                              idOf<DepartmentId>(at<6>(row)), fromEpochMicros(at<7>(row))}});
    });
    return {std::move(allTenants), std::move(allDepartments), std::move(allQueues), std::move(allAgents)};
}

std::int64_t versionNow(Sql& sql) {
    const auto row = sql.row<Row<Int>>(version);
    return row ? at<0>(*row) : 0;
}

} // namespace

domain::Directory loadDirectory(Database& database) {
    return database.connections().read([](Sql& sql) {
        // As of one moment on every engine and isolation level: a change meanwhile is seen by the version.
        for (int attempt = 1;; ++attempt) {
            const auto before = versionNow(sql);
            auto directory = loadOnce(sql);
            if (versionNow(sql) == before) return directory;
            if (attempt == 5)
                throw Error(ErrorCode::unavailable, "tenants and queues change faster than they can be read")
                    .retryIn(1);
        }
    });
}

} // namespace pbx::storage
