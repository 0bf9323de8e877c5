#include "storage/queues.hpp"

#include "storage/routing_rows.hpp"

namespace pbx::storage {
namespace {

// --- SQL ---
const std::string select = "SELECT id, name, title, server, asterisk_name, department_id, wrapup_seconds, created_at "
                           "FROM queues WHERE ";
const std::string byName = " ORDER BY name LIMIT ?";
constexpr auto tenantName = "SELECT name FROM tenants WHERE id = ?";
constexpr auto insert = "INSERT INTO queues (tenant_id, id, name, title, server, asterisk_name, department_id, "
                        "wrapup_seconds, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
constexpr auto change = "UPDATE queues SET name = ?, title = ?, server = ?, asterisk_name = ?, department_id = ?, "
                        "wrapup_seconds = ? WHERE tenant_id = ? AND id = ?";
constexpr auto erasePolicy = "DELETE FROM callback_policies WHERE tenant_id = ? AND queue_id = ?";
constexpr auto erase = "DELETE FROM queues WHERE tenant_id = ? AND id = ?";

using QueueRow = Row<std::string, std::string, std::string, std::string, std::string, Maybe<std::string>, Int, Int>;

domain::Queue queueOf(const QueueRow& row) {
    return {QueueId(at<0>(row)),
            at<1>(row),
            at<2>(row),
            at<3>(row),
            at<4>(row),
            idOf<DepartmentId>(at<5>(row)),
            static_cast<int>(at<6>(row)),
            fromEpochMicros(at<7>(row))};
}

Where reach(const domain::Scope& scope, const std::set<QueueId>& memberOf) {
    Where where;
    whereTenant(where, scope, "queues");
    whereDepartments(where, scope, "department_id");
    if (scope.self()) where.in("id", memberOf);
    return where;
}

domain::Queue find(Sql& sql, const domain::Scope& scope, const std::string& idOrName, const std::set<QueueId>& memberOf,
                   std::string_view lock = {}) {
    auto where = reach(scope, memberOf);
    whereReference(where, "queue", 'q', idOrName);
    const auto row = sql.row<QueueRow>(select + where.text + std::string(lock), where.values);
    if (!row) throw Error::notFound("queue", idOrName);
    return queueOf(*row);
}

} // namespace

Page<domain::Queue> QueueRepository::list(const domain::Scope& scope, const PageRequest& page,
                                          const std::optional<DepartmentId>& department,
                                          const std::set<QueueId>& memberOf) {
    auto where = reach(scope, memberOf);
    if (department) where.add("department_id = ?", {department->str()});
    where.add("name > ?", {page.after});
    where.values.emplace_back(limitOf(page));
    return database_.connections().read([&](Sql& sql) {
        std::vector<domain::Queue> items;
        for (const auto& row : sql.rows<QueueRow>(select + where.text + byName, where.values))
            items.push_back(queueOf(row));
        return makePage(std::move(items), page, [](const auto& queue) { return queue.name; });
    });
}

domain::Queue QueueRepository::get(const domain::Scope& scope, const std::string& idOrName,
                                   const std::set<QueueId>& memberOf) {
    return database_.connections().read([&](Sql& sql) { return find(sql, scope, idOrName, memberOf); });
}

domain::Queue QueueRepository::create(const domain::Scope& scope, const NewQueue& queue) {
    if (scope.self()) throw Error(ErrorCode::forbidden, "an agent cannot make a queue");
    domain::Queue made{QueueId(newId('q')), queue.name,       queue.title,         queue.server,
                       queue.asteriskName,  queue.department, queue.wrapupSeconds, database_.clock().now()};
    return database_.connections().write([&](Sql& sql) {
        const auto tenant = sql.row<Row<std::string>>(tenantName, {scope.tenant().str()});
        if (!tenant) throw Error::notFound("tenant", scope.tenant().str());
        if (queue.asteriskName.empty()) made.asteriskName = at<0>(*tenant) + '-' + queue.name;
        checkDepartment(sql, scope, made.department);
        bumpVersion(sql, "directory");
        sql.execute(insert, {scope.tenant().str(), made.id.str(), made.name, made.title, made.server, made.asteriskName,
                             orNull(made.department), std::int64_t(made.wrapupSeconds), epochMicros(made.createdAt)});
        return made;
    });
}

domain::Queue QueueRepository::update(const domain::Scope& scope, const std::string& idOrName,
                                      const QueueChange& wanted) {
    return database_.connections().write([&](Sql& sql) {
        auto queue = find(sql, scope, idOrName, {}, sql.dialect().forUpdate());
        if (wanted.department) {
            checkDepartment(sql, scope, *wanted.department);
            queue.department = *wanted.department;
        }
        if (wanted.name) queue.name = *wanted.name;
        if (wanted.title) queue.title = *wanted.title;
        if (wanted.server) queue.server = *wanted.server;
        if (wanted.asteriskName) queue.asteriskName = *wanted.asteriskName;
        if (wanted.wrapupSeconds) queue.wrapupSeconds = *wanted.wrapupSeconds;
        bumpVersion(sql, "directory");
        sql.execute(change, {queue.name, queue.title, queue.server, queue.asteriskName, orNull(queue.department),
                             std::int64_t(queue.wrapupSeconds), scope.tenant().str(), queue.id.str()});
        return queue;
    });
}

void QueueRepository::remove(const domain::Scope& scope, const std::string& idOrName) {
    database_.connections().write([&](Sql& sql) {
        const auto queue = find(sql, scope, idOrName, {}, sql.dialect().forUpdate());
        refuseIfCallsGoToQueue(sql, scope, queue.id);
        bumpVersion(sql, "directory");
        sql.execute(erasePolicy, {scope.tenant().str(), queue.id.str()}); // by no key: '' is the tenant's
        sql.execute(erase, {scope.tenant().str(), queue.id.str()});
    });
}

} // namespace pbx::storage
