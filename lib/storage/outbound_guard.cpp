#include "storage/outbound_guard.hpp"

#include "storage/outbound_counts.hpp"
#include "storage/repository.hpp"

#include <array>

namespace pbx::storage {
namespace {

// --- SQL ---
constexpr auto selectUsed = "SELECT used FROM outbound_counts WHERE tenant_id = ? AND day = ? AND cap = ? AND name = ?";
constexpr auto eraseOld = "DELETE FROM outbound_counts WHERE day < ?";
const std::string selectStop = "SELECT tenant_id, reason, stopped_by, stopped_at FROM outbound_stops";
const std::string insertStop =
    "INSERT INTO outbound_stops (tenant_id, reason, stopped_by, stopped_at) VALUES (?, ?, ?, ?)";
constexpr auto eraseStop = "DELETE FROM outbound_stops WHERE tenant_id = ?";

using StopRow = Row<std::string, std::string, std::string, Int>;

constexpr std::int64_t daySeconds = 24 * 3600;

std::int64_t secondsOf(UtcTime at) { return epochMicros(at) / 1'000'000; }
std::int64_t dayOf(UtcTime at) { return secondsOf(at) / daySeconds; }

OutboundStop stopOf(const StopRow& row) {
    OutboundStop stop;
    if (!at<0>(row).empty()) stop.tenant = TenantId(at<0>(row));
    stop.reason = at<1>(row);
    stop.by = at<2>(row);
    stop.since = fromEpochMicros(at<3>(row));
    return stop;
}

std::string keyOf(const std::optional<TenantId>& tenant) { return tenant ? tenant->str() : std::string(); }

// "" sorts before every id: everybody's stop comes first.
std::optional<OutboundStop> stopFor(Sql& sql, const TenantId& tenant) {
    const auto row = sql.row<StopRow>(selectStop + " WHERE tenant_id IN ('', ?) ORDER BY tenant_id", {tenant.str()});
    return row ? std::optional(stopOf(*row)) : std::nullopt;
}

} // namespace

std::string_view outboundCapText(OutboundCap cap) {
    static constexpr std::array<std::string_view, 3> texts{"number", "source", "tenant"};
    return texts[static_cast<std::size_t>(cap)];
}

std::vector<CapAlarm> OutboundGuard::reserve(const TenantId& tenant, const std::string& number,
                                             const std::string& source, const OutboundCaps& caps) {
    const auto now = database_.clock().now();
    const OutboundUse use{tenant, number, source};
    return database_.connections().write([&](Sql& sql) {
        lockCounts(sql, tenant, now);
        if (const auto stop = stopFor(sql, tenant))
            throw Error(ErrorCode::conflict, "calls on request are stopped since " + formatRfc3339(stop->since) +
                                                 (stop->reason.empty() ? "" : ": " + stop->reason));
        mustHaveRoom(sql, use, caps, now, Waiting::left);
        return countUse(sql, use, caps, now);
    });
}

std::optional<OutboundStop> OutboundGuard::stopped(const TenantId& tenant) {
    return database_.connections().read([&](Sql& sql) { return stopFor(sql, tenant); });
}

std::vector<OutboundStop> OutboundGuard::stops() {
    return database_.connections().read([&](Sql& sql) {
        std::vector<OutboundStop> found;
        for (const auto& row : sql.rows<StopRow>(selectStop + " ORDER BY tenant_id")) found.push_back(stopOf(row));
        return found;
    });
}

OutboundStop OutboundGuard::stop(const std::optional<TenantId>& tenant, const std::string& reason,
                                 const std::string& by) {
    const auto now = epochMicros(database_.clock().now());
    return database_.connections().write([&](Sql& sql) {
        sql.execute(insertStop + sql.dialect().onDuplicate("tenant_id", sql.dialect().takeOver({"reason"})),
                    {keyOf(tenant), reason, by, now});
        const auto row = sql.row<StopRow>(selectStop + " WHERE tenant_id = ?", {keyOf(tenant)});
        if (!row) throw Error(ErrorCode::internal, "a stop that was just stored is gone");
        return stopOf(*row);
    });
}

void OutboundGuard::resume(const std::optional<TenantId>& tenant) {
    const auto gone = database_.connections().write([&](Sql& sql) { return sql.execute(eraseStop, {keyOf(tenant)}); });
    if (gone == 0) throw Error(ErrorCode::notFound, "nothing is stopped there");
}

int OutboundGuard::usedToday(const TenantId& tenant) {
    const auto day = dayOf(database_.clock().now());
    return database_.connections().read([&](Sql& sql) {
        const auto row = sql.row<Row<Int>>(
            selectUsed, {tenant.str(), day, std::string(outboundCapText(OutboundCap::tenant)), std::string()});
        return row ? static_cast<int>(at<0>(*row)) : 0;
    });
}

int OutboundGuard::purge() {
    const auto day = dayOf(database_.clock().now());
    return database_.connections().write(
        [&](Sql& sql) { return static_cast<int>(sql.execute(eraseOld, {day - daysKept})); });
}

} // namespace pbx::storage
