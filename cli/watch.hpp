// `pbxctl watch`: the board on the whole terminal until q or Ctrl-C; with --once, printed once.
// Threads: the one that runs the command. Throws what Client throws before the screen is taken; later trouble is shown.
#pragma once

#include "cli/command.hpp"
#include "cli/console.hpp"

namespace pbx::cli {

int runWatch(const Parsed& parsed, const Console& console);

} // namespace pbx::cli
