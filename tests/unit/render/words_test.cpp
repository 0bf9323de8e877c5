#include "render/words.hpp"

#include "base/error.hpp"
#include "render/calling_codes.hpp"
#include "render/diff.hpp"
#include "render/template.hpp"

#include <gtest/gtest.h>

namespace pbx::render {
namespace {

std::string faultsOf(const Faults& faults) {
    try {
        faults.refuse();
    } catch (const Error& e) {
        EXPECT_EQ(ErrorCode::invalidArgument, e.code());
        return e.text();
    }
    return {};
}

TEST(Words, WhatMeansSomethingToAsteriskIsAFaultThatShowsItHarmlessly) {
    for (const std::string hostile : {"a;b", "a\nb", "a\r\nb", "${SHELL(id)}", "$[1]", "a,b", "a b", "a\"b",
                                      "#include x", "a(b)", "a&b", "a|b", "a=>b", "a@b", "a\\b", "caf\xC3\xA9"}) {
        Faults faults;
        word(faults, hostile, "_.-", "the queue");
        EXPECT_TRUE(faultsOf(faults).starts_with("the queue \"")) << hostile;
        EXPECT_EQ(std::string::npos, faultsOf(faults).find('\n')) << hostile;
    }
    Faults none;
    EXPECT_EQ("viatalk-support_2.x", word(none, "viatalk-support_2.x", "_.-", "the queue"));
    EXPECT_EQ("", maybeWord(none, "", "_.-", "the queue"));
    EXPECT_EQ("", faultsOf(none));
    word(none, "", "_.-", "the queue");
    EXPECT_EQ("the queue is empty", faultsOf(none));
}

TEST(Words, AllFaultsAreNamedAtOnce) {
    Faults faults;
    faults.add("one");
    faults.add("two");
    EXPECT_EQ("one\ntwo", faultsOf(faults));
}

TEST(Words, FreeTextStaysInItsLineAndInItsQuotes) {
    EXPECT_EQ("O'Neil \\; Sons", text("O'Neil ; Sons"));
    EXPECT_EQ("a  [general]", text("a\r\n[general]").substr(0, 3) + "[general]");
    EXPECT_EQ("a  'general'", text("a\r\n[general]"));
    EXPECT_EQ("''x' '101'", text("\"<x> <101>").replace(3, 1, "'"));
    EXPECT_EQ("Zo\xC3\xAB", text("Zo\xC3\xAB"));
    EXPECT_EQ("a b", text("a\xFF"
                          "b"));                     // not UTF-8
    EXPECT_EQ("${SHELL(id)}", text("${SHELL(id)}")); // an ini value is not evaluated, and it reaches no dialplan
}

TEST(Words, ASecretIsWrittenSoThatAsteriskReadsItBackAndIsNeverRepeatedInAFault) {
    Faults faults;
    EXPECT_EQ("a\\;b#c", secretValue(faults, "a;b#c", "the secret"));
    EXPECT_EQ("", faultsOf(faults));
    for (const std::string bad : {"", " lead", "trail ", ">x", "line\nend", "back\\slash", "z\xC3\xAB"}) {
        Faults some;
        secretValue(some, bad, "the secret");
        EXPECT_TRUE(faultsOf(some).starts_with("the secret cannot stand")) << bad;
        EXPECT_EQ(std::string::npos, faultsOf(some).find(bad.empty() ? "\n" : bad));
    }
}

TEST(Template, NamesConditionsAndVersions) {
    const Values values{{"A", "one"}, {"B", ""}, {"C", "x\ny"}};
    EXPECT_EQ("k = one\n", fill("k = @A@\n", 22, values));
    EXPECT_EQ("yes\n", fill("@?A@yes\n@?B@no\n", 22, values));
    EXPECT_EQ("new\n", fill("@>=20@new\n@>=23@newer\n", 22, values));
    EXPECT_EQ("", fill("@>=20@new\n", 18, values));
    EXPECT_EQ("both\n", fill("@?A@@>=20@both\n", 20, values));
    EXPECT_EQ("x\ny\n", fill("@C@\n", 22, values));
    EXPECT_EQ("", fill("@B@\n", 22, values)) << "an empty value takes its line with it";
    EXPECT_EQ("a\n\nb\n", fill("a\n\nb\n", 22, values));
    EXPECT_EQ("PJSIP/1@x one@y\n", fill("PJSIP/1@x @A@@y\n", 22, values));
    EXPECT_THROW(fill("@NOSUCH@\n", 22, values), Error);
}

TEST(Diff, AsDiffOfTheSystemWouldShowIt) {
    EXPECT_EQ("", unifiedDiff("f", "a\n", "a\n"));
    EXPECT_EQ("--- f\n+++ f\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n", unifiedDiff("f", "a\nb\nc\n", "a\nB\nc\n"));
    EXPECT_EQ("--- f\n+++ f\n@@ -0,0 +1,2 @@\n+a\n+b\n", unifiedDiff("f", "", "a\nb\n"));
    EXPECT_EQ("--- f\n+++ f\n@@ -1 +0,0 @@\n-a\n", unifiedDiff("f", "a\n", ""));
    // Two places, seven lines apart: two hunks.
    EXPECT_EQ("--- f\n+++ f\n@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+B\n",
              unifiedDiff("f", "a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n"));
}

TEST(Diff, ShowsNoSecret) {
    const auto diff = unifiedDiff(
        "f", "secret = old1\npassword => old2\nmd5_cred = old3\n same => n,AGI(agi://h:1/route/OLD4?tenant=a,x)\n",
        "secret = new1\npassword => new2\nmd5_cred = new3\n same => n,AGI(agi://h:1/route/NEW4?tenant=a,x)\n");
    for (const std::string secret : {"old1", "old2", "old3", "OLD4", "new1", "new2", "new3", "NEW4"})
        EXPECT_EQ(std::string::npos, diff.find(secret)) << diff;
    EXPECT_NE(std::string::npos, diff.find("+ same => n,AGI(agi://h:1/route/***?tenant=a,x)")) << diff;
}

TEST(CallingCodes, OfTheCountriesOfTheDemo) {
    EXPECT_EQ("1", callingCode("US")->code);
    EXPECT_EQ("44", callingCode("GB")->code);
    EXPECT_EQ("0", callingCode("DE")->nationalPrefix);
    EXPECT_FALSE(callingCode("XX"));
}

} // namespace
} // namespace pbx::render
