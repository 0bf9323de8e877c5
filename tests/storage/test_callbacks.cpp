// Callbacks on both engines: asked for once, claimed by one, dialled at most once an attempt, settled and told of.
#include "cutting_proxy.hpp"
#include "storage_test.hpp"

#include <barrier>
#include <set>

namespace pbx::test {
namespace {

using namespace pbx::storage;
using domain::CallbackEvent;
using domain::CallbackOutcome;
using domain::CallbackState;
using domain::Scope;
using namespace std::chrono_literals;

class CallbacksOf : public StorageTest {
protected:
    Scope company(const std::string& name = "acme") {
        auto scope = tenantScope(name);
        repos->queues.create(scope, {"sales", "Sales", "pbx1", "", {}, 0});
        repos->queues.create(scope, {"support", "Support", "pbx1", "", {}, 0});
        return scope;
    }
    static NewCallback wanted(const std::string& number, const std::string& queue = "sales") {
        NewCallback out;
        out.queue = queue;
        out.number = number;
        out.requestedBy = "alice";
        return out;
    }
    domain::Callback request(const Scope& scope, const std::string& number = "+12125550123") {
        return repos->callbacks.request(scope, wanted(number)).callback;
    }
    domain::Callback now(const Scope& scope, const CallbackId& id) {
        return repos->callbacks.get(scope, id.str()).callback;
    }
    CallbackState stateOf(const Scope& scope, const CallbackId& id) { return now(scope, id).state; }
    CallbackJob claimed(const std::string& owner = "node-a") {
        auto due = jobs().due("pbx1", 10);
        EXPECT_FALSE(due.empty());
        auto job = due.at(0);
        EXPECT_TRUE(jobs().claim(job, "pbx1", owner));
        return job;
    }
    CallbackJob begun(const std::string& owner = "node-a") {
        auto job = claimed(owner);
        EXPECT_EQ(IntendResult::begun, jobs().intend(job, "boot-1"));
        return job;
    }
    GateReply gate(const CallbackJob& job) {
        return jobs().gate("pbx1", job.callback.id, job.callback.attempt, job.token);
    }
    CallbackJob gated(const std::string& owner = "node-a") {
        auto job = begun(owner);
        EXPECT_TRUE(gate(job).open());
        job.callback.state = CallbackState::gated;
        return job;
    }
    bool report(const CallbackJob& job, const std::string& status, int cause = 0) {
        return jobs().report("pbx1", job.callback.id, job.callback.attempt, job.token, {status, cause, {}});
    }
    CallbackJobRepository& jobs() { return repos->callbackJobs; }
};

TEST_P(CallbacksOf, ARequestComesBackAsItWasMade) {
    const auto scope = company();
    auto asked = wanted("+12125550123");
    asked.name = "Zoë \xF0\x9F\x93\x9E";
    asked.note = "about the invoice";
    asked.notBefore = clock.now() + 10min;
    const auto made = repos->callbacks.request(scope, asked);
    EXPECT_FALSE(made.existing);
    const auto found = repos->callbacks.get(scope, made.callback.id.str());
    EXPECT_EQ(made.callback, found.callback);
    EXPECT_TRUE(found.attempts.empty());
    EXPECT_EQ("+12125550123", found.callback.number);
    EXPECT_EQ("Zoë \xF0\x9F\x93\x9E", found.callback.name);
    EXPECT_EQ(CallbackState::queued, found.callback.state);
    EXPECT_EQ(clock.now(), found.callback.requestedAt);
    EXPECT_EQ(clock.now() + 10min, found.callback.dueAt);
    EXPECT_EQ(clock.now() + 10min + 8h, found.callback.expiresAt);
    EXPECT_EQ(3, found.callback.maxDials);
}

TEST_P(CallbacksOf, WhoAsksWhileWaitingKeepsPlaceAndPriority) {
    const auto scope = company();
    request(scope, "+12125550101");
    clock.advance(1min);
    auto asked = wanted("+12125550102");
    asked.waitingSince = clock.now() - 5min;
    const auto kept = repos->callbacks.request(scope, asked).callback;
    EXPECT_EQ(clock.now() - 5min, kept.requestedAt);
    EXPECT_EQ(clock.now() + 8h, kept.expiresAt);
    asked = wanted("+12125550103");
    asked.priority = 10;
    EXPECT_EQ(10, now(scope, repos->callbacks.request(scope, asked).callback.id).priority);
    asked = wanted("+12125550104");
    asked.waitingSince = clock.now() + 1min; // nobody waits since later
    EXPECT_EQ(clock.now(), repos->callbacks.request(scope, asked).callback.requestedAt);
    std::vector<std::string> order;
    for (const auto& job : jobs().due("pbx1", 10)) {
        order.push_back(job.callback.number.substr(9));
        EXPECT_EQ("acme", job.tenantName);
        EXPECT_EQ("acme-sales", job.asteriskQueue);
    }
    EXPECT_EQ((std::vector<std::string>{"103", "102", "101", "104"}), order);
    asked.number = "+12125550105";
    asked.waitingSince = clock.now() - 25h;
    EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { repos->callbacks.request(scope, asked); }));
    asked.waitingSince.reset();
    asked.priority = 101;
    EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { repos->callbacks.request(scope, asked); }));
}

