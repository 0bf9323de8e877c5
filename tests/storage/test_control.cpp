#include "storage_test.hpp"

namespace pbx::test {
namespace {

using namespace pbx::storage;
using namespace std::chrono_literals;
using domain::ActionKind;
using domain::ActionState;
using domain::Standing;

class ControlRecords : public StorageTest {
protected:
    void SetUp() override {
        StorageTest::SetUp();
        if (IsSkipped() || HasFatalFailure()) return;
        tenant = tenantScope("viatalk").tenant();
        service = repos->departments.create(scope(), {"service", "Service"}).id;
        sales = repos->departments.create(scope(), {"sales", "Sales"}).id;
        alice = repos->agents.create(scope(), {"alice", "Alice", "main", "PJSIP/viatalk-101", service}).id;
        bob = repos->agents.create(scope(), {"bob", "Bob", "main", "PJSIP/viatalk-102", sales}).id;
        support = repos->queues.create(scope(), {"support", "Support", "main", "", service, 0}).id;
        lease = repos->leases.acquire("asterisk/main", "node/1", 60s);
    }
    domain::Scope scope() const { return domain::Scope(tenant); }

    NewAction wanted(ActionKind kind, const AgentId& agent, std::optional<StandingChange> change = {}) {
        NewAction action{"main", kind, agent, support, "", {{"reason", "l\"unch\n"}}, clock.now() + 60s, std::nullopt};
        if (change) change->server = "main";
        action.wants = change;
        return action;
    }
    domain::Action ask(ActionKind kind, const AgentId& agent, std::optional<StandingChange> change = {}) {
        return repos->actions.request(tenant, "boss", "key-1", {wanted(kind, agent, std::move(change))}).front();
    }
    StandingChange member(bool member) {
        StandingChange change;
        change.member = member;
        return change;
    }
    ActionState stateOf(const domain::Action& action) { return repos->actions.get(scope(), action.id.str()).state; }

