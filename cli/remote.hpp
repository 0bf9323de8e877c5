// Runs an operation of the catalogue: options to parameters, checked here as pbxd checks them, then sent; the answer
// printed. Threads: the one that runs the command. Throws pbx::Error: invalidArgument naming the option before anything
// is sent, and what Client throws.
#pragma once

#include "cli/client.hpp"
#include "cli/command.hpp"
#include "cli/console.hpp"

namespace pbx::cli {

// Exposed for tests: parameters as the options say, validated; secrets are read or asked for.
ops::Value paramsOf(const Command& command, const Parsed& parsed, const Console& console);
ops::CommonParams commonOf(const Parsed& parsed, const ClientSettings& settings);

int runOperation(const Command& command, const Parsed& parsed, const Console& console);
// `pbxctl asterisk adopt`: queue.create or agent.create for what system.unmapped names.
int runAdopt(const Parsed& parsed, const Console& console);

} // namespace pbx::cli
