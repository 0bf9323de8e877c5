#include "storage_test.hpp"

#include <set>

namespace pbx::test {
namespace {

using namespace pbx::storage;
using domain::Role;
using domain::Scope;

class RepositoriesOf : public StorageTest {
protected:
    template <class Page>
    static std::vector<std::string> names(const Page& page) {
        std::vector<std::string> out;
        for (const auto& item : page.items) out.push_back(item.name);
        return out;
    }
    domain::Queue queue(const Scope& scope, const std::string& name,
                        const std::optional<DepartmentId>& department = {}) {
        return repos->queues.create(scope, {name, name, "pbx1", "", department, 0});
    }
    domain::Agent agent(const Scope& scope, const std::string& name,
                        const std::optional<DepartmentId>& department = {}) {
        return repos->agents.create(scope,
                                    {name, name, "pbx1", "PJSIP/" + scope.tenant().str() + "-" + name, department});
    }
    domain::User user(const Scope& scope, const std::string& login, Role role = Role::viewer) {
        return repos->users.create(scope, {login, role, {}, {}, "verifier"});
    }
};

TEST_P(RepositoriesOf, TenantsAreFoundByIdAndByNameAndChangedInPart) {
    const auto made = repos->tenants.create({"viatalk", "ViaTalk", "US", "America/New_York", {"en", "es"}});
    EXPECT_EQ(clock.now(), made.createdAt);
    for (const auto& reference : {made.id.str(), std::string("viatalk")}) {
        const auto found = repos->tenants.get(reference);
        EXPECT_EQ(made.id, found.id);
        EXPECT_EQ("ViaTalk", found.title);
        EXPECT_EQ("America/New_York", found.timeZone);
        EXPECT_EQ((std::vector<std::string>{"en", "es"}), found.languages);
        EXPECT_EQ(made.createdAt, found.createdAt);
    }
    TenantChange change;
    change.title = "ViaTalk Inc.";
    repos->tenants.update("viatalk", change);
    const auto changed = repos->tenants.get("viatalk");
    EXPECT_EQ("ViaTalk Inc.", changed.title);
    EXPECT_EQ("US", changed.country);
    EXPECT_EQ("name: is taken already", textOf([&] { repos->tenants.create({"viatalk", "", "US", "UTC", {}}); }));
    EXPECT_EQ(ErrorCode::alreadyExists, codeOf([&] { repos->tenants.create({"viatalk", "", "US", "UTC", {}}); }));
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->tenants.get("viatal"); }));
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->tenants.get("viatalk "); }));
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->tenants.get("VIATALK"); }));
}

TEST_P(RepositoriesOf, AnyTextComesBackAsItWentIn) {
    const auto scope = tenantScope("acme");
    const std::vector<std::string> titles{"a\r\nb",
                                          "quote ' \" ` \\ \\' %_",
                                          "trailing blanks   ",
                                          "\xF0\x9F\x93\x9E M\xC3\xBCller \xE6\x97\xA5\xE6\x9C\xAC",
                                          "\xE2\x80\xAE right to left",
                                          "",
                                          std::string(255, 'x'),
                                          "'); DROP TABLE queues; --",
                                          "%s %d {0} ?"};
    for (std::size_t i = 0; i < titles.size(); ++i) {
        const auto name = "d" + std::to_string(i);
        repos->departments.create(scope, {name, titles[i]});
        EXPECT_EQ(titles[i], repos->departments.get(scope, name).title) << name;
    }
    EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] {
                  repos->departments.create(scope, {"long", std::string(256, 'x')});
              }));
    for (const auto& bad : {std::string("nul\0inside", 10), std::string("\xC0\xAF overlong"), std::string("\xFF")})
        EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { repos->departments.create(scope, {"long", bad}); }));
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->departments.get(scope, "long"); }));
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->departments.get(scope, std::string("d0\0x", 4)); }));
}

