#include "domain/directory.hpp"
#include "domain/scope.hpp"

#include <gtest/gtest.h>

namespace pbx::domain {
namespace {

Tenant tenant(const std::string& name) {
    Tenant out;
    out.id = TenantId("id-" + name);
    out.name = name;
    return out;
}

MappedAgent agent(const std::string& tenantName, const std::string& server, const std::string& interface) {
    MappedAgent out;
    out.tenant = TenantId("id-" + tenantName);
    out.agent.id = AgentId("agent-" + interface);
    out.agent.server = server;
    out.agent.interface = interface;
    return out;
}

MappedQueue queue(const std::string& tenantName, const std::string& server, const std::string& asteriskName) {
    MappedQueue out;
    out.tenant = TenantId("id-" + tenantName);
    out.queue.server = server;
    out.queue.asteriskName = asteriskName;
    return out;
}

class DirectoryTest : public testing::Test {
protected:
    const Directory directory{
        {tenant("acme"), tenant("acme-west"), tenant("viatalk")},
        {},
        {queue("viatalk", "main", "viatalk-support"), queue("acme", "main", "8001")},
        {agent("acme", "main", "PJSIP/old-extension-7"), agent("viatalk", "main", "PJSIP/viatalk-101")}};

    std::string tenantOf(const ChannelTraits& traits, bool* clash = nullptr) const {
        const auto* found = directory.tenantOfChannel("main", traits, clash);
        return found ? found->name : "";
    }
};

TEST(InterfaceOfChannel, CutsTheSerialOnly) {
    EXPECT_EQ(interfaceOfChannel("PJSIP/viatalk-101-0000002a"), "PJSIP/viatalk-101");
    EXPECT_EQ(interfaceOfChannel("Local/101@agents-0000000b;2"), "Local/101@agents");
    EXPECT_EQ(interfaceOfChannel("SIP/viatalk-151"), "SIP/viatalk-151"); // not eight digits: part of the name
    EXPECT_EQ(interfaceOfChannel("PJSIP/a-0000002g"), "PJSIP/a-0000002g");
    EXPECT_EQ(interfaceOfChannel(""), "");
}

TEST_F(DirectoryTest, QueuesAndAgentsAreFoundOnTheirServerOnly) {
    ASSERT_NE(directory.queueByAsteriskName("main", "viatalk-support"), nullptr);
    EXPECT_EQ(directory.queueByAsteriskName("main", "8001")->tenant,
              TenantId("id-acme")); // taken over under its old name
    EXPECT_EQ(directory.queueByAsteriskName("other", "viatalk-support"), nullptr);
    EXPECT_EQ(directory.agentByInterface("main", "PJSIP/viatalk-102"), nullptr);
}

TEST_F(DirectoryTest, AChannelBelongsToItsAgentsTenantWhateverItsNameSays) {
    EXPECT_EQ(tenantOf({"PJSIP/old-extension-7-00000001", "", ""}), "acme");
}

TEST_F(DirectoryTest, ThePrefixTellsTheTenantAndTheLongestWins) {
    EXPECT_EQ(tenantOf({"PJSIP/acme-west-trunk-00000001", "", ""}), "acme-west");
    EXPECT_EQ(tenantOf({"PJSIP/acme-north-00000001", "", ""}), "acme");
    EXPECT_EQ(tenantOf({"PJSIP/carrier-00000001", "", "viatalk-inbound"}), "viatalk");
}

TEST_F(DirectoryTest, NobodysChannelStaysNobodys) {
    bool clash = true;
    EXPECT_EQ(tenantOf({"PJSIP/carrier-00000001", "", "from-pstn"}, &clash), "");
    EXPECT_FALSE(clash);
    EXPECT_EQ(tenantOf({"PJSIP/carrier-00000001", "unheard-of", "from-pstn"}), "");
}

TEST_F(DirectoryTest, TraitsThatNameTwoTenantsBelongToNeither) {
    bool clash = false;
    EXPECT_EQ(tenantOf({"PJSIP/viatalk-101-00000001", "acme", "viatalk-internal"}, &clash), "");
    EXPECT_TRUE(clash);
}

TEST(Scope, ALimitedSupervisorDoesNotReachWhatHasNoDepartment) {
    const auto limited = Scope(TenantId("t")).within({DepartmentId("care")});
    EXPECT_TRUE(limited.reaches(DepartmentId("care")));
    EXPECT_FALSE(limited.reaches(DepartmentId("sales")));
    EXPECT_FALSE(limited.reaches(std::nullopt));
    EXPECT_TRUE(Scope(TenantId("t")).reaches(std::nullopt));
}

} // namespace
} // namespace pbx::domain
