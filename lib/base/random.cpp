#include "base/random.hpp"

#include "base/error.hpp"

#include <sodium.h>

namespace pbx {

void initRandom() {
    if (sodium_init() < 0) throw Error(ErrorCode::internal, "no source of randomness");
}

std::string randomText(std::size_t length) {
    static constexpr char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
    std::string out(length, '\0');
    randombytes_buf(out.data(), out.size());
    for (char& c : out) c = alphabet[static_cast<unsigned char>(c) & 31U];
    return out;
}

} // namespace pbx
