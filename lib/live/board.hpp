// The state behind one snapshot, and what each AMI event does to it: by key, with absolute values, so that an event
// that is applied twice, or after a list that showed its effect already, changes nothing (docs/facts/reliability.md
// B2.5). Threads: one (the link's, inside Mirror). Fails: nothing throws on what Asterisk sends; an event that lacks
// what it is about is counted. Source of the events' order and names: docs/facts/asterisk.md 6-11, recordings of 16.28
// and 22.10.
#pragma once

#include "ami/message.hpp"
#include "base/time.hpp"
#include "live/feed.hpp"
#include "live/fields.hpp"
#include "live/snapshot.hpp"

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace pbx::live {

struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};
template <class V>
using TextMap = std::unordered_map<std::string, V, TextHash, std::equal_to<>>;
using TextSet = std::unordered_set<std::string, TextHash, std::equal_to<>>;

using WrapupSeconds = std::unordered_map<std::string, int>; // Asterisk's queue name -> seconds

// What the events of the system class tell the mirror beside the board.
enum class Notice : std::uint8_t {
    none,
    reload, // Reload, Load, Unload: settings may have changed without an event
    shutdown
};

// The one contact that a chan_sip peer ("SIP/NAME") can have.
Contact sipContact(std::string_view peer, std::string_view host, std::string status);

class Board {
public:
    explicit Board(std::string server) : server_(std::move(server)) {}

    struct Applied {
        bool known = false;
        bool malformed = false;
        Notice notice = Notice::none;
    };
    // `at`: the event's Timestamp on our clock, or now where it has none. `now`: what explains it is waited for from
    // then on, whatever the clocks of the two machines say.
    Applied apply(const ami::Message& event, UtcTime at, SteadyTime now);
    // Whether apply() does anything with an event of this name.
    static bool isKnown(std::string_view eventName);
    // What time alone changes: the end of wrap-up, callers whose way out nothing explained.
    void tick(UtcTime now, SteadyTime steady);
    std::optional<SteadyTime> nextTick(UtcTime now, SteadyTime steady) const;

    // --- filling from lists (`f`: one list event) ---
    void fillQueue(const Fields& f, UtcTime at);   // QueueParams
    void fillMember(const Fields& f, UtcTime at);  // QueueMember
    void fillCaller(const Fields& f, UtcTime at);  // QueueEntry; `at`: when Asterisk was asked
    void fillChannel(const Fields& f, UtcTime at); // CoreShowChannel
    void fillBridge(const Fields& f);              // BridgeListItem
    void fillDevice(const Fields& f, UtcTime at);  // DeviceStateChange
    // After all lists: takes over from `old` what lists do not tell (since when, who dialled whom), finds out who talks
    // to whom, and reports what is different to `old` as found.
    void finishFill(Board& old, UtcTime at, bool restarted);
    // After the events that were held during the fill: callers of the old board whose way out no event told.
    void closeFill(UtcTime at);

    // --- repairs by the reconciler; `found` events go to the feed ---
    void repairMember(std::string_view queue, const Member& theirs, UtcTime at);
    void removeMember(std::string_view queue, std::string_view interface, UtcTime at);
    void addCaller(std::string_view queue, const Caller& theirs, UtcTime at);
    void removeCaller(std::string_view queue, std::string_view uniqueid, UtcTime at);
    void orderCallers(std::string_view queue, const Queue& theirs);
    void refreshQueue(const Queue& theirs);
    void refreshMember(std::string_view queue, const Member& theirs);
    void removeQueue(std::string_view queue, UtcTime at);
    void repairChannel(const Channel& theirs, UtcTime at);
    void removeChannel(std::string_view uniqueid, UtcTime at);
    void dropEmptyBridges(std::uint64_t untouchedSince);
    void repairDevice(const Peer& theirs, UtcTime at);
    // Of which only device states told, and no member is called there: to be forgotten when Asterisk lists it no more.
    std::vector<std::string> bareDevicesNotIn(const CowMap<Peer>& listed) const;
    void removeDevice(std::string_view name);
    // The contacts of an endpoint or the address of a chan_sip peer, from the system account.
    bool refreshPeer(std::string_view name, std::vector<Contact> contacts, UtcTime at);

