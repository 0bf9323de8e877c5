#include "live/snapshot.hpp"

#include "domain/callback.hpp"

#include <algorithm>
#include <numeric>

namespace pbx::live {

namespace {

template <std::size_t N, class E>
std::string_view textOf(const std::array<std::string_view, N>& texts, E value) {
    const auto index = static_cast<std::size_t>(value);
    return index < N ? texts[index] : std::string_view("unknown");
}

} // namespace

std::string_view memberStatusText(MemberStatus status) {
    static constexpr std::array<std::string_view, 9> texts{
        "unknown", "free", "in_use", "busy", "invalid", "unavailable", "ringing", "ringing_in_use", "on_hold"};
    return textOf(texts, status);
}

std::string_view membershipText(Membership membership) {
    static constexpr std::array<std::string_view, 4> texts{"unknown", "static", "dynamic", "realtime"};
    return textOf(texts, membership);
}

std::string_view channelStateText(ChannelState state) {
    static constexpr std::array<std::string_view, 10> texts{
        "down", "reserved", "off_hook", "dialing", "ring", "ringing", "up", "busy", "dialing_off_hook", "pre_ring"};
    return textOf(texts, state);
}

std::string_view callStateText(CallState state) {
    static constexpr std::array<std::string_view, 6> texts{"other",   "dialling", "waiting",
                                                           "ringing", "talking",  "held"};
    return textOf(texts, state);
}

std::string_view driftText(Drift kind) {
    static constexpr std::array<std::string_view, driftKinds> texts{
        "caller_missing", "caller_extra",   "member_missing", "member_extra",    "paused",
        "paused_reason",  "penalty",        "status",         "channel_missing", "channel_extra",
        "channel_state",  "channel_bridge", "device_state"};
    return textOf(texts, kind);
}

std::string_view refreshText(Refresh kind) {
    static constexpr std::array<std::string_view, refreshKinds> texts{"counters", "settings", "order",
                                                                      "in_call",  "channel",  "contact"};
    return textOf(texts, kind);
}

std::string_view boardStateText(BoardState state) {
    static constexpr std::array<std::string_view, 3> texts{"down", "filling", "live"};
    return textOf(texts, state);
}

std::string callKey(std::string_view server, std::string_view linkedid) {
    std::string key;
    key.reserve(server.size() + 1 + linkedid.size());
    key.append(server).append(1, '/').append(linkedid);
    return key;
}

std::uint64_t Counters::driftTotal() const noexcept {
    return std::accumulate(drift.begin(), drift.end(), std::uint64_t{0});
}

const Member* Queue::member(std::string_view interface) const {
    const auto at = std::lower_bound(members.begin(), members.end(), interface,
                                     [](const auto& member, std::string_view key) { return member->interface < key; });
    return at != members.end() && (*at)->interface == interface ? at->get() : nullptr;
}

std::size_t Queue::people() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        callers, [](const auto& caller) { return !domain::parseCallbackChannelId(caller->uniqueid); }));
}

const Caller* Queue::caller(std::string_view uniqueid) const {
    for (const auto& caller : callers)
        if (caller->uniqueid == uniqueid) return caller.get();
    return nullptr;
}

} // namespace pbx::live
