#include "base/text.hpp"

#include "base/random.hpp"

#include <gtest/gtest.h>
#include <set>

using namespace pbx;

namespace {

std::string xml(std::string_view text) {
    std::string out;
    appendXmlEscaped(out, text);
    return out;
}
std::string json(std::string_view text) {
    std::string out;
    appendJsonEscaped(out, text);
    return out;
}
std::string printable(std::string_view text) {
    std::string out;
    appendPrintable(out, text);
    return out;
}

} // namespace

TEST(IsUtf8, TakesEveryLengthUpToTheLastCodePoint) {
    EXPECT_TRUE(isUtf8(""));
    EXPECT_TRUE(isUtf8("plain"));
    EXPECT_TRUE(isUtf8("\xC2\x80 \xDF\xBF \xE0\xA0\x80 \xED\x9F\xBF \xEE\x80\x80 \xEF\xBF\xBF"));
    EXPECT_TRUE(isUtf8("\xF0\x90\x80\x80 \xF4\x8F\xBF\xBF"));
    EXPECT_TRUE(isUtf8(std::string_view("a\0b", 3)));
}

TEST(IsUtf8, RefusesOverlongSurrogatesTooHighAndTorn) {
    for (const auto* wrong :
         {"\x80", "\xBF", "\xC0\xAF", "\xC1\xBF", "\xE0\x80\xAF", "\xE0\x9F\xBF", "\xF0\x80\x80\xAF",
          "\xF0\x8F\xBF\xBF", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xC3",
          "\xE2\x82", "\xF0\x9F\x98", "\xC3(", "\xE2(\xA1", "\xE2\x82("})
        EXPECT_FALSE(isUtf8(wrong)) << printable(wrong);
}

TEST(HasControl, FindsWhatHidesOrReorders) {
    EXPECT_FALSE(hasControl("J\xC3\xBCrgen \xE2\x82\xAC \xF0\x9F\x98\x80 ~"));
    for (const auto* bad : {"\t", "\n", "\r", "\x1B[31m", "\x7F", "\xC2\x85", "\xE2\x80\xA8", "\xE2\x80\xA9",
                            "\xE2\x80\xAE", "\xE2\x81\xA6", "\xE2\x81\xA9", "\xFF"})
        EXPECT_TRUE(hasControl(std::string("a") + bad + "b")) << printable(bad);
    EXPECT_TRUE(hasControl(std::string_view("a\0b", 3)));
}

TEST(IsSlug, IsLowerCaseDigitsAndDashesUpTo63) {
    EXPECT_TRUE(isSlug("a"));
    EXPECT_TRUE(isSlug("9-lives-"));
    EXPECT_TRUE(isSlug(std::string(63, 'a')));
    for (const auto& bad :
         {std::string(), std::string(64, 'a'), std::string("-a"), std::string("A"), std::string("a_b"),
          std::string("a.b"), std::string("a b"), std::string("\xC3\xA4"), std::string("a\0", 2)})
        EXPECT_FALSE(isSlug(bad)) << printable(bad);
}

TEST(EqualsIgnoreCase, FoldsAsciiOnly) {
    EXPECT_TRUE(equalsIgnoreCase("ActionID", "actionid"));
    EXPECT_FALSE(equalsIgnoreCase("ActionID", "ActionI"));
    EXPECT_FALSE(equalsIgnoreCase("\xC3\x84", "\xC3\xA4"));
    EXPECT_FALSE(equalsIgnoreCase("@", "`")); // 0x40 and 0x60: a fold by bit would take them for equal
}

TEST(XmlEscape, MakesAnythingLegalXml10) {
    EXPECT_EQ(xml("<a href=\"x\">'&'</a>"), "&lt;a href=&quot;x&quot;&gt;&apos;&amp;&apos;&lt;/a&gt;");
    EXPECT_EQ(xml("a\r\n\tb"), "a&#13;\n\tb");
    EXPECT_EQ(xml(std::string_view("a\0b\x01\x1F", 5)), "a\xEF\xBF\xBD"
                                                        "b\xEF\xBF\xBD\xEF\xBF\xBD");
    EXPECT_EQ(xml("\xC0\xBC"), "\xEF\xBF\xBD\xEF\xBF\xBD"); // the overlong form of '<' that gSOAP would believe
    EXPECT_EQ(xml("\xEF\xBF\xBE"), "\xEF\xBF\xBD");         // U+FFFE
    EXPECT_EQ(xml("\xE2\x82\xAC\xF0\x9F\x98\x80"), "\xE2\x82\xAC\xF0\x9F\x98\x80");
    EXPECT_EQ(xml("]]>"), "]]&gt;");
}

TEST(JsonEscape, MakesAnythingLegalJson) {
    EXPECT_EQ(json("a\"b\\c/"), "a\\\"b\\\\c/");
    EXPECT_EQ(json(std::string_view("\0\n\x1F\x7F", 4)), "\\u0000\\u000a\\u001f\\u007f");
    EXPECT_EQ(json("\xE2\x80\xA8\xE2\x80\xA9"), "\\u2028\\u2029");
    EXPECT_EQ(json("\xFF\xC3"), "\xEF\xBF\xBD\xEF\xBF\xBD");
    EXPECT_EQ(json("\xC3\xA4\xF0\x9F\x98\x80"), "\xC3\xA4\xF0\x9F\x98\x80");
}

TEST(Printable, ShowsWhatATerminalWouldObey) {
    EXPECT_EQ(printable("\x1B[2J\xC2\x9B"
                        "a\xE2\x80\xAE"
                        "b"),
              "\\u001b[2J\\u009ba\\u202eb");
    EXPECT_EQ(printable("\xC3\xA4\xF0\x9F\x98\x80"), "\xC3\xA4\xF0\x9F\x98\x80");
}

TEST(RandomText, HasItsLengthItsAlphabetAndNoRepetition) {
    initRandom();
    EXPECT_EQ(randomText(0), "");
    std::set<char> seen;
    std::set<std::string> texts;
    for (int i = 0; i < 200; ++i) {
        const auto text = randomText(26);
        ASSERT_EQ(text.size(), 26U);
        ASSERT_EQ(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz234567"), std::string::npos) << text;
        seen.insert(text.begin(), text.end());
        texts.insert(text);
    }
    EXPECT_EQ(texts.size(), 200U);
    EXPECT_EQ(seen.size(), 32U); // of 5,200 characters; one missing has a chance of 10^-70
}
