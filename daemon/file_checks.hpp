// The files and folders that a configuration names: whether they can be used, before anything is started on them.
// Threads: any; nothing is made, changed or kept. Nothing throws: whatever is wrong is a fault of the answer.
#pragma once

#include "base/config.hpp"

#include <vector>

namespace pbx::daemon {

// Certificate and key of the HTTP front (and that they belong together), tls_ca of each Asterisk, the data folder, the
// log file. What cannot be used is named with line, setting, path and remedy. Secrets' files are judged by loadConfig.
std::vector<ConfigFault> checkFiles(const Config& config);

} // namespace pbx::daemon
