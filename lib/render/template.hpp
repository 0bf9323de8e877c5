// The templates of asterisk/ and how they are filled.
// Threads: constant data and pure functions. fill() throws pbx::Error(internal) for a name that has no value: a mistake
// in a template.
//
// @NAME@ is replaced. A line that begins with @?NAME@ is kept when NAME is not empty, with @>=20@ for that version and
// later ones. A value may have several lines; one that is a whole line by itself and empty takes the line with it.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace pbx::render {

// asterisk/NAME as it was when the program was built.
std::string_view templateText(std::string_view name);
const std::map<std::string_view, std::string_view>& templates();

using Values = std::map<std::string, std::string, std::less<>>;
std::string fill(std::string_view text, int version, const Values& values);

} // namespace pbx::render