    TenantId tenant;
    DepartmentId service, sales;
    AgentId alice, bob;
    QueueId support;
    std::optional<Lease> lease;
};

TEST_P(ControlRecords, ARequestIsStoredWholeAndNumberedInOrder) {
    EXPECT_EQ(0, repos->actions.newestSeq());
    const auto made = repos->actions.request(
        tenant, "boss", "key-1",
        {wanted(ActionKind::agentLogin, alice, member(true)), wanted(ActionKind::agentPause, bob)});
    ASSERT_EQ(2U, made.size());
    EXPECT_EQ(1, made[0].seq);
    EXPECT_EQ(2, made[1].seq);
    EXPECT_EQ(2, repos->actions.newestSeq());
    const auto read = repos->actions.get(scope(), made[1].id.str());
    EXPECT_EQ(ActionKind::agentPause, read.kind);
    EXPECT_EQ(ActionState::accepted, read.state);
    EXPECT_EQ(bob, read.agent);
    EXPECT_EQ(support, read.queue);
    EXPECT_EQ((std::map<std::string, std::string>{{"reason", "l\"unch\n"}}), read.parameters);
    EXPECT_EQ("boss", read.login);
    EXPECT_EQ("key-1", read.idempotencyKey);
    EXPECT_EQ(clock.now(), read.createdAt);
    EXPECT_EQ(clock.now() + 60s, read.expiresAt);
    EXPECT_FALSE(read.sentAt);
    ASSERT_EQ(1U, repos->agentStates.ofAgent(tenant, alice).size());
    EXPECT_TRUE(repos->agentStates.ofAgent(tenant, alice).front().wanted.member);
}

// What a request does not speak of stays as it is wanted; at first as it is.
TEST_P(ControlRecords, WhatIsWantedGrowsFromRequestToRequest) {
    const auto now = [&] { return repos->agentStates.ofAgent(tenant, alice).front(); };
    StandingChange pause;
    pause.actual = {true, 7, false, ""};
    pause.paused = true;
    pause.pauseReason = "lunch";
    ask(ActionKind::agentPause, alice, pause);
    EXPECT_EQ((Standing{true, 7, true, "lunch"}), now().wanted);
    StandingChange penalty;
    penalty.penalty = 3;
    ask(ActionKind::agentPenalty, alice, penalty);
    EXPECT_EQ((Standing{true, 3, true, "lunch"}), now().wanted);
    EXPECT_EQ(2, now().seq);
    ask(ActionKind::agentLogout, alice, member(false));
    EXPECT_EQ((Standing{false, 3, false, ""}), now().wanted); // who goes is not paused any more
    ask(ActionKind::agentLogin, alice, member(true));
    EXPECT_EQ((Standing{true, 3, false, ""}), now().wanted);
    EXPECT_EQ("boss", now().changedBy);
    EXPECT_EQ(1U, repos->agentStates.ofServer("main", 3).size());
    EXPECT_EQ(0U, repos->agentStates.ofServer("main", 4).size());
    EXPECT_EQ(0U, repos->agentStates.ofServer("other", -1).size());
}

TEST_P(ControlRecords, SettledAndTakenOverOnlyWhileNothingNewerIsWanted) {
    const auto now = [&] { return repos->agentStates.ofAgent(tenant, alice).front(); };
    ask(ActionKind::agentLogin, alice, member(true));
    const auto old = now();
    EXPECT_FALSE(old.settled);
    repos->agentStates.settle({old}, "day 1");
    EXPECT_TRUE(now().settled);
    EXPECT_EQ("day 1", now().run);
    ask(ActionKind::agentLogout, alice, member(false));
    EXPECT_FALSE(now().settled);
    repos->agentStates.settle({old}, "day 1");
    repos->agentStates.adopt(old, {true, 9, true, "phone"}, "day 1");
    EXPECT_FALSE(now().settled);
    EXPECT_FALSE(now().wanted.member);
    repos->agentStates.adopt(now(), {true, 9, true, "ph\xc3\xb6ne"}, "day 2");
    EXPECT_EQ((Standing{true, 9, true, "ph\xc3\xb6ne"}), now().wanted);
    EXPECT_EQ("asterisk", now().changedBy);
    EXPECT_EQ("day 2", now().run);
}

TEST_P(ControlRecords, ClaimedOnceAndOnlyUnderTheLease) {
    const auto action = ask(ActionKind::agentLogin, alice, member(true));
    auto zombie = *lease;
    zombie.epoch -= 1;
    EXPECT_FALSE(repos->actions.claim(action, zombie, clock.now() + 9s));
    zombie = *lease;
    zombie.owner = "node/2";
    EXPECT_FALSE(repos->actions.claim(action, zombie, clock.now() + 9s));
    EXPECT_TRUE(repos->actions.claim(action, *lease, clock.now() + 9s));
    EXPECT_FALSE(repos->actions.claim(action, *lease, clock.now() + 9s));
    const auto read = repos->actions.get(scope(), action.id.str());
    EXPECT_EQ(ActionState::sent, read.state);
    EXPECT_EQ("node/1", read.owner);
    EXPECT_EQ(1, read.epoch);
    EXPECT_EQ(clock.now(), read.sentAt);
    EXPECT_EQ(clock.now() + 9s, read.expiresAt);

    EXPECT_FALSE(repos->actions.finish(action, zombie, ActionState::confirmed, ""));
    EXPECT_TRUE(repos->actions.finish(action, *lease, ActionState::rejected, std::string(300, 'x') + "\xc3\xa4"));
    EXPECT_FALSE(repos->actions.finish(action, *lease, ActionState::confirmed, ""));
    EXPECT_EQ(std::string(255, 'x'), repos->actions.get(scope(), action.id.str()).reason);
    EXPECT_EQ(clock.now(), repos->actions.get(scope(), action.id.str()).finishedAt);
}

TEST_P(ControlRecords, OneOfManyWhoClaimAtOnceWins) {
    const auto action = ask(ActionKind::agentLogin, alice, member(true));
    std::atomic<int> won{0};
    std::vector<std::thread> claimers;
    for (int i = 0; i < 6; ++i)
        claimers.emplace_back([&] { won += repos->actions.claim(action, *lease, clock.now() + 9s) ? 1 : 0; });
    for (auto& claimer : claimers) claimer.join();
    EXPECT_EQ(1, won);
}

TEST_P(ControlRecords, NothingIsClaimedAfterItsTime) {
    const auto action = ask(ActionKind::agentLogin, alice, member(true));
    clock.advance(61s);
    EXPECT_FALSE(repos->actions.claim(action, *lease, clock.now() + 9s));
}

TEST_P(ControlRecords, WhatIsOverdueIsGivenUpByItsKind) {
    const auto login = ask(ActionKind::agentLogin, alice, member(true));
    const auto unsent = ask(ActionKind::callHangup, alice);
    const auto sent = ask(ActionKind::callHangup, alice);
    ASSERT_TRUE(repos->actions.claim(sent, *lease, clock.now() + 5s));
    EXPECT_TRUE(repos->actions.giveUpOverdue().empty());
    clock.advance(6s);
    EXPECT_EQ(1U, repos->actions.giveUpOverdue().size());
    EXPECT_EQ(ActionState::unknown, stateOf(sent));
    clock.advance(60s);
    EXPECT_EQ(2U, repos->actions.giveUpOverdue().size());
    EXPECT_EQ(ActionState::timedOut, stateOf(login));
    EXPECT_EQ(ActionState::expired, stateOf(unsent));
    EXPECT_NE("", repos->actions.get(scope(), login.id.str()).reason);

    EXPECT_EQ(0, repos->actions.purge(clock.now() - 1h));
    EXPECT_EQ(3, repos->actions.purge(clock.now()));
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { stateOf(login); }));
}

