// Users, API tokens, audit.
#include "ops/catalogue/access.hpp"
#include "ops/board_view.hpp"

#include <algorithm>

namespace pbx::ops {
namespace {

using domain::Role;

const domain::Agent* agentById(const Context& context, const std::optional<AgentId>& id) {
    if (id)
        for (const auto& mapped : context.directory().agents())
            if (mapped.agent.id == *id) return &mapped.agent;
    return nullptr;
}

UserRow row(const Context& context, const domain::User& user) {
    UserRow out;
    out.id = user.id.str();
    out.login = user.login;
    out.role = user.role;
    if (user.tenant)
        if (const auto* tenant = context.directory().tenant(*user.tenant)) out.tenant = tenant->name;
    if (const auto* agent = agentById(context, user.agent)) out.agent = agent->name;
    for (const auto& id : user.departments)
        if (const auto* department = context.directory().department(id)) out.departments.push_back(department->name);
    out.disabled = user.disabled;
    out.createdAt = user.createdAt;
    return out;
}

AgentId agentIdOf(const Context& context, const std::string& idOrName) {
    return context.repositories().agents.get(context.scope(), idOrName).id;
}

std::vector<DepartmentId> departmentIds(const Context& context, const std::vector<std::string>& names) {
    std::vector<DepartmentId> ids;
    for (const auto& name : names) { // an id and its name are one
        const auto id = context.repositories().departments.get(context.scope(), name).id;
        if (std::ranges::find(ids, id) == ids.end()) ids.push_back(id);
    }
    return ids;
}

// An operator's role lives outside the tenants and the others inside one.
void requireFittingRole(const Context& context, Role role) {
    const bool operators = !context.tenant();
    if (operators != (role == Role::operator_))
        throw Error::field("role", operators ? "must be operator where no tenant is named"
                                             : "cannot be operator within a tenant");
}

UserPage listUsers(Context& context, const PageParams& params) {
    const auto found =
        context.repositories().users.list(context.accountScope(), pageRequest(params.after, params.limit));
    UserPage page;
    page.asOf = context.now();
    for (const auto& user : found.items) page.items.push_back(row(context, user));
    page.next = nextCursor(found.next);
    return page;
}

UserRow createUser(Context& context, const UserCreateParams& params) {
    requireFittingRole(context, params.role);
    access::NewAccount account;
    account.login = params.login;
    account.password = SecretString(params.password);
    account.role = params.role;
    if (params.agent) account.agent = agentIdOf(context, *params.agent);
    account.departments = departmentIds(context, params.departments);
    const auto user = context.services().accounts.createUser(context.accountScope(), account);
    context.concerns(user.id.str());
    return row(context, user);
}

UserRow updateUser(Context& context, const UserUpdateParams& params) {
    if (params.role) requireFittingRole(context, *params.role);
    storage::UserChange change;
    change.role = params.role;
    change.disabled = params.disabled;
    if (params.agent)
        change.agent = params.agent->empty() ? std::optional<AgentId>()
                                             : std::optional<AgentId>(agentIdOf(context, *params.agent));
    if (params.departments) change.departments = departmentIds(context, *params.departments);
    const auto user = context.services().accounts.updateUser(context.accountScope(), params.id, change);
    context.concerns(user.id.str());
    return row(context, user);
}

UserRow disableUser(Context& context, const Reference& params) {
    const auto user = context.services().accounts.disableUser(context.accountScope(), params.id);
    context.concerns(user.id.str());
    return row(context, user);
}

bool administers(const Context& context) { return domain::administrators.contains(context.principal().role); }

// Whoever is no administrator reaches only itself; the scope it is found in is its own tenant, unlimited.
domain::Scope selfScope(const Context& context) {
    return context.principal().tenant ? domain::Scope(*context.principal().tenant) : storage::serverScope();
}

Done setPassword(Context& context, const UserSetPasswordParams& params) {
    const auto& principal = context.principal();
    const bool own = params.id == principal.login || params.id == principal.user.str();
    if (!own && !administers(context)) throw Error::notFound("user", params.id);
    if (own && principal.via == access::Via::token)
        throw Error(ErrorCode::forbidden, "a token cannot change its own user's password");
    const auto scope = own ? selfScope(context) : context.accountScope();
    const auto user = context.repositories().users.get(scope, params.id);
    context.concerns(user.id.str());
    context.services().accounts.setPassword(scope, user.id.str(), SecretString(params.password));
    return {user.id.str()};
}

TokenRow row(const domain::Token& token, const std::string& login) {
    return {token.id.str(),  token.name,       login,         token.operations,
            token.expiresAt, token.lastUsedAt, token.revoked, token.createdAt};
}

// A misspelt one would be found out by the first request that it was meant for.
void requireCovering(const std::vector<std::string>& patterns) {
    for (std::size_t i = 0; i < patterns.size(); ++i)
        if (std::ranges::none_of(catalogue(), [&](const Operation& operation) {
                return access::matchesOperation(patterns[i], operation.name);
            }))
            throw Error::field("operations[" + std::to_string(i) + "]",
                               "covers no operation: write one as it is called, noun.* or *");
}

TokenCreated createToken(Context& context, const TokenCreateParams& params) {
    const auto& principal = context.principal();
    const auto login = params.user.value_or(principal.login);
    const bool own = login == principal.login;
    if (!own && !administers(context)) throw Error::notFound("user", login);
    if (principal.via == access::Via::token)
        throw Error(ErrorCode::forbidden, "a token cannot make tokens; sign in with a password");
    if (params.operations.empty())
        throw Error::field("operations", "must name at least one pattern, such as queue.* or *");
    requireCovering(params.operations);
    access::NewTokenRequest request;
    request.user = login;
    request.name = params.name;
    request.operations = params.operations;
    if (params.expiresInDays) request.expiresAt = context.now() + std::chrono::hours(24) * *params.expiresInDays;
    const auto issued =
        context.services().accounts.createToken(own ? selfScope(context) : context.accountScope(), request);
    context.concerns(issued.token.id.str());
    return {issued.token.id.str(),   issued.token.name,     login, std::string(issued.text.reveal()),
            issued.token.operations, issued.token.expiresAt};
}

TokenPage listTokens(Context& context, const PageParams& params) {
    const bool all = administers(context);
    const auto scope = all ? context.accountScope() : selfScope(context);
    const auto found =
        context.repositories().tokens.list(scope, pageRequest(params.after, params.limit),
                                           all ? std::nullopt : std::optional<UserId>(context.principal().user));
    TokenPage page;
    page.asOf = context.now();
    for (const auto& token : found.items) {
        const auto user = context.repositories().users.findById(token.user);
        page.items.push_back(row(token, user ? user->login : std::string{}));
    }
    page.next = nextCursor(found.next);
    return page;
}

Done revokeToken(Context& context, const Reference& params) {
    const bool all = administers(context);
    const auto scope = all ? context.accountScope() : selfScope(context);
    const auto token = context.repositories().tokens.get(scope, params.id);
    if (!all && token.user != context.principal().user) throw Error::notFound("token", params.id);
    context.concerns(token.id.str());
    context.services().accounts.revokeToken(scope, token.id.str());
    return {token.id.str()};
}

AuditPage listAudit(Context& context, const AuditListParams& params) {
    storage::AuditFilter filter;
    filter.login = params.login.value_or("");
    filter.operation = params.operation.value_or("");
    const auto found =
        context.repositories().audit.list(context.accountScope(), pageRequest(params.after, params.limit), filter);
    AuditPage page;
    page.asOf = context.now();
    for (const auto& entry : found.items) {
        const auto* tenant = entry.tenant ? context.directory().tenant(*entry.tenant) : nullptr;
        page.items.push_back({entry.id, entry.at, tenant ? std::optional<std::string>(tenant->name) : std::nullopt,
                              entry.login, entry.via, entry.address, entry.face, entry.requestId, entry.operation,
                              entry.target, entry.parameters, entry.outcome});
    }
    page.next = nextCursor(found.next);
    return page;
}

} // namespace

void addAccessHandlers(Handlers& handlers) {
    handlers.on<UserList>(&listUsers);
    handlers.on<UserCreate>(&createUser);
    handlers.on<UserUpdate>(&updateUser);
    handlers.on<UserDisable>(&disableUser);
    handlers.on<UserSetPassword>(&setPassword);
    handlers.on<TokenCreate>(&createToken);
    handlers.on<TokenList>(&listTokens);
    handlers.on<TokenRevoke>(&revokeToken);
    handlers.on<AuditList>(&listAudit);
}

} // namespace pbx::ops
