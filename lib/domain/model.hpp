// What we keep about tenants, their queues and people: plain structs, as stored.
// Threads: values. Nothing fails. `name` is a slug, unique within its tenant (tenants and logins: server-wide).
#pragma once

#include "base/ids.hpp"
#include "base/time.hpp"
#include "domain/role.hpp"

#include <optional>
#include <string>
#include <vector>

namespace pbx::domain {

struct Tenant {
    TenantId id;
    std::string name;
    std::string title;
    std::string country;                // ISO 3166-1 alpha-2, upper case
    std::string timeZone;               // IANA name: "America/New_York"
    std::vector<std::string> languages; // BCP 47, the first is the default
    UtcTime createdAt;
};

struct Department {
    DepartmentId id;
    std::string name;
    std::string title;
    UtcTime createdAt;
};

struct Queue {
    QueueId id;
    std::string name;
    std::string title;
    std::string server;       // name of the Asterisk it lives on ([asterisk.NAME])
    std::string asteriskName; // its name there; "<tenant>-<name>" unless it was taken over
    std::optional<DepartmentId> department;
    int wrapupSeconds = 0; // 0-3600; Asterisk announces the end of wrap-up nowhere, so the board counts it from here
    UtcTime createdAt;
};

struct Agent {
    AgentId id;
    std::string name;
    std::string title; // the person's name as shown
    std::string server;
    std::string interface; // as in Asterisk's queues: "PJSIP/viatalk-101", "SIP/...", "Local/...@.../n"
    std::optional<DepartmentId> department; // one at a time; the history is kept beside it
    UtcTime createdAt;
};

// A span of an agent's membership in a department; `until` empty while it lasts.
struct DepartmentStay {
    std::optional<DepartmentId> department;
    UtcTime since;
    std::optional<UtcTime> until;
};

struct User {
    UserId id;
    std::string login;              // [a-z0-9._-], unique server-wide
    std::optional<TenantId> tenant; // empty: an operator
    Role role = Role::viewer;
    std::optional<AgentId> agent;
    std::vector<DepartmentId> departments; // a supervisor's limits; empty: the whole tenant
    bool disabled = false;
    UtcTime createdAt;
};

struct Token {
    TokenId id;
    UserId user;
    std::string name;                    // what it is for: "crm-screen-pop"
    std::vector<std::string> operations; // patterns: "queue.*", "event.poll", "*"
    std::optional<UtcTime> expiresAt;
    std::optional<UtcTime> lastUsedAt; // written at most once a minute
    bool revoked = false;
    UtcTime createdAt;
};

struct AuditEntry {
    std::string id; // grows with time, so that it is the paging key
    UtcTime at;
    std::optional<TenantId> tenant;
    std::string login;
    std::string via;     // "password", "token:NAME", "local"
    std::string address; // where from
    std::string face;    // "soap", "xmlrpc", "json", "cli-local"
    std::string requestId;
    std::string operation;
    std::string target;     // id of what it was about, if one
    std::string parameters; // JSON; secrets masked
    std::string outcome;    // "ok" or an error token
};

} // namespace pbx::domain
