// Recordings of a real Asterisk and the events of the simulator in one form, so that they can be held against each
// other. Threads: one. load() throws std::runtime_error when a fixture is missing.
#pragma once

#include "event.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pbx::sim::test {

struct Event {
    std::string name;
    std::vector<std::pair<std::string, std::string>> headers; // in order, "Event" among them
    double time = 0;                                          // Timestamp, seconds

    std::string get(std::string_view key) const;
    bool has(std::string_view key) const;
    std::string keys() const; // the header names in order; repeated ones as often as they are there
};

std::string fixture(std::string_view relative); // path under tests/fixtures
std::vector<Event> parse(std::string_view bytes);
std::vector<Event> load(std::string_view relative);

// Keeps what a simulated Asterisk says.
class Recorder final : public EventSink {
public:
    void event(Class c, std::string_view name, std::string_view text) override;
    std::vector<Event> events;
    std::string raw;
};

// The events of one call life cycle, named so that the same step has the same name in a recording and in the simulator:
// channels by role (caller, agent 1, agent 2 ...), with state, status or cause where that is the point of the event.
struct Step {
    std::string token;
    const Event* event = nullptr;
};
struct Filter {
    std::string queue;                  // members' events of other queues are left out
    bool deviceStatesComparable = true; // false: endpoint with device_state_busy_at=1, other numbers
};
std::vector<Step> steps(const std::vector<Event>& events, const Filter& filter);

} // namespace pbx::sim::test
