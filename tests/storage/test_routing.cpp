// The routing tables on both engines: what is kept, who is kept out, what a caller's look-up finds.
#include "storage_test.hpp"

#include <algorithm>
#include <barrier>

namespace pbx::test {
namespace {

using namespace pbx::storage;
using domain::BlockKind;
using domain::Destination;
using domain::DestinationKind;
using domain::Scope;
using namespace std::chrono_literals;

// Keys as routing::matchKeys makes them: the number, then every shorter prefix that has a digit.
std::vector<std::string> keysOf(const std::string& number) {
    std::vector<std::string> keys;
    for (auto size = number.size(); size > 1; --size) keys.push_back(number.substr(0, size));
    return keys;
}

class RoutingTablesOf : public StorageTest {
protected:
    domain::Queue queue(const Scope& scope, const std::string& name, std::optional<DepartmentId> department = {}) {
        return repos->queues.create(scope, {name, name, "pbx1", "", department, 0});
    }
    domain::BlockEntry block(const Scope& scope, BlockKind kind, const std::string& number,
                             std::optional<UtcTime> expires = {}) {
        return repos->blocklist.add(scope, {kind, number, expires, "nuisance", "alice"});
    }
    std::vector<std::string> blocking(const Scope& scope, const std::string& number) {
        std::vector<std::string> out;
        const auto keys = number.empty() ? std::vector<std::string>() : keysOf(number);
        for (const auto& entry : repos->callers.find(scope.tenant(), keys, clock.now()).blocks)
            out.push_back(entry.kind == BlockKind::anonymous
                              ? "anonymous"
                              : (entry.kind == BlockKind::exact ? "=" : "") + entry.number);
        std::ranges::sort(out, {}, &std::string::size);
        return out;
    }
    static Destination toQueue(const QueueId& id) {
        Destination out;
        out.kind = DestinationKind::queue;
        out.queue = id;
        return out;
    }
    static domain::Did did(const std::string& number, std::optional<QueueId> to = {}) {
        domain::Did out;
        out.number = number;
        out.title = "Main";
        out.queue = std::move(to);
        return out;
    }
    using Words = std::vector<std::string>;
};

TEST_P(RoutingTablesOf, ABlockEntryComesBackAndIsFoundByNumberAndByEachPrefixOfIt) {
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

TEST_P(RoutingTablesOf, AnEntryEndsAtItsMomentAndANewOneTakesItsPlace) {
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

TEST_P(RoutingTablesOf, WhatMustBeUniqueIsRefusedByTheDatabaseAndSaysWhichField) {
    const auto a = tenantScope("a-corp");
    const auto b = tenantScope("b-corp");
    block(a, BlockKind::exact, "+1212");
    block(a, BlockKind::prefix, "+1212"); // another kind: another entry
    block(b, BlockKind::exact, "+1212");  // another tenant: too
    block(a, BlockKind::anonymous, "");
    for (const auto& again : std::vector<std::function<void()>>{[&] { block(a, BlockKind::exact, "+1212"); },
                                                                [&] { block(a, BlockKind::prefix, "+1212"); },
                                                                [&] { block(a, BlockKind::anonymous, ""); }}) {
        EXPECT_EQ(ErrorCode::alreadyExists, codeOf(again));
        EXPECT_EQ("number: is taken already", textOf(again));
    }
    repos->priorityCallers.add(a, {"101", 1, {}, {}, "", ""});
    repos->priorityCallers.add(b, {"101", 1, {}, {}, "", ""});
    EXPECT_EQ("number: is taken already", textOf([&] { repos->priorityCallers.add(a, {"101", 2, {}, {}, "", ""}); }));
    repos->dids.create(a, did("+12125550100"));
    EXPECT_EQ("number: is taken already", textOf([&] { repos->dids.create(b, did("+12125550100")); }));
    domain::OpeningHours office;
    office.name = "office";
    office.timeZone = "America/New_York";
    repos->hours.create(a, office);
    repos->hours.create(b, office);
    EXPECT_EQ("name: is taken already", textOf([&] { repos->hours.create(a, office); }));
    // The database itself: one customer a tenant and number, whoever writes.
    repos->customers.put(a, "101", {});
    EXPECT_EQ(ErrorCode::alreadyExists, codeOf([&] {
                  sql("INSERT INTO customers (tenant_id, id, number, status, attributes, updated_at) SELECT "
                      "tenant_id, 'c_other', number, status, attributes, updated_at FROM customers");
              }));
}

TEST_P(RoutingTablesOf, AnotherTenantsRowsDoNotExist) {
    const auto a = tenantScope("a-corp");
    const auto b = tenantScope("b-corp");
    const auto support = queue(a, "support");
    const auto entry = block(a, BlockKind::exact, "+12125550123");
    block(a, BlockKind::anonymous, "");
    const auto first = repos->priorityCallers.add(a, {"+12125550123", 5, support.id, {}, "", ""});
    CustomerChange vip;
    vip.status = "vip";
    const auto customer = repos->customers.put(a, "+12125550123", vip);
    const auto theirs = repos->dids.create(a, did("+12125550100", support.id));
    domain::OpeningHours office;
    office.name = "office";
    office.timeZone = "UTC";
    const auto open = repos->hours.create(a, office);
    domain::StatusRule rule;
    rule.status = "vip";
    repos->statusRules.put(a, rule);
    const auto agent = repos->agents.create(a, {"ann", "", "pbx1", "PJSIP/1", {}});
    Destination toAgent;
    toAgent.kind = DestinationKind::agent;
    toAgent.agent = agent.id;
    const std::vector<std::pair<const char*, std::function<void()>>> attempts{
        {"block get", [&] { repos->blocklist.get(b, entry.id.str()); }},
        {"block remove", [&] { repos->blocklist.remove(b, entry.id.str()); }},
        {"priority get", [&] { repos->priorityCallers.get(b, first.id.str()); }},
        {"priority get by number", [&] { repos->priorityCallers.get(b, first.number); }},
        {"priority update", [&] { repos->priorityCallers.update(b, first.id.str(), {}); }},
        {"priority remove", [&] { repos->priorityCallers.remove(b, first.number); }},
        {"priority to their queue",
         [&] {
             repos->priorityCallers.add(b, {"1", 1, support.id, {}, "", ""});
         }},
        {"customer get", [&] { repos->customers.get(b, customer.id.str()); }},
        {"customer get by number", [&] { repos->customers.get(b, customer.number); }},
        {"customer remove", [&] { repos->customers.remove(b, customer.number); }},
        {"DID get", [&] { repos->dids.get(b, theirs.id.str()); }},
        {"DID update", [&] { repos->dids.update(b, theirs.number, {}); }},
        {"DID remove", [&] { repos->dids.remove(b, theirs.number); }},
        {"DID to their queue", [&] { repos->dids.create(b, did("+12125550199", support.id)); }},
        {"DID with their hours",
         [&] {
             auto mine = did("+12125550199");
             mine.hours = open.id;
             repos->dids.create(b, mine);
         }},
        {"DID closed to their agent",
         [&] {
             auto mine = did("+12125550199");
             mine.closed = toAgent;
             repos->dids.create(b, mine);
         }},
        {"hours get", [&] { repos->hours.get(b, open.id.str()); }},
        {"hours update", [&] { repos->hours.update(b, "office", office); }},
        {"hours remove", [&] { repos->hours.remove(b, "office"); }},
        {"rule get", [&] { repos->statusRules.get(b, "vip"); }},
        {"rule remove", [&] { repos->statusRules.remove(b, "vip"); }},
        {"rule to their queue",
         [&] {
             auto mine = rule;
             mine.destination = toQueue(support.id);
             repos->statusRules.put(b, mine);
         }},
        {"conditions get", [&] { repos->queueConditions.get(b, support.id); }},
        {"conditions put", [&] { repos->queueConditions.put(b, support.id, {}); }},
        {"default queue",
         [&] {
             repos->tenantRouting.put(b, {support.id, {}, {}});
         }},
    };
    for (const auto& [what, attempt] : attempts) EXPECT_EQ(ErrorCode::notFound, codeOf(attempt)) << what;
    EXPECT_TRUE(repos->blocklist.list(b, {}).items.empty());
    EXPECT_TRUE(repos->priorityCallers.list(b, {}).items.empty());
    EXPECT_TRUE(repos->customers.list(b, {}).items.empty());
    EXPECT_TRUE(repos->dids.list(b, {}).items.empty());
    EXPECT_TRUE(repos->hours.list(b, {}).items.empty());
    EXPECT_TRUE(repos->statusRules.list(b, {}).items.empty());
    const auto facts = repos->callers.find(b.tenant(), keysOf("+12125550123"), clock.now());
    EXPECT_TRUE(facts.blocks.empty());
    EXPECT_FALSE(facts.priority);
    EXPECT_FALSE(facts.customer);
    EXPECT_TRUE(repos->callers.find(b.tenant(), {}, clock.now()).blocks.empty());
    const auto tables = repos->tenantRouting.load(b.tenant());
    EXPECT_TRUE(tables.dids.empty() && tables.hours.empty() && tables.statusRules.empty() && tables.queues.empty() &&
                tables.conditions.empty() && tables.agents.empty());
    // Hits for another tenant's entry count nothing.
    repos->blocklist.addHits({{b.tenant(), entry.id, 5, clock.now()}});
    EXPECT_EQ(0, repos->blocklist.get(a, entry.id.str()).hits);
}

TEST_P(RoutingTablesOf, OneStatementTellsEverythingAboutACaller) {
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
TEST_P(RoutingTablesOf, TheSameQuestionOverAndOverIsAnsweredAnewEachTime) {
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

TEST_P(RoutingTablesOf, ImportAddsAndUpdatesAllOrNothing) {
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

TEST_P(RoutingTablesOf, HitsAreAddedInBatchesAndTheLatestMomentStays) {
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

TEST_P(RoutingTablesOf, ListsPageByKeyAcrossKinds) {
    const auto scope = tenantScope("acme");
    block(scope, BlockKind::prefix, "+2");
    block(scope, BlockKind::exact, "+3");
    block(scope, BlockKind::exact, "+1");
    block(scope, BlockKind::anonymous, "");
    block(scope, BlockKind::prefix, "+1");
    const auto all = [&](int limit, std::optional<BlockKind> kind = {}) {
        Words out;
        PageRequest page;
        page.limit = limit;
        for (;;) {
            const auto found = repos->blocklist.list(scope, page, {.kind = kind, .number = {}, .expired = {}});
            for (const auto& entry : found.items)
                out.push_back(std::to_string(static_cast<int>(entry.kind)) + entry.number);
            if (!found.next) return out;
            EXPECT_EQ(static_cast<std::size_t>(limit), found.items.size());
            page.after = *found.next;
        }
    };
    for (const int limit : {1, 2, 3, 4, 5, 500})
        EXPECT_EQ((Words{"2", "0+1", "0+3", "1+1", "1+2"}), all(limit)) << limit;
    EXPECT_EQ((Words{"1+1", "1+2"}), all(1, BlockKind::prefix));
    EXPECT_EQ((Words{"2"}), all(1, BlockKind::anonymous));
    for (const auto* bad : {"x", "exact\xFF +1"}) {
        PageRequest page;
        page.after = bad;
        EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { repos->blocklist.list(scope, page); })) << bad;
    }
    const auto begins = [&](const char* number) {
        Words out;
        for (const auto& entry : repos->blocklist.list(scope, {}, {.kind = {}, .number = number, .expired = {}}).items)
            out.push_back(std::to_string(static_cast<int>(entry.kind)) + entry.number);
        return out;
    };
    block(scope, BlockKind::exact, "+19");
    EXPECT_EQ((Words{"0+1", "0+19", "1+1"}), begins("+1"));
    EXPECT_EQ((Words{"0+19"}), begins("+19"));
    EXPECT_EQ(Words{}, begins("+191"));
    EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { begins("+1%"); }));
    CustomerChange vip;
    vip.status = "vip";
    for (const auto* number : {"3", "1", "2"})
        repos->customers.put(scope, number, number[0] == '2' ? CustomerChange() : vip);
    PageRequest two;
    two.limit = 2;
    EXPECT_EQ("2", repos->customers.list(scope, two).next);
    ASSERT_EQ(2U, repos->customers.list(scope, {}, "vip").items.size());
    EXPECT_EQ("3", repos->customers.list(scope, {}, "vip").items[1].number);
    PageRequest none;
    none.limit = 501;
    EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { repos->customers.list(scope, none); }));
}

TEST_P(RoutingTablesOf, WhatExpiresIsChangedAndFoundByThat) {
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

TEST_P(RoutingTablesOf, ACustomerIsMadeAndChangedInPartByOneCall) {
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

TEST_P(RoutingTablesOf, ManyWhoSetTheSameCustomerAtOnceMakeOneRowAndNoError) {
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

TEST_P(RoutingTablesOf, HostileNumbersAndTextsBreakNothing) {
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

TEST_P(RoutingTablesOf, DestinationsKeepWhatTheirKindReads) {
    const auto scope = tenantScope("acme");
    const auto support = queue(scope, "support");
    const auto ann = repos->agents.create(scope, {"ann", "", "pbx1", "PJSIP/1", {}});
    const auto with = [](DestinationKind kind, std::string sound, QueueId q, AgentId agent, std::string number) {
        return Destination{kind, std::move(sound), std::move(q), std::move(agent), std::move(number)};
    };
    const std::vector<Destination> kept{with(DestinationKind::hangUp, "", {}, {}, ""),
                                        with(DestinationKind::announcement, "custom/closed_1", {}, {}, ""),
                                        with(DestinationKind::queue, "", support.id, {}, ""),
                                        with(DestinationKind::agent, "", {}, ann.id, ""),
                                        with(DestinationKind::number, "", {}, {}, "+12125550199"),
                                        with(DestinationKind::callbackOffer, "", {}, {}, ""),
                                        with(DestinationKind::callbackOffer, "", support.id, {}, "")};
    domain::StatusRule rule{"vip", 5, support.id, {}, true};
    for (const auto& to : kept) {
        rule.destination = to;
        EXPECT_EQ(to, repos->statusRules.put(scope, rule).destination);
        EXPECT_EQ(to, repos->tenantRouting.put(scope, {support.id, to, {}}).blocked);
        EXPECT_EQ(to, repos->tenantRouting.put(scope, {{}, {}, to}).closed);
    }
    const auto full = with(DestinationKind::number, "x", support.id, ann.id, "+1");
    rule.destination = full;
    EXPECT_EQ(with(DestinationKind::number, "", {}, {}, "+1"), *repos->statusRules.put(scope, rule).destination);
    rule.destination.reset();
    EXPECT_FALSE(repos->statusRules.put(scope, rule).destination);
    const auto found = repos->statusRules.get(scope, "vip");
    EXPECT_EQ(5, found.level);
    EXPECT_EQ(support.id, found.queue);
    EXPECT_TRUE(found.whenClosed);
    EXPECT_EQ(1, number("SELECT COUNT(*) FROM status_rules"));
    rule.level = 101;
    EXPECT_EQ("level: must be 0 to 100", textOf([&] { repos->statusRules.put(scope, rule); }));
}

TEST_P(RoutingTablesOf, HoursKeepTheWeekHolidaysAndTheirUtcIntervals) {
    const auto scope = tenantScope("acme");
    domain::OpeningHours office;
    office.name = "office";
    office.title = "B\xC3\xBCro";
    office.timeZone = "America/New_York";
    office.week[0] = {{840, 1080}, {480, 720}};
    office.week[6] = {{1320, 1800}};
    using namespace std::chrono;
    office.holidays = {{2026y / December / 25, "Christmas", {}}, {2026y / July / 4, "", {{600, 660}}}};
    const auto made = repos->hours.create(scope, office);
    auto found = repos->hours.get(scope, "office");
    EXPECT_EQ(made.id, found.id);
    EXPECT_EQ("B\xC3\xBCro", found.title);
    EXPECT_EQ((std::vector<domain::LocalInterval>{{480, 720}, {840, 1080}}), found.week[0]);
    EXPECT_EQ((std::vector<domain::LocalInterval>{{1320, 1800}}), found.week[6]);
    EXPECT_TRUE(found.week[3].empty());
    ASSERT_EQ(2U, found.holidays.size());
    EXPECT_EQ(2026y / July / 4, found.holidays[0].date);
    EXPECT_EQ((std::vector<domain::LocalInterval>{{600, 660}}), found.holidays[0].open);
    EXPECT_EQ("Christmas", found.holidays[1].title);
    EXPECT_TRUE(found.holidays[1].open.empty());

    const auto until = clock.now() + 1440h;
    ASSERT_EQ(1U, repos->hours.withIntervalsBefore(until, 10).size());
    EXPECT_EQ(scope.tenant(), repos->hours.withIntervalsBefore(until, 10)[0].tenant);
    std::vector<std::pair<UtcTime, UtcTime>> intervals;
    for (int i = 0; i < 1001; ++i) intervals.emplace_back(clock.now() + i * 1h, clock.now() + i * 1h + 30min);
    EXPECT_TRUE(repos->hours.setIntervals(scope.tenant(), found, intervals, until));
    EXPECT_TRUE(repos->hours.setIntervals(scope.tenant(), found, intervals, until)); // anew, not twice
    EXPECT_EQ(1001, number("SELECT COUNT(*) FROM open_intervals"));
    EXPECT_TRUE(repos->hours.withIntervalsBefore(until, 10).empty());
    EXPECT_EQ(1U, repos->hours.withIntervalsBefore(until + 1us, 10).size());

    auto changed = found;
    changed.week[1] = {{0, 1440}};
    changed.holidays.pop_back();
    repos->hours.update(scope, "office", changed);
    EXPECT_EQ(0, number("SELECT COUNT(*) FROM open_intervals"));
    EXPECT_EQ(1U, repos->hours.get(scope, "office").holidays.size());
    EXPECT_FALSE(repos->hours.setIntervals(scope.tenant(), found, intervals, until)); // of the hours as they were
    EXPECT_EQ(0, number("SELECT COUNT(*) FROM open_intervals"));

    auto mine = did("+1");
    mine.hours = made.id;
    repos->dids.create(scope, mine);
    EXPECT_EQ("hours office are in use by DID +1: give it other hours first",
              textOf([&] { repos->hours.remove(scope, "office"); }));
    repos->dids.remove(scope, "+1");
    repos->hours.remove(scope, "office");
    for (const auto* table : {"hours", "hours_week", "hours_holidays", "hours_holiday_intervals"})
        EXPECT_EQ(0, number(std::string("SELECT COUNT(*) FROM ") + table)) << table;

    for (const auto& bad :
         std::vector<std::vector<domain::LocalInterval>>{{{-1, 5}},
                                                         {{1440, 1441}},
                                                         {{5, 5}},
                                                         {{0, 1441}},
                                                         {{5, 9}, {5, 7}},
                                                         std::vector<domain::LocalInterval>(21, {1, 2})}) {
        auto wrong = office;
        wrong.week[2] = bad;
        EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { repos->hours.create(scope, wrong); }));
    }
    auto twice = office;
    twice.holidays[1].date = twice.holidays[0].date;
    EXPECT_EQ("holidays: two have the same date", textOf([&] { repos->hours.create(scope, twice); }));
}

TEST_P(RoutingTablesOf, QueueConditionsAreReplacedAsAWholeAndGoWithTheirQueue) {
    const auto scope = tenantScope("acme");
    const auto support = queue(scope, "support");
    const auto backup = queue(scope, "backup");
    EXPECT_EQ(100, repos->queueConditions.get(scope, support.id).priorityCeiling);
    domain::QueueConditions wanted;
    wanted.overflow = {{domain::OverflowWhen::noAgent, 0, Destination()},
                       {domain::OverflowWhen::longestWait, 300, toQueue(backup.id)}};
    wanted.priorityCeiling = 20;
    wanted.fairAfterSeconds = 600;
    repos->queueConditions.put(scope, support.id, wanted);
    wanted.callbackFromWaiting = 0;
    wanted.fairAfterSeconds.reset();
    repos->queueConditions.put(scope, support.id, wanted);
    const auto found = repos->queueConditions.get(scope, support.id);
    ASSERT_EQ(2U, found.overflow.size());
    EXPECT_EQ(domain::OverflowWhen::noAgent, found.overflow[0].when);
    EXPECT_EQ(domain::OverflowWhen::longestWait, found.overflow[1].when);
    EXPECT_EQ(300, found.overflow[1].limit);
    EXPECT_EQ(toQueue(backup.id), found.overflow[1].to);
    EXPECT_EQ(20, found.priorityCeiling);
    EXPECT_FALSE(found.fairAfterSeconds);
    EXPECT_EQ(0, found.callbackFromWaiting);
    EXPECT_EQ("calls are sent there by the overflow of queue support: change that first",
              textOf([&] { repos->queues.remove(scope, "backup"); }));
    repos->queues.remove(scope, "support");
    EXPECT_EQ(0, number("SELECT COUNT(*) FROM queue_conditions"));
    EXPECT_EQ(0, number("SELECT COUNT(*) FROM queue_overflow"));
    repos->queues.remove(scope, "backup");
    const auto third = queue(scope, "third");
    wanted.overflow = {{domain::OverflowWhen::waiting, 5, toQueue(third.id)}};
    EXPECT_EQ("overflow: a queue cannot overflow into itself",
              textOf([&] { repos->queueConditions.put(scope, third.id, wanted); }));
    wanted.overflow.assign(11, {domain::OverflowWhen::waiting, 5, Destination()});
    EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { repos->queueConditions.put(scope, third.id, wanted); }));
}

TEST_P(RoutingTablesOf, NothingThatCallsAreSentToIsDeleted) {
    const auto scope = tenantScope("acme");
    const auto support = queue(scope, "support");
    const auto sales = repos->departments.create(scope, {"sales", ""});
    const auto ann = repos->agents.create(scope, {"ann", "", "pbx1", "PJSIP/1", {}});
    const auto refused = [&](const std::string& by) {
        const auto text = textOf([&] { repos->queues.remove(scope, "support"); });
        EXPECT_NE(std::string::npos, text.find(by)) << text;
    };
    repos->tenantRouting.put(scope, {support.id, {}, {}});
    refused("the routing defaults of acme");
    repos->statusRules.put(scope, {"vip", 1, support.id, {}, false});
    refused("the rule for status vip");
    repos->priorityCallers.add(scope, {"7", 1, support.id, {}, "", ""});
    refused("priority caller 7");
    auto mine = did("+1", support.id);
    mine.department = sales.id;
    mine.closed = Destination{DestinationKind::agent, "", {}, ann.id, ""};
    repos->dids.create(scope, mine);
    refused("DID +1");
    EXPECT_NE(std::string::npos, textOf([&] { repos->agents.remove(scope, "ann"); }).find("DID +1"));
    EXPECT_NE(std::string::npos, textOf([&] { repos->departments.remove(scope, "sales"); }).find("DID +1"));
    repos->dids.remove(scope, "+1");
    repos->priorityCallers.remove(scope, "7");
    repos->statusRules.remove(scope, "vip");
    repos->tenantRouting.put(scope, {});
    repos->queues.remove(scope, "support");
    repos->agents.remove(scope, "ann");
    repos->departments.remove(scope, "sales");
}

TEST_P(RoutingTablesOf, AllSmallTablesComeAtOnceAndEveryChangeOfThemIsSeenByTheVersion) {
    const auto scope = tenantScope("acme");
    const auto version = [&] { return repos->callers.find(scope.tenant(), {}, clock.now()).version; };
    const auto start = version();
    const auto support = queue(scope, "support");
    auto last = version();
    EXPECT_NE(start, last); // the directory
    const auto grows = [&](const char* what, const std::function<void()>& change) {
        change();
        const auto now = version();
        EXPECT_EQ(last.routing + 1, now.routing) << what;
        last = now;
    };
    domain::OpeningHours office;
    office.name = "office";
    office.timeZone = "UTC";
    grows("hours", [&] { office = repos->hours.create(scope, office); });
    auto mine = did("+1", support.id);
    mine.hours = office.id;
    grows("DID", [&] { repos->dids.create(scope, mine); });
    grows("rule", [&] { repos->statusRules.put(scope, {"vip", 1, {}, {}, false}); });
    grows("conditions", [&] { repos->queueConditions.put(scope, support.id, {}); });
    grows("defaults", [&] { repos->tenantRouting.put(scope, {support.id, {}, {}}); });
    grows("hours changed", [&] { repos->hours.update(scope, "office", office); });
    grows("DID changed", [&] { repos->dids.update(scope, "+1", {}); });
    // What every call looks up anyway does not make the copy old.
    block(scope, BlockKind::exact, "+1");
    repos->customers.put(scope, "+1", {});
    EXPECT_EQ(last, version());
    const auto tables = repos->tenantRouting.load(scope.tenant());
    EXPECT_EQ(last, tables.version);
    EXPECT_EQ("acme", tables.tenant.name);
    ASSERT_EQ(1U, tables.dids.size());
    EXPECT_EQ(office.id, tables.dids[0].hours);
    EXPECT_EQ(1U, tables.hours.size());
    EXPECT_EQ(1U, tables.statusRules.size());
    ASSERT_EQ(1U, tables.queues.size());
    EXPECT_EQ(1U, tables.conditions.count(support.id));
    EXPECT_EQ(support.id, tables.routing.defaultQueue);
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->tenantRouting.load(TenantId("t_none")); }));
}

