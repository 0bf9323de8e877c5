// BLAKE2b-256 over a list of texts, each with its length before it: ("ab","c") and ("a","bc") differ.
// Threads: any. Nothing fails.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace pbx::storage {

// 64 lower-case hexadecimal characters. `key`: any text, empty for none.
std::string hashText(std::initializer_list<std::string_view> parts, std::string_view key = {});

} // namespace pbx::storage
