// The help at each level, from the same descriptions as the commands; and the error table.
// Threads: pure functions, any thread. Nothing fails.
#pragma once

#include "cli/command.hpp"

#include <string>

namespace pbx::cli {

std::string programHelp();
std::string groupHelp(const Group& group);
std::string commandHelp(const Command& command);
std::string errorsHelp();
std::string outputHelp();
// "did you mean ...?" for a word that is no command, or empty.
std::string nearestCommand(const std::vector<std::string>& path);

} // namespace pbx::cli
