// What the configuration says of one Asterisk: how to reach its manager interface, and the machine that its own
// configuration is rendered for. Threads: any. Throws pbx::Error invalidArgument for settings that cannot work
// together.
#pragma once

#include "base/config.hpp"
#include "link/settings.hpp"
#include "render/site.hpp"

#include <string>

namespace pbx::daemon {

// [asterisk.NAME]
link::LinkSettings linkSettings(const Config& config, const std::string& name);
// Where its dialplan asks, and with which token: all that is set of the Machine.
render::Machine agiOf(const Config& config, const std::string& name);
// The same and [render.NAME].
render::Machine machineOf(const Config& config, const std::string& name);

} // namespace pbx::daemon
