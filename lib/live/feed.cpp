#include "live/feed.hpp"

#include "base/random.hpp"

#include <algorithm>
#include <array>

namespace pbx::live {

std::string_view feedKindText(FeedKind kind) {
    static constexpr std::array<std::string_view, 14> names{
        "caller.joined",  "caller.left",    "agent.ringing",    "agent.connected", "agent.completed",
        "member.changed", "call.started",   "call.ended",       "peer.changed",    "board.stale",
        "board.fresh",    "callback.asked", "callback.changed", "callback.ended"};
    const auto index = static_cast<std::size_t>(kind);
    return index < names.size() ? names[index] : std::string_view("unknown");
}

std::string_view outcomeText(Outcome outcome) {
    static constexpr std::array<std::string_view, 7> names{"unknown", "answered",  "abandoned", "timeout",
                                                           "key",     "withdrawn", "empty"};
    const auto index = static_cast<std::size_t>(outcome);
    return index < names.size() ? names[index] : std::string_view("unknown");
}

std::vector<std::string_view> memberChangeNames(std::uint32_t changes) {
    static constexpr std::array<std::string_view, 10> names{"added",   "removed", "paused", "penalty",  "status",
                                                            "in_call", "ringing", "wrapup", "settings", "counters"};
    std::vector<std::string_view> result;
    for (std::size_t bit = 0; bit < names.size(); ++bit)
        if ((changes & (1U << bit)) != 0) result.push_back(names[bit]);
    return result;
}

Feed::Feed(std::size_t capacity) : instance_(randomText(16)), ring_(std::max<std::size_t>(capacity, 1)) {}

void Feed::publish(std::vector<FeedEvent>&& events) {
    if (events.empty()) return;
    std::vector<std::shared_ptr<FeedEvent>> made;
    made.reserve(events.size());
    for (auto& event : events) made.push_back(std::make_shared<FeedEvent>(std::move(event)));

    std::vector<FeedEventPtr> replaced; // freed after the lock
    replaced.reserve(made.size());
    std::uint64_t last = 0;
    {
        std::lock_guard lock(mutex_);
        for (auto& event : made) {
            event->seq = ++last_;
            auto& slot = ring_[(event->seq - 1) % ring_.size()];
            replaced.push_back(std::move(slot));
            slot = std::move(event);
        }
        last = last_;
    }
    if (hook_) hook_(last);
}

Feed::Page Feed::read(std::uint64_t after, std::size_t limit) const {
    Page page;
    page.next = after;
    page.events.reserve(std::min(limit, readBatch));
    while (page.events.size() < limit) {
        const std::size_t room = std::min(limit - page.events.size(), readBatch);
        page.events.reserve(page.events.size() + room); // no allocation under the lock
        std::lock_guard lock(mutex_);
        const std::uint64_t oldest = last_ > ring_.size() ? last_ - ring_.size() : 0; // the last one lost
        if (page.next > last_ || page.next < oldest) {
            // In the middle of a long read the writers may overtake us: what was read so far is still in order.
            page.fellOut = page.events.empty();
            if (page.fellOut) page.next = last_;
            return page;
        }
        const std::uint64_t end = std::min<std::uint64_t>(last_, page.next + room);
        if (end == page.next) return page;
        while (page.next < end) page.events.push_back(ring_[page.next++ % ring_.size()]);
    }
    return page;
}

std::uint64_t Feed::lastSeq() const {
    std::lock_guard lock(mutex_);
    return last_;
}

void Feed::onPublish(std::function<void(std::uint64_t)> hook) { hook_ = std::move(hook); }

} // namespace pbx::live
