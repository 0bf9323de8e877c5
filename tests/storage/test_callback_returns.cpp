// A customer with an open callback calls by himself, on both engines: the guarded UPDATE decides between his call and
// the gate; and what is told of it.
#include "storage_test.hpp"

#include <barrier>
#include <thread>

namespace pbx::test {
namespace {

using namespace pbx::storage;
using domain::CallbackOutcome;
using domain::CallbackReturn;
using domain::CallbackState;
using domain::Scope;
using namespace std::chrono_literals;

class CallbackReturnsOf : public StorageTest {
protected:
    void company() {
        scope = tenantScope("acme");
        queue = repos->queues.create(*scope, {"sales", "Sales", "pbx1", "", {}, 0}).id;
    }
    CallbackId request(int priority = 0) {
        NewCallback wanted;
        wanted.queue = "sales";
        wanted.number = number_;
        wanted.requestedBy = "alice";
        wanted.priority = priority;
        return repos->callbacks.request(*scope, wanted).callback.id;
    }
    CallbackJob begun() {
        auto job = jobs().due("pbx1", 10).at(0);
        EXPECT_TRUE(jobs().claim(job, "pbx1", "node-a"));
        EXPECT_EQ(IntendResult::begun, jobs().intend(job, "boot-1"));
        return job;
    }
    GateReply gate(const CallbackJob& job) {
        return jobs().gate("pbx1", job.callback.id, job.callback.attempt, job.token);
    }
    bool report(const CallbackJob& job, const std::string& status, int cause = 0) {
        return jobs().report("pbx1", job.callback.id, job.callback.attempt, job.token, {status, cause, {}});
    }
    ReturnedCallback came(const std::string& call = "1790000000.7", CallbackReturn what = CallbackReturn::cancel) {
        return repos->callbackReturns.came(scope->tenant(), queue, number_, call, clock.now(), what);
    }
    domain::Callback now(const CallbackId& id) { return repos->callbacks.get(*scope, id.str()).callback; }
    CallbackJobRepository& jobs() { return repos->callbackJobs; }

