#include "callbacks/lease_watch.hpp"

namespace pbx::callbacks {

bool LeaseWatch::isOver(const storage::CallbackJob& job, SteadyTime now) {
    const auto [place, fresh] = seen_.try_emplace(job.callback.id, Seen{job.epoch, job.beat, now, true});
    auto& seen = place->second;
    seen.current = true;
    if (!fresh && (seen.epoch != job.epoch || seen.beat != job.beat)) seen = {job.epoch, job.beat, now, true};
    return now - seen.since >= leaseFor_;
}

void LeaseWatch::sweep() {
    std::erase_if(seen_, [](const auto& entry) { return !entry.second.current; });
    for (auto& [id, seen] : seen_) seen.current = false;
}

} // namespace pbx::callbacks