    // --- reading ---
    const CowMap<Queue>& queues() const noexcept { return queues_; }
    const CowMap<Channel>& channels() const noexcept { return channels_; }
    const CowMap<Bridge>& bridges() const noexcept { return bridges_; }
    const CowMap<Call>& calls() const noexcept { return calls_; }
    const CowMap<Peer>& peers() const noexcept { return peers_; }
    // The number of the event applied last; compare with `touched`.
    std::uint64_t eventNumber() const noexcept { return eventNumber_; }
    bool recentlyGone(std::string_view uniqueid) const { return gone_.contains(uniqueid); }

    // Shares all maps with `snapshot`; from now on what changes is copied first.
    void publishTo(Snapshot& snapshot);
    bool changed() const noexcept { return changed_; }
    std::vector<FeedEvent> takeFeed() { return std::exchange(feed_, {}); }
    void mute(bool muted) noexcept { muted_ = muted; }
    void setWrapup(WrapupSeconds seconds) { wrapup_ = std::move(seconds); }
    const WrapupSeconds& wrapup() const noexcept { return wrapup_; }

private:
    using MemberKey = std::pair<std::string, std::string>; // queue, interface
    // A caller that left its queue and whose outcome is not known yet.
    struct Leaving {
        FeedEvent event;
        bool abandoned = false; // QueueCallerAbandon came: not answered, no key
        std::string answeredBy; // the leg whose DialEnd ANSWER came: AgentConnect will follow
        SteadyTime deadline;
    };

    static constexpr std::chrono::seconds explainAnswered{5}; // AgentConnect follows DialEnd

    // A caller that a fill did not find any more.
    struct Lost {
        FeedEvent event;
        UtcTime since; // it waited
    };

    // events (board_calls.cpp)
    bool onNewchannel();
    bool onChannel();
    bool onHold(bool held);
    bool onRecording(Recording state);
    bool onSpy(std::string_view target);
    bool onHangupRequest();
    bool onHangup();
    bool onRename();
    bool onDial();
    bool onDialEnd();
    bool onLocalBridge();
    bool onBridgeCreate();
    bool onBridgeEnter();
    bool onBridgeLeave();
    bool onBridgeDestroy();
    // events (board_callers.cpp, board_members.cpp, board_talk.cpp)
    bool onCallerJoin();
    bool onCallerAbandon();
    bool onCallerLeave();
    bool onAgentCalled();
    bool onAgentConnect();
    bool onAgentComplete();
    bool onAgentRingNoAnswer();
    bool onMember();
    bool onMemberRemoved();
    bool onQueueStatusVariable();
    // events (board_peers.cpp)
    bool onDeviceState();
    bool onPeerStatus();
    bool onContactStatus();

    // channels and calls (board_calls.cpp)
    Channel* updateChannel(bool destination, bool withState);
    void nameChannel(Channel& channel, std::string_view name);
    Channel readChannel(const Fields& f) const;
    void startChannel(Channel channel, bool found);
    void endChannel(std::string_view uniqueid, std::string_view cause, bool found);
    void attach(const Channel& channel, bool found);
    void detach(const Channel& channel, std::string_view cause, bool found);
    void enterBridge(std::string_view uniqueid, std::string_view bridge);
    void leaveBridge(std::string_view uniqueid, std::string_view bridge);
    FeedEvent callEvent(FeedKind kind, const Call& call) const;
    void recompute(std::string_view linkedid);
    CallState stateOf(const Call& call) const;
    Call* callOf(std::string_view uniqueid, std::string_view linkedid);
    std::string_view linkedidOf(std::string_view uniqueid, std::string_view otherwise) const;

