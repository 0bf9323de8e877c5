#include "routing/desk_board.hpp"

#include "domain/callback.hpp"

#include <algorithm>

namespace pbx::routing {
namespace {

// As QueueSummary counts those who are logged in: whose telephone is reachable, paused or not.
bool isLoggedIn(const live::Member& member) {
    return member.status != live::MemberStatus::unavailable && member.status != live::MemberStatus::invalid;
}

// As QUEUE_MEMBER(queue,free) counts, but for what Asterisk learns late: a talk that has just begun or ended.
bool isFree(const live::Member& member, UtcTime now) {
    return member.status == live::MemberStatus::free && !member.paused && !member.inCall && !member.talking &&
           !member.ringing && (!member.wrapupUntil || *member.wrapupUntil <= now);
}

QueueFacts factsOf(const live::Queue& queue, UtcTime now) {
    QueueFacts facts;
    facts.longestWaitSeconds = 0;
    for (const auto& caller : queue.callers) {
        if (domain::parseCallbackChannelId(caller->uniqueid)) continue; // the place of a callback: nobody waits there
        ++facts.waiting;
        const auto waited = std::chrono::duration_cast<std::chrono::seconds>(now - caller->since).count();
        facts.longestWaitSeconds = std::max(*facts.longestWaitSeconds, static_cast<int>(waited));
    }
    for (const auto& member : queue.members) {
        if (isLoggedIn(*member)) ++facts.loggedIn;
        if (isFree(*member, now)) ++facts.free;
    }
    return facts;
}

} // namespace

Board boardOf(std::vector<live::SnapshotPtr> snapshots, UtcTime now) {
    return [snapshots = std::move(snapshots), now](const domain::Queue& queue) -> std::optional<QueueFacts> {
        const auto board =
            std::ranges::find_if(snapshots, [&](const auto& one) { return one->server == queue.server; });
        if (board == snapshots.end() || (*board)->stale) return std::nullopt;
        const auto* found = (*board)->queues.find(queue.asteriskName);
        return found ? std::optional(factsOf(*found, now)) : std::nullopt;
    };
}

} // namespace pbx::routing
