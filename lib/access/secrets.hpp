// The forms of logins and tokens, and the hashes under which they are kept.
// Threads: any; a CredentialMac is immutable. Nothing fails.
#pragma once

#include "base/secret.hpp"

#include <string>
#include <string_view>

namespace pbx::access {

inline constexpr std::string_view tokenLogin = "token"; // Basic with this login carries a token as its password
inline constexpr std::string_view tokenPrefix = "pbx_";
inline constexpr std::size_t tokenRandom = 40; // characters of 5 bits

bool isLogin(std::string_view text); // [a-z0-9._-], 1 to 63
bool looksLikeToken(std::string_view text);
SecretString newToken();
// BLAKE2b-256, hexadecimal. A token is 200 random bits, so that no slow hash is needed.
std::string tokenHash(const SecretString& token);

// Under a key of this process alone: what is remembered of a password is worth nothing outside.
class CredentialMac {
public:
    CredentialMac();
    std::string of(std::string_view login, const SecretString& password) const;

private:
    SecretString key_;
};

} // namespace pbx::access
