// The commands of pbxctl that are no operation of the catalogue, and what each group of commands is about.
// Threads: any.
#pragma once

#include "cli/command.hpp"

namespace pbx::cli {

std::vector<Command> ownCommands();

// Of "queue", "phone", ...; empty for a group that has none.
std::string_view groupSummary(std::string_view group);

} // namespace pbx::cli