TEST_P(CallbacksOf, WhatEndedLongAgoIsForgottenOnceItWasTold) {
    const auto scope = company();
    const auto open = request(scope, "+12125550101");
    const auto ended = request(scope, "+12125550102");
    ASSERT_TRUE(repos->callbacks.cancel(scope, ended.id.str()).cancelled);
    clock.advance(24h);
    EXPECT_EQ(0, jobs().purge(clock.now())); // nobody was told yet
    jobs().told(jobs().untold());
    EXPECT_EQ(0, jobs().purge(clock.now() - 24h)); // not before that
    EXPECT_EQ(1, jobs().purge(clock.now()));
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { now(scope, ended.id); }));
    EXPECT_EQ(CallbackState::queued, stateOf(scope, open.id));
}

TEST_P(CallbacksOf, AskingAgainTellsTheOneThatIsOpen) {
    const auto scope = company();
    const auto first = request(scope);
    clock.advance(1min);
    const auto again = repos->callbacks.request(scope, wanted("+12125550123"));
    EXPECT_TRUE(again.existing);
    EXPECT_EQ(first, again.callback);
    EXPECT_FALSE(repos->callbacks.request(scope, wanted("+12125550123", "support")).existing);
    EXPECT_FALSE(repos->callbacks.request(scope, wanted("+12125550124")).existing);
    EXPECT_FALSE(repos->callbacks.request(company("other"), wanted("+12125550123")).existing);
    EXPECT_TRUE(repos->callbacks.cancel(scope, first.id.str()).cancelled);
    const auto anew = repos->callbacks.request(scope, wanted("+12125550123"));
    EXPECT_FALSE(anew.existing);
    EXPECT_NE(first.id, anew.callback.id);
}

TEST_P(CallbacksOf, TwoWhoAskAtOnceGetTheSame) {
    const auto scope = company();
    Database other(settings, Log::none(), clock);
    static constexpr int rounds = 20;
    std::barrier together(2);
    std::array<std::vector<std::string>, 2> ids;
    std::array<int, 2> existing{};
    std::array<std::thread, 2> threads;
    for (std::size_t i = 0; i < 2; ++i)
        threads[i] = std::thread([&, i] {
            CallbackRepository mine(i == 0 ? *db : other, OutboundCaps{});
            for (int round = 0; round < rounds; ++round) {
                together.arrive_and_wait();
                const auto got = mine.request(scope, wanted("+1212555" + std::to_string(1000 + round)));
                ids[i].push_back(got.callback.id.str());
                existing[i] += got.existing ? 1 : 0;
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(ids[0], ids[1]);
    EXPECT_EQ(rounds, existing[0] + existing[1]);
    EXPECT_EQ(rounds, number("SELECT COUNT(*) FROM callbacks"));
}

TEST_P(CallbacksOf, ListsByTurnAndPages) {
    const auto scope = company();
    std::vector<std::string> expected;
    for (int i = 0; i < 5; ++i) {
        expected.push_back(request(scope, "+1212555010" + std::to_string(i)).number);
        if (i != 2) clock.advance(1s); // two in the same microsecond
    }
    std::vector<std::string> seen;
    PageRequest page{"", 2};
    for (;;) {
        const auto got = repos->callbacks.list(scope, page);
        for (const auto& one : got.items) seen.push_back(one.number);
        if (!got.next) break;
        page.after = *got.next;
    }
    std::ranges::sort(seen);
    EXPECT_EQ(expected, seen);
    EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { repos->callbacks.list(scope, {"nonsense", 2}); }));
    EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { repos->callbacks.list(scope, {"99999999999999999999 r", 2}); }));
    repos->callbacks.cancel(scope, repos->callbacks.list(scope, {"", 1}).items[0].id.str());
    CallbackFilter open;
    open.open = true;
    EXPECT_EQ(4U, repos->callbacks.list(scope, {}, open).items.size());
}

