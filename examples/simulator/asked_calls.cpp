// A caller asks to be called back, by keys: at the offer or while waiting; pbxd is told. As [pbxd-key] and [pbxd-ask]
// of asterisk/extensions.conf. Reading keys, Asterisk sends nothing but the keys themselves.
#include "world.hpp"

#include <array>
#include <cstdio>

namespace pbx::sim {
namespace {

using namespace std::chrono_literals;

constexpr auto keyLasts = 100ms;
constexpr auto betweenKeys = 350ms;
constexpr auto questionLasts = 4s; // "the number I have is ... press 1"
constexpr auto goodbyeLasts = 3s;
constexpr std::string_view askContext = "pbxd-ask";

} // namespace

void World::digit(CallId id, Channel Call::*which, char key, bool end) {
    Call* call = find(id);
    if (call == nullptr || !(call->*which).exists()) return; // hung up meanwhile
    const Channel& channel = call->*which;
    emit(classDtmf, end ? "DTMFEnd" : "DTMFBegin", [&](Headers& h) {
        h.channel(channel, "", tenantName(channel)).field("Digit", std::string_view(&key, 1));
        if (end) h.field("DurationMs", keyLasts / 1ms);
        h.field("Direction", "Received");
    });
}

// The keys one after the other, the first one that late; then the next step of the call.
void World::press(Call& call, Channel Call::*which, std::string_view keys, Micros first, void (World::*next)(Call&)) {
    Micros at = first;
    for (const char key : keys) {
        timers_.at(now_ + at, [this, id = call.id, which, key] { digit(id, which, key, false); });
        timers_.at(now_ + at + keyLasts, [this, id = call.id, which, key] { digit(id, which, key, true); });
        at += betweenKeys;
    }
    later(call, at, next);
}

void World::pressInQueue(CallId id) {
    Call* call = find(id);
    if (call == nullptr) return;
    if (call->state == CallState::ringing) { // an agent's phone rings: he listens a moment longer
        timers_.at(now_ + 2s, [this, id] { pressInQueue(id); });
        return;
    }
    if (call->state == CallState::waiting) hear(id, '1', 0ms);
}

// A key reaches the call's own channel that late.
void World::hear(CallId id, char key, Micros in) {
    timers_.at(now_ + in, [this, id, key] { digit(id, &Call::a, key, false); });
    timers_.at(now_ + in + keyLasts, [this, id, key] {
        digit(id, &Call::a, key, true);
        if (Call* call = find(id); call != nullptr) keyHeard(*call, key);
    });
}

void World::leaveByKey(Call& call) {
    const auto& waiting = queues_[call.queue].waiting;
    call.place = static_cast<int>(std::find(waiting.begin(), waiting.end(), call.id) - waiting.begin()) + 1;
    call.a.goTo("pbxd-key", "1", 0, "Queue");
    const Call* gate = call.half ? find(call.half->other) : nullptr;
    if (gate != nullptr) newCallerid(call.a, gate->b.callerNum); // the customer is there
    emit(classCall, "MusicOnHoldStop", [&](Headers& h) { h.channel(call.a, "", tenantName(call.a)); });
    leaveQueue(call);
    if (call.half)
        waitForAgent(call);
    else
        confirmNumber(call);
}

// His own number is read out: 1 confirms it; 2 lets him enter another one, which is read out again.
void World::confirmNumber(Call& call) {
    enterState(call, CallState::application);
    call.a.goTo(askContext, "confirm", 8, "Read");
    if (call.asking.otherNumber.empty() && !call.a.callerNum.empty()) {
        press(call, &Call::a, "1", questionLasts, &World::requestCallback);
        return;
    }
    const bool hidden = call.a.callerNum.empty();
    press(call, &Call::a, (hidden ? "" : "2") + call.asking.otherNumber + "#1", questionLasts, &World::requestCallback);
}

// In seconds, as STRFTIME's %s.%3q has them.
std::string World::waitedSoFar(const Call& call) const {
    std::array<char, 32> waited{};
    std::snprintf(waited.data(), waited.size(), "%.3f", static_cast<double>((now_ - call.since).count()) / 1e6);
    return waited.data();
}

void World::requestCallback(Call& call) {
    enterState(call, CallState::application);
    call.a.goTo(askContext, "ask", 3, "AGI");
    const std::string& other = call.asking.otherNumber;
    ask(call, "callback",
        {queues_[call.queue].name, other.empty() ? call.a.callerNum : other, waitedSoFar(call),
         std::to_string(call.plan.priority)},
        &World::requested);
}

void World::requested(Call& call, const Answer& answer) {
    const std::string asked = answer.done() ? answer.get("PBX_CB_ASKED") : "unanswered";
    enterState(call, CallState::application);
    call.asking.asks = false; // he does not ask a second time
    if (asked == "new" || asked == "existing") {
        call.queue = none;
        call.a.goTo(askContext, "ask", 8, "Playback");
        later(call, goodbyeLasts, &World::endOfDialplan);
    } else {
        call.a.goTo(askContext, "back", 2, "Playback");
        later(call, goodbyeLasts, &World::waitInQueue);
    }
}

} // namespace pbx::sim
