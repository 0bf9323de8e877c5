// What becomes of a caller whom pbxd has decided: each action, no answer, and asking to be called back by keys.
#include "office.hpp"

#include "companies.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace pbx::sim::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

RingPlan answersAfter(Micros after) { return {RingPlan::Outcome::answer, after}; }

TEST(Dialplan, TheCallIsAskedForAsTheRenderedOneAsks) {
    Office office;
    office.decide("hangup", "");
    office.call("12015550200");
    office.run(1s);
    ASSERT_EQ(office.pbxd.asked.size(), 1U);
    const Question& question = office.pbxd.asked.front();
    EXPECT_EQ(question.route, "route");
    EXPECT_EQ(question.tenant, "viatalk");
    EXPECT_THAT(question.arguments, ElementsAre("12015550101"));
    EXPECT_EQ(question.callerNumber, "12015550200");
    EXPECT_EQ(question.context, "viatalk-route");
}

TEST(Dialplan, BlockedIsRefusedBeforeAnAnswer) {
    Office office;
    office.decide("hangup", "");
    office.call();
    office.run(1s);
    ASSERT_EQ(office.of("Hangup").size(), 1U);
    EXPECT_EQ(office.of("Hangup").front()->get("Cause"), "21");
    EXPECT_EQ(office.of("Hangup").front()->get("ChannelState"), "4");
    EXPECT_THAT(office.of("Newstate"), IsEmpty());
    EXPECT_THAT(office.of("QueueCallerJoin"), IsEmpty());
    EXPECT_TRUE(office.atRest());
}

TEST(Dialplan, QueueWithPriorityGoesInFront) {
    Office office("viatalk", false);
    office.decide("queue", "viatalk-support");
    office.call("12015550201");
    office.run(1s);
    office.decide("queue", "viatalk-support", "70");
    office.call("12015550142");
    office.run(1s);
    EXPECT_THAT(office.waiting(office.support), ElementsAre("12015550142", "12015550201"));
    EXPECT_EQ(office.of("QueueCallerJoin").back()->get("Position"), "1");
}

TEST(Dialplan, WithoutAnAnswerToTheDefaultQueue) {
    Office office("viatalk", false);
    office.call("12015550201"); // wanted vip
    office.run(1s);
    EXPECT_THAT(office.waiting(office.support), ElementsAre("12015550201"));
    office.pbxd.answers["route"] = {{"PBX_ACTION", "hangup"}}; // and no PBX_DONE
    office.call("12015550202");
    office.run(1s);
    EXPECT_THAT(office.waiting(office.support), ElementsAre("12015550201", "12015550202"));
    office.decide("queue", "viatalk-new"); // not in queues.conf yet
    office.call("12015550203");
    office.run(1s);
    EXPECT_EQ(office.waiting(office.support).size(), 3U);
}

TEST(Dialplan, AnAnnouncementIsPlayedAndHungUp) {
    Office office;
    office.decide("announce", "custom/closed");
    office.call();
    office.run(2s);
    ASSERT_EQ(office.of("Newstate").size(), 1U);
    EXPECT_THAT(office.of("Hangup"), IsEmpty());
    office.run(10s);
    ASSERT_EQ(office.of("Hangup").size(), 1U);
    EXPECT_EQ(office.of("Hangup").front()->get("Cause"), "16");
    EXPECT_THAT(office.of("QueueCallerJoin"), IsEmpty());
    EXPECT_TRUE(office.atRest());
}

TEST(Dialplan, AnAgentsPhoneOrElseTheDefaultQueue) {
    Office office;
    office.decide("agent", "PJSIP/viatalk-102");
    office.people.rings = {answersAfter(2s)};
    office.call();
    office.run(4s);
    ASSERT_EQ(office.of("BridgeEnter").size(), 2U);
    EXPECT_EQ(office.of("BridgeEnter").front()->get("Channel").substr(0, 17), "PJSIP/viatalk-102");
    office.run(10s);
    EXPECT_TRUE(office.atRest());
    office.call();
    office.run(25s); // nobody answers there
    ASSERT_EQ(office.of("QueueCallerJoin").size(), 1U);
    EXPECT_EQ(office.of("QueueCallerJoin").front()->get("Queue"), "viatalk-support");
    office.run(10min);
    EXPECT_TRUE(office.atRest());
}

