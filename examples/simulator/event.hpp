// One AMI event while it is written, header by header, in Asterisk 22's order; it is sent when it goes out of scope.
// Threads: one. Nothing fails: values are cut at CR or LF, so that a caller's name cannot forge an event here
// (that a real Asterisk lets it through is shown by recordings, not by this program).
#pragma once

#include "model.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace pbx::sim {

// Permission classes of manager.conf (docs/facts/asterisk.md section 5).
enum Class : std::uint32_t {
    classSystem = 1U << 0U,
    classCall = 1U << 1U,
    classLog = 1U << 2U,
    classVerbose = 1U << 3U,
    classCommand = 1U << 4U,
    classAgent = 1U << 5U,
    classUser = 1U << 6U,
    classConfig = 1U << 7U,
    classDtmf = 1U << 8U,
    classReporting = 1U << 9U,
    classCdr = 1U << 10U,
    classDialplan = 1U << 11U,
    classOriginate = 1U << 12U,
    classAgi = 1U << 13U,
    classCc = 1U << 14U,
    classAoc = 1U << 15U,
    classTest = 1U << 16U,
    classSecurity = 1U << 17U,
    classMessage = 1U << 18U,
    classAll = (1U << 19U) - 1U
};
std::string_view className(Class c);          // "system"; empty for a mask
std::uint32_t parseClasses(std::string_view); // "call,agent", "all", "on", "off", "": unknown words count as nothing

// Where events go; `text` ends with the empty line.
class EventSink {
public:
    virtual ~EventSink() = default;
    virtual void event(Class c, std::string_view name, std::string_view text) = 0;
};

// Appends headers to a text; used for events and for the items of lists.
class Headers {
public:
    explicit Headers(std::string& out) : out_(out) {}
    Headers& field(std::string_view key, std::string_view value);
    Headers& field(std::string_view key, std::int64_t value);
    Headers& channel(const Channel& channel, std::string_view prefix, std::string_view tenant);
    Headers& bridge(const Bridge& bridge, std::string_view prefix = {});
    // `list` = the item of QueueStatus: other names for two headers, no Ringinuse (docs/facts/asterisk.md section 7).
    Headers& member(std::string_view queue, const Member& member, DeviceState state, bool list);
    void end() { out_ += "\r\n"; }

private:
    std::string& out_;
};

std::string_view stateName(ChannelState state);
std::string_view deviceStateName(DeviceState state);   // "NOT_INUSE"
std::string_view endpointStateName(DeviceState state); // "Not in use"
// Asterisk's extension state of a hint: a bit field with numbers of its own, and its text.
const std::pair<int, std::string_view>& extensionState(DeviceState state);
std::string_view causeText(int cause);

} // namespace pbx::sim
