// One writer, many readers of snapshots and feed: run under ThreadSanitizer too.
#include "support.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

using namespace pbx;
using namespace pbx::live;
using namespace pbx::live::test;

TEST(Threads, ReadersSeeWholeBoardsWhileTheWriterGoesOn) {
    Rig rig;
    FakeQueue& queue = rig.asterisk.queues["q"];
    for (int i = 0; i < 50; ++i)
        queue.members.push_back({.interface = "PJSIP/" + std::to_string(100 + i), .name = "M" + std::to_string(i)});
    rig.connect();

    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> reads{0};
    std::atomic<int> torn{0};
    std::vector<std::thread> readers;
    for (int r = 0; r < 3; ++r)
        readers.emplace_back([&] {
            std::uint64_t last = 0;
            while (!stop) {
                const auto board = rig.mirror.snapshot();
                if (board->sequence < last) ++torn; // never backwards
                last = board->sequence;
                // The writer pauses all members with one reason after the other before it publishes: a board is of one
                // reason only.
                const Queue* q = board->queues.find("q");
                if (!q || q->members.size() != 50) {
                    ++torn;
                    continue;
                }
                const std::string& first = q->members.front()->pausedReason;
                for (const auto& member : q->members)
                    if (member->pausedReason != first) ++torn;
                ++reads;
            }
        });
    readers.emplace_back([&] {
        std::uint64_t after = 0;
        while (!stop) {
            const auto page = rig.feed.read(after, 500);
            std::uint64_t expected = after;
            for (const auto& event : page.events)
                if (event->seq != ++expected) ++torn;
            after = page.next;
            std::this_thread::yield();
        }
    });
    readers.emplace_back([&] { // what any thread may ask for
        while (!stop) {
            rig.mirror.setWrapup({{"q", 15}});
            std::this_thread::yield();
        }
    });

    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    int round = 0;
    while ((round < 200 || reads < 200) && std::chrono::steady_clock::now() < deadline) {
        ++round;
        for (auto& member : queue.members) {
            member.paused = true;
            member.reason = "r" + std::to_string(round);
            rig.event("QueueMemberPause", member.headers("q", false));
        }
        rig.settle();
        if (round % 50 == 0) { // a new generation beside the old one
            rig.asterisk.hangUp();
            rig.mirror.onDown("disconnected");
            rig.connect();
        }
    }
    stop = true;
    for (auto& reader : readers) reader.join();
    EXPECT_GE(round, 200);
    EXPECT_GE(reads.load(), 200U);
    EXPECT_EQ(torn.load(), 0);
}

TEST(Threads, WritersOfSeveralServersShareOneFeed) {
    Feed feed(4096);
    std::atomic<std::uint64_t> hooked{0};
    feed.onPublish([&](std::uint64_t last) {
        std::uint64_t seen = hooked;
        while (seen < last && !hooked.compare_exchange_weak(seen, last)) {
        }
    });
    std::atomic<bool> stop{false};
    std::vector<std::thread> writers;
    for (int w = 0; w < 3; ++w)
        writers.emplace_back([&, w] {
            for (int i = 0; i < 300; ++i) {
                std::vector<FeedEvent> events(4);
                for (int k = 0; k < 4; ++k) {
                    events[static_cast<std::size_t>(k)].server = std::to_string(w);
                    events[static_cast<std::size_t>(k)].position = i * 4 + k;
                }
                feed.publish(std::move(events));
            }
        });
    std::thread reader([&] {
        std::uint64_t after = 0;
        while (!stop) after = feed.read(after, 100).next;
    });
    for (auto& writer : writers) writer.join();
    stop = true;
    reader.join();
    EXPECT_EQ(feed.lastSeq(), 3600U);
    EXPECT_EQ(hooked.load(), 3600U);
    std::vector<int> next(3, 0);
    const auto page = feed.read(0, 4000);
    ASSERT_EQ(page.events.size(), 3600U);
    for (const auto& event : page.events)
        EXPECT_EQ(event->position,
                  next[static_cast<std::size_t>(std::stoi(event->server))]++); // each writer's own order
}

TEST(Feed, AReaderThatFellOutIsToldToStartAnew) {
    Feed feed(8);
    feed.publish(std::vector<FeedEvent>(8));
    EXPECT_FALSE(feed.read(0, 100).fellOut);
    EXPECT_EQ(feed.read(0, 100).events.size(), 8U);
    EXPECT_EQ(feed.read(5, 2).next, 7U);
    feed.publish(std::vector<FeedEvent>(1));
    EXPECT_TRUE(feed.read(0, 100).fellOut);
    EXPECT_EQ(feed.read(0, 100).next, 9U);
    EXPECT_EQ(feed.read(1, 100).events.front()->seq, 2U);
    EXPECT_TRUE(feed.read(10, 100).fellOut) << "a cursor from the future is foreign";
    EXPECT_TRUE(feed.read(9, 100).events.empty());
    EXPECT_FALSE(feed.read(9, 100).fellOut);
    EXPECT_EQ(feed.instance().size(), 16U);
    EXPECT_NE(feed.instance(), Feed(8).instance());
}
