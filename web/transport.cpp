#include "web/transport.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/SecureStreamSocket.h>
#include <Poco/Net/StreamSocketImpl.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <poll.h>
#include <sys/socket.h>

namespace pbx::web {

namespace {

// POCO's answer for a secure socket that does not block.
Moved fromSecure(int result) {
    if (result > 0) return {Io::done, static_cast<std::size_t>(result)};
    if (result == Poco::Net::SecureStreamSocket::ERR_SSL_WANT_READ) return {Io::wantRead};
    if (result == Poco::Net::SecureStreamSocket::ERR_SSL_WANT_WRITE) return {Io::wantWrite};
    return {Io::closed};
}

Moved fromPlain(ssize_t result, Io want) {
    if (result > 0) return {Io::done, static_cast<std::size_t>(result)};
    if (result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return {want};
    return {Io::closed};
}

int clamped(std::size_t size) { return static_cast<int>(std::min<std::size_t>(size, INT_MAX)); }

} // namespace

// The plain socket must be told first: a SecureStreamSocket asks the one below it whether it may block. So TLS is put
// on here, and not by a SecureServerSocket.
Transport::Transport(const Poco::Net::StreamSocket& socket, const Poco::Net::Context::Ptr& tls)
    : socket_(socket), fd_(socket.impl()->sockfd()), secure_(!tls.isNull()) {
    if (!secure_) return;
    socket_.setBlocking(false);
    socket_ = Poco::Net::SecureStreamSocket::attach(socket_, tls);
}

Transport::~Transport() {
    try {
        // POCO's dispatcher holds the socket until the worker is done with it, but this is the thread that is done last
        socket_.close();
    } catch (const Poco::Exception&) {
        // the farewell of TLS could not be sent; the descriptor is closed with the last reference
    }
}

Moved Transport::read(char* buffer, std::size_t size) {
    if (!secure_) return fromPlain(::recv(fd_, buffer, size, MSG_DONTWAIT), Io::wantRead);
    try {
        return fromSecure(socket_.receiveBytes(buffer, clamped(size)));
    } catch (const Poco::Exception&) {
        return {Io::closed};
    }
}

Moved Transport::write(std::string_view bytes) {
    if (!secure_) return fromPlain(::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL), Io::wantWrite);
    try {
        return fromSecure(socket_.sendBytes(bytes.data(), clamped(bytes.size())));
    } catch (const Poco::Exception&) {
        return {Io::closed};
    }
}

bool Transport::wait(Io want, SteadyTime deadline) const {
    for (;;) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
        if (left <= 0) return false;
        pollfd entry{fd_, static_cast<short>(want == Io::wantWrite ? POLLOUT : POLLIN), 0};
        const int ready = ::poll(&entry, 1, static_cast<int>(std::min<decltype(left)>(left, INT_MAX)));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
    }
}

bool Transport::writeAll(std::string_view bytes, SteadyTime deadline) {
    while (!bytes.empty()) {
        const auto moved = write(bytes);
        if (moved.state == Io::done)
            bytes.remove_prefix(moved.bytes);
        else if (moved.state == Io::closed || !wait(moved.state, deadline))
            return false;
    }
    return true;
}

void Transport::endWriting() {
    if (secure_) {
        try {
            socket_.shutdown(); // sends close_notify
        } catch (const Poco::Exception&) {
            // the peer is gone already; the shutdown below is all that is left to say
        }
    }
    ::shutdown(fd_, SHUT_WR);
}

} // namespace pbx::web
