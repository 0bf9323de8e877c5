// Each node tells its own feed of all callbacks, each change once, whoever wrote it and however late.
#include "callbacks/news_feed.hpp"
#include "callbacks_support.hpp"

namespace pbx::callbacks::test {
namespace {

using namespace std::chrono_literals;

class NewsFeedOf : public CallbacksTest {
protected:
    void turn(Micros after = 1s) {
        clock.advance(after);
        news.turn();
    }
    CallbackId before = request("+12125550120"); // not told
    std::vector<std::string> told;
    NewsFeed::Publish publish = [this](const storage::CallbackNews& one) { told.push_back(one.id()); };
    UtcTime begun = (clock.advance(1s), clock.now());
    NewsFeed news{repos.callbackJobs, publish, clock};
};

TEST_F(NewsFeedOf, EachChangeOnceFromNowOn) {
    turn();
    EXPECT_TRUE(told.empty());
    const auto id = request();
    turn();
    turn();
    EXPECT_EQ(std::vector{id.str() + "/1"}, told);
    repos.callbacks.cancel(scope, id.str());
    repos.callbackJobs.told(repos.callbackJobs.untold()); // another node has told its log
    turn();
    EXPECT_EQ((std::vector{id.str() + "/1", id.str() + "/2"}), told);
    turn(2min);
    turn();
    EXPECT_EQ(2U, told.size());
}

// Commits of several nodes do not come in the order of their times.
TEST_F(NewsFeedOf, WhatIsSeenLateComesAllTheSame) {
    const auto early = request();
    clock.advance(20s);
    const auto late = request("+12125550199");
    turn();
    EXPECT_EQ((std::vector{early.str() + "/1", late.str() + "/1"}), told);
}

TEST_F(NewsFeedOf, AClockThatIsSetBackTellsNothingAgainAndHidesNothing) {
    std::vector<std::string> all;
    const auto asks = [&](int n) { all.push_back(request("+12125550" + std::to_string(n)).str() + "/1"); };
    for (int n = 200; n < 210; ++n) {
        asks(n);
        turn();
        turn(20s);
    }
    ASSERT_EQ(all, told);
    clock.jump(-95s);
    asks(300);
    turn();
    EXPECT_EQ(all, told);
    for (int n = 301; n < 310; ++n) {
        asks(n);
        turn(20s);
        EXPECT_EQ(all, told) << n;
    }
}

TEST_F(NewsFeedOf, AClockThatIsSetBackJustAfterTheStart) {
    turn();
    clock.jump(-1h);
    const auto id = request();
    turn();
    turn();
    EXPECT_EQ(std::vector{id.str() + "/1"}, told); // and not what was before
}

// The database was away from this node alone.
TEST_F(NewsFeedOf, AfterALongPauseWhatWasMissedComes) {
    turn();
    const auto id = request();
    turn(10min);
    EXPECT_EQ(std::vector{id.str() + "/1"}, told);
}

TEST_F(NewsFeedOf, MoreThanOneBatch) {
    turn();
    for (int i = 0; i < 600; ++i) {
        storage::NewCallback wanted;
        wanted.queue = "sales";
        wanted.number = "+1212555" + std::to_string(1000 + i);
        wanted.source = "source " + std::to_string(i); // one alone may not ask for so many
        repos.callbacks.request(scope, wanted);
        clock.advance(1ms);
    }
    turn();
    EXPECT_EQ(600U, told.size());
    turn();
    EXPECT_EQ(600U, told.size());
}

} // namespace
} // namespace pbx::callbacks::test
