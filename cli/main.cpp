// pbxctl: the call centre from the command line.
#include "cli/app.hpp"

#include <csignal>

int main(int argc, char** argv) {
    // `pbxctl ... | head` ends by an error of the stream, not by a signal.
    std::signal(SIGPIPE, SIG_IGN);
    return pbx::cli::run({argv + 1, argv + argc}, pbx::cli::processConsole());
}
