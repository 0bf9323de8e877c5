// Writes answers and faults as SOAP text straight from the descriptions.
// Threads: any. Nothing fails.
#pragma once

#include "base/error.hpp"
#include "ops/operation.hpp"

#include <string>
#include <string_view>

namespace pbx::soap {

enum class Version { soap11, soap12 };

// Whose fault it is, in the terms of both versions.
enum class FaultCode { client, server, mustUnderstand, versionMismatch };

// `name` is the operation's SOAP name: "queueList".
std::string encodeResult(Version version, std::string_view name, const ops::Value& result);
std::string encodeFault(Version version, FaultCode code, const Error& error, std::string_view requestId);

} // namespace pbx::soap
