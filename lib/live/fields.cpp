#include "live/fields.hpp"

#include <charconv>
#include <string>

namespace pbx::live {

namespace {

constexpr std::array<std::string_view, keyCount> names{"Channel",
                                                       "ChannelState",
                                                       "CallerIDNum",
                                                       "CallerIDName",
                                                       "ConnectedLineNum",
                                                       "ConnectedLineName",
                                                       "AccountCode",
                                                       "Context",
                                                       "Exten",
                                                       "Uniqueid",
                                                       "Linkedid",
                                                       "Tenantid",
                                                       "DestChannel",
                                                       "DestChannelState",
                                                       "DestCallerIDNum",
                                                       "DestCallerIDName",
                                                       "DestConnectedLineNum",
                                                       "DestConnectedLineName",
                                                       "DestAccountCode",
                                                       "DestContext",
                                                       "DestExten",
                                                       "DestUniqueid",
                                                       "DestLinkedid",
                                                       "DestTenantid",
                                                       "Queue",
                                                       "Interface",
                                                       "Location",
                                                       "StateInterface",
                                                       "MemberName",
                                                       "Name",
                                                       "Membership",
                                                       "Penalty",
                                                       "CallsTaken",
                                                       "LastCall",
                                                       "LastPause",
                                                       "LoginTime",
                                                       "InCall",
                                                       "Status",
                                                       "Paused",
                                                       "PausedReason",
                                                       "Ringinuse",
                                                       "Wrapuptime",
                                                       "Position",
                                                       "HoldTime",
                                                       "TalkTime",
                                                       "Reason",
                                                       "Wait",
                                                       "Priority",
                                                       "Max",
                                                       "Strategy",
                                                       "Completed",
                                                       "Abandoned",
                                                       "ServiceLevel",
                                                       "ServicelevelPerf",
                                                       "ServicelevelPerf2",
                                                       "Weight",
                                                       "BridgeUniqueid",
                                                       "BridgeType",
                                                       "BridgeTechnology",
                                                       "BridgeCreator",
                                                       "BridgeName",
                                                       "BridgeId",
                                                       "DialStatus",
                                                       "LocalOneUniqueid",
                                                       "LocalTwoUniqueid",
                                                       "Newname",
                                                       "Application",
                                                       "ApplicationData",
                                                       "Duration",
                                                       "Cause-txt",
                                                       "Device",
                                                       "State",
                                                       "Peer",
                                                       "PeerStatus",
                                                       "ChannelType",
                                                       "Time",
                                                       "URI",
                                                       "ContactStatus",
                                                       "EndpointName",
                                                       "Endpoint",
                                                       "AOR",
                                                       "RoundtripUsec",
                                                       "ObjectName",
                                                       "IPaddress",
                                                       "Address",
                                                       "Variable",
                                                       "Value",
                                                       "SpyerUniqueid",
                                                       "SpyeeUniqueid"};
static_assert(!names.back().empty(), "one name for each Key");

constexpr unsigned lower(char c) { return static_cast<unsigned char>(c) | 0x20U; }
constexpr std::size_t slots = 1024;
constexpr std::size_t slotOf(std::string_view key) {
    return (key.size() * 131U + lower(key.front()) * 31U + lower(key.back()) * 17U + lower(key[key.size() / 2]) * 7U) %
           slots;
}

// Open addressing, filled by the compiler: 0 is free, else index + 1.
constexpr std::array<std::uint8_t, slots> makeTable() {
    std::array<std::uint8_t, slots> table{};
    for (std::size_t i = 0; i < keyCount; ++i) {
        std::size_t slot = slotOf(names[i]);
        while (table[slot] != 0) slot = (slot + 1) % slots;
        table[slot] = static_cast<std::uint8_t>(i + 1);
    }
    return table;
}
constexpr auto table = makeTable();

} // namespace

void Fields::read(const ami::Message& message) {
    values_.fill({});
    for (const auto& header : message.headers()) {
        if (header.key.empty()) continue;
        for (std::size_t slot = slotOf(header.key); table[slot] != 0; slot = (slot + 1) % slots) {
            const std::size_t index = table[slot] - 1U;
            if (!ami::sameKey(names[index], header.key)) continue;
            // A present but empty header must differ from an absent one.
            if (values_[index].data() == nullptr)
                values_[index] = header.value.data() ? header.value : std::string_view("");
            break;
        }
    }
}

std::string_view Fields::text(Key key) const noexcept {
    const auto value = (*this)[key];
    return value == "<unknown>" ? std::string_view("") : value;
}

std::optional<std::int64_t> Fields::number(Key key) const noexcept {
    const auto value = (*this)[key];
    std::int64_t result = 0;
    const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), result);
    if (problem != std::errc{} || end != value.data() + value.size() || value.empty()) return std::nullopt;
    return result;
}

int Fields::integer(Key key, int otherwise) const noexcept {
    const auto value = number(key);
    return value && *value >= INT32_MIN && *value <= INT32_MAX ? static_cast<int>(*value) : otherwise;
}

std::optional<double> Fields::decimal(Key key) const noexcept {
    const auto value = (*this)[key];
    double result = 0;
    const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), result);
    if (problem != std::errc{} || end != value.data() + value.size() || value.empty()) return std::nullopt;
    return result;
}

bool Fields::flag(Key key) const noexcept {
    const auto value = (*this)[key];
    return value == "1" || ami::sameKey(value, "yes") || ami::sameKey(value, "true");
}

std::optional<UtcTime> Fields::epoch(Key key) const noexcept {
    const auto seconds = number(key);
    constexpr std::int64_t endOfYear9999 = 253'402'300'799;
    if (!seconds || *seconds <= 0 || *seconds > endOfYear9999) return std::nullopt;
    return fromEpochMicros(*seconds * 1'000'000);
}

} // namespace pbx::live
