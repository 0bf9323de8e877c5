#include "routing/outbound.hpp"

#include <gtest/gtest.h>

namespace pbx::routing {
namespace {

using domain::OutboundKind;
using domain::OutboundRule;

OutboundRule prefix(const std::string& value, bool allowed = true) {
    return {{}, OutboundKind::prefix, value, {}, allowed};
}
OutboundRule country(const std::string& value, std::vector<std::string> types = {}, bool allowed = true) {
    return {{}, OutboundKind::country, value, std::move(types), allowed};
}

Barred judge(const std::string& dialled, const std::vector<OutboundRule>& rules, const std::string& home = "US") {
    return barred(normalise(dialled, home), rules);
}

// An attacker's list (SECURITY S32), with rules that allow as much as rules can.
TEST(Outbound, WhatNobodyMayDialIsRefusedWhateverTheRulesSay) {
    std::vector<OutboundRule> all;
    for (int digit = 1; digit <= 9; ++digit) all.push_back(prefix("+" + std::to_string(digit)));
    const std::pair<const char*, Barred> cases[] = {{"911", Barred::noNumber},
                                                    {"112", Barred::noNumber},
                                                    {"+911", Barred::noNumber},
                                                    {"411", Barred::noNumber},
                                                    {"", Barred::noNumber},
                                                    {"anonymous", Barred::noNumber},
                                                    {"+19005550123", Barred::premium},
                                                    {"1-900-555-0123", Barred::premium},
                                                    {"+44 909 879 0000", Barred::premium},
                                                    {"+49 900 1 123456", Barred::premium},
                                                    {"+881 6 12345678", Barred::satellite},
                                                    {"+870 301 234 567", Barred::satellite},
                                                    {"+979 123 456 789", Barred::premium}, // of no country either
                                                    {"+1212555\xef\xbc\x90"
                                                     "123",
                                                     Barred::noNumber}, // a full-width digit
                                                    {"+12125550123,9", Barred::noNumber},
                                                    {"+12125550123w9", Barred::noNumber},
                                                    {"+1212555012\n3", Barred::noNumber},
                                                    {"+12125550123", Barred::no},
                                                    {"(212) 555-0123", Barred::no}};
    for (const auto& [dialled, wanted] : cases) EXPECT_EQ(wanted, judge(dialled, all)) << dialled;
    EXPECT_EQ(Barred::noNumber, judge("999", all, "GB"));
}

TEST(Outbound, WithoutARuleNothingIsAllowed) {
    EXPECT_EQ(Barred::notListed, judge("+12125550123", {}));
    EXPECT_EQ(Barred::notListed, judge("+442079460123", {prefix("+1"), country("US")}));
}

TEST(Outbound, TheLongestPrefixDecides) {
    const std::vector<OutboundRule> rules{prefix("+1"), prefix("+1212", false), prefix("+1212555"),
                                          prefix("+44", false), country("GB")};
    EXPECT_EQ(Barred::no, judge("+13105550123", rules));
    EXPECT_EQ(Barred::denied, judge("+12127770123", rules));
    EXPECT_EQ(Barred::no, judge("+12125550123", rules));
    EXPECT_EQ(Barred::denied, judge("+442079460123", rules)); // a prefix goes before its country
}

TEST(Outbound, ACountryMeansItsFixedAndMobileNumbers) {
    EXPECT_EQ(Barred::no, judge("+442079460123", {country("GB")}));
    EXPECT_EQ(Barred::no, judge("+447400123456", {country("GB")}));
    EXPECT_EQ(Barred::notListed, judge("+448001234567", {country("GB")})); // toll-free
    EXPECT_EQ(Barred::no, judge("+448001234567", {country("GB", {"toll_free"})}));
    EXPECT_EQ(Barred::notListed, judge("+447400123456", {country("GB", {"fixed"})}));
    EXPECT_EQ(Barred::denied, judge("+447400123456", {country("GB"), country("GB", {"mobile"}, false)}));
    EXPECT_EQ(Barred::notListed, judge("+14165550123", {country("US")})); // Canada has +1 too
}

TEST(Outbound, ARangeThatIsNotKnownTakesAPrefix) {
    ASSERT_EQ(NumberType::unknown, classify(normalise("+11005550123", "US")).type);
    EXPECT_EQ(Barred::unassigned, judge("+11005550123", {country("US")}));
    EXPECT_EQ(Barred::no, judge("+11005550123", {prefix("+1")}));
}

TEST(Outbound, EachRefusalHasWords) {
    for (int why = 1; why <= static_cast<int>(Barred::notListed); ++why)
        EXPECT_TRUE(barredText(static_cast<Barred>(why)).starts_with("is ")) << why;
    EXPECT_EQ("", barredText(Barred::no));
}

} // namespace
} // namespace pbx::routing