TEST_P(CallbacksOf, OthersAreNotFound) {
    const auto scope = company();
    const auto other = company("other");
    const auto made = request(scope);
    for (const auto& id : {made.id.str(), std::string("r_aaaaaaaaaaaaaaaa"), std::string("x"), std::string()}) {
        EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->callbacks.get(other, id); })) << id;
        EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->callbacks.cancel(other, id); })) << id;
        EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->callbacks.retry(other, id, "alice"); })) << id;
    }
    EXPECT_TRUE(repos->callbacks.list(other, {}).items.empty());
    EXPECT_EQ(CallbackState::queued, stateOf(scope, made.id));
}

TEST_P(CallbacksOf, ALimitedScopeReachesItsQueuesAlone) {
    const auto scope = company();
    const auto department = repos->departments.create(scope, {"own", "Own"}).id;
    const auto queue = repos->queues.create(scope, {"own", "Own", "pbx1", "", department, 0}).id;
    const auto foreign = request(scope);
    const auto mine = repos->callbacks.request(scope, wanted("+12125550123", "own")).callback;
    const auto lead = Scope(scope.tenant()).within({department});
    const auto agent = Scope(scope.tenant()).asAgent(AgentId("a_aaaaaaaaaaaaaaaa"));
    const std::set<QueueId> member{queue};
    EXPECT_EQ(1U, repos->callbacks.list(lead, {}).items.size());
    EXPECT_EQ(mine.id, repos->callbacks.get(lead, mine.id.str()).callback.id);
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->callbacks.cancel(lead, foreign.id.str()); }));
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->callbacks.request(lead, wanted("+1212", "sales")); }));
    EXPECT_EQ(mine.id, repos->callbacks.get(agent, mine.id.str(), member).callback.id);
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->callbacks.get(agent, foreign.id.str(), member); }));
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->callbacks.get(agent, mine.id.str()); }));
    EXPECT_EQ(ErrorCode::forbidden, codeOf([&] { repos->callbacks.setPolicy(lead, {}, {}); }));
}

TEST_P(CallbacksOf, HostileNumbersAreRefused) {
    const auto scope = company();
    for (const std::string evil : {"", "+", "1'", "+1 2", "1&SIP/x", "+1212555012345678", "\xFF", "1\n"})
        EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { request(scope, evil); })) << evil;
    auto late = wanted("+12125550123");
    late.expiresAt = clock.now();
    EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { repos->callbacks.request(scope, late); }));
}

TEST_P(CallbacksOf, AQueueWithAnOpenCallbackIsNotRemoved) {
    const auto scope = company();
    const auto made = request(scope);
    EXPECT_EQ(ErrorCode::conflict, codeOf([&] { repos->queues.remove(scope, "sales"); }));
    repos->callbacks.cancel(scope, made.id.str());
    repos->queues.remove(scope, "sales");
    EXPECT_EQ(CallbackState::cancelled, stateOf(scope, made.id)); // its history stays
}

TEST_P(CallbacksOf, DueComesByTurnSoManyAQueue) {
    const auto scope = company();
    const auto other = company("other");
    for (int i = 0; i < 3; ++i) {
        request(scope, "+1212555010" + std::to_string(i));
        clock.advance(1s);
        repos->callbacks.request(scope, wanted("+1212555020" + std::to_string(i), "support"));
        clock.advance(1s);
        request(other, "+1212555030" + std::to_string(i));
        clock.advance(1s);
    }
    auto later = wanted("+12125550400");
    later.notBefore = clock.now() + 1min;
    repos->callbacks.request(other, later);
    std::vector<std::string> numbers;
    for (const auto& job : jobs().due("pbx1", 2)) numbers.push_back(job.callback.number.substr(8));
    EXPECT_EQ((std::vector<std::string>{"0100", "0200", "0300", "0101", "0201", "0301"}), numbers);
    EXPECT_EQ("acme-sales", jobs().due("pbx1", 1).at(0).asteriskQueue);
    EXPECT_TRUE(jobs().due("pbx2", 2).empty());
    clock.advance(1min);
    EXPECT_EQ(10U, jobs().due("pbx1", 9).size());
}

