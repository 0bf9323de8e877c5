#include "base/error.hpp"
#include "ops/catalogue/directory.hpp"

#include <gtest/gtest.h>

namespace pbx::ops {
namespace {

// The error's text, or empty when the value passes.
std::string problem(std::string_view value, Format format, bool mayBeEmpty = false) {
    try {
        validateText("f", value, {.maxLength = 63, .format = format, .mayBeEmpty = mayBeEmpty});
    } catch (const Error& error) {
        EXPECT_EQ(error.field(), "f");
        return error.text();
    }
    return {};
}
bool passes(std::string_view value, Format format) { return problem(value, format).empty(); }

TEST(Validate, EveryTextRefusesControlsBidiAndBadUtf8) {
    for (const std::string_view bad : {"a\r\nAction: Originate", "a\nb", "a\rb", "a\x1b[31m", "a\xE2\x80\xA8z",
                                       "a\xE2\x80\xAEz", "a\x7f", "\xC2\x85"}) {
        EXPECT_NE(problem(bad, Format::line).find("control characters"), std::string::npos) << bad;
    }
    EXPECT_FALSE(passes(std::string_view("a\0b", 3), Format::line));
    EXPECT_EQ(problem("\xC0\xBC", Format::line), "f: must be valid UTF-8");
    EXPECT_EQ(problem("\xED\xA0\x80", Format::line), "f: must be valid UTF-8");
    EXPECT_TRUE(passes("\xD0\x97\xD0\xB2\xD1\x8F\xD0\xB7\xD0\xBE\xD0\xBA <b> & \xF0\x9F\x98\x80", Format::line));
}

TEST(Validate, LengthsCountBytes) {
    EXPECT_TRUE(passes(std::string(63, 'a'), Format::line));
    EXPECT_EQ(problem(std::string(64, 'a'), Format::line), "f: must be at most 63 bytes");
    EXPECT_EQ(problem("", Format::line), "f: must not be empty");
    EXPECT_EQ(problem("", Format::reference, true), "");
}

TEST(Validate, Formats) {
    EXPECT_TRUE(passes("tech-support-2", Format::slug));
    for (const auto bad : {"-a", "A", "a b", "a_b", "\xC3\xA4"}) EXPECT_FALSE(passes(bad, Format::slug)) << bad;
    EXPECT_TRUE(passes("j.doe_2-x", Format::login));
    for (const auto bad : {"J", "a@b", "a b", "a/b"}) EXPECT_FALSE(passes(bad, Format::login)) << bad;
    EXPECT_TRUE(passes("US", Format::country));
    for (const auto bad : {"us", "USA", "U1"}) EXPECT_FALSE(passes(bad, Format::country)) << bad;
    for (const auto good : {"UTC", "Europe/Kyiv", "America/Argentina/Buenos_Aires"})
        EXPECT_TRUE(passes(good, Format::timeZone)) << good;
    for (const auto bad :
         {"Europe/Atlantis", "../etc/passwd", "/etc/passwd", "Europe", "Europe/../../passwd", "America"})
        EXPECT_FALSE(passes(bad, Format::timeZone)) << bad;
    for (const auto good : {"en", "en-US", "haw", "zh-Hant-TW"}) EXPECT_TRUE(passes(good, Format::language)) << good;
    for (const auto bad : {"e", "english", "en_US", "en-"}) EXPECT_FALSE(passes(bad, Format::language)) << bad;
    for (const auto good : {"PJSIP/viatalk-101", "Local/101@agents/n", "SIP/trunk/+15551234567"})
        EXPECT_TRUE(passes(good, Format::interface)) << good;
    for (const auto bad : {"viatalk-101", "/x", "PJSIP/a,b", "PJSIP/a&SIP/b", "PJSIP/a b"})
        EXPECT_FALSE(passes(bad, Format::interface)) << bad;
    EXPECT_TRUE(passes("viatalk-support.2_x", Format::asteriskQueue));
    for (const auto bad : {"a b", "a,b", "a/b"}) EXPECT_FALSE(passes(bad, Format::asteriskQueue)) << bad;
    EXPECT_TRUE(passes("queue.*", Format::pattern));
    EXPECT_FALSE(passes("queue-*", Format::pattern));
    EXPECT_FALSE(passes("12 short", Format::password));
    EXPECT_TRUE(passes("123456789 ab", Format::password));
}

TEST(Validate, WholeObjectsNameTheFieldAtFault) {
    const auto fault = [](const QueueCreateParams& params) -> std::string {
        try {
            validate(QueueCreateParams::describe(), &params);
        } catch (const Error& error) {
            return error.text();
        }
        return {};
    };
    QueueCreateParams params;
    params.name = "support";
    params.title = "Support";
    EXPECT_EQ(fault(params), "");
    params.wrapupSeconds = 3601;
    EXPECT_EQ(fault(params), "wrapup_seconds: must be from 0 to 3600");
    params.wrapupSeconds = -1;
    EXPECT_EQ(fault(params), "wrapup_seconds: must be from 0 to 3600");
    params.wrapupSeconds = 10;
    params.title = "a\nb";
    EXPECT_EQ(fault(params), "title: must not hold control characters or line breaks");
}

TEST(Validate, ListsAreBoundedAndTheirItemsNamed) {
    TenantUpdateParams params;
    params.id = "acme";
    params.languages = std::vector<std::string>{"en", "english"};
    try {
        validate(TenantUpdateParams::describe(), &params);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.field(), "languages[1]");
    }
    params.languages = std::vector<std::string>(17, "en");
    try {
        validate(TenantUpdateParams::describe(), &params);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.text(), "languages: must have at most 16 items");
    }
}

} // namespace
} // namespace pbx::ops