TEST_P(RepositoriesOf, InjectionInAReferenceFindsNothingAndBreaksNothing) {
    const auto scope = tenantScope("acme");
    queue(scope, "support");
    user(scope, "alice");
    const auto rows = number("SELECT COUNT(*) FROM queues");
    for (const std::string evil :
         {"' OR '1'='1", "support' --", "\\' OR 1=1 #", "x'; DROP TABLE queues; --", "' UNION SELECT 1,2", "1 OR 1=1",
          "\xBF\x27 OR 1=1", "%", "_______", "support/*", "${jndi:x}", "'||(SELECT 1)||'", "0x737570706f7274"}) {
        EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->queues.get(scope, evil); })) << evil;
        EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->queues.remove(scope, evil); })) << evil;
        EXPECT_FALSE(repos->users.findByLogin(evil)) << evil;
        EXPECT_FALSE(repos->tokens.findByHash(evil)) << evil;
        PageRequest page;
        page.after = evil;
        const auto code = codeOf([&] { EXPECT_LE(repos->queues.list(scope, page).items.size(), 1U) << evil; });
        EXPECT_EQ(evil[0] == '\xBF' ? std::optional(ErrorCode::invalidArgument) : std::nullopt, code) << evil;
    }
    EXPECT_EQ(rows, number("SELECT COUNT(*) FROM queues"));
}

TEST_P(RepositoriesOf, PagesGoOnByKeyWhileRowsComeAndGo) {
    const auto scope = tenantScope("acme");
    for (const auto* name : {"b", "d", "f", "h", "j"}) queue(scope, name);
    PageRequest page;
    page.limit = 2;
    auto first = repos->queues.list(scope, page);
    EXPECT_EQ((std::vector<std::string>{"b", "d"}), names(first));
    ASSERT_EQ("d", first.next);
    queue(scope, "a");                // before the cursor: not seen, nothing shifts
    queue(scope, "e");                // behind it: seen
    repos->queues.remove(scope, "d"); // the cursor's own row
    page.after = *first.next;
    auto second = repos->queues.list(scope, page);
    EXPECT_EQ((std::vector<std::string>{"e", "f"}), names(second));
    page.after = *second.next;
    auto third = repos->queues.list(scope, page);
    EXPECT_EQ((std::vector<std::string>{"h", "j"}), names(third));
    EXPECT_FALSE(third.next); // exactly full and the last
    for (const int limit : {0, -1, 501}) {
        page.limit = limit;
        EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { repos->queues.list(scope, page); })) << limit;
    }
}

TEST_P(RepositoriesOf, AnotherTenantsObjectsDoNotExist) {
    const auto a = tenantScope("a-corp");
    const auto b = tenantScope("b-corp");
    const auto department = repos->departments.create(a, {"sales", "Sales"});
    const auto theirs = queue(a, "support", department.id);
    const auto alice = agent(a, "alice", department.id);
    const auto login = user(a, "alice");
    const auto token = repos->tokens.create(a, {login.id, "crm", {"*"}, {}, "aa"});
    const std::vector<std::pair<const char*, std::function<void()>>> attempts{
        {"queue get", [&] { repos->queues.get(b, theirs.id.str()); }},
        {"queue get by name", [&] { repos->queues.get(b, "support"); }},
        {"queue update", [&] { repos->queues.update(b, theirs.id.str(), {}); }},
        {"queue remove", [&] { repos->queues.remove(b, theirs.id.str()); }},
        {"queue in their department", [&] { queue(b, "mine", department.id); }},
        {"agent get", [&] { repos->agents.get(b, alice.id.str()); }},
        {"agent update", [&] { repos->agents.update(b, alice.id.str(), {}); }},
        {"agent remove", [&] { repos->agents.remove(b, alice.id.str()); }},
        {"agent history", [&] { repos->agents.departmentHistory(b, alice.id.str()); }},
        {"agent in their department", [&] { agent(b, "bob", department.id); }},
        {"department get", [&] { repos->departments.get(b, department.id.str()); }},
        {"department update", [&] { repos->departments.update(b, "sales", {}); }},
        {"department remove", [&] { repos->departments.remove(b, department.id.str()); }},
        {"user get", [&] { repos->users.get(b, login.id.str()); }},
        {"user get by login", [&] { repos->users.get(b, "alice"); }},
        {"user update", [&] { repos->users.update(b, "alice", {}); }},
        {"user verifier", [&] { repos->users.setVerifier(b, "alice", "x"); }},
        {"user of the server", [&] { repos->users.get(serverScope(), "alice"); }},
        {"user linked to their agent",
         [&] {
             repos->users.create(b, {"bob", Role::agent, alice.id, {}, ""});
         }},
        {"user limited to their department",
         [&] {
             repos->users.create(b, {"carl", Role::supervisor, {}, {department.id}, ""});
         }},
        {"token get", [&] { repos->tokens.get(b, token.id.str()); }},
        {"token revoke", [&] { repos->tokens.revoke(b, token.id.str()); }},
        {"token for their user",
         [&] {
             repos->tokens.create(b, {login.id, "x", {"*"}, {}, "bb"});
         }},
    };
    for (const auto& [what, attempt] : attempts) EXPECT_EQ(ErrorCode::notFound, codeOf(attempt)) << what;
    EXPECT_TRUE(repos->queues.list(b, {}).items.empty());
    EXPECT_TRUE(repos->agents.list(b, {}).items.empty());
    EXPECT_TRUE(repos->departments.list(b, {}).items.empty());
    EXPECT_TRUE(repos->users.list(b, {}).items.empty());
    EXPECT_TRUE(repos->tokens.list(b, {}).items.empty());
    EXPECT_TRUE(repos->queues.list(b, {}, department.id).items.empty());
    EXPECT_TRUE(repos->tokens.list(b, {}, login.id).items.empty());
    EXPECT_EQ("support", repos->queues.get(a, theirs.id.str()).name);
    EXPECT_FALSE(repos->tokens.get(a, token.id.str()).revoked);
    // The same names in both tenants are two things.
    EXPECT_NE(theirs.id, queue(b, "support").id);
}

