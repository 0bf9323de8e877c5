// A secret kept in a file of its own: read once, refused when others could have read or written it.
// Threads: any. Throws pbx::Error(invalidArgument) whose text says what is wrong and the remedy, never the content.
#pragma once

#include "base/secret.hpp"

#include <cstddef>
#include <string>

namespace pbx {

// One line of 1 to 1024 bytes; a line end behind it is cut off. The file must be a regular one that belongs to root or
// to the user of this process, with no right beyond 0640; well-known passwords ("changeme") are refused.
SecretString readSecretFile(const std::string& path);
// The whole of a file that holds secrets among other lines, at most `maxBytes`; the same demands on owner and mode.
SecretString readPrivateFile(const std::string& path, std::size_t maxBytes);

} // namespace pbx
