#include "ops/owed_keys.hpp"

namespace pbx::ops {

void OwedKeys::end(const storage::IdempotencyKey& key, const std::optional<std::string>& reply) {
    {
        std::lock_guard lock(mutex_);
        auto& one = say(key, reply);
        if (one.storing) return; // whoever stores the former end goes on with this one
        one.storing = true;
    }
    store(key.owner);
}

void OwedKeys::owe(const storage::IdempotencyKey& key, const std::optional<std::string>& reply) {
    std::lock_guard lock(mutex_);
    if (owed_.size() < most || owed_.contains(key.owner))
        say(key, reply);
    else
        giveUp(key, Error(ErrorCode::unavailable, "too many are owed"));
}

OwedKeys::Owed& OwedKeys::say(const storage::IdempotencyKey& key, const std::optional<std::string>& reply) {
    auto& one = owed_[key.owner];
    one.key = key;
    one.reply = reply;
    ++one.said;
    return one;
}

std::optional<std::string> OwedKeys::replyTo(const storage::IdempotencyKey& key) const {
    std::lock_guard lock(mutex_);
    for (const auto& [owner, one] : owed_)
        if (one.reply && one.key.key == key.key && one.key.operation == key.operation && one.key.user == key.user &&
            one.key.tenant == key.tenant)
            return one.reply;
    return std::nullopt;
}

void OwedKeys::settle() {
    std::string after = [&] {
        std::lock_guard lock(mutex_);
        return lastTried_;
    }();
    for (int i = 0; i < atOnce; ++i) {
        const auto owner = takeNext(after);
        if (!owner || !store(*owner)) return;
        after = *owner;
    }
}

std::size_t OwedKeys::owed() const {
    std::lock_guard lock(mutex_);
    return owed_.size();
}

// The next one that nobody is storing, round and round.
std::optional<std::string> OwedKeys::takeNext(const std::string& after) {
    std::lock_guard lock(mutex_);
    auto it = owed_.upper_bound(after);
    for (std::size_t i = 0; i < owed_.size(); ++i, ++it) {
        if (it == owed_.end()) it = owed_.begin();
        if (it->second.storing) continue;
        it->second.storing = true;
        return lastTried_ = it->first;
    }
    return std::nullopt;
}

// Of one that this thread has marked as being stored; false: it has to wait.
bool OwedKeys::store(const std::string& owner) {
    for (;;) {
        const Owed one = [&] {
            std::lock_guard lock(mutex_);
            return owed_.at(owner);
        }();
        const auto stored = tryToStore(one);
        std::lock_guard lock(mutex_);
        const auto it = owed_.find(owner);
        if (stored == Stored::later && owed_.size() <= most) {
            it->second.storing = false;
            return false;
        }
        if (stored != Stored::later && it->second.said != one.said) continue;
        if (stored == Stored::later) giveUp(one.key, Error(ErrorCode::unavailable, "too many are owed"));
        owed_.erase(it);
        return stored != Stored::later;
    }
}

OwedKeys::Stored OwedKeys::tryToStore(const Owed& one) {
    try {
        if (one.reply)
            keys_.finish(one.key, *one.reply);
        else
            keys_.abandon(one.key);
        return Stored::yes;
    } catch (const Error& error) {
        // Where the outcome is unknown it is stored twice: the owner in the row makes that harmless.
        if (error.code() == ErrorCode::unavailable || error.code() == ErrorCode::deadlineExceeded ||
            error.code() == ErrorCode::outcomeUnknown)
            return Stored::later;
        giveUp(one.key, error);
        return Stored::never;
    }
}

void OwedKeys::giveUp(const storage::IdempotencyKey& key, const Error& error) const {
    log_.error(
        "idempotency.given_up",
        {{"operation", key.operation}, {"tenant", key.tenant}, {"text", error.text()}, {"cause", error.cause()}});
}

} // namespace pbx::ops
