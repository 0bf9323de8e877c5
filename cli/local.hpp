// The commands that open pbxd's own configuration and database: for the machine that it runs on, as the user it runs
// as. Threads: the one that runs the command. Throws pbx::Error as lib/storage and lib/access do, and invalidArgument
// for a configuration that cannot be used.
#pragma once

#include "base/config.hpp"
#include "cli/command.hpp"
#include "cli/console.hpp"

namespace pbx::cli {

int runDbStatus(const Parsed& parsed, const Console& console);
int runDbMigrate(const Parsed& parsed, const Console& console);
int runBootstrap(const Parsed& parsed, const Console& console);
// Of the [render.NAME] that --server names; exit code of a conflict: --diff found a difference, check a fault.
int runAsteriskRender(const Parsed& parsed, const Console& console);
int runAsteriskCheck(const Parsed& parsed, const Console& console);

// Exit code of a conflict: something fails.
int runDoctor(const Parsed& parsed, const Console& console);

// For the local commands: pbxd's own configuration, by --config (which is pbxd's there: they read no other),
// $PBXD_CONFIG or its usual place; with its faults, or refused for them.
LoadedConfig loadedPbxdConfig(const Parsed& parsed, const Console& console);
Config pbxdConfig(const Parsed& parsed, const Console& console);

} // namespace pbx::cli
