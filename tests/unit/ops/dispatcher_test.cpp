// The dispatcher over a database that other nodes use, too.
#include "ops/dispatcher.hpp"

#include "ops/catalogue/access.hpp"
#include "ops/catalogue/control.hpp"
#include "ops/catalogue/live.hpp"
#include "ops/catalogue/routing_callers.hpp"
#include "ops/catalogue/routing_hours.hpp"
#include "ops/catalogue/routing_tables.hpp"
#include "storage_test.hpp"

namespace pbx::ops {
namespace {

using namespace std::chrono_literals;
using pbx::test::codeOf;
using pbx::test::textOf;

// One daemon: a database of its own over the common one.
struct Node {
    Node(const storage::DatabaseSettings& settings, const Clock& clock)
        : database(settings, Log::none(), clock), repositories(database), authenticator(database, clock, Log::none()),
          accounts(database, authenticator), audit(database, clock),
          desk(repositories, [] { return routing::Board(); }),
          services{database,
                   repositories,
                   accounts,
                   directory,
                   [] {},
                   feed,
                   [this] { return boards; },
                   [] { return std::vector<LinkFacts>(); },
                   [] { return true; },
                   clock,
                   0,
                   "test",
                   "node",
                   clock.now(),
                   desk,
                   [this](std::vector<domain::Action> actions) {
                       if (broken) throw std::runtime_error("broken");
                       return watches.add(std::move(actions));
                   },
                   {},
                   [](const TenantId&, const std::string&, const storage::CapAlarm&) {},
                   [](std::string_view, const Error&) {}},
          dispatcher(services, authenticator, audit, log) {
        directory.set(std::make_shared<const domain::Directory>(storage::loadDirectory(database)));
    }
    const Log log = Log::none();
    storage::Database database;
    storage::Repositories repositories;
    access::Authenticator authenticator;
    access::Accounts accounts;
    access::AuditWriter audit;
    domain::DirectoryHolder directory;
    live::Feed feed;
    std::vector<live::SnapshotPtr> boards;
    control::Watches watches;
    bool broken = false; // one part of it
    routing::Desk desk;
    const Services services;
    Dispatcher dispatcher;
};

class DispatcherOf : public pbx::test::StorageTest {
protected:
    void SetUp() override {
        StorageTest::SetUp();
        if (!db) return;
        tenant = tenantScope("acme").tenant();
        a = std::make_unique<Node>(settings, clock);
        b = std::make_unique<Node>(settings, clock);
        who.user = UserId("u_1");
        who.login = "alice";
        who.tenant = tenant;
        who.role = domain::Role::admin;
    }
    void TearDown() override {
        a.reset();
        b.reset();
        StorageTest::TearDown();
    }
    template <class Op>
    Outcome outcome(Node& node, typename Op::Params params, const std::optional<std::string>& key = {}) {
        const auto session = node.dispatcher.admitAs(std::make_shared<const access::Principal>(who), {});
        CommonParams common;
        common.idempotencyKey = key;
        return session->call(*findOperation(Op::name), common, Value::of(std::move(params)));
    }
    template <class Op>
    Value call(Node& node, typename Op::Params params, const std::optional<std::string>& key = {}) {
        return std::get<Value>(outcome<Op>(node, std::move(params), key));
    }
    std::string block(Node& node, const std::string& key) {
        BlocklistAddParams params;
        params.number = "+12125550123";
        return call<BlocklistAdd>(node, params, key).as<BlockRow>().id;
    }
    AgentLoginParams annLogsIn() {
        const domain::Scope scope(tenant);
        repos->agents.create(scope, {"ann", "Ann", "main", "PJSIP/acme-101", {}});
        repos->queues.create(scope, {"support", "Support", "main", "", {}, 0});
        a->directory.set(std::make_shared<const domain::Directory>(storage::loadDirectory(a->database)));
        AgentLoginParams params;
        params.id = "ann";
        params.queues = {"support"};
        params.waitSeconds = 3;
        return params;
    }
    // The commit of the next transaction of the node ends with nobody knowing; it came to nothing.
    static void loseNextCommit(Node& node) {
        node.database.onStatement([lost = false](std::string_view text) mutable {
            if (text != "COMMIT" || std::exchange(lost, true)) return;
            throw Error(ErrorCode::outcomeUnknown, "the database went away");
        });
    }

