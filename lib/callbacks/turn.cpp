#include "callbacks/turn.hpp"

#include <algorithm>

namespace pbx::callbacks {
namespace {

// A list tells in whole seconds how long somebody has waited.
constexpr std::chrono::seconds tolerance{2};

// The turn of whoever stands there; empty: one of ours that is not under way.
std::optional<Turn> turnOf(const Waiter& waiter, int unknownPriority, const Turns& turns) {
    if (!waiter.ours) return Turn{waiter.priority.value_or(unknownPriority), waiter.since, {}};
    const auto known = turns.find(waiter.ours->id);
    return known == turns.end() ? std::nullopt : std::optional(known->second);
}

// Above 0: `a` is to be served first by that much; of two callbacks of one moment the id decides.
Micros lead(const Turn& a, const Turn& b) {
    if (a.since != b.since || a.id.empty() || b.id.empty()) return b.since - a.since;
    return Micros(a.id < b.id ? 1 : -1);
}

} // namespace

bool isBefore(const Turn& one, const Turn& other) {
    return one.priority != other.priority ? one.priority > other.priority : lead(one, other) > Micros(0);
}

bool isBefore(const Waiter& waiter, const Turn& mine, const Turns& turns) {
    const auto other = turnOf(waiter, mine.priority, turns);
    return other && isBefore(*other, mine);
}

int positionOf(const QueueSight& queue, const Turn& mine, const Turns& turns) {
    const auto last = std::find_if(queue.waiting.rbegin(), queue.waiting.rend(),
                                   [&](const Waiter& waiter) { return !waiter.ours && isBefore(waiter, mine, turns); });
    const auto place = std::find_if(last.base(), queue.waiting.end(), [&](const Waiter& waiter) {
        return !waiter.ours || !isBefore(waiter, mine, turns);
    });
    return 1 + static_cast<int>(place - queue.waiting.begin());
}

bool isMisplaced(const QueueSight& queue, const std::string& channelId, const Turn& mine, const Turns& turns) {
    const auto me = std::ranges::find(queue.waiting, channelId, &Waiter::channelId);
    if (me == queue.waiting.end()) return false;
    for (auto one = queue.waiting.begin(); one != queue.waiting.end(); ++one) {
        if (one == me) continue;
        // Of unknown priority and in front: who came after us was let in front for his priority.
        if (one < me && !one->ours && !one->priority && one->since >= me->since) continue;
        const auto other = turnOf(*one, mine.priority, turns);
        if (!other || other->priority != mine.priority) continue;
        if (one > me && one->ours) continue; // its fault
        const auto before = lead(*other, mine);
        // Two callbacks have their exact times, and the same clock.
        const auto least = one->ours ? Micros(0) : Micros(tolerance);
        if (one < me ? before < -least : before > least) return true;
    }
    return false;
}

} // namespace pbx::callbacks
