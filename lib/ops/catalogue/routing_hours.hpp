// Operations on opening hours and holidays.
// Threads: plain structs. Errors: see lib/ops/handlers/routing_hours.cpp.
#pragma once

#include "ops/catalogue/common.hpp"

namespace pbx::ops {

enum class Weekday { monday, tuesday, wednesday, thursday, friday, saturday, sunday };
template <>
struct Choices<Weekday> {
    static constexpr std::string_view name = "Weekday";
    static constexpr std::string_view texts[] = {"monday", "tuesday",  "wednesday", "thursday",
                                                 "friday", "saturday", "sunday"};
};

struct WeekInterval {
    Weekday weekday = Weekday::monday;
    std::string from, to;
    static const TypeDesc& describe();
};
struct HolidayRow {
    std::string date;
    std::optional<std::string> from, to;
    std::optional<std::string> title;
    static const TypeDesc& describe();
};
// A line of the list.
struct HoursRow {
    std::string id, name, title, timeZone;
    bool open = false;
    std::optional<UtcTime> changesAt;
    static const TypeDesc& describe();
};
struct HoursPage {
    std::vector<HoursRow> items;
    std::optional<std::string> next;
    UtcTime asOf;
    bool stale = false;
    static const TypeDesc& describe();
};
struct HoursDetail {
    std::string id, name, title, timeZone;
    std::vector<WeekInterval> week;
    std::vector<HolidayRow> holidays;
    static const TypeDesc& describe();
};
struct HoursCreateParams {
    std::string name, title;
    std::optional<std::string> timeZone;
    std::vector<WeekInterval> week;
    std::vector<HolidayRow> holidays;
    static const TypeDesc& describe();
};
struct HoursUpdateParams {
    std::string id;
    std::optional<std::string> name, title, timeZone;
    std::optional<std::vector<WeekInterval>> week;
    std::optional<std::vector<HolidayRow>> holidays;
    std::optional<bool> noHolidays;
    static const TypeDesc& describe();
};
struct HoursCheckParams {
    std::string id;
    std::optional<UtcTime> at;
    static const TypeDesc& describe();
};
struct HoursCheckResult {
    std::string id, name;
    bool open = false;
    UtcTime at;
    std::string localTime, timeZone;
    std::optional<std::string> holiday;
    std::optional<UtcTime> changesAt;
    std::optional<std::string> changesLocal;
    static const TypeDesc& describe();
};

struct HoursList {
    using Params = PageParams;
    using Result = HoursPage;
    static constexpr std::string_view name = "hours.list",
                                      summary = "The opening hours of the tenant, and which are open now.";
    static constexpr domain::RoleSet roles = domain::anyRole;
    static constexpr bool changes = false;
};
struct HoursGet {
    using Params = Reference;
    using Result = HoursDetail;
    static constexpr std::string_view name = "hours.get", summary = "One set of opening hours with its holidays.";
    static constexpr domain::RoleSet roles = domain::anyRole;
    static constexpr bool changes = false;
};
struct HoursCreate {
    using Params = HoursCreateParams;
    using Result = HoursDetail;
    static constexpr std::string_view name = "hours.create", summary = "Make opening hours, for numbers to refer to.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};
struct HoursUpdate {
    using Params = HoursUpdateParams;
    using Result = HoursDetail;
    static constexpr std::string_view name = "hours.update",
                                      summary = "Change opening hours; what is left out stays, a list is said anew.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};
struct HoursDelete {
    using Params = Reference;
    using Result = Done;
    static constexpr std::string_view name = "hours.delete", summary = "Delete opening hours that no number refers to.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};
struct HoursCheck {
    using Params = HoursCheckParams;
    using Result = HoursCheckResult;
    static constexpr std::string_view name = "hours.check",
                                      summary = "Open or closed at a moment, and when that changes.";
    static constexpr domain::RoleSet roles = domain::anyRole;
    static constexpr bool changes = false;
};

} // namespace pbx::ops
