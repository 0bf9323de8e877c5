// Phones' states and queue members: what the queue actions change and the events that tell it.
#include "world.hpp"

#include <algorithm>

namespace pbx::sim {

DeviceState World::deviceState(const Phone& phone) const {
    if (!phone.registered || !phone.reachable) return DeviceState::unavailable;
    if (phone.ringing > 0) return phone.active > 0 ? DeviceState::ringInUse : DeviceState::ringing;
    if (phone.active == 0) return DeviceState::notInUse;
    return phone.onHold ? DeviceState::onHold : DeviceState::inUse;
}

DeviceState World::memberState(const Member& member) const {
    return member.phone == none ? DeviceState::invalid : phones_[member.phone].announced;
}

void World::deviceEvent(std::string_view device, std::string_view state) {
    emit(classCall, "DeviceStateChange", [&](Headers& h) { h.field("Device", device).field("State", state); });
}

void World::memberEvent(std::string_view name, const Queue& queue, const Member& member) {
    emit(classAgent, name, [&](Headers& h) { h.member(queue.name, member, memberState(member), false); });
}

void World::trunkUsed(Index tenant, int change) {
    Tenant& t = tenants_[tenant];
    const bool before = t.trunkChannels > 0;
    t.trunkChannels = static_cast<Index>(static_cast<int>(t.trunkChannels) + change);
    if (before != (t.trunkChannels > 0)) deviceEvent("PJSIP/" + t.trunk, t.trunkChannels > 0 ? "INUSE" : "NOT_INUSE");
}

void World::use(Channel& channel, Use use) {
    if (channel.use == use) return;
    if (channel.phone == none) {
        trunkUsed(channel.tenant, (use != Use::nothing ? 1 : 0) - (channel.use != Use::nothing ? 1 : 0));
        channel.use = use;
        return;
    }
    Phone& phone = phones_[channel.phone];
    phone.ringing += (use == Use::ringing ? 1 : 0) - (channel.use == Use::ringing ? 1 : 0);
    phone.active += (use == Use::active ? 1 : 0) - (channel.use == Use::active ? 1 : 0);
    if (phone.active == 0) phone.onHold = false;
    channel.use = use;
    announce(channel.phone);
}

void World::announce(Index index) {
    Phone& phone = phones_[index];
    const DeviceState state = deviceState(phone);
    if (state == phone.announced) return;
    phone.announced = state;
    const auto& [status, text] = extensionState(state);
    deviceEvent(phone.interface(), deviceStateName(state));
    emit(classCall, "ExtensionStatus", [&, s = status, t = text](Headers& h) {
        h.field("Exten", phone.exten).field("Context", contextOf(phone.tenant)).field("Hint", phone.interface());
        h.field("Status", s).field("StatusText", t);
    });
    for (const Index queue : phone.queues) {
        const Member* member = memberOf(queues_[queue], index);
        if (member == nullptr) continue;
        memberEvent("QueueMemberStatus", queues_[queue], *member);
        announceAvailable(queues_[queue]);
        if (state == DeviceState::notInUse) planDispatch(queue);
    }
}

void World::announceAvailable(Queue& queue) {
    const bool available = std::any_of(queue.members.begin(), queue.members.end(), [&](const Member& m) {
        return !m.paused && memberState(m) == DeviceState::notInUse;
    });
    if (available == queue.available) return;
    queue.available = available;
    deviceEvent("Queue:" + queue.name + "_avail", available ? "NOT_INUSE" : "INUSE");
}

World::Added World::addMember(std::string_view queueName, std::string_view interface, Member member) {
    const Index index = queueIndex(queueName);
    if (index == none) return Added::noQueue;
    Queue& queue = queues_[index];
    if (std::any_of(queue.members.begin(), queue.members.end(),
                    [&](const Member& m) { return m.interface == interface; }))
        return Added::already;
    member.interface = interface;
    if (member.name.empty()) member.name = interface;
    const std::string& state = member.stateInterface.empty() ? member.interface : member.stateInterface;
    const auto phone = phoneByInterface_.find(state);
    member.phone = phone == phoneByInterface_.end() ? none : phone->second;
    if (member.stateInterface.empty()) member.stateInterface = interface;
    member.loginTime = epochMicros(now_) / 1'000'000;
    if (member.paused) member.lastPause = member.loginTime;
    if (member.phone != none) phones_[member.phone].queues.push_back(index);
    queue.members.push_back(std::move(member));
    timers_.at(now_, [this, index, name = std::string(interface)] {
        for (const Member& m : queues_[index].members) {
            if (m.interface != name) continue;
            deviceEvent("Queue:" + queues_[index].name + "_pause_" + name, m.paused ? "INUSE" : "NOT_INUSE");
            memberEvent("QueueMemberAdded", queues_[index], m);
        }
        announceAvailable(queues_[index]);
        planDispatch(index);
    });
    return Added::ok;
}

World::Removed World::removeMember(std::string_view queueName, std::string_view interface) {
    const Index index = queueIndex(queueName);
    if (index == none) return Removed::noQueue;
    auto& members = queues_[index].members;
    const auto it =
        std::find_if(members.begin(), members.end(), [&](const Member& m) { return m.interface == interface; });
    if (it == members.end()) return Removed::notThere;
    if (!it->dynamic) return Removed::notDynamic;
    if (it->phone != none) std::erase(phones_[it->phone].queues, index);
    timers_.at(now_, [this, index, gone = *it] {
        memberEvent("QueueMemberRemoved", queues_[index], gone);
        announceAvailable(queues_[index]);
    });
    members.erase(it);
    return Removed::ok;
}

template <class Use>
bool World::eachMembership(std::string_view queueName, std::string_view interface, Use&& use) {
    bool any = false;
    for (Index i = 0; i < queues_.size(); ++i) {
        if (!queueName.empty() && queues_[i].name != queueName) continue;
        for (Member& member : queues_[i].members) {
            if (member.interface != interface) continue;
            any = true;
            use(i, member);
        }
    }
    return any;
}

bool World::pause(std::string_view queueName, std::string_view interface, bool paused, std::string_view reason) {
    return eachMembership(queueName, interface, [&](Index index, Member& member) {
        const bool changed = member.paused != paused;
        member.paused = paused;
        member.pausedReason = paused ? std::string(reason) : std::string();
        if (paused) member.lastPause = epochMicros(now_) / 1'000'000;
        timers_.at(now_, [this, index, changed, m = member] {
            if (changed) {
                deviceEvent("Queue:" + queues_[index].name + "_pause_" + m.interface, m.paused ? "INUSE" : "NOT_INUSE");
                announceAvailable(queues_[index]);
            }
            memberEvent("QueueMemberPause", queues_[index], m);
            if (!m.paused) planDispatch(index);
        });
    });
}

bool World::penalty(std::string_view queueName, std::string_view interface, int penalty) {
    return eachMembership(queueName, interface, [&](Index index, Member& member) {
        member.penalty = penalty;
        timers_.at(now_, [this, index, m = member] { memberEvent("QueueMemberPenalty", queues_[index], m); });
    });
}

void World::handsOff(std::string_view interface) {
    const auto at = phoneByInterface_.find(std::string(interface));
    if (at != phoneByInterface_.end()) phones_[at->second].driven = true;
}

bool World::ringInUse(std::string_view queueName, std::string_view interface, bool ring) {
    return eachMembership(queueName, interface, [&](Index index, Member& member) {
        member.ringInUse = ring;
        timers_.at(now_, [this, index, m = member] { memberEvent("QueueMemberRinginuse", queues_[index], m); });
    });
}

void World::setReachable(Index index, bool reachable) {
    Phone& phone = phones_[index];
    if (phone.reachable == reachable || !phone.registered) return;
    phone.reachable = reachable;
    phone.roundtrip = reachable ? static_cast<int>(rng_.between(400, 45000)) : 0;
    emit(classSystem, "ContactStatus", [&](Headers& h) {
        h.field("URI", phone.uri)
            .field("ContactStatus", reachable ? "Reachable" : "Unreachable")
            .field("AOR", phone.endpoint);
        h.field("EndpointName", phone.endpoint).field("RoundtripUsec", phone.roundtrip);
    });
    emit(classSystem, "PeerStatus", [&](Headers& h) {
        h.field("ChannelType", "PJSIP")
            .field("Peer", phone.interface())
            .field("PeerStatus", reachable ? "Reachable" : "Unreachable");
    });
    announce(index);
}

void World::setRegistered(Index index, bool registered) {
    Phone& phone = phones_[index];
    if (phone.registered == registered) return;
    phone.registered = phone.reachable = registered;
    phone.roundtrip = registered ? static_cast<int>(rng_.between(400, 45000)) : 0;
    const auto contact = [&](std::string_view status, int roundtrip) {
        emit(classSystem, "ContactStatus", [&](Headers& h) {
            h.field("URI", phone.uri).field("ContactStatus", status).field("AOR", phone.endpoint);
            h.field("EndpointName", phone.endpoint).field("RoundtripUsec", roundtrip);
        });
    };
    if (registered) contact("NonQualified", 0);
    emit(classSystem, "PeerStatus", [&](Headers& h) {
        h.field("ChannelType", "PJSIP")
            .field("Peer", phone.interface())
            .field("PeerStatus", registered ? "Reachable" : "Unreachable");
    });
    announce(index);
    contact(registered ? "Reachable" : "Removed", phone.roundtrip);
}

} // namespace pbx::sim
