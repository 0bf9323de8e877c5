// Randomness from libsodium: nothing that we make can be guessed.
// Threads: any, after initRandom(). initRandom() throws pbx::Error if the system has no entropy source.
#pragma once

#include <cstddef>
#include <string>

namespace pbx {

void initRandom();
// Text of `length` characters from [a-z2-7] (5 bits each).
std::string randomText(std::size_t length);

} // namespace pbx
