// Who still lives: a lease is over when its row was seen unchanged (epoch and beat) for its whole time, by the steady
// clock of whoever looks. No wall clock is asked, so none that jumps can shorten a lease.
// Threads: one. Nothing fails.
#pragma once

#include "storage/callbacks_jobs.hpp"

#include <chrono>
#include <unordered_map>

namespace pbx::callbacks {

class LeaseWatch {
public:
    explicit LeaseWatch(std::chrono::milliseconds leaseFor) : leaseFor_(leaseFor) {}

    // To be called with each look at a row that is somebody else's.
    bool isOver(const storage::CallbackJob& job, SteadyTime now);
    // Rows that were not looked at since the last call are forgotten.
    void sweep();

private:
    struct Seen {
        std::int64_t epoch = 0;
        std::int64_t beat = 0;
        SteadyTime since;
        bool current = true;
    };
    const std::chrono::milliseconds leaseFor_;
    std::unordered_map<CallbackId, Seen> seen_;
};

} // namespace pbx::callbacks
