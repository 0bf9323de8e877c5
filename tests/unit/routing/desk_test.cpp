// The desk on both engines: the case table out of a real database, and what is in force when.
#include "routing/desk.hpp"

#include "case_store.hpp"
#include "storage_test.hpp"

#include <algorithm>
#include <atomic>
#include <barrier>

namespace pbx::routing {
namespace {

using pbx::test::codeOf;

class DeskOf : public pbx::test::StorageTest {
protected:
    Ruling ask(Desk& desk, const domain::Scope& scope, const std::string& caller = "+13125550000",
               const std::string& dialled = "+12125550100", Presentation presentation = Presentation::allowed) {
        return desk.rule({scope.tenant(), caller, presentation, dialled, clock.now()});
    }
    domain::Queue queue(const domain::Scope& scope, const std::string& name) {
        return repos->queues.create(scope, {name, name, "main", "", {}, 0});
    }
    void setDefault(const domain::Scope& scope, const domain::Queue& queue) {
        repos->tenantRouting.update(scope, [&](auto& r) { r = {queue.id, {}, {}}; });
    }
    static Board noBoard() {
        return [](const domain::Queue&) { return std::optional<QueueFacts>(); };
    }
    std::uint64_t statementsOf(const std::function<void()>& work) {
        const auto before = db->statements();
        work();
        return db->statements() - before;
    }
};

TEST_P(DeskOf, DecidesTheWholeCaseTable) {
    test::storeCases(*db);
    const test::Case* current = nullptr;
    Desk desk(*repos, [&] { return test::boardOf(*current); });
    for (const auto& one : test::caseTable().cases) {
        SCOPED_TRACE(one.name);
        current = &one;
        const auto ruling = desk.rule({TenantId(one.tenant), one.caller, Presentation::allowed, one.did, one.at});
        const auto& decision = ruling.decision;
        EXPECT_EQ(outcomeToken(decision.outcome), one.expect.outcome);
        EXPECT_EQ(test::destinationText(decision.destination), one.expect.to);
        EXPECT_EQ(decision.priority, one.expect.priority);
        EXPECT_EQ(decision.offerCallback, one.expect.callback);
        EXPECT_EQ(decision.blockedBy.value_or(BlockId()).str(), one.expect.blockedBy);
        std::vector<std::string> because;
        for (const auto& reason : decision.reasons) because.emplace_back(reasonToken(reason.code));
        EXPECT_EQ(because, one.expect.because);
        const auto kind = decision.destination.kind;
        EXPECT_EQ(ruling.queue() != nullptr,
                  kind == domain::DestinationKind::queue || kind == domain::DestinationKind::callbackOffer);
        EXPECT_EQ(ruling.agent() != nullptr, kind == domain::DestinationKind::agent);
        if (const auto* agent = ruling.agent()) {
            EXPECT_EQ("PJSIP/" + one.tenant + "-" + agent->name, agent->interface);
        }
    }
    EXPECT_EQ(0, number("SELECT SUM(hits) FROM blocklist")) << "asking alone is no hit";
}

TEST_P(DeskOf, ACallCostsOneStatementAndAChangeIsInForceAtOnce) {
    const auto scope = tenantScope("acme");
    const auto first = queue(scope, "first");
    const auto second = queue(scope, "second");
    setDefault(scope, first);
    Desk desk(*repos, noBoard);
    EXPECT_EQ("first", ask(desk, scope).queue()->name);
    EXPECT_EQ(1U, statementsOf([&] { ask(desk, scope); }));
    setDefault(scope, second);
    EXPECT_EQ("second", ask(desk, scope).queue()->name);
    EXPECT_EQ(1U, statementsOf([&] { ask(desk, scope); }));
    storage::QueueChange rename;
    rename.name = "third";
    repos->queues.update(scope, second.id.str(), rename);
    EXPECT_EQ("third", ask(desk, scope).queue()->name);
    // Rows of callers are never kept.
    repos->blocklist.add(scope, {domain::BlockKind::exact, "+13125550000", {}, "", "alice"});
    EXPECT_EQ(Outcome::blocked, ask(desk, scope).decision.outcome);
}

TEST_P(DeskOf, ATablesVersionThatWentBackIsLoadedAnew) { // a backup was put back under the running daemon
    const auto scope = tenantScope("acme");
    const auto first = queue(scope, "first");
    const auto second = queue(scope, "second");
    setDefault(scope, first);
    setDefault(scope, second);
    Desk desk(*repos, noBoard);
    EXPECT_EQ("second", ask(desk, scope).queue()->name);
    sql("UPDATE tenant_routing SET version = version - 1, default_queue_id = ?", {first.id.str()});
    EXPECT_EQ("first", ask(desk, scope).queue()->name);
}

TEST_P(DeskOf, AChangedCountryReadsTheNumberAnew) {
    const auto scope = tenantScope("acme");
    Desk desk(*repos, noBoard);
    EXPECT_EQ("+12125550123", ask(desk, scope, "2125550123").caller.text);
    storage::TenantChange change;
    change.country = "DE";
    repos->tenants.update("acme", change);
    repos->blocklist.add(scope, {domain::BlockKind::exact, "+493012345678", {}, "", "alice"});
    const auto ruling = ask(desk, scope, "03012345678");
    EXPECT_EQ("+493012345678", ruling.caller.text);
    EXPECT_EQ(Outcome::blocked, ruling.decision.outcome);
}

TEST_P(DeskOf, WhoHidesHisNumberIsNotRecognised) {
    const auto scope = tenantScope("acme");
    setDefault(scope, queue(scope, "first"));
    repos->blocklist.add(scope, {domain::BlockKind::exact, "+13125550666", {}, "", "alice"});
    Desk desk(*repos, noBoard);
    EXPECT_EQ(Outcome::blocked, ask(desk, scope, "+13125550666").decision.outcome);
    for (const auto presentation : {Presentation::restricted, Presentation::unavailable}) {
        const auto ruling = ask(desk, scope, "+13125550666", "", presentation);
        EXPECT_EQ(NumberKind::withheld, ruling.caller.kind);
        EXPECT_EQ(Outcome::queued, ruling.decision.outcome);
    }
    repos->blocklist.add(scope, {domain::BlockKind::anonymous, "", {}, "", "alice"});
    EXPECT_EQ(Outcome::blocked, ask(desk, scope, "+13125550666", "", Presentation::restricted).decision.outcome);
}

TEST_P(DeskOf, FaultsAreToldAndNothingIsKeptOfThem) {
    Desk desk(*repos, noBoard);
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { ask(desk, domain::Scope(TenantId("t_nobody"))); }));
    const auto scope = tenantScope("acme");
    setDefault(scope, queue(scope, "first"));
    ask(desk, scope);
    sql("ALTER TABLE blocklist RENAME TO away");
    EXPECT_TRUE(codeOf([&] { ask(desk, scope); }));
    sql("ALTER TABLE away RENAME TO blocklist");
    EXPECT_EQ("first", ask(desk, scope).queue()->name);
    db->close();
    EXPECT_EQ(ErrorCode::unavailable, codeOf([&] { ask(desk, scope); }));
}

