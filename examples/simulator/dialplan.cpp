// What the rendered dialplan (asterisk/extensions.conf) does with a caller: pbxd is asked, and the call goes where it
// says; without an answer to the tenant's default queue. Contexts, extensions and priorities are those of that file.
#include "world.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace pbx::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view goContext = "pbxd-go";
constexpr int mostPriority = 100;
constexpr auto voiceComesAfter = 100ms; // Answer() waits for the first packet
constexpr auto offerLasts = 3s;         // the prompt and a second more
constexpr auto announcementLasts = 6s;
constexpr auto apologyLasts = 4s;

int wholeOf(std::string_view text) {
    int value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return std::max(value, 0);
}

int numberOf(std::string_view text) { return std::min(wholeOf(text), mostPriority); }

} // namespace

void World::ask(Call& call, std::string route, std::vector<std::string> arguments,
                void (World::*next)(Call&, const Answer&)) {
    const auto answered = [this, id = call.id, step = call.step, next](const Answer& answer) {
        Call* found = next == nullptr ? nullptr : find(id);
        if (found != nullptr && found->step == step) (this->*next)(*found, answer);
    };
    if (asker_ == nullptr) { // as an AGI() that nobody answers
        timers_.at(now_, [answered] { answered({}); });
        return;
    }
    const Channel& a = call.a;
    asker_->ask({std::move(route), tenantName(a), std::move(arguments), a.name, a.uniqueid, a.context, a.exten,
                 a.priority, a.callerNum, a.callerName},
                answered);
}

void World::askRoute(Call& call) {
    call.a.goTo(tenantName(call.a) + "-route", "s", 8, "AGI");
    call.a.tenantSet = call.a.callRefSet = true;
    ask(call, "route", {call.plan.did}, &World::routed);
}

void World::routed(Call& call, const Answer& answer) {
    const Index fallback = defaultQueue(call.a.tenant);
    call.plan.priority = answer.done() ? numberOf(answer.get("PBX_PRIO")) : 0;
    call.offered = answer.done() && (answer.get("PBX_OFFER") == "1" || answer.get("PBX_ACTION") == "callback");
    if (answer.done())
        go(call, answer.get("PBX_ACTION"), answer.get("PBX_TARGET"));
    else if (fallback != none)
        toQueue(call, fallback);
    else
        refuse(call);
}

void World::go(Call& call, std::string_view action, const std::string& target) {
    if (action == "queue" || action == "callback") {
        const Index queue = queueIndex(target); // one that is not here yet: the default queue
        const Index taken = queue != none ? queue : defaultQueue(call.a.tenant);
        if (taken != none)
            toQueue(call, taken);
        else
            sorry(call);
    } else if (action == "announce") {
        answerCaller(call, "announce");
        play(call, target, 2);
    } else if (action == "agent") {
        const auto phone = phoneByInterface_.find(target);
        call.a.goTo(goContext, "agent", 1, "Dial");
        if (phone == phoneByInterface_.end())
            agentMissed(call);
        else
            dial(call, phoneChannel(phone->second, &call.a));
    } else if (action == "number") {
        call.a.goTo(tenantName(call.a) + "-dial", target, 1, "Dial");
        Channel out = trunkChannel(call.a.tenant);
        out.linkedid = call.a.linkedid;
        out.callerNum = target;
        dial(call, std::move(out));
    } else {
        refuse(call);
    }
}

// Hangup(21): the caller never heard anything.
void World::refuse(Call& call) {
    call.a.goTo(goContext, "s", 13, "Hangup", "21");
    softHangup(call.a);
    attempts_[call.id].push_back({"", "Hangup", "21", "NO ANSWER", call.started, now_, {}});
    cdrEvents(call);
    hangupEvent(call.a, 21, "403");
    drop(call);
}

// Answer() as the first or second step of an extension of pbxd-go.
void World::answerCaller(Call& call, std::string_view exten) {
    call.a.goTo(goContext, exten, exten == "queue" ? 2 : 1, "Answer");
    if (call.a.state == ChannelState::up) return;
    call.a.state = ChannelState::up;
    channelEvent("Newstate", call.a);
    use(call.a, Use::active);
}

