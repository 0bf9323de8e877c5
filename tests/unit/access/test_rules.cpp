// Patterns, scopes and forms: no database.
#include "access/principal.hpp"
#include "access/secrets.hpp"

#include <gtest/gtest.h>

namespace pbx::test {
namespace {

using namespace pbx::access;
using domain::Role;

TEST(OperationPattern, CoversByNounVerbOrAll) {
    EXPECT_TRUE(matchesOperation("*", "queue.list"));
    EXPECT_TRUE(matchesOperation("queue.*", "queue.list"));
    EXPECT_TRUE(matchesOperation("queue.list", "queue.list"));
    EXPECT_FALSE(matchesOperation("queue.*", "queues.list"));
    EXPECT_FALSE(matchesOperation("queue.*", "queue."));
    EXPECT_FALSE(matchesOperation("queue.*", "queue"));
    EXPECT_FALSE(matchesOperation("queue.list", "queue.list2"));
    EXPECT_FALSE(matchesOperation("", "queue.list"));
    EXPECT_FALSE(matchesOperation("*", ""));
    for (const auto* good : {"*", "queue.*", "user.set_password"}) EXPECT_TRUE(isOperationPattern(good)) << good;
    for (const auto* bad :
         {"", "queue", ".*", "queue.", "*.list", "queue.li*", "Queue.list", "a.b.c", "**", "queue.* "})
        EXPECT_FALSE(isOperationPattern(bad)) << bad;
}

TEST(Principal, ATokenWithoutPatternsCoversNothingAndAPasswordEverything) {
    Principal principal;
    EXPECT_TRUE(principal.covers("queue.list"));
    principal.token = TokenId("k_1");
    EXPECT_FALSE(principal.covers("queue.list"));
}

TEST(Principal, TheScopeFollowsTheRole) {
    const TenantId own("t_own"), other("t_other");
    Principal principal;
    principal.tenant = own;
    principal.departments = {DepartmentId("d_1")};
    principal.agent = AgentId("a_1");
    principal.role = Role::admin;
    EXPECT_EQ(own, principal.scope(other).tenant()); // a tenant's user never leaves it
    EXPECT_FALSE(principal.scope(own).departments());
    for (const auto role : {Role::supervisor, Role::viewer}) {
        principal.role = role;
        EXPECT_TRUE(principal.scope(own).reaches(DepartmentId("d_1")));
        EXPECT_FALSE(principal.scope(own).reaches(DepartmentId("d_2")));
        EXPECT_FALSE(principal.scope(own).reaches(std::nullopt));
    }
    principal.role = Role::agent;
    EXPECT_EQ(AgentId("a_1"), principal.scope(own).self());
    principal.agent.reset();
    ASSERT_TRUE(principal.scope(own).self()); // an agent's login without an agent reaches nothing
    EXPECT_TRUE(principal.scope(own).self()->empty());
    principal.role = Role::operator_;
    principal.tenant.reset();
    EXPECT_EQ(other, principal.scope(other).tenant());
    EXPECT_FALSE(principal.scope(other).departments());
}

TEST(Tokens, HaveOneFormAndCannotBeGuessed) {
    const auto one = newToken(), two = newToken();
    EXPECT_TRUE(looksLikeToken(one.reveal()));
    EXPECT_NE(one.reveal(), two.reveal());
    EXPECT_NE(tokenHash(one), tokenHash(two));
    EXPECT_EQ(64U, tokenHash(one).size());
    for (const auto& bad : std::vector<std::string>{"", "pbx_", "pbx_short", "xbp_" + std::string(40, 'a'),
                                                    "pbx_" + std::string(41, 'a'), "pbx_" + std::string(39, 'a') + "'"})
        EXPECT_FALSE(looksLikeToken(bad)) << bad;
    const CredentialMac mac, otherProcess;
    EXPECT_EQ(mac.of("a", SecretString("bc")), mac.of("a", SecretString("bc")));
    EXPECT_NE(mac.of("a", SecretString("bc")), mac.of("ab", SecretString("c")));
    EXPECT_NE(mac.of("a", SecretString("bc")), otherProcess.of("a", SecretString("bc")));
}

} // namespace
} // namespace pbx::test
