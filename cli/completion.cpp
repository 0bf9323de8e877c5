#include "cli/completion.hpp"

#include "cli/command.hpp"

#include <map>
#include <set>

namespace pbx::cli {
namespace {

void appendWords(std::string& out, const std::set<std::string>& words) {
    for (const auto& word : words) out += (out.empty() ? "" : " ") + word;
}

// Those that `command` reads, or all.
std::string globalWords(const Command* command = nullptr) {
    std::string out;
    for (const auto& option : globalOptions())
        if (!command || (takesGlobal(*command, option) && !command->find(option.name)))
            out += (out.empty() ? "--" : " --") + option.name;
    return out;
}

} // namespace

std::string bashCompletion() {
    std::set<std::string> first;
    std::map<std::string, std::set<std::string>> second;
    std::string optionCases;
    std::map<std::string, std::string> values; // "--role" -> what its value completes to, over all commands
    const auto note = [&](const Option& option) {
        if (!option.value.empty()) values.try_emplace("--" + option.name, option.completion);
    };
    for (const auto& option : globalOptions()) note(option);
    for (const auto& command : commands()) {
        first.insert(command.path.front());
        if (command.path.size() > 1) second[command.path.front()].insert(command.path[1]);
        std::string options;
        for (const auto& option : command.options) {
            options += " --" + option.name;
            note(option);
        }
        const auto pattern =
            "'" + command.label() + "'" + (command.path.size() == 1 ? "|'" + command.label() + " '*" : "");
        optionCases += "        " + pattern + ") options='" + globalWords(&command) + options + "' ;;\n";
    }
    first.insert("help");
    std::string firstWords;
    appendWords(firstWords, first);

    std::string out = "# bash completion of pbxctl, printed by `pbxctl completion bash`.\n"
                      "_pbxctl() {\n"
                      "    local current=\"${COMP_WORDS[COMP_CWORD]}\" previous=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
                      "    local words=() i word options=''\n"
                      "    COMPREPLY=()\n"
                      "    case \"$previous\" in\n";
    for (const auto& [option, completion] : values) {
        out += "        " + option + ") ";
        if (completion.starts_with("words:"))
            out += "COMPREPLY=($(compgen -W '" + completion.substr(6) + "' -- \"$current\"))";
        else if (completion == "file")
            out += "COMPREPLY=($(compgen -f -- \"$current\"))";
        else
            out += ":"; // a value that only the caller knows: offer nothing
        out += "; return ;;\n";
    }
    out += "    esac\n"
           "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
           "        word=\"${COMP_WORDS[i]}\"\n"
           "        case \"$word\" in\n";
    std::string taking;
    for (const auto& [option, completion] : values) taking += (taking.empty() ? "" : "|") + option;
    out += "            " + taking +
           ") ((i++)) ;;\n"
           "            -*) ;;\n"
           "            *) words+=(\"$word\") ;;\n"
           "        esac\n"
           "    done\n"
           "    if [[ \"${words[0]}\" == help ]]; then words=(\"${words[@]:1}\"); fi\n"
           "    case \"${words[*]:0:2}\" in\n" +
           optionCases +
           "    esac\n"
           "    case \"${#words[@]}\" in\n"
           "        0) options=\"" +
           firstWords + ' ' + globalWords() +
           "\" ;;\n"
           "        1) [[ -n \"$options\" ]] || case \"${words[0]}\" in\n";
    for (const auto& [group, verbs] : second) {
        std::string list;
        appendWords(list, verbs);
        out += "            '" + group + "') options='" + list + " --help' ;;\n";
    }
    return out + "           esac ;;\n"
                 "    esac\n"
                 "    COMPREPLY=($(compgen -W \"$options\" -- \"$current\"))\n"
                 "}\n"
                 "complete -F _pbxctl pbxctl\n";
}

} // namespace pbx::cli
