// The commands that open pbxd's own configuration and database: for the machine that it runs on, as the user it runs
// as. Threads: the one that runs the command. Throws pbx::Error as lib/storage and lib/access do, and invalidArgument
// for a configuration that cannot be used.
#pragma once

#include "cli/command.hpp"
#include "cli/console.hpp"

namespace pbx::cli {

int runDbStatus(const Parsed& parsed, const Console& console);
int runDbMigrate(const Parsed& parsed, const Console& console);
int runBootstrap(const Parsed& parsed, const Console& console);

} // namespace pbx::cli
