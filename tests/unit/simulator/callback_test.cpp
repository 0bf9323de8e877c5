// Callbacks that pbxd places in the simulated Asterisk, agent first: what becomes of the customer, the place in the
// queue, and what is reported to the gate.
#include "office.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pbx::sim::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

RingPlan isBusy() { return {RingPlan::Outcome::busy, 0s}; }
RingPlan isSilent() { return {RingPlan::Outcome::noAnswer, 0s}; }

TEST(Callback, AgentFirstAndReached) {
    Office office;
    office.letDial();
    office.people.rings = {answersIn(1s), answersIn(2s)}; // the agent, the customer
    office.callBack();
    office.run(500ms);
    ASSERT_EQ(office.of("QueueCallerJoin").size(), 1U);
    EXPECT_EQ(office.of("QueueCallerJoin").front()->get("Uniqueid"), "pbxd-1aaabx");
    EXPECT_THAT(office.pbxd.argumentsOf("gate"), IsEmpty()) << "nobody is dialled before an agent is there";
    office.run(1s);
    ASSERT_EQ(office.pbxd.argumentsOf("gate").size(), 1U);
    EXPECT_THAT(office.pbxd.argumentsOf("gate").front(), ElementsAre("r_1", "1", "abc"));
    ASSERT_EQ(office.of("OriginateResponse").size(), 1U);
    EXPECT_EQ(office.of("OriginateResponse").front()->get("Response"), "Success");
    EXPECT_EQ(office.of("OriginateResponse").front()->get("Uniqueid"), "pbxd-1aaab");
    office.run(2s);
    const auto dialled = office.of("DialBegin").back();
    EXPECT_EQ(dialled->get("Uniqueid"), "pbxd-1aaab"); // by this pbxd knows the customer's leg
    EXPECT_EQ(dialled->get("DestCallerIDNum"), "+12015550300");
    EXPECT_THAT(office.pbxd.argumentsOf("done"), IsEmpty()) << "they still talk";
    EXPECT_EQ(office.of("BridgeEnter").size(), 4U);
    office.run(30s);
    EXPECT_THAT(office.reported(), ElementsAre("ANSWER", "16", "", ""));
    EXPECT_EQ(office.of("AgentComplete").size(), 1U);
    EXPECT_TRUE(office.atRest());
}

TEST(Callback, BusyNotAnsweredAndRefusedByTheGate) {
    struct Case {
        RingPlan customer;
        std::vector<std::string> report;
    };
    for (const auto& [customer, report] :
         {Case{isBusy(), {"BUSY", "17", "", ""}}, Case{isSilent(), {"NOANSWER", "0", "", ""}}}) {
        Office office;
        office.letDial();
        office.people.rings = {answersIn(1s), customer};
        office.callBack();
        office.run(1min);
        EXPECT_EQ(office.reported(), report);
        EXPECT_TRUE(office.atRest());
    }
    Office office;
    office.pbxd.answers["gate"] = {{"PBX_GATE", "hangup"}, {"PBX_WHY", "expired"}, {"PBX_DONE", "1"}};
    office.people.rings = {answersIn(1s), answersIn(1s)};
    office.callBack();
    office.run(1min);
    EXPECT_THAT(office.pbxd.argumentsOf("done"), IsEmpty()) << "who was told nothing knows nothing";
    EXPECT_EQ(office.people.rings.size(), 1U) << "nobody was dialled";
    EXPECT_TRUE(office.atRest());
}

TEST(Callback, WithoutAnAnswerOfTheGateNobodyIsDialled) {
    Office office;
    office.people.rings = {answersIn(1s), answersIn(1s)};
    office.callBack();
    office.run(1min);
    EXPECT_EQ(office.people.rings.size(), 1U);
    EXPECT_THAT(office.of("AgentComplete").size(), 1U);
    EXPECT_TRUE(office.atRest());
}

TEST(Callback, CancelledWhileItWaits) {
    Office office("viatalk", false);
    office.letDial();
    office.callBack();
    office.run(5s);
    ASSERT_TRUE(office.world.hangup("pbxd-1aaabx")); // by its id, as pbxd does
    office.run(1s);
    EXPECT_THAT(office.world.queues()[office.support].waiting, IsEmpty());
    ASSERT_EQ(office.of("OriginateResponse").size(), 1U);
    EXPECT_EQ(office.of("OriginateResponse").front()->get("Response"), "Failure");
    EXPECT_THAT(office.pbxd.asked, IsEmpty());
    EXPECT_TRUE(office.atRest());
}

