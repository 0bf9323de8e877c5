#include "render/calling_codes.hpp"

#include <algorithm>
#include <array>

namespace pbx::render {
namespace {

// ITU-T E.164 assignments and the national prefixes of E.164's list of dialling procedures.
constexpr std::array<CallingCode, 44> codes{{
    {"AR", "54", "0"},  {"AT", "43", "0"},  {"AU", "61", "0"},  {"BE", "32", "0"},  {"BG", "359", "0"},
    {"BR", "55", "0"},  {"CA", "1", "1"},   {"CH", "41", "0"},  {"CL", "56", ""},   {"CN", "86", "0"},
    {"CO", "57", ""},   {"CZ", "420", ""},  {"DE", "49", "0"},  {"DK", "45", ""},   {"EE", "372", ""},
    {"ES", "34", ""},   {"FI", "358", "0"}, {"FR", "33", "0"},  {"GB", "44", "0"},  {"GR", "30", ""},
    {"HR", "385", "0"}, {"HU", "36", "06"}, {"IE", "353", "0"}, {"IL", "972", "0"}, {"IN", "91", "0"},
    {"IT", "39", ""},   {"JP", "81", "0"},  {"KR", "82", "0"},  {"LU", "352", ""},  {"MX", "52", ""},
    {"NL", "31", "0"},  {"NO", "47", ""},   {"NZ", "64", "0"},  {"PL", "48", ""},   {"PT", "351", ""},
    {"RO", "40", "0"},  {"RS", "381", "0"}, {"SE", "46", "0"},  {"SI", "386", "0"}, {"SK", "421", "0"},
    {"TR", "90", "0"},  {"UA", "380", "0"}, {"US", "1", "1"},   {"ZA", "27", "0"},
}};

} // namespace

std::optional<CallingCode> callingCode(std::string_view country) {
    const auto found = std::ranges::find(codes, country, &CallingCode::country);
    return found == codes.end() ? std::nullopt : std::optional(*found);
}

} // namespace pbx::render
