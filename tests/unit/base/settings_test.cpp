#include "base/settings.hpp"

#include <array>
#include <gmock/gmock.h>

using namespace pbx;
using testing::ElementsAre;

namespace {

bool takes(SettingType type, std::string_view value) {
    const Setting setting{.section = "s",
                          .key = "k",
                          .type = type,
                          .fallback = "x",
                          .doc = "",
                          .least = -5,
                          .most = 10,
                          .choices = "one two"};
    return !checkSetting(setting, value).has_value();
}

} // namespace

TEST(CheckSetting, TakesWhatTheTypeSaysAndNothingElse) {
    for (const auto* good : {"-5", "0", "10"}) EXPECT_TRUE(takes(SettingType::whole, good)) << good;
    for (const auto* bad : {"-6", "11", "", "1.0", "1s", " 1", "+1", "0x1", "99999999999999999999"})
        EXPECT_FALSE(takes(SettingType::whole, bad)) << bad;
    EXPECT_TRUE(takes(SettingType::flag, "yes"));
    for (const auto* bad : {"true", "YES", "1", "on", ""}) EXPECT_FALSE(takes(SettingType::flag, bad)) << bad;
    EXPECT_TRUE(takes(SettingType::choice, "two"));
    for (const auto* bad : {"three", "one two", "", "One"}) EXPECT_FALSE(takes(SettingType::choice, bad)) << bad;
    for (const auto* good : {"one", "one,two", "two one", ""}) EXPECT_TRUE(takes(SettingType::words, good)) << good;
    EXPECT_FALSE(takes(SettingType::words, "one, three"));
    EXPECT_TRUE(takes(SettingType::address, "::"));
    for (const auto* bad : {"localhost", "10.0.0.0/8", ""}) EXPECT_FALSE(takes(SettingType::address, bad)) << bad;
    EXPECT_TRUE(takes(SettingType::addresses, "10.0.0.0/8, ::1 192.0.2.1"));
    EXPECT_FALSE(takes(SettingType::addresses, "10.0.0.0/8; ::1"));
    for (const auto* good : {"pbx", "pbx-1.example.com", "10.0.0.1", "2001:db8::1"})
        EXPECT_TRUE(takes(SettingType::host, good)) << good;
    for (const auto* bad : {"", "a b", "a/b", "-x", ".x", "pbx:5038", "http://pbx"})
        EXPECT_FALSE(takes(SettingType::host, bad)) << bad;
    for (const auto* good : {"https://pbx.example.com", "http://127.0.0.1:8080", "https://a/pbx/"})
        EXPECT_TRUE(takes(SettingType::url, good)) << good;
    for (const auto* bad :
         {"", "https://", "ftp://a", "https://u:p@a", "https://a?x", "https://a#x", "https:///a", "https://a b"})
        EXPECT_FALSE(takes(SettingType::url, bad)) << bad;
    EXPECT_TRUE(takes(SettingType::text, "J\xC3\xBCrgen"));
    for (const auto& bad : {std::string("a\nb"), std::string("a\0b", 3), std::string("\xFF"), std::string(1025, 'a')})
        EXPECT_FALSE(takes(SettingType::text, bad));
}

TEST(NearestWord, FindsTypingErrorsAndNothingFarOff) {
    constexpr std::array<std::string_view, 4> known{"port", "public_url", "body_limit", "tls"};
    EXPECT_EQ(nearestWord("prot", known), "port");
    EXPECT_EQ(nearestWord("publicurl", known), "public_url");
    EXPECT_EQ(nearestWord("body_limits", known), "body_limit");
    EXPECT_EQ(nearestWord("something_else", known), "");
    EXPECT_EQ(nearestWord("x", known), "");
}

TEST(SplitList, IgnoresHowManySeparatorsThereAre) {
    EXPECT_THAT(splitList(" a,, b\tc , "), ElementsAre("a", "b", "c"));
    EXPECT_TRUE(splitList(" ,\t").empty());
}
