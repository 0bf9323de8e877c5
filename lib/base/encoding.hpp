// Cursors and keys as text that survives every wire: base64url without padding; and a hash to compare bodies by.
// Threads: any. decode answers nullopt for what is not base64url.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pbx {

std::string toBase64Url(std::string_view bytes);
std::optional<std::string> fromBase64Url(std::string_view text);
// BLAKE2b-256 as lower-case hexadecimal.
std::string hashHex(std::string_view bytes);

} // namespace pbx
