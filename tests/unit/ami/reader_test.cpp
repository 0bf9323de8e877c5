#include "ami_support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace pbx::ami;
using namespace pbx::ami::test;
using testing::ElementsAre;

namespace {

const std::string banner = "Asterisk Call Manager/11.0.0\r\n";

TEST(Reader, TakesBannerThenMessages) {
    const auto seen =
        transcribe(banner + "Response: Success\r\nActionID: a1\r\n\r\nEvent: Hangup\r\nCause: 16\r\n\r\n");
    EXPECT_THAT(seen.items, ElementsAre("B 11.0.0", "M Response=Success|ActionID=a1|", "M Event=Hangup|Cause=16|"));
}

TEST(Reader, BannerIsOptionalAndOnlyTakenFirst) {
    EXPECT_THAT(transcribe("Event: A\r\n\r\n" + banner + "\r\nEvent: B\r\n\r\n").items,
                ElementsAre("M Event=A|", "D strange_start", "M Event=B|"));
}

TEST(Reader, BannerIsCutAndMadePrintable) {
    EXPECT_THAT(transcribe("Asterisk Call Manager/1\x1b[2J" + std::string(500, 'x') + "\r\n").items,
                ElementsAre("B 1?[2J" + std::string(27, 'x')));
}

TEST(Reader, TakesLfAndCrLfAndMixed) {
    // Park answers with a bare LF in front of its empty line.
    const auto seen =
        transcribe("Event: A\nX: 1\n\nResponse: Success\r\nMessage: Park successful\n\r\n\r\nEvent: B\n\r\n");
    EXPECT_THAT(seen.items, ElementsAre("M Event=A|X=1|", "M Response=Success|Message=Park successful|", "M Event=B|"));
}

TEST(Reader, SkipsEmptyBlocks) {
    EXPECT_THAT(transcribe("\r\n\r\nEvent: TestEvent\r\n\r\n\r\n\n\r\nEvent: B\r\n\r\n").items,
                ElementsAre("M Event=TestEvent|", "M Event=B|"));
}

TEST(Reader, KeepsRepeatedHeadersInOrder) {
    Reader reader;
    const std::string bytes = "Response: Success\r\nOutput: one\r\nOutput: \r\nOutput: Event: three\r\n\r\n";
    ASSERT_EQ(reader.feed(bytes), bytes.size());
    const auto item = reader.next();
    ASSERT_EQ(item.kind, Reader::Item::Kind::message);
    std::vector<std::string> lines;
    item.message->each("OUTPUT", [&](std::string_view line) { lines.emplace_back(line); });
    EXPECT_THAT(lines, ElementsAre("one", "", "Event: three"));
    EXPECT_EQ(item.message->get("output"), "one");
    EXPECT_TRUE(item.message->isResponse());
    EXPECT_FALSE(item.message->isEvent());
}

TEST(Reader, ValueKeepsAllButItsOneSpace) {
    EXPECT_THAT(transcribe("Event: A\r\nB:x\r\nC:  y \r\nD:\r\nE: \r\nF: a:b\rc\r\n\r\n").items,
                ElementsAre("M Event=A|B=x|C= y |D=|E=|F=a:b\rc|"));
}

TEST(Reader, OriginateResponseMayHaveAResponseHeader) {
    EXPECT_THAT(transcribe("Event: OriginateResponse\r\nPrivilege: call,all\r\nResponse: Failure\r\n\r\n").items,
                ElementsAre("M Event=OriginateResponse|Privilege=call,all|Response=Failure|"));
}

struct DamageCase {
    std::string_view name;
    std::string bytes;
    std::string_view kind;
};

class ReaderDamage : public testing::TestWithParam<DamageCase> {};

TEST_P(ReaderDamage, IsCountedOnceAndSkippedToTheEmptyLine) {
    const std::string good = "Event: Good\r\nN: 1\r\n\r\n";
    for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{65536}}) {
        Reader reader({.lineBytes = 64, .messageBytes = 256, .messageHeaders = 8});
        const auto seen = transcribe(reader, good + GetParam().bytes + good, [=](std::size_t) { return piece; });
        EXPECT_THAT(seen.items,
                    ElementsAre("M Event=Good|N=1|", "D " + std::string(GetParam().kind), "M Event=Good|N=1|"));
        EXPECT_EQ(reader.statistics().damagedTotal(), 1U);
        EXPECT_EQ(reader.statistics().messages, 2U);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, ReaderDamage,
    testing::Values(
        // PAMI #119: an event cut in the middle of a line, the rest of another line behind it.
        DamageCase{"PamiCut", "Event: BridgeEnter\r\nBridgeUni\r\n\\name: CID\r\nChannel: x\r\n\r\n", "no_colon"},
        DamageCase{"HalfKey", "Event: BridgeEnter\r\n\\name: CID\r\nChannel: x\r\n\r\n", "bad_key"},
        DamageCase{"EmptyKey", "Event: A\r\n: x\r\n\r\n", "bad_key"},
        DamageCase{"NoBlankLine", "Event: A\r\nX: 1\r\nEvent: B\r\nY: 2\r\n\r\n", "second_event"},
        DamageCase{"EventInResponse", "Response: Success\r\nevent: B\r\n\r\n", "second_event"},
        DamageCase{"TwoResponses", "Response: Success\r\nRESPONSE: Error\r\n\r\n", "second_response"},
        DamageCase{"HeadLost", "Channel: x\r\nEvent: A\r\n\r\n", "strange_start"},
        DamageCase{"Garbage", "\xff\xfe\x01 what\r\nEvent: A\r\n\r\n", "strange_start"},
        DamageCase{"Nul", std::string("Event: A\r\nX: a\0b\r\n\r\n", 20), "nul"},
        DamageCase{"LongLine", "Event: A\r\nX: " + std::string(100, 'x') + "\r\nY: 1\r\n\r\n", "line_too_long"},
        DamageCase{"VeryLongLine", "Event: A\r\nX: " + std::string(300'000, 'x') + "\r\nY: 1\r\n\r\n", "line_too_long"},
        DamageCase{"LongFirstLine", std::string(1'000, 'x') + "\r\nEvent: no\r\n\r\n", "line_too_long"},
        DamageCase{"LongMessage",
                   "Event: A\r\nA: " + std::string(60, 'x') + "\r\nB: " + std::string(60, 'x') +
                       "\r\nC: " + std::string(60, 'x') + "\r\nD: " + std::string(60, 'x') + "\r\n\r\n",
                   "message_too_long"},
        DamageCase{"ManyHeaders", "Event: A\r\nB:1\r\nC:1\r\nD:1\r\nE:1\r\nF:1\r\nG:1\r\nH:1\r\nI:1\r\nJ:1\r\n\r\n",
                   "too_many_headers"}),
    [](const auto& tried) { return std::string(tried.param.name); });

TEST(Reader, LimitsAreInclusive) {
    const ReaderLimits limits{.lineBytes = 10, .messageBytes = 1000, .messageHeaders = 3};
    EXPECT_THAT(transcribe("Event: 345\r\nB: 2\r\nC: 3\r\n\r\n", 1, limits).items, ElementsAre("M Event=345|B=2|C=3|"));
    EXPECT_THAT(transcribe("Event: 3456\r\n\r\n", 1, limits).items, ElementsAre("D line_too_long"));
    EXPECT_THAT(transcribe("Event: 345\n\nEvent: A\n\n", 1, limits).items, ElementsAre("M Event=345|", "M Event=A|"));
}

TEST(Reader, DuplicatedBlocksAreTwoMessages) {
    const std::string block = "Event: A\r\nX: 1\r\n\r\n";
    EXPECT_THAT(transcribe(block + block).items, ElementsAre("M Event=A|X=1|", "M Event=A|X=1|"));
}

TEST(Reader, ALineOfAGigabyteCostsBoundedMemory) {
    Reader reader;
    std::string start = "Event: A\r\nX: ";
    ASSERT_EQ(reader.feed(start), start.size());
    Transcript seen;
    const std::string chunk(64 * 1024, 'x');
    std::size_t fed = 0;
    while (fed < (std::size_t{1} << 30)) {
        fed += reader.feed(chunk);
        seen.drain(reader);
    }
    EXPECT_THAT(seen.items, ElementsAre("D line_too_long"));
    EXPECT_LE(reader.capacity(), 256U * 1024);
    const std::string rest = "\r\nY: 1\r\n\r\nEvent: B\r\n\r\n";
    ASSERT_EQ(reader.feed(rest), rest.size());
    seen.drain(reader);
    EXPECT_THAT(seen.items, ElementsAre("D line_too_long", "M Event=B|"));
}

TEST(Reader, AMessageOfAMillionHeadersCostsBoundedMemory) {
    Reader reader;
    std::string block = "Response: Success\r\n";
    for (int i = 0; i < 1'000'000; ++i) block += "Output: x\r\n";
    const auto seen = transcribe(reader, block + "\r\nEvent: B\r\n\r\n", [](std::size_t) { return 16384; });
    EXPECT_THAT(seen.items, ElementsAre("D too_many_headers", "M Event=B|"));
    EXPECT_LE(reader.capacity(), 3U * 1024 * 1024);
}

TEST(Reader, TheLongestMessageThatLimitsAllowFits) {
    // 1,000 lines of 1,000 bytes with their ends, under 1 MiB: the buffer must grow to it, in small pieces too.
    std::string block = "Response: Success\r\n";
    for (int i = 0; i < 1000; ++i) block += "Output: " + std::string(990, 'o') + "\r\n";
    Reader reader;
    const auto seen = transcribe(reader, block + "\r\n", [](std::size_t) { return 777; });
    ASSERT_EQ(seen.items.size(), 1U);
    EXPECT_EQ(seen.items[0].size(),
              std::string("M Response=Success|").size() + 1000 * (std::string("Output=|").size() + 990));
}

TEST(Reader, FinishTellsACutMessage) {
    const auto cutAfter = [](std::string_view bytes) {
        Reader reader;
        transcribe(reader, bytes, [](std::size_t) { return 5; });
        return reader.finish();
    };
    EXPECT_TRUE(cutAfter("Event: A\r\nX: 1\r\n"));
    EXPECT_TRUE(cutAfter("Event: A\r\nX: 1"));
    EXPECT_TRUE(cutAfter("Event: A\r\n\r\nEve"));
    EXPECT_FALSE(cutAfter("Event: A\r\n\r\n"));
    EXPECT_FALSE(cutAfter("Event: A\r\n\r\n\r\n"));
    EXPECT_FALSE(cutAfter(""));
}

TEST(Message, KeysAreComparedWithoutCaseAndExactly) {
    EXPECT_TRUE(sameKey("CallerIDNum", "CALLERIDNUM"));
    EXPECT_FALSE(sameKey("CallerIDNum", "CallerIDName"));
    EXPECT_FALSE(sameKey("a[", "a{")); // differ in the case bit, but are no letters
    EXPECT_FALSE(sameKey("a@", "a`"));
    EXPECT_FALSE(sameKey("\xc4", "\xe4"));
    EXPECT_TRUE(sameKey("", ""));
}

} // namespace
