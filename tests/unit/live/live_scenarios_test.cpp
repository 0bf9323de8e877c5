// Recordings of a real Asterisk 16 and 22, replayed: what the board shows in the middle and at the end.
// The expected values were read by hand from the recordings' readable form.
#include "support.hpp"

#include <gtest/gtest.h>

#include <filesystem>

using namespace pbx;
using namespace pbx::live;
using namespace pbx::live::test;
using namespace std::chrono_literals;

namespace {

// The laboratory's members; a scenario adds its own by QueueAdd. Status 1, nobody paused: as each scenario begins.
void laboratory(FakeAsterisk& asterisk) {
    const auto member = [&](const char* queue, const char* interface, const char* name) {
        asterisk.queues[queue].members.push_back({.interface = interface, .name = name});
    };
    member("lab-leave", "PJSIP/viatalk-101", "Viatalk 101");
    for (const char* tenant : {"viatalk", "hostrocket", "dotblock"}) {
        std::string title = tenant;
        title[0] = static_cast<char>(title[0] - 'a' + 'A');
        for (const char* queue : {"-sales", "-vip"}) asterisk.queues[tenant + std::string(queue)];
        for (const char* number : {"101", "102"})
            member((tenant + std::string("-support")).c_str(), ("PJSIP/" + std::string(tenant) + "-" + number).c_str(),
                   (title + " " + number).c_str());
    }
}

struct Replay : Rig {
    bool dialplan = true; // class dialplan (VarSet, Newexten), which pbxd's account does not read
    std::map<std::string, FakeQueue> listed;
    int comparisons = 0;
    int reordered = 0; // lists whose order of callers no event had told

    Replay() {
        laboratory(asterisk);
        asterisk.now = start - 1h;
        connect();
    }
    // Plays up to `until` seconds after the first event; returns when there.
    void play(const std::string& file, double until = 1e9) {
        std::optional<UtcTime> first;
        bool over = false;
        readRecording(file, [&](const ami::Message& message) {
            if (over) return;
            if (!message.isEvent()) return;
            if (!message.actionId().empty()) return takeList(message);
            if (!dialplan && (message.name() == "VarSet" || message.name() == "Newexten")) return;
            if (const auto at = ami::eventTimestamp(message)) {
                if (!first) first = *at;
                if (std::chrono::duration<double>(*at - *first).count() > until) {
                    over = true;
                    return;
                }
                clock.set(*at);
            }
            mirror.onEvent(message);
            mirror.onTick();
        });
        settle();
    }
    // A QueueStatus inside the recording is Asterisk's own word on what the board must show at that moment.
    void takeList(const ami::Message& item) {
        const auto text = [&](const char* key) { return std::string(item.get(key)); };
        if (item.name() == "QueueParams") listed[text("Queue")];
        if (item.name() == "QueueMember")
            listed[text("Queue")].members.push_back({.interface = text("Location"),
                                                     .name = text("Name"),
                                                     .membership = text("Membership"),
                                                     .penalty = std::stoi(text("Penalty")),
                                                     .paused = text("Paused") == "1",
                                                     .reason = text("PausedReason"),
                                                     .status = std::stoi(text("Status"))});
        if (item.name() == "QueueEntry") listed[text("Queue")].callers.push_back({text("Uniqueid"), 0, start});
        if (item.name() != "QueueStatusComplete") return;
        const auto now = board();
        for (const auto& [name, queue] : listed) {
            const Queue* ours = now->queues.find(name);
            if (!ours) continue; // not one of those that the laboratory's list above knows
            SCOPED_TRACE(name);
            ++comparisons;
            ASSERT_EQ(ours->callers.size(), queue.callers.size());
            bool sameOrder = true;
            for (std::size_t i = 0; i < queue.callers.size(); ++i) {
                EXPECT_TRUE(ours->caller(queue.callers[i].uniqueid)) << queue.callers[i].uniqueid;
                sameOrder = sameOrder && ours->callers[i]->uniqueid == queue.callers[i].uniqueid;
            }
            if (!sameOrder) ++reordered;
            for (const auto& theirs : queue.members) {
                const Member* member = ours->member(theirs.interface);
                if (!member && theirs.membership == "static") continue;
                ASSERT_TRUE(member) << theirs.interface;
                EXPECT_EQ(member->paused, theirs.paused) << theirs.interface;
                EXPECT_EQ(member->pausedReason, theirs.reason) << theirs.interface;
                EXPECT_EQ(static_cast<int>(member->status), theirs.status) << theirs.interface;
            }
        }
        listed.clear();
    }
    const Member* member(const char* queue, const char* interface) {
        kept = board();
        const Queue* q = kept->queues.find(queue);
        return q ? q->member(interface) : nullptr;
    }
    SnapshotPtr kept;
};

std::vector<std::string> scenarios(const char* version) {
    std::vector<std::string> all;
    for (const auto& entry :
         std::filesystem::directory_iterator(PBX_SOURCE_DIR "/tests/fixtures/ami/" + std::string(version))) {
        const auto name = entry.path().filename().string();
        if (name.starts_with("s") && name.ends_with(".s2c.ami")) all.push_back(name);
    }
    std::sort(all.begin(), all.end());
    return all;
}

struct Scenarios : ::testing::TestWithParam<const char*> {
    std::string file(const char* name) const { return std::string(GetParam()) + "/" + name + ".s2c.ami"; }
};

} // namespace

