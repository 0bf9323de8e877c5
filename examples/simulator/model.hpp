// The things a simulated Asterisk knows: tenants, phones, queues with members, channels, bridges, calls.
// Threads: plain data of the one simulator thread. Nothing fails.
#pragma once

#include "base/time.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pbx::sim {

using Index = std::uint32_t; // of a tenant, phone, queue: they never go away
constexpr Index none = 0xFFFFFFFFU;
using CallId = std::uint64_t; // never used again, so that a late timer finds nothing instead of a stranger

// Times in app_queue's events are differences of whole seconds.
inline std::int64_t wholeSeconds(UtcTime from, UtcTime to) {
    return epochMicros(to) / 1'000'000 - epochMicros(from) / 1'000'000;
}

struct Tenant {
    std::string name;
    std::string trunk;       // endpoint "<tenant>-trunk"
    std::string trunkUri;    // "sip:127.0.0.11:5060"
    Index trunkChannels = 0; // up through the trunk now
};

// Asterisk's member and device states, with the numbers of QueueMember's `Status` header.
enum class DeviceState {
    unknown = 0,
    notInUse = 1,
    inUse = 2,
    busy = 3,
    invalid = 4,
    unavailable = 5,
    ringing = 6,
    ringInUse = 7,
    onHold = 8
};

struct Phone {
    Index tenant = 0;
    std::string exten;    // "101"
    std::string endpoint; // "viatalk-101"
    std::string person;   // caller ID name and, as a rule, the member name
    std::string uri;
    bool registered = true; // a contact exists
    bool reachable = true;  // and answers OPTIONS
    int roundtrip = 0;      // microseconds
    int ringing = 0;        // channels that ring here
    int active = 0;         // channels that are up or call out
    bool onHold = false;
    DeviceState announced = DeviceState::notInUse;
    std::vector<Index> queues; // in which it is a member
    bool driven = false;       // somebody moves its agent by AMI: nobody else does

    std::string interface() const { return "PJSIP/" + endpoint; }
};

struct Member {
    Index phone = none; // none: an interface that is no phone of ours ("QueueAdd Interface=nonsense" succeeds)
    std::string name;
    std::string interface;
    std::string stateInterface;
    bool dynamic = true;
    int penalty = 0;
    int callsTaken = 0;
    std::int64_t lastCall = 0; // epoch seconds, as all times that AMI gives here
    std::int64_t lastPause = 0;
    std::int64_t loginTime = 0;
    bool inCall = false;
    bool paused = false;
    std::string pausedReason;
    bool ringInUse = false;
    int wrapupSeconds = 0;
    UtcTime busyUntil{}; // end of wrap-up; no event tells it (docs/facts/asterisk.md section 9)
};

struct Queue {
    Index tenant = 0;
    std::string name;
    int max = 0;                               // callers; 0 = no limit
    Micros ringFor = std::chrono::seconds(15); // `timeout` of queues.conf
    Micros retry = std::chrono::seconds(2);
    Micros giveUpAfter = std::chrono::seconds(600); // timeout argument of Queue()
    Micros serviceLevel = std::chrono::seconds(20);
    int weight = 0;
    std::vector<Member> members;
    std::vector<CallId> waiting; // in order
    std::size_t nextMember = 0;  // round-robin memory
    bool available = false;      // last announced Queue:NAME_avail
    bool dispatchPlanned = false;
    int completed = 0;
    int abandoned = 0;
    int withinServiceLevel = 0;
    int holdTime = 0; // exponential averages, seconds, as app_queue keeps them
    int talkTime = 0;
};

// What a channel does to the state of its phone or trunk.
enum class Use { nothing, ringing, active };

enum class ChannelState { down = 0, ring = 4, ringing = 5, up = 6 };

