// A site as the files of /etc/asterisk: the same bytes for the same site, sorted, without a time of its own.
// Threads: pure functions. Throws pbx::Error(invalidArgument) whose text names every value that cannot stand in a file
// of Asterisk's, a line each; then there are no files at all.
#pragma once

#include "render/site.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pbx::render {

using Files = std::map<std::string, std::string>; // by name: "pjsip.conf"

// A context of the dialplan whose only extension is a digest of it: `dialplan show pbxd-rendered` tells what is in
// force.
inline constexpr std::string_view stampContext = "pbxd-rendered";

// That extension.
std::string stampOf(const Files& files);
// The modules that modules.conf loads, without ".so".
std::vector<std::string> modulesOf(const Files& files);

// Each file ends with an include of custom/<its name>, which we never write. Every file may hold a secret: they are
// written with mode 0640 at most.
Files render(const Site& site);

} // namespace pbx::render
