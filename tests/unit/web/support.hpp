// What the tests of the HTTP front share: a front with a few routes, raw clients, a certificate.
// Threads: each object one thread, but TestFront's counters.
// A client's failure throws std::runtime_error, which fails the test.
#pragma once

#include "base/guarded.hpp"
#include "web/front.hpp"

#include <Poco/Net/Context.h>
#include <Poco/Net/StreamSocket.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pbx::web::test {

using namespace std::chrono_literals;

// True as soon as `condition` is; false when it is not within `patience`.
bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds patience = 5s);

struct AccessLine {
    std::string requestId, address, method, path, route;
    int status;
    std::size_t requestBytes, responseBytes;
};

// A self-signed certificate for localhost in a folder of its own, removed at the end.
class Certificate {
public:
    Certificate();
    ~Certificate();
    TlsSettings files() const;
    std::string pem() const;
    void replace(const Certificate& other); // what the files hold, under their names

private:
    std::string folder_;
};

class TestFront {
public:
    explicit TestFront(FrontSettings settings = {}, const std::function<void(Router&)>& more = {});
    ~TestFront();
    Front& front() { return *front_; }
    std::uint16_t port() const { return front_->port(); }
    std::vector<AccessLine> log() const;
    std::vector<std::string> faults() const;
    std::vector<Refusal> refusals() const;

private:
    Router router_;
    Guarded<std::vector<AccessLine>> log_;
    Guarded<std::vector<std::string>> faults_;
    Guarded<std::vector<Refusal>> refusals_;
    std::unique_ptr<Front> front_;
};

// A TLS handshake in exactly one version (TLS1_2_VERSION...) by a client that takes everything.
struct Handshake {
    int refusal = 0;         // OpenSSL's reason; 0: it worked
    std::string certificate; // that the server showed, as PEM
};
Handshake handshake(std::uint16_t port, int version);

struct Answer {
    int status = 0;
    std::string head;
    std::string body;
    bool has(std::string_view header) const; // as a substring of the head
};

// A TCP or TLS connection that sends exactly what it is told.
class Client {
public:
    explicit Client(std::uint16_t port, const char* from = "127.0.0.1");
    static Client tls(std::uint16_t port, const char* from = "127.0.0.1");

    void send(std::string_view bytes);
    // False when the server has closed.
    bool trySend(std::string_view bytes);
    // One reply by its Content-Length; throws when the connection ends before.
    Answer reply(std::chrono::milliseconds patience = 10s);
    // Everything until the server closes; throws when it does not.
    std::string rest(std::chrono::milliseconds patience = 10s);
    bool closedWithin(std::chrono::milliseconds patience);
    void halfClose();
    void close();
    int fd() const;

private:
    explicit Client(const Poco::Net::StreamSocket& socket) : socket_(socket) {}
    std::size_t receive(std::chrono::steady_clock::time_point deadline); // 0: closed
    Poco::Net::StreamSocket socket_;
    std::string buffer_;
};

std::string post(std::string_view path, std::string_view body, std::string_view headers = "");

} // namespace pbx::web::test
