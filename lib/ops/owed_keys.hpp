// Idempotency keys whose end could not be stored, as the database went away under the request: stored before the next
// request with a key, so that one that was refused can be sent again and one that was done is answered alike.
// Threads: any. Nothing fails. At most 10,000 are kept: one a request that was under way at that moment.
#pragma once

#include "storage/idempotency.hpp"

#include <deque>
#include <mutex>
#include <optional>
#include <string>

namespace pbx::ops {

class OwedKeys {
public:
    explicit OwedKeys(storage::IdempotencyRepository& keys) : keys_(keys) {}

    // The end of a key's request: its reply, or nothing where it failed and the key is free again. Owed when the
    // database does not take it now.
    void end(const storage::IdempotencyKey& key, const std::optional<std::string>& reply);
    void owe(const storage::IdempotencyKey& key, const std::optional<std::string>& reply);
    // Stores what is owed, as far as the database takes it.
    void settle();

private:
    static constexpr std::size_t most = 10000;
    struct Owed {
        storage::IdempotencyKey key;
        std::optional<std::string> reply;
    };
    bool store(const Owed& one);

    storage::IdempotencyRepository& keys_;
    std::mutex mutex_;
    std::deque<Owed> owed_;
};

} // namespace pbx::ops
