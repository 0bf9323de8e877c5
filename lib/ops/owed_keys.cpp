#include "ops/owed_keys.hpp"

#include "base/error.hpp"

namespace pbx::ops {

void OwedKeys::end(const storage::IdempotencyKey& key, const std::optional<std::string>& reply) {
    if (!store({key, reply})) owe(key, reply);
}

void OwedKeys::owe(const storage::IdempotencyKey& key, const std::optional<std::string>& reply) {
    std::lock_guard lock(mutex_);
    if (owed_.size() < most) owed_.push_back({key, reply});
}

void OwedKeys::settle() {
    for (;;) {
        Owed one;
        {
            std::lock_guard lock(mutex_);
            if (owed_.empty()) return;
            one = std::move(owed_.front());
            owed_.pop_front();
        }
        if (store(one)) continue;
        std::lock_guard lock(mutex_);
        owed_.push_front(std::move(one));
        return;
    }
}

bool OwedKeys::store(const Owed& one) {
    try {
        if (one.reply)
            keys_.finish(one.key, *one.reply);
        else
            keys_.abandon(one.key);
        return true;
    } catch (const Error& error) {
        // A key that may be free already may be somebody's anew: it is not freed twice.
        return !one.reply && error.code() == ErrorCode::outcomeUnknown;
    }
}

} // namespace pbx::ops
