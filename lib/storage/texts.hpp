// Named texts in one column: a JSON object, only ever read and written whole. Not for outside lib/storage.
// Threads: any. Fails with pbx::Error: internal (the column holds something else; `whose` says whose).
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace pbx::storage {

using Texts = std::map<std::string, std::string>;

std::string jsonOf(const Texts& texts);
Texts textsOf(const std::string& json, std::string_view whose);

} // namespace pbx::storage
