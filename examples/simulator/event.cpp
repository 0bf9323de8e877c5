#include "event.hpp"

#include <array>
#include <charconv>
#include <utility>

namespace pbx::sim {
namespace {

constexpr std::array<std::pair<std::string_view, Class>, 19> classNames{{{"system", classSystem},
                                                                         {"call", classCall},
                                                                         {"log", classLog},
                                                                         {"verbose", classVerbose},
                                                                         {"command", classCommand},
                                                                         {"agent", classAgent},
                                                                         {"user", classUser},
                                                                         {"config", classConfig},
                                                                         {"dtmf", classDtmf},
                                                                         {"reporting", classReporting},
                                                                         {"cdr", classCdr},
                                                                         {"dialplan", classDialplan},
                                                                         {"originate", classOriginate},
                                                                         {"agi", classAgi},
                                                                         {"cc", classCc},
                                                                         {"aoc", classAoc},
                                                                         {"test", classTest},
                                                                         {"security", classSecurity},
                                                                         {"message", classMessage}}};

std::string_view known(std::string_view text) { return text.empty() ? std::string_view("<unknown>") : text; }

} // namespace

std::string_view className(Class c) {
    for (const auto& [name, bit] : classNames)
        if (bit == c) return name;
    return {};
}

std::uint32_t parseClasses(std::string_view text) {
    std::uint32_t mask = 0;
    while (!text.empty()) {
        const auto comma = text.find(',');
        const auto word = text.substr(0, comma);
        if (word == "all" || word == "on") mask |= classAll;
        for (const auto& [name, bit] : classNames)
            if (name == word) mask |= bit;
        text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    }
    return mask;
}

Headers& Headers::field(std::string_view key, std::string_view value) {
    out_ += key;
    out_ += ": ";
    out_ += value.substr(0, value.find_first_of(std::string_view("\r\n\0", 3)));
    out_ += "\r\n";
    return *this;
}

Headers& Headers::field(std::string_view key, std::int64_t value) {
    std::array<char, 24> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    return field(key, std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
}

Headers& Headers::channel(const Channel& c, std::string_view prefix, std::string_view tenant) {
    const auto put = [&](std::string_view key, std::string_view value) {
        out_ += prefix;
        field(key, value);
    };
    put("Channel", c.name);
    out_ += prefix;
    field("ChannelState", static_cast<std::int64_t>(c.state));
    put("ChannelStateDesc", stateName(c.state));
    put("CallerIDNum", known(c.callerNum));
    put("CallerIDName", known(c.callerName));
    put("ConnectedLineNum", known(c.connectedNum));
    put("ConnectedLineName", known(c.connectedName));
    put("Language", "en");
    put("AccountCode", c.account);
    put("Context", c.context);
    put("Exten", c.exten);
    out_ += prefix;
    field("Priority", c.priority);
    put("Uniqueid", c.uniqueid);
    put("Linkedid", c.linkedid);
    if (!c.local) put("Tenantid", tenant);
    out_ += prefix;
    out_ += "ChanVariable: TENANT=";
    if (c.tenantSet) out_ += tenant;
    out_ += "\r\n";
    out_ += prefix;
    out_ += "ChanVariable: CALLREF=";
    if (c.callRefSet) out_ += c.linkedid;
    out_ += "\r\n";
    return *this;
}

Headers& Headers::bridge(const Bridge& bridge, std::string_view prefix) {
    const auto put = [&](std::string_view key, std::string_view value) {
        out_ += prefix;
        field(key, value);
    };
    put("BridgeUniqueid", bridge.id);
    put("BridgeType", "basic");
    put("BridgeTechnology", "simple_bridge");
    put("BridgeCreator", "<unknown>");
    put("BridgeName", "<unknown>");
    out_ += prefix;
    field("BridgeNumChannels", bridge.channels);
    put("BridgeVideoSourceMode", "none");
    return *this;
}

Headers& Headers::member(std::string_view queue, const Member& m, DeviceState state, bool list) {
    field("Queue", queue);
    field(list ? "Name" : "MemberName", m.name);
    field(list ? "Location" : "Interface", m.interface);
    field("StateInterface", m.stateInterface);
    field("Membership", m.dynamic ? "dynamic" : "static");
    field("Penalty", m.penalty);
    field("CallsTaken", m.callsTaken);
    field("LastCall", m.lastCall);
    field("LastPause", m.lastPause);
    field("LoginTime", m.loginTime);
    field("InCall", m.inCall ? 1 : 0);
    field("Status", static_cast<std::int64_t>(state));
    field("Paused", m.paused ? 1 : 0);
    field("PausedReason", m.pausedReason);
    if (!list) field("Ringinuse", m.ringInUse ? 1 : 0);
    return field("Wrapuptime", m.wrapupSeconds);
}

std::string_view stateName(ChannelState state) {
    switch (state) {
    case ChannelState::down:
        return "Down";
    case ChannelState::ring:
        return "Ring";
    case ChannelState::ringing:
        return "Ringing";
    case ChannelState::up:
        return "Up";
    }
    return "Unknown";
}

std::string_view deviceStateName(DeviceState state) {
    static constexpr std::array<std::string_view, 9> names{"UNKNOWN",     "NOT_INUSE", "INUSE",     "BUSY",  "INVALID",
                                                           "UNAVAILABLE", "RINGING",   "RINGINUSE", "ONHOLD"};
    return names.at(static_cast<std::size_t>(state));
}

std::string_view endpointStateName(DeviceState state) {
    static constexpr std::array<std::string_view, 9> names{
        "Unknown", "Not in use", "In use", "Busy", "Invalid", "Unavailable", "Ringing", "Ring+Inuse", "On Hold"};
    return names.at(static_cast<std::size_t>(state));
}

const std::pair<int, std::string_view>& extensionState(DeviceState state) {
    static constexpr std::array<std::pair<int, std::string_view>, 9> states{{{-1, "Unknown"},
                                                                             {0, "Idle"},
                                                                             {1, "InUse"},
                                                                             {2, "Busy"},
                                                                             {4, "Unavailable"},
                                                                             {4, "Unavailable"},
                                                                             {8, "Ringing"},
                                                                             {9, "InUse&Ringing"},
                                                                             {16, "Hold"}}};
    return states.at(static_cast<std::size_t>(state));
}

std::string_view causeText(int cause) {
    switch (cause) {
    case 16:
        return "Normal Clearing";
    case 17:
        return "User busy";
    case 19:
        return "User alerting, no answer";
    case 21:
        return "Call Rejected";
    default:
        return "Unknown";
    }
}

} // namespace pbx::sim
