// Audit log, idempotency keys and leases.
#include "storage_test.hpp"

#include <algorithm>
#include <sys/wait.h>
#include <unistd.h>

namespace pbx::test {
namespace {

using namespace pbx::storage;
using namespace std::chrono_literals;

class Records : public StorageTest {
protected:
    domain::AuditEntry entry(const std::string& operation, std::optional<TenantId> tenant = {}) {
        domain::AuditEntry out;
        out.at = clock.now();
        out.tenant = std::move(tenant);
        out.login = "alice";
        out.operation = operation;
        out.parameters = "{\"title\": \"M\xC3\xBCller\"}";
        out.outcome = "ok";
        return out;
    }
};

TEST_P(Records, TheAuditLogPagesNewestFirstWithinItsTenant) {
    const auto a = tenantScope("a-corp");
    const auto b = tenantScope("b-corp");
    for (int i = 1; i <= 5; ++i) {
        repos->audit.append(entry("op" + std::to_string(i), a.tenant()));
        repos->audit.append(entry("other", b.tenant()));
    }
    repos->audit.append(entry("tenant.create"));
    PageRequest page;
    page.limit = 3;
    auto first = repos->audit.list(a, page);
    ASSERT_EQ(3U, first.items.size());
    EXPECT_EQ("op5", first.items[0].operation);
    EXPECT_EQ("op3", first.items[2].operation);
    EXPECT_EQ("{\"title\": \"M\xC3\xBCller\"}", first.items[0].parameters);
    repos->audit.append(entry("op6", a.tenant())); // newer than the page: the next one does not shift
    page.after = first.next.value();
    auto second = repos->audit.list(a, page);
    ASSERT_EQ(2U, second.items.size());
    EXPECT_EQ("op2", second.items[0].operation);
    EXPECT_FALSE(second.next);
    EXPECT_EQ(1U, repos->audit.list(serverScope(), {}).items.size());
    AuditFilter filter;
    filter.operation = "op4";
    EXPECT_EQ(1U, repos->audit.list(a, {}, filter).items.size());
    for (const auto* bad : {"x", "1", "0000000000000000001x", "' OR 1=1 --", "-000000000000000001"}) {
        page.after = bad;
        EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { repos->audit.list(a, page); })) << bad;
    }
}

TEST_P(Records, TheAuditChainIsWholeUntilSomebodyTouchesIt) {
    const auto fill = [&] {
        for (int i = 0; i < 6; ++i) repos->audit.append(entry("op" + std::to_string(i)));
    };
    fill();
    EXPECT_EQ(6, repos->audit.verify().rows);
    EXPECT_TRUE(repos->audit.verify().intact());
    struct Tampering {
        const char* sql;
        const char* firstBad;
    };
    for (const auto& [text, firstBad] : std::vector<Tampering>{
             {"UPDATE audit_log SET login = 'mallory' WHERE seq = 3", "0000000000000000003"},
             {"DELETE FROM audit_log WHERE seq = 2", "0000000000000000002"},
             {"DELETE FROM audit_log WHERE seq = 6", "0000000000000000006"}, // the newest: only the head tells
             {"UPDATE audit_log SET at = at + 1 WHERE seq = 6", "0000000000000000006"},
             {"DELETE FROM audit_log", "0000000000000000001"}}) {
        openMigrated();
        fill();
        ASSERT_TRUE(repos->audit.verify().intact());
        sql(text);
        EXPECT_EQ(firstBad, repos->audit.verify().firstBad.value_or("none")) << text;
    }
}

TEST_P(Records, AKeyedAuditChainCannotBeForgedWithoutTheKey) {
    settings.auditKey = SecretString("the key of this installation");
    open();
    repos->audit.append(entry("one"));
    EXPECT_TRUE(repos->audit.verify().intact());
    settings.auditKey = SecretString("another");
    open();
    EXPECT_FALSE(repos->audit.verify().intact());
}

TEST_P(Records, ParallelAuditRowsHaveNoGapAndOneChain) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            for (int n = 0; n < 10; ++n) repos->audit.append(entry("op"));
        });
    for (auto& thread : threads) thread.join();
    const auto verdict = repos->audit.verify();
    EXPECT_EQ(40, verdict.rows);
    EXPECT_TRUE(verdict.intact());
}

TEST_P(Records, AnIdempotencyKeyAnswersAlikeAndRefusesAnotherBody) {
    const IdempotencyKey key{TenantId("t_1"), UserId("u_1"), "queue.create", "k-\xC3\xA4 1", "o1"};
    EXPECT_FALSE(repos->idempotency.begin(key, "hash", 1h));
    EXPECT_EQ(ErrorCode::conflict, codeOf([&] { repos->idempotency.begin(key, "hash", 1h); })); // still runs
    const std::string reply = "{\"id\": \"q_1\"}" + std::string(300000, 'x');
    repos->idempotency.finish(key, reply);
    EXPECT_EQ(reply, repos->idempotency.begin(key, "hash", 1h));
    EXPECT_EQ(ErrorCode::conflict, codeOf([&] { repos->idempotency.begin(key, "other body", 1h); }));
    for (const auto& other : {IdempotencyKey{TenantId("t_2"), key.user, key.operation, key.key, "o2"},
                              IdempotencyKey{key.tenant, UserId("u_2"), key.operation, key.key, "o3"},
                              IdempotencyKey{key.tenant, key.user, "queue.delete", key.key, "o4"}})
        EXPECT_FALSE(repos->idempotency.begin(other, "hash", 1h)); // keys are apart
    const IdempotencyKey failed{key.tenant, key.user, "queue.create", "k2", "o5"};
    repos->idempotency.begin(failed, "hash", 1h);
    repos->idempotency.abandon(failed);
    EXPECT_FALSE(repos->idempotency.begin(failed, "hash", 1h));
    repos->idempotency.abandon(key); // is finished: stays
    EXPECT_EQ(reply, repos->idempotency.begin(key, "hash", 1h));
    clock.advance(1h);
    EXPECT_EQ(2, repos->idempotency.purge(2));
    EXPECT_EQ(3, repos->idempotency.purge());
    EXPECT_FALSE(repos->idempotency.begin(key, "other body", 1h));
    EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] {
                  repos->idempotency.begin({key.tenant, key.user, "op", "", "o6"}, "h", 1h);
              }));
}

