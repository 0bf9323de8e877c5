// The commands of pbxctl: those of the catalogue, made from its descriptions, and the few of its own.
// Threads: immutable once made; any thread. parseOptions throws pbx::Error (invalidArgument) and never repeats a value
// that may be a secret.
#pragma once

#include "ops/operation.hpp"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pbx::cli {

struct Option {
    std::string name;  // without the dashes
    std::string value; // what help calls its value; empty: it takes none
    std::string doc;
    bool repeatable = false;
    bool required = false;
    std::string completion; // "words:a b c", "file", or empty
};

// Under which heading `pbxctl --help` shows it.
enum class Section { remote, live, local, about };

struct Command {
    std::vector<std::string> path; // {"queue", "status"}, {"watch"}
    std::string summary;
    Section section = Section::remote;
    std::string positional; // its name, or empty
    std::string positionalDoc;
    bool positionalRequired = true;
    std::vector<Option> options;
    std::vector<std::string> examples;         // without "pbxctl "
    const ops::Operation* operation = nullptr; // of the catalogue, or one of our own
    std::string label() const;                 // "queue status"
    const Option* find(std::string_view name) const;
};

// What a field of an operation ("operations[0]", "tenant") is called on its command line: "--operations[0]",
// "--tenant", "NAME|ID"; nullopt for what is no field of it.
std::optional<std::string> optionOfField(const Command& command, std::string_view fieldPath);

// What the command is about: the parameter that is written without its name; nullptr where there is none.
const ops::Field* subjectOf(const ops::Operation& operation);

// What pages: a list with a cursor. event.poll answers the same shape, but its cursor never ends.
bool isPaged(const ops::Operation& operation);

// All, in the order of the help.
std::span<const Command> commands();
// Options that stand anywhere: --config, --output, ...
std::span<const Option> globalOptions();
// Whether the command reads it: what opens pbxd's own database goes to no --url as nobody.
bool takesGlobal(const Command& command, const Option& option);
// The first word of several commands ("queue"), each once, with what it is about.
struct Group {
    std::string name, summary;
};
std::span<const Group> groups();
const Command* findCommand(std::span<const std::string> path);

struct Parsed {
    std::map<std::string, std::vector<std::string>, std::less<>> values;
    std::optional<std::string> positional;
    bool has(std::string_view option) const { return values.contains(option); }
    std::optional<std::string> value(std::string_view option) const {
        const auto found = values.find(option);
        return found == values.end() ? std::nullopt : std::optional(found->second.front());
    }
};
// Everything but the command's own words. With --help nothing else is demanded.
Parsed parseOptions(const Command& command, const std::vector<std::string>& arguments);

// "queue" and "status" out of a command line, wherever the global options stand; `rest` is what remains.
struct Words {
    std::vector<std::string> path;
    std::vector<std::string> rest;
    std::size_t early = 0; // so many of `rest` stand before the last word of `path`
};
Words splitWords(const std::vector<std::string>& arguments);
// For a command line in which no command was found: throws for a secret, an unknown option or a missing value, any of
// which makes a word that is none of the command's look like one.
void requireKnownOptions(const Words& words);

} // namespace pbx::cli
