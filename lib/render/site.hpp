// Everything that one Asterisk's configuration is made of: what the settings say of the machine, what the tables say of
// the tenants. Threads: values. Nothing fails.
#pragma once

#include "base/secret.hpp"
#include "domain/model.hpp"
#include "domain/site.hpp"

#include <optional>
#include <string>
#include <vector>

namespace pbx::render {

// Where Asterisk's things are; empty: where the program was built to look for them.
struct Directories {
    std::string configuration, modules, lib, data, spool, run, log;
};

// The account that func_odbc reads our tables by when pbxd does not answer; it may only SELECT.
struct Odbc {
    std::string driver; // name in odbcinst.ini, or the path of the library
    std::string socket; // wins over host and port
    std::string host;
    int port = 3306;
    std::string database;
    std::string user;
    SecretString password;
};

// What an agent's phone dials; empty: there is no such code. "*" or "#", then digits and more of these.
struct PhoneCodes {
    std::string login = "*11", logout = "*12", pause = "*13", unpause = "*14";
};

struct Machine {
    std::string server; // [asterisk.NAME]
    int version = 22;   // 16-22
    Directories directories;
    std::string sipListen = "0.0.0.0";
    int sipPort = 5060;
    std::string externalAddress;            // behind a router: the address that the outside sees
    std::vector<std::string> localNetworks; // that are on this side of it
    bool phonesBehindNat = true;            // answers go to where a phone's packets came from
    int rtpFirst = 10'000, rtpLast = 20'000;
    std::string amiListen = "127.0.0.1";
    int amiPort = 5038;
    std::vector<std::string> amiPermit; // who may log in to AMI
    std::string amiUser;
    SecretString amiSecret;
    std::string sysUser;
    SecretString sysSecret; // empty: there is no second account
    std::string agiHost;    // where the dialplan asks pbxd
    int agiPort = 4573;
    std::vector<std::string> agiAlso; // HOST:PORT of further pbxd, asked when the first does not answer
    SecretString agiToken;
    PhoneCodes codes;
    std::optional<Odbc> odbc; // empty: without MariaDB there is nothing to read
};

struct QueueSite {
    domain::Queue queue;
    domain::QueueSettings settings;
};
struct PhoneSite {
    domain::Phone phone;
    std::string agentName;
    std::string interface; // of the agent, now
};

struct TenantSite {
    domain::Tenant tenant;
    std::string defaultQueue; // its name in Asterisk; empty: none, or on another server
    std::vector<QueueSite> queues;
    std::vector<PhoneSite> phones;
    std::vector<domain::Trunk> trunks;
    std::vector<domain::OutboundRule> outbound;
    std::vector<std::string> dids;
};

struct Site {
    Machine machine;
    std::vector<TenantSite> tenants; // by name
};

} // namespace pbx::render
