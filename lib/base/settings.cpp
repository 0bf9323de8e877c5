#include "base/settings.hpp"

#include "base/address.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>

namespace pbx {
namespace {

constexpr std::size_t maxValueBytes = 1024;
constexpr std::string_view separators = ", \t";

bool isWhole(std::string_view value, std::int64_t& number) {
    const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), number);
    return problem == std::errc{} && end == value.data() + value.size();
}

bool isUrl(std::string_view value) {
    const auto rest = value.starts_with("https://")  ? value.substr(8)
                      : value.starts_with("http://") ? value.substr(7)
                                                     : std::string_view();
    return !rest.empty() && rest.front() != '/' && rest.find_first_of("@?# \\\"<>") == std::string_view::npos;
}

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const auto& word : words) out += (out.empty() ? "" : ", ") + word;
    return out;
}

std::string quoted(std::string_view value) {
    std::string out = "\"";
    appendPrintable(out, value);
    return out += '"';
}

std::optional<SettingProblem> checkWords(const Setting& setting, std::string_view value) {
    const auto choices = splitList(setting.choices);
    for (const auto& word : splitList(value))
        if (std::find(choices.begin(), choices.end(), word) == choices.end())
            return SettingProblem{quoted(word) + " is not one of its words", "use any of: " + joined(choices)};
    return std::nullopt;
}

std::optional<SettingProblem> checkAddresses(std::string_view value) {
    for (const auto& word : splitList(value))
        if (!AddressRange::parse(word))
            return SettingProblem{quoted(word) + " is not an address or a range",
                                  "write addresses like 192.0.2.7 or 2001:db8::1, ranges like 10.0.0.0/8 without bits "
                                  "behind the prefix"};
    return std::nullopt;
}

std::optional<SettingProblem> checkHostPorts(std::string_view value) {
    for (const auto& word : splitList(value))
        if (!isHostPort(word))
            return SettingProblem{quoted(word) + " is not HOST:PORT",
                                  "write them like pbx2.example.com:4573 or [2001:db8::1]:4573"};
    return std::nullopt;
}

std::string wholeText(const Setting& setting) {
    auto text = "a whole number from " + std::to_string(setting.least) + " to " + std::to_string(setting.most);
    if (!setting.unit.empty()) text += " (" + std::string(setting.unit) + ")";
    return text;
}

// The form of a value in words, for the documents.
std::string formText(const Setting& setting) {
    switch (setting.type) {
    case SettingType::text:
        return "text";
    case SettingType::choice:
        return "one of: " + joined(splitList(setting.choices));
    case SettingType::flag:
        return "yes or no";
    case SettingType::whole:
        return wholeText(setting);
    case SettingType::words:
        return "any of: " + joined(splitList(setting.choices));
    case SettingType::address:
        return "an IP address";
    case SettingType::addresses:
        return "IP addresses and ranges, separated by commas";
    case SettingType::host:
        return "a host name or an IP address";
    case SettingType::hostPorts:
        return "HOST:PORT, several separated by blanks";
    case SettingType::url:
        return "an http or https address";
    case SettingType::path:
        return "a path; a relative one starts at the folder of the configuration file";
    case SettingType::secretFile:
        return "the path of a file of mode 0600 (at most 0640) whose one line is the secret";
    }
    return {};
}

std::string_view changeText(SettingChange change) {
    return change == SettingChange::reload ? "reload (SIGHUP)" : "restart";
}

std::string heading(std::string_view section, std::string_view name) {
    const auto named = namedSection(section);
    return named ? std::string(*named) + "." + std::string(name) : std::string(section);
}

// `text` broken at blanks into lines of at most 110 bytes, each with `prefix` in front.
void appendWrapped(std::string& out, std::string_view prefix, std::string_view text) {
    constexpr std::size_t width = 110;
    while (!text.empty()) {
        auto end = text.size();
        if (end + prefix.size() > width) {
            end = text.rfind(' ', width - prefix.size());
            if (end == std::string_view::npos) end = std::min(text.find(' '), text.size());
        }
        out += prefix;
        out += text.substr(0, end);
        out += '\n';
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

// The number of single-character edits between two words; both are short (keys), so the plain table is enough.
std::size_t editDistance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i + 1);
        for (std::size_t j = 0; j < b.size(); ++j) {
            const auto replaced = diagonal + (a[i] == b[j] ? 0U : 1U);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
        }
    }
    return row.back();
}

} // namespace

std::vector<std::string> splitList(std::string_view value) {
    std::vector<std::string> words;
    while (true) {
        const auto start = value.find_first_not_of(separators);
        if (start == std::string_view::npos) return words;
        value.remove_prefix(start);
        const auto end = std::min(value.find_first_of(separators), value.size());
        words.emplace_back(value.substr(0, end));
        value.remove_prefix(end);
    }
}

