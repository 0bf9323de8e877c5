#include "daemon/cap_alarms.hpp"

#include "base/error.hpp"

namespace pbx::daemon {
namespace {

constexpr auto operation = "outbound.cap";

} // namespace

// The number itself stands in the audit alone: the log is read by more people.
void CapAlarms::tell(const TenantId& tenant, const std::string& source, const storage::CapAlarm& alarm) {
    const auto cap = storage::outboundCapText(alarm.cap);
    if (observe_) observe_(alarm);
    log_.warning(operation, {{"tenant", tenant},
                             {"cap", cap},
                             {"percent", alarm.percent},
                             {"used", alarm.used},
                             {"limit", alarm.limit},
                             {"login", source.substr(0, source.find(' '))}}); // "phone" without its number
    access::AuditRecord record;
    record.at = clock_.now();
    record.tenant = tenant;
    record.login = source;
    record.via = record.face = "pbxd";
    record.operation = operation;
    record.target = alarm.name;
    record.parameters = "{\"cap\":\"" + std::string(cap) + "\",\"used\":" + std::to_string(alarm.used) +
                        ",\"limit\":" + std::to_string(alarm.limit) + "}";
    record.outcome = std::to_string(alarm.percent) + " %";
    const bool kept = rows_.with([&](auto& rows) {
        if (rows.size() >= most) return false;
        rows.push_back(std::move(record));
        return true;
    });
    if (!kept) unwritten("too many wait for the database");
}

std::optional<access::AuditRecord> CapAlarms::first() const {
    return rows_.with([](const auto& rows) { return rows.empty() ? std::nullopt : std::optional(rows.front()); });
}

void CapAlarms::write() {
    for (int i = 0; i < atOnce; ++i) {
        const auto record = first();
        if (!record) return;
        try {
            audit_.write(*record);
        } catch (const Error& error) {
            if (error.code() == ErrorCode::unavailable || error.code() == ErrorCode::deadlineExceeded) throw;
            unwritten(error.cause()); // or written: nobody knows, and twice would be one too many
        }
        rows_.with([](auto& rows) { rows.pop_front(); });
    }
}

void CapAlarms::drain() {
    try {
        while (first()) write();
    } catch (const Error& error) {
        rows_.with([&](auto& rows) {
            for (; !rows.empty(); rows.pop_front()) unwritten(error.cause());
        });
    }
}

void CapAlarms::unwritten(const std::string& cause) const {
    log_.error("audit.unwritten", {{"operation", operation}, {"cause", cause}});
}

} // namespace pbx::daemon