TEST_P(RoutingTablesOf, ALimitedSupervisorAndAnAgentChangeNothingOfTheWholeTenant) {
    const auto all = tenantScope("acme");
    const auto sales = repos->departments.create(all, {"sales", ""});
    const auto orders = queue(all, "orders", sales.id);
    const auto help = queue(all, "help");
    const auto limited = Scope(all.tenant()).within({sales.id});
    const auto self = Scope(all.tenant()).asAgent(AgentId("a_x"));
    for (const auto& scope : {limited, self}) {
        EXPECT_EQ(ErrorCode::forbidden, codeOf([&] { block(scope, BlockKind::exact, "+1"); }));
        EXPECT_EQ(ErrorCode::forbidden, codeOf([&] { repos->blocklist.import(scope, {}); }));
        EXPECT_EQ(ErrorCode::forbidden, codeOf([&] { repos->customers.put(scope, "+1", {}); }));
        EXPECT_EQ(ErrorCode::forbidden, codeOf([&] { repos->dids.create(scope, did("+1")); }));
        EXPECT_EQ(ErrorCode::forbidden, codeOf([&] { repos->tenantRouting.put(scope, {}); }));
    }
    repos->queueConditions.put(limited, orders.id, {});
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->queueConditions.put(limited, help.id, {}); }));
    EXPECT_EQ(ErrorCode::forbidden, codeOf([&] { repos->queueConditions.put(self, orders.id, {}); }));
}

PBX_ON_BOTH(RoutingTablesOf);

} // namespace
} // namespace pbx::test