    const std::string number_ = "+12125550123";
    std::optional<Scope> scope;
    QueueId queue;
};

TEST_P(CallbackReturnsOf, WhatWaitsEndsWithItsOwnOutcome) {
    company();
    EXPECT_EQ(ReturnResult::none, came().result);
    const auto first = request(7);
    EXPECT_EQ(first, repos->callbackReturns.open(scope->tenant(), queue, number_)->id);
    EXPECT_EQ(std::nullopt, repos->callbackReturns.open(scope->tenant(), queue, "+12125550124"));
    const auto ended = came("1790000000.7", CallbackReturn::adopt);
    EXPECT_EQ(ReturnResult::ended, ended.result);
    EXPECT_EQ(first, ended.callback.id);
    EXPECT_EQ(7, ended.callback.priority);
    EXPECT_EQ(CallbackState::cancelled, now(first).state);
    EXPECT_EQ(CallbackOutcome::adopted, now(first).outcome);
    EXPECT_EQ(clock.now(), now(first).endedAt);
    // The same call once more, as after a restart: known. Another one: nothing is open.
    EXPECT_EQ(ReturnResult::known, came("1790000000.7", CallbackReturn::adopt).result);
    EXPECT_EQ(ReturnResult::none, came("1790000000.8").result);
    const auto second = request();
    EXPECT_NE(first, second); // a new one may be asked for
    EXPECT_EQ(ReturnResult::ended, came("1790000000.9").result);
    EXPECT_EQ(CallbackOutcome::calledAgain, now(second).outcome);
}

TEST_P(CallbackReturnsOf, AnAttemptBeforeTheGateFindsItShut) {
    company();
    const auto id = request();
    const auto job = begun();
    EXPECT_EQ(ReturnResult::ended, came().result);
    EXPECT_EQ(GateRefusal::notThisAttempt, gate(job).refusal); // what is over has no token
    EXPECT_EQ(0, now(id).dials);
}

TEST_P(CallbackReturnsOf, WhoIsBeingDialledIsNotDialledAgain) {
    company();
    const auto id = request();
    auto job = begun();
    EXPECT_TRUE(gate(job).open());
    EXPECT_EQ(ReturnResult::letGo, came().result);
    EXPECT_EQ(CallbackState::gated, now(id).state);
    EXPECT_TRUE(report(job, "BUSY", 17)); // of course: he calls us
    EXPECT_EQ(CallbackState::cancelled, now(id).state);
    EXPECT_EQ(CallbackOutcome::calledAgain, now(id).outcome);
    EXPECT_EQ(CallbackOutcome::busy, repos->callbacks.get(*scope, id.str()).attempts.at(0).outcome);
    EXPECT_TRUE(jobs().due("pbx1", 10).empty());
    request(); // its key is free
}

TEST_P(CallbackReturnsOf, WhoIsReachedAllTheSameWasReached) {
    company();
    const auto id = request();
    const auto job = begun();
    EXPECT_TRUE(gate(job).open());
    EXPECT_EQ(ReturnResult::letGo, came().result);
    EXPECT_TRUE(report(job, "ANSWER", 16));
    EXPECT_EQ(CallbackState::done, now(id).state);
    EXPECT_EQ(CallbackOutcome::reached, now(id).outcome);
}

TEST_P(CallbackReturnsOf, WhoGivesUpMeanwhileIsTriedAgain) {
    company();
    const auto id = request();
    const auto job = begun();
    EXPECT_TRUE(gate(job).open());
    EXPECT_EQ(ReturnResult::letGo, came("1790000000.7").result);
    EXPECT_FALSE(repos->callbackReturns.left(scope->tenant(), "1790000000.8"));
    EXPECT_TRUE(repos->callbackReturns.left(scope->tenant(), "1790000000.7"));
    EXPECT_TRUE(report(job, "BUSY", 17));
    EXPECT_EQ(CallbackState::retryAt, now(id).state);
    EXPECT_EQ(ReturnResult::ended, came("1790000000.9").result);                // until he comes again
    EXPECT_FALSE(repos->callbackReturns.left(scope->tenant(), "1790000000.9")); // what has ended stays so
}

TEST_P(CallbackReturnsOf, WhoAsksAgainWhileHeWaitsCountsOnIt) {
    company();
    const auto id = request();
    const auto job = begun();
    EXPECT_TRUE(gate(job).open());
    EXPECT_EQ(ReturnResult::letGo, came().result);
    EXPECT_EQ(id, request()); // he presses the key, hears "you will be called back", and hangs up
    EXPECT_TRUE(report(job, "BUSY", 17));
    EXPECT_EQ(CallbackState::retryAt, now(id).state);
}

TEST_P(CallbackReturnsOf, WhatWasAskedForAfterHeJoinedIsNotMeant) {
    company();
    const auto joined = clock.now();
    clock.advance(1s);
    const auto id = request(); // by that very call
    EXPECT_EQ(
        ReturnResult::none,
        repos->callbackReturns.came(scope->tenant(), queue, number_, "1790000000.7", joined, CallbackReturn::cancel)
            .result);
    EXPECT_EQ(CallbackState::queued, now(id).state);
    EXPECT_EQ(ReturnResult::ended, came("1790000000.8").result);
}

TEST_P(CallbackReturnsOf, InDoubtEndsInsteadOfBeingTriedAgain) {
    company();
    const auto id = request();
    auto job = begun();
    EXPECT_TRUE(gate(job).open());
    EXPECT_EQ(ReturnResult::letGo, came().result);
    EXPECT_TRUE(jobs().doubt(job));
    EXPECT_TRUE(jobs().settleDoubt(job));
    EXPECT_EQ(CallbackState::cancelled, now(id).state);
    EXPECT_EQ(CallbackOutcome::calledAgain, now(id).outcome);
}

// Whichever is first, never both: he is dialled and the callback is not cancelled under it, or it is cancelled and he
// is not dialled.
TEST_P(CallbackReturnsOf, TheGateAndTheCallDecideBetweenThemselves) {
    company();
    for (int round = 0; round < 20; ++round) {
        clock.advance(24h); // a number is dialled ten times a day at most
        const auto id = request();
        const auto job = begun();
        std::barrier start(2);
        GateReply reply;
        std::thread dialplan([&] {
            start.arrive_and_wait();
            reply = gate(job);
        });
        start.arrive_and_wait();
        const auto result = came("1790000000." + std::to_string(100 + round)).result;
        dialplan.join();
        EXPECT_EQ(reply.open(), result == ReturnResult::letGo) << round;
        EXPECT_EQ(!reply.open(), result == ReturnResult::ended) << round;
        EXPECT_EQ(reply.open() ? 1 : 0, now(id).dials);
        if (reply.open()) {
            EXPECT_TRUE(report(job, "BUSY", 17));
        }
        EXPECT_EQ(CallbackState::cancelled, now(id).state);
    }
}

TEST_P(CallbackReturnsOf, PoliciesSayForWhomItMatters) {
    company();
    EXPECT_TRUE(repos->callbackReturns.watched().empty());
    domain::CallbackPolicy policy;
    repos->callbacks.setPolicy(*scope, {}, policy);
    EXPECT_TRUE(repos->callbackReturns.watched().empty());
    const auto before = repos->tenantRouting.load(scope->tenant());
    policy.onReturn = CallbackReturn::adopt;
    policy.abandonAfter = 45s;
    policy.useLevels = false;
    repos->callbacks.setPolicy(*scope, queue, policy);
    EXPECT_EQ(std::set{scope->tenant()}, repos->callbackReturns.watched());
    const auto after = repos->tenantRouting.load(scope->tenant());
    EXPECT_LT(before.version.routing, after.version.routing); // copies in memory are old
    ASSERT_EQ(2U, after.callbackPolicies.size());
    EXPECT_EQ(CallbackReturn::adopt, after.callbackPolicies.at(queue).onReturn);
    EXPECT_EQ(45s, after.callbackPolicies.at(queue).abandonAfter);
    EXPECT_FALSE(after.callbackPolicies.at(queue).useLevels);
    EXPECT_EQ(CallbackReturn::off, after.callbackPolicies.at(QueueId()).onReturn);
    EXPECT_EQ(std::nullopt, after.callbackPolicies.at(QueueId()).abandonAfter);
    EXPECT_TRUE(after.callbackPolicies.at(QueueId()).useLevels);
    policy.abandonAfter = 25h;
    EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { repos->callbacks.setPolicy(*scope, queue, policy); }));
    repos->callbacks.unsetPolicy(*scope, queue);
    EXPECT_LT(after.version.routing, repos->tenantRouting.load(scope->tenant()).version.routing);
    EXPECT_TRUE(repos->callbackReturns.watched().empty());
}

