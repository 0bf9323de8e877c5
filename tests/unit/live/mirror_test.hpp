// What the tests of the mirror share: one that follows a modelled Asterisk with one queue and two members.
#pragma once
#include "support.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace pbx::live::test {

using namespace std::chrono_literals;

inline FakeChannel& addCaller(FakeAsterisk& asterisk, const std::string& queue, const std::string& uniqueid) {
    auto& channel = asterisk.channels[uniqueid];
    channel = {uniqueid, uniqueid,           "PJSIP/trunk-0000000" + uniqueid.substr(uniqueid.size() - 1),
               6,        "5550100",          "",
               "Queue",  queue + ",tT,,,40", asterisk.now};
    asterisk.queues[queue].callers.push_back({uniqueid, 0, asterisk.now});
    return channel;
}

inline Headers with(Headers headers, const Headers& more) {
    headers.insert(headers.end(), more.begin(), more.end());
    return headers;
}

// One queue with two members and nothing else; connected.
struct MirrorTest : ::testing::Test {
    Rig rig;
    FakeAsterisk& asterisk = rig.asterisk;
    MirrorTest() {
        auto& queue = asterisk.queues["q"];
        queue.members.push_back({.interface = "PJSIP/101", .name = "Ann"});
        queue.members.push_back({.interface = "PJSIP/102", .name = "Bob"});
        asterisk.devices["PJSIP/101"] = "NOT_INUSE";
    }
    std::uint64_t drift(Drift kind) { return rig.board()->counters.drift[static_cast<std::size_t>(kind)]; }
    std::uint64_t refreshed(Refresh kind) { return rig.board()->counters.refreshed[static_cast<std::size_t>(kind)]; }
    void expectDrift(Drift kind) {
        rig.run(30s);
        EXPECT_EQ(drift(kind), 1U) << driftText(kind);
        EXPECT_EQ(rig.board()->counters.driftTotal(), 1U);
        ASSERT_EQ(rig.corrections.size(), 1U);
        EXPECT_EQ(rig.corrections.front().kind, kind);
        rig.run(30s);
        EXPECT_EQ(rig.board()->counters.driftTotal(), 1U) << "repaired once is repaired";
    }
};

} // namespace pbx::live::test
