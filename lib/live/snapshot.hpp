// The board of one Asterisk at one moment: queues, callers, members, channels, bridges, calls, devices. Knows nothing
// of tenants (ops maps names through domain::Directory). Threads: immutable once published; any thread. Nothing fails.
// All times are on our clock: where Asterisk's clock is a second or more off, its times are shifted by what Ping
// showed.
#pragma once

#include "base/time.hpp"
#include "live/cow_map.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pbx::live {

// Device state of a member as app_queue gives it (include/asterisk/devicestate.h): the numbers are Asterisk's.
enum class MemberStatus : std::uint8_t {
    unknown = 0,
    free = 1,
    inUse = 2,
    busy = 3,
    invalid = 4,
    unavailable = 5,
    ringing = 6,
    ringingInUse = 7,
    onHold = 8
};
std::string_view memberStatusText(MemberStatus status); // "unknown", "free", "in_use", ... snake_case

enum class Membership : std::uint8_t { unknown, fixed, dynamic, realtime }; // fixed: "static" in queues.conf
std::string_view membershipText(Membership membership);                     // "static" for fixed

// A call that a member rings for or talks to.
struct Engagement {
    std::string linkedid;
    std::string callerUniqueid;
    std::string agentUniqueid; // the leg to the member (for Local/ members the ;1 half); empty if not known
    std::string number;        // the caller's, empty if hidden
    std::string name;
    // When it began to ring, or was connected. Empty: a list found them talking; no list tells since when.
    std::optional<UtcTime> since;
    bool operator==(const Engagement&) const = default;
};

struct Member {
    std::string interface;      // key in its queue: "PJSIP/viatalk-101", "Local/101@agents/n"
    std::string stateInterface; // whose device state counts
    std::string name;           // MemberName
    Membership membership = Membership::unknown;
    int penalty = 0;
    bool paused = false;
    std::string pausedReason;
    std::optional<UtcTime> pausedSince;
    MemberStatus status = MemberStatus::unknown;
    UtcTime statusSince;
    int callsTaken = 0;               // refreshed: Asterisk sends it late
    std::optional<UtcTime> lastCall;  // refreshed: the end of the last call
    std::optional<UtcTime> lastPause; // the last time it was paused
    std::optional<UtcTime> loginTime;
    bool inCall = false; // derived from AgentConnect/AgentComplete/Hangup: Asterisk's own field comes late
    int wrapupSeconds = 0;
    std::optional<bool> ringInUse; // only events carry it, lists do not
    std::optional<Engagement> talking;
    std::optional<Engagement> ringing;
    std::optional<UtcTime> wrapupUntil; // counted here: no event announces its end

    std::string_view key() const noexcept { return interface; }
    Epoch epoch = 0;
    std::uint64_t touched = 0; // number of the last event about it: a comparison that is older than that proves nothing
};

struct Caller {
    std::string uniqueid; // key in its queue
    std::string linkedid;
    std::string channel;
    int position = 0;            // from 1; after a priority change refreshed by the reconciler
    std::optional<int> priority; // only lists carry it
    UtcTime since;
    std::string number; // empty if hidden
    std::string name;
    std::string tenantId; // header Tenantid of Asterisk 22

    std::string_view key() const noexcept { return uniqueid; }
    Epoch epoch = 0;
    std::uint64_t touched = 0;
};

// What Asterisk counts itself; no event carries these (refreshed), a restart or QueueReset sets them to zero.
struct QueueCounters {
    int holdTime = 0; // seconds, Asterisk's running average
    int talkTime = 0;
    int completed = 0;
    int abandoned = 0;            // Queue() timeouts included
    double serviceLevelPerf = 0;  // percent
    double serviceLevelPerf2 = 0; // percent
    std::optional<UtcTime> asOf;  // when Asterisk was asked
    bool operator==(const QueueCounters&) const = default;
};

