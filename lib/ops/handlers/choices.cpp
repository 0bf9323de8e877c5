#include "ops/handlers/choices.hpp"

namespace pbx::ops {

std::string chosenServer(const Context& context, const std::optional<std::string>& named) {
    const auto boards = context.services().boards();
    if (!named) {
        if (boards.size() == 1) return boards.front()->server;
        throw Error::field("server", boards.empty() ? "no Asterisk is configured"
                                                    : "is required: there are several Asterisk servers");
    }
    for (const auto& board : boards)
        if (board->server == *named) return *named;
    throw Error::field("server", "no such Asterisk in the configuration");
}

std::optional<DepartmentId> chosenDepartment(const Context& context, const std::optional<std::string>& named) {
    if (!named) return std::nullopt;
    return context.repositories().departments.get(context.scope(), *named).id;
}

std::optional<std::optional<DepartmentId>> changedDepartment(const Context& context,
                                                             const std::optional<std::string>& named) {
    if (!named) return std::nullopt;
    return named->empty() ? std::optional<DepartmentId>() : chosenDepartment(context, named);
}

void requireOwnName(const Context& context, const std::string& field, std::string_view name) {
    if (context.isOperator()) return;
    const auto slash = name.find('/');
    const auto* owner =
        context.directory().tenantByPrefix(name.substr(slash == std::string_view::npos ? 0 : slash + 1));
    if (owner && owner->id == context.scope().tenant()) return;
    const auto* own = context.directory().tenant(context.scope().tenant());
    throw Error::field(field, "must be a name that begins with \"" + (own ? own->name : std::string()) +
                                  "-\"; an operator can take over another one");
}

} // namespace pbx::ops
