// Whether Asterisk runs with what the tables say, for the views of queues, phones and trunks.
// Threads: any; a value for one call. Nothing is thrown for a database that is away.
#pragma once

#include "ops/catalogue/applied.hpp"
#include "ops/handlers.hpp"

namespace pbx::ops {

class AppliedView {
public:
    // Without a database nothing is known: a queue that is told from memory is told all the same.
    explicit AppliedView(const Context& context);

    // Absent: its configuration is nobody's of ours.
    std::optional<AppliedChoice> of(std::string_view server) const;
    const storage::AppliedStates& states() const { return states_; }

private:
    storage::AppliedStates states_;
};

} // namespace pbx::ops