    // `work` is done just before the next transaction of the node begins: after whatever it read without one.
    static void beforeNextTransaction(Node& node, std::function<void()> work) {
        node.database.onStatement([work = std::move(work), done = false](std::string_view text) mutable {
            if (text.starts_with("BEGIN") && !std::exchange(done, true)) work();
        });
    }

    TenantId tenant;
    access::Principal who;
    std::unique_ptr<Node> a, b;
};

// A's begin() is lost, the client asks B, and A settles while B works.
TEST_P(DispatcherOf, AKeyOwedOnOneNodeIsNotTakenFromAnother) {
    loseNextCommit(*a);
    EXPECT_EQ(ErrorCode::outcomeUnknown, codeOf([&] { block(*a, "key"); }));
    int begun = 0;
    b->database.onStatement([&](std::string_view text) {
        if (text.starts_with("BEGIN") && ++begun == 2) a->dispatcher.settleKeys(); // B's own work begins
    });
    const auto id = block(*b, "key");
    EXPECT_GE(begun, 3); // the key, the work, the key's reply
    EXPECT_EQ(id, block(*b, "key"));
    EXPECT_EQ(id, block(*a, "key"));
    EXPECT_EQ(1, number("SELECT COUNT(*) FROM blocklist"));
}

// A has the key, cannot say how its request ended, and gets no other request with a key.
TEST_P(DispatcherOf, AnIdleNodeSettlesWhatItOwes) {
    bool away = true;
    a->database.onStatement([&](std::string_view text) {
        if (away && text.starts_with("UPDATE idempotency_keys")) throw Error(ErrorCode::unavailable, "away");
    });
    const auto id = block(*a, "key");
    EXPECT_EQ(ErrorCode::conflict, codeOf([&] { block(*b, "key"); }));
    away = false;
    a->dispatcher.settleKeys();
    EXPECT_EQ(id, block(*b, "key"));
}

// The thread that answers whoever waits, of all tenants, must not wait for the database.
TEST_P(DispatcherOf, WhatWaitsIsAnsweredWithoutTheDatabase) {
    const auto params = annLogsIn();
    const auto waiting = std::get<Waiting>(outcome<AgentLogin>(*a, params, "key"));
    const auto state = [&](Node& node) { return call<AgentLogin>(node, params, "key").as<CommandResult>().state; };
    EXPECT_EQ(domain::ActionState::accepted, state(*b)) << "until it is known";
    auto action = a->watches.open().at(0);
    action.state = domain::ActionState::confirmed;
    a->watches.update(action);

    bool blocked = true;
    int asked = 0;
    a->database.onStatement([&](std::string_view text) {
        asked += blocked ? 1 : 0;
        if (text.starts_with("UPDATE idempotency_keys")) throw Error(ErrorCode::unavailable, "blocked");
    });
    EXPECT_EQ(domain::ActionState::confirmed, waiting.attempt(false).value().as<CommandResult>().state);
    EXPECT_EQ(0, asked);
    blocked = false;
    EXPECT_EQ(domain::ActionState::confirmed, state(*a)) << "who asks again is answered alike";
    a->database.onStatement({});
    a->dispatcher.settleKeys();
    EXPECT_EQ(domain::ActionState::confirmed, state(*b));
    EXPECT_EQ(1, number("SELECT COUNT(*) FROM actions"));
}

TEST_P(DispatcherOf, WhatIsLiveIsFilteredByIdOrName) {
    const domain::Scope scope(tenant);
    const auto agent = repos->agents.create(scope, {"ann", "Ann", "main", "PJSIP/acme-101", {}});
    const auto queue = repos->queues.create(scope, {"support", "Support", "main", "", {}, 0});
    a->directory.set(std::make_shared<const domain::Directory>(storage::loadDirectory(a->database)));
    auto board = std::make_shared<live::Snapshot>();
    board->server = "main";
    live::Call here;
    here.linkedid = "1";
    here.callerChannel = "PJSIP/acme-trunk-1";
    here.queue = "acme-support";
    here.interface = "PJSIP/acme-101";
    board->calls.put(here, 1);
    live::Call elsewhere;
    elsewhere.linkedid = "2";
    elsewhere.callerChannel = "PJSIP/acme-trunk-2";
    board->calls.put(elsewhere, 1);
    a->boards = {board};

    const auto calls = [&](std::optional<std::string> inQueue, std::optional<std::string> ofAgent) {
        CallListParams params;
        params.queue = std::move(inQueue);
        params.agent = std::move(ofAgent);
        return call<CallList>(*a, params).as<CallPage>().items.size();
    };
    EXPECT_EQ(2U, calls({}, {}));
    EXPECT_EQ(1U, calls("support", {}));
    EXPECT_EQ(1U, calls(queue.id.str(), {}));
    EXPECT_EQ(1U, calls({}, "ann"));
    EXPECT_EQ(1U, calls({}, agent.id.str()));
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { calls("none", {}); }));
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { calls({}, "none"); }));

    const auto events = [&](const std::string& inQueue) {
        EventPollParams params;
        params.waitSeconds = 5;
        params.queue = inQueue;
        const auto waiting = std::get<Waiting>(outcome<EventPoll>(*a, params));
        std::vector<live::FeedEvent> published(2);
        for (auto& event : published) {
            event.kind = live::FeedKind::memberChanged;
            event.server = "main";
        }
        published[0].queue = "acme-support";
        a->feed.publish(std::move(published));
        const auto page = waiting.attempt(false);
        return page ? page->as<EventPage>().items.size() : 0;
    };
    EXPECT_EQ(1U, events("support"));
    EXPECT_EQ(1U, events(queue.id.str()));
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { events("none"); }));
}

