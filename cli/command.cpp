#include "cli/command.hpp"

#include "base/error.hpp"
#include "base/settings.hpp"
#include "cli/own_commands.hpp"
#include "cli/samples.hpp"
#include "cli/text.hpp"

#include <algorithm>
#include <array>
#include <boost/program_options.hpp>

namespace pbx::cli {
namespace {

namespace po = boost::program_options;
using ops::Kind;

std::string docOf(const ops::Field& field) {
    std::string doc(field.doc);
    if (field.optional && !field.limits.fallback.empty() && doc.find(field.limits.fallback) == std::string::npos)
        doc.append(" Left out: ").append(field.limits.fallback).append(".");
    if (field.kind == Kind::object) doc += " '-' for what is left out before something else; or as JSON.";
    if (field.list) doc += " May be given several times; '' alone: an empty list.";
    return doc;
}

std::vector<std::string> pathOf(std::string_view operation) {
    const auto dot = operation.find('.');
    return {kebab(operation.substr(0, dot)), kebab(operation.substr(dot + 1))};
}

Option optionOf(const ops::Field& field) {
    Option out;
    out.required = !field.optional;
    if (field.limits.secret) {
        out.name = kebab(field.name) + "-file";
        out.value = "FILE";
        out.doc = std::string(field.doc) +
                  (field.optional ? " From this file (mode 0600), or '-' for standard input."
                                  : " From this file (mode 0600), or '-' for standard input; left out: asked on the "
                                    "terminal.");
        out.required = false;
        out.completion = "file";
        return out;
    }
    out.name = kebab(field.name);
    out.value = valueName(field);
    out.doc = docOf(field);
    out.repeatable = field.list;
    if (field.kind == Kind::boolean) out.completion = "words:yes no";
    if (field.kind == Kind::choice) out.completion = "words:" + joinedChoices(field, ' ');
    return out;
}

Command commandOf(const ops::Operation& operation) {
    Command out;
    out.path = pathOf(operation.name);
    out.summary = operation.summary;
    out.operation = &operation;
    const bool paged = isPaged(operation);
    const auto* subject = subjectOf(operation);
    // a caller who waits in a queue is told by his call
    const std::string about = operation.name.ends_with("_caller") ? "call" : out.path.front();
    std::string example = out.label();
    const ops::Field* change = nullptr; // for an example that changes something
    for (const auto& field : operation.params().fields) {
        if (&field == subject) {
            out.positional = valueName(field);
            out.positionalDoc = field.doc;
            out.positionalRequired = !field.optional;
            example += ' ' + sampleValue(field, about);
            continue;
        }
        auto option = optionOf(field);
        if (paged && field.name == "limit") option.doc = "Items at most, over all pages. Left out: 1000.";
        if (option.required) example += " --" + option.name + ' ' + sampleValue(field, about);
        if (!option.required && operation.name.ends_with(".update") && (!change || field.name == "title"))
            change = &field;
        out.options.push_back(std::move(option));
    }
    if (paged) out.options.push_back({.name = "all", .value = "", .doc = "All items, however many.", .completion = ""});
    if (operation.changes) {
        const auto* key = ops::CommonParams::describe().find("idempotency_key");
        auto option = optionOf(*key);
        out.options.push_back(std::move(option));
    }
    if (change) example += " --" + optionOf(*change).name + ' ' + sampleValue(*change, about);
    out.examples.push_back(std::move(example));
    for (auto& more : moreExamples(operation.name)) out.examples.push_back(std::move(more));
    if (paged) out.examples.push_back(out.label() + " --all --output csv");
    return out;
}

std::vector<Command> makeCommands() {
    std::vector<Command> out;
    for (const auto& operation : ops::catalogue()) out.push_back(commandOf(operation));
    for (auto& command : ownCommands()) out.push_back(std::move(command));
    return out;
}

std::vector<Group> makeGroups() {
    std::vector<Group> out;
    for (const auto& command : commands()) {
        if (command.path.size() < 2 || command.path.front() == "help") continue; // "help" alone is "--help"
        const auto known = [&](const auto& entry) { return entry.name == command.path.front(); };
        if (std::any_of(out.begin(), out.end(), known)) continue;
        out.push_back({command.path.front(), std::string(groupSummary(command.path.front()))});
    }
    return out;
}

const Option* globalOption(std::string_view name) {
    for (const auto& option : globalOptions())
        if (option.name == name) return &option;
    return nullptr;
}

constexpr std::array<std::string_view, 3> secretOptions{"--password", "--token", "--secret"};

// What stands before '=': what comes after it may be a secret and is never repeated.
std::string optionNameOf(std::string_view argument) {
    return terminalText(argument.substr(0, std::min(argument.find('='), std::size_t{64})));
}

// A secret in the command line is seen by everybody on the machine and kept in the shell's history. `command`: null
// where none was found.
void refuseSecrets(const Command* command, const std::vector<std::string>& arguments) {
    for (const auto& argument : arguments) {
        const auto name = argument.substr(0, argument.find('='));
        if (std::find(secretOptions.begin(), secretOptions.end(), name) == secretOptions.end()) continue;
        const bool fromFile = command && command->find(name.substr(2) + "-file");
        throw Error::field(name, "is not taken here, where everybody on this machine can read it; " +
                                     (fromFile ? "use " + name + "-file FILE, or leave it out to be asked"
                                               : "your own comes from password_file or token_file in the "
                                                 "configuration, from PBXCTL_PASSWORD or PBXCTL_TOKEN, or is asked "
                                                 "for"));
    }
}

// "there is no option --limt; did you mean --limit? pbxctl queue list --help lists them"
[[noreturn]] void refuseUnknown(const std::string& shown, std::span<const Option* const> known,
                                const std::string& help) {
    std::vector<std::string_view> names;
    for (const auto* option : known) names.push_back(option->name);
    const auto near = shown.starts_with("--") ? nearestWord(std::string_view(shown).substr(2), names) : "";
    throw Error(ErrorCode::invalidArgument, "there is no option " + shown +
                                                (near.empty() ? "; " : "; did you mean --" + std::string(near) + "? ") +
                                                help + " lists them");
}

std::vector<const Option*> optionsOf(const Command& command) {
    std::vector<const Option*> out;
    for (const auto& option : command.options) out.push_back(&option);
    for (const auto& option : globalOptions())
        if (!command.find(option.name) && takesGlobal(command, option)) out.push_back(&option);
    return out;
}

po::options_description describe(const Command& command) {
    po::options_description out;
    const auto add = [&](const Option& option) {
        if (option.value.empty())
            out.add_options()((option.name == "help" ? "help,h" : option.name).c_str(), "");
        else if (option.repeatable)
            out.add_options()(option.name.c_str(), po::value<std::vector<std::string>>()->composing(), "");
        else
            out.add_options()(option.name.c_str(), po::value<std::string>(), "");
    };
    for (const auto* option : optionsOf(command)) add(*option);
    out.add_options()("-positional-", po::value<std::vector<std::string>>(), "");
    return out;
}

[[noreturn]] void refuseSyntax(const Command& command, const po::error& problem) {
    const auto help = "pbxctl " + command.label() + " --help";
    const auto see = "; see " + help;
    if (const auto* unknown = dynamic_cast<const po::unknown_option*>(&problem)) {
        const auto shown = optionNameOf(unknown->get_option_name());
        if (shown.starts_with("--") && globalOption(std::string_view(shown).substr(2)))
            throw Error(ErrorCode::invalidArgument, shown + " means nothing to " + command.label() + see);
        refuseUnknown(shown, optionsOf(command), help);
    }
    if (dynamic_cast<const po::invalid_command_line_syntax*>(&problem) &&
        static_cast<const po::invalid_command_line_syntax&>(problem).kind() == po::invalid_syntax::missing_parameter)
        throw Error(ErrorCode::invalidArgument,
                    optionNameOf(static_cast<const po::invalid_command_line_syntax&>(problem).get_option_name()) +
                        ": its value is missing" + see);
    if (const auto* named = dynamic_cast<const po::error_with_option_name*>(&problem)) {
        const auto option = optionNameOf(named->get_option_name());
        throw Error(ErrorCode::invalidArgument, option + ": its value is missing or not wanted" + see);
    }
    throw Error(ErrorCode::invalidArgument, "the command line cannot be read" + see);
}

} // namespace

const ops::Field* subjectOf(const ops::Operation& operation) {
    const auto& fields = operation.params().fields;
    const auto found = std::find_if(fields.begin(), fields.end(),
                                    [](const ops::Field& field) { return field.name == "id" || field.limits.subject; });
    return found == fields.end() ? nullptr : &*found;
}

bool isPaged(const ops::Operation& operation) {
    return operation.name != "event.poll" && operation.params().find("after") && operation.params().find("limit") &&
           operation.result().find("items") && operation.result().find("next");
}

std::optional<std::string> optionOfField(const Command& command, std::string_view fieldPath) {
    const auto base = fieldPath.substr(0, fieldPath.find_first_of("[."));
    const auto* field = command.operation ? command.operation->params().find(base) : nullptr;
    if (field && field == subjectOf(*command.operation)) return command.positional;
    if (!field && !ops::CommonParams::describe().find(base) && !command.find(kebab(base))) return std::nullopt;
    return "--" + kebab(fieldPath) + (field && field->limits.secret ? "-file" : "");
}

std::string Command::label() const {
    std::string out;
    for (const auto& word : path) out += (out.empty() ? "" : " ") + word;
    return out;
}

const Option* Command::find(std::string_view name) const {
    for (const auto& option : options)
        if (option.name == name) return &option;
    return nullptr;
}

std::span<const Command> commands() {
    static const auto all = makeCommands();
    return all;
}

std::span<const Group> groups() {
    static const auto all = makeGroups();
    return all;
}

std::span<const Option> globalOptions() {
    static const std::vector<Option> options{
        {"help", "", "This help; also behind a group or a command.", false, false, ""},
        {"version", "", "The version.", false, false, ""},
        {"config", "FILE", "Configuration. Left out: $PBXCTL_CONFIG, then ~/.config/pbxctl.conf where it exists.",
         false, false, "file"},
        {"url", "URL", "Where pbxd is, such as https://pbx.example.com; wins over `server` and $PBXCTL_SERVER.", false,
         false, ""},
        {"as", "LOGIN", "Who you are; wins over `user` and $PBXCTL_USER.", false, false, ""},
        {"tenant", "NAME|ID", std::string(ops::CommonParams::describe().find("tenant")->doc), false, false, ""},
        {"output", "table|json|csv",
         "Form of the answer. Left out: table; where standard output is no terminal, tab-separated without heading.",
         false, false, "words:table json csv"},
    };
    return options;
}

bool takesGlobal(const Command& command, const Option& option) {
    const bool asksPbxd = command.section == Section::remote || command.section == Section::live;
    if (option.name == "help" || option.name == "version") return true;
    if (option.name == "output") // the board and what prints no answer have one form
        return command.operation || command.label() == "asterisk adopt" || command.label() == "db status" ||
               command.label() == "doctor";
    return asksPbxd;
}

const Command* findCommand(std::span<const std::string> path) {
    for (const auto& command : commands())
        if (std::equal(command.path.begin(), command.path.end(), path.begin(), path.end())) return &command;
    return nullptr;
}

Words splitWords(const std::vector<std::string>& arguments) {
    Words out;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const auto& argument = arguments[i];
        const bool isOption = argument.size() > 1 && argument.front() == '-';
        const bool wanted = out.path.empty() || (out.path.size() == 1 && !findCommand(out.path));
        if (isOption || !wanted) {
            out.rest.push_back(argument);
            const auto* option =
                argument.starts_with("--") ? globalOption(std::string_view(argument).substr(2)) : nullptr;
            if (wanted && option && !option->value.empty() && i + 1 < arguments.size())
                out.rest.push_back(arguments[++i]);
            continue;
        }
        out.path.push_back(argument);
        out.early = out.rest.size();
    }
    return out;
}

