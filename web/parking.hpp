// Requests that wait without a thread, and sockets that only have to be sent something and closed: one poller for all.
// Threads: wake(), park(), finish() any; everything else happens in the poller's own thread.
// The constructor throws pbx::Error(internal) without file descriptors; a full parking is told by park()'s answer.
//
// Server-sent event streams are to become one more state of an entry here (head sent, then attempt() again and again
// with a bounded buffer), so that they share caps, wake-up, drain and TLS with the requests that wait.
#pragma once

#include "base/time.hpp"
#include "web/admission.hpp"
#include "web/exchange.hpp"

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <string>

namespace pbx::web {

class Transport;

struct ParkingLimits {
    std::size_t all = 4096;                         // more get 503
    std::size_t perAddress = 256;                   // more get 429
    std::size_t closing = 512;                      // sockets that are being sent their last bytes; more are cut
    std::chrono::milliseconds writeTimeout{20'000}; // until the client has taken the answer
    std::chrono::milliseconds lingerTimeout{2'000}; // for the client's own end, so that a reset does not eat our answer
};

class Parking {
public:
    // What is to be done with one parked request besides waiting.
    struct Job {
        Parked parked;
        std::string capKey; // what counts as one client
        // What `attempt` threw, as an answer (and a line in the log).
        std::function<Response(std::exception_ptr)> failed;
        // The answer as bytes of the wire; may put another in its place if it cannot be sent.
        std::function<std::string(Response&)> serialise;
        // Called once at the end, in the poller's thread like the others, with the status (499: client gone) and the
        // size of the answer's body.
        std::function<void(int status, std::size_t bytes)> done;
    };

    explicit Parking(ParkingLimits limits);
    ~Parking();
    Parking(const Parking&) = delete;
    Parking& operator=(const Parking&) = delete;

    // Something changed: asks every parked request again. Coalesced; a pass begins at once, or 1 ms after the last one
    // began.
    void wake() noexcept;
    // On `taken` the transport and the job are moved from, otherwise both are untouched.
    Admission park(std::unique_ptr<Transport>& transport, Job& job);
    // Sends `bytes`, tells the client that it was all, waits for its end and closes. False: too many are being told
    // already; this one is closed at once.
    bool finish(std::unique_ptr<Transport> transport, std::string bytes);
    // From now on everything parked, or parked later, is answered as expired.
    void drain();
    // Ends the poller: waits until everything is sent, at most until `deadline`, then cuts.
    void stop(SteadyTime deadline);

    std::size_t parked() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace pbx::web
