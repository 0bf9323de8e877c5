// What holds back calls that are dialled on request, against whoever got hold of an account: how often a day each
// number, source and tenant may, and a switch that stops it all. Days are UTC's.
// Threads: any. Fails with pbx::Error: conflict (stopped), tooManyRequests (a cap is full; nothing is counted),
// notFound (resume() where nothing is stopped), unavailable, outcomeUnknown.
#pragma once

#include "base/ids.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pbx::storage {

class Database;
class Sql;

// Calls a day, within one tenant.
struct OutboundCaps {
    int number = 10;  // to one number
    int source = 200; // by one user or token
    int tenant = 2000;
};

enum class OutboundCap : std::uint8_t { number, source, tenant };
std::string_view outboundCapText(OutboundCap cap); // "number", ...

// A cap of which a call used up 50, 80 or 100 %.
struct CapAlarm {
    OutboundCap cap = OutboundCap::tenant;
    std::string name; // the number or source; empty: the tenant's
    int percent = 0;
    int used = 0;
    int limit = 0;
};

struct OutboundStop {
    std::optional<TenantId> tenant; // empty: every tenant
    std::string reason;
    std::string by; // login
    UtcTime since;
};

class OutboundGuard {
public:
    static constexpr int daysKept = 31;

    explicit OutboundGuard(Database& database) : database_(database) {}

    // Counts one call before it is asked for: exact, however many ask at once. `source`: a user's or token's name.
    // Answers the alarms that it sets off, the highest of each cap.
    std::vector<CapAlarm> reserve(const TenantId& tenant, const std::string& number, const std::string& source,
                                  const OutboundCaps& caps);

    // The stop that holds for this tenant: everybody's, else its own.
    std::optional<OutboundStop> stopped(const TenantId& tenant);
    std::vector<OutboundStop> stops();
    // Asked again it keeps the first one's time and takes the new reason.
    OutboundStop stop(const std::optional<TenantId>& tenant, const std::string& reason, const std::string& by);
    void resume(const std::optional<TenantId>& tenant);

    int usedToday(const TenantId& tenant);
    // Deletes the counts of days that are over for long.
    int purge();

private:
    Database& database_;
};

} // namespace pbx::storage
