// What Asterisk's call records tell of an attempt, from a file that grows, is rotated and may hold anything.
#include "callbacks/cdr_file.hpp"
#include "callbacks_support.hpp"

#include <fstream>

namespace pbx::callbacks::test {
namespace {

using domain::CallbackOutcome;

const std::string channel = domain::callbackChannelId(CallbackId("r_abcdefgh234567zz"), 1);

class CdrFileOf : public ::testing::Test {
protected:
    static std::string row(const std::string& uniqueid, const std::string& disposition,
                           const std::string& context = "acme-callback",
                           const std::string& other = "PJSIP/acme-trunk-00000007") {
        return "\"1790000000.1\",\"" + uniqueid +
               "\",\"7\",\"acme\",\"\"\"Ann \"\"\"\" B\"\" <5550100>\",\"5550100\",\"s\",\"" + context +
               "\",\"Local/s@pbxd-callback-queue-00000001;1\",\"" + other +
               "\",\"Dial\",\"1790000000.100000\",\"\",\"1790000009.000000\",\"9\",\"0\",\"" + disposition +
               "\",\"\"\n";
    }
    void append(const std::string& text) const { std::ofstream(path, std::ios::app) << text; }

    Folder folder;
    const std::string path = folder.path + "/pbxd-cdr.csv";
    CdrFile file{path};
};

TEST_F(CdrFileOf, TellsWhatBecameOfOurChannels) {
    EXPECT_EQ(std::nullopt, file.outcome(channel)); // no such file
    append(row("1790000000.1", "ANSWERED"));
    EXPECT_EQ(std::nullopt, file.outcome(channel));
    append(row(channel, "BUSY"));
    EXPECT_EQ(CallbackOutcome::busy, file.outcome(channel));
    const auto other = domain::callbackChannelId(CallbackId("r_abcdefgh234567zz"), 2);
    append(row(other + 'x', "NO ANSWER")); // the half that dials, customer first
    EXPECT_EQ(CallbackOutcome::noAnswer, file.outcome(other));
    append(row(other + 'x', "ANSWERED"));
    EXPECT_EQ(CallbackOutcome::reached, file.outcome(other));
    append(row(other + 'x', "NO ANSWER"));
    EXPECT_EQ(CallbackOutcome::reached, file.outcome(other));
}

TEST_F(CdrFileOf, TheAgentsLegIsNoEvidence) {
    append(row(channel + 'x', "ANSWERED", "pbxd-callback-queue"));
    append(row(channel, "ANSWERED", "acme-callback", "")); // dialled nobody
    EXPECT_EQ(std::nullopt, file.outcome(channel));
}

TEST_F(CdrFileOf, ALineThatIsNotWholeYetIsWaitedFor) {
    const auto line = row(channel, "FAILED");
    append(line.substr(0, 40));
    EXPECT_EQ(std::nullopt, file.outcome(channel));
    append(line.substr(40));
    EXPECT_EQ(CallbackOutcome::unreachable, file.outcome(channel));
}

TEST_F(CdrFileOf, WhatIsNoRecordTellsNothing) {
    append("\n,,,\n\"\n\"a\"b\n" + std::string(40'000, '"') + "\n" + std::string(40'000, 'x') + "\n");
    EXPECT_EQ(std::nullopt, file.outcome(channel));
    append(row(channel, "BUSY"));
    EXPECT_EQ(CallbackOutcome::busy, file.outcome(channel));
}

TEST_F(CdrFileOf, OnlyTheEndOfALongFileIsRead) {
    append(row(channel, "BUSY"));
    for (int i = 0; i < 300; ++i) append(std::string(1023, 'x') + "\n");
    const auto late = domain::callbackChannelId(CallbackId("r_abcdefgh234567zz"), 3);
    append(row(late, "BUSY"));
    EXPECT_EQ(CallbackOutcome::busy, file.outcome(late));
    EXPECT_EQ(std::nullopt, file.outcome(channel));
}

TEST_F(CdrFileOf, ARotatedFileIsFollowed) {
    append(row(channel, "BUSY") + row("1790000000.2", "BUSY"));
    EXPECT_EQ(CallbackOutcome::busy, file.outcome(channel));
    std::filesystem::rename(path, path + ".1");
    const auto next = domain::callbackChannelId(CallbackId("r_abcdefgh234567zz"), 2);
    append(row(next, "NO ANSWER"));
    EXPECT_EQ(CallbackOutcome::noAnswer, file.outcome(next));
    EXPECT_EQ(CallbackOutcome::busy, file.outcome(channel)); // what was read is kept
}

} // namespace
} // namespace pbx::callbacks::test
