// The simulated Asterisk without sockets or clocks: calls, queues, members, phones; time is what advance() is told.
// Threads: one. Fails with pbx::Error (invalidArgument) only for wrong set-up; what AMI asks answers with a text
// instead. Source of names and orders: recordings of Asterisk 22.10.1 (tests/fixtures), held against it by
// tests/unit/simulator.
#pragma once

#include "asker.hpp"
#include "event.hpp"
#include "model.hpp"
#include "rng.hpp"
#include "timers.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pbx::sim {

struct RingPlan {
    enum class Outcome { answer, noAnswer, busy } outcome = Outcome::answer;
    Micros after = std::chrono::seconds(3); // of answering; no answer lasts until the queue's ring time is over
    bool pressesKey = true;                 // a customer who is called back and asked for one
};

struct TalkPlan {
    Micros talk = std::chrono::minutes(2);
    bool agentEnds = false;
    enum class Turn { nothing, hold, blindTransfer, attendedTransfer } turn = Turn::nothing;
    Micros turnAt{};    // after the answer, less than `talk`
    Micros turnFor{};   // length of a hold or of a consultation
    std::string target; // extension of a transfer
};

// What the people on both ends do; the world only knows how Asterisk reacts.
class People {
public:
    virtual ~People() = default;
    virtual RingPlan ring(const Call& call, Index phone) = 0;
    virtual TalkPlan talk(const Call& call) = 0;
    virtual AskPlan asks(const Call&) { return {}; } // whom a callback is offered
    virtual void ended(const Call& call) = 0;
};

class World {
public:
    World(People& people, std::uint64_t seed, UtcTime now) : people_(people), rng_(seed), now_(now), started_(now) {}

    // --- set-up (no events)
    Index addTenant(std::string name);
    Index addPhone(Index tenant, std::string exten, std::string person);
    Index addQueue(Queue queue);
    void seatMember(Index queue, Index phone, int penalty, int wrapupSeconds, bool dynamic = true);

    // At speed 10 people wrap up ten times faster too (the headers still say whole seconds of speed 1).
    void setSpeed(double speed) { speed_ = speed; }

    // From now on each call is asked for, and callbacks may be placed; nullptr: no pbxd, each caller has his way.
    void consult(Asker* asker) { asker_ = asker; }

    // --- time
    void listen(EventSink* sink) { sink_ = sink; } // nullptr: nobody reads, nothing is written
    void advance(UtcTime to);
    UtcTime now() const { return now_; }
    UtcTime clock() const {
        return stamp_ > now_ ? stamp_ : now_;
    } // what Ping answers: never before an event already sent
    std::optional<UtcTime> nextTimer() const { return timers_.next(); }
    void at(UtcTime when, Timers::Action action) { timers_.at(when, std::move(action)); }

    // --- calls
    CallId startQueueCall(CallPlan plan);
    CallId startInternalCall(Index from, std::string exten);
    // `channel` is "PJSIP/<endpoint>"; the outcome comes as OriginateResponse.
    void originate(std::string actionId, std::string_view channel, std::string context, std::string exten,
                   std::string callerNum, std::string callerName, Micros timeout, std::string uniqueid,
                   std::string spied = {}); // `spied`: the channel it shall listen to, in pbxd-monitor
    // Both halves of Local/s@pbxd-callback-...: the first has `channelId`, and is what Asterisk waits for `within`.
    void originateCallback(CallbackOrder order, std::string actionId, std::string channelId, std::string otherId,
                           Micros within);
    bool hangup(std::string_view channel);              // its name or id
    bool playDigit(std::string_view channel, char key); // likewise; false: there is none
    bool blindTransfer(std::string_view channelName, const std::string& context, const std::string& exten);

    // --- who waits, by the caller's channel
    // `info`: where he is moved ("050viatalk-sales": priority at most, queue); empty: nowhere.
    bool withdraw(std::string_view queue, std::string_view channelName, std::string info);
    bool changePriority(std::string_view queue, std::string_view channelName, int priority, bool immediate);
    bool hasExtension(std::string_view context, std::string_view exten) const; // `context`: a tenant's own

    // --- members, as the queue actions name them; `queue` empty = every queue (docs/facts/asterisk.md section 7)
    enum class Added { ok, already, noQueue };
    enum class Removed { ok, notThere, noQueue, notDynamic };
    Added addMember(std::string_view queue, std::string_view interface, Member member);
    Removed removeMember(std::string_view queue, std::string_view interface);
    bool pause(std::string_view queue, std::string_view interface, bool paused, std::string_view reason);
    bool penalty(std::string_view queue, std::string_view interface, int penalty);
    bool ringInUse(std::string_view queue, std::string_view interface, bool ring);
    // Somebody moves this agent by AMI: the day leaves it alone from now on.
    void handsOff(std::string_view interface);

    // --- recordings; false: no such channel, or nothing is recorded there
    bool record(std::string_view channelName, bool on);
    bool muteRecording(std::string_view channelName, bool muted);
    const Channel* findChannel(std::string_view nameOrId) const;

