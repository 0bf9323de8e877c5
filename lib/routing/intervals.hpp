// Keeps table open_intervals: each tenant's opening hours as UTC, 60 days ahead, for Asterisk's own look when pbxd does
// not answer (func_odbc), which cannot reckon with time zones. At every moment they say what isOpen() says; hours that
// cannot be reckoned with are open all the time, as in a decision.
// Threads: one at a time; several processes over one database do not fight: one of them writes, by a lease, and what it
// writes is dropped when somebody changed the hours meanwhile.
// Fails with pbx::Error: unavailable, outcomeUnknown. What was not written is due the next time.
#pragma once

#include "base/log.hpp"
#include "base/time.hpp"

#include <string>

namespace pbx::storage {
struct Repositories;
struct HoursOfTenant;
} // namespace pbx::storage

namespace pbx::routing {

class IntervalWriter {
public:
    static constexpr std::chrono::hours ahead{60 * 24};

    // `repositories` and `clock` must outlive the writer. `owner`: this process, as for the other leases.
    IntervalWriter(storage::Repositories& repositories, const Clock& clock, const Log& log, std::string owner);

    // Writes hours that are new or changed, and those whose intervals end in less than 60 days: each about once a day.
    // At most 100 a call. Answers how many were written; one small SELECT when there is nothing to do.
    int renew();

private:
    bool write(const storage::HoursOfTenant& due, UtcTime now);

    storage::Repositories& repositories_;
    const Clock& clock_;
    const Log log_;
    const std::string owner_;
};

} // namespace pbx::routing