INSTANTIATE_TEST_SUITE_P(Asterisk, Scenarios, ::testing::Values("22", "16"),
                         [](const auto& version) { return "Asterisk" + std::string(version.param); });

// Every scenario ends with all calls over and every agent free.
TEST_P(Scenarios, EveryOneEndsWithAnEmptyBoard) {
    const auto all = scenarios(GetParam());
    ASSERT_EQ(all.size(), 21U);
    for (const bool dialplan : {true, false})
        for (const auto& name : all) {
            if (name.starts_with("s18_")) continue; // ends with a parked call; below
            SCOPED_TRACE(name);
            Replay replay;
            replay.dialplan = dialplan;
            replay.play(std::string(GetParam()) + "/" + name);
            replay.clock.advance(6s);
            replay.mirror.onTick();
            const auto board = replay.board();
            EXPECT_EQ(board->counters.malformed, 0U);
            EXPECT_GE(board->counters.applied, 3U); // s14: a call that is refused at once
            std::size_t joined = replay.events(FeedKind::callerJoined).size();
            EXPECT_EQ(replay.events(FeedKind::callerLeft).size(), joined);
            EXPECT_EQ(replay.events(FeedKind::callStarted).size(), replay.events(FeedKind::callEnded).size());
            // s21 meets the end of the call that s18 parked, of which this board knows nothing; on 22 its AgentComplete
            // comes after the caller's Hangup and cannot be told from a repetition.
            const bool foreign = name.starts_with("s21_") && std::string_view(GetParam()) == "16";
            EXPECT_EQ(replay.events(FeedKind::agentCompleted).size(),
                      replay.events(FeedKind::agentConnected).size() + (foreign ? 1U : 0U));
            EXPECT_EQ(board->channels.size(), 0U);
            EXPECT_EQ(board->calls.size(), 0U);
            EXPECT_EQ(board->bridges.size(), 0U);
            board->queues.each([&](const Queue& queue) {
                EXPECT_TRUE(queue.callers.empty()) << queue.name;
                for (const auto& member : queue.members) {
                    EXPECT_FALSE(member->talking) << queue.name << " " << member->interface;
                    EXPECT_FALSE(member->ringing) << queue.name << " " << member->interface;
                    EXPECT_FALSE(member->inCall);
                }
            });
        }
}

// s18 ends while its caller is parked: alone in a holding bridge.
TEST_P(Scenarios, AParkedCallerIsStillThere) {
    Replay replay;
    replay.play(file("s18_spy_monitor_mute_park"));
    std::size_t parked = 0;
    const auto board = replay.board();
    board->bridges.each([&](const Bridge& bridge) {
        if (bridge.type != "holding" && bridge.technology != "holding_bridge") return;
        for (const auto& uniqueid : bridge.channels)
            if (const Channel* channel = board->channels.find(uniqueid))
                parked += channel->name.starts_with("PJSIP/viatalk-trunk-") ? 1U : 0U;
    });
    EXPECT_EQ(parked, 1U);
}

TEST_P(Scenarios, TheRecordingsOwnQueueStatusAgrees) {
    Replay eleven;
    eleven.play(file("s11_priority_change_and_withdraw"));
    EXPECT_GE(eleven.comparisons, 3);
    // QueueChangePriorityCaller with Immediate (22 only) moves callers without an event: the reconciler's work.
    EXPECT_EQ(eleven.reordered, std::string_view(GetParam()) == "22" ? 1 : 0);
    Replay twelve;
    twelve.play(file("s12_member_administration"));
    EXPECT_GE(twelve.comparisons, 1);
    EXPECT_EQ(twelve.reordered, 0);
}

