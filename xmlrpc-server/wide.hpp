// Characters above U+FFFF (emoji, rare ideographs), which xmlrpc-c refuses: each goes through it as two of the private
// use area and comes out again as one. Without this a single caller's name makes a whole answer unreadable for pbxctl.
// Threads: any. Nothing fails; what is not UTF-8 is left as it is, for the XML guard to refuse.
#pragma once

#include <string>
#include <string_view>

namespace pbx::xmlrpc {

// An XML document for xmlrpc-c, with the characters as bytes and as references; `storage` holds it where it changed.
std::string_view narrowed(std::string_view xml, std::string& storage);
// A text that xmlrpc-c has read out of it. Such a pair that was in the text before becomes one character too: the
// private use area has no meaning that we could spoil.
std::string widened(std::string text);

} // namespace pbx::xmlrpc
