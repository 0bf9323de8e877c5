// When callers really came who listened to the offer, were asked for a number or were moved before they joined a queue:
// the dialplan tells it with route "place" (docs/fastagi.md), the board knows only when they joined. And since when
// those wait who took over the place of their own callback.
// Threads: any. Nothing fails; the oldest are forgotten, so that a flood of calls costs a bounded amount of memory.
#pragma once

#include "base/guarded.hpp"
#include "callbacks/sight.hpp"

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <tuple>

namespace pbx::callbacks {

class Arrivals {
public:
    // `most`: how many are kept, from 1. One who waits is forgotten once so many have come after him.
    explicit Arrivals(std::size_t most = 10'000) : most_(most) {}

    // What is told last of a call (its Uniqueid) in a queue holds.
    void tell(const std::string& server, const std::string& queue, const std::string& call, UtcTime since);
    std::optional<UtcTime> find(const std::string& server, const std::string& queue, const std::string& call) const;
    // Nobody waits for a shorter time than the board says.
    void adjust(Sight& sight) const;

private:
    using Key = std::tuple<std::string, std::string, std::string>;
    struct Kept {
        std::map<Key, UtcTime> since;
        std::deque<Key> order; // as they were first told
    };
    const std::size_t most_;
    Guarded<Kept> kept_;
};

} // namespace pbx::callbacks
