#include "callbacks/kept_place.hpp"

#include "callbacks/turn.hpp"

#include <algorithm>

namespace pbx::callbacks {
namespace {

Turns turnsOf(const std::vector<storage::CallbackJob>& underWay) {
    Turns turns;
    for (const auto& job : underWay)
        turns[job.callback.id] = {job.callback.priority, job.callback.requestedAt, job.callback.id};
    return turns;
}

} // namespace

std::optional<KeptPlace> keptPlace(const Sight& sight, const std::string& asteriskQueue,
                                   const domain::Callback& callback, int priority,
                                   const std::vector<storage::CallbackJob>& underWay) {
    const auto queue = sight.queues.find(asteriskQueue);
    if (queue == sight.queues.end()) return std::nullopt;
    const Turn mine{std::max(priority, callback.priority), callback.requestedAt, callback.id};
    return KeptPlace{positionOf(queue->second, mine, turnsOf(underWay)), mine.priority, mine.since};
}

std::optional<int> callerPlace(const Sight& sight, const std::string& asteriskQueue, const std::string& channelId,
                               int priority, UtcTime since, const std::vector<storage::CallbackJob>& underWay) {
    const auto queue = sight.queues.find(asteriskQueue);
    if (queue == sight.queues.end()) return std::nullopt;
    auto others = queue->second;
    std::erase_if(others.waiting, [&](const Waiter& waiter) { return waiter.channelId == channelId; });
    return positionOf(others, {priority, since, {}}, turnsOf(underWay));
}

} // namespace pbx::callbacks
