#include "callbacks/upkeep.hpp"

#include "base/error.hpp"

#include <utility>

namespace pbx::callbacks {

void Upkeep::turn(bool tells) {
    try {
        expire();
        if (tells) tell();
        purge();
        quiet_ = false;
    } catch (const Error& error) {
        if (!std::exchange(quiet_, true)) // once, not each second
            log_.warning("callbacks.upkeep_failed", {{"text", error.text()}, {"cause", error.cause()}});
    }
}

bool Upkeep::isTime(std::optional<SteadyTime>& last, std::chrono::milliseconds every) const {
    const auto now = clock_.steady();
    if (last && now - *last < every) return false;
    last = now;
    return true;
}

void Upkeep::expire() {
    if (isTime(expiredAt_, settings_.expireEvery)) jobs_.expire();
}

void Upkeep::purge() {
    if (isTime(purgedAt_, settings_.purgeEvery)) jobs_.purge(clock_.now() - settings_.keep);
}

void Upkeep::tell() {
    const auto news = jobs_.untold();
    for (const auto& one : news) tell_(one);
    jobs_.told(news);
}

} // namespace pbx::callbacks