struct Queue {
    std::string name; // Asterisk's
    std::string strategy;
    int max = 0; // callers; 0: no limit
    int weight = 0;
    int serviceLevel = 0; // seconds
    QueueCounters counters;
    std::vector<std::shared_ptr<Member>> members; // by interface
    std::vector<std::shared_ptr<Caller>> callers; // by position

    const Member* member(std::string_view interface) const;
    const Caller* caller(std::string_view uniqueid) const;
    // Callers but our own channels, which keep the places of callbacks: nobody is on those lines.
    std::size_t people() const;
    std::string_view key() const noexcept { return name; }
    Epoch epoch = 0;
    std::uint64_t membersTouched = 0; // as Member::touched, of who is a member
    std::uint64_t callersTouched = 0; // of who waits
};

// include/asterisk/channelstate.h; the numbers are Asterisk's.
enum class ChannelState : std::uint8_t {
    down = 0,
    reserved,
    offHook,
    dialing,
    ring,
    ringing,
    up,
    busy,
    dialingOffHook,
    preRing
};
std::string_view channelStateText(ChannelState state);

// Of the recordings that Asterisk's MixMonitor makes. No list tells it: of a channel that was there before the board
// was filled it is unknown until the next event.
enum class Recording : std::uint8_t { unknown, off, on, paused };

struct Channel {
    std::string uniqueid; // key
    std::string linkedid;
    std::string name; // changes when channels are renamed or masqueraded
    ChannelState state = ChannelState::down;
    std::string callerNumber;
    std::string callerName;
    std::string connectedNumber;
    std::string connectedName;
    std::string accountCode;
    std::string context;
    std::string exten;
    std::string application; // refreshed (lists only)
    std::string tenantId;
    UtcTime createdAt;
    std::string bridgeId; // empty: in none
    std::optional<UtcTime> heldSince;
    std::string localOther; // uniqueid of the other half of a Local channel
    std::string dialedBy;   // uniqueid of the channel that dials this one
    Recording recording = Recording::unknown;
    std::string listensTo;  // uniqueid of the channel that this one listens to (ChanSpy); as `recording`
    bool hangingUp = false; // HangupRequest was seen

    std::string_view key() const noexcept { return uniqueid; }
    Epoch epoch = 0;
    std::uint64_t touched = 0;
};

struct Bridge {
    std::string id; // key
    std::string type;
    std::string technology;
    std::string creator;
    std::string name;
    std::optional<UtcTime> createdAt;  // not known for those found by a resync
    std::vector<std::string> channels; // uniqueids in the order they entered

    std::string_view key() const noexcept { return id; }
    Epoch epoch = 0;
    std::uint64_t touched = 0;
};

enum class CallState : std::uint8_t { other, dialling, waiting, ringing, talking, held };
std::string_view callStateText(CallState state);

// All channels with one linkedid. Its key everywhere is callKey(server, linkedid).
struct Call {
    std::string linkedid;              // key
    std::vector<std::string> channels; // uniqueids, oldest first
    CallState state = CallState::other;
    UtcTime startedAt;
    std::optional<UtcTime> answeredAt; // first time two parties talked; empty: not yet, or not known
    bool answerMissed = false;         // a list found it talking: no later event tells when that began
    std::string callerUniqueid;        // the first channel
    std::string callerChannel;
    std::string number;
    std::string name;
    std::string context; // where the first channel entered: tells the tenant where nothing else does
    std::string exten;   // what was dialled
    std::string accountCode;
    std::string tenantId;
    std::string queue;      // current or last; empty: none so far
    std::string interface;  // of the member, current or last
    std::string memberName; // of the member, current or last

    std::string_view key() const noexcept { return linkedid; }
    Epoch epoch = 0;
};

std::string callKey(std::string_view server, std::string_view linkedid); // "server/linkedid"

enum class Tristate : std::uint8_t { unknown, no, yes };

struct Contact {
    std::string uri;
    std::string aor;
    // As PJSIP spells it: "Reachable", "Unreachable", "NonQualified", "Unknown"; of chan_sip also "Lagged".
    std::string status;
    std::optional<std::int64_t> latencyMicros;
    bool operator==(const Contact&) const = default;
};

