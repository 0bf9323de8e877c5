#include "base/config.hpp"

#include "base/error.hpp"
#include "base/secret_file.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <boost/program_options/errors.hpp>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <tuple>
#include <unistd.h>

namespace pbx {
namespace {

namespace po = boost::program_options;

constexpr std::size_t maxFileBytes = 1U << 20;

std::string_view trimmed(std::string_view text) {
    const auto start = text.find_first_not_of(" \t\r");
    if (start == std::string_view::npos) return {};
    return text.substr(start, text.find_last_not_of(" \t\r") - start + 1);
}

// A '#' starts a comment; but behind "key =" only after a blank, and one that something follows begins a value: a phone
// dials #13.
std::string_view withoutComment(std::string_view line) {
    const auto equals = std::min(line.find('='), line.size());
    if (const auto mark = line.find('#'); mark < equals) return line.substr(0, mark);
    const auto isBlank = [&](std::size_t at) { return at >= line.size() || trimmed(line.substr(at, 1)).empty(); };
    const auto value = line.find_first_not_of(" \t", equals + 1);
    for (auto mark = line.find('#', equals); mark != std::string_view::npos; mark = line.find('#', mark + 1))
        if (mark == value ? isBlank(mark + 1) : isBlank(mark - 1)) return line.substr(0, mark);
    return line;
}

std::string shown(std::string_view text) {
    std::string out = "\"";
    appendPrintable(out, text.substr(0, 80));
    return out += '"';
}

std::string prefixOf(const SettingsTable& table) {
    std::string prefix(table.program);
    std::transform(prefix.begin(), prefix.end(), prefix.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    return prefix + "_";
}

// The section of the table that "asterisk.main" belongs to, with its name; nullopt when there is none.
struct SectionRef {
    std::string_view section; // as in the table
    std::string_view name;    // empty for a section that occurs once
};

std::optional<SectionRef> findSection(const SettingsTable& table, std::string_view heading) {
    for (const auto& known : table.sections) {
        const auto named = namedSection(known.section);
        if (!named && heading == known.section) return SectionRef{known.section, {}};
        if (named && heading.size() > named->size() + 1 && heading.starts_with(*named) && heading[named->size()] == '.')
            return SectionRef{known.section, heading.substr(named->size() + 1)};
    }
    return std::nullopt;
}

const Setting* findSetting(const SettingsTable& table, std::string_view section, std::string_view key) {
    for (const auto& setting : table.settings)
        if (setting.section == section && setting.key == key) return &setting;
    return nullptr;
}

} // namespace

// Collects values and faults from both sources, then fills in what was not given.
class ConfigLoader {
public:
    explicit ConfigLoader(const SettingsTable& table) : table_(table) { loaded_.config.table_ = &table; }

    LoadedConfig load(const ConfigSources& sources) {
        loaded_.config.file_ = sources.file;
        baseFolder_ = std::filesystem::absolute(sources.file.empty() ? "." : sources.file);
        if (!sources.file.empty()) {
            baseFolder_ = baseFolder_.parent_path();
            readFile(sources.file);
        }
        for (const auto& [name, value] : sources.environment)
            if (!value.empty()) readVariable(name, value);
        complete();
        return std::move(loaded_);
    }

private:
    void fault(std::string where, std::string problem, std::string remedy) {
        loaded_.faults.push_back({std::move(where), std::move(problem), std::move(remedy), false});
    }
    void warn(std::string where, std::string problem, std::string remedy) {
        loaded_.faults.push_back({std::move(where), std::move(problem), std::move(remedy), true});
    }

    void readFile(const std::string& path) {
        std::error_code missing;
        if (!std::filesystem::is_regular_file(path, missing))
            return fault(path, "there is no such file, or it is not a regular one", "name the right one with --config");
        std::ifstream in(path, std::ios::binary);
        std::string content(maxFileBytes + 1, '\0');
        in.read(content.data(), static_cast<std::streamsize>(content.size()));
        if (in.bad() || (!in && in.gcount() == 0 && !in.eof()))
            return fault(path, "it cannot be read", "let the user that runs this program read it");
        content.resize(static_cast<std::size_t>(in.gcount()));
        if (content.size() > maxFileBytes) return fault(path, "it is above 1 MiB", "is this the right file?");

        std::string_view rest = content;
        if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
        // A program whose settings are one section needs no heading above them.
        std::string heading;
        if (table_.sections.size() == 1) heading = table_.sections.front().section;
        bool skipping = false; // in a section that does not exist: one fault is enough
        for (int number = 1; !rest.empty(); ++number) {
            const auto end = rest.find('\n');
            readLine(rest.substr(0, end), path + ":" + std::to_string(number), heading, skipping);
            rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        }
    }

