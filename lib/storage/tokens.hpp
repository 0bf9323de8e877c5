// API tokens: only the hash of a token is kept. Belongs to lib/access; see access::Accounts for creating them.
// Threads: any. Fails with pbx::Error: notFound, alreadyExists (name, of the same user), unavailable, outcomeUnknown.
#pragma once

#include "domain/model.hpp"
#include "storage/page.hpp"

#include <utility>

namespace pbx::storage {

class Database;

struct NewToken {
    UserId user;
    std::string name;
    std::vector<std::string> operations;
    std::optional<UtcTime> expiresAt;
    std::string hash; // lower-case hexadecimal
};
struct TokenWithUser {
    domain::Token token;
    domain::User user;
};

class TokenRepository {
public:
    explicit TokenRepository(Database& database) : database_(database) {}

    // By id; of one user, or of all users of the scope.
    Page<domain::Token> list(const domain::Scope& scope, const PageRequest& page,
                             const std::optional<UserId>& user = {});
    domain::Token get(const domain::Scope& scope, const std::string& id);
    domain::Token create(const domain::Scope& scope, const NewToken& token);
    void revoke(const domain::Scope& scope, const std::string& id); // again: no error

    // For authentication, over all tenants; revoked and expired ones too: the caller judges.
    std::optional<TokenWithUser> findByHash(const std::string& hash);
    // One transaction for all.
    void recordUse(const std::vector<std::pair<TokenId, UtcTime>>& uses);

private:
    Database& database_;
};

} // namespace pbx::storage
