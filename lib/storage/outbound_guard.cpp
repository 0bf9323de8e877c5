#include "storage/outbound_guard.hpp"

#include "storage/repository.hpp"

#include <array>

namespace pbx::storage {
namespace {

// --- SQL ---
const std::string insertUse = "INSERT INTO outbound_counts (tenant_id, day, cap, name, used) VALUES (?, ?, ?, ?, 1)";
constexpr auto oneMore = "used = outbound_counts.used + 1";
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

struct Use {
    OutboundCap cap;
    std::string name;
    int limit;
};

Error full(const Use& use, std::int64_t now) {
    const auto whose = use.cap == OutboundCap::number   ? "this number is"
                       : use.cap == OutboundCap::source ? "calls by this account are"
                                                        : "calls of this tenant are";
    return Error(ErrorCode::tooManyRequests, "number: " + std::string(whose) + " dialled " + std::to_string(use.limit) +
                                                 " times a day at most ([calls] per_" +
                                                 std::string(outboundCapText(use.cap)) + "_per_day)")
        .retryIn(static_cast<int>(daySeconds - now % daySeconds));
}

// The highest of 50, 80 and 100 % that this very call has reached.
std::optional<int> reached(std::int64_t used, int limit) {
    for (const int percent : {100, 80, 50}) {
        const std::int64_t mark = std::int64_t(limit) * percent;
        if (used * 100 >= mark && (used - 1) * 100 < mark) return percent;
    }
    return std::nullopt;
}

} // namespace

std::string_view outboundCapText(OutboundCap cap) {
    static constexpr std::array<std::string_view, 3> texts{"number", "source", "tenant"};
    return texts[static_cast<std::size_t>(cap)];
}

std::vector<CapAlarm> OutboundGuard::reserve(const TenantId& tenant, const std::string& number,
                                             const std::string& source, const OutboundCaps& caps) {
    const auto now = database_.clock().now();
    // The tenant's row first: whoever else counts for it waits there, so that no two hold what the other one needs.
    const std::array<Use, 3> uses{Use{OutboundCap::tenant, "", caps.tenant},
                                  Use{OutboundCap::source, source, caps.source},
                                  Use{OutboundCap::number, number, caps.number}};
    return database_.connections().write([&](Sql& sql) {
        if (const auto stop = stopFor(sql, tenant))
            throw Error(ErrorCode::conflict, "calls on request are stopped since " + formatRfc3339(stop->since) +
                                                 (stop->reason.empty() ? "" : ": " + stop->reason));
        std::vector<CapAlarm> alarms;
        for (const auto& use : uses) {
            const Values key{tenant.str(), dayOf(now), std::string(outboundCapText(use.cap)), use.name};
            sql.execute(insertUse + sql.dialect().onDuplicate("tenant_id, day, cap, name", oneMore), key);
            const auto row = sql.row<Row<Int>>(selectUsed, key);
            const auto total = row ? at<0>(*row) : 0;
            if (total > use.limit) throw full(use, secondsOf(now)); // which rolls back
            if (const auto percent = reached(total, use.limit))
                alarms.push_back({use.cap, use.name, *percent, static_cast<int>(total), use.limit});
        }
        return alarms;
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
