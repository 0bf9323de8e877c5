#include "routing/hours.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <date/tz.h>
#include <stdexcept>

namespace pbx::routing {
namespace {

using domain::Holiday;
using domain::LocalInterval;
using domain::OpeningHours;

constexpr int dayMinutes = 24 * 60;
constexpr int mostDays = 400;

bool isSound(const LocalInterval& i) {
    return i.from >= 0 && i.from < dayMinutes && i.to > i.from && i.to <= i.from + dayMinutes;
}

const date::time_zone& zoneOf(const OpeningHours& hours) {
    try {
        return *date::locate_zone(hours.timeZone);
    } catch (const std::exception& e) {
        throw Error(Error::field("time_zone", "must be an IANA time zone, such as America/New_York")).because(e.what());
    }
}

date::local_days localDay(const date::time_zone& zone, UtcTime at) {
    return date::floor<date::days>(zone.to_local(at));
}

UtcTime utc(const date::time_zone& zone, date::local_days day, int minutes, date::choose which) {
    return zone.to_sys(date::local_time<Micros>(day.time_since_epoch() + std::chrono::minutes(minutes)), which);
}

// std's calendar in the stored struct, date's at the zones: the same day number is the bridge.
const Holiday* holidayOn(const OpeningHours& hours, date::local_days day) {
    for (const auto& holiday : hours.holidays)
        if (holiday.date.ok() && std::chrono::local_days(holiday.date).time_since_epoch() == day.time_since_epoch())
            return &holiday;
    return nullptr;
}

// The intervals that begin on a local day, in order, merged.
std::vector<UtcInterval> dayIntervals(const OpeningHours& hours, const date::time_zone& zone, date::local_days day) {
    const Holiday* holiday = holidayOn(hours, day);
    const auto& local = holiday ? holiday->open : hours.week[date::weekday(day).iso_encoding() - 1];
    std::vector<UtcInterval> found;
    for (const auto& i : local) {
        if (!isSound(i)) continue;
        const int to = i.to > dayMinutes && holidayOn(hours, day + date::days(1)) ? dayMinutes : i.to;
        const UtcInterval one{utc(zone, day, i.from, date::choose::earliest),
                              utc(zone, day, to, to % dayMinutes == 0 ? date::choose::earliest : date::choose::latest)};
        if (one.from < one.to) found.push_back(one);
    }
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.from < b.from; });
    return found;
}

void append(std::vector<UtcInterval>& merged, const UtcInterval& next) {
    if (!merged.empty() && next.from <= merged.back().to)
        merged.back().to = std::max(merged.back().to, next.to);
    else
        merged.push_back(next);
}

std::optional<int> clockTime(std::string_view text) {
    const auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9'; };
    if (text.size() != 5 || text[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4)) return std::nullopt;
    const int hour = (text[0] - '0') * 10 + (text[1] - '0');
    const int minute = (text[3] - '0') * 10 + (text[4] - '0');
    if (minute > 59 || hour * 60 + minute > dayMinutes) return std::nullopt;
    return hour * 60 + minute;
}

} // namespace

void checkHours(const OpeningHours& hours) {
    zoneOf(hours);
    const auto check = [](const std::string& where, const std::vector<LocalInterval>& intervals) {
        if (!std::all_of(intervals.begin(), intervals.end(), isSound))
            throw Error::field(where, "an interval must begin from 00:00 to 23:59 and last at most 24 hours");
    };
    for (const auto& day : hours.week) check("week", day);
    std::vector<std::chrono::year_month_day> dates;
    for (const auto& holiday : hours.holidays) {
        if (!holiday.date.ok()) throw Error::field("holidays", "a date is not in the calendar");
        check("holidays", holiday.open);
        dates.push_back(holiday.date);
    }
    std::sort(dates.begin(), dates.end());
    if (std::adjacent_find(dates.begin(), dates.end()) != dates.end())
        throw Error::field("holidays", "a date stands there twice");
}

