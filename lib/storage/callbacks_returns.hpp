// What becomes of an open callback when its customer calls the queue by himself. Whether it still can be ended, one
// guarded UPDATE decides, as with callback.cancel: an attempt that is at the gate at that moment either finds it shut
// or was faster, and then it is let go.
// Threads: any. Fails with pbx::Error: unavailable, deadlineExceeded, outcomeUnknown (asked again it answers the same).
#pragma once

#include "domain/callback.hpp"

#include <optional>
#include <set>
#include <string>

namespace pbx::storage {

class Database;

enum class ReturnResult : std::uint8_t {
    none,  // he has no open callback
    ended, // it has ended with this
    letGo, // his phone is being dialled: if he is not reached, it ends with this attempt
    known  // it had ended with this very call before
};

struct ReturnedCallback {
    ReturnResult result = ReturnResult::none;
    domain::Callback callback; // as it was before; with none: empty
};

class CallbackReturnRepository {
public:
    explicit CallbackReturnRepository(Database& database) : database_(database) {}

    // Tenants for whom it matters who calls or gives up: any policy of theirs says so.
    std::set<TenantId> watched();
    // The open callback of that number, if there is one. Nothing is changed.
    std::optional<domain::Callback> open(const TenantId& tenant, const QueueId& queue, const std::string& number);
    // He waits in that queue since `joined`: `call` is Asterisk's Uniqueid of his channel, `what` not off. A callback
    // that was asked for later, by that very call perhaps, is not meant.
    ReturnedCallback came(const TenantId& tenant, const QueueId& queue, const std::string& number,
                          const std::string& call, UtcTime joined, domain::CallbackReturn what);
    // He left without having been served before the attempt that was let go had ended: it is tried again after all.
    // False: there was none.
    bool left(const TenantId& tenant, const std::string& call);

private:
    Database& database_;
};

} // namespace pbx::storage