TEST_P(CallbacksOf, OneOfTwoClaimersHasIt) {
    const auto scope = company();
    static constexpr int callbacks = 30;
    for (int i = 0; i < callbacks; ++i) request(scope, "+1212555" + std::to_string(1000 + i));
    Database other(settings, Log::none(), clock);
    const auto due = jobs().due("pbx1", callbacks);
    ASSERT_EQ(static_cast<std::size_t>(callbacks), due.size());
    std::barrier together(2);
    std::array<std::set<std::string>, 2> won;
    std::array<std::thread, 2> threads;
    for (std::size_t i = 0; i < 2; ++i)
        threads[i] = std::thread([&, i] {
            CallbackJobRepository mine(i == 0 ? *db : other, OutboundCaps{});
            for (auto job : due) {
                together.arrive_and_wait();
                if (mine.claim(job, "pbx1", "node-" + std::to_string(i))) won[i].insert(job.callback.id.str());
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(static_cast<std::size_t>(callbacks), won[0].size() + won[1].size());
    for (const auto& id : won[0]) EXPECT_FALSE(won[1].contains(id));
    for (const auto& job : jobs().inFlight("pbx1")) {
        EXPECT_EQ(1, job.epoch);
        EXPECT_EQ(job.owner == "node-0", won[0].contains(job.callback.id.str()));
    }
}

TEST_P(CallbacksOf, WhoWasOvertakenChangesNothing) {
    const auto scope = company();
    request(scope);
    auto zombie = begun("node-a");
    auto seen = jobs().inFlight("pbx1").at(0);
    ASSERT_TRUE(jobs().adopt(seen, "node-b"));
    EXPECT_EQ(2, seen.epoch);
    EXPECT_EQ(CallbackState::intent, stateOf(scope, seen.callback.id));
    EXPECT_FALSE(jobs().withdraw(zombie, clock.now()));
    EXPECT_FALSE(jobs().release(zombie, clock.now()));
    EXPECT_EQ(IntendResult::lost, jobs().intend(zombie, "boot-1"));
    ASSERT_TRUE(gate(zombie).open()); // its Originate is this attempt's all the same: whoever comes first
    EXPECT_FALSE(gate(seen).open());
    zombie.callback.state = CallbackState::gated;
    EXPECT_FALSE(jobs().progress(zombie, CallbackEvent::ring));
    EXPECT_FALSE(jobs().settle(zombie, CallbackOutcome::reached));
    EXPECT_FALSE(jobs().doubt(zombie));
    seen.callback.state = CallbackState::gated;
    EXPECT_TRUE(jobs().progress(seen, CallbackEvent::ring));
    EXPECT_TRUE(jobs().settle(seen, CallbackOutcome::reached));
    EXPECT_FALSE(jobs().settle(seen, CallbackOutcome::busy)); // once
    EXPECT_EQ(CallbackState::done, stateOf(scope, seen.callback.id));
}

TEST_P(CallbacksOf, ARenewedLeaseIsNotTakenOver) {
    const auto scope = company();
    request(scope);
    const auto job = begun("node-a");
    auto stale = jobs().inFlight("pbx1").at(0);
    jobs().renew("pbx1", "node-b"); // not his
    jobs().renew("pbx1", "node-a");
    EXPECT_FALSE(jobs().adopt(stale, "node-b"));
    auto fresh = jobs().inFlight("pbx1").at(0);
    EXPECT_EQ(stale.beat + 1, fresh.beat);
    EXPECT_TRUE(jobs().adopt(fresh, "node-b"));
    EXPECT_FALSE(jobs().adopt(fresh, "node-b") && fresh.epoch != 3);
    EXPECT_EQ(job.callback.id, fresh.callback.id);
}

TEST_P(CallbacksOf, TheGateOpensOnceAndForNobodyElse) {
    const auto scope = company();
    request(scope);
    const auto job = begun();
    const auto& id = job.callback.id;
    EXPECT_EQ(GateRefusal::notThisAttempt, jobs().gate("pbx1", id, 1, "").refusal);
    EXPECT_EQ(GateRefusal::notThisAttempt, jobs().gate("pbx1", id, 1, std::string(32, 'a')).refusal);
    EXPECT_EQ(GateRefusal::notThisAttempt, jobs().gate("pbx1", id, 2, job.token).refusal);
    EXPECT_EQ(GateRefusal::unknown, jobs().gate("pbx2", id, 1, job.token).refusal);
    EXPECT_EQ(GateRefusal::unknown, jobs().gate("pbx1", CallbackId("r_' OR '1'='1"), 1, job.token).refusal);
    EXPECT_EQ(CallbackState::intent, stateOf(scope, id));
    const auto open = gate(job);
    ASSERT_TRUE(open.open());
    EXPECT_EQ("+12125550123", open.number);
    EXPECT_EQ(30s, open.policy.ring);
    EXPECT_EQ(GateRefusal::notWaiting, gate(job).refusal);
    const auto detail = repos->callbacks.get(scope, id.str());
    EXPECT_EQ(1, detail.callback.dials);
    ASSERT_EQ(1U, detail.attempts.size());
    EXPECT_EQ(clock.now(), detail.attempts[0].gatedAt);
    EXPECT_EQ(domain::callbackChannelId(id, 1), detail.attempts[0].channelId);
}

TEST_P(CallbacksOf, AtTheGateOneOfManyGetsThrough) {
    const auto scope = company();
    Database other(settings, Log::none(), clock);
    for (int round = 0; round < 15; ++round) {
        const auto id = request(scope, "+1212555" + std::to_string(1000 + round)).id;
        auto due = jobs().due("pbx1", 50);
        auto job = due.at(0);
        ASSERT_TRUE(jobs().claim(job, "pbx1", "node-a"));
        ASSERT_EQ(IntendResult::begun, jobs().intend(job, "boot-1"));
        std::atomic<int> through{0};
        std::atomic<bool> cancelled{false};
        std::barrier together(3);
        std::vector<std::thread> threads;
        for (int i = 0; i < 2; ++i)
            threads.emplace_back([&, i] {
                CallbackJobRepository mine(i == 0 ? *db : other, OutboundCaps{});
                together.arrive_and_wait();
                if (mine.gate("pbx1", job.callback.id, 1, job.token).open()) ++through;
            });
        threads.emplace_back([&] {
            CallbackRepository mine(other, OutboundCaps{});
            together.arrive_and_wait();
            cancelled = mine.cancel(scope, id.str()).cancelled;
        });
        for (auto& thread : threads) thread.join();
        EXPECT_EQ(cancelled ? 0 : 1, through); // never both, and the cancel's answer is the truth (P9)
        EXPECT_EQ(cancelled ? CallbackState::cancelled : CallbackState::gated, stateOf(scope, id));
    }
}

TEST_P(CallbacksOf, TheGateIsShutForACancelledABlockedAndAnExpiredOne) {
    const auto scope = company();
    const auto first = request(scope).id;
    auto job = begun();
    EXPECT_TRUE(repos->callbacks.cancel(scope, first.str()).cancelled);
    EXPECT_EQ(GateRefusal::notThisAttempt, gate(job).refusal); // what is over has no token
    EXPECT_EQ(CallbackState::cancelled, stateOf(scope, first));

    const auto second = request(scope).id;
    job = begun();
    const auto entry = repos->blocklist.add(scope, {domain::BlockKind::prefix, "+1212", {}, "", "alice"});
    EXPECT_EQ(GateRefusal::blocked, gate(job).refusal);
    EXPECT_EQ(CallbackState::blocked, stateOf(scope, second));
    request(scope);
    job = claimed();
    EXPECT_EQ(IntendResult::blocked, jobs().intend(job, "boot-1"));
    repos->blocklist.remove(scope, entry.id.str());

    const auto third = request(scope).id;
    job = begun();
    clock.advance(8h);
    EXPECT_EQ(GateRefusal::expired, gate(job).refusal);
    EXPECT_EQ(1, jobs().expire());
    EXPECT_EQ(CallbackState::expired, stateOf(scope, third));
    EXPECT_EQ(0, jobs().expire());
    EXPECT_EQ(0, number("SELECT COUNT(*) FROM callbacks WHERE dials > 0"));
}

TEST_P(CallbacksOf, AnAttemptTakenBackFindsTheGateShutAndCostsNothing) {
    const auto scope = company();
    const auto id = request(scope).id;
    const auto job = begun();
    ASSERT_TRUE(jobs().withdraw(job, clock.now() + 30s));
    EXPECT_FALSE(gate(job).open());
    EXPECT_TRUE(jobs().due("pbx1", 1).empty());
    clock.advance(30s);
    const auto again = begun("node-b");
    EXPECT_EQ(2, again.callback.attempt);
    EXPECT_NE(job.token, again.token);
    EXPECT_FALSE(gate(job).open());
    EXPECT_TRUE(gate(again).open());
    EXPECT_EQ(1, now(scope, id).dials);
}

TEST_P(CallbacksOf, WhatTheDialplanReportsDecidesWhatFollows) {
    const auto scope = company();
    const auto id = request(scope).id;
    auto job = gated();
    EXPECT_FALSE(jobs().report("pbx1", id, 1, "wrong", {"ANSWER", 16, {}}));
    EXPECT_TRUE(report(job, "BUSY", 17));
    EXPECT_FALSE(report(job, "ANSWER", 16)); // once
    auto after = now(scope, id);
    EXPECT_EQ(CallbackState::retryAt, after.state);
    EXPECT_EQ(CallbackOutcome::busy, after.outcome);
    EXPECT_EQ(clock.now() + 5min, after.dueAt);
    EXPECT_TRUE(jobs().due("pbx1", 1).empty());
    clock.advance(5min);
    job = gated();
    EXPECT_TRUE(report(job, "NOANSWER"));
    EXPECT_EQ(clock.now() + 15min, now(scope, id).dueAt);
    clock.advance(15min);
    job = gated();
    EXPECT_TRUE(report(job, "CHANUNAVAIL", 21));
    after = now(scope, id);
    EXPECT_EQ(CallbackState::failed, after.state); // three times, as the policy says
    EXPECT_EQ(CallbackOutcome::declined, after.outcome);
    EXPECT_EQ(3, after.dials);
    const auto attempts = repos->callbacks.get(scope, id.str()).attempts;
    ASSERT_EQ(3U, attempts.size());
    EXPECT_EQ("CHANUNAVAIL", attempts[2].dialStatus);
    EXPECT_EQ(21, attempts[2].hangupCause);
    EXPECT_EQ(CallbackOutcome::noAnswer, attempts[1].outcome);
    EXPECT_EQ(clock.now(), after.endedAt);
}

TEST_P(CallbacksOf, AnAttemptThatAsteriskSaysItDidNotDialIsGivenBack) {
    const auto scope = company();
    const auto id = request(scope).id;
    for (int i = 0; i < 5; ++i) { // an outage longer than three attempts
        const auto job = gated();
        EXPECT_EQ(1, now(scope, id).dials);
        EXPECT_TRUE(report(job, ""));
        EXPECT_FALSE(report(job, ""));
        EXPECT_FALSE(report(job, "ANSWER", 16));
        const auto after = now(scope, id);
        EXPECT_EQ(CallbackState::retryAt, after.state);
        EXPECT_EQ(CallbackOutcome::notDialled, after.outcome);
        EXPECT_EQ(0, after.dials);
        EXPECT_EQ(clock.now() + 1min, after.dueAt);
        EXPECT_FALSE(jobs().gate("pbx1", id, job.callback.attempt, job.token).open());
        clock.advance(1min);
    }
    // Also where the policy names other outcomes alone, which end it else.
    domain::CallbackPolicy busyAlone;
    busyAlone.retry.delays = {};
    repos->callbacks.setPolicy(scope, {}, busyAlone);
    EXPECT_TRUE(report(gated(), ""));
    EXPECT_EQ(CallbackState::retryAt, stateOf(scope, id));
    EXPECT_EQ(clock.now() + 1min, now(scope, id).dueAt);
    repos->callbacks.setPolicy(scope, {}, {});
    clock.advance(1min);
    // What only a node believes costs the attempt: somebody may have been dialled.
    const auto job = gated();
    EXPECT_TRUE(jobs().settle(job, CallbackOutcome::notDialled));
    EXPECT_EQ(1, now(scope, id).dials);
    clock.advance(1min);
    auto doubtful = gated();
    EXPECT_EQ(2, now(scope, id).dials);
    EXPECT_TRUE(jobs().doubt(doubtful));
    EXPECT_TRUE(report(doubtful, "")); // the report itself, late
    EXPECT_EQ(1, now(scope, id).dials);
    clock.advance(1min);
    doubtful = gated();
    EXPECT_TRUE(jobs().doubt(doubtful));
    EXPECT_TRUE(jobs().settleDoubt(doubtful));
    EXPECT_FALSE(report(doubtful, "")); // decided meanwhile
    EXPECT_EQ(2, now(scope, id).dials);
}

TEST_P(CallbacksOf, ATenantOrAQueueSaysHowOften) {
    const auto scope = company();
    domain::CallbackPolicy policy;
    policy.retry.maxDials = 2;
    policy.retry.delays[static_cast<std::size_t>(CallbackOutcome::busy)] = 90s;
    policy.expiresAfter = 1h;
    repos->callbacks.setPolicy(scope, {}, policy);
    EXPECT_EQ(2, request(scope).maxDials);
    policy.retry.maxDials = 1;
    policy.mode = domain::CallbackMode::customerFirst;
    policy.askKey = true;
    policy.ring = 20s;
    policy.callerId = "+12125550100";
    policy.retry.delays[static_cast<std::size_t>(CallbackOutcome::machine)].reset();
    const auto queue = repos->queues.get(scope, "support").id;
    repos->callbacks.setPolicy(scope, queue, policy);
    repos->callbacks.setPolicy(scope, queue, policy);
    const auto back = repos->callbacks.policy(scope, queue).policy;
    EXPECT_EQ(policy.retry.delays, back.retry.delays);
    EXPECT_EQ(domain::CallbackMode::customerFirst, back.mode);
    EXPECT_TRUE(back.askKey);
    EXPECT_EQ(20s, back.ring);
    EXPECT_EQ("+12125550100", back.callerId);
    clock.advance(1s);
    const auto made = repos->callbacks.request(scope, wanted("+12125550123", "support")).callback;
    EXPECT_EQ(1, made.maxDials);
    EXPECT_EQ(made.requestedAt + 1h, made.expiresAt);
    EXPECT_EQ(queue, repos->callbacks.policy(scope, queue).holder);
    EXPECT_EQ(QueueId(), repos->callbacks.policy(scope).holder);
    policy.retry.maxDials = 0;
    EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { repos->callbacks.setPolicy(scope, {}, policy); }));
    const auto job = gated();
    EXPECT_TRUE(report(job, "BUSY", 17));
    EXPECT_EQ(clock.now() + 90s, now(scope, job.callback.id).dueAt);
}

TEST_P(CallbacksOf, APolicyThatIsTakenAwayLetsTheNextOneHold) {
    const auto scope = company();
    const auto queue = repos->queues.get(scope, "support").id;
    EXPECT_EQ(std::nullopt, repos->callbacks.policy(scope, queue).holder);
    domain::CallbackPolicy policy;
    policy.hours = repos->hours.create(scope, {{}, "office", "Office", "", {}, {}}).id;
    repos->callbacks.setPolicy(scope, {}, policy);
    policy.ring = 20s;
    repos->callbacks.setPolicy(scope, queue, policy);
    EXPECT_EQ(ErrorCode::conflict, codeOf([&] { repos->hours.remove(scope, "office"); }));
    repos->callbacks.unsetPolicy(scope, queue);
    repos->callbacks.unsetPolicy(scope, queue); // again: nothing happens
    EXPECT_EQ(QueueId(), repos->callbacks.policy(scope, queue).holder);
    EXPECT_EQ(30s, repos->callbacks.policy(scope, queue).policy.ring);
    repos->callbacks.unsetPolicy(scope, {});
    EXPECT_EQ(std::nullopt, repos->callbacks.policy(scope, queue).holder);
    repos->hours.remove(scope, "office");
    repos->callbacks.setPolicy(scope, queue, {});
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->callbacks.policy(tenantScope("other"), queue); }));
    repos->queues.remove(scope, "support");
    EXPECT_EQ(0, number("SELECT COUNT(*) FROM callback_policies"));
}

