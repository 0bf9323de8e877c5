// Idempotency keys: the same request sent twice is done once, and answered alike.
// Threads: any. Fails with pbx::Error: conflict (the key came with another body, or its first request still runs),
// unavailable, outcomeUnknown.
#pragma once

#include "domain/model.hpp"

#include <chrono>

namespace pbx::storage {

class Database;

struct IdempotencyKey {
    TenantId tenant; // empty: an operation that belongs to no tenant
    UserId user;
    std::string operation;
    std::string key;   // the caller's, 1-128 bytes
    std::string owner; // random, of this request alone: 1-32 letters and digits
};

class IdempotencyRepository {
public:
    explicit IdempotencyRepository(Database& database) : database_(database) {}

    // Nothing: the key is now ours, do the work, then finish() or abandon(). A text: the stored reply of the first
    // time. A key whose work never finished (the process died) stays "still runs" until it expires.
    std::optional<std::string> begin(const IdempotencyKey& key, const std::string& bodyHash,
                                     std::chrono::seconds keepFor);
    // Both change nothing where the key is not (or no longer) this owner's, so they may come late, and twice.
    void finish(const IdempotencyKey& key, const std::string& reply);
    // The work failed and changed nothing: the key may be used again. A key that has its reply keeps it.
    void abandon(const IdempotencyKey& key);
    // Deletes expired keys, at most `atMost`; answers how many. Call it now and then.
    int purge(int atMost = 1000);

private:
    Database& database_;
};

} // namespace pbx::storage
