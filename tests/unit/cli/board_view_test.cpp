#include "cli/board_view.hpp"

#include "cli/text.hpp"

#include <gmock/gmock.h>

namespace pbx::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

const SteadyTime start{};
const UtcTime asOf = fromEpochMicros(1'700'000'000'000'000);

ops::QueueMember member(const std::string& agent, ops::MemberState state) {
    ops::QueueMember out;
    out.agent = agent;
    out.memberName = agent;
    out.interface = "PJSIP/" + agent;
    out.state = state;
    return out;
}

QueueView queue(const std::string& name) {
    QueueView out;
    out.status.name = name;
    out.status.title = name;
    out.status.asOf = asOf;
    out.received = start;
    return out;
}

void addCaller(QueueView& view, const std::string& number, std::int32_t wait) {
    ops::QueueCaller caller;
    caller.number = number;
    caller.position = static_cast<std::int32_t>(view.status.callers.size()) + 1;
    caller.waitSeconds = wait;
    view.status.callers.push_back(caller);
    view.status.counts.waiting++;
    view.status.counts.longestWaitSeconds = std::max(view.status.counts.longestWaitSeconds, wait);
}

Board boardOf(std::vector<QueueView> queues) {
    TenantBoard tenant;
    tenant.tenant = "viatalk";
    tenant.queues = std::move(queues);
    tenant.loaded = true;
    return {tenant};
}

std::string joined(const std::vector<std::string>& lines) {
    std::string out;
    for (const auto& line : lines) out += line + '\n';
    return out;
}

std::string lineWith(const std::vector<std::string>& lines, const std::string& what) {
    for (const auto& line : lines)
        if (line.find(what) != std::string::npos) return line;
    return "(none)";
}

TEST(ClockText, IsShortAndReadable) {
    EXPECT_EQ(clockText(0), "0:00");
    EXPECT_EQ(clockText(75), "1:15");
    EXPECT_EQ(clockText(3599), "59:59");
    EXPECT_EQ(clockText(3723), "1:02:03");
}

TEST(BoardView, ClocksRunOnWhileTheBoardIsLive) {
    auto support = queue("support");
    addCaller(support, "5550100", 70);
    auto alice = member("alice", ops::MemberState::in_call);
    alice.inCallSince = asOf - 30s;
    alice.talkingTo = "5550199";
    support.status.members.push_back(alice);
    auto bob = member("bob", ops::MemberState::wrapup);
    bob.wrapupUntil = asOf + 20s;
    support.status.members.push_back(bob);
    const auto lines = renderBoard(boardOf({support}), {100, 40}, start + 5s, "12:00:00", false);
    EXPECT_THAT(lineWith(lines, "5550100"), HasSubstr("1:15"));
    EXPECT_THAT(lineWith(lines, "alice"), HasSubstr("0:35"));
    EXPECT_THAT(lineWith(lines, "alice"), HasSubstr("5550199"));
    EXPECT_THAT(lineWith(lines, "bob"), HasSubstr("-0:15"));
    EXPECT_THAT(lines.front(), HasSubstr("live  12:00:00"));
}

TEST(BoardView, ATalkOfUnknownLengthHasADashForItsClock) {
    auto support = queue("support");
    auto alice = member("alice", ops::MemberState::in_call);
    alice.talkingTo = "5550199";
    support.status.members = {alice, member("bob", ops::MemberState::free)};
    const auto lines = renderBoard(boardOf({support}), {100, 40}, start, "", false);
    EXPECT_THAT(lineWith(lines, "alice"), ::testing::ContainsRegex("in call +- +5550199"));
    EXPECT_THAT(lineWith(lines, "bob"), Not(HasSubstr("-")));
    EXPECT_THAT(joined(lines), Not(HasSubstr("0:00")));
}

TEST(BoardView, SaysLoudlyThatItIsStaleAndStopsTheClocks) {
    auto support = queue("support");
    addCaller(support, "5550100", 70);
    auto board = boardOf({support});
    board[0].problem = "no connection to 127.0.0.1:8080: connection refused";
    board[0].problemSince = start;
    auto lines = renderBoard(board, {100, 40}, start + 12s, "12:00:00", false);
    EXPECT_THAT(lines[0], HasSubstr("STALE  12:00:00"));
    EXPECT_THAT(lines[1], HasSubstr("STALE for 0:12: no connection to 127.0.0.1:8080"));
    EXPECT_THAT(lineWith(lines, "5550100"), HasSubstr("1:10"));
    board[0].problem.clear();
    board[0].stale = true;
    board[0].asOf = asOf;
    lines = renderBoard(board, {120, 40}, start + 12s, "12:00:00", true);
    EXPECT_THAT(lines[1], HasSubstr("\x1b[97;41;1m"));
    EXPECT_THAT(lines[1], HasSubstr("the board is of 2023-11-14T22:13:20Z"));
}

TEST(BoardView, BeforeAnyBoardWasLoadedNobodyIsSaidToWait) {
    auto board = boardOf({});
    board.push_back(board.front());
    for (auto& tenant : board) tenant.loaded = false;
    board[0].problem = "user or password is not right";
    board[0].problemSince = start;
    for (const std::size_t rows : {0, 24}) {
        const auto lines = renderBoard(board, {100, rows}, start + 5s, "12:00:00", false);
        ASSERT_EQ(lines.size(), 2U) << joined(lines);
        EXPECT_THAT(lines[0], testing::AllOf(HasSubstr("2 tenants"), HasSubstr("STALE  12:00:00"),
                                             Not(HasSubstr("queue")), Not(HasSubstr("waiting"))));
        EXPECT_THAT(lines[1], HasSubstr("user or password is not right"));
    }
    board[1].loaded = true;
    EXPECT_THAT(joined(renderBoard(board, {100, 24}, start + 5s, "12:00:00", false)),
                testing::AllOf(HasSubstr("0 queues, 0 waiting"), HasSubstr("Nobody waits.")));
}

TEST(BoardView, AnAgentOfSeveralQueuesIsOneRowWithTheStrongestState) {
    auto support = queue("support");
    auto sales = queue("sales");
    auto here = member("alice", ops::MemberState::paused);
    here.paused = true;
    here.pausedReason = "lunch";
    here.callsTaken = 2;
    auto there = member("alice", ops::MemberState::in_call);
    there.talkingTo = "5550100";
    there.callsTaken = 3;
    support.status.members.push_back(here);
    sales.status.members.push_back(there);
    const auto lines = renderBoard(boardOf({support, sales}), {100, 40}, start, "", false);
    const auto row = lineWith(lines, "alice");
    EXPECT_THAT(row, HasSubstr("in call"));
    EXPECT_THAT(row, HasSubstr("5550100"));
    EXPECT_THAT(row, HasSubstr(" 5  support sales"));
    EXPECT_EQ(joined(lines).find("alice"), joined(lines).rfind("alice"));
}

TEST(BoardView, FitsEverySizeOfTerminal) {
    std::vector<QueueView> queues;
    for (int q = 0; q < 30; ++q) {
        auto one = queue("a-queue-with-a-rather-long-name-" + std::to_string(q));
        one.status.title = "日本語のサポート窓口 " + std::to_string(q);
        for (int c = 0; c < 5; ++c) addCaller(one, "+81 3 5550 010" + std::to_string(c), c * 10);
        for (int m = 0; m < 5; ++m)
            one.status.members.push_back(
                member("agent-" + std::to_string(q) + "-" + std::to_string(m), ops::MemberState::free));
        queues.push_back(one);
    }
    const auto board = boardOf(queues);
    for (const std::size_t columns : {20U, 40U, 80U, 81U, 133U, 250U})
        for (const std::size_t rows : {5U, 12U, 24U, 25U, 50U, 100U, 400U}) {
            const auto lines = renderBoard(board, {columns, rows}, start, "12:00:00", false);
            EXPECT_LE(lines.size(), rows);
            for (const auto& line : lines) EXPECT_LE(displayWidth(line), columns) << line;
        }
    const auto small = renderBoard(board, {80, 24}, start, "12:00:00", false);
    EXPECT_EQ(small.size(), 24U) << joined(small) << "all rows are used";
    EXPECT_THAT(joined(small), HasSubstr("more"));
    EXPECT_THAT(joined(small), HasSubstr("CALLER"));
    EXPECT_THAT(joined(small), HasSubstr("AGENT"));
    const auto all = renderBoard(board, {120, 0}, start, "12:00:00", false);
    EXPECT_EQ(all.size(), 1U + 1U + 31U + 1U + 151U + 1U + 151U);
    EXPECT_THAT(joined(all), Not(HasSubstr(" more")));
}

TEST(BoardView, TheLongestWaitStandsFirstAndLateOnesAreRed) {
    auto support = queue("support");
    support.status.serviceLevelSeconds = 60;
    addCaller(support, "first", 20);
    addCaller(support, "late", 90);
    const auto lines = renderBoard(boardOf({support}), {100, 40}, start, "", true);
    const auto text = joined(lines);
    EXPECT_LT(text.find("late"), text.find("first"));
    EXPECT_THAT(lineWith(lines, "late"), HasSubstr("\x1b[31;1m"));
    EXPECT_THAT(lineWith(lines, "first"), Not(HasSubstr("\x1b[31;1m")));
}

TEST(BoardView, WhosePlaceIsKeptIsACallback) {
    auto support = queue("support");
    addCaller(support, "first", 20);
    addCaller(support, "second", 30);
    support.status.callers[1].callback = "r_abcdefgh234567zz";
    support.status.callers[1].name = "Zoe";
    const auto lines = renderBoard(boardOf({support}), {100, 40}, start, "", false);
    EXPECT_THAT(lineWith(lines, "second"), HasSubstr("callback: Zoe"));
    EXPECT_THAT(lineWith(lines, "first"), Not(HasSubstr("callback")));
}

TEST(BoardView, HostileNamesDoNotReachTheTerminal) {
    auto support = queue("support");
    addCaller(support, "1\x1b]0;owned\x07", 5);
    support.status.callers[0].name = "x\ny";
    const auto text = joined(renderBoard(boardOf({support}), {100, 40}, start, "", false));
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_THAT(text, HasSubstr("x\\u000ay"));
}

} // namespace
} // namespace pbx::cli
