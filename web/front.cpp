#include "web/front.hpp"

#include "base/error.hpp"
#include "base/random.hpp"
#include "web/connection.hpp"
#include "web/core.hpp"

#include <Poco/Net/Context.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/TCPServer.h>
#include <Poco/Net/TCPServerParams.h>
#include <Poco/ThreadPool.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <sys/resource.h>

namespace pbx::web {

namespace {

// Workers beyond the cap: they take the connections that are refused, and bridge the moment in which one that has ended
// is not yet back in the pool.
constexpr int spareWorkers = 64;
constexpr int idleWorkers = 16;
constexpr int backlog = 1024;
constexpr std::size_t otherDescriptors = 256; // files, database, Asterisk, epoll

class ConnectionFactory final : public Poco::Net::TCPServerConnectionFactory {
public:
    explicit ConnectionFactory(Core& core) : core_(core) {}
    Poco::Net::TCPServerConnection* createConnection(const Poco::Net::StreamSocket& socket) override {
        return new Connection(socket, core_); // POCO owns it
    }

private:
    Core& core_;
};

[[noreturn]] void refuseFile(const char* field, const std::string& file) {
    const char* reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error(); // what is left there would be taken for the next connection's
    throw Error::field(field, "'" + file + "' cannot be read as PEM, or does not belong to the other file")
        .because(reason ? reason : "");
}

Poco::Net::Context::Ptr tlsContext(const std::optional<TlsSettings>& tls) {
    if (!tls) return {};
    ERR_clear_error();
    using Poco::Net::Context;
    Context::Params params;
    params.verificationMode = Context::VERIFY_NONE; // clients show no certificates
    params.loadDefaultCAs = false;
    Context::Ptr context = new Context(Context::TLS_SERVER_USE, params);
    context->requireMinimumProtocol(Context::PROTO_TLSV1_2);
    context->enableSessionCache(true, "pbxd");
    auto* native = context->sslContext();
    // an encrypted key is an error here, not a question on the terminal
    SSL_CTX_set_default_passwd_cb(native, [](char*, int, int, void*) { return 0; });
    SSL_CTX_set_mode(native, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (SSL_CTX_use_certificate_chain_file(native, tls->certificateFile.c_str()) != 1)
        refuseFile("tls_certificate", tls->certificateFile);
    if (SSL_CTX_use_PrivateKey_file(native, tls->privateKeyFile.c_str(), SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(native) != 1)
        refuseFile("tls_private_key", tls->privateKeyFile);
    return context;
}

Poco::Net::ServerSocket listenOn(const FrontSettings& settings) {
    const Poco::Net::SocketAddress address(settings.address, settings.port);
    Poco::Net::ServerSocket socket;
    try {
        // without SO_REUSEPORT, which POCO's constructors set: a second daemon would silently share the port
        if (address.family() == Poco::Net::SocketAddress::IPv6)
            socket.bind6(address, true, false, false);
        else
            socket.bind(address, true, false);
        socket.listen(backlog);
    } catch (const Poco::Exception& error) {
        throw Error(ErrorCode::unavailable, "cannot listen on " + address.toString() + ": " + error.displayText());
    }
    return socket;
}

// Without descriptors accept() fails and nobody is told why; so it is said at the start.
void ensureDescriptors(const FrontSettings& settings) {
    const rlim_t needed = settings.maxConnections + settings.parking.all + settings.parking.closing +
                          static_cast<std::size_t>(spareWorkers) + otherDescriptors;
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) return;
    limit.rlim_cur = needed;
    if (limit.rlim_max < needed || ::setrlimit(RLIMIT_NOFILE, &limit) != 0)
        throw Error(ErrorCode::unavailable,
                    "needs " + std::to_string(needed) + " file descriptors, allowed are " +
                        std::to_string(limit.rlim_max) +
                        ": raise LimitNOFILE or lower the caps for connections and waiting requests");
}

void check(const FrontSettings& settings) {
    const auto address = Address::parse(settings.address);
    if (!address) throw Error::field("listen", "'" + settings.address + "' is no IPv4 or IPv6 address");
    if (!settings.tls && !settings.plainBeyondLoopback && !address->isLoopback())
        throw Error::field("listen", "'" + settings.address +
                                         "' is not loopback: give a certificate, or allow plain HTTP there in words");
    if (settings.maxConnections == 0 || settings.maxConnections > 20'000)
        throw Error::field("max_connections", "must be 1 to 20000");
}

} // namespace

std::string_view refusalText(Refusal refusal) {
    switch (refusal) {
    case Refusal::full:
        return "full";
    case Refusal::perAddress:
        return "per_address";
    case Refusal::untold:
        return "untold";
    }
    return "untold";
}

struct Front::Impl {
    Impl(const FrontSettings& settings, const Router& router, FrontHooks hooks)
        : core(settings, tlsContext(settings.tls), router, std::move(hooks)) {}

    int workers() const { return static_cast<int>(core.settings.maxConnections) + spareWorkers; }

    Core core;
    std::unique_ptr<Poco::ThreadPool> pool;
    std::unique_ptr<Poco::Net::TCPServer> server;
    bool running = false;
};

Front::Front(const FrontSettings& settings, const Router& router, FrontHooks hooks) {
    check(settings);
    initRandom();
    impl_ = std::make_unique<Impl>(settings, router, std::move(hooks));
}

Front::~Front() { stop(std::chrono::milliseconds(0)); }

void Front::start() {
    auto& core = impl_->core;
    ensureDescriptors(core.settings);
    const auto socket = listenOn(core.settings);
    const int workers = impl_->workers();
    impl_->pool = std::make_unique<Poco::ThreadPool>("http", idleWorkers, workers + spareWorkers, 60,
                                                     static_cast<int>(core.settings.workerStackBytes));
    Poco::Net::TCPServerParams::Ptr params = new Poco::Net::TCPServerParams;
    params->setMaxThreads(workers);
    params->setMaxQueued(backlog);
    impl_->server =
        std::make_unique<Poco::Net::TCPServer>(new ConnectionFactory(core), *impl_->pool, socket, std::move(params));
    impl_->server->start();
    impl_->running = true;
}

void checkTls(const TlsSettings& tls) { (void)tlsContext(tls); }

void Front::renewTls(const TlsSettings& tls) {
    auto& current = impl_->core.tls;
    if (current.with([](const auto& context) { return context.isNull(); }))
        throw Error(ErrorCode::unsupported, "this front speaks plain HTTP");
    current.with([next = tlsContext(tls)](auto& context) { context = next; });
}

void Front::stop(std::chrono::milliseconds grace) {
    if (!std::exchange(impl_->running, false)) return;
    auto& core = impl_->core;
    const auto deadline = std::chrono::steady_clock::now() + grace;
    impl_->server->stop();
    core.draining = true;
    core.live.endIdle();
    core.parking.drain();
    if (!core.live.waitUntilNone(deadline)) core.live.cutAll();
    impl_->pool->joinAll();
    core.parking.stop(deadline);
    impl_->server.reset();
}

std::uint16_t Front::port() const { return impl_->server->port(); }
Parking& Front::parking() { return impl_->core.parking; }
std::size_t Front::connections() const { return impl_->core.live.count(); }

} // namespace pbx::web
