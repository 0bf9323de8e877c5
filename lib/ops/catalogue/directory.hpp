// Operations on what is configured: tenants, departments, queues, agents.
// Threads: plain structs. Errors: see each handler in lib/ops/handlers.
#pragma once

#include "ops/catalogue/applied.hpp"

namespace pbx::ops {

// ---- tenants

struct TenantRow {
    std::string id, name, title, country, timeZone;
    std::vector<std::string> languages;
    UtcTime createdAt;
    static const TypeDesc& describe();
};
struct TenantPage {
    std::vector<TenantRow> items;
    std::optional<std::string> next;
    UtcTime asOf;
    bool stale = false;
    static const TypeDesc& describe();
};
struct TenantCreateParams {
    std::string name, title, country, timeZone;
    std::vector<std::string> languages;
    static const TypeDesc& describe();
};
struct TenantUpdateParams {
    std::string id;
    std::optional<std::string> title, country, timeZone;
    std::optional<std::vector<std::string>> languages;
    static const TypeDesc& describe();
};

struct TenantList {
    using Params = PageParams;
    using Result = TenantPage;
    static constexpr std::string_view name = "tenant.list",
                                      summary = "The tenants that you may see (an operator: all; others: their own).";
    static constexpr domain::RoleSet roles = domain::anyRole;
    static constexpr bool changes = false;
};
struct TenantGet {
    using Params = Reference;
    using Result = TenantRow;
    static constexpr std::string_view name = "tenant.get", summary = "One tenant.";
    static constexpr domain::RoleSet roles = domain::anyRole;
    static constexpr bool changes = false;
};
struct TenantCreate {
    using Params = TenantCreateParams;
    using Result = TenantRow;
    static constexpr std::string_view name = "tenant.create", summary = "Create a tenant.";
    static constexpr domain::RoleSet roles = domain::operators;
    static constexpr bool changes = true;
};
struct TenantUpdate {
    using Params = TenantUpdateParams;
    using Result = TenantRow;
    static constexpr std::string_view
        name = "tenant.update",
        summary = "Change a tenant's title, country, time zone or languages; what is left out stays.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};

// ---- departments

struct DepartmentRow {
    std::string id, name, title;
    std::int32_t queues = 0, agents = 0;
    UtcTime createdAt;
    static const TypeDesc& describe();
};
struct DepartmentPage {
    std::vector<DepartmentRow> items;
    std::optional<std::string> next;
    UtcTime asOf;
    bool stale = false;
    static const TypeDesc& describe();
};
struct DepartmentCreateParams {
    std::string name, title;
    static const TypeDesc& describe();
};
struct DepartmentUpdateParams {
    std::string id;
    std::optional<std::string> name, title;
    static const TypeDesc& describe();
};

struct DepartmentList {
    using Params = PageParams;
    using Result = DepartmentPage;
    static constexpr std::string_view name = "department.list", summary = "The departments of the tenant.";
    static constexpr domain::RoleSet roles = domain::anyRole;
    static constexpr bool changes = false;
};
struct DepartmentGet {
    using Params = Reference;
    using Result = DepartmentRow;
    static constexpr std::string_view name = "department.get", summary = "One department.";
    static constexpr domain::RoleSet roles = domain::anyRole;
    static constexpr bool changes = false;
};
struct DepartmentCreate {
    using Params = DepartmentCreateParams;
    using Result = DepartmentRow;
    static constexpr std::string_view name = "department.create", summary = "Create a department.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};
struct DepartmentUpdate {
    using Params = DepartmentUpdateParams;
    using Result = DepartmentRow;
    static constexpr std::string_view name = "department.update", summary = "Rename a department.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};
struct DepartmentDelete {
    using Params = Reference;
    using Result = Done;
    static constexpr std::string_view name = "department.delete",
                                      summary = "Delete a department that owns no queue and has no agent.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};

// ---- queues

struct QueueRow {
    std::string id, name, title, server, asteriskName;
    std::optional<std::string> department; // name
    std::int32_t wrapupSeconds = 0;
    bool onAsterisk = false; // Asterisk knows a queue of that name, as far as the board can tell
    std::optional<AppliedChoice> applied;
    UtcTime createdAt;
    static const TypeDesc& describe();
};
struct QueuePage {
    std::vector<QueueRow> items;
    std::optional<std::string> next;
    UtcTime asOf;
    bool stale = false;
    static const TypeDesc& describe();
};
struct QueueListParams {
    std::optional<std::string> department, after;
    std::optional<std::int32_t> limit;
    static const TypeDesc& describe();
};
struct QueueCreateParams {
    std::string name, title;
    std::optional<std::string> server, asteriskName, department;
    std::optional<std::int32_t> wrapupSeconds;
    static const TypeDesc& describe();
};
struct QueueUpdateParams {
    std::string id;
    std::optional<std::string> title, asteriskName, department;
    std::optional<std::int32_t> wrapupSeconds;
    static const TypeDesc& describe();
};

struct QueueCaller {
    std::string callId;
    std::int32_t position = 0;
    std::optional<std::int32_t> priority;
    std::string number, name;
    UtcTime since;
    std::int32_t waitSeconds = 0;
    std::optional<std::string> callback; // whose place is kept so; number, name and since are the customer's
    static const TypeDesc& describe();
};

// What a member can be doing; the strongest applies (paused and in a call: in_call).
enum class MemberState { free, ringing, in_call, busy, on_hold, wrapup, paused, unavailable, unknown };
template <>
struct Choices<MemberState> {
    static constexpr std::string_view name = "MemberState";
    static constexpr std::string_view texts[] = {"free",   "ringing", "in_call",     "busy",   "on_hold",
                                                 "wrapup", "paused",  "unavailable", "unknown"};
};

struct QueueMember {
    std::optional<std::string> agent; // name, where the interface is mapped
    std::string memberName, interface;
    MemberState state = MemberState::unknown;
    std::int32_t deviceStatus = 0; // Asterisk's Status, 0-8
    std::int32_t penalty = 0;
    bool paused = false;
    std::optional<std::string> pausedReason;
    std::optional<UtcTime> pausedSince;
    std::int32_t callsTaken = 0;
    std::optional<UtcTime> lastCallAt;
    std::optional<std::string> callId, talkingTo;
    std::optional<UtcTime> inCallSince, wrapupUntil;
    static const TypeDesc& describe();
};
struct QueueCounts {
    std::int32_t waiting = 0, longestWaitSeconds = 0, members = 0, free = 0, ringing = 0, inCall = 0, wrapup = 0,
                 paused = 0, unavailable = 0, callbacks = 0, longestCallbackSeconds = 0;
    static const TypeDesc& describe();
};
struct QueueStatusResult {
    std::string id, name, title, server, asteriskName;
    std::optional<std::string> department, strategy;
    std::optional<std::int32_t> maxLength, weight, serviceLevelSeconds;
    QueueCounts counts;
    std::vector<QueueCaller> callers;
    std::vector<QueueMember> members;
    UtcTime asOf;
    bool stale = false;
    static const TypeDesc& describe();
};

struct QueueList {
    using Params = QueueListParams;
    using Result = QueuePage;
    static constexpr std::string_view name = "queue.list", summary = "The queues that you may see.";
    static constexpr domain::RoleSet roles = domain::anyRole;
    static constexpr bool changes = false;
};
struct QueueGet {
    using Params = Reference;
    using Result = QueueRow;
    static constexpr std::string_view name = "queue.get", summary = "One queue as configured.";
    static constexpr domain::RoleSet roles = domain::anyRole;
    static constexpr bool changes = false;
};
struct QueueStatus {
    using Params = Reference;
    using Result = QueueStatusResult;
    static constexpr std::string_view name = "queue.status",
                                      summary = "One queue live: callers, members, counts, longest wait.";
    static constexpr domain::RoleSet roles = domain::anyRole;
    static constexpr bool changes = false;
};
struct QueueCreate {
    using Params = QueueCreateParams;
    using Result = QueueRow;
    static constexpr std::string_view name = "queue.create",
                                      summary = "Create a queue, or take over one that Asterisk has (asterisk_name).";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};
struct QueueUpdate {
    using Params = QueueUpdateParams;
    using Result = QueueRow;
    static constexpr std::string_view name = "queue.update", summary = "Change a queue; what is left out stays.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};
struct QueueDelete {
    using Params = Reference;
    using Result = Done;
    static constexpr std::string_view
        name = "queue.delete",
        summary = "Delete a queue from the tenant; Asterisk's own configuration is not touched.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};

// ---- agents

struct AgentRow {
    std::string id, name, title, server, interface;
    std::optional<std::string> department;
    UtcTime createdAt;
    static const TypeDesc& describe();
};
struct AgentPage {
    std::vector<AgentRow> items;
    std::optional<std::string> next;
    UtcTime asOf;
    bool stale = false;
    static const TypeDesc& describe();
};
struct DepartmentStayRow {
    std::optional<std::string> department;
    UtcTime since;
    std::optional<UtcTime> until;
    static const TypeDesc& describe();
};
// How an agent shall stand in a queue, and whether it does.
struct AgentDesiredRow {
    std::string queue; // name
    bool loggedIn = false;
    std::int32_t penalty = 0;
    bool paused = false;
    std::optional<std::string> reason;
    bool differs = false;
    std::string changedBy;
    UtcTime changedAt;
    static const TypeDesc& describe();
};
struct AgentDetail {
    std::string id, name, title, server, interface;
    std::optional<std::string> department;
    std::vector<DepartmentStayRow> departmentHistory;
    std::vector<AgentDesiredRow> desired;
    UtcTime createdAt;
    static const TypeDesc& describe();
};
struct AgentListParams {
    std::optional<std::string> department, after;
    std::optional<std::int32_t> limit;
    static const TypeDesc& describe();
};
struct AgentCreateParams {
    std::string name, title;
    std::optional<std::string> server;
    std::string interface;
    std::optional<std::string> department;
    static const TypeDesc& describe();
};
struct AgentUpdateParams {
    std::string id;
    std::optional<std::string> title, interface, department;
    static const TypeDesc& describe();
};
struct AgentMembership {
    std::string queue; // name
    MemberState state = MemberState::unknown;
    std::int32_t penalty = 0;
    bool paused = false;
    std::optional<std::string> pausedReason;
    std::optional<UtcTime> pausedSince;
    std::optional<UtcTime> pauseLimitAt;
    bool pauseExceeded = false;
    std::int32_t callsTaken = 0;
    std::optional<UtcTime> lastCallAt, wrapupUntil;
    static const TypeDesc& describe();
};
struct AgentStatusResult {
    std::string id, name, title, server, interface;
    std::optional<std::string> department;
    MemberState state = MemberState::unknown;
    bool loggedIn = false;         // a member of at least one queue
    std::optional<bool> reachable; // the phone's contact answers; absent: not known
    std::optional<std::string> callId, talkingTo, callQueue;
    std::optional<UtcTime> inCallSince;
    std::vector<AgentMembership> queues;
    UtcTime asOf;
    bool stale = false;
    static const TypeDesc& describe();
};

struct AgentList {
    using Params = AgentListParams;
    using Result = AgentPage;
    static constexpr std::string_view name = "agent.list", summary = "The agents that you may see.";
    static constexpr domain::RoleSet roles = domain::anyRole;
    static constexpr bool changes = false;
};
struct AgentGet {
    using Params = Reference;
    using Result = AgentDetail;
    static constexpr std::string_view name = "agent.get",
                                      summary = "One agent as configured, with the history of departments.";
    static constexpr domain::RoleSet roles = domain::anyRole;
    static constexpr bool changes = false;
};
struct AgentStatus {
    using Params = Reference;
    using Result = AgentStatusResult;
    static constexpr std::string_view name = "agent.status",
                                      summary = "One agent live: state, queues, pause, call, phone.";
    static constexpr domain::RoleSet roles = domain::anyRole;
    static constexpr bool changes = false;
};
struct AgentCreate {
    using Params = AgentCreateParams;
    using Result = AgentRow;
    static constexpr std::string_view name = "agent.create",
                                      summary = "Create an agent for an interface that Asterisk has.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};
struct AgentUpdate {
    using Params = AgentUpdateParams;
    using Result = AgentRow;
    static constexpr std::string_view
        name = "agent.update",
        summary = "Change an agent; a new department starts now and the old one stays in the history.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};
struct AgentDelete {
    using Params = Reference;
    using Result = Done;
    static constexpr std::string_view name = "agent.delete", summary = "Delete an agent that no user is linked to.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};

} // namespace pbx::ops
