// What placing callbacks needs of the board of one Asterisk: who is free, who waits, and what our channels are doing.
// Threads: values; any thread. Nothing fails.
#pragma once

#include "live/snapshot.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace pbx::callbacks {

// The leg that one of our channels has dialled, as far as it has come.
enum class LegState : std::uint8_t { none, ringing, answered, connected };

struct QueueSight {
    int free = 0;                      // members who could take a call now
    std::vector<UtcTime> waitingSince; // of the callers who wait; our own placeholders are not among them
};

struct Sight {
    bool current = false; // the board is live, and this node drives the Asterisk; else nothing is done
    std::string startup;  // when that Asterisk started; empty: not known
    std::map<std::string, QueueSight, std::less<>> queues; // by Asterisk's name
    std::set<std::string, std::less<>> alive;              // channel ids of ours that are up
    std::map<std::string, LegState, std::less<>> legs;     // by the id of the channel of ours that dialled it
};

Sight sightOf(const live::Snapshot& board, UtcTime now, bool driven);

} // namespace pbx::callbacks