// s01: joins at 1.53, rings 101 from 1.54, talks from 2.25, hangs up at 7.04.
TEST_P(Scenarios, AnAnsweredCallStepByStep) {
    {
        Replay replay;
        replay.play(file("s01_answered_caller_hangs_up"), 2.0);
        const Member* member = replay.member("viatalk-support", "PJSIP/viatalk-101");
        ASSERT_TRUE(member && member->ringing);
        EXPECT_EQ(member->ringing->number, "5550100");
        EXPECT_FALSE(member->inCall);
        ASSERT_EQ(replay.kept->queues.find("viatalk-support")->callers.size(), 1U);
        EXPECT_EQ(replay.kept->queues.find("viatalk-support")->callers[0]->position, 1);
        ASSERT_EQ(replay.kept->calls.size(), 1U);
        EXPECT_EQ(replay.kept->calls.sorted()[0]->state, CallState::ringing);
    }
    Replay replay;
    replay.play(file("s01_answered_caller_hangs_up"), 3.0);
    const Member* member = replay.member("viatalk-support", "PJSIP/viatalk-101");
    ASSERT_TRUE(member && member->talking);
    EXPECT_EQ(member->talking->number, "5550100");
    EXPECT_TRUE(member->inCall);
    EXPECT_EQ(member->status, MemberStatus::inUse);
    EXPECT_TRUE(replay.kept->queues.find("viatalk-support")->callers.empty());
    // The same agent is in use in its other queue too, but talks to nobody there.
    EXPECT_FALSE(replay.member("lab-leave", "PJSIP/viatalk-101")->talking);
    const auto calls = replay.kept->calls.sorted();
    ASSERT_EQ(calls.size(), 1U);
    EXPECT_EQ(calls[0]->state, CallState::talking);
    EXPECT_EQ(calls[0]->queue, "viatalk-support");
    EXPECT_EQ(calls[0]->interface, "PJSIP/viatalk-101");
    EXPECT_EQ(calls[0]->number, "5550100");
    EXPECT_EQ(calls[0]->exten, "1000");
    EXPECT_EQ(calls[0]->context, "viatalk-inbound");
    EXPECT_EQ(calls[0]->channels.size(), 2U);
}

TEST_P(Scenarios, HowCallersLeft) {
    const auto outcomes = [&](const char* name, bool dialplan) {
        Replay replay;
        replay.dialplan = dialplan;
        replay.play(file(name));
        replay.clock.advance(6s);
        replay.mirror.onTick();
        std::string all;
        for (const auto& event : replay.events(FeedKind::callerLeft))
            all.append(outcomeText(event.outcome)).append(" ");
        return all;
    };
    EXPECT_EQ(outcomes("s01_answered_caller_hangs_up", false), "answered ");
    EXPECT_EQ(outcomes("s03_abandon_while_waiting_nobody_free", false), "abandoned ");
    EXPECT_EQ(outcomes("s04_ring_no_answer_then_abandon_while_ringing", false), "abandoned ");
    EXPECT_EQ(outcomes("s09_exit_with_key_rfc2833_and_info", false), "key key ");
    EXPECT_EQ(outcomes("s10_queue_timeout", true), "timeout ");
    EXPECT_EQ(outcomes("s10_queue_timeout", false), "unknown "); // AMI alone does not tell
    EXPECT_EQ(outcomes("s11_priority_change_and_withdraw", true), "withdrawn abandoned abandoned ");
    EXPECT_EQ(outcomes("s11_priority_change_and_withdraw", false), "unknown abandoned abandoned ");
}

// s07: the caller is redirected away after 1 s of talk; AgentComplete comes when it hangs up, 10 s later.
TEST_P(Scenarios, ARedirectFreesTheAgentAtOnce) {
    Replay replay;
    replay.play(file("s07_ami_redirect_of_the_caller"), 5.0);
    const Member* member = replay.member("viatalk-support", "PJSIP/viatalk-101");
    EXPECT_FALSE(member->talking);
    EXPECT_FALSE(member->inCall);
    EXPECT_TRUE(replay.events(FeedKind::agentCompleted).empty());
    EXPECT_EQ(replay.kept->calls.size(), 1U) << "the caller is still there";
    Replay whole;
    whole.play(file("s07_ami_redirect_of_the_caller"));
    const auto completed = whole.events(FeedKind::agentCompleted);
    ASSERT_EQ(completed.size(), 1U);
    EXPECT_FALSE(completed[0].callKey.empty()) << "found again although the event names no channel";
    EXPECT_EQ(completed[0].talkSeconds, 11);
}

