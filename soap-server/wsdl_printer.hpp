// Prints the SOAP contract from the catalogue of operations: document/literal wrapped, one schema inside, SOAP 1.1.
// Threads: any; used at build time and by tests only.
// Throws std::logic_error when the catalogue cannot be said in WSDL (two types or fields of one name).
#pragma once

#include "ops/operation.hpp"

#include <span>
#include <string>

namespace pbx::soap {

std::string printWsdl(std::span<const ops::Operation> operations);

} // namespace pbx::soap
