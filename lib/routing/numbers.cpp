#include "routing/numbers.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <phonenumbers/phonenumberutil.h>

namespace pbx::routing {
namespace {

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

constexpr std::size_t longestText = 64;
constexpr std::size_t longestExtension = 5; // never read as somebody's number, though some countries have such
constexpr std::size_t longestShort = 7;     // North America's numbers without their area code

// Asterisk's own words, those of SIP (RFC 3323) and of ISDN gateways.
constexpr std::array<std::string_view, 9> withheldWords = {"anonymous", "unknown", "restricted",
                                                           "withheld",  "private", "unavailable",
                                                           "blocked",   "unavail", "anonymous.invalid"};

std::string_view trim(std::string_view text, std::string_view what) {
    const auto first = text.find_first_not_of(what);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(what) - first + 1);
}

bool isWithheld(std::string_view text) {
    const auto word = trim(text, "<>\"' ");
    return word.empty() || std::any_of(withheldWords.begin(), withheldWords.end(),
                                       [&](auto known) { return equalsIgnoreCase(word, known); });
}

// Digits with only what people and trunks write around them, as "+123" or "123"; empty for anything else. Letters are
// refused although libphonenumber would read them as keys: "1800ATTACK" must not become somebody's number.
std::string compact(std::string_view text) {
    std::string kept;
    for (const char c : text) {
        if ((c >= '0' && c <= '9') || (c == '+' && kept.empty()))
            kept += c;
        else if (std::string_view("()-./ ").find(c) == std::string_view::npos)
            return {};
    }
    return kept == "+" ? std::string() : kept;
}

NumberType typeOf(PhoneNumberUtil::PhoneNumberType type) {
    switch (type) {
    case PhoneNumberUtil::FIXED_LINE:
        return NumberType::fixed;
    case PhoneNumberUtil::MOBILE:
        return NumberType::mobile;
    case PhoneNumberUtil::FIXED_LINE_OR_MOBILE:
        return NumberType::fixedOrMobile;
    case PhoneNumberUtil::TOLL_FREE:
        return NumberType::tollFree;
    case PhoneNumberUtil::PREMIUM_RATE:
        return NumberType::premium;
    case PhoneNumberUtil::SHARED_COST:
        return NumberType::sharedCost;
    case PhoneNumberUtil::VOIP:
        return NumberType::voip;
    case PhoneNumberUtil::PERSONAL_NUMBER:
        return NumberType::personal;
    case PhoneNumberUtil::PAGER:
        return NumberType::pager;
    case PhoneNumberUtil::UAN:
        return NumberType::uan;
    case PhoneNumberUtil::VOICEMAIL:
        return NumberType::voicemail;
    case PhoneNumberUtil::UNKNOWN:
        break;
    }
    return NumberType::unknown;
}

const PhoneNumberUtil& phones() { return *PhoneNumberUtil::GetInstance(); }

bool parse(const std::string& text, const std::string& country, PhoneNumber& out) {
    return phones().Parse(text, country, &out) == PhoneNumberUtil::NO_PARSING_ERROR;
}

Number asKey(const PhoneNumber& parsed) {
    Number number{NumberKind::e164, {}};
    phones().Format(parsed, PhoneNumberUtil::E164, &number.text);
    return number;
}

} // namespace

Number normalise(std::string_view text, std::string_view country) {
    const auto refused = [](NumberKind kind) { return Number{kind, {}}; };
    if (text.size() > longestText) return refused(NumberKind::malformed);
    if (isWithheld(text)) return refused(NumberKind::withheld);
    const std::string dialled = compact(text.substr(0, text.find(';')));
    if (dialled.empty()) return refused(NumberKind::malformed);
    const bool plus = dialled.front() == '+';
    if (!plus && dialled.size() <= longestExtension) return {NumberKind::shortCode, dialled};

    PhoneNumber own;
    const bool possible = parse(dialled, std::string(country), own) &&
                          phones().IsPossibleNumberWithReason(own) == PhoneNumberUtil::IS_POSSIBLE;
    if (possible && (plus || phones().IsValidNumber(own))) return asKey(own);
    if (!plus && dialled.size() > longestShort) {
        PhoneNumber foreign;
        const std::string international = "+" + (dialled.starts_with("00") ? dialled.substr(2) : dialled);
        if (parse(international, "ZZ", foreign) && phones().IsValidNumber(foreign)) return asKey(foreign);
    }
    if (possible) return asKey(own);
    if (!plus && dialled.size() <= longestShort) return {NumberKind::shortCode, dialled};
    return refused(NumberKind::malformed);
}

std::vector<std::string> matchKeys(const Number& number) {
    std::vector<std::string> keys;
    const std::size_t shortest = number.kind == NumberKind::e164 ? 2 : 1;
    for (std::size_t length = number.text.size(); length >= shortest; --length)
        keys.push_back(number.text.substr(0, length));
    return keys;
}

NumberClass classify(const Number& number) {
    PhoneNumber parsed;
    if (number.kind != NumberKind::e164 || !parse(number.text, "ZZ", parsed)) return {};
    NumberClass found{typeOf(phones().GetNumberType(parsed)), {}};
    phones().GetRegionCodeForNumber(parsed, &found.region);
    if (found.region == "ZZ") found.region.clear(); // libphonenumber's "not known"
    return found;
}

std::string exampleNumber(std::string_view country) {
    PhoneNumber example;
    if (!phones().GetExampleNumber(std::string(country), &example)) return "+12015550123";
    return asKey(example).text;
}

void warmUp(std::string_view country) {
    PhoneNumber example;
    if (!phones().GetExampleNumber(std::string(country), &example)) return;
    std::string national;
    phones().Format(example, PhoneNumberUtil::NATIONAL, &national);
    normalise(national, country);
}

std::string_view kindToken(NumberKind kind) {
    constexpr std::array<std::string_view, 4> tokens = {"e164", "short", "withheld", "malformed"};
    return tokens[static_cast<std::size_t>(kind)];
}

std::string_view typeToken(NumberType type) {
    constexpr std::array<std::string_view, 12> tokens = {"unknown",   "fixed",   "mobile",      "fixed_or_mobile",
                                                         "toll_free", "premium", "shared_cost", "voip",
                                                         "personal",  "pager",   "uan",         "voicemail"};
    return tokens[static_cast<std::size_t>(type)];
}

} // namespace pbx::routing
