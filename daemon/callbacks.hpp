// Callbacks in pbxd: which Asterisks they are placed on, opening hours, who is told.
// Threads: makePlacer() from one; the rest is callbacks::Placer's.
#pragma once

#include "base/config.hpp"
#include "callbacks/placer.hpp"
#include "storage/repositories.hpp"

#include <memory>
#include <string>
#include <vector>

namespace pbx::daemon {

// Placed where the dialplan can ask the gate: on those of `lines` whose section has an agi_token_file. `owner`: this
// process, unlike any other. `failHook`: empty but in tests. What the arguments refer to must outlive it.
std::unique_ptr<callbacks::Placer> makePlacer(const Config& config, const std::vector<control::Line*>& lines,
                                              storage::Repositories& repositories, std::string owner,
                                              std::shared_ptr<callbacks::CallerWatch> callers,
                                              std::shared_ptr<callbacks::NewsFeed> news, callbacks::FailHook failHook,
                                              const Clock& clock, const Log& log);

} // namespace pbx::daemon
