// Credentials that were verified lately, under a keyed hash; and when each token was last used.
// Threads: any. Nothing fails. The oldest entry goes first when it is full; an entry never outlives `rememberFor`, but
// for `outageFor` more it is told to whoever cannot verify anew because the database is away.
#pragma once

#include "access/principal.hpp"
#include "base/time.hpp"

#include <chrono>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace pbx::access {

class CredentialCache {
public:
    CredentialCache(std::chrono::seconds rememberFor, std::chrono::seconds outageFor, std::size_t atMost)
        : rememberFor_(rememberFor), outageFor_(outageFor), atMost_(atMost) {}

    // To be read before the database is: what was forgotten since then must not be put in.
    std::uint64_t generation() const;
    // Nothing when it is not there, too old, or its token has expired.
    PrincipalPtr find(const std::string& key, SteadyTime steady, UtcTime now);
    // Only where the database cannot be asked: also one that is too old by no more than `outageFor`; it is marked as
    // unverified.
    PrincipalPtr findInOutage(const std::string& key, SteadyTime steady, UtcTime now);
    void put(const std::string& key, PrincipalPtr principal, std::uint64_t generation, SteadyTime steady, UtcTime now);
    void forget(const UserId& user);
    void forgetKey(const std::string& key); // it was verified anew, and is wrong
    void forgetAll();
    std::size_t size() const;

    // Tokens used since they were last given out here, but each at most once a minute.
    std::vector<std::pair<TokenId, UtcTime>> takeUses(UtcTime now);
    // They could not be stored: give them out again next time.
    void returnUses(const std::vector<std::pair<TokenId, UtcTime>>& uses);

private:
    struct Entry {
        std::string key;
        PrincipalPtr principal;
        PrincipalPtr unverified; // the same, marked; made when it is first asked for
        SteadyTime until;
    };
    using Entries = std::list<Entry>; // in the order of their end
    struct Use {
        UtcTime seen{};
        UtcTime written{};
    };

    PrincipalPtr find(const std::string& key, bool outage, SteadyTime steady, UtcTime now);
    void noteUse(const Principal& principal, UtcTime now);
    void erase(Entries::iterator entry);

    const std::chrono::seconds rememberFor_;
    const std::chrono::seconds outageFor_;
    const std::size_t atMost_;
    mutable std::mutex mutex_;
    std::uint64_t generation_ = 0;
    Entries entries_;
    std::unordered_map<std::string, Entries::iterator> index_;
    std::unordered_map<TokenId, Use> uses_;
};

} // namespace pbx::access
