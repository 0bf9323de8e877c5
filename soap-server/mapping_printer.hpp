// Prints the C++ that reads gSOAP's generated request classes into the catalogue's params, through their descriptions.
// Threads: any; used at build time only.
// Throws std::logic_error for what requests cannot carry yet: objects.
#pragma once

#include "ops/operation.hpp"

#include <span>
#include <string>

namespace pbx::soap {

std::string printMapping(std::span<const ops::Operation> operations);

} // namespace pbx::soap
