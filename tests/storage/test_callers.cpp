// The tables about callers on both engines: blocklist, priority callers, customers, and the one statement that asks
// them all.
#include "routing_test.hpp"

#include <barrier>

namespace pbx::test {
namespace {

using namespace pbx::storage;
using domain::BlockKind;
using domain::Destination;
using domain::DestinationKind;
using namespace std::chrono_literals;

class CallersOf : public RoutingRows {};

TEST_P(CallersOf, ABlockEntryComesBackAndIsFoundByNumberAndByEachPrefixOfIt) {
    const auto scope = tenantScope("acme");
    const auto made = block(scope, BlockKind::exact, "+12125550123");
    const auto found = repos->blocklist.get(scope, made.id.str());
    EXPECT_EQ(BlockKind::exact, found.kind);
    EXPECT_EQ("+12125550123", found.number);
    EXPECT_EQ("nuisance", found.reason);
    EXPECT_EQ("alice", found.addedBy);
    EXPECT_EQ(clock.now(), found.createdAt);
    EXPECT_FALSE(found.expiresAt);
    EXPECT_EQ(0, found.hits);
    block(scope, BlockKind::exact, "+1212"); // exact: not a prefix of anything
    block(scope, BlockKind::prefix, "+1");
    block(scope, BlockKind::prefix, "+1212555");
    block(scope, BlockKind::prefix, "+1213");
    block(scope, BlockKind::anonymous, "");
    EXPECT_EQ((Words{"+1", "+1212555", "=+12125550123"}), blocking(scope, "+12125550123"));
    EXPECT_EQ((Words{"+1", "+1212555"}), blocking(scope, "+12125550124"));
    EXPECT_EQ((Words{"+1"}), blocking(scope, "+14155550100"));
    EXPECT_EQ((Words{}), blocking(scope, "+442071838750"));
    EXPECT_EQ((Words{"anonymous"}), blocking(scope, ""));
    repos->blocklist.remove(scope, made.id.str());
    EXPECT_EQ((Words{"+1", "+1212555"}), blocking(scope, "+12125550123"));
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->blocklist.get(scope, made.id.str()); }));
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->blocklist.remove(scope, made.id.str()); }));
}

TEST_P(CallersOf, AnEntryEndsAtItsMomentAndANewOneTakesItsPlace) {
    const auto scope = tenantScope("acme");
    const auto end = clock.now() + 1h;
    block(scope, BlockKind::exact, "+12125550123", end);
    repos->priorityCallers.add(scope, {"+12125550123", 7, {}, end, "", ""});
    const auto at = [&](UtcTime now) { return repos->callers.find(scope.tenant(), keysOf("+12125550123"), now); };
    EXPECT_EQ(1U, at(end - 1us).blocks.size());
    EXPECT_TRUE(at(end - 1us).priority);
    EXPECT_EQ(0U, at(end).blocks.size());
    EXPECT_FALSE(at(end).priority);
    EXPECT_EQ("number: is taken already", textOf([&] { block(scope, BlockKind::exact, "+12125550123"); }));
    clock.advance(1h);
    EXPECT_FALSE(block(scope, BlockKind::exact, "+12125550123").expiresAt);
    EXPECT_EQ(3, repos->priorityCallers.add(scope, {"+12125550123", 3, {}, {}, "", ""}).level);
    EXPECT_EQ(1, number("SELECT COUNT(*) FROM blocklist"));
    EXPECT_EQ(1, number("SELECT COUNT(*) FROM priority_callers"));
}

TEST_P(CallersOf, OneStatementTellsEverythingAboutACaller) {
    const auto scope = tenantScope("acme");
    const auto gold = queue(scope, "gold");
    repos->priorityCallers.add(scope, {"+12125550123", 9, gold.id, {}, "board member", "alice"});
    CustomerChange change;
    change.status = "overdue";
    change.attributes.emplace().emplace("city", "Lyon");
    repos->customers.put(scope, "+12125550123", change);
    repos->callers.find(scope.tenant(), {}, clock.now()); // the session is open now
    const auto before = db->statements();
    const auto facts = repos->callers.find(scope.tenant(), keysOf("+12125550123"), clock.now());
    EXPECT_EQ(1U, db->statements() - before);
    ASSERT_TRUE(facts.priority);
    EXPECT_EQ(9, facts.priority->level);
    EXPECT_EQ(gold.id, facts.priority->queue);
    EXPECT_EQ("board member", facts.priority->reason);
    ASSERT_TRUE(facts.customer);
    EXPECT_EQ("overdue", facts.customer->status);
    EXPECT_EQ(clock.now(), facts.customer->updatedAt);
    EXPECT_TRUE(facts.blocks.empty());
}

