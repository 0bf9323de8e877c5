// The few socket calls of the server: own a descriptor, listen, accept.
// Threads: one at a time. Fails: listenOn() throws pbx::Error invalidArgument (no numeric address) or unavailable.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace pbx::agi {

class Fd {
public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        std::swap(fd_, other.fd_);
        other.reset();
        return *this;
    }
    ~Fd() { reset(); }

    int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }

private:
    void reset() noexcept;
    int fd_ = -1;
};

Fd listenOn(const std::string& address, std::uint16_t port); // non-blocking
std::uint16_t boundPort(const Fd& listener);

struct Accepted {
    Fd socket;           // non-blocking, without Nagle's delay; empty: see error
    int error = 0;       // errno; EAGAIN: nobody waits
    std::string address; // numeric
};
Accepted acceptFrom(const Fd& listener);

} // namespace pbx::agi
