// The mirror against a modelled Asterisk: fills, restarts, repairs, what is stale when.
#include "support.hpp"

#include <gtest/gtest.h>

#include <malloc.h>

#include <algorithm>
#include <chrono>

using namespace pbx;
using namespace pbx::live;
using namespace pbx::live::test;
using namespace std::chrono_literals;

namespace {

FakeChannel& addCaller(FakeAsterisk& asterisk, const std::string& queue, const std::string& uniqueid) {
    auto& channel = asterisk.channels[uniqueid];
    channel = {uniqueid, uniqueid,           "PJSIP/trunk-0000000" + uniqueid.substr(uniqueid.size() - 1),
               6,        "5550100",          "",
               "Queue",  queue + ",tT,,,40", asterisk.now};
    asterisk.queues[queue].callers.push_back({uniqueid, 0, asterisk.now});
    return channel;
}

Headers with(Headers headers, const Headers& more) {
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

} // namespace

TEST_F(MirrorTest, IsStaleUntilFilledAndSaysWhy) {
    EXPECT_EQ(rig.board()->state, BoardState::down);
    EXPECT_TRUE(rig.board()->stale);
    rig.mirror.onUp(asterisk.ask());
    EXPECT_EQ(rig.board()->state, BoardState::filling);
    EXPECT_EQ(rig.board()->staleReason, "filling after connect");
    while (asterisk.open() > 1) asterisk.answerOne();
    EXPECT_TRUE(rig.board()->stale) << "one list is missing yet";
    asterisk.answerOne();
    const auto board = rig.board();
    EXPECT_EQ(board->state, BoardState::live);
    EXPECT_FALSE(board->stale);
    EXPECT_EQ(board->asteriskVersion, "22.10.1");
    EXPECT_EQ(board->startup, "2026-11-22 20:20:36");
    EXPECT_EQ(board->queues.find("q")->members.size(), 2U);
    rig.mirror.onDown("disconnected");
    EXPECT_TRUE(rig.mirror.snapshot()->stale) << "at once, without a tick";
    EXPECT_EQ(rig.mirror.snapshot()->queues.find("q")->members.size(), 2U) << "but still shown";
    EXPECT_EQ(rig.events(FeedKind::boardStale).size(), 1U);
}

TEST_F(MirrorTest, ARefusedListLeavesItStaleWithTheRemedyAndIsTriedAgain) {
    asterisk.refuse = "CoreShowChannels";
    rig.connect();
    EXPECT_TRUE(rig.board()->stale);
    EXPECT_EQ(rig.board()->staleReason, "Asterisk refused CoreShowChannels: check the account's rights");
    asterisk.refuse.clear();
    rig.run(3s);
    EXPECT_FALSE(rig.board()->stale);
}

TEST_F(MirrorTest, NothingWithheldMeansNoDrift) {
    rig.connect();
    rig.run(60s);
    EXPECT_EQ(rig.board()->counters.driftTotal(), 0U);
    EXPECT_GE(rig.board()->counters.comparisons, 10U);
}

TEST_F(MirrorTest, DriftCallerMissing) {
    rig.connect();
    addCaller(asterisk, "q", "1.1");
    rig.event("Newchannel", asterisk.channels["1.1"].headers()); // QueueCallerJoin is withheld
    expectDrift(Drift::callerMissing);
    EXPECT_EQ(rig.board()->queues.find("q")->callers.size(), 1U);
    EXPECT_EQ(rig.events(FeedKind::callerJoined).size(), 1U);
    EXPECT_TRUE(rig.events(FeedKind::callerJoined).front().found);
}

TEST_F(MirrorTest, DriftCallerExtra) {
    addCaller(asterisk, "q", "1.1");
    rig.connect();
    asterisk.queues["q"].callers.clear();
    expectDrift(Drift::callerExtra);
    ASSERT_EQ(rig.events(FeedKind::callerLeft).size(), 1U);
    EXPECT_EQ(rig.events(FeedKind::callerLeft).front().outcome, Outcome::unknown);
}

TEST_F(MirrorTest, DriftMemberMissing) {
    rig.connect();
    asterisk.queues["q"].members.push_back({.interface = "PJSIP/103", .name = "Cid"});
    expectDrift(Drift::memberMissing);
    EXPECT_TRUE(rig.board()->queues.find("q")->member("PJSIP/103"));
}

TEST_F(MirrorTest, DriftMemberExtra) {
    rig.connect();
    asterisk.queues["q"].members.pop_back();
    expectDrift(Drift::memberExtra);
    EXPECT_FALSE(rig.board()->queues.find("q")->member("PJSIP/102"));
}

TEST_F(MirrorTest, DriftPaused) {
    rig.connect();
    asterisk.queues["q"].members[0].paused = true;
    expectDrift(Drift::paused);
    EXPECT_TRUE(rig.board()->queues.find("q")->member("PJSIP/101")->paused);
}

TEST_F(MirrorTest, DriftPausedReason) {
    asterisk.queues["q"].members[0].paused = true;
    rig.connect();
    asterisk.queues["q"].members[0].reason = "lunch";
    expectDrift(Drift::pausedReason);
    EXPECT_EQ(rig.board()->queues.find("q")->member("PJSIP/101")->pausedReason, "lunch");
}

TEST_F(MirrorTest, DriftPenalty) {
    rig.connect();
    asterisk.queues["q"].members[0].penalty = 7;
    expectDrift(Drift::penalty);
    EXPECT_EQ(rig.board()->queues.find("q")->member("PJSIP/101")->penalty, 7);
}

TEST_F(MirrorTest, DriftStatus) {
    rig.connect();
    asterisk.queues["q"].members[0].status = 2;
    expectDrift(Drift::status);
    EXPECT_EQ(rig.board()->queues.find("q")->member("PJSIP/101")->status, MemberStatus::inUse);
}

TEST_F(MirrorTest, DriftChannelMissing) {
    rig.connect();
    asterisk.channels["1.1"] = {"1.1", "1.1", "PJSIP/101-00000001", 6, "101", "", "Wait", "1", asterisk.now};
    expectDrift(Drift::channelMissing);
    EXPECT_EQ(rig.events(FeedKind::callStarted).size(), 1U);
}

TEST_F(MirrorTest, DriftGhostCall) {
    asterisk.channels["1.1"] = {"1.1", "1.1", "PJSIP/101-00000001", 6, "101", "", "Wait", "1", asterisk.now};
    rig.connect();
    asterisk.channels.clear();
    expectDrift(Drift::channelExtra);
    EXPECT_TRUE(rig.board()->calls.empty());
    EXPECT_EQ(rig.events(FeedKind::callEnded).size(), 1U);
}

// [pbxd-database]: its second half is still there when the caller has gone, as long as the database hangs.
TEST_F(MirrorTest, WhoAsksTheDatabaseIsNoPartOfTheCall) {
    const std::string half = "Local/question@pbxd-database-00000001;";
    asterisk.channels["1.0"] = {"1.0", "0.9", half + "2", 6, "", "", "Set", "ARRAY(A,B)=", asterisk.now};
    rig.connect();
    EXPECT_TRUE(rig.board()->calls.empty()) << "left over from a call that was before us";
    FakeChannel caller{"1.1", "1.1", "PJSIP/trunk-00000001", 4, "5550100", "", "Dial", "", asterisk.now};
    FakeChannel first{"1.2", "1.1", half + "1", 0, "", "", "AppDial", "", asterisk.now};
    FakeChannel second{"1.3", "1.1", half + "2", 4, "", "", "Set", "", asterisk.now};
    for (const auto* channel : {&caller, &first, &second}) {
        asterisk.channels[channel->uniqueid] = *channel;
        rig.event("Newchannel", channel->headers());
    }
    rig.event("LocalBridge", with(first.headers("LocalOne"), second.headers("LocalTwo")));
    rig.event("DialBegin", with(caller.headers(), first.headers("Dest")));
    ASSERT_EQ(rig.board()->calls.size(), 1U);
    EXPECT_EQ(rig.board()->calls.find("1.1")->channels, std::vector<std::string>{"1.1"});
    EXPECT_EQ(rig.board()->calls.find("1.1")->state, CallState::other);
    for (const auto* channel : {&first, &caller}) {
        asterisk.channels.erase(channel->uniqueid);
        rig.event("Hangup", channel->headers());
    }
    rig.run(30s);
    EXPECT_TRUE(rig.board()->calls.empty());
    EXPECT_EQ(rig.board()->counters.driftTotal(), 0U);
    EXPECT_EQ(rig.events(FeedKind::callEnded).size(), 1U);
}

TEST_F(MirrorTest, DriftChannelState) {
    asterisk.channels["1.1"] = {"1.1", "1.1", "PJSIP/101-00000001", 5, "101", "", "Dial", "1", asterisk.now};
    rig.connect();
    asterisk.channels["1.1"].state = 6;
    expectDrift(Drift::channelState);
    EXPECT_EQ(rig.board()->channels.find("1.1")->state, ChannelState::up);
}

TEST_F(MirrorTest, DriftChannelBridge) {
    asterisk.channels["1.1"] = {"1.1", "1.1", "PJSIP/101-00000001", 6, "101", "", "Dial", "1", asterisk.now};
    rig.connect();
    asterisk.channels["1.1"].bridge = "b1";
    expectDrift(Drift::channelBridge);
    EXPECT_EQ(rig.board()->channels.find("1.1")->bridgeId, "b1");
}

TEST_F(MirrorTest, DriftDeviceState) {
    rig.connect();
    asterisk.devices["PJSIP/101"] = "INUSE";
    expectDrift(Drift::deviceState);
    EXPECT_EQ(rig.board()->peers.find("PJSIP/101")->deviceState, "INUSE");
}

TEST_F(MirrorTest, ALateEventIsARaceAndNoDrift) {
    rig.connect();
    asterisk.queues["q"].members[0].paused = true;
    rig.run(2500ms); // asked at least once, the difference is suspected
    rig.event("QueueMemberPause", asterisk.queues["q"].members[0].headers("q", false));
    rig.run(60s);
    EXPECT_EQ(rig.board()->counters.driftTotal(), 0U);
}

TEST_F(MirrorTest, WhatNoEventAnnouncesIsRefreshedNotDrift) {
    addCaller(asterisk, "q", "1.1");
    addCaller(asterisk, "q", "1.2");
    rig.connect();
    auto& queue = asterisk.queues["q"];
    queue.completed = 3;
    queue.members[0].callsTaken = 3;
    queue.callers[1].priority = 10;
    std::swap(queue.callers[0], queue.callers[1]); // QueueChangePriorityCaller
    rig.run(30s);
    const auto board = rig.board();
    EXPECT_EQ(board->counters.driftTotal(), 0U);
    const Queue* q = board->queues.find("q");
    EXPECT_EQ(q->counters.completed, 3);
    EXPECT_EQ(q->member("PJSIP/101")->callsTaken, 3);
    ASSERT_EQ(q->callers.size(), 2U);
    EXPECT_EQ(q->callers[0]->uniqueid, "1.2");
    EXPECT_EQ(q->callers[0]->position, 1);
    EXPECT_EQ(q->callers[0]->priority, 10);
    EXPECT_EQ(refreshed(Refresh::order), 1U);
    EXPECT_GE(refreshed(Refresh::counters), 1U);
}

// No list tells it, so a channel that was there before is unknown: "not recorded" would be a lie.
TEST_F(MirrorTest, RecordingAndListeningAreKnownFromTheirEventsAlone) {
    addCaller(asterisk, "q", "1.1");
    rig.connect();
    const auto channel = [&](const std::string& id) { return *rig.board()->channels.find(id); };
    EXPECT_EQ(channel("1.1").recording, Recording::unknown);
    const Headers first{{"Channel", "PJSIP/trunk-00000001"}, {"Uniqueid", "1.1"}, {"Linkedid", "1.1"}};
    rig.event("MixMonitorStart", first);
    EXPECT_EQ(channel("1.1").recording, Recording::on);
    rig.event("MixMonitorMute", with(first, {{"Direction", "both"}, {"State", "1"}}));
    EXPECT_EQ(channel("1.1").recording, Recording::paused);
    rig.event("MixMonitorMute", with(first, {{"Direction", "both"}, {"State", "0"}}));
    EXPECT_EQ(channel("1.1").recording, Recording::on);
    rig.event("MixMonitorStop", first);
    EXPECT_EQ(channel("1.1").recording, Recording::off);
    rig.event("Newchannel",
              {{"Channel", "PJSIP/boss-00000002"}, {"ChannelState", "6"}, {"Uniqueid", "1.2"}, {"Linkedid", "1.2"}});
    EXPECT_EQ(channel("1.2").recording, Recording::off);
    rig.event("ChanSpyStart", {{"SpyerUniqueid", "1.2"}, {"SpyeeUniqueid", "1.1"}});
    EXPECT_EQ(channel("1.2").listensTo, "1.1");
    rig.event("ChanSpyStop", {{"SpyerUniqueid", "1.2"}, {"SpyeeUniqueid", "1.1"}});
    EXPECT_EQ(channel("1.2").listensTo, "");
    rig.event("MixMonitorStart", {{"Uniqueid", "9.9"}}); // of a channel that is gone
    EXPECT_EQ(rig.board()->counters.driftTotal(), 0U);
}

TEST_F(MirrorTest, AReloadIsAskedAfterAtOnceAndIsNoDrift) {
    rig.connect();
    auto& queue = asterisk.queues["q"];
    queue.members[0].penalty = 4;
    queue.members.push_back({.interface = "PJSIP/109", .name = "Zoe", .membership = "static"});
    asterisk.queues["new"];
    asterisk.asked.clear();
    rig.event("Reload", {{"Module", "app_queue.so"}, {"Status", "0"}});
    ASSERT_FALSE(asterisk.asked.empty());
    EXPECT_EQ(asterisk.asked.front(), "QueueStatus");
    asterisk.answerAll();
    const auto board = rig.board();
    EXPECT_EQ(board->queues.find("q")->member("PJSIP/101")->penalty, 4);
    EXPECT_TRUE(board->queues.find("q")->member("PJSIP/109"));
    EXPECT_TRUE(board->queues.find("new"));
    EXPECT_EQ(board->counters.driftTotal(), 0U);
    asterisk.queues.erase("new"); // CLI `queue reload all` sends nothing at all: the summary shows it
    rig.run(40s);
    EXPECT_FALSE(rig.board()->queues.find("new"));
    EXPECT_EQ(rig.board()->counters.driftTotal(), 0U);
}

TEST_F(MirrorTest, ARestartOfAsteriskEndsItsCalls) {
    addCaller(asterisk, "q", "1.1");
    rig.connect();
    EXPECT_EQ(rig.board()->calls.size(), 1U);
    asterisk.hangUp();
    rig.mirror.onDown("disconnected");
    asterisk.channels.clear();
    asterisk.queues["q"].callers.clear();
    asterisk.startup = "21:00:00";
    const auto before = rig.feed.lastSeq();
    rig.connect();
    const auto board = rig.board();
    EXPECT_EQ(board->counters.restarts, 1U);
    EXPECT_TRUE(board->calls.empty());
    ASSERT_EQ(rig.events(FeedKind::callerLeft, before).size(), 1U);
    EXPECT_EQ(rig.events(FeedKind::callerLeft, before).front().outcome, Outcome::unknown);
    EXPECT_EQ(rig.events(FeedKind::callEnded, before).size(), 1U);
}

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

TEST_F(MirrorTest, WithoutTimestampsASecondFillFollowsTheFirstQuietSecond) {
    asterisk.stamps = false;
    rig.connect();
    rig.event("QueueMemberStatus", asterisk.queues["q"].members[0].headers("q", false));
    EXPECT_EQ(rig.board()->generation, 1U);
    rig.run(1500ms);
    EXPECT_EQ(rig.board()->generation, 2U);
    rig.run(30s);
    EXPECT_EQ(rig.board()->generation, 2U) << "once is enough";
}

TEST_F(MirrorTest, DamageFillsAnewAndHoldsWhatComesMeanwhile) {
    rig.connect();
    rig.mirror.onDamage();
    EXPECT_TRUE(rig.board()->stale);
    asterisk.now += 1s;
    rig.clock.advance(1s);
    asterisk.queues["q"].members[0].penalty = 3;
    auto late = asterisk.queues["q"].members[1];
    asterisk.answerAll();
    late.penalty = 9;
    asterisk.queues["q"].members[1] = late;
    rig.event("QueueMemberPenalty", late.headers("q", false));
    const auto board = rig.board();
    EXPECT_FALSE(board->stale);
    EXPECT_EQ(board->queues.find("q")->member("PJSIP/101")->penalty, 3);
    EXPECT_EQ(board->queues.find("q")->member("PJSIP/102")->penalty, 9);
}

// A caller's text can damage a block again and again (UserEvent of somebody's dialplan).
TEST_F(MirrorTest, DamageAgainAndAgainFillsOnceEachTenSeconds) {
    rig.connect();
    asterisk.asked.clear();
    int fresh = 0;
    for (int i = 0; i < 600; ++i) {
        rig.clock.advance(100ms);
        asterisk.now += 100ms;
        rig.mirror.onDamage(); // also while a fill is under way: it goes on
        rig.mirror.onTick();
        if (!rig.mirror.snapshot()->stale) ++fresh;
        asterisk.answerAll();
    }
    EXPECT_GE(fresh, 590);
    EXPECT_LE(std::ranges::count(asterisk.asked, "BridgeList"), 7);
    rig.run(12s);
    const auto generation = rig.board()->generation;
    EXPECT_EQ(generation, 8U) << "the damage of the last seconds is mended too";
    rig.run(30s);
    EXPECT_EQ(rig.board()->generation, generation);
}

TEST_F(MirrorTest, DamageDuringAFillIsMendedByOneMore) {
    rig.connect();
    rig.mirror.onDamage();
    rig.settle();
    rig.mirror.onDamage();
    rig.settle();
    EXPECT_EQ(asterisk.open(), 7U) << "one fill is under way";
    asterisk.answerAll();
    EXPECT_FALSE(rig.board()->stale);
    const auto due = rig.mirror.nextDeadline();
    ASSERT_TRUE(due);
    EXPECT_LE(*due - rig.clock.steady(), 10s);
    rig.run(11s);
    EXPECT_EQ(rig.board()->generation, 3U);
}

TEST_F(MirrorTest, TooMuchToHoldStartsOver) {
    MirrorSettings settings{.server = "a1"};
    settings.maxHeldBytes = 4096;
    Rig small(settings);
    small.asterisk.queues["q"].members.push_back({.interface = "PJSIP/101", .name = "Ann"});
    small.mirror.onUp(small.asterisk.ask());
    for (int i = 0; i < 100; ++i)
        small.event("QueueMemberStatus", small.asterisk.queues["q"].members[0].headers("q", false));
    EXPECT_EQ(small.board()->counters.resyncFailures, 1U);
    small.asterisk.answerAll(); // answers to the fill that was given up
    EXPECT_TRUE(small.board()->stale);
    small.run(3s);
    EXPECT_FALSE(small.board()->stale);
}

TEST_F(MirrorTest, AClockThatIsAheadIsShifted) {
    asterisk.now = start + 90s;
    rig.connect();
    rig.event("QueueMemberStatus", with(asterisk.queues["q"].members[0].headers("q", false), {}));
    auto member = asterisk.queues["q"].members[0];
    member.paused = true;
    rig.event("QueueMemberPause", member.headers("q", false));
    const auto since = rig.board()->queues.find("q")->member("PJSIP/101")->pausedSince;
    ASSERT_TRUE(since);
    EXPECT_LT(std::chrono::abs(*since - start), 1s);
}

TEST_F(MirrorTest, ALocalAgentKeepsItsCallWhenTheLocalChannelIsOptimisedAway) {
    asterisk.queues["q"].members.push_back({.interface = "Local/103@agents", .name = "Cid"});
    rig.connect();
    const FakeChannel caller{"1.1", "1.1", "PJSIP/trunk-00000001", 6, "5550100", "", "Queue", "q", start};
    const FakeChannel one{"1.2", "1.1", "Local/103@agents-00000001;1", 6, "103", "", "", "", start};
    const FakeChannel two{"1.3", "1.1", "Local/103@agents-00000001;2", 6, "103", "", "", "", start};
    const FakeChannel phone{"1.4", "1.1", "PJSIP/103-00000002", 6, "103", "", "", "", start};
    for (const auto* channel : {&caller, &one, &two, &phone}) rig.event("Newchannel", channel->headers());
    rig.event("LocalBridge", with(one.headers("LocalOne"), two.headers("LocalTwo")));
    const Headers where{{"Queue", "q"}, {"Interface", "Local/103@agents"}, {"MemberName", "Cid"}};
    rig.event("QueueCallerJoin", with(caller.headers(), {{"Queue", "q"}, {"Position", "1"}}));
    rig.event("AgentCalled", with(with(caller.headers(), one.headers("Dest")), where));
    rig.event("QueueCallerLeave", with(caller.headers(), {{"Queue", "q"}}));
    rig.event("AgentConnect", with(with(caller.headers(), one.headers("Dest")), where));
    const Headers bridge{{"BridgeUniqueid", "b1"}};
    rig.event("BridgeEnter", with(one.headers(), bridge));
    rig.event("BridgeEnter", with(caller.headers(), bridge));
    rig.event("BridgeEnter", with(phone.headers(), bridge)); // takes the place of ;1
    rig.event("BridgeLeave", with(one.headers(), bridge));
    rig.event("Hangup", one.headers());
    rig.event("Hangup", two.headers());
    const Member* member = rig.board()->queues.find("q")->member("Local/103@agents");
    ASSERT_TRUE(member->talking);
    EXPECT_EQ(member->talking->agentUniqueid, "1.4");
    EXPECT_EQ(rig.board()->channels.find("1.2"), nullptr);
    rig.event("Hangup", phone.headers());
    EXPECT_FALSE(rig.board()->queues.find("q")->member("Local/103@agents")->talking);
}

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
    join("q");
    ring("q", ann);
    answer(ann);
    leave("q");
    for (int i = 0; i < 12; ++i) pass(1s);
    EXPECT_EQ(ways(), "");
    hangUp(ann);
    for (int i = 0; i < 6; ++i) pass(1s);
    EXPECT_EQ(ways(), "q unknown ");
}