// A telephone or trunk: a PJSIP endpoint or a chan_sip peer (others as far as device states tell).
struct Peer {
    std::string name; // key: "PJSIP/viatalk-101"
    std::string deviceState =
        "UNKNOWN"; // "NOT_INUSE", "INUSE", "BUSY", "INVALID", "UNAVAILABLE", "RINGING", "RINGINUSE", "ONHOLD"
    std::optional<UtcTime> deviceStateSince;
    Tristate reachable = Tristate::unknown;
    std::optional<std::int64_t> latencyMicros; // the best contact's
    std::vector<Contact> contacts;             // by uri; empty and reachable unknown: nothing known

    std::string_view key() const noexcept { return name; }
    Epoch epoch = 0;
    std::uint64_t touched = 0;
};

// Drift: announced by event, and we had it wrong. Target 0.
enum class Drift : std::uint8_t {
    callerMissing, // waits in Asterisk, not on our board
    callerExtra,
    memberMissing,
    memberExtra,
    paused,
    pausedReason,
    penalty,
    status,
    channelMissing,
    channelExtra, // a ghost call
    channelState,
    channelBridge,
    deviceState
};
inline constexpr std::size_t driftKinds = 13;
std::string_view driftText(Drift kind); // "caller_missing" ...

// Refreshed: no event announces it, so Asterisk is asked from time to time.
enum class Refresh : std::uint8_t {
    counters, // of a queue, CallsTaken and LastCall of a member
    settings, // of a queue or member; members and queues that came or went with a reload or a realtime row
    order,    // positions and priorities of callers
    inCall,
    channel, // application, linkedid, names
    contact
};
inline constexpr std::size_t refreshKinds = 6;
std::string_view refreshText(Refresh kind);

struct Counters {
    std::uint64_t applied = 0;    // events that a handler took
    std::uint64_t ignored = 0;    // events of no interest to the board
    std::uint64_t droppedOld = 0; // older than the snapshot they came after (rule B2.5)
    std::uint64_t held = 0;       // kept while the board was filled, then applied
    std::uint64_t malformed = 0;  // events without the header that names what they are about
    std::uint64_t resyncs = 0;    // completed fills
    std::uint64_t resyncFailures = 0;
    std::uint64_t restarts = 0;    // of Asterisk, seen by its startup time
    std::uint64_t comparisons = 0; // answers of the reconciler's questions compared
    std::uint64_t questionsFailed = 0;
    std::uint64_t published = 0;
    std::int64_t lastResyncMicros = 0; // how long the last fill took
    std::array<std::uint64_t, driftKinds> drift{};
    std::array<std::uint64_t, refreshKinds> refreshed{};

    std::uint64_t driftTotal() const noexcept;
};

enum class BoardState : std::uint8_t {
    down,    // no session with Asterisk
    filling, // connected; what is shown is from before
    live
};
std::string_view boardStateText(BoardState state);

struct Snapshot {
    std::string server;
    BoardState state = BoardState::down;
    UtcTime asOf;                // what the board shows was so at this time
    bool stale = true;           // true unless state is live
    std::string staleReason;     // empty when not stale; safe to show
    std::string asteriskVersion; // empty: not known
    std::string
        startup; // when Asterisk started, "2026-11-22 20:20:36" in its own zone (AMI tells no other); empty: not known
    std::uint64_t generation = 0; // grows with each fill
    std::uint64_t sequence = 0;   // grows with each publication
    bool systemAccount = false;   // false: reachability and latency are only what events told
    Counters counters;

    CowMap<Queue> queues;
    CowMap<Channel> channels;
    CowMap<Bridge> bridges;
    CowMap<Call> calls;
    CowMap<Peer> peers;
};

using SnapshotPtr = std::shared_ptr<const Snapshot>;

} // namespace pbx::live
