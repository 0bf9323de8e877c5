// pbxd's main: reads its configuration, starts, waits for signals, stops.
#pragma once

#include "callbacks/fail_points.hpp"

namespace pbx::daemon {

// Answers the exit code. Throws nothing. `failHook`: empty but in tests.
int runProgram(int argc, char** argv, callbacks::FailHook failHook);

} // namespace pbx::daemon
