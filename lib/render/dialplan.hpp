// A tenant's own lines of extensions.conf, where they are as many as its rows.
// Threads: pure functions. Nothing is thrown: what cannot stand there is a fault.
#pragma once

#include "render/site.hpp"
#include "render/words.hpp"

namespace pbx::render {

inline const std::string pjsip = "PJSIP/";

// One text, a line each.
std::string lines(const std::vector<std::string>& all);

std::string didLines(Faults& faults, const TenantSite& site, const std::string& who);
std::string phoneLines(const TenantSite& site);
// Asterisk takes the most specific pattern: the longest prefix, as a digit goes before ".".
std::string outboundLines(Faults& faults, const TenantSite& site, const std::string& who);
// One trunk after the other, until one takes the call.
std::string dialLines(const TenantSite& site);
// One trunk and no other: a call that was refused (603) looks like a trunk that failed, and a second one would ring the
// customer twice.
std::string callbackLines(const TenantSite& site);
// Whether any trunk is reachable: sets PBX_READY.
std::string readyLines(const TenantSite& site);
std::string codeLines(const PhoneCodes& codes, const std::string& tenant);

struct CodeFault {
    std::string_view what; // "login"
    std::string problem;   // "is not * or #, then digits"
};
std::vector<CodeFault> faultsOf(const PhoneCodes& codes);

} // namespace pbx::render
