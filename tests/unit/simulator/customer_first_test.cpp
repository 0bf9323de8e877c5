// Callbacks, customer first, in the simulated Asterisk: the place that is kept while nobody can take it, the two keys,
// and what is reported. As contexts pbxd-callback-queue and pbxd-callback-gate of asterisk/extensions.conf.
#include "office.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pbx::sim::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* placeholder = "pbxd-1aaab";
constexpr const char* customer = "+12015550300"; // letDial()

struct CustomerFirst : testing::Test {
    Office office;
    Office empty{"viatalk", false}; // nobody serves there

    // Placed, and told to dial.
    static void callBack(Office& office) {
        office.callBack(false);
        office.run(1s);
        ASSERT_TRUE(office.world.playDigit(placeholder, '1'));
    }
    static void caller(Office& office, const std::string& number) {
        office.decide("queue", "viatalk-support");
        office.call(number);
        office.run(1s);
    }
};

TEST_F(CustomerFirst, NobodyIsDialledAndNobodyTakesItBeforePbxdSaysSo) {
    office.letDial();
    office.callBack(false);
    office.run(10s);
    ASSERT_THAT(office.of("QueueCallerJoin"), SizeIs(1));
    EXPECT_EQ(office.of("QueueCallerJoin").front()->get("Uniqueid"), placeholder);
    ASSERT_THAT(office.of("OriginateResponse"), SizeIs(1));
    EXPECT_EQ(office.of("OriginateResponse").front()->get("Response"), "Success");
    EXPECT_THAT(office.of("AgentCalled"), IsEmpty()) << "the agent is free, but not for nobody";
    EXPECT_THAT(office.pbxd.asked, IsEmpty());
}

TEST_F(CustomerFirst, WithAKey) {
    office.letDial("1");
    office.people.rings = {answersIn(2s), answersIn(1s)}; // the customer, the agent
    callBack(office);
    office.run(4s);
    ASSERT_THAT(office.pbxd.argumentsOf("gate"), SizeIs(1));
    EXPECT_THAT(office.pbxd.argumentsOf("gate").front(), ElementsAre("r_1", "1", "abc"));
    EXPECT_EQ(office.of("DialBegin").back()->get("Uniqueid"), "pbxd-1aaabx"); // by this pbxd knows the customer's leg
    EXPECT_THAT(office.of("AgentCalled"), IsEmpty()) << "not before he has pressed 1";
    office.run(4s);
    ASSERT_THAT(office.of("QueueCallerJoin"), SizeIs(2));
    EXPECT_EQ(office.of("QueueCallerJoin").back()->get("Exten"), "s");
    EXPECT_EQ(office.of("QueueCallerJoin").back()->get("CallerIDNum"), customer);
    EXPECT_THAT(office.of("AgentConnect"), SizeIs(1));
    office.run(30s);
    EXPECT_THAT(office.reported(), ElementsAre("ANSWER", "16", "1", "1"));
    EXPECT_TRUE(office.atRest());
}

TEST_F(CustomerFirst, WithoutAKeyAndAnAgentWhoAnswersAtOnce) {
    office.letDial();
    office.people.rings = {answersIn(2s), answersIn(0s)};
    callBack(office);
    office.run(30s);
    EXPECT_THAT(office.of("BridgeEnter"), SizeIs(4));
    EXPECT_THAT(office.of("AgentComplete"), SizeIs(1));
    EXPECT_THAT(office.reported(), ElementsAre("ANSWER", "16", "", "1"));
    EXPECT_TRUE(office.atRest());
}

TEST_F(CustomerFirst, WithoutTheKeyItIsAMachine) {
    office.letDial("1");
    office.people.rings = {answersIn(2s, false)};
    callBack(office);
    office.run(1min);
    EXPECT_THAT(office.reported(), ElementsAre("ANSWER", "16", "0", "0"));
    EXPECT_THAT(office.of("QueueCallerAbandon"), SizeIs(1));
    EXPECT_THAT(office.of("AgentCalled"), IsEmpty());
    EXPECT_TRUE(office.atRest());
}

TEST_F(CustomerFirst, Busy) {
    office.letDial();
    office.people.rings = {{RingPlan::Outcome::busy, 0s}};
    callBack(office);
    office.run(10s);
    EXPECT_THAT(office.reported(), ElementsAre("BUSY", "17", "", ""));
    EXPECT_THAT(office.world.queues()[office.support].waiting, IsEmpty());
    EXPECT_TRUE(office.atRest());
}

