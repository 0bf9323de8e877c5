#include "storage/departments.hpp"

#include "storage/repository.hpp"

namespace pbx::storage {
namespace {

// --- SQL ---
const std::string select = "SELECT id, name, title, created_at FROM departments WHERE ";
const std::string byName = " ORDER BY name LIMIT ?";
constexpr auto ofAgent = "id = (SELECT department_id FROM agents WHERE agents.tenant_id = ? AND agents.id = ?)";
constexpr auto insert = "INSERT INTO departments (tenant_id, id, name, title, created_at) VALUES (?, ?, ?, ?, ?)";
constexpr auto change = "UPDATE departments SET name = ?, title = ? WHERE tenant_id = ? AND id = ?";
constexpr auto erase = "DELETE FROM departments WHERE tenant_id = ? AND id = ?";
constexpr auto usedByQueue = "SELECT name FROM queues WHERE tenant_id = ? AND department_id = ? LIMIT 1";
constexpr auto usedByAgent = "SELECT name FROM agents WHERE tenant_id = ? AND department_id = ? LIMIT 1";
constexpr auto usedByDid = "SELECT number FROM dids WHERE tenant_id = ? AND department_id = ? LIMIT 1";
constexpr auto usedByUser = "SELECT users.login FROM user_departments JOIN users ON users.tenant_id = "
                            "user_departments.tenant_id AND users.id = user_departments.user_id WHERE "
                            "user_departments.tenant_id = ? AND user_departments.department_id = ? LIMIT 1";

using DepartmentRow = Row<std::string, std::string, std::string, Int>;

domain::Department departmentOf(const DepartmentRow& row) {
    return {DepartmentId(at<0>(row)), at<1>(row), at<2>(row), fromEpochMicros(at<3>(row))};
}

Where reach(const domain::Scope& scope) {
    Where where;
    whereTenant(where, scope, "departments");
    whereDepartments(where, scope, "id");
    if (scope.self()) where.add(ofAgent, {scope.tenant().str(), scope.self()->str()});
    return where;
}

domain::Department find(Sql& sql, const domain::Scope& scope, const std::string& idOrName, std::string_view lock = {}) {
    auto where = reach(scope);
    whereReference(where, "department", 'd', idOrName);
    const auto row = sql.row<DepartmentRow>(select + where.text + std::string(lock), where.values);
    if (!row) throw Error::notFound("department", idOrName);
    return departmentOf(*row);
}

void refuseIfUsed(Sql& sql, const domain::Scope& scope, const domain::Department& department, const char* statement,
                  const char* by) {
    if (const auto user = sql.row<Row<std::string>>(statement, {scope.tenant().str(), department.id.str()}))
        throw Error(ErrorCode::conflict, "department " + department.name + " is in use by " + by + ' ' + at<0>(*user) +
                                             ": move it to another department first");
}

} // namespace

Page<domain::Department> DepartmentRepository::list(const domain::Scope& scope, const PageRequest& page) {
    auto where = reach(scope);
    where.add("name > ?", {page.after});
    where.values.emplace_back(limitOf(page));
    return database_.connections().read([&](Sql& sql) {
        std::vector<domain::Department> items;
        for (const auto& row : sql.rows<DepartmentRow>(select + where.text + byName, where.values))
            items.push_back(departmentOf(row));
        return makePage(std::move(items), page, [](const auto& department) { return department.name; });
    });
}

domain::Department DepartmentRepository::get(const domain::Scope& scope, const std::string& idOrName) {
    return database_.connections().read([&](Sql& sql) { return find(sql, scope, idOrName); });
}

domain::Department DepartmentRepository::create(const domain::Scope& scope, const NewDepartment& department) {
    if (scope.departments() || scope.self())
        throw Error(ErrorCode::forbidden, "a user limited to departments cannot make one");
    const domain::Department made{DepartmentId(newId('d')), department.name, department.title, database_.clock().now()};
    return database_.connections().write([&](Sql& sql) {
        bumpVersion(sql, "directory");
        sql.execute(insert, {scope.tenant().str(), made.id.str(), made.name, made.title, epochMicros(made.createdAt)});
        return made;
    });
}

domain::Department DepartmentRepository::update(const domain::Scope& scope, const std::string& idOrName,
                                                const DepartmentChange& wanted) {
    return database_.connections().write([&](Sql& sql) {
        auto department = find(sql, scope, idOrName, sql.dialect().forUpdate());
        if (wanted.name) department.name = *wanted.name;
        if (wanted.title) department.title = *wanted.title;
        bumpVersion(sql, "directory");
        sql.execute(change, {department.name, department.title, scope.tenant().str(), department.id.str()});
        return department;
    });
}

void DepartmentRepository::remove(const domain::Scope& scope, const std::string& idOrName) {
    database_.connections().write([&](Sql& sql) {
        const auto department = find(sql, scope, idOrName, sql.dialect().forUpdate());
        refuseIfUsed(sql, scope, department, usedByQueue, "queue");
        refuseIfUsed(sql, scope, department, usedByAgent, "agent");
        refuseIfUsed(sql, scope, department, usedByUser, "user");
        refuseIfUsed(sql, scope, department, usedByDid, "DID");
        bumpVersion(sql, "directory");
        sql.execute(erase, {scope.tenant().str(), department.id.str()});
    });
}

} // namespace pbx::storage