bool isOpen(const OpeningHours& hours, UtcTime at) {
    const auto& zone = zoneOf(hours);
    const auto today = localDay(zone, at);
    // The day before: its intervals may reach into today. The day before that: a clock set back at midnight makes the
    // local date go back with it.
    for (int back = 2; back >= -1; --back)
        for (const auto& i : dayIntervals(hours, zone, today - date::days(back)))
            if (i.from <= at && at < i.to) return true;
    return false;
}

std::optional<UtcTime> nextChange(const OpeningHours& hours, UtcTime at) {
    const auto& zone = zoneOf(hours);
    const auto today = localDay(zone, at);
    auto last = today;
    for (const auto& holiday : hours.holidays)
        if (holiday.date.ok())
            last = std::max(last, date::local_days(std::chrono::local_days(holiday.date).time_since_epoch()));
    // A whole week after the last day that is not like the week's, and one more, as a clock change can swallow an
    // interval.
    last += date::days(16);
    std::vector<UtcInterval> merged;
    for (auto day = today - date::days(2); day <= last; day += date::days(1))
        for (const auto& i : dayIntervals(hours, zone, day)) {
            append(merged, i);
            // Further days can lengthen the last interval only.
            for (std::size_t k = 0; k + 1 < merged.size(); ++k) {
                if (at < merged[k].from) return merged[k].from;
                if (at < merged[k].to) return merged[k].to;
            }
            if (at < merged.back().from) return merged.back().from;
        }
    // Still open at the end of the last day looked at: always open.
    if (merged.empty() || at >= merged.back().to || merged.back().to >= utc(zone, last, 0, date::choose::earliest))
        return std::nullopt;
    return merged.back().to;
}

std::vector<UtcInterval> openIntervals(const OpeningHours& hours, UtcTime from, int days) {
    const auto& zone = zoneOf(hours);
    const UtcTime to = from + std::chrono::hours(24) * std::clamp(days, 0, mostDays);
    const auto last = localDay(zone, to) + date::days(1);
    std::vector<UtcInterval> merged;
    for (auto day = localDay(zone, from) - date::days(2); day <= last; day += date::days(1))
        for (const auto& i : dayIntervals(hours, zone, day)) {
            const UtcInterval cut{std::max(i.from, from), std::min(i.to, to)};
            if (cut.from < cut.to) append(merged, cut);
        }
    return merged;
}

std::string formatLocal(const OpeningHours& hours, UtcTime at) {
    constexpr std::array<const char*, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    const auto local = zoneOf(hours).to_local(at);
    const auto day = date::floor<date::days>(local);
    const date::year_month_day date(day);
    const auto minutes = static_cast<int>(date::floor<std::chrono::minutes>(local - day).count());
    char text[48];
    std::snprintf(text, sizeof text, "%s %04d-%02u-%02u %02d:%02d", days[date::weekday(day).c_encoding()],
                  static_cast<int>(date.year()), static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  minutes / 60, minutes % 60);
    return text;
}

const Holiday* holidayAt(const OpeningHours& hours, UtcTime at) {
    return holidayOn(hours, localDay(zoneOf(hours), at));
}

std::optional<LocalInterval> parseInterval(std::string_view text) {
    if (text.size() != 11 || text[5] != '-') return std::nullopt;
    const auto from = clockTime(text.substr(0, 5));
    const auto to = clockTime(text.substr(6));
    if (!from || !to || *from == dayMinutes || *to == *from) return std::nullopt;
    return LocalInterval{*from, *to > *from ? *to : *to + dayMinutes};
}

std::string formatInterval(const LocalInterval& interval) {
    const int to = interval.to > dayMinutes ? interval.to - dayMinutes : interval.to;
    char text[32];
    std::snprintf(text, sizeof text, "%02d:%02d-%02d:%02d", interval.from / 60, interval.from % 60, to / 60, to % 60);
    return text;
}

} // namespace pbx::routing