    void readLine(std::string_view raw, const std::string& where, std::string& heading, bool& skipping) {
        const auto line = trimmed(withoutComment(raw));
        if (line.empty()) return;
        if (line.front() == '[' && line.back() == ']') {
            heading = trimmed(line.substr(1, line.size() - 2));
            skipping = !openSection(heading, where);
        } else if (!skipping) {
            readAssignment(line, where, heading);
        }
    }

    bool openSection(std::string_view heading, const std::string& where) {
        const auto section = findSection(table_, heading);
        if (!section) {
            std::string remedy = "the sections are:";
            for (const auto& known : table_.sections) {
                const auto named = namedSection(known.section);
                remedy += named ? " [" + std::string(*named) + ".NAME]" : " [" + std::string(known.section) + "]";
            }
            fault(where, "there is no section " + shown(heading), remedy);
            return false;
        }
        if (section->name.empty()) return true;
        return openInstance(heading, section->name, where);
    }

    bool openInstance(std::string_view heading, std::string_view name, const std::string& where) {
        if (!isSlug(name)) {
            fault(where, shown(name) + " is not a name",
                  "use a-z, 0-9 and '-', at most 63 bytes, like [asterisk.main]");
            return false;
        }
        loaded_.config.instances_.try_emplace(std::string(heading), where);
        return true;
    }

    // Boost does not tell line numbers and stops at the first fault, so it is given one line at a time. It takes every
    // '#' for a comment: those of a value go past it as a byte that no text has.
    void readAssignment(std::string_view line, const std::string& where, const std::string& heading) {
        constexpr char hidden = '\x1f';
        if (line.find(hidden) != std::string_view::npos)
            return fault(where, "the line holds a control character", "write plain UTF-8 text");
        std::string text(line);
        std::ranges::replace(text, '#', hidden);
        std::istringstream in((heading.empty() ? std::string() : "[" + heading + "]\n") + text + "\n");
        std::string full;
        std::string value;
        try {
            const auto parsed = po::parse_config_file(in, po::options_description(), true);
            if (parsed.options.size() != 1) throw po::error("not one option");
            full = parsed.options.front().string_key;
            value = parsed.options.front().value.empty() ? "" : parsed.options.front().value.front();
        } catch (const po::error&) {
            // Not quoted: it may be a secret that was pasted.
            return fault(where, "the line is neither [section] nor key = value",
                         "write key = value, or put a # in front");
        }
        std::ranges::replace(value, hidden, '#');
        const auto dot = full.rfind('.');
        if (dot == std::string::npos)
            return fault(where, "the key " + shown(full) + " stands before any section", "put it below its [section]");
        const auto sectionText = full.substr(0, dot);
        const auto section = findSection(table_, sectionText);
        if (!section || (!section->name.empty() && !openInstance(sectionText, section->name, where)))
            return fault(where, "there is no section for the key " + shown(full), "put it below its [section]");
        const auto key = full.substr(dot + 1);
        const auto* setting = findSetting(table_, section->section, key);
        if (!setting) return unknownKey(where, section->section, key);
        give(*setting, sectionText, value, where, false);
    }

    void unknownKey(const std::string& where, std::string_view section, const std::string& key) {
        std::vector<std::string_view> inSection;
        std::string_view elsewhere;
        for (const auto& setting : table_.settings) {
            if (setting.section == section)
                inSection.push_back(setting.key);
            else if (setting.key == key)
                elsewhere = setting.section;
        }
        std::string remedy;
        if (!elsewhere.empty()) {
            const auto named = namedSection(elsewhere);
            remedy = "it belongs to [" + (named ? std::string(*named) + ".NAME" : std::string(elsewhere)) + "]";
        } else if (const auto near = nearestWord(key, inSection); !near.empty()) {
            remedy = "did you mean \"" + std::string(near) + "\"?";
        } else {
            remedy = "see " + std::string(table_.program) + " --help for the keys";
        }
        fault(where, "there is no key " + shown(key) + " in this section", remedy);
    }