void requireKnownOptions(const Words& words) {
    auto arguments = words.rest;
    refuseSecrets(nullptr, arguments);
    if (words.path.size() > 1) arguments.resize(words.early); // what is behind them took no word from the path
    std::vector<const Option*> known;
    for (const auto& option : globalOptions()) known.push_back(&option);
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const auto& argument = arguments[i];
        if (!argument.starts_with('-') || argument == "-" || argument == "-h") continue;
        // Of "-psecret" only what is the option.
        const auto shown = argument.starts_with("--") ? optionNameOf(argument) : terminalText(argument.substr(0, 2));
        const auto* option = argument.starts_with("--") ? globalOption(std::string_view(shown).substr(2)) : nullptr;
        if (!option) {
            const auto ofCommand = std::any_of(commands().begin(), commands().end(), [&](const Command& command) {
                return shown.size() > 2 && command.find(std::string_view(shown).substr(2));
            });
            if (ofCommand)
                throw Error(ErrorCode::invalidArgument,
                            shown + " stands behind the command that it belongs to; pbxctl --help lists the commands");
            refuseUnknown(shown, known, "pbxctl --help");
        }
        const bool inOne = argument.find('=') != std::string::npos;
        if (option->value.empty() && inOne)
            throw Error(ErrorCode::invalidArgument, shown + ": takes no value; see pbxctl --help");
        if (option->value.empty() || inOne) continue;
        if (i + 1 == arguments.size() || arguments[i + 1].starts_with("--"))
            throw Error(ErrorCode::invalidArgument,
                        shown + ": its value is missing (" + option->value + "); see pbxctl --help");
        ++i;
    }
}

