// The mirror against a modelled Asterisk: fills, restarts, repairs, what is stale when.
#include "mirror_test.hpp"

#include <malloc.h>

#include <algorithm>

using namespace pbx;
using namespace pbx::live;
using namespace pbx::live::test;
using namespace std::chrono_literals;

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