    void readVariable(const std::string& name, const std::string& value) {
        const auto prefix = prefixOf(table_);
        if (!name.starts_with(prefix)) return;
        if (std::find(table_.otherVariables.begin(), table_.otherVariables.end(), name) != table_.otherVariables.end())
            return;
        for (const auto& setting : table_.settings)
            if (!namedSection(setting.section) && name == variableName(table_, setting))
                return give(setting, std::string(setting.section), value, name, true);
        if (readInstanceVariable(name, value)) return;

        std::vector<std::string> known;
        for (const auto& setting : table_.settings) known.push_back(variableName(table_, setting));
        const std::vector<std::string_view> views(known.begin(), known.end());
        const auto near = nearestWord(name, views);
        // Only a warning: Kubernetes gives every container variables named after services ("PBXD_SERVICE_HOST").
        warn(name, "no setting has this environment variable; it is ignored",
             near.empty() ? "unset it" : "did you mean " + std::string(near) + "?");
    }

    // PBXD_ASTERISK_EAST_2_HOST may be server "east-2", key "host". A server that is known already is preferred, then
    // the longest key, so that ..._SYS_SECRET_FILE is never read as the secret_file of a server "…-sys".
    bool readInstanceVariable(const std::string& name, const std::string& value) {
        const Setting* best = nullptr;
        std::string bestName;
        bool bestKnown = false;
        for (const auto& setting : table_.settings) {
            const auto named = namedSection(setting.section);
            if (!named) continue;
            const auto pattern = variableName(table_, setting, "*");
            const auto star = pattern.find('*');
            const auto head = std::string_view(pattern).substr(0, star);
            const auto tail = std::string_view(pattern).substr(star + 1);
            if (name.size() <= pattern.size() - 1 || !name.starts_with(head) || !name.ends_with(tail)) continue;
            std::string instance;
            for (const char c : std::string_view(name).substr(star, name.size() - pattern.size() + 1))
                instance += c == '_' ? '-' : (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
            const bool known = loaded_.config.instances_.contains(std::string(*named) + "." + instance);
            const auto rank = [](bool isKnown, std::size_t keyLength) { return std::make_tuple(isKnown, keyLength); };
            if (best && rank(known, setting.key.size()) <= rank(bestKnown, best->key.size())) continue;
            best = &setting;
            bestName = std::string(*named) + "." + instance;
            bestKnown = known;
        }
        if (!best) return false;
        if (!openInstance(bestName, std::string_view(bestName).substr(bestName.find('.') + 1), name)) return true;
        give(*best, bestName, value, name, true);
        return true;
    }

    void give(const Setting& setting, const std::string& section, std::string value, const std::string& where,
              bool overrides) {
        const auto label = "[" + section + "] " + std::string(setting.key) + ": ";
        const auto id = std::make_pair(section, std::string(setting.key));
        auto& values = loaded_.config.values_;
        if (const auto earlier = values.find(id); earlier != values.end() && !overrides)
            return fault(where, label + "given twice, first at " + earlier->second.where, "keep one of the two");
        if (auto problem = checkSetting(setting, value)) {
            fault(where, label + problem->what, problem->remedy);
            value = setting.fallback; // so that it is not reported as missing too
        }
        values[id] = Config::Value{std::move(value), where, SecretString()};
    }

    void complete() {
        for (const auto& setting : table_.settings) {
            const auto named = namedSection(setting.section);
            if (!named) {
                completeOne(setting, std::string(setting.section), loaded_.config.file_);
                continue;
            }
            for (const auto& [section, where] : loaded_.config.instances_)
                if (section.starts_with(std::string(*named) + ".")) completeOne(setting, section, where);
        }
    }

    void completeOne(const Setting& setting, const std::string& section, const std::string& sectionWhere) {
        auto& values = loaded_.config.values_;
        const auto [entry, absent] = values.try_emplace(std::make_pair(section, std::string(setting.key)));
        auto& value = entry->second;
        if (absent) {
            value.text = setting.fallback;
            if (setting.required)
                fault(sectionWhere, "[" + section + "] " + std::string(setting.key) + " is missing",
                      "add " + std::string(setting.key) + " = ... to [" + section + "]");
        }
        const bool isPath = setting.type == SettingType::path || setting.type == SettingType::secretFile;
        if (isPath && !value.text.empty()) {
            const auto written = value.text;
            value.text = (baseFolder_ / written).lexically_normal().string();
            if (setting.type == SettingType::secretFile)
                loadSecret(value.where.empty() ? sectionWhere : value.where, setting, section, written, value);
        }
    }

    void loadSecret(const std::string& where, const Setting& setting, const std::string& section,
                    const std::string& written, Config::Value& value) {
        try {
            value.secret = readSecretFile(value.text);
        } catch (const Error& error) {
            // Text without a slash may be the secret itself, put where its file should be named: not repeated.
            const auto file = written.find('/') == std::string::npos && ::access(value.text.c_str(), F_OK) != 0
                                  ? std::string("the file that it names")
                                  : value.text;
            fault(where, "[" + section + "] " + std::string(setting.key) + ": " + file + " " + error.text(),
                  "the program does not start with a secret that is not safe");
        }
    }

    const SettingsTable& table_;
    LoadedConfig loaded_;
    std::filesystem::path baseFolder_;
};

std::string ConfigFault::text() const {
    return (where.empty() ? "configuration" : where) + ": " + (warning ? "warning: " : "") + problem + "; " + remedy;
}

std::vector<std::pair<std::string, std::string>> processEnvironment(const SettingsTable& table) {
    std::vector<std::pair<std::string, std::string>> found;
    const auto prefix = prefixOf(table);
    for (char** entry = environ; entry && *entry; ++entry) {
        const std::string_view text(*entry);
        const auto equals = text.find('=');
        if (equals != std::string_view::npos && text.starts_with(prefix))
            found.emplace_back(text.substr(0, equals), text.substr(equals + 1));
    }
    std::sort(found.begin(), found.end());
    return found;
}

const Setting& Config::setting(std::string_view section, std::string_view key) const {
    const auto known = table_ ? findSection(*table_, section) : std::nullopt;
    const auto* found = known ? findSetting(*table_, known->section, key) : nullptr;
    if (!found)
        throw Error(ErrorCode::internal, "no such setting").because(std::string(section) + "." + std::string(key));
    return *found;
}

const Config::Value& Config::value(std::string_view section, std::string_view key) const {
    const auto found = values_.find(std::make_pair(std::string(section), std::string(key)));
    if (found == values_.end())
        throw Error(ErrorCode::internal, "no such setting").because(std::string(section) + "." + std::string(key));
    return found->second;
}

const Config::Value& Config::value(std::string_view section, std::string_view key, bool rightType) const {
    if (!rightType)
        throw Error(ErrorCode::internal, "a setting is read by the wrong type")
            .because(std::string(section) + "." + std::string(key));
    return value(section, key);
}

const std::string& Config::text(std::string_view section, std::string_view key) const {
    return value(section, key).text;
}

std::int64_t Config::whole(std::string_view section, std::string_view key) const {
    return std::stoll(value(section, key, setting(section, key).type == SettingType::whole).text);
}

bool Config::flag(std::string_view section, std::string_view key) const {
    return value(section, key, setting(section, key).type == SettingType::flag).text == "yes";
}

std::vector<std::string> Config::list(std::string_view section, std::string_view key) const {
    const auto type = setting(section, key).type;
    return splitList(
        value(section, key,
              type == SettingType::words || type == SettingType::addresses || type == SettingType::hostPorts)
            .text);
}

const SecretString& Config::secret(std::string_view section, std::string_view key) const {
    return value(section, key, setting(section, key).type == SettingType::secretFile).secret;
}

bool Config::given(std::string_view section, std::string_view key) const { return !value(section, key).where.empty(); }

std::string Config::where(std::string_view section, std::string_view key) const {
    const auto& place = value(section, key).where;
    if (!place.empty()) return place;
    if (const auto opened = instances_.find(section); opened != instances_.end()) return opened->second;
    if (!file_.empty()) return file_;
    const auto known = findSection(*table_, section);
    return variableName(*table_, setting(section, key), known ? known->name : std::string_view());
}

std::vector<std::string> Config::names(std::string_view section) const {
    std::vector<std::string> found;
    for (const auto& [heading, where] : instances_)
        if (heading.size() > section.size() && heading.starts_with(section) && heading[section.size()] == '.')
            found.push_back(heading.substr(section.size() + 1));
    return found;
}

std::vector<ConfigChange> Config::changesTo(const Config& next) const {
    std::vector<ConfigChange> changes;
    for (const auto& [heading, where] : instances_)
        if (!next.instances_.contains(heading)) changes.push_back({heading, {}, SettingChange::restart});
    for (const auto& [heading, where] : next.instances_)
        if (!instances_.contains(heading)) changes.push_back({heading, {}, SettingChange::restart});
    for (const auto& [id, before] : values_) {
        const auto after = next.values_.find(id);
        if (after == next.values_.end()) continue; // its section went
        if (before.text == after->second.text && before.secret.reveal() == after->second.secret.reveal()) continue;
        changes.push_back({id.first, id.second, setting(id.first, id.second).change});
    }
    return changes;
}

bool LoadedConfig::usable() const {
    return std::all_of(faults.begin(), faults.end(), [](const ConfigFault& fault) { return fault.warning; });
}

LoadedConfig loadConfig(const SettingsTable& table, const ConfigSources& sources) {
    return ConfigLoader(table).load(sources);
}

} // namespace pbx
