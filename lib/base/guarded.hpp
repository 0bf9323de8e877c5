// Data and its lock are one thing: no way to the data but through the lock.
// Threads: any. Idea seen in PowerDNS (pdns/lock.hh).
#pragma once

#include <mutex>
#include <utility>

namespace pbx {

template <class T>
class Guarded {
public:
    template <class... Args>
    explicit Guarded(Args&&... args) : value_(std::forward<Args>(args)...) {}

    // Runs `use` with the data locked and hands its answer on by value: a reference would outlive the lock.
    template <class F>
    auto with(F&& use) {
        std::lock_guard lock(mutex_);
        return std::forward<F>(use)(value_);
    }
    template <class F>
    auto with(F&& use) const {
        std::lock_guard lock(mutex_);
        return std::forward<F>(use)(value_);
    }

private:
    mutable std::mutex mutex_;
    T value_;
};

} // namespace pbx
