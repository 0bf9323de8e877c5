#include "daemon/signals.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <pthread.h>

namespace pbx::daemon {

Signals::Signals() {
    sigemptyset(&awaited_);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&awaited_, signal);
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN; // a client that went away is an error of write(2), not the end of the daemon
    if (::pthread_sigmask(SIG_BLOCK, &awaited_, &before_) != 0 || ::sigaction(SIGPIPE, &ignore, &pipeBefore_) != 0)
        throw Error(ErrorCode::internal, "the signal mask cannot be set");
}

Signals::~Signals() {
    (void)::sigaction(SIGPIPE, &pipeBefore_, nullptr);
    (void)::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

std::optional<SignalAsked> Signals::wait(std::chrono::milliseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (true) {
        const auto left = std::max(deadline - std::chrono::steady_clock::now(), std::chrono::steady_clock::duration(0));
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
        const timespec timeout{static_cast<std::time_t>(seconds.count()),
                               static_cast<long>(std::chrono::nanoseconds(left - seconds).count())};
        const int signal = ::sigtimedwait(&awaited_, nullptr, &timeout);
        if (signal == SIGHUP) return SignalAsked::reload;
        if (signal > 0) return SignalAsked::stop;
        if (errno != EINTR) return std::nullopt; // EAGAIN: nothing came in time
    }
}

} // namespace pbx::daemon
