#include "link/socket.hpp"

#include "base/error.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/SecureStreamSocket.h>

#include <limits>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace pbx::link {
namespace {

// POCO reports by exception, some of them without a message.
template <class F>
auto speaking(std::string_view doing, F&& use) -> decltype(use()) {
    try {
        return use();
    } catch (const Poco::Exception& failed) {
        throw Error(ErrorCode::unavailable, std::string(doing) + ": " + failed.displayText());
    }
}

// OpenSSL's words tell a programmer what failed; these tell the operator what to look at.
std::string remedyOf(std::string_view cause) {
    if (cause.find("certificate verify failed") != std::string_view::npos)
        return "; the certificate must be valid now, and signed by an authority in the file of tls_ca (without it: one "
               "of the system's)";
    if (cause.find("wrong version number") != std::string_view::npos)
        return "; there is no TLS at this port (tlsenable and tlsbindaddr in manager.conf, port and tls here)";
    return "";
}

int asInt(std::size_t size) { return static_cast<int>(std::min<std::size_t>(size, std::numeric_limits<int>::max())); }

} // namespace

Poco::Net::Context::Ptr makeTlsContext(const TlsSettings& settings) {
    try {
        // STRICT: with any other mode POCO skips the name check for local hosts.
        Poco::Net::Context::Ptr context(new Poco::Net::Context(Poco::Net::Context::TLS_CLIENT_USE, "", "",
                                                               settings.caFile, Poco::Net::Context::VERIFY_STRICT, 9,
                                                               settings.caFile.empty()));
        context->requireMinimumProtocol(Poco::Net::Context::PROTO_TLSV1_2);
        context->enableExtendedCertificateVerification(true);
        return context;
    } catch (const Poco::Exception& failed) {
        throw Error::field("tls_ca", "cannot be used").because(failed.displayText());
    }
}

Socket::Socket(const Poco::Net::SocketAddress& address, Poco::Net::Context::Ptr tls, std::string serverName,
               const LinkSettings& settings)
    : socket_(address.family()), tls_(std::move(tls)), serverName_(std::move(serverName)) {
    speaking("connect", [&] {
        // Before the connection, so that the window is offered from the start. A burst of events waits in the kernel
        // rather than in Asterisk, which would end the session after its writetimeout.
        socket_.setReceiveBufferSize(asInt(settings.receiveBuffer));
        socket_.setNoDelay(true);
        socket_.setOption(IPPROTO_TCP, TCP_USER_TIMEOUT,
                          static_cast<unsigned>(settings.timings.tcpUserTimeout.count()));
        socket_.connectNB(address);
    });
}

bool Socket::establish() {
    if (phase_ == Phase::connecting) {
        if (const int error = socket_.impl()->socketError(); error != 0)
            throw Error(ErrorCode::unavailable, std::string("connect: ") + std::strerror(error));
        if (!tls_) {
            phase_ = Phase::established;
        } else {
            speaking("TLS", [&] { socket_ = Poco::Net::SecureStreamSocket::attach(socket_, serverName_, tls_); });
            phase_ = Phase::handshake;
        }
    }
    if (phase_ == Phase::handshake && handshake()) phase_ = Phase::established;
    return phase_ == Phase::established;
}

bool Socket::handshake() {
    Poco::Net::SecureStreamSocket secure(socket_);
    try {
        const int result = secure.completeHandshake();
        tlsWantsWrite_ = result == Poco::Net::SecureStreamSocket::ERR_SSL_WANT_WRITE;
        if (result != 1) return false;
    } catch (const Poco::Exception& failed) {
        const auto cause = failed.displayText();
        throw Error(ErrorCode::unavailable, "TLS: " + cause + remedyOf(cause));
    }
    try {
        secure.verifyPeerCertificate(serverName_);
    } catch (const Poco::Exception& failed) {
        throw Error(ErrorCode::unavailable, "TLS: " + failed.displayText() + "; the certificate must be for " +
                                                serverName_ + " (tls_name; without it host)");
    }
    return true;
}

short Socket::interest(bool wantsWrite) const noexcept {
    if (phase_ == Phase::connecting) return POLLOUT;
    if (phase_ == Phase::handshake) return tlsWantsWrite_ ? POLLOUT : POLLIN;
    return static_cast<short>(wantsWrite ? POLLIN | POLLOUT : POLLIN);
}

std::optional<std::size_t> Socket::read(std::span<char> into) {
    return speaking("read", [&]() -> std::optional<std::size_t> {
        const int got = socket_.receiveBytes(into.data(), asInt(into.size()));
        if (got < 0) return std::nullopt;
        return static_cast<std::size_t>(got);
    });
}

std::size_t Socket::write(std::string_view bytes) {
    return speaking("write", [&] {
        const int taken = socket_.sendBytes(bytes.data(), asInt(bytes.size()), MSG_NOSIGNAL);
        return static_cast<std::size_t>(std::max(taken, 0));
    });
}

} // namespace pbx::link
