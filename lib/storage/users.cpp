#include "storage/users.hpp"

#include "storage/repository.hpp"
#include "storage/user_rows.hpp"

#include <map>

namespace pbx::storage {
namespace {

// --- SQL ---
const std::string select = "SELECT " + std::string(userColumns) + " FROM users WHERE ";
const std::string selectSecret = "SELECT " + std::string(userColumns) + ", users.verifier FROM users WHERE login = ?";
const std::string byLogin = " ORDER BY login LIMIT ?";
const std::string departmentsOf = "SELECT user_id, department_id FROM user_departments WHERE ";
constexpr auto insert = "INSERT INTO users (tenant_id, id, login, role, agent_id, disabled, verifier, created_at) "
                        "VALUES (?, ?, ?, ?, ?, 0, ?, ?)";
constexpr auto change = "UPDATE users SET role = ?, agent_id = ?, disabled = ? WHERE tenant_id = ? AND id = ?";
constexpr auto changeVerifier = "UPDATE users SET verifier = ? WHERE tenant_id = ? AND id = ?";
constexpr auto forgetDepartments = "DELETE FROM user_departments WHERE tenant_id = ? AND user_id = ?";
constexpr auto addDepartment = "INSERT INTO user_departments (tenant_id, user_id, department_id) VALUES (?, ?, ?)";
constexpr auto anyAgent = "SELECT id FROM agents WHERE tenant_id = ? AND id = ?";
constexpr auto operatorCount = "SELECT COUNT(*) FROM users WHERE tenant_id = ''";
constexpr auto otherOperators = "SELECT COUNT(*) FROM users WHERE tenant_id = '' AND disabled = 0 AND id <> ?";

Where reach(const domain::Scope& scope) {
    Where where;
    whereUsers(where, scope);
    return where;
}

domain::User find(Sql& sql, const domain::Scope& scope, const std::string& idOrLogin, std::string_view lock = {}) {
    auto where = reach(scope);
    whereReference(where, "user", 'u', idOrLogin, "login");
    const auto row = sql.row<UserRow>(select + where.text + std::string(lock), where.values);
    if (!row) throw Error::notFound("user", idOrLogin);
    std::vector<domain::User> one{userOf(*row)};
    fillDepartments(sql, one);
    return one.front();
}

void writeDepartments(Sql& sql, const domain::Scope& scope, const domain::User& user) {
    sql.execute(forgetDepartments, {scope.tenant().str(), user.id.str()});
    for (const auto& department : user.departments) {
        checkDepartment(sql, scope, department);
        sql.execute(addDepartment, {scope.tenant().str(), user.id.str(), department.str()});
    }
}

void checkAgent(Sql& sql, const domain::Scope& scope, const std::optional<AgentId>& agent) {
    if (agent && !sql.row<Row<std::string>>(anyAgent, {scope.tenant().str(), agent->str()}))
        throw Error::notFound("agent", agent->str());
}

// Operators live in serverScope() and nowhere else; everybody else belongs to a tenant.
void checkPlace(const domain::Scope& scope, domain::Role role) {
    if (scope.departments() || scope.self()) throw Error(ErrorCode::forbidden, "a limited user cannot change users");
    if (scope.tenant().empty() != (role == domain::Role::operator_))
        throw Error::field("role", scope.tenant().empty() ? "an account of the server can only be an operator"
                                                          : "an operator belongs to no tenant");
}

// What a role needs, and what only one may have.
void checkRole(const domain::User& user) {
    if (user.role == domain::Role::agent && !user.agent) throw Error::field("agent", "is required for role agent");
    if (!user.departments.empty() && user.role != domain::Role::supervisor)
        throw Error::field("departments", "limit supervisors only: leave the list empty");
}

void insertUser(Sql& sql, const domain::Scope& scope, const domain::User& user, const std::string& verifier) {
    sql.execute(insert, {scope.tenant().str(), user.id.str(), user.login, std::string(domain::roleText(user.role)),
                         orNull(user.agent), verifier, epochMicros(user.createdAt)});
    writeDepartments(sql, scope, user);
}

domain::User newUser(const domain::Scope& scope, const NewUser& wanted, UtcTime now) {
    domain::User user;
    user.id = UserId(newId('u'));
    user.login = wanted.login;
    if (!scope.tenant().empty()) user.tenant = scope.tenant();
    user.role = wanted.role;
    user.agent = wanted.agent;
    user.departments = wanted.departments;
    user.createdAt = now;
    return user;
}

} // namespace

void whereUsers(Where& where, const domain::Scope& scope) {
    whereTenant(where, scope, "users");
    if (scope.self()) where.add("users.agent_id = ?", {scope.self()->str()});
    if (scope.departments()) {
        Where agents;
        agents.add("agents.tenant_id = users.tenant_id").in("agents.department_id", *scope.departments());
        where.add("users.agent_id IN (SELECT agents.id FROM agents WHERE " + agents.text + ")", agents.values);
    }
}

domain::User userOf(const UserRow& row) {
    domain::User user;
    user.id = UserId(at<1>(row));
    user.login = at<2>(row);
    if (!at<0>(row).empty()) user.tenant = TenantId(at<0>(row));
    const auto role = domain::parseRole(at<3>(row));
    if (!role) throw Error(ErrorCode::internal, "a stored user has an unknown role").because(at<1>(row));
    user.role = *role;
    user.agent = idOf<AgentId>(at<4>(row));
    user.disabled = at<5>(row) != 0;
    user.createdAt = fromEpochMicros(at<6>(row));
    return user;
}

void fillDepartments(Sql& sql, std::vector<domain::User>& users) {
    if (users.empty()) return;
    std::map<UserId, domain::User*> byId;
    std::vector<UserId> ids;
    for (auto& user : users) {
        byId[user.id] = &user;
        ids.push_back(user.id);
    }
    Where where;
    where.add("tenant_id = ?", {users.front().tenant ? users.front().tenant->str() : std::string()}).in("user_id", ids);
    for (const auto& row : sql.rows<Row<std::string, std::string>>(
             departmentsOf + where.text + " ORDER BY user_id, department_id", where.values))
        byId.at(UserId(at<0>(row)))->departments.emplace_back(at<1>(row));
}

Page<domain::User> UserRepository::list(const domain::Scope& scope, const PageRequest& page) {
    auto where = reach(scope);
    where.add("login > ?", {page.after});
    where.values.emplace_back(limitOf(page));
    return database_.connections().read([&](Sql& sql) {
        std::vector<domain::User> items;
        for (const auto& row : sql.rows<UserRow>(select + where.text + byLogin, where.values))
            items.push_back(userOf(row));
        fillDepartments(sql, items);
        return makePage(std::move(items), page, [](const auto& user) { return user.login; });
    });
}

domain::User UserRepository::get(const domain::Scope& scope, const std::string& idOrLogin) {
    return database_.connections().read([&](Sql& sql) { return find(sql, scope, idOrLogin); });
}

domain::User UserRepository::create(const domain::Scope& scope, const NewUser& wanted) {
    checkPlace(scope, wanted.role);
    if (looksLikeId(wanted.login, 'u')) throw Error::field("login", "looks like an id: choose another");
    const auto user = newUser(scope, wanted, database_.clock().now());
    checkRole(user);
    return database_.connections().write([&](Sql& sql) {
        checkAgent(sql, scope, user.agent);
        insertUser(sql, scope, user, wanted.verifier);
        return user;
    });
}

domain::User UserRepository::createFirstOperator(const std::string& login, const std::string& verifier) {
    NewUser wanted;
    wanted.login = login;
    wanted.role = domain::Role::operator_;
    const auto user = newUser(serverScope(), wanted, database_.clock().now());
    return database_.connections().write([&](Sql& sql) {
        bumpVersion(sql, "access"); // holds the row: a second bootstrap waits here, then counts one
        const auto count = sql.row<Row<Int>>(operatorCount);
        if (!count || at<0>(*count) != 0)
            throw Error(ErrorCode::conflict,
                        "there is an operator already: log in as that one, or let it make another");
        insertUser(sql, serverScope(), user, verifier);
        return user;
    });
}

domain::User UserRepository::update(const domain::Scope& scope, const std::string& idOrLogin,
                                    const UserChange& wanted) {
    return database_.connections().write([&](Sql& sql) {
        bumpVersion(sql, "access");
        auto user = find(sql, scope, idOrLogin, sql.dialect().forUpdate());
        tellChangedUser(sql, user.id);
        if (wanted.role) user.role = *wanted.role;
        checkPlace(scope, user.role);
        if (wanted.agent) {
            checkAgent(sql, scope, *wanted.agent);
            user.agent = *wanted.agent;
        }
        if (wanted.departments) user.departments = *wanted.departments;
        if (wanted.role || wanted.agent || wanted.departments) checkRole(user);
        if (wanted.disabled) user.disabled = *wanted.disabled;
        if (user.disabled && user.role == domain::Role::operator_) {
            const auto others = sql.row<Row<Int>>(otherOperators, {user.id.str()});
            if (!others || at<0>(*others) == 0)
                throw Error(ErrorCode::conflict, "this is the last operator: nobody could undo it");
        }
        sql.execute(change, {std::string(domain::roleText(user.role)), orNull(user.agent),
                             std::int64_t(user.disabled ? 1 : 0), scope.tenant().str(), user.id.str()});
        if (wanted.departments) writeDepartments(sql, scope, user);
        return user;
    });
}

void UserRepository::setVerifier(const domain::Scope& scope, const std::string& idOrLogin,
                                 const std::string& verifier) {
    database_.connections().write([&](Sql& sql) {
        bumpVersion(sql, "access");
        const auto user = find(sql, scope, idOrLogin, sql.dialect().forUpdate());
        tellChangedUser(sql, user.id);
        sql.execute(changeVerifier, {verifier, scope.tenant().str(), user.id.str()});
    });
}

std::optional<UserWithVerifier> UserRepository::findByLogin(const std::string& login) {
    if (!isReference(login)) return std::nullopt;
    return database_.connections().read([&](Sql& sql) -> std::optional<UserWithVerifier> {
        const auto row = sql.row<UserRowWithVerifier>(selectSecret, {login});
        if (!row) return std::nullopt;
        const auto& c = row->columns;
        std::vector<domain::User> one{userOf(UserRow{{std::get<0>(c), std::get<1>(c), std::get<2>(c), std::get<3>(c),
                                                      std::get<4>(c), std::get<5>(c), std::get<6>(c)}})};
        fillDepartments(sql, one);
        return UserWithVerifier{std::move(one.front()), at<7>(*row)};
    });
}

std::optional<domain::User> UserRepository::findById(const UserId& id) {
    return database_.connections().read([&](Sql& sql) -> std::optional<domain::User> {
        const auto row = sql.row<UserRow>(select + "id = ?", {id.str()});
        if (!row) return std::nullopt;
        std::vector<domain::User> one{userOf(*row)};
        fillDepartments(sql, one);
        return std::move(one.front());
    });
}

} // namespace pbx::storage
