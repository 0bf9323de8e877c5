// What is to be done about callbacks whatever Asterisk does: what has expired ends, what happened is told, what ended
// long ago is forgotten.
// Threads: turn() from one; several processes may do it over one database. Fails: turn() logs what fails, once, and
// tries again.
#pragma once

#include "base/log.hpp"
#include "storage/callbacks_jobs.hpp"

#include <chrono>
#include <functional>
#include <optional>

namespace pbx::callbacks {

struct UpkeepSettings {
    std::chrono::milliseconds expireEvery{5'000};
    std::chrono::milliseconds purgeEvery{60'000};
    std::chrono::hours keep{90 * 24}; // ended ones
};

class Upkeep {
public:
    // Tells receivers; an event may come twice, with the same id. Throws pbx::Error: it comes again.
    using Tell = std::function<void(const storage::CallbackNews&)>;

    // `jobs` and `clock` must outlive it.
    Upkeep(UpkeepSettings settings, storage::CallbackJobRepository& jobs, Tell tell, const Clock& clock, const Log& log)
        : settings_(settings), jobs_(jobs), tell_(std::move(tell)), clock_(clock), log_(log) {}

    // `tells`: whether this process is the one to tell. Called each second or more often.
    void turn(bool tells);

private:
    void expire();
    void purge();
    void tell();
    bool isTime(std::optional<SteadyTime>& last, std::chrono::milliseconds every) const;

    const UpkeepSettings settings_;
    storage::CallbackJobRepository& jobs_;
    const Tell tell_;
    const Clock& clock_;
    const Log log_;
    std::optional<SteadyTime> expiredAt_, purgedAt_;
    bool quiet_ = false; // the last failure was logged already
};

} // namespace pbx::callbacks
