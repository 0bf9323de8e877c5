// What every operation that does something to agents and calls shares: storing the request, waiting for its outcome,
// and how that is told. Threads: any; the answer may be made by the parking thread. Throws pbx::Error, as storage does.
#pragma once

#include "ops/catalogue/control.hpp"
#include "ops/handlers.hpp"

namespace pbx::ops {

ActionRow actionRow(const domain::Directory& directory, const domain::Action& action);

// Stores what is asked for, has it taken up, and answers when it has ended or the caller's patience has.
Outcome carryOut(Context& context, const std::vector<storage::NewAction>& wanted,
                 const std::optional<std::int32_t>& waitSeconds);

} // namespace pbx::ops
