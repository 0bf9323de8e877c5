#include "routing/hits.hpp"

#include "storage_test.hpp"

namespace pbx::routing {
namespace {

using namespace std::chrono_literals;

class HitsOf : public pbx::test::StorageTest {
protected:
    domain::BlockEntry block(const domain::Scope& scope, const std::string& number) {
        return repos->blocklist.add(scope, {domain::BlockKind::exact, number, {}, "", "alice"});
    }
};

TEST_P(HitsOf, AreCountedInMemoryAndWrittenInOneTransaction) {
    const auto scope = tenantScope("acme");
    const auto often = block(scope, "+12125550101");
    const auto once = block(scope, "+12125550102");
    HitCounter hits(repos->blocklist);
    const auto before = db->statements();
    hits.write();
    EXPECT_EQ(before, db->statements()) << "nothing to write";
    hits.count(scope.tenant(), often.id, clock.now());
    hits.count(scope.tenant(), once.id, clock.now());
    hits.count(scope.tenant(), often.id, clock.now() + 2s);
    hits.count(scope.tenant(), often.id, clock.now() + 1s);
    hits.count(scope.tenant(), BlockId("b_gone"), clock.now());
    EXPECT_EQ(before, db->statements()) << "no call may wait for a write";
    hits.write();
    EXPECT_EQ(3, repos->blocklist.get(scope, often.id.str()).hits);
    EXPECT_EQ(clock.now() + 2s, repos->blocklist.get(scope, often.id.str()).lastHitAt);
    EXPECT_EQ(1, repos->blocklist.get(scope, once.id.str()).hits);
    hits.write();
    EXPECT_EQ(3, repos->blocklist.get(scope, often.id.str()).hits) << "each counts once";
}

TEST_P(HitsOf, WaitForTheNextTimeWhenTheyCannotBeWritten) {
    const auto scope = tenantScope("acme");
    const auto entry = block(scope, "+12125550101");
    HitCounter hits(repos->blocklist);
    hits.count(scope.tenant(), entry.id, clock.now());
    sql("ALTER TABLE blocklist RENAME TO away");
    EXPECT_TRUE(pbx::test::codeOf([&] { hits.write(); }));
    hits.count(scope.tenant(), entry.id, clock.now() + 1s);
    sql("ALTER TABLE away RENAME TO blocklist");
    hits.write();
    EXPECT_EQ(2, repos->blocklist.get(scope, entry.id.str()).hits);
    EXPECT_EQ(clock.now() + 1s, repos->blocklist.get(scope, entry.id.str()).lastHitAt);
}

TEST_P(HitsOf, OfManyThreadsAreAllThere) {
    const auto scope = tenantScope("acme");
    const auto entry = block(scope, "+12125550101");
    HitCounter hits(repos->blocklist);
    constexpr int threadCount = 4;
    constexpr int each = 500;
    std::vector<std::thread> threads;
    for (int i = 0; i < threadCount; ++i)
        threads.emplace_back([&] {
            for (int n = 0; n < each; ++n) hits.count(scope.tenant(), entry.id, clock.now());
        });
    for (int n = 0; n < 5; ++n) hits.write();
    for (auto& thread : threads) thread.join();
    hits.write();
    EXPECT_EQ(threadCount * each, repos->blocklist.get(scope, entry.id.str()).hits);
}

PBX_ON_BOTH(HitsOf);

} // namespace
} // namespace pbx::routing
