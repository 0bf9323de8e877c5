// Each step of the rendered dialplan in the simulator against recordings of Asterisk 22.10.1 with the rendered dialplan
// and pbxd (tests/asterisk/record.py): the same events, headers, places in the dialplan and order.
#include "comparing.hpp"
#include "office.hpp"

#include <gtest/gtest.h>

namespace pbx::sim::test {
namespace {

using namespace std::chrono_literals;

RingPlan engaged() { return {RingPlan::Outcome::busy, 0s}; }
RingPlan quiet() { return {RingPlan::Outcome::noAnswer, 0s}; }

// The laboratory's queue sales of viatalk has the agent 101.
struct Rendered : Office {
    explicit Rendered(bool members = true, const std::string& name = "viatalk") : Office(name, members) {}
    void expectLike(const std::string& recording) const {
        SCOPED_TRACE(recording);
        expectSameRendered(load("ami/22/" + recording + ".s2c.ami"), recorder.events);
        EXPECT_TRUE(atRest());
    }
};

TEST(Flow, Blocked) {
    Rendered lab;
    lab.decide("hangup", "");
    lab.call();
    lab.run(1s);
    lab.expectLike("r01_blocked");
}

TEST(Flow, ClosedAnnouncement) {
    Rendered lab;
    lab.decide("announce", "vm-sorry");
    lab.call();
    lab.run(10s);
    lab.expectLike("r02_closed_announcement");
}

TEST(Flow, PriorityThenAbandoned) {
    Rendered lab(false, "hostrocket");
    lab.decide("queue", "hostrocket-support", "7");
    lab.call("12015550200", 2s);
    lab.run(10s);
    lab.expectLike("r03_priority_then_abandoned");
}

TEST(Flow, AskedByKey) {
    Rendered lab(false);
    lab.decide("queue", "viatalk-support", "0", "1");
    lab.pbxd.answers["callback"] = {{"PBX_CB_ASKED", "new"}, {"PBX_DONE", "1"}};
    lab.people.asking = {.asks = true, .after = 1200ms};
    lab.call();
    lab.run(1min);
    lab.expectLike("r04_asked_by_key");
}

TEST(Flow, CallbackReached) {
    Rendered lab;
    lab.letDial();
    lab.people.rings = {answersIn(500ms), answersIn(300ms)};
    lab.people.talking.talk = 1s;
    lab.people.talking.agentEnds = false; // the customer does
    lab.callBack();
    lab.run(1min);
    lab.expectLike("r05_callback_reached");
}

TEST(Flow, CallbackBusy) {
    Rendered lab;
    lab.letDial();
    lab.people.rings = {answersIn(500ms), engaged()};
    lab.callBack();
    lab.run(1min);
    lab.expectLike("r06_callback_busy");
}

TEST(Flow, CallbackNotAnswered) {
    Rendered lab;
    lab.letDial();
    lab.people.rings = {answersIn(500ms), quiet()};
    lab.callBack();
    lab.run(1min);
    lab.expectLike("r07_callback_not_answered");
}

TEST(Flow, CallbackCancelledBehindACaller) {
    Rendered lab(false);
    lab.decide("queue", "viatalk-support");
    lab.call("12015550200", 2500ms);
    lab.run(1s);
    lab.callBack(true, 2);
    lab.run(60ms);
    ASSERT_TRUE(lab.world.hangup("pbxd-1aaabx"));
    lab.run(10s);
    lab.expectLike("r08_callback_cancelled");
}

TEST(Flow, CallbackWhoseAgentHangsUpWhileDialling) {
    Rendered lab;
    lab.letDial();
    lab.people.rings = {answersIn(500ms), quiet()};
    lab.callBack();
    lab.run(3s);
    ASSERT_TRUE(lab.world.hangup(lab.of("AgentConnect").front()->get("DestChannel")));
    lab.run(10s);
    lab.expectLike("r09_callback_agent_hangs_up_while_dialling");
}

TEST(Flow, CallbackCustomerFirstWithAKey) {
    Rendered lab;
    lab.letDial("1");
    lab.people.rings = {answersIn(300ms), answersIn(500ms)};
    lab.people.talking.talk = 1s;
    lab.people.talking.agentEnds = false;
    lab.callBack(false);
    lab.run(50ms);
    ASSERT_TRUE(lab.world.playDigit("pbxd-1aaab", '1')); // as pbxd does when an agent is free
    lab.run(1min);
    lab.expectLike("r10_callback_customer_first_with_key");
}

TEST(Flow, CallbackToAMachine) {
    Rendered lab;
    lab.letDial("1");
    lab.people.rings = {answersIn(300ms, false)};
    lab.callBack(false);
    lab.run(50ms);
    ASSERT_TRUE(lab.world.playDigit("pbxd-1aaab", '1'));
    lab.run(1min);
    lab.expectLike("r11_callback_machine");
}

TEST(Flow, CustomerFirstAndACallerBehind) {
    Rendered lab;
    lab.world.seatMember(lab.support, lab.phone2, 0, 0);
    lab.decide("queue", "viatalk-support", "0", "1");
    lab.letDial();
    lab.people.rings = {answersIn(6s), answersIn(500ms), answersIn(500ms)}; // the customer, the caller's agent, his
    lab.people.talking.talk = 1s;
    lab.people.talking.agentEnds = false;
    lab.callBack(false);
    lab.run(50ms);
    ASSERT_TRUE(lab.world.playDigit("pbxd-1aaab", '1'));
    lab.run(150ms);
    lab.call();
    lab.run(1min);
    lab.expectLike("r14_customer_first_and_a_caller_behind");
}

TEST(Flow, Moved) {
    Rendered lab(false);
    lab.decide("queue", "viatalk-support", "0", "1");
    lab.call("12015550200", 5s);
    lab.run(4s);
    ASSERT_TRUE(
        lab.world.withdraw("viatalk-support", lab.of("QueueCallerJoin").front()->get("Channel"), "100viatalk-vip"));
    lab.run(10s);
    lab.expectLike("r12_moved");
}

} // namespace
} // namespace pbx::sim::test
