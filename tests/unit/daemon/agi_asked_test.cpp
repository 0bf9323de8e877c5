// The request by key and the phone codes, as a dialplan asks them.
#include "daemon/agi_asked.hpp"
#include "daemon/agi_codes.hpp"
#include "ops/catalogue/control.hpp"
#include "storage_test.hpp"

#include <atomic>
#include <future>
#include <thread>

namespace pbx::daemon {
namespace {

using namespace std::chrono_literals;

agi::Request asking(const std::string& tenant, std::vector<std::string> arguments, const std::string& server = "main") {
    agi::Request out;
    out.server = server;
    out.query = {{"tenant", tenant}};
    out.variables = {{"agi_uniqueid", "1790000000.1"}, {"agi_channel", "PJSIP/acme-101-0000000a"}};
    for (std::size_t i = 0; i < arguments.size(); ++i)
        out.variables.emplace_back("agi_arg_" + std::to_string(i + 1), arguments[i]);
    return out;
}

class AskedOf : public pbx::test::StorageTest {
protected:
    void start() {
        scope = tenantScope("acme");
        queue = repos->queues.create(scope, {"support", "Support", "main", "acme-support", {}, 0});
        for (const auto& [prefix, allowed] : {std::pair{"+1", true}, {"+1900", false}})
            sql("INSERT INTO outbound_rules (tenant_id, id, kind, value, types, allowed) VALUES (?, ?, 'prefix', ?, "
                "'', ?)",
                {scope.tenant().str(), std::string("o_") + prefix, prefix, std::int64_t(allowed)});
        directory.set(std::make_shared<const domain::Directory>(storage::loadDirectory(*db)));
        desk.emplace(*repos, [] { return [](const domain::Queue&) { return std::optional<routing::QueueFacts>(); }; });
    }
    agi::Answer ask(const agi::Request& request) {
        return AskedCallbacks(
                   repos->callbacks, repos->outboundRules, *desk, directory, clock, Log::none(),
                   [this](std::string_view what) { observed = what; },
                   [this](const TenantId& tenant, const std::string& source, const storage::CapAlarm& alarm) {
                       EXPECT_EQ(scope.tenant(), tenant);
                       told.push_back(source + ' ' + std::to_string(alarm.percent));
                   })
            .answer(request);
    }

