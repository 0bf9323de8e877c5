#include "storage/hours.hpp"

#include "storage/routing_rows.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace pbx::storage {
namespace {

using domain::Holiday;
using domain::LocalInterval;
using domain::OpeningHours;

// --- SQL ---
const std::string select = "SELECT id, name, title, time_zone FROM hours WHERE tenant_id = ?";
constexpr auto insert = "INSERT INTO hours (tenant_id, id, name, title, time_zone) VALUES (?, ?, ?, ?, ?)";
constexpr auto change = "UPDATE hours SET name = ?, title = ?, time_zone = ?, intervals_until = NULL WHERE tenant_id = "
                        "? AND id = ?";
constexpr auto erase = "DELETE FROM hours WHERE tenant_id = ? AND id = ?";
constexpr auto usedByDid = "SELECT number FROM dids WHERE tenant_id = ? AND hours_id = ? LIMIT 1";
constexpr auto usedByPolicy = "SELECT COUNT(*) FROM callback_policies WHERE tenant_id = ? AND hours_id = ? HAVING "
                              "COUNT(*) > 0";
const std::string selectWeek = "SELECT hours_id, weekday, from_minute, to_minute FROM hours_week WHERE tenant_id = ?";
const std::string byDay = " ORDER BY weekday, from_minute";
const std::string selectHolidays = "SELECT hours_id, day, title FROM hours_holidays WHERE tenant_id = ?";
const std::string selectHolidayIntervals = "SELECT hours_id, day, from_minute, to_minute FROM hours_holiday_intervals "
                                           "WHERE tenant_id = ?";
const std::string byDate = " ORDER BY day";
const std::string byDateAndMinute = " ORDER BY day, from_minute";
constexpr auto insertWeek = "INSERT INTO hours_week (tenant_id, hours_id, weekday, from_minute, to_minute) VALUES (?, "
                            "?, ?, ?, ?)";
constexpr auto insertHoliday = "INSERT INTO hours_holidays (tenant_id, hours_id, day, title) VALUES (?, ?, ?, ?)";
constexpr auto insertHolidayInterval = "INSERT INTO hours_holiday_intervals (tenant_id, hours_id, day, from_minute, "
                                       "to_minute) VALUES (?, ?, ?, ?, ?)";
constexpr auto eraseWeek = "DELETE FROM hours_week WHERE tenant_id = ? AND hours_id = ?";
constexpr auto eraseHolidayIntervals = "DELETE FROM hours_holiday_intervals WHERE tenant_id = ? AND hours_id = ?";
constexpr auto eraseHolidays = "DELETE FROM hours_holidays WHERE tenant_id = ? AND hours_id = ?";
constexpr auto eraseIntervals = "DELETE FROM open_intervals WHERE tenant_id = ? AND hours_id = ?";
const std::string insertIntervals = "INSERT INTO open_intervals (tenant_id, hours_id, from_at, to_at) VALUES ";
constexpr auto setUntil = "UPDATE hours SET intervals_until = ? WHERE tenant_id = ? AND id = ?";
constexpr auto endingSoon = "SELECT tenant_id, id FROM hours WHERE intervals_until IS NULL OR intervals_until < ? "
                            "ORDER BY tenant_id, id LIMIT ?";

using HoursRow = Row<std::string, std::string, std::string, std::string>;
using WeekRow = Row<std::string, Int, Int, Int>;
using HolidayRow = Row<std::string, std::string, std::string>;
using HolidayIntervalRow = Row<std::string, std::string, Int, Int>;

std::string dayText(std::chrono::year_month_day date) {
    char text[32];
    std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
    return text;
}

int numberIn(std::string_view text) {
    int number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

std::chrono::year_month_day dateOf(std::string_view text) {
    const std::chrono::year_month_day date{
        std::chrono::year(numberIn(text.substr(0, 4))),
        std::chrono::month(static_cast<unsigned>(text.size() == 10 ? numberIn(text.substr(5, 2)) : 0)),
        std::chrono::day(static_cast<unsigned>(text.size() == 10 ? numberIn(text.substr(8, 2)) : 0))};
    if (!date.ok())
        throw Error(ErrorCode::internal, "a holiday in the database has no date").because(std::string(text));
    return date;
}

void sortAndCheck(std::vector<LocalInterval>& intervals, std::string_view field) {
    static constexpr std::size_t mostADay = 20;
    if (intervals.size() > mostADay)
        throw Error::field(std::string(field), "at most " + std::to_string(mostADay) + " intervals a day");
    std::ranges::sort(intervals, {}, &LocalInterval::from);
    for (const auto& one : intervals)
        if (one.from < 0 || one.from > 1439 || one.to <= one.from || one.to > one.from + 1440)
            throw Error::field(std::string(field), "an interval must begin within its day and end at most 24 hours "
                                                   "after that");
    if (std::ranges::adjacent_find(intervals, {}, &LocalInterval::from) != intervals.end())
        throw Error::field(std::string(field), "two intervals of a day begin at the same minute");
}

// In the order in which they come back.
OpeningHours checked(OpeningHours hours) {
    static constexpr std::size_t mostHolidays = 500;
    for (auto& day : hours.week) sortAndCheck(day, "week");
    if (hours.holidays.size() > mostHolidays) throw Error::field("holidays", "at most " + std::to_string(mostHolidays));
    for (auto& holiday : hours.holidays) {
        if (!holiday.date.ok() || holiday.date.year() < std::chrono::year(1970) ||
            holiday.date.year() > std::chrono::year(9999))
            throw Error::field("holidays", "a date does not exist");
        sortAndCheck(holiday.open, "holidays");
    }
    std::ranges::sort(hours.holidays, {}, &Holiday::date);
    if (std::ranges::adjacent_find(hours.holidays, {}, &Holiday::date) != hours.holidays.end())
        throw Error::field("holidays", "two have the same date");
    return hours;
}

void insertDays(Sql& sql, const domain::Scope& scope, const OpeningHours& hours) {
    const auto& tenant = scope.tenant().str();
    const auto& id = hours.id.str();
    for (std::size_t day = 0; day < hours.week.size(); ++day)
        for (const auto& one : hours.week[day])
            sql.execute(insertWeek, {tenant, id, std::int64_t(day), std::int64_t(one.from), std::int64_t(one.to)});
    for (const auto& holiday : hours.holidays) {
        const auto day = dayText(holiday.date);
        sql.execute(insertHoliday, {tenant, id, day, holiday.title});
        for (const auto& one : holiday.open)
            sql.execute(insertHolidayInterval, {tenant, id, day, std::int64_t(one.from), std::int64_t(one.to)});
    }
}

// Fills weeks and holidays of `all`, which are sorted by id: three statements for however many. `of`: "" for all of
// the tenant, or a condition on hours_id with its value.
void fillDays(Sql& sql, const TenantId& tenant, std::vector<OpeningHours>& all) {
    std::string of;
    Values values{tenant.str()};
    for (const auto& hours : all) {
        of.append(of.empty() ? " AND hours_id IN (?" : ", ?");
        values.emplace_back(hours.id.str());
    }
    if (of.empty()) return;
    of.push_back(')');
    std::map<std::string_view, OpeningHours*> byId;
    for (auto& hours : all) byId.emplace(hours.id.str(), &hours);
    for (const auto& row : sql.rows<WeekRow>(selectWeek + of + byDay, values))
        byId.at(at<0>(row))
            ->week.at(static_cast<std::size_t>(at<1>(row)))
            .push_back({static_cast<int>(at<2>(row)), static_cast<int>(at<3>(row))});
    for (const auto& row : sql.rows<HolidayRow>(selectHolidays + of + byDate, values))
        byId.at(at<0>(row))->holidays.push_back({dateOf(at<1>(row)), at<2>(row), {}});
    for (const auto& row : sql.rows<HolidayIntervalRow>(selectHolidayIntervals + of + byDateAndMinute, values)) {
        auto& holidays = byId.at(at<0>(row))->holidays;
        const auto holiday = std::ranges::find(holidays, dateOf(at<1>(row)), &Holiday::date);
        if (holiday != holidays.end())
            holiday->open.push_back({static_cast<int>(at<2>(row)), static_cast<int>(at<3>(row))});
    }
}

std::vector<OpeningHours> load(Sql& sql, const TenantId& tenant, const std::string& statement, const Values& values) {
    std::vector<OpeningHours> out;
    for (const auto& row : sql.rows<HoursRow>(statement, values))
        out.push_back({HoursId(at<0>(row)), at<1>(row), at<2>(row), at<3>(row), {}, {}});
    fillDays(sql, tenant, out);
    return out;
}

OpeningHours find(Sql& sql, const domain::Scope& scope, const std::string& idOrName, std::string_view lock = {}) {
    Where where;
    whereReference(where, "hours", 'h', idOrName);
    auto found = load(sql, scope.tenant(), select + " AND " + where.text + std::string(lock),
                      {scope.tenant().str(), where.values.front()});
    if (found.empty()) throw Error::notFound("hours", idOrName);
    return std::move(found.front());
}

bool sameTimes(const OpeningHours& a, const OpeningHours& b) {
    return a.timeZone == b.timeZone && a.week == b.week &&
           std::ranges::equal(a.holidays, b.holidays,
                              [](const Holiday& x, const Holiday& y) { return x.date == y.date && x.open == y.open; });
}

} // namespace

Page<OpeningHours> HoursRepository::list(const domain::Scope& scope, const PageRequest& page) {
    const auto limit = limitOf(page);
    return database_.connections().read([&](Sql& sql) {
        return makePage(load(sql, scope.tenant(), select + " AND name > ? ORDER BY name LIMIT ?",
                             {scope.tenant().str(), page.after, limit}),
                        page, [](const auto& hours) { return hours.name; });
    });
}

OpeningHours HoursRepository::get(const domain::Scope& scope, const std::string& idOrName) {
    return database_.connections().read([&](Sql& sql) { return find(sql, scope, idOrName); });
}

OpeningHours HoursRepository::create(const domain::Scope& scope, const OpeningHours& wanted) {
    checkWholeTenant(scope);
    auto hours = checked(wanted);
    hours.id = HoursId(newId('h'));
    return database_.connections().write([&](Sql& sql) {
        bumpRouting(sql, scope);
        sql.execute(insert, {scope.tenant().str(), hours.id.str(), hours.name, hours.title, hours.timeZone});
        insertDays(sql, scope, hours);
        return hours;
    });
}

OpeningHours HoursRepository::update(const domain::Scope& scope, const std::string& idOrName,
                                     const std::function<void(OpeningHours&)>& apply) {
    checkWholeTenant(scope);
    return database_.connections().write([&](Sql& sql) {
        bumpRouting(sql, scope); // also keeps a second writer out until we are done
        const auto before = find(sql, scope, idOrName, sql.dialect().forUpdate());
        auto hours = before;
        apply(hours);
        hours = checked(std::move(hours));
        hours.id = before.id;
        const Values key{scope.tenant().str(), hours.id.str()};
        sql.execute(change, {hours.name, hours.title, hours.timeZone, key[0], key[1]});
        for (const auto* statement : {eraseWeek, eraseHolidayIntervals, eraseHolidays, eraseIntervals})
            sql.execute(statement, key);
        insertDays(sql, scope, hours);
        return hours;
    });
}

void HoursRepository::remove(const domain::Scope& scope, const std::string& idOrName) {
    checkWholeTenant(scope);
    database_.connections().write([&](Sql& sql) {
        bumpRouting(sql, scope);
        const auto hours = find(sql, scope, idOrName, sql.dialect().forUpdate());
        if (const auto did = sql.row<Row<std::string>>(usedByDid, {scope.tenant().str(), hours.id.str()}))
            throw Error(ErrorCode::conflict,
                        "hours " + hours.name + " are in use by DID " + at<0>(*did) + ": give it other hours first");
        if (sql.row<Row<Int>>(usedByPolicy, {scope.tenant().str(), hours.id.str()}))
            throw Error(ErrorCode::conflict,
                        "hours " + hours.name + " are in use by a callback policy: change that first");
        sql.execute(erase, {scope.tenant().str(), hours.id.str()}); // its days and intervals go with it
    });
}

std::vector<HoursOfTenant> HoursRepository::withIntervalsBefore(UtcTime until, int atMost) {
    return database_.connections().read([&](Sql& sql) {
        std::vector<HoursOfTenant> out;
        for (const auto& row :
             sql.rows<Row<std::string, std::string>>(endingSoon, {epochMicros(until), std::int64_t(atMost)})) {
            const TenantId tenant(at<0>(row));
            for (auto& hours : load(sql, tenant, select + " AND id = ?", {tenant.str(), at<1>(row)}))
                out.push_back({tenant, std::move(hours)});
        }
        return out;
    });
}

bool HoursRepository::setIntervals(const TenantId& tenant, const OpeningHours& hours,
                                   const std::vector<std::pair<UtcTime, UtcTime>>& intervals, UtcTime until) {
    const Values key{tenant.str(), hours.id.str()};
    return database_.connections().write([&](Sql& sql) {
        const auto now = load(sql, tenant, select + " AND id = ?" + std::string(sql.dialect().forUpdate()), key);
        if (now.empty() || !sameTimes(now.front(), hours)) return false;
        sql.execute(eraseIntervals, key);
        static constexpr std::size_t rowsInStatement = 500;
        for (std::size_t first = 0; first < intervals.size(); first += rowsInStatement) {
            std::string text = insertIntervals;
            Values values;
            for (auto i = first; i < std::min(first + rowsInStatement, intervals.size()); ++i) {
                text.append(i == first ? "(?, ?, ?, ?)" : ", (?, ?, ?, ?)");
                for (auto& value :
                     Values{key[0], key[1], epochMicros(intervals[i].first), epochMicros(intervals[i].second)})
                    values.push_back(std::move(value));
            }
            sql.execute(text, values);
        }
        sql.execute(setUntil, {epochMicros(until), key[0], key[1]});
        return true;
    });
}

std::vector<OpeningHours> allHours(Sql& sql, const TenantId& tenant) {
    return load(sql, tenant, select + " ORDER BY name", {tenant.str()});
}

} // namespace pbx::storage
