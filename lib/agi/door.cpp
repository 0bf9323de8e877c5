#include "agi/door.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <sodium.h>

namespace pbx::agi {

namespace {

bool isToken(std::string_view text) {
    const auto allowed = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    };
    return text.size() >= 16 && text.size() <= 128 && std::all_of(text.begin(), text.end(), allowed);
}

} // namespace

Door::Door(std::vector<AddressRange> addresses, const std::vector<Caller>& callers) : addresses_(std::move(addresses)) {
    if (sodium_init() < 0) throw Error(ErrorCode::internal, "libsodium cannot be used on this machine");
    for (const auto& caller : callers) {
        if (!isToken(caller.token.reveal()))
            throw Error::field("agi token", "of server " + caller.server +
                                                ": must be 16 to 128 characters of letters, digits, '_' and '-'");
        const auto hashed = hash(caller.token.reveal());
        for (const auto& [server, other] : servers_)
            if (server == caller.server || other == hashed)
                throw Error::field("agi token", "servers " + server + " and " + caller.server +
                                                    " share a name or a token; each needs its own");
        servers_.emplace_back(caller.server, hashed);
    }
}

Door::Hash Door::hash(std::string_view token) {
    Hash out{};
    crypto_generichash(out.data(), out.size(), reinterpret_cast<const unsigned char*>(token.data()), token.size(),
                       nullptr, 0);
    return out;
}

bool Door::admits(std::string_view address) const {
    if (addresses_.empty()) return isLoopback(address);
    return std::any_of(addresses_.begin(), addresses_.end(),
                       [&](const auto& range) { return range.contains(address); });
}

std::optional<std::string> Door::serverOf(std::string_view token) const {
    const auto hashed = hash(token);
    const std::string* found = nullptr;
    for (const auto& [server, known] : servers_)
        if (sodium_memcmp(known.data(), hashed.data(), hashed.size()) == 0) found = &server;
    return found ? std::optional(*found) : std::nullopt;
}

} // namespace pbx::agi