    domain::Scope scope{TenantId("t_none")};
    domain::Queue queue;
    domain::DirectoryHolder directory;
    std::optional<routing::Desk> desk;
    std::string observed;
    std::vector<std::string> told;
};

TEST_P(AskedOf, ThePlaceIsKeptAndAskingTwiceIsOne) {
    start();
    const agi::Answer made{{"PBX_CB_ASKED", "new"}, {"PBX_WHY", ""}, {"PBX_DONE", "1"}};
    EXPECT_EQ(made, ask(asking("acme", {"acme-support", "6465550100", "90.5", "07"})));
    EXPECT_EQ("asked_new", observed);
    const auto page = repos->callbacks.list(scope, {{}, 10});
    ASSERT_EQ(1U, page.items.size());
    EXPECT_EQ("+16465550100", page.items[0].number);
    EXPECT_EQ(clock.now() - 90'500ms, page.items[0].requestedAt);
    EXPECT_EQ(clock.now(), page.items[0].dueAt);
    EXPECT_EQ(7, page.items[0].priority);
    EXPECT_EQ("queue", page.items[0].requestedBy);
    EXPECT_EQ("existing", ask(asking("acme", {"acme-support", "+1 646 555 0100", "1"})).at(0).second);
    EXPECT_EQ(1, number("SELECT COUNT(*) FROM callbacks"));
}

TEST_P(AskedOf, WhatIsNoNumberIsRefusedAndAnothersQueueUnknown) {
    start();
    for (const auto bad : {"", "77", "911", "12345678901234567", "anonymous", "+1646555010x", "9005550100",
                           "+19005550100", "+442071838750", "+881612345678"}) {
        const auto answer = ask(asking("acme", {"acme-support", bad, "1"}));
        ASSERT_FALSE(answer.empty()) << bad;
        EXPECT_EQ("refused", answer[0].second) << bad;
        EXPECT_EQ("asked_refused", observed);
    }
    EXPECT_TRUE(ask(asking("acme", {"beta-support", "6465550100"})).empty());
    EXPECT_TRUE(ask(asking("beta", {"acme-support", "6465550100"})).empty());
    EXPECT_TRUE(ask(asking("acme", {"acme-support", "6465550100"}, "other")).empty());
    EXPECT_EQ("asked_by_nobody", observed);
    EXPECT_EQ(0, number("SELECT COUNT(*) FROM callbacks"));
}

TEST_P(AskedOf, NobodyIsCalledWhoIsBlockedAndTheTenantNotItself) {
    start();
    domain::Did did;
    did.number = "+12125550100";
    did.queue = queue.id;
    repos->dids.create(scope, did);
    storage::NewBlockEntry block;
    block.number = "+16465550142";
    repos->blocklist.add(scope, block);
    const auto refused = [&](const char* number) {
        const auto answer = ask(asking("acme", {"acme-support", number, "1"}));
        return answer.at(0).second + ' ' + answer.at(1).second;
    };
    EXPECT_EQ("refused own_number", refused("2125550100"));
    EXPECT_EQ("refused blocked", refused("6465550142"));
    EXPECT_EQ("refused barred", refused("9005550100"));
    EXPECT_EQ("new ", refused("6465550143"));
    EXPECT_EQ(1, number("SELECT COUNT(*) FROM callbacks"));
}

// S33: whichever numbers somebody enters, it is his own phone that the caps count.
TEST_P(AskedOf, APhoneIsOneSourceAndWhoWithholdsHisNumberToo) {
    repos = std::make_unique<storage::Repositories>(*db, storage::OutboundCaps{10, 2, 100});
    start();
    const auto from = [&](const char* caller, const std::string& wanted) {
        auto request = asking("acme", {"acme-support", wanted, "1"});
        request.variables.emplace_back("agi_callerid", caller);
        return ask(request).at(0).second;
    };
    EXPECT_EQ("new", from("2125550111", "6465550101"));
    EXPECT_EQ("new", from("+1 212 555 0111", "6465550102"));
    EXPECT_EQ("refused", from("12125550111", "6465550103"));
    EXPECT_EQ("existing", from("12125550111", "6465550102"));
    EXPECT_EQ("new", from("2125550112", "6465550103"));
    EXPECT_EQ("new", from("unknown", "6465550104"));
    EXPECT_EQ("new", from("anonymous", "6465550105"));
    EXPECT_EQ("refused", from("x'; DROP TABLE callbacks", "6465550106"));
    EXPECT_EQ((std::vector<std::string>{"phone +12125550111 50", "phone +12125550111 100", "phone +12125550112 50",
                                        "phone withheld 50", "phone withheld 100"}),
              told);
}

TEST_P(AskedOf, ADatabaseThatFailsIsNoAnswer) {
    start();
    sql("ALTER TABLE callbacks RENAME TO away");
    EXPECT_TRUE(pbx::test::codeOf([&] { ask(asking("acme", {"acme-support", "6465550100", "1"})); }));
}

PBX_ON_BOTH(AskedOf);

TEST(Asked, WhatIsNoTimeOfWaitingIsNow) {
    const auto now = fromEpochMicros(1'790'000'000'000'000);
    EXPECT_EQ(now - 12'345ms, waitingSince(now, "12.345"));
    EXPECT_EQ(now, waitingSince(now, "0"));
    for (const auto bad : {"", "-1", "86400", "1e3", "nan", "inf", "12,5", "12.5x"})
        EXPECT_EQ(now, waitingSince(now, bad)) << bad;
}

TEST(Codes, AReasonIsKnownByItsKeys) {
    const auto named = [](const char* name) {
        domain::PauseReason reason;
        reason.name = name;
        return reason;
    };
    const std::vector<domain::PauseReason> reasons{named("lunch"), named("1-break"), named("lunch-2"), named("toilet")};
    const auto keyed = [&](std::string_view keys) {
        const auto* found = reasonByKeys(reasons, keys);
        return found ? found->name : "";
    };
    EXPECT_EQ("lunch", keyed("58624")); // the whole name goes before a longer one that begins so
    EXPECT_EQ("lunch-2", keyed("586242"));
    EXPECT_EQ("", keyed("5862"));
    EXPECT_EQ("toilet", keyed("8"));
    EXPECT_EQ("toilet", keyed("864538"));
    EXPECT_EQ("1-break", keyed("1"));
    EXPECT_EQ("", keyed("9"));
    EXPECT_EQ(nullptr, reasonByKeys({}, "1"));
}

// The door behind the codes.
struct Asked {
    access::PrincipalPtr principal;
    ops::CallContext from;
    std::string operation, reason;
};

class CodesOf : public pbx::test::StorageTest {
protected:
    void start() {
        scope = tenantScope("acme");
        agent = repos->agents.create(scope, {"ann", "Ann", "main", "PJSIP/acme-101", {}});
        repos->agents.create(tenantScope("beta"), {"bob", "Bob", "main", "PJSIP/beta-101", {}});
        repos->pauseReasons.create(scope, {"lunch", "Lunch", 0, false});
        directory.set(std::make_shared<const domain::Directory>(storage::loadDirectory(*db)));
    }
    PhoneCodes codesFor(std::ptrdiff_t mostWaiting) {
        return {[this](access::PrincipalPtr principal, ops::CallContext from) {
                    asked.push_back({std::move(principal), std::move(from), "", ""});
                    return std::make_unique<FakeSession>(*this);
                },
                repos->pauseReasons,
                directory,
                real,
                Log::none(),
                mostWaiting};
    }
    std::string told(const agi::Request& request, std::ptrdiff_t mostWaiting = 1) {
        return told(request, codesFor(mostWaiting));
    }
    std::string told(const agi::Request& request, const PhoneCodes& codes) {
        const auto answer = codes.answer(request, real.steady() + 1500ms);
        EXPECT_EQ("PBX_DONE", answer.back().first);
        return answer.at(0).second;
    }

    struct FakeSession final : ops::Session {
        explicit FakeSession(CodesOf& owner) : test(owner) {}
        ops::Outcome call(const ops::Operation& operation, const ops::CommonParams&, ops::Value params) override {
            test.asked.back().operation = operation.name;
            if (operation.name == ops::AgentPause::name)
                test.asked.back().reason = params.as<ops::AgentPauseParams>().reason.value_or("");
            return test.outcome();
        }
        CodesOf& test;
    };
    static ops::Value result(domain::ActionState state) {
        ops::CommandResult made;
        made.state = state;
        return ops::Value::of(std::move(made));
    }

    const SystemClock real; // the wait for an outcome is a real one
    domain::Scope scope{TenantId("t_none")};
    domain::Agent agent;
    domain::DirectoryHolder directory;
    std::vector<Asked> asked;
    std::function<ops::Outcome()> outcome = [] { return result(domain::ActionState::confirmed); };
};

TEST_P(CodesOf, EachCodeIsItsOperationAskedByThePhonesAgent) {
    start();
    const std::vector<std::pair<std::string, std::string>> codes{
        {"login", "agent.login"}, {"logout", "agent.logout"}, {"pause", "agent.pause"}, {"unpause", "agent.unpause"}};
    for (const auto& [code, operation] : codes) {
        EXPECT_EQ("done", told(asking("acme", {code, code == "pause" ? "58" : "", "acme-101"})));
        EXPECT_EQ(operation, asked.back().operation);
        EXPECT_EQ(code == "pause" ? "lunch" : "", asked.back().reason);
    }
    const auto& by = *asked.back().principal;
    EXPECT_EQ(agent.id, by.agent);
    EXPECT_EQ(scope.tenant(), by.tenant);
    EXPECT_EQ(domain::Role::agent, by.role);
    EXPECT_EQ("phone", by.viaText());
    EXPECT_EQ("phone of ann", by.login);
    EXPECT_EQ("phone", asked.back().from.face);
}

TEST_P(CodesOf, WhoIsNotThatPhoneIsRefused) {
    start();
    EXPECT_EQ("refused", told(asking("acme", {"login", "", "acme-102"}))) << "not the channel's endpoint";
    EXPECT_EQ("refused", told(asking("acme", {"login", "", "acme-10"})));
    EXPECT_EQ("refused", told(asking("acme", {"login", "", ""})));
    EXPECT_EQ("refused", told(asking("beta", {"login", "", "acme-101"}))) << "another tenant's context";
    EXPECT_EQ("refused", told(asking("nobody", {"login", "", "acme-101"})));
    EXPECT_EQ("refused", told(asking("acme", {"login", "", "acme-101"}, "other"))) << "another Asterisk";
    EXPECT_EQ("refused", told(asking("acme", {"set_penalty", "", "acme-101"})));
    EXPECT_EQ("refused", told(asking("acme", {"pause", "9", "acme-101"}))) << "no such reason";
    EXPECT_TRUE(asked.empty());
}

TEST_P(CodesOf, AnOutcomeIsWaitedForAndARefusalTold) {
    start();
    const auto request = asking("acme", {"login", "", "acme-101"});
    int looks = 0;
    outcome = [&]() -> ops::Outcome {
        return ops::Waiting{SteadyTime::max(), [&](bool) -> std::optional<ops::Value> {
                                if (++looks < 3) return std::nullopt;
                                return result(domain::ActionState::confirmed);
                            }};
    };
    EXPECT_EQ("done", told(request));
    EXPECT_EQ(3, looks);
    outcome = []() -> ops::Outcome {
        return ops::Waiting{SteadyTime::max(), [](bool expired) {
                                return expired ? std::optional(result(domain::ActionState::sent)) : std::nullopt;
                            }};
    };
    EXPECT_EQ("later", told(request));
    outcome = [] { return result(domain::ActionState::rejected); };
    EXPECT_EQ("refused", told(request));
    outcome = []() -> ops::Outcome { throw Error(ErrorCode::conflict, "in no queue"); };
    EXPECT_EQ("refused", told(request));
    outcome = []() -> ops::Outcome { throw Error(ErrorCode::unavailable, "the database is away"); };
    EXPECT_EQ(ErrorCode::unavailable, pbx::test::codeOf([&] { told(request); })) << "no answer, as nobody knows";
}

// Routing questions and the gate want workers, too.
TEST_P(CodesOf, OnlySoManyWaitAndTheOthersAreToldLaterAtOnce) {
    start();
    const auto request = asking("acme", {"login", "", "acme-101"});
    std::atomic<int> looks{0};
    std::atomic<bool> confirmed{false};
    outcome = [&]() -> ops::Outcome {
        return ops::Waiting{SteadyTime::max(), [&](bool expired) -> std::optional<ops::Value> {
                                ++looks;
                                if (confirmed) return result(domain::ActionState::confirmed);
                                return expired ? std::optional(result(domain::ActionState::sent)) : std::nullopt;
                            }};
    };
    EXPECT_EQ("later", told(request, 0)); // one worker alone waits for nobody
    EXPECT_EQ(1, looks);
    const auto codes = codesFor(1);
    auto first = std::async(std::launch::async, [&] { return told(request, codes); });
    while (looks < 3) std::this_thread::sleep_for(1ms); // it waits
    const auto before = real.steady();
    EXPECT_EQ("later", told(request, codes));
    EXPECT_LT(real.steady() - before, 1s); // of 1.2 s
    confirmed = true;
    EXPECT_EQ("done", first.get());
    EXPECT_EQ("done", told(request, codes)); // its seat is free again
    confirmed = false;
    outcome = []() -> ops::Outcome {
        return ops::Waiting{SteadyTime::max(), [](bool) -> std::optional<ops::Value> {
                                throw Error(ErrorCode::unavailable, "the database is away");
                            }};
    };
    EXPECT_EQ(ErrorCode::unavailable, pbx::test::codeOf([&] { told(request, codes); }));
    const int waited = looks;
    outcome = [&]() -> ops::Outcome {
        return ops::Waiting{SteadyTime::max(), [&](bool) -> std::optional<ops::Value> {
                                if (++looks < waited + 3) return std::nullopt;
                                return result(domain::ActionState::confirmed);
                            }};
    };
    EXPECT_EQ("done", told(request, codes)); // and after a failure
}

PBX_ON_BOTH(CodesOf);

} // namespace
} // namespace pbx::daemon
