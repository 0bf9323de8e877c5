// Each step of a queue call in the simulator against recordings of Asterisk 22.10.1: same events, same headers in the
// same order, an order of events that is allowed. What is expected is read from the recordings when the test runs.
#include "comparing.hpp"
#include "world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

namespace pbx::sim::test {
namespace {

using namespace std::chrono_literals;

// People who do what the scenario of the laboratory made them do.
class Script final : public People {
public:
    std::deque<RingPlan> rings;
    TalkPlan talking;
    int endedCalls = 0;

    RingPlan ring(const Call&, Index) override {
        if (rings.empty()) return {RingPlan::Outcome::noAnswer, 0s};
        const RingPlan plan = rings.front();
        rings.pop_front();
        return plan;
    }
    TalkPlan talk(const Call&) override { return talking; }
    void ended(const Call&) override { ++endedCalls; }
};

struct Laboratory {
    Script script;
    World world;
    Recorder recorder;
    Index tenant, queue, phone1, phone2, phone3;
    std::string did = "1000";

    explicit Laboratory(const std::string& name, std::uint64_t seed = 7, const std::string& queueName = "support",
                        bool members = true)
        : world(script, seed, fromEpochMicros(1'795'378'470'000'000)) {
        tenant = world.addTenant(name);
        for (Index* phone : {&phone1, &phone2, &phone3})
            *phone = world.addPhone(tenant, std::to_string(101 + (phone - &phone1)), "Somebody");
        Queue q;
        q.tenant = tenant;
        q.name = name + "-" + queueName;
        q.ringFor = 4s;
        q.retry = 1s;
        q.giveUpAfter = 20s;
        queue = world.addQueue(q);
        if (members) {
            world.seatMember(queue, phone1, 0, 2);
            world.seatMember(queue, phone2, 1, 2);
        }
        world.advance(world.now() + 1s);
        world.listen(&recorder);
    }
    void call(Micros patience) {
        world.startQueueCall({.tenant = tenant,
                              .queue = queue,
                              .number = "5550100",
                              .name = "Caller 5550100",
                              .did = did,
                              .patience = patience});
    }
    void run(Micros time) { world.advance(world.now() + time); }
    const std::string& queueName() const { return world.queues()[queue].name; }
};

void expectLike(std::string_view recording, const Laboratory& lab, bool deviceStatesComparable = true) {
    expectSameEvents(load(recording), lab.recorder.events, {lab.queueName(), deviceStatesComparable});
    EXPECT_EQ(lab.script.endedCalls, 1);
    EXPECT_TRUE(lab.world.calls().empty());
}

RingPlan answers(Micros after) { return {RingPlan::Outcome::answer, after}; }
RingPlan busy() { return {RingPlan::Outcome::busy, 0s}; }
RingPlan silent() { return {RingPlan::Outcome::noAnswer, 0s}; }

// The racing of the end of a call is seeded: every seed must give an allowed order.
class Seeds : public testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Many, Seeds, testing::Range<std::uint64_t>(1, 13));

TEST_P(Seeds, AnsweredAndTheCallerHangsUp) {
    Laboratory lab("viatalk", GetParam());
    lab.script.rings = {answers(700ms)};
    lab.script.talking.talk = 4800ms;
    lab.call(5min);
    lab.run(30s);
    expectLike("ami/22/s01_answered_caller_hangs_up.s2c.ami", lab);
}

TEST_P(Seeds, AnsweredAndTheAgentHangsUp) {
    Laboratory lab("dotblock", GetParam());
    lab.script.rings = {answers(500ms)};
    lab.script.talking.talk = 2500ms;
    lab.script.talking.agentEnds = true;
    lab.call(5min);
    lab.run(30s);
    expectLike("ami/22/s02_agent_hangs_up.s2c.ami", lab, false);
}

TEST(QueueCall, AbandonedWhileWaiting) {
    Laboratory lab("viatalk");
    for (const char* interface : {"PJSIP/viatalk-101", "PJSIP/viatalk-102"})
        lab.world.pause("", interface, true, "lunch");
    lab.run(1s);
    lab.call(5500ms);
    lab.run(6015ms);
    for (const char* interface : {"PJSIP/viatalk-101", "PJSIP/viatalk-102"}) lab.world.pause("", interface, false, "");
    lab.run(10s);
    expectLike("ami/22/s03_abandon_while_waiting_nobody_free.s2c.ami", lab);
}

TEST(QueueCall, RingNoAnswerTwiceThenAbandonedWhileRinging) {
    Laboratory lab("viatalk");
    for (const char* interface : {"PJSIP/viatalk-101", "PJSIP/viatalk-102"}) lab.world.pause("", interface, true, "");
    Member member;
    member.name = "Viatalk 103";
    ASSERT_EQ(lab.world.addMember("viatalk-support", "PJSIP/viatalk-103", member), World::Added::ok);
    lab.run(1s);
    lab.script.rings = {silent(), silent(), silent()};
    lab.call(11500ms);
    lab.run(12015ms);
    ASSERT_EQ(lab.world.removeMember("viatalk-support", "PJSIP/viatalk-103"), World::Removed::ok);
    for (const char* interface : {"PJSIP/viatalk-101", "PJSIP/viatalk-102"}) lab.world.pause("", interface, false, "");
    lab.run(10s);
    expectLike("ami/22/s04_ring_no_answer_then_abandon_while_ringing.s2c.ami", lab);
}

TEST(QueueCall, BusyThreeTimesThenAnsweredByAnother) {
    Laboratory lab("dotblock");
    lab.world.pause("", "PJSIP/dotblock-101", true, "");
    lab.run(1s);
    lab.script.rings = {busy(), busy(), busy(), answers(500ms)};
    lab.script.talking.talk = 2500ms;
    lab.script.talking.agentEnds = true;
    lab.call(5min);
    lab.run(2700ms);
    lab.world.pause("", "PJSIP/dotblock-101", false, "");
    lab.run(30s);
    expectLike("ami/22/s05_busy_agent_then_answered.s2c.ami", lab, false);
}

TEST(QueueCall, BlindTransferByTheAgent) {
    Laboratory lab("hostrocket");
    lab.world.pause("", "PJSIP/hostrocket-101", true, "");
    lab.run(1s);
    lab.script.rings = {answers(400ms)};
    lab.script.talking = {.talk = 60s,
                          .agentEnds = true,
                          .turn = TalkPlan::Turn::blindTransfer,
                          .turnAt = 1500ms,
                          .turnFor = 0s,
                          .target = "800"};
    lab.call(5min);
    lab.run(60s);
    lab.world.pause("", "PJSIP/hostrocket-101", false, "");
    lab.run(1s);
    expectLike("ami/22/s06_blind_transfer_by_agent_refer.s2c.ami", lab);
}

TEST(QueueCall, QueueTimeOut) {
    Laboratory lab("dotblock", 7, "sales", false);
    lab.did = "2000";
    lab.call(5min);
    lab.run(60s);
    expectLike("ami/22/s10_queue_timeout.s2c.ami", lab);
}

// The same life cycle on Asterisk 16: the names and their order within the call hold there too.
TEST(QueueCall, OrderHoldsOn16) {
    Laboratory lab("viatalk");
    lab.script.rings = {answers(700ms)};
    lab.script.talking.talk = 4800ms;
    lab.call(5min);
    lab.run(30s);
    const auto events = load("ami/16/s01_answered_caller_hangs_up.s2c.ami");
    const auto recorded = steps(events, {lab.queueName(), true});
    ASSERT_GE(recorded.size(), 10U);
    expectAllowedOrder(recorded, steps(lab.recorder.events, {lab.queueName(), true}));
}

TEST(QueueCall, AttendedTransferHasTheEventsOfTheRecording) {
    Laboratory lab("hostrocket");
    lab.world.pause("", "PJSIP/hostrocket-102", true, "");
    lab.run(1s);
    lab.script.rings = {answers(700ms), answers(2500ms)};
    lab.script.talking = {.talk = 60s,
                          .agentEnds = false,
                          .turn = TalkPlan::Turn::attendedTransfer,
                          .turnAt = 1s,
                          .turnFor = 5s,
                          .target = "103"};
    lab.call(5min);
    lab.run(100s);
    std::map<std::string, const Event*> recorded;
    const auto events = load("ami/22/s08_ami_blindtransfer_and_atxfer.s2c.ami");
    for (const Event& event : events) recorded[event.name] = &event;
    int found = 0;
    std::vector<std::string> order;
    for (const Event& event : lab.recorder.events) {
        if (event.name != "AttendedTransfer" && event.name != "BridgeMerge" && event.name != "Hold" &&
            event.name != "AgentComplete")
            continue;
        ASSERT_TRUE(recorded.contains(event.name)) << event.name;
        EXPECT_EQ(event.keys(), recorded[event.name]->keys()) << event.name;
        order.push_back(event.name);
        ++found;
    }
    EXPECT_THAT(order, testing::ElementsAre("Hold", "BridgeMerge", "AttendedTransfer", "AgentComplete"));
    EXPECT_EQ(found, 4);
    EXPECT_TRUE(lab.world.calls().empty());
    for (const Phone& phone : lab.world.phones())
        EXPECT_EQ(lab.world.deviceState(phone), DeviceState::notInUse) << phone.endpoint;
}

TEST(QueueCall, UnregisterAndRegister) {
    Laboratory lab("viatalk");
    lab.world.setRegistered(lab.phone3, false);
    lab.run(1s);
    lab.world.setRegistered(lab.phone3, true);
    const auto pick = [](const std::vector<Event>& all) {
        std::vector<std::string> lines;
        for (const Event& event : all) {
            if (event.name != "ContactStatus" && event.name != "PeerStatus" && event.name != "ExtensionStatus")
                continue;
            if (event.name != "ExtensionStatus")
                lines.push_back(event.keys() + event.get("ContactStatus") + event.get("PeerStatus"));
            else
                lines.push_back(event.keys() + event.get("Status") + event.get("StatusText"));
        }
        std::sort(lines.begin(), lines.end()); // they race
        return lines;
    };
    const auto events = load("ami/22/s15_register_unregister_agent.s2c.ami");
    EXPECT_THAT(pick(lab.recorder.events), testing::ElementsAreArray(pick(events)));
}

// A caller with a higher priority goes before those who wait; the others' new places are told by no event.
TEST(QueueCall, PriorityJoinsInFront) {
    Laboratory lab("viatalk", 7, "support", false);
    lab.call(5min);
    lab.run(1s);
    lab.world.startQueueCall(
        {.tenant = lab.tenant, .queue = lab.queue, .number = "5550101", .name = "", .priority = 10});
    lab.run(1s);
    std::vector<std::string> joins;
    for (const Event& event : lab.recorder.events)
        if (event.name == "QueueCallerJoin") joins.push_back(event.get("Position") + "/" + event.get("Count"));
    EXPECT_THAT(joins, testing::ElementsAre("1/1", "1/2"));
    EXPECT_EQ(lab.recorder.events.back().get("CallerIDName"), "<unknown>");
}

} // namespace
} // namespace pbx::sim::test
