#include "base/time.hpp"

#include <gtest/gtest.h>

using namespace pbx;

namespace {

// Seconds by `date -u -d '...' +%s`.
constexpr std::int64_t second = 1'000'000;

std::int64_t parsed(std::string_view text) {
    const auto time = parseRfc3339(text);
    if (!time) {
        ADD_FAILURE() << "refused: " << text;
        return 0;
    }
    return epochMicros(*time);
}

} // namespace

TEST(FormatRfc3339, WritesZAndSixDigitsOrNone) {
    EXPECT_EQ(formatRfc3339(fromEpochMicros(0)), "1970-01-01T00:00:00Z");
    EXPECT_EQ(formatRfc3339(fromEpochMicros(0), Fraction::always), "1970-01-01T00:00:00.000000Z");
    EXPECT_EQ(formatRfc3339(fromEpochMicros(1)), "1970-01-01T00:00:00.000001Z");
    EXPECT_EQ(formatRfc3339(fromEpochMicros(1), Fraction::always), "1970-01-01T00:00:00.000001Z");
    EXPECT_EQ(formatRfc3339(fromEpochMicros(1'795'382'678 * second + 123'456)), "2026-11-22T21:24:38.123456Z");
    EXPECT_EQ(formatRfc3339(fromEpochMicros(253'402'300'799 * second + 999'999)), "9999-12-31T23:59:59.999999Z");
    EXPECT_EQ(formatRfc3339(fromEpochMicros(-1)), "1969-12-31T23:59:59.999999Z");
}

TEST(ParseRfc3339, ReadsEveryAllowedForm) {
    EXPECT_EQ(parsed("1970-01-01T00:00:00Z"), 0);
    EXPECT_EQ(parsed("2026-11-22T21:24:38.123456Z"), 1'795'382'678 * second + 123'456);
    EXPECT_EQ(parsed("2026-11-22t21:24:38z"), 1'795'382'678 * second);
    EXPECT_EQ(parsed("2026-11-22 21:24:38Z"), 1'795'382'678 * second);
    EXPECT_EQ(parsed("2026-11-22T21:24:38.5Z"), 1'795'382'678 * second + 500'000);
    EXPECT_EQ(parsed("2026-11-22T21:24:38.123456999Z"), 1'795'382'678 * second + 123'456); // cut, not rounded
}

TEST(ParseRfc3339, TakesOffsetsAway) {
    EXPECT_EQ(parsed("2026-11-22T22:24:38+01:00"), 1'795'382'678 * second);
    EXPECT_EQ(parsed("2026-11-22T15:54:38-05:30"), 1'795'382'678 * second);
    EXPECT_EQ(parsed("2026-11-22T21:24:38-00:00"), 1'795'382'678 * second);
    EXPECT_EQ(parsed("2027-01-01T00:30:00+01:00"), parsed("2026-12-31T23:30:00Z")); // back over the year's edge
    EXPECT_EQ(parsed("2026-12-31T23:30:00-01:00"), parsed("2027-01-01T00:30:00Z"));
}

TEST(ParseRfc3339, KnowsTheCalendar) {
    EXPECT_EQ(parsed("2024-02-29T00:00:00Z"), 1'709'164'800 * second);
    EXPECT_EQ(parsed("2000-02-29T00:00:00Z"), 951'782'400 * second);
    for (const auto* impossible :
         {"2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-00-01T00:00:00Z",
          "2026-13-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z"})
        EXPECT_FALSE(parseRfc3339(impossible)) << impossible;
}

TEST(ParseRfc3339, RefusesWhatIsNotExactlyRight) {
    for (const auto* wrong : {"",
                              "Z",
                              "2026-11-22",
                              "2026-11-22T21:24:38",
                              "2026-11-22T21:24Z",
                              "2026-11-22T24:00:00Z",
                              "2026-11-22T21:60:00Z",
                              "2016-12-31T23:59:60Z",
                              "2026-11-22T21:24:38.Z",
                              "2026-11-22T21:24:38.1234567890Z",
                              "2026-11-22T21:24:38+0100",
                              "2026-11-22T21:24:38+01",
                              "2026-11-22T21:24:38+24:00",
                              "2026-11-22T21:24:38+01:60",
                              "2026-11-22T21:24:38Zx",
                              " 2026-11-22T21:24:38Z",
                              "2026-1-22T21:24:38Z",
                              "-2026-11-22T21:24:38Z",
                              "2026-11-22T21:24:3\xD9\xA1Z",
                              "2026-11-22T21:24:38,5Z",
                              "2026-11-22T-1:24:38Z"})
        EXPECT_FALSE(parseRfc3339(wrong)) << wrong;
    EXPECT_FALSE(parseRfc3339(std::string_view("2026-11-22T21:24:38Z\0", 21)));
}

TEST(ParseRfc3339, KeepsToTheYears1970To9999InUtc) {
    EXPECT_FALSE(parseRfc3339("1969-12-31T23:59:59Z"));
    EXPECT_FALSE(parseRfc3339("1970-01-01T00:00:00+00:01"));                // 1969 in UTC
    EXPECT_TRUE(parseRfc3339("1969-12-31T23:59:59-00:01") == std::nullopt); // the written year counts as well
    EXPECT_EQ(parsed("9999-12-31T23:59:59.999999Z"), 253'402'300'799 * second + 999'999);
    EXPECT_FALSE(parseRfc3339("9999-12-31T23:59:59-00:01")); // year 10000 in UTC
}

TEST(ParseRfc3339, ReadsBackWhatIsWritten) {
    for (std::int64_t day = 0; day < 150 * 365; day += 13) {
        const auto time = fromEpochMicros(day * 86'400 * second + day);
        EXPECT_EQ(parseRfc3339(formatRfc3339(time)), time);
    }
}

TEST(SystemClock, NeverRunsBackwards) {
    const SystemClock clock;
    const auto first = clock.steady();
    EXPECT_LE(first, clock.steady());
    EXPECT_GT(clock.now(), parseRfc3339("2026-01-01T00:00:00Z"));
}
