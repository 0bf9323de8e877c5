// Callbacks as people see them: asked for, listed, cancelled, tried again; and how a tenant wants them done.
// Threads: any. Fails with pbx::Error: notFound, conflict (its state does not allow it), invalidArgument, forbidden (a
// policy, by a limited scope), tooManyRequests (a cap of calls on request is full), unavailable, outcomeUnknown.
// A scope with self() reaches only the queues in `memberOf`, as in queues.hpp.
#pragma once

#include "domain/callback.hpp"
#include "storage/outbound_guard.hpp"
#include "storage/page.hpp"

#include <map>
#include <set>

namespace pbx::storage {

class Database;

struct NewCallback {
    std::string queue;  // id or name
    std::string number; // normalised
    std::string name;
    std::string note;
    std::string requestedBy;
    std::string source; // whom the caps count it for, at most 255 bytes; empty: requestedBy
    std::optional<UtcTime> notBefore;
    std::optional<UtcTime> expiresAt; // empty: by the policy
    // Who asks while waiting in the queue keeps the place: since when he waits, at most a day ago; and his QUEUE_PRIO.
    std::optional<UtcTime> waitingSince; // empty: from now on
    int priority = 0;                    // 0-100
};
struct RequestedCallback {
    domain::Callback callback;
    bool existing = false;        // there was an open one for this queue and number: this is it, unchanged
    std::vector<CapAlarm> alarms; // that it sets off, those that wait to be dialled counted in
};
struct CancelledCallback {
    domain::Callback callback; // as it is now
    bool cancelled = false;    // false: too late, it is being dialled or over
};
struct CallbackFilter {
    std::optional<QueueId> queue;
    std::optional<std::string> number;
    bool open = false; // only those that are not over
    std::set<QueueId> memberOf;
};
struct CallbackDetail {
    domain::Callback callback;
    std::vector<domain::CallbackAttempt> attempts; // oldest first
};

struct HeldPolicy {
    domain::CallbackPolicy policy;
    std::optional<QueueId> holder; // the queue that has it; empty: the tenant; nullopt: nobody, it is the built-in one
};

class CallbackRepository {
public:
    CallbackRepository(Database& database, const OutboundCaps& caps) : database_(database), caps_(caps) {}

    // Committed when it answers. Of two that ask for the same at once one makes it and both are told of it. A new one
    // is accepted while what was dialled today and what waits to be dialled leave room in each cap.
    RequestedCallback request(const domain::Scope& scope, const NewCallback& wanted,
                              const std::set<QueueId>& memberOf = {});
    Page<domain::Callback> list(const domain::Scope& scope, const PageRequest& page, const CallbackFilter& filter = {});
    CallbackDetail get(const domain::Scope& scope, const std::string& id, const std::set<QueueId>& memberOf = {});
    // Those of the tenant, whatever the scope is limited to: for who sees the queue in which they stand.
    std::map<CallbackId, domain::Callback> among(const domain::Scope& scope, const std::set<CallbackId>& ids);
    // "cancelled" is a promise: no phone rings for it from now on.
    CancelledCallback cancel(const domain::Scope& scope, const std::string& id, const std::set<QueueId>& memberOf = {});
    // Now rather than later; one that is failed or expired is open again, with all its attempts before it, until
    // `expiresAt` (for one that is still open: no change of that). Conflict for any other state, and when another one
    // for the same queue and number is open meanwhile. From now on it counts for `source`, judged as a new one is.
    domain::Callback retry(const domain::Scope& scope, const std::string& id, const std::string& source,
                           const std::set<QueueId>& memberOf = {});

    // `queue` empty: the tenant's own, which holds where a queue has none.
    HeldPolicy policy(const domain::Scope& scope, const QueueId& queue = {});
    void setPolicy(const domain::Scope& scope, const QueueId& queue, const domain::CallbackPolicy& policy);
    // Where there is none, nothing happens.
    void unsetPolicy(const domain::Scope& scope, const QueueId& queue);

private:
    Database& database_;
    const OutboundCaps caps_;
};

} // namespace pbx::storage
