// The daily counts of calls on request, inside somebody's transaction: for OutboundGuard and the callbacks, which count
// what is dialled and judge what is asked for by the same caps. Not for outside lib/storage.
// Threads: values. Fails with pbx::Error: tooManyRequests (mustHaveRoom), unavailable.
#pragma once

#include "storage/outbound_guard.hpp"
#include "storage/sql.hpp"

namespace pbx::storage {

// One call that somebody wants made.
struct OutboundUse {
    TenantId tenant;
    std::string number;
    std::string source;
};

// Whoever judges or counts for a tenant locks its row of the day first, until COMMIT: between a look and a count nobody
// else counts, and no two hold what the other one needs. Before any row of a callback, for the same reason.
void lockCounts(Sql& sql, const TenantId& tenant, UtcTime now);

// The cap that has no room for one more; behind lockCounts() the answer holds until COMMIT. `waiting`: the callbacks
// that are accepted and wait to be dialled count as well.
enum class Waiting : std::uint8_t { left, counted };
std::optional<OutboundCap> fullCap(Sql& sql, const OutboundUse& use, const OutboundCaps& caps, UtcTime now,
                                   Waiting waiting = Waiting::left);
// The same, said to whoever asks.
void mustHaveRoom(Sql& sql, const OutboundUse& use, const OutboundCaps& caps, UtcTime now, Waiting waiting);

// One more. Answers the alarms that it sets off, the highest of each cap.
std::vector<CapAlarm> countUse(Sql& sql, const OutboundUse& use, const OutboundCaps& caps, UtcTime now);
// One that was counted at `counted` was not dialled after all.
void uncountUse(Sql& sql, const OutboundUse& use, UtcTime counted);
// The alarms that one more accepted callback sets off, itself stored already.
std::vector<CapAlarm> waitingAlarms(Sql& sql, const OutboundUse& use, const OutboundCaps& caps, UtcTime now);

// When the counts begin anew.
UtcTime nextDay(UtcTime now);

} // namespace pbx::storage
