// Table open_intervals against isOpen(), through clock changes; and several processes over one database.
#include "routing/intervals.hpp"

#include "routing/hours.hpp"
#include "storage_test.hpp"

#include <barrier>
#include <random>

namespace pbx::routing {
namespace {

using namespace std::chrono_literals;
using domain::OpeningHours;

class IntervalsOf : public pbx::test::StorageTest {
protected:
    IntervalWriter writer(const std::string& owner = "node/a") { return {*repos, clock, Log::none(), owner}; }
    OpeningHours add(const domain::Scope& scope, const std::string& name, const std::string& zone,
                     std::array<std::vector<domain::LocalInterval>, 7> week = {}) {
        return repos->hours.create(scope, {{}, name, name, zone, std::move(week), {}});
    }
    std::vector<std::pair<UtcTime, UtcTime>> stored(const OpeningHours& hours) {
        using Pair = storage::Row<storage::Int, storage::Int>;
        std::vector<std::pair<UtcTime, UtcTime>> out;
        const auto rows = db->connections().read([&](storage::Sql& s) {
            return s.rows<Pair>("SELECT from_at, to_at FROM open_intervals WHERE hours_id = ? ORDER BY from_at",
                                {hours.id.str()});
        });
        for (const auto& row : rows)
            out.emplace_back(fromEpochMicros(storage::at<0>(row)), fromEpochMicros(storage::at<1>(row)));
        return out;
    }
    UtcTime until(const OpeningHours& hours) {
        return fromEpochMicros(number("SELECT intervals_until FROM hours WHERE id = ?", {hours.id.str()}));
    }
    static std::array<std::vector<domain::LocalInterval>, 7> everyDay(domain::LocalInterval interval) {
        std::array<std::vector<domain::LocalInterval>, 7> week;
        week.fill({interval});
        return week;
    }
};

bool covered(const std::vector<std::pair<UtcTime, UtcTime>>& intervals, UtcTime at) {
    return std::ranges::any_of(intervals, [&](const auto& one) { return one.first <= at && at < one.second; });
}

// Random weeks and holidays in zones whose clocks change within the next 60 days, each in its own way; asked at random
// moments, at every border of an interval, and all around the changes.
TEST_P(IntervalsOf, SayWhatIsOpenSays) {
    const auto scope = tenantScope("acme");
    const std::array zones{"America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Havana",
                           "America/Asuncion", "Asia/Kolkata",  "Africa/Cairo",        "UTC"};
    std::mt19937 dice(20261123);
    const auto roll = [&](int least, int most) { return std::uniform_int_distribution(least, most)(dice); };
    // 2026-09-21: the clocks go back in America and Europe, forward in Australia; 160 days on it is the other way
    // round.
    for (const auto advance : {0h, 24h * 160}) {
        clock.advance(advance);
        std::vector<OpeningHours> all;
        for (std::size_t i = 0; i < zones.size(); ++i) {
            OpeningHours hours;
            hours.name = zones[i] == std::string("UTC") ? "utc" : "zone-" + std::to_string(i);
            hours.name += advance == 0h ? "-autumn" : "-spring";
            hours.timeZone = zones[i];
            for (auto& day : hours.week)
                for (int n = roll(0, 3), from = 0; n > 0 && from < 1440; --n) {
                    from += roll(0, 400);
                    const int to = from + roll(1, 700);
                    if (from < 1440) day.push_back({from, to});
                    from = to + 1;
                }
            const auto today = std::chrono::floor<std::chrono::days>(clock.now());
            for (int day = 3; day < 60; day += roll(5, 25))
                hours.holidays.push_back({today + std::chrono::days(day), "", {}});
            all.push_back(repos->hours.create(scope, hours));
        }
        EXPECT_EQ(static_cast<int>(zones.size()), writer().renew());
        int open = 0; // of all zones: a random week may be empty
        for (const auto& hours : all) {
            SCOPED_TRACE(hours.name + " " + hours.timeZone);
            const auto intervals = stored(hours);
            const auto end = until(hours);
            EXPECT_GE(end - clock.now(), IntervalWriter::ahead);
            std::vector<UtcTime> moments;
            for (const auto& [from, to] : intervals)
                for (const auto at : {from, to})
                    for (const auto by : {-1us, 0us, 1us}) moments.push_back(at + by);
            for (auto at = clock.now() - 12h; at < end; at += 31min) moments.push_back(at + Micros(roll(0, 999'999)));
            for (const auto at : moments) {
                if (at >= end || at < clock.now() - 12h) continue;
                ASSERT_EQ(isOpen(hours, at), covered(intervals, at)) << formatRfc3339(at);
                open += covered(intervals, at) ? 1 : 0;
            }
        }
        EXPECT_GT(open, 1000);
        for (const auto& hours : all) repos->hours.remove(scope, hours.id.str());
    }
}

TEST_P(IntervalsOf, AreWrittenAgainAfterAChangeAndOnceADay) {
    const auto scope = tenantScope("acme");
    auto hours = add(scope, "office", "America/New_York", everyDay({540, 1020}));
    auto daily = writer();
    EXPECT_EQ(1, daily.renew());
    const auto first = stored(hours);
    EXPECT_EQ(63U, first.size());
    const auto before = db->statements();
    EXPECT_EQ(0, daily.renew());
    EXPECT_EQ(before + 1, db->statements()) << "nothing to do costs one SELECT";

    repos->hours.update(scope, hours.id.str(), [](auto& now) { now.week = everyDay({600, 1020}); });
    EXPECT_TRUE(stored(hours).empty());
    EXPECT_EQ(1, daily.renew());
    EXPECT_EQ(first.front().first + 1h, stored(hours).front().first);

    clock.advance(20h);
    EXPECT_EQ(0, daily.renew());
    clock.advance(28h);
    EXPECT_EQ(1, daily.renew());
    EXPECT_EQ(first.back().first + 48h + 1h, stored(hours).back().first);
}

TEST_P(IntervalsOf, HoursThatCannotBeReckonedWithAreOneIntervalAndStopNoOther) {
    const auto scope = tenantScope("acme");
    const auto broken = add(scope, "broken", "Mars/Olympus", everyDay({540, 1020}));
    const auto office = add(scope, "office", "UTC", everyDay({540, 1020}));
    const auto always = add(scope, "always", "UTC", everyDay({0, 1440}));
    const auto never = add(scope, "never", "UTC");
    EXPECT_EQ(4, writer().renew());
    ASSERT_EQ(1U, stored(broken).size());
    EXPECT_LT(stored(broken).front().first, clock.now());
    EXPECT_EQ(until(broken), stored(broken).front().second);
    EXPECT_EQ(63U, stored(office).size());
    EXPECT_EQ(stored(broken), stored(always));
    EXPECT_TRUE(stored(never).empty());
    EXPECT_EQ(0, writer().renew());
}

TEST_P(IntervalsOf, SeveralProcessesDoNotFight) {
    const auto scope = tenantScope("acme");
    std::vector<OpeningHours> all;
    for (int i = 0; i < 8; ++i)
        all.push_back(add(scope, "hours-" + std::to_string(i), "Europe/Berlin", everyDay({540, 1020})));
    std::atomic<int> written{0};
    std::barrier together(3);
    std::vector<std::thread> threads;
    for (int node = 0; node < 3; ++node)
        threads.emplace_back([&, node] {
            auto own = writer("node/" + std::to_string(node));
            together.arrive_and_wait();
            EXPECT_NO_THROW(written += own.renew());
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(8, written) << "each written by one of them";
    for (const auto& hours : all) EXPECT_EQ(63U, stored(hours).size());

    repos->hours.update(scope, all[0].id.str(), [](auto&) {});
    ASSERT_TRUE(repos->leases.acquire("open-intervals", "node/other", 60s));
    EXPECT_EQ(0, writer().renew()) << "another process is at it";
}

PBX_ON_BOTH(IntervalsOf);

} // namespace
} // namespace pbx::routing
