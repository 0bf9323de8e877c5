#include "storage/hash.hpp"

#include <sodium.h>

#include <array>
#include <cstdint>

namespace pbx::storage {
namespace {

using Digest = std::array<unsigned char, crypto_generichash_BYTES>;

const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

} // namespace

std::string hashText(std::initializer_list<std::string_view> parts, std::string_view key) {
    Digest keyDigest{}; // a key of any length becomes one of the length that BLAKE2b takes
    if (!key.empty()) crypto_generichash(keyDigest.data(), keyDigest.size(), bytes(key), key.size(), nullptr, 0);

    crypto_generichash_state state;
    crypto_generichash_init(&state, key.empty() ? nullptr : keyDigest.data(), key.empty() ? 0 : keyDigest.size(),
                            crypto_generichash_BYTES);
    for (const auto part : parts) {
        std::array<unsigned char, 8> length{};
        for (std::size_t i = 0; i < length.size(); ++i)
            length[i] = static_cast<unsigned char>((static_cast<std::uint64_t>(part.size()) >> (8 * i)) & 0xFFU);
        crypto_generichash_update(&state, length.data(), length.size());
        crypto_generichash_update(&state, bytes(part), part.size());
    }
    Digest digest;
    crypto_generichash_final(&state, digest.data(), digest.size());
    sodium_memzero(keyDigest.data(), keyDigest.size());

    static constexpr char hex[] = "0123456789abcdef";
    std::string out;
    out.reserve(digest.size() * 2);
    for (const unsigned char byte : digest) {
        out.push_back(hex[byte >> 4U]);
        out.push_back(hex[byte & 15U]);
    }
    return out;
}

} // namespace pbx::storage