    // --- phones
    void setReachable(Index phone, bool reachable); // answers OPTIONS or not
    void setRegistered(Index phone, bool registered);

    // --- Asterisk itself
    void reload(std::string_view module); // the event only: nothing that was reloaded is announced
    // An AMI UserEvent: everybody hears it, with the sender's ActionID.
    void userEvent(const std::vector<std::pair<std::string, std::string>>& request, std::string_view actionId);
    void shutDown();  // event Shutdown; every call is gone without a word, as after `core restart now`
    void restarted(); // counters and times begin anew; dynamic members stay (astdb)
    UtcTime startedAt() const { return started_; }

    // --- what is there, for lists and for the people
    const std::vector<Tenant>& tenants() const { return tenants_; }
    const std::vector<Phone>& phones() const { return phones_; }
    const std::vector<Queue>& queues() const { return queues_; }
    const std::map<CallId, std::unique_ptr<Call>>& calls() const { return calls_; }
    std::size_t processedCalls() const { return processed_; }
    DeviceState deviceState(const Phone& phone) const;
    DeviceState memberState(const Member& member) const;
    const Member* memberOf(const Queue& queue, Index phone) const;
    const Phone* findPhone(std::string_view interface) const;
    Index findPhone(Index tenant, std::string_view exten) const;
    const Queue* findQueue(std::string_view name) const;
    Index queueIndex(std::string_view name) const; // none: there is none
    std::string contextOf(Index tenant) const { return tenants_[tenant].name + "-agents"; }

private:
    struct Attempt { // one line of the call detail records
        std::string destination, application, data, disposition;
        UtcTime start{}, answer{}, end{};
    };

    template <class Fill>
    void emit(Class c, std::string_view name, Fill&& fill) {
        if (sink_ == nullptr) return;
        beginEvent(c, name);
        Headers headers(text_);
        fill(headers);
        headers.end();
        sink_->event(c, name, text_);
    }
    void beginEvent(Class c, std::string_view name);
    void channelEvent(std::string_view name, const Channel& channel);
    void dialEvent(std::string_view name, const Call& call, std::string_view key, std::string_view value);
    void dialEvent(std::string_view name, const Channel* from, const Channel& to, std::string_view key,
                   std::string_view value);
    void bridgeEvent(std::string_view name, const Bridge& bridge);
    void enter(Bridge& bridge, Channel& channel);
    void leave(Bridge& bridge, Channel& channel);
    void created(const Call& call, const Channel& channel);                         // Newchannel
    void connectedTo(Channel& channel, const Channel& other);                       // NewConnectedLine, if it is news
    void hangupEvent(const Channel& channel, int cause, std::string_view sip = {}); // `sip`: status that said so
    void softHangup(const Channel& channel);
    void hangupRequest(const Channel& channel, int cause);
    void cdrEvents(const Call& call);
    const std::string& tenantName(const Channel& channel) const { return tenants_[channel.tenant].name; }

    Channel phoneChannel(Index phone, const Channel* linkedTo, std::string uniqueid = {});
    Channel trunkChannel(Index tenant);
    std::string nextUniqueid();
    Bridge newBridge();
    void trunkUsed(Index tenant, int change);
    void use(Channel& channel, Use use);
    void announce(Index phone);
    void announceAvailable(Queue& queue);
    void deviceEvent(std::string_view device, std::string_view state);
    void memberEvent(std::string_view name, const Queue& queue, const Member& member);

    Call& newCall(CallPlan plan);
    Call* find(CallId id);
    void later(Call& call, Micros delay, void (World::*next)(Call&)); // not run if the call's step changes before
    void enterState(Call& call, CallState state);
    void drop(Call& call); // forget it, its channels are hung up already

    // dialplan.cpp: what the rendered dialplan does
    void ask(Call& call, std::string route, std::vector<std::string> arguments,
             void (World::*next)(Call&, const Answer&)); // not run if the call's step changes before; may be null
    void askRoute(Call& call);
    void routed(Call& call, const Answer& answer);
    void go(Call& call, std::string_view action, const std::string& target);
    void refuse(Call& call);
    void answerCaller(Call& call, std::string_view exten);
    void play(Call& call, std::string_view sound, int priority);
    void endOfDialplan(Call& call);
    void sorry(Call& call);
    void agentMissed(Call& call);
    void toQueue(Call& call, Index queue);
    void offer(Call& call);
    void waitInQueue(Call& call);
    void placed(Call& call, const Answer& answer);
    void joinQueue(Call& call);
    std::string waitedSoFar(const Call& call) const;
    void moved(Call& call, const std::string& info);
    Index defaultQueue(Index tenant) const;
    // asked_calls.cpp: a caller asks to be called back
    void pressInQueue(CallId id);
    void leaveByKey(Call& call);
    void press(Call& call, Channel Call::*which, std::string_view keys, Micros first, void (World::*next)(Call&));
    void digit(CallId id, Channel Call::*which, char key, bool end);
    void hear(CallId id, char key, Micros in);
    void confirmNumber(Call& call);
    void requestCallback(Call& call);
    void requested(Call& call, const Answer& answer);
    // callback_calls.cpp: pbxd calls somebody back
    void placeCallback(const CallbackOrder& order, const std::string& actionId, const std::string& channelId,
                       const std::string& otherId, Micros within);
    Call& newHalf(const CallbackOrder& order, Half::Task task, std::string name, std::string uniqueid);
    void begin(Call& call);
    void hangUpAt(Call& call, std::string_view exten, int priority);
    void standBy(Call& call);
    void awaitKey(Call& call);
    void noKeyCame(Call& call);
    void keyHeard(Call& call, char key);
    void customerDialled(Call& call);
    void tellOtherParty(Call& call);
    void newCallerid(Channel& channel, const std::string& number);
    void waitForAgent(Call& call);
    void keepPlace(Call& call);
    void askGate(Call& call);
    void gated(Call& call, const Answer& answer);
    void customerAnswered(Call& call);
    void customerThere(Call& call);
    void customerConnected(Call& call);
    void noKeyPressed(Call& call);
    void halfAnswered(Call& call);
    void goOn(Call& call);
    void halfNotAnswered(Call& call);
    void endHalf(CallId id, int cause);
    void endHalfTalk(Call& call, bool otherParty);
    void planCallbackTalk(Call& dials);
    void agentOfCallbackEnds(Call& call);
    void report(Call& call);
    // listening.cpp
    void startListening(Call& call);
    void stopListening(Call& call, const Channel& heard);
    void channelGone(const Channel& channel); // recordings and listeners end with it
    void recordingEvent(std::string_view name, const Channel& channel);

