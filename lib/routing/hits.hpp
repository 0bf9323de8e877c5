// How often each blocklist entry refused somebody: counted in memory while the call is answered, written in batches
// behind it, so that no call waits for a write. Lost are only those of the last batch, and only by a kill -9.
// Threads: any.
// Fails: count() never; write() throws pbx::Error (unavailable, outcomeUnknown), and what it held waits for the next
// one. A batch whose COMMIT is unknown is counted again: a hit too many says less wrong than one too few.
#pragma once

#include "base/guarded.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <map>
#include <utility>

namespace pbx::storage {
class BlocklistRepository;
}

namespace pbx::routing {

class HitCounter {
public:
    // `blocklist` must outlive the counter.
    explicit HitCounter(storage::BlocklistRepository& blocklist) : blocklist_(blocklist) {}

    void count(const TenantId& tenant, const BlockId& entry, UtcTime at);
    // One transaction with all that was counted until now; nothing to write costs nothing.
    void write();

private:
    struct Hits {
        std::int64_t count = 0;
        UtcTime lastAt{};
        void add(const Hits& more);
    };
    using Batch = std::map<std::pair<TenantId, BlockId>, Hits>; // no more than the entries that were hit since

    storage::BlocklistRepository& blocklist_;
    Guarded<Batch> batch_;
};

} // namespace pbx::routing
