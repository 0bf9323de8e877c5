#include "comparing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

namespace pbx::sim::test {
namespace {

std::vector<std::string> sortedTokens(const std::vector<Step>& all) {
    std::vector<std::string> tokens;
    for (const Step& step : all) tokens.push_back(step.token);
    std::sort(tokens.begin(), tokens.end());
    return tokens;
}

// docs/facts/asterisk.md section 6: these are sent by other threads than the call's own and come anywhere within their
// step.
bool races(const Event& event) {
    static const std::set<std::string, std::less<>> names{
        "QueueMemberStatus", "DeviceStateChange", "ExtensionStatus", "Cdr",       "AgentComplete",   "Hangup",
        "SoftHangupRequest", "BridgeDestroy",     "AgentCalled",     "DialState", "QueueMemberPause"};
    if (event.name == "Newstate" && event.get("ChannelState") == "5")
        return true; // the phone's 180 against the queue's events
    return names.contains(event.name);
}

// The lab that was recorded called "-internal" what the rendered dialplan calls "-agents".
std::string renamed(std::string value) {
    constexpr std::string_view internal = "-internal";
    if (value.ends_with(internal)) value.replace(value.size() - internal.size(), internal.size(), "-agents");
    return value;
}

// Values that do not depend on names, numbers and times.
void expectSameValues(const Step& recorded, const Step& simulated) {
    for (const char* key : {"Privilege",    "ChannelStateDesc", "Context",
                            "Exten",        "Priority",         "Language",
                            "Cause",        "Cause-txt",        "TechCause",
                            "Position",     "OriginalPosition", "Count",
                            "BridgeType",   "BridgeTechnology", "BridgeVideoSourceMode",
                            "Class",        "DialStatus",       "StatusText",
                            "Paused",       "PausedReason",     "InCall",
                            "IsExternal",   "Result",           "Extension",
                            "UserEvent",    "DestContext",      "DestExten",
                            "DestPriority", "AMAFlags",         "Digit",
                            "Direction"})
        EXPECT_EQ(renamed(std::string(recorded.event->get(key))), simulated.event->get(key))
            << key << " of " << recorded.token;
    const bool early = recorded.event->name == "AgentCalled" ||
                       recorded.event->name.starts_with("Dial"); // may ring already or not yet
    if (!early) {
        EXPECT_EQ(recorded.event->get("DestChannelState"), simulated.event->get("DestChannelState")) << recorded.token;
    }
    for (const char* key :
         {"CallerIDNum", "ConnectedLineNum", "ConnectedLineName", "DestConnectedLineNum", "DestCallerIDNum"})
        EXPECT_EQ(recorded.event->get(key) == "<unknown>", simulated.event->get(key) == "<unknown>")
            << key << " of " << recorded.token;
    const auto variables = [](const Event& event, std::string_view prefix) {
        std::string all;
        for (const auto& [key, value] : event.headers)
            if (key == std::string(prefix) + "ChanVariable") all += value.back() == '=' ? "empty " : "set ";
        return all;
    };
    for (const char* prefix : {"", "Dest", "Transferer", "Transferee"})
        EXPECT_EQ(variables(*recorded.event, prefix), variables(*simulated.event, prefix))
            << prefix << "ChanVariable of " << recorded.token;
}

} // namespace

void expectAllowedOrder(const std::vector<Step>& recorded, const std::vector<Step>& simulated) {
    std::map<std::string, std::size_t> place;
    for (std::size_t i = 0; i < simulated.size(); ++i) place[simulated[i].token] = i;
    for (std::size_t i = 0; i < recorded.size(); ++i) {
        for (std::size_t j = i + 1; j < recorded.size(); ++j) {
            const bool sameStep = recorded[j].event->time - recorded[i].event->time < 0.06;
            if (sameStep && (races(*recorded[i].event) || races(*recorded[j].event))) continue;
            const auto a = place.find(recorded[i].token);
            const auto b = place.find(recorded[j].token);
            if (a == place.end() || b == place.end()) continue; // reported by the comparison of the tokens
            EXPECT_LT(a->second, b->second)
                << "\"" << recorded[i].token << "\" comes before \"" << recorded[j].token << "\" in the recording";
        }
    }
}

void expectSameEvents(const std::vector<Event>& recording, const std::vector<Event>& simulation, const Filter& filter) {
    const auto recorded = steps(recording, filter);
    const auto simulated = steps(simulation, filter);
    ASSERT_GE(recorded.size(), 3U);
    EXPECT_THAT(sortedTokens(simulated), testing::ElementsAreArray(sortedTokens(recorded)));
    expectAllowedOrder(recorded, simulated);
    for (const Step& step : recorded) {
        const auto same =
            std::find_if(simulated.begin(), simulated.end(), [&](const Step& s) { return s.token == step.token; });
        if (same == simulated.end()) continue; // reported above
        EXPECT_EQ(step.event->keys(), same->event->keys()) << step.token;
        expectSameValues(step, *same);
    }
}

namespace {

std::vector<Event> ofTheCalls(const std::vector<Event>& all) {
    static const std::set<std::string, std::less<>> leftOut{"DeviceStateChange", "ExtensionStatus", "NewCallerid",
                                                            "Cdr"};
    std::vector<Event> kept;
    bool callback = false;
    for (Event event : all) {
        if (leftOut.contains(event.name) || event.name.starts_with("QueueMember")) continue;
        std::erase_if(event.headers,
                      [](const auto& header) { return header.first.find("ChanVariable") != std::string::npos; });
        const bool local = event.get("Channel").starts_with("Local/");
        callback = callback || local;
        if (event.name == "DTMFBegin" && !local) continue; // the recording's people pressed by INFO, which has no begin
        for (auto& [key, value] : event.headers) {
            if (key.ends_with("Exten") && value.size() > 9) value = "NUMBER"; // another one there
            const bool display = key.find("ConnectedLine") != std::string::npos;
            if ((local && key == "CallerIDNum") || (callback && display)) value = "passed on";
        }
        kept.push_back(std::move(event));
    }
    return kept;
}

bool shareAChannel(const Event& a, const Event& b) {
    for (const char* one : {"Channel", "DestChannel"})
        for (const char* other : {"Channel", "DestChannel"})
            if (a.has(one) && a.get(one) == b.get(other)) return true;
    return false;
}

bool racesAcrossHalves(const Event& event) {
    return races(event) || event.name == "OriginateResponse" || event.name == "NewConnectedLine" ||
           event.name == "HangupRequest";
}

} // namespace

void expectSameRendered(const std::vector<Event>& recording, const std::vector<Event>& simulation) {
    const auto recordedEvents = ofTheCalls(recording);
    const auto simulatedEvents = ofTheCalls(simulation);
    const auto recorded = steps(recordedEvents, {"", false});
    const auto simulated = steps(simulatedEvents, {"", false});
    ASSERT_GE(recorded.size(), 3U);
    std::vector<std::string> missing;
    std::vector<std::string> extra;
    std::ranges::set_difference(sortedTokens(recorded), sortedTokens(simulated), std::back_inserter(missing));
    std::ranges::set_difference(sortedTokens(simulated), sortedTokens(recorded), std::back_inserter(extra));
    EXPECT_THAT(missing, testing::IsEmpty());
    EXPECT_THAT(extra, testing::IsEmpty());
    std::map<std::string, std::size_t> place;
    for (std::size_t i = 0; i < simulated.size(); ++i) place[simulated[i].token] = i;
    for (std::size_t i = 0; i < recorded.size(); ++i) {
        const auto a = place.find(recorded[i].token);
        if (a == place.end()) continue; // reported above
        const Event& event = *recorded[i].event;
        EXPECT_EQ(event.keys(), simulated[a->second].event->keys()) << recorded[i].token;
        expectSameValues(recorded[i], simulated[a->second]);
        for (std::size_t j = i + 1; j < recorded.size(); ++j) {
            const Event& later = *recorded[j].event;
            const bool sameStep = later.time - event.time < 0.06;
            if (!shareAChannel(event, later) || (sameStep && (racesAcrossHalves(event) || racesAcrossHalves(later))))
                continue;
            const auto b = place.find(recorded[j].token);
            if (b == place.end()) continue;
            EXPECT_LT(a->second, b->second)
                << "\"" << recorded[i].token << "\" comes before \"" << recorded[j].token << "\" in the recording";
        }
    }
}

} // namespace pbx::sim::test
