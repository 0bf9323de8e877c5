#include "agi/command.hpp"
#include "fake_asterisk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace pbx::agi;
using pbx::agi::test::words;
using testing::ElementsAre;

TEST(AgiCommand, LinesAsAsteriskWantsThem) {
    EXPECT_EQ(setVariableLine("PBX_ROUTE", "queue"), "SET VARIABLE PBX_ROUTE \"queue\"\n");
    EXPECT_EQ(setVariableLine("Q", ""), "SET VARIABLE Q \"\"\n");
    EXPECT_EQ(setVariableLine("Q", "a \"b\" \\c"), "SET VARIABLE Q \"a \\\"b\\\" \\\\c\"\n");
    EXPECT_EQ(getVariableLine("QUEUESTATUS"), "GET VARIABLE QUEUESTATUS\n");
    EXPECT_EQ(verboseLine("who \"calls\"", 3), "VERBOSE \"who \\\"calls\\\"\" 3\n");
}

TEST(AgiCommand, PlainValuesShareALine) {
    const auto linesOf = [](const Pairs& variables) { return setVariableLines(variables).value(); };
    EXPECT_THAT(linesOf({}), ElementsAre());
    EXPECT_THAT(linesOf({{"A", "1"}}), ElementsAre("SET VARIABLE A \"1\"\n"));
    EXPECT_THAT(linesOf({{"A", ""}, {"B", "PJSIP/viatalk-101"}, {"C", ""}, {"PBX_DONE", "1"}}),
                ElementsAre("SET VARIABLE ARRAY(A,B,C,PBX_DONE) \",PJSIP/viatalk-101,,1\"\n"));
    EXPECT_THAT(linesOf({{"A", "1"}, {"B", "x y"}, {"C", "a,b"}, {"PBX_DONE", "1"}}),
                ElementsAre("SET VARIABLE A \"1\"\n", "SET VARIABLE B \"x y\"\n", "SET VARIABLE C \"a,b\"\n",
                            "SET VARIABLE PBX_DONE \"1\"\n"));
    for (const std::string odd : {",", "\"", "\\", "(", ")", "[", "|", " ", "$", "{", "\xc3\xa9"})
        EXPECT_EQ(linesOf({{"A", odd}, {"B", "1"}}).size(), 2U) << odd;
    EXPECT_FALSE(setVariableLines({{"A", "1"}, {"SHELL(ls)", "1"}}));
    EXPECT_FALSE(setVariableLines({{"A", "1"}, {"B", "1\nEXEC System ls"}}));
    const auto split = linesOf({{"A", std::string(1000, 'a')}, {"B", std::string(980, 'b')}, {"PBX_DONE", "1"}});
    ASSERT_EQ(split.size(), 2U);
    EXPECT_EQ(split[0], "SET VARIABLE A \"" + std::string(1000, 'a') + "\"\n");
    EXPECT_TRUE(split[1].starts_with("SET VARIABLE ARRAY(B,PBX_DONE) \"bbb")) << split[1];
    for (const auto& line : split) EXPECT_LE(line.size(), maxCommandBytes);
}

TEST(AgiCommand, ValuesComeBackAsTheyWere) {
    for (const std::string value :
         {"plain", "", " ", "two  blanks ", "a,b,c", "\"", "\\", "\\\"", "\"\\", "a\\\\b", "\\n", "'; DROP TABLE",
          "${EXTEN}", "$[1+1]", "Zoë 東京 🙂", "x\" 1\" EXEC System \"", "100%", "a=b;c|d(e)", "\"\"\"\""}) {
        const auto line = setVariableLine("X", value);
        ASSERT_TRUE(line) << value;
        EXPECT_THAT(words(line->substr(0, line->size() - 1)), ElementsAre("SET", "VARIABLE", "X", value));
    }
}

TEST(AgiCommand, RefusesWhatWouldBreakOut) {
    for (const std::string_view value :
         {"a\nEXEC System x", "a\r", "\n", "a\tb", "\x1b[2J", "\xff", "\xc3", "\xc0\xaf"})
        EXPECT_FALSE(setVariableLine("X", value)) << value;
    EXPECT_FALSE(setVariableLine("X", std::string_view("a\0b", 3)));
    EXPECT_FALSE(setVariableLine("X", "\xe2\x80\xa8")) << "U+2028 is a line end to some";
    EXPECT_FALSE(verboseLine("a\nb", 1));
    EXPECT_FALSE(verboseLine("a", 0));
    EXPECT_FALSE(verboseLine("a", 5));
}

TEST(AgiCommand, NamesAreAllowListed) {
    EXPECT_TRUE(isVariableName("A"));
    EXPECT_TRUE(isVariableName("__PBX_9"));
    EXPECT_TRUE(isVariableName(std::string(40, 'A')));
    for (const std::string_view name :
         {"", "a", "A B", "SHELL(ls)", "CALLERID(num)", "A-B", "A\n", "Ä", "A\"", "A,B", "${A}"}) {
        EXPECT_FALSE(isVariableName(name)) << name;
        EXPECT_FALSE(setVariableLine(name, "1")) << name;
        EXPECT_FALSE(getVariableLine(name)) << name;
    }
    EXPECT_FALSE(isVariableName(std::string(41, 'A')));
}

TEST(AgiCommand, LengthsAreBounded) {
    EXPECT_TRUE(setVariableLine("X", std::string(1024, 'a')));
    EXPECT_FALSE(setVariableLine("X", std::string(1025, 'a')));
    // Quoting doubles them: 1024 would be 2,066 bytes, of which Asterisk reads 2,047.
    EXPECT_FALSE(setVariableLine("X", std::string(1024, '"')));
    EXPECT_TRUE(setVariableLine("X", std::string(980, '"')));
}
