// The ends of requests with an idempotency key: stored at once, or owed (while the database is away, or by who must not
// wait for it) and stored later, so that one that was refused can be sent again and one that was done is answered
// alike.
// Threads: any. Nothing fails; what the database will never take is logged and given up (the key then "still runs", or
// is answered as it was stored before, until it expires). At most 10,000 are owed: one a request that was under way at
// that moment.
#pragma once

#include "base/error.hpp"
#include "base/log.hpp"
#include "storage/idempotency.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace pbx::ops {

class OwedKeys {
public:
    // `keys` must outlive it.
    OwedKeys(storage::IdempotencyRepository& keys, const Log& log) : keys_(keys), log_(log) {}

    // The end of a key's request: its reply, or nothing where it failed and the key is free again. The last one said
    // of a request is what stays, also where a former one is still owed.
    void end(const storage::IdempotencyKey& key, const std::optional<std::string>& reply);
    // The same, stored with the next settle(): never waits for the database.
    void owe(const storage::IdempotencyKey& key, const std::optional<std::string>& reply);
    // The reply that the database has not got yet to what `key` asks again, whoever its owner is.
    std::optional<std::string> replyTo(const storage::IdempotencyKey& key) const;
    // Stores what is owed, as far as the database takes it; of many some, the others the next time.
    void settle();
    std::size_t owed() const;

private:
    static constexpr std::size_t most = 10000;
    static constexpr int atOnce = 50; // whoever settles has other work
    enum class Stored { yes, later, never };
    struct Owed {
        storage::IdempotencyKey key;
        std::optional<std::string> reply;
        std::uint64_t said = 0; // grows with each end(): what was said meanwhile is stored, too
        bool storing = false;   // by one thread at a time
    };
    Owed& say(const storage::IdempotencyKey& key, const std::optional<std::string>& reply);
    std::optional<std::string> takeNext(const std::string& after);
    bool store(const std::string& owner);
    Stored tryToStore(const Owed& one);
    void giveUp(const storage::IdempotencyKey& key, const Error& error) const;

    storage::IdempotencyRepository& keys_;
    const Log log_;
    mutable std::mutex mutex_;
    std::map<std::string, Owed> owed_; // by the request (IdempotencyKey::owner)
    std::string lastTried_;            // so that one that has to wait does not hold up those behind it
};

} // namespace pbx::ops
