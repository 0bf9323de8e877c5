#include "cli/console.hpp"

#include "base/error.hpp"
#include "base/secret_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <iostream>
#include <string_view>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace pbx::cli {
namespace {

constexpr std::size_t maxSecretBytes = 1024;

// The terminal without echo for the length of a question; Ctrl-C while it lasts must not leave it so, therefore signals
// from the keyboard are off too and Ctrl-C comes as a character.
class Hidden {
public:
    explicit Hidden(int fd) : fd_(fd) {
        if (::tcgetattr(fd_, &before_) != 0) throw Error(ErrorCode::invalidArgument, "there is no terminal to ask on");
        auto hidden = before_;
        hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO | ISIG);
        ::tcsetattr(fd_, TCSAFLUSH, &hidden);
    }
    ~Hidden() { ::tcsetattr(fd_, TCSAFLUSH, &before_); }
    Hidden(const Hidden&) = delete;
    Hidden& operator=(const Hidden&) = delete;

private:
    int fd_;
    termios before_{};
};

void say(int fd, std::string_view text) {
    while (!text.empty()) {
        const auto written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno != EINTR) return; // a terminal that is gone needs no prompt
        if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
    }
}

SecretString askOnTerminal(const std::string& prompt) {
    const int fd = ::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) throw Error(ErrorCode::invalidArgument, "there is no terminal to ask on");
    struct Close {
        int fd;
        ~Close() { ::close(fd); }
    } const close{fd};
    std::string line(maxSecretBytes + 1, '\0'); // never grows, so that no copy stays behind
    std::size_t used = 0;
    {
        const Hidden hidden(fd);
        say(fd, prompt + ": ");
        char c = 0;
        while (used < line.size()) {
            const auto got = ::read(fd, &c, 1);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0 || c == '\n' || c == '\r') break;
            if (c == '\x03') throw Error(ErrorCode::invalidArgument, "broken off");
            line[used++] = c;
        }
    }
    say(fd, "\n");
    line.resize(used);
    return SecretString(std::move(line));
}

} // namespace

TerminalSize terminalSize(int fd) {
    winsize size{};
    if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
    return {size.ws_col, size.ws_row};
}

Console processConsole() {
    Console console{.out = std::cout, .err = std::cerr, .in = std::cin, .environment = {}, .askSecret = &askOnTerminal};
    for (char** entry = environ; entry && *entry; ++entry) {
        const std::string_view text(*entry);
        if (const auto equals = text.find('='); equals != std::string_view::npos)
            console.environment.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    console.outTerminal = ::isatty(STDOUT_FILENO) == 1;
    console.interactive = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
    console.colours = console.outTerminal && !console.variable("NO_COLOR") && console.variable("TERM") != "dumb";
    if (console.outTerminal) console.columns = terminalSize(STDOUT_FILENO).columns;
    return console;
}

SecretString askNewSecret(const Console& console, const std::string& what) {
    auto first = console.askSecret("New " + what);
    const auto second = console.askSecret("The same again");
    if (first.reveal() != second.reveal()) throw Error(ErrorCode::invalidArgument, "the two are not the same");
    return first;
}

SecretString readSecretOption(const Console& console, const std::string& option, const std::string& path) {
    if (path != "-") {
        try {
            return readSecretFile(path);
        } catch (const Error& error) {
            throw Error(ErrorCode::invalidArgument, option + ": " + path + ' ' + error.text());
        }
    }
    if (console.interactive) return console.askSecret(option + " from standard input"); // typed: without echo
    std::string line;
    line.reserve(maxSecretBytes + 1);
    char c = 0;
    while (line.size() <= maxSecretBytes && console.in.get(c) && c != '\n') line += c;
    if (line.ends_with('\r')) line.pop_back();
    SecretString secret(std::move(line));
    if (secret.empty()) throw Error(ErrorCode::invalidArgument, option + ": standard input held no line");
    if (secret.reveal().size() > maxSecretBytes)
        throw Error(ErrorCode::invalidArgument, option + ": the line is longer than 1024 bytes");
    return secret;
}

} // namespace pbx::cli
