// The routing tables on both engines: what is kept, who is kept out, what still leads somewhere.
#include "routing_test.hpp"

namespace pbx::test {
namespace {

using namespace pbx::storage;
using domain::BlockKind;
using domain::Destination;
using domain::DestinationKind;
using domain::Scope;
using namespace std::chrono_literals;

class RoutingTablesOf : public RoutingRows {};

TEST_P(RoutingTablesOf, WhatMustBeUniqueIsRefusedByTheDatabaseAndSaysWhichField) {
    const auto a = tenantScope("a-corp");
    const auto b = tenantScope("b-corp");
    block(a, BlockKind::exact, "+1212");
    block(a, BlockKind::prefix, "+1212"); // another kind: another entry
    block(b, BlockKind::exact, "+1212");  // another tenant: too
    block(a, BlockKind::anonymous, "");
    const auto taken = [](const std::function<void()>& again) {
        EXPECT_EQ(ErrorCode::alreadyExists, codeOf(again));
        EXPECT_EQ("number: is taken already", textOf(again));
    };
    taken([&] { block(a, BlockKind::exact, "+1212"); });
    taken([&] { block(a, BlockKind::prefix, "+1212"); });
    taken([&] { block(a, BlockKind::anonymous, ""); });
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
        {"hours update", [&] { repos->hours.update(b, "office", [](auto&) {}); }},
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
        {"default queue", [&] { repos->tenantRouting.update(b, [&](auto& r) {
                                    r = {support.id, {}, {}};
                                }); }},
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
        EXPECT_EQ(to, repos->tenantRouting.update(scope, [&](auto& r) { r = {support.id, to, {}}; }).blocked);
        EXPECT_EQ(to, repos->tenantRouting.update(scope, [&](auto& r) { r = {{}, {}, to}; }).closed);
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
    repos->hours.update(scope, "office", [&](auto& hours) { hours = changed; });
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
    repos->tenantRouting.update(scope, [&](auto& r) { r = {support.id, {}, {}}; });
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
    repos->tenantRouting.update(scope, [&](auto& r) { r = {}; });
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
    grows("defaults", [&] { repos->tenantRouting.update(scope, [&](auto& r) { r = {support.id, {}, {}}; }); });
    grows("hours changed", [&] { repos->hours.update(scope, "office", [](auto&) {}); });
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
        EXPECT_EQ(ErrorCode::forbidden, codeOf([&] { repos->tenantRouting.update(scope, [&](auto& r) { r = {}; }); }));
    }
    repos->queueConditions.put(limited, orders.id, {});
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->queueConditions.put(limited, help.id, {}); }));
    EXPECT_EQ(ErrorCode::forbidden, codeOf([&] { repos->queueConditions.put(self, orders.id, {}); }));
}

PBX_ON_BOTH(RoutingTablesOf);

} // namespace
} // namespace pbx::test
