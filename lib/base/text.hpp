// Judgements about text from outside: is it UTF-8, has it control characters, is it a slug.
// Threads: any. Nothing fails.
#pragma once

#include <string>
#include <string_view>

namespace pbx {

// Well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool isUtf8(std::string_view text);
// Holds C0/C1 controls, U+2028/2029, bidirectional overrides (U+202A-E, U+2066-9) or NUL.
bool hasControl(std::string_view utf8);
// [a-z0-9] then [a-z0-9-], 1 to 63 bytes: the form of every object's `name`.
bool isSlug(std::string_view text);
// ASCII only; the case of other letters is left alone.
bool equalsIgnoreCase(std::string_view a, std::string_view b);
// `text` with '&', '<', '>', '"', '\'' as entities and what XML 1.0 forbids as U+FFFD: for text that Asterisk sent us.
void appendXmlEscaped(std::string& out, std::string_view text);
// `text` as the inside of a JSON string; bytes that are not UTF-8 become U+FFFD.
void appendJsonEscaped(std::string& out, std::string_view text);
// As appendJsonEscaped, and everything that hasControl() names as \uXXXX: one harmless line on a terminal or in a log.
void appendPrintable(std::string& out, std::string_view text);

} // namespace pbx
