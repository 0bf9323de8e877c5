// Whose data an operation may touch. There is no default: every repository, board view and control call takes a Scope
// first. Threads: values. Nothing fails.
#pragma once

#include "base/ids.hpp"

#include <optional>
#include <set>
#include <utility>

namespace pbx::domain {

class Scope {
public:
    explicit Scope(TenantId tenant) : tenant_(std::move(tenant)) {}

    // A supervisor limited to departments sees only their queues and agents.
    Scope&& within(std::set<DepartmentId> departments) && {
        departments_ = std::move(departments);
        return std::move(*this);
    }
    // An agent sees only itself and the queues it is a member of.
    Scope&& asAgent(AgentId agent) && {
        self_ = std::move(agent);
        return std::move(*this);
    }

    const TenantId& tenant() const noexcept { return tenant_; }
    const std::optional<std::set<DepartmentId>>& departments() const noexcept { return departments_; }
    const std::optional<AgentId>& self() const noexcept { return self_; }

    // An object without a department belongs to nobody's department: a limited supervisor does not see it.
    bool reaches(const std::optional<DepartmentId>& department) const {
        return !departments_ || (department && departments_->contains(*department));
    }

private:
    TenantId tenant_;
    std::optional<std::set<DepartmentId>> departments_;
    std::optional<AgentId> self_;
};

} // namespace pbx::domain
