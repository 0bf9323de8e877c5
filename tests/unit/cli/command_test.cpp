#include "support.hpp"

#include "base/error.hpp"
#include "cli/command.hpp"
#include "cli/completion.hpp"
#include "cli/help.hpp"
#include "cli/remote.hpp"
#include "cli/text.hpp"
#include "tests/unit/base/temp_dir.hpp"

#include <array>
#include <cstdio>
#include <gmock/gmock.h>
#include <set>

namespace pbx::cli::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// As a shell splits an example; it has words, '...' and "..." only.
std::vector<std::string> shellWords(const std::string& line) {
    std::vector<std::string> words;
    std::string word;
    char quote = 0;
    bool open = false;
    for (const char c : line) {
        if (quote != 0) {
            if (c == quote)
                quote = 0;
            else
                word += c;
        } else if (c == '\'' || c == '"') {
            quote = c;
            open = true;
        } else if (c == ' ') {
            if (open) words.push_back(word);
            word.clear();
            open = false;
        } else {
            word += c;
            open = true;
        }
    }
    if (open) words.push_back(word);
    return words;
}

std::string bash(const std::string& script) {
    const pbx::test::TempDir folder;
    const auto file = folder.write("script", script);
    std::string out;
    FILE* pipe = ::popen(("bash --noprofile --norc " + file + " 2>&1").c_str(), "r");
    if (!pipe) return "no bash";
    std::array<char, 4096> block{};
    while (const auto got = std::fread(block.data(), 1, block.size(), pipe)) out.append(block.data(), got);
    ::pclose(pipe);
    return out;
}

std::set<std::string> offered(const std::string& line) {
    auto words = shellWords(line);
    if (line.ends_with(' ')) words.emplace_back();
    std::string quoted;
    for (const auto& word : words) quoted += " '" + word + "'";
    const auto out =
        bash(bashCompletion() + "COMP_WORDS=(" + quoted + ")\nCOMP_CWORD=" + std::to_string(words.size() - 1) +
             "\n_pbxctl\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n");
    std::set<std::string> found;
    std::istringstream lines(out);
    for (std::string one; std::getline(lines, one);)
        if (!one.empty()) found.insert(one);
    return found;
}

TEST(Commands, EveryOperationIsOneCommand) {
    for (const auto& operation : ops::catalogue()) {
        const auto dot = operation.name.find('.');
        const std::vector<std::string> path{kebab(operation.name.substr(0, dot)),
                                            kebab(operation.name.substr(dot + 1))};
        const auto* command = findCommand(path);
        ASSERT_NE(command, nullptr) << operation.name;
        EXPECT_EQ(command->operation, &operation);
        for (const auto& field : operation.params().fields) {
            if (&field == subjectOf(operation)) {
                EXPECT_FALSE(command->positional.empty());
            } else {
                const auto* option = command->find(kebab(field.name) + (field.limits.secret ? "-file" : ""));
                ASSERT_NE(option, nullptr) << operation.name << ' ' << field.name;
                EXPECT_EQ(option->repeatable, field.list);
            }
        }
    }
    const std::vector<std::string> setPassword{"user", "set-password"};
    EXPECT_NE(findCommand(setPassword), nullptr);
}

TEST(Commands, NoOptionMeansTwoThings) {
    for (const auto& command : commands()) {
        std::set<std::string> names;
        for (const auto& option : command.options) EXPECT_TRUE(names.insert(option.name).second) << option.name;
        if (!command.operation) continue;
        for (const auto& option : globalOptions())
            EXPECT_FALSE(names.contains(option.name)) << command.label() << " --" << option.name;
    }
}

TEST(Commands, NoSecretHasAnOption) {
    for (const auto& command : commands())
        for (const auto* secret : {"password", "secret", "token"}) EXPECT_EQ(command.find(secret), nullptr);
}

