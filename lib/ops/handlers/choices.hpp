// What several handlers resolve alike: the server of a new object, a department by name, "" as "none",
// and which of Asterisk's names a tenant may claim.
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

// A tenant's own people may claim only what begins with "<tenant>-" in Asterisk: any other name may be another
// company's, now or later, and the answer must not tell. Only an operator takes over other names. `name` is a queue's
// name or an interface ("PJSIP/viatalk-101").
void requireOwnName(const Context& context, const std::string& field, std::string_view name);

} // namespace pbx::ops
