// Described objects as JSON text and back: the JSON face, the audit's parameters and stored answers use this one
// encoder. Threads: any. decode throws pbx::Error: malformed for what is not JSON, invalidArgument naming the field for
// what does not fit.
#pragma once

#include "ops/operation.hpp"

#include <string>
#include <string_view>

namespace pbx::ops {

enum class Secrets { shown, masked };

// Written as text straight from the description: a value tree costs three times as much at 100 rows.
void appendJson(std::string& out, const TypeDesc& type, const void* object, Secrets secrets = Secrets::shown);
std::string toJson(const Value& value, Secrets secrets = Secrets::shown);

// `text` must be one JSON object. Fields of `common` are taken out of it into `commonOut`, the others must be fields of
// `params`. Unknown, repeated, mistyped and missing fields are refused by name; null is the same as absent.
void decodeParams(std::string_view text, const TypeDesc& params, void* paramsOut, CommonParams& commonOut);
// The same for a result read back from storage or from a server.
void decodeObject(std::string_view text, const TypeDesc& type, void* out);

} // namespace pbx::ops
