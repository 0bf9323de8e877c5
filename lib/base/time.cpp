#include "base/time.hpp"

#include <array>
#include <cstdio>

namespace pbx {
namespace {

// A cursor over the text; every step says whether the text had the right form.
struct Scanner {
    std::string_view rest;

    bool digits(std::size_t count, int& out) {
        if (rest.size() < count) return false;
        int value = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const char c = rest[i];
            if (c < '0' || c > '9') return false;
            value = value * 10 + (c - '0');
        }
        rest.remove_prefix(count);
        out = value;
        return true;
    }
    bool oneOf(std::string_view accepted) {
        if (rest.empty() || accepted.find(rest.front()) == std::string_view::npos) return false;
        rest.remove_prefix(1);
        return true;
    }
};

// Up to 9 digits after '.', cut (not rounded) to microseconds.
bool scanFraction(Scanner& in, std::int64_t& micros) {
    micros = 0;
    if (!in.oneOf(".")) return true;
    int digits = 0;
    while (!in.rest.empty() && in.rest.front() >= '0' && in.rest.front() <= '9' && digits < 9) {
        if (digits < 6) micros = micros * 10 + (in.rest.front() - '0');
        in.rest.remove_prefix(1);
        ++digits;
    }
    for (int i = digits; i < 6; ++i) micros *= 10;
    return digits > 0;
}

bool scanOffset(Scanner& in, int& minutes) {
    minutes = 0;
    if (in.rest.empty()) return false;
    const char sign = in.rest.front();
    if (in.oneOf("Zz")) return true;
    int hh = 0;
    int mm = 0;
    if (!in.oneOf("+-") || !in.digits(2, hh) || !in.oneOf(":") || !in.digits(2, mm) || hh > 23 || mm > 59) return false;
    minutes = (sign == '-' ? -1 : 1) * (hh * 60 + mm);
    return true;
}

} // namespace

std::string formatRfc3339(UtcTime t) {
    using namespace std::chrono;
    const auto day = floor<days>(t);
    const year_month_day date(day);
    const hh_mm_ss clock(floor<Micros>(t - day));
    std::array<char, 48> buffer{};
    const auto micros = clock.subseconds().count();
    const int year = static_cast<int>(date.year());
    const unsigned month = static_cast<unsigned>(date.month());
    const unsigned dom = static_cast<unsigned>(date.day());
    const int hour = static_cast<int>(clock.hours().count());
    const int minute = static_cast<int>(clock.minutes().count());
    const int second = static_cast<int>(clock.seconds().count());
    const int length = micros == 0 ? std::snprintf(buffer.data(), buffer.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ", year,
                                                   month, dom, hour, minute, second)
                                   : std::snprintf(buffer.data(), buffer.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ",
                                                   year, month, dom, hour, minute, second, static_cast<int>(micros));
    return std::string(buffer.data(), static_cast<std::size_t>(length));
}

std::optional<UtcTime> parseRfc3339(std::string_view text) {
    using namespace std::chrono;
    Scanner in{text};
    int year = 0, month = 0, dom = 0, hour = 0, minute = 0, second = 0, offset = 0;
    std::int64_t micros = 0;
    const bool formed = in.digits(4, year) && in.oneOf("-") && in.digits(2, month) && in.oneOf("-") &&
                        in.digits(2, dom) && in.oneOf("Tt ") && in.digits(2, hour) && in.oneOf(":") &&
                        in.digits(2, minute) && in.oneOf(":") && in.digits(2, second) && scanFraction(in, micros) &&
                        scanOffset(in, offset) && in.rest.empty();
    if (!formed || year < 1970 || hour > 23 || minute > 59 || second > 59) return std::nullopt;
    const year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                              std::chrono::day(static_cast<unsigned>(dom))};
    if (!date.ok()) return std::nullopt;
    const UtcTime utc(sys_days(date).time_since_epoch() + hours(hour) + minutes(minute - offset) + seconds(second) +
                      Micros(micros));
    // The offset may carry the first and the last day out of the years that we print with four digits.
    constexpr UtcTime first(sys_days(std::chrono::year(1970) / 1 / 1).time_since_epoch());
    constexpr UtcTime end(sys_days(std::chrono::year(10000) / 1 / 1).time_since_epoch());
    if (utc < first || utc >= end) return std::nullopt;
    return utc;
}

UtcTime SystemClock::now() const { return std::chrono::time_point_cast<Micros>(std::chrono::system_clock::now()); }
SteadyTime SystemClock::steady() const { return std::chrono::steady_clock::now(); }

} // namespace pbx