TEST_P(CallbacksOf, InDoubtIsTriedOnceMoreThenFails) {
    const auto scope = company();
    const auto id = request(scope).id;
    auto job = gated();
    EXPECT_TRUE(jobs().doubt(job));
    EXPECT_EQ(CallbackState::inDoubt, stateOf(scope, id));
    EXPECT_TRUE(jobs().settleDoubt(job));
    EXPECT_EQ(CallbackState::retryAt, stateOf(scope, id));
    EXPECT_EQ(clock.now() + 10min, now(scope, id).dueAt);
    clock.advance(10min);
    job = gated();
    EXPECT_TRUE(jobs().doubt(job));
    EXPECT_TRUE(jobs().settleDoubt(job));
    EXPECT_EQ(CallbackState::failed, stateOf(scope, id));
}

TEST_P(CallbacksOf, ALateRecordStillSaysThatSomebodyWasReached) {
    const auto scope = company();
    const auto id = request(scope).id;
    auto job = gated();
    EXPECT_TRUE(jobs().doubt(job));
    EXPECT_TRUE(jobs().settleDoubt(job));
    EXPECT_FALSE(report(job, "BUSY", 17));
    EXPECT_TRUE(report(job, "ANSWER", 16));
    EXPECT_EQ(CallbackState::done, stateOf(scope, id));
    EXPECT_TRUE(jobs().due("pbx1", 9).empty());
}

