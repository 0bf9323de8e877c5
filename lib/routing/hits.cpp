#include "routing/hits.hpp"

#include "storage/blocklist.hpp"

#include <algorithm>
#include <vector>

namespace pbx::routing {

void HitCounter::Hits::add(const Hits& more) {
    count += more.count;
    lastAt = std::max(lastAt, more.lastAt);
}

void HitCounter::count(const TenantId& tenant, const BlockId& entry, UtcTime at) {
    batch_.with([&](Batch& batch) { batch[{tenant, entry}].add({1, at}); });
}

void HitCounter::write() {
    const auto batch = batch_.with([](Batch& held) { return std::exchange(held, {}); });
    std::vector<storage::BlockHits> rows;
    rows.reserve(batch.size());
    for (const auto& [key, hits] : batch) rows.push_back({key.first, key.second, hits.count, hits.lastAt});
    try {
        blocklist_.addHits(std::move(rows));
    } catch (...) {
        batch_.with([&](Batch& held) {
            for (const auto& [key, hits] : batch) held[key].add(hits);
        });
        throw;
    }
}

} // namespace pbx::routing
