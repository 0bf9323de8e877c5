// Where a test ends the program: the crash points P1-P8 of a callback's attempt. Only tests set a hook: the simulation,
// and pbxd-failpoints (tests/asterisk). What is shipped has the empty one.
// Threads: the hook runs on the thread that reaches the point. It may throw anything (a simulated crash) or not return.
#pragma once

#include <cstdint>
#include <functional>

namespace pbx::callbacks {

enum class FailPoint : std::uint8_t {
    beforeClaim = 1, // P1
    claimed,         // P2: before the attempt is stored
    begun,           // P3: the attempt is stored, nothing was sent
    sent,            // P4: before Asterisk answers
    gated,           // P5: the gate's commit is done, its answer is not
    talking,         // P6: the customer's phone rings, or they talk
    resultKnown,     // P7: before it is stored
    resultStored     // P8: before anybody is told
};
using FailHook = std::function<void(FailPoint)>;

inline void reach(const FailHook& hook, FailPoint point) {
    if (hook) hook(point);
}

} // namespace pbx::callbacks
