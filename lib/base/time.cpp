#include "base/time.hpp"

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

// Digits by hand: a list of 100 rows writes hundreds of times, and snprintf took 40 % of its encoding.
std::string formatRfc3339(UtcTime t, Fraction fraction) {
    using namespace std::chrono;
    const auto day = floor<days>(t);
    const year_month_day date(day);
    const hh_mm_ss clock(floor<Micros>(t - day));
    std::string out;
    out.reserve(27);
    const auto put = [&](std::int64_t value, int digits, char behind) {
        const auto at = out.size();
        out.append(static_cast<std::size_t>(digits), '0');
        for (int i = digits; i-- > 0; value /= 10)
            out[at + static_cast<std::size_t>(i)] = static_cast<char>('0' + value % 10);
        out += behind;
    };
    put(static_cast<int>(date.year()), 4, '-');
    put(static_cast<unsigned>(date.month()), 2, '-');
    put(static_cast<unsigned>(date.day()), 2, 'T');
    put(clock.hours().count(), 2, ':');
    put(clock.minutes().count(), 2, ':');
    const auto micros = clock.subseconds().count();
    const bool whole = micros == 0 && fraction == Fraction::unlessZero;
    put(clock.seconds().count(), 2, whole ? 'Z' : '.');
    if (!whole) put(micros, 6, 'Z');
    return out;
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
