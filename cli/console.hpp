// The world around one run of pbxctl: streams, the terminal, the environment; tests put their own in its place.
// Threads: the one that runs the command. askSecret throws pbx::Error (invalidArgument) where nobody can be asked.
#pragma once

#include "base/secret.hpp"

#include <cstddef>
#include <functional>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>

namespace pbx::cli {

struct Console {
    std::ostream& out;
    std::ostream& err;
    std::istream& in;
    bool outTerminal = false;
    bool interactive = false; // somebody can be asked: standard input and error are a terminal
    bool colours = false;     // never without a terminal
    std::size_t columns = 80; // of the terminal; counts when outTerminal
    std::map<std::string, std::string, std::less<>> environment;
    std::function<SecretString(const std::string& prompt)> askSecret; // without echo

    std::optional<std::string> variable(std::string_view name) const {
        const auto found = environment.find(name);
        return found == environment.end() || found->second.empty() ? std::nullopt : std::optional(found->second);
    }
};

// The console of this process.
Console processConsole();
struct TerminalSize {
    std::size_t columns = 80, rows = 24;
};
TerminalSize terminalSize(int fd);

// A new secret: asked twice on a terminal. `what` as in "password of alice".
SecretString askNewSecret(const Console& console, const std::string& what);
// A secret from a file that is safe (readSecretFile), or with "-" the first line of standard input.
SecretString readSecretOption(const Console& console, const std::string& option, const std::string& path);

} // namespace pbx::cli
