// The engine step by step: whom it calls and when, what it sends, what it makes of what it sees. What it makes of
// crashes is simulation_test's.
#include "callbacks/engine.hpp"
#include "callbacks/originate.hpp"
#include "callbacks/upkeep.hpp"
#include "callbacks_support.hpp"

namespace pbx::callbacks::test {
namespace {

using domain::CallbackOutcome;
using domain::CallbackState;

class EngineOf : public CallbacksTest, public Sender {
protected:
    void originate(ami::Action action, std::chrono::milliseconds, std::function<void(bool)> answered) override {
        if (linkDown) throw Error(ErrorCode::unavailable, "not connected");
        std::string text;
        action.appendTo(text, "1");
        sent.push_back(text);
        answer = std::move(answered);
    }
    void hangUp(const std::string& channelId) override { hungUp.push_back(channelId); }
    void press(const std::string& channelId, char key) override { pressed.push_back(channelId + ' ' + key); }
    std::unique_ptr<Engine> engine(const std::string& owner = "node-a") {
        EngineSettings settings;
        settings.server = "pbx1";
        settings.owner = owner;
        EngineLinks links;
        links.evidence = [this](const std::string&) { return evidence; };
        links.open = [this](const TenantId&, const HoursId&) { return open; };
        return std::make_unique<Engine>(settings, repos.callbackJobs, *this, links, clock, Log::none());
    }
    void SetUp() override {
        sight.driven = sight.current = true;
        sight.startup = "boot";
        members(1);
    }
    void members(int free) { queue().free = queue().serving = free; }
    QueueSight& queue() { return sight.queues["acme-sales"]; }
    void tick(Engine& one, Micros after = 1s) {
        clock.advance(after);
        sight.at = clock.now();
        one.tick(sight);
    }
    void callerJoins(UtcTime since, std::optional<int> priority = 0) {
        queue().waiting.push_back({since, priority, {}, "caller-" + std::to_string(queue().waiting.size())});
    }
    // The placeholder of that attempt stands at the end of the queue.
    void joins(const storage::CallbackJob& job, int half = 2) {
        const auto waits = channel(job, half);
        sight.alive.insert({channel(job), channel(job, 2)});
        queue().waiting.push_back({clock.now(), 0, domain::parseCallbackChannelId(waits), waits});
    }
    void customerFirst() {
        domain::CallbackPolicy policy;
        policy.mode = domain::CallbackMode::customerFirst;
        repos.callbacks.setPolicy(scope, {}, policy);
    }
    void joinsAll() {
        queue().waiting.clear();
        for (const auto& job : repos.callbackJobs.inFlight("pbx1")) joins(job);
    }
    static std::string position(const std::string& action) {
        const auto at = action.find("__PBX_CB_POSITION=") + 18;
        return action.substr(at, action.find("\r\n", at) - at);
    }
    // The one attempt begun, up to the gate; its channel is on the board.
    storage::CallbackJob dialling(Engine& one) {
        tick(one);
        auto job = repos.callbackJobs.inFlight("pbx1").at(0);
        sight.alive = {channel(job), channel(job, 2)};
        EXPECT_TRUE(repos.callbackJobs.gate("pbx1", job.callback.id, job.callback.attempt, job.token).open());
        return job;
    }
    static std::string channel(const storage::CallbackJob& job, int half = 1) {
        return domain::callbackChannelId(job.callback.id, job.callback.attempt, half);
    }