TEST_P(RepositoriesOf, ALimitedSupervisorSeesItsDepartmentsAndNothingElse) {
    const auto all = tenantScope("acme");
    const auto sales = repos->departments.create(all, {"sales", "Sales"});
    const auto care = repos->departments.create(all, {"care", "Care"});
    queue(all, "orders", sales.id);
    queue(all, "help", care.id);
    queue(all, "loose");
    const auto ann = agent(all, "ann", sales.id);
    const auto ben = agent(all, "ben", care.id);
    repos->users.create(all, {"ann", Role::agent, ann.id, {}, ""});
    repos->users.create(all, {"ben", Role::agent, ben.id, {}, ""});
    const auto limited = Scope(all.tenant()).within({sales.id});
    EXPECT_EQ((std::vector<std::string>{"orders"}), names(repos->queues.list(limited, {})));
    EXPECT_EQ((std::vector<std::string>{"ann"}), names(repos->agents.list(limited, {})));
    EXPECT_EQ((std::vector<std::string>{"sales"}), names(repos->departments.list(limited, {})));
    ASSERT_EQ(1U, repos->users.list(limited, {}).items.size());
    EXPECT_EQ("ann", repos->users.list(limited, {}).items[0].login);
    for (const auto* name : {"help", "loose"})
        EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->queues.get(limited, name); })) << name;
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->agents.get(limited, ben.id.str()); }));
    AgentChange away;
    away.department = std::optional(care.id);
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->agents.update(limited, "ann", away); }));
    away.department.emplace(std::nullopt);
    EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { repos->agents.update(limited, "ann", away); }));
    EXPECT_TRUE(repos->queues.list(Scope(all.tenant()).within({}), {}).items.empty());
    EXPECT_TRUE(repos->audit.list(limited, {}).items.empty());
}

TEST_P(RepositoriesOf, AnAgentSeesItselfItsDepartmentAndTheQueuesItIsAMemberOf) {
    const auto all = tenantScope("acme");
    const auto sales = repos->departments.create(all, {"sales", "Sales"});
    repos->departments.create(all, {"care", "Care"});
    const auto orders = queue(all, "orders", sales.id);
    queue(all, "help");
    const auto ann = agent(all, "ann", sales.id);
    agent(all, "ben");
    const auto self = Scope(all.tenant()).asAgent(ann.id);
    EXPECT_EQ((std::vector<std::string>{"ann"}), names(repos->agents.list(self, {})));
    EXPECT_EQ((std::vector<std::string>{"sales"}), names(repos->departments.list(self, {})));
    EXPECT_TRUE(repos->queues.list(self, {}).items.empty());
    EXPECT_EQ((std::vector<std::string>{"orders"}), names(repos->queues.list(self, {}, {}, {orders.id})));
    EXPECT_EQ(orders.id, repos->queues.get(self, "orders", {orders.id}).id);
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->queues.get(self, "help", {orders.id}); }));
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->queues.get(self, "orders"); }));
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->agents.get(self, "ben"); }));
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->queues.remove(self, "orders"); }));
}

