// A caller's or dialled number, however it is spelt, as the one text that all tables are keyed by: E.164 by the
// tenant's country (libphonenumber). Threads: any; its compiled expressions lie behind one mutex, held for a look-up
// alone. Nothing fails: what is no number is of the kind malformed. Cost, optimised (numbers_test.cpp prints it): 30 us
// with "+", 40-50 us as dialled at home, 100 us for a foreign number without "+"; 0.5 ms for a country's first one,
// whose expressions are compiled then: see warmUp().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pbx::routing {

enum class NumberKind : std::uint8_t {
    e164,      // text is "+" and 7 to 15 digits: a possible number of its country, not always an assigned one
    shortCode, // text is 1 to 7 digits: an extension, a service or a number without its area code; not reachable from
               // outside
    withheld,  // the caller or the network says no number: "anonymous", "", "<unknown>", ...; text is empty
    malformed  // anything else: letters, control bytes, too long, impossible; text is empty
};

// libphonenumber's types; in North America fixed and mobile look alike (fixedOrMobile).
enum class NumberType : std::uint8_t {
    unknown,
    fixed,
    mobile,
    fixedOrMobile,
    tollFree,
    premium,
    sharedCost,
    voip,
    personal,
    pager,
    uan,
    voicemail
};

struct Number {
    NumberKind kind = NumberKind::malformed;
    std::string text;
    bool operator==(const Number&) const = default;
};

// `country`: the tenant's, ISO 3166-1 alpha-2, upper case; an unknown one leaves only numbers that begin with "+".
// Numbers of foreign countries are understood with "+", with the country's own international prefix, and, because
// trunks send them so, with "00" or with nothing before the country code, when that makes an assigned number and the
// tenant's own country does not. Up to five digits are an extension or a service, whatever the country. SIP user
// options (";npdi") are cut off. At most 64 bytes are looked at.
Number normalise(std::string_view text, std::string_view country);

// Every text under which a block entry of kind exact or prefix can match `number`, longest first: the number itself and
// each prefix of it that has a digit ("+1" of "+12125550123"). At most 16; none for withheld and malformed.
std::vector<std::string> matchKeys(const Number& number);

struct NumberClass {
    NumberType type = NumberType::unknown; // known for assigned ranges only
    std::string region; // ISO 3166-1 alpha-2; "001" for satellite and other numbers of no country; empty: not known
};

// For allow-lists of numbers to dial. Kinds but e164 are of no class.
NumberClass classify(const Number& number);

// A number of that country, for messages: "+12015550123".
// An unknown country: North America's.
std::string exampleNumber(std::string_view country);

// Loads the tables and compiles the country's expressions before the first call needs them.
void warmUp(std::string_view country);

std::string_view kindToken(NumberKind kind); // "e164", "short", "withheld", "malformed"
std::string_view typeToken(NumberType type); // "fixed", "fixed_or_mobile", "toll_free", ...

} // namespace pbx::routing
