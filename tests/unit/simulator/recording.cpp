#include "recording.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace pbx::sim::test {

std::string Event::get(std::string_view key) const {
    for (const auto& header : headers)
        if (header.first == key) return header.second;
    return {};
}

bool Event::has(std::string_view key) const {
    return std::any_of(headers.begin(), headers.end(), [&](const auto& h) { return h.first == key; });
}

std::string Event::keys() const {
    std::string all;
    for (const auto& header : headers) all += header.first + " ";
    return all;
}

std::string fixture(std::string_view relative) {
    return std::string(PBX_SOURCE_DIR) + "/tests/fixtures/" + std::string(relative);
}

std::vector<Event> parse(std::string_view bytes) {
    std::vector<Event> events;
    while (!bytes.empty()) {
        const auto end = bytes.find("\r\n\r\n");
        auto block = bytes.substr(0, end);
        bytes = end == std::string_view::npos ? std::string_view{} : bytes.substr(end + 4);
        while (block.starts_with("\r\n")) block.remove_prefix(2);
        if (block.starts_with("Asterisk Call Manager/")) block.remove_prefix(block.find("\r\n") + 2); // banner
        Event event;
        while (!block.empty()) {
            const auto lineEnd = block.find("\r\n");
            const auto line = block.substr(0, lineEnd);
            block = lineEnd == std::string_view::npos ? std::string_view{} : block.substr(lineEnd + 2);
            const auto colon = line.find(": ");
            event.headers.emplace_back(line.substr(0, colon),
                                       colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 2));
        }
        if (event.headers.empty()) continue;
        if (event.headers.front().first == "Event") event.name = event.headers.front().second;
        event.time = std::strtod(event.get("Timestamp").c_str(), nullptr);
        events.push_back(std::move(event));
    }
    return events;
}

std::vector<Event> load(std::string_view relative) {
    std::ifstream in(fixture(relative), std::ios::binary);
    if (!in) throw std::runtime_error("fixture is missing: " + fixture(relative));
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    return parse(bytes);
}

void Recorder::event(Class, std::string_view, std::string_view text) {
    raw += text;
    for (auto& event : parse(text)) events.push_back(std::move(event));
}

namespace {

const std::set<std::string, std::less<>> lifeCycle{"Newchannel",
                                                   "Newstate",
                                                   "NewConnectedLine",
                                                   "QueueCallerJoin",
                                                   "QueueCallerLeave",
                                                   "QueueCallerAbandon",
                                                   "MusicOnHoldStart",
                                                   "MusicOnHoldStop",
                                                   "AgentCalled",
                                                   "AgentConnect",
                                                   "AgentComplete",
                                                   "AgentRingNoAnswer",
                                                   "DialBegin",
                                                   "DialState",
                                                   "DialEnd",
                                                   "BridgeCreate",
                                                   "BridgeEnter",
                                                   "BridgeLeave",
                                                   "BridgeDestroy",
                                                   "HangupRequest",
                                                   "SoftHangupRequest",
                                                   "Hangup",
                                                   "BlindTransfer",
                                                   "AttendedTransfer",
                                                   "Hold",
                                                   "Unhold",
                                                   "QueueMemberStatus",
                                                   "QueueMemberPause",
                                                   "QueueMemberAdded",
                                                   "QueueMemberRemoved",
                                                   "QueueMemberPenalty",
                                                   "QueueMemberRinginuse",
                                                   "DeviceStateChange",
                                                   "ExtensionStatus",
                                                   "UserEvent",
                                                   "LocalBridge",
                                                   "NewAccountCode",
                                                   "OriginateResponse",
                                                   "DTMFBegin",
                                                   "DTMFEnd",
                                                   "Cdr"};

} // namespace

std::vector<Step> steps(const std::vector<Event>& events, const Filter& filter) {
    std::map<std::string, std::string> roles;
    int agents = 0;
    std::map<std::string, int> seen;
    std::vector<Step> result;
    const auto role = [&](const std::string& channel) {
        if (channel.empty()) return std::string("-");
        const auto known = roles.find(channel);
        if (known != roles.end()) return known->second;
        const bool trunk = channel.find("-trunk-") != std::string::npos;
        if (channel.starts_with("Local/")) return roles[channel] = "local" + channel.substr(channel.size() - 2);
        return roles[channel] = trunk ? "caller" : "agent" + std::to_string(++agents);
    };
    for (const Event& event : events) {
        if (!lifeCycle.contains(event.name)) continue;
        const bool member = event.name.starts_with("QueueMember");
        if (member && event.get("Queue") != filter.queue) continue;
        const std::string device = event.get("Device");
        if (device.starts_with("Queue:")) continue; // a matter of every queue of that member
        const bool phone = event.name == "ExtensionStatus" ||
                           (event.name == "DeviceStateChange" && device.find("-trunk") == std::string::npos);
        if (!filter.deviceStatesComparable && (phone || event.name == "QueueMemberStatus")) continue;
        std::string token = event.name;
        if (event.has("Channel")) token += " " + role(event.get("Channel"));
        if (event.has("DestChannel")) token += ">" + role(event.get("DestChannel"));
        for (const char* key : {"ChannelState", "DialStatus", "Cause", "Reason", "State", "Status", "Paused",
                                "BridgeNumChannels", "Disposition"})
            if (event.has(key)) token += " " + event.get(key);
        if (!device.empty()) token += phone ? " phone" : " trunk";
        const int number = ++seen[token];
        if (number > 1) token += " #" + std::to_string(number);
        result.push_back({token, &event});
    }
    return result;
}

} // namespace pbx::sim::test
