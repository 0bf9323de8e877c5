// When to try again: doubled and jittered, but quick for a while after an Asterisk that was up went away.
// Threads: one at a time. Nothing fails.
#pragma once

#include "base/time.hpp"
#include "link/settings.hpp"

#include <random>

namespace pbx::link {

class Backoff {
public:
    Backoff(const Timings& timings, std::uint32_t seed) : timings_(timings), random_(seed) {}

    // A session that had been up for `upFor` ended.
    void lost(SteadyTime now, std::chrono::milliseconds upFor);
    // How long to wait after the try or the session that just ended: between half of the step and all of it.
    std::chrono::milliseconds next(SteadyTime now);

private:
    Timings timings_;
    std::minstd_rand random_;
    unsigned failures_ = 0;
    bool windowOpened_ = false; // a session that comes and goes all the time does not open it again and again
    SteadyTime windowEnds_{};
};

} // namespace pbx::link
