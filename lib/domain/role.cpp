#include "domain/role.hpp"

#include <array>

namespace pbx::domain {
namespace {
constexpr std::array<std::string_view, roleCount> names{"viewer", "agent", "supervisor", "admin", "operator"};
}

std::string_view roleText(Role role) { return names[static_cast<std::size_t>(role)]; }

std::optional<Role> parseRole(std::string_view text) {
    for (std::size_t i = 0; i < names.size(); ++i)
        if (names[i] == text) return static_cast<Role>(i);
    return std::nullopt;
}

} // namespace pbx::domain
