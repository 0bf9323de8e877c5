#include "support.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/SecureStreamSocket.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/StreamSocketImpl.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace pbx::web::test {

namespace {

using SteadyClock = std::chrono::steady_clock;

Poco::Timespan timespan(std::chrono::microseconds value) { return Poco::Timespan(value.count()); }

Poco::Net::StreamSocket connectFrom(std::uint16_t port, const char* from) {
    Poco::Net::StreamSocket socket(Poco::Net::SocketAddress::IPv4);
    socket.impl()->bind(Poco::Net::SocketAddress(from, 0), false);
    socket.connect(Poco::Net::SocketAddress("127.0.0.1", port));
    socket.setNoDelay(true);
    return socket;
}

void write(const std::string& file, const std::function<int(std::FILE*)>& writer) {
    std::FILE* out = std::fopen(file.c_str(), "w");
    if (out == nullptr || writer(out) != 1 || std::fclose(out) != 0) throw std::runtime_error("cannot write " + file);
}

} // namespace

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds patience) {
    const auto deadline = SteadyClock::now() + patience;
    while (!condition()) {
        if (SteadyClock::now() > deadline) return false;
        std::this_thread::sleep_for(2ms);
    }
    return true;
}

Certificate::Certificate() {
    std::string pattern = (std::filesystem::temp_directory_path() / "pbx-web-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    folder_ = pattern;
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), &X509_free);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 86400);
    X509_set_pubkey(certificate.get(), key.get());
    auto* name = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"), -1, -1,
                               0);
    X509_set_issuer_name(certificate.get(), name);
    if (X509_sign(certificate.get(), key.get(), EVP_sha256()) == 0) throw std::runtime_error("X509_sign");
    write(folder_ + "/cert.pem", [&](std::FILE* out) { return PEM_write_X509(out, certificate.get()); });
    write(folder_ + "/key.pem",
          [&](std::FILE* out) { return PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
}

Certificate::~Certificate() { std::filesystem::remove_all(folder_); }
TlsSettings Certificate::files() const { return {folder_ + "/cert.pem", folder_ + "/key.pem"}; }
std::string Certificate::pem() const {
    std::ifstream in(files().certificateFile);
    return {std::istreambuf_iterator<char>(in), {}};
}
void Certificate::replace(const Certificate& other) {
    constexpr auto over = std::filesystem::copy_options::overwrite_existing;
    std::filesystem::copy_file(other.files().certificateFile, files().certificateFile, over);
    std::filesystem::copy_file(other.files().privateKeyFile, files().privateKeyFile, over);
}

Handshake handshake(std::uint16_t port, int version) {
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
    SSL_CTX_set_security_level(context.get(), 0); // the signatures of TLS 1.0 and 1.1 are below level 1
    if (SSL_CTX_set_cipher_list(context.get(), "ALL:@SECLEVEL=0") != 1 ||
        SSL_CTX_set_min_proto_version(context.get(), version) != 1 ||
        SSL_CTX_set_max_proto_version(context.get(), version) != 1)
        throw std::runtime_error("this OpenSSL cannot speak that version");
    auto socket = connectFrom(port, "127.0.0.1");
    socket.setReceiveTimeout(timespan(5s));
    const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), &SSL_free);
    SSL_set_fd(ssl.get(), socket.impl()->sockfd());
    ERR_clear_error();
    if (SSL_connect(ssl.get()) != 1) {
        const auto error = ERR_peek_error();
        ERR_clear_error();
        return {error == 0 ? -1 : ERR_GET_REASON(error), {}};
    }
    const std::unique_ptr<X509, decltype(&X509_free)> shown(SSL_get1_peer_certificate(ssl.get()), &X509_free);
    const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
    PEM_write_bio_X509(out.get(), shown.get());
    char* text = nullptr;
    const auto length = BIO_get_mem_data(out.get(), &text);
    return {0, std::string(text, static_cast<std::size_t>(length))};
}

TestFront::TestFront(FrontSettings settings, const std::function<void(Router&)>& more) {
    router_.add(
        {.name = "hello", .path = "/hello", .methods = {"GET"}, .contentTypes = {}, .handler = [](const Request&) {
             return Response::text(200, "hello");
         }});
    router_.add({.name = "echo",
                 .path = "/echo",
                 .methods = {"POST"},
                 .bodyLimit = 1024 * 1024,
                 .contentTypes = {"text/plain", "text/xml"},
                 .handler = [](const Request& request) { return Response::text(200, request.body); }});
    router_.add(
        {.name = "who", .path = "/who", .methods = {"GET"}, .contentTypes = {}, .handler = [](const Request& r) {
             return Response::text(200, r.address);
         }});
    if (more) more(router_);
    settings.port = 0;
    FrontHooks hooks;
    hooks.access = [this](const Access& a) {
        log_.with([&](auto& lines) {
            lines.push_back({std::string(a.requestId), std::string(a.address), std::string(a.method),
                             std::string(a.path), std::string(a.route), a.status, a.requestBytes, a.responseBytes});
        });
    };
    hooks.fault = [this](std::string_view, std::string_view what) {
        faults_.with([&](auto& faults) { faults.emplace_back(what); });
    };
    hooks.refused = [this](Refusal refusal, std::string_view) {
        refusals_.with([&](auto& list) { list.push_back(refusal); });
    };
    front_ = std::make_unique<Front>(std::move(settings), router_, std::move(hooks));
    front_->start();
}

