// The change feed: what happened on the boards of all servers, numbered, in a bounded ring. event.poll and the
// browsers read it; callbacks are told of with the calls. Threads: any number of writers and readers. A mutex is held
// only while pointers are copied (at most readBatch for a reader, one batch of a publication for a writer); events are
// made and freed outside it. Fails: never; a reader that is too far behind is told so.
#pragma once

#include "base/time.hpp"
#include "live/snapshot.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pbx::live {

enum class FeedKind : std::uint8_t {
    callerJoined,
    callerLeft,
    agentRinging,
    agentConnected,
    agentCompleted,
    memberChanged,
    callStarted,
    callEnded,
    peerChanged,
    boardStale, // this server's board shows the past until boardFresh
    boardFresh,
    callbackAsked, // made, or opened again; callback.* come from the database, not from an Asterisk
    callbackChanged,
    callbackEnded
};
std::string_view feedKindText(FeedKind kind); // "caller.joined" ...

// How a caller left a queue, as far as AMI alone tells. `unknown`: it left without hanging up (Queue() timeout,
// QueueWithdrawCaller, leavewhenempty and a redirect look alike unless VarSet QUEUESTATUS comes through), or it left
// while we were not connected; the records know later.
enum class Outcome : std::uint8_t { unknown, answered, abandoned, timeout, key, withdrawn, empty };
std::string_view outcomeText(Outcome outcome);

// What of a member changed; a set of bits.
enum MemberChange : std::uint32_t {
    memberAdded = 1U << 0U,
    memberRemoved = 1U << 1U,
    memberPaused = 1U << 2U, // paused or its reason
    memberPenalty = 1U << 3U,
    memberStatusChange = 1U << 4U,
    memberInCall = 1U << 5U,
    memberRinging = 1U << 6U,
    memberWrapup = 1U << 7U,
    memberSettings = 1U << 8U, // name, state interface, membership, ring in use, wrap-up time
    memberCounters = 1U << 9U
};
std::vector<std::string_view> memberChangeNames(std::uint32_t changes); // "added", "paused", ...

// One event; what does not apply is empty. All text is as Asterisk sent it: escape before showing.
struct FeedEvent {
    std::uint64_t seq = 0; // from 1, without gaps, over all servers
    FeedKind kind = FeedKind::callStarted;
    UtcTime at; // of the event in Asterisk, on our clock
    std::string server;
    std::string callKey;   // callKey(server, linkedid)
    std::string channel;   // the caller's channel (caller.*, agent.*, call.*); tells the tenant where no queue does
    std::string context;   // of the call's first channel (call.*)
    std::string tenantId;  // header Tenantid (Asterisk 22)
    std::string uniqueid;  // caller.*: of the caller's channel
    std::string callback;  // callback.*: its id; caller.*: whose place it is that one of our own channels keeps
    std::string queue;     // Asterisk's name
    std::string interface; // the member's; for peer.changed the peer's name
    std::string memberName;
    std::string number;                 // the caller's, empty if hidden
    std::string name;                   // the caller's
    std::string dialled;                // call.*: the extension the first channel dialled
    Outcome outcome = Outcome::unknown; // caller.left
    std::string reason; // agent.completed: "agent", "caller", "transfer", ""; board.stale: why; callback.*: the outcome
    std::optional<int>
        holdSeconds; // caller.left, agent.connected, agent.completed: waited in the queue; empty: not known
    std::optional<int> talkSeconds; // agent.completed
    std::optional<int> position;    // caller.joined, caller.left
    std::uint32_t changes = 0;      // member.changed: MemberChange bits
    std::string state; // member.changed: status; peer.changed: device state; call.ended: hangup cause text; callback.*
    Tristate reachable = Tristate::unknown; // peer.changed
    bool paused = false;                    // member.changed
    std::string pausedReason;               // member.changed
    bool found = false;                     // seen by a resync or a repair: `at` is when we learnt it
};
using FeedEventPtr = std::shared_ptr<const FeedEvent>;

class Feed {
public:
    static constexpr std::size_t readBatch = 64; // pointers copied under one hold of the mutex

    explicit Feed(std::size_t capacity = 65'536); // events kept

    // Random, new with each process: a cursor of another instance is foreign.
    const std::string& instance() const noexcept { return instance_; }

    // Numbers and keeps the events in order, then calls the hook. Writers: link threads, and who tells of callbacks.
    void publish(std::vector<FeedEvent>&& events);

    struct Page {
        std::vector<FeedEventPtr> events;
        std::uint64_t next = 0; // pass as `after` next time
        bool fellOut = false;   // `after` is older than the ring or newer than now: start anew from `next`
    };
    // Events with seq > after, at most `limit`.
    Page read(std::uint64_t after, std::size_t limit) const;
    std::uint64_t lastSeq() const;

    // Called on the writer's thread after each publication, without the mutex: wake whoever waits, quickly. Set before
    // the first publication.
    void onPublish(std::function<void(std::uint64_t lastSeq)> hook);

private:
    const std::string instance_;
    mutable std::mutex mutex_;
    std::vector<FeedEventPtr> ring_; // slot = (seq - 1) % capacity
    std::uint64_t last_ = 0;
    std::function<void(std::uint64_t)> hook_;
};

} // namespace pbx::live
