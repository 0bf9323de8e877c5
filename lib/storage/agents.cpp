#include "storage/agents.hpp"

#include "storage/routing_rows.hpp"

namespace pbx::storage {
namespace {

// --- SQL ---
const std::string select = "SELECT id, name, title, server, interface, department_id, created_at FROM agents WHERE ";
const std::string byName = " ORDER BY name LIMIT ?";
constexpr auto insert = "INSERT INTO agents (tenant_id, id, name, title, server, interface, department_id, created_at) "
                        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
constexpr auto change = "UPDATE agents SET name = ?, title = ?, server = ?, interface = ?, department_id = ? WHERE "
                        "tenant_id = ? AND id = ?";
constexpr auto erase = "DELETE FROM agents WHERE tenant_id = ? AND id = ?";
constexpr auto linkedUser = "SELECT login FROM users WHERE tenant_id = ? AND agent_id = ?";
constexpr auto phoneOf = "SELECT username FROM phones WHERE tenant_id = ? AND agent_id = ?";
constexpr auto history = "SELECT department_id, since_at, until_at FROM agent_department_history WHERE tenant_id = ? "
                         "AND agent_id = ? ORDER BY stay";
constexpr auto lastStay = "SELECT COALESCE(MAX(stay), 0) FROM agent_department_history WHERE tenant_id = ? AND "
                          "agent_id = ?";
constexpr auto endStay = "UPDATE agent_department_history SET until_at = ? WHERE tenant_id = ? AND agent_id = ? AND "
                         "until_at IS NULL";
constexpr auto beginStay = "INSERT INTO agent_department_history (tenant_id, agent_id, stay, department_id, since_at) "
                           "VALUES (?, ?, ?, ?, ?)";

using AgentRow = Row<std::string, std::string, std::string, std::string, std::string, Maybe<std::string>, Int>;

domain::Agent agentOf(const AgentRow& row) {
    return {AgentId(at<0>(row)),        at<1>(row), at<2>(row), at<3>(row), at<4>(row), idOf<DepartmentId>(at<5>(row)),
            fromEpochMicros(at<6>(row))};
}

Where reach(const domain::Scope& scope) {
    Where where;
    whereTenant(where, scope, "agents");
    whereDepartments(where, scope, "department_id");
    if (scope.self()) where.add("id = ?", {scope.self()->str()});
    return where;
}

domain::Agent find(Sql& sql, const domain::Scope& scope, const std::string& idOrName, std::string_view lock = {}) {
    auto where = reach(scope);
    whereReference(where, "agent", 'a', idOrName);
    const auto row = sql.row<AgentRow>(select + where.text + std::string(lock), where.values);
    if (!row) throw Error::notFound("agent", idOrName);
    return agentOf(*row);
}

void enterDepartment(Sql& sql, const domain::Scope& scope, const domain::Agent& agent, UtcTime now) {
    const auto last = sql.row<Row<Int>>(lastStay, {scope.tenant().str(), agent.id.str()});
    sql.execute(beginStay, {scope.tenant().str(), agent.id.str(), (last ? at<0>(*last) : 0) + 1,
                            orNull(agent.department), epochMicros(now)});
}

} // namespace

Page<domain::Agent> AgentRepository::list(const domain::Scope& scope, const PageRequest& page,
                                          const std::optional<DepartmentId>& department) {
    auto where = reach(scope);
    if (department) where.add("department_id = ?", {department->str()});
    where.add("name > ?", {page.after});
    where.values.emplace_back(limitOf(page));
    return database_.connections().read([&](Sql& sql) {
        std::vector<domain::Agent> items;
        for (const auto& row : sql.rows<AgentRow>(select + where.text + byName, where.values))
            items.push_back(agentOf(row));
        return makePage(std::move(items), page, [](const auto& agent) { return agent.name; });
    });
}

domain::Agent AgentRepository::get(const domain::Scope& scope, const std::string& idOrName) {
    return database_.connections().read([&](Sql& sql) { return find(sql, scope, idOrName); });
}

domain::Agent AgentRepository::create(const domain::Scope& scope, const NewAgent& agent) {
    if (scope.self()) throw Error(ErrorCode::forbidden, "an agent cannot make an agent");
    const domain::Agent made{AgentId(newId('a')),    agent.name,      agent.title,
                             agent.server,           agent.interface, agent.department,
                             database_.clock().now()};
    return database_.connections().write([&](Sql& sql) {
        checkDepartment(sql, scope, made.department);
        bumpVersion(sql, "directory");
        sql.execute(insert, {scope.tenant().str(), made.id.str(), made.name, made.title, made.server, made.interface,
                             orNull(made.department), epochMicros(made.createdAt)});
        enterDepartment(sql, scope, made, made.createdAt);
        return made;
    });
}

domain::Agent AgentRepository::update(const domain::Scope& scope, const std::string& idOrName,
                                      const AgentChange& wanted) {
    const auto now = database_.clock().now();
    return database_.connections().write([&](Sql& sql) {
        auto agent = find(sql, scope, idOrName, sql.dialect().forUpdate());
        const bool moves = wanted.department && *wanted.department != agent.department;
        if (wanted.name) agent.name = *wanted.name;
        if (wanted.title) agent.title = *wanted.title;
        if (wanted.server) agent.server = *wanted.server;
        if (wanted.interface && *wanted.interface != agent.interface) {
            // its secret was made for the old name; the configuration of everybody could not be applied with both
            if (sql.row<Row<std::string>>(phoneOf, {scope.tenant().str(), agent.id.str()}))
                throw Error(ErrorCode::conflict, "agent " + agent.name + " has a phone as " + agent.interface +
                                                     ": delete the phone first, then make a new one");
            agent.interface = *wanted.interface;
        }
        if (moves) {
            checkDepartment(sql, scope, *wanted.department);
            agent.department = *wanted.department;
        }
        bumpVersion(sql, "directory");
        sql.execute(change, {agent.name, agent.title, agent.server, agent.interface, orNull(agent.department),
                             scope.tenant().str(), agent.id.str()});
        if (moves) {
            sql.execute(endStay, {epochMicros(now), scope.tenant().str(), agent.id.str()});
            enterDepartment(sql, scope, agent, now);
        }
        return agent;
    });
}

void AgentRepository::remove(const domain::Scope& scope, const std::string& idOrName) {
    if (scope.self()) throw Error(ErrorCode::forbidden, "an agent cannot delete an agent");
    const auto now = database_.clock().now();
    database_.connections().write([&](Sql& sql) {
        const auto agent = find(sql, scope, idOrName, sql.dialect().forUpdate());
        if (const auto user = sql.row<Row<std::string>>(linkedUser, {scope.tenant().str(), agent.id.str()}))
            throw Error(ErrorCode::conflict,
                        "user " + at<0>(*user) + " is linked to agent " + agent.name + ": unlink the user first");
        refuseIfCallsGoToAgent(sql, scope, agent.id);
        bumpVersion(sql, "directory");
        sql.execute(endStay, {epochMicros(now), scope.tenant().str(), agent.id.str()});
        sql.execute(erase, {scope.tenant().str(), agent.id.str()});
    });
}

std::vector<domain::DepartmentStay> AgentRepository::departmentHistory(const domain::Scope& scope,
                                                                       const std::string& idOrName) {
    return database_.connections().read([&](Sql& sql) {
        const auto agent = find(sql, scope, idOrName);
        std::vector<domain::DepartmentStay> stays;
        for (const auto& row :
             sql.rows<Row<Maybe<std::string>, Int, Maybe<Int>>>(history, {scope.tenant().str(), agent.id.str()}))
            stays.push_back({idOf<DepartmentId>(at<0>(row)), fromEpochMicros(at<1>(row)), timeOf(at<2>(row))});
        return stays;
    });
}

} // namespace pbx::storage
