// Random tables: the longest match, by way of matchKeys() as the database is asked, is what looking at every row finds.
#include "case_table.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

namespace pbx::routing {
namespace {

class Dice {
public:
    explicit Dice(unsigned seed) : engine_(seed) {}
    int operator()(int from, int to) { return std::uniform_int_distribution<int>(from, to)(engine_); }
    std::mt19937& engine() { return engine_; }

private:
    std::mt19937 engine_;
};

// Few digits, so that many entries match.
std::string randomNumber(Dice& dice, int shortest, int longest) {
    std::string number = "+1";
    for (int n = dice(shortest, longest); n > 0; --n) number += static_cast<char>('2' + dice(0, 1));
    return number;
}

std::vector<domain::BlockEntry> randomBlocks(Dice& dice) {
    std::vector<domain::BlockEntry> entries(static_cast<std::size_t>(dice(0, 60)));
    int id = 0;
    for (auto& entry : entries) {
        entry.id = BlockId(std::to_string(++id));
        entry.kind = static_cast<domain::BlockKind>(dice(0, 2));
        if (entry.kind == domain::BlockKind::exact) entry.number = randomNumber(dice, 6, 8);
        if (entry.kind == domain::BlockKind::prefix) entry.number = randomNumber(dice, 0, 8);
        if (dice(0, 2) == 0) entry.expiresAt = fromEpochMicros(dice(0, 2000));
        entry.createdAt = fromEpochMicros(dice(0, 3));
    }
    return entries;
}

// Brute force, digit by digit, straight from the words of the rule: longest, exact before a prefix as long, older, id.
std::string bruteForce(const std::vector<domain::BlockEntry>& entries, const std::string& number, UtcTime at) {
    std::vector<const domain::BlockEntry*> matching;
    for (const auto& entry : entries) {
        if (entry.expiresAt && *entry.expiresAt <= at) continue;
        if (entry.kind == domain::BlockKind::anonymous ? number.empty()
            : entry.kind == domain::BlockKind::exact   ? number == entry.number
                                                       : number.compare(0, entry.number.size(), entry.number) == 0)
            matching.push_back(&entry);
    }
    for (std::size_t length = number.size() + 1; length-- > 0;)
        for (const auto kind : {domain::BlockKind::exact, domain::BlockKind::prefix, domain::BlockKind::anonymous})
            for (int created = 0; created <= 3; ++created) {
                std::string first;
                for (const auto* entry : matching)
                    if (entry->number.size() == length && entry->kind == kind &&
                        epochMicros(entry->createdAt) == created && (first.empty() || entry->id.str() < first))
                        first = entry->id.str();
                if (!first.empty()) return first;
            }
    return {};
}

TEST(Property, LongestMatchEqualsBruteForce) {
    Dice dice(3);
    int hits = 0;
    for (int round = 0; round < 2000; ++round) {
        test::TenantData data;
        data.blocklist = randomBlocks(dice);
        Number caller;
        caller.kind = dice(0, 9) == 0 ? NumberKind::withheld : NumberKind::e164;
        if (caller.kind == NumberKind::e164) caller.text = randomNumber(dice, 6, 8);
        const auto at = fromEpochMicros(dice(0, 2000));
        const auto expected = bruteForce(data.blocklist, caller.text, at);
        auto fetched = test::fetch(data, caller).blocks;
        for (int order = 0; order < 3; ++order) {
            std::shuffle(fetched.begin(), fetched.end(), dice.engine());
            const auto* found = findBlock(fetched, caller, at);
            ASSERT_EQ(found ? found->id.str() : "", expected) << round << " " << caller.text;
        }
        // Rows that storage need not have fetched change nothing.
        const auto* among = findBlock(data.blocklist, caller, at);
        ASSERT_EQ(among ? among->id.str() : "", expected) << round << " " << caller.text;
        hits += !expected.empty();
    }
    EXPECT_GT(hits, 500);
    EXPECT_LT(hits, 2000);
}

domain::Destination randomDestination(Dice& dice) {
    domain::Destination to;
    to.kind = static_cast<domain::DestinationKind>(dice(0, 5));
    to.queue = QueueId(std::to_string(dice(0, 9))); // 8 and 9 do not exist
    to.agent = AgentId(std::to_string(dice(0, 1)));
    return to;
}

// Whatever the overflows: an answer comes, it names only what exists, and the level is within its bounds.
TEST(Property, EveryDecisionIsUsable) {
    Dice dice(7);
    for (int round = 0; round < 3000; ++round) {
        TenantTables tables;
        tables.agents[AgentId("0")].id = AgentId("0");
        if (dice(0, 3)) tables.routing.defaultQueue = QueueId(std::to_string(dice(0, 9)));
        tables.routing.blocked = randomDestination(dice);
        tables.routing.closed = randomDestination(dice);
        for (int q = 0; q < 8; ++q) {
            auto& row = tables.queues[QueueId(std::to_string(q))];
            row.queue.id = QueueId(std::to_string(q));
            row.conditions.priorityCeiling = dice(0, 5);
            for (int n = dice(0, 3); n > 0; --n)
                row.conditions.overflow.push_back(
                    {static_cast<domain::OverflowWhen>(dice(0, 4)), dice(0, 3), randomDestination(dice)});
        }
        domain::Did did;
        did.number = "+12125550100";
        if (dice(0, 2)) did.queue = QueueId(std::to_string(dice(0, 9)));
        if (dice(0, 1)) did.hours = HoursId("h");
        if (dice(0, 1)) did.closed = randomDestination(dice);
        tables.dids.emplace(did.number, did);
        if (dice(0, 2)) tables.hours[HoursId("h")].timeZone = dice(0, 1) ? "UTC" : "no/zone";
        CallerRows rows;
        rows.priority = domain::PriorityCaller{};
        rows.priority->number = "+13125550111";
        rows.priority->level = dice(0, 9);
        const Question question{{NumberKind::e164, "+13125550111"}, {NumberKind::e164, did.number}, fromEpochMicros(0)};
        const auto facts = QueueFacts{dice(0, 4), dice(0, 4), dice(0, 2), dice(0, 2)};
        const bool known = dice(0, 4) != 0;
        const auto board = [&](const domain::Queue&) { return known ? std::optional(facts) : std::nullopt; };

        const auto decision = decide(tables, rows, question, board);
        const auto& to = decision.destination;
        if (to.kind == domain::DestinationKind::queue || to.kind == domain::DestinationKind::callbackOffer) {
            ASSERT_TRUE(tables.queues.contains(to.queue)) << round;
        }
        if (to.kind == domain::DestinationKind::agent) {
            ASSERT_EQ(to.agent, AgentId("0")) << round;
        }
        if (to.kind == domain::DestinationKind::queue) {
            ASSERT_LE(decision.priority, tables.queues.at(to.queue).conditions.priorityCeiling) << round;
            ASSERT_GE(decision.priority, 0) << round;
        } else {
            ASSERT_EQ(decision.priority, 0) << round;
            ASSERT_FALSE(decision.offerCallback) << round;
        }
        ASSERT_FALSE(decision.reasons.empty()) << round;
        ASSERT_LE(decision.reasons.size(), 40U) << round;
        ASSERT_EQ(decide(tables, rows, question, board).reasons, decision.reasons) << round;
    }
}

} // namespace
} // namespace pbx::routing
