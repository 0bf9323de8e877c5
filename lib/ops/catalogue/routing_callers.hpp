// Operations on what a tenant says about callers: who is blocked, who goes first, what the CRM knows.
// Threads: plain structs. Errors: see lib/ops/handlers/routing_callers.cpp and routing_customers.cpp.
#pragma once

#include "ops/catalogue/routing_common.hpp"

namespace pbx::ops {

inline constexpr std::int32_t longestFlag = 5'256'000; // ten years, in minutes

// ---- blocklist

template <>
struct Choices<domain::BlockKind> {
    static constexpr std::string_view name = "BlockKind";
    static constexpr std::string_view texts[] = {"exact", "prefix", "anonymous"};
};

struct BlockRow {
    std::string id;
    domain::BlockKind kind = domain::BlockKind::exact;
    std::optional<std::string> number; // absent for anonymous
    std::string reason, addedBy;
    std::optional<UtcTime> expiresAt;
    bool expired = false;
    std::int32_t hits = 0;
    std::optional<UtcTime> lastHitAt;
    UtcTime createdAt;
    static const TypeDesc& describe();
};
struct BlockPage {
    std::vector<BlockRow> items;
    std::optional<std::string> next;
    UtcTime asOf;
    bool stale = false;
    static const TypeDesc& describe();
};
struct BlocklistListParams {
    std::optional<domain::BlockKind> kind;
    std::optional<std::string> number;
    std::optional<bool> expired;
    std::optional<std::string> after;
    std::optional<std::int32_t> limit;
    static const TypeDesc& describe();
};
struct BlocklistAddParams {
    std::optional<std::string> number;
    std::optional<domain::BlockKind> kind;
    std::optional<std::string> reason;
    std::optional<UtcTime> expiresAt;
    std::optional<std::int32_t> expiresInMinutes;
    static const TypeDesc& describe();
};
struct BlocklistUpdateParams {
    std::string id;
    std::optional<std::string> reason;
    std::optional<UtcTime> expiresAt;
    std::optional<std::int32_t> expiresInMinutes;
    static const TypeDesc& describe();
};
struct BlocklistCheckParams {
    std::string number;
    static const TypeDesc& describe();
};
struct BlocklistCheckResult {
    bool blocked = false;
    std::optional<std::string> number; // as it was understood
    std::optional<BlockRow> entry;
    static const TypeDesc& describe();
};

struct BlocklistList {
    using Params = BlocklistListParams;
    using Result = BlockPage;
    static constexpr std::string_view name = "blocklist.list",
                                      summary = "Whom the tenant blocks, by kind and number; expired entries too.";
    static constexpr domain::RoleSet roles = domain::supervisors;
    static constexpr bool changes = false;
};
struct BlocklistGet {
    using Params = NumberReference;
    using Result = BlockRow;
    static constexpr std::string_view name = "blocklist.get", summary = "One entry of the blocklist.";
    static constexpr domain::RoleSet roles = domain::supervisors;
    static constexpr bool changes = false;
};
struct BlocklistAdd {
    using Params = BlocklistAddParams;
    using Result = BlockRow;
    static constexpr std::string_view name = "blocklist.add",
                                      summary = "Block a number, all numbers that begin alike, or callers without one.";
    static constexpr domain::RoleSet roles = domain::supervisors;
    static constexpr bool changes = true;
};
struct BlocklistUpdate {
    using Params = BlocklistUpdateParams;
    using Result = BlockRow;
    static constexpr std::string_view
        name = "blocklist.update",
        summary = "Change the reason or the expiry of an entry of the blocklist; what is left out stays.";
    static constexpr domain::RoleSet roles = domain::supervisors;
    static constexpr bool changes = true;
};
struct BlocklistRemove {
    using Params = NumberReference;
    using Result = Done;
    static constexpr std::string_view name = "blocklist.remove", summary = "Take an entry off the blocklist.";
    static constexpr domain::RoleSet roles = domain::supervisors;
    static constexpr bool changes = true;
};
struct BlocklistCheck {
    using Params = BlocklistCheckParams;
    using Result = BlocklistCheckResult;
    static constexpr std::string_view name = "blocklist.check",
                                      summary = "Whether a number is blocked now, and by which entry.";
    static constexpr domain::RoleSet roles = domain::supervisors;
    static constexpr bool changes = false;
};

// ---- priority callers

struct PriorityRow {
    std::string id, number;
    std::int32_t level = 0;
    std::optional<std::string> queue; // name
    std::string reason, addedBy;
    std::optional<UtcTime> expiresAt;
    bool expired = false;
    UtcTime createdAt;
    static const TypeDesc& describe();
};
struct PriorityPage {
    std::vector<PriorityRow> items;
    std::optional<std::string> next;
    UtcTime asOf;
    bool stale = false;
    static const TypeDesc& describe();
};
struct PriorityListParams {
    std::optional<std::string> number;
    std::optional<bool> expired;
    std::optional<std::string> after;
    std::optional<std::int32_t> limit;
    static const TypeDesc& describe();
};
struct PriorityAddParams {
    std::string number;
    std::optional<std::int32_t> level;
    std::optional<std::string> queue, reason;
    std::optional<UtcTime> expiresAt;
    std::optional<std::int32_t> expiresInMinutes;
    static const TypeDesc& describe();
};
struct PriorityUpdateParams {
    std::string id;
    std::optional<std::int32_t> level;
    std::optional<std::string> queue, reason;
    std::optional<UtcTime> expiresAt;
    std::optional<std::int32_t> expiresInMinutes;
    static const TypeDesc& describe();
};

struct PriorityList {
    using Params = PriorityListParams;
    using Result = PriorityPage;
    static constexpr std::string_view name = "priority.list",
                                      summary = "Which numbers go first, by number; expired entries too.";
    static constexpr domain::RoleSet roles = domain::supervisors;
    static constexpr bool changes = false;
};
struct PriorityGet {
    using Params = NumberReference;
    using Result = PriorityRow;
    static constexpr std::string_view name = "priority.get", summary = "One number that goes first.";
    static constexpr domain::RoleSet roles = domain::supervisors;
    static constexpr bool changes = false;
};
struct PriorityAdd {
    using Params = PriorityAddParams;
    using Result = PriorityRow;
    static constexpr std::string_view name = "priority.add",
                                      summary = "Let a number go first, for good or for a while.";
    static constexpr domain::RoleSet roles = domain::supervisors;
    static constexpr bool changes = true;
};
struct PriorityUpdate {
    using Params = PriorityUpdateParams;
    using Result = PriorityRow;
    static constexpr std::string_view name = "priority.update",
                                      summary = "Change a number that goes first; what is left out stays.";
    static constexpr domain::RoleSet roles = domain::supervisors;
    static constexpr bool changes = true;
};
struct PriorityRemove {
    using Params = NumberReference;
    using Result = Done;
    static constexpr std::string_view name = "priority.remove", summary = "Let a number wait like everybody again.";
    static constexpr domain::RoleSet roles = domain::supervisors;
    static constexpr bool changes = true;
};

// ---- customers

struct CustomerAttribute {
    std::string name, value;
    static const TypeDesc& describe();
};
struct CustomerRow {
    std::string id, number;
    std::optional<std::string> status;
    std::vector<CustomerAttribute> attributes;
    UtcTime updatedAt;
    static const TypeDesc& describe();
};
struct CustomerPage {
    std::vector<CustomerRow> items;
    std::optional<std::string> next;
    UtcTime asOf;
    bool stale = false;
    static const TypeDesc& describe();
};
struct CustomerListParams {
    std::optional<std::string> number, status, after;
    std::optional<std::int32_t> limit;
    static const TypeDesc& describe();
};
struct CustomerSetParams {
    std::string number;
    std::optional<std::string> status;
    std::vector<CustomerAttribute> attributes;
    static const TypeDesc& describe();
};
struct CustomerSetStatusParams {
    std::string number, status;
    std::optional<std::vector<CustomerAttribute>> attributes;
    static const TypeDesc& describe();
};

struct CustomerList {
    using Params = CustomerListParams;
    using Result = CustomerPage;
    static constexpr std::string_view name = "customer.list", summary = "What the CRM told about numbers, by number.";
    static constexpr domain::RoleSet roles = domain::supervisors;
    static constexpr bool changes = false;
};
struct CustomerGet {
    using Params = NumberReference;
    using Result = CustomerRow;
    static constexpr std::string_view name = "customer.get", summary = "What is known about one number.";
    static constexpr domain::RoleSet roles = domain::supervisors;
    static constexpr bool changes = false;
};
struct CustomerSet {
    using Params = CustomerSetParams;
    using Result = CustomerRow;
    static constexpr std::string_view name = "customer.set",
                                      summary =
                                          "Say everything about a number anew, known or not: what is left out is gone.";
    static constexpr domain::RoleSet roles = domain::supervisors;
    static constexpr bool changes = true;
};
struct CustomerSetStatus {
    using Params = CustomerSetStatusParams;
    using Result = CustomerRow;
    static constexpr std::string_view name = "customer.set_status",
                                      summary =
                                          "What a CRM pushes: the status of a number, known or not. Twice is no harm.";
    static constexpr domain::RoleSet roles = domain::supervisors;
    static constexpr bool changes = true;
};
struct CustomerDelete {
    using Params = NumberReference;
    using Result = Done;
    static constexpr std::string_view name = "customer.delete", summary = "Forget what is known about a number.";
    static constexpr domain::RoleSet roles = domain::supervisors;
    static constexpr bool changes = true;
};

} // namespace pbx::ops
