// Whose turn it is: positions as Asterisk counts them.
#include "callbacks/kept_place.hpp"
#include "callbacks/turn.hpp"

#include <gtest/gtest.h>

namespace pbx::callbacks {
namespace {

using namespace std::chrono_literals;

const UtcTime noon = fromEpochMicros(1'790'000'000'000'000);
const CallbackId first("r_aaaaaaaaaaaaaaaa"), second("r_bbbbbbbbbbbbbbbb");

class TurnOf : public ::testing::Test {
protected:
    void caller(Micros after, std::optional<int> priority = 0) {
        queue.waiting.push_back({noon + after, priority, {}, "caller-" + std::to_string(queue.waiting.size())});
    }
    std::string placeholder(const CallbackId& id, Micros joinedAfter) {
        const auto channel = domain::callbackChannelId(id, 1, 2);
        queue.waiting.push_back({noon + joinedAfter, 0, domain::parseCallbackChannelId(channel), channel});
        return channel;
    }
    int position(const CallbackId& id, UtcTime since) const { return positionOf(queue, {0, since, id}, turns); }
    int position(const CallbackId& id) const { return positionOf(queue, turns.at(id), turns); }
    bool misplaced(const CallbackId& id) const {
        return isMisplaced(queue, domain::callbackChannelId(id, 1, 2), turns.at(id), turns);
    }

    QueueSight queue;
    Turns turns{{first, {0, noon, first}}, {second, {0, noon + 10s, second}}};
};

// Its customer calls by himself: before who came after it was asked for, behind who came earlier, callback or caller.
TEST_F(TurnOf, WhoTakesOverACallbacksPlace) {
    const auto job = [](const CallbackId& id, Micros after) {
        storage::CallbackJob out;
        out.callback.id = id;
        out.callback.requestedAt = noon + after;
        return out;
    };
    const std::vector<storage::CallbackJob> underWay{job(first, 0s), job(second, 10s)};
    caller(-20s);
    placeholder(first, 1s);
    placeholder(second, 11s);
    caller(20s);
    Sight sight;
    sight.queues["acme-sales"] = queue;
    auto mine = underWay[1].callback;
    mine.priority = 4;
    const auto place = [&](int priority) { return keptPlace(sight, "acme-sales", mine, priority, underWay)->position; };
    EXPECT_EQ(1, place(0)); // its priority lifts him before everybody of a lower one
    mine.priority = 0;
    EXPECT_EQ(3, place(0)); // where its own placeholder stands, which goes
    EXPECT_EQ(1, place(7)); // he has become important
    EXPECT_EQ(7, keptPlace(sight, "acme-sales", mine, 7, underWay)->priority);
    EXPECT_EQ(noon + 10s, keptPlace(sight, "acme-sales", mine, 7, underWay)->since);
    EXPECT_EQ(std::nullopt, keptPlace(sight, "acme-support", mine, 0, underWay));
}

// Behind callbacks that were asked for before he came, too; he himself does not count.
TEST_F(TurnOf, WhoCameBeforeHeJoins) {
    storage::CallbackJob job;
    job.callback.id = first;
    job.callback.requestedAt = noon;
    caller(-20s); // caller-0
    placeholder(first, 1s);
    caller(20s); // caller-2
    Sight sight;
    sight.queues["acme-sales"] = queue;
    const auto place = [&](const std::string& channel, Micros after, int priority = 0) {
        return callerPlace(sight, "acme-sales", channel, priority, noon + after, {job});
    };
    EXPECT_EQ(1, place("new", -30s));
    EXPECT_EQ(2, place("new", -10s));
    EXPECT_EQ(3, place("new", 10s));
    EXPECT_EQ(4, place("new", 30s));
    EXPECT_EQ(1, place("new", 30s, 1));
    EXPECT_EQ(3, place("caller-2", 20s));
    EXPECT_EQ(std::nullopt, callerPlace(sight, "acme-support", "new", 0, noon, {}));
}

TEST_F(TurnOf, NobodyWaits) { EXPECT_EQ(1, position(first)); }

TEST_F(TurnOf, BehindThoseWhoCameEarlier) {
    caller(-20s);
    caller(-10s);
    caller(5s);
    caller(20s);
    EXPECT_EQ(3, position(first));
    EXPECT_EQ(4, position(second));
}

TEST_F(TurnOf, BehindEverybodyOfAHigherPriorityWheneverHeCame) {
    caller(30s, 10);
    caller(-10s);
    caller(20s);
    EXPECT_EQ(3, position(first));
    turns[first].priority = 10;
    EXPECT_EQ(1, position(first)); // before who came later, and before everybody of a lower one
    turns[first].priority = 20;
    EXPECT_EQ(1, position(first));
}

TEST_F(TurnOf, WhoseSPriorityIsUnknownCountsByWhereHeStands) {
    caller(30s, std::nullopt); // let in front of one who came earlier
    caller(-10s);
    EXPECT_EQ(3, position(first));
    queue.waiting.pop_back();
    EXPECT_EQ(1, position(first)); // Asterisk knows better, should he be important
}

TEST_F(TurnOf, CallbacksKeepTheirOrderAmongThemselves) {
    placeholder(first, 60s);
    EXPECT_EQ(2, position(second));
    turns[second].since = noon;
    EXPECT_EQ(2, position(second)); // of one moment: by their ids
    queue.waiting.clear();
    placeholder(second, 60s);
    EXPECT_EQ(1, position(first));
    turns.erase(second); // not under way any more
    caller(20s);
    EXPECT_EQ(1, position(first));
}

TEST_F(TurnOf, AtItsPlaceNobodyIsMisplaced) {
    caller(40s, 10);
    caller(-10s);
    placeholder(first, 60s);
    placeholder(second, 61s);
    caller(20s);
    EXPECT_FALSE(misplaced(first));
    EXPECT_FALSE(misplaced(second));
}

TEST_F(TurnOf, BehindWhoCameLaterItIsMisplaced) {
    caller(20s);
    placeholder(first, 60s);
    EXPECT_TRUE(misplaced(first));
    queue.waiting[0].since = noon + 1s; // a list tells whole seconds
    EXPECT_FALSE(misplaced(first));
}

TEST_F(TurnOf, BeforeWhoCameEarlierItIsMisplaced) {
    placeholder(first, 60s);
    caller(-10s, std::nullopt);
    EXPECT_TRUE(misplaced(first));
    queue.waiting[1].since = noon - 1s;
    EXPECT_FALSE(misplaced(first));
    queue.waiting[1].since = noon - 10s;
    queue.waiting[1].priority = -1; // less important
    EXPECT_FALSE(misplaced(first));
}

TEST_F(TurnOf, WhoWasLetInFrontLaterMisplacesNobody) {
    caller(61s, std::nullopt);
    placeholder(first, 60s);
    EXPECT_FALSE(misplaced(first));
    queue.waiting[0].priority = 0; // he is not important after all
    EXPECT_TRUE(misplaced(first));
}

TEST_F(TurnOf, TwoCallbacksInTheWrongOrderAreMisplaced) {
    placeholder(second, 60s);
    placeholder(first, 61s);
    EXPECT_TRUE(misplaced(first));
    EXPECT_FALSE(misplaced(second)); // it is well placed once the other is
    caller(20s);
    placeholder(CallbackId("r_cccccccccccccccc"), 62s);
    turns[CallbackId("r_cccccccccccccccc")] = {0, noon - 5s, CallbackId("r_cccccccccccccccc")};
    EXPECT_EQ(
        3, position(CallbackId("r_dddddddddddddddd"), noon + 15s)); // not behind the one at the end, who stands wrong
}

} // namespace
} // namespace pbx::callbacks
