// Opening hours and holidays.
#include "ops/catalogue/routing_hours.hpp"

#include "ops/handlers/routing_common.hpp"
#include "routing/hours.hpp"

#include <charconv>
#include <cstdio>

namespace pbx::ops {
namespace {

using domain::LocalInterval;
using domain::OpeningHours;

LocalInterval wantedInterval(const std::string& field, const std::string& from, const std::string& to) {
    if (const auto interval = routing::parseInterval(from + "-" + to)) return *interval;
    if (!routing::parseInterval(from + "-24:00"))
        throw Error::field(field + ".from", "must be a time of day, 00:00 to 23:59, such as 09:00");
    throw Error::field(field + ".to", to == from ? "is the same as from; the whole day is 00:00 to 24:00"
                                                 : "must be a time of day, up to 24:00, such as 17:30");
}

// "2026-12-25", nothing else.
std::optional<std::chrono::year_month_day> dateOf(std::string_view text) {
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
    const auto number = [&](std::size_t at, std::size_t length) {
        int value = -1;
        const auto* end = text.data() + at + length;
        return std::from_chars(text.data() + at, end, value).ptr == end && text[at] != '-' ? value : -1;
    };
    const int year = number(0, 4);
    const int month = number(5, 2);
    const int day = number(8, 2);
    if (year < 1970 || month < 1 || day < 1) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    return date.ok() ? std::optional(date) : std::nullopt;
}

std::string dateText(std::chrono::year_month_day date) {
    char text[32];
    std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
    return text;
}

void setWeek(OpeningHours& hours, const std::vector<WeekInterval>& week) {
    hours.week = {};
    for (std::size_t i = 0; i < week.size(); ++i)
        hours.week[static_cast<std::size_t>(week[i].weekday)].push_back(
            wantedInterval("week[" + std::to_string(i) + "]", week[i].from, week[i].to));
}

// One row without times, or one for each interval of the day.
void setHolidays(OpeningHours& hours, const std::vector<HolidayRow>& rows) {
    hours.holidays.clear();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto& row = rows[i];
        const auto field = "holidays[" + std::to_string(i) + "]";
        const auto date = dateOf(row.date);
        if (!date) throw Error::field(field + ".date", "must be a date, such as 2026-12-25");
        if (row.from.has_value() != row.to.has_value())
            throw Error::field(field + (row.from ? ".to" : ".from"), "is required where the other time is given");
        const auto known = std::find_if(hours.holidays.begin(), hours.holidays.end(),
                                        [&](const domain::Holiday& one) { return one.date == *date; });
        const bool first = known == hours.holidays.end();
        if (!first && (!row.from || known->open.empty()))
            throw Error::field(field + ".date", "is there twice, and closed all day one of the times");
        auto& holiday = first ? hours.holidays.emplace_back(domain::Holiday{*date, {}, {}}) : *known;
        if (holiday.title.empty()) holiday.title = row.title.value_or("");
        if (row.from) holiday.open.push_back(wantedInterval(field, *row.from, *row.to));
    }
}

std::pair<std::string, std::string> timesOf(const LocalInterval& interval) {
    const auto text = routing::formatInterval(interval); // "09:00-17:30"
    return {text.substr(0, 5), text.substr(6)};
}

HoursDetail hoursDetail(const OpeningHours& hours) {
    HoursDetail out{hours.id.str(), hours.name, hours.title, hours.timeZone, {}, {}};
    for (std::size_t day = 0; day < hours.week.size(); ++day)
        for (const auto& interval : hours.week[day]) {
            auto [from, to] = timesOf(interval);
            out.week.push_back({static_cast<Weekday>(day), std::move(from), std::move(to)});
        }
    for (const auto& holiday : hours.holidays) {
        const auto date = dateText(holiday.date);
        if (holiday.open.empty()) out.holidays.push_back({date, {}, {}, unlessEmpty(holiday.title)});
        for (const auto& interval : holiday.open) {
            auto [from, to] = timesOf(interval);
            out.holidays.push_back({date, std::move(from), std::move(to), unlessEmpty(holiday.title)});
        }
    }
    return out;
}

HoursRow hoursRow(const OpeningHours& hours, UtcTime now) {
    HoursRow row{hours.id.str(), hours.name, hours.title, hours.timeZone, true, std::nullopt};
    try {
        row.open = routing::isOpen(hours, now);
        row.changesAt = routing::nextChange(hours, now);
    } catch (const Error&) { // a zone that this system does not know (any more): calls find it open, as the list says
    }
    return row;
}

HoursPage listHours(Context& context, const PageParams& params) {
    return tablePage<HoursPage>(
        context, context.repositories().hours.list(context.scope(), pageRequest(params.after, params.limit)),
        [&](const auto& hours) { return hoursRow(hours, context.now()); });
}

HoursDetail getHours(Context& context, const Reference& params) {
    return hoursDetail(context.repositories().hours.get(context.scope(), params.id));
}

std::string zoneOfTenant(const Context& context) {
    const auto* tenant = context.directory().tenant(context.scope().tenant());
    return tenant ? tenant->timeZone : context.repositories().tenants.get(context.scope().tenant().str()).timeZone;
}

HoursDetail createHours(Context& context, const HoursCreateParams& params) {
    OpeningHours hours;
    hours.name = params.name;
    hours.title = params.title;
    hours.timeZone = params.timeZone ? *params.timeZone : zoneOfTenant(context);
    setWeek(hours, params.week);
    setHolidays(hours, params.holidays);
    routing::checkHours(hours);
    const auto made = context.repositories().hours.create(context.scope(), hours);
    context.concerns(made.id.str());
    return hoursDetail(made);
}

HoursDetail updateHours(Context& context, const HoursUpdateParams& params) {
    const auto id = context.repositories().hours.get(context.scope(), params.id).id.str();
    context.concerns(id);
    if (params.noHolidays.value_or(false) && params.holidays && !params.holidays->empty())
        throw Error::field("no_holidays", "says otherwise than holidays: give one of the two");
    const auto change = [&](OpeningHours& hours) {
        if (params.name) hours.name = *params.name;
        if (params.title) hours.title = *params.title;
        if (params.timeZone) hours.timeZone = *params.timeZone;
        if (params.week) setWeek(hours, *params.week);
        if (params.holidays) setHolidays(hours, *params.holidays);
        if (params.noHolidays.value_or(false)) hours.holidays.clear();
        routing::checkHours(hours);
    };
    return hoursDetail(context.repositories().hours.update(context.scope(), id, change));
}

Done deleteHours(Context& context, const Reference& params) {
    const auto id = context.repositories().hours.get(context.scope(), params.id).id.str();
    context.concerns(id);
    context.repositories().hours.remove(context.scope(), id);
    return {id};
}

HoursCheckResult checkHoursAt(Context& context, const HoursCheckParams& params) {
    const auto hours = context.repositories().hours.get(context.scope(), params.id);
    HoursCheckResult result;
    result.id = hours.id.str();
    result.name = hours.name;
    result.at = params.at.value_or(context.now());
    result.timeZone = hours.timeZone;
    result.open = routing::isOpen(hours, result.at);
    result.localTime = routing::formatLocal(hours, result.at);
    if (const auto* holiday = routing::holidayAt(hours, result.at))
        result.holiday = holiday->title.empty() ? dateText(holiday->date) : holiday->title;
    result.changesAt = routing::nextChange(hours, result.at);
    if (result.changesAt) result.changesLocal = routing::formatLocal(hours, *result.changesAt);
    return result;
}

} // namespace

void addRoutingHoursHandlers(Handlers& handlers) {
    handlers.on<HoursList>(&listHours);
    handlers.on<HoursGet>(&getHours);
    handlers.on<HoursCreate>(&createHours);
    handlers.on<HoursUpdate>(&updateHours);
    handlers.on<HoursDelete>(&deleteHours);
    handlers.on<HoursCheck>(&checkHoursAt);
}

} // namespace pbx::ops
