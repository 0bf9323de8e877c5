#include "link/backoff.hpp"
#include "link/lag.hpp"

#include <gtest/gtest.h>

using namespace pbx::link;
using namespace std::chrono_literals;
using pbx::SteadyTime;

namespace {

void expectBetween(std::chrono::milliseconds got, std::chrono::milliseconds step) {
    EXPECT_GE(got, step / 2);
    EXPECT_LE(got, step);
}

TEST(Backoff, DoublesUpToItsMost) {
    Backoff backoff(Timings{}, 1);
    const SteadyTime now{100s};
    for (const auto step : {200ms, 400ms, 800ms, 1600ms, 3200ms, 6400ms, 10'000ms, 10'000ms, 10'000ms})
        expectBetween(backoff.next(now), step);
}

TEST(Backoff, IsQuickWhileAnAsteriskThatWasUpMayBeRestarting) {
    Backoff backoff(Timings{}, 1);
    SteadyTime now{100s};
    backoff.lost(now, 5s);
    for (const auto step : {200ms, 400ms, 800ms, 1000ms, 1000ms, 1000ms, 1000ms})
        expectBetween(backoff.next(now), step);
    now += 121s; // the window is over
    expectBetween(backoff.next(now), 10'000ms);
}

TEST(Backoff, StartsAnewAfterAStableMinuteAndNotBefore) {
    Backoff backoff(Timings{}, 1);
    SteadyTime now{100s};
    for (int i = 0; i < 10; ++i) backoff.next(now);
    backoff.lost(now, 60s);
    expectBetween(backoff.next(now), 200ms);

    // One that comes and goes all the time slows down once its window is over.
    for (int i = 0; i < 200; ++i) {
        now += 1s;
        backoff.lost(now, 500ms);
        backoff.next(now);
    }
    expectBetween(backoff.next(now), 10'000ms);
}

TEST(Backoff, JitterSpreads) {
    std::set<std::chrono::milliseconds> seen;
    for (std::uint32_t seed = 1; seed <= 50; ++seed) seen.insert(Backoff(Timings{}, seed * 7919).next(SteadyTime{1s}));
    EXPECT_GE(seen.size(), 10U);
}

TEST(LagMeter, ComparesWithTheBestSeen) {
    LagMeter meter;
    EXPECT_EQ(meter.lag(), std::nullopt);
    const auto at = [](std::int64_t ms) { return pbx::fromEpochMicros(ms * 1000); };
    meter.event(at(1000), at(5000)); // the clocks differ by about 4 s
    EXPECT_EQ(meter.lag(), 0ms);
    meter.event(at(1100), at(5050)); // 50 ms quicker: the better comparison
    EXPECT_EQ(meter.lag(), 0ms);
    meter.event(at(1200), at(5900));
    EXPECT_EQ(meter.lag(), 750ms);
    meter.pong(at(2000), at(6700), 800ms); // a slow trip says nothing about the clocks
    EXPECT_EQ(meter.lag(), 750ms);
    meter.pong(at(3000), at(9000), 1ms); // our clock was set forward by 2 s
    EXPECT_EQ(meter.lag(), 0ms);
    meter.event(at(4000), at(10'010));
    EXPECT_EQ(meter.lag(), 10ms);
}

} // namespace