    // queues (board_callers.cpp, board_members.cpp, board_talk.cpp)
    Queue& needQueue(std::string_view name);
    Member* editMember(Queue& queue, std::string_view interface);
    static void followLastPause(Member& member);
    Member& needMember(Queue& queue, std::string_view interface);
    std::uint32_t writeMember(Member& member, const Fields& f, bool list);
    void eraseMember(Queue& queue, std::string_view interface, bool found);
    void changedMember(const Queue& queue, const Member& member, std::uint32_t changes, bool found = false);
    void insertCaller(Queue& queue, Caller caller, bool found);
    // Answers what the caller.left event will say; empty if it did not wait there.
    std::optional<FeedEvent> takeCaller(std::string_view queue, std::string_view uniqueid);
    FeedEvent callerEvent(FeedKind kind, std::string_view queue, const Caller& caller) const;
    void renumber(Queue& queue);
    void left(FeedEvent event, Outcome outcome);
    void startLeaving(std::string_view uniqueid, Leaving leaving);
    bool beforeConnect(std::string_view uniqueid, const Leaving& leaving) const;
    // Nothing explained how it left.
    TextMap<Leaving>::iterator leftUnexplained(TextMap<Leaving>::iterator at);
    void callerGone(std::string_view uniqueid);
    void startRinging(Queue& queue, Member& member, Engagement engagement, bool found);
    void startTalking(Queue& queue, Member& member, Engagement engagement, bool found);
    void stopRinging(const Queue& queue, Member& member);
    void stopTalking(const Queue& queue, Member& member, bool completed);
    void legEnded(std::string_view uniqueid);
    bool replacedLeg(Engagement& talking, std::string_view uniqueid) const;
    bool isOf(const Engagement& engagement, std::string_view uniqueid, std::string_view destination,
              std::string_view linkedid) const;
    void index(std::string_view uniqueid, const Queue& queue, const Member& member);
    template <class F>
    void eachEngaged(std::string_view uniqueid, F&& use);
    int wrapupOf(const Queue& queue, const Member& member) const;
    FeedEvent agentEvent(FeedKind kind, std::string_view queue, std::string_view interface, std::string_view memberName,
                         const Engagement& engagement) const;
    void noteAgent(const Engagement& engagement, std::string_view queue, std::string_view interface,
                   std::string_view memberName);
    Engagement readEngagement() const;
    void awaitComplete(std::string_view queue, std::string_view interface, Engagement ended);
    std::optional<Engagement> takeCompleted(std::string_view queue, std::string_view interface);

    // filling (board_fill.cpp)
    void inherit(Board& old, bool restarted);
    void inheritQueue(const Queue& before);
    void inheritTalks(const Queue& before);
    void inheritCalls(const Board& old);
    void pairLocals();
    void deriveTalking();
    void deriveRinging();
    Member* memberOfChannel(Queue& queue, const Channel& channel);
    void reportDifferences(const Board& old);
    void reportCallers(const Board& old);
    void reportMembers(const Queue& now, const Queue* before);

    // peers (board_peers.cpp)
    Peer& needPeer(std::string_view name);
    void changedPeer(const Peer& peer, bool found);
    static bool isPeerName(std::string_view device);
    static void judgeContacts(Peer& peer);

    FeedEvent made(FeedKind kind) const;
    void takesList(UtcTime at) noexcept {
        at_ = at;
        fromList_ = true;
    }
    void emit(FeedEvent event, bool found = false);
    void rememberGone(std::string_view uniqueid);

    std::string server_;
    CowMap<Queue> queues_;
    CowMap<Channel> channels_;
    CowMap<Bridge> bridges_;
    CowMap<Call> calls_;
    CowMap<Peer> peers_;
    Epoch epoch_ = 1;
    bool changed_ = false;
    bool muted_ = false;

    Fields f_;   // of the event being applied
    UtcTime at_; // its time on our clock
    SteadyTime steady_;
    // What is applied is a list's word: it tells that something is so, not since when.
    bool fromList_ = false;
    std::uint64_t eventNumber_ = 0;

    TextMap<std::string> waiting_;                // uniqueid -> queue it waits in
    TextMap<std::vector<MemberKey>> engaged_;     // uniqueid -> members whose engagement may name it
    TextMap<std::vector<Engagement>> completing_; // "queue\ninterface": talks that ended, AgentComplete still to come
    TextMap<Leaving> leaving_;                    // uniqueid -> how it left is not known yet
    TextMap<std::string> inQueueApp_;             // while filling: uniqueid -> queue that the channel's Queue() runs
    TextMap<FeedEvent> lostCalls_;                // after a fill: linkedid -> call.ended, unless an event revives it
    TextMap<Lost> lost_;                          // after a fill: callers that were there before and are not any more
    TextMap<std::string> answering_;              // caller -> leg that answered it; AgentConnect will follow
    TextSet gone_;                                // channels that hung up lately: late events must not revive them
    std::deque<std::string> goneOrder_;
    std::multimap<UtcTime, MemberKey> wrapups_;
    WrapupSeconds wrapup_;
    std::vector<FeedEvent> feed_;
};

template <class F>
void Board::eachEngaged(std::string_view uniqueid, F&& use) {
    const auto it = engaged_.find(uniqueid);
    if (it == engaged_.end()) return;
    const auto keys = it->second; // `use` may change the index
    for (const auto& [queueName, interface] : keys) {
        Queue* queue = queues_.edit(queueName, epoch_);
        if (Member* member = queue ? editMember(*queue, interface) : nullptr) use(*queue, *member);
    }
}

} // namespace pbx::live
