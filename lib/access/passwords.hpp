// Password verifiers: Argon2id by libsodium, at most two computations at a time.
// Threads: any. Fails with pbx::Error: tooManyRequests (both are busy), invalidArgument (a password against the rules).
// Cost: about 84 ms and 64 MiB a computation (libsodium "interactive").
#pragma once

#include "base/secret.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace pbx::access {

struct PasswordSettings {
    int atOnce = 2;                          // computations
    std::chrono::milliseconds waitFor{250};  // for a free one, then tooManyRequests
    unsigned long long operations = 2;       // Argon2id passes: crypto_pwhash_OPSLIMIT_INTERACTIVE
    std::size_t memory = 64UL * 1024 * 1024; // bytes: crypto_pwhash_MEMLIMIT_INTERACTIVE
};

class PasswordHasher {
public:
    explicit PasswordHasher(const PasswordSettings& settings = {});
    ~PasswordHasher();
    PasswordHasher(const PasswordHasher&) = delete;
    PasswordHasher& operator=(const PasswordHasher&) = delete;

    std::string hash(const SecretString& password);
    // An empty verifier (no such user, or a user without a password) costs the same time and answers false.
    bool verify(const std::string& verifier, const SecretString& password);

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

// The rules: 12 to 256 bytes of UTF-8 without control characters, not the login, not one repeated character. Throws
// invalidArgument on `password`.
void checkPassword(const SecretString& password, std::string_view login);

} // namespace pbx::access
