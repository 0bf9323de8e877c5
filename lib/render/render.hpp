// A site as the files of /etc/asterisk: the same bytes for the same site, sorted, without a time of its own.
// Threads: pure functions. Throws pbx::Error(invalidArgument) whose text names every value that cannot stand in a file
// of Asterisk's, a line each; then there are no files at all.
#pragma once

#include "render/site.hpp"

#include <map>
#include <string>

namespace pbx::render {

using Files = std::map<std::string, std::string>; // by name: "pjsip.conf"

// Each file ends with an include of custom/<its name>, which we never write. Every file may hold a secret: they are
// written with mode 0640 at most.
Files render(const Site& site);

} // namespace pbx::render
