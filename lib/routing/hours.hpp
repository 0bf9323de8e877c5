// Opening hours in a named zone: open now, until when, and as UTC intervals for those who cannot reckon (func_odbc).
// Zones by Howard Hinnant's tz library over the system's tzdata. Threads: any; a zone's table is read from disk once,
// at its first use. Fails: Error invalidArgument for a zone that tzdata does not know or an interval out of its range.
//
// Days of 23 and 25 hours: an interval begins at the first and ends at the last moment that the wall clock shows its
// times (midnight: the first, a day never reaches into the next one). A time that the clock skips is the moment of the
// change. Open at `from`, closed at `to`: 09:00-17:00 is closed at 17:00:00.000000.
#pragma once

#include "base/time.hpp"
#include "domain/routing.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pbx::routing {

struct UtcInterval {
    UtcTime from;
    UtcTime to; // not included
    bool operator==(const UtcInterval&) const = default;
};

// Refuses hours that the functions below could not reckon with; for whoever stores them.
void checkHours(const domain::OpeningHours& hours);

// Cost: 1-2 us (benchmark in tests/unit/routing/hours_test.cpp).
bool isOpen(const domain::OpeningHours& hours, UtcTime at);

// The first moment after `at` at which isOpen() changes; empty: never again (always open, or nothing but past
// holidays).
std::optional<UtcTime> nextChange(const domain::OpeningHours& hours, UtcTime at);

// All the time that is open from `from` until `days` times 24 hours later: in order, never touching each other, cut at
// both ends. `days`: 0 to 400, more is taken as 400.
std::vector<UtcInterval> openIntervals(const domain::OpeningHours& hours, UtcTime from, int days);

// The moment as the hours' wall clock shows it: "Mon 2026-11-23 09:30".
std::string formatLocal(const domain::OpeningHours& hours, UtcTime at);
// The holiday that the moment's local day is, or nullptr; it lives as long as `hours`.
const domain::Holiday* holidayAt(const domain::OpeningHours& hours, UtcTime at);

// "09:00-17:30", "22:00-06:00" (into the next day), "00:00-24:00"; nullopt for anything else.
std::optional<domain::LocalInterval> parseInterval(std::string_view text);
std::string formatInterval(const domain::LocalInterval& interval);

} // namespace pbx::routing