TEST_F(CustomerFirst, HeWaitsForAnAgentAndGivesUp) {
    empty.letDial();
    empty.people.rings = {answersIn(2s)};
    callBack(empty);
    empty.run(1min);
    EXPECT_THAT(empty.waiting(empty.support), ElementsAre(customer));
    empty.run(10min);
    EXPECT_THAT(empty.reported(), ElementsAre("ANSWER", "16", "", "0"));
    EXPECT_THAT(empty.of("QueueCallerAbandon"), SizeIs(1));
    EXPECT_TRUE(empty.atRest());
}

TEST_F(CustomerFirst, HisPlaceIsKept) {
    empty.letDial();
    empty.people.rings = {answersIn(2s)};
    caller(empty, "12015550201");
    empty.callBack(false, 2);
    empty.run(1s);
    caller(empty, "12015550202");
    EXPECT_THAT(empty.waiting(empty.support), ElementsAre("12015550201", "", "12015550202"));
    ASSERT_TRUE(empty.world.playDigit(placeholder, '1'));
    empty.run(10s);
    EXPECT_THAT(empty.waiting(empty.support), ElementsAre("12015550201", customer, "12015550202"));
}

TEST_F(CustomerFirst, WhoStandsBehindDoesNotPassHim) {
    office.letDial();
    office.people.rings = {answersIn(5s), answersIn(1s), answersIn(1s)}; // the customer, the agent for him, and again
    callBack(office);
    caller(office, "12015550201");
    office.run(3s);
    EXPECT_THAT(office.of("AgentCalled"), IsEmpty()) << "the one agent is kept for the customer, whose phone rings";
    office.run(1min);
    const auto served = office.of("AgentConnect");
    ASSERT_THAT(served, SizeIs(2));
    EXPECT_EQ(served[0]->get("Uniqueid"), placeholder);
    EXPECT_EQ(served[1]->get("CallerIDNum"), "12015550201");
}

TEST_F(CustomerFirst, AnAgentWhoIsNotKeptServesWhoStandsBehind) {
    office.world.seatMember(office.support, office.phone2, 0, 0);
    office.people.rings = {answersIn(1s)};
    office.callBack(false);
    office.run(1s);
    caller(office, "12015550201");
    caller(office, "12015550202");
    ASSERT_THAT(office.of("AgentCalled"), SizeIs(1)) << "one is kept";
    EXPECT_EQ(office.of("AgentCalled").front()->get("CallerIDNum"), "12015550201");
}

TEST_F(CustomerFirst, APlaceThatIsGivenUpFreesItsAgent) {
    office.people.rings = {answersIn(1s)};
    office.callBack(false);
    office.run(1s);
    caller(office, "12015550201");
    EXPECT_THAT(office.of("AgentCalled"), IsEmpty());
    ASSERT_TRUE(office.world.hangup(placeholder)); // as pbxd does when it is cancelled
    office.run(5s);
    EXPECT_THAT(office.of("AgentConnect"), SizeIs(1));
    EXPECT_THAT(office.pbxd.argumentsOf("gate"), IsEmpty());
    office.run(1min);
    EXPECT_TRUE(office.atRest());
}

TEST_F(CustomerFirst, AShutGateGivesThePlaceUp) {
    office.pbxd.answers["gate"] = {{"PBX_GATE", "hangup"}, {"PBX_WHY", "expired"}, {"PBX_DONE", "1"}};
    callBack(office);
    office.run(1s);
    EXPECT_THAT(office.pbxd.argumentsOf("done"), IsEmpty()) << "who was told nothing knows nothing";
    EXPECT_TRUE(office.atRest());
}

TEST_F(CustomerFirst, APlaceThatNobodySeesToIsGivenUp) {
    office.callBack(false);
    for (int seconds = 0; seconds < 60; seconds += 10) {
        office.run(10s);
        ASSERT_TRUE(office.world.playDigit(placeholder, '0'));
    }
    office.run(14s);
    EXPECT_FALSE(office.atRest()) << "kept by the last key";
    office.run(2s);
    EXPECT_TRUE(office.atRest());
    EXPECT_THAT(office.of("QueueCallerAbandon"), SizeIs(1));
    EXPECT_FALSE(office.world.playDigit(placeholder, '0'));
}

// An agent is free again, a second 1 comes: the customer is dialled once.
TEST_F(CustomerFirst, OneKeyTooManyDialsNobodyTwice) {
    office.letDial();
    office.people.rings = {answersIn(5s), answersIn(1s)};
    callBack(office);
    office.run(3s);
    ASSERT_TRUE(office.world.playDigit(placeholder, '1'));
    office.run(1min);
    EXPECT_THAT(office.pbxd.argumentsOf("gate"), SizeIs(1));
    EXPECT_THAT(office.reported(), ElementsAre("ANSWER", "16", "", "1"));
    EXPECT_TRUE(office.atRest());
}

} // namespace
} // namespace pbx::sim::test
