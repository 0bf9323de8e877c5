// Tells this process's change feed what becomes of callbacks. Each node reads for itself what all have stored: its
// event.poll must tell it, whichever node placed the callback.
// Threads: turn() from one. Fails with pbx::Error unavailable: what was missed comes with the next turn.
#pragma once

#include "storage/callbacks_jobs.hpp"

#include <chrono>
#include <functional>
#include <map>

namespace pbx::callbacks {

class NewsFeed {
public:
    using Publish = std::function<void(const storage::CallbackNews&)>;

    // What happened before now is not told. `jobs` and `clock` must outlive it.
    NewsFeed(storage::CallbackJobRepository& jobs, Publish publish, const Clock& clock);

    // Once for each, as long as its writer's clock and ours are not further apart than `window`. Where our clock was
    // set back, too, but for what happened in the second or so that it tells again with the first turn thereafter.
    void turn();

private:
    static constexpr std::chrono::seconds window{30}; // transactions and clocks of other nodes may be late by so much
    static constexpr int batch = 500;

    storage::CallbackJobRepository& jobs_;
    const Publish publish_;
    const Clock& clock_;
    UtcTime from_; // what is older was told, or was before our time
    UtcTime last_; // the last turn that succeeded, by both clocks
    SteadyTime lastSteady_;
    std::map<std::string, UtcTime> seen_; // by id, since from_
};

} // namespace pbx::callbacks