Parsed parseOptions(const Command& command, const std::vector<std::string>& arguments) {
    refuseSecrets(&command, arguments);
    const auto described = describe(command);
    po::positional_options_description positional;
    positional.add("-positional-", -1);
    Parsed out;
    try {
        const auto found = po::command_line_parser(arguments)
                               .options(described)
                               .positional(positional)
                               .style(po::command_line_style::unix_style & ~po::command_line_style::allow_guessing)
                               .run();
        for (const auto& option : found.options) {
            auto& values = out.values[option.string_key];
            if (!values.empty() && option.string_key != "-positional-") {
                const auto* known = command.find(option.string_key);
                if (!known || !known->repeatable)
                    throw Error(ErrorCode::invalidArgument, "--" + option.string_key + " is given twice");
            }
            if (option.value.empty()) values.emplace_back("yes");
            for (const auto& value : option.value) values.push_back(value);
        }
    } catch (const po::error& problem) {
        refuseSyntax(command, problem);
    }
    if (const auto given = out.values.find("-positional-"); given != out.values.end()) {
        const std::size_t most = command.positional.empty() ? 0 : 1;
        if (given->second.size() > most)
            throw Error(ErrorCode::invalidArgument, "\"" + terminalText(cutTo(given->second[most], 64)) +
                                                        "\" is one word too many; see pbxctl " + command.label() +
                                                        " --help");
        out.positional = given->second.front();
        out.values.erase(given);
    }
    if (out.has("help")) return out;
    if (!command.positional.empty() && command.positionalRequired && !out.positional)
        throw Error(ErrorCode::invalidArgument,
                    command.positional + " is missing; pbxctl " + command.label() + ' ' + command.positional);
    for (const auto& option : command.options)
        if (option.required && !out.has(option.name))
            throw Error(ErrorCode::invalidArgument, "--" + option.name + " is missing: " + option.doc);
    return out;
}

} // namespace pbx::cli
