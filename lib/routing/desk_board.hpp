// The live boards as a decision sees them: how many wait in a queue, how long, and who could take a call.
// Threads: any; the answer keeps the snapshots that it was made of, so that all it says is of one moment.
// Nothing fails: a queue that no board knows, or whose board is stale, has no facts.
#pragma once

#include "base/time.hpp"
#include "live/snapshot.hpp"
#include "routing/decision.hpp"

#include <vector>

namespace pbx::routing {

// `now`: for how long somebody waits and whether a wrap-up is over; on our clock, as the snapshots' times are.
Board boardOf(std::vector<live::SnapshotPtr> snapshots, UtcTime now);

} // namespace pbx::routing