TEST(Help, EveryCommandsHelpSaysWhatItTakes) {
    for (const auto& command : commands()) {
        auto arguments = command.path;
        arguments.emplace_back("--help");
        const auto done = runCli(arguments, {});
        EXPECT_EQ(done.code, 0) << command.label();
        EXPECT_EQ(done.err, "");
        EXPECT_THAT(done.out, HasSubstr("Usage: pbxctl " + command.label()));
        for (const auto& option : command.options) EXPECT_THAT(done.out, HasSubstr("--" + option.name));
        std::istringstream lines(done.out);
        for (std::string line; std::getline(lines, line);) EXPECT_LE(displayWidth(line), 120U) << line;
    }
}

// An example that does not run as pasted is worse than none.
TEST(Help, EveryExampleIsAGoodCommandLine) {
    Setting setting;
    setting.answers = {"correct horse battery", "correct horse battery"};
    for (const auto& command : commands()) {
        ASSERT_FALSE(command.examples.empty()) << command.label();
        for (const auto& example : command.examples) {
            auto line = shellWords(example);
            if (const auto redirect = std::find(line.begin(), line.end(), ">"); redirect != line.end())
                line.erase(redirect, line.end());
            const auto words = splitWords(line);
            ASSERT_EQ(findCommand(words.path), &command) << example;
            const auto parsed = parseOptions(command, words.rest);
            if (!command.operation) continue;
            std::ostringstream out;
            std::istringstream in;
            const Console console{
                .out = out, .err = out, .in = in, .interactive = true, .environment = {}, .askSecret = [](const auto&) {
                    return SecretString("correct horse battery");
                }};
            EXPECT_NO_THROW(paramsOf(command, parsed, console)) << example;
        }
    }
}

TEST(Help, EveryLevelHasItAndLocalCommandsStandApart) {
    const auto program = runCli({"--help"}, {});
    EXPECT_EQ(program.code, 0);
    for (const auto& group : groups()) {
        EXPECT_FALSE(group.summary.empty()) << group.name << " has no line in the help";
        if (group.name != "db" && group.name != "asterisk") {
            EXPECT_THAT(program.out, HasSubstr("  " + group.name + " "));
        }
        const auto help = runCli({group.name, "--help"}, {});
        EXPECT_EQ(help.code, 0);
        EXPECT_THAT(help.out, HasSubstr("Usage: pbxctl " + group.name + " COMMAND"));
        EXPECT_EQ(runCli({"help", group.name}, {}).out, help.out);
        EXPECT_EQ(runCli({group.name}, {}).code, 2) << "a group alone is a mistake";
    }
    const auto local = program.out.find("On this machine only");
    ASSERT_NE(local, std::string::npos);
    for (const auto* command : {"db status", "db migrate", "bootstrap LOGIN"})
        EXPECT_GT(program.out.find(std::string("  ") + command), local) << command;
    EXPECT_EQ(runCli({"help", "queue", "list"}, {}).out, runCli({"queue", "list", "--help"}, {}).out);
    EXPECT_EQ(runCli({"help"}, {}).out, program.out);
    EXPECT_EQ(runCli({}, {}).code, 2);
    EXPECT_THAT(runCli({"--version"}, {}).out, ::testing::MatchesRegex("pbxctl [0-9.]+\n"));
}

