#include "storage/pause_reasons.hpp"

#include "base/text.hpp"
#include "storage/routing_rows.hpp"

namespace pbx::storage {
namespace {

using domain::PauseReason;

// --- SQL ---
const std::string select = "SELECT id, name, title, limit_minutes, billable, created_at FROM pause_reasons WHERE ";
const std::string byName = " ORDER BY name";
constexpr auto count = "SELECT COUNT(*) FROM pause_reasons WHERE tenant_id = ?";
constexpr auto insert = "INSERT INTO pause_reasons (tenant_id, id, name, title, limit_minutes, billable, created_at) "
                        "VALUES (?, ?, ?, ?, ?, ?, ?)";
constexpr auto change = "UPDATE pause_reasons SET title = ?, limit_minutes = ?, billable = ? WHERE tenant_id = ? AND "
                        "id = ?";
constexpr auto erase = "DELETE FROM pause_reasons WHERE tenant_id = ? AND id = ?";

using ReasonRow = Row<std::string, std::string, std::string, Int, Int, Int>;

PauseReason reasonOf(const ReasonRow& row) {
    return {PauseReasonId(at<0>(row)),    at<1>(row),      at<2>(row),
            static_cast<int>(at<3>(row)), at<4>(row) != 0, fromEpochMicros(at<5>(row))};
}

PauseReason find(Sql& sql, const domain::Scope& scope, const std::string& idOrName, std::string_view lock = {}) {
    Where where;
    whereTenant(where, scope, "pause_reasons");
    whereReference(where, "pause reason", 'y', idOrName);
    const auto row = sql.row<ReasonRow>(select + where.text + std::string(lock), where.values);
    if (!row) throw Error::notFound("pause reason", idOrName);
    return reasonOf(*row);
}

void checkLimit(int minutes) {
    if (minutes < 0 || minutes > 1440) throw Error::field("limit_minutes", "must be 0 to 1440");
}

} // namespace

std::vector<PauseReason> PauseReasonRepository::all(const domain::Scope& scope) {
    Where where;
    whereTenant(where, scope, "pause_reasons");
    return database_.connections().read([&](Sql& sql) {
        std::vector<PauseReason> found;
        for (const auto& row : sql.rows<ReasonRow>(select + where.text + byName, where.values))
            found.push_back(reasonOf(row));
        return found;
    });
}

PauseReason PauseReasonRepository::get(const domain::Scope& scope, const std::string& idOrName) {
    return database_.connections().read([&](Sql& sql) { return find(sql, scope, idOrName); });
}

PauseReason PauseReasonRepository::create(const domain::Scope& scope, const NewPauseReason& wanted) {
    checkWholeTenant(scope);
    checkLimit(wanted.limitMinutes);
    if (!isSlug(wanted.name)) throw Error::field("name", "must be a slug");
    const PauseReason made{PauseReasonId(newId('y')), wanted.name,     wanted.title,
                           wanted.limitMinutes,       wanted.billable, database_.clock().now()};
    return database_.connections().write([&](Sql& sql) {
        const auto have = sql.row<Row<Int>>(count, {scope.tenant().str()});
        if (have && at<0>(*have) >= most)
            throw Error(ErrorCode::conflict, "a tenant has at most " + std::to_string(most) + " pause reasons");
        sql.execute(insert,
                    {scope.tenant().str(), made.id.str(), made.name, made.title, std::int64_t(made.limitMinutes),
                     std::int64_t(made.billable ? 1 : 0), epochMicros(made.createdAt)});
        return made;
    });
}

PauseReason PauseReasonRepository::update(const domain::Scope& scope, const std::string& idOrName,
                                          const PauseReasonChange& wanted) {
    checkWholeTenant(scope);
    if (wanted.limitMinutes) checkLimit(*wanted.limitMinutes);
    return database_.connections().write([&](Sql& sql) {
        auto reason = find(sql, scope, idOrName, sql.dialect().forUpdate());
        if (wanted.title) reason.title = *wanted.title;
        if (wanted.limitMinutes) reason.limitMinutes = *wanted.limitMinutes;
        if (wanted.billable) reason.billable = *wanted.billable;
        sql.execute(change, {reason.title, std::int64_t(reason.limitMinutes), std::int64_t(reason.billable ? 1 : 0),
                             scope.tenant().str(), reason.id.str()});
        return reason;
    });
}

void PauseReasonRepository::remove(const domain::Scope& scope, const std::string& idOrName) {
    checkWholeTenant(scope);
    database_.connections().write([&](Sql& sql) {
        const auto reason = find(sql, scope, idOrName, sql.dialect().forUpdate());
        sql.execute(erase, {scope.tenant().str(), reason.id.str()});
    });
}

} // namespace pbx::storage