TEST(Dialplan, ANumberOutsideIsDialledByTheTrunk) {
    Office office;
    office.decide("number", "+12015550999");
    office.people.rings = {answersAfter(2s)};
    office.call();
    office.run(4s);
    ASSERT_EQ(office.of("DialBegin").size(), 1U);
    EXPECT_EQ(office.of("DialBegin").front()->get("DestCallerIDNum"), "+12015550999");
    EXPECT_EQ(office.world.tenants()[office.tenant].trunkChannels, 2U);
    office.run(30s);
    EXPECT_TRUE(office.atRest());
}

TEST(Dialplan, MovedToAnotherQueue) {
    Office office("viatalk", false);
    office.decide("queue", "viatalk-support", "70");
    office.call();
    office.run(1s);
    const std::string channel = office.of("QueueCallerJoin").front()->get("Channel");
    ASSERT_TRUE(office.world.withdraw("viatalk-support", channel, "040viatalk-vip"));
    office.run(1s);
    EXPECT_THAT(office.waiting(office.support), IsEmpty());
    ASSERT_EQ(office.waiting(office.vip).size(), 1U);
    EXPECT_EQ(office.world.calls().begin()->second->plan.priority, 40); // not higher than he may be there
}

std::string keysOf(const Office& office) {
    std::string all;
    for (const Event* event : office.of("DTMFEnd")) all += event->get("Digit");
    return all;
}

TEST(Dialplan, AsksAtTheOfferAndIsNeverInTheQueue) {
    Office office;
    office.decide("queue", "viatalk-support", "5", "1");
    office.pbxd.answers["callback"] = {{"PBX_CB_ASKED", "new"}, {"PBX_DONE", "1"}};
    office.people.asking.asks = true;
    office.call("12015550200");
    office.run(1min);
    ASSERT_EQ(office.pbxd.argumentsOf("callback").size(), 1U);
    const auto asked = office.pbxd.argumentsOf("callback").front();
    EXPECT_EQ(asked[0], "viatalk-support");
    EXPECT_EQ(asked[1], "12015550200");
    EXPECT_NEAR(std::stod(asked[2]), 6.3, 1.5); // the offer, the question, the keys
    EXPECT_EQ(asked[3], "5");
    EXPECT_EQ(keysOf(office), "11");
    EXPECT_THAT(office.of("QueueCallerJoin"), IsEmpty());
    EXPECT_TRUE(office.atRest());
}

TEST(Dialplan, AsksWhileWaitingForAnotherNumber) {
    Office office("viatalk", false);
    office.decide("queue", "viatalk-support", "0", "1");
    office.pbxd.answers["callback"] = {{"PBX_CB_ASKED", "existing"}, {"PBX_DONE", "1"}};
    office.people.asking = {.asks = true, .after = 10s, .otherNumber = "2015550777"};
    office.call();
    office.run(1min);
    EXPECT_EQ(keysOf(office), "122015550777#1");
    EXPECT_EQ(office.of("DTMFBegin").size(), office.of("DTMFEnd").size());
    ASSERT_EQ(office.pbxd.argumentsOf("callback").size(), 1U);
    EXPECT_EQ(office.pbxd.argumentsOf("callback").front()[1], "2015550777");
    EXPECT_GT(std::stod(office.pbxd.argumentsOf("callback").front()[2]), 13.0);
    ASSERT_EQ(office.of("QueueCallerLeave").size(), 1U);
    EXPECT_EQ(office.of("QueueCallerLeave").front()->get("Context"), "pbxd-key");
    EXPECT_THAT(office.of("QueueCallerAbandon"), IsEmpty()); // he did not give up
    EXPECT_TRUE(office.atRest());
}

