#include "routing/intervals.hpp"

#include "base/error.hpp"
#include "routing/hours.hpp"
#include "storage/repositories.hpp"

#include <utility>
#include <vector>

namespace pbx::routing {
namespace {

constexpr auto lease = "open-intervals";
constexpr std::chrono::seconds leaseFor{30};
constexpr int mostAtOnce = 100;
// From the day before, for a server whose clock is behind; to a day more than is asked for, so that the next time is
// due tomorrow and not at once.
constexpr int daysBack = 1;
constexpr int daysWritten = 63;

using Intervals = std::vector<std::pair<UtcTime, UtcTime>>;

} // namespace

IntervalWriter::IntervalWriter(storage::Repositories& repositories, const Clock& clock, const Log& log,
                               std::string owner)
    : repositories_(repositories), clock_(clock), log_(log), owner_(std::move(owner)) {}

int IntervalWriter::renew() {
    const auto now = clock_.now();
    if (repositories_.hours.withIntervalsBefore(now + ahead, 1).empty()) return 0;
    const auto held = repositories_.leases.acquire(lease, owner_, leaseFor);
    if (!held) return 0; // another process is at it
    int written = 0;
    for (const auto& due : repositories_.hours.withIntervalsBefore(now + ahead, mostAtOnce))
        if (write(due, now)) ++written;
    repositories_.leases.release(*held);
    return written;
}

bool IntervalWriter::write(const storage::HoursOfTenant& due, UtcTime now) {
    const UtcTime from = std::chrono::floor<std::chrono::days>(now) - std::chrono::days(daysBack);
    const UtcTime until = from + std::chrono::hours(24) * daysWritten;
    Intervals intervals;
    try {
        for (const auto& one : openIntervals(due.hours, from, daysWritten)) intervals.emplace_back(one.from, one.to);
    } catch (const Error& error) {
        log_.warning("hours.broken", {{"hours", due.hours.name}, {"text", error.text()}, {"cause", error.cause()}});
        intervals = {{from, until}};
    }
    return repositories_.hours.setIntervals(due.tenant, due.hours, intervals, until);
}

} // namespace pbx::routing
