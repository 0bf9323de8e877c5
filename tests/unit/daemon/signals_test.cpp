#include "daemon/signals.hpp"

#include <gtest/gtest.h>
#include <thread>
#include <unistd.h>

using namespace pbx::daemon;
using namespace std::chrono_literals;

TEST(Signals, AreHandedOutAsValues) {
    Signals signals;
    EXPECT_EQ(signals.wait(0ms), std::nullopt);
    ASSERT_EQ(::kill(::getpid(), SIGHUP), 0);
    EXPECT_EQ(signals.wait(5s), SignalAsked::reload);
    for (const int stop : {SIGTERM, SIGINT}) {
        ASSERT_EQ(::kill(::getpid(), stop), 0);
        EXPECT_EQ(signals.wait(5s), SignalAsked::stop);
    }
    EXPECT_EQ(signals.wait(20ms), std::nullopt);
}

TEST(Signals, SeveralReloadsThatWaitAreOne) {
    Signals signals;
    for (int i = 0; i < 3; ++i) ASSERT_EQ(::kill(::getpid(), SIGHUP), 0);
    EXPECT_EQ(signals.wait(5s), SignalAsked::reload);
    EXPECT_EQ(signals.wait(0ms), std::nullopt);
}

TEST(Signals, ThreadsStartedAfterwardsDoNotTakeThem) {
    Signals signals;
    std::thread other([] { ASSERT_EQ(::kill(::getpid(), SIGTERM), 0); }); // this thread is the likeliest receiver
    other.join();
    EXPECT_EQ(signals.wait(5s), SignalAsked::stop);
}

TEST(Signals, AClientThatWentAwayDoesNotEndTheProcess) {
    Signals signals;
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    ::close(ends[0]);
    EXPECT_EQ(::write(ends[1], "x", 1), -1);
    EXPECT_EQ(errno, EPIPE);
    ::close(ends[1]);
}
