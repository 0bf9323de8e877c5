// The connection to one Asterisk: a thread that reads, logs in, pings, reconnects, and carries commands to it.
// Threads: start() and stop() one at a time; submit() and status() any. Handlers and the Listener run on the link's
// thread. Fails: submit() throws pbx::Error (unavailable, unsupported); the connection's own failures are in status().
#pragma once

#include "ami/session.hpp"
#include "base/log.hpp"
#include "link/listener.hpp"
#include "link/settings.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pbx::link {

enum class LinkState {
    stopped,
    waiting,    // for the next try
    connecting, // TCP and TLS
    loggingIn,  // up to FullyBooted
    up
};
std::string_view linkStateName(LinkState state); // snake_case

struct LinkStatus {
    LinkState state = LinkState::stopped;
    UtcTime since{}; // since when it is up, stopped, or neither (waiting, connecting and logging_in are one)
    std::string
        reason; // why the last session or try ended (endReasonName, or connect_failed, handler_failed); empty: none did
    std::string text;   // the same in words, for operators
    std::string banner; // AMI version, e.g. "11.0.0"; empty before the first
    bool sysUp = false; // the second account is logged in
    // How much later events reach us than Asterisk stamped them, against the best seen on this connection (so that the
    // clocks need not agree). Absent without timestampevents=yes.
    std::optional<Micros> lag;
    std::uint64_t connects = 0;     // times that the main session came up
    std::uint64_t losses = 0;       // times that it ended
    std::size_t pending = 0;        // actions without an answer, both accounts
    ami::SessionStatistics session; // sums over all sessions, both accounts
    ami::ReaderStatistics reader;   // the same
};

// Whether this action goes by the second account (a fixed table; everything else goes by the main one).
bool isSystemAction(std::string_view action);

class Link {
public:
    // `listener` and `clock` must outlive the link. Throws pbx::Error invalidArgument for settings that cannot work.
    Link(LinkSettings settings, Listener& listener, const Clock& clock, const Log& log);
    ~Link(); // stops
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    void start();
    // Ends the sessions; every command under way is answered `disconnected`. Returns when the thread is gone.
    void stop();

    // Sends one action and tells `onDone` (on the link's thread, exactly once) what became of it. Never sent twice.
    // Throws: unavailable (not connected, or the queue is full), unsupported (a system action without second account).
    void submit(ami::Action action, std::chrono::milliseconds timeout, ami::ActionHandlers handlers);

    LinkStatus status() const;
    const std::string& name() const noexcept;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace pbx::link
