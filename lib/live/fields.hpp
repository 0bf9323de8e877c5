// The headers of one AMI event that the board reads, found in one pass (asking ami::Message for each costs a scan
// each). Threads: a value that points into the message. Nothing fails: an absent header is empty, a bad number is
// nullopt. Keys of Asterisk 16 and 22 alike; compared without case (Holdtime/HoldTime, BridgeId/BridgeID).
#pragma once

#include "ami/message.hpp"
#include "base/time.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pbx::live {

// The order is that of the names in fields.cpp.
enum class Key : std::uint8_t {
    // a channel
    channel,
    channelState,
    callerIdNum,
    callerIdName,
    connectedLineNum,
    connectedLineName,
    accountCode,
    context,
    exten,
    uniqueid,
    linkedid,
    tenantid,
    // the called channel, in the same order as above
    destChannel,
    destChannelState,
    destCallerIdNum,
    destCallerIdName,
    destConnectedLineNum,
    destConnectedLineName,
    destAccountCode,
    destContext,
    destExten,
    destUniqueid,
    destLinkedid,
    destTenantid,
    // queues
    queue,
    interface,
    location, // Interface in lists
    stateInterface,
    memberName,
    name, // MemberName in lists
    membership,
    penalty,
    callsTaken,
    lastCall,
    lastPause,
    loginTime,
    inCall,
    status,
    paused,
    pausedReason,
    ringInUse,
    wrapupTime,
    position,
    holdTime,
    talkTime,
    reason,
    wait,
    priority,
    max,
    strategy,
    completed,
    abandoned,
    serviceLevel,
    serviceLevelPerf,
    serviceLevelPerf2,
    weight,
    // bridges, dialling
    bridgeUniqueid,
    bridgeType,
    bridgeTechnology,
    bridgeCreator,
    bridgeName,
    bridgeId, // of CoreShowChannel
    dialStatus,
    localOneUniqueid,
    localTwoUniqueid,
    newName, // of Rename
    application,
    applicationData,
    duration,
    causeText,
    // devices
    device,
    state,
    peer,
    peerStatus,
    channelType,
    time,
    uri,
    contactStatus,
    endpointName,
    endpoint,
    aor,
    roundtripUsec,
    objectName,
    ipAddress,
    address,
    // others
    variable,
    value,
    spyerUniqueid,
    spyeeUniqueid,
    count_
};
inline constexpr std::size_t keyCount = static_cast<std::size_t>(Key::count_);

class Fields {
public:
    // Reads `message`, of which the first value of a repeated header counts.
    void read(const ami::Message& message);

    std::string_view operator[](Key key) const noexcept { return values_[static_cast<std::size_t>(key)]; }
    bool has(Key key) const noexcept { return values_[static_cast<std::size_t>(key)].data() != nullptr; }
    // "<unknown>" is Asterisk's way of writing an empty caller ID or name.
    std::string_view text(Key key) const noexcept;
    std::optional<std::int64_t> number(Key key) const noexcept;
    int integer(Key key, int otherwise = 0) const noexcept;
    std::optional<double> decimal(Key key) const noexcept;
    bool flag(Key key) const noexcept; // "1", "yes", "true"
    // Whole seconds since 1970; "0" and nothing are nullopt.
    std::optional<UtcTime> epoch(Key key) const noexcept;

private:
    std::array<std::string_view, keyCount> values_;
};

} // namespace pbx::live
