// Who a request turns out to be, once its credentials (base/credentials.hpp) have been verified.
// Threads: values; a Principal is immutable and shared. Nothing fails.
#pragma once

#include "domain/model.hpp"
#include "domain/scope.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pbx::access {

enum class Via { password, token, local, phone }; // phone: an agent, as Asterisk knows the phone that calls

struct Principal {
    UserId user;
    std::string login;
    std::optional<TenantId> tenant; // empty: an operator
    domain::Role role = domain::Role::viewer;
    std::optional<AgentId> agent;
    std::vector<DepartmentId> departments; // a supervisor's limits; empty: the whole tenant
    Via via = Via::password;
    std::optional<TokenId> token;
    std::string tokenName;
    std::vector<std::string> operations; // the token's patterns; not looked at for a password
    std::optional<UtcTime> expiresAt;    // the token's
    bool unverified = false; // verified a good while ago, and the database that could tell anew cannot be reached: may
                             // read the live board and change nothing

    // Whether the token (if one) covers this operation. The role is judged besides: a token never widens it.
    bool covers(std::string_view operation) const;
    // What this user reaches in `inTenant` (an operator's choice; else its own tenant).
    domain::Scope scope(const TenantId& inTenant) const;
    // For the audit: "password", "token:NAME", "local", "phone".
    std::string viaText() const;
};
using PrincipalPtr = std::shared_ptr<const Principal>;

// Whether a pattern is well-formed: "*", "noun.*" or "noun.verb" of [a-z0-9_].
bool isOperationPattern(std::string_view pattern);
bool matchesOperation(std::string_view pattern, std::string_view operation);

} // namespace pbx::access
