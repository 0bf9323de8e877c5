#include "access/accounts.hpp"

#include "access/secrets.hpp"
#include "base/error.hpp"
#include "base/text.hpp"

namespace pbx::access {
namespace {

void checkLogin(const std::string& login) {
    if (!isLogin(login)) throw Error::field("login", "must be 1 to 63 of a-z, 0-9, '.', '_', '-'");
    if (login == tokenLogin) throw Error::field("login", "is reserved for tokens: choose another");
}

} // namespace

Accounts::Accounts(storage::Database& database, Authenticator& authenticator)
    : database_(database), users_(database), tokens_(database), authenticator_(authenticator) {}

domain::User Accounts::createUser(const domain::Scope& scope, const NewAccount& account) {
    checkLogin(account.login);
    storage::NewUser user{account.login, account.role, account.agent, account.departments, {}};
    if (!account.password.empty()) {
        checkPassword(account.password, account.login);
        user.verifier = authenticator_.passwords().hash(account.password);
    }
    return users_.create(scope, user);
}

domain::User Accounts::updateUser(const domain::Scope& scope, const std::string& idOrLogin,
                                  const storage::UserChange& change) {
    auto user = users_.update(scope, idOrLogin, change);
    authenticator_.forget(user.id);
    return user;
}

domain::User Accounts::disableUser(const domain::Scope& scope, const std::string& idOrLogin) {
    storage::UserChange change;
    change.disabled = true;
    return updateUser(scope, idOrLogin, change);
}

void Accounts::setPassword(const domain::Scope& scope, const std::string& idOrLogin, const SecretString& password) {
    const auto user = users_.get(scope, idOrLogin);
    checkPassword(password, user.login);
    users_.setVerifier(scope, user.id.str(), authenticator_.passwords().hash(password));
    authenticator_.forget(user.id);
}

IssuedToken Accounts::createToken(const domain::Scope& scope, const NewTokenRequest& request) {
    if (request.name.empty() || request.name.size() > 63 || !isUtf8(request.name) || hasControl(request.name))
        throw Error::field("name", "must be 1 to 63 bytes of text");
    if (request.operations.empty()) throw Error::field("operations", "must name at least one pattern");
    for (const auto& pattern : request.operations)
        if (!isOperationPattern(pattern))
            throw Error::field("operations", "a pattern is \"*\", \"noun.*\" or \"noun.verb\"");
    if (request.expiresAt && *request.expiresAt <= database_.clock().now())
        throw Error::field("expires_at", "is in the past");
    const auto user = users_.get(scope, request.user);
    auto text = newToken();
    auto token = tokens_.create(scope, {user.id, request.name, request.operations, request.expiresAt, tokenHash(text)});
    return {std::move(token), std::move(text)};
}

void Accounts::revokeToken(const domain::Scope& scope, const std::string& id) {
    const auto token = tokens_.get(scope, id);
    if (token.revoked) return; // nothing that anybody would have to forget
    tokens_.revoke(scope, id);
    authenticator_.forget(token.user);
}

domain::User Accounts::bootstrap(const std::string& login, const SecretString& password) {
    checkLogin(login);
    checkPassword(password, login);
    return users_.createFirstOperator(login, authenticator_.passwords().hash(password));
}

} // namespace pbx::access
