#include "cli/help.hpp"

#include "base/error.hpp"
#include "base/settings.hpp"
#include "cli/settings.hpp"
#include "cli/text.hpp"
#include "domain/role.hpp"

#include <algorithm>

namespace pbx::cli {
namespace {

constexpr std::size_t lineWidth = 100;

// "  left      text, wrapped at words and hanging".
void appendEntry(std::string& out, const std::string& left, std::size_t leftWidth, std::string_view text) {
    const std::size_t hang = leftWidth + 4;
    std::string line = "  " + left;
    if (displayWidth(left) > leftWidth) {
        out += line + '\n';
        line.clear();
    }
    line.resize(std::max(line.size(), hang), ' ');
    std::size_t column = hang;
    while (!text.empty()) {
        const auto word = text.substr(0, text.find(' '));
        if (column > hang && column + 1 + word.size() > lineWidth) {
            out += line + '\n';
            line.assign(hang, ' ');
            column = hang;
        }
        if (column > hang) {
            line += ' ';
            ++column;
        }
        line += word;
        column += displayWidth(word);
        text.remove_prefix(std::min(text.size(), word.size() + 1));
    }
    while (line.ends_with(' ')) line.pop_back();
    out += line + '\n';
}

struct Entry {
    std::string left;
    std::string text;
};

void appendEntries(std::string& out, const std::vector<Entry>& entries) {
    std::size_t width = 0;
    for (const auto& entry : entries) width = std::max(width, displayWidth(entry.left));
    width = std::min<std::size_t>(width, 34);
    for (const auto& entry : entries) appendEntry(out, entry.left, width, entry.text);
}

std::vector<Entry> optionEntries(std::span<const Option> options) {
    std::vector<Entry> out;
    for (const auto& option : options)
        out.push_back({"--" + option.name + (option.value.empty() ? "" : ' ' + option.value),
                       (option.required ? "Required. " : "") + option.doc});
    return out;
}

std::string rolesText(const domain::RoleSet& roles) {
    std::string out;
    for (std::size_t i = 0; i < domain::roleCount; ++i) {
        const auto role = static_cast<domain::Role>(i);
        if (roles.contains(role)) out.append(out.empty() ? "" : ", ").append(domain::roleText(role));
    }
    return out;
}

void appendCommands(std::string& out, Section section) {
    std::vector<Entry> entries;
    for (const auto& command : commands()) {
        if (command.section != section) continue;
        auto left = command.label();
        if (!command.positional.empty()) left += ' ' + command.positional;
        entries.push_back({left, command.summary});
    }
    appendEntries(out, entries);
}

// "callers, one for members": what a csv has as tables of its own; empty for a list of pages, which is one table.
std::string listsOf(const Command& command) {
    if (!command.operation || isPaged(*command.operation)) return {};
    std::string out;
    for (const auto& field : command.operation->result().fields)
        if (field.list && field.kind == ops::Kind::object)
            out.append(out.empty() ? "" : ", one for ").append(field.name);
    return out;
}

} // namespace

std::string programHelp() {
    std::string out = "pbxctl: the call centre from the command line. It asks a pbxd, by XML-RPC.\n\n"
                      "Usage: pbxctl [options] GROUP COMMAND [options]\n\n"
                      "Groups (pbxctl GROUP --help for their commands):\n";
    std::vector<Entry> entries;
    for (const auto& group : groups()) {
        const bool remote = std::any_of(commands().begin(), commands().end(), [&](const Command& command) {
            return command.path.front() == group.name && command.section == Section::remote;
        });
        if (!remote) continue;
        std::string verbs;
        for (const auto& command : commands())
            if (command.path.front() == group.name && command.section == Section::remote)
                verbs += (verbs.empty() ? "" : ", ") + command.path.back();
        entries.push_back({group.name, group.summary + " (" + verbs + ")"});
    }
    appendEntries(out, entries);
    out += "\nCommands:\n";
    appendCommands(out, Section::live);
    out += "\nOn this machine only, beside pbxd (they open its configuration and database, not its port):\n";
    appendCommands(out, Section::local);
    out += "\nAbout pbxctl:\n";
    appendCommands(out, Section::about);
    out += "\nOptions:\n";
    appendEntries(out, optionEntries(globalOptions()));
    out += "\nConfiguration (key = value in ~/.config/pbxctl.conf; each also as PBXCTL_SERVER and so on):\n";
    entries.clear();
    for (const auto& setting : settingsTable().settings)
        entries.push_back({std::string(setting.key),
                           std::string(setting.doc) +
                               (setting.fallback.empty() ? "" : " Default: " + std::string(setting.fallback) + '.')});
    appendEntries(out, entries);
    out +=
        "  A password or token itself comes from such a file, from PBXCTL_PASSWORD or PBXCTL_TOKEN, or is asked for;\n"
        "  never from the command line.\n\n"
        "Examples:\n"
        "  pbxctl system status\n"
        "  pbxctl queue list\n"
        "  pbxctl queue status support --output json\n"
        "  pbxctl watch\n";
    return out;
}

std::string groupHelp(const Group& group) {
    std::string out = "pbxctl " + group.name + ": " + group.summary + "\n\nUsage: pbxctl " + group.name +
                      " COMMAND [options]\n\nCommands:\n";
    std::vector<Entry> entries;
    std::string example;
    for (const auto& command : commands()) {
        if (command.path.front() != group.name || command.path.size() < 2) continue;
        entries.push_back(
            {command.path.back() + (command.positional.empty() ? "" : ' ' + command.positional), command.summary});
        if (!command.examples.empty()) example += "  pbxctl " + command.examples.front() + '\n';
    }
    appendEntries(out, entries);
    return out + "\nExamples:\n" + example + "\npbxctl " + group.name + " COMMAND --help tells a command's options.\n";
}

std::string commandHelp(const Command& command) {
    std::string out = "pbxctl " + command.label() + ": " + command.summary + "\n\nUsage: pbxctl " + command.label();
    if (!command.positional.empty()) out += ' ' + command.positional;
    for (const auto& option : command.options)
        if (option.required) out += " --" + option.name + ' ' + option.value;
    out += " [options]\n";
    if (!command.positional.empty()) {
        out += '\n';
        appendEntries(out, {{command.positional, command.positionalDoc}});
    }
    if (!command.options.empty()) {
        out += "\nOptions:\n";
        appendEntries(out, optionEntries(command.options));
    }
    out += "\nOptions everywhere:\n";
    std::vector<Option> everywhere;
    for (const auto& option : globalOptions())
        if (!command.find(option.name) && option.name != "version" && takesGlobal(command, option))
            everywhere.push_back(option);
    appendEntries(out, optionEntries(everywhere));
    if (const auto lists = listsOf(command); !lists.empty())
        out += "\nWith --output csv: a table of its own fields, then one for " + lists + " (pbxctl help output).\n";
    if (command.operation) {
        out += "\nOpen to: " + rolesText(command.operation->roles) + ".\n";
        out += command.operation->changes ? "It changes something, and is audited.\n" : "";
    }
    out += "\nExamples:\n";
    for (const auto& example : command.examples) out += "  pbxctl " + example + '\n';
    return out;
}

std::string errorsHelp() {
    std::string out = "pbxctl ends with 0 when all went well; otherwise with the exit code of the error.\n\n"
                      "EXIT  ERROR              TRY AGAIN      MEANING\n";
    for (const auto& row : errorTable()) {
        out += fitTo(std::to_string(row.exitCode), 4, Align::right) + "  " + fitTo(row.token, 17) + "  " +
               fitTo(retryText(row.retry), 13) + "  " + std::string(row.meaning) + '\n';
    }
    return out +
           "\nA mistake in the command line itself ends with 2, a command that is broken off by Ctrl-C with 130.\n";
}

std::string outputHelp() {
    std::string out = "--output FORM (or `output` in the configuration) chooses the form of an answer.\n\n";
    appendEntries(
        out, {{"table",
               "For people: aligned columns with headings, as wide as the terminal, times local. Where there is not "
               "enough room the id goes first (where a name does as well), then what says the same in every row, "
               "then a row becomes a line a column. Where standard output is no terminal: a row a line, "
               "tab-separated, without headings and never cut. An object is \"field TAB value\", a line a field; "
               "rows of its lists start with the list's name, such as \"members\"."},
              {"csv",
               "For spreadsheets (RFC 4180). A list is one table under its headings. An object is a table of one row, "
               "with fields such as counts.waiting; then, after an empty line each, its lists (queue status: callers, "
               "members) as tables of their own, whose first column has the list's name as heading and in each row. "
               "A list without rows has its headings all the same. Several values in one cell are separated by "
               "blanks, structs in a row of a list are JSON. A text that a spreadsheet would run as a formula has an "
               "apostrophe in front."},
              {"json", "For programs: what the JSON API answers, a list with all its pages in one."}});
    return out;
}

std::string nearestCommand(const std::vector<std::string>& path) {
    if (path.empty()) return {};
    std::vector<std::string> words;
    const bool inGroup = path.size() > 1;
    for (const auto& command : commands()) {
        if (!inGroup)
            words.push_back(command.path.front());
        else if (command.path.front() == path.front() && command.path.size() > 1)
            words.push_back(command.path[1]);
    }
    const std::vector<std::string_view> views(words.begin(), words.end());
    return std::string(nearestWord(path.back(), views));
}

} // namespace pbx::cli
