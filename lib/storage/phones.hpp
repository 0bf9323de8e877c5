// Agents' phones: SIP accounts whose secret is shown once and kept nowhere (only its digest, which Asterisk checks by).
// Threads: any, after initRandom(). Fails with pbx::Error: notFound (agent, phone), alreadyExists (extension; the agent
// has a phone), conflict (the agent's interface is no PJSIP one), invalidArgument, forbidden (an agent), unavailable,
// outcomeUnknown.
#pragma once

#include "base/secret.hpp"
#include "domain/site.hpp"
#include "storage/page.hpp"

#include <string_view>

namespace pbx::storage {

class Database;

struct NewPhone {
    std::string extension;
    std::string callerName;   // empty: the agent's title
    std::string callerNumber; // empty: the trunk's
};
struct PhoneChange {
    std::optional<std::string> extension;
    std::optional<std::string> callerName;   // "": the agent's title
    std::optional<std::string> callerNumber; // "": the trunk's
};
struct MadePhone {
    domain::Phone phone;
    SecretString secret; // to be typed into the phone; it cannot be asked for again
};

class PhoneRepository {
public:
    explicit PhoneRepository(Database& database) : database_(database) {}

    // By extension.
    Page<domain::Phone> list(const domain::Scope& scope, const PageRequest& page);
    domain::Phone get(const domain::Scope& scope, const std::string& agentIdOrName);
    // The username is what the agent's interface names: "viatalk-101" of PJSIP/viatalk-101.
    MadePhone create(const domain::Scope& scope, const std::string& agentIdOrName, const NewPhone& phone);
    domain::Phone update(const domain::Scope& scope, const std::string& agentIdOrName, const PhoneChange& change);
    // A new secret, and the username anew from the agent's interface.
    MadePhone renew(const domain::Scope& scope, const std::string& agentIdOrName);
    void remove(const domain::Scope& scope, const std::string& agentIdOrName);

private:
    Database& database_;
};

// MD5 of "username:realm:secret" in hexadecimal (RFC 2617's HA1), Asterisk's md5_cred.
std::string digestOf(std::string_view username, std::string_view realm, const SecretString& secret);

// What our phones' digests are made for, and Asterisk names in its challenge.
inline constexpr std::string_view phoneRealm = "pbxd";

} // namespace pbx::storage
