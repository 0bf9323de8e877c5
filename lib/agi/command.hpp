// The AGI commands that we send, as lines: quoted so that Asterisk reads back exactly what was meant. EXEC is not here.
// Threads: any. Fails: nullopt for a name or value that must not be sent; nothing throws.
// Source: res/res_agi.c of Asterisk 16 to 22 (parse_args: '"' quotes, '\' takes the next byte as it is; run_agi: one
// line is read into 2,048 bytes and cut there).
#pragma once

#include "agi/request.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pbx::agi {

inline constexpr std::size_t maxNameBytes = 40;
inline constexpr std::size_t maxValueBytes = 1024;
inline constexpr std::size_t maxCommandBytes = 2000; // the whole line; Asterisk would cut at 2,047

// [A-Z0-9_]{1,40}. Anything with a parenthesis would be a dialplan function: SHELL(), FILE(), DB().
bool isVariableName(std::string_view name);
// UTF-8 without control characters (CR, LF and NUL among them), at most maxValueBytes.
bool isVariableValue(std::string_view value);

// Complete lines with their LF. The value is stored by Asterisk as it is: "${X}" in it is not expanded.
std::optional<std::string> setVariableLine(std::string_view name, std::string_view value);
// All of them in their order, in few lines, as each costs a turn of the call's thread in Asterisk: neighbours with
// values of [A-Za-z0-9_.@+:/&-] go together through ARRAY(), which would read other values as lists or quotes.
// Source: func_strings.c, array().
std::optional<std::vector<std::string>> setVariableLines(const Pairs& variables);
std::optional<std::string> getVariableLine(std::string_view name);
// `level` 1 to 4: from which verbosity of Asterisk's console on the text is shown there.
std::optional<std::string> verboseLine(std::string_view text, int level);

} // namespace pbx::agi