std::optional<SettingProblem> checkSetting(const Setting& setting, std::string_view value) {
    if (value.size() > maxValueBytes) return SettingProblem{"its value is above 1024 bytes", "shorten it"};
    if (hasControl(value))
        return SettingProblem{"its value holds control characters or bytes that are not UTF-8",
                              "write plain UTF-8 text"};
    if (value.empty()) {
        if (setting.required) return SettingProblem{"it must not be empty", "give " + formText(setting)};
        const bool emptyHasMeaning = setting.mayBeEmpty || setting.fallback.empty() ||
                                     setting.type == SettingType::words || setting.type == SettingType::addresses;
        if (emptyHasMeaning) return std::nullopt;
    }
    const auto expected = [&](bool good) -> std::optional<SettingProblem> {
        if (good) return std::nullopt;
        return SettingProblem{quoted(value) + " is not what it takes", "give " + formText(setting)};
    };
    std::int64_t number = 0;
    switch (setting.type) {
    case SettingType::text:
    case SettingType::path:
    case SettingType::secretFile:
        return expected(!value.empty());
    case SettingType::choice: {
        const auto choices = splitList(setting.choices);
        return expected(std::find(choices.begin(), choices.end(), value) != choices.end());
    }
    case SettingType::flag:
        return expected(value == "yes" || value == "no");
    case SettingType::whole:
        return expected(isWhole(value, number) && number >= setting.least && number <= setting.most);
    case SettingType::words:
        return checkWords(setting, value);
    case SettingType::address:
        return expected(isAddress(value));
    case SettingType::addresses:
        return checkAddresses(value);
    case SettingType::host:
        return expected(isHost(value));
    case SettingType::hostPorts:
        return checkHostPorts(value);
    case SettingType::url:
        return expected(isUrl(value));
    }
    return std::nullopt;
}

std::optional<std::string_view> namedSection(std::string_view section) {
    if (!section.ends_with(".*")) return std::nullopt;
    return section.substr(0, section.size() - 2);
}

std::string variableName(const SettingsTable& table, const Setting& setting, std::string_view name) {
    std::string out(table.program);
    if (setting.section != table.program) out += "_" + heading(setting.section, name);
    out += "_" + std::string(setting.key);
    for (char& c : out) {
        if (c == '.' || c == '-')
            c = '_';
        else if (c >= 'a' && c <= 'z')
            c = static_cast<char>(c - 'a' + 'A');
    }
    return out;
}

std::string_view nearestWord(std::string_view word, std::span<const std::string_view> known) {
    std::string_view best;
    std::size_t least = std::max<std::size_t>(2, word.size() / 3) + 1;
    for (const auto candidate : known) {
        const auto distance = editDistance(word, candidate);
        if (distance < least && distance < candidate.size()) {
            least = distance;
            best = candidate;
        }
    }
    return best;
}

std::string printHelp(const SettingsTable& table) {
    std::string out;
    for (const auto& section : table.sections) {
        out += "\n[" + heading(section.section, "NAME") + "]  " + std::string(section.doc) + "\n";
        for (const auto& setting : table.settings) {
            if (setting.section != section.section) continue;
            out += "  " + std::string(setting.key);
            if (!setting.fallback.empty()) out += " = " + std::string(setting.fallback);
            out += setting.required ? "  (required)\n" : "\n";
            appendWrapped(out, "      ", setting.doc);
            out += "      " + formText(setting) + "; " + variableName(table, setting) + "\n";
        }
    }
    return out;
}

std::string printSample(const SettingsTable& table) {
    const std::string program(table.program);
    std::string out = "# Configuration of " + program + ". Made by: " + program + " --print-config-sample\n";
    out += "# Every line is commented out and shows the default. Check with: " + program +
           " --check-config\n"
           "# A '#' starts a comment in front of a key and behind a blank; a value may begin with one, as in #13.\n"
           "# An environment variable wins over the file.\n";
    for (const auto& section : table.sections) {
        out += '\n';
        appendWrapped(out, "# ", section.doc);
        // A section that needs a name stays commented out: to open it is to say that there is such a thing.
        out += (namedSection(section.section) ? "#[" : "[") + heading(section.section, "main") + "]\n";
        for (const auto& setting : table.settings) {
            if (setting.section != section.section) continue;
            out += '\n';
            appendWrapped(out, "# ", setting.doc);
            appendWrapped(out, "# ", "Takes " + formText(setting) + (setting.required ? ". Required." : "."));
            out += "#" + std::string(setting.key) + " = " + std::string(setting.fallback) + "\n";
        }
    }
    return out;
}

std::string printReference(const SettingsTable& table) {
    const std::string program(table.program);
    std::string out = "# Settings of " + program + "\n\n";
    out += "<!-- Printed by `" + program +
           " --print-settings-reference`; a test compares it. Do not edit. -->\n\n"
           "The file is `" +
           program +
           ".conf`: sections in square brackets, `key = value`. `#` starts a comment in front of a key and behind a "
           "blank;\n"
           "a value may begin with one, as in `#13`. Each setting is also an environment variable, which wins over the "
           "file; an empty variable counts as not set. `" +
           program +
           " --check-config`\nnames every fault with its line. A setting of kind *reload* takes effect on SIGHUP, one "
           "of kind "
           "*restart* after a restart.\n";
    for (const auto& section : table.sections) {
        out += "\n## `[" + heading(section.section, "NAME") + "]`\n\n" + std::string(section.doc) + "\n";
        for (const auto& setting : table.settings) {
            if (setting.section != section.section) continue;
            out += "\n### `" + std::string(setting.key) + "`\n\n" + std::string(setting.doc) + "\n\n";
            out += "- takes: " + formText(setting) + "\n";
            out += "- default: " +
                   (setting.required           ? std::string("none, required")
                    : setting.fallback.empty() ? std::string("none")
                                               : "`" + std::string(setting.fallback) + "`") +
                   "\n";
            out += "- environment: `" + variableName(table, setting) + "`\n";
            out += "- changed by: " + std::string(changeText(setting.change)) + "; since " +
                   std::string(setting.since) + "\n";
        }
    }
    return out;
}

} // namespace pbx
