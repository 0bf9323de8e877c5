// The XML-RPC face: a methodCall in, a methodResponse out. xmlrpc-c parses (behind the XML guard); answers are written
// as text. Threads: any number of handle() at once. Throws nothing: every error is a fault with the number of the error
// table. An operation takes one struct of named parameters (or nothing). system.listMethods, methodHelp,
// methodSignature, multicall and getCapabilities are answered here. Never i8, nil or a bare double in an answer: some
// clients fail on them.
#pragma once

#include "ops/door.hpp"

#include <string_view>

namespace pbx::xmlrpc {

inline constexpr std::size_t maxCalls = 32; // in one system.multicall

class Codec {
public:
    Codec();
    ops::FaceOutcome handle(std::string_view body, std::string_view contentType, ops::CallContext context,
                            ops::Door& door) const;
};

} // namespace pbx::xmlrpc
