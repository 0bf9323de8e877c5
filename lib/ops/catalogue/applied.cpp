#include "ops/catalogue/applied.hpp"

namespace pbx::ops {

const TypeDesc& AsteriskAppliedRow::describe() {
    static const auto type = describeType<AsteriskAppliedRow>(
        "AsteriskApplied", field<&AsteriskAppliedRow::server>("server", "The Asterisk.", {.subject = true}),
        field<&AsteriskAppliedRow::applied>("applied",
                                            "yes; pending: there are changes since, or it is under way; failed: it was "
                                            "refused, and what was in force before is."),
        field<&AsteriskAppliedRow::reason>(
            "reason", "Why it failed, for operators; or what waits for a restart of Asterisk.", {.prose = true}),
        field<&AsteriskAppliedRow::by>("by", "Who did it: a node of pbxd, or pbxctl."),
        field<&AsteriskAppliedRow::at>("at", "When it was tried last."));
    return type;
}

const TypeDesc& AsteriskStatusResult::describe() {
    static const auto type = describeType<AsteriskStatusResult>(
        "AsteriskStatus",
        field<&AsteriskStatusResult::servers>("servers", "Each Asterisk that was ever applied to, by name."),
        field<&AsteriskStatusResult::asOf>("as_of", "When this was true."));
    return type;
}

} // namespace pbx::ops
