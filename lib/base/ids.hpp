// Ids that cannot be mixed up: a TenantId is not a QueueId, though both are text in the database and on the wire.
// Threads: values. Nothing fails.
#pragma once

#include <compare>
#include <functional>
#include <string>

namespace pbx {

// Opaque to everyone but storage; never parsed, never shown as a number.
template <class Tag>
class Id {
public:
    Id() = default;
    explicit Id(std::string value) : value_(std::move(value)) {}
    const std::string& str() const noexcept { return value_; }
    bool empty() const noexcept { return value_.empty(); }
    auto operator<=>(const Id&) const = default;

private:
    std::string value_;
};

using TenantId = Id<struct TenantTag>;
using QueueId = Id<struct QueueTag>;
using AgentId = Id<struct AgentTag>;
using DepartmentId = Id<struct DepartmentTag>;
using UserId = Id<struct UserTag>;
using TokenId = Id<struct TokenTag>;
using BlockId = Id<struct BlockTag>;
using PriorityCallerId = Id<struct PriorityCallerTag>;
using CustomerId = Id<struct CustomerTag>;
using DidId = Id<struct DidTag>;
using HoursId = Id<struct HoursTag>;
using TrunkId = Id<struct TrunkTag>;
using OutboundRuleId = Id<struct OutboundRuleTag>;

} // namespace pbx

template <class Tag>
struct std::hash<pbx::Id<Tag>> {
    std::size_t operator()(const pbx::Id<Tag>& id) const noexcept { return std::hash<std::string>{}(id.str()); }
};