TEST(Dialplan, RefusedGoesBackToHisPlace) {
    Office office("viatalk", false);
    office.decide("queue", "viatalk-support", "0", "1");
    office.people.asking = {.asks = true, .after = 6s}; // pbxd does not answer "callback"
    office.call("12015550201");
    office.run(4s); // waits
    office.people.asking = {};
    office.call("12015550202");
    office.run(5500ms);
    EXPECT_THAT(office.waiting(office.support), ElementsAre("12015550202"));
    office.run(20s);
    EXPECT_THAT(office.waiting(office.support), ElementsAre("12015550201", "12015550202"));
    EXPECT_EQ(office.pbxd.argumentsOf("callback").size(), 1U); // and asks no second time
}

TEST(Dialplan, AfterTheOfferHeJoinsWherePbxdSays) {
    Office office("viatalk", false);
    office.decide("queue", "viatalk-support");
    office.call("12015550201");
    office.call("12015550202");
    office.run(1s);
    office.decide("queue", "viatalk-support", "3", "1");
    office.world.changePriority("viatalk-support", office.of("QueueCallerJoin").front()->get("Channel"), 3, true);
    office.pbxd.answers["place"] = {{"PBX_PLACE", "1"}, {"PBX_DONE", "1"}};
    office.call("12015550203");
    office.run(5s);
    EXPECT_THAT(office.waiting(office.support), ElementsAre("12015550203", "12015550201", "12015550202"));
    ASSERT_EQ(office.pbxd.argumentsOf("place").size(), 1U); // who is offered nothing is simply the last
    const auto asked = office.pbxd.argumentsOf("place").front();
    EXPECT_EQ(asked[0], "viatalk-support");
    EXPECT_NEAR(std::stod(asked[1]), 3.1, 0.2); // the offer
    EXPECT_EQ(asked[2], "3");
}

TEST(Dialplan, CallersAloneFillAQueue) {
    Office office("viatalk", false);
    Queue small;
    small.tenant = office.tenant;
    small.name = "viatalk-small";
    small.max = 1;
    office.support = office.world.addQueue(small); // of the callback
    office.callBack();
    office.run(1s);
    ASSERT_EQ(office.waiting(office.support).size(), 1U);
    office.decide("queue", "viatalk-small");
    office.call("12015550201");
    office.run(1s);
    ASSERT_EQ(office.waiting(office.support).size(), 2U);
    office.call("12015550202");
    office.run(1s);
    EXPECT_EQ(office.waiting(office.support).size(), 2U);
}

TEST(Dialplan, ARestartForgetsWhatWasAsked) {
    Office office;
    office.decide("queue", "viatalk-support");
    office.call();
    office.run(12ms);
    ASSERT_EQ(office.pbxd.asked.size(), 1U);
    office.world.shutDown();
    office.run(1s);
    EXPECT_THAT(office.of("QueueCallerJoin"), IsEmpty());
    EXPECT_TRUE(office.world.calls().empty());
}

// examples/simulator/companies.hpp has the numbers of the three companies of the demo.
TEST(Companies, TheirNumbersAreThoseOfTheDemo) {
    std::ifstream in(std::string(PBX_SOURCE_DIR) + "/examples/three-companies/companies.json");
    const std::string json{std::istreambuf_iterator<char>(in), {}};
    ASSERT_FALSE(json.empty());
    for (std::size_t i = 0; i < companies.size(); ++i) {
        const auto begin = json.find("\"name\": \"" + std::string(companies.at(i).name) + "\"");
        ASSERT_NE(begin, std::string::npos);
        const auto end = i + 1 < companies.size()
                             ? json.find("\"name\": \"" + std::string(companies.at(i + 1).name) + "\"")
                             : json.size();
        const std::string company = json.substr(begin, end - begin);
        const auto dids =
            company.substr(company.find("\"dids\""), company.find("\"status_rules\"") - company.find("\"dids\""));
        for (const auto did : companies.at(i).dids)
            EXPECT_NE(dids.find("\"+" + std::string(did) + "\""), std::string::npos) << did;
        for (const auto caller : companies.at(i).callers) {
            const std::string text = caller == "anonymous" ? "\"anonymous\"" : "\"+" + std::string(caller) + "\"";
            EXPECT_NE(company.find(text, company.find("\"blocklist\"")), std::string::npos) << caller;
        }
    }
}

} // namespace
} // namespace pbx::sim::test
