#include "callbacks/arrivals.hpp"

#include <algorithm>

namespace pbx::callbacks {

void Arrivals::tell(const std::string& server, const std::string& queue, const std::string& call, UtcTime since) {
    const Key key{server, queue, call};
    kept_.with([&](Kept& kept) {
        if (!kept.since.insert_or_assign(key, since).second) return;
        kept.order.push_back(key);
        if (kept.order.size() <= most_) return;
        kept.since.erase(kept.order.front());
        kept.order.pop_front();
    });
}

std::optional<UtcTime> Arrivals::find(const std::string& server, const std::string& queue,
                                      const std::string& call) const {
    return kept_.with([&](const Kept& kept) {
        const auto found = kept.since.find({server, queue, call});
        return found == kept.since.end() ? std::nullopt : std::optional(found->second);
    });
}

void Arrivals::adjust(Sight& sight) const {
    kept_.with([&](const Kept& kept) {
        if (kept.since.empty()) return;
        for (auto& [name, queue] : sight.queues)
            for (auto& waiter : queue.waiting)
                if (const auto found = kept.since.find({sight.server, name, waiter.channelId});
                    found != kept.since.end())
                    waiter.since = std::min(waiter.since, found->second);
    });
}

} // namespace pbx::callbacks
