// Users and, kept apart, their password verifier. Operators belong to no tenant: use serverScope() for them.
// Threads: any. Fails with pbx::Error: notFound, alreadyExists (login, agent), conflict (the last operator),
// unavailable, outcomeUnknown. Callers outside lib/access use access::Accounts, which also drops cached credentials.
#pragma once

#include "domain/model.hpp"
#include "storage/page.hpp"

namespace pbx::storage {

class Database;

struct NewUser {
    std::string login;
    domain::Role role = domain::Role::viewer;
    std::optional<AgentId> agent;
    std::vector<DepartmentId> departments;
    std::string verifier; // of crypto_pwhash_str; empty: no password, tokens only
};
struct UserChange {
    std::optional<domain::Role> role; // never to or from operator: that is another tenant
    std::optional<std::optional<AgentId>> agent;
    std::optional<std::vector<DepartmentId>> departments;
    std::optional<bool> disabled;
};
struct UserWithVerifier {
    domain::User user;
    std::string verifier;
};

class UserRepository {
public:
    explicit UserRepository(Database& database) : database_(database) {}

    // By login. A scope limited to departments or to an agent reaches the users linked to agents that it reaches.
    Page<domain::User> list(const domain::Scope& scope, const PageRequest& page);
    domain::User get(const domain::Scope& scope, const std::string& idOrLogin);
    domain::User create(const domain::Scope& scope, const NewUser& user);
    domain::User update(const domain::Scope& scope, const std::string& idOrLogin, const UserChange& change);
    void setVerifier(const domain::Scope& scope, const std::string& idOrLogin, const std::string& verifier);

    // Only while there is no operator at all; else conflict. Two at once: one of them wins.
    domain::User createFirstOperator(const std::string& login, const std::string& verifier);

    // For authentication, over all tenants.
    std::optional<UserWithVerifier> findByLogin(const std::string& login);
    std::optional<domain::User> findById(const UserId& id);

private:
    Database& database_;
};

} // namespace pbx::storage
