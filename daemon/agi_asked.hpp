// A caller who waits in a queue asks to be called back, by a key: FastAGI route "callback" (docs/fastagi.md).
// Threads: any, several at once. Throws pbx::Error as storage does: the connection is closed then, and the caller goes
// back to his place.
//
// Arguments (agi_arg_1...): Asterisk's name of the queue, the number as the caller or the trunk spells it, how many
// seconds he has waited (a decimal number), his QUEUE_PRIO.
// Sets PBX_CB_ASKED = new | existing | refused, with refused PBX_WHY, and PBX_DONE = 1 as the last.
//
// Anybody who can call may enter any number here, so it must pass the tenant's outbound rules, be none of its own and
// not be blocked: else a stranger would have us ring premium numbers, ourselves, or who does not want to be called.
#pragma once

#include "agi/server.hpp"
#include "base/log.hpp"
#include "domain/directory.hpp"
#include "routing/desk.hpp"
#include "storage/callbacks.hpp"
#include "storage/outbound_rules.hpp"

#include <functional>
#include <string_view>

namespace pbx::daemon {

class AskedCallbacks {
public:
    // Called once a request with "asked_new", "asked_existing", "asked_refused" or "asked_by_nobody" (the tenant or
    // queue is not on the Asterisk that asks: nothing is answered).
    using Observe = std::function<void(std::string_view what)>;

    // A cap of calls on request is used up to a good part; `source`: the phone that asked. Throws nothing and
    // waits for nothing: so does a caller.
    using TellCap = std::function<void(const TenantId&, const std::string& source, const storage::CapAlarm&)>;

    // All must outlive it.
    AskedCallbacks(storage::CallbackRepository& callbacks, storage::OutboundRuleRepository& rules, routing::Desk& desk,
                   const domain::DirectoryHolder& directory, const Clock& clock, const Log& log, Observe observe,
                   TellCap tellCap)
        : callbacks_(callbacks), rules_(rules), desk_(desk), directory_(directory), clock_(clock), log_(log),
          observe_(std::move(observe)), tellCap_(std::move(tellCap)) {}

    agi::Answer answer(const agi::Request& request) const;

private:
    agi::Answer tell(const agi::Request& request, std::string_view asked, std::string_view why,
                     const CallbackId& id = {}) const;

    storage::CallbackRepository& callbacks_;
    storage::OutboundRuleRepository& rules_;
    routing::Desk& desk_;
    const domain::DirectoryHolder& directory_;
    const Clock& clock_;
    const Log log_;
    const Observe observe_;
    const TellCap tellCap_;
};

// Whom the caps count a callback for that is asked for by phone: the caller's own number, whichever one he enters.
// Those who withhold theirs share one.
std::string phoneSource(const std::string& callerNumber, const std::string& country);

// The place in the queue of one who has waited so long: 0 to a day, anything else is now.
UtcTime waitingSince(UtcTime now, std::string_view seconds);

// A QUEUE_PRIO, 0 to 100; anything else is 0.
int priorityOf(std::string_view text);

} // namespace pbx::daemon