// The statement stays prepared in its session: each time only its values are new.
TEST_P(CallersOf, TheSameQuestionOverAndOverIsAnsweredAnewEachTime) {
    settings.sessions = 1; // one session for all
    open();
    const auto scope = tenantScope("acme");
    const auto other = tenantScope("other");
    const auto numberOf = [](int i) { return "+1212555" + std::to_string(1000 + i); };
    for (int i = 0; i < 20; i += 2) block(scope, BlockKind::exact, numberOf(i));
    block(scope, BlockKind::prefix, "+12125551005"); // a longer answer for one of them
    repos->customers.put(scope, numberOf(7), {std::string(63, 's'), std::nullopt});
    for (int round = 0; round < 3; ++round)
        for (int i = 0; i < 20; ++i) {
            const auto facts = repos->callers.find(scope.tenant(), keysOf(numberOf(i)), clock.now());
            EXPECT_EQ((i % 2 == 0 ? 1U : 0U) + (i == 5 ? 1U : 0U), facts.blocks.size()) << i;
            EXPECT_EQ(i == 7, facts.customer.has_value()) << i;
            if (facts.customer) {
                EXPECT_EQ(std::string(63, 's'), facts.customer->status);
            }
            EXPECT_TRUE(repos->callers.find(other.tenant(), keysOf(numberOf(i)), clock.now()).blocks.empty()) << i;
        }
    // Also by another spelling, which is another statement, and after a change and an error.
    EXPECT_TRUE(repos->callers.find(scope.tenant(), keysOf("+12125551004999"), clock.now()).blocks.empty());
    repos->blocklist.remove(scope, repos->blocklist.find(scope, BlockKind::exact, numberOf(4))->id.str());
    EXPECT_TRUE(repos->callers.find(scope.tenant(), keysOf(numberOf(4)), clock.now()).blocks.empty());
    sql("ALTER TABLE blocklist RENAME TO away");
    EXPECT_TRUE(codeOf([&] { repos->callers.find(scope.tenant(), keysOf(numberOf(6)), clock.now()); }));
    sql("ALTER TABLE away RENAME TO blocklist");
    EXPECT_EQ(1U, repos->callers.find(scope.tenant(), keysOf(numberOf(6)), clock.now()).blocks.size());
}

TEST_P(CallersOf, ImportAddsAndUpdatesAllOrNothing) {
    const auto scope = tenantScope("acme");
    const auto old = block(scope, BlockKind::exact, "+10");
    repos->blocklist.addHits({{scope.tenant(), old.id, 2, clock.now()}});
    std::vector<NewBlockEntry> entries;
    for (int i = 0; i < 1203; ++i)
        entries.push_back({BlockKind::exact, "+1" + std::to_string(i), {}, "list", "import"});
    entries.push_back({BlockKind::prefix, "+1900", {}, "first", "import"});
    entries.push_back({BlockKind::prefix, "+1900", {}, "second", "import"}); // the later one counts
    entries.push_back({BlockKind::anonymous, "", {}, "", "import"});
    const auto result = repos->blocklist.import(scope, entries);
    EXPECT_EQ(1204, result.added); // 1203 - 1 that was there + prefix + anonymous
    EXPECT_EQ(1, result.updated);
    EXPECT_EQ(1205, number("SELECT COUNT(*) FROM blocklist"));
    const auto updated = repos->blocklist.get(scope, old.id.str());
    EXPECT_EQ("list", updated.reason);
    EXPECT_EQ(2, updated.hits);
    EXPECT_EQ("second", repos->callers.find(scope.tenant(), keysOf("+19001"), clock.now()).blocks.front().reason);
    entries = {{BlockKind::exact, "+7", {}, "", ""}, {BlockKind::exact, "+8'; --", {}, "", ""}};
    EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { repos->blocklist.import(scope, entries); }));
    entries[1] = {BlockKind::exact, "+8", {}, std::string(256, 'x'), ""}; // refused by the database, half way
    EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { repos->blocklist.import(scope, entries); }));
    EXPECT_EQ(1205, number("SELECT COUNT(*) FROM blocklist"));
    entries.resize(BlocklistRepository::mostImported + 1, {BlockKind::exact, "+7", {}, "", ""});
    EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { repos->blocklist.import(scope, entries); }));
}