TEST_P(DispatcherOf, AnExceptionOfAHandlerIsAuditedAndFreesTheKey) {
    const auto params = annLogsIn();
    a->broken = true;
    EXPECT_EQ(ErrorCode::internal, codeOf([&] { outcome<AgentLogin>(*a, params, "key"); }));
    EXPECT_EQ(1, number("SELECT COUNT(*) FROM audit_log WHERE outcome = 'internal'"));
    a->broken = false;
    EXPECT_TRUE(std::holds_alternative<Waiting>(outcome<AgentLogin>(*a, params, "key")));
}

// The database may be back in the moment between the login and the work.
TEST_P(DispatcherOf, WhoCouldNotBeVerifiedReadsAndChangesNothing) {
    const auto id = block(*a, "key");
    who.unverified = true;
    EXPECT_EQ(1U, call<BlocklistList>(*a, {}).as<BlockPage>().items.size());
    BlocklistAddParams another;
    another.number = "+12125550199";
    EXPECT_EQ(ErrorCode::unavailable, codeOf([&] { call<BlocklistAdd>(*a, another); }));
    EXPECT_EQ(ErrorCode::unavailable, codeOf([&] { block(*a, "key"); })) << "not even what was done already";
    EXPECT_EQ(1, number("SELECT COUNT(*) FROM blocklist"));
    who.unverified = false;
    EXPECT_EQ(id, block(*a, "key"));
}

TEST_P(DispatcherOf, ARepeatedRequestIsNoSecondChangeInTheAudit) {
    block(*a, "key");
    block(*b, "key");
    const auto rows = call<AuditList>(*a, {}).as<AuditPage>().items;
    ASSERT_EQ(2U, rows.size());
    EXPECT_EQ("repeated", rows[0].outcome);
    EXPECT_EQ("ok", rows[1].outcome);
    EXPECT_NE("", rows[1].target);
}

TEST_P(DispatcherOf, TheAuditOfNoOperationIsEmpty) {
    block(*a, "key");
    AuditListParams params;
    for (const auto* none : {"queue.erase", "\xC3\xBC", "queue list"}) {
        params.operation = none;
        EXPECT_TRUE(call<AuditList>(*a, params).as<AuditPage>().items.empty()) << none;
    }
}

TEST_P(DispatcherOf, ATokensPatternsEachCoverSomething) {
    a->accounts.createUser(domain::Scope(tenant), {"bob", {}, domain::Role::viewer, {}, {}});
    TokenCreateParams params;
    params.name = "crm";
    params.user = "bob";
    for (const auto* wrong : {"queue.lsit", "nosuch.*", "queues.*"}) {
        params.operations = {"queue.list", wrong};
        EXPECT_EQ("operations[1]: covers no operation", textOf([&] { call<TokenCreate>(*a, params); }).substr(0, 34));
    }
    params.operations = {"queue.*", "event.poll", "*"};
    EXPECT_EQ(params.operations, call<TokenCreate>(*a, params).as<TokenCreated>().operations);
}