TEST_P(RepositoriesOf, ADepartmentInUseIsNotDeleted) {
    const auto scope = tenantScope("acme");
    const auto sales = repos->departments.create(scope, {"sales", "Sales"});
    queue(scope, "orders", sales.id);
    EXPECT_EQ(ErrorCode::conflict, codeOf([&] { repos->departments.remove(scope, "sales"); }));
    repos->queues.remove(scope, "orders");
    const auto ann = agent(scope, "ann", sales.id);
    EXPECT_NE(std::string::npos, textOf([&] { repos->departments.remove(scope, "sales"); }).find("agent ann"));
    AgentChange out;
    out.department.emplace(std::nullopt);
    repos->agents.update(scope, "ann", out);
    repos->users.create(scope, {"sue", Role::supervisor, {}, {sales.id}, ""});
    EXPECT_NE(std::string::npos, textOf([&] { repos->departments.remove(scope, "sales"); }).find("user sue"));
    UserChange all;
    all.departments.emplace();
    repos->users.update(scope, "sue", all);
    repos->departments.remove(scope, "sales");
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->departments.get(scope, "sales"); }));
}

TEST_P(RepositoriesOf, AnAgentsMovesAreKeptAsHistory) {
    const auto scope = tenantScope("acme");
    const auto sales = repos->departments.create(scope, {"sales", "Sales"});
    const auto care = repos->departments.create(scope, {"care", "Care"});
    const auto begun = clock.now();
    const auto ann = agent(scope, "ann", sales.id);
    clock.advance(std::chrono::hours(1));
    const auto moved = clock.now();
    AgentChange change;
    change.department = std::optional(care.id);
    EXPECT_EQ(care.id, repos->agents.update(scope, "ann", change).department);
    repos->agents.update(scope, "ann", change); // to where it is: no stay
    change.department.reset();
    change.title = "Ann";
    repos->agents.update(scope, "ann", change); // another field: no stay
    const auto stays = repos->agents.departmentHistory(scope, "ann");
    ASSERT_EQ(2U, stays.size());
    EXPECT_EQ(sales.id, stays[0].department);
    EXPECT_EQ(begun, stays[0].since);
    EXPECT_EQ(moved, stays[0].until);
    EXPECT_EQ(care.id, stays[1].department);
    EXPECT_EQ(moved, stays[1].since);
    EXPECT_FALSE(stays[1].until);
    repos->agents.remove(scope, "ann");
    EXPECT_EQ(0, number("SELECT COUNT(*) FROM agent_department_history WHERE until_at IS NULL"));
    EXPECT_EQ(2, number("SELECT COUNT(*) FROM agent_department_history"));
}

TEST_P(RepositoriesOf, WhatMustBeUniqueSaysWhichFieldClashed) {
    const auto a = tenantScope("a-corp");
    const auto b = tenantScope("b-corp");
    queue(a, "support");
    EXPECT_EQ("a-corp-support", repos->queues.get(a, "support").asteriskName);
    EXPECT_EQ("name: is taken already", textOf([&] { queue(a, "support"); }));
    EXPECT_EQ("asterisk_name: is taken already", textOf([&] {
                  repos->queues.create(b, {"s2", "", "pbx1", "a-corp-support", {}, 0});
              }));
    repos->queues.create(b, {"s2", "", "pbx2", "a-corp-support", {}, 0}); // another Asterisk: another queue
    const auto ann = repos->agents.create(a, {"ann", "", "pbx1", "PJSIP/1", {}});
    EXPECT_EQ("interface: is taken already", textOf([&] {
                  repos->agents.create(b, {"x", "", "pbx1", "PJSIP/1", {}});
              }));
    repos->agents.create(b, {"x", "", "pbx1", "PJSIP/2", {}});
    AgentChange change;
    change.interface = "PJSIP/1";
    EXPECT_EQ("interface: is taken already", textOf([&] { repos->agents.update(b, "x", change); }));
    user(a, "alice");
    EXPECT_EQ("login: is taken already", textOf([&] { user(b, "alice"); }));
    repos->users.create(a, {"ann", Role::agent, ann.id, {}, ""});
    EXPECT_EQ("agent: is taken already", textOf([&] {
                  repos->users.create(a, {"ann2", Role::agent, ann.id, {}, ""});
              }));
    EXPECT_EQ(ErrorCode::conflict, codeOf([&] { repos->agents.remove(a, "ann"); }));
    EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { user(a, "u_aaaaaaaaaaaaaaaa"); }));
}