TEST_P(CallbackReturnsOf, NewsTellWhatItCameToAndAreReadByEachNode) {
    company();
    const auto id = request();
    const auto begin = clock.now();
    clock.advance(1s);
    const auto job = begun();
    EXPECT_TRUE(gate(job).open());
    EXPECT_TRUE(report(job, "BUSY", 17));
    auto news = jobs().newsSince(begin, 10);
    ASSERT_EQ(4U, news.size()); // queued, gated, busy, retry_at
    EXPECT_EQ(CallbackState::queued, news[0].state);
    EXPECT_EQ(std::nullopt, news[0].outcome);
    EXPECT_EQ(queue, news[0].queue);
    EXPECT_EQ(number_, news[0].number);
    EXPECT_EQ(id, news[0].callback);
    EXPECT_EQ(CallbackState::retryAt, news[3].state);
    EXPECT_EQ(CallbackOutcome::busy, news[3].outcome);
    jobs().told(jobs().untold());
    EXPECT_TRUE(jobs().untold().empty());
    EXPECT_EQ(4U, jobs().newsSince(begin, 10).size()); // told or not
    EXPECT_EQ(2U, jobs().newsSince(begin, 2).size());
    EXPECT_EQ(3U, jobs().newsSince(begin + 1s, 10).size());
    const auto among = repos->callbacks.among(*scope, {id, CallbackId("r_aaaaaaaaaaaaaaaa")});
    ASSERT_EQ(1U, among.size());
    EXPECT_EQ(now(id), among.at(id));
    EXPECT_TRUE(repos->callbacks.among(tenantScope("other"), {id}).empty());
}

PBX_ON_BOTH(CallbackReturnsOf);

} // namespace
} // namespace pbx::test
