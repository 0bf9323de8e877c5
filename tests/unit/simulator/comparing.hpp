// Holds what the simulator said against a recording: the same events, with the same headers in the same order, in an
// order that is allowed. Threads: one. What differs is reported to GoogleTest.
#pragma once

#include "recording.hpp"

#include <vector>

namespace pbx::sim::test {

void expectAllowedOrder(const std::vector<Step>& recorded, const std::vector<Step>& simulated);
void expectSameEvents(const std::vector<Event>& recording, const std::vector<Event>& simulation, const Filter& filter);
// Likewise with the rendered dialplan, whose recordings have no class cdr and no channel variables. A callback has two
// threads in Asterisk, one for each half: order counts among the events of one channel only. Left out: members and
// devices, and the caller ids that Asterisk passes on through the Local channel.
void expectSameRendered(const std::vector<Event>& recording, const std::vector<Event>& simulation);

} // namespace pbx::sim::test
