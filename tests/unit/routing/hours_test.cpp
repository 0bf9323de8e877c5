#include "routing/hours.hpp"

#include "base/error.hpp"

#include <cstdlib>
#include <ctime>
#include <gtest/gtest.h>
#include <iostream>
#include <random>

namespace pbx::routing {
namespace {

using namespace std::chrono_literals;
using domain::LocalInterval;
using domain::OpeningHours;

enum Day { mon, tue, wed, thu, fri, sat, sun };

UtcTime at(const char* text) {
    const auto time = parseRfc3339(text);
    if (!time) throw std::runtime_error(text);
    return *time;
}

std::vector<LocalInterval> day(std::initializer_list<const char*> intervals) {
    std::vector<LocalInterval> parsed;
    for (const char* text : intervals) parsed.push_back(parseInterval(text).value());
    return parsed;
}

OpeningHours in(const char* zone) {
    OpeningHours hours;
    hours.timeZone = zone;
    return hours;
}

OpeningHours office(const char* zone = "America/New_York") {
    auto hours = in(zone);
    for (const auto d : {mon, tue, wed, thu, fri}) hours.week[d] = day({"09:00-17:00"});
    return hours;
}

OpeningHours always(const char* zone = "America/New_York") {
    auto hours = in(zone);
    for (auto& d : hours.week) d = day({"00:00-24:00"});
    return hours;
}

std::string show(const std::vector<UtcInterval>& intervals) {
    std::string text;
    for (const auto& i : intervals) text += formatRfc3339(i.from) + "/" + formatRfc3339(i.to) + " ";
    return text;
}

// New York in 2026: UTC-5, from 8 March 07:00Z UTC-4, from 1 November 06:00Z UTC-5 again.

TEST(Hours, OpenAtFromClosedAtTo) {
    const auto hours = office(); // Monday 23 November: 14:00Z to 22:00Z
    EXPECT_FALSE(isOpen(hours, at("2026-11-23T13:59:59.999999Z")));
    EXPECT_TRUE(isOpen(hours, at("2026-11-23T14:00:00Z")));
    EXPECT_TRUE(isOpen(hours, at("2026-11-23T21:59:59.999999Z")));
    EXPECT_FALSE(isOpen(hours, at("2026-11-23T22:00:00Z")));
    EXPECT_FALSE(isOpen(hours, at("2026-11-22T15:00:00Z"))); // Sunday
}

TEST(Hours, OfficeHoursMoveWithTheClock) {
    EXPECT_EQ(show(openIntervals(office(), at("2026-03-06T00:00:00Z"), 4)),
              "2026-03-06T14:00:00Z/2026-03-06T22:00:00Z 2026-03-09T13:00:00Z/2026-03-09T21:00:00Z ");
    EXPECT_EQ(show(openIntervals(office(), at("2026-10-30T00:00:00Z"), 4)),
              "2026-10-30T13:00:00Z/2026-10-30T21:00:00Z 2026-11-02T14:00:00Z/2026-11-02T22:00:00Z ");
    // London changes three weeks later in spring: 29 March 01:00Z.
    EXPECT_EQ(show(openIntervals(office("Europe/London"), at("2026-03-27T00:00:00Z"), 4)),
              "2026-03-27T09:00:00Z/2026-03-27T17:00:00Z 2026-03-30T08:00:00Z/2026-03-30T16:00:00Z ");
}

TEST(Hours, DaysOf23And25Hours) {
    auto hours = in("America/New_York");
    hours.week[sun] = day({"00:00-24:00"});
    EXPECT_EQ(show(openIntervals(hours, at("2026-03-07T00:00:00Z"), 4)),
              "2026-03-08T05:00:00Z/2026-03-09T04:00:00Z "); // 23 h
    EXPECT_EQ(show(openIntervals(hours, at("2026-10-31T00:00:00Z"), 4)),
              "2026-11-01T04:00:00Z/2026-11-02T05:00:00Z "); // 25 h
}

TEST(Hours, TimesThatTheClockSkips) {
    auto hours = in("America/New_York"); // 02:00 to 03:00 is not there on 8 March
    hours.week[sun] = day({"02:15-02:45"});
    EXPECT_EQ(show(openIntervals(hours, at("2026-03-08T00:00:00Z"), 1)), "");
    hours.week[sun] = day({"02:30-03:30"});
    EXPECT_EQ(show(openIntervals(hours, at("2026-03-08T00:00:00Z"), 1)), "2026-03-08T07:00:00Z/2026-03-08T07:30:00Z ");
    hours.week[sun] = day({"01:00-02:30"});
    EXPECT_EQ(show(openIntervals(hours, at("2026-03-08T00:00:00Z"), 1)), "2026-03-08T06:00:00Z/2026-03-08T07:00:00Z ");
}

TEST(Hours, TimesThatTheClockShowsTwice) {
    auto hours = in("America/New_York"); // 01:00 to 02:00 is there twice on 1 November
    hours.week[sun] = day({"01:30-09:00"});
    EXPECT_EQ(show(openIntervals(hours, at("2026-11-01T00:00:00Z"), 1)), "2026-11-01T05:30:00Z/2026-11-01T14:00:00Z ");
    hours.week[sun] = day({"00:00-01:30"});
    EXPECT_EQ(show(openIntervals(hours, at("2026-11-01T00:00:00Z"), 1)), "2026-11-01T04:00:00Z/2026-11-01T06:30:00Z ");
    hours.week[sun] = day({"00:00-01:30", "01:30-03:00"});
    EXPECT_EQ(show(openIntervals(hours, at("2026-11-01T00:00:00Z"), 1)), "2026-11-01T04:00:00Z/2026-11-01T08:00:00Z ");
}

TEST(Hours, OverMidnightAndOverTheChange) {
    auto hours = in("America/New_York");
    hours.week[sat] = day({"22:00-06:00"});
    EXPECT_EQ(show(openIntervals(hours, at("2026-11-21T00:00:00Z"), 3)), "2026-11-22T03:00:00Z/2026-11-22T11:00:00Z ");
    EXPECT_TRUE(isOpen(hours, at("2026-11-22T10:59:59Z"))); // Sunday 05:59:59, of Saturday's shift
    EXPECT_FALSE(isOpen(hours, at("2026-11-22T11:00:00Z")));
    EXPECT_EQ(show(openIntervals(hours, at("2026-03-07T00:00:00Z"), 3)),
              "2026-03-08T03:00:00Z/2026-03-08T10:00:00Z "); // 7 h
    EXPECT_EQ(show(openIntervals(hours, at("2026-10-31T00:00:00Z"), 3)),
              "2026-11-01T02:00:00Z/2026-11-01T11:00:00Z "); // 9 h
}

TEST(Hours, ClocksThatChangeAtMidnight) {
    // Havana in 2026: 8 March 00:00 becomes 01:00 at 05:00Z; 1 November 01:00 becomes 00:00 at 05:00Z.
    auto sunday = in("America/Havana");
    sunday.week[sun] = day({"00:00-24:00"});
    EXPECT_EQ(show(openIntervals(sunday, at("2026-03-07T00:00:00Z"), 4)), "2026-03-08T05:00:00Z/2026-03-09T04:00:00Z ");
    EXPECT_EQ(show(openIntervals(sunday, at("2026-10-31T00:00:00Z"), 4)), "2026-11-01T04:00:00Z/2026-11-02T05:00:00Z ");
    auto saturday = in("America/Havana");
    saturday.week[sat] = day({"00:00-24:00"});
    EXPECT_EQ(show(openIntervals(saturday, at("2026-10-30T00:00:00Z"), 4)),
              "2026-10-31T04:00:00Z/2026-11-01T04:00:00Z ");
    EXPECT_EQ(show(openIntervals(saturday, at("2026-03-06T00:00:00Z"), 4)),
              "2026-03-07T05:00:00Z/2026-03-08T05:00:00Z ");
    EXPECT_EQ(openIntervals(always("America/Havana"), at("2026-10-30T00:00:00Z"), 5).size(), 1U);
}

TEST(Hours, AHolidayOwnsItsDay) {
    auto hours = office();
    hours.week[thu].push_back(parseInterval("22:00-06:00").value());
    hours.holidays = {{std::chrono::year(2026) / 12 / 24, "Christmas Eve", day({"09:00-12:00", "20:00-02:00"})},
                      {std::chrono::year(2026) / 12 / 25, "Christmas Day", {}}};
    EXPECT_EQ(show(openIntervals(hours, at("2026-12-23T05:00:00Z"), 5)),
              "2026-12-23T14:00:00Z/2026-12-23T22:00:00Z "
              "2026-12-24T14:00:00Z/2026-12-24T17:00:00Z "
              "2026-12-25T01:00:00Z/2026-12-25T05:00:00Z "); // 20:00 to midnight: the 25th begins
    // A week earlier Thursday's shift goes on until Friday 06:00.
    EXPECT_EQ(show(openIntervals(hours, at("2026-12-17T23:00:00Z"), 1)),
              "2026-12-18T03:00:00Z/2026-12-18T11:00:00Z 2026-12-18T14:00:00Z/2026-12-18T22:00:00Z ");
}

TEST(Hours, NextChange) {
    const auto hours = office();
    EXPECT_EQ(nextChange(hours, at("2026-03-06T15:00:00Z")), at("2026-03-06T22:00:00Z"));
    EXPECT_EQ(nextChange(hours, at("2026-03-06T22:00:00Z")),
              at("2026-03-09T13:00:00Z")); // over the weekend of the change
    EXPECT_EQ(nextChange(hours, at("2026-03-09T12:59:59.999999Z")), at("2026-03-09T13:00:00Z"));
    EXPECT_EQ(nextChange(hours, at("2026-03-09T13:00:00Z")), at("2026-03-09T21:00:00Z"));
    EXPECT_EQ(nextChange(always(), at("2026-03-06T15:00:00Z")), std::nullopt);
    EXPECT_EQ(nextChange(in("America/New_York"), at("2026-03-06T15:00:00Z")), std::nullopt);
}

TEST(Hours, NextChangeAcrossHolidays) {
    auto hours = always();
    hours.holidays = {{std::chrono::year(2026) / 12 / 25, "Christmas Day", {}},
                      {std::chrono::year(2027) / 1 / 1, "New Year", {}}};
    EXPECT_EQ(nextChange(hours, at("2026-03-06T15:00:00Z")), at("2026-12-25T05:00:00Z"));
    EXPECT_EQ(nextChange(hours, at("2026-12-25T05:00:00Z")), at("2026-12-26T05:00:00Z"));
    EXPECT_EQ(nextChange(hours, at("2027-01-01T12:00:00Z")), at("2027-01-02T05:00:00Z"));
    EXPECT_EQ(nextChange(hours, at("2027-01-02T05:00:00Z")), std::nullopt);
    auto closed = office();
    for (unsigned d = 21; d <= 31; ++d)
        closed.holidays.push_back({std::chrono::year(2026) / 12 / std::chrono::day(d), "", {}});
    EXPECT_EQ(nextChange(closed, at("2026-12-18T22:00:00Z")), at("2027-01-01T14:00:00Z"));
}

TEST(Hours, IntervalsThatTouchOrOverlapAreOne) {
    auto hours = in("UTC");
    hours.week[mon] = day({"12:00-17:00", "09:00-12:00", "10:00-11:00"});
    EXPECT_EQ(show(openIntervals(hours, at("2026-11-23T00:00:00Z"), 1)), "2026-11-23T09:00:00Z/2026-11-23T17:00:00Z ");
    EXPECT_EQ(nextChange(hours, at("2026-11-23T10:30:00Z")), at("2026-11-23T17:00:00Z"));
    EXPECT_EQ(show(openIntervals(always("UTC"), at("2026-11-23T10:30:00Z"), 60)),
              "2026-11-23T10:30:00Z/2027-01-22T10:30:00Z ");
    EXPECT_TRUE(openIntervals(hours, at("2026-11-23T00:00:00Z"), 0).empty());
    EXPECT_TRUE(openIntervals(hours, at("2026-11-23T00:00:00Z"), -5).empty());
}

TEST(Hours, WhatCannotBeReckonedWithIsRefused) {
    for (const char* zone : {"", "Mars/Olympus", "../../etc/passwd", "America/New_York\n", "zone.tab"}) {
        try {
            isOpen(in(zone), at("2026-11-23T10:30:00Z"));
            ADD_FAILURE() << zone;
        } catch (const Error& e) {
            EXPECT_EQ(e.code(), ErrorCode::invalidArgument);
            EXPECT_EQ(e.field(), "time_zone");
        }
    }
    auto hours = office();
    EXPECT_NO_THROW(checkHours(hours));
    for (const LocalInterval bad : {LocalInterval{-1, 60}, {1440, 1500}, {600, 600}, {600, 540}, {600, 2041}}) {
        hours.week[wed] = {bad};
        EXPECT_THROW(checkHours(hours), Error) << bad.from << "-" << bad.to;
        EXPECT_FALSE(isOpen(hours, at("2026-11-25T16:00:00Z"))) << "stored nevertheless: as if it were not there";
    }
    hours = office();
    hours.holidays = {{std::chrono::year(2026) / 2 / 30, "", {}}};
    EXPECT_THROW(checkHours(hours), Error);
    hours.holidays = {{std::chrono::year(2026) / 2 / 3, "", {}}, {std::chrono::year(2026) / 2 / 3, "", {}}};
    EXPECT_THROW(checkHours(hours), Error);
}

TEST(Hours, IntervalsAsText) {
    EXPECT_EQ(parseInterval("09:00-17:30"), (LocalInterval{540, 1050}));
    EXPECT_EQ(parseInterval("22:00-06:00"), (LocalInterval{1320, 1800}));
    EXPECT_EQ(parseInterval("00:00-24:00"), (LocalInterval{0, 1440}));
    EXPECT_EQ(parseInterval("22:00-00:00"), (LocalInterval{1320, 1440}));
    for (const char* bad : {"", "9:00-17:00", "09:00-17:60", "24:00-24:00", "24:00-01:00", "09:00-09:00", "09:00-24:01",
                            "09:00 17:00", "09.00-17.00", "aa:bb-cc:dd"})
        EXPECT_EQ(parseInterval(bad), std::nullopt) << bad;
    for (const char* same : {"09:00-17:30", "22:00-06:00", "00:00-24:00"})
        EXPECT_EQ(formatInterval(parseInterval(same).value()), same);
}

// The C library as the judge: away from a change of the clock, open is what the wall clock says.
TEST(Hours, AgreeWithTheWallClockOfTheCLibrary) {
    std::mt19937 random(20261123);
    const auto pick = [&](int from, int to) { return std::uniform_int_distribution<int>(from, to)(random); };
    int open = 0;
    int checked = 0;
    for (const char* zone : {"America/New_York", "Europe/London", "Asia/Kolkata", "Australia/Lord_Howe",
                             "America/Havana", "Asia/Beirut"}) {
        setenv("TZ", zone, 1);
        tzset();
        for (int round = 0; round < 20; ++round) {
            auto hours = in(zone);
            for (auto& d : hours.week)
                for (int n = pick(0, 2); n > 0; --n) {
                    const int from = pick(0, 1439);
                    d.push_back({from, from + pick(1, 1440)});
                }
            const auto start = at("2026-01-05T00:00:00Z");
            const auto expanded = openIntervals(hours, start, 365);
            for (int i = 0; i < 50; ++i) {
                const auto t = start + std::chrono::seconds(pick(2 * 86400, 360 * 86400));
                const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(t.time_since_epoch()).count();
                const auto local = [](std::int64_t s) {
                    const std::time_t time = s;
                    std::tm tm{};
                    localtime_r(&time, &tm);
                    return tm;
                };
                const auto now = local(seconds);
                if (local(seconds - 2 * 86400).tm_gmtoff != local(seconds + 2 * 86400).tm_gmtoff) continue;
                const int minute = now.tm_hour * 60 + now.tm_min;
                const std::size_t today = static_cast<std::size_t>((now.tm_wday + 6) % 7);
                bool expected = false;
                for (const auto& x : hours.week[today]) expected |= x.from <= minute && minute < x.to;
                for (const auto& x : hours.week[(today + 6) % 7]) expected |= minute + 1440 < x.to;
                ASSERT_EQ(isOpen(hours, t), expected) << zone << " " << formatRfc3339(t);
                ASSERT_EQ(
                    std::any_of(expanded.begin(), expanded.end(), [&](auto& x) { return x.from <= t && t < x.to; }),
                    expected);
                const auto change = nextChange(hours, t);
                if (change) {
                    ASSERT_NE(isOpen(hours, *change), expected) << zone << " " << formatRfc3339(t);
                    ASSERT_EQ(isOpen(hours, *change - 1us), expected) << zone << " " << formatRfc3339(t);
                }
                open += expected;
                ++checked;
            }
        }
    }
    unsetenv("TZ");
    tzset();
    EXPECT_GT(checked, 4000);
    EXPECT_GT(open, checked / 4);
    EXPECT_LT(open, checked * 3 / 4);
}

TEST(Hours, TheWallClockAndTheHolidayOfAMoment) {
    auto hours = office();
    EXPECT_EQ(formatLocal(hours, at("2026-11-23T13:59:59Z")), "Mon 2026-11-23 08:59");
    EXPECT_EQ(formatLocal(hours, at("2026-11-23T04:59:59Z")), "Sun 2026-11-22 23:59");
    EXPECT_EQ(formatLocal(hours, at("2026-07-01T04:00:00Z")), "Wed 2026-07-01 00:00"); // summer time
    hours.holidays = {{std::chrono::year(2026) / 12 / 25, "Christmas Day", {}}};
    EXPECT_EQ(holidayAt(hours, at("2026-12-25T04:59:59Z")), nullptr); // the 24th in New York
    ASSERT_NE(holidayAt(hours, at("2026-12-25T05:00:00Z")), nullptr);
    EXPECT_EQ(holidayAt(hours, at("2026-12-26T04:59:59Z"))->title, "Christmas Day");
    EXPECT_EQ(holidayAt(hours, at("2026-12-26T05:00:00Z")), nullptr);
}

TEST(Hours, CostIsTold) {
    const SystemClock clock;
    const auto hours = office();
    const auto t = at("2026-11-23T13:59:59Z");
    ASSERT_FALSE(isOpen(hours, t));
    constexpr int rounds = 5000;
    const auto start = clock.steady();
    int open = 0;
    for (int i = 0; i < rounds; ++i) open += isOpen(hours, t + std::chrono::minutes(i));
    const auto end = clock.steady();
    const auto us = std::chrono::duration<double, std::micro>(end - start).count() / rounds;
    const auto table = clock.steady();
    const auto size = openIntervals(hours, t, 60).size();
    std::cout << "isOpen " << us << " us; 60 days "
              << std::chrono::duration<double, std::micro>(clock.steady() - table).count() << " us, " << size
              << " intervals\n";
    EXPECT_GT(open, 0);
    EXPECT_LT(us, 5000) << "even unoptimised, under a sanitizer";
}

} // namespace
} // namespace pbx::routing