TEST_P(RepositoriesOf, UsersKeepRoleLimitsAndState) {
    const auto scope = tenantScope("acme");
    const auto sales = repos->departments.create(scope, {"sales", "Sales"});
    const auto care = repos->departments.create(scope, {"care", "Care"});
    auto made = repos->users.create(scope, {"sue", Role::supervisor, {}, {sales.id, care.id}, "secret-verifier"});
    auto found = repos->users.get(scope, "sue");
    EXPECT_EQ(made.id, found.id);
    EXPECT_EQ(Role::supervisor, found.role);
    EXPECT_EQ(scope.tenant(), found.tenant);
    EXPECT_EQ((std::set<DepartmentId>{sales.id, care.id}),
              (std::set<DepartmentId>{found.departments.begin(), found.departments.end()}));
    UserChange change;
    change.role = Role::admin;
    change.departments = std::vector<DepartmentId>{};
    change.disabled = true;
    repos->users.update(scope, "sue", change);
    repos->users.setVerifier(scope, "sue", "another");
    const auto byLogin = repos->users.findByLogin("sue");
    ASSERT_TRUE(byLogin);
    EXPECT_EQ("another", byLogin->verifier);
    EXPECT_EQ(Role::admin, byLogin->user.role);
    EXPECT_TRUE(byLogin->user.disabled);
    EXPECT_TRUE(byLogin->user.departments.empty());
    EXPECT_EQ(made.id, repos->users.findById(made.id)->id);
    change.role = Role::operator_;
    EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { repos->users.update(scope, "sue", change); }));
    EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { user(serverScope(), "x", Role::admin); }));
}

