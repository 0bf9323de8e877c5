// Counted places: so many in all, so many for one key; a place is given back by itself.
// Threads: any.
// Nothing fails: full is an answer.
#pragma once

#include "base/guarded.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <utility>

namespace pbx::web {

enum class Admission { taken, full, perKey };

template <class Key>
class Places {
public:
    Places(std::size_t all, std::size_t perKey) : all_(all), perKey_(perKey) {}

    class Place {
    public:
        Place() = default;
        Place(Place&& other) noexcept : places_(std::exchange(other.places_, nullptr)), key_(std::move(other.key_)) {}
        Place& operator=(Place&& other) noexcept {
            std::swap(places_, other.places_);
            std::swap(key_, other.key_);
            return *this;
        }
        ~Place() { release(); }
        void release() noexcept {
            if (auto* places = std::exchange(places_, nullptr)) places->giveBack(key_);
        }

    private:
        friend class Places;
        Place(Places* places, Key key) : places_(places), key_(std::move(key)) {}
        Places* places_ = nullptr;
        Key key_{};
    };

    // `exempt`: only the number in all counts for this key.
    std::pair<Admission, Place> take(const Key& key, bool exempt = false) {
        return state_.with([&](State& state) -> std::pair<Admission, Place> {
            if (state.taken >= all_) return {Admission::full, Place()};
            auto& count = state.byKey[key];
            if (!exempt && count >= perKey_) return {Admission::perKey, Place()};
            ++count;
            ++state.taken;
            return {Admission::taken, Place(this, key)};
        });
    }
    std::size_t taken() const {
        return state_.with([](const State& state) { return state.taken; });
    }

private:
    struct State {
        std::size_t taken = 0;
        std::map<Key, std::size_t> byKey; // only keys with a place: bounded by `all`
    };
    void giveBack(const Key& key) noexcept {
        state_.with([&](State& state) {
            --state.taken;
            const auto found = state.byKey.find(key);
            if (--found->second == 0) state.byKey.erase(found);
        });
    }

    std::size_t all_;
    std::size_t perKey_;
    Guarded<State> state_;
};

} // namespace pbx::web