TEST_P(DispatcherOf, AUsersRoleAgentAndDepartmentsFitAlsoAfterAChange) {
    const auto ann = a->repositories.agents.create(domain::Scope(tenant), {"ann", "", "main", "PJSIP/1", {}});
    const auto care = a->repositories.departments.create(domain::Scope(tenant), {"care", "Care"});
    a->directory.set(std::make_shared<const domain::Directory>(storage::loadDirectory(a->database)));
    const auto user = [&](const std::string& login, domain::Role role) {
        return a->accounts.createUser(domain::Scope(tenant), {login, {}, role, {}, {}}).login;
    };
    const auto update = [&](const std::string& login, const std::function<void(UserUpdateParams&)>& change) {
        UserUpdateParams params;
        params.id = login;
        change(params);
        return call<UserUpdate>(*a, params).as<UserRow>();
    };
    const auto refusal = [&](const std::string& login, const std::function<void(UserUpdateParams&)>& change) {
        return textOf([&] { update(login, change); });
    };
    const auto viewer = user("vic", domain::Role::viewer);
    const std::string needsAgent = "agent: is required for role agent";
    const std::string noLimit = "departments: limit supervisors only: leave the list empty";
    EXPECT_EQ(needsAgent, refusal(viewer, [](auto& p) { p.role = domain::Role::agent; }));
    EXPECT_EQ(noLimit, refusal(viewer, [](auto& p) { p.departments = {"care"}; }));
    update(viewer, [](auto& p) { p.role = domain::Role::agent, p.agent = "ann"; });
    EXPECT_EQ(needsAgent, refusal(viewer, [](auto& p) { p.agent = ""; }));
    const auto limited = user("sue", domain::Role::supervisor);
    EXPECT_EQ((std::vector<std::string>{"care"}), update(limited, [&](auto& p) {
                                                      p.departments = {"care", care.id.str()};
                                                  }).departments);
    EXPECT_EQ(noLimit, refusal(limited, [](auto& p) { p.role = domain::Role::viewer; }));
    update(limited, [](auto& p) { p.role = domain::Role::viewer, p.departments.emplace(); });
    // Whoever was made unfitting by a former program can still be disabled.
    sql("UPDATE users SET role = 'agent', agent_id = NULL WHERE login = 'sue'");
    EXPECT_TRUE(update(limited, [](auto& p) { p.disabled = true; }).disabled);
}

TEST_P(DispatcherOf, TwoWhoChangeDifferentFieldsAtOnceBothHaveTheirWay) {
    HoursCreateParams office;
    office.name = "office";
    office.title = "Office";
    call<HoursCreate>(*a, office);
    beforeNextTransaction(*a, [&] {
        HoursUpdateParams change;
        change.id = "office";
        change.week = {{Weekday::monday, "09:00", "17:00"}};
        call<HoursUpdate>(*b, change);
    });
    HoursUpdateParams title;
    title.id = "office";
    title.title = "Head office";
    const auto hours = call<HoursUpdate>(*a, title).as<HoursDetail>();
    EXPECT_EQ("Head office", hours.title);
    EXPECT_EQ(1U, hours.week.size());
    EXPECT_EQ(1U, call<HoursGet>(*b, {"office"}).as<HoursDetail>().week.size());

    beforeNextTransaction(*a, [&] {
        RoutingUpdateParams change;
        change.closed = Destination{domain::DestinationKind::announcement, "custom/closed"};
        call<RoutingUpdate>(*b, change);
    });
    RoutingUpdateParams blocked;
    blocked.blocked = Destination{domain::DestinationKind::announcement, "custom/blocked"};
    const auto routing = call<RoutingUpdate>(*a, blocked).as<RoutingRow>();
    EXPECT_EQ("custom/blocked", routing.blocked.target);
    EXPECT_EQ("custom/closed", routing.closed.target);
    EXPECT_EQ("custom/closed", call<RoutingGet>(*b, {}).as<RoutingRow>().closed.target);
}

PBX_ON_BOTH(DispatcherOf);

} // namespace
} // namespace pbx::ops
