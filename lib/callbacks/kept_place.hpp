// Where a caller belongs who is not simply the last: who takes over the place of his open callback, and who came before
// he joins the queue.
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

// The position for the caller on `channelId` who has waited since `since`: behind whoever is to be served before him.
// He himself, should the board show him there still, does not count. nullopt as above.
std::optional<int> callerPlace(const Sight& sight, const std::string& asteriskQueue, const std::string& channelId,
                               int priority, UtcTime since, const std::vector<storage::CallbackJob>& underWay);

} // namespace pbx::callbacks
