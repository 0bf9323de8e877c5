#include "ami/timestamp.hpp"

#include <cstdint>

namespace pbx::ami {

std::optional<UtcTime> eventTimestamp(const Message& message) {
    const std::string_view text = message.get("Timestamp");
    const auto dot = text.find('.');
    if (dot == 0 || dot == std::string_view::npos || dot > 12) return std::nullopt;
    const std::string_view fraction = text.substr(dot + 1);
    if (fraction.empty() || fraction.size() > 6) return std::nullopt;

    const auto digits = [](std::string_view part) -> std::optional<std::int64_t> {
        std::int64_t value = 0;
        for (const char c : part) {
            if (c < '0' || c > '9') return std::nullopt;
            value = value * 10 + (c - '0');
        }
        return value;
    };
    const auto seconds = digits(text.substr(0, dot));
    auto micros = digits(fraction);
    constexpr std::int64_t endOfYear9999 = 253'402'300'799;
    if (!seconds || !micros || *seconds > endOfYear9999) return std::nullopt;
    for (auto size = fraction.size(); size < 6; ++size) *micros *= 10;
    return fromEpochMicros(*seconds * 1'000'000 + *micros);
}

} // namespace pbx::ami
