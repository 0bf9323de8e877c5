// One accepted socket, plain or TLS, moved without ever blocking: the caller waits, with its own absolute deadline, so
// that a dripping peer cannot restart a time-out. Threads: one at a time; it may be handed from thread to thread.
// Nothing is thrown: whatever goes wrong with the peer is Io::closed.
#pragma once

#include "base/time.hpp"

#include <Poco/Net/Context.h>
#include <Poco/Net/StreamSocket.h>

#include <cstddef>
#include <string_view>

namespace pbx::web {

enum class Io { done, closed, wantRead, wantWrite };

struct Moved {
    Io state;
    std::size_t bytes = 0; // > 0 with `done`
};

class Transport {
public:
    // `tls`: null for a plain connection. Closes `socket` at its own end, whoever else holds it still.
    Transport(const Poco::Net::StreamSocket& socket, const Poco::Net::Context::Ptr& tls);
    ~Transport();
    Transport(const Transport&) = delete;
    Transport& operator=(const Transport&) = delete;

    // The TLS handshake happens within the first of these.
    Moved read(char* buffer, std::size_t size);
    Moved write(std::string_view bytes);
    // Waits for what read() or write() wanted. False: the deadline has passed.
    bool wait(Io want, SteadyTime deadline) const;
    // Writes all of it; false: the peer is gone or did not take it until the deadline.
    bool writeAll(std::string_view bytes, SteadyTime deadline);
    // Tells the peer that nothing more comes.
    void endWriting();

    int fd() const noexcept { return fd_; }
    bool secure() const noexcept { return secure_; }

private:
    Poco::Net::StreamSocket socket_;
    int fd_;
    bool secure_;
};

} // namespace pbx::web
