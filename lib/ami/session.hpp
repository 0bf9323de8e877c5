// The state of one AMI connection: banner, login, FullyBooted, actions and what became of each. No sockets, no clock.
// Threads: one (the link's). Handlers run inside received(), expire() and disconnected(); of the session they may call
// submit() and the const members, nothing else, and they must not destroy it.
// Fails: submit() throws pbx::Error unavailable (not logged in, too much under way); whatever comes in never throws.
#pragma once

#include "ami/action.hpp"
#include "ami/message.hpp"
#include "ami/reader.hpp"
#include "base/error.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace pbx::ami {

// main: the account that hears events and commands calls, agents and queues. sys: write class `system` alone, no
// events.
enum class Role { main, sys };

struct SessionSettings {
    Role role = Role::main;
    std::string user;
    SecretString secret;
    bool transportIsTls = false;
    bool plainLogin = false; // send the secret itself instead of MD5 over a challenge; only obeyed over TLS
    std::chrono::milliseconds loginTimeout{10'000}; // from the first byte expected to the login's answer
    std::chrono::milliseconds bootTimeout{60'000};  // from the login to FullyBooted (role main)
    std::size_t maxPending = 20'000;                // actions without an answer yet
    std::size_t maxOutputBytes = 4 * 1024 * 1024;   // written but not taken by the socket yet
    ReaderLimits limits;
};

enum class SessionState { banner, challenge, login, boot, ready, over };
std::string_view sessionStateName(SessionState state);

// Why a session ended. AMI answers a wrong secret, an unknown user and an ACL alike ("Authentication failed").
enum class EndReason {
    none,
    wrongBanner,      // whoever listens there is no Asterisk manager
    loginRefused,     // wrong user, secret or address: AMI does not say which
    alreadyLoggedIn,  // allowmultiplelogin=no and another session of this user is there
    challengeRefused, // no MD5 challenge, and the plain secret is not allowed on this transport
    loginTimeout,
    bootTimeout,  // no FullyBooted: the account lacks read class `system`, or Asterisk does not come up
    protocol,     // something before the login that Asterisk never sends there
    shutdown,     // Asterisk announced its stop (event Shutdown), then the connection ended
    disconnected, // connection closed or silent
    stopped       // we ended it
};
std::string_view endReasonName(EndReason reason); // snake_case

// What became of an action. `message` is only valid inside the handler.
struct Result {
    enum class Kind {
        success,     // message: the response, or a list's closing event, or the event waited for
        refused,     // message: the response "Error" (its Message: is Asterisk's reason) or a failed awaited event
        cancelled,   // message: a list's closing event with EventList: cancelled
        timedOut,    // no (complete) answer by its deadline; message is null
        disconnected // the session ended first; message is null
    };
    Kind kind = Kind::success;
    const Message* message = nullptr;
    std::size_t items = 0; // list events that were handed to onItem
    bool sent = false;     // written: it may have had, or may yet have, its effect. False only if it never can

    bool ok() const noexcept { return kind == Kind::success; }
    // The error for whoever asked: conflict with Asterisk's reason, unsupported when the account may not,
    // outcomeUnknown when it was sent and not answered, deadlineExceeded or unavailable when it was not sent. Not for
    // success.
    Error error() const;
};

struct ActionHandlers {
    // Exactly once for each submitted action, whatever happens (unless the session is destroyed). May be empty.
    std::function<void(const Result&)> onDone{};
    // Each event of the list that answers this action, in order, without its closing event. May be empty.
    std::function<void(const Message&)> onItem{};
    // An event that ends the action after a first "Success", e.g. "OriginateResponse"; empty: the response ends it.
    std::string awaitEvent{};
};

// Asterisk's own class of an event (its Privilege: header), as far as we count them apart.
enum class EventClass { call, agent, system, user, dtmf, other, count_ };
inline constexpr std::size_t eventClasses = static_cast<std::size_t>(EventClass::count_);
std::string_view eventClassName(EventClass kind);

struct SessionStatistics {
    std::array<std::uint64_t, eventClasses> events{}; // given to the event handler
    std::uint64_t listItems = 0;
    std::uint64_t responses = 0; // that answered an action
    std::uint64_t refused = 0;   // of these: Response: Error
    std::uint64_t submitted = 0;
    std::uint64_t timeouts = 0;
    std::uint64_t lateAnswers = 0;      // our ActionID, but answered already or given up: late or repeated
    std::uint64_t unknownActionIds = 0; // responses and list events with no ActionID of ours
};

class Session {
public:
    using EventHandler = std::function<void(const Message&)>;

    // `now` starts the login's deadline. Needs initRandom(). Throws invalidArgument for a user AMI cannot carry.
    Session(SessionSettings settings, EventHandler onEvent, SteadyTime now);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // Bytes in: read into writable(), then received(); or hand a copy to receive().
    std::span<char> writable() { return reader_.writable(); }
    void received(std::size_t n, SteadyTime now);
    void receive(std::span<const char> bytes, SteadyTime now);

    // Bytes out: what the socket may take, and how much of it it took. Taken bytes are wiped soon after.
    std::string_view output() const noexcept { return std::string_view(output_).substr(taken_); }
    void outputTaken(std::size_t n);

    // Queues one action and answers its ActionID. Nothing is ever sent a second time. `deadline` in the caller's clock.
    // Throws Error unavailable if the session is not ready, or too many actions or bytes are under way.
    std::string submit(const Action& action, SteadyTime deadline, ActionHandlers handlers);

    // Gives up what is past its deadline. Call it at nextDeadline() or later.
    void expire(SteadyTime now);
    std::optional<SteadyTime> nextDeadline() const;

    // The connection is gone, or we end it: everything under way is answered `disconnected`. Later calls do nothing
    // (but go on where a handler threw).
    void disconnected(EndReason reason = EndReason::disconnected);

    SessionState state() const noexcept { return state_; }
    bool ready() const noexcept { return state_ == SessionState::ready; }
    Role role() const noexcept { return settings_.role; }
    EndReason endReason() const noexcept { return endReason_; }
    // For the log and the status: what Asterisk said or what was expected. Empty while all is well.
    const std::string& endText() const noexcept { return endText_; }
    const std::string& banner() const noexcept { return reader_.banner(); } // "11.0.0" of Asterisk 22, "5.0.4" of 16

    // True once after damage: state that is kept by events may have missed one; read it anew.
    bool takeWantsResync() noexcept { return std::exchange(wantsResync_, false); }

    std::size_t pending() const noexcept { return pending_.size(); }
    const SessionStatistics& statistics() const noexcept { return statistics_; }
    const ReaderStatistics& readerStatistics() const noexcept { return reader_.statistics(); }

private:
    struct Pending {
        std::string id;
        SteadyTime deadline;
        std::uint64_t startsAt = 0; // position of its first byte in all that this session ever wrote
        bool answered = false;      // its response came; now its list or the awaited event
        bool isList = false;
        std::size_t items = 0;
        ActionHandlers handlers;
    };
    using PendingMap = std::unordered_map<std::uint64_t, Pending>;

    void process(SteadyTime now);
    void onDamage(Damage kind);
    void onMessage(const Message& message, SteadyTime now);
    void startLogin();
    void onLoginMessage(const Message& message, SteadyTime now);
    void onLoginRefused(const Message& message);
    void sendLogin(std::string_view challenge);
    void onResponse(const Message& message);
    void onEvent(const Message& message);
    bool takeListEvent(const Message& message, std::string_view id);
    void takeAwaitedEvent(const Message& message, std::string_view id);
    void end(EndReason reason, std::string text);
    void failAll();
    bool isOwnId(std::string_view id) const noexcept { return id.starts_with(prefix_); }
    PendingMap::iterator find(std::string_view id);
    void finish(PendingMap::iterator at, Result::Kind kind, const Message* message);
    std::string makeId();

    SessionSettings settings_;
    EventHandler onEvent_;
    Reader reader_;
    SessionState state_ = SessionState::banner;
    EndReason endReason_ = EndReason::none;
    std::string endText_;
    bool shutdownSeen_ = false;
    bool wantsResync_ = false;
    SteadyTime loginDeadline_;

    std::string prefix_;  // of every ActionID of this session
    std::string loginId_; // of the Challenge or Login under way
    std::uint64_t counter_ = 0;
    PendingMap pending_;
    std::set<std::pair<SteadyTime, std::uint64_t>> deadlines_;

    std::string output_;
    std::size_t taken_ = 0;         // of output_
    std::uint64_t takenBefore_ = 0; // bytes taken and dropped from output_
    SessionStatistics statistics_;
};

} // namespace pbx::ami
