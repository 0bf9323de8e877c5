// Operations on who may do what: users, API tokens, the audit log, and who am I.
// Threads: plain structs. Errors: see each handler in lib/ops/handlers.
#pragma once

#include "ops/catalogue/common.hpp"

namespace pbx::ops {

struct WhoamiResult {
    std::string login;
    domain::Role role = domain::Role::viewer;
    std::optional<std::string> tenant, agent; // names
    std::vector<std::string> departments;
    std::string via;                     // "password" or "token:NAME"
    std::vector<std::string> operations; // what may be called, after role and token scope
    static const TypeDesc& describe();
};

struct UserRow {
    std::string id, login;
    domain::Role role = domain::Role::viewer;
    std::optional<std::string> tenant, agent;
    std::vector<std::string> departments;
    bool disabled = false;
    UtcTime createdAt;
    static const TypeDesc& describe();
};
struct UserPage {
    std::vector<UserRow> items;
    std::optional<std::string> next;
    UtcTime asOf;
    bool stale = false;
    static const TypeDesc& describe();
};
struct UserCreateParams {
    std::string login;
    std::string password;
    domain::Role role = domain::Role::viewer;
    std::optional<std::string> agent;
    std::vector<std::string> departments;
    static const TypeDesc& describe();
};
struct UserUpdateParams {
    std::string id;
    std::optional<domain::Role> role;
    std::optional<std::string> agent;
    std::optional<std::vector<std::string>> departments;
    std::optional<bool> disabled;
    static const TypeDesc& describe();
};
struct UserSetPasswordParams {
    std::string id;
    std::string password;
    static const TypeDesc& describe();
};

struct TokenRow {
    std::string id, name, user; // user: login
    std::vector<std::string> operations;
    std::optional<UtcTime> expiresAt, lastUsedAt;
    bool revoked = false;
    UtcTime createdAt;
    static const TypeDesc& describe();
};
struct TokenPage {
    std::vector<TokenRow> items;
    std::optional<std::string> next;
    UtcTime asOf;
    bool stale = false;
    static const TypeDesc& describe();
};
struct TokenCreateParams {
    std::string name;
    std::optional<std::string> user;
    std::vector<std::string> operations;
    std::optional<std::int32_t> expiresInDays;
    static const TypeDesc& describe();
};
struct TokenCreated {
    std::string id, name, user;
    std::string token; // shown this once
    std::vector<std::string> operations;
    std::optional<UtcTime> expiresAt;
    static const TypeDesc& describe();
};

struct AuditRow {
    std::string id;
    UtcTime at;
    std::optional<std::string> tenant;
    std::string login, via, address, face, requestId, operation, target, parameters, outcome;
    static const TypeDesc& describe();
};
struct AuditPage {
    std::vector<AuditRow> items;
    std::optional<std::string> next;
    UtcTime asOf;
    bool stale = false;
    static const TypeDesc& describe();
};
struct AuditListParams {
    std::optional<std::string> login, operation, after;
    std::optional<std::int32_t> limit;
    static const TypeDesc& describe();
};

struct SystemWhoami {
    using Params = NoParams;
    using Result = WhoamiResult;
    static constexpr std::string_view name = "system.whoami",
                                      summary = "Who you are, and which operations you may call.";
    static constexpr domain::RoleSet roles = domain::anyRole;
    static constexpr bool changes = false;
};
struct UserList {
    using Params = PageParams;
    using Result = UserPage;
    static constexpr std::string_view name = "user.list",
                                      summary =
                                          "The users of the tenant (an operator without `tenant`: the operators).";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = false;
};
struct UserCreate {
    using Params = UserCreateParams;
    using Result = UserRow;
    static constexpr std::string_view name = "user.create",
                                      summary =
                                          "Create a user of the tenant (an operator without `tenant`: an operator).";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};
struct UserUpdate {
    using Params = UserUpdateParams;
    using Result = UserRow;
    static constexpr std::string_view name = "user.update",
                                      summary = "Change a user's role, agent, departments or whether it is disabled.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};
struct UserDisable {
    using Params = Reference;
    using Result = UserRow;
    static constexpr std::string_view name = "user.disable", summary = "Disable a user at once, with all its tokens.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};
struct UserSetPassword {
    using Params = UserSetPasswordParams;
    using Result = Done;
    static constexpr std::string_view name = "user.set_password",
                                      summary = "Set a user's password (your own: any role).";
    static constexpr domain::RoleSet roles = domain::anyRole;
    static constexpr bool changes = true;
};
struct TokenCreate {
    using Params = TokenCreateParams;
    using Result = TokenCreated;
    static constexpr std::string_view
        name = "token.create",
        summary = "Create an API token for yourself (admin: for any user of the tenant); shown once.";
    static constexpr domain::RoleSet roles = domain::anyRole;
    static constexpr bool changes = true;
};
struct TokenList {
    using Params = PageParams;
    using Result = TokenPage;
    static constexpr std::string_view name = "token.list", summary = "Your API tokens (admin: all of the tenant).";
    static constexpr domain::RoleSet roles = domain::anyRole;
    static constexpr bool changes = false;
};
struct TokenRevoke {
    using Params = Reference;
    using Result = Done;
    static constexpr std::string_view name = "token.revoke", summary = "Revoke an API token at once.";
    static constexpr domain::RoleSet roles = domain::anyRole;
    static constexpr bool changes = true;
};
struct AuditList {
    using Params = AuditListParams;
    using Result = AuditPage;
    static constexpr std::string_view name = "audit.list",
                                      summary = "What was changed, by whom, from where; newest first.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = false;
};

} // namespace pbx::ops
