// A map whose published copies cost what changed since the last one: buckets and values are shared until somebody
// writes. Threads: a CowMap belongs to one thread; a copy of it that nobody writes (in a Snapshot) may be read by any.
// Fails: only out of memory.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pbx::live {

// The number of the publication that is being prepared. Whatever carries it was made after the last publication, so no
// reader can hold it and it may be written in place; anything older is copied first. (Asking shared_ptr::use_count()
// instead would race with readers that let go.)
using Epoch = std::uint64_t;

// T has `std::string_view key() const` and a public member `Epoch epoch`.
template <class T>
class CowMap {
public:
    static constexpr std::size_t groupCount = 16; // copied at each publication
    static constexpr std::size_t groupSize = 16;  // buckets; copied when one of them changes

    const T* find(std::string_view key) const {
        const std::size_t hash = hashOf(key);
        const Bucket* bucket = bucketOf(hash);
        if (!bucket) return nullptr;
        for (const auto& entry : bucket->entries)
            if (entry.hash == hash && entry.value->key() == key) return entry.value.get();
        return nullptr;
    }
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }

    // In no order.
    template <class F>
    void each(F&& use) const {
        for (const auto& group : groups_)
            if (group)
                for (const auto& bucket : group->buckets)
                    if (bucket)
                        for (const auto& entry : bucket->entries) use(*entry.value);
    }
    // By key; the pointers live as long as this map (the snapshot) does.
    std::vector<const T*> sorted() const {
        std::vector<const T*> all;
        all.reserve(size_);
        each([&](const T& value) { all.push_back(&value); });
        std::sort(all.begin(), all.end(), [](const T* a, const T* b) { return a->key() < b->key(); });
        return all;
    }

    // The writer's side. edit() answers nullptr for an unknown key.
    T* edit(std::string_view key, Epoch epoch) {
        const std::size_t hash = hashOf(key);
        const Bucket* bucket = bucketOf(hash);
        if (!bucket) return nullptr;
        for (std::size_t i = 0; i < bucket->entries.size(); ++i) {
            const auto& entry = bucket->entries[i];
            if (entry.hash != hash || entry.value->key() != key) continue;
            if (entry.value->epoch == epoch) return entry.value.get();
            auto copy = copyOf(*entry.value, epoch);
            T* kept = copy.get();
            own(hash, epoch).entries[i].value = std::move(copy);
            return kept;
        }
        return nullptr;
    }
    // Adds `value`, or replaces the one with the same key.
    T& put(T value, Epoch epoch) {
        const std::size_t hash = hashOf(value.key());
        value.epoch = epoch;
        auto& entries = own(hash, epoch).entries;
        for (auto& entry : entries)
            if (entry.hash == hash && entry.value->key() == value.key()) {
                entry.value = std::make_shared<T>(std::move(value));
                return *entry.value;
            }
        entries.push_back({hash, std::make_shared<T>(std::move(value))});
        ++size_;
        return *entries.back().value;
    }
    bool erase(std::string_view key, Epoch epoch) {
        if (!find(key)) return false;
        const std::size_t hash = hashOf(key);
        auto& entries = own(hash, epoch).entries;
        for (auto& entry : entries)
            if (entry.hash == hash && entry.value->key() == key) {
                std::swap(entry, entries.back());
                entries.pop_back();
                --size_;
                return true;
            }
        return false;
    }

private:
    struct Entry {
        std::size_t hash;
        std::shared_ptr<T> value;
    };
    struct Bucket {
        Epoch epoch = 0;
        std::vector<Entry> entries;
    };

    struct Group {
        Epoch epoch = 0;
        std::array<std::shared_ptr<Bucket>, groupSize> buckets;
    };

    static std::size_t hashOf(std::string_view key) { return std::hash<std::string_view>{}(key); }
    static std::shared_ptr<T> copyOf(const T& value, Epoch epoch) {
        auto copy = std::make_shared<T>(value);
        copy->epoch = epoch;
        return copy;
    }
    const Bucket* bucketOf(std::size_t hash) const {
        const auto& group = groups_[hash % groupCount];
        return group ? group->buckets[hash / groupCount % groupSize].get() : nullptr;
    }
    template <class Part>
    static Part& owned(std::shared_ptr<Part>& part, Epoch epoch) {
        if (!part || part->epoch != epoch) {
            part = part ? std::make_shared<Part>(*part) : std::make_shared<Part>();
            part->epoch = epoch;
        }
        return *part;
    }
    Bucket& own(std::size_t hash, Epoch epoch) {
        Group& group = owned(groups_[hash % groupCount], epoch);
        return owned(group.buckets[hash / groupCount % groupSize], epoch);
    }

    std::array<std::shared_ptr<Group>, groupCount> groups_;
    std::size_t size_ = 0;
};

} // namespace pbx::live
