// The bash completion, made from the commands.
// Threads: a pure function, any thread. Nothing fails.
#pragma once

#include <string>

namespace pbx::cli {

// Words only: groups, commands, options and the values of choices; names of objects would need a request at each Tab.
std::string bashCompletion();

} // namespace pbx::cli