    Sight sight;
    std::vector<std::string> sent, hungUp, pressed;
    std::function<void(bool)> answer;
    std::optional<CallbackOutcome> evidence;
    bool linkDown = false, open = true;
};

TEST_F(EngineOf, SendsWhatTheDialplanNeedsAndNotTheNumber) {
    const auto id = request();
    const auto one = engine();
    tick(*one);
    ASSERT_EQ(1U, sent.size());
    const auto job = repos.callbackJobs.inFlight("pbx1").at(0);
    for (const auto& line :
         {std::string("Action: Originate"), std::string("Channel: Local/s@pbxd-callback-queue/n"),
          std::string("Context: pbxd-callback-gate"), std::string("Exten: s"), std::string("Async: true"),
          "ChannelId: " + channel(job), "OtherChannelId: " + channel(job, 2), "Variable: __PBX_CB=" + id.str(),
          std::string("Variable: __PBX_CB_ATTEMPT=1"), "Variable: __PBX_CB_TOKEN=" + job.token,
          std::string("Variable: __PBX_CB_QUEUE=acme-sales"), std::string("Variable: __PBX_CB_TENANT=acme"),
          std::string("Variable: __PBX_CB_POSITION=1"), std::string("Variable: __PBX_CB_PRIO=0"),
          std::string("Timeout: 600000")})
        EXPECT_NE(std::string::npos, sent[0].find(line + "\r\n")) << line;
    EXPECT_EQ(std::string::npos, sent[0].find("5550123"));
    EXPECT_EQ(CallbackState::intent, stateOf(id));
}

TEST_F(EngineOf, CustomerFirstDialsTheGateFirst) {
    customerFirst();
    request();
    const auto one = engine();
    tick(*one);
    ASSERT_EQ(1U, sent.size());
    EXPECT_NE(std::string::npos, sent[0].find("Channel: Local/s@pbxd-callback-gate/n\r\n"));
    EXPECT_NE(std::string::npos, sent[0].find("Context: pbxd-callback-queue\r\n"));
    EXPECT_NE(std::string::npos, sent[0].find("Variable: __PBX_CB_FIRST=customer\r\n"));
}

TEST_F(EngineOf, AsManyPlaceholdersAsMembersCouldServeOneAtATimeInTheirTurn) {
    std::vector<CallbackId> ids;
    for (int i = 0; i < 4; ++i) {
        ids.push_back(request("+1212555010" + std::to_string(i)));
        clock.advance(1s);
    }
    queue().serving = 2;
    queue().free = 0; // all talk: the placeholders wait for whoever is done first
    const auto one = engine();
    tick(*one);
    EXPECT_EQ(1U, sent.size());
    tick(*one);
    EXPECT_EQ(1U, sent.size()); // the first does not stand in the queue yet
    joinsAll();
    tick(*one);
    ASSERT_EQ(2U, sent.size());
    EXPECT_EQ("2", position(sent[1]));
    joinsAll();
    tick(*one);
    EXPECT_EQ(2U, sent.size());
    EXPECT_EQ(CallbackState::intent, stateOf(ids[0]));
    EXPECT_EQ(CallbackState::intent, stateOf(ids[1]));
    EXPECT_EQ(CallbackState::queued, stateOf(ids[2]));
    // An agent's phone rings for the first: another may come.
    sight.legs[queue().waiting.at(0).channelId] = LegState::ringing;
    tick(*one);
    EXPECT_EQ(3U, sent.size());
}

TEST_F(EngineOf, OneThatDoesNotJoinHoldsTheOthersUpForThreeSecondsOnly) {
    request("+12125550101");
    request("+12125550102");
    members(2);
    const auto one = engine();
    tick(*one);
    tick(*one, 2s);
    EXPECT_EQ(1U, sent.size());
    tick(*one);
    EXPECT_EQ(2U, sent.size());
}

TEST_F(EngineOf, CustomerFirstItKeepsItsPlaceAndHeIsDialledWhenAnAgentIsFreeForHim) {
    customerFirst();
    callerJoins(clock.now() - 1min);
    request();
    queue().serving = 2;
    queue().free = 0;
    const auto one = engine();
    tick(*one);
    ASSERT_EQ(1U, sent.size());
    EXPECT_EQ("2", position(sent[0]));
    const auto job = repos.callbackJobs.inFlight("pbx1").at(0);
    joins(job, 1);
    callerJoins(clock.now() + 1min);
    tick(*one);
    queue().free = 1; // that one is for the caller before him
    tick(*one);
    EXPECT_TRUE(pressed.empty());
    queue().waiting.erase(queue().waiting.begin());
    tick(*one);
    tick(*one);
    EXPECT_EQ(std::vector<std::string>{channel(job) + " 1"}, pressed); // once, though it has no effect at first
    tick(*one);
    tick(*one);
    ASSERT_EQ(2U, pressed.size());
    EXPECT_EQ(channel(job) + " 0", pressed[1]); // five seconds on: it is seen to
    tick(*one);
    ASSERT_EQ(3U, pressed.size());
    EXPECT_EQ(channel(job) + " 1", pressed[2]);
    EXPECT_TRUE(repos.callbackJobs.gate("pbx1", job.callback.id, job.callback.attempt, job.token).open());
    tick(*one, 10s);
    EXPECT_EQ(3U, pressed.size());
}

TEST_F(EngineOf, CustomerFirstAQueueThatTakesNobodyWithoutAgentsIsNoHindrance) {
    customerFirst();
    callerJoins(clock.now() - 1min);
    request();
    members(1);
    const auto one = engine();
    tick(*one);
    const auto job = repos.callbackJobs.inFlight("pbx1").at(0);
    sight.alive = {channel(job), channel(job, 2)}; // and not in the queue
    tick(*one, 4s);
    EXPECT_TRUE(pressed.empty()); // the agent is for the caller before him
    queue().waiting.clear();
    tick(*one);
    EXPECT_EQ(std::vector<std::string>{channel(job) + " 1"}, pressed);
}

TEST_F(EngineOf, CustomerFirstACustomerWhoIsThereNeedsAnAgentStill) {
    customerFirst();
    request();
    request("+12125550199");
    const auto one = engine();
    const auto job = dialling(*one);
    joins(job, 1);
    sight.legs[channel(job, 2)] = LegState::connected;
    tick(*one);
    EXPECT_EQ(CallbackState::connected, stateOf(job));
    tick(*one);
    EXPECT_EQ(1U, sent.size());
    queue().waiting.clear();
    sight.legs[channel(job)] = LegState::connected;
    tick(*one);
    EXPECT_EQ(2U, sent.size());
}

TEST_F(EngineOf, JoinsBehindWhoCameEarlierAndBeforeWhoCameLater) {
    callerJoins(clock.now() - 2min, 10); // came later than none, and first by priority
    callerJoins(clock.now() - 1min);
    callerJoins(clock.now() + 1s);
    request();
    members(0);
    const auto one = engine();
    tick(*one);
    ASSERT_EQ(1U, sent.size()); // callers wait, so one does too, although nobody serves
    EXPECT_EQ("3", position(sent[0]));
}

TEST_F(EngineOf, WhoMayHaveComeEarlierIsWaitedFor) {
    const auto one = engine();
    request();
    tick(*one, 499ms); // the board may be so old
    EXPECT_TRUE(sent.empty());
    tick(*one, 1ms);
    EXPECT_EQ(1U, sent.size());
}

TEST_F(EngineOf, APlaceholderAtAWrongPlaceIsPlacedAnewAtOnce) {
    const auto early = clock.now();
    clock.advance(1min);
    const auto id = request();
    const auto one = engine();
    tick(*one);
    const auto job = repos.callbackJobs.inFlight("pbx1").at(0);
    joins(job);
    callerJoins(early); // came earlier, and stands behind it
    tick(*one);
    EXPECT_EQ(CallbackState::queued, stateOf(id));
    EXPECT_EQ(std::vector<std::string>{channel(job, 2)}, hungUp);
    tick(*one);
    EXPECT_EQ(1U, sent.size()); // the old one is still there
    queue().waiting.erase(queue().waiting.begin());
    sight.alive.clear();
    tick(*one);
    ASSERT_EQ(2U, sent.size());
    EXPECT_EQ("2", position(sent[1]));
    EXPECT_EQ(0, repos.callbacks.get(scope, id.str()).callback.dials);
}

TEST_F(EngineOf, WhatWaitsForNothingIsHungUp) {
    const auto id = request();
    const auto one = engine();
    tick(*one);
    const auto job = repos.callbackJobs.inFlight("pbx1").at(0);
    joins(job);
    tick(*one);
    EXPECT_TRUE(hungUp.empty());
    EXPECT_TRUE(repos.callbacks.cancel(scope, id.str()).cancelled);
    tick(*one);
    EXPECT_EQ(std::vector<std::string>{channel(job, 2)}, hungUp);
    tick(*one);
    EXPECT_EQ(1U, hungUp.size()); // not four times a second
    tick(*one, 5s);
    EXPECT_EQ(2U, hungUp.size());
}

TEST_F(EngineOf, WhoComesOntoTheBlocklistWhileWaitingIsNotCalled) {
    const auto id = request();
    const auto one = engine();
    tick(*one);
    const auto job = repos.callbackJobs.inFlight("pbx1").at(0);
    joins(job);
    tick(*one);
    repos.blocklist.add(scope, {domain::BlockKind::exact, "+12125550123", {}, "", "alice"});
    tick(*one, 5s);
    EXPECT_EQ(CallbackState::blocked, stateOf(id));
    EXPECT_EQ(std::vector<std::string>{channel(job, 2)}, hungUp);
}

TEST_F(EngineOf, AnotherNodeTakesOverWhatIsNotRenewed) {
    request();
    const auto first = engine("node-a");
    const auto other = engine("node-b");
    tick(*first);
    Sight lost = sight;
    lost.driven = lost.current = false;
    for (int i = 0; i < 16; ++i) {
        first->tick(lost); // it lives, and does not drive this Asterisk any more
        tick(*other);
    }
    EXPECT_EQ("node-b", repos.callbackJobs.inFlight("pbx1").at(0).owner);
}

TEST_F(EngineOf, NothingIsBegunOutOfHoursOrUnseen) {
    domain::OpeningHours hours;
    hours.name = "office";
    hours.timeZone = "America/New_York";
    domain::CallbackPolicy policy;
    policy.hours = repos.hours.create(scope, hours).id;
    repos.callbacks.setPolicy(scope, {}, policy);
    const auto id = request();
    const auto one = engine();
    open = false;
    tick(*one);
    EXPECT_EQ(CallbackState::queued, stateOf(id));
    open = true;
    sight.current = false;
    tick(*one);
    EXPECT_EQ(CallbackState::queued, stateOf(id));
    sight.current = true;
    sight.queues.clear(); // Asterisk has no such queue
    tick(*one);
    EXPECT_EQ(CallbackState::queued, stateOf(id));
}

TEST_F(EngineOf, WhatWaitsIsTakenBackWhenTheHoursEnd) {
    domain::OpeningHours hours;
    hours.name = "office";
    hours.timeZone = "America/New_York";
    domain::CallbackPolicy policy;
    policy.hours = repos.hours.create(scope, hours).id;
    repos.callbacks.setPolicy(scope, {}, policy);
    const auto id = request();
    const auto one = engine();
    tick(*one);
    const auto job = repos.callbackJobs.inFlight("pbx1").at(0);
    joins(job);
    tick(*one);
    EXPECT_EQ(CallbackState::intent, stateOf(id));
    open = false;
    tick(*one);
    EXPECT_EQ(CallbackState::queued, stateOf(id));
    EXPECT_FALSE(repos.callbackJobs.gate("pbx1", id, job.callback.attempt, job.token).open());
    tick(*one);
    EXPECT_EQ(std::vector<std::string>{channel(job, 2)}, hungUp);
    EXPECT_EQ(1U, sent.size());
}

// Else the agent's leg, which talks already, would count as the customer's, and a busy customer as reached.
TEST_F(EngineOf, AnAttemptIsDoneAsItWasBegun) {
    const auto id = request();
    const auto one = engine();
    const auto job = dialling(*one);
    sight.legs[channel(job, 2)] = LegState::connected;
    sight.legs[channel(job, 1)] = LegState::ringing;
    tick(*one);
    EXPECT_EQ(CallbackState::ringing, stateOf(id));
    customerFirst();
    tick(*one);
    EXPECT_EQ(CallbackState::ringing, stateOf(id));
    EXPECT_TRUE(repos.callbackJobs.report("pbx1", id, job.callback.attempt, job.token, {"BUSY", 17, {}}));
    EXPECT_EQ(CallbackState::retryAt, stateOf(id));
}

TEST_F(EngineOf, AnAttemptWithoutAgentCostsTheCustomerNothing) {
    const auto id = request();
    const auto one = engine();
    tick(*one);
    answer(false);
    tick(*one);
    EXPECT_EQ(CallbackState::queued, stateOf(id));
    EXPECT_EQ(0, repos.callbacks.get(scope, id.str()).callback.dials);
    tick(*one, 8s);
    EXPECT_EQ(1U, sent.size()); // what fails at once is tried again after ten seconds
    tick(*one);
    EXPECT_EQ(2U, sent.size());
}

TEST_F(EngineOf, WithoutATrunkNothingIsBegunAndNoAgentCalled) {
    sight.cutOff = {"acme"};
    const auto id = request();
    const auto one = engine();
    for (int i = 0; i < 20; ++i) tick(*one, 30s);
    EXPECT_TRUE(sent.empty());
    const auto before = repos.callbacks.get(scope, id.str()).callback;
    EXPECT_EQ(CallbackState::queued, before.state);
    EXPECT_EQ(0, before.attempt);
    sight.cutOff = {"other"};
    tick(*one);
    EXPECT_EQ(1U, sent.size()); // it is back: at once
}

TEST_F(EngineOf, OneThatWaitsLeavesTheQueueWhenTheTrunksGo) {
    const auto id = request();
    const auto one = engine();
    tick(*one);
    const auto job = repos.callbackJobs.inFlight("pbx1").at(0);
    joins(job);
    sight.legs[channel(job, 2)] = LegState::ringing; // an agent's phone rings for it
    sight.cutOff = {"acme"};
    tick(*one);
    EXPECT_EQ((std::vector<std::string>{channel(job, 2)}), hungUp);
    EXPECT_FALSE(repos.callbackJobs.gate("pbx1", id, job.callback.attempt, job.token).open());
    queue().waiting.clear();
    sight.alive.clear();
    sight.legs.clear();
    tick(*one);
    EXPECT_EQ(1U, sent.size());
    sight.cutOff.clear();
    tick(*one);
    EXPECT_EQ(2U, sent.size());
    EXPECT_EQ(0, repos.callbacks.get(scope, id.str()).callback.dials);
}

TEST_F(EngineOf, WhatAnotherBeganIsNotGoneOnWithWithoutATrunk) {
    const auto id = request();
    auto job = repos.callbackJobs.due("pbx1", 1).at(0);
    ASSERT_TRUE(repos.callbackJobs.claim(job, "pbx1", "node-a"));
    sight.cutOff = {"acme"};
    const auto one = engine();
    tick(*one);
    EXPECT_EQ(CallbackState::queued, stateOf(id)); // claimed: given back
    job = repos.callbackJobs.due("pbx1", 1).at(0);
    ASSERT_TRUE(repos.callbackJobs.claim(job, "pbx1", "node-a"));
    ASSERT_EQ(storage::IntendResult::begun, repos.callbackJobs.intend(job, "boot"));
    tick(*one);
    EXPECT_EQ(CallbackState::queued, stateOf(id)); // and not sent
    EXPECT_TRUE(sent.empty());
}

TEST_F(EngineOf, WhatHasWaitedInVainIsPlacedAgainAtOnce) {
    const auto id = request();
    const auto one = engine();
    tick(*one);
    sight.alive = {channel(repos.callbackJobs.inFlight("pbx1").at(0))};
    tick(*one, 600s);
    answer(false);
    sight.alive.clear();
    tick(*one);
    EXPECT_EQ(2U, sent.size());
    EXPECT_EQ(CallbackState::intent, stateOf(id));
    EXPECT_EQ(0, repos.callbacks.get(scope, id.str()).callback.dials);
}

TEST_F(EngineOf, ARestartOfAsteriskPutsThePlaceholderBackAtOnce) {
    const auto id = request();
    const auto one = engine();
    tick(*one);
    sight.alive = {channel(repos.callbackJobs.inFlight("pbx1").at(0))};
    tick(*one);
    sight.alive.clear();
    sight.startup = "another boot";
    tick(*one);
    EXPECT_EQ(2U, sent.size());
    EXPECT_EQ(CallbackState::intent, stateOf(id));
    EXPECT_EQ(2, repos.callbacks.get(scope, id.str()).callback.attempt);
}

TEST_F(EngineOf, NoLinkNoAttempt) {
    const auto id = request();
    const auto one = engine();
    linkDown = true;
    tick(*one);
    EXPECT_EQ(CallbackState::queued, stateOf(id));
    linkDown = false;
    tick(*one, 20s);
    EXPECT_EQ(CallbackState::intent, stateOf(id));
}

TEST_F(EngineOf, FollowsTheCustomersLeg) {
    const auto id = request();
    const auto one = engine();
    const auto job = dialling(*one);
    for (const auto& [leg, state] :
         {std::pair(LegState::ringing, CallbackState::ringing), std::pair(LegState::answered, CallbackState::answered),
          std::pair(LegState::connected, CallbackState::connected)}) {
        sight.legs[channel(job)] = leg;
        tick(*one);
        EXPECT_EQ(state, stateOf(id));
    }
    sight.alive.clear();
    sight.legs.clear();
    tick(*one);
    EXPECT_EQ(CallbackState::connected, stateOf(id)); // the dialplan may still report
    tick(*one, 5s);
    EXPECT_EQ(CallbackState::done, stateOf(id)); // it did not: they talked
}

TEST_F(EngineOf, WithoutAReportARecordDecides) {
    const auto id = request();
    const auto one = engine();
    dialling(*one);
    sight.alive.clear();
    tick(*one);
    evidence = CallbackOutcome::busy;
    tick(*one, 5s);
    EXPECT_EQ(CallbackState::retryAt, stateOf(id));
}

TEST_F(EngineOf, WithoutAnyItIsInDoubtThenTriedOnceMore) {
    const auto id = request();
    const auto one = engine();
    dialling(*one);
    sight.alive.clear();
    tick(*one);
    tick(*one, 5s);
    EXPECT_EQ(CallbackState::inDoubt, stateOf(id));
    tick(*one, 20s);
    EXPECT_EQ(CallbackState::inDoubt, stateOf(id));
    tick(*one, 30s);
    EXPECT_EQ(CallbackState::retryAt, stateOf(id));
}

TEST_F(EngineOf, ARestartOfAsteriskIsDoubtAtOnce) {
    const auto id = request();
    const auto one = engine();
    dialling(*one);
    sight.alive.clear();
    sight.startup = "another boot";
    tick(*one);
    EXPECT_EQ(CallbackState::inDoubt, stateOf(id));
}

// F22: what is bound by time is bound by the steady clock, but for what people say by the wall clock (due, expiry,
// hours).
TEST_F(EngineOf, AWallClockThatJumpsMovesNoDeadlineOfAnAttempt) {
    for (const Micros jump : {Micros(1h), Micros(-1h)}) {
        SCOPED_TRACE(jump.count());
        const auto id = request(jump.count() > 0 ? "+12125550101" : "+12125550102");
        sent.clear();
        hungUp.clear();
        queue().waiting.clear();
        const auto one = engine();
        tick(*one, 3s);
        ASSERT_EQ(1U, sent.size());
        auto job = repos.callbackJobs.inFlight("pbx1").at(0);
        joinsAll();
        clock.jump(jump); // while it waits for an agent
        for (int i = 0; i < 30; ++i) tick(*one);
        EXPECT_EQ(1U, sent.size());
        EXPECT_TRUE(hungUp.empty());
        EXPECT_EQ(CallbackState::intent, stateOf(id));
        EXPECT_TRUE(repos.callbackJobs.gate("pbx1", id, job.callback.attempt, job.token).open());
        clock.jump(jump); // while the phone rings
        for (int i = 0; i < 20; ++i) tick(*one);
        EXPECT_EQ(CallbackState::gated, stateOf(id));
        sight.alive.clear(); // and once it is over without a report
        queue().waiting.clear();
        tick(*one);
        clock.jump(jump);
        tick(*one, 4s);
        EXPECT_EQ(CallbackState::gated, stateOf(id));
        tick(*one, 1s);
        EXPECT_EQ(CallbackState::inDoubt, stateOf(id));
        tick(*one); // from now on records are looked for, 30 s
        clock.jump(jump);
        tick(*one, 29s);
        EXPECT_EQ(CallbackState::inDoubt, stateOf(id));
        tick(*one);
        EXPECT_EQ(CallbackState::retryAt, stateOf(id));
        EXPECT_EQ(1, repos.callbacks.get(scope, id.str()).callback.dials);
        repos.callbacks.cancel(scope, id.str());
    }
}

TEST_F(EngineOf, WhatADeadNodeLeftIsTakenOverAfterItsLease) {
    const auto id = request();
    auto dead = engine("node-a");
    tick(*dead);
    dead.reset();
    const auto other = engine("node-b");
    tick(*other);
    clock.jump(7h); // a wall clock that jumps shortens no lease
    tick(*other, 14s);
    EXPECT_EQ("node-a", repos.callbackJobs.inFlight("pbx1").at(0).owner);
    tick(*other, 1s);
    const auto job = repos.callbackJobs.inFlight("pbx1").at(0);
    EXPECT_EQ("node-b", job.owner);
    EXPECT_EQ(1, job.callback.attempt);
    EXPECT_EQ(2U, sent.size()); // never on the board, never through the gate: the same attempt once more
    EXPECT_EQ(sent[0], sent[1]);
    EXPECT_EQ(id, job.callback.id);
}

TEST_F(EngineOf, WhoLivesKeepsWhatIsHis) {
    request();
    const auto first = engine("node-a");
    const auto other = engine("node-b");
    tick(*first);
    sight.alive = {channel(repos.callbackJobs.inFlight("pbx1").at(0))};
    for (int i = 0; i < 40; ++i) {
        tick(*first);
        other->tick(sight);
    }
    EXPECT_EQ("node-a", repos.callbackJobs.inFlight("pbx1").at(0).owner);
    EXPECT_EQ(1U, sent.size());
}

TEST_F(EngineOf, WhatWasLeftClaimedIsBegunOrGivenBack) {
    const auto id = request();
    auto job = repos.callbackJobs.due("pbx1", 1).at(0);
    ASSERT_TRUE(repos.callbackJobs.claim(job, "pbx1", "node-dead"));
    const auto one = engine();
    members(0);
    tick(*one);
    tick(*one, 15s);
    EXPECT_EQ(CallbackState::queued, stateOf(id));
    members(1);
    tick(*one);
    EXPECT_EQ(CallbackState::intent, stateOf(id));
}

class UpkeepOf : public CallbacksTest {
protected:
    std::vector<std::string> told;
    bool deaf = false;
    Upkeep upkeep{UpkeepSettings{}, repos.callbackJobs,
                  [this](const storage::CallbackNews& news) {
                      if (deaf) throw Error(ErrorCode::unavailable, "nobody listens");
                      told.push_back(std::string(domain::stateToken(news.state)));
                  },
                  clock, Log::none()};
};

TEST_F(UpkeepOf, NewsThatCannotBeToldComesAgain) {
    request();
    deaf = true;
    upkeep.turn(true);
    deaf = false;
    upkeep.turn(false); // another process tells
    EXPECT_TRUE(told.empty());
    upkeep.turn(true);
    upkeep.turn(true);
    EXPECT_EQ(std::vector<std::string>{"queued"}, told);
}

TEST_F(UpkeepOf, ExpiresThenForgets) {
    const auto id = request();
    clock.advance(8h);
    upkeep.turn(true);
    EXPECT_EQ(CallbackState::expired, stateOf(id));
    upkeep.turn(true);
    EXPECT_EQ((std::vector<std::string>{"queued", "expired"}), told);
    clock.advance(24h * 90 - 1s);
    upkeep.turn(true);
    EXPECT_EQ(CallbackState::expired, stateOf(id));
    clock.advance(1min);
    upkeep.turn(true);
    EXPECT_THROW(stateOf(id), Error);
}

} // namespace
} // namespace pbx::callbacks::test
