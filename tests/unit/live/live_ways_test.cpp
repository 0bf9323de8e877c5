// How callers leave a queue: each way out is told once, of the right queue, for the right reason.
#include "mirror_test.hpp"

using namespace pbx;
using namespace pbx::live;
using namespace pbx::live::test;
using namespace std::chrono_literals;

namespace {

// A caller and Ann's and Bob's telephones; queues q (Ann, Bob) and b (Bob).
struct WayTest : MirrorTest {
    const FakeChannel caller{"1.1", "1.1", "PJSIP/trunk-00000001", 6, "5550100", "", "Queue", "q", start};
    const FakeChannel ann{"1.2", "1.1", "PJSIP/101-00000002", 6, "101", "", "AppQueue", "", start};
    const FakeChannel bob{"1.3", "1.1", "PJSIP/102-00000003", 6, "102", "", "AppQueue", "", start};
    std::uint64_t after = 0;
    WayTest() {
        asterisk.queues["b"].members.push_back({.interface = "PJSIP/102", .name = "Bob"});
        rig.connect();
        after = rig.feed.lastSeq();
        rig.event("Newchannel", caller.headers());
    }
    void pass(Micros time) {
        rig.clock.advance(time);
        asterisk.now += time;
        rig.mirror.onTick();
    }
    void join(const std::string& queue) {
        rig.event("QueueCallerJoin", with(caller.headers(), {{"Queue", queue}, {"Position", "1"}, {"Count", "1"}}));
    }
    void abandon(const std::string& queue) {
        rig.event("QueueCallerAbandon", with(caller.headers(), {{"Queue", queue}, {"Position", "1"}}));
    }
    void leave(const std::string& queue) {
        rig.event("QueueCallerLeave", with(caller.headers(), {{"Queue", queue}, {"Position", "1"}, {"Count", "0"}}));
    }
    Headers both(const std::string& queue, const FakeChannel& leg) const {
        const bool isAnn = leg == ann;
        return with(with(caller.headers(), leg.headers("Dest")), {{"Queue", queue},
                                                                  {"Interface", isAnn ? "PJSIP/101" : "PJSIP/102"},
                                                                  {"MemberName", isAnn ? "Ann" : "Bob"}});
    }
    void ring(const std::string& queue, const FakeChannel& leg) {
        rig.event("Newchannel", leg.headers());
        rig.event("AgentCalled", both(queue, leg));
    }
    void answer(const FakeChannel& leg) {
        rig.event("DialEnd", with(with(caller.headers(), leg.headers("Dest")), {{"DialStatus", "ANSWER"}}));
    }
    void connectAgent(const std::string& queue, const FakeChannel& leg) {
        rig.event("AgentConnect", with(both(queue, leg), {{"HoldTime", "2"}, {"RingTime", "2"}}));
    }
    void complete(const std::string& queue, const FakeChannel& leg) {
        rig.event("AgentComplete",
                  with(both(queue, leg), {{"HoldTime", "2"}, {"TalkTime", "60"}, {"Reason", "caller"}}));
    }
    void hangUp(const FakeChannel& channel) { rig.event("Hangup", with(channel.headers(), {{"Cause", "16"}})); }
    // By Ann, who has not taken the call yet: nothing is told.
    void isAnsweredForLong() {
        join("q");
        ring("q", ann);
        answer(ann);
        leave("q");
        for (int i = 0; i < 12; ++i) pass(1s);
        EXPECT_EQ(ways(), "");
    }
    std::string ways() {
        std::string all;
        for (const auto& one : rig.events(FeedKind::callerLeft, after))
            all.append(one.queue).append(" ").append(outcomeText(one.outcome)).append(" ");
        return all;
    }
};

} // namespace

TEST_F(WayTest, WhoGoesOnToAnotherQueueLeftTheFirst) {
    join("q");
    pass(20s);
    leave("q"); // by a key
    pass(5ms);
    join("b");
    EXPECT_EQ(ways(), "q key ") << "who waits elsewhere was not answered here";
    ring("b", bob);
    pass(200ms);
    answer(bob);
    leave("b");
    connectAgent("b", bob);
    pass(10s);
    EXPECT_EQ(ways(), "q key b answered ");
}

TEST_F(WayTest, WhoseWaitEndedAndIsAnsweredInTheNextQueueLeftBoth) {
    join("q");
    pass(20s);
    abandon("q"); // the queue's limit
    leave("q");
    pass(5ms);
    join("b");
    ring("b", bob);
    pass(200ms);
    answer(bob);
    leave("b");
    connectAgent("b", bob);
    pass(10s);
    EXPECT_EQ(ways(), "q unknown b answered ");
}

TEST_F(WayTest, WhoIsSentOnByAnEmptyQueueLeftBoth) {
    join("q");
    pass(20s);
    abandon("q");
    leave("q");
    pass(5ms);
    join("b");
    pass(5ms);
    abandon("b");
    leave("b");
    pass(10s);
    EXPECT_EQ(ways(), "q unknown b unknown ");
}

// The join of the second queue was lost: its AgentConnect says nothing about the first.
TEST_F(WayTest, AnAnswerElsewhereIsNoAnswerHere) {
    join("q");
    pass(20s);
    leave("q");
    pass(5ms);
    ring("b", bob);
    connectAgent("b", bob);
    pass(10s);
    EXPECT_EQ(ways(), "q key ");
}

// A subroutine on the answered call ("press 1 to accept") runs before AgentConnect.
TEST_F(WayTest, WhoWasAnsweredIsAnsweredHoweverLongTheAgentTakes) {
    join("q");
    pass(3s);
    ring("q", ann);
    pass(2s);
    answer(ann);
    leave("q");
    for (int i = 0; i < 30; ++i) pass(1s);
    EXPECT_EQ(ways(), "");
    connectAgent("q", ann);
    EXPECT_EQ(ways(), "q answered ");
    EXPECT_EQ(rig.events(FeedKind::callerLeft, after).front().holdSeconds, 5);
}

