// What a queue does with a caller who is about to enter it. A queue without a row has the defaults.
// Threads: any. Fails with pbx::Error: notFound (the queue, or one that a rule names; a supervisor limited to
// departments reaches those of its queues), invalidArgument, forbidden (an agent), unavailable, outcomeUnknown.
#pragma once

#include "domain/routing.hpp"
#include "storage/page.hpp"

namespace pbx::storage {

class Database;

class QueueConditionsRepository {
public:
    static constexpr std::size_t mostRules = 10;

    explicit QueueConditionsRepository(Database& database) : database_(database) {}

    domain::QueueConditions get(const domain::Scope& scope, const QueueId& queue);
    // Takes the place of what was there. At most mostRules overflow rules, none of them into the queue itself.
    domain::QueueConditions put(const domain::Scope& scope, const QueueId& queue,
                                const domain::QueueConditions& conditions);

private:
    Database& database_;
};

} // namespace pbx::storage
