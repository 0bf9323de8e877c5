// A value as a word of the command line, and a struct as several: "monday 09:00 17:30", for options and for tables.
// Threads: pure functions, any thread. Reading throws pbx::Error (invalidArgument) naming the field.
#pragma once

#include "ops/describe.hpp"

#include <cstdint>
#include <string>

namespace pbx::cli {

// `what` is the field's path, for the error.
std::int32_t wholeNumber(const std::string& what, const std::string& text);

// One value, or one item of a list. A struct is its values in the order of its fields, separated by blanks: '-' is a
// value that is left out, what is left out at the end needs none, a text at the end takes the rest of the line; or it
// is JSON.
void readText(const ops::Field& field, const std::string& what, const std::string& text, void* out);

// What readText() reads: for eyes, as a text in the middle may hold blanks.
std::string wordsOf(const ops::TypeDesc& type, const void* object);

} // namespace pbx::cli
