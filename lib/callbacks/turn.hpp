// Whose turn it is in one queue of Asterisk: where a callback's placeholder belongs among those who wait.
// Threads: pure functions. Nothing fails.
//
// Asterisk serves by priority, then by its own order, which Queue()'s position argument sets at joining (app_queue.c,
// join_queue(): behind everybody of a higher priority, and then at the first place that is not before that position).
#pragma once

#include "callbacks/sight.hpp"

#include <map>

namespace pbx::callbacks {

struct Turn {
    int priority = 0;
    UtcTime since; // a callback's: since when its customer waits
    CallbackId id; // a callback's: of two that were asked for at once
};
using Turns = std::map<CallbackId, Turn>; // of the callbacks under way

bool isBefore(const Turn& one, const Turn& other);

// Whether `waiter` is to be served before `mine`. Where its priority is not known it counts as the same; one of our
// channels whose callback is not under way any more is before nobody.
bool isBefore(const Waiter& waiter, const Turn& mine, const Turns& turns);

// The position to join at, from 1: behind the last caller who is to be served before `mine`, and behind our own
// channels there that are. One of ours further back stands wrong itself, and is placed anew.
int positionOf(const QueueSight& queue, const Turn& mine, const Turns& turns);

// Whether the placeholder `channelId` stands before a caller who is to be served first, or behind somebody of its own
// priority who came later: who left or came between the look at the board and its joining shifts it by one.
bool isMisplaced(const QueueSight& queue, const std::string& channelId, const Turn& mine, const Turns& turns);

} // namespace pbx::callbacks
