#include "cli/words.hpp"

#include "base/error.hpp"
#include "ops/catalogue/routing_callers.hpp"
#include "ops/catalogue/routing_hours.hpp"
#include "ops/catalogue/routing_tables.hpp"

#include <gtest/gtest.h>

namespace pbx::cli {
namespace {

template <class T>
T read(const std::string& text) {
    ops::Field field;
    field.name = "x";
    field.kind = ops::Kind::object;
    field.object = &T::describe;
    T out;
    readText(field, "x", text, &out);
    return out;
}

template <class T>
std::string refused(const std::string& text) {
    try {
        read<T>(text);
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::invalidArgument) << text;
        return error.field();
    }
    return "(read)";
}

TEST(Words, AStructIsItsValuesInOrder) {
    const auto interval = read<ops::WeekInterval>("  tuesday   09:00  17:30 ");
    EXPECT_EQ(interval.weekday, ops::Weekday::tuesday);
    EXPECT_EQ(interval.from, "09:00");
    EXPECT_EQ(interval.to, "17:30");
    const auto rule = read<ops::OverflowRule>("waiting 20 callback_offer");
    EXPECT_EQ(rule.limit, 20);
    EXPECT_EQ(rule.kind, domain::DestinationKind::callbackOffer);
    EXPECT_FALSE(rule.target);
}

TEST(Words, ADashIsLeftOutAndATextAtTheEndTakesTheRest) {
    const auto holiday = read<ops::HolidayRow>("2026-12-25 - - Christmas Day - at last");
    EXPECT_EQ(holiday.date, "2026-12-25");
    EXPECT_FALSE(holiday.from);
    EXPECT_FALSE(holiday.to);
    EXPECT_EQ(holiday.title, "Christmas Day - at last");
    EXPECT_EQ(read<ops::CustomerAttribute>("company Kline & Sons").value, "Kline & Sons");
    const auto rule = read<ops::OverflowRule>("no_agent - queue sales");
    EXPECT_FALSE(rule.limit);
    EXPECT_EQ(rule.target, "sales");
}

TEST(Words, JsonIsTakenToo) {
    const auto holiday = read<ops::HolidayRow>(R"( {"date": "2026-12-25", "title": "-"})");
    EXPECT_EQ(holiday.title, "-");
    EXPECT_EQ(refused<ops::HolidayRow>(R"({"title": "x"})"), "x.date");
    EXPECT_EQ(refused<ops::HolidayRow>(R"({"date": )"), "x");
}

TEST(Words, WhatIsWrongIsNamed) {
    EXPECT_EQ(refused<ops::WeekInterval>("someday 09:00 10:00"), "x.weekday");
    EXPECT_EQ(refused<ops::WeekInterval>("monday"), "x.from");
    EXPECT_EQ(refused<ops::WeekInterval>("monday - 10:00"), "x.from");
    EXPECT_EQ(refused<ops::WeekInterval>(""), "x.weekday");
    EXPECT_EQ(refused<ops::OverflowRule>("waiting many hang_up"), "x.limit");
}

TEST(Words, AreWrittenAsTheyAreRead) {
    for (const auto* text : {"2026-12-25", "2026-12-24 09:00 13:00", "2026-12-25 - - Christmas Day"}) {
        const auto holiday = read<ops::HolidayRow>(text);
        EXPECT_EQ(wordsOf(ops::HolidayRow::describe(), &holiday), text);
    }
}

} // namespace
} // namespace pbx::cli
