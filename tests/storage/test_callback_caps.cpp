// S33: the daily caps of calls on request hold for callbacks: judged when one is asked for, counted when it is dialled.
#include "storage_test.hpp"

#include <atomic>
#include <thread>

namespace pbx::test {
namespace {

using namespace pbx::storage;
using namespace std::chrono_literals;
using domain::CallbackState;
using domain::Scope;

class CallbackCapsOf : public StorageTest {
protected:
    static constexpr OutboundCaps caps{4, 6, 10};

    void SetUp() override {
        StorageTest::SetUp();
        if (IsSkipped() || HasFatalFailure()) return;
        capped = std::make_unique<Repositories>(*db, caps);
    }
    void TearDown() override {
        capped.reset();
        StorageTest::TearDown();
    }
    Scope company(const std::string& name = "acme") {
        auto scope = tenantScope(name);
        for (const auto* queue : {"sales", "support", "vip"})
            capped->queues.create(scope, {queue, queue, "pbx1", name + "-" + queue, {}, 0});
        return scope;
    }
    static NewCallback wanted(const std::string& number, const std::string& source, const std::string& queue) {
        NewCallback out;
        out.queue = queue;
        out.number = number;
        out.requestedBy = "alice";
        out.source = source;
        return out;
    }
    RequestedCallback request(const Scope& scope, const std::string& number, const std::string& source = "alice",
                              const std::string& queue = "sales") {
        clock.advance(1ms); // their turn is the order in which they ask
        return capped->callbacks.request(scope, wanted(number, source, queue));
    }
    CallbackJobRepository& jobs() { return capped->callbackJobs; }
    CallbackJob begun(CallbackJob job) {
        EXPECT_TRUE(jobs().claim(job, "pbx1", "node-a"));
        EXPECT_EQ(IntendResult::begun, jobs().intend(job, "boot-1"));
        return job;
    }
    GateReply gate(const CallbackJob& job) {
        return jobs().gate("pbx1", job.callback.id, job.callback.attempt, job.token);
    }
    // Dials the first that is due and reports that it was reached.
    GateReply dial() {
        const auto job = begun(jobs().due("pbx1", 50).at(0));
        auto reply = gate(job);
        if (reply.open()) {
            EXPECT_TRUE(jobs().report("pbx1", job.callback.id, job.callback.attempt, job.token, {"ANSWER", 16, {}}));
        }
        return reply;
    }
    static std::string shown(const std::vector<CapAlarm>& alarms) {
        std::string out;
        for (const auto& alarm : alarms)
            out += std::string(outboundCapText(alarm.cap)) + ' ' + alarm.name + ' ' + std::to_string(alarm.percent) +
                   ' ' + std::to_string(alarm.used) + '/' + std::to_string(alarm.limit) + ';';
        return out;
    }

