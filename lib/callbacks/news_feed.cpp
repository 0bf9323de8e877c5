#include "callbacks/news_feed.hpp"

#include <algorithm>
#include <utility>

namespace pbx::callbacks {
namespace {

// The two clocks are read one after the other.
constexpr std::chrono::seconds jitter{1};

} // namespace

NewsFeed::NewsFeed(storage::CallbackJobRepository& jobs, Publish publish, const Clock& clock)
    : jobs_(jobs), publish_(std::move(publish)), clock_(clock), from_(clock.now()), last_(from_),
      lastSteady_(clock.steady()) {}

void NewsFeed::turn() {
    const auto now = clock_.now();
    const auto steady = clock_.steady();
    // The last turn, as the clock of now tells the time. Where that was set back, what it will tell again was told and
    // forgotten: those of its events that are stored already.
    const auto last = now - std::chrono::duration_cast<Micros>(steady - lastSteady_);
    const bool setBack = last + jitter < last_;
    const auto from = setBack ? last - window : std::max(from_, last_ - window);
    const auto isOld = [&](UtcTime at) { return setBack && at < from_ && (at < last || at > now); };
    auto since = from;
    for (bool more = true; more;) {
        const auto news = jobs_.newsSince(since, batch);
        more = static_cast<int>(news.size()) == batch && news.back().at > since;
        for (const auto& one : news)
            if (seen_.emplace(one.id(), one.at).second && !isOld(one.at)) publish_(one);
        if (more) since = news.back().at;
    }
    std::erase_if(seen_, [&](const auto& entry) { return entry.second < from; });
    from_ = from;
    last_ = now;
    lastSteady_ = steady;
}

} // namespace pbx::callbacks
