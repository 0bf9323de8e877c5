// One linear pass over a body before an XML codec sees it: refuses what gSOAP and xmlrpc-c survive badly or read
// wrongly. Threads: any; no state is kept, nothing is allocated. Never throws: the answer says what is wrong and where.
// What it refuses and why: docs of XmlGuardLimits and xml_guard.cpp.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace pbx {

// Every limit is of what the libraries behind the guard do badly beyond it; a body at the limit passes.
struct XmlGuardLimits {
    static constexpr std::size_t deepest = 64; // of `depth`: the guard's own stack has this many places

    std::size_t depth = deepest; // open elements; xmlrpc-c builds its tree by recursion
    std::size_t tagBytes = 4096; // of one start or end tag
    std::size_t attributes = 64; // of one element; gSOAP's look-up of an attribute is linear in those seen so far,
    std::size_t attributesInAll = 2000;  // in the whole document
    std::size_t namespacesInScope = 64;  // xmlns declarations of the open elements; gSOAP walks them for every name
    std::size_t elements = 50'000;       // in all
    std::size_t instructionBytes = 1024; // of one processing instruction or XML declaration
    bool xmlRpc = false;     // also check the form of numbers and times, and count the calls of a multicall:
    std::size_t calls = 100; // structs with a member `methodName`
};

struct XmlRefusal {
    std::string_view reason; // a constant; safe to show to the caller
    std::size_t offset = 0;  // bytes from the start of the body
};

// Nothing: the body is UTF-8 (or declares another ASCII-compatible encoding and is pure ASCII), well-formed as far as
// tags, references and characters go, has one root, no DTD, and keeps the limits.
// `steps`, when given, receives how many bytes were looked at in all, those looked at twice counted twice.
std::optional<XmlRefusal> guardXml(std::string_view body, const XmlGuardLimits& limits = {},
                                   std::size_t* steps = nullptr);

} // namespace pbx
