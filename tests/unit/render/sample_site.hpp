// A small site for the tests: one tenant with everything, on Asterisk 22, with MariaDB.
#pragma once

#include "render/site.hpp"

namespace pbx::render {

inline Machine sampleMachine() {
    Machine out;
    out.server = "main";
    out.directories.configuration = "/etc/asterisk";
    out.directories.log = "/nonexistent/log";
    out.amiPermit = {"127.0.0.1"};
    out.amiUser = "pbxd";
    out.amiSecret = SecretString("ami-secret");
    out.sysUser = "pbxd-sys";
    out.sysSecret = SecretString("sys-secret");
    out.agiHost = "127.0.0.1";
    out.agiToken = SecretString("abcdefghijklmnopqrstuvwxyz012345");
    out.odbc = Odbc{"MariaDB Unicode", "", "127.0.0.1", 3306, "pbx", "asterisk", SecretString("db-secret")};
    return out;
}

inline TenantSite sampleTenant(const std::string& name = "acme") {
    TenantSite out;
    out.tenant = {TenantId("t_" + name), name, "The title", "US", "America/New_York", {"en"}, {}};
    domain::Queue queue;
    queue.name = "support";
    queue.asteriskName = name + "-support";
    queue.wrapupSeconds = 7;
    out.queues.push_back({queue, {}});
    out.defaultQueue = queue.asteriskName;
    domain::Phone phone{AgentId("a_1"), "101", name + "-101", "pbxd", std::string(32, 'a'), "Ann", "", {}};
    out.phones.push_back({phone, "ann", "PJSIP/" + name + "-101"});
    domain::Trunk trunk;
    trunk.name = "main";
    trunk.server = "main";
    trunk.host = "192.0.2.7";
    trunk.addresses = {"192.0.2.7", "192.0.2.16/28"};
    trunk.codecs = {"alaw", "ulaw"};
    out.trunks.push_back(trunk);
    out.outbound.push_back({OutboundRuleId("o_1"), domain::OutboundKind::prefix, "+1212", {}, true});
    out.outbound.push_back({OutboundRuleId("o_2"), domain::OutboundKind::prefix, "+1212976", {}, false});
    out.outbound.push_back({OutboundRuleId("o_3"), domain::OutboundKind::country, "GB", {}, true});
    out.dids = {"+12125550100"};
    return out;
}

inline Site sampleSite() { return {sampleMachine(), {sampleTenant()}}; }

} // namespace pbx::render
