#include "callbacks/news_feed.hpp"

#include <algorithm>
#include <utility>

namespace pbx::callbacks {

NewsFeed::NewsFeed(storage::CallbackJobRepository& jobs, Publish publish, const Clock& clock)
    : jobs_(jobs), publish_(std::move(publish)), clock_(clock), begun_(clock.now()) {}

void NewsFeed::turn() {
    const auto from = std::max(begun_, clock_.now() - window);
    auto since = from;
    for (bool more = true; more;) {
        const auto news = jobs_.newsSince(since, batch);
        more = static_cast<int>(news.size()) == batch && news.back().at > since;
        for (const auto& one : news) {
            if (!seen_.emplace(one.id(), one.at).second) continue;
            publish_(one);
        }
        if (more) since = news.back().at;
    }
    std::erase_if(seen_, [&](const auto& entry) { return entry.second < from; });
}

} // namespace pbx::callbacks
