// What shall happen when: a heap of times; equal times run in the order they were asked for, so that a day is
// repeatable. Threads: one. Nothing fails.
#pragma once

#include "base/time.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace pbx::sim {

class Timers {
public:
    using Action = std::function<void()>;

    void at(UtcTime when, Action action) {
        heap_.push_back({when, sequence_++, std::move(action)});
        std::push_heap(heap_.begin(), heap_.end(), later);
    }
    std::optional<UtcTime> next() const { return heap_.empty() ? std::nullopt : std::optional(heap_.front().when); }
    std::size_t size() const { return heap_.size(); }

    // Takes the first action due at or before `now`; its own time is in `when`.
    bool take(UtcTime now, UtcTime& when, Action& action) {
        if (heap_.empty() || heap_.front().when > now) return false;
        std::pop_heap(heap_.begin(), heap_.end(), later);
        when = heap_.back().when;
        action = std::move(heap_.back().action);
        heap_.pop_back();
        return true;
    }
    void clear() { heap_.clear(); }

private:
    struct Entry {
        UtcTime when;
        std::uint64_t sequence;
        Action action;
    };
    static bool later(const Entry& a, const Entry& b) {
        return a.when != b.when ? a.when > b.when : a.sequence > b.sequence;
    }
    std::vector<Entry> heap_;
    std::uint64_t sequence_ = 0;
};

} // namespace pbx::sim
