// Caps and the switch of calls on request, on both engines: exact when many ask at once, walled, kept over a restart.
#include "storage_test.hpp"

#include <atomic>
#include <thread>

namespace pbx::test {
namespace {

using namespace pbx::storage;
using namespace std::chrono_literals;

class OutboundGuardOf : public StorageTest {
protected:
    static constexpr OutboundCaps caps{4, 6, 10};

    std::vector<CapAlarm> ask(const TenantId& tenant, const std::string& number, const std::string& source = "ann") {
        return repos->outboundGuard.reserve(tenant, number, source, caps);
    }
    static std::string shown(const std::vector<CapAlarm>& alarms) {
        std::string out;
        for (const auto& alarm : alarms)
            out += std::string(outboundCapText(alarm.cap)) + ' ' + alarm.name + ' ' + std::to_string(alarm.percent) +
                   ' ' + std::to_string(alarm.used) + '/' + std::to_string(alarm.limit) + ';';
        return out;
    }
};

TEST_P(OutboundGuardOf, EachCapIsExactAndAlarmsOnItsWay) {
    const auto tenant = tenantScope("acme").tenant();
    const auto other = tenantScope("other").tenant();
    EXPECT_EQ("", shown(ask(tenant, "+1")));
    EXPECT_EQ("number +1 50 2/4;", shown(ask(tenant, "+1")));
    EXPECT_EQ("source ann 50 3/6;", shown(ask(tenant, "+1"))); // 3 of 4 is not 80 %
    EXPECT_EQ("number +1 100 4/4;", shown(ask(tenant, "+1"))); // 80 % and 100 % at once: the higher one
    EXPECT_EQ(ErrorCode::tooManyRequests, codeOf([&] { ask(tenant, "+1", "bob"); }));
    EXPECT_EQ(4, repos->outboundGuard.usedToday(tenant)); // what was refused does not count
    EXPECT_EQ("tenant  50 5/10;source ann 80 5/6;", shown(ask(tenant, "+2")));
    EXPECT_EQ("source ann 100 6/6;", shown(ask(tenant, "+3")));
    EXPECT_EQ(ErrorCode::tooManyRequests, codeOf([&] { ask(tenant, "+4"); }));
    EXPECT_EQ("", shown(ask(tenant, "+4", "bob")));
    EXPECT_EQ("tenant  80 8/10;", shown(ask(tenant, "+5", "bob")));
    ask(tenant, "+6", "bob");
    EXPECT_EQ("tenant  100 10/10;", shown(ask(tenant, "+7", "cid")));
    EXPECT_EQ(ErrorCode::tooManyRequests, codeOf([&] { ask(tenant, "+8", "dan"); }));
    EXPECT_EQ(0, repos->outboundGuard.usedToday(other));
    EXPECT_EQ("", shown(ask(other, "+1")));
    clock.advance(24h);
    EXPECT_EQ("", shown(ask(tenant, "+1")));
}

TEST_P(OutboundGuardOf, TheCapHoldsWhenManyAskAtOnce) {
    const auto tenant = tenantScope("acme").tenant();
    std::atomic<int> let{0}, refused{0}, failed{0};
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 6; ++thread)
        threads.emplace_back([&, thread] {
            for (int i = 0; i < 4; ++i) try {
                    ask(tenant, "+" + std::to_string(thread * 10 + i + 1), "source" + std::to_string(thread));
                    ++let;
                } catch (const Error& error) {
                    ++(error.code() == ErrorCode::tooManyRequests ? refused : failed);
                }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(0, failed);
    EXPECT_EQ(10, let);
    EXPECT_EQ(14, refused);
    EXPECT_EQ(10, repos->outboundGuard.usedToday(tenant));
}

TEST_P(OutboundGuardOf, TheSwitchHoldsForOneTenantOrForAll) {
    const auto tenant = tenantScope("acme").tenant();
    const auto other = tenantScope("other").tenant();
    auto& guard = repos->outboundGuard;
    EXPECT_FALSE(guard.stopped(tenant));
    guard.stop(tenant, "stolen password", "root");
    EXPECT_EQ("stolen password", guard.stopped(tenant)->reason);
    EXPECT_FALSE(guard.stopped(other));
    EXPECT_EQ(ErrorCode::conflict, codeOf([&] { ask(tenant, "+1"); }));
    EXPECT_EQ("", shown(ask(other, "+1")));
    const auto since = guard.stop(std::nullopt, "attack", "root").since;
    clock.advance(1h);
    const auto again = guard.stop(std::nullopt, "still", "eve");
    EXPECT_EQ(since, again.since);
    EXPECT_EQ("still", again.reason);
    EXPECT_EQ("root", again.by);
    EXPECT_EQ(2U, guard.stops().size());
    EXPECT_FALSE(guard.stopped(other)->tenant);
    EXPECT_EQ(ErrorCode::conflict, codeOf([&] { ask(other, "+1"); }));
    guard.resume(std::nullopt);
    EXPECT_FALSE(guard.stopped(other));
    EXPECT_TRUE(guard.stopped(tenant)); // its own is in force still
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { guard.resume(std::nullopt); }));
}

TEST_P(OutboundGuardOf, CountsOfOldDaysGo) {
    const auto tenant = tenantScope("acme").tenant();
    ask(tenant, "+1");
    clock.advance(24h * (OutboundGuard::daysKept + 1));
    ask(tenant, "+1");
    EXPECT_EQ(3, repos->outboundGuard.purge());
    EXPECT_EQ(3, number("SELECT COUNT(*) FROM outbound_counts"));
}

PBX_ON_BOTH(OutboundGuardOf);

} // namespace
} // namespace pbx::test
