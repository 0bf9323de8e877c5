#include "access/principal.hpp"

#include <algorithm>

namespace pbx::access {
namespace {

constexpr std::string_view wordCharacters = "abcdefghijklmnopqrstuvwxyz0123456789_";

bool isWord(std::string_view text) {
    return !text.empty() && text.size() <= 32 && text.find_first_not_of(wordCharacters) == std::string_view::npos;
}

} // namespace

bool isOperationPattern(std::string_view pattern) {
    if (pattern == "*") return true;
    const auto dot = pattern.find('.');
    if (dot == std::string_view::npos || !isWord(pattern.substr(0, dot))) return false;
    const auto verb = pattern.substr(dot + 1);
    return verb == "*" || isWord(verb);
}

bool matchesOperation(std::string_view pattern, std::string_view operation) {
    if (pattern == "*") return !operation.empty();
    if (pattern.ends_with(".*")) // "queue.*" covers "queue.list", not "queues.list" and not "queue."
        return operation.size() > pattern.size() - 1 && operation.starts_with(pattern.substr(0, pattern.size() - 1));
    return pattern == operation;
}

bool Principal::covers(std::string_view operation) const {
    if (!token) return true;
    return std::ranges::any_of(operations, [&](const auto& pattern) { return matchesOperation(pattern, operation); });
}

domain::Scope Principal::scope(const TenantId& inTenant) const {
    domain::Scope scope(tenant ? *tenant : inTenant);
    switch (role) {
    case domain::Role::admin:
    case domain::Role::operator_:
        return scope;
    case domain::Role::agent: // one without an agent reaches nothing
        return std::move(scope).asAgent(agent.value_or(AgentId()));
    case domain::Role::viewer:
    case domain::Role::supervisor:
        break;
    }
    if (departments.empty()) return scope;
    return std::move(scope).within({departments.begin(), departments.end()});
}

std::string Principal::viaText() const {
    switch (via) {
    case Via::password:
        return "password";
    case Via::token:
        return "token:" + tokenName;
    case Via::phone:
        return "phone";
    case Via::local:
        break;
    }
    return "local";
}

} // namespace pbx::access
