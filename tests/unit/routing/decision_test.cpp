#include "case_table.hpp"

#include <algorithm>
#include <chrono>
#include <gtest/gtest.h>
#include <iostream>
#include <set>

namespace pbx::routing {
namespace {

const test::CaseTable& table() {
    static const auto read = test::readCaseTable(PBX_SOURCE_DIR "/tests/fixtures/routing/cases.json");
    return read;
}

Decision answer(const test::Case& one) {
    const auto& data = table().tenants.at(one.tenant);
    const Question question{normalise(one.caller, data.tables.tenant.country), dialledNumber(data.tables, one.did),
                            one.at};
    return decide(data.tables, test::fetch(data, question.caller), question, [&](const domain::Queue& queue) {
        const auto facts = one.board.find(queue.name);
        return facts == one.board.end() ? std::optional(table().quiet) : facts->second;
    });
}

class Cases : public testing::TestWithParam<std::size_t> {};

TEST_P(Cases, AreDecidedAsWrittenDown) {
    const auto& one = table().cases.at(GetParam());
    const auto decision = answer(one);
    EXPECT_EQ(outcomeToken(decision.outcome), one.expect.outcome);
    EXPECT_EQ(test::destinationText(decision.destination), one.expect.to);
    EXPECT_EQ(decision.priority, one.expect.priority);
    EXPECT_EQ(decision.offerCallback, one.expect.callback);
    EXPECT_EQ(decision.blockedBy.value_or(BlockId()).str(), one.expect.blockedBy);
    std::vector<std::string> because;
    for (const auto& reason : decision.reasons) because.emplace_back(reasonToken(reason.code));
    EXPECT_EQ(because, one.expect.because);
}

INSTANTIATE_TEST_SUITE_P(Table, Cases, testing::Range<std::size_t>(0, table().cases.size()), [](const auto& parameter) {
    auto name = table().cases.at(parameter.param).name;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
});

// The table itself: large enough, every name once, and no reason or outcome that no case shows.
TEST(CaseTable, CoversEveryOutcomeAndEveryReason) {
    std::set<std::string> names;
    std::set<std::string> shown;
    for (const auto& one : table().cases) {
        EXPECT_TRUE(names.insert(one.name).second) << one.name;
        shown.insert(one.expect.outcome);
        shown.insert(one.expect.because.begin(), one.expect.because.end());
    }
    EXPECT_GE(names.size(), 60U);
    for (int code = 0; code <= static_cast<int>(ReasonCode::callbackOffered); ++code)
        EXPECT_TRUE(shown.contains(std::string(reasonToken(static_cast<ReasonCode>(code)))))
            << reasonToken(static_cast<ReasonCode>(code));
    for (int outcome = 0; outcome <= static_cast<int>(Outcome::unroutable); ++outcome)
        EXPECT_TRUE(shown.contains(std::string(outcomeToken(static_cast<Outcome>(outcome)))))
            << outcomeToken(static_cast<Outcome>(outcome));
}

TEST(CaseTable, FallbackAnswersOnlyWhereTheyDiffer) {
    for (const auto& one : table().cases)
        if (one.sql) {
            EXPECT_FALSE(one.sql->outcome == one.expect.outcome && one.sql->to == one.expect.to &&
                         one.sql->priority == one.expect.priority)
                << one.name;
        }
}

TEST(Decision, EmptyTablesAndAnEmptyQuestionStillGetAnAnswer) {
    const auto decision = decide({}, {}, {}, [](const domain::Queue&) { return std::nullopt; });
    EXPECT_EQ(decision.outcome, Outcome::unroutable);
    EXPECT_EQ(decision.destination.kind, domain::DestinationKind::hangUp);
}

TEST(Decision, ADialledNumberIsTheSameByTableAndByNormalising) {
    for (const auto& one : table().cases) {
        const auto& tables = table().tenants.at(one.tenant).tables;
        EXPECT_EQ(dialledNumber(tables, one.did), normalise(one.did, tables.tenant.country)) << one.name;
    }
}

TEST(Decision, NumbersOutOfTheirRangeAreHarmless) {
    TenantTables tables;
    tables.routing.defaultQueue = QueueId("q");
    auto& row = tables.queues[QueueId("q")];
    row.queue.id = QueueId("q");
    row.conditions.priorityCeiling = -7;
    row.conditions.overflow = {{domain::OverflowWhen::waitingPerAgent, 2147483647, {}}};
    CallerRows rows;
    rows.priority = domain::PriorityCaller{};
    rows.priority->number = "+12125550123";
    rows.priority->level = -2147483647;
    const Question question{normalise("+12125550123", "US"), {}, {}};
    const auto decision = decide(tables, rows, question, [](const domain::Queue&) {
        return QueueFacts{2147483647, -1, 2147483647, -5};
    });
    EXPECT_EQ(decision.outcome, Outcome::queued);
    EXPECT_EQ(decision.priority, 0);
}

TEST(Decision, CostIsTold) {
    const SystemClock clock;
    const auto& cases = table().cases;
    const auto start = clock.steady();
    std::size_t reasons = 0;
    constexpr int rounds = 5;
    for (int i = 0; i < rounds; ++i)
        for (const auto& one : cases) reasons += answer(one).reasons.size();
    const auto us = std::chrono::duration<double, std::micro>(clock.steady() - start).count() /
                    (rounds * static_cast<double>(cases.size()));
    std::cout << "two numbers, fetch by scan and decision: " << us << " us\n";
    EXPECT_GT(reasons, cases.size());
    EXPECT_LT(us, 20000) << "even unoptimised, under a sanitizer";
}

} // namespace
} // namespace pbx::routing