TEST_F(WayTest, WhoHangsUpBeforeTheAgentTookTheCallLeftForNoKnownReason) {
    join("q");
    ring("q", ann);
    answer(ann);
    leave("q");
    for (int i = 0; i < 12; ++i) pass(1s);
    EXPECT_EQ(ways(), "");
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

TEST_F(MirrorTest, ADeviceThatAsteriskDoesNotListIsForgotten) {
    rig.connect();
    for (int i = 0; i < 100; ++i) {
        const std::string device = "DAHDI/i1/" + std::to_string(5550100 + i);
        rig.event("DeviceStateChange", {{"Device", device}, {"State", "INUSE"}});
        rig.event("DeviceStateChange", {{"Device", device}, {"State", "NOT_INUSE"}});
    }
    rig.event("DeviceStateChange", {{"Device", "PJSIP/102"}, {"State", "INUSE"}}); // Bob's: not listed here
    rig.event("PeerStatus", {{"Peer", "PJSIP/judged"}, {"PeerStatus", "Reachable"}});
    EXPECT_EQ(rig.board()->peers.size(), 103U);
    rig.run(60s);
    const auto board = rig.board();
    EXPECT_TRUE(board->peers.find("PJSIP/101")) << "listed";
    EXPECT_TRUE(board->peers.find("PJSIP/102")) << "a member's";
    EXPECT_TRUE(board->peers.find("PJSIP/judged")) << "known by its own events";
    EXPECT_EQ(board->peers.size(), 3U);
    EXPECT_EQ(board->counters.driftTotal(), 0U);
    rig.event("DeviceStateChange", {{"Device", "DAHDI/i1/5550100"}, {"State", "INUSE"}});
    rig.mirror.requestResync();
    rig.run(60s);
    EXPECT_FALSE(rig.board()->peers.find("DAHDI/i1/5550100"));
    EXPECT_TRUE(rig.board()->peers.find("PJSIP/102"));
    EXPECT_TRUE(rig.board()->peers.find("PJSIP/judged"));
}

TEST_F(MirrorTest, WrapUpIsCountedHereAndEnds) {
    rig.connect();
    rig.mirror.setWrapup({{"q", 15}});
    rig.settle();
    const FakeChannel caller{"1.1", "1.1", "PJSIP/trunk-00000001", 6, "5550100", "", "Queue", "q", start};
    const FakeChannel leg{"1.2", "1.1", "PJSIP/101-00000002", 6, "101", "", "AppQueue", "", start};
    rig.event("Newchannel", caller.headers());
    rig.event("Newchannel", leg.headers());
    const Headers both = with(with(caller.headers(), leg.headers("Dest")),
                              {{"Queue", "q"}, {"Interface", "PJSIP/101"}, {"MemberName", "Ann"}});
    rig.event("AgentConnect", both);
    EXPECT_TRUE(rig.board()->queues.find("q")->member("PJSIP/101")->inCall);
    rig.event("AgentComplete", with(both, {{"TalkTime", "0"}, {"HoldTime", "2"}, {"Reason", "agent"}}));
    EXPECT_EQ(rig.board()->queues.find("q")->member("PJSIP/101")->wrapupUntil, asterisk.now + 15s);
    rig.clock.advance(14s);
    EXPECT_TRUE(rig.board()->queues.find("q")->member("PJSIP/101")->wrapupUntil);
    rig.clock.advance(1s);
    EXPECT_FALSE(rig.board()->queues.find("q")->member("PJSIP/101")->wrapupUntil);
    const auto completed = rig.events(FeedKind::agentCompleted);
    ASSERT_EQ(completed.size(), 1U);
    EXPECT_EQ(completed.front().callKey, "a1/1.1");
    EXPECT_EQ(completed.front().reason, "agent");
    EXPECT_EQ(completed.front().holdSeconds, 2);
}

TEST_F(MirrorTest, ACallerOfHigherPriorityPassesThoseWhoWait) {
    rig.connect();
    for (const char* uniqueid : {"1.1", "1.2", "1.3"}) {
        const FakeChannel channel{
            uniqueid, uniqueid, std::string("PJSIP/trunk-0000000") + uniqueid[2], 6, "1", "", "Queue", "q", start};
        rig.event("Newchannel", channel.headers());
        const bool first = std::string_view(uniqueid) == "1.3";
        rig.event("QueueCallerJoin",
                  with(channel.headers(), {{"Queue", "q"}, {"Position", first ? "1" : std::string(1, uniqueid[2])}}));
    }
    const auto board = rig.board();
    const auto& callers = board->queues.find("q")->callers;
    ASSERT_EQ(callers.size(), 3U);
    EXPECT_EQ(callers[0]->uniqueid, "1.3");
    EXPECT_EQ(callers[1]->uniqueid, "1.1");
    EXPECT_EQ(callers[1]->position, 2);
    EXPECT_EQ(callers[2]->uniqueid, "1.2");
    EXPECT_EQ(callers[2]->position, 3);
}

TEST_F(MirrorTest, WithTwoThousandMembersItIsRightWithinThreeSeconds) {
    for (int q = 0; q < 20; ++q)
        for (int m = 0; m < 100; ++m)
            asterisk.queues["queue-" + std::to_string(q)].members.push_back(
                {.interface = "PJSIP/" + std::to_string(q * 100 + m), .name = "M"});
    const auto began = std::chrono::steady_clock::now();
    rig.connect();
    const auto took = std::chrono::steady_clock::now() - began;
    std::size_t members = 0;
    rig.board()->queues.each([&](const Queue& queue) { members += queue.members.size(); });
    EXPECT_EQ(members, 2002U);
    EXPECT_LT(took, 3s);
    RecordProperty("micros", static_cast<int>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
}

namespace {

// Answers of the second account, from recordings.
Ask recorded(const std::string& version, std::vector<std::string>& asked) {
    return [version, &asked](const ami::Action& action, SteadyTime, ami::ActionHandlers handlers) {
        asked.push_back(action.name());
        const bool known = action.name().starts_with("PJSIPShow");
        const auto kind = known ? ami::Result::Kind::success : ami::Result::Kind::refused;
        if (known)
            readRecording(version + "/action-" + action.name() + ".s2c.ami", [&](const ami::Message& message) {
                if (message.isEvent() && message.get("EventList").empty()) handlers.onItem(message);
            });
        const Headers headers{{"Response", known ? "Success" : "Error"}};
        const auto last = view(headers);
        handlers.onDone({.kind = kind, .message = &last, .items = 0, .sent = true});
        return true;
    };
}

} // namespace

TEST_F(MirrorTest, TheSecondAccountTellsReachabilityAndLatency) {
    for (const char* version : {"22", "16"}) {
        Rig one;
        one.connect();
        EXPECT_FALSE(one.board()->systemAccount);
        EXPECT_FALSE(one.board()->peers.find("PJSIP/dotblock-101")) << "unknown, never wrong";
        std::vector<std::string> asked;
        one.mirror.onSystemUp(recorded(version, asked));
        one.run(100ms);
        const auto board = one.board();
        EXPECT_TRUE(board->systemAccount);
        EXPECT_EQ(asked, (std::vector<std::string>{"PJSIPShowEndpoints", "PJSIPShowContacts", "SIPpeers"}));
        const Peer* peer = board->peers.find("PJSIP/dotblock-101");
        ASSERT_TRUE(peer) << version;
        EXPECT_EQ(peer->reachable, Tristate::yes);
        ASSERT_EQ(peer->contacts.size(), 1U);
        EXPECT_EQ(peer->contacts[0].aor, "dotblock-101");
        EXPECT_TRUE(peer->contacts[0].uri.starts_with("sip:dotblock-101@127.0.0.1:")) << peer->contacts[0].uri;
        EXPECT_GT(peer->latencyMicros.value_or(0), 0);
        one.run(61s);
        EXPECT_EQ(asked.size(), 5U) << "again after a minute, but not for chan_sip where there is none";
        one.event("ContactStatus", {{"URI", peer->contacts[0].uri},
                                    {"ContactStatus", "Unreachable"},
                                    {"AOR", "dotblock-101"},
                                    {"EndpointName", "dotblock-101"},
                                    {"RoundtripUsec", "0"}});
        EXPECT_EQ(one.board()->peers.find("PJSIP/dotblock-101")->reachable, Tristate::no);
        one.mirror.onSystemDown();
        EXPECT_FALSE(one.board()->systemAccount);
    }
}

// Where no telephone is registered, Asterisk 16 and 22 answer PJSIPShowContacts with an error.
TEST_F(MirrorTest, NoContactAtAllMeansThatNobodyIsReachable) {
    std::string why = "No Contacts found";
    std::vector<std::string> endpoints{"101", "102"};
    rig.connect();
    const auto ask = [&](const ami::Action& action, SteadyTime, ami::ActionHandlers handlers) {
        const bool listed = action.name() == "PJSIPShowEndpoints";
        if (listed)
            for (const auto& endpoint : endpoints)
                handlers.onItem(view({{"Event", "EndpointList"}, {"ObjectName", endpoint}}));
        const Headers headers{{"Response", listed ? "Success" : "Error"}, {"Message", why}};
        const auto last = view(headers);
        const auto kind = listed ? ami::Result::Kind::success : ami::Result::Kind::refused;
        handlers.onDone({.kind = kind, .message = &last, .items = 0, .sent = true});
        return true;
    };
    why = "Permission denied";
    rig.mirror.onSystemUp(ask);
    rig.run(100ms);
    EXPECT_FALSE(rig.board()->peers.find("PJSIP/102")) << "refused: nothing is known";
    why = "No Contacts found";
    rig.run(61s);
    ASSERT_TRUE(rig.board()->peers.find("PJSIP/102"));
    EXPECT_EQ(rig.board()->peers.find("PJSIP/101")->reachable, Tristate::no);
    EXPECT_EQ(rig.board()->peers.find("PJSIP/102")->reachable, Tristate::no);
}

// What SIPpeers of an Asterisk 16 said of a phone that was there, one that signed off, one that is slow, one that is
// gone.
TEST_F(MirrorTest, SipPeersTellReachabilityAndLatency) {
    rig.connect();
    rig.mirror.onSystemUp([](const ami::Action& action, SteadyTime, ami::ActionHandlers handlers) {
        const bool sip = action.name() == "SIPpeers";
        const auto peer = [&](const char* name, const char* address, const char* status) {
            handlers.onItem(view({{"Event", "PeerEntry"},
                                  {"Channeltype", "SIP"},
                                  {"ObjectName", name},
                                  {"IPaddress", address},
                                  {"IPport", "10030"},
                                  {"Status", status}}));
        };
        if (sip) {
            peer("here", "127.0.0.1", "OK (3 ms)");
            peer("off", "-none-", "OK (1 ms)");
            peer("slow", "127.0.0.2", "LAGGED (2100 ms)");
            peer("gone", "127.0.0.3", "UNREACHABLE");
            peer("unasked", "127.0.0.4", "Unmonitored");
        }
        const Headers headers{{"Response", "Success"}};
        const auto last = view(headers);
        handlers.onDone({.kind = ami::Result::Kind::success, .message = &last, .items = 0, .sent = true});
        return true;
    });
    rig.run(100ms);
    struct Expected {
        const char* name;
        Tristate reachable;
        const char* uri;
        const char* status;
        std::optional<std::int64_t> latency;
    };
    const auto expect = [&](const Expected& wanted) {
        const auto board = rig.board();
        const Peer* peer = board->peers.find(wanted.name);
        ASSERT_TRUE(peer) << wanted.name;
        EXPECT_EQ(peer->reachable, wanted.reachable) << wanted.name;
        EXPECT_EQ(peer->latencyMicros, wanted.latency) << wanted.name;
        ASSERT_EQ(peer->contacts.size(), *wanted.uri ? 1U : 0U) << wanted.name;
        if (!*wanted.uri) return;
        EXPECT_EQ(peer->contacts[0].uri, wanted.uri);
        EXPECT_EQ(peer->contacts[0].status, wanted.status) << wanted.name;
        EXPECT_EQ(peer->contacts[0].latencyMicros, wanted.latency) << wanted.name;
    };
    expect({"SIP/here", Tristate::yes, "sip:here@127.0.0.1", "Reachable", 3000});
    expect({"SIP/off", Tristate::no, "", "", {}});
    expect({"SIP/slow", Tristate::yes, "sip:slow@127.0.0.2", "Lagged", 2'100'000});
    expect({"SIP/gone", Tristate::no, "sip:gone@127.0.0.3", "Unreachable", {}});
    expect({"SIP/unasked", Tristate::unknown, "sip:unasked@127.0.0.4", "NonQualified", {}});
    const auto status = [&](const char* name, const char* word, const char* key, const char* value) {
        rig.event("PeerStatus", {{"ChannelType", "SIP"}, {"Peer", name}, {"PeerStatus", word}, {key, value}});
    };
    status("SIP/here", "Unregistered", "Cause", "Expired");
    expect({"SIP/here", Tristate::no, "", "", {}});
    status("SIP/off", "Registered", "Address", "127.0.0.9:10030");
    expect({"SIP/off", Tristate::yes, "sip:off@127.0.0.9", "Unknown", {}});
    status("SIP/off", "Reachable", "Time", "12");
    expect({"SIP/off", Tristate::yes, "sip:off@127.0.0.9", "Reachable", 12'000});
    status("SIP/off", "Unreachable", "Time", "-1");
    expect({"SIP/off", Tristate::no, "sip:off@127.0.0.9", "Unreachable", {}});
}

// Not under a sanitizer, whose allocator does not tell what is in use.
#ifndef PBX_SANITIZED
// 1,000 agents and 10,000 calls of two channels: 20,000 channels, 10,000 bridges, a snapshot held by a slow reader.
TEST_F(MirrorTest, MemoryOfAThousandAgentsAndTenThousandCalls) {
    const auto used = [] { return static_cast<double>(mallinfo2().uordblks + mallinfo2().hblkhd) / 1e6; };
    const double before = used();
    auto large = std::make_unique<Rig>();
    for (int i = 0; i < 1000; ++i) {
        FakeMember member{.interface = "PJSIP/tenant-agent-" + std::to_string(1000 + i), .name = "Agent Number"};
        for (int q = 0; q < 3; ++q)
            large->asterisk.queues["tenant-queue-" + std::to_string((i + q) % 30)].members.push_back(member);
    }
    large->connect();
    large->asterisk.queues.clear(); // the model's memory is not the board's
    const auto call = [&](int i, const char* kind, int leg) {
        const std::string base = "1795378478." + std::to_string(100000 + i * 2);
        const FakeChannel channel{leg == 0 ? base : "1795378478." + std::to_string(100001 + i * 2),
                                  base,
                                  "PJSIP/tenant-trunk-" + std::to_string(10000000 + i * 2 + leg),
                                  6,
                                  "15555550100",
                                  "",
                                  "",
                                  "",
                                  start};
        large->event(kind, with(channel.headers(),
                                {{"Tenantid", "tenant"},
                                 {"BridgeUniqueid", "7abff1df-8954-4e61-8d41-" + std::to_string(100000000000 + i)},
                                 {"BridgeType", "basic"},
                                 {"BridgeTechnology", "simple_bridge"}}));
    };
    for (int i = 0; i < 10'000; ++i)
        for (const char* kind : {"Newchannel", "BridgeEnter"})
            for (int leg : {0, 1}) call(i, kind, leg);
    const auto held = large->board();
    for (int i = 0; i < 10'000; ++i) call(i, "BridgeLeave", 0); // every call changes while somebody holds the old board
    const auto now = large->board();
    EXPECT_EQ(held->channels.size(), 20'000U);
    EXPECT_EQ(now->calls.size(), 10'000U);
    EXPECT_EQ(callStateText(held->calls.find("1795378478.100000")->state), "talking");
    EXPECT_EQ(callStateText(now->calls.find("1795378478.100000")->state), "other");
    const double megabytes = used() - before;
    RecordProperty("megabytes", static_cast<int>(megabytes));
    std::printf("board, a held snapshot and the full feed: %.0f MB\n", megabytes);
    EXPECT_LT(megabytes, 150.0);
}
#endif
