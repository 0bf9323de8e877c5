// The callback's state machine, cell by cell; what an attempt came to; when the next one is; channel ids.
#include "domain/callback.hpp"

#include <gtest/gtest.h>
#include <iterator>
#include <map>
#include <set>
#include <sstream>

namespace pbx::domain {
namespace {

using namespace std::chrono_literals;

// One line a state, one word an event: the state that follows, "-" where it is refused. Written from RELIABILITY B5.
const char* const matrix = R"(
            claim    adopt     release intend  withdraw gate   ring     answer    connect    complete miss_no_answer miss_busy doubt     retry     give_up cancel     expire   block    reopen
queued      claimed  -         -       -       -        -      -        -         -          -        -              -         -         -         -       cancelled  expired  blocked  queued
claimed     -        claimed   queued  intent  -        -      -        -         -          -        -              -         -         -         -       cancelled  expired  blocked  -
intent      -        intent    -       -       queued   gated  -        -         -          -        -              -         -         -         -       cancelled  expired  blocked  -
gated       -        gated     -       -       -        -      ringing  answered  connected  done     no_answer      busy      in_doubt  -         -       -          -        -        -
ringing     -        ringing   -       -       -        -      -        answered  connected  done     no_answer      busy      in_doubt  -         -       -          -        -        -
answered    -        answered  -       -       -        -      -        -         connected  done     no_answer      busy      in_doubt  -         -       -          -        -        -
connected   -        connected -       -       -        -      -        -         -          done     -              -         -         -         -       -          -        -        -
done        -        -         -       -       -        -      -        -         -          -        -              -         -         -         -       -          -        -        -
no_answer   -        -         -       -       -        -      -        -         -          -        -              -         -         retry_at  failed  -          -        -        -
busy        -        -         -       -       -        -      -        -         -          -        -              -         -         retry_at  failed  -          -        -        -
retry_at    claimed  -         -       -       -        -      -        -         -          done     -              -         -         -         -       cancelled  expired  blocked  queued
in_doubt    -        in_doubt  -       -       -        -      -        -         -          done     no_answer      busy      -         retry_at  failed  cancelled  expired  -        -
failed      -        -         -       -       -        -      -        -         -          -        -              -         -         -         -       -          -        -        queued
cancelled   -        -         -       -       -        -      -        -         -          -        -              -         -         -         -       -          -        -        -
expired     -        -         -       -       -        -      -        -         -          -        -              -         -         -         -       -          -        -        queued
blocked     -        -         -       -       -        -      -        -         -          -        -              -         -         -         -       -          -        -        -
)";

std::vector<std::string> words(const std::string& line) {
    std::istringstream in(line);
    return {std::istream_iterator<std::string>(in), {}};
}

std::vector<CallbackState> allStates() {
    std::vector<CallbackState> out;
    for (std::size_t i = 0; i < callbackStates; ++i) out.push_back(static_cast<CallbackState>(i));
    return out;
}

TEST(CallbackMachine, EveryCellIsAsWritten) {
    std::istringstream lines(matrix);
    std::string line;
    std::getline(lines, line);
    std::getline(lines, line);
    const auto header = words(line);
    ASSERT_EQ(callbackEvents, header.size());
    for (std::size_t event = 0; event < callbackEvents; ++event)
        ASSERT_EQ(header[event], eventToken(static_cast<CallbackEvent>(event)));
    std::size_t rows = 0, allowed = 0;
    while (std::getline(lines, line)) {
        const auto row = words(line);
        if (row.empty()) continue;
        ++rows;
        ASSERT_EQ(callbackEvents + 1, row.size()) << line;
        const auto state = parseCallbackState(row[0]);
        ASSERT_TRUE(state) << row[0];
        for (std::size_t event = 0; event < callbackEvents; ++event) {
            const auto next = nextState(*state, static_cast<CallbackEvent>(event));
            EXPECT_EQ(row[event + 1], next ? stateToken(*next) : "-") << row[0] << " × " << header[event];
            if (next) ++allowed;
        }
    }
    EXPECT_EQ(callbackStates, rows);
    EXPECT_EQ(callbackTransitions().size(), allowed); // no pair stands twice
}

TEST(CallbackMachine, NobodyIsDialledButThroughTheGate) {
    for (const auto& one : callbackTransitions())
        if (isDialling(one.to) && !isDialling(one.from)) {
            EXPECT_EQ(CallbackEvent::gate, one.event) << stateToken(one.from);
        }
}

TEST(CallbackMachine, WhatIsOverStaysOverButForAPersonWhoWantsItAgain) {
    for (const auto state : allStates())
        for (std::size_t i = 0; i < callbackEvents; ++i) {
            const auto event = static_cast<CallbackEvent>(i);
            if (isFinal(state) && event != CallbackEvent::reopen) {
                EXPECT_FALSE(nextState(state, event));
            }
        }
}

TEST(CallbackMachine, EveryStateCanComeToAnEnd) {
    std::set<CallbackState> ending;
    for (const auto state : allStates())
        if (isFinal(state)) ending.insert(state);
    for (std::size_t round = 0; round < callbackStates; ++round)
        for (const auto& one : callbackTransitions())
            if (one.event != CallbackEvent::reopen && ending.contains(one.to)) ending.insert(one.from);
    EXPECT_EQ(callbackStates, ending.size());
}

TEST(CallbackMachine, TooLateToCancelExactlyWhileDialling) {
    for (const auto state : allStates()) {
        if (isDialling(state)) {
            EXPECT_FALSE(nextState(state, CallbackEvent::cancel)) << stateToken(state);
        }
    }
    EXPECT_EQ((std::vector<CallbackState>{CallbackState::queued, CallbackState::claimed, CallbackState::intent,
                                          CallbackState::retryAt, CallbackState::inDoubt}),
              statesTaking(CallbackEvent::cancel));
}

TEST(CallbackMachine, TokensComeBack) {
    std::set<std::string_view> seen;
    for (const auto state : allStates()) {
        EXPECT_EQ(state, parseCallbackState(stateToken(state)));
        EXPECT_TRUE(seen.insert(stateToken(state)).second);
    }
    for (std::size_t i = 0; i < callbackOutcomes; ++i) {
        const auto outcome = static_cast<CallbackOutcome>(i);
        EXPECT_EQ(outcome, parseCallbackOutcome(outcomeToken(outcome)));
    }
    EXPECT_EQ(CallbackMode::customerFirst, parseCallbackMode("customer_first"));
    for (const auto what : {CallbackReturn::off, CallbackReturn::cancel, CallbackReturn::adopt})
        EXPECT_EQ(what, parseCallbackReturn(returnToken(what)));
    EXPECT_FALSE(parseCallbackReturn("Adopt"));
    EXPECT_EQ("adopted", outcomeToken(outcomeOf(CallbackReturn::adopt)));
    EXPECT_EQ("called_again", outcomeToken(outcomeOf(CallbackReturn::cancel)));
    EXPECT_FALSE(parseCallbackState("Queued"));
    EXPECT_FALSE(parseCallbackOutcome(""));
    EXPECT_FALSE(parseCallbackMode("agent"));
}

TEST(CallbackOutcomes, WhatTheDialplanSaysOfItsDial) {
    using O = CallbackOutcome;
    EXPECT_EQ(O::reached, outcomeOf({"ANSWER", 16, {}}));
    EXPECT_EQ(O::reached, outcomeOf({"ANSWER", 16, true}));
    EXPECT_EQ(O::machine, outcomeOf({"ANSWER", 16, false}));
    EXPECT_EQ(O::reached, outcomeOf({"ANSWER", 16, true, true}));
    EXPECT_EQ(O::agentGone, outcomeOf({"ANSWER", 16, true, false})); // customer first: he heard music only
    EXPECT_EQ(O::machine, outcomeOf({"ANSWER", 16, false, false}));
    EXPECT_EQ(O::busy, outcomeOf({"BUSY", 17, {}}));
    EXPECT_EQ(O::busy, outcomeOf({"CHANUNAVAIL", 17, {}}));
    EXPECT_EQ(O::declined, outcomeOf({"CHANUNAVAIL", 21, {}})); // 603: app_dial counts only cause 17 as busy
    EXPECT_EQ(O::declined, outcomeOf({"BUSY", 21, {}}));
    EXPECT_EQ(O::noAnswer, outcomeOf({"NOANSWER", 0, {}}));
    EXPECT_EQ(O::noAnswer, outcomeOf({"CHANUNAVAIL", 19, {}}));
    EXPECT_EQ(O::agentGone, outcomeOf({"CANCEL", 0, {}}));
    EXPECT_EQ(O::unreachable, outcomeOf({"CHANUNAVAIL", 20, {}}));
    EXPECT_EQ(O::unreachable, outcomeOf({"CONGESTION", 34, {}}));
    EXPECT_EQ(O::unreachable, outcomeOf({"INVALIDARGS", 0, {}}));
    EXPECT_EQ(O::unreachable, outcomeOf({"something new", 0, {}}));
    EXPECT_EQ(O::notDialled, outcomeOf({"", 0, {}}));
    EXPECT_EQ(O::notDialled, outcomeOf({"", 21, {}})); // the cause is that of another leg
}

TEST(CallbackOutcomes, WhatTheyMeanToTheMachine) {
    using O = CallbackOutcome;
    const std::map<O, CallbackEvent> expected{
        {O::reached, CallbackEvent::complete},       {O::busy, CallbackEvent::missBusy},
        {O::declined, CallbackEvent::missBusy},      {O::noAnswer, CallbackEvent::missNoAnswer},
        {O::machine, CallbackEvent::missNoAnswer},   {O::unreachable, CallbackEvent::missNoAnswer},
        {O::agentGone, CallbackEvent::missNoAnswer}, {O::notDialled, CallbackEvent::missNoAnswer},
        {O::unknown, CallbackEvent::doubt}};
    ASSERT_EQ(attemptOutcomes, expected.size());
    for (const auto& [outcome, event] : expected) EXPECT_EQ(event, eventOf(outcome)) << outcomeToken(outcome);
}

class NextAttempt : public ::testing::Test {
protected:
    std::optional<UtcTime> next(CallbackOutcome outcome, int dials, int doubts = 0) const {
        return nextAttempt(policy, outcome, dials, doubts, ended, expires);
    }
    RetryPolicy policy;
    UtcTime ended = fromEpochMicros(1'790'000'000'000'000);
    UtcTime expires = ended + 8h;
};

TEST_F(NextAttempt, ComesAfterTheDelayOfItsOutcome) {
    EXPECT_EQ(ended + 5min, next(CallbackOutcome::busy, 1));
    EXPECT_EQ(ended + 15min, next(CallbackOutcome::noAnswer, 1));
    EXPECT_EQ(ended + 60min, next(CallbackOutcome::declined, 2));
    EXPECT_EQ(ended + 10min, next(CallbackOutcome::unknown, 1, 1));
    EXPECT_EQ(std::nullopt, next(CallbackOutcome::reached, 1));
    policy.delays[static_cast<std::size_t>(CallbackOutcome::declined)].reset();
    EXPECT_EQ(std::nullopt, next(CallbackOutcome::declined, 1));
}

TEST_F(NextAttempt, NeverMoreThanAllowed) {
    EXPECT_EQ(ended + 5min, next(CallbackOutcome::busy, 2));
    EXPECT_EQ(std::nullopt, next(CallbackOutcome::busy, 3));
    EXPECT_EQ(std::nullopt, next(CallbackOutcome::busy, 4));
    EXPECT_EQ(std::nullopt, next(CallbackOutcome::unknown, 1, 2)); // the second in doubt is one too many
    policy.maxDoubts = 0;
    EXPECT_EQ(std::nullopt, next(CallbackOutcome::unknown, 1, 1));
}

TEST_F(NextAttempt, NotWhenItsTimeWouldBeOver) {
    expires = ended + 5min;
    EXPECT_EQ(std::nullopt, next(CallbackOutcome::busy, 1));
    expires += 1us;
    EXPECT_EQ(ended + 5min, next(CallbackOutcome::busy, 1));
}

TEST(CallbackChannels, HoldCallbackAndAttemptInLessThan32Characters) {
    const CallbackId id("r_abcdefgh234567zz");
    EXPECT_EQ("pbxd-abcdefgh234567zzaaab", callbackChannelId(id, 1));
    EXPECT_EQ("pbxd-abcdefgh234567zzaaab"
              "x",
              callbackChannelId(id, 1, 2));
    EXPECT_EQ("pbxd-abcdefgh234567zzaaba", callbackChannelId(id, 32));
    EXPECT_EQ("pbxd-abcdefgh234567zz7777", callbackChannelId(id, mostAttempts));
    for (const int attempt : {1, 31, 32, 33, 1000, 123'456, mostAttempts})
        for (const int half : {1, 2}) {
            const auto text = callbackChannelId(id, attempt, half);
            EXPECT_LE(text.size(), 32U);
            const auto back = parseCallbackChannelId(text);
            ASSERT_TRUE(back) << text;
            EXPECT_EQ(id, back->id);
            EXPECT_EQ(attempt, back->attempt);
            EXPECT_EQ(half, back->half);
        }
}

TEST(CallbackChannels, OthersAreNotOurs) {
    for (const auto* text : {"", "pbxd-", "1763871234.12", "pbxd-abcdefgh234567zzaaa", "pbxd-abcdefgh234567zzaaabxx",
                             "pbxd-abcdefgh234567zzaaab;1", "pbxd-ABCDEFGH234567zzaaab", "pbxd-abcdefgh234567zz1aab",
                             "pbxe-abcdefgh234567zzaaab", "pbxd-abcdefgh234567zzaaaby"})
        EXPECT_FALSE(parseCallbackChannelId(text)) << text;
}

} // namespace
} // namespace pbx::domain
