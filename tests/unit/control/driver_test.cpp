#include "control_support.hpp"

namespace pbx::control {
namespace {

class DriverTest : public ControlTest {};

TEST_F(DriverTest, ALoginIsSentStoredBeforeAndConfirmedByTheBoard) {
    const auto watch = login("support");
    EXPECT_EQ(ActionState::accepted, state(watch));
    controller->turn();
    EXPECT_EQ("Action: QueueAdd\r\nActionID: \r\nQueue: acme-support\r\nInterface: PJSIP/acme-101\r\nMemberName: "
              "acme-alice\r\nPenalty: 0\r\nPaused: false\r\n\r\n",
              line.sent.front().text);
    EXPECT_EQ(ActionState::sent, state(watch));
    const auto row = stores->actions.get(domain::Scope(tenant), watch->actions().front().id.str());
    EXPECT_EQ(ActionState::sent, row.state);
    EXPECT_EQ("node/1", row.owner);
    EXPECT_EQ(1, row.epoch);

    line.answer(ami::Result::Kind::success); // Asterisk's "ok" alone is no proof
    controller->turn();
    EXPECT_EQ(ActionState::sent, state(watch));
    EXPECT_FALSE(stored().settled);

    line.show({{"acme-support", in}});
    controller->turn();
    EXPECT_EQ(ActionState::confirmed, state(watch));
    EXPECT_TRUE(watch->ended());
    EXPECT_EQ(1, ended);
    EXPECT_TRUE(stored().settled);
    EXPECT_EQ("day 1", stored().run);
    EXPECT_EQ("", line.waiting());
}

TEST_F(DriverTest, RefusedWithAsterisksWordsAndNotWantedAnyMore) {
    const auto watch = login("support");
    controller->turn();
    line.answer(ami::Result::Kind::refused, "Unable to add interface to queue: No such queue");
    controller->turn();
    EXPECT_EQ(ActionState::rejected, state(watch));
    EXPECT_EQ("Unable to add interface to queue: No such queue", reason(watch));
    EXPECT_FALSE(stored().wanted.member);
    clock.advance(100s);
    controller->turn();
    EXPECT_EQ("", line.waiting());
}

TEST_F(DriverTest, AlreadyThereAndNotThereAreSuccess) {
    const auto add = login("support");
    controller->turn();
    line.answer(ami::Result::Kind::refused, "Unable to add interface: Already there");
    controller->turn();
    EXPECT_EQ(ActionState::confirmed, state(add));
    line.show({{"acme-support", in}});
    controller->turn();
    EXPECT_TRUE(stored().settled);

    const auto remove = logout("support");
    controller->turn();
    EXPECT_EQ("QueueRemove", line.waiting());
    line.answer(ami::Result::Kind::refused, "Unable to remove interface: Not there");
    controller->turn();
    EXPECT_EQ(ActionState::confirmed, state(remove));
}

TEST_F(DriverTest, WhatIsSoAlreadyIsConfirmedWithoutASend) {
    line.show({{"acme-support", in}});
    const auto watch = login("support");
    controller->turn();
    EXPECT_EQ("", line.waiting());
    EXPECT_EQ(ActionState::confirmed, state(watch));
}

TEST_F(DriverTest, TheNewestRequestWins) {
    const auto add = login("support");
    const auto remove = logout("support");
    controller->turn();
    EXPECT_EQ("", line.waiting()); // it is out already
    EXPECT_EQ(ActionState::rejected, state(add));
    EXPECT_EQ("overtaken by a newer request", reason(add));
    EXPECT_EQ(ActionState::confirmed, state(remove));
}

// The events of two quick requests come after both answers: what the board shows first is older than both.
TEST_F(DriverTest, ABoardThatIsBehindIsNotBelieved) {
    line.show({{"acme-support", in}});
    const auto first = pause("lunch");
    controller->turn();
    EXPECT_EQ("QueuePause", line.waiting());
    line.answer(ami::Result::Kind::success);
    controller->turn();
    const auto second = unpause();
    controller->turn();
    EXPECT_EQ("QueuePause", line.waiting()); // though the board shows no pause
    EXPECT_EQ(ActionState::rejected, state(first));
    line.answer(ami::Result::Kind::success);
    controller->turn();
    EXPECT_EQ(ActionState::sent, state(second));
    line.show({{"acme-support", {true, 0, true, "lunch"}}}); // the first one's event
    controller->turn();
    EXPECT_EQ("", line.waiting());
    line.show({{"acme-support", in}});
    clock.advance(1100ms);
    controller->turn();
    EXPECT_EQ(ActionState::confirmed, state(second));
    EXPECT_TRUE(stored().settled);
    EXPECT_EQ(in, stored().wanted);
}

TEST_F(DriverTest, AnotherHandInTheSameRunIsTakenOver) {
    login("support");
    controller->turn();
    carryOut(in);
    ASSERT_TRUE(stored().settled);
    line.show({{"acme-support", {true, 7, true, "phone"}}});
    controller->turn();
    EXPECT_EQ("", line.waiting());
    EXPECT_EQ((Standing{true, 7, true, "phone"}), stored().wanted);
    EXPECT_EQ("asterisk", stored().changedBy);
    EXPECT_TRUE(stored().settled);
    line.show({});
    controller->turn();
    EXPECT_FALSE(stored().wanted.member);
}

TEST_F(DriverTest, WhatARestartLostIsBroughtBack) {
    login("support");
    controller->turn();
    carryOut({true, 0, false, ""});
    const auto watch = pause("lunch");
    controller->turn();
    carryOut({true, 0, true, "lunch"});
    EXPECT_EQ(ActionState::confirmed, state(watch));

    line.show({{"acme-support", {}}}, "day 2");
    controller->turn();
    ASSERT_EQ("QueueAdd", line.waiting());
    EXPECT_NE(std::string::npos, line.sent.front().text.find("Paused: true\r\nReason: lunch"));
    carryOut({true, 0, true, ""}, "day 2"); // 16 leaves the reason out
    ASSERT_EQ("QueuePause", line.waiting());
    carryOut({true, 0, true, "lunch"}, "day 2");
    EXPECT_EQ("", line.waiting());
    EXPECT_EQ("day 2", stored().run);
    EXPECT_EQ("boss", stored().changedBy);
}

TEST_F(DriverTest, ARestartWhileNobodyDroveIsSeenByTheNextProcess) {
    login("support");
    controller->turn();
    carryOut(in);
    restart();
    line.show({{"acme-support", {}}}, "day 2");
    controller->turn();
    EXPECT_EQ("QueueAdd", line.waiting());
}

TEST_F(DriverTest, ARefusalAfterARestartIsTriedAgainMoreAndMoreSeldom) {
    login("support");
    controller->turn();
    carryOut(in);
    line.show({}, "day 2");
    controller->turn();
    int tries = 0;
    for (int second = 0; second < 60; ++second) {
        if (!line.sent.empty()) {
            ++tries;
            line.answer(ami::Result::Kind::refused, "Unable to add interface to queue: No such queue");
        }
        clock.advance(1s);
        controller->turn();
    }
    EXPECT_EQ(5, tries); // at 0, 2, 6, 14 and 30 s
    EXPECT_TRUE(stored().wanted.member);
}

TEST_F(DriverTest, AnAnswerThatNeverCameIsSentAgainUntilTheBoardShowsIt) {
    const auto watch = login("support");
    controller->turn();
    line.answer(ami::Result::Kind::timedOut);
    controller->turn();
    EXPECT_EQ("", line.waiting());
    clock.advance(2100ms);
    controller->turn();
    EXPECT_EQ(ActionState::sent, state(watch));
    clock.advance(4s);
    controller->turn();
    EXPECT_EQ("QueueAdd", line.waiting());
    carryOut(in);
    EXPECT_EQ(ActionState::confirmed, state(watch));
}

TEST_F(DriverTest, NothingIsDoneByWhoDoesNotDriveOrSeesAnOldBoard) {
    const auto lease = std::exchange(line.held, std::nullopt);
    const auto watch = login("support");
    controller->turn();
    EXPECT_EQ("", line.waiting());
    line.held = lease;
    auto old = std::make_shared<live::Snapshot>(*line.board);
    old->stale = true;
    const auto fresh = std::exchange(line.board, old);
    controller->turn();
    EXPECT_EQ("", line.waiting());
    line.board = fresh;
    line.connected = false;
    controller->turn();
    EXPECT_EQ("", line.waiting());
    line.connected = true;
    clock.advance(3s);
    controller->turn();
    EXPECT_EQ("QueueAdd", line.waiting());
    carryOut(in);
    EXPECT_EQ(ActionState::confirmed, state(watch));
}

TEST_F(DriverTest, ALeaseThatIsNotTheRowsClaimsNothing) {
    const auto watch = login("support");
    line.held->epoch += 1; // a zombie: the row has another epoch
    controller->turn();
    EXPECT_EQ(ActionState::accepted, state(watch));
    EXPECT_EQ(ActionState::accepted,
              stores->actions.get(domain::Scope(tenant), watch->actions().front().id.str()).state);
}

TEST_F(DriverTest, WhatIsNotShownInTimeIsToldAndStaysWanted) {
    line.held.reset();
    const auto watch = login("support");
    controller->turn();
    clock.advance(61s);
    controller->turn();
    EXPECT_EQ(ActionState::timedOut, state(watch));
    line.held = stores->leases.acquire("asterisk/main", "node/1", 60s);
    controller->turn();
    EXPECT_EQ("QueueAdd", line.waiting());
    EXPECT_TRUE(stored().wanted.member);
}

TEST_F(DriverTest, WhoWaitsForAnotherProcessIsToldToo) {
    const auto lease = std::exchange(line.held, std::nullopt);
    const auto watch = login("support");
    FakeLine theirs;
    theirs.held = lease;
    theirs.board = line.board;
    Controller other({&theirs}, *stores, directory, clock, Log::none(), [] {});
    other.turn();
    theirs.answer(ami::Result::Kind::success);
    theirs.show({{"acme-support", in}});
    other.turn();
    EXPECT_EQ(ActionState::accepted, state(watch));
    controller->turn();
    EXPECT_EQ(ActionState::confirmed, state(watch));
    EXPECT_EQ(1, ended);
}

TEST_F(DriverTest, EveryQueueIsItsOwnAction) {
    login("support");
    login("sales");
    controller->turn();
    EXPECT_EQ("QueueAdd QueueAdd", line.waiting());
}

TEST_F(DriverTest, ANameThatMustNotGoOutIsRefused) {
    storage::AgentChange change;
    change.interface = "PJSIP/acme-101&PJSIP/other";
    stores->agents.update(domain::Scope(tenant), "alice", change);
    directory.set(std::make_shared<const domain::Directory>(storage::loadDirectory(*db)));
    const auto watch = login("support");
    controller->turn();
    EXPECT_EQ("", line.waiting());
    EXPECT_EQ(ActionState::rejected, state(watch));
    EXPECT_NE(std::string::npos, reason(watch).find("interface"));
}

TEST_F(DriverTest, TheThreadTakesUpWhatIsAskedFor) {
    controller->start();
    const auto watch = login("support");
    const auto deadline = std::chrono::steady_clock::now() + 60s; // each commit waits for the disk of a busy machine
    while (state(watch) == ActionState::accepted && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(1ms);
    EXPECT_EQ(ActionState::sent, state(watch));
    controller->stop();
}

} // namespace
} // namespace pbx::control
