// Operations on the lines to the outside (trunks) and on what may be dialled over them.
// Threads: plain structs. Errors: see each handler in lib/ops/handlers/lines.cpp.
#pragma once

#include "domain/site.hpp"
#include "ops/catalogue/applied.hpp"
#include "ops/catalogue/routing_common.hpp"

namespace pbx::ops {

// ---- trunks

struct TrunkRow {
    std::string id, name, server, host;
    std::int32_t port = 5060;
    std::vector<std::string> addresses, codecs;
    std::optional<std::string> username, realm;
    bool registers = false;
    std::optional<std::string> callerNumber;
    std::optional<AppliedChoice> applied;
    UtcTime createdAt;
    static const TypeDesc& describe();
};
struct TrunkPage {
    std::vector<TrunkRow> items;
    std::optional<std::string> next;
    UtcTime asOf;
    bool stale = false;
    static const TypeDesc& describe();
};
struct TrunkCreateParams {
    std::string name, host;
    std::vector<std::string> addresses;
    std::optional<std::string> server;
    std::optional<std::int32_t> port;
    std::vector<std::string> codecs;
    std::optional<std::string> username, realm, secret;
    std::optional<bool> registers;
    std::optional<std::string> callerNumber;
    static const TypeDesc& describe();
};
struct TrunkUpdateParams {
    std::string id;
    std::optional<std::string> name, host;
    std::optional<std::vector<std::string>> addresses;
    std::optional<std::string> server;
    std::optional<std::int32_t> port;
    std::optional<std::vector<std::string>> codecs;
    std::optional<std::string> username, realm, secret;
    std::optional<bool> registers;
    std::optional<std::string> callerNumber;
    static const TypeDesc& describe();
};

struct TrunkList {
    using Params = PageParams;
    using Result = TrunkPage;
    static constexpr std::string_view name = "trunk.list", summary = "The lines to the outside.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = false;
};
struct TrunkGet {
    using Params = Reference;
    using Result = TrunkRow;
    static constexpr std::string_view name = "trunk.get", summary = "One line to the outside.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = false;
};
// Changed by operators alone: the address that a call comes from decides whose it is on an Asterisk that several
// companies share, and what is dialled leaves by the host given here.
struct TrunkCreate {
    using Params = TrunkCreateParams;
    using Result = TrunkRow;
    static constexpr std::string_view name = "trunk.create",
                                      summary =
                                          "Make a line to the outside known; its calls are told by their address.";
    static constexpr domain::RoleSet roles = domain::operators;
    static constexpr bool changes = true;
};
struct TrunkUpdate {
    using Params = TrunkUpdateParams;
    using Result = TrunkRow;
    static constexpr std::string_view name = "trunk.update",
                                      summary = "Change a line to the outside; what is left out stays.";
    static constexpr domain::RoleSet roles = domain::operators;
    static constexpr bool changes = true;
};
struct TrunkDelete {
    using Params = Reference;
    using Result = Done;
    static constexpr std::string_view name = "trunk.delete", summary = "Take a line to the outside away.";
    static constexpr domain::RoleSet roles = domain::operators;
    static constexpr bool changes = true;
};

// ---- what may be dialled

template <>
struct Choices<domain::OutboundKind> {
    static constexpr std::string_view name = "OutboundKind";
    static constexpr std::string_view texts[] = {"prefix", "country"};
};

struct OutboundRuleRow {
    std::string id;
    domain::OutboundKind kind = domain::OutboundKind::prefix;
    std::string value;
    std::vector<std::string> types;
    bool allowed = true;
    static const TypeDesc& describe();
};
struct OutboundRulePage {
    std::vector<OutboundRuleRow> items;
    std::optional<std::string> next;
    UtcTime asOf;
    bool stale = false;
    static const TypeDesc& describe();
};
struct OutboundRuleReference {
    std::string id; // id or value
    static const TypeDesc& describe();
};
struct OutboundRuleCreateParams {
    std::string value;
    std::vector<std::string> types;
    std::optional<bool> allowed;
    static const TypeDesc& describe();
};

struct OutboundRuleList {
    using Params = PageParams;
    using Result = OutboundRulePage;
    static constexpr std::string_view name = "outbound_rule.list",
                                      summary = "What may be dialled: nothing but what these rules allow.";
    static constexpr domain::RoleSet roles = domain::readers;
    static constexpr bool changes = false;
};
struct OutboundRuleCreate {
    using Params = OutboundRuleCreateParams;
    using Result = OutboundRuleRow;
    static constexpr std::string_view name = "outbound_rule.create",
                                      summary = "Allow (or refuse) to dial a prefix or a country.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};
struct OutboundRuleDelete {
    using Params = OutboundRuleReference;
    using Result = Done;
    static constexpr std::string_view name = "outbound_rule.delete",
                                      summary = "Take a rule of what may be dialled away.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};

} // namespace pbx::ops
