// Tells systemd (or whatever set NOTIFY_SOCKET) that the daemon is ready, alive, reloading or stopping.
// Threads: any, one at a time per object. Source: sd_notify(3), "Standalone Implementations"; no libsystemd needed.
// Fails: a message that cannot be sent is logged; without a socket every call does nothing.
#pragma once

#include "base/log.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace pbx::daemon {

class ServiceNotifier {
public:
    // `socket`: a path, or "@name" for an abstract socket; empty: nobody listens.
    ServiceNotifier(std::string socket, std::optional<std::chrono::microseconds> watchdog, const Log& log);
    // NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID of this process.
    static ServiceNotifier fromEnvironment(const Log& log);

    bool active() const noexcept { return !socket_.empty(); }
    // Call alive() at least this often (half of what systemd allows); nullopt: no watchdog.
    std::optional<std::chrono::microseconds> watchdogInterval() const;

    // True when the message was handed over; false too when nobody listens.
    bool ready(std::string_view status) const;
    bool reloading() const; // followed by ready()
    bool stopping() const;
    bool alive() const;

private:
    bool send(const std::string& message) const;

    std::string socket_;
    std::optional<std::chrono::microseconds> watchdog_;
    Log log_;
};

} // namespace pbx::daemon
