// FastAGI as pbxd answers it: the server, the answers and the desk over a real database, asked over a socket.
#include "daemon/agi_answers.hpp"

#include "base/guarded.hpp"
#include "storage_test.hpp"
#include "tests/unit/agi/fake_asterisk.hpp"
#include "tests/unit/routing/case_store.hpp"

#include <map>

namespace pbx::daemon {
namespace {

using namespace std::chrono_literals;
using agi::test::Connection;
using routing::test::caseTable;

// The wall clock as the test sets it; deadlines by the real one.
class CaseClock final : public Clock {
public:
    UtcTime now() const override { return fromEpochMicros(micros_.load()); }
    SteadyTime steady() const override { return std::chrono::steady_clock::now(); }
    void set(UtcTime at) { micros_ = epochMicros(at); }

private:
    std::atomic<std::int64_t> micros_{1'790'000'000'000'000};
};

const std::string token = "0123456789abcdef0123456789abcdef";
const std::string otherToken = "fedcba9876543210fedcba9876543210";

class AgiOf : public pbx::test::StorageTest {
protected:
    void start() {
        holder.set(std::make_shared<const domain::Directory>(storage::loadDirectory(*db)));
        desk.emplace(*repos, [this] { return board(); });
        hits.emplace(repos->blocklist);
        answers.emplace(
            *desk, *hits, holder, wall, Log::none(),
            [this](std::string_view outcome) { observed.with([&](auto& seen) { ++seen[std::string(outcome)]; }); },
            [this](const routing::Ruling& ruling) { return keep(ruling); });
        agi::ServerSettings serving;
        serving.callers = {{"main", SecretString(token)}, {"other", SecretString(otherToken)}};
        server.emplace(
            std::move(serving),
            [this](const agi::Request& request, SteadyTime deadline) {
                if (before) before();
                return answers->answer(request, deadline);
            },
            wall, Log::none());
        server->start();
    }
    void TearDown() override {
        server.reset();
        StorageTest::TearDown();
    }

    using Variables = std::vector<std::pair<std::string, std::string>>;
    Variables ask(const std::string& tenant, const std::string& caller, const std::string& dialled,
                  const std::string& presentation = "0", const std::string& script = "route/" + token) {
        Connection asterisk(server->port());
        asterisk.send("agi_network: yes\nagi_network_script: " + script + "?tenant=" + tenant +
                      "\nagi_channel: PJSIP/trunk-00000001\nagi_uniqueid: 1790000000.1\nagi_callerid: " + caller +
                      "\nagi_calleridname: Ann\nagi_callingpres: " + presentation +
                      "\nagi_extension: s\nagi_arg_1: " + dialled + "\n\n");
        return asterisk.variables();
    }
    int outcomes(const std::string& outcome) {
        return observed.with([&](auto& seen) { return seen[outcome]; });
    }

    // The server counts an ending after it has closed: a moment behind what the client sees.
    bool ended(agi::Ending ending, std::uint64_t times) {
        return pbx::test::eventually([&] { return server->statistics().count(ending) >= times; }, 10s) &&
               server->statistics().count(ending) == times;
    }

