// The place of an open callback that its customer takes over when he calls by himself.
// Threads: pure functions. Nothing fails.
#pragma once

#include "callbacks/sight.hpp"
#include "storage/callbacks_jobs.hpp"

#include <optional>
#include <string>
#include <vector>

namespace pbx::callbacks {

struct KeptPlace {
    int position = 1; // Queue()'s position argument, among those of its priority as Asterisk counts
    int priority = 0; // QUEUE_PRIO
    UtcTime since;    // since when he waits
};

// `priority`: what he would enter with; the callback's, if that is higher. `underWay`: the callbacks whose places are
// kept there. nullopt: the queue is not on that board.
std::optional<KeptPlace> keptPlace(const Sight& sight, const std::string& asteriskQueue,
                                   const domain::Callback& callback, int priority,
                                   const std::vector<storage::CallbackJob>& underWay);

} // namespace pbx::callbacks
