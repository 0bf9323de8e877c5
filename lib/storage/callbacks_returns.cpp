#include "storage/callbacks_returns.hpp"

#include "storage/callbacks_rows.hpp"

namespace pbx::storage {
namespace {

using domain::CallbackEvent;

constexpr std::size_t longestCall = 150;

// --- SQL ---
constexpr auto selectWatched =
    "SELECT DISTINCT tenant_id FROM callback_policies WHERE on_return <> 'off' OR abandon_after IS NOT NULL";
const std::string byOpenKey = "tenant_id = ? AND open_key = ?";
// The sign: SQLite would take the index of open keys, and read all of the tenant's callbacks that have ended.
const std::string byCall = "tenant_id = ? AND returned_call = ? AND +open_key IS NULL";
constexpr auto selectAskedAt = "SELECT at FROM callback_events WHERE tenant_id = ? AND callback_id = ? AND version = 1";
constexpr auto letGo = "UPDATE callbacks SET returned_call = ?, version = version + 1 WHERE id = ? AND state IN "
                       "('gated', 'ringing', 'answered', 'connected')";
constexpr auto clearLetGo = "UPDATE callbacks SET returned_call = NULL, version = version + 1 WHERE tenant_id = ? AND "
                            "returned_call = ? AND open_key IS NOT NULL";

std::optional<domain::Callback> find(Sql& sql, const std::string& where, const Values& values) {
    const auto row = sql.row<CallbackRow>(selectCallback() + where, values);
    return row ? std::optional(callbackOf(*row)) : std::nullopt;
}

} // namespace

std::set<TenantId> CallbackReturnRepository::watched() {
    return database_.connections().read([&](Sql& sql) {
        std::set<TenantId> out;
        for (const auto& row : sql.rows<Row<std::string>>(selectWatched, {})) out.insert(TenantId(at<0>(row)));
        return out;
    });
}

std::optional<domain::Callback> CallbackReturnRepository::open(const TenantId& tenant, const QueueId& queue,
                                                               const std::string& number) {
    return database_.connections().read([&](Sql& sql) {
        return find(sql, byOpenKey, {tenant.str(), openKey(queue, number)});
    });
}

ReturnedCallback CallbackReturnRepository::came(const TenantId& tenant, const QueueId& queue, const std::string& number,
                                                const std::string& call, UtcTime joined, domain::CallbackReturn what) {
    if (call.empty() || call.size() > longestCall) throw Error::field("call", "must be 1 to 150 characters");
    const auto key = openKey(queue, number);
    const auto now = database_.clock().now();
    auto before = open(tenant, queue, number);
    if (!before) { // the usual case writes nothing
        auto known = database_.connections().read([&](Sql& sql) { return find(sql, byCall, {tenant.str(), call}); });
        if (!known) return {};
        return {ReturnResult::known, std::move(*known)};
    }
    return database_.connections().write([&](Sql& sql) -> ReturnedCallback {
        auto held = find(sql, byOpenKey + std::string(sql.dialect().forUpdate()), {tenant.str(), key});
        if (!held) return {};
        const auto asked = sql.row<Row<Int>>(selectAskedAt, {tenant.str(), held->id.str()});
        if (asked && at<0>(*asked) > epochMicros(joined)) return {};
        const CallbackChange wanted{
            "outcome = ?, returned_call = ?", {std::string(domain::outcomeToken(domain::outcomeOf(what))), call}, {}};
        if (change(sql, held->id, CallbackEvent::cancel, now, wanted)) return {ReturnResult::ended, std::move(*held)};
        if (sql.execute(letGo, {call, held->id.str()}) == 1) return {ReturnResult::letGo, std::move(*held)};
        return {};
    });
}

bool CallbackReturnRepository::left(const TenantId& tenant, const std::string& call) {
    return database_.connections().write([&](Sql& sql) { return sql.execute(clearLetGo, {tenant.str(), call}) > 0; });
}

} // namespace pbx::storage
