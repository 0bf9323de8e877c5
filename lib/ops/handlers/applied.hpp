// Whether Asterisk runs with what the tables say, for the views of queues, phones and trunks.
// Threads: any; a value for one call. Nothing is thrown for a database that is away.
#pragma once

#include "ops/catalogue/applied.hpp"
#include "ops/handlers.hpp"

#include <memory>

namespace pbx::ops {

class AppliedView {
public:
    // Without a database nothing is known: a queue that is told from memory is told all the same.
    explicit AppliedView(const Context& context);
    // Up to a second old: for a queue, which is told without a database otherwise, and often.
    static AppliedView recent(const Context& context);

    // Absent: its configuration is nobody's of ours.
    std::optional<AppliedChoice> of(std::string_view server) const;
    const storage::AppliedStates& states() const { return *states_; }

private:
    using States = std::shared_ptr<const storage::AppliedStates>;
    AppliedView(States (*read)(storage::AppliedRepository&), const Context& context);

    States states_;
};

} // namespace pbx::ops
