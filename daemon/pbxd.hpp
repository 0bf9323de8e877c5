// The composition root: builds everything in order from the configuration, runs it, stops it in the opposite order.
// Threads: one (main's), but the pieces have their own. Throws pbx::Error from the constructor for what cannot be used
// or reached.
#pragma once

#include "base/config.hpp"
#include "base/log.hpp"
#include "callbacks/fail_points.hpp"

#include <cstdint>
#include <memory>

namespace pbx::daemon {

class Pbxd {
public:
    // `failHook`: empty but in tests.
    Pbxd(const Config& config, const Log& log, const Clock& clock, callbacks::FailHook failHook);
    ~Pbxd(); // stops what still runs
    Pbxd(const Pbxd&) = delete;
    Pbxd& operator=(const Pbxd&) = delete;

    // Fails with pbx::Error where a port is taken; what had been started ends with the object.
    void start();
    // Takes no more requests, finishes those in flight within 10 s, closes links and database. A second call does
    // nothing.
    void stop();
    // What may change while running: the log level, FastAGI's tokens, and certificate and key of the HTTP front, for
    // new connections; a pair that cannot be used is logged and the old one stays. Answers the settings that changed
    // and need a restart.
    std::vector<std::string> reload(const Config& next);

    bool ready() const;
    std::uint16_t port() const; // of the HTTP front, after start()

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace pbx::daemon