TEST_P(RepositoriesOf, ThereIsOneFirstOperatorAndTheLastOneStays) {
    std::atomic<int> made{0}, refused{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&, i] {
            const auto code = codeOf([&] { repos->users.createFirstOperator("op" + std::to_string(i), "v"); });
            if (!code) ++made;
            if (code == ErrorCode::conflict) ++refused;
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(1, made);
    EXPECT_EQ(3, refused);
    const auto first = repos->users.list(serverScope(), {}).items.at(0);
    EXPECT_FALSE(first.tenant);
    UserChange disable;
    disable.disabled = true;
    EXPECT_EQ(ErrorCode::conflict, codeOf([&] { repos->users.update(serverScope(), first.login, disable); }));
    user(serverScope(), "second", Role::operator_);
    repos->users.update(serverScope(), first.login, disable);
    EXPECT_EQ(ErrorCode::conflict, codeOf([&] { repos->users.update(serverScope(), "second", disable); }));
}

TEST_P(RepositoriesOf, TokensAreFoundByHashWithTheirUser) {
    const auto scope = tenantScope("acme");
    const auto sales = repos->departments.create(scope, {"sales", "Sales"});
    const auto sue = repos->users.create(scope, {"sue", Role::supervisor, {}, {sales.id}, ""});
    const auto expires = clock.now() + std::chrono::hours(1);
    const auto made = repos->tokens.create(scope, {sue.id, "crm", {"queue.*", "event.poll"}, expires, "abc1"});
    EXPECT_EQ("name: is taken already", textOf([&] {
                  repos->tokens.create(scope, {sue.id, "crm", {"*"}, {}, "abc2"});
              }));
    auto found = repos->tokens.findByHash("abc1");
    ASSERT_TRUE(found);
    EXPECT_EQ(made.id, found->token.id);
    EXPECT_EQ((std::vector<std::string>{"queue.*", "event.poll"}), found->token.operations);
    EXPECT_EQ(expires, found->token.expiresAt);
    EXPECT_FALSE(found->token.lastUsedAt);
    EXPECT_EQ("sue", found->user.login);
    EXPECT_EQ((std::vector<DepartmentId>{sales.id}), found->user.departments);
    repos->tokens.recordUse({{made.id, clock.now()}});
    repos->tokens.recordUse({{made.id, clock.now() - std::chrono::hours(1)}}); // older: from a slower process
    EXPECT_EQ(clock.now(), repos->tokens.get(scope, made.id.str()).lastUsedAt);
    repos->tokens.revoke(scope, made.id.str());
    repos->tokens.revoke(scope, made.id.str());
    EXPECT_TRUE(repos->tokens.findByHash("abc1")->token.revoked);
    // Its name is free again, however often.
    EXPECT_EQ("crm", repos->tokens.get(scope, made.id.str()).name);
    for (const auto* hash : {"abc2", "abc3"}) {
        const auto next = repos->tokens.create(scope, {sue.id, "crm", {"*"}, {}, hash});
        EXPECT_EQ("crm", repos->tokens.findByHash(hash)->token.name);
        EXPECT_EQ("name: is taken already", textOf([&] {
                      repos->tokens.create(scope, {sue.id, "crm", {"*"}, {}, "abc4"});
                  }));
        repos->tokens.revoke(scope, next.id.str());
    }
    EXPECT_EQ("crm " + made.id.str(), repos->tokens.get(scope, made.id.str()).name);
}

TEST_P(RepositoriesOf, WhoseLoginChangedIsToldToOtherProcesses) {
    const auto scope = tenantScope("acme");
    const auto sue = repos->users.create(scope, {"sue", Role::viewer, {}, {}, ""});
    const auto tom = repos->users.create(scope, {"tom", Role::viewer, {}, {}, ""});
    const auto token = repos->tokens.create(scope, {tom.id, "crm", {"*"}, {}, "abc1"});
    const auto before = db->versions().access;
    repos->users.update(scope, "sue", {});
    repos->tokens.revoke(scope, token.id.str());
    repos->users.setVerifier(scope, "sue", "x");
    using Told = std::vector<std::pair<std::int64_t, UserId>>;
    EXPECT_EQ((Told{{before + 3, sue.id}, {before + 2, tom.id}, {before + 1, sue.id}}), db->versions().changedUsers);
    for (int i = 0; i < 100; ++i) repos->users.update(scope, "tom", {});
    const auto now = db->versions();
    EXPECT_EQ(before + 103, now.access);
    EXPECT_GE(now.changedUsers.size(), 10U);
    EXPECT_LT(now.changedUsers.size(), 13U);
    EXPECT_EQ((std::pair<std::int64_t, UserId>(before + 103, tom.id)), now.changedUsers.front());
}

TEST_P(RepositoriesOf, OfManyWhoWantANameOneGetsIt) {
    const auto scope = tenantScope("acme");
    std::atomic<int> made{0}, taken{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&] {
            const auto code = codeOf([&] { queue(scope, "support"); });
            if (!code) ++made;
            if (code == ErrorCode::alreadyExists) ++taken;
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(1, made);
    EXPECT_EQ(7, taken);
}

TEST_P(RepositoriesOf, TheDirectoryHoldsAllTenantsAndItsVersionGrows) {
    const auto before = db->versions();
    const auto a = tenantScope("a-corp");
    const auto b = tenantScope("b-corp");
    const auto sales = repos->departments.create(a, {"sales", "Sales"});
    const auto support = queue(a, "support", sales.id);
    agent(b, "bob");
    const auto directory = loadDirectory(*db);
    EXPECT_EQ(2U, directory.tenants().size());
    const auto* mapped = directory.queueByAsteriskName("pbx1", "a-corp-support");
    ASSERT_TRUE(mapped);
    EXPECT_EQ(support.id, mapped->queue.id);
    EXPECT_EQ(a.tenant(), mapped->tenant);
    EXPECT_EQ(sales.id, mapped->queue.department);
    EXPECT_TRUE(directory.agentByInterface("pbx1", "PJSIP/" + b.tenant().str() + "-bob"));
    EXPECT_EQ("Sales", directory.department(sales.id)->title);
    EXPECT_EQ(before.directory + 5, db->versions().directory);
    EXPECT_EQ(before.access, db->versions().access);
}

TEST_P(RepositoriesOf, ADirectoryOfThousandsIsRead) {
    const auto scope = tenantScope("acme");
    db->connections().write([&](Sql& s) {
        for (int i = 0; i < 2500; ++i) // more than two batches of the reader
            s.execute("INSERT INTO agents (tenant_id, id, name, title, server, interface, created_at) VALUES (?, ?, ?, "
                      "'', 'pbx1', ?, 0)",
                      {scope.tenant().str(), "a_" + std::to_string(i), "a" + std::to_string(i),
                       "PJSIP/" + std::to_string(i)});
    });
    const auto directory = loadDirectory(*db);
    ASSERT_EQ(2500U, directory.agents().size());
    EXPECT_EQ("a2499", directory.agentByInterface("pbx1", "PJSIP/2499")->agent.name);
}

TEST_P(RepositoriesOf, EveryStatementIsCountedAndShownToTheHook) {
    const auto scope = tenantScope("acme");
    std::vector<std::string> seen;
    db->onStatement([&](std::string_view text) { seen.emplace_back(text); });
    const auto before = db->statements();
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->queues.get(scope, "none"); }));
    EXPECT_EQ(before + 1, db->statements());
    ASSERT_EQ(1U, seen.size());
    EXPECT_NE(std::string::npos, seen[0].find("FROM queues"));
    EXPECT_EQ(std::string::npos, seen[0].find("none"));
}

PBX_ON_BOTH(RepositoriesOf);

} // namespace
} // namespace pbx::test
