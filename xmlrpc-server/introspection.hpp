// The system.* methods that XML-RPC clients know: what methods there are, what each takes.
// Threads: any. Throws pbx::Error: notFound for a method that does not exist.
#pragma once

#include <string>
#include <string_view>

namespace pbx::xmlrpc {

// Each answers one <value>.
std::string listMethods();
std::string methodHelp(std::string_view method);
std::string methodSignature(std::string_view method);
std::string capabilities();

} // namespace pbx::xmlrpc