TEST(Callback, TheAgentHangsUpWhileTheCustomersPhoneRings) {
    Office office;
    office.letDial();
    office.people.rings = {answersIn(1s), isSilent()};
    office.callBack();
    office.run(3s);
    std::string agent;
    for (const Event* event : office.of("Newchannel"))
        if (event->get("Channel").starts_with("PJSIP/viatalk-101")) agent = event->get("Channel");
    ASSERT_TRUE(office.world.hangup(agent));
    office.run(1s);
    EXPECT_THAT(office.reported(), ElementsAre("CANCEL", "16", "", ""));
    EXPECT_TRUE(office.atRest());
}

// app_queue's join_queue(): behind all of a higher priority, before all of a lower one, among its equals where it was
// asked.
TEST(Callback, ItsPlaceInTheQueue) {
    struct Case {
        int position, priority;
        std::size_t place;
    };
    // Waiting: 50, 10, 10, 0.
    for (const Case& c : {Case{1, 10, 1}, Case{2, 10, 1}, Case{3, 10, 2}, Case{9, 10, 3}, Case{1, 99, 0},
                          Case{4, 99, 0}, Case{1, 0, 3}, Case{9, 0, 4}, Case{1, 50, 0}, Case{2, 50, 1}}) {
        Office office("viatalk", false);
        for (const char* priority : {"50", "10", "10", "0"}) {
            office.decide("queue", "viatalk-support", priority);
            office.call();
            office.run(1s);
        }
        office.callBack(true, c.position, c.priority);
        office.run(1s);
        const auto& waiting = office.world.queues()[office.support].waiting;
        ASSERT_EQ(waiting.size(), 5U);
        const auto at = std::find_if(waiting.begin(), waiting.end(),
                                     [&](CallId id) { return office.world.calls().at(id)->half != nullptr; });
        EXPECT_EQ(static_cast<std::size_t>(at - waiting.begin()), c.place) << c.position << ' ' << c.priority;
    }
}

TEST(Callback, NoSecondChannelOfTheSameId) {
    Office office("viatalk", false);
    office.letDial();
    office.callBack();
    office.run(1s);
    office.callBack();
    office.run(1s);
    EXPECT_EQ(office.world.queues()[office.support].waiting.size(), 1U);
    ASSERT_EQ(office.of("OriginateResponse").size(), 1U);
    EXPECT_EQ(office.of("OriginateResponse").front()->get("Response"), "Failure");
}

TEST(Callback, ARestartLeavesNothing) {
    Office office;
    office.letDial();
    office.people.rings = {answersIn(1s), answersIn(2s)};
    office.callBack();
    office.run(5s);
    ASSERT_EQ(office.world.calls().size(), 2U);
    office.world.shutDown();
    office.run(1min);
    EXPECT_TRUE(office.world.calls().empty());
    EXPECT_EQ(office.of("AgentComplete").size(), 0U);
}

TEST(Listening, ARecordingAndAListenerEndWithTheCall) {
    Office office;
    office.decide("queue", "viatalk-support");
    office.people.rings = {answersIn(1s), answersIn(1s)};
    office.people.talking.talk = 30s;
    office.call();
    office.run(5s);
    const std::string heard = office.of("AgentConnect").front()->get("Channel");
    ASSERT_TRUE(office.world.record(heard, true));
    EXPECT_FALSE(office.world.findChannel(heard)->recording.empty());
    office.world.originate("o2", "PJSIP/viatalk-102", "pbxd-monitor", "s", "", "", 10s, "pbxd-m1", heard);
    office.run(5s);
    ASSERT_EQ(office.of("ChanSpyStart").size(), 1U);
    EXPECT_EQ(office.of("ChanSpyStart").front()->get("SpyerUniqueid"), "pbxd-m1");
    EXPECT_EQ(office.of("ChanSpyStart").front()->get("SpyeeChannel"), heard);
    ASSERT_TRUE(office.world.muteRecording(heard, true));
    office.run(1min);
    EXPECT_EQ(office.of("MixMonitorStart").size(), 1U);
    EXPECT_EQ(office.of("MixMonitorMute").front()->get("State"), "1");
    EXPECT_EQ(office.of("MixMonitorStop").size(), 1U);
    EXPECT_EQ(office.of("ChanSpyStop").size(), 1U);
    EXPECT_TRUE(office.atRest());
    EXPECT_FALSE(office.world.record(heard, true));
}

} // namespace
} // namespace pbx::sim::test