TEST_P(CallbacksOf, CancelSaysTheTruth) {
    const auto scope = company();
    const auto id = request(scope).id;
    auto job = gated();
    for (const auto event : {CallbackEvent::ring, CallbackEvent::answer, CallbackEvent::connect}) {
        const auto late = repos->callbacks.cancel(scope, id.str());
        EXPECT_FALSE(late.cancelled);
        EXPECT_EQ(job.callback.state, late.callback.state);
        ASSERT_TRUE(jobs().progress(job, event));
    }
    EXPECT_TRUE(report(job, "ANSWER", 16));
    EXPECT_FALSE(repos->callbacks.cancel(scope, id.str()).cancelled);
    const auto second = request(scope).id;
    EXPECT_TRUE(repos->callbacks.cancel(scope, second.str()).cancelled);
    EXPECT_TRUE(repos->callbacks.cancel(scope, second.str()).cancelled); // asked twice
}

TEST_P(CallbacksOf, RetryMakesItDueNowOrOpensItAgain) {
    const auto scope = company();
    auto later = wanted("+12125550123");
    later.notBefore = clock.now() + 1h;
    const auto id = repos->callbacks.request(scope, later).callback.id;
    EXPECT_TRUE(jobs().due("pbx1", 1).empty());
    EXPECT_EQ(clock.now(), repos->callbacks.retry(scope, id.str(), "alice").dueAt);
    auto job = claimed();
    EXPECT_EQ(ErrorCode::conflict, codeOf([&] { repos->callbacks.retry(scope, id.str(), "alice"); }));
    EXPECT_TRUE(jobs().release(job, clock.now()));
    clock.advance(10h);
    EXPECT_EQ(1, jobs().expire());
    const auto open = repos->callbacks.retry(scope, id.str(), "alice");
    EXPECT_EQ(CallbackState::queued, open.state);
    EXPECT_EQ(clock.now() + 8h, open.expiresAt);
    EXPECT_FALSE(open.endedAt);
    EXPECT_TRUE(repos->callbacks.request(scope, wanted("+12125550123")).existing);
    clock.advance(8h);
    EXPECT_EQ(1, jobs().expire());
    request(scope);
    EXPECT_EQ(ErrorCode::conflict, codeOf([&] { repos->callbacks.retry(scope, id.str(), "alice"); }));
}

