// Who calls again, who gives up: by the feed, by the boards after a restart, and while the database is away.
#include "callbacks/caller_watch.hpp"
#include "callbacks_support.hpp"

namespace pbx::callbacks::test {
namespace {

using domain::CallbackOutcome;
using domain::CallbackReturn;
using domain::CallbackState;
using namespace std::chrono_literals;

class CallerWatchOf : public CallbacksTest {
protected:
    void SetUp() override {
        board->server = "pbx1";
        board->stale = false;
        known.tenant = scope.tenant();
        known.queue = repos.queues.get(scope, "sales").id;
        known.number = "+12125550123";
        known.mayBeCalled = true;
    }
    live::FeedEvent event(live::FeedKind kind, const std::string& call = "17.1") {
        live::FeedEvent out;
        out.kind = kind;
        out.at = clock.now();
        out.server = "pbx1";
        out.queue = "acme-sales";
        out.uniqueid = call;
        out.number = "2125550123";
        return out;
    }
    void joins(const std::string& call = "17.1") { feed.publish({event(live::FeedKind::callerJoined, call)}); }
    void leaves(int waited, live::Outcome outcome = live::Outcome::abandoned, const std::string& call = "17.1") {
        auto one = event(live::FeedKind::callerLeft, call);
        one.outcome = outcome;
        one.holdSeconds = waited;
        feed.publish({one});
    }
    void turn() { watch.turn({board}); }
    std::vector<domain::Callback> open() {
        storage::CallbackFilter filter;
        filter.open = true;
        return repos.callbacks.list(scope, {}, filter).items;
    }
    UtcTime sinceOf(const std::string& call) {
        Sight sight;
        sight.server = "pbx1";
        sight.queues["acme-sales"].waiting.push_back({clock.now(), 0, {}, call});
        watch.adjust(sight);
        return sight.queues.at("acme-sales").waiting.at(0).since;
    }

