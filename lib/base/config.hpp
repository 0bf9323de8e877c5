// Configuration: the file and the environment against the settings table, with every fault named at once.
// Threads: a Config is constant once loaded; load and read from any thread.
// Fails: loading never throws for what is in the sources (it returns faults); asking for a setting that is not in the
// table, or by the wrong type, throws pbx::Error(internal): a mistake in our code.
#pragma once

#include "base/secret.hpp"
#include "base/settings.hpp"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pbx {

struct ConfigFault {
    std::string where;   // "/etc/pbxd/pbxd.conf:12", "PBXD_HTTP_PORT", or the file when something is missing
    std::string problem; // never holds a secret
    std::string remedy;
    bool warning = false; // worth saying, but the program can run

    std::string text() const; // "where: problem; remedy"
};

struct ConfigSources {
    std::string file; // empty: none, only the environment
    std::vector<std::pair<std::string, std::string>> environment;
};

// The variables of this process that start with the program's prefix.
std::vector<std::pair<std::string, std::string>> processEnvironment(const SettingsTable& table);

struct ConfigChange {
    std::string section; // "asterisk.main"
    std::string key;     // empty: the whole section came or went
    SettingChange change = SettingChange::restart;
};

class Config {
public:
    // Sections are named as in the file: "http", "asterisk.main". Defaults stand in for what is not given.
    const std::string& text(std::string_view section, std::string_view key) const; // any type; paths are absolute
    std::int64_t whole(std::string_view section, std::string_view key) const;
    bool flag(std::string_view section, std::string_view key) const;
    std::vector<std::string> list(std::string_view section, std::string_view key) const;
    // What the file held; empty when the setting is not given.
    const SecretString& secret(std::string_view section, std::string_view key) const;

    bool given(std::string_view section, std::string_view key) const;
    // Where it was given, else the file's name (or the variable's, without a file): for faults across settings.
    std::string where(std::string_view section, std::string_view key) const;
    const std::string& file() const noexcept { return file_; } // empty: only the environment was read
    // The names of a section that occurs more than once, in order: names("asterisk") → {"east", "main"}.
    std::vector<std::string> names(std::string_view section) const;

    // What is different in `next`, so that a reload can apply what it may and name what needs a restart.
    std::vector<ConfigChange> changesTo(const Config& next) const;

private:
    friend class ConfigLoader;
    struct Value {
        std::string text;
        std::string where; // empty: the default
        SecretString secret;
    };
    const Value& value(std::string_view section, std::string_view key) const;
    const Value& value(std::string_view section, std::string_view key, bool rightType) const;
    const Setting& setting(std::string_view section, std::string_view key) const;

    const SettingsTable* table_ = nullptr;
    std::string file_;
    std::map<std::pair<std::string, std::string>, Value, std::less<>> values_; // complete: defaults are in it
    std::map<std::string, std::string, std::less<>> instances_; // "asterisk.main" → where it was opened
};

struct LoadedConfig {
    Config config; // to be used only when usable()
    std::vector<ConfigFault> faults;
    bool usable() const; // warnings at most
};

// `table` must outlive the Config. Rules across settings are the caller's: it adds its own faults.
LoadedConfig loadConfig(const SettingsTable& table, const ConfigSources& sources);

} // namespace pbx