TEST_P(CallbacksOf, EachChangeIsToldUntilItWasTold) {
    const auto scope = company();
    const auto id = request(scope).id;
    const auto job = gated();
    EXPECT_TRUE(report(job, "ANSWER", 16));
    const auto news = jobs().untold();
    std::vector<CallbackState> states;
    std::set<std::string> ids;
    for (const auto& one : news) {
        states.push_back(one.state);
        ids.insert(one.id());
        EXPECT_EQ(id, one.callback);
        EXPECT_EQ(scope.tenant(), one.tenant);
    }
    EXPECT_EQ((std::vector<CallbackState>{CallbackState::queued, CallbackState::gated, CallbackState::done}), states);
    EXPECT_EQ(3U, ids.size());
    EXPECT_EQ(3U, jobs().untold().size()); // as after a crash: the same again
    jobs().told({news[0], news[1]});
    ASSERT_EQ(1U, jobs().untold().size());
    EXPECT_EQ(news[2].id(), jobs().untold()[0].id());
    jobs().told(news);
    EXPECT_TRUE(jobs().untold().empty());
}

PBX_ON_BOTH(CallbacksOf);

// F12: the commit is done, and its answer never comes.
class CallbacksCut : public CallbacksOf {};

TEST_P(CallbacksCut, AClaimAndAnIntentAreReadBackAndTheGateStaysShut) {
    const auto scope = company();
    const auto id = request(scope).id;
    CuttingProxy proxy(MariadbServer::instance().port());
    auto through = settings;
    through.socket.clear();
    through.host = "127.0.0.1";
    through.port = proxy.port();
    through.user = "pbx";
    through.password = SecretString("over TCP");
    Database cut(through, Log::none(), clock);
    CallbackJobRepository mine(cut, OutboundCaps{});
    auto job = mine.due("pbx1", 1).at(0);
    auto rival = job;
    proxy.cutAtNextCommit();
    EXPECT_TRUE(mine.claim(job, "pbx1", "node-a"));
    EXPECT_TRUE(proxy.hasCut());
    EXPECT_FALSE(jobs().claim(rival, "pbx1", "node-b"));
    proxy.cutAtNextCommit();
    EXPECT_EQ(IntendResult::begun, mine.intend(job, "boot-1"));
    EXPECT_TRUE(proxy.hasCut());
    EXPECT_EQ(1, now(scope, id).attempt);
    proxy.cutAtNextCommit();
    EXPECT_EQ(ErrorCode::outcomeUnknown, codeOf([&] { mine.gate("pbx1", id, 1, job.token); }));
    EXPECT_EQ(CallbackState::gated, stateOf(scope, id)); // counted, and nobody was dialled: shut for good
    EXPECT_FALSE(gate(job).open());
    auto seen = jobs().inFlight("pbx1").at(0);
    auto other = seen;
    proxy.cutAtNextCommit();
    EXPECT_TRUE(mine.adopt(seen, "node-c"));
    EXPECT_TRUE(proxy.hasCut());
    EXPECT_FALSE(jobs().adopt(other, "node-b"));
}

PBX_ON_MARIADB(CallbacksCut);

} // namespace
} // namespace pbx::test
