// Brings changes of the tables into force in the Asterisk servers whose configuration pbxd owns ([render.NAME] apply =
// yes): at most some seconds after the change, all that came meanwhile at once, one node at a time.
// Threads: start() and stop() from one; a thread of its own does the work. Nothing is thrown: what failed is logged and
// kept in the table `applied`.
#pragma once

#include "base/config.hpp"
#include "daemon/housekeeper.hpp"
#include "daemon/node.hpp"
#include "render/apply.hpp"
#include "storage/repositories.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace pbx::daemon {

class Applier {
public:
    // All references must outlive it. `owner`: of leases.
    Applier(const Config& config, const std::vector<std::unique_ptr<AsteriskNode>>& nodes, storage::Database& database,
            storage::Repositories& repositories, const Clock& clock, const Log& log, std::string owner);

    void start();
    void stop() { worker_.stop(); }

private:
    void look(AsteriskNode& node);
    bool isDue(const storage::AppliedStates& states, const std::string& server) const;
    void apply(AsteriskNode& node, std::int64_t version, bool reread);
    void keep(const std::string& server, storage::AppliedState state, std::int64_t version, std::string reason);
    static render::Answer ask(AsteriskNode& node, const ami::Action& action);

    const Config& config_;
    std::vector<AsteriskNode*> nodes_; // that are ours to apply to
    storage::Database& database_;
    storage::Repositories& repositories_;
    const Clock& clock_;
    const Log log_;
    const std::string owner_;
    std::set<std::string> seen_;                // looked at since the start: the program or the settings may be new
    std::map<std::string, SteadyTime> retryAt_; // after a failure
    Housekeeper worker_;
};

} // namespace pbx::daemon