struct Channel {
    std::string name;
    ChannelState state = ChannelState::down;
    std::string callerNum, callerName;
    std::string connectedNum, connectedName; // empty: "<unknown>"
    std::string context, exten;
    int priority = 1;
    std::string uniqueid, linkedid;
    Index tenant = 0;
    Index phone = none; // none: a trunk channel
    Use use = Use::nothing;
    bool tenantSet = false, callRefSet = false;
    std::string account;   // of a Local half: the tenant, once its dialplan has set it
    bool local = false;    // half of a Local channel: without a tenant id, phone or trunk
    std::string recording; // id of its MixMonitor; empty: none
    std::string application, data;
    std::string bridge; // uniqueid, empty: in none
    UtcTime since{};
    bool exists() const { return !name.empty(); }
    // Where its dialplan stands now.
    void goTo(std::string_view newContext, std::string_view newExten, int newPriority, std::string_view newApplication,
              std::string_view newData = {}) {
        context = newContext;
        exten = newExten;
        priority = newPriority;
        application = newApplication;
        data = newData;
    }
};

struct Bridge {
    std::string id;
    int channels = 0;
};

enum class CallState { entering, waiting, ringing, talking, dialing, application, ended };

// How a queue call was planned by its people; a scripted test and the random day fill it alike.
struct CallPlan {
    Index tenant = 0;
    Index queue = none;
    std::string number{}, name{}; // caller
    std::string did = "1000";
    int priority = 0;
    Micros entry = std::chrono::milliseconds(500); // announcement before Queue()
    Micros patience = std::chrono::minutes(5);     // hangs up when still waiting then
};

// Whether and how a caller to whom it is offered asks to be called back.
struct AskPlan {
    bool asks = false;
    Micros after{};            // waits that long first; 0: at the offer, before the queue
    std::string otherNumber{}; // enters this one instead of his own
};

// What pbxd's Originate of a callback said: channel variables that both halves of its Local channel have.
struct CallbackOrder {
    std::string id, attempt, token; // what the gate wants to see
    Index tenant = 0;
    Index queue = none; // none: no such queue here
    int position = 0;   // in the queue, from 1
    int priority = 0;
    bool agentFirst =
        true; // its halves: first the one that waits in the queue, then the one that dials; or the reverse
};

// One half of a callback's Local channel; each is a call of its own.
struct Half {
    enum class Task { waits, dials } task = Task::waits;
    CallbackOrder order;
    CallId other = 0;        // 0: ended before
    bool originated = false; // the half that the Originate waits for (";1")
    // of the one that waits
    bool keepsPlace = false; // no more than that: no agent can take it yet (extension "hold")
    // of the one that dials
    bool told = false;  // by the gate to dial: what became of it is reported, once
    bool taken = false; // by an agent (customer first)
    bool asksKey = false;
    bool pressed = false;
    Micros ringFor = std::chrono::seconds(30);
    std::string status; // DIALSTATUS
    int cause = 0;      // HANGUPCAUSE

    std::string_view context() const { return task == Task::waits ? "pbxd-callback-queue" : "pbxd-callback-gate"; }
};

struct Call {
    CallId id = 0;
    CallState state = CallState::entering;
    std::uint32_t step = 0; // grows with every change of state: timers of an earlier step do nothing
    CallPlan plan;
    Channel a;  // the caller (trunk or phone)
    Channel b;  // the other party while there is one
    Channel b2; // consultation channel of the agent in an attended transfer
    Channel c;  // whom the agent consults
    Bridge bridge, consult;
    Index queue = none;  // while app_queue handles it
    Index member = none; // phone that rings or talks for the queue
    std::string memberInterface;
    UtcTime joined{}, ringStart{}, answered{}, started{};
    UtcTime retryAt{};
    int originalPosition = 0;
    bool held = false;
    std::string originateId; // ActionID of the Originate that made it
    // Of a call that pbxd has decided (rendered dialplan):
    bool rendered = false;
    bool offered = false; // a callback may be asked for
    int place = 0;        // position argument of Queue(), 0: none
    UtcTime since{};      // waits, the offer included
    AskPlan asking;
    std::unique_ptr<Half> half; // of a callback's Local channel
    std::string spied;          // the channel that it listens to
};

} // namespace pbx::sim
