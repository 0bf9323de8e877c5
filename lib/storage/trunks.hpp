// The lines to the outside, told apart by the addresses that their calls come from.
// Threads: any. Fails with pbx::Error: notFound, alreadyExists (name), conflict (another trunk of that Asterisk, of
// whichever tenant, has an address of it), invalidArgument (names the field), forbidden (a
// scope limited to departments or an agent changes nothing here), unavailable, outcomeUnknown.
#pragma once

#include "base/secret.hpp"
#include "domain/site.hpp"
#include "storage/page.hpp"

#include <functional>

namespace pbx::storage {

class Database;

class TrunkRepository {
public:
    explicit TrunkRepository(Database& database) : database_(database) {}

    // By name.
    Page<domain::Trunk> list(const domain::Scope& scope, const PageRequest& page);
    domain::Trunk get(const domain::Scope& scope, const std::string& idOrName);
    // Of `trunk` all but id, digest and createdAt. `secret`: what the provider gave; only its digest is kept, so that
    // it must be given again with every new username or realm. Empty: no credentials.
    domain::Trunk create(const domain::Scope& scope, const domain::Trunk& trunk, const SecretString& secret);
    // `change` is given it as it is, and leaves id, digest and createdAt alone. An empty secret keeps the digest when
    // username and realm stay as they are.
    domain::Trunk update(const domain::Scope& scope, const std::string& idOrName,
                         const std::function<void(domain::Trunk&)>& change, const SecretString& secret);
    void remove(const domain::Scope& scope, const std::string& idOrName);

private:
    Database& database_;
};

} // namespace pbx::storage
