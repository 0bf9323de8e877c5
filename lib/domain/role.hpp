// The roles, and sets of them: who may call an operation is such a set, written once beside the operation.
// Threads: values. Nothing fails.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

namespace pbx::domain {

enum class Role : std::uint8_t {
    viewer,     // reads its tenant
    agent,      // reads and (issue: call flow) changes its own state and its own queues
    supervisor, // also agents, calls, quality; may be limited to departments
    admin,      // also configuration and users of its tenant
    operator_   // all tenants; names one with the common parameter `tenant`
};
inline constexpr std::size_t roleCount = 5;

std::string_view roleText(Role role); // "viewer" ... "operator"
std::optional<Role> parseRole(std::string_view text);

class RoleSet {
public:
    constexpr RoleSet(std::initializer_list<Role> roles) {
        for (Role role : roles) bits_ = static_cast<std::uint8_t>(bits_ | bit(role));
    }
    constexpr bool contains(Role role) const { return (bits_ & bit(role)) != 0; }

private:
    static constexpr std::uint8_t bit(Role role) {
        return static_cast<std::uint8_t>(1U << static_cast<unsigned>(role));
    }
    std::uint8_t bits_ = 0;
};

inline constexpr RoleSet anyRole{Role::viewer, Role::agent, Role::supervisor, Role::admin, Role::operator_};
inline constexpr RoleSet readers{Role::viewer, Role::supervisor, Role::admin,
                                 Role::operator_}; // of things that are not an agent's own
inline constexpr RoleSet workers{Role::agent, Role::supervisor, Role::admin,
                                 Role::operator_}; // who acts on agents and calls: an agent on itself alone
inline constexpr RoleSet supervisors{Role::supervisor, Role::admin, Role::operator_}; // of what the floor is run with
inline constexpr RoleSet administrators{Role::admin, Role::operator_};
inline constexpr RoleSet operators{Role::operator_};

} // namespace pbx::domain