// s17: Ann is Local/101@viatalk-internal/n with the state of PJSIP/viatalk-101.
TEST_P(Scenarios, AnAgentBehindALocalChannel) {
    Replay replay;
    replay.play(file("s17_local_channel_agent"), 4.0);
    const Member* member = replay.member("viatalk-sales", "Local/101@viatalk-internal/n");
    ASSERT_TRUE(member && member->talking);
    EXPECT_EQ(member->name, "Ann");
    EXPECT_EQ(member->stateInterface, "PJSIP/viatalk-101");
    const Channel* half = replay.kept->channels.find(member->talking->agentUniqueid);
    ASSERT_TRUE(half);
    EXPECT_TRUE(half->name.ends_with(";1")) << half->name;
    EXPECT_FALSE(half->localOther.empty());
    const auto calls = replay.kept->calls.sorted();
    ASSERT_EQ(calls.size(), 1U) << "four channels, one call";
    EXPECT_EQ(calls[0]->channels.size(), 4U);
    EXPECT_EQ(calls[0]->state, CallState::talking);
}

TEST_P(Scenarios, ADuplicatedStreamChangesNothing) {
    for (const auto& name : scenarios(GetParam())) {
        SCOPED_TRACE(name);
        Replay once;
        once.play(std::string(GetParam()) + "/" + name);
        Replay twice;
        readRecording(std::string(GetParam()) + "/" + name, [&](const ami::Message& message) {
            if (!message.isEvent() || !message.actionId().empty()) return;
            if (const auto at = ami::eventTimestamp(message)) twice.clock.set(*at);
            for (int i = 0; i < 2; ++i) twice.mirror.onEvent(message);
            twice.mirror.onTick();
        });
        const auto a = once.board();
        const auto b = twice.board();
        EXPECT_EQ(b->channels.size(), a->channels.size());
        EXPECT_EQ(b->calls.size(), a->calls.size());
        EXPECT_EQ(b->bridges.size(), a->bridges.size());
        for (const auto kind : {FeedKind::callerJoined, FeedKind::callerLeft, FeedKind::callStarted,
                                FeedKind::callEnded, FeedKind::agentConnected})
            EXPECT_EQ(twice.events(kind).size(), once.events(kind).size()) << feedKindText(kind);
        a->queues.each([&](const Queue& queue) {
            const Queue* other = b->queues.find(queue.name);
            ASSERT_TRUE(other);
            ASSERT_EQ(other->members.size(), queue.members.size());
            for (const auto& member : queue.members) {
                EXPECT_EQ(other->member(member->interface)->status, member->status);
                EXPECT_EQ(other->member(member->interface)->paused, member->paused);
            }
        });
    }
}

// Any single event lost of an answered call, on both versions: what is left is repaired by two rounds of questions, or
// was no loss.
TEST_P(Scenarios, ALostEventNeverLeavesAGhost) {
    const std::string name = file("s01_answered_caller_hangs_up");
    std::size_t events = 0;
    readRecording(name, [&](const ami::Message& m) { events += m.isEvent() && Board::isKnown(m.name()) ? 1U : 0U; });
    ASSERT_GT(events, 40U);
    for (std::size_t lost = 0; lost < events; ++lost) {
        Replay replay;
        std::size_t index = 0;
        readRecording(name, [&](const ami::Message& message) {
            if (!message.isEvent() || !message.actionId().empty()) return;
            if (const auto at = ami::eventTimestamp(message)) replay.clock.set(*at);
            if (Board::isKnown(message.name()) && index++ == lost) return;
            replay.mirror.onEvent(message);
        });
        replay.run(60s);
        const auto board = replay.board();
        SCOPED_TRACE("event " + std::to_string(lost));
        EXPECT_EQ(board->channels.size(), 0U);
        EXPECT_EQ(board->calls.size(), 0U);
        board->queues.each([&](const Queue& queue) {
            EXPECT_TRUE(queue.callers.empty());
            for (const auto& member : queue.members) {
                EXPECT_FALSE(member->talking);
                EXPECT_FALSE(member->ringing);
                EXPECT_EQ(member->status, MemberStatus::free) << member->interface;
            }
        });
    }
}
