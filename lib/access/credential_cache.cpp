#include "access/credential_cache.hpp"

namespace pbx::access {
namespace {
constexpr auto writeEvery = std::chrono::minutes(1);
constexpr auto forgetUseAfter = std::chrono::minutes(10);
} // namespace

std::uint64_t CredentialCache::generation() const {
    std::lock_guard lock(mutex_);
    return generation_;
}

void CredentialCache::erase(Entries::iterator entry) {
    index_.erase(entry->key);
    entries_.erase(entry);
}

void CredentialCache::noteUse(const Principal& principal, UtcTime now) {
    if (principal.token) uses_[*principal.token].seen = now;
}

PrincipalPtr CredentialCache::find(const std::string& key, SteadyTime steady, UtcTime now) {
    return find(key, false, steady, now);
}

PrincipalPtr CredentialCache::findInOutage(const std::string& key, SteadyTime steady, UtcTime now) {
    return find(key, true, steady, now);
}

PrincipalPtr CredentialCache::find(const std::string& key, bool outage, SteadyTime steady, UtcTime now) {
    std::lock_guard lock(mutex_);
    const auto it = index_.find(key);
    if (it == index_.end()) return nullptr;
    auto& entry = *it->second;
    if (entry.until + outageFor_ <= steady || (entry.principal->expiresAt && *entry.principal->expiresAt <= now)) {
        erase(it->second);
        return nullptr;
    }
    const bool old = entry.until <= steady;
    if (old && !outage) return nullptr;
    noteUse(*entry.principal, now);
    if (!old) return entry.principal;
    if (!entry.unverified) {
        auto marked = std::make_shared<Principal>(*entry.principal);
        marked->unverified = true;
        entry.unverified = std::move(marked);
    }
    return entry.unverified;
}

void CredentialCache::put(const std::string& key, PrincipalPtr principal, std::uint64_t generation, SteadyTime steady,
                          UtcTime now) {
    std::lock_guard lock(mutex_);
    noteUse(*principal, now);
    if (generation != generation_ || atMost_ == 0) return; // changed while it was being verified: ask again next time
    if (const auto it = index_.find(key); it != index_.end()) erase(it->second);
    while (!entries_.empty() && (entries_.size() >= atMost_ || entries_.front().until + outageFor_ <= steady))
        erase(entries_.begin());
    entries_.push_back({key, std::move(principal), nullptr, steady + rememberFor_});
    index_[key] = std::prev(entries_.end());
}

void CredentialCache::forget(const UserId& user) {
    std::lock_guard lock(mutex_);
    ++generation_;
    for (auto it = entries_.begin(); it != entries_.end();) {
        const auto next = std::next(it);
        if (it->principal->user == user) erase(it);
        it = next;
    }
}

void CredentialCache::forgetKey(const std::string& key) {
    std::lock_guard lock(mutex_);
    if (const auto it = index_.find(key); it != index_.end()) erase(it->second);
}

void CredentialCache::forgetAll() {
    std::lock_guard lock(mutex_);
    ++generation_;
    entries_.clear();
    index_.clear();
}

std::size_t CredentialCache::size() const {
    std::lock_guard lock(mutex_);
    return entries_.size();
}

std::vector<std::pair<TokenId, UtcTime>> CredentialCache::takeUses(UtcTime now) {
    std::lock_guard lock(mutex_);
    std::vector<std::pair<TokenId, UtcTime>> out;
    for (auto it = uses_.begin(); it != uses_.end();) {
        auto& use = it->second;
        if (use.seen > use.written && use.seen - use.written >= writeEvery) {
            out.emplace_back(it->first, use.seen);
            use.written = use.seen;
        }
        it = use.seen == use.written && now - use.seen > forgetUseAfter ? uses_.erase(it) : std::next(it);
    }
    return out;
}

void CredentialCache::returnUses(const std::vector<std::pair<TokenId, UtcTime>>& uses) {
    std::lock_guard lock(mutex_);
    for (const auto& [id, when] : uses) {
        auto& use = uses_[id];
        use.written = UtcTime{};
        use.seen = std::max(use.seen, when);
    }
}

} // namespace pbx::access
