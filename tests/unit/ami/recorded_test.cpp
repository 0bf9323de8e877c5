// Recordings of a real Asterisk through the reader, in every cut. The expectation is a second, naive way to read them.
#include "ami_support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

using namespace pbx::ami;
using namespace pbx::ami::test;

namespace {

// Splits the whole text at once: no state, no limits, no damage.
std::vector<std::string> naiveMessages(std::string text) {
    if (text.starts_with("Asterisk Call Manager/")) text.erase(0, text.find('\n') + 1);
    std::vector<std::string> messages;
    std::string current;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
        if (!line.empty() && line.back() == '\r') line.pop_back();
        if (line.empty()) {
            if (!current.empty()) messages.push_back("M " + current);
            current.clear();
            continue;
        }
        const auto colon = line.find(':');
        const auto value = line.substr(colon + 1);
        current += line.substr(0, colon) + "=" + (value.starts_with(' ') ? value.substr(1) : value) + "|";
    }
    return messages; // a message without its empty line at the end of the recording is none
}

bool hasForgedText(const std::filesystem::path& path) { return path.filename() == "probe-injection.s2c.ami"; }

TEST(Recorded, ThereAreEnoughOfThem) { EXPECT_GE(recordings().size(), 50U); }

TEST(Recorded, EachReadsAsTheNaiveWayWithoutDamage) {
    for (const auto& path : recordings()) {
        if (hasForgedText(path)) continue;
        SCOPED_TRACE(path);
        const std::string bytes = readFixture(path);
        auto seen = transcribe(bytes).items;
        if (!seen.empty() && seen.front().starts_with("B ")) {
            EXPECT_EQ(seen.front(), path.string().find("/22/") != std::string::npos ? "B 11.0.0" : "B 5.0.4");
            seen.erase(seen.begin());
        }
        EXPECT_FALSE(seen.empty());
        EXPECT_EQ(seen, naiveMessages(bytes));
    }
}

TEST(Recorded, SmallOnesReadTheSameCutAtEveryByte) {
    int tried = 0;
    for (const auto& path : recordings()) {
        const std::string bytes = readFixture(path);
        if (bytes.size() > 3000) continue;
        SCOPED_TRACE(path);
        ++tried;
        const Transcript whole = transcribe(bytes);
        for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
            Reader reader;
            const auto split = transcribe(reader, bytes, [=](std::size_t at) { return at == 0 ? cut : bytes.size(); });
            ASSERT_EQ(split, whole) << "cut at " << cut;
        }
    }
    EXPECT_GE(tried, 10);
}

TEST(Recorded, BigOnesReadTheSameInAnyPieces) {
    std::mt19937 random(20261122);
    for (const auto& path : recordings()) {
        const std::string bytes = readFixture(path);
        if (bytes.size() <= 3000) continue;
        SCOPED_TRACE(path);
        const Transcript whole = transcribe(bytes, 1 << 20);
#ifdef PBX_SANITIZED // where each piece costs ten times as much
        const std::size_t smallest = bytes.size() <= 60'000 ? 1 : 7;
#else
        const std::size_t smallest = 1;
#endif
        for (const std::size_t piece : {smallest, std::size_t{1460}})
            ASSERT_EQ(transcribe(bytes, piece), whole) << piece;
        for (const std::size_t most : {10U, 5000U}) {
            std::uniform_int_distribution<std::size_t> size(1, most);
            Reader reader;
            ASSERT_EQ(transcribe(reader, bytes, [&](std::size_t) { return size(random); }), whole) << most;
        }
    }
}

// Dialplan values with CR LF: Newexten, CEL and UserEvent with a forged "Event: Fake" inside, "Event: Fake2" behind it.
TEST(Recorded, ForgedEventsInsideAMessageAreDamage) {
    for (const std::string version : {"16", "22"}) {
        SCOPED_TRACE(version);
        const auto seen = transcribe(readFixture(fixtureDir() / version / "probe-injection.s2c.ami")).items;
        const auto count = [&](std::string_view start) {
            return std::count_if(seen.begin(), seen.end(), [&](const auto& item) { return item.starts_with(start); });
        };
        EXPECT_EQ(count("M Event=Fake|"), 0);
        EXPECT_GT(count("D second_event"), 0);
        EXPECT_GT(count("M Event=Fake2|"), 0); // stands alone: only its missing origin betrays it (Session)
    }
}

TEST(Recorded, ACutInTheMiddleOfAStreamLosesOnlyTheMessagesAtTheCut) {
    // Every k-th window of 40 bytes is overwritten by nothing, as PAMI #119 saw it.
    const std::string bytes = readFixture(fixtureDir() / "22/s12_member_administration.s2c.ami");
    const auto whole = transcribe(bytes).items;
    for (std::size_t at = 100; at + 40 < bytes.size(); at += 37) {
        std::string damaged = bytes;
        damaged.erase(at, 40);
        const auto seen = transcribe(damaged).items;
        // What is lost: the message under the hole and, where its end is in the hole, the one behind it.
        ASSERT_GE(seen.size() + 2, whole.size()) << "hole at " << at;
        ASSERT_EQ(seen.back(), at + 300 < bytes.size() ? whole.back() : seen.back());
    }
}

TEST(Recorded, TimeIsLinearWhateverThePieces) {
    // A message of 1 MiB in pieces of one byte: a reader that starts over with each piece would need 5e11 steps.
    std::string block = "Response: Success\r\n";
    while (block.size() < 1'000'000) block += "Output: " + std::string(200, 'o') + "\r\n";
    const auto begin = std::chrono::steady_clock::now();
    const auto seen = transcribe(block + "\r\n", 1);
    EXPECT_EQ(seen.items.size(), 1U);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

} // namespace
