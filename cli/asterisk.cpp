#include "base/error.hpp"
#include "cli/local.hpp"
#include "cli/output.hpp"
#include "cli/text.hpp"
#include "daemon/database_settings.hpp"
#include "render/folder.hpp"
#include "render/load.hpp"
#include "storage/database.hpp"

#include <algorithm>
#include <ostream>
#include <sstream>

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

std::optional<render::Odbc> odbcOf(const Config& config, const std::string& section) {
    const auto& user = config.text(section, "odbc_user");
    if (user.empty()) return std::nullopt;
    const auto& host = config.text(section, "odbc_host");
    const bool own = !host.empty();
    return render::Odbc{config.text(section, "odbc_driver"),
                        own ? std::string() : config.text("storage", "socket"),
                        own ? host : config.text("storage", "host"),
                        static_cast<int>(own ? config.whole(section, "odbc_port") : config.whole("storage", "port")),
                        config.text("storage", "database"),
                        user,
                        config.secret(section, "odbc_password_file")};
}

render::Machine machineOf(const Config& config, const std::string& server) {
    const auto asterisk = "asterisk." + server, section = "render." + server;
    const auto path = [&](std::string_view key) { return config.text(section, key); };
    const auto whole = [&](std::string_view key) { return static_cast<int>(config.whole(section, key)); };
    render::Machine out;
    out.server = server;
    out.version = whole("asterisk_version");
    out.directories = {path("etc_dir"),   path("module_dir"), path("lib_dir"), path("data_dir"),
                       path("spool_dir"), path("run_dir"),    path("log_dir")};
    out.sipListen = path("sip_listen");
    out.sipPort = whole("sip_port");
    out.externalAddress = path("external_address");
    out.localNetworks = config.list(section, "local_networks");
    out.phonesBehindNat = config.flag(section, "phones_behind_nat");
    out.rtpFirst = whole("rtp_first");
    out.rtpLast = whole("rtp_last");
    out.amiListen = path("ami_listen");
    out.amiPermit = config.list(section, "ami_permit");
    out.amiPort = static_cast<int>(config.whole(asterisk, "port"));
    out.amiUser = config.text(asterisk, "user");
    out.amiSecret = config.secret(asterisk, "secret_file");
    out.sysUser = config.text(asterisk, "sys_user");
    out.sysSecret = config.secret(asterisk, "sys_secret_file");
    out.agiHost = config.text("agi", "host").empty() ? config.text("agi", "listen") : config.text("agi", "host");
    out.agiPort = static_cast<int>(config.whole("agi", "port"));
    std::istringstream also(config.text(section, "agi_also"));
    for (std::string address; also >> address;) out.agiAlso.push_back(address);
    out.codes = {path("code_login"), path("code_logout"), path("code_pause"), path("code_unpause")};
    out.agiToken = config.secret(asterisk, "agi_token_file");
    out.odbc = odbcOf(config, section);
    if (out.agiToken.empty())
        throw Error(ErrorCode::invalidArgument,
                    "[asterisk." + server + "] has no agi_token_file: the dialplan could not ask pbxd");
    if (out.agiPort == 0)
        throw Error(ErrorCode::invalidArgument, "[agi] port is 0: the dialplan needs one that stays the same");
    return out;
}

// Text of several lines, made harmless for a terminal line by line.
void print(std::ostream& out, std::string_view text) {
    while (!text.empty()) {
        const auto end = text.find('\n');
        out << terminalText(text.substr(0, end)) << '\n';
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
}

} // namespace

int runAsteriskRender(const Parsed& parsed, const Console& console) {
    const auto out = parsed.value("out"), diff = parsed.value("diff");
    if (out.has_value() == diff.has_value())
        throw Error(ErrorCode::invalidArgument, "give either --out DIR or --diff DIR");
    if (diff && parsed.has("force")) throw Error(ErrorCode::invalidArgument, "--force goes with --out");
    const auto config = pbxdConfig(parsed, console);
    render::Site site;
    site.machine = machineOf(config, serverOf(parsed, config));
    const SystemClock clock;
    storage::Database database(daemon::databaseSettings(config), Log::none(), clock);
    database.requireSchema();
    site.tenants = render::loadTenants(database, site.machine.server);
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
    const auto faults = render::checkFolder(*parsed.positional, machineOf(config, serverOf(parsed, config)));
    for (const auto& fault : faults) print(console.out, fault);
    if (faults.empty()) console.err << "nothing is wrong\n";
    return faults.empty() ? 0 : errorRow(ErrorCode::conflict).exitCode;
}

} // namespace pbx::cli