    live::Feed feed;
    std::shared_ptr<live::Snapshot> board = std::make_shared<live::Snapshot>();
    KnownCaller known;
    bool isKnown = true, away = false;
    std::vector<std::string> observed;
    std::vector<std::string> askedFor;
    CallerWatchLinks links{[this](const std::string& server, const std::string& queue,
                                  const std::string& number) -> std::optional<KnownCaller> {
                               if (away) throw Error(ErrorCode::unavailable, "the database is away");
                               if (number == "bad") throw Error(ErrorCode::internal, "an unknown word");
                               if (number == "worse") throw std::runtime_error("a bug");
                               askedFor.push_back(server + ' ' + queue + ' ' + number);
                               return isKnown ? std::optional(known) : std::nullopt;
                           },
                           [this](std::string_view what) { observed.emplace_back(what); }};
    CallerWatch watch{feed, repos.callbacks, repos.callbackReturns, links, Log::none()};
};

TEST_F(CallerWatchOf, OffLeavesTheCallbackAlone) {
    const auto id = request();
    turn();
    joins();
    turn();
    EXPECT_EQ(std::vector<std::string>{"pbx1 acme-sales 2125550123"}, askedFor);
    EXPECT_EQ(CallbackState::queued, stateOf(id));
    EXPECT_TRUE(observed.empty());
}

TEST_F(CallerWatchOf, TheCallbackEndsOnceHeWaits) {
    known.policy.onReturn = CallbackReturn::cancel;
    const auto id = request();
    turn();
    EXPECT_EQ(CallbackState::queued, stateOf(id));
    joins();
    turn();
    EXPECT_EQ(CallbackState::cancelled, stateOf(id));
    EXPECT_EQ(CallbackOutcome::calledAgain, repos.callbacks.get(scope, id.str()).callback.outcome);
    EXPECT_EQ(std::vector<std::string>{"return_ended"}, observed);
    EXPECT_EQ(clock.now(), sinceOf("17.1")); // as any other caller
}

TEST_F(CallerWatchOf, WhoAdoptsWaitsSinceItWasAskedFor) {
    known.policy.onReturn = CallbackReturn::adopt;
    const auto asked = clock.now();
    const auto id = request();
    clock.advance(10min);
    turn();
    joins();
    turn();
    EXPECT_EQ(CallbackState::cancelled, stateOf(id));
    EXPECT_EQ(asked, sinceOf("17.1"));
    EXPECT_EQ(clock.now(), sinceOf("17.2"));
    EXPECT_EQ(std::vector<std::string>{"return_ended"}, observed);
}

TEST_F(CallerWatchOf, AfterARestartTheBoardTellsWhoWaits) {
    known.policy.onReturn = CallbackReturn::adopt;
    const auto asked = clock.now();
    request();
    turn();
    joins();
    turn();
    live::Queue queue;
    queue.name = "acme-sales";
    for (const auto* call : {"17.1", "pbxd-abcdefgh234567zzaaabx"}) {
        auto caller = std::make_shared<live::Caller>();
        caller->uniqueid = call;
        caller->number = "2125550123";
        queue.callers.push_back(std::move(caller));
    }
    board->queues.put(std::move(queue), 1);
    clock.advance(1min);
    CallerWatch anew(feed, repos.callbacks, repos.callbackReturns, links, Log::none());
    askedFor.clear();
    anew.turn({board});
    EXPECT_EQ(1U, askedFor.size()); // our own channel is no caller
    Sight sight;
    sight.server = "pbx1";
    sight.queues["acme-sales"].waiting.push_back({clock.now(), 0, {}, "17.1"});
    anew.adjust(sight);
    EXPECT_EQ(asked, sight.queues.at("acme-sales").waiting.at(0).since);
    EXPECT_EQ(std::vector<std::string>{"return_ended"}, observed); // it had ended before
    anew.turn({board});                                            // once
    EXPECT_EQ(1U, askedFor.size());
    anew.turn({});
    anew.turn({board}); // another node had it meanwhile
    EXPECT_EQ(2U, askedFor.size());
}

TEST_F(CallerWatchOf, WhoIsOfNoConcernIsNotAskedFor) {
    turn();
    auto other = event(live::FeedKind::callerJoined);
    other.server = "pbx2"; // not driven by us
    auto hidden = event(live::FeedKind::callerJoined);
    hidden.number.clear();
    auto ours = event(live::FeedKind::callerJoined);
    ours.callback = "r_aaaaaaaaaaaaaaaa";
    feed.publish({other, hidden, ours, event(live::FeedKind::callStarted)});
    leaves(100, live::Outcome::answered);
    turn();
    EXPECT_TRUE(askedFor.empty());
    board->stale = true;
    joins();
    turn();
    EXPECT_TRUE(askedFor.empty());
}

TEST_F(CallerWatchOf, WhatTheDatabaseCannotSayNowIsAskedAgain) {
    known.policy.onReturn = CallbackReturn::cancel;
    const auto id = request();
    turn();
    away = true;
    joins();
    turn();
    turn();
    EXPECT_EQ(CallbackState::queued, stateOf(id));
    away = false;
    turn();
    EXPECT_EQ(CallbackState::cancelled, stateOf(id));
}

TEST_F(CallerWatchOf, OneOfWhomNothingComesKeepsNobodyWaiting) {
    known.policy.onReturn = CallbackReturn::cancel;
    const auto id = request();
    turn();
    for (const auto* number : {"bad", "worse"}) {
        auto one = event(live::FeedKind::callerJoined);
        one.number = number;
        feed.publish({one});
    }
    joins();
    turn();
    EXPECT_EQ(CallbackState::cancelled, stateOf(id));
    EXPECT_EQ((std::vector<std::string>{"dropped", "dropped", "return_ended"}), observed);
}

TEST_F(CallerWatchOf, ManyAreSettledInSeveralTurns) {
    turn();
    for (int i = 0; i < 120; ++i) joins("17." + std::to_string(i));
    turn();
    EXPECT_EQ(50U, askedFor.size());
    turn();
    turn();
    EXPECT_EQ(120U, askedFor.size());
    turn();
    EXPECT_EQ(120U, askedFor.size());
}

// Being dialled while he waits; then the queue lets him go, or he asks by key: he is to be called after all.
TEST_F(CallerWatchOf, WhoLeavesUnservedIsCalledAfterAll) {
    known.policy.onReturn = CallbackReturn::cancel;
    for (const auto outcome : {live::Outcome::timeout, live::Outcome::key, live::Outcome::empty,
                               live::Outcome::withdrawn, live::Outcome::answered}) {
        const auto id = request();
        auto job = repos.callbackJobs.due("pbx1", 10).at(0);
        ASSERT_TRUE(repos.callbackJobs.claim(job, "pbx1", "node-a"));
        ASSERT_EQ(storage::IntendResult::begun, repos.callbackJobs.intend(job, "boot-1"));
        ASSERT_TRUE(repos.callbackJobs.gate("pbx1", id, job.callback.attempt, job.token).open());
        turn();
        joins();
        turn();
        leaves(20, outcome);
        turn();
        EXPECT_TRUE(repos.callbackJobs.report("pbx1", id, job.callback.attempt, job.token, {"BUSY", 17, {}}));
        EXPECT_EQ(outcome == live::Outcome::answered ? CallbackState::cancelled : CallbackState::retryAt, stateOf(id));
        repos.callbacks.cancel(scope, id.str());
        clock.advance(1h);
    }
}

TEST_F(CallerWatchOf, WhoGivesUpAfterLongEnoughIsCalledBackOnce) {
    known.policy.abandonAfter = 30s;
    known.priority = 12;
    turn();
    leaves(29);
    turn();
    EXPECT_TRUE(open().empty());
    clock.advance(1min);
    leaves(30);
    turn();
    ASSERT_EQ(1U, open().size());
    const auto made = open()[0];
    EXPECT_EQ("abandon", made.requestedBy);
    EXPECT_EQ("+12125550123", made.number);
    EXPECT_EQ(12, made.priority);
    EXPECT_EQ(clock.now() - 30s, made.requestedAt); // his place is kept
    leaves(45, live::Outcome::abandoned, "17.2");
    turn();
    EXPECT_EQ(1U, open().size());
    EXPECT_EQ((std::vector<std::string>{"abandon_new", "abandon_existing"}), observed);
}

TEST_F(CallerWatchOf, NobodyIsCalledBackWhomTheTenantMayNotCall) {
    known.policy.abandonAfter = 0s;
    known.mayBeCalled = false;
    turn();
    leaves(30);
    turn();
    EXPECT_TRUE(open().empty());
    EXPECT_EQ(std::vector<std::string>{"abandon_refused"}, observed);
    known.policy.abandonAfter.reset(); // and nobody where no policy says so
    known.mayBeCalled = true;
    leaves(300);
    turn();
    EXPECT_TRUE(open().empty());
    isKnown = false;
    leaves(300);
    turn();
    EXPECT_TRUE(open().empty());
}

TEST_F(CallerWatchOf, WhoAdoptsAndGivesUpKeepsTheOldPlace) {
    known.policy.onReturn = CallbackReturn::adopt;
    known.policy.abandonAfter = 5s;
    const auto asked = clock.now();
    const auto id = request();
    turn();
    clock.advance(1h);
    joins();
    turn();
    clock.advance(8s);
    leaves(8);
    turn();
    ASSERT_EQ(1U, open().size());
    EXPECT_NE(id, open()[0].id);
    EXPECT_EQ(asked, open()[0].requestedAt);
}

TEST_F(CallerWatchOf, WhoListenedToTheOfferCameBeforeHeJoined) {
    known.policy.abandonAfter = 5s;
    const auto came = clock.now();
    turn();
    watch.arrived("pbx1", "acme-sales", "17.1", came);
    clock.advance(3s);
    watch.arrived("pbx1", "acme-support", "17.2", came);
    watch.arrived("pbx2", "acme-sales", "17.3", came);
    watch.arrived("pbx1", "acme-sales", "17.4", clock.now() + 1h); // nobody comes after he has joined
    EXPECT_EQ(came, sinceOf("17.1"));
    for (const auto* other : {"17.2", "17.3", "17.4"}) EXPECT_EQ(clock.now(), sinceOf(other)) << other;
    joins();
    clock.advance(8s);
    leaves(8);
    turn();
    ASSERT_EQ(1U, open().size());
    EXPECT_EQ(came, open()[0].requestedAt);
}

TEST(ArrivalsOf, ManyCallsAreForgottenInTheirOrder) {
    const auto noon = fromEpochMicros(1'790'000'000'000'000);
    Arrivals arrivals(2);
    for (const auto* call : {"1", "2", "2", "1", "2"}) arrivals.tell("pbx1", "acme-sales", call, noon);
    arrivals.tell("pbx1", "acme-sales", "2", noon + 5s);
    arrivals.tell("pbx1", "acme-sales", "3", noon);
    EXPECT_EQ(std::nullopt, arrivals.find("pbx1", "acme-sales", "1"));
    EXPECT_EQ(noon + 5s, arrivals.find("pbx1", "acme-sales", "2"));
    EXPECT_EQ(noon, arrivals.find("pbx1", "acme-sales", "3"));
}

} // namespace
} // namespace pbx::callbacks::test
