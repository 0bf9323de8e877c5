#include "cli/local.hpp"

#include "access/accounts.hpp"
#include "base/error.hpp"
#include "base/random.hpp"
#include "base/text.hpp"
#include "cli/output.hpp"
#include "cli/text.hpp"
#include "daemon/database_settings.hpp"
#include "daemon/settings_table.hpp"
#include "storage/database.hpp"

#include <ostream>

namespace pbx::cli {
namespace {

constexpr std::string_view defaultFile = "/etc/pbxd/pbxd.conf";

std::string statusJson(const storage::SchemaStatus& status) {
    std::string out = status.current() ? "{\"current\":true" : "{\"current\":false";
    out += ",\"migrations\":[";
    bool first = true;
    for (const auto& migration : status.migrations) {
        out.append(first ? "" : ",").append("{\"version\":").append(std::to_string(migration.version));
        first = false;
        out += ",\"name\":\"";
        appendJsonEscaped(out, migration.name);
        out.append("\",\"state\":\"").append(storage::migrationStateText(migration.state)).append("\"}");
    }
    return out + "]}";
}

// The database with what it needs around it; quiet, since its errors are told as errors.
struct Opened {
    explicit Opened(const Config& config) : database(daemon::databaseSettings(config), Log::none(), clock) {}
    SystemClock clock;
    storage::Database database;
};

} // namespace

LoadedConfig loadedPbxdConfig(const Parsed& parsed, const Console& console) {
    const auto named = parsed.value("config");
    const auto file = named ? *named : console.variable("PBXD_CONFIG").value_or(std::string(defaultFile));
    ConfigSources sources{file, {}};
    for (const auto& [name, value] : console.environment)
        if (name.starts_with("PBXD_")) sources.environment.emplace_back(name, value);
    return daemon::loadSettings(sources);
}

Config pbxdConfig(const Parsed& parsed, const Console& console) {
    auto loaded = loadedPbxdConfig(parsed, console);
    std::string faults;
    for (const auto& fault : loaded.faults)
        if (!fault.warning) faults += (faults.empty() ? "" : "\n") + terminalText(fault.text());
    if (!faults.empty()) throw Error(ErrorCode::invalidArgument, faults);
    return std::move(loaded.config);
}

int runDbStatus(const Parsed& parsed, const Console& console) {
    const auto form = formOf(parsed.value("output").value_or("table"));
    const auto config = pbxdConfig(parsed, console);
    Opened opened(config);
    const auto status = opened.database.schemaStatus();
    Table table{{Column{"VERSION", true}, Column{"MIGRATION"}, Column{"STATE"}}, {}};
    for (const auto& migration : status.migrations)
        table.rows.push_back({std::to_string(migration.version), migration.name,
                              std::string(storage::migrationStateText(migration.state))});
    if (form == Form::json)
        writeJson(console, statusJson(status));
    else if (form == Form::csv)
        writeCsv(console, table);
    else
        writeTable(console, table);
    console.err << (status.current() ? "the schema is current\n"
                                     : "the schema is not current: pbxctl db migrate, after a backup\n");
    return status.current() ? 0 : errorRow(ErrorCode::conflict).exitCode;
}

int runDbMigrate(const Parsed& parsed, const Console& console) {
    const auto config = pbxdConfig(parsed, console);
    Opened opened(config);
    const auto ran = opened.database.migrate();
    console.err << (ran == 0 ? std::string("nothing to do: the schema is current\n")
                             : std::to_string(ran) + " migrations ran; the schema is current\n");
    return 0;
}

int runBootstrap(const Parsed& parsed, const Console& console) {
    const auto config = pbxdConfig(parsed, console);
    const auto& login = *parsed.positional;
    SecretString password;
    if (const auto file = parsed.value("password-file"))
        password = readSecretOption(console, "--password-file", *file);
    else if (console.interactive)
        password = askNewSecret(console, "password of " + terminalText(login));
    else
        throw Error(ErrorCode::invalidArgument, "--password-file is missing, and there is no terminal to ask on");
    initRandom();
    Opened opened(config);
    opened.database.requireSchema();
    access::Authenticator authenticator(opened.database, opened.clock, Log::none());
    access::Accounts accounts(opened.database, authenticator);
    const auto user = accounts.bootstrap(login, password);
    console.err << "operator \"" << user.login << "\" was created\n";
    return 0;
}

} // namespace pbx::cli