TestFront::~TestFront() { front_.reset(); }

std::vector<AccessLine> TestFront::log() const {
    return log_.with([](const auto& lines) { return lines; });
}
std::vector<std::string> TestFront::faults() const {
    return faults_.with([](const auto& faults) { return faults; });
}
std::vector<Refusal> TestFront::refusals() const {
    return refusals_.with([](const auto& list) { return list; });
}

bool Answer::has(std::string_view header) const { return head.find(header) != std::string::npos; }

Client::Client(std::uint16_t port, const char* from) : socket_(connectFrom(port, from)) {}

Client Client::tls(std::uint16_t port, const char* from) {
    using Poco::Net::Context;
    static const Context::Ptr context = [] {
        Context::Params params;
        params.verificationMode = Context::VERIFY_NONE;
        params.loadDefaultCAs = false;
        return Context::Ptr(new Context(Context::TLS_CLIENT_USE, params));
    }();
    auto plain = connectFrom(port, from);
    return Client(Poco::Net::SecureStreamSocket::attach(plain, "localhost", context));
}

bool Client::trySend(std::string_view bytes) {
    while (!bytes.empty()) {
        try {
            const int sent = socket_.sendBytes(bytes.data(), static_cast<int>(bytes.size()), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        } catch (const Poco::Exception&) {
            return false;
        }
    }
    return true;
}

void Client::send(std::string_view bytes) {
    if (!trySend(bytes)) throw std::runtime_error("the server has closed while the client was sending");
}

std::size_t Client::receive(SteadyClock::time_point deadline) {
    const auto left = std::chrono::duration_cast<std::chrono::microseconds>(deadline - SteadyClock::now());
    if (left <= 0us) throw std::runtime_error("nothing came in time; so far: " + buffer_.substr(0, 500));
    socket_.setReceiveTimeout(timespan(left));
    std::array<char, 65536> piece{};
    try {
        const int got = socket_.receiveBytes(piece.data(), static_cast<int>(piece.size()));
        if (got <= 0) return 0;
        buffer_.append(piece.data(), static_cast<std::size_t>(got));
        return static_cast<std::size_t>(got);
    } catch (const Poco::TimeoutException&) {
        throw std::runtime_error("nothing came in time; so far: " + buffer_.substr(0, 500));
    } catch (const Poco::Exception&) {
        return 0; // reset, or a TLS connection that ended without saying so
    }
}

Answer Client::reply(std::chrono::milliseconds patience) {
    const auto deadline = SteadyClock::now() + patience;
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
        if (receive(deadline) == 0)
            throw std::runtime_error("closed before a reply; so far: " + buffer_.substr(0, 500));
    Answer out;
    out.head = buffer_.substr(0, end + 4);
    buffer_.erase(0, end + 4);
    out.status = std::stoi(out.head.substr(9, 3));
    const auto field = out.head.find("Content-Length: ");
    const auto length = field == std::string::npos ? 0 : std::stoul(out.head.substr(field + 16));
    while (buffer_.size() < length)
        if (receive(deadline) == 0) throw std::runtime_error("closed within a body");
    out.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return out;
}

std::string Client::rest(std::chrono::milliseconds patience) {
    const auto deadline = SteadyClock::now() + patience;
    while (receive(deadline) != 0) {
    }
    return std::exchange(buffer_, {});
}

bool Client::closedWithin(std::chrono::milliseconds patience) {
    const auto deadline = SteadyClock::now() + patience;
    try {
        while (receive(deadline) != 0) {
        }
        return true;
    } catch (const std::runtime_error&) {
        return false;
    }
}

void Client::halfClose() { ::shutdown(fd(), SHUT_WR); }
void Client::close() { socket_.close(); }
int Client::fd() const { return socket_.impl()->sockfd(); }

std::string post(std::string_view path, std::string_view body, std::string_view headers) {
    std::string out = "POST ";
    out += path;
    out +=
        " HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    out += headers;
    out += "\r\n";
    out += body;
    return out;
}

} // namespace pbx::web::test

// Debian's POCO is compiled without ThreadSanitizer, so it does not see the atomic reference count that orders our last
// use of a socket in the parking thread before its deletion by the worker that accepted it. Other builds never call
// this.
// NOLINTBEGIN(bugprone-reserved-identifier): the sanitizer looks for that name.
extern "C" const char* __tsan_default_suppressions();
const char* __tsan_default_suppressions() {
    return "race:Poco::Net::TCPConnectionNotification::~TCPConnectionNotification\n"
           "race:Poco::Net::TCPServerConnection::~TCPServerConnection\n"
           "race:Poco::Net::TCPServer::run\n"; // where the accepting thread was the last to let go
}
// NOLINTEND(bugprone-reserved-identifier)
