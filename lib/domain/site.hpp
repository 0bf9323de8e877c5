// What a tenant says about its Asterisk: how its queues behave, its agents' phones, its trunks, what may be dialled:
// plain structs, as stored, from which the configuration is rendered. Threads: values. Nothing fails.
#pragma once

#include "base/ids.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pbx::domain {

// Which agent is rung first; the names are queues.conf's.
enum class Strategy : std::uint8_t { rrmemory, ringall, leastrecent, fewestcalls, random, rrordered, linear, wrandom };

// Who must be there for a caller to join a queue, or to stay in it. A busy agent is there.
enum class Presence : std::uint8_t {
    always,   // nobody
    loggedIn, // somebody logged in whose phone can be reached
    unpaused  // and who is not paused
};

struct QueueSettings {
    Strategy strategy = Strategy::rrmemory;
    int ringSeconds = 15;              // 1-300; how long one agent's phone rings
    int retrySeconds = 2;              // 0-300; pause before the next one rings
    int maxWaiting = 0;                // 0-10000; callers who may wait, 0: any number
    std::optional<int> maxWaitSeconds; // 1-86400; then the caller is told to try again later; empty: no limit
    int weight = 0;                    // 0-1000; of two queues with a free agent in common the heavier one is served
    int serviceLevelSeconds = 20;      // 1-3600
    std::string musicClass = "default";
    Presence joinWhen = Presence::always;
    Presence leaveWhen = Presence::always; // a caller who waits is sent away when nobody is left
    std::string agentSound;                // played to the agent before he is connected; empty: none
    int positionEverySeconds = 0;          // 0-3600; tells the caller his place and the expected wait; 0: never
    std::string periodicSound;             // played to who waits, each periodicEverySeconds; empty: none
    int periodicEverySeconds = 60;         // 5-3600
    bool operator==(const QueueSettings&) const = default;
};

// The phone that an agent's interface PJSIP/<username> is.
struct Phone {
    AgentId agent;
    std::string extension; // 2-6 digits, unique in the tenant: how colleagues call it
    std::string username;  // of the SIP account and name of the endpoint
    std::string realm;
    std::string digest;       // MD5 of "username:realm:secret", 32 lower-case hexadecimal digits
    std::string callerName;   // shown to who is called
    std::string callerNumber; // E.164 shown to the outside; empty: the trunk's
    UtcTime createdAt;
};

struct Trunk {
    TrunkId id;
    std::string name; // slug
    std::string server;
    std::string host; // name or address that calls go to
    int port = 5060;
    std::vector<std::string>
        addresses;                   // addresses and ranges that calls come from; its calls are known by nothing else
    std::vector<std::string> codecs; // in order of preference
    std::string username;            // empty: the other side asks for no credentials
    std::string realm;               // that the other side names in its challenge
    std::string digest;              // as Phone::digest
    bool registers = false;          // logs in there, so that calls are sent to us
    std::string callerNumber;        // E.164 shown to the outside; empty: what the phone says
    UtcTime createdAt;
};

enum class OutboundKind : std::uint8_t {
    prefix, // "+1212"; enforced by the dialplan and by pbxd
    country // "US", perhaps of some types of number only; enforced by pbxd for the calls that it makes
};

struct OutboundRule {
    OutboundRuleId id;
    OutboundKind kind = OutboundKind::prefix;
    std::string value;
    std::vector<std::string> types; // of kind country: routing::typeToken's words; empty: fixed and mobile ones
    bool allowed = true;            // false: takes away what a shorter prefix or a country gives
};

} // namespace pbx::domain
