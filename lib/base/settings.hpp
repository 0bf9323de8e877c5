// The settings table: one description of each setting, from which come defaults, checks, help, sample and reference.
// Threads: constant data and pure functions, any thread. Nothing throws.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pbx {

enum class SettingType {
    text,
    choice,     // one word of `choices`
    flag,       // "yes" or "no"
    whole,      // a whole number from `least` to `most`, in `unit`
    words,      // words of `choices`, separated by commas or blanks
    address,    // an IP address
    addresses,  // addresses and ranges (10.0.0.0/8), separated by commas or blanks
    host,       // a host name or an IP address
    hostPorts,  // hosts, each with its port, separated by commas or blanks
    url,        // http:// or https://, without user, query and fragment
    path,       // relative to the folder of the configuration file
    secretFile, // a path; the secret is the file's one line
};

enum class SettingChange { restart, reload };

struct Setting {
    std::string_view section; // "http"; "asterisk.*" occurs once a name, as [asterisk.NAME]
    std::string_view key;     // snake_case
    SettingType type = SettingType::text;
    std::string_view fallback; // as it would stand in the file; empty: none
    std::string_view doc;      // what it does, in sentences
    SettingChange change = SettingChange::restart;
    std::int64_t least = 0;
    std::int64_t most = 0;
    std::string_view unit{};
    std::string_view choices{}; // separated by blanks
    bool required = false;
    bool mayBeEmpty = false; // it has a default, and in its place nothing means something
    std::string_view since = "0.1";
};

struct SectionDoc {
    std::string_view section;
    std::string_view doc;
};

struct SettingsTable {
    std::string_view program;             // "pbxd"; its own section's environment variables have no section part
    std::span<const SectionDoc> sections; // in the order of the documents
    std::span<const Setting> settings;
    std::span<const std::string_view> otherVariables; // environment variables with the prefix that are no settings
};

struct SettingProblem {
    std::string what;   // "99999 is not a whole number from 1 to 65535"
    std::string remedy; // "write a number without unit"
};

std::optional<SettingProblem> checkSetting(const Setting& setting, std::string_view value);
// "a, b c" → {"a", "b", "c"}.
std::vector<std::string> splitList(std::string_view value);

// "asterisk.*" → "asterisk"; nullopt for a section that occurs once.
std::optional<std::string_view> namedSection(std::string_view section);
// "PBXD_HTTP_PORT", "PBXD_ASTERISK_NAME_HOST" (with the name put in when one is given).
std::string variableName(const SettingsTable& table, const Setting& setting, std::string_view name = "NAME");
// The word nearest to `word` by typing errors, or empty when none is near.
std::string_view nearestWord(std::string_view word, std::span<const std::string_view> known);

std::string printHelp(const SettingsTable& table);      // for --help
std::string printSample(const SettingsTable& table);    // a configuration file in which everything is commented out
std::string printReference(const SettingsTable& table); // docs/reference/settings.md

} // namespace pbx
