// Every setting of pbxd, described once; and the rules that hold between several of them.
// Threads: constant data and pure functions, any thread. Nothing throws but what Config throws for our own mistakes.
#pragma once

#include "base/config.hpp"
#include "base/log.hpp"
#include "base/settings.hpp"

#include <string>
#include <vector>

namespace pbx::daemon {

const SettingsTable& settingsTable();

// File, environment and the rules between settings; `usable()` of the answer says whether the daemon may start.
LoadedConfig loadSettings(const ConfigSources& sources);
// What the rules between settings say about a configuration whose single values are in order.
std::vector<ConfigFault> checkTogether(const Config& config);

// [pbxd] log_*: for the composition root.
LogOptions logOptions(const Config& config);
// [storage] sqlite_file, or its place in [pbxd] data_dir.
std::string sqliteFile(const Config& config);

} // namespace pbx::daemon
