// Described objects as XML-RPC text, for the server and for pbxctl. Written directly: xmlrpc-c's value tree costs five
// times as much at 100 rows.
// Threads: any. Nothing fails.
#pragma once

#include "base/error.hpp"
#include "ops/operation.hpp"

#include <string>
#include <string_view>

namespace pbx::xmlrpc {

void appendStruct(std::string& out, const ops::TypeDesc& type, const void* object); // <value><struct>...
void appendString(std::string& out, std::string_view text);                         // <value><string>...
void appendFaultStruct(std::string& out, const Error& error, std::string_view requestId);

// A methodCall with one struct of named parameters: those of the operation and those that every operation takes.
std::string methodCall(std::string_view method, const ops::Value& params, const ops::CommonParams& common);
std::string response(std::string_view value); // a methodResponse around one <value>
std::string fault(const Error& error, std::string_view requestId);

} // namespace pbx::xmlrpc
