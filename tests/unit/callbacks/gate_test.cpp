// The gate's and the report's FastAGI: what a dialplan asks and is told.
#include "base/random.hpp"
#include "callbacks/dial_gate.hpp"
#include "callbacks_support.hpp"

#include <gtest/gtest.h>

namespace pbx::callbacks::test {
namespace {

using domain::CallbackOutcome;
using domain::CallbackState;

class GateOf : public CallbacksTest {
protected:
    storage::CallbackJob begun() {
        request();
        auto job = repos.callbackJobs.due("pbx1", 1).at(0);
        EXPECT_TRUE(repos.callbackJobs.claim(job, "pbx1", "node-a"));
        EXPECT_EQ(storage::IntendResult::begun, repos.callbackJobs.intend(job, "boot"));
        return job;
    }
    static agi::Request asks(const storage::CallbackJob& job, std::vector<std::string> more = {}) {
        agi::Request out;
        out.server = "pbx1";
        more.insert(more.begin(), {job.callback.id.str(), std::to_string(job.callback.attempt), job.token});
        for (std::size_t i = 0; i < more.size(); ++i)
            out.variables.emplace_back("agi_arg_" + std::to_string(i + 1), more[i]);
        return out;
    }
    agi::Answer gate(const agi::Request& request) { return gate_.gate(request, clock.steady() + 1500ms); }

