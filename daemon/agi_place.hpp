// Where a caller belongs in his queue who came before he joins it: he listened to the offer, was asked for a number,
// was moved. FastAGI route "place" (docs/fastagi.md). Threads: any, several at once. Throws pbx::Error as storage does:
// the connection is closed then, and the dialplan goes by what it has reckoned itself.
//
// Arguments (agi_arg_1...): Asterisk's name of the queue, how many seconds he has waited (a decimal number), his
// QUEUE_PRIO.
// Sets PBX_PLACE, Queue()'s position from 1, and PBX_DONE = 1 as the last; nothing where the queue is not the tenant's
// on the Asterisk that asks, or its board is not in step.
#pragma once

#include "agi/server.hpp"
#include "base/log.hpp"
#include "daemon/callers.hpp"
#include "domain/directory.hpp"

namespace pbx::daemon {

class AskedPlace {
public:
    // All must outlive it.
    AskedPlace(const PlaceKeeper& places, const domain::DirectoryHolder& directory, const Clock& clock, const Log& log)
        : places_(places), directory_(directory), clock_(clock), log_(log) {}

    agi::Answer answer(const agi::Request& request) const;

private:
    const PlaceKeeper& places_;
    const domain::DirectoryHolder& directory_;
    const Clock& clock_;
    const Log log_;
};

} // namespace pbx::daemon
