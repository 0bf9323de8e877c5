#include "callbacks/kept_place.hpp"

#include "callbacks/turn.hpp"

#include <algorithm>

namespace pbx::callbacks {

std::optional<KeptPlace> keptPlace(const Sight& sight, const std::string& asteriskQueue,
                                   const domain::Callback& callback, int priority,
                                   const std::vector<storage::CallbackJob>& underWay) {
    const auto queue = sight.queues.find(asteriskQueue);
    if (queue == sight.queues.end()) return std::nullopt;
    Turns turns;
    for (const auto& job : underWay)
        turns[job.callback.id] = {job.callback.priority, job.callback.requestedAt, job.callback.id};
    const Turn mine{std::max(priority, callback.priority), callback.requestedAt, callback.id};
    return KeptPlace{positionOf(queue->second, mine, turns), mine.priority, mine.since};
}

} // namespace pbx::callbacks
