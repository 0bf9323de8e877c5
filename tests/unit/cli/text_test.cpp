#include "cli/text.hpp"

#include <gtest/gtest.h>

namespace pbx::cli {
namespace {

TEST(TerminalText, LeavesWhatIsHarmlessAndShowsWhatIsNot) {
    EXPECT_EQ(terminalText("Zoë \"x\" \\ 日本"), "Zoë \"x\" \\ 日本");
    EXPECT_EQ(terminalText("a\x1b[2Jb\r\nc\td"), "a\\u001b[2Jb\\u000d\\u000ac\\u0009d");
    EXPECT_EQ(terminalText(std::string_view("\0\x7f", 2)), "\\u0000\\u007f");
    EXPECT_EQ(terminalText("\xC2\x9B"
                           "31m"),
              "\\u009b31m"); // C1: CSI in one character
    EXPECT_EQ(terminalText("\xE2\x80\xAE"
                           "x"),
              "\\u202ex"); // right-to-left override
    EXPECT_EQ(terminalText("a\xFF\xC0\xAF"
                           "b"),
              "a���b");                        // not UTF-8
    EXPECT_EQ(terminalText("\xE6\x97"), "��"); // cut short
}

TEST(Width, CountsColumnsNotBytes) {
    EXPECT_EQ(displayWidth("Zoë"), 3U);
    EXPECT_EQ(displayWidth("Zoe\xCC\x88"), 3U); // combining diaeresis
    EXPECT_EQ(displayWidth("日本"), 4U);
    EXPECT_EQ(displayWidth("한"), 2U);
    EXPECT_EQ(displayWidth("\xF0\x9F\x93\x9E"), 2U); // a telephone
    EXPECT_EQ(displayWidth(""), 0U);
}

TEST(Width, CutsAtWholeCharactersAndMarksIt) {
    EXPECT_EQ(cutTo("support", 7), "support");
    EXPECT_EQ(cutTo("support", 6), "suppo…");
    EXPECT_EQ(cutTo("日本語", 6), "日本語");
    EXPECT_EQ(cutTo("日本語", 5), "日本…");
    EXPECT_EQ(cutTo("日本語", 4), "日…"); // a half of a character cannot be shown
    EXPECT_EQ(cutTo("abc", 1), "…");
    EXPECT_EQ(cutTo("abc", 0), "");
}

TEST(Width, FitsExactly) {
    EXPECT_EQ(fitTo("ab", 4), "ab  ");
    EXPECT_EQ(fitTo("ab", 4, Align::right), "  ab");
    EXPECT_EQ(fitTo("日本語", 4), "日… ");
    EXPECT_EQ(displayWidth(fitTo("日本語", 4)), 4U);
}

TEST(Csv, QuotesWhatNeedsItAndDefusesFormulas) {
    EXPECT_EQ(csvCell("plain"), "plain");
    EXPECT_EQ(csvCell("a,b"), "\"a,b\"");
    EXPECT_EQ(csvCell("say \"x\""), "\"say \"\"x\"\"\"");
    EXPECT_EQ(csvCell("two\nlines"), "\"two\nlines\"");
    EXPECT_EQ(csvCell("=1+1"), "'=1+1");
    EXPECT_EQ(csvCell("+15550100"), "'+15550100");
    EXPECT_EQ(csvCell("-1"), "'-1");
    EXPECT_EQ(csvCell("@SUM(A1)"), "'@SUM(A1)");
    EXPECT_EQ(csvCell("\t=1"), "\"'\t=1\"");
    EXPECT_EQ(csvCell(" x"), "\" x\"");
    EXPECT_EQ(csvCell(""), "");
}

TEST(Kebab, IsHowOptionsAreWritten) { EXPECT_EQ(kebab("wait_seconds"), "wait-seconds"); }

} // namespace
} // namespace pbx::cli