TEST_P(Records, AnIdempotencyKeyIsEndedByItsOwnerAlone) {
    const IdempotencyKey first{TenantId("t_1"), UserId("u_1"), "queue.create", "k", "first"};
    auto second = first;
    second.owner = "second";
    repos->idempotency.begin(first, "hash", 1h);
    clock.advance(1h);
    EXPECT_FALSE(repos->idempotency.begin(second, "hash", 1h)); // the first one's time is over
    repos->idempotency.finish(first, "of the first");
    repos->idempotency.abandon(first);
    EXPECT_EQ(ErrorCode::conflict, codeOf([&] { repos->idempotency.begin(first, "hash", 1h); }));
    repos->idempotency.finish(second, "of the second");
    EXPECT_EQ("of the second", repos->idempotency.begin(first, "hash", 1h));
}

TEST_P(Records, OfManyWithOneIdempotencyKeyOneWorks) {
    const IdempotencyKey key{TenantId("t_1"), UserId("u_1"), "queue.create", "k", "o"};
    std::atomic<int> works{0}, refused{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 6; ++i)
        threads.emplace_back([&] {
            const auto code = codeOf([&] {
                if (!repos->idempotency.begin(key, "hash", 1h)) ++works;
            });
            if (code == ErrorCode::conflict) ++refused;
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(1, works);
    EXPECT_EQ(5, refused);
}

TEST_P(Records, ALeaseHasOneHolderAndItsEpochGrowsWithEachChange) {
    auto& leases = repos->leases;
    const auto first = leases.acquire("asterisk/pbx1", "node-a", 60s);
    ASSERT_TRUE(first);
    EXPECT_EQ(1, first->epoch);
    EXPECT_FALSE(leases.acquire("asterisk/pbx1", "node-b", 60s));
    EXPECT_TRUE(leases.acquire("asterisk/pbx2", "node-b", 60s));
    const auto again = leases.acquire("asterisk/pbx1", "node-a", 60s);
    ASSERT_TRUE(again);
    EXPECT_EQ(1, again->epoch);
    EXPECT_TRUE(leases.renew(*first, 60s));
    leases.release(*first);
    EXPECT_FALSE(leases.renew(*first, 60s));
    const auto second = leases.acquire("asterisk/pbx1", "node-b", 60s);
    ASSERT_TRUE(second);
    EXPECT_EQ(2, second->epoch);
    leases.release(*first); // a zombie's release does nothing
    EXPECT_EQ("node-b", leases.find("asterisk/pbx1")->owner);
    EXPECT_FALSE(leases.find("nothing"));
}

TEST_P(Records, AnExpiredLeaseIsTakenAndTheOldHolderCannotRenew) {
    auto& leases = repos->leases;
    const auto old = leases.acquire("asterisk/pbx1", "node-a", 50ms);
    ASSERT_TRUE(old);
    std::optional<Lease> taken;
    ASSERT_TRUE(eventually([&] { return (taken = leases.acquire("asterisk/pbx1", "node-b", 60s)).has_value(); }, 5s));
    EXPECT_EQ(2, taken->epoch);
    EXPECT_GT(taken->until, old->until);
    EXPECT_FALSE(leases.renew(*old, 60s));
    EXPECT_EQ("node-b", leases.find("asterisk/pbx1")->owner);
}

// Each child process has its own sessions, as pbxd nodes have.
TEST_P(Records, OfManyProcessesOneGetsTheLease) {
    db->close();
    std::vector<pid_t> children;
    for (int i = 0; i < 4; ++i) {
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            int status = 2;
            try {
                Database own(settings, Log::none(), clock);
                LeaseRepository leases(own);
                status = leases.acquire("asterisk/pbx1", "node-" + std::to_string(i), 60s) ? 0 : 1;
            } catch (const Error& e) {
                ::dprintf(2, "child: %s (%s)\n", e.what(), e.cause().c_str());
            }
            ::_exit(status);
        }
        children.push_back(child);
    }
    std::vector<int> results;
    for (const pid_t child : children) {
        int status = 0;
        ASSERT_EQ(child, ::waitpid(child, &status, 0));
        results.push_back(WEXITSTATUS(status));
    }
    EXPECT_EQ(1, std::ranges::count(results, 0));
    EXPECT_EQ(3, std::ranges::count(results, 1));
    open();
    EXPECT_EQ(1, repos->leases.find("asterisk/pbx1")->epoch);
}

PBX_ON_BOTH(Records);

} // namespace
} // namespace pbx::test
