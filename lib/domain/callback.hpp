// A callback: somebody who asked to be called back. Its states, the one table of what leads from one to another, its
// channel ids, what an attempt came to and what follows from that. Threads: values and pure functions; any thread.
// Nothing fails: what is not in the table is refused (nullopt), what is no channel id of ours answers nullopt.
#pragma once

#include "base/ids.hpp"
#include "base/time.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pbx {

using CallbackId = Id<struct CallbackTag>;

} // namespace pbx

namespace pbx::domain {

enum class CallbackState : std::uint8_t {
    queued,    // waits for its turn
    claimed,   // a node has it (owner, epoch) and has not begun an attempt
    intent,    // an attempt is stored; its Originate may be on its way, and may not get past the gate
    gated,     // past the gate: the customer's leg may be dialled, this once
    ringing,   // the customer's phone rings
    answered,  // somebody (or something) answered
    connected, // talks to an agent
    done,      // was reached. Final
    noAnswer,  // the attempt ended without anybody; what follows is decided with it
    busy,      // the line or the person refused; likewise
    retryAt,   // waits for the time of its next attempt
    inDoubt,   // went past the gate and no record tells what became of it
    failed,    // attempts or time used up. Final
    cancelled, // somebody asked for that. Final
    expired,   // its time ran out before it was reached. Final
    blocked    // its number is on the blocklist. Final
};
inline constexpr std::size_t callbackStates = static_cast<std::size_t>(CallbackState::blocked) + 1;

enum class CallbackEvent : std::uint8_t {
    claim,    // a node takes it
    adopt,    // a node takes it over from an owner whose lease is over
    release,  // its owner gives it back untouched
    intend,   // an attempt is stored
    withdraw, // the attempt is taken back before the gate: it was never dialled, and now never will be
    gate,     // the dialplan asked at the gate and was let through
    ring,
    answer,
    connect,
    complete, // the customer was reached
    missNoAnswer,
    missBusy,
    doubt, // no record of what became of it
    retry, // decided: once more, later
    giveUp,
    cancel,
    expire,
    block,
    reopen // a person wants it tried again, now
};
inline constexpr std::size_t callbackEvents = static_cast<std::size_t>(CallbackEvent::reopen) + 1;

struct CallbackTransition {
    CallbackState from;
    CallbackEvent event;
    CallbackState to;
};
// All there are. Not in it: refused.
std::vector<CallbackTransition> callbackTransitions();
std::optional<CallbackState> nextState(CallbackState state, CallbackEvent event);
// Every state that `event` may come in, in the order of the states.
std::vector<CallbackState> statesTaking(CallbackEvent event);

bool isFinal(CallbackState state); // for good, but for reopen
// Past the gate and not settled: somebody's phone may ring. Too late to cancel.
bool isDialling(CallbackState state);

std::string_view stateToken(CallbackState state); // "queued", "retry_at", ...
std::optional<CallbackState> parseCallbackState(std::string_view token);
std::string_view eventToken(CallbackEvent event); // "claim", "miss_no_answer", ...

// What one attempt came to.
enum class CallbackOutcome : std::uint8_t {
    reached,
    busy,
    noAnswer,
    declined,    // the phone was there and somebody refused
    machine,     // answered, and the key that proves a person was not pressed
    unreachable, // no route, not assigned, switched off, congestion
    agentGone,  // the agent hung up before the customer answered; customer first: none came before the customer hung up
    notDialled, // past the gate, and the dialplan says that it did not dial
    unknown,    // in doubt
    // Of a callback alone, never of an attempt: its customer called by himself, and waits in the queue
    calledAgain,
    adopted // likewise, at the callback's place
};
inline constexpr std::size_t attemptOutcomes = static_cast<std::size_t>(CallbackOutcome::unknown) + 1;
inline constexpr std::size_t callbackOutcomes = static_cast<std::size_t>(CallbackOutcome::adopted) + 1;
std::string_view outcomeToken(CallbackOutcome outcome); // "no_answer", ...
std::optional<CallbackOutcome> parseCallbackOutcome(std::string_view token);
// Of an attempt: complete, missBusy, missNoAnswer or doubt.
CallbackEvent eventOf(CallbackOutcome outcome);

// What the dialplan knows once its Dial() is over.
struct DialReport {
    std::string dialStatus; // DIALSTATUS: ANSWER, BUSY, NOANSWER, CANCEL, CHANUNAVAIL, CONGESTION, ...; empty: Dial()
                            // did not run
    int hangupCause = 0;    // HANGUPCAUSE (Q.850): 17 busy, 19 no answer, 21 rejected; 0: not known
    std::optional<bool> keyPressed; // empty: no key was asked for
    // Customer first: an agent answered it, too. Empty: an agent had before, or it is not known.
    std::optional<bool> agentTook = std::nullopt;
};
// Source: DIALSTATUS as app_dial.c sets it (handle_cause: only cause 17 counts as BUSY, so that a rejected call, cause
// 21, comes as CHANUNAVAIL and is told by its cause).
CallbackOutcome outcomeOf(const DialReport& report);

// How a tenant (or one of its queues) wants to try again. Delays count from the end of the attempt; empty: give up.
struct RetryPolicy {
    static constexpr int mostDials = 20;
    int maxDials = 3;  // 1-20 times past the gate
    int maxDoubts = 1; // attempts that ended in doubt and are tried again all the same
    std::array<std::optional<std::chrono::seconds>, attemptOutcomes> delays = defaultDelays();
    static std::array<std::optional<std::chrono::seconds>, attemptOutcomes> defaultDelays();
    std::optional<std::chrono::seconds> delayAfter(CallbackOutcome outcome) const {
        return delays[static_cast<std::size_t>(outcome)];
    }
};
// When to try again; empty: give up. `dials` and `doubts` with the attempt that has just ended.
std::optional<UtcTime> nextAttempt(const RetryPolicy& policy, CallbackOutcome outcome, int dials, int doubts,
                                   UtcTime ended, UtcTime expires);

enum class CallbackMode : std::uint8_t {
    agentFirst,   // an agent's phone answers, then the customer's is dialled
    customerFirst // the customer answers (and presses the key), then waits in the queue at the kept place
};
std::string_view modeToken(CallbackMode mode);
std::optional<CallbackMode> parseCallbackMode(std::string_view token);

// What becomes of an open callback when its customer calls the queue by himself.
enum class CallbackReturn : std::uint8_t {
    off,    // nothing
    cancel, // it ends; he waits as any other caller
    adopt   // it ends; he waits at its place, with its priority
};
std::string_view returnToken(CallbackReturn what); // "adopt", ...
std::optional<CallbackReturn> parseCallbackReturn(std::string_view token);
// What it ends with; `what` is not off.
CallbackOutcome outcomeOf(CallbackReturn what);

// What holds for the callbacks of a tenant or of one queue.
struct CallbackPolicy {
    CallbackMode mode = CallbackMode::agentFirst;
    RetryPolicy retry;
    std::chrono::seconds expiresAfter = std::chrono::hours(8); // 60 s - 30 days, from the request on
    std::chrono::seconds ring = std::chrono::seconds(30);      // 5-120: how long the customer's phone rings
    bool askKey = false;                                       // the customer presses 1 to show that it is no machine
    std::optional<HoursId> hours;                              // calls only within; empty: at any time
    std::string callerId; // E.164, shown to the customer; empty: as the trunk sends it
    CallbackReturn onReturn = CallbackReturn::off;
    // 0 s - a day: who gives up after waiting so long is called back; empty: never.
    std::optional<std::chrono::seconds> abandonAfter;
    bool useLevels = true; // priority callers and customers' statuses lift it, as they lift a call
};

struct Callback {
    CallbackId id;
    QueueId queue;
    std::string number; // E.164, or a short number
    std::string name;   // the customer's, as far as known
    std::string note;
    std::string requestedBy; // login; "queue": a key pressed while waiting; "abandon": gave up
    CallbackState state = CallbackState::queued;
    std::optional<CallbackOutcome> outcome; // of the last attempt that ended
    int attempt = 0;                        // number of the last attempt begun; grows even when it was taken back
    int dials = 0;                          // attempts that went past the gate
    int maxDials = 0;
    int doubts = 0;
    UtcTime requestedAt; // its turn, among those of its priority
    UtcTime dueAt;       // not before
    UtcTime expiresAt;
    std::optional<UtcTime> endedAt;
    std::int64_t version = 0; // grows with each change
    int priority = 0;         // 0-100, as a caller's QUEUE_PRIO: a higher one is served first
    std::string source;       // whose account or phone asked, for the caps: "alice", "alice/k_...", "phone +1212..."

    bool operator==(const Callback&) const = default;
};

struct CallbackAttempt {
    int attempt = 0;
    std::string channelId;
    std::string server;
    UtcTime begunAt;
    std::optional<UtcTime> gatedAt; // empty: the customer was not dialled
    std::optional<UtcTime> endedAt;
    std::optional<CallbackOutcome> outcome; // empty while it lasts, and for one taken back
    std::string dialStatus;
    int hangupCause = 0;
};

// "pbxd-" + the id's random part + the attempt in base32: 25 characters, the same for every node that asks. `half`
// 2: the other half of the Local channel, 26 characters. Asterisk refuses a second live channel with the same id, and
// CDR, CEL and queue_log carry it.
std::string callbackChannelId(const CallbackId& id, int attempt, int half = 1);
struct CallbackChannel {
    CallbackId id;
    int attempt = 0;
    int half = 1;
};
std::optional<CallbackChannel> parseCallbackChannelId(std::string_view text);
inline constexpr int mostAttempts = (1 << 20) - 1; // what four characters hold

} // namespace pbx::domain