    std::vector<std::string> observed;
    DialGate gate_{repos.callbackJobs, clock, Log::none(),
                   [this](std::string_view what) { observed.emplace_back(what); }};
};

TEST_F(GateOf, SaysDialOnceWithAllThatDialNeeds) {
    domain::CallbackPolicy policy;
    policy.callerId = "+12125550100";
    policy.askKey = true;
    policy.ring = 25s;
    repos.callbacks.setPolicy(scope, {}, policy);
    const auto job = begun();
    const agi::Answer expected{{"PBX_GATE", "dial"},
                               {"PBX_NUMBER", "+12125550123"},
                               {"PBX_CALLERID", "+12125550100"},
                               {"PBX_TIMEOUT", "25"},
                               {"PBX_KEY", "1"},
                               {"PBX_DONE", "1"}};
    EXPECT_EQ(expected, gate(asks(job)));
    const agi::Answer shut{{"PBX_GATE", "hangup"}, {"PBX_WHY", "not_waiting"}, {"PBX_DONE", "1"}};
    EXPECT_EQ(shut, gate(asks(job)));
    EXPECT_EQ((std::vector<std::string>{"dial", "not_waiting"}), observed);
}

TEST_F(GateOf, IsShutForWhoeverCannotProveTheAttempt) {
    const auto job = begun();
    auto wrong = job;
    wrong.token[0] = wrong.token[0] == 'a' ? 'b' : 'a';
    EXPECT_EQ("not_this_attempt", gate(asks(wrong))[1].second);
    wrong = job;
    ++wrong.callback.attempt;
    EXPECT_EQ("not_this_attempt", gate(asks(wrong))[1].second);
    auto foreign = asks(job);
    foreign.server = "pbx2";
    EXPECT_EQ("unknown", gate(foreign)[1].second);
    EXPECT_EQ("unknown", gate({})[1].second);
    auto hostile = asks(job);
    hostile.variables[0].second = "r_' OR 1=1 --";
    EXPECT_EQ("unknown", gate(hostile)[1].second);
    hostile = asks(job);
    hostile.variables[1].second = "1 OR 1";
    EXPECT_EQ("not_this_attempt", gate(hostile)[1].second);
    EXPECT_EQ(CallbackState::intent, stateOf(job));
    EXPECT_EQ("dial", gate(asks(job))[0].second);
}

TEST_F(GateOf, WhatMayNotBeDialledAnyMoreEndsWithItsReason) {
    using storage::GateRefusal;
    auto refusal = GateRefusal::none;
    const DialGate judging(repos.callbackJobs, clock, Log::none(), {}, {},
                           [&](const TenantId& tenant, const std::string& number) {
                               EXPECT_EQ(scope.tenant(), tenant);
                               EXPECT_EQ("+12125550123", number);
                               return refusal;
                           });
    for (const auto& [why, text] : {std::pair{GateRefusal::notAllowed, "not_allowed"},
                                    {GateRefusal::ownNumber, "own_number"},
                                    {GateRefusal::blocked, "blocked"}}) {
        const auto job = begun();
        refusal = why;
        const agi::Answer shut{{"PBX_GATE", "hangup"}, {"PBX_WHY", text}, {"PBX_DONE", "1"}};
        EXPECT_EQ(shut, judging.gate(asks(job), clock.steady() + 1500ms));
        EXPECT_EQ(CallbackState::blocked, stateOf(job));
        EXPECT_EQ(0, repos.callbacks.get(scope, job.callback.id.str()).callback.dials);
    }
    const auto job = begun();
    refusal = GateRefusal::none;
    EXPECT_EQ("dial", judging.gate(asks(job), clock.steady() + 1500ms)[0].second);
}

TEST_F(GateOf, AnAnswerThatWouldComeTooLateCostsNoAttempt) {
    const auto job = begun();
    EXPECT_TRUE(gate_.gate(asks(job), clock.steady() + 300ms).empty());
    EXPECT_EQ(CallbackState::intent, stateOf(job));
    EXPECT_EQ("dial", gate_.gate(asks(job), clock.steady() + 301ms)[0].second);
}

TEST_F(GateOf, AFullCapPutsOffAndWhatPassesTellsOfIt) {
    std::vector<std::string> told;
    storage::Repositories capped(*database, {4, 2, 9});
    const DialGate gate(capped.callbackJobs, clock, Log::none(), {}, {}, {},
                        [&](const TenantId& tenant, const std::string& source, const storage::CapAlarm& alarm) {
                            EXPECT_EQ(scope.tenant(), tenant);
                            told.push_back(source + ' ' + alarm.name + ' ' + std::to_string(alarm.percent));
                        });
    for (const auto* what : {"dial", "dial", "hangup"}) {
        const auto job = begun();
        const auto answer = gate.gate(asks(job), clock.steady() + 1500ms);
        EXPECT_EQ(what, answer.at(0).second);
        if (answer.at(0).second == "hangup") {
            EXPECT_EQ("capped", answer.at(1).second);
            EXPECT_EQ(CallbackState::queued, stateOf(job));
        } else {
            gate.done(asks(job, {"ANSWER", "16", ""}));
        }
    }
    EXPECT_EQ((std::vector<std::string>{"alice alice 50", "alice alice 100", "alice +12125550123 50"}), told);
}

TEST_F(GateOf, WithoutADatabaseNobodyIsDialled) {
    const auto job = begun();
    database->close();
    EXPECT_THROW(gate(asks(job)), Error); // the server closes the connection: no PBX_DONE
}

TEST_F(GateOf, TheReportSettlesTheAttemptOnce) {
    const auto job = begun();
    const agi::Answer done{{"PBX_DONE", "1"}};
    EXPECT_EQ(done, gate_.done(asks(job, {"BUSY", "17", ""}))); // before the gate: not believed
    EXPECT_EQ(CallbackState::intent, stateOf(job));
    gate(asks(job));
    EXPECT_EQ(done, gate_.done(asks(job, {"BUSY", "17", ""})));
    EXPECT_EQ(CallbackState::retryAt, stateOf(job));
    EXPECT_EQ(done, gate_.done(asks(job, {"ANSWER", "16", ""})));
    EXPECT_EQ(CallbackState::retryAt, stateOf(job));
    EXPECT_EQ((std::vector<std::string>{"done_again", "dial", "done", "done_again"}), observed);
}

TEST_F(GateOf, AnAnswerWithoutTheKeyIsAMachine) {
    const auto job = begun();
    gate(asks(job));
    gate_.done(asks(job, {"ANSWER", "16", "0"}));
    EXPECT_EQ(CallbackOutcome::machine, repos.callbacks.get(scope, job.callback.id.str()).callback.outcome);
}

TEST_F(GateOf, AWordThatIsNotAsterisksReachesNothing) {
    const auto job = begun();
    gate(asks(job));
    gate_.done(asks(job, {"'; DROP TABLE callbacks; --", "99999999999999999999", ""}));
    const auto attempts = repos.callbacks.get(scope, job.callback.id.str()).attempts;
    EXPECT_EQ("UNKNOWN", attempts.at(0).dialStatus);
    EXPECT_EQ(0, attempts.at(0).hangupCause);
}

TEST_F(GateOf, OnlyAnEmptyWordOfAsterisksGivesTheAttemptBack) {
    auto job = begun();
    gate(asks(job));
    EXPECT_EQ(1, repos.callbacks.get(scope, job.callback.id.str()).callback.dials);
    gate_.done(asks(job, {"", "0", ""}));
    auto seen = repos.callbacks.get(scope, job.callback.id.str()).callback;
    EXPECT_EQ(CallbackOutcome::notDialled, seen.outcome);
    EXPECT_EQ(CallbackState::retryAt, seen.state);
    EXPECT_EQ(0, seen.dials);
    gate_.done(asks(job, {"", "0", ""})); // once
    EXPECT_EQ(0, repos.callbacks.get(scope, job.callback.id.str()).callback.dials);
    clock.advance(60s);
    job = begun();
    gate(asks(job));
    gate_.done(asks(job)); // said nothing of Dial()
    seen = repos.callbacks.get(scope, job.callback.id.str()).callback;
    EXPECT_EQ(CallbackOutcome::unreachable, seen.outcome);
    EXPECT_EQ(1, seen.dials);
}

} // namespace
} // namespace pbx::callbacks::test
