// Text on a terminal and in a table: harmless, measured in columns, cut; and a CSV cell that no spreadsheet executes.
// Threads: pure functions, any thread. Nothing fails.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pbx::cli {

// Text from outside (callers choose their names) as one line that no terminal obeys: control characters, line ends and
// bidirectional overrides as \u001b, bytes that are not UTF-8 as U+FFFD.
std::string terminalText(std::string_view text);

// Columns on a terminal: East Asian wide characters and emoji take two, combining ones none.
std::size_t displayWidth(std::string_view utf8);
// At most `width` columns; what is cut is marked by "…".
std::string cutTo(std::string_view utf8, std::size_t width);
enum class Align { left, right };
// Cut or filled up to exactly `width` columns.
std::string fitTo(std::string_view utf8, std::size_t width, Align align = Align::left);

// Quoted when needed; a cell that a spreadsheet would take for a formula gets an apostrophe in front.
std::string csvCell(std::string_view text);

// "wait_seconds" → "wait-seconds", as options and commands are written.
std::string kebab(std::string_view snake);

} // namespace pbx::cli
