#include "link/backoff.hpp"

#include <algorithm>

namespace pbx::link {

void Backoff::lost(SteadyTime now, std::chrono::milliseconds upFor) {
    const bool wasStable = upFor >= timings_.stable;
    if (wasStable || !windowOpened_) {
        windowOpened_ = true;
        windowEnds_ = now + timings_.restartWindow;
    }
    if (wasStable) failures_ = 0;
}

std::chrono::milliseconds Backoff::next(SteadyTime now) {
    auto step = timings_.retryFirst;
    for (unsigned i = 0; i < failures_ && step < timings_.retryMost; ++i) step *= 2;
    step = std::min(step, timings_.retryMost);
    if (windowOpened_ && now < windowEnds_) step = std::min(step, timings_.restartRetry);
    ++failures_;
    std::uniform_int_distribution<std::chrono::milliseconds::rep> jitter(step.count() / 2, step.count());
    return std::chrono::milliseconds(jitter(random_));
}

} // namespace pbx::link
