#include "cli/doctor.hpp"

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/local.hpp"
#include "cli/output.hpp"
#include "cli/text.hpp"
#include "daemon/asterisk_settings.hpp"
#include "daemon/database_settings.hpp"
#include "daemon/settings_table.hpp"
#include "ops/describe.hpp"
#include "render/folder.hpp"
#include "render/load.hpp"
#include "storage/repositories.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <ostream>

namespace pbx::cli {
namespace {

constexpr std::array<std::string_view, 3> verdicts{"ok", "warn", "fail"};

std::string_view verdictText(const Finding& finding) { return verdicts.at(static_cast<std::size_t>(finding.verdict)); }

void examineTimeZones(Findings& findings, storage::Database& database) {
    std::vector<std::string> unknown;
    const auto directory = storage::loadDirectory(database);
    for (const auto& tenant : directory.tenants()) {
        try {
            ops::validateText("time_zone", tenant.timeZone, {.format = ops::Format::timeZone});
        } catch (const Error&) {
            unknown.push_back(tenant.timeZone + " of " + tenant.name);
        }
    }
    if (unknown.empty())
        findings.ok("time zones", "known: those of " + std::to_string(directory.tenants().size()) + " tenants");
    else
        findings.fail("time zones", "unknown on this machine: " + namesOf(unknown),
                      "install tzdata, or set the tenant's time_zone");
}

// Who follows that Asterisk.
void examineDriver(Findings& findings, const std::string& server, storage::Database& database) {
    const SystemClock clock;
    const auto lease = storage::LeaseRepository(database).find("asterisk/" + server);
    if (lease && !lease->owner.empty() && lease->until > clock.now())
        findings.ok("pbxd", "driven by " + lease->owner);
    else
        findings.warn("pbxd", "no pbxd drives it", "start pbxd, or look into its log for link.failed");
}

void examineApplied(Findings& findings, const std::string& server, storage::Database& database) {
    const auto states = storage::AppliedRepository(database).states();
    const auto* state = states.find(server);
    const std::string remedy = "pbxctl asterisk render --apply";
    if (!state)
        findings.warn("applied", "its configuration was never applied from here", remedy);
    else if (state->state == storage::AppliedState::applying || state->version != states.version)
        findings.warn("applied", "the tables have changed since, or it is under way", remedy);
    else if (state->state == storage::AppliedState::failed)
        findings.fail("applied", state->reason, "mend what is named, then " + remedy);
    else
        findings.ok("applied", "by " + state->node + (state->reason.empty() ? "" : "; " + state->reason));
}

void examineFolder(Findings& findings, const render::Site& site) {
    const auto& folder = site.machine.directories.configuration;
    if (!std::filesystem::is_directory(folder)) {
        findings.ok("folder", folder + " is not on this machine: not looked at");
        return;
    }
    const auto faults = render::checkFolder(folder, site.machine);
    for (const auto& fault : faults) {
        const auto colon = fault.find(": ");
        findings.warn("folder", fault.substr(0, colon),
                      colon == std::string::npos ? "pbxctl asterisk check " + folder : fault.substr(colon + 2));
    }
    if (faults.empty()) findings.ok("folder", folder + " is as it was rendered");
}

void examineServer(Findings& all, const Config& config, const std::string& server, storage::Database& database,
                   bool readable) {
    Findings findings(server);
    const auto rendered = config.names("render");
    std::optional<render::Site> site;
    if (std::find(rendered.begin(), rendered.end(), server) == rendered.end()) {
        findings.warn("render", "there is no [render." + server + "]: its configuration is written by hand",
                      "add the section, and pbxctl asterisk render writes it");
    } else {
        try {
            site = render::Site{daemon::machineOf(config, server), {}};
            if (readable) site->tenants = render::loadTenants(database, server);
            if (readable) render::render(*site);
            findings.ok("render", "the tables of " + std::to_string(site->tenants.size()) + " tenants can be rendered");
        } catch (const Error& error) {
            findings.fail("render", error.text(), "change what is named");
            site.reset();
        }
    }
    if (site) examineFolder(findings, *site);
    if (site && readable) examineApplied(findings, server, database);
    if (readable) examineDriver(findings, server, database);
    examineAsterisk(findings, config, server, readable ? site : std::nullopt);
    examineAgi(findings, config, server);
    if (site) examineOdbc(findings, config, site->machine);
    all.take(std::move(findings));
}

std::string jsonOf(const Findings& findings, bool well) {
    std::string out = well ? "{\"ok\":true,\"checks\":[" : "{\"ok\":false,\"checks\":[";
    bool first = true;
    for (const auto& finding : findings.all()) {
        out += first ? "{" : ",{";
        first = false;
        const auto add = [&](std::string_view name, std::string_view value, bool more) {
            out.append("\"").append(name).append("\":\"");
            appendJsonEscaped(out, value);
            out += more ? "\"," : "\"}";
        };
        add("check", finding.check, true);
        add("result", verdictText(finding), true);
        add("text", finding.text, true);
        add("remedy", finding.remedy, false);
    }
    return out + "]}";
}

int print(const Findings& findings, const Parsed& parsed, const Console& console) {
    const auto form = formOf(parsed.value("output").value_or("table"));
    const auto failed = std::any_of(findings.all().begin(), findings.all().end(),
                                    [](const Finding& finding) { return finding.verdict == Verdict::fail; });
    if (form == Form::json) {
        writeJson(console, jsonOf(findings, !failed));
    } else if (form == Form::csv) {
        Table table{{Column{"RESULT"}, Column{"CHECK"}, Column{"TEXT"}, Column{"REMEDY"}}, {}};
        for (const auto& finding : findings.all())
            table.rows.push_back({std::string(verdictText(finding)), finding.check, finding.text, finding.remedy});
        writeCsv(console, table);
    } else {
        for (const auto& finding : findings.all())
            console.out << terminalText(std::string(verdictText(finding)) +
                                        (finding.verdict == Verdict::ok ? "    " : "  ") + finding.check + ": " +
                                        finding.text + (finding.remedy.empty() ? "" : "; " + finding.remedy))
                        << '\n';
    }
    return failed ? errorRow(ErrorCode::conflict).exitCode : 0;
}

} // namespace

std::string namesOf(const std::vector<std::string>& names, std::size_t most) {
    std::string out;
    for (std::size_t i = 0; i < std::min(names.size(), most); ++i) out += (i ? ", " : "") + names[i];
    return names.size() > most ? out + " and " + std::to_string(names.size() - most) + " more" : out;
}

int runDoctor(const Parsed& parsed, const Console& console) {
    Findings findings;
    const auto loaded = loadedPbxdConfig(parsed, console);
    for (const auto& fault : loaded.faults) {
        const auto text = fault.where + ": " + fault.problem;
        if (fault.warning)
            findings.warn("configuration", text, fault.remedy);
        else
            findings.fail("configuration", text, fault.remedy);
    }
    if (!loaded.usable()) return print(findings, parsed, console); // the rest would only be guessed at
    const auto& config = loaded.config;
    if (loaded.faults.empty()) findings.ok("configuration", config.file());
    auto servers = config.names("asterisk");
    if (const auto named = parsed.value("server")) {
        if (std::find(servers.begin(), servers.end(), *named) == servers.end())
            throw Error::field("--server", "there is no [asterisk." + terminalText(*named) + "] in the configuration");
        servers = {*named};
    }
    if (servers.empty()) findings.fail("configuration", "there is no [asterisk.NAME]", "add one for each Asterisk");
    const SystemClock clock;
    storage::Database database(daemon::databaseSettings(config), Log::none(), clock);
    const bool readable = examineDatabase(findings, config, database);
    if (readable) examineTimeZones(findings, database);
    for (const auto& server : servers) examineServer(findings, config, server, database, readable);
    return print(findings, parsed, console);
}

} // namespace pbx::cli
