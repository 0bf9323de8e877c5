#include "control/standing.hpp"

#include <gtest/gtest.h>

namespace pbx::control {
namespace {

using domain::Standing;

live::Member member(int penalty, bool paused, std::string reason) {
    live::Member made;
    made.interface = "SIP/a";
    made.penalty = penalty;
    made.paused = paused;
    made.pausedReason = std::move(reason);
    return made;
}

TEST(Standing, IsReadOffTheBoard) {
    EXPECT_EQ((Standing{}), standingOf(nullptr));
    const auto paused = member(4, true, "lunch");
    EXPECT_EQ((Standing{true, 4, true, "lunch"}), standingOf(&paused));
    const auto left = member(0, false, "lunch"); // 22 keeps the reason of the pause before
    EXPECT_EQ((Standing{true, 0, false, ""}), standingOf(&left));
    for (const std::string& bad : {std::string(81, 'x'), std::string("\xff"), std::string("a\0b", 3)}) {
        const auto hostile = member(0, true, bad);
        EXPECT_EQ((Standing{true, 0, true, ""}), standingOf(&hostile));
    }
}

TEST(Standing, OfOneWhoIsNoMemberNothingElseCounts) {
    EXPECT_TRUE(sameStanding({false, 1, true, "a"}, {false, 2, false, ""}));
    EXPECT_FALSE(sameStanding({true, 0, false, ""}, {false, 0, false, ""}));
    EXPECT_TRUE(sameStanding({true, 1, false, "a"}, {true, 1, false, "b"}));
    EXPECT_FALSE(sameStanding({true, 1, true, "a"}, {true, 1, true, "b"}));
    EXPECT_FALSE(sameStanding({true, 1, false, ""}, {true, 2, false, ""}));
}

// Every pair of standings: the steps lead from one to the other, at most three, and each shows what it did.
TEST(Standing, StepsLeadToWhatIsWanted) {
    const Standing all[] = {{},
                            {true, 0, false, ""},
                            {true, 5, false, ""},
                            {true, 0, true, "a"},
                            {true, 5, true, "b"},
                            {true, 5, true, ""}};
    for (const auto& wanted : all)
        for (const auto& from : all) {
            auto now = from;
            int steps = 0;
            while (const auto step = nextStep(wanted, now)) {
                ASSERT_LT(++steps, 4);
                EXPECT_FALSE(shows(now, *step, wanted));
                now = afterStep(*step, wanted, now);
                EXPECT_TRUE(shows(now, *step, wanted));
            }
            EXPECT_TRUE(sameStanding(wanted, now));
            EXPECT_EQ(steps == 0, sameStanding(wanted, from));
        }
    EXPECT_EQ(Step::pause,
              nextStep({true, 5, true, "a"}, {true, 0, false, ""})); // before the penalty: no call may come
}

TEST(Standing, SatisfiesWhatARequestWants) {
    domain::Action action;
    const auto satisfied = [&](domain::ActionKind kind, const Standing& standing) {
        action.kind = kind;
        return satisfies(standing, action);
    };
    using enum domain::ActionKind;
    action.parameters = {{"reason", "lunch"}, {"penalty", "3"}};
    EXPECT_TRUE(satisfied(agentLogin, {true, 3, true, "lunch"}));
    EXPECT_FALSE(satisfied(agentLogin, {true, 3, true, ""}));
    EXPECT_FALSE(satisfied(agentLogin, {true, 3, false, ""}));
    EXPECT_FALSE(satisfied(agentLogin, {true, 9, true, "lunch"}));
    EXPECT_FALSE(satisfied(agentLogin, {}));
    action.parameters.clear();
    EXPECT_TRUE(satisfied(agentLogin, {true, 9, true, "x"}));
    action.parameters = {{"reason", "lunch"}, {"penalty", "3"}};
    EXPECT_TRUE(satisfied(agentLogout, {}));
    EXPECT_FALSE(satisfied(agentLogout, {true, 0, false, ""}));
    EXPECT_TRUE(satisfied(agentPause, {true, 0, true, "lunch"}));
    EXPECT_FALSE(satisfied(agentPause, {true, 0, true, "dinner"}));
    EXPECT_FALSE(satisfied(agentPause, {}));
    EXPECT_TRUE(satisfied(agentUnpause, {true, 0, false, ""}));
    EXPECT_FALSE(satisfied(agentUnpause, {true, 0, true, "lunch"}));
    EXPECT_TRUE(satisfied(agentPenalty, {true, 3, false, ""}));
    EXPECT_FALSE(satisfied(agentPenalty, {true, 4, false, ""}));
}

} // namespace
} // namespace pbx::control