TEST_P(CallersOf, HitsAreAddedInBatchesAndTheLatestMomentStays) {
    const auto scope = tenantScope("acme");
    const auto one = block(scope, BlockKind::exact, "+1");
    const auto two = block(scope, BlockKind::exact, "+2");
    const auto now = clock.now();
    repos->blocklist.addHits({{scope.tenant(), two.id, 1, now}, {scope.tenant(), one.id, 3, now}});
    repos->blocklist.addHits({{scope.tenant(), one.id, 4, now - 1h}, {scope.tenant(), BlockId("b_gone"), 1, now}});
    EXPECT_EQ(7, repos->blocklist.get(scope, one.id.str()).hits);
    EXPECT_EQ(now, repos->blocklist.get(scope, one.id.str()).lastHitAt);
    EXPECT_EQ(1, repos->blocklist.get(scope, two.id.str()).hits);
}

TEST_P(CallersOf, WhatExpiresIsChangedAndFoundByThat) {
    const auto scope = tenantScope("acme");
    const auto now = clock.now();
    const auto entry = block(scope, BlockKind::exact, "+1");
    block(scope, BlockKind::prefix, "+2");
    const auto numbers = [&](bool expired) {
        Words out;
        for (const auto& one : repos->blocklist.list(scope, {}, {.kind = {}, .number = {}, .expired = expired}).items)
            out.push_back(one.number);
        return out;
    };
    EXPECT_EQ((Words{"+1", "+2"}), numbers(false));
    BlockChange soon;
    soon.expiresAt = std::optional(now + 1h);
    soon.reason = "changed";
    const auto changed = repos->blocklist.update(scope, entry.id.str(), soon);
    EXPECT_EQ(now + 1h, changed.expiresAt);
    EXPECT_EQ("changed", repos->blocklist.get(scope, entry.id.str()).reason);
    EXPECT_EQ(Words{}, numbers(true));
    clock.advance(1h); // at that very moment it counts no more
    EXPECT_EQ((Words{"+1"}), numbers(true));
    EXPECT_EQ((Words{"+2"}), numbers(false));
    BlockChange forGood;
    forGood.expiresAt = std::optional<UtcTime>();
    repos->blocklist.update(scope, entry.id.str(), forGood);
    EXPECT_EQ((Words{"+1", "+2"}), numbers(false));
    EXPECT_EQ("changed", repos->blocklist.find(scope, BlockKind::exact, "+1")->reason);
    EXPECT_FALSE(repos->blocklist.find(scope, BlockKind::prefix, "+1"));
    const auto other = tenantScope("brink");
    EXPECT_FALSE(repos->blocklist.find(other, BlockKind::exact, "+1"));
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->blocklist.update(other, entry.id.str(), soon); }));
}

TEST_P(CallersOf, ACustomerIsMadeAndChangedInPartByOneCall) {
    const auto scope = tenantScope("acme");
    CustomerChange change;
    change.status = "vip";
    const auto made = repos->customers.put(scope, "+12125550123", change);
    EXPECT_EQ("vip", made.status);
    EXPECT_TRUE(made.attributes.empty());
    clock.advance(1h);
    CustomerChange attributes;
    attributes.attributes = {{"quote", "' \" \\ ` %_ \\' ;--"},
                             {"\xF0\x9F\x93\x9E", "\xF0\x9F\x98\x80 \xE6\x97\xA5\xE6\x9C\xAC"},
                             {"lines", "a\r\n\tb"},
                             {"empty", ""},
                             {"number", "12.50"},
                             {"drop", "'); DROP TABLE customers; --"}};
    const auto changed = repos->customers.put(scope, "+12125550123", attributes);
    EXPECT_EQ(made.id, changed.id);
    EXPECT_EQ("vip", changed.status);
    EXPECT_EQ(*attributes.attributes, changed.attributes);
    EXPECT_EQ(*attributes.attributes, repos->customers.get(scope, made.id.str()).attributes);
    EXPECT_EQ(clock.now(), changed.updatedAt);
    change.status = "";
    EXPECT_EQ("", repos->customers.put(scope, "+12125550123", change).status);
    EXPECT_EQ(6U, repos->customers.get(scope, "+12125550123").attributes.size());
    const std::vector<std::pair<std::string, std::string>> badAttributes{{"", "x"},
                                                                         {"a\nb", "x"},
                                                                         {"a", "\xFF"},
                                                                         {"a", std::string("x\0y", 3)},
                                                                         {"a", std::string(1001, 'x')},
                                                                         {std::string(65, 'n'), "x"}};
    for (const auto& bad : badAttributes) {
        CustomerChange wrong;
        wrong.attributes = std::map<std::string, std::string>{bad};
        EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { repos->customers.put(scope, "1", wrong); })) << bad.first;
    }
    for (const auto* bad : {"VIP", "v ip", "v'", "\xC3\xA9"}) {
        change.status = bad;
        EXPECT_EQ("status: must be a slug: a-z, 0-9 and '-', at most 63",
                  textOf([&] { repos->customers.put(scope, "1", change); }));
    }
    EXPECT_EQ(1, number("SELECT COUNT(*) FROM customers"));
    repos->customers.remove(scope, "+12125550123");
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->customers.get(scope, "+12125550123"); }));
}