    std::unique_ptr<Repositories> capped;
};

TEST_P(CallbackCapsOf, WhatIsDialledAndWhatWaitsLeaveRoomOrItIsNotTaken) {
    const auto scope = company();
    EXPECT_EQ("", shown(request(scope, "+1201").alarms));
    EXPECT_EQ("number +1201 50 2/4;", shown(request(scope, "+1201", "bob", "support").alarms));
    EXPECT_EQ("", shown(request(scope, "+1201", "cid", "vip").alarms));
    dial(); // alice's: one of the number is counted now, two wait
    EXPECT_EQ("number +1201 100 4/4;", shown(request(scope, "+1201", "dan", "sales").alarms));
    dial(); // bob's
    EXPECT_EQ(ErrorCode::tooManyRequests, codeOf([&] { request(scope, "+1201", "eve", "support"); }));
    EXPECT_TRUE(request(scope, "+1201", "eve", "sales").existing); // told all the same
    EXPECT_EQ(2, capped->outboundGuard.usedToday(scope.tenant()));
    EXPECT_FALSE(request(company("other"), "+1201", "eve").existing); // another tenant's caps are its own

    for (int i = 0; i < 6; ++i) request(scope, "+130" + std::to_string(i), "mallory"); // 2 + 2 + 6 are 10
    const auto text = textOf([&] { request(scope, "+1400", "mallory"); });
    EXPECT_NE(std::string::npos, text.find("per_tenant_per_day")) << text;
    EXPECT_EQ(ErrorCode::tooManyRequests, codeOf([&] { request(scope, "+1400", "zoe"); }));
    clock.advance(24h);
    jobs().expire();
    EXPECT_FALSE(request(scope, "+1400", "zoe").existing);
}

TEST_P(CallbackCapsOf, OneSourceHasItsOwnCapAndTheAlarmNamesIt) {
    const auto scope = company();
    std::string alarms;
    for (int i = 0; i < 6; ++i) alarms += shown(request(scope, "+120" + std::to_string(i), "bob/k_1").alarms);
    EXPECT_EQ("source bob/k_1 50 3/6;tenant  50 5/10;source bob/k_1 80 5/6;source bob/k_1 100 6/6;", alarms);
    const auto text = textOf([&] { request(scope, "+1300", "bob/k_1"); });
    EXPECT_NE(std::string::npos, text.find("per_source_per_day")) << text;
    EXPECT_FALSE(request(scope, "+1300", "bob").existing); // another token, or himself, is another source
    alarms.clear();
    for (int i = 0; i < 6; ++i) alarms += shown(dial().alarms);
    EXPECT_EQ("source bob/k_1 50 3/6;tenant  50 5/10;source bob/k_1 80 5/6;source bob/k_1 100 6/6;", alarms);
}

TEST_P(CallbackCapsOf, CallsOnRequestAndCallbacksCountTogether) {
    const auto scope = company();
    for (int i = 0; i < 3; ++i) capped->outboundGuard.reserve(scope.tenant(), "+1201", "alice", caps);
    request(scope, "+1201");
    EXPECT_EQ(ErrorCode::tooManyRequests, codeOf([&] { request(scope, "+1201", "bob", "support"); }));
    EXPECT_EQ("number +1201 100 4/4;", shown(dial().alarms));
    EXPECT_EQ(ErrorCode::tooManyRequests,
              codeOf([&] { capped->outboundGuard.reserve(scope.tenant(), "+1201", "bob", caps); }));
}

TEST_P(CallbackCapsOf, AFullCapPutsOffUntilTheNextDayAndCostsNothing) {
    const auto scope = company();
    auto asked = wanted("+1201", "alice", "sales");
    asked.expiresAt = clock.now() + 48h;
    const auto first = capped->callbacks.request(scope, asked).callback.id;
    asked.queue = "support";
    clock.advance(1ms);
    const auto second = capped->callbacks.request(scope, asked).callback.id;
    const auto job = begun(jobs().due("pbx1", 50).at(0));
    ASSERT_EQ(first, job.callback.id);
    for (int i = 0; i < 4; ++i) capped->outboundGuard.reserve(scope.tenant(), "+1201", "bob", caps);
    const auto reply = gate(job);
    EXPECT_EQ(GateRefusal::capped, reply.refusal);
    EXPECT_EQ("capped", refusalToken(reply.refusal));
    EXPECT_FALSE(gate(job).open());                                       // for this attempt it is shut for good
    const auto midnight = fromEpochMicros(20'718LL * 86'400 * 1'000'000); // 2026-09-22, the clock says 2026-09-21
    for (const auto& id : {first, second}) {
        if (id == second) {
            auto due = jobs().due("pbx1", 50).at(0);
            ASSERT_TRUE(jobs().claim(due, "pbx1", "node-a"));
            EXPECT_EQ(IntendResult::capped, jobs().intend(due, "boot-1")); // no agent is called for nothing
        }
        const auto seen = capped->callbacks.get(scope, id.str());
        EXPECT_EQ(CallbackState::queued, seen.callback.state);
        EXPECT_EQ(midnight, seen.callback.dueAt);
        EXPECT_EQ(0, seen.callback.dials);
    }
    EXPECT_TRUE(capped->callbacks.get(scope, first.str()).attempts.at(0).endedAt);
    EXPECT_TRUE(jobs().due("pbx1", 50).empty());
    EXPECT_TRUE(jobs().inFlight("pbx1").empty());
    EXPECT_EQ(4, capped->outboundGuard.usedToday(scope.tenant())); // what was refused does not count
    clock.advance(std::chrono::duration_cast<Micros>(midnight - clock.now()));
    EXPECT_TRUE(dial().open());
    EXPECT_TRUE(dial().open());
}

TEST_P(CallbackCapsOf, WhatWasNotDialledDoesNotCount) {
    const auto scope = company();
    request(scope, "+1201");
    const auto job = begun(jobs().due("pbx1", 50).at(0));
    ASSERT_TRUE(gate(job).open());
    EXPECT_EQ(1, capped->outboundGuard.usedToday(scope.tenant()));
    const auto report = [&](const CallbackJob& of, const char* status) {
        return jobs().report("pbx1", of.callback.id, of.callback.attempt, of.token, {status, 0, {}});
    };
    EXPECT_TRUE(report(job, ""));
    EXPECT_EQ(0, capped->outboundGuard.usedToday(scope.tenant()));
    EXPECT_FALSE(report(job, ""));
    for (int i = 0; i < 3; ++i) capped->outboundGuard.reserve(scope.tenant(), "+1201", "alice", caps);
    clock.advance(1min);
    EXPECT_EQ("number +1201 100 4/4;", shown(dial().alarms)); // the number's and the source's are taken back, too

    // Dialled before midnight, told of after it: that day's count.
    request(scope, "+1202", "bob");
    const auto later = begun(jobs().due("pbx1", 50).at(0));
    const auto midnight = fromEpochMicros(20'718LL * 86'400 * 1'000'000);
    const auto night = std::chrono::duration_cast<Micros>(midnight - clock.now());
    ASSERT_TRUE(gate(later).open());
    EXPECT_EQ(5, capped->outboundGuard.usedToday(scope.tenant()));
    clock.advance(night);
    capped->outboundGuard.reserve(scope.tenant(), "+1203", "bob", caps);
    EXPECT_TRUE(report(later, ""));
    EXPECT_EQ(1, capped->outboundGuard.usedToday(scope.tenant()));
}

TEST_P(CallbackCapsOf, OneThatIsTriedAgainCountsForWhoAsksForThat) {
    const auto scope = company();
    const auto id = request(scope, "+1201", "bob").callback.id;
    clock.advance(9h);
    EXPECT_EQ(1, jobs().expire());
    for (int i = 0; i < 6; ++i) request(scope, "+130" + std::to_string(i), "mallory");
    EXPECT_EQ(ErrorCode::tooManyRequests, codeOf([&] { capped->callbacks.retry(scope, id.str(), "mallory"); }));
    EXPECT_EQ("cid", capped->callbacks.retry(scope, id.str(), "cid").source);
    EXPECT_EQ(CallbackState::queued, capped->callbacks.retry(scope, id.str(), "cid").state); // one that waits
}

TEST_P(CallbackCapsOf, AHundredAskForOneNumberAtOnce) {
    const auto scope = company();
    std::atomic<int> made{0}, existing{0}, refused{0}, failed{0};
    std::vector<std::thread> threads;
    const std::array<const char*, 3> queues{"sales", "support", "vip"};
    for (int thread = 0; thread < 5; ++thread)
        threads.emplace_back([&, thread] {
            for (int i = 0; i < 20; ++i) try {
                    // Each time one is dialled the queue is free for another one.
                    const auto result = request(scope, "+1201", "source" + std::to_string(thread * 20 + i),
                                                queues.at(static_cast<std::size_t>(i) % 3));
                    if (!result.existing) {
                        capped->callbacks.cancel(scope, result.callback.id.str());
                        capped->outboundGuard.reserve(scope.tenant(), "+1201", "dialled", {4, 100, 100});
                    }
                    ++(result.existing ? existing : made);
                } catch (const Error& error) {
                    ++(error.code() == ErrorCode::tooManyRequests ? refused : failed);
                    if (error.code() != ErrorCode::tooManyRequests)
                        ADD_FAILURE() << error.text() << ": " << error.cause();
                }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(0, failed);
    EXPECT_EQ(100, made + existing + refused);
    EXPECT_EQ(4, capped->outboundGuard.usedToday(scope.tenant())); // never a fifth
    EXPECT_EQ(ErrorCode::tooManyRequests, codeOf([&] { request(scope, "+1201", "late"); }));
}

// 1 source, many numbers: as many gates as agents and nodes ask at once.
TEST_P(CallbackCapsOf, GatesThatAskAtOnceOpenAsOftenAsTheCapSays) {
    const auto scope = company();
    Repositories open(*db); // more were accepted than may be dialled, as when the caps were lowered meanwhile
    for (int i = 0; i < 24; ++i)
        open.callbacks.request(scope, wanted("+1" + std::to_string(2010 + i), "mallory", "sales"));
    std::vector<CallbackJob> begunOnes;
    for (const auto& job : open.callbackJobs.due("pbx1", 50)) begunOnes.push_back(begun(job));
    ASSERT_EQ(24U, begunOnes.size());
    std::atomic<int> opened{0}, shut{0}, failed{0};
    std::vector<std::thread> threads;
    for (std::size_t thread = 0; thread < 6; ++thread)
        threads.emplace_back([&, thread] {
            for (std::size_t i = thread; i < begunOnes.size(); i += 6) try {
                    const auto reply = gate(begunOnes[i]);
                    ++(reply.open() ? opened : reply.refusal == GateRefusal::capped ? shut : failed);
                } catch (const Error&) {
                    ++failed;
                }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(0, failed);
    EXPECT_EQ(6, opened);
    EXPECT_EQ(18, shut);
    EXPECT_EQ(6, capped->outboundGuard.usedToday(scope.tenant()));
    EXPECT_EQ(6, number("SELECT COUNT(*) FROM callback_attempts WHERE gated_at IS NOT NULL"));
}

PBX_ON_BOTH(CallbackCapsOf);

} // namespace
} // namespace pbx::test