TEST_F(WayTest, WhoWasAnsweredAndLostTheAgentBeforeTheyTalkedLeftForNoKnownReason) {
    isAnsweredForLong();
    hangUp(ann);
    for (int i = 0; i < 6; ++i) pass(1s);
    EXPECT_EQ(ways(), "q unknown ");
}

TEST_F(WayTest, WhoHangsUpBeforeTheAgentTookTheCallLeftForNoKnownReason) {
    isAnsweredForLong();
    hangUp(caller);
    for (int i = 0; i < 6; ++i) pass(1s);
    EXPECT_EQ(ways(), "q unknown ");
}

TEST_F(WayTest, WhoLeftByAKeyAndWasPutThroughLeftByAKey) {
    join("q");
    pass(3s);
    leave("q");
    pass(500ms);
    rig.event("Newchannel", bob.headers()); // Dial()
    answer(bob);
    pass(1s);
    EXPECT_EQ(ways(), "q key ");
}

TEST_F(WayTest, AnAnswerThatAFillFoundIsTold) {
    join("q");
    ring("q", ann);
    answer(ann);
    leave("q");
    pass(1s);
    asterisk.channels["1.1"] = caller;
    asterisk.channels["1.2"] = ann;
    asterisk.channels["1.1"].bridge = asterisk.channels["1.2"].bridge = "x";
    asterisk.queues["q"].members[0].inCall = 1;
    rig.mirror.requestResync(); // AgentConnect was lost
    rig.settle();
    asterisk.answerAll();
    EXPECT_EQ(ways(), "q answered ");
}

// pbxd's own clock and Asterisk's drift apart; nothing is filled anew.
TEST_F(WayTest, ClocksThatDriftApartAreMeasuredAgain) {
    for (const auto step : {10s, -10s}) {
        rig.clock.step(step);
        for (int i = 0; i < 1000; ++i) { // one round
            pass(50ms);
            asterisk.answerAll();
        }
        after = rig.feed.lastSeq();
        const std::string uniqueid = step > 0s ? "2.1" : "3.1";
        const FakeChannel other{uniqueid, uniqueid, "PJSIP/trunk-0000000" + uniqueid, 6, "5550101", "", "Queue",
                                "q",      start};
        rig.event("Newchannel", other.headers());
        rig.event("QueueCallerJoin", with(other.headers(), {{"Queue", "q"}, {"Position", "1"}}));
        pass(2s);
        const auto board = rig.board();
        const auto& callers = board->queues.find("q")->callers;
        ASSERT_EQ(callers.size(), 1U);
        EXPECT_LT(std::chrono::abs(rig.clock.now() - callers[0]->since - 2s), 1s) << step.count();
        rig.event("QueueCallerLeave", with(other.headers(), {{"Queue", "q"}}));
        pass(900ms);
        EXPECT_EQ(ways(), "");
        pass(200ms);
        EXPECT_EQ(ways(), "q key ");
    }
}

TEST_F(WayTest, WhatIsNotExplainedIsWaitedForByTheSteadyClock) {
    join("q");
    pass(3s);
    rig.clock.step(10s); // not measured yet
    leave("q");
    pass(500ms);
    EXPECT_EQ(ways(), "");
    pass(600ms);
    EXPECT_EQ(ways(), "q key ");
}

TEST_F(WayTest, WhoLogsOutDuringACallHasCompletedItAllTheSame) {
    join("q");
    ring("q", ann);
    answer(ann);
    leave("q");
    connectAgent("q", ann);
    pass(30s);
    rig.event("QueueMemberRemoved", asterisk.queues["q"].members[0].headers("q", false));
    pass(30s);
    hangUp(caller);
    hangUp(ann);
    complete("q", ann);
    const auto completed = rig.events(FeedKind::agentCompleted, after);
    ASSERT_EQ(completed.size(), 1U);
    EXPECT_EQ(completed.front().callKey, "a1/1.1");
    EXPECT_EQ(completed.front().interface, "PJSIP/101");
    complete("q", ann);
    EXPECT_EQ(rig.events(FeedKind::agentCompleted, after).size(), 1U) << "told once";
}

TEST_F(WayTest, WhoLogsOutWhileItRingsRingsNoMore) {
    join("q");
    ring("q", ann);
    EXPECT_EQ(rig.board()->calls.find("1.1")->state, CallState::ringing);
    rig.event("QueueMemberRemoved", asterisk.queues["q"].members[0].headers("q", false));
    EXPECT_EQ(rig.board()->calls.find("1.1")->state, CallState::waiting);
}

TEST_F(WayTest, WhatTimeAloneTellsIsPublished) {
    join("q");
    pass(3s);
    leave("q");
    rig.settle();
    const auto last = rig.feed.lastSeq();
    pass(999ms);
    pass(2ms);
    EXPECT_EQ(rig.feed.lastSeq(), last + 1);
}

TEST_F(WayTest, AChannelThatIsRenamedIsRenamedEverywhere) {
    join("q");
    rig.event("Rename", {{"Channel", caller.name}, {"Newname", "PJSIP/trunk-00000009"}, {"Uniqueid", "1.1"}});
    const auto board = rig.board();
    EXPECT_EQ(board->channels.find("1.1")->name, "PJSIP/trunk-00000009");
    EXPECT_EQ(board->calls.find("1.1")->callerChannel, "PJSIP/trunk-00000009");
    EXPECT_EQ(board->queues.find("q")->callers[0]->channel, "PJSIP/trunk-00000009");
}
