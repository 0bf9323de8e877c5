// Country codes, for the dialplan's own fallback: pbxd itself normalises by libphonenumber (routing/numbers.hpp).
// Threads: constant data. Nothing fails.
#pragma once

#include <optional>
#include <string_view>

namespace pbx::render {

struct CallingCode {
    std::string_view country;        // ISO 3166-1 alpha-2
    std::string_view code;           // "44"
    std::string_view nationalPrefix; // "0" of 020...; empty: numbers are dialled whole
};

// nullopt: not known; then only numbers with "+" or "00" are understood by the fallback.
std::optional<CallingCode> callingCode(std::string_view country);

} // namespace pbx::render
