// How a tenant's queues behave in Asterisk. A queue without settings has the defaults.
// Threads: any. Fails with pbx::Error: notFound (queue), invalidArgument (names the field), forbidden (an agent),
// unavailable, outcomeUnknown.
#pragma once

#include "domain/site.hpp"
#include "storage/page.hpp"

#include <functional>
#include <map>
#include <string_view>

namespace pbx::storage {

class Database;

class QueueSettingsRepository {
public:
    explicit QueueSettingsRepository(Database& database) : database_(database) {}

    domain::QueueSettings get(const domain::Scope& scope, const QueueId& queue);
    // `change` is given them as they are, or the defaults.
    domain::QueueSettings update(const domain::Scope& scope, const QueueId& queue,
                                 const std::function<void(domain::QueueSettings&)>& change);
    // Of queues that have any; of the whole tenant, whatever the scope is limited to: it is for rendering.
    std::map<QueueId, domain::QueueSettings> all(const TenantId& tenant);

private:
    Database& database_;
};

// As queues.conf has them ("rrmemory"), and as stored ("always", "logged_in", "unpaused").
std::string_view strategyToken(domain::Strategy strategy);
std::string_view presenceToken(domain::Presence presence);

} // namespace pbx::storage
