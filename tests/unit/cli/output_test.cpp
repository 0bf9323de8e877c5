#include "cli/output.hpp"

#include "cli/console.hpp"
#include "ops/catalogue/routing_callers.hpp"
#include "ops/catalogue/routing_tables.hpp"

#include <gtest/gtest.h>
#include <sstream>

namespace pbx::cli {
namespace {

// What a terminal of that width shows.
template <class Row>
std::string shown(const std::vector<Row>& rows, std::size_t columns) {
    std::ostringstream out;
    std::istringstream in;
    Console console{.out = out, .err = out, .in = in, .environment = {}, .askSecret = {}};
    console.outTerminal = true;
    console.columns = columns;
    std::vector<const void*> items;
    for (const auto& row : rows) items.push_back(&row);
    writeItems(console, Row::describe(), items);
    return out.str();
}

TEST(Table, WhatIsMinorGoesBeforeAnythingIsCut) {
    ops::CustomerRow customer;
    customer.id = "c_abcdefghijklmnop";
    customer.number = "+12125550123";
    customer.status = "vip";
    customer.attributes = {{"company", "Kline & Sons"}, {"plan", "Gold"}};
    customer.updatedAt = fromEpochMicros(1'700'000'000'000'000);
    const std::vector rows{customer};
    EXPECT_NE(shown(rows, 120).find("c_abcdefghijklmnop"), std::string::npos);
    EXPECT_NE(shown(rows, 85).find("UPDATED"), std::string::npos);
    EXPECT_EQ(shown(rows, 60), "NUMBER        STATUS  ATTRIBUTES\n"
                               "+12125550123  vip     company Kline & Sons, plan Gold\n");
    EXPECT_EQ(shown(rows, 40), "NUMBER        STATUS  ATTRIBUTES\n"
                               "+12125550123  vip     company Kline & S…\n");
}

TEST(Table, SentencesAreWrapped) {
    const std::vector<ops::RouteReason> rows{{"open", "Open, by the hours of the office."}, {"status", "Vip."}};
    EXPECT_EQ(shown(rows, 26), "CODE    TEXT\n"
                               "open    Open, by the hours\n"
                               "        of the office.\n"
                               "status  Vip.\n");
}

TEST(Table, AStructIsItsWords) {
    ops::StatusRuleRow rule;
    rule.status = "overdue";
    rule.destination = ops::Destination{domain::DestinationKind::queue, "billing"};
    EXPECT_EQ(shown(std::vector{rule}, 80), "STATUS   LEVEL  DESTINATION    WHEN CLOSED\n"
                                            "overdue      0  queue billing  no\n");
}

} // namespace
} // namespace pbx::cli