TEST(Faults, AreNamedWhereNoCommandIsFound) {
    const auto refused = [](const std::vector<std::string>& arguments) {
        const auto done = runCli(arguments, {});
        EXPECT_EQ(done.code, 2);
        EXPECT_EQ(done.out, "");
        return done.err;
    };
    EXPECT_EQ(refused({"--as"}), "pbxctl: --as: its value is missing (LOGIN); see pbxctl --help\n");
    EXPECT_THAT(refused({"--as", "--tenant", "x", "queue", "list"}), HasSubstr("--as: its value is missing"));
    EXPECT_EQ(refused({"queue", "--bogus"}), "pbxctl: there is no option --bogus; pbxctl --help lists them\n");
    EXPECT_THAT(refused({"--outptu", "json", "queue", "list"}), HasSubstr("did you mean --output?"));
    EXPECT_THAT(refused({"queue", "list", "--limt", "5"}),
                HasSubstr("there is no option --limt; did you mean --limit? pbxctl queue list --help lists them"));
    EXPECT_THAT(refused({"queue", "list", "--as"}), HasSubstr("--as: its value is missing"));
    EXPECT_THAT(refused({"--limit", "5", "queue", "list"}), HasSubstr("--limit stands behind the command"));
    EXPECT_THAT(refused({"queue", "lst", "--limit", "5"}),
                HasSubstr("no command \"queue lst\"; did you mean \"list\"?"));
    EXPECT_THAT(refused({"db", "status", "--url", "x"}), HasSubstr("--url means nothing to db status"));
    EXPECT_THAT(refused({"completion"}), HasSubstr("Usage: pbxctl completion COMMAND"));
    EXPECT_THAT(refused({"completion", "bsh"}), HasSubstr("did you mean \"bash\"?"));
    EXPECT_EQ(runCli({"help", "help"}, {}).out, runCli({"--help"}, {}).out);
    EXPECT_EQ(runCli({"help", "queue", "list", "--help"}, {}).code, 0);
}

TEST(Help, LocalCommandsListWhatTheyRead) {
    for (const auto* verb : {"status", "migrate"}) {
        const auto help = runCli({"db", verb, "--help"}, {}).out;
        for (const auto* option : {"--url", "--as", "--tenant"}) EXPECT_THAT(help, Not(HasSubstr(option)));
        EXPECT_EQ(help.find("--output") != std::string::npos, std::string(verb) == "status");
    }
    EXPECT_THAT(runCli({"queue", "status", "--help"}, {}).out, HasSubstr("then one for callers, one for members"));
    EXPECT_THAT(runCli({"help", "output"}, {}).out, HasSubstr("counts.waiting"));
}

TEST(Help, TheErrorTableNamesEveryExitCode) {
    const auto done = runCli({"help", "errors"}, {});
    EXPECT_EQ(done.code, 0);
    for (const auto& row : errorTable()) EXPECT_THAT(done.out, HasSubstr(row.token));
}

TEST(Completion, OffersEveryOperationAndItsOptions) {
    const auto first = offered("pbxctl ");
    for (const auto& group : groups()) EXPECT_TRUE(first.contains(group.name)) << group.name;
    EXPECT_TRUE(first.contains("watch"));
    for (const auto& group : groups()) {
        const auto verbs = offered("pbxctl " + group.name + " ");
        for (const auto& command : commands())
            if (command.path.front() == group.name) {
                EXPECT_TRUE(verbs.contains(command.path[1])) << command.label();
            }
    }
    for (const auto* label : {"agent create", "user set-password", "watch", "bootstrap"}) {
        const auto path = shellWords(label);
        const auto options = offered("pbxctl " + std::string(label) + " --");
        for (const auto& option : findCommand(path)->options)
            EXPECT_TRUE(options.contains("--" + option.name)) << label << " --" << option.name;
    }
}

// The package installs the committed file; `pbxctl completion bash > packaging/completion/pbxctl` renews it.
TEST(Completion, TheCommittedFileIsCurrent) {
    EXPECT_EQ(pbx::test::readAll(PBX_SOURCE_DIR "/packaging/completion/pbxctl"), bashCompletion());
}

TEST(Completion, KnowsValuesAndLooksPastGlobalOptions) {
    EXPECT_EQ(offered("pbxctl queue list --output "), (std::set<std::string>{"table", "json", "csv"}));
    EXPECT_EQ(offered("pbxctl user update bob --disabled "), (std::set<std::string>{"yes", "no"}));
    EXPECT_EQ(offered("pbxctl --tenant viatalk queue st"), (std::set<std::string>{"status"}));
    EXPECT_TRUE(offered("pbxctl queue status support --").contains("--tenant"));
    EXPECT_TRUE(offered("pbxctl bootstrap ops --").contains("--password-file"));
    EXPECT_TRUE(offered("pbxctl agent create --name ").empty());
}

} // namespace
} // namespace pbx::cli::test
