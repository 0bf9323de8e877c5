#include "routing/outbound.hpp"

#include <algorithm>
#include <array>

namespace pbx::routing {
namespace {

using domain::OutboundKind;
using domain::OutboundRule;

bool covers(const OutboundRule& rule, NumberType type) {
    if (rule.types.empty())
        return type == NumberType::fixed || type == NumberType::mobile || type == NumberType::fixedOrMobile;
    return std::ranges::find(rule.types, typeToken(type)) != rule.types.end();
}

const OutboundRule* longestPrefix(const std::vector<OutboundRule>& rules, const std::string& number) {
    const OutboundRule* found = nullptr;
    for (const auto& rule : rules)
        if (rule.kind == OutboundKind::prefix && number.starts_with(rule.value) &&
            (!found || rule.value.size() > found->value.size()))
            found = &rule;
    return found;
}

} // namespace

Barred barred(const Number& number, const std::vector<OutboundRule>& rules) {
    if (number.kind != NumberKind::e164) return Barred::noNumber;
    const auto known = classify(number);
    if (known.type == NumberType::premium) return Barred::premium;
    if (known.region == "001") return Barred::satellite;
    if (const auto* rule = longestPrefix(rules, number.text)) return rule->allowed ? Barred::no : Barred::denied;
    if (known.type == NumberType::unknown) return Barred::unassigned;
    bool allowed = false;
    for (const auto& rule : rules) {
        if (rule.kind != OutboundKind::country || rule.value != known.region || !covers(rule, known.type)) continue;
        if (!rule.allowed) return Barred::denied;
        allowed = true;
    }
    return allowed ? Barred::no : Barred::notListed;
}

std::string_view barredText(Barred why) {
    constexpr std::array<std::string_view, 7> texts = {
        "",
        "is no number of the public network: emergency, service and short numbers are not dialled for anybody",
        "is a premium-rate number: these are never dialled",
        "is a satellite number, or another one of no country: these are never dialled",
        "is of no range that is in use, and no prefix of the tenant's outbound rules names it",
        "is taken out by the tenant's outbound rules",
        "is not allowed by the tenant's outbound rules"};
    return texts[static_cast<std::size_t>(why)];
}

} // namespace pbx::routing
