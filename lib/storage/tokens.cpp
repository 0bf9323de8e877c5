#include "storage/tokens.hpp"

#include "storage/repository.hpp"
#include "storage/user_rows.hpp"

namespace pbx::storage {
namespace {

// --- SQL ---
const std::string columns = "api_tokens.id, api_tokens.user_id, api_tokens.name, api_tokens.operations, "
                            "api_tokens.expires_at, api_tokens.last_used_at, api_tokens.revoked, "
                            "api_tokens.created_at";
const std::string from = " FROM api_tokens JOIN users ON users.tenant_id = api_tokens.tenant_id AND users.id = "
                         "api_tokens.user_id WHERE ";
const std::string select = "SELECT " + columns + from;
const std::string selectByHash = "SELECT " + std::string(userColumns) + from + "api_tokens.hash = ?";
const std::string byId = " ORDER BY api_tokens.id LIMIT ?";
const std::string selectToken = "SELECT " + columns + " FROM api_tokens WHERE api_tokens.hash = ?";
constexpr auto insert = "INSERT INTO api_tokens (tenant_id, id, user_id, name, hash, operations, expires_at, revoked, "
                        "created_at) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?)";
constexpr auto yieldName =
    "UPDATE api_tokens SET name = ? WHERE tenant_id = ? AND user_id = ? AND name = ? AND revoked "
    "= 1";
constexpr auto selectHolder =
    "SELECT id FROM api_tokens WHERE tenant_id = ? AND user_id = ? AND name = ? AND revoked = "
    "1";
constexpr auto setRevoked = "UPDATE api_tokens SET revoked = 1 WHERE tenant_id = ? AND id = ?";
constexpr auto setUsed = "UPDATE api_tokens SET last_used_at = ? WHERE id = ? AND (last_used_at IS NULL OR "
                         "last_used_at < ?)";
const std::string selectUser = "SELECT users.id FROM users WHERE ";

using TokenRow = Row<std::string, std::string, std::string, std::string, Maybe<Int>, Maybe<Int>, Int, Int>;

domain::Token tokenOf(const TokenRow& row) {
    return {TokenId(at<0>(row)), UserId(at<1>(row)), at<2>(row),      splitWords(at<3>(row)),
            timeOf(at<4>(row)),  timeOf(at<5>(row)), at<6>(row) != 0, fromEpochMicros(at<7>(row))};
}

domain::Token find(Sql& sql, const domain::Scope& scope, const std::string& id, std::string_view lock = {}) {
    Where where;
    whereUsers(where, scope);
    if (!looksLikeId(id, 'k')) throw Error::notFound("token", id);
    where.add("api_tokens.id = ?", {id});
    const auto row = sql.row<TokenRow>(select + where.text + std::string(lock), where.values);
    if (!row) throw Error::notFound("token", id);
    return tokenOf(*row);
}

// A revoked token of that name keeps it as "NAME ID", so that a token can be replaced under its name.
void yieldRevoked(Sql& sql, const domain::Scope& scope, const domain::Token& wanted) {
    const auto& tenant = scope.tenant().str();
    const auto& user = wanted.user.str();
    if (const auto holder = sql.row<Row<std::string>>(selectHolder, {tenant, user, wanted.name}))
        sql.execute(yieldName, {wanted.name + ' ' + at<0>(*holder), tenant, user, wanted.name});
}

} // namespace

Page<domain::Token> TokenRepository::list(const domain::Scope& scope, const PageRequest& page,
                                          const std::optional<UserId>& user) {
    Where where;
    whereUsers(where, scope);
    if (user) where.add("api_tokens.user_id = ?", {user->str()});
    where.add("api_tokens.id > ?", {page.after});
    where.values.emplace_back(limitOf(page));
    return database_.connections().read([&](Sql& sql) {
        std::vector<domain::Token> items;
        for (const auto& row : sql.rows<TokenRow>(select + where.text + byId, where.values))
            items.push_back(tokenOf(row));
        return makePage(std::move(items), page, [](const auto& token) { return token.id.str(); });
    });
}

domain::Token TokenRepository::get(const domain::Scope& scope, const std::string& id) {
    return database_.connections().read([&](Sql& sql) { return find(sql, scope, id); });
}

domain::Token TokenRepository::create(const domain::Scope& scope, const NewToken& wanted) {
    domain::Token token;
    token.id = TokenId(newId('k'));
    token.user = wanted.user;
    token.name = wanted.name;
    token.operations = wanted.operations;
    token.expiresAt = wanted.expiresAt;
    token.createdAt = database_.clock().now();
    Where owner;
    whereUsers(owner, scope);
    owner.add("users.id = ?", {wanted.user.str()});
    return database_.connections().write([&](Sql& sql) {
        if (!sql.row<Row<std::string>>(selectUser + owner.text, owner.values))
            throw Error::notFound("user", wanted.user.str());
        yieldRevoked(sql, scope, token);
        sql.execute(insert,
                    {scope.tenant().str(), token.id.str(), token.user.str(), token.name, wanted.hash,
                     joinWords(token.operations, "operations"), orNull(token.expiresAt), epochMicros(token.createdAt)});
        return token;
    });
}

void TokenRepository::revoke(const domain::Scope& scope, const std::string& id) {
    database_.connections().write([&](Sql& sql) {
        bumpVersion(sql, "access");
        const auto token = find(sql, scope, id, sql.dialect().forUpdate());
        tellChangedUser(sql, token.user);
        sql.execute(setRevoked, {scope.tenant().str(), token.id.str()});
    });
}

std::optional<TokenWithUser> TokenRepository::findByHash(const std::string& hash) {
    if (!isReference(hash)) return std::nullopt;
    return database_.connections().read([&](Sql& sql) -> std::optional<TokenWithUser> {
        const auto token = sql.row<TokenRow>(selectToken, {hash});
        if (!token) return std::nullopt;
        const auto user = sql.row<UserRow>(selectByHash, {hash});
        if (!user) return std::nullopt;
        std::vector<domain::User> one{userOf(*user)};
        fillDepartments(sql, one);
        return TokenWithUser{tokenOf(*token), std::move(one.front())};
    });
}

void TokenRepository::recordUse(const std::vector<std::pair<TokenId, UtcTime>>& uses) {
    if (uses.empty()) return;
    database_.connections().write([&](Sql& sql) {
        for (const auto& [id, when] : uses) sql.execute(setUsed, {epochMicros(when), id.str(), epochMicros(when)});
    });
}

} // namespace pbx::storage
