#include "cli/app.hpp"

#include "cli/command.hpp"
#include "cli/completion.hpp"
#include "cli/help.hpp"
#include "cli/local.hpp"
#include "cli/remote.hpp"
#include "cli/text.hpp"
#include "cli/watch.hpp"
#include "daemon/version.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <ostream>

namespace pbx::cli {
namespace {

constexpr int exitUsage = 2;

struct Runner {
    std::string_view label;
    int (*run)(const Parsed&, const Console&);
};
constexpr std::array<Runner, 11> runners{{
    {"watch", &runWatch},
    {"asterisk adopt", &runAdopt},
    {"db status", &runDbStatus},
    {"db migrate", &runDbMigrate},
    {"bootstrap", &runBootstrap},
    {"asterisk render", &runAsteriskRender},
    {"asterisk check", &runAsteriskCheck},
    {"doctor", &runDoctor},
    {"completion bash",
     [](const Parsed&, const Console& console) {
         console.out << bashCompletion();
         return 0;
     }},
    {"help errors",
     [](const Parsed&, const Console& console) {
         console.out << errorsHelp();
         return 0;
     }},
    {"help output",
     [](const Parsed&, const Console& console) {
         console.out << outputHelp();
         return 0;
     }},
}};

int runCommand(const Command& command, const Parsed& parsed, const Console& console) {
    if (parsed.has("help")) {
        console.out << commandHelp(command);
        return 0;
    }
    if (command.operation) return runOperation(command, parsed, console);
    const auto label = command.label();
    const auto* runner =
        std::find_if(runners.begin(), runners.end(), [&](const Runner& known) { return known.label == label; });
    if (runner == runners.end()) throw Error(ErrorCode::internal, "no program for " + label);
    return runner->run(parsed, console);
}

const Group* findGroup(const std::string& name) {
    for (const auto& group : groups())
        if (group.name == name) return &group;
    return nullptr;
}

bool asksFor(const std::vector<std::string>& arguments, std::string_view option, std::string_view brief) {
    return std::any_of(arguments.begin(), arguments.end(),
                       [&](const std::string& argument) { return argument == option || argument == brief; });
}

// No command: help where it was asked for, otherwise an error that says what is wrong and what there is.
int runWithout(const Words& words, const Console& console) {
    // First: behind an option that is none, a word is its value and perhaps a secret.
    requireKnownOptions(words);
    const bool help = asksFor(words.rest, "--help", "-h");
    if (words.path.empty()) {
        if (asksFor(words.rest, "--version", "--version")) {
            console.out << "pbxctl " << daemon::versionText() << '\n';
            return 0;
        }
        (help ? console.out : console.err) << programHelp();
        return help ? 0 : exitUsage;
    }
    if (const auto* group = findGroup(words.path.front()); group && words.path.size() == 1) {
        (help ? console.out : console.err) << groupHelp(*group);
        return help ? 0 : exitUsage;
    }
    std::string given;
    for (const auto& word : words.path) given += (given.empty() ? "" : " ") + terminalText(cutTo(word, 64));
    auto near =
        nearestCommand(findGroup(words.path.front()) ? words.path : std::vector<std::string>{words.path.front()});
    if (near == words.path.back()) near.clear();
    console.err << "pbxctl: there is no command \"" << given << "\"";
    if (!near.empty()) console.err << "; did you mean \"" << near << "\"?";
    console.err << (near.empty() ? "; " : " ") << "pbxctl --help lists them\n";
    return exitUsage;
}

// The list in which a name can be looked up that is not there: by the kind that the text names ("no pause reason "x""),
// as it may be another than the command's own.
std::string listFor(std::string_view text, const Command& command) {
    std::string kind;
    if (const auto end = text.find(" \""); text.starts_with("no ") && end != std::string_view::npos)
        kind = text.substr(3, end - 3);
    for (char& c : kind) c = c == ' ' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    for (const auto& group : {kind, command.path.front()})
        if (findCommand(std::vector<std::string>{group, "list"})) return group + " list";
    return {};
}

// What to do about it, where the error itself does not say.
std::string remedyFor(const Error& error, const Command* command) {
    switch (error.code()) {
    case ErrorCode::unauthenticated:
        return "check user and password_file (or token_file) in the configuration, PBXCTL_USER and PBXCTL_TOKEN";
    case ErrorCode::forbidden:
        return "pbxctl system whoami names what you may call";
    case ErrorCode::notFound: {
        if (!command) return {};
        const auto list = listFor(error.text(), *command);
        return list.empty() ? "" : "pbxctl " + list + " names those that there are";
    }
    case ErrorCode::startAnew:
        return "leave --after out";
    case ErrorCode::internal:
        return "pbxd's log has the cause under that request id";
    default:
        return {};
    }
}

// pbxd names a field by its name on the wire; here it is an option.
std::string textFor(const Error& error, const Command* command) {
    const auto& text = error.text();
    const auto colon = text.find(": ");
    if (!command || error.code() != ErrorCode::invalidArgument || colon == std::string::npos) return text;
    const auto option = optionOfField(*command, std::string_view(text).substr(0, colon));
    return option ? *option + text.substr(colon) : text;
}

int report(const Error& error, const Command* command, const Console& console) {
    const auto* refusal = dynamic_cast<const Refusal*>(&error);
    console.err << "pbxctl: ";
    if (refusal && command) console.err << command->label() << ": ";
    // Several faults of a configuration are a line each.
    const auto text = refusal ? textFor(error, command) : error.text();
    for (std::string_view rest = text; !rest.empty();) {
        const auto end = rest.find('\n');
        console.err << terminalText(rest.substr(0, end));
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        if (!rest.empty()) console.err << "\npbxctl: ";
    }
    if (refusal && !refusal->requestId().empty())
        console.err << " (request " << terminalText(refusal->requestId()) << ')';
    console.err << '\n';
    auto remedy = refusal ? refusal->remedy() : std::string();
    if (remedy.empty() && refusal) remedy = remedyFor(error, command);
    if (!remedy.empty()) console.err << "  " << terminalText(remedy) << '\n';
    return errorRow(error.code()).exitCode;
}

} // namespace

int run(const std::vector<std::string>& arguments, const Console& console) {
    const Command* command = nullptr;
    try {
        auto words = splitWords(arguments);
        // "help queue list" is "queue list --help"; "help" alone is "--help".
        bool helpFirst = false;
        while (!words.path.empty() && words.path.front() == "help" && !findCommand(words.path)) {
            auto again = std::vector<std::string>(words.path.begin() + 1, words.path.end());
            again.insert(again.end(), words.rest.begin(), words.rest.end());
            words = splitWords(again);
            helpFirst = true;
        }
        if (helpFirst && !asksFor(words.rest, "--help", "-h")) words.rest.emplace_back("--help");
        command = findCommand(words.path);
        if (!command) return runWithout(words, console);
        const auto code = runCommand(*command, parseOptions(*command, words.rest), console);
        console.out.flush();
        if (!console.out) throw Error(ErrorCode::unavailable, "standard output cannot be written");
        return code;
    } catch (const Error& error) {
        return report(error, command, console);
    } catch (const std::exception& error) {
        console.err << "pbxctl: " << terminalText(error.what()) << '\n';
        return errorRow(ErrorCode::internal).exitCode;
    }
}

} // namespace pbx::cli