    CaseClock wall;
    std::function<routing::Board()> board = [] {
        return [](const domain::Queue&) { return std::optional<routing::QueueFacts>(); };
    };
    std::function<void()> before;
    AgiAnswers::Keep keep = [](const routing::Ruling&) { return std::nullopt; };
    domain::DirectoryHolder holder;
    std::optional<routing::Desk> desk;
    std::optional<routing::HitCounter> hits;
    std::optional<AgiAnswers> answers;
    Guarded<std::map<std::string, int>> observed;
    std::optional<agi::Server> server;
};

// What the dialplan gets for a destination as the file writes it.
std::pair<std::string, std::string> wayOf(const std::string& tenant, const std::string& to) {
    const auto colon = to.find(':');
    const auto word = to.substr(0, colon);
    const auto rest = colon == std::string::npos ? "" : to.substr(colon + 1);
    if (word == "hang_up") return {"hangup", ""};
    if (word == "announcement") return {"announce", rest};
    if (word == "agent") return {"agent", "PJSIP/" + tenant + '-' + rest};
    if (word == "number") return {"number", rest};
    return {word, tenant + '-' + rest}; // queue, callback
}

TEST_P(AgiOf, AnswersTheWholeCaseTableAndCountsItsHits) {
    routing::test::storeCases(*db);
    const routing::test::Case* current = nullptr;
    board = [&] { return routing::test::boardOf(*current); };
    start();
    std::map<std::pair<std::string, std::string>, int> wanted;
    for (const auto& one : caseTable().cases) {
        SCOPED_TRACE(one.name);
        current = &one;
        wall.set(one.at);
        const auto way = wayOf(one.tenant, one.expect.to);
        const Variables expected{{"PBX_ACTION", way.first},
                                 {"PBX_TARGET", way.second},
                                 {"PBX_PRIO", std::to_string(one.expect.priority)},
                                 {"PBX_OFFER", one.expect.callback ? "1" : ""},
                                 {"PBX_WHY", one.expect.outcome},
                                 {"PBX_DONE", "1"}};
        EXPECT_EQ(expected, ask(one.tenant, one.caller, one.did));
        if (!one.expect.blockedBy.empty()) ++wanted[{one.tenant, one.expect.blockedBy}];
    }
    EXPECT_EQ(0, number("SELECT SUM(hits) FROM blocklist")) << "nothing is written in a call's way";
    hits->write();
    for (const auto& [key, count] : wanted)
        EXPECT_EQ(count, number("SELECT hits FROM blocklist WHERE tenant_id = ? AND id = ?", {key.first, key.second}))
            << key.first << ' ' << key.second;
    EXPECT_TRUE(ended(agi::Ending::answered, caseTable().cases.size()));
}

TEST_P(AgiOf, WhoTakesOverACallbacksPlaceIsToldIt) {
    routing::test::storeCases(*db);
    keep = [&](const routing::Ruling& ruling) {
        EXPECT_EQ("+13125550123", ruling.caller.text);
        return callbacks::KeptPlace{3, 42, wall.now() - 90s};
    };
    start();
    auto told = ask("viatalk", "+13125550123", "+12125550100");
    ASSERT_EQ(8U, told.size());
    EXPECT_EQ((std::pair<std::string, std::string>("PBX_PRIO", "42")), told[2]);
    EXPECT_EQ((std::pair<std::string, std::string>("PBX_POSITION", "3")), told[5]);
    EXPECT_EQ((std::pair<std::string, std::string>("PBX_EARLIER", "90")), told[6]);
    EXPECT_EQ("PBX_DONE", told[7].first);
    // Nobody is kept out because that could not be found.
    keep = [](const routing::Ruling&) -> std::optional<callbacks::KeptPlace> {
        throw Error(ErrorCode::unavailable, "away");
    };
    told = ask("viatalk", "+13125550123", "+12125550100");
    ASSERT_EQ(6U, told.size());
    EXPECT_EQ("PBX_DONE", told[5].first);
}

TEST_P(AgiOf, OnlyATenantOfTheServerThatAsksIsAnswered) {
    routing::test::storeCases(*db); // everything is on "main"
    start();
    const std::string caller = "+13125550666";
    const std::string dialled = "+12125550100";
    EXPECT_EQ("blocked", ask("viatalk", caller, dialled).at(4).second);
    EXPECT_TRUE(ask("viatalk", caller, dialled, "0", "route/" + otherToken).empty()) << "another server's token";
    EXPECT_TRUE(ask("nobody", caller, dialled).empty());
    EXPECT_TRUE(ask("", caller, dialled).empty());
    EXPECT_TRUE(ask("VIATALK", caller, dialled).empty());
    EXPECT_EQ(4, outcomes("unknown_tenant"));
    EXPECT_TRUE(ask("viatalk", caller, dialled, "0", "callback/" + token).empty());
    EXPECT_EQ(1, outcomes("unknown_route"));
    EXPECT_TRUE(ask("viatalk", caller, dialled, "0", "route/00000000000000000000000000000000").empty());
    EXPECT_TRUE(ended(agi::Ending::unknownToken, 1U));
    EXPECT_TRUE(ended(agi::Ending::nothingToSay, 5U));
    hits->write();
    EXPECT_EQ(1, number("SELECT hits FROM blocklist WHERE tenant_id = 'viatalk' AND id = 'exact'"));
}

TEST_P(AgiOf, WhatStandsOnAnotherAsteriskIsNotAnswered) {
    const auto scope = tenantScope("acme");
    const auto here = repos->queues.create(scope, {"here", "here", "main", "", {}, 0});
    const auto there = repos->queues.create(scope, {"there", "there", "other", "", {}, 0});
    repos->tenantRouting.update(scope, [&](auto& r) { r = {there.id, {}, {}}; });
    start();
    EXPECT_TRUE(ask("acme", "+13125550000", "").empty());
    EXPECT_EQ(1, outcomes("other_server"));
    EXPECT_EQ("acme-there", ask("acme", "+13125550000", "", "0", "route/" + otherToken).at(1).second);
    repos->tenantRouting.update(scope, [&](auto& r) { r = {here.id, {}, {}}; });
    EXPECT_EQ("acme-here", ask("acme", "+13125550000", "").at(1).second);
}

TEST_P(AgiOf, AHiddenNumberIsNoNumber) {
    routing::test::storeCases(*db);
    start();
    EXPECT_EQ("blocked", ask("hostrocket", "+13125550111", "+12125550201", "0").at(4).second);
    EXPECT_EQ("queued", ask("hostrocket", "+13125550111", "+12125550201", "32").at(4).second);
    EXPECT_EQ("queued", ask("hostrocket", "+13125550111", "+12125550201", "67").at(4).second);
}

TEST_P(AgiOf, AFailingDatabaseIsAClosedConnectionAndNoHit) {
    routing::test::storeCases(*db);
    start();
    ASSERT_FALSE(ask("viatalk", "+13125550000", "+12125550100").empty());
    sql("ALTER TABLE blocklist RENAME TO away");
    EXPECT_TRUE(ask("viatalk", "+13125550666", "+12125550100").empty());
    EXPECT_TRUE(ended(agi::Ending::failed, 1U));
    EXPECT_EQ(1, outcomes("failed"));
    sql("ALTER TABLE away RENAME TO blocklist");
    before = [] { std::this_thread::sleep_for(1600ms); }; // longer than answerWithin
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_TRUE(ask("viatalk", "+13125550666", "+12125550100").empty());
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 1590ms) << "closed before the handler came back";
    EXPECT_TRUE(ended(agi::Ending::late, 1U));
    EXPECT_TRUE(pbx::test::eventually([&] { return outcomes("late") == 1; }, 10s));
    hits->write();
    EXPECT_EQ(0, number("SELECT SUM(hits) FROM blocklist"));
}

PBX_ON_BOTH(AgiOf);

TEST(AgiAnswers, ReadAsterisksPresentation) {
    using routing::Presentation;
    const std::map<std::string, Presentation> expected{{"0", Presentation::allowed},
                                                       {"1", Presentation::allowed},
                                                       {"3", Presentation::allowed},
                                                       {"32", Presentation::restricted},
                                                       {"35", Presentation::restricted},
                                                       {"67", Presentation::unavailable},
                                                       {"96", Presentation::unavailable},
                                                       {"", Presentation::allowed},
                                                       {"-1", Presentation::allowed},
                                                       {"32x", Presentation::allowed},
                                                       {"99999999999999999999", Presentation::allowed}};
    for (const auto& [text, presentation] : expected) EXPECT_EQ(presentation, presentationOf(text)) << text;
}

} // namespace
} // namespace pbx::daemon
