// The engine step by step: whom it calls and when, what it sends, what it makes of what it sees. What it makes of
// crashes is simulation_test's.
#include "callbacks/engine.hpp"
#include "callbacks/originate.hpp"
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
    std::unique_ptr<Engine> engine(const std::string& owner = "node-a") {
        EngineSettings settings;
        settings.server = "pbx1";
        settings.owner = owner;
        EngineLinks links;
        links.evidence = [this](const std::string&) { return evidence; };
        links.open = [this](const TenantId&, const HoursId&) { return open; };
        links.tell = [this](const storage::CallbackNews& news) {
            told.push_back(std::string(domain::stateToken(news.state)));
        };
        return std::make_unique<Engine>(settings, repos.callbackJobs, *this, links, clock, Log::none(), 1);
    }
    void SetUp() override {
        sight.current = true;
        sight.startup = "boot";
        sight.queues["acme-sales"].free = 1;
    }
    void tick(Engine& one, Micros after = 1s) {
        clock.advance(after);
        one.tick(sight);
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
    std::vector<std::string> sent, told;
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
          std::string("Variable: __PBX_CB_QUEUE=acme-sales")})
        EXPECT_NE(std::string::npos, sent[0].find(line + "\r\n")) << line;
    EXPECT_EQ(std::string::npos, sent[0].find("5550123"));
    EXPECT_EQ(CallbackState::intent, stateOf(id));
}

TEST_F(EngineOf, CustomerFirstDialsTheGateFirst) {
    domain::CallbackPolicy policy;
    policy.mode = domain::CallbackMode::customerFirst;
    repos.callbacks.setPolicy(scope, {}, policy);
    request();
    const auto one = engine();
    tick(*one);
    ASSERT_EQ(1U, sent.size());
    EXPECT_NE(std::string::npos, sent[0].find("Channel: Local/s@pbxd-callback-gate/n\r\n"));
    EXPECT_NE(std::string::npos, sent[0].find("Context: pbxd-callback-queue\r\n"));
}

TEST_F(EngineOf, NeverBeginsMoreThanAgentsAreFreeAndKeepsTheTurn) {
    std::vector<CallbackId> ids;
    for (int i = 0; i < 4; ++i) {
        ids.push_back(request("+1212555010" + std::to_string(i)));
        clock.advance(1s);
    }
    sight.queues["acme-sales"].free = 2;
    const auto one = engine();
    tick(*one);
    tick(*one);
    EXPECT_EQ(2U, sent.size());
    EXPECT_EQ(CallbackState::intent, stateOf(ids[0]));
    EXPECT_EQ(CallbackState::intent, stateOf(ids[1]));
    EXPECT_EQ(CallbackState::queued, stateOf(ids[2]));
    // An agent's phone rings for each of them: they are not free any more, and nobody is counted twice.
    for (const auto& job : repos.callbackJobs.inFlight("pbx1")) sight.legs[channel(job, 2)] = LegState::ringing;
    tick(*one);
    EXPECT_EQ(4U, sent.size());
    tick(*one);
    EXPECT_EQ(4U, sent.size());
}

TEST_F(EngineOf, WhoCameEarlierIsNotPassed) {
    const auto early = clock.now();
    clock.advance(1s);
    request();
    sight.queues["acme-sales"].waitingSince = {early};
    const auto one = engine();
    tick(*one);
    EXPECT_TRUE(sent.empty());
    sight.queues["acme-sales"].waitingSince = {clock.now()}; // he came later
    tick(*one);
    EXPECT_EQ(1U, sent.size());
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

TEST_F(EngineOf, AnAgentWhoDoesNotAnswerCostsTheCustomerNothing) {
    const auto id = request();
    const auto one = engine();
    tick(*one);
    answer(false);
    tick(*one);
    EXPECT_EQ(CallbackState::queued, stateOf(id));
    EXPECT_EQ(0, repos.callbacks.get(scope, id.str()).callback.dials);
    tick(*one);
    EXPECT_EQ(1U, sent.size());
    tick(*one, 20s);
    EXPECT_EQ(2U, sent.size());
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

TEST_F(EngineOf, FollowsTheCustomersLegAndTellsOfIt) {
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
    EXPECT_EQ((std::vector<std::string>{"queued", "gated", "ringing", "answered", "connected", "done"}), told);
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
    sight.queues["acme-sales"].free = 0;
    tick(*one);
    tick(*one, 15s);
    EXPECT_EQ(CallbackState::queued, stateOf(id));
    sight.queues["acme-sales"].free = 1;
    tick(*one);
    EXPECT_EQ(CallbackState::intent, stateOf(id));
}

TEST_F(EngineOf, NewsThatCannotBeToldComesAgain) {
    request();
    EngineSettings settings;
    settings.server = "pbx1";
    settings.owner = "node-a";
    EngineLinks links;
    int tries = 0;
    links.tell = [&](const storage::CallbackNews&) {
        if (++tries == 1) throw Error(ErrorCode::unavailable, "nobody listens");
    };
    sight.queues.clear();
    Engine one(settings, repos.callbackJobs, *this, links, clock, Log::none());
    tick(one);
    tick(one);
    tick(one);
    EXPECT_EQ(2, tries);
}

} // namespace
} // namespace pbx::callbacks::test