TEST_P(CallersOf, ManyWhoSetTheSameCustomerAtOnceMakeOneRowAndNoError) {
    const auto scope = tenantScope("acme");
    constexpr int writers = 4, rounds = 15;
    std::barrier together(writers);
    std::atomic<int> failed{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < writers; ++i)
        threads.emplace_back([&, i] {
            for (int round = 0; round < rounds; ++round) {
                together.arrive_and_wait();
                CustomerChange change;
                change.status = "s" + std::to_string(i);
                if (codeOf([&] { repos->customers.put(scope, std::to_string(round), change); })) ++failed;
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(0, failed);
    EXPECT_EQ(rounds, number("SELECT COUNT(*) FROM customers"));
    EXPECT_EQ(rounds, number("SELECT COUNT(*) FROM customers WHERE status IN ('s0', 's1', 's2', 's3')"));
}

TEST_P(CallersOf, HostileNumbersAndTextsBreakNothing) {
    const auto scope = tenantScope("acme");
    for (const std::string evil : {"", "+", "++1", "+1 212", "+1'", "1; DROP TABLE blocklist", "\\", "\xF0\x9F\x93\x9E",
                                   "+1234567890123456", "%", "+1\n", "\xFF"}) {
        EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { block(scope, BlockKind::exact, evil); })) << evil;
        EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { block(scope, BlockKind::prefix, evil); })) << evil;
        EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { repos->customers.put(scope, evil, {}); })) << evil;
        EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { repos->dids.create(scope, did(evil)); })) << evil;
        EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { repos->callers.find(scope.tenant(), {evil}, clock.now()); }))
            << evil;
        EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->blocklist.get(scope, evil); })) << evil;
        EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->customers.get(scope, evil); })) << evil;
        EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->priorityCallers.get(scope, evil); })) << evil;
        EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->statusRules.get(scope, evil); })) << evil;
        EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->hours.get(scope, evil); })) << evil;
        EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->queueConditions.get(scope, QueueId(evil)); })) << evil;
    }
    EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { block(scope, BlockKind::anonymous, "+1"); }));
    const std::string text = "' \" \\ ` \\' '); DROP TABLE blocklist; -- \xF0\x9F\x93\x9E M\xC3\xBCller\r\n ";
    const auto entry = repos->blocklist.add(scope, {BlockKind::exact, "+1", {}, text, text});
    EXPECT_EQ(text, repos->blocklist.get(scope, entry.id.str()).reason);
    EXPECT_EQ(text, repos->callers.find(scope.tenant(), {"+1"}, clock.now()).blocks.at(0).addedBy);
    auto mine = did("+2");
    mine.title = text;
    EXPECT_EQ(text, repos->dids.create(scope, mine).title);
    Destination sound;
    sound.kind = DestinationKind::announcement;
    for (const auto* bad : {"", "a,b", "a&b", "a b", "${X}", "a\nb", "../x"}) {
        sound.sound = bad;
        mine.closed = sound;
        DidChange change;
        change.closed = std::optional(sound);
        EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { repos->dids.update(scope, "+2", change); })) << bad;
    }
}

PBX_ON_BOTH(CallersOf);

} // namespace
} // namespace pbx::test
