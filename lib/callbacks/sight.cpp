#include "callbacks/sight.hpp"

#include <algorithm>

namespace pbx::callbacks {
namespace {

bool isFree(const live::Member& member, UtcTime now) {
    return member.status == live::MemberStatus::free && !member.paused && !member.inCall && !member.talking &&
           !member.ringing && (!member.wrapupUntil || *member.wrapupUntil <= now);
}

bool isServing(const live::Member& member) {
    return !member.paused && member.status != live::MemberStatus::unavailable &&
           member.status != live::MemberStatus::invalid && member.status != live::MemberStatus::unknown;
}

LegState legOf(const live::Snapshot& board, const live::Channel& channel) {
    using live::ChannelState;
    if (channel.state == ChannelState::up) {
        const auto* bridge = channel.bridgeId.empty() ? nullptr : board.bridges.find(channel.bridgeId);
        return bridge && bridge->channels.size() > 1 ? LegState::connected : LegState::answered;
    }
    return channel.state == ChannelState::ringing || channel.state == ChannelState::ring ? LegState::ringing
                                                                                         : LegState::none;
}

} // namespace

Sight sightOf(const live::Snapshot& board, UtcTime now, bool driven) {
    Sight out;
    out.driven = driven;
    out.current = driven && !board.stale;
    out.at = now;
    out.startup = board.startup;
    board.queues.each([&](const live::Queue& queue) {
        auto& seen = out.queues[queue.name];
        seen.free = static_cast<int>(
            std::ranges::count_if(queue.members, [&](const auto& member) { return isFree(*member, now); }));
        seen.serving = static_cast<int>(
            std::ranges::count_if(queue.members, [](const auto& member) { return isServing(*member); }));
        for (const auto& caller : queue.callers)
            seen.waiting.push_back(
                {caller->since, caller->priority, domain::parseCallbackChannelId(caller->uniqueid), caller->uniqueid});
    });
    board.channels.each([&](const live::Channel& channel) {
        if (domain::parseCallbackChannelId(channel.uniqueid)) out.alive.insert(channel.uniqueid);
        if (!channel.dialedBy.empty() && domain::parseCallbackChannelId(channel.dialedBy)) {
            auto& leg = out.legs[channel.dialedBy];
            leg = std::max(leg, legOf(board, channel));
        }
    });
    return out;
}

} // namespace pbx::callbacks
