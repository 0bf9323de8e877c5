// What `watch` knows of the board: the queues of each tenant as last answered, and what is wrong.
// Threads: values. Nothing fails.
#pragma once

#include "base/time.hpp"
#include "ops/catalogue/directory.hpp"

#include <optional>
#include <string>
#include <vector>

namespace pbx::cli {

struct QueueView {
    ops::QueueStatusResult status;
    SteadyTime received; // running clocks count on from here
};

struct TenantBoard {
    std::string tenant;            // its name
    std::vector<QueueView> queues; // in the order of queue.list
    bool loaded = false;
    bool stale = false;          // pbxd says so: its link to Asterisk is down or not in step
    std::optional<UtcTime> asOf; // of what is shown
    std::string problem;         // why pbxd does not answer; empty: it does
    std::optional<SteadyTime> problemSince;
};

using Board = std::vector<TenantBoard>;

} // namespace pbx::cli
