// The one HTTP front: TLS, strict framing, deadlines, caps per address, access log; behind it a Router.
// Threads: start(), renewTls() and stop() from one thread; parking().wake() from any. Handlers run in many worker
// threads at once. The constructor, start() and renewTls() throw pbx::Error (setting or address that cannot be used,
// certificate that cannot be read).
#pragma once

#include "base/address.hpp"
#include "base/time.hpp"
#include "web/exchange.hpp"
#include "web/parking.hpp"
#include "web/router.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pbx::web {

struct TlsSettings {
    std::string certificateFile; // PEM: our certificate, then the chain
    std::string privateKeyFile;  // PEM, not encrypted
};

// Which header a trusted proxy tells the client's address by. Only this one is looked at: a proxy that sets one of the
// two passes the other on as the client sent it.
enum class ForwardedBy { xForwardedFor, forwarded };

struct FrontSettings {
    std::string address = "127.0.0.1"; // IPv4 or IPv6, no name
    std::uint16_t port = 8080;         // 0: a free one, see Front::port()
    std::optional<TlsSettings> tls;    // TLS 1.2 and later
    bool plainBeyondLoopback = false;  // without TLS only loopback is served unless this says otherwise

    std::vector<AddressRange> trustedProxies; // exempt from the cap per address; believed about addresses only
    ForwardedBy forwardedBy = ForwardedBy::xForwardedFor;

    std::size_t maxConnections = 1000;          // each has a worker thread; more get 503
    std::size_t maxConnectionsPerAddress = 128; // an IPv6 /64 counts as one address; more get 429
    ParkingLimits parking;
    std::size_t maxHeadBytes = 16 * 1024; // request line and headers
    std::size_t maxTargetBytes = 8 * 1024;
    std::size_t maxHeaders = 100;
    std::size_t maxBodiesBytes =
        128 * 1024 * 1024; // of all requests in flight together, beyond 64 KiB each; more get 503

    std::chrono::milliseconds headerTimeout{
        10'000}; // from the first byte (or the connection) to the empty line, handshake included
    std::chrono::milliseconds bodyTimeout{20'000};
    std::chrono::milliseconds handlerTimeout{30'000}; // told to the handler as Request::deadline
    std::chrono::milliseconds writeTimeout{30'000};   // until the client has taken the reply
    std::chrono::milliseconds idleTimeout{15'000};    // between two requests
    std::size_t workerStackBytes = 512 * 1024;        // virtual; handlers must keep recursion low
};

// One line of the access log; also all that per-route metrics need. Views are valid during the call only.
struct Access {
    std::string_view requestId;
    std::string_view address;
    std::string_view method;       // "-" when the head could not be read
    std::string_view path;         // without query; "-" likewise
    std::string_view route;        // Route::name, "-" when none
    int status = 0;                // 499: the client went away before a parked request was answered
    std::size_t requestBytes = 0;  // of the body
    std::size_t responseBytes = 0; // of the body
    std::chrono::microseconds duration{0};
};

// Connections that got no worker, or no last answer.
enum class Refusal {
    full,
    perAddress,
    untold // cut without their last answer (which may be a refusal counted above): ParkingLimits::closing was reached
};
std::string_view refusalText(Refusal refusal); // "full", "per_address", "untold"

// Throws pbx::Error(invalidArgument) that names the field for a pair that the front could not use.
void checkTls(const TlsSettings& tls);

// All are called from worker, accept or parking threads: they must be thread-safe and quick. Empty ones are not called.
struct FrontHooks {
    std::function<void(const Access&)> access;
    std::function<void(Refusal, std::string_view address)> refused;
    // What must be looked at: a handler's exception or the cause of an Error, with the request's id.
    std::function<void(std::string_view requestId, std::string_view what)> fault;
};

class Front {
public:
    // `router` must stay and not change while the front lives.
    Front(const FrontSettings& settings, const Router& router, FrontHooks hooks);
    ~Front(); // stops at once if still running
    Front(const Front&) = delete;
    Front& operator=(const Front&) = delete;

    void start();
    // For connections from now on; those that are open keep theirs. What is thrown leaves the old pair in force:
    // invalidArgument names the file, unsupported: this front speaks plain HTTP.
    void renewTls(const TlsSettings& tls);
    // Takes no more connections, closes idle ones, lets requests in flight finish and answers parked ones as expired.
    // After `grace` what is left is cut; then it still waits for handlers to return.
    void stop(std::chrono::milliseconds grace);

    std::uint16_t port() const; // after start()
    Parking& parking();
    std::size_t connections() const; // with a worker just now

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace pbx::web
