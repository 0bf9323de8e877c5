// Signals as values: SIGTERM and SIGINT ask to stop, SIGHUP asks to reload, SIGPIPE is ignored.
// Threads: build it in main() before any other thread, so that all of them inherit the mask; wait() in that thread
// only. Fails: the constructor throws pbx::Error(internal) when the mask cannot be set.
#pragma once

#include <chrono>
#include <csignal>
#include <optional>

namespace pbx::daemon {

enum class SignalAsked { stop, reload };

class Signals {
public:
    Signals();
    ~Signals(); // puts mask and SIGPIPE back
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    // Waits for at most `patience`; nullopt when nothing came. Several SIGHUPs that are waiting count as one.
    std::optional<SignalAsked> wait(std::chrono::milliseconds patience);

private:
    sigset_t awaited_{};
    sigset_t before_{};
    struct sigaction pipeBefore_ {};
};

} // namespace pbx::daemon
