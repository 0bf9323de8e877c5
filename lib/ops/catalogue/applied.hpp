// Operations on what of the tables each Asterisk runs with.
// Threads: plain structs. Errors: see each handler in lib/ops/handlers/applied.cpp.
#pragma once

#include "ops/catalogue/common.hpp"

namespace pbx::ops {

enum class AppliedChoice { yes, pending, failed };
template <>
struct Choices<AppliedChoice> {
    static constexpr std::string_view name = "Applied";
    static constexpr std::string_view texts[] = {"yes", "pending", "failed"};
};
inline constexpr std::string_view appliedDoc =
    "Whether Asterisk runs with it: yes; pending: with what was there before a change; failed: it was refused, "
    "asterisk.status says why. Absent: its configuration was never applied by pbxd or pbxctl, or that is not known "
    "just now.";

struct AsteriskAppliedRow {
    std::string server;
    AppliedChoice applied = AppliedChoice::pending;
    std::optional<std::string> reason;
    std::string by;
    UtcTime at;
    static const TypeDesc& describe();
};
struct AsteriskStatusResult {
    std::vector<AsteriskAppliedRow> servers;
    UtcTime asOf;
    static const TypeDesc& describe();
};

struct AsteriskStatus {
    using Params = NoParams;
    using Result = AsteriskStatusResult;
    static constexpr std::string_view name = "asterisk.status",
                                      summary =
                                          "Whether each Asterisk runs with the configuration as it is in the tables.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = false;
};
struct AsteriskApply {
    using Params = NoParams;
    using Result = AsteriskStatusResult;
    static constexpr std::string_view name = "asterisk.apply",
                                      summary =
                                          "Have pbxd apply every configuration that it owns anew, within seconds.";
    static constexpr domain::RoleSet roles = domain::operators;
    static constexpr bool changes = true;
};

} // namespace pbx::ops
