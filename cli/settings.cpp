#include "cli/settings.hpp"

#include "base/config.hpp"
#include "base/error.hpp"
#include "base/secret_file.hpp"
#include "cli/text.hpp"

#include <array>
#include <filesystem>

namespace pbx::cli {
namespace {

using enum SettingType;

constexpr std::string_view section = "pbxctl";
constexpr std::size_t maxCredentialsBytes = 256 * 1024;

constexpr std::array<SectionDoc, 1> sections{{{"pbxctl", "Where pbxd is, and who you are."}}};
constexpr std::array settings{
    Setting{"pbxctl", "server", url, "http://127.0.0.1:8080", "Where pbxd is."},
    Setting{"pbxctl", "user", text, "", "Your login name."},
    Setting{"pbxctl", "password_file", secretFile, "", "File with your password as its one line, mode 0600."},
    Setting{"pbxctl", "token_file", secretFile, "", "File with an API token as its one line, mode 0600."},
    Setting{"pbxctl", "credentials_file", path, "",
            "File with lines of user, password, tenant and role, mode 0600, as the demo writes it; `user` chooses the "
            "line."},
    Setting{"pbxctl", "tenant", text, "", "The tenant, for an operator."},
    Setting{"pbxctl", "ca_file", path, "",
            "PEM file with the authority that pbxd's certificate comes from; without it the system's are trusted."},
    Setting{.section = "pbxctl",
            .key = "output",
            .type = choice,
            .fallback = "table",
            .doc = "Form of answers.",
            .choices = "table json csv"},
    Setting{"pbxctl", "timeout", whole, "30", "How long to wait for an answer.", SettingChange::restart, 1, 600,
            "seconds"},
    Setting{.section = "pbxctl",
            .key = "allow_plain_http",
            .type = choice,
            .fallback = "no",
            .doc = "Whether a password or token may go over plain HTTP to another machine, where the network can read "
                   "it.",
            .choices = "no yes-in-clear"},
};
constexpr std::array<std::string_view, 3> otherVariables{"PBXCTL_CONFIG", "PBXCTL_PASSWORD", "PBXCTL_TOKEN"};
constexpr SettingsTable table{"pbxctl", sections, settings, otherVariables};

[[noreturn]] void refuse(std::string text) { throw Error(ErrorCode::invalidArgument, std::move(text)); }

std::string configFile(const Parsed& parsed, const Console& console) {
    if (auto given = parsed.value("config")) return *given;
    if (auto given = console.variable("PBXCTL_CONFIG")) return *given;
    const auto home = console.variable("HOME");
    if (!home) return {};
    auto file = console.variable("XDG_CONFIG_HOME").value_or(*home + "/.config") + "/pbxctl.conf";
    std::error_code ignored; // unreadable is the same as absent: nobody named it
    return std::filesystem::is_regular_file(file, ignored) ? file : std::string();
}

Config loadOrThrow(const std::string& file, const Console& console) {
    ConfigSources sources{file, {}};
    for (const auto& [name, value] : console.environment)
        if (name.starts_with("PBXCTL_")) sources.environment.emplace_back(name, value);
    auto loaded = loadConfig(table, sources);
    std::string faults;
    for (const auto& fault : loaded.faults) {
        if (fault.warning)
            console.err << "pbxctl: " << terminalText(fault.text()) << '\n';
        else
            faults += (faults.empty() ? "" : "\n") + terminalText(fault.text());
    }
    if (!faults.empty()) refuse(faults);
    return std::move(loaded.config);
}

// The password of `user` in a file of "user password tenant role" lines.
SecretString passwordFromList(const std::string& file, const std::string& user) {
    SecretString content;
    try {
        content = readPrivateFile(file, maxCredentialsBytes);
    } catch (const Error& error) {
        refuse("credentials_file: " + file + ' ' + error.text());
    }
    auto rest = content.reveal();
    while (!rest.empty()) {
        const auto end = rest.find('\n');
        const auto line = rest.substr(0, end);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        if (line.size() <= user.size() || !line.starts_with(user) || line[user.size()] != ' ') continue;
        const auto password = line.substr(user.size() + 1);
        return SecretString(std::string(password.substr(0, password.find_first_of(" \r"))));
    }
    refuse("credentials_file: " + file + " has no line for the user \"" + user + "\"");
}

Credentials bearer(SecretString token) { return {Credentials::Kind::bearer, {}, std::move(token)}; }
Credentials basic(std::string user, SecretString password) {
    return {Credentials::Kind::basic, std::move(user), std::move(password)};
}

// What is nearest to the caller wins: options, then the environment, then the file.
Credentials credentialsOf(const Config& config, const Parsed& parsed, const Console& console,
                          const std::string& server) {
    const bool named = parsed.has("as");
    const auto user = parsed.value("as").value_or(config.text(section, "user"));
    if (!named)
        if (auto token = console.variable("PBXCTL_TOKEN")) return bearer(SecretString(*token));
    if (auto password = console.variable("PBXCTL_PASSWORD")) {
        if (user.empty()) refuse("PBXCTL_PASSWORD is set, but no user; set PBXCTL_USER or use --as");
        return basic(user, SecretString(*password));
    }
    const auto& token = config.secret(section, "token_file");
    const auto& password = config.secret(section, "password_file");
    if (!token.empty() && !password.empty())
        refuse(config.where(section, "token_file") + ": both token_file and password_file are given; keep one");
    if (!token.empty() && !named) return bearer(token);
    if (user.empty())
        refuse("nobody is named: set user and password_file (or token_file) in ~/.config/pbxctl.conf, or PBXCTL_TOKEN "
               "in the environment, or use --as LOGIN");
    if (const auto& file = config.text(section, "credentials_file"); !file.empty())
        return basic(user, passwordFromList(file, user));
    if (!password.empty() && user == config.text(section, "user")) return basic(user, password);
    if (!console.interactive)
        refuse("there is no password for \"" + user + "\": set password_file in the configuration, or PBXCTL_PASSWORD");
    return basic(user, console.askSecret("Password of " + terminalText(user) + " at " + terminalText(server)));
}

} // namespace

const SettingsTable& settingsTable() { return table; }

Form formOf(std::string_view text) {
    if (text == "json") return Form::json;
    if (text == "csv") return Form::csv;
    if (text != "table") refuse("--output: must be one of table, json, csv");
    return Form::table;
}

ClientSettings clientSettings(const Parsed& parsed, const Console& console) {
    const auto file = configFile(parsed, console);
    const auto config = loadOrThrow(file, console);
    ClientSettings out;
    out.form = formOf(parsed.value("output").value_or(config.text(section, "output")));
    out.server = config.text(section, "server");
    out.source = parsed.has("url")                 ? "--url"
                 : config.given(section, "server") ? config.where(section, "server")
                                                   : "server, which is the default";
    if (const auto given = parsed.value("url")) {
        if (const auto problem = checkSetting(settings.front(), *given))
            refuse("--url: " + terminalText(problem->what) + "; " + problem->remedy);
        out.server = *given;
    }
    out.caFile = config.text(section, "ca_file");
    out.timeout = std::chrono::seconds(config.whole(section, "timeout"));
    out.plainBeyondLoopback = config.text(section, "allow_plain_http") == "yes-in-clear";
    if (const auto given = parsed.value("tenant"))
        out.tenant = given;
    else if (const auto& configured = config.text(section, "tenant"); !configured.empty())
        out.tenant = configured;
    out.credentials = credentialsOf(config, parsed, console, out.server);
    return out;
}

} // namespace pbx::cli
