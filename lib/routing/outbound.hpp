// Whether a tenant may dial a number for somebody: its allow-list, and what nobody may dial.
// Threads: pure functions over numbers.hpp's tables. Nothing fails.
#pragma once

#include "domain/site.hpp"
#include "routing/numbers.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace pbx::routing {

enum class Barred : std::uint8_t {
    no,
    noNumber,   // an emergency or short number, or no number at all
    premium,    // whatever the rules say
    satellite,  // and other numbers of no country (+881, +979, +800), whatever the rules say
    unassigned, // of no known range, and no prefix of the list names it
    denied,     // a rule takes it away
    notListed   // no rule allows it
};

// The longest prefix that fits decides; without one the number's country does, where a rule that takes away goes before
// one that allows. A country without types means its fixed and mobile numbers.
Barred barred(const Number& number, const std::vector<domain::OutboundRule>& rules);

std::string_view barredText(Barred why); // for people; empty for `no`

} // namespace pbx::routing
