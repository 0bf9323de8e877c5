#include "access/secrets.hpp"

#include "base/random.hpp"
#include "storage/hash.hpp"

namespace pbx::access {
namespace {
constexpr std::string_view randomCharacters = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::size_t macKeyLength = 64; // 320 random bits
} // namespace

bool isLogin(std::string_view text) {
    return !text.empty() && text.size() <= 63 &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-") == std::string_view::npos;
}

bool looksLikeToken(std::string_view text) {
    return text.size() == tokenPrefix.size() + tokenRandom && text.starts_with(tokenPrefix) &&
           text.find_first_not_of(randomCharacters, tokenPrefix.size()) == std::string_view::npos;
}

SecretString newToken() { return SecretString(std::string(tokenPrefix) + randomText(tokenRandom)); }

std::string tokenHash(const SecretString& token) { return storage::hashText({"pbx token 1", token.reveal()}); }

CredentialMac::CredentialMac() : key_(randomText(macKeyLength)) {}

std::string CredentialMac::of(std::string_view login, const SecretString& password) const {
    return storage::hashText({"pbx basic 1", login, password.reveal()}, key_.reveal());
}

} // namespace pbx::access
