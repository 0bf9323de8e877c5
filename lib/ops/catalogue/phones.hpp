// Operations on agents' phones: the SIP accounts that Asterisk's configuration is rendered with.
// Threads: plain structs. Errors: see each handler in lib/ops/handlers/phones.cpp.
#pragma once

#include "ops/catalogue/applied.hpp"
#include "ops/catalogue/routing_common.hpp"

namespace pbx::ops {

struct PhoneRow {
    std::string id;    // of the agent whose phone it is
    std::string agent; // name
    std::string extension, username, callerName;
    std::optional<std::string> callerNumber;
    std::optional<AppliedChoice> applied;
    UtcTime createdAt;
    static const TypeDesc& describe();
};
struct PhonePage {
    std::vector<PhoneRow> items;
    std::optional<std::string> next;
    UtcTime asOf;
    bool stale = false;
    static const TypeDesc& describe();
};
struct PhoneReference {
    std::string id; // id or name of the agent
    static const TypeDesc& describe();
};
struct PhoneCreateParams {
    std::string agent, extension;
    std::optional<std::string> callerName, callerNumber;
    static const TypeDesc& describe();
};
struct PhoneUpdateParams {
    std::string id;
    std::optional<std::string> extension, callerName, callerNumber;
    static const TypeDesc& describe();
};
// What is to be typed into the phone.
struct PhoneSecret {
    std::string id, agent, extension, username, realm, secret;
    static const TypeDesc& describe();
};

struct PhoneList {
    using Params = PageParams;
    using Result = PhonePage;
    static constexpr std::string_view name = "phone.list", summary = "The agents' phones, by extension.";
    static constexpr domain::RoleSet roles = domain::readers;
    static constexpr bool changes = false;
};
struct PhoneGet {
    using Params = PhoneReference;
    using Result = PhoneRow;
    static constexpr std::string_view name = "phone.get", summary = "The phone of one agent.";
    static constexpr domain::RoleSet roles = domain::readers;
    static constexpr bool changes = false;
};
struct PhoneCreate {
    using Params = PhoneCreateParams;
    using Result = PhoneSecret;
    static constexpr std::string_view name = "phone.create",
                                      summary = "Give an agent a phone; its secret is shown this once.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};
struct PhoneUpdate {
    using Params = PhoneUpdateParams;
    using Result = PhoneRow;
    static constexpr std::string_view
        name = "phone.update",
        summary = "Change a phone's extension or what the other side is shown; what is left out stays.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};
struct PhoneNewSecret {
    using Params = PhoneReference;
    using Result = PhoneSecret;
    static constexpr std::string_view name = "phone.new_secret",
                                      summary = "A new secret, shown this once; the old one ends when it is applied.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};
struct PhoneDelete {
    using Params = PhoneReference;
    using Result = Done;
    static constexpr std::string_view name = "phone.delete", summary = "Take an agent's phone away.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};

} // namespace pbx::ops
