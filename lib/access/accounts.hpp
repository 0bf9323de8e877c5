// Changes to users, passwords and tokens; each drops what the authenticator remembers of the user.
// Threads: any. Fails with pbx::Error as storage does, and: invalidArgument (password rules, a role that does not fit
// the tenant, an unknown pattern).
#pragma once

#include "access/authenticator.hpp"
#include "storage/repositories.hpp"

namespace pbx::access {

struct NewAccount {
    std::string login;
    SecretString password; // empty: none, tokens only
    domain::Role role = domain::Role::viewer;
    std::optional<AgentId> agent;
    std::vector<DepartmentId> departments;
};
struct NewTokenRequest {
    std::string user; // id or login
    std::string name;
    std::vector<std::string> operations; // patterns; at least one
    std::optional<UtcTime> expiresAt;
};
struct IssuedToken {
    domain::Token token;
    SecretString text; // "pbx_...": shown once, not kept
};

class Accounts {
public:
    Accounts(storage::Database& database, Authenticator& authenticator);

    // The scope is the user's tenant; serverScope() and role operator go together, and only there.
    domain::User createUser(const domain::Scope& scope, const NewAccount& account);
    domain::User updateUser(const domain::Scope& scope, const std::string& idOrLogin,
                            const storage::UserChange& change);
    domain::User disableUser(const domain::Scope& scope, const std::string& idOrLogin);
    void setPassword(const domain::Scope& scope, const std::string& idOrLogin, const SecretString& password);
    IssuedToken createToken(const domain::Scope& scope, const NewTokenRequest& request);
    void revokeToken(const domain::Scope& scope, const std::string& id);

    // The first operator; conflict when one exists.
    domain::User bootstrap(const std::string& login, const SecretString& password);

private:
    storage::Database& database_;
    storage::UserRepository users_;
    storage::TokenRepository tokens_;
    Authenticator& authenticator_;
};

} // namespace pbx::access
