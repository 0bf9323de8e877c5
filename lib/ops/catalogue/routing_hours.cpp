#include "ops/catalogue/routing_hours.hpp"

#include "ops/catalogue/page.hpp"

namespace pbx::ops {
namespace {

constexpr std::string_view zoneDoc = "IANA time zone of all its times.";
constexpr std::string_view weekDoc = "When it is open in a usual week; a day may be there several times or not at all.";
constexpr std::string_view holidaysDoc =
    "Days that the week does not hold for: without times closed all day, else open from - to; a date may be there "
    "several times.";
constexpr std::string_view fromDoc = "Local time, 00:00 to 23:59.";
constexpr std::string_view toDoc = "Local time, to 24:00; not after `from`: on the next day.";

Limits clockTime() { return {.maxLength = 5}; }
Limits shownName() { return {.maxLength = 120}; }
Limits zone() { return {.maxLength = 64, .format = Format::timeZone}; }

} // namespace

const TypeDesc& WeekInterval::describe() {
    static const auto type = describeType<WeekInterval>(
        "WeekInterval", field<&WeekInterval::weekday>("weekday", "The day on which it begins."),
        field<&WeekInterval::from>("from", fromDoc, clockTime()), field<&WeekInterval::to>("to", toDoc, clockTime()));
    return type;
}

const TypeDesc& HolidayRow::describe() {
    static const auto type = describeType<HolidayRow>(
        "Holiday", field<&HolidayRow::date>("date", "The local day, such as 2026-12-25.", {.maxLength = 10}),
        field<&HolidayRow::from>("from", fromDoc, clockTime()), field<&HolidayRow::to>("to", toDoc, clockTime()),
        field<&HolidayRow::title>("title", "What day it is.", shownName()));
    return type;
}

const TypeDesc& HoursRow::describe() {
    static const auto type = describeType<HoursRow>(
        "HoursSummary", field<&HoursRow::id>("id", "Opaque id."),
        field<&HoursRow::name>("name", "Slug, unique in the tenant."), field<&HoursRow::title>("title", "Shown name."),
        field<&HoursRow::timeZone>("time_zone", zoneDoc), field<&HoursRow::open>("open", "Whether it is open now."),
        field<&HoursRow::changesAt>("changes_at", "When it opens or closes next; absent: never."));
    return type;
}

const TypeDesc& HoursPage::describe() {
    static const auto type = describePage<HoursPage>("HoursPage");
    return type;
}

const TypeDesc& HoursDetail::describe() {
    static const auto type = describeType<HoursDetail>(
        "Hours", field<&HoursDetail::id>("id", "Opaque id."),
        field<&HoursDetail::name>("name", "Slug, unique in the tenant."),
        field<&HoursDetail::title>("title", "Shown name."), field<&HoursDetail::timeZone>("time_zone", zoneDoc),
        field<&HoursDetail::week>("week", weekDoc), field<&HoursDetail::holidays>("holidays", holidaysDoc));
    return type;
}

const TypeDesc& HoursCreateParams::describe() {
    static const auto type = describeType<HoursCreateParams>(
        "HoursCreateParams",
        field<&HoursCreateParams::name>("name", "Slug, unique in the tenant.",
                                        {.maxLength = 63, .format = Format::slug}),
        field<&HoursCreateParams::title>("title", "Shown name.", shownName()),
        field<&HoursCreateParams::timeZone>("time_zone", "IANA time zone of all its times; left out: the tenant's.",
                                            zone()),
        field<&HoursCreateParams::week>("week", weekDoc, {.maxItems = 140}),
        field<&HoursCreateParams::holidays>("holidays", holidaysDoc));
    return type;
}

const TypeDesc& HoursUpdateParams::describe() {
    static const auto type = describeType<HoursUpdateParams>(
        "HoursUpdateParams", field<&HoursUpdateParams::id>("id", "Id or name of the hours.", reference()),
        field<&HoursUpdateParams::name>("name", "New slug.", {.maxLength = 63, .format = Format::slug}),
        field<&HoursUpdateParams::title>("title", "Shown name.", shownName()),
        field<&HoursUpdateParams::timeZone>("time_zone", zoneDoc, zone()),
        field<&HoursUpdateParams::week>("week", weekDoc, {.maxItems = 140}),
        field<&HoursUpdateParams::holidays>("holidays", holidaysDoc),
        field<&HoursUpdateParams::noHolidays>("no_holidays",
                                              "true: none any more (SOAP has no way to send an empty list)."));
    return type;
}

const TypeDesc& HoursCheckParams::describe() {
    static const auto type = describeType<HoursCheckParams>(
        "HoursCheckParams", field<&HoursCheckParams::id>("id", "Id or name of the hours.", reference()),
        field<&HoursCheckParams::at>("at", "When.", {.fallback = "now"}));
    return type;
}

const TypeDesc& HoursCheckResult::describe() {
    static const auto type = describeType<HoursCheckResult>(
        "HoursCheck", field<&HoursCheckResult::id>("id", "Opaque id."),
        field<&HoursCheckResult::name>("name", "Slug, unique in the tenant."),
        field<&HoursCheckResult::open>("open", "Whether it is open then."),
        field<&HoursCheckResult::at>("at", "The moment asked for."),
        field<&HoursCheckResult::localTime>("local_time", "The same as its wall clock shows it."),
        field<&HoursCheckResult::timeZone>("time_zone", zoneDoc),
        field<&HoursCheckResult::holiday>("holiday", "The holiday that this day is."),
        field<&HoursCheckResult::changesAt>("changes_at", "When it opens or closes next; absent: never."),
        field<&HoursCheckResult::changesLocal>("changes_local", "The same as its wall clock shows it."));
    return type;
}

} // namespace pbx::ops