    // queue_calls.cpp
    void answerTrunk(Call& call);
    void join(Call& call);
    void enterQueue(Call& call);
    std::size_t placeIn(const Queue& queue, const Call& call);
    Call* leaveByItself(CallId id); // nullptr: he waits no more
    void afterQueue(Call& call);
    void planDispatch(Index queue);
    void dispatch(Index queue);
    Member* pick(Queue& queue, std::size_t kept);
    Member* memberOfCall(const Call& call); // nullptr: removed meanwhile
    bool eligible(const Member& member) const;
    void ringMember(Call& call, Member& member);
    void memberBusy(Call& call);
    void memberNoAnswer(Call& call);
    void memberAnswers(Call& call);
    void leaveQueue(Call& call);
    void abandon(Call& call, bool asked = true); // asked: the channel has hung up by itself
    void abandonIfWaiting(CallId id);
    Call* waitingIn(std::string_view queue, std::string_view channelName);
    void giveUp(CallId id);                                                 // Queue() timeout
    void offerToMember(Call& call, const Member& member, bool ringsAtOnce); // the events of one attempt up to DialBegin
    void stopRinging(Call& call);
    void endOfQueue(Call& call);
    void hangupAfterQueue(Call& call);
    void agentComplete(Call& call, std::string_view reason);

    // talk.cpp
    void planTalk(Call& call);
    void callerHangsUp(Call& call);
    void agentHangsUp(Call& call);
    void endTalk(Call& call, bool byAgent);
    void hold(Call& call);
    void unhold(Call& call);
    void transferPlanned(Call& call);
    void transfer(Call& call, const std::string& context, const std::string& exten);
    void consultPlanned(Call& call);
    void consultAnswered(Call& call);
    void consultFailed(Call& call);
    void completeAttended(Call& call);
    void endConsult(Call& call);

    // plain_calls.cpp
    void route(Call& call);
    void dial(Call& call, Channel to);
    void dialAnswered(Call& call);
    void connect(Call& call);
    void bridgeParties(Call& call);
    void dialFailed(Call& call);
    void originateAnswered(Call& call);
    void originateFailed(Call& call);
    void originateResponse(const Call& call, bool ok, int reason, std::string_view channel);
    void applicationEnds(Call& call);
    void hangupCaller(Call& call); // SoftHangupRequest, Cdr, Hangup of what is left of a call
    void tearDown(Call& call);

    template <class Use>
    bool eachMembership(std::string_view queue, std::string_view interface, Use&& use);

    People& people_;
    Rng rng_;
    UtcTime now_;
    UtcTime stamp_{};
    UtcTime started_;
    EventSink* sink_ = nullptr;
    Asker* asker_ = nullptr;
    std::string text_;
    Timers timers_;
    std::vector<Tenant> tenants_;
    std::vector<Phone> phones_;
    std::vector<Queue> queues_;
    std::unordered_map<std::string, Index> queueByName_, phoneByInterface_;
    std::map<CallId, std::unique_ptr<Call>> calls_;
    std::unordered_map<std::string, CallId> callByChannel_;
    std::unordered_multimap<std::string, CallId> listeners_; // who listens, by the channel
    std::unordered_map<CallId, std::vector<Attempt>> attempts_;
    std::unordered_map<CallId, TalkPlan> talks_;
    double speed_ = 1.0;
    CallId nextCall_ = 1;
    std::size_t processed_ = 0;
    std::uint32_t channelNumber_ = 0;
    std::uint32_t uniqueNumber_ = 0;
    std::uint32_t localNumber_ = 0;
    std::uint32_t recordingNumber_ = 0;
};

} // namespace pbx::sim
