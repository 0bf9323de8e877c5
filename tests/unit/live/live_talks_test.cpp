// Agents and whom they talk with, since when; also across a fill or a reconnect that saw neither begin.
#include "mirror_test.hpp"

using namespace pbx;
using namespace pbx::live;
using namespace pbx::live::test;
using namespace std::chrono_literals;

// A call that agent 101 of queue "q" talks in: came 12 s before `start`, the agent's phone rang 2 s later.
struct TalkTest : MirrorTest {
    const FakeChannel caller{"1.1", "1.1", "PJSIP/trunk-00000001", 6, "5550100", "b1", "Queue", "q", start - 12s};
    const FakeChannel leg{"1.2", "1.1",      "PJSIP/101-00000002", 6,          "101",
                          "b1",  "AppQueue", "(Outgoing Line)",    start - 10s};
    const Headers both = with(with(caller.headers(), leg.headers("Dest")),
                              {{"Queue", "q"}, {"Interface", "PJSIP/101"}, {"MemberName", "Ann"}});

    void talk() {
        asterisk.channels["1.1"] = caller;
        asterisk.channels["1.2"] = leg;
        asterisk.queues["q"].members[0].inCall = 1;
    }
    void reconnect(Micros after) {
        asterisk.hangUp();
        rig.mirror.onDown("disconnected");
        rig.clock.advance(after);
        asterisk.now += after;
        rig.connect();
    }
    std::optional<UtcTime> answeredAt() { return rig.board()->calls.find("1.1")->answeredAt; }
    std::optional<Engagement> talking() { return rig.board()->queues.find("q")->member("PJSIP/101")->talking; }
};

TEST_F(TalkTest, AFillDoesNotInventSinceWhenACallTalks) {
    talk();
    rig.connect();
    ASSERT_TRUE(talking());
    EXPECT_FALSE(talking()->since);
    const auto* call = rig.board()->calls.find("1.1");
    ASSERT_TRUE(call);
    EXPECT_EQ(call->state, CallState::talking);
    EXPECT_EQ(call->startedAt, start - 12s) << "Asterisk's Duration tells this";
    EXPECT_FALSE(answeredAt());

    // Nor does what happens to it later.
    rig.event("Hold", caller.headers());
    EXPECT_EQ(rig.board()->calls.find("1.1")->state, CallState::held);
    rig.event("Unhold", caller.headers());
    EXPECT_EQ(rig.board()->calls.find("1.1")->state, CallState::talking);
    EXPECT_FALSE(answeredAt());
    rig.event("BridgeLeave", with(leg.headers(), {{"BridgeUniqueid", "b1"}}));
    EXPECT_NE(rig.board()->calls.find("1.1")->state, CallState::talking);
    rig.event("BridgeEnter", with(leg.headers(), {{"BridgeUniqueid", "b1"}}));
    EXPECT_EQ(rig.board()->calls.find("1.1")->state, CallState::talking);
    EXPECT_FALSE(answeredAt());
    EXPECT_FALSE(talking()->since);

    rig.event("AgentComplete", with(both, {{"Reason", "caller"}}));
    const auto completed = rig.events(FeedKind::agentCompleted);
    ASSERT_EQ(completed.size(), 1U);
    EXPECT_FALSE(completed.front().talkSeconds);
    EXPECT_FALSE(completed.front().holdSeconds);
}

// After an attended transfer within the team: the caller still runs Queue(), and the colleague is a member of it too.
TEST_F(TalkTest, WhoWasPutThroughIsNotInACallOfTheQueue) {
    talk();
    asterisk.queues["q"].members[0].inCall = 0;
    rig.connect();
    EXPECT_FALSE(talking());
    EXPECT_FALSE(rig.board()->queues.find("q")->member("PJSIP/101")->inCall);
    EXPECT_EQ(rig.board()->calls.find("1.1")->state, CallState::talking) << "as a call it goes on";
}

TEST_F(TalkTest, TheConnectEventAfterAFillTellsSinceWhen) {
    talk();
    rig.connect();
    asterisk.now += 70ms;
    rig.event("AgentConnect", with(both, {{"HoldTime", "10"}}));
    EXPECT_EQ(talking()->since, start + 70ms);
    EXPECT_EQ(answeredAt(), start + 70ms);
}

TEST_F(TalkTest, ACallAnsweredAfterTheFillHasTheTimeOfItsEvent) {
    addCaller(asterisk, "q", "1.1");
    rig.connect();
    EXPECT_FALSE(answeredAt());
    asterisk.now += 3s;
    rig.event("Newchannel", leg.headers());
    rig.event("AgentConnect", both);
    rig.event("BridgeEnter", with(asterisk.channels["1.1"].headers(), {{"BridgeUniqueid", "b1"}}));
    rig.event("BridgeEnter", with(leg.headers(), {{"BridgeUniqueid", "b1"}}));
    EXPECT_EQ(talking()->since, start + 3s);
    EXPECT_EQ(answeredAt(), start + 3s);
}

TEST_F(TalkTest, AReconnectKeepsWhatWasKnown) {
    rig.connect();
    rig.event("Newchannel", caller.headers());
    rig.event("Newchannel", leg.headers());
    asterisk.now += 1s;
    rig.clock.advance(1s);
    rig.event("AgentConnect", both);
    rig.event("BridgeEnter", with(caller.headers(), {{"BridgeUniqueid", "b1"}}));
    rig.event("BridgeEnter", with(leg.headers(), {{"BridgeUniqueid", "b1"}}));
    ASSERT_EQ(answeredAt(), start + 1s);
    talk();
    const auto seen = rig.feed.lastSeq();
    reconnect(20s);
    EXPECT_EQ(rig.board()->generation, 2U);
    EXPECT_EQ(answeredAt(), start + 1s);
    ASSERT_TRUE(talking());
    EXPECT_EQ(talking()->since, start + 1s);
    EXPECT_TRUE(rig.events(FeedKind::agentConnected, seen).empty());
}

TEST_F(TalkTest, AReconnectKeepsWhatWasNotKnown) {
    talk();
    rig.connect();
    reconnect(20s);
    EXPECT_EQ(rig.board()->generation, 2U);
    ASSERT_TRUE(talking());
    EXPECT_FALSE(talking()->since);
    EXPECT_FALSE(answeredAt());
}

TEST_F(TalkTest, AnsweredWhileNobodyLookedIsNotKnownSinceWhen) {
    addCaller(asterisk, "q", "1.1");
    rig.connect();
    asterisk.queues["q"].callers.clear();
    talk();
    const auto seen = rig.feed.lastSeq();
    reconnect(20s);
    ASSERT_TRUE(talking());
    EXPECT_FALSE(talking()->since);
    EXPECT_FALSE(answeredAt());
    const auto left = rig.events(FeedKind::callerLeft, seen);
    ASSERT_EQ(left.size(), 1U);
    EXPECT_EQ(left.front().outcome, Outcome::answered);
    EXPECT_TRUE(left.front().found);
    EXPECT_FALSE(left.front().holdSeconds) << "it left at some time between";
}
