#include "storage/priority_callers.hpp"

#include "storage/routing_rows.hpp"

namespace pbx::storage {
namespace {

using domain::PriorityCaller;

// --- SQL ---
const std::string select = "SELECT id, number, level, queue_id, expires_at, reason, added_by, created_at FROM "
                           "priority_callers WHERE ";
const std::string byNumber = " ORDER BY number LIMIT ?";
constexpr auto insert = "INSERT INTO priority_callers (tenant_id, id, number, level, queue_id, expires_at, reason, "
                        "added_by, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
constexpr auto change = "UPDATE priority_callers SET level = ?, queue_id = ?, expires_at = ?, reason = ? WHERE "
                        "tenant_id = ? AND id = ?";
constexpr auto eraseExpired = "DELETE FROM priority_callers WHERE tenant_id = ? AND number = ? AND expires_at <= ?";
constexpr auto erase = "DELETE FROM priority_callers WHERE tenant_id = ? AND id = ?";

using CallerRow = Row<std::string, std::string, Int, Maybe<std::string>, Maybe<Int>, std::string, std::string, Int>;

PriorityCaller callerOf(const CallerRow& row) {
    return {PriorityCallerId(at<0>(row)),
            at<1>(row),
            static_cast<int>(at<2>(row)),
            idOf<QueueId>(at<3>(row)),
            timeOf(at<4>(row)),
            at<5>(row),
            at<6>(row),
            fromEpochMicros(at<7>(row))};
}

PriorityCaller find(Sql& sql, const domain::Scope& scope, const std::string& idOrNumber, std::string_view lock = {}) {
    Where where;
    whereTenant(where, scope, "priority_callers");
    whereReference(where, "priority caller", 'p', idOrNumber, "number");
    const auto row = sql.row<CallerRow>(select + where.text + std::string(lock), where.values);
    if (!row) throw Error::notFound("priority caller", idOrNumber);
    return callerOf(*row);
}

} // namespace

Page<PriorityCaller> PriorityCallerRepository::list(const domain::Scope& scope, const PageRequest& page,
                                                    const PriorityCallerFilter& filter) {
    Where where;
    whereTenant(where, scope, "priority_callers");
    where.add("number > ?", {page.after});
    if (!filter.number.empty()) whereNumberBegins(where, filter.number);
    if (filter.expired) whereExpired(where, *filter.expired, database_.clock().now());
    where.values.emplace_back(limitOf(page));
    return database_.connections().read([&](Sql& sql) {
        std::vector<PriorityCaller> items;
        for (const auto& row : sql.rows<CallerRow>(select + where.text + byNumber, where.values))
            items.push_back(callerOf(row));
        return makePage(std::move(items), page, [](const auto& caller) { return caller.number; });
    });
}

PriorityCaller PriorityCallerRepository::get(const domain::Scope& scope, const std::string& idOrNumber) {
    return database_.connections().read([&](Sql& sql) { return find(sql, scope, idOrNumber); });
}

PriorityCaller PriorityCallerRepository::add(const domain::Scope& scope, const NewPriorityCaller& wanted) {
    checkWholeTenant(scope);
    checkNumber(wanted.number, "number");
    checkLevel(wanted.level, "level");
    const auto now = database_.clock().now();
    PriorityCaller made{PriorityCallerId(newId('p')),
                        wanted.number,
                        wanted.level,
                        wanted.queue,
                        wanted.expiresAt,
                        wanted.reason,
                        wanted.addedBy,
                        now};
    return database_.connections().write([&](Sql& sql) {
        checkQueue(sql, scope, wanted.queue);
        sql.execute(eraseExpired, {scope.tenant().str(), made.number, epochMicros(now)});
        sql.execute(insert, {scope.tenant().str(), made.id.str(), made.number, std::int64_t(made.level),
                             orNull(made.queue), orNull(made.expiresAt), made.reason, made.addedBy, epochMicros(now)});
        return made;
    });
}

PriorityCaller PriorityCallerRepository::update(const domain::Scope& scope, const std::string& idOrNumber,
                                                const PriorityCallerChange& wanted) {
    checkWholeTenant(scope);
    if (wanted.level) checkLevel(*wanted.level, "level");
    return database_.connections().write([&](Sql& sql) {
        auto caller = find(sql, scope, idOrNumber, sql.dialect().forUpdate());
        if (wanted.queue) {
            checkQueue(sql, scope, *wanted.queue);
            caller.queue = *wanted.queue;
        }
        if (wanted.level) caller.level = *wanted.level;
        if (wanted.expiresAt) caller.expiresAt = *wanted.expiresAt;
        if (wanted.reason) caller.reason = *wanted.reason;
        sql.execute(change, {std::int64_t(caller.level), orNull(caller.queue), orNull(caller.expiresAt), caller.reason,
                             scope.tenant().str(), caller.id.str()});
        return caller;
    });
}

void PriorityCallerRepository::remove(const domain::Scope& scope, const std::string& idOrNumber) {
    checkWholeTenant(scope);
    database_.connections().write([&](Sql& sql) {
        const auto caller = find(sql, scope, idOrNumber, sql.dialect().forUpdate());
        sql.execute(erase, {scope.tenant().str(), caller.id.str()});
    });
}

} // namespace pbx::storage
