#include "storage/outbound_counts.hpp"

#include "storage/repository.hpp"

#include <array>

namespace pbx::storage {
namespace {

// --- SQL ---
const std::string insertCount = "INSERT INTO outbound_counts (tenant_id, day, cap, name, used) VALUES (?, ?, ?, ?, ";
constexpr auto countKey = "tenant_id, day, cap, name";
constexpr auto selectCount =
    "SELECT used FROM outbound_counts WHERE tenant_id = ? AND day = ? AND cap = ? AND name = ?";
constexpr auto takeBack = "UPDATE outbound_counts SET used = used - 1 WHERE tenant_id = ? AND day = ? AND cap = ? AND "
                          "name = ? AND used > 0";
// COUNT leaves NULL out. What is being dialled is counted already.
constexpr auto selectWaiting =
    "SELECT COUNT(*), COUNT(CASE WHEN source = ? THEN 1 END), COUNT(CASE WHEN number = ? THEN 1 END) FROM callbacks "
    "WHERE tenant_id = ? AND open_key IS NOT NULL AND state IN ('queued', 'claimed', 'intent', 'retry_at')";

constexpr std::int64_t secondsOfDay = 24 * 3600;

std::int64_t unixSeconds(UtcTime at) { return epochMicros(at) / 1'000'000; }

// One cap, and how far it is used up.
struct CapUse {
    OutboundCap cap;
    std::string name;
    int limit;
    std::int64_t total;
};
using CapUses = std::array<CapUse, 3>;

Values countOf(const OutboundUse& use, const CapUse& one, UtcTime now) {
    return {use.tenant.str(), unixSeconds(now) / secondsOfDay, std::string(outboundCapText(one.cap)), one.name};
}

CapUses usesFor(const OutboundUse& use, const OutboundCaps& caps) {
    return {CapUse{OutboundCap::tenant, "", caps.tenant, 0}, CapUse{OutboundCap::source, use.source, caps.source, 0},
            CapUse{OutboundCap::number, use.number, caps.number, 0}};
}

CapUses usesOf(Sql& sql, const OutboundUse& use, const OutboundCaps& caps, UtcTime now, Waiting waiting) {
    auto uses = usesFor(use, caps);
    for (auto& one : uses)
        if (const auto row = sql.row<Row<Int>>(selectCount, countOf(use, one, now))) one.total = at<0>(*row);
    if (waiting == Waiting::left) return uses;
    const auto row = sql.row<Row<Int, Int, Int>>(selectWaiting, {use.source, use.number, use.tenant.str()});
    if (!row) throw Error(ErrorCode::internal, "a COUNT without a row");
    uses[0].total += at<0>(*row);
    uses[1].total += at<1>(*row);
    uses[2].total += at<2>(*row);
    return uses;
}

// The highest of 50, 80 and 100 % that this very call has reached.
std::vector<CapAlarm> alarmsOf(const CapUses& uses) {
    std::vector<CapAlarm> alarms;
    for (const auto& one : uses)
        for (const int percent : {100, 80, 50}) {
            const std::int64_t mark = std::int64_t(one.limit) * percent;
            if (one.total * 100 < mark || (one.total - 1) * 100 >= mark) continue;
            alarms.push_back({one.cap, one.name, percent, static_cast<int>(one.total), one.limit});
            break;
        }
    return alarms;
}

const CapUse* firstFull(const CapUses& uses) {
    for (const auto& one : uses)
        if (one.total >= one.limit) return &one;
    return nullptr;
}

} // namespace

void lockCounts(Sql& sql, const TenantId& tenant, UtcTime now) {
    sql.execute(insertCount + "0)" + sql.dialect().onDuplicate(countKey, "used = outbound_counts.used"),
                countOf({tenant, {}, {}}, {OutboundCap::tenant, {}, 0, 0}, now));
}

std::optional<OutboundCap> fullCap(Sql& sql, const OutboundUse& use, const OutboundCaps& caps, UtcTime now,
                                   Waiting waiting) {
    const auto uses = usesOf(sql, use, caps, now, waiting);
    const auto* full = firstFull(uses);
    return full ? std::optional(full->cap) : std::nullopt;
}

void mustHaveRoom(Sql& sql, const OutboundUse& use, const OutboundCaps& caps, UtcTime now, Waiting waiting) {
    const auto uses = usesOf(sql, use, caps, now, waiting);
    const auto* full = firstFull(uses);
    if (!full) return;
    const auto whose = full->cap == OutboundCap::number   ? "this number is"
                       : full->cap == OutboundCap::source ? "calls by this account are"
                                                          : "calls of this tenant are";
    throw Error(ErrorCode::tooManyRequests, "number: " + std::string(whose) + " dialled " +
                                                std::to_string(full->limit) + " times a day at most ([calls] per_" +
                                                std::string(outboundCapText(full->cap)) + "_per_day)")
        .retryIn(static_cast<int>(secondsOfDay - unixSeconds(now) % secondsOfDay));
}

std::vector<CapAlarm> countUse(Sql& sql, const OutboundUse& use, const OutboundCaps& caps, UtcTime now) {
    auto uses = usesOf(sql, use, caps, now, Waiting::left);
    for (auto& one : uses) {
        sql.execute(insertCount + "1)" + sql.dialect().onDuplicate(countKey, "used = outbound_counts.used + 1"),
                    countOf(use, one, now));
        ++one.total;
    }
    return alarmsOf(uses);
}

void uncountUse(Sql& sql, const OutboundUse& use, UtcTime counted) {
    for (const auto& one : usesFor(use, {})) sql.execute(takeBack, countOf(use, one, counted));
}

std::vector<CapAlarm> waitingAlarms(Sql& sql, const OutboundUse& use, const OutboundCaps& caps, UtcTime now) {
    return alarmsOf(usesOf(sql, use, caps, now, Waiting::counted));
}

UtcTime nextDay(UtcTime now) {
    return fromEpochMicros((unixSeconds(now) / secondsOfDay + 1) * secondsOfDay * 1'000'000);
}

} // namespace pbx::storage
