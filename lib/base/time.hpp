// Time: microseconds since the Unix epoch in UTC, RFC 3339 text on every wire, and clocks that tests can set.
// Threads: values and const clocks, any thread. parse functions answer nullopt for text that is not exactly right.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pbx {

using Micros = std::chrono::microseconds;
using UtcTime = std::chrono::time_point<std::chrono::system_clock, Micros>;
using SteadyTime = std::chrono::steady_clock::time_point; // for deadlines and leases: no wall-clock jump reaches it

inline std::int64_t epochMicros(UtcTime t) { return t.time_since_epoch().count(); }
inline UtcTime fromEpochMicros(std::int64_t us) { return UtcTime(Micros(us)); }

// "2026-11-22T21:24:38.123456Z": always Z, six digits; without a fraction when it is zero, unless it is to be there
// always (lines that are sorted or matched as text).
enum class Fraction { unlessZero, always };
std::string formatRfc3339(UtcTime t, Fraction fraction = Fraction::unlessZero);
// Strict RFC 3339 with any offset, years 1970-9999; a leap second (:60) and impossible dates are refused.
std::optional<UtcTime> parseRfc3339(std::string_view text);

class Clock {
public:
    virtual ~Clock() = default;
    virtual UtcTime now() const = 0;
    virtual SteadyTime steady() const = 0;
};

class SystemClock final : public Clock {
public:
    UtcTime now() const override;
    SteadyTime steady() const override;
};

} // namespace pbx
