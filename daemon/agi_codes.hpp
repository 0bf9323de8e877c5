// What an agent's phone dials, as the operation that it stands for: FastAGI route "agent" (docs/fastagi.md). The agent
// is known by the phone's endpoint, which Asterisk itself tells, and which its phone has proved; a caller's number
// counts for nothing.
// Threads: any, several at once; waits for the outcome a second at the most, and no more than `mostWaiting` at once: a
// call that asks where to go needs a worker, too. Throws pbx::Error as storage does: the
// connection is closed then.
//
// Arguments (agi_arg_1...): login, logout, pause or unpause; with pause the reason's keys; CHANNEL(endpoint).
// Sets PBX_AGENT = done | later (stored, not seen yet, or not waited for) | refused, and PBX_DONE = 1 as the last.
#pragma once

#include "access/principal.hpp"
#include "agi/server.hpp"
#include "base/log.hpp"
#include "domain/control.hpp"
#include "domain/directory.hpp"
#include "ops/door.hpp"
#include "storage/pause_reasons.hpp"

#include <functional>
#include <memory>
#include <semaphore>
#include <string_view>
#include <vector>

namespace pbx::daemon {

class PhoneCodes {
public:
    // ops::Dispatcher::admitAs.
    using Admit = std::function<std::unique_ptr<ops::Session>(access::PrincipalPtr, ops::CallContext)>;

    // All must outlive it.
    PhoneCodes(Admit admit, storage::PauseReasonRepository& reasons, const domain::DirectoryHolder& directory,
               const Clock& clock, const Log& log, std::ptrdiff_t mostWaiting)
        : admit_(std::move(admit)), reasons_(reasons), directory_(directory), clock_(clock), log_(log),
          seats_(std::make_shared<Seats>(mostWaiting)) {}

    agi::Answer answer(const agi::Request& request, SteadyTime deadline) const;

private:
    domain::ActionState await(ops::Waiting& waiting, SteadyTime until) const;
    std::string carryOut(const agi::Request& request, const TenantId& tenant, const domain::Agent& agent,
                         SteadyTime deadline) const;

    const Admit admit_;
    storage::PauseReasonRepository& reasons_;
    const domain::DirectoryHolder& directory_;
    const Clock& clock_;
    const Log log_;
    using Seats = std::counting_semaphore<>;
    const std::shared_ptr<Seats> seats_; // of those who may wait
};

// The one reason whose name on a telephone's keys (abc = 2, ... wxyz = 9, digits as they are) is `keys`, or else is the
// only one to begin so. nullptr: none, or several.
const domain::PauseReason* reasonByKeys(const std::vector<domain::PauseReason>& reasons, std::string_view keys);

} // namespace pbx::daemon
