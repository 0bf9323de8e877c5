// Operations on how a tenant, or one of its queues, wants callbacks done.
// Threads: plain structs. Errors: see each handler in lib/ops/handlers/callback_policies.cpp.
#pragma once

#include "ops/catalogue/callbacks.hpp"
#include "ops/catalogue/routing_common.hpp"

namespace pbx::ops {

template <>
struct Choices<domain::CallbackMode> {
    static constexpr std::string_view name = "CallbackMode";
    static constexpr std::string_view texts[] = {"agent_first", "customer_first"};
};
template <>
struct Choices<domain::CallbackReturn> {
    static constexpr std::string_view name = "CallbackReturn";
    static constexpr std::string_view texts[] = {"off", "cancel", "adopt"};
};
enum class PolicyOrigin { queue, tenant, built_in };
template <>
struct Choices<PolicyOrigin> {
    static constexpr std::string_view name = "CallbackPolicyOrigin";
    static constexpr std::string_view texts[] = {"queue", "tenant", "built_in"};
};

struct CallbackRetryRule {
    domain::CallbackOutcome outcome = domain::CallbackOutcome::busy;
    std::int32_t afterSeconds = 0;
    static const TypeDesc& describe();
};
struct CallbackPolicyRow {
    std::string id;                   // of the queue, or of the tenant
    std::optional<std::string> queue; // name; absent: it is the tenant's
    PolicyOrigin origin = PolicyOrigin::built_in;
    domain::CallbackMode mode = domain::CallbackMode::agentFirst;
    std::int32_t maxAttempts = 0, maxDoubts = 0;
    std::vector<CallbackRetryRule> retries;
    std::int32_t expiresAfterSeconds = 0, ringSeconds = 0;
    bool askKey = false;
    std::optional<std::string> hours, callerNumber;
    domain::CallbackReturn onReturn = domain::CallbackReturn::off;
    std::optional<std::int32_t> abandonedAfterSeconds;
    bool useLevels = true;
    static const TypeDesc& describe();
};
struct CallbackPolicyReference {
    std::optional<std::string> queue;
    static const TypeDesc& describe();
};
struct CallbackPolicySetParams {
    std::optional<std::string> queue;
    std::optional<domain::CallbackMode> mode;
    std::optional<std::int32_t> maxAttempts, maxDoubts;
    std::vector<CallbackRetryRule> retries;
    std::optional<std::int32_t> expiresAfterSeconds, ringSeconds;
    std::optional<bool> askKey;
    std::optional<std::string> hours, callerNumber;
    std::optional<domain::CallbackReturn> onReturn;
    std::optional<std::int32_t> abandonedAfterSeconds;
    std::optional<bool> useLevels;
    static const TypeDesc& describe();
};

struct CallbackPolicyGet {
    using Params = CallbackPolicyReference;
    using Result = CallbackPolicyRow;
    static constexpr std::string_view name = "callback_policy.get",
                                      summary =
                                          "How callbacks of a queue, or of the tenant, are done, and who says so.";
    static constexpr domain::RoleSet roles = domain::readers;
    static constexpr bool changes = false;
};
struct CallbackPolicySet {
    using Params = CallbackPolicySetParams;
    using Result = CallbackPolicyRow;
    static constexpr std::string_view name = "callback_policy.set",
                                      summary = "Say anew how callbacks are done: what is left out has its default.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};
struct CallbackPolicyUnset {
    using Params = CallbackPolicyReference;
    using Result = Done;
    static constexpr std::string_view
        name = "callback_policy.unset",
        summary = "Let the tenant's policy hold for a queue again, or the built-in one for the tenant.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};

} // namespace pbx::ops
