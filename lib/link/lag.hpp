// How late events come, measured against the best seen, so that Asterisk's clock and ours need not agree.
// Threads: one at a time. Nothing fails.
#pragma once

#include "base/time.hpp"

#include <algorithm>
#include <optional>

namespace pbx::link {

class LagMeter {
public:
    // A round trip up to here is short enough to say what the clocks differ by.
    static constexpr std::chrono::milliseconds shortTrip{100};

    void reset() { *this = LagMeter(); }
    // `stamped`: by Asterisk's clock; `now`: ours.
    void event(UtcTime stamped, UtcTime now) {
        const Micros delay = now - stamped;
        best_ = best_ ? std::min(*best_, delay) : delay;
        lag_ = delay - *best_;
    }
    // The answer to a Ping. A quick one sets the comparison anew, should a clock have been set meanwhile.
    void pong(UtcTime stamped, UtcTime now, SteadyTime::duration trip) {
        if (trip <= shortTrip) best_.reset();
        event(stamped, now);
    }
    std::optional<Micros> lag() const noexcept { return lag_; }

private:
    std::optional<Micros> best_;
    std::optional<Micros> lag_;
};

} // namespace pbx::link
