// What several handlers resolve alike: the server of a new object, a department by name, "" as "none".
// Threads: any. Throws pbx::Error naming the field.
#pragma once

#include "ops/handlers.hpp"

namespace pbx::ops {

// The named [asterisk.NAME], or the only one when none is named.
std::string chosenServer(const Context& context, const std::optional<std::string>& named);
std::optional<DepartmentId> chosenDepartment(const Context& context, const std::optional<std::string>& named);
// For updates: absent: leave it; "": none; else that department.
std::optional<std::optional<DepartmentId>> changedDepartment(const Context& context,
                                                             const std::optional<std::string>& named);

} // namespace pbx::ops
