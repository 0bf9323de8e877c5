// What is read off a board.
#include "callbacks/sight.hpp"
#include "domain/callback.hpp"

#include <gtest/gtest.h>

namespace pbx::callbacks {
namespace {

using live::ChannelState;
using live::MemberStatus;

const UtcTime now = fromEpochMicros(1'790'000'000'000'000);
const CallbackId id("r_abcdefgh234567zz");
const std::string ours = domain::callbackChannelId(id, 1);

live::Snapshot board() {
    live::Snapshot out;
    out.stale = false;
    out.startup = "2026-11-22 20:20:36";
    return out;
}
std::shared_ptr<live::Member> member(const std::string& interface, MemberStatus status = MemberStatus::free) {
    auto out = std::make_shared<live::Member>();
    out->interface = interface;
    out->status = status;
    return out;
}
std::shared_ptr<live::Caller> caller(const std::string& uniqueid, UtcTime since) {
    auto out = std::make_shared<live::Caller>();
    out->uniqueid = uniqueid;
    out->since = since;
    return out;
}
void add(live::Snapshot& to, const std::string& uniqueid, ChannelState state, const std::string& dialedBy = {},
         const std::string& bridge = {}) {
    live::Channel channel;
    channel.uniqueid = uniqueid;
    channel.state = state;
    channel.dialedBy = dialedBy;
    channel.bridgeId = bridge;
    to.channels.put(std::move(channel), 1);
}

TEST(CallbackSight, CountsWhoCouldTakeACall) {
    auto seen = board();
    live::Queue queue;
    queue.name = "acme-sales";
    auto paused = member("PJSIP/2");
    paused->paused = true;
    auto talking = member("PJSIP/3");
    talking->talking = live::Engagement{};
    auto wrapping = member("PJSIP/4");
    wrapping->wrapupUntil = now + std::chrono::microseconds(1);
    auto rested = member("PJSIP/5");
    rested->wrapupUntil = now;
    queue.members = {member("PJSIP/1"),
                     paused,
                     talking,
                     wrapping,
                     rested,
                     member("PJSIP/6", MemberStatus::ringing),
                     member("PJSIP/7", MemberStatus::unavailable)};
    queue.callers = {caller("1790000000.1", now), caller(ours + "x", now)};
    seen.queues.put(std::move(queue), 1);
    const auto sight = sightOf(seen, now, true);
    EXPECT_TRUE(sight.current);
    EXPECT_EQ("2026-11-22 20:20:36", sight.startup);
    EXPECT_EQ(2, sight.queues.at("acme-sales").free);
    EXPECT_EQ(5, sight.queues.at("acme-sales").serving); // all but the paused and the one that cannot be reached
    const auto& waiting = sight.queues.at("acme-sales").waiting;
    ASSERT_EQ(2U, waiting.size());
    EXPECT_FALSE(waiting[0].ours);
    EXPECT_EQ(now, waiting[0].since);
    ASSERT_TRUE(waiting[1].ours);
    EXPECT_EQ(id, waiting[1].ours->id);
    EXPECT_EQ(ours + "x", waiting[1].channelId);
}

TEST(CallbackSight, CutOffIsWhoHasTrunksAndNoneIsReachable) {
    auto seen = board();
    const auto trunk = [&](const std::string& name, const std::string& state) {
        live::Peer peer;
        peer.name = name;
        peer.deviceState = state;
        seen.peers.put(std::move(peer), 1);
    };
    trunk("PJSIP/acme-trunk-main", "UNAVAILABLE");
    trunk("PJSIP/acme-trunk-second", "UNAVAILABLE");
    trunk("PJSIP/other-trunk-main", "UNAVAILABLE");
    trunk("PJSIP/other-trunk-second", "INUSE");
    trunk("PJSIP/new-trunk-main", "UNKNOWN");      // the dialplan will know
    trunk("PJSIP/idle-101", "UNAVAILABLE");        // a phone
    trunk("SIP/legacy-trunk-main", "UNAVAILABLE"); // none that was rendered
    trunk("PJSIP/a-trunk-trunk-b", "UNAVAILABLE"); // of a or of a-trunk
    trunk("PJSIP/a-trunk-main", "NOT_INUSE");      // of a
    EXPECT_EQ((std::set<std::string, std::less<>>{"acme", "a-trunk"}), sightOf(seen, now, true).cutOff);
    trunk("PJSIP/acme-trunk-second", "NOT_INUSE");
    EXPECT_EQ((std::set<std::string, std::less<>>{"a-trunk"}), sightOf(seen, now, true).cutOff);
}

TEST(CallbackSight, FollowsTheLegsThatOursDialled) {
    auto seen = board();
    add(seen, ours, ChannelState::up);
    add(seen, ours + "x", ChannelState::up);
    add(seen, "1790000000.7", ChannelState::ringing, ours);
    add(seen, "1790000000.8", ChannelState::up, ours + "x", "b1");
    add(seen, "1790000000.9", ChannelState::ringing, "1790000000.1");
    auto sight = sightOf(seen, now, true);
    EXPECT_EQ((std::set<std::string, std::less<>>{ours, ours + "x"}), sight.alive);
    EXPECT_EQ(2U, sight.legs.size());
    EXPECT_EQ(LegState::ringing, sight.legs.at(ours));
    EXPECT_EQ(LegState::answered, sight.legs.at(ours + "x")); // alone in its bridge
    live::Bridge bridge;
    bridge.id = "b1";
    bridge.channels = {"1790000000.8", ours + "x"};
    seen.bridges.put(std::move(bridge), 1);
    EXPECT_EQ(LegState::connected, sightOf(seen, now, true).legs.at(ours + "x"));
}

TEST(CallbackSight, AStaleBoardOrAnotherNodesIsNotActedOn) {
    auto seen = board();
    EXPECT_FALSE(sightOf(seen, now, false).current);
    EXPECT_FALSE(sightOf(seen, now, false).driven);
    seen.stale = true;
    EXPECT_TRUE(sightOf(seen, now, true).driven);
    EXPECT_FALSE(sightOf(seen, now, true).current);
}

} // namespace
} // namespace pbx::callbacks