void World::play(Call& call, std::string_view sound, int priority) {
    const bool apology = call.a.exten == "sorry";
    call.a.priority = priority;
    call.a.application = "Playback";
    call.a.data = sound;
    enterState(call, CallState::application);
    later(call, apology ? apologyLasts : announcementLasts, &World::endOfDialplan);
}

void World::endOfDialplan(Call& call) {
    ++call.a.priority;
    call.a.application = "Hangup";
    call.a.data.clear();
    hangupCaller(call);
}

void World::sorry(Call& call) {
    call.queue = none;
    answerCaller(call, "sorry");
    play(call, "im-sorry&please-try-call-later", 2);
}

// The phone that a closed or full queue goes to was not answered: the default queue.
void World::agentMissed(Call& call) {
    const Index queue = defaultQueue(call.a.tenant);
    enterState(call, CallState::application);
    if (call.a.context == goContext && call.a.exten == "agent" && queue != none)
        toQueue(call, queue);
    else
        hangupCaller(call);
}

void World::toQueue(Call& call, Index queue) {
    call.queue = queue;
    answerCaller(call, "queue");
    call.since = now_;
    call.place = 0;
    if (call.offered) call.asking = people_.asks(call);
    later(call, voiceComesAfter, call.offered ? &World::offer : &World::waitInQueue);
}

// Before the queue; nobody who came before or comes meanwhile is passed by that: pbxd tells the place. Should it not
// answer, Asterisk counts those who listen to the offer as well; here they are not counted.
void World::offer(Call& call) {
    call.a.goTo(goContext, "queue", 9, "Read", "PBX_PRESSED");
    call.place = static_cast<int>(queues_[call.queue].waiting.size()) + 1;
    if (call.asking.asks && call.asking.after == Micros(0))
        press(call, &Call::a, "1", 1500ms, &World::confirmNumber);
    else
        later(call, offerLasts, &World::waitInQueue);
}

void World::waitInQueue(Call& call) {
    const Queue& queue = queues_[call.queue];
    const auto isCaller = [this](CallId id) { return !find(id)->half; }; // the place of a callback is not counted
    if (queue.max > 0 && std::ranges::count_if(queue.waiting, isCaller) >= queue.max) {
        sorry(call);
        return;
    }
    if (call.place == 0) return joinQueue(call);
    enterState(call, CallState::application);
    call.a.goTo("pbxd-agi", "place", 8, "AGI");
    ask(call, "place", {queue.name, waitedSoFar(call), std::to_string(call.plan.priority)}, &World::placed);
}

void World::placed(Call& call, const Answer& answer) {
    if (answer.done()) call.place = wholeOf(answer.get("PBX_PLACE"));
    joinQueue(call);
}

void World::joinQueue(Call& call) {
    call.a.goTo(goContext, "wait", 14, "Queue", queues_[call.queue].name + ",t");
    enterQueue(call);
    if (call.offered && call.asking.asks && call.asking.after > Micros(0))
        timers_.at(now_ + call.asking.after, [this, id = call.id] { pressInQueue(id); });
}

// QUEUE_WITHDRAW_INFO: how high his priority may be there (three digits), then the queue.
void World::moved(Call& call, const std::string& info) {
    const Index queue = info.size() > 3 ? queueIndex(std::string_view(info).substr(3)) : none;
    if (!call.rendered) {
        afterQueue(call); // the recorded laboratory's dialplan knows nothing of it
        return;
    }
    if (queue != none) call.queue = queue; // else back to where he waited
    call.plan.priority = std::min(call.plan.priority, numberOf(std::string_view(info).substr(0, 3)));
    call.since = now_;
    call.place = 0;
    waitInQueue(call);
}

Index World::defaultQueue(Index tenant) const {
    const auto first = std::ranges::find(queues_, tenant, &Queue::tenant);
    return first == queues_.end() ? none : static_cast<Index>(first - queues_.begin());
}

} // namespace pbx::sim
