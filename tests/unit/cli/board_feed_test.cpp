#include "support.hpp"

#include "cli/board_feed.hpp"
#include "ops/catalogue/live.hpp"

#include <atomic>
#include <condition_variable>
#include <gmock/gmock.h>

namespace pbx::cli::test {
namespace {

using namespace std::chrono_literals;

// A queue whose count grows at each look, and a poll that answers what the test gives, or hangs until it does.
class Script {
public:
    ops::Outcome answer(const ops::Operation& operation, const ops::Value& params) {
        if (operation.name == "queue.list") {
            if (databaseAway) throw Error(ErrorCode::unavailable, "the database cannot be reached");
            ops::QueuePage page;
            page.items.resize(2);
            page.items[0].name = "support";
            page.items[1].name = "sales";
            return ops::Value::of(std::move(page));
        }
        if (operation.name == "queue.status") {
            ops::QueueStatusResult status;
            status.name = params.as<ops::Reference>().id;
            status.counts.waiting = status.name == "support" ? ++supportLooks : ++salesLooks;
            return ops::Value::of(std::move(status));
        }
        return poll(params.as<ops::EventPollParams>());
    }

    void give(ops::EventPage page) {
        const std::lock_guard lock(mutex_);
        page.next = "next";
        given_.push_back(std::move(page));
        changed_.notify_all();
    }
    void refuse(ErrorCode code) {
        const std::lock_guard lock(mutex_);
        refusal_ = code;
        changed_.notify_all();
    }
    void end() {
        const std::lock_guard lock(mutex_);
        ended_ = true;
        changed_.notify_all();
    }
    bool waitForPoll(std::chrono::seconds within = 10s) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, within, [this] { return waiting_; });
    }

    std::atomic<int> supportLooks = 0, salesLooks = 0;
    std::atomic<bool> databaseAway = false;

private:
    ops::Outcome poll(const ops::EventPollParams& params) {
        ops::EventPage page;
        page.next = "first";
        if (!params.after) return ops::Value::of(std::move(page));
        std::unique_lock lock(mutex_);
        waiting_ = true;
        changed_.notify_all();
        changed_.wait_for(lock, 30s, [this] { return ended_ || refusal_ || !given_.empty(); });
        waiting_ = false;
        if (refusal_) {
            const auto code = *refusal_;
            refusal_.reset();
            throw Error(code, "the script says so");
        }
        if (!given_.empty()) {
            page = std::move(given_.front());
            given_.erase(given_.begin());
        }
        return ops::Value::of(std::move(page));
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<ops::EventPage> given_;
    std::optional<ErrorCode> refusal_;
    bool waiting_ = false, ended_ = false;
};

class BoardFeedTest : public ::testing::Test {
protected:
    void SetUp() override {
        pbxd.answer = [this](const ops::Operation& operation, const ops::Value& params, const ops::CommonParams&) {
            return script.answer(operation, params);
        };
        settings.server = pbxd.url();
        settings.credentials.kind = Credentials::Kind::bearer;
        settings.credentials.secret = SecretString("t");
    }
    void TearDown() override { script.end(); }

    std::unique_ptr<BoardFeed> start() {
        return std::make_unique<BoardFeed>(settings, std::vector<BoardSubject>{{std::nullopt, "viatalk", std::nullopt}},
                                           [this] {
                                               const std::lock_guard lock(mutex);
                                               changed.notify_all();
                                           });
    }
    // True when the board comes to be so within 10 s.
    bool comesToBe(const BoardFeed& feed, const std::function<bool(const TenantBoard&)>& so) {
        std::unique_lock lock(mutex);
        const auto deadline = std::chrono::steady_clock::now() + 10s;
        while (std::chrono::steady_clock::now() < deadline) {
            if (so(feed.read().at(0))) return true;
            changed.wait_for(lock, 50ms);
        }
        return false;
    }

    Script script;
    FakePbxd pbxd;
    ClientSettings settings;
    std::mutex mutex;
    std::condition_variable changed;
};

TEST_F(BoardFeedTest, LoadsAllAndThenLooksOnlyAtWhatAnEventNames) {
    const auto feed = start();
    ASSERT_TRUE(comesToBe(*feed, [](const TenantBoard& board) { return board.loaded; }));
    EXPECT_EQ(feed->read().at(0).queues.size(), 2U);
    ops::EventPage page;
    page.items.resize(1);
    page.items[0].type = ops::EventType::caller_joined;
    page.items[0].queue = "support";
    script.give(page);
    EXPECT_TRUE(comesToBe(*feed, [](const TenantBoard& board) { return board.queues[0].status.counts.waiting == 2; }));
    EXPECT_EQ(script.salesLooks, 1);
    page.items[0].type = ops::EventType::board_stale;
    page.items[0].queue.reset();
    script.give(page);
    EXPECT_TRUE(comesToBe(*feed, [](const TenantBoard& board) { return board.queues[1].status.counts.waiting == 2; }));
}

TEST_F(BoardFeedTest, AStaleCursorIsANewStartNotATrouble) {
    const auto feed = start();
    ASSERT_TRUE(script.waitForPoll());
    script.refuse(ErrorCode::startAnew);
    EXPECT_TRUE(comesToBe(*feed, [](const TenantBoard& board) { return board.queues[1].status.counts.waiting == 2; }));
    EXPECT_EQ(feed->read().at(0).problem, "");
}

TEST_F(BoardFeedTest, TroubleIsShownAndTheBoardKept) {
    const auto feed = start();
    ASSERT_TRUE(script.waitForPoll());
    script.refuse(ErrorCode::unavailable);
    EXPECT_TRUE(comesToBe(*feed, [](const TenantBoard& board) { return board.problem == "the script says so"; }));
    EXPECT_EQ(feed->read().at(0).queues.size(), 2U);
    EXPECT_TRUE(feed->read().at(0).problemSince.has_value());
    EXPECT_TRUE(comesToBe(*feed, [](const TenantBoard& board) { return board.problem.empty(); })) << "it recovers";
}

TEST_F(BoardFeedTest, WithoutItsDatabaseTheQueuesThatAreKnownStayLive) {
    const auto feed = start();
    ASSERT_TRUE(script.waitForPoll());
    script.databaseAway = true;
    ops::EventPage page;
    page.items.resize(1);
    page.items[0].type = ops::EventType::board_fresh;
    script.give(page);
    EXPECT_TRUE(comesToBe(*feed, [](const TenantBoard& board) { return board.queues[1].status.counts.waiting == 2; }));
    EXPECT_EQ(feed->read().at(0).problem, "");
}

TEST_F(BoardFeedTest, WhoIsNotLetInAsksNoMore) {
    const auto feed = start();
    ASSERT_TRUE(script.waitForPoll());
    EXPECT_FALSE(feed->refusal());
    script.refuse(ErrorCode::unauthenticated);
    EXPECT_TRUE(comesToBe(*feed, [&](const TenantBoard&) { return feed->refusal().has_value(); }));
    EXPECT_EQ(ErrorCode::unauthenticated, feed->refusal()->code());
    EXPECT_FALSE(script.waitForPoll(3s)) << "longer than it waits between two tries";
}

TEST_F(BoardFeedTest, EndsAtOnceWhileAPollWaits) {
    auto feed = start();
    ASSERT_TRUE(script.waitForPoll());
    const auto begun = std::chrono::steady_clock::now();
    feed.reset();
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 2s);
}

} // namespace
} // namespace pbx::cli::test
