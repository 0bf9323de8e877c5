// What the repositories of callbacks share: rows, the one way to change a state, policies. Not for outside lib/storage.
// Threads: values. Fails with pbx::Error: internal (a token in the database that this program does not know).
#pragma once

#include "domain/callback.hpp"
#include "storage/repository.hpp"

#include <map>
#include <string>
#include <string_view>

namespace pbx::storage {

using CallbackRow = Row<std::string, std::string, std::string, std::string, std::string, std::string, std::string,
                        Maybe<std::string>, Int, Int, Int, Int, Int, Int, Int, Maybe<Int>, Int, Int, std::string>;
inline constexpr std::string_view callbackColumns =
    "id, queue_id, number, name, note, requested_by, state, outcome, attempt, dials, max_dials, doubts, requested_at, "
    "due_at, expires_at, ended_at, version, priority, source";
// "SELECT <columns> FROM callbacks WHERE "
std::string selectCallback();
domain::Callback callbackOf(const CallbackRow& row);

// One guarded UPDATE: `event` on the callback `id`, in a state that takes it, and only where `guard` holds too; false:
// it did not happen. `set` is put behind the new state ("due_at = ?, ..."), may be empty. What is over loses its open
// key, its token and its owner. Tells of what people want to know, in the same transaction.
struct CallbackChange {
    std::string set;
    Values values;
    Where guard;
};
bool change(Sql& sql, const CallbackId& id, domain::CallbackEvent event, UtcTime now, const CallbackChange& change);

// The queue's policy, else the tenant's, else what holds without; `holder` is told whose it is: the queue, empty for
// the tenant, nullopt for nobody's.
domain::CallbackPolicy policyOf(Sql& sql, const TenantId& tenant, const QueueId& queue,
                                std::optional<QueueId>* holder = nullptr);

// All of a tenant's, by queue; the tenant's own under an empty id.
std::map<QueueId, domain::CallbackPolicy> allPolicies(Sql& sql, const TenantId& tenant);

// The key that is unique among the tenant's open callbacks.
std::string openKey(const QueueId& queue, std::string_view number);

// An attempt came to its end: complete, or missed and then retry or giveUp by the policy; `job` is the row as it is,
// locked. One whose customer has come by himself meanwhile is not tried again: it is cancelled. False: its state does
// not take this any more. `report`: where the dialplan itself has said so; if that is that it did not dial, the attempt
// is not counted (storage::notDialled()).
bool settle(Sql& sql, const TenantId& tenant, const domain::Callback& callback, domain::CallbackOutcome outcome,
            const domain::DialReport* report, UtcTime now);

// The dialplan was let through the gate, and says of this very attempt that its Dial() did not run: no INVITE went out.
// Nothing else proves that: no missing record, no board.
bool notDialled(const domain::DialReport& report);

// The call by which the customer came while he was dialled; empty: he did not.
std::string returnedCall(Sql& sql, const CallbackId& id);
// A customer who has come by himself is not rung again; what he is told of comes from the policy as it is now.
bool endReturned(Sql& sql, const TenantId& tenant, const domain::Callback& callback, UtcTime now, const Where& guard);

} // namespace pbx::storage
