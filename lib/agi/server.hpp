// The FastAGI server: each connection asks once, gets channel variables set, and is closed within its deadline.
// Threads: one loop (epoll) for all sockets, `workers` for the handler; start() and stop() from one thread, the rest
// any. Fails: start() throws pbx::Error (invalidArgument, unavailable) when it cannot listen; later nothing but
// counters.
//
// The handler is a plain synchronous function on a bounded pool, not a callback to be completed: it may wait for the
// database, needs no state machine, is tested without a socket, and costs two thread hops. A slow database fills the
// pool and its queue; then connections are closed at once, so that the dialplan falls through instead of waiting.
//
// For the dialplan (all of it seen on Asterisk 22 and 16, Local and PJSIP: tests/asterisk/agi.py):
// - When we close without an answer, AGISTATUS is SUCCESS all the same (res_agi.c takes an end of file as the script's
//   end). Only a variable says that an answer came: clear one before AGI(), let the answer set it last, test that.
// - Each variable is a round trip of its own to the channel's thread: a few, not twenty.
// - A closed connection costs the caller about a millisecond, a slow handler answerWithin, a hung machine
//   TIMEOUT(absolute), which goes to extension T only with AGIEXITONHANGUP=yes.
// - Asterisk decodes %0A in a SIP number and sends it here as a line end. Such a request is refused as hostile, and the
//   caller goes on without an answer: FILTER() his number, name and REDIRECTING(from-num) before AGI(), or that is a
//   way past the blocklist.
#pragma once

#include "agi/door.hpp"
#include "agi/request.hpp"
#include "agi/session.hpp"
#include "base/log.hpp"
#include "base/time.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace pbx::agi {

// Variables to set on the channel, in this order; names [A-Z0-9_]{1,40}, values as in command.hpp. Empty: nothing to
// say, the connection is closed. One that breaks the rules is not sent in part: nothing is set, `badAnswer` is counted.
using Answer = Pairs;

// Runs on a worker, several at once. `deadline`: an answer after it is thrown away. May throw: counted and logged.
using Handler = std::function<Answer(const Request&, SteadyTime deadline)>;

struct ServerSettings {
    std::string address = "127.0.0.1"; // numeric; "::" and "0.0.0.0" listen everywhere
    std::uint16_t port = 0;            // 0: any free one, see Server::port()
    std::vector<AddressRange> allowed; // empty: loopback only
    std::vector<Caller> callers;       // tokens, one a server; empty: nobody is answered
    Limits limits;
    std::chrono::milliseconds requestWithin{1000}; // from accept to the complete request
    std::chrono::milliseconds answerWithin{1500};  // from accept to the last result of Asterisk; then it is closed
    std::size_t maxOpen = 512;                     // connections; one more is closed at once
    std::size_t workers = 4;                       // threads for the handler, 1 to 64
    std::size_t queue = 256;                       // requests that wait for a worker; one more is closed at once
    // Called on the loop for each answer that Asterisk confirmed: from the complete request to that moment. Must be
    // quick, must not throw: feed a histogram.
    std::function<void(std::chrono::microseconds)> onAnswered;
};

// How a connection ended; each ends once.
enum class Ending {
    answered,       // every variable was confirmed
    nothingToSay,   // the handler's answer was empty
    foreignAddress, // refused: not in the list
    tooManyOpen,    // refused: maxOpen
    unknownToken,   // refused
    queueFull,      // refused: the workers cannot keep up
    hostile,        // refused: Session broke; by violation in Statistics
    late,           // a deadline passed: silent peer, slow handler, or slow results
    hungUp,         // the caller left meanwhile
    peerClosed,     // Asterisk closed, or the socket failed
    failed,         // the handler threw, or memory ran out
    badAnswer,      // the handler's answer breaks the rules
    notTaken,       // Asterisk refused a SET VARIABLE
    stopped         // cut at the end of stop()
};
inline constexpr std::size_t endings = static_cast<std::size_t>(Ending::stopped) + 1;
inline constexpr std::size_t violations = static_cast<std::size_t>(Violation::badResult) + 1;
std::string_view endingName(Ending ending); // snake_case, for a metric's label

struct Statistics {
    std::uint64_t connections = 0; // accepted
    std::uint64_t requests = 0;    // complete and with a known token
    std::uint64_t open = 0;        // now
    std::uint64_t acceptFailures = 0;
    std::array<std::uint64_t, endings> ended{};
    std::array<std::uint64_t, violations> violated{};

    std::uint64_t count(Ending ending) const { return ended[static_cast<std::size_t>(ending)]; }
    std::uint64_t count(Violation violation) const { return violated[static_cast<std::size_t>(violation)]; }
};

class Server {
public:
    // `clock` must outlive the server.
    Server(ServerSettings settings, Handler handler, const Clock& clock, Log log);
    ~Server(); // stops
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    void start();
    // Listens no more, lets the open connections come to their end (at most answerWithin), then waits for the handlers
    // that still run: they have their deadline, too. A server is not started twice.
    void stop();

    std::uint16_t port() const; // after start()
    Statistics statistics() const;
    // For a reload: from now on these tokens count. Throws as Door does, and then the old ones stay.
    void setCallers(const std::vector<Caller>& callers);

private:
    class Loop;
    std::unique_ptr<Loop> loop_;
};

} // namespace pbx::agi
