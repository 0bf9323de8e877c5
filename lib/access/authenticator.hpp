// Credentials in, Principal out: verified once, also for those who send the same ones meanwhile, remembered for at most
// 60 s (longer only while the database cannot be reached: then Principal::unverified), throttled per account and per
// address. Threads: any. Fails with pbx::Error:
// unauthenticated (never says why), tooManyRequests (retry later), unavailable. A hit in the cache and every refusal
// without credentials, malformed or throttled, send no database statement.
#pragma once

#include "access/passwords.hpp"
#include "access/principal.hpp"
#include "base/credentials.hpp"
#include "base/log.hpp"
#include "base/time.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

namespace pbx::storage {
class Database;
}

namespace pbx::access {

struct AuthenticatorSettings {
    std::chrono::seconds rememberFor{60}; // 0-60
    std::chrono::seconds outageFor{900};  // 0-3600: what was verified is believed so much longer while the database
                                          // cannot be reached, so that the live board can be read without one; the
                                          // Principal is marked as unverified and may change nothing
    std::size_t rememberAtMost = 20000;   // credentials; the oldest is forgotten first
    std::size_t throttleEntries = 65536;  // counters kept; the least recently used is forgotten first
    int failuresPerPair = 10;             // wrong logins a minute from one address on one account
    int failuresPerAddress = 60;          // wrong logins a minute from one address, over all accounts
    int failuresPerAccount = 200;         // wrong logins a minute on one account; an address that has logged in to it
                                          // before is let through
    PasswordSettings passwords;
};

struct AuthenticatorFigures {
    std::uint64_t cacheHits = 0;
    std::uint64_t verified = 0; // by database and hash
    std::uint64_t refused = 0;  // wrong
    std::uint64_t throttled = 0;
    std::size_t remembered = 0; // now
};

class Authenticator {
public:
    // References must outlive it.
    Authenticator(storage::Database& database, const Clock& clock, const Log& log,
                  const AuthenticatorSettings& settings = {});
    ~Authenticator();
    Authenticator(const Authenticator&) = delete;
    Authenticator& operator=(const Authenticator&) = delete;

    // `address`: the client's, IPv4 or IPv6 text; a /64 of IPv6 counts as one.
    PrincipalPtr authenticate(const Credentials& credentials, std::string_view address);

    // Forgets what is remembered of this user, at once, and what is being verified right now.
    void forget(const UserId& user);
    void forgetAll();

    // To be called about once a second from one thread, off the request path: forgets the users that were changed, by
    // another process too (storage::Versions; all where it is not told whom), writes tokens' last use (at most once a
    // minute each). While the database is away it does nothing.
    void maintain();

    PasswordHasher& passwords() noexcept;
    AuthenticatorFigures figures() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace pbx::access
