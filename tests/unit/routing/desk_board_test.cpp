#include "routing/desk_board.hpp"

#include <gtest/gtest.h>

namespace pbx::routing {
namespace {

using live::MemberStatus;
using namespace std::chrono_literals;

const UtcTime now = fromEpochMicros(1'790'000'000'000'000);

std::shared_ptr<live::Member> member(MemberStatus status) {
    auto out = std::make_shared<live::Member>();
    out->status = status;
    return out;
}
std::shared_ptr<live::Caller> caller(std::chrono::seconds waited) {
    auto out = std::make_shared<live::Caller>();
    out->since = now - waited;
    return out;
}
std::shared_ptr<live::Snapshot> board(std::string server, live::Queue queue) {
    auto out = std::make_shared<live::Snapshot>();
    out->server = std::move(server);
    out->stale = false;
    out->queues.put(std::move(queue), 1);
    return out;
}
live::Queue named(std::string name) {
    live::Queue out;
    out.name = std::move(name);
    return out;
}
domain::Queue on(std::string server, std::string asteriskName) {
    domain::Queue out;
    out.server = std::move(server);
    out.asteriskName = std::move(asteriskName);
    return out;
}

TEST(DeskBoard, CountsWhoWaitsAndForHowLong) {
    auto queue = named("acme-support");
    queue.callers = {caller(90s), caller(12s), caller(-3s)}; // the last one: our clock was set back meanwhile
    const auto facts = boardOf({board("main", queue)}, now)(on("main", "acme-support"));
    ASSERT_TRUE(facts);
    EXPECT_EQ(3, facts->waiting);
    EXPECT_EQ(90, facts->longestWaitSeconds);
    EXPECT_EQ(0, facts->loggedIn);
    auto place = *caller(500s); // of a callback
    place.uniqueid = "pbxd-abcdefgh234567zzaaabx";
    queue.callers.push_back(std::make_shared<live::Caller>(place));
    EXPECT_EQ(3, boardOf({board("main", queue)}, now)(on("main", "acme-support"))->waiting);
    EXPECT_EQ(90, boardOf({board("main", queue)}, now)(on("main", "acme-support"))->longestWaitSeconds);
    const auto quiet = boardOf({board("main", named("acme-support"))}, now)(on("main", "acme-support"));
    ASSERT_TRUE(quiet);
    EXPECT_EQ(0, quiet->waiting);
    EXPECT_EQ(0, quiet->longestWaitSeconds);
}

TEST(DeskBoard, CountsWhoIsThereAndWhoCouldTakeACall) {
    auto queue = named("acme-support");
    const auto paused = member(MemberStatus::free);
    paused->paused = true;
    const auto talking = member(MemberStatus::free); // Asterisk's own state comes late
    talking->inCall = true;
    const auto ringing = member(MemberStatus::free);
    ringing->ringing.emplace();
    const auto wrapping = member(MemberStatus::free);
    wrapping->wrapupUntil = now + 1s;
    const auto wrapped = member(MemberStatus::free);
    wrapped->wrapupUntil = now;
    queue.members = {member(MemberStatus::free),
                     paused,
                     talking,
                     ringing,
                     wrapping,
                     wrapped,
                     member(MemberStatus::inUse),
                     member(MemberStatus::unavailable),
                     member(MemberStatus::invalid)};
    const auto facts = boardOf({board("main", queue)}, now)(on("main", "acme-support"));
    ASSERT_TRUE(facts);
    EXPECT_EQ(7, facts->loggedIn);
    EXPECT_EQ(2, facts->free);
}

TEST(DeskBoard, WhatIsNotKnownHasNoFacts) {
    const auto stale = board("main", named("acme-support"));
    stale->stale = true;
    const auto other = board("other", named("acme-sales"));
    const auto ask = boardOf({stale, other}, now);
    EXPECT_FALSE(ask(on("main", "acme-support"))) << "stale";
    EXPECT_FALSE(ask(on("other", "acme-support"))) << "another server's queue";
    EXPECT_FALSE(ask(on("nowhere", "acme-sales"))) << "no such server";
    EXPECT_TRUE(ask(on("other", "acme-sales")));
}

} // namespace
} // namespace pbx::routing
