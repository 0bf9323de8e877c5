#include "base/log.hpp"

#include "base/error.hpp"
#include "base/secret.hpp"
#include "temp_dir.hpp"

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <array>
#include <fcntl.h>
#include <filesystem>
#include <gmock/gmock.h>
#include <limits>
#include <map>
#include <sstream>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace pbx;
using pbx::test::readAll;
using pbx::test::TempDir;

static_assert(!std::is_constructible_v<LogField, const char*, SecretString>, "a secret cannot be logged");
static_assert(!std::is_constructible_v<LogField, const char*, void*>, "no pointer turns into `true`");

namespace {

struct FixedClock final : Clock {
    UtcTime now() const override { return time; }
    SteadyTime steady() const override { return {}; }
    UtcTime time = fromEpochMicros(1'795'382'678'000'001);
};

struct LogTest : testing::Test {
    Log open(LogFormat format, LogLevel level = LogLevel::info) const {
        return Log({.level = level, .format = format, .file = path}, clock);
    }
    std::string written() const { return readAll(path); }
    std::vector<std::string> lines() const {
        std::istringstream in(written());
        std::vector<std::string> all;
        for (std::string line; std::getline(in, line);) all.push_back(line);
        return all;
    }

    TempDir dir;
    std::string path = dir.at("log");
    FixedClock clock;
};

} // namespace

TEST_F(LogTest, TextLineHasTimeLevelEventAndFields) {
    const auto log = open(LogFormat::text);
    log.info("link.up",
             {{"asterisk", "main"}, {"after_ms", 12}, {"first", true}, {"load", 0.5}, {"note", "two words"}});
    EXPECT_EQ(written(), "2026-11-22T21:24:38.000001Z info link.up asterisk=main after_ms=12 first=true load=0.5 "
                         "note=\"two words\"\n");
}

TEST_F(LogTest, AWholeSecondHasItsSixDigitsToo) {
    clock.time = fromEpochMicros(1'795'382'678'000'000);
    open(LogFormat::text).info("tick");
    EXPECT_EQ(written(), "2026-11-22T21:24:38.000000Z info tick\n");
}

TEST_F(LogTest, JsonLineHasTheSameWithTheirTypes) {
    const auto log = open(LogFormat::json);
    log.warning("link.down", {{"asterisk", std::string("main")},
                              {"silent_ms", std::int64_t{-1}},
                              {"bytes", std::numeric_limits<std::uint64_t>::max()},
                              {"ratio", std::numeric_limits<double>::infinity()},
                              {"tenant", TenantId("t1")},
                              {"since", fromEpochMicros(0)},
                              {"nothing", static_cast<const char*>(nullptr)}});
    EXPECT_EQ(written(), "{\"time\":\"2026-11-22T21:24:38.000001Z\",\"level\":\"warning\",\"event\":\"link.down\","
                         "\"asterisk\":\"main\",\"silent_ms\":-1,\"bytes\":18446744073709551615,\"ratio\":null,"
                         "\"tenant\":\"t1\",\"since\":\"1970-01-01T00:00:00Z\",\"nothing\":\"\"}\n");
}

TEST_F(LogTest, ACallersNameCannotForgeALineOrAFieldOrReachTheTerminal) {
    const std::string hostile = "x\r\n2026-11-22T21:24:38Z error fake.event a=\"b\" \x1B[2J\xC2\x9B\xE2\x80\xAE\xFF";
    open(LogFormat::text).info("call.started", {{"caller", hostile}, {"bare", "a=b"}, {"blank", ""}});
    EXPECT_EQ(written(), "2026-11-22T21:24:38.000001Z info call.started "
                         "caller=\"x\\u000d\\u000a2026-11-22T21:24:38Z error fake.event a=\\\"b\\\" "
                         "\\u001b[2J\\u009b\\u202e\xEF\xBF\xBD\" bare=\"a=b\" blank=\"\"\n");
}

TEST_F(LogTest, JsonOfAnyBytesIsReadBackByAParser) {
    const auto log = open(LogFormat::json);
    std::string all;
    for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
    log.info("bytes", {{"value", all}});
    const auto parsed = lines();
    ASSERT_EQ(parsed.size(), 1U);
    const auto object = Poco::JSON::Parser().parse(parsed[0]).extract<Poco::JSON::Object::Ptr>();
    const auto value = object->getValue<std::string>("value");
    EXPECT_EQ(value.substr(0, 128), all.substr(0, 128));
    EXPECT_EQ(value.size(), 128U + 128U * 3U); // each of the others is U+FFFD
}

TEST_F(LogTest, LongValuesAreCutBetweenCharacters) {
    std::string value(Log::maxValueBytes - 1, 'x');
    value += "\xC3\xA4 and more";
    open(LogFormat::text).info("long", {{"value", value}});
    EXPECT_THAT(written(), testing::EndsWith("xxx...\"\n"));
    EXPECT_EQ(written().find("\xEF\xBF\xBD"), std::string::npos);
}

TEST_F(LogTest, LevelsBelowTheSetOneAreNotWrittenAndCanChange) {
    const auto log = open(LogFormat::text, LogLevel::warning);
    const auto child = log.with({{"request", "r1"}});
    log.info("hidden");
    child.debug("hidden");
    EXPECT_FALSE(log.on(LogLevel::info));
    log.error("seen");
    log.setLevel(LogLevel::debug); // reaches the copies made before
    child.debug("seen.too");
    EXPECT_EQ(written(), "2026-11-22T21:24:38.000001Z error seen\n"
                         "2026-11-22T21:24:38.000001Z debug seen.too request=r1\n");
}

TEST_F(LogTest, ChildrenAddTheirFieldsInBothFormats) {
    open(LogFormat::text).with({{"request", "r 1"}}).with({{"tenant", "a"}}).info("e", {{"k", 1}});
    EXPECT_THAT(written(), testing::EndsWith(" info e request=\"r 1\" tenant=a k=1\n"));
    std::filesystem::remove(path);
    open(LogFormat::json).with({{"request", "r\"1"}}).info("e", {{"k", 1}});
    EXPECT_THAT(written(), testing::EndsWith("\"event\":\"e\",\"request\":\"r\\\"1\",\"k\":1}\n"));
}

TEST_F(LogTest, ThreadsDoNotMixTheirLines) {
    const auto log = open(LogFormat::text);
    std::vector<std::thread> threads;
    for (int id = 0; id < 4; ++id)
        threads.emplace_back([&log, id] {
            const auto mine = log.with({{"thread", id}});
            for (int i = 0; i < 1000; ++i) mine.info("tick", {{"i", i}});
        });
    for (auto& thread : threads) thread.join();
    std::map<std::string, int> seen;
    for (const auto& line : lines()) ++seen[line];
    EXPECT_EQ(seen.size(), 4000U);
    EXPECT_EQ(seen["2026-11-22T21:24:38.000001Z info tick thread=3 i=999"], 1);
}

TEST_F(LogTest, LinesLongerThanAPipeTakesAtOnceStayWhole) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    std::string got;
    std::thread reader([&] {
        std::array<char, 997> chunk{};
        for (ssize_t count = 0; (count = ::read(ends[0], chunk.data(), chunk.size())) > 0;)
            got.append(chunk.data(), static_cast<std::size_t>(count));
    });
    {
        const Log log({.fd = ends[1]}, clock);
        std::vector<std::thread> writers;
        for (const char letter : {'x', 'y', 'z'})
            writers.emplace_back([&log, value = std::string(4000, letter)] {
                for (int i = 0; i < 20; ++i)
                    log.info("huge", {{"v1", value}, {"v2", value}, {"v3", value}, {"v4", value}, {"v5", value}});
            });
        for (auto& writer : writers) writer.join();
        EXPECT_EQ(log.lostLines(), 0U);
    }
    ::close(ends[1]);
    reader.join();
    ::close(ends[0]);
    std::istringstream in(got);
    int count = 0;
    for (std::string line; std::getline(in, line); ++count) {
        const char letter = line.back();
        ASSERT_EQ(std::count(line.begin(), line.end(), letter), 5 * 4000) << line.substr(0, 80);
    }
    EXPECT_EQ(count, 60);
}

TEST_F(LogTest, AFileMovedAwayIsOpenedAnew) {
    const auto log = open(LogFormat::text);
    const auto child = log.with({{"k", 1}});
    log.info("before");
    std::filesystem::rename(path, dir.at("log.1"));
    log.info("still.old");
    log.reopen();
    child.info("after");
    EXPECT_THAT(readAll(dir.at("log.1")), testing::HasSubstr("still.old"));
    EXPECT_EQ(written(), "2026-11-22T21:24:38.000001Z info after k=1\n");
}

TEST_F(LogTest, WhatCannotBeWrittenIsCounted) {
    const Log log({.file = "/dev/full"}, clock);
    log.info("lost");
    log.info("lost");
    EXPECT_EQ(log.lostLines(), 2U);
    try {
        const Log never({.file = dir.at("no/such/folder/log")}, clock);
        FAIL() << "opened a file in a folder that does not exist";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::unavailable);
        EXPECT_THAT(error.cause(), testing::EndsWith("no/such/folder/log: No such file or directory"));
    }
}

TEST(LogNone, IsOffAtEveryLevelForGood) {
    const auto log = Log::none();
    log.setLevel(LogLevel::debug);
    EXPECT_FALSE(log.on(LogLevel::error));
    log.with({{"k", 1}}).error("nowhere", {{"k", 2}});
    EXPECT_EQ(log.lostLines(), 0U);
}

TEST(LogWords, AreReadBack) {
    for (const auto level : {LogLevel::error, LogLevel::warning, LogLevel::info, LogLevel::debug})
        EXPECT_EQ(parseLogLevel(logLevelText(level)), level);
    EXPECT_EQ(parseLogLevel("INFO"), std::nullopt);
    EXPECT_EQ(parseLogFormat("json"), LogFormat::json);
    EXPECT_EQ(parseLogFormat("text"), LogFormat::text);
    EXPECT_EQ(parseLogFormat("xml"), std::nullopt);
}