TEST_P(ControlRecords, OpenOnesOfOneServerInOrder) {
    const auto first = ask(ActionKind::agentLogin, alice, member(true));
    const auto second = ask(ActionKind::agentLogin, bob, member(true));
    ASSERT_TRUE(repos->actions.finish(first, *lease, ActionState::confirmed, ""));
    const auto third = ask(ActionKind::agentLogout, bob, member(false));
    std::vector<ActionId> found;
    for (const auto& action : repos->actions.open("main", -1)) found.push_back(action.id);
    EXPECT_EQ((std::vector{second.id, third.id}), found);
    EXPECT_EQ(1U, repos->actions.open("main", second.seq).size());
    EXPECT_EQ(0U, repos->actions.open("other", -1).size());
    EXPECT_EQ(2U, repos->actions.byIds(tenant, {first.id, third.id}).size());
    EXPECT_EQ(0U, repos->actions.byIds(tenant, {}).size());
    EXPECT_EQ(0U, repos->actions.byIds(TenantId("t_other"), {first.id}).size());
}

TEST_P(ControlRecords, ListedNewestFirstAndWithinReach) {
    for (int i = 0; i < 3; ++i) ask(ActionKind::agentLogin, alice, member(true));
    const auto bobs =
        repos->actions
            .request(tenant, "boss", "", {NewAction{"main", ActionKind::agentPause, bob, {}, "", {}, clock.now(), {}}})
            .front();
    const auto page = repos->actions.list(scope(), {"", 3});
    ASSERT_EQ(3U, page.items.size());
    EXPECT_EQ(bobs.id, page.items[0].id);
    ASSERT_TRUE(page.next);
    const auto rest = repos->actions.list(scope(), {*page.next, 3});
    ASSERT_EQ(1U, rest.items.size());
    EXPECT_EQ(1, rest.items[0].seq);
    EXPECT_FALSE(rest.next);

    ActionFilter filter;
    filter.agent = alice;
    EXPECT_EQ(3U, repos->actions.list(scope(), {}, filter).items.size());
    filter = {};
    filter.idempotencyKey = "key-1";
    EXPECT_EQ(3U, repos->actions.list(scope(), {}, filter).items.size());
    filter = {};
    filter.state = ActionState::sent;
    EXPECT_EQ(0U, repos->actions.list(scope(), {}, filter).items.size());

    EXPECT_EQ(1U, repos->actions.list(scope().within({sales}), {}).items.size());
    EXPECT_EQ(3U, repos->actions.list(scope().within({service}), {}).items.size());
    EXPECT_EQ(0U, repos->actions.list(scope().within({}), {}).items.size());
    EXPECT_EQ(1U, repos->actions.list(scope().asAgent(bob), {}).items.size());
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->actions.get(scope().within({service}), bobs.id.str()); }));
    const auto other = tenantScope("hostrocket");
    EXPECT_EQ(0U, repos->actions.list(other, {}).items.size());
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->actions.get(other, bobs.id.str()); }));
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->actions.get(scope(), "x' OR 1=1"); }));
    EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { repos->actions.list(scope(), {"1 OR 1=1", 3}); }));
}

TEST_P(ControlRecords, AStateGoesWithItsAgentOrQueueAndTheActionStays) {
    const auto action = ask(ActionKind::agentLogin, alice, member(true));
    ask(ActionKind::agentLogin, bob, member(true));
    repos->agents.remove(scope(), "alice");
    EXPECT_EQ(1U, repos->agentStates.ofServer("main", -1).size());
    repos->queues.remove(scope(), "support");
    EXPECT_EQ(0U, repos->agentStates.ofServer("main", -1).size());
    EXPECT_EQ(alice, repos->actions.get(scope(), action.id.str()).agent);
}

TEST_P(ControlRecords, PauseReasons) {
    auto& reasons = repos->pauseReasons;
    const auto lunch = reasons.create(scope(), {"lunch", "Lunch", 30, false});
    reasons.create(scope(), {"coaching", "Coaching", 0, true});
    ASSERT_EQ(2U, reasons.all(scope()).size());
    EXPECT_EQ("coaching", reasons.all(scope()).front().name);
    EXPECT_TRUE(reasons.get(scope(), "coaching").billable);
    EXPECT_EQ(30, reasons.get(scope(), lunch.id.str()).limitMinutes);
    EXPECT_EQ(ErrorCode::alreadyExists, codeOf([&] { reasons.create(scope(), {"lunch", "Again", 0, false}); }));
    EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { reasons.create(scope(), {"a b", "", 0, false}); }));
    EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { reasons.create(scope(), {"long", "", 1441, false}); }));
    EXPECT_EQ(ErrorCode::forbidden, codeOf([&] {
                  reasons.create(scope().within({sales}), {"mine", "Mine", 0, false});
              }));
    const auto changed = reasons.update(scope(), "lunch", {std::nullopt, 45, true});
    EXPECT_EQ("Lunch", changed.title);
    EXPECT_EQ(45, reasons.get(scope(), "lunch").limitMinutes);
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { reasons.get(tenantScope("hostrocket"), "lunch"); }));
    reasons.remove(scope(), "lunch");
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { reasons.remove(scope(), "lunch"); }));
}

PBX_ON_BOTH(ControlRecords);

} // namespace
} // namespace pbx::test
