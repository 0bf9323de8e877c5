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

// The trunks of tenant NAME are the endpoints NAME-trunk-.... Both parts may hold "-trunk-" themselves: then a trunk
// counts for either, and whose line that leaves in doubt is not cut off.
std::set<std::string, std::less<>> cutOffTenants(const live::Snapshot& board) {
    static constexpr std::string_view technology = "PJSIP/", mark = "-trunk-";
    std::set<std::string, std::less<>> gone, there;
    board.peers.each([&](const live::Peer& peer) {
        const auto name = std::string_view(peer.name);
        if (!name.starts_with(technology)) return;
        for (auto at = name.find(mark); at != std::string_view::npos; at = name.find(mark, at + 1))
            // As the rendered dialplan judges them before it dials (lib/render, callbackLines()).
            (peer.deviceState == "UNAVAILABLE" ? gone : there)
                .emplace(name.substr(technology.size(), at - technology.size()));
    });
    std::erase_if(gone, [&](const auto& tenant) { return there.contains(tenant); });
    return gone;
}

} // namespace

Sight sightOf(const live::Snapshot& board, UtcTime now, bool driven) {
    Sight out;
    out.server = board.server;
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
    out.cutOff = cutOffTenants(board);
    return out;
}

} // namespace pbx::callbacks