// Many at once: one of them loads, and nobody who asks after a commit gets what was before.
TEST_P(DeskOf, OneLoadsForAllAndNobodySeesWhatWasBefore) {
    const auto scope = tenantScope("acme");
    const std::array queues{queue(scope, "even"), queue(scope, "odd")};
    setDefault(scope, queues[0]);
    std::atomic<int> loads{0};
    db->onStatement([&](std::string_view statement) {
        if (statement.starts_with("SELECT name, title, country")) ++loads;
    });
    Desk desk(*repos, noBoard);
    constexpr int askers = 6;
    std::barrier together(askers);
    std::vector<std::thread> threads;
    for (int i = 0; i < askers; ++i)
        threads.emplace_back([&] {
            together.arrive_and_wait();
            EXPECT_EQ("even", ask(desk, scope).queue()->name);
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(1, loads);

    std::atomic<bool> done{false};
    std::atomic<int> errors{0};
    threads.clear();
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&] {
            while (!done)
                if (!ask(desk, scope).queue()) ++errors;
        });
    constexpr int changes = 30;
    for (int change = 1; change <= changes; ++change) {
        const auto& now = queues[static_cast<std::size_t>(change % 2)];
        setDefault(scope, now);
        EXPECT_EQ(now.name, ask(desk, scope).queue()->name) << change;
    }
    done = true;
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(0, errors);
    EXPECT_GE(loads, 1 + changes) << "each change must have been read";
}

// Against a database that hangs: the first waits for its time-out, and the others not again for theirs.
TEST_P(DeskOf, WhoWaitsForALoaderFailsWithIt) {
    const auto scope = tenantScope("acme");
    setDefault(scope, queue(scope, "first"));
    constexpr int askers = 4;
    std::atomic<int> arrived{0};
    std::atomic<int> loads{0};
    std::atomic<bool> hangs{true};
    db->onStatement([&](std::string_view statement) {
        if (!hangs || !statement.starts_with("SELECT name, title, country")) return;
        ++loads;
        EXPECT_TRUE(pbx::test::eventually([&] { return arrived == askers; }, std::chrono::seconds(20)));
        std::this_thread::sleep_for(std::chrono::milliseconds(300)); // the last of them is on its way to the lock
        throw Error(ErrorCode::unavailable, "hung");
    });
    Desk desk(*repos, noBoard);
    std::vector<std::thread> threads;
    for (int i = 0; i < askers; ++i)
        threads.emplace_back([&] {
            ++arrived;
            EXPECT_EQ(ErrorCode::unavailable, codeOf([&] { ask(desk, scope); }));
        });
    for (auto& thread : threads) thread.join();
    EXPECT_LT(loads, askers) << "one after the other";
    hangs = false;
    EXPECT_EQ("first", ask(desk, scope).queue()->name);
}

PBX_ON_BOTH(DeskOf);

} // namespace
} // namespace pbx::routing
