#include "base/error.hpp"
#include "base/random.hpp"
#include "cli/ami_talk.hpp"
#include "cli/local.hpp"
#include "cli/output.hpp"
#include "cli/text.hpp"
#include "daemon/asterisk_settings.hpp"
#include "daemon/database_settings.hpp"
#include "render/folder.hpp"
#include "render/load.hpp"
#include "storage/applied.hpp"
#include "storage/database.hpp"
#include "storage/leases.hpp"

#include <algorithm>
#include <ostream>

namespace pbx::cli {
namespace {

std::string serverOf(const Parsed& parsed, const Config& config) {
    const auto known = config.names("render");
    if (const auto named = parsed.value("server")) {
        if (std::find(known.begin(), known.end(), *named) == known.end())
            throw Error::field("--server", "there is no [render." + terminalText(*named) + "] in the configuration");
        return *named;
    }
    if (known.size() == 1) return known.front();
    throw Error(ErrorCode::invalidArgument,
                known.empty() ? "the configuration has no [render.NAME] for its [asterisk.NAME]: add it"
                              : "--server is missing: the configuration has several [render.NAME]");
}

// Text of several lines, made harmless for a terminal line by line.
void print(std::ostream& out, std::string_view text) {
    while (!text.empty()) {
        const auto end = text.find('\n');
        out << terminalText(text.substr(0, end)) << '\n';
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
}

// One at a time: pbxd may be about it, or somebody else with this command.
class Turn {
public:
    Turn(storage::Database& database, const std::string& server)
        : leases_(database),
          lease_(leases_.acquire("render/" + server, "pbxctl/" + randomText(8), std::chrono::minutes(2))) {
        if (!lease_)
            throw Error(ErrorCode::conflict,
                        "somebody else applies the configuration of " + server + " right now: try again in a moment");
    }
    ~Turn() {
        try {
            leases_.release(*lease_);
        } catch (const Error&) { // it ends by itself
        }
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

private:
    storage::LeaseRepository leases_;
    const std::optional<storage::Lease> lease_;
};

void tellApplied(const render::Applied& done, const std::string& folder, const Console& console) {
    if (done.changed.empty())
        console.err << "nothing has changed; what is in " << terminalText(folder) << " is in force\n";
    else
        console.err << done.changed.size() << " files in " << terminalText(folder) << " are new and in force\n";
    for (const auto& name : done.needRestart)
        console.err << terminalText(name) << " is read when Asterisk starts anew: core restart when convenient\n";
}

int applyNow(const Config& config, const std::string& server, storage::Database& database, bool force,
             const Console& console) {
    initRandom();
    const Turn turn(database, server);
    storage::AppliedRepository applied(database);
    const auto version = applied.states().version;
    const auto keep = [&](storage::AppliedState state, const std::string& reason) {
        applied.put({server, state, version, reason, "pbxctl", database.clock().now()});
    };
    const render::Site site{daemon::machineOf(config, server), render::loadTenants(database, server)};
    const auto& folder = site.machine.directories.configuration;
    try {
        BothAccounts asterisk(daemon::linkSettings(config, server));
        // Somebody asks for it: also what is there already is read anew.
        const auto done = render::apply(folder, render::render(site), {.force = force, .reread = true},
                                        [&](const ami::Action& action) { return asterisk.ask(action); });
        keep(storage::AppliedState::applied, "");
        tellApplied(done, folder, console);
        return 0;
    } catch (const Error& error) {
        keep(storage::AppliedState::failed, error.text());
        throw;
    }
}

} // namespace

int runAsteriskRender(const Parsed& parsed, const Console& console) {
    const auto out = parsed.value("out"), diff = parsed.value("diff");
    const bool apply = parsed.has("apply");
    if (out.has_value() + diff.has_value() + apply != 1)
        throw Error(ErrorCode::invalidArgument, "give one of --out DIR, --diff DIR and --apply");
    if (diff && parsed.has("force")) throw Error(ErrorCode::invalidArgument, "--force goes with --out and --apply");
    const auto config = pbxdConfig(parsed, console);
    const auto server = serverOf(parsed, config);
    const SystemClock clock;
    storage::Database database(daemon::databaseSettings(config), Log::none(), clock);
    database.requireSchema();
    if (apply) return applyNow(config, server, database, parsed.has("force"), console);
    const render::Site site{daemon::machineOf(config, server), render::loadTenants(database, server)};
    const auto files = render::render(site);
    if (diff) {
        const auto changes = render::compareFolder(*diff, files);
        print(console.out, changes);
        return changes.empty() ? 0 : errorRow(ErrorCode::conflict).exitCode;
    }
    render::writeFolder(*out, files, parsed.has("force"));
    console.err << files.size() << " files of " << site.tenants.size() << " tenants are in " << terminalText(*out)
                << '\n';
    return 0;
}

int runAsteriskCheck(const Parsed& parsed, const Console& console) {
    const auto config = pbxdConfig(parsed, console);
    const auto faults = render::checkFolder(*parsed.positional, daemon::machineOf(config, serverOf(parsed, config)));
    for (const auto& fault : faults) print(console.out, fault);
    if (faults.empty()) console.err << "nothing is wrong\n";
    return faults.empty() ? 0 : errorRow(ErrorCode::conflict).exitCode;
}

} // namespace pbx::cli
