// One run of pbxctl: a command line in, output and an exit code out.
// Threads: one run at a time. Throws nothing: every error is written to `err` and becomes the exit code.
#pragma once

#include "cli/console.hpp"

#include <string>
#include <vector>

namespace pbx::cli {

int run(const std::vector<std::string>& arguments, const Console& console); // without the program's name

} // namespace pbx::cli
