// Users as rows, shared by the repositories of users and of tokens (a token is looked up with its user).
// Threads: values. Fails with pbx::Error: internal (a stored role that is none).
#pragma once

#include "domain/model.hpp"
#include "storage/repository.hpp"

namespace pbx::storage {

inline constexpr std::string_view userColumns = "users.tenant_id, users.id, users.login, users.role, users.agent_id, "
                                                "users.disabled, users.created_at";
using UserRow = Row<std::string, std::string, std::string, std::string, Maybe<std::string>, Int, Int>;
using UserRowWithVerifier =
    Row<std::string, std::string, std::string, std::string, Maybe<std::string>, Int, Int, std::string>;

domain::User userOf(const UserRow& row);
// Of users of one tenant.
void fillDepartments(Sql& sql, std::vector<domain::User>& users);
// The users that a scope reaches; the statement has the table `users`.
void whereUsers(Where& where, const domain::Scope& scope);

} // namespace pbx::storage
