// What placing callbacks needs of the board of one Asterisk: who is free, who waits, and what our channels are doing.
// Threads: values; any thread. Nothing fails.
#pragma once

#include "domain/callback.hpp"
#include "live/snapshot.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace pbx::callbacks {

// The leg that one of our channels has dialled, as far as it has come.
enum class LegState : std::uint8_t { none, ringing, answered, connected };

// Who stands in a queue: a caller, or one of our own channels that waits there for a callback.
struct Waiter {
    UtcTime since;                               // when it joined
    std::optional<int> priority;                 // empty: not known yet, for up to a round of the reconciler
    std::optional<domain::CallbackChannel> ours; // empty: a caller
    std::string channelId;
};

struct QueueSight {
    int free = 0;    // members who could take a call now
    int serving = 0; // members who could take one now or after the one they have: not paused, telephone reachable
    std::vector<Waiter> waiting; // in Asterisk's order
};

struct Sight {
    std::string server;                                    // [asterisk.NAME]
    bool driven = false;                                   // this node drives the Asterisk
    bool current = false;                                  // and its board is live; else nothing is done
    UtcTime at;                                            // when it was seen
    std::string startup;                                   // when that Asterisk started; empty: not known
    std::map<std::string, QueueSight, std::less<>> queues; // by Asterisk's name
    std::set<std::string, std::less<>> alive;              // channel ids of ours that are up
    std::map<std::string, LegState, std::less<>> legs;     // by the id of the channel of ours that dialled it
    // Names of tenants who have trunks there, none of which is reachable. What the board does not know is reachable.
    std::set<std::string, std::less<>> cutOff;
};

Sight sightOf(const live::Snapshot& board, UtcTime now, bool driven);

} // namespace pbx::callbacks
