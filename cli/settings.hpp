// How pbxctl reaches pbxd and as whom: from its configuration file, the environment and the global options.
// Threads: the one that runs the command. Throws pbx::Error (invalidArgument) naming every fault, never a secret.
#pragma once

#include "base/credentials.hpp"
#include "base/settings.hpp"
#include "cli/command.hpp"
#include "cli/console.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace pbx::cli {

enum class Form { table, json, csv };

struct ClientSettings {
    std::string server; // "http://127.0.0.1:8080"
    std::string caFile; // empty: the system's
    std::chrono::seconds timeout{30};
    bool plainBeyondLoopback = false;
    Credentials credentials;
    std::optional<std::string> tenant;
    Form form = Form::table;
    std::string source; // where to correct them, for error texts: the file, or the environment
};

const SettingsTable& settingsTable();
// What --output asks for.
Form formOf(std::string_view text);
// Asks for the password where a user is named, nothing else is and somebody can be asked.
ClientSettings clientSettings(const Parsed& parsed, const Console& console);

} // namespace pbx::cli
