// Recordings (MixMonitor) and listening (ChanSpy in the rendered context pbxd-monitor), as far as pbxd uses them: their
// events and when they end. Nothing is written or heard.
#include "world.hpp"

#include <array>
#include <cstdio>
#include <utility>

namespace pbx::sim {

void World::recordingEvent(std::string_view name, const Channel& channel) {
    emit(classCall, name, [&](Headers& h) { h.channel(channel, "", tenantName(channel)); });
}

// Asterisk allows several on one channel; pbxd begins a second one never.
bool World::record(std::string_view channelName, bool on) {
    auto* channel = const_cast<Channel*>(findChannel(channelName));
    if (channel == nullptr || (!on && channel->recording.empty())) return false;
    std::array<char, 24> id{};
    std::snprintf(id.data(), id.size(), "0x7f00%08x", ++recordingNumber_);
    channel->recording = on ? id.data() : "";
    timers_.at(now_, [this, gone = *channel, on] { recordingEvent(on ? "MixMonitorStart" : "MixMonitorStop", gone); });
    return true;
}

bool World::muteRecording(std::string_view channelName, bool muted) {
    const Channel* channel = findChannel(channelName);
    if (channel == nullptr || channel->recording.empty()) return false;
    timers_.at(now_, [this, channel = *channel, muted] {
        emit(classCall, "MixMonitorMute", [&](Headers& h) {
            h.channel(channel, "", tenantName(channel)).field("Direction", "both").field("State", muted ? 1 : 0);
        });
    });
    return true;
}

// The phone that was called for it listens until that channel ends.
void World::startListening(Call& call) {
    const Channel* heard = findChannel(call.spied);
    if (heard == nullptr) {
        hangupCaller(call);
        return;
    }
    enterState(call, CallState::application);
    call.a.goTo("pbxd-monitor", "s", 4, "ChanSpy", call.spied);
    emit(classCall, "ChanSpyStart", [&](Headers& h) {
        h.channel(call.a, "Spyer", tenantName(call.a)).channel(*heard, "Spyee", tenantName(*heard));
    });
    listeners_.emplace(heard->name, call.id);
}

void World::stopListening(Call& call, const Channel& heard) {
    emit(classCall, "ChanSpyStop", [&](Headers& h) {
        h.channel(call.a, "Spyer", tenantName(call.a)).channel(heard, "Spyee", tenantName(heard));
    });
    call.spied.clear();
    enterState(call, CallState::application);
    later(call, Micros(1000), &World::endOfDialplan);
}

void World::channelGone(const Channel& channel) {
    if (!channel.recording.empty()) recordingEvent("MixMonitorStop", channel);
    const auto [first, last] = listeners_.equal_range(channel.name);
    std::vector<CallId> listeners;
    for (auto it = first; it != last; ++it) listeners.push_back(it->second);
    listeners_.erase(first, last);
    for (const CallId id : listeners)
        if (Call* call = find(id); call != nullptr && call->spied == channel.name) stopListening(*call, channel);
}

} // namespace pbx::sim
