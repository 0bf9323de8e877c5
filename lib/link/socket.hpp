// One non-blocking connection to Asterisk's manager port, plain or TLS; nothing is written before its peer is verified.
// Threads: one at a time.
// Fails: constructor, establish(), read() and write() throw pbx::Error unavailable, the text fit for status and log.
#pragma once

#include "link/settings.hpp"

#include <Poco/Net/Context.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/StreamSocket.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pbx::link {

// Verifies chain and name, TLS 1.2 and later. Throws pbx::Error invalidArgument if `caFile` cannot be read.
Poco::Net::Context::Ptr makeTlsContext(const TlsSettings& settings);

class Socket {
public:
    // Starts to connect. `tls` null: plain. `serverName`: what the certificate must be for.
    Socket(const Poco::Net::SocketAddress& address, Poco::Net::Context::Ptr tls, std::string serverName,
           const LinkSettings& settings);

    // Goes on connecting when poll() says so; true once bytes can flow.
    bool establish();

    int fd() const { return socket_.impl()->sockfd(); }
    // What to poll() for; `wantsWrite`: there is output.
    short interest(bool wantsWrite) const noexcept;

    // How many bytes came (0: the peer closed), nullopt: none now.
    std::optional<std::size_t> read(std::span<char> into);
    // How many were taken, possibly 0.
    std::size_t write(std::string_view bytes);

private:
    bool handshake();

    Poco::Net::StreamSocket socket_;
    Poco::Net::Context::Ptr tls_;
    std::string serverName_;
    enum class Phase { connecting, handshake, established } phase_ = Phase::connecting;
    bool tlsWantsWrite_ = false;
};

} // namespace pbx::link
