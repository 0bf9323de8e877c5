// What the help says about the fields of an operation: what a value is called, and one to show.
// Threads: pure functions, any thread. Nothing fails.
#pragma once

#include "ops/describe.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace pbx::cli {

std::string joinedChoices(const ops::Field& field, char separator);
// "NAME|ID", "TIME", "yes|no"; of a struct its fields in order: "WEEKDAY FROM TO", as cli/words.hpp reads them.
std::string valueName(const ops::Field& field);
// A value for the examples of a command about `group`; a test feeds them to the parser and the validation.
std::string sampleValue(const ops::Field& field, std::string_view group);
// Command lines without "pbxctl " for operations whose use the example made from what is required does not show.
std::vector<std::string> moreExamples(std::string_view operation);

} // namespace pbx::cli
