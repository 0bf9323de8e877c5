#include "ops/catalogue/access.hpp"

#include "ops/catalogue/page.hpp"

namespace pbx::ops {

const TypeDesc& WhoamiResult::describe() {
    static const auto type = describeType<WhoamiResult>(
        "Whoami", field<&WhoamiResult::login>("login", "Your login name."),
        field<&WhoamiResult::role>("role", "Your role."),
        field<&WhoamiResult::tenant>("tenant", "Your tenant; absent: all (operator)."),
        field<&WhoamiResult::agent>("agent", "The agent that you are."),
        field<&WhoamiResult::departments>("departments",
                                          "The departments that you are limited to; none: the whole tenant."),
        field<&WhoamiResult::via>("via", "How you signed in: password, or token:NAME."),
        field<&WhoamiResult::operations>("operations", "The operations that you may call."));
    return type;
}

const TypeDesc& UserRow::describe() {
    static const auto type = describeType<UserRow>(
        "User", field<&UserRow::id>("id", "Opaque id."),
        field<&UserRow::login>("login", "Login name, unique server-wide."), field<&UserRow::role>("role", "Role."),
        field<&UserRow::tenant>("tenant", "Tenant; absent: an operator."),
        field<&UserRow::agent>("agent", "The agent that the user is."),
        field<&UserRow::departments>("departments", "Departments a supervisor is limited to; none: the whole tenant."),
        field<&UserRow::disabled>("disabled", "Whether it may not sign in."),
        field<&UserRow::createdAt>("created_at", "When it was created."));
    return type;
}

const TypeDesc& UserCreateParams::describe() {
    static const auto type = describeType<UserCreateParams>(
        "UserCreateParams",
        field<&UserCreateParams::login>("login", "Login name: a-z, 0-9, dot, underscore, dash; unique server-wide.",
                                        {.maxLength = 63, .format = Format::login}),
        field<&UserCreateParams::password>("password", "At least 12 characters.",
                                           {.maxLength = 256, .format = Format::password, .secret = true}),
        field<&UserCreateParams::role>("role", "Role."),
        field<&UserCreateParams::agent>("agent", "The agent that the user is (needed for role agent).", reference()),
        field<&UserCreateParams::departments>(
            "departments", "Departments a supervisor is limited to; none: the whole tenant.", reference()));
    return type;
}

const TypeDesc& UserUpdateParams::describe() {
    static const auto type = describeType<UserUpdateParams>(
        "UserUpdateParams",
        field<&UserUpdateParams::id>("id", "Id or login name.", {.maxLength = 63, .format = Format::login}),
        field<&UserUpdateParams::role>("role", "New role."),
        field<&UserUpdateParams::agent>("agent", "The agent that the user is; empty: none.",
                                        {.format = Format::reference, .mayBeEmpty = true}),
        field<&UserUpdateParams::departments>(
            "departments", "New list of departments; an empty list in JSON and XML-RPC lifts the limit.", reference()),
        field<&UserUpdateParams::disabled>("disabled", "Whether it may not sign in."));
    return type;
}

const TypeDesc& UserSetPasswordParams::describe() {
    static const auto type = describeType<UserSetPasswordParams>(
        "UserSetPasswordParams",
        field<&UserSetPasswordParams::id>("id", "Id or login name.", {.maxLength = 63, .format = Format::login}),
        field<&UserSetPasswordParams::password>("password", "At least 12 characters.",
                                                {.maxLength = 256, .format = Format::password, .secret = true}));
    return type;
}

const TypeDesc& TokenRow::describe() {
    static const auto type = describeType<TokenRow>(
        "Token", field<&TokenRow::id>("id", "Opaque id."), field<&TokenRow::name>("name", "What it is for."),
        field<&TokenRow::user>("user", "Login name of whose it is."),
        field<&TokenRow::operations>("operations", "Patterns of operations that it reaches."),
        field<&TokenRow::expiresAt>("expires_at", "When it ends; absent: never."),
        field<&TokenRow::lastUsedAt>("last_used_at", "When it was last used, to the minute."),
        field<&TokenRow::revoked>("revoked", "Whether it was revoked."),
        field<&TokenRow::createdAt>("created_at", "When it was created."));
    return type;
}

const TypeDesc& TokenCreateParams::describe() {
    static const auto type = describeType<TokenCreateParams>(
        "TokenCreateParams",
        field<&TokenCreateParams::name>("name", "What it is for; a slug.", {.maxLength = 63, .format = Format::slug}),
        field<&TokenCreateParams::user>("user", "Login name of whose it is; left out: yours.",
                                        {.maxLength = 63, .format = Format::login}),
        field<&TokenCreateParams::operations>(
            "operations", "Patterns such as queue.*, event.poll or *; never reaches more than the user's role.",
            {.maxLength = 64, .maxItems = 64, .format = Format::pattern}),
        field<&TokenCreateParams::expiresInDays>("expires_in_days", "Days until it ends, 1 to 3650.",
                                                 {.min = 1, .max = 3650}));
    return type;
}

const TypeDesc& TokenCreated::describe() {
    static const auto type = describeType<TokenCreated>(
        "TokenCreated", field<&TokenCreated::id>("id", "Opaque id."),
        field<&TokenCreated::name>("name", "What it is for."),
        field<&TokenCreated::user>("user", "Login name of whose it is."),
        field<&TokenCreated::token>("token", "The token: shown this once, only its hash is kept.", {.secret = true}),
        field<&TokenCreated::operations>("operations", "Patterns of operations that it reaches."),
        field<&TokenCreated::expiresAt>("expires_at", "When it ends; absent: never."));
    return type;
}

const TypeDesc& AuditRow::describe() {
    static const auto type = describeType<AuditRow>(
        "Audit", field<&AuditRow::id>("id", "Opaque id; grows with time."), field<&AuditRow::at>("at", "When."),
        field<&AuditRow::tenant>("tenant", "Whose tenant; absent: none."), field<&AuditRow::login>("login", "Who."),
        field<&AuditRow::via>("via", "How signed in."), field<&AuditRow::address>("address", "From where."),
        field<&AuditRow::face>("face", "Through which face."),
        field<&AuditRow::requestId>("request_id", "The request's id, as in the log."),
        field<&AuditRow::operation>("operation", "What was called."),
        field<&AuditRow::target>("target", "Id of what it was about."),
        field<&AuditRow::parameters>("parameters", "The parameters as JSON; secrets masked."),
        field<&AuditRow::outcome>(
            "outcome",
            "ok; repeated (sent again with its idempotency key: nothing was done anew); or the error's token."));
    return type;
}

const TypeDesc& AuditListParams::describe() {
    static const auto type = describeType<AuditListParams>(
        "AuditListParams",
        field<&AuditListParams::login>("login", "Only what this user did.", {.maxLength = 63, .format = Format::login}),
        field<&AuditListParams::operation>("operation", "Only this operation, such as queue.create.",
                                           {.maxLength = 64}),
        field<&AuditListParams::after>("after", "`next` of the page before; left out: the first page.", cursor()),
        field<&AuditListParams::limit>("limit", "Items a page.", pageLimit()));
    return type;
}

const TypeDesc& UserPage::describe() {
    static const auto type = describePage<UserPage>("UserPage");
    return type;
}

const TypeDesc& TokenPage::describe() {
    static const auto type = describePage<TokenPage>("TokenPage");
    return type;
}

const TypeDesc& AuditPage::describe() {
    static const auto type = describePage<AuditPage>("AuditPage");
    return type;
}

} // namespace pbx::ops
