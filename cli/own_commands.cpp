#include "cli/own_commands.hpp"

#include <algorithm>
#include <array>

namespace pbx::cli {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 29> groupSummaries{{
    {"system", "Is it well, who am I, what belongs to nobody."},
    {"tenant", "The companies."},
    {"department", "Departments own queues; an agent belongs to one at a time."},
    {"user", "Who may sign in."},
    {"token", "API tokens for programs."},
    {"queue", "Queues: configuration and live state."},
    {"agent", "Agents: configuration and live state."},
    {"peer", "The phones as Asterisk sees them."},
    {"call", "The calls that are up now."},
    {"callback", "People who asked to be called back."},
    {"pause-reason", "Why agents may pause."},
    {"action", "What was asked of Asterisk, and what became of it."},
    {"event", "What happens, as it happens."},
    {"audit", "Who changed what."},
    {"blocklist", "Who is not put through: numbers, prefixes, callers without a number."},
    {"priority", "Numbers that go first."},
    {"customer", "What the CRM knows about numbers."},
    {"status-rule", "What happens to callers by the status that the CRM gave them."},
    {"did", "The numbers that people call, and where they lead."},
    {"hours", "Opening hours and holidays."},
    {"routing", "What holds for all calls: default queue, blocked and closed calls."},
    {"route", "What would happen to a call, and why."},
    {"callback-policy", "How callbacks are done: of the tenant, or of one queue."},
    {"phone", "Agents' phones: SIP accounts and extensions."},
    {"trunk", "The lines to the outside."},
    {"outbound-rule", "What may be dialled."},
    {"asterisk", "Asterisk's configuration, and what an Asterisk has already."},
    {"db", "The database of the pbxd on this machine."},
    {"completion", "The shell completes commands and options."},
}};

} // namespace

std::vector<Command> ownCommands() {
    const Option passwordFile{"password-file",
                              "FILE",
                              "The password, from this file (mode 0600), or '-' for standard input; left out: asked on "
                              "the terminal.",
                              false,
                              false,
                              "file"};
    const Option pbxdConfig{"config",
                            "FILE",
                            "Configuration of the pbxd whose database it is. Left out: $PBXD_CONFIG, then "
                            "/etc/pbxd/pbxd.conf.",
                            false,
                            false,
                            "file"};
    std::vector<Command> out;
    out.push_back({.path = {"watch"},
                   .summary = "The live board in the terminal: queues, callers with running clocks, agents. q ends it.",
                   .section = Section::live,
                   .positional = {},
                   .positionalDoc = {},
                   .options = {{"queue", "NAME|ID", "Only this queue.", false, false, ""},
                               {"once", "", "Print the board once and end.", false, false, ""}},
                   .examples = {"watch", "watch --queue support", "watch --once"}});
    out.push_back(
        {.path = {"asterisk", "adopt"},
         .summary = "Give a queue or an interface that Asterisk has already (pbxctl system unmapped) to a tenant.",
         .section = Section::live,
         .positional = {},
         .positionalDoc = {},
         .options = {{"queue", "NAME", "The queue's name in Asterisk.", false, false, ""},
                     {"interface", "INTERFACE", "Or the interface of a phone: makes an agent.", false, false, ""},
                     {"name", "NAME", "Its name with us. Left out: made from the name in Asterisk.", false, false, ""},
                     {"title", "TEXT", "Shown name. Left out: the name.", false, false, ""},
                     {"server", "NAME", "The Asterisk, where there are several.", false, false, ""},
                     {"department", "NAME|ID", "Department that it belongs to.", false, false, ""}},
         .examples = {"asterisk adopt --tenant viatalk --queue support-main --name support",
                      "asterisk adopt --tenant viatalk --interface PJSIP/101 --name alice"}});
    out.push_back({.path = {"db", "status"},
                   .summary = "The migrations of the database and which have run.",
                   .section = Section::local,
                   .positional = {},
                   .positionalDoc = {},
                   .options = {pbxdConfig},
                   .examples = {"db status"}});
    out.push_back({.path = {"db", "migrate"},
                   .summary = "Bring the database to this version's schema. Make a backup first.",
                   .section = Section::local,
                   .positional = {},
                   .positionalDoc = {},
                   .options = {pbxdConfig},
                   .examples = {"db migrate"}});
    out.push_back({.path = {"bootstrap"},
                   .summary = "Create the first operator; refused when there is one.",
                   .section = Section::local,
                   .positional = "LOGIN",
                   .positionalDoc = "Login name: a-z, 0-9, dot, underscore, dash.",
                   .options = {passwordFile, pbxdConfig},
                   .examples = {"bootstrap root-operator", "bootstrap ops --password-file /root/ops.password"}});
    const Option server{"server", "NAME", "The Asterisk, where there are several.", false, false, ""};
    out.push_back(
        {.path = {"asterisk", "render"},
         .summary = "Write Asterisk's whole configuration from the database; the folder changes in one step.",
         .section = Section::local,
         .positional = {},
         .positionalDoc = {},
         .options = {{"out", "DIR",
                      "Folder to write; its folder custom/ stays, the files before are kept as "
                      "DIR.pbxd-old.",
                      false, false, "file"},
                     {"diff", "DIR",
                      "In place of writing: what would change there. Exit code 0: nothing; 6: something.", false, false,
                      "file"},
                     {"apply", "",
                      "Bring it into force, on Asterisk's machine: into etc_dir of [render.NAME], and Asterisk reads "
                      "it; what it refuses is taken back.",
                      false, false, ""},
                     {"force", "", "Overwrite what was changed by hand.", false, false, ""},
                     server,
                     pbxdConfig},
         .examples = {"asterisk render --out /etc/asterisk", "asterisk render --diff /etc/asterisk --server main",
                      "asterisk render --apply"}});
    out.push_back({.path = {"asterisk", "check"},
                   .summary = "Say what is wrong with a rendered folder: missing files, open modes, other secrets.",
                   .section = Section::local,
                   .positional = "DIR",
                   .positionalDoc = "The folder.",
                   .options = {server, pbxdConfig},
                   .examples = {"asterisk check /etc/asterisk"}});
    out.push_back({.path = {"doctor"},
                   .summary = "Say what is wrong between pbxd, its database and its Asterisk servers, and the remedy.",
                   .section = Section::local,
                   .positional = {},
                   .positionalDoc = {},
                   .options = {{"server", "NAME", "This Asterisk alone.", false, false, ""}, pbxdConfig},
                   .examples = {"doctor", "doctor --output json"}});
    out.push_back({.path = {"completion", "bash"},
                   .summary = "Print the completion for bash.",
                   .section = Section::about,
                   .positional = {},
                   .positionalDoc = {},
                   .options = {},
                   .examples = {"completion bash > ~/.local/share/bash-completion/completions/pbxctl"}});
    out.push_back({.path = {"help", "errors"},
                   .summary = "The errors, their exit codes and whether to try again.",
                   .section = Section::about,
                   .positional = {},
                   .positionalDoc = {},
                   .options = {},
                   .examples = {"help errors"}});
    out.push_back({.path = {"help", "output"},
                   .summary = "The forms of an answer: table, tab-separated, csv, json.",
                   .section = Section::about,
                   .positional = {},
                   .positionalDoc = {},
                   .options = {},
                   .examples = {"help output"}});
    return out;
}

std::string_view groupSummary(std::string_view group) {
    const auto* found = std::ranges::find(groupSummaries, group, [](const auto& entry) { return entry.first; });
    return found == groupSummaries.end() ? std::string_view() : found->second;
}

} // namespace pbx::cli
