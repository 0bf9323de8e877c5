#include "storage/dids.hpp"

#include "storage/routing_rows.hpp"

namespace pbx::storage {
namespace {

using domain::Did;

// --- SQL ---
const std::string columns = "id, number, title, queue_id, department_id, hours_id, " + destinationColumns("closed");
const std::string select = "SELECT " + columns + " FROM dids WHERE ";
const std::string byNumber = " ORDER BY number LIMIT ?";
const std::string insert = "INSERT INTO dids (tenant_id, " + columns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
constexpr auto change = "UPDATE dids SET title = ?, queue_id = ?, department_id = ?, hours_id = ?, closed_kind = ?, "
                        "closed_sound = ?, closed_queue_id = ?, closed_agent_id = ?, closed_number = ? "
                        "WHERE tenant_id = ? AND id = ?";
constexpr auto erase = "DELETE FROM dids WHERE tenant_id = ? AND id = ?";
constexpr auto selectHours = "SELECT id FROM hours WHERE tenant_id = ? AND id = ?";

using Text = Maybe<std::string>;
using DidRow = Row<std::string, std::string, std::string, Text, Text, Text, Text, Text, Text, Text, Text>;

Did didOf(const DidRow& row) {
    return {DidId(at<0>(row)),
            at<1>(row),
            at<2>(row),
            idOf<QueueId>(at<3>(row)),
            idOf<DepartmentId>(at<4>(row)),
            idOf<HoursId>(at<5>(row)),
            destinationAt<6>(row)};
}

Did find(Sql& sql, const domain::Scope& scope, const std::string& idOrNumber, std::string_view lock = {}) {
    Where where;
    whereTenant(where, scope, "dids");
    whereReference(where, "DID", 'n', idOrNumber, "number");
    const auto row = sql.row<DidRow>(select + where.text + std::string(lock), where.values);
    if (!row) throw Error::notFound("DID", idOrNumber);
    return didOf(*row);
}

void check(Sql& sql, const domain::Scope& scope, const Did& did) {
    checkNumber(did.number, "number");
    checkQueue(sql, scope, did.queue);
    if (did.department) checkDepartment(sql, scope, did.department);
    if (did.hours && (!isReference(did.hours->str()) ||
                      !sql.row<Row<std::string>>(selectHours, {scope.tenant().str(), did.hours->str()})))
        throw Error::notFound("hours", did.hours->str());
    if (did.closed) checkDestination(sql, scope, *did.closed, "closed");
}

} // namespace

Page<Did> DidRepository::list(const domain::Scope& scope, const PageRequest& page) {
    Where where;
    whereTenant(where, scope, "dids");
    where.add("number > ?", {page.after});
    where.values.emplace_back(limitOf(page));
    return database_.connections().read([&](Sql& sql) {
        std::vector<Did> items;
        for (const auto& row : sql.rows<DidRow>(select + where.text + byNumber, where.values))
            items.push_back(didOf(row));
        return makePage(std::move(items), page, [](const auto& did) { return did.number; });
    });
}

Did DidRepository::get(const domain::Scope& scope, const std::string& idOrNumber) {
    return database_.connections().read([&](Sql& sql) { return find(sql, scope, idOrNumber); });
}

Did DidRepository::create(const domain::Scope& scope, const Did& wanted) {
    checkWholeTenant(scope);
    auto did = wanted;
    did.id = DidId(newId('n'));
    return database_.connections().write([&](Sql& sql) {
        check(sql, scope, did);
        bumpRouting(sql, scope);
        bumpVersion(sql, "site");
        Values values{scope.tenant().str(), did.id.str(),           did.number,       did.title,
                      orNull(did.queue),    orNull(did.department), orNull(did.hours)};
        addDestination(values, did.closed);
        sql.execute(insert, values);
        return find(sql, scope, did.id.str());
    });
}

Did DidRepository::update(const domain::Scope& scope, const std::string& idOrNumber, const DidChange& wanted) {
    checkWholeTenant(scope);
    return database_.connections().write([&](Sql& sql) {
        auto did = find(sql, scope, idOrNumber, sql.dialect().forUpdate());
        if (wanted.title) did.title = *wanted.title;
        if (wanted.queue) did.queue = *wanted.queue;
        if (wanted.department) did.department = *wanted.department;
        if (wanted.hours) did.hours = *wanted.hours;
        if (wanted.closed) did.closed = *wanted.closed;
        check(sql, scope, did);
        bumpRouting(sql, scope);
        bumpVersion(sql, "site");
        Values values{did.title, orNull(did.queue), orNull(did.department), orNull(did.hours)};
        addDestination(values, did.closed);
        values.emplace_back(scope.tenant().str());
        values.emplace_back(did.id.str());
        sql.execute(change, values);
        return find(sql, scope, did.id.str());
    });
}

void DidRepository::remove(const domain::Scope& scope, const std::string& idOrNumber) {
    checkWholeTenant(scope);
    database_.connections().write([&](Sql& sql) {
        const auto did = find(sql, scope, idOrNumber, sql.dialect().forUpdate());
        bumpRouting(sql, scope);
        bumpVersion(sql, "site");
        sql.execute(erase, {scope.tenant().str(), did.id.str()});
    });
}

std::vector<Did> allDids(Sql& sql, const TenantId& tenant) {
    std::vector<Did> out;
    sql.each<DidRow>(select + "tenant_id = ? ORDER BY number", {tenant.str()},
                     [&](const auto& row) { out.push_back(didOf(row)); });
    return out;
}

} // namespace pbx::storage
