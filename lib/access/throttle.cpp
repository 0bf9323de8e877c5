#include "access/throttle.hpp"

#include "base/error.hpp"

#include <sodium.h>

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace pbx::access {

std::string addressGroup(std::string_view address) {
    const std::string text(address.substr(0, address.find('%'))); // without an IPv6 zone
    std::array<unsigned char, 16> bytes{};
    if (inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) return text;
    static constexpr std::array<unsigned char, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    if (std::equal(mapped.begin(), mapped.end(), bytes.begin())) {
        std::array<char, INET_ADDRSTRLEN> v4{};
        inet_ntop(AF_INET, bytes.data() + mapped.size(), v4.data(), v4.size());
        return v4.data();
    }
    return std::string(reinterpret_cast<const char*>(bytes.data()), 8);
}

Throttle::Throttle(const ThrottleLimits& limits, const Clock& clock)
    : limits_(limits), clock_(clock), hashKey_(crypto_shorthash_KEYBYTES, '\0') {
    randombytes_buf(hashKey_.data(), hashKey_.size());
}

// A keyed 64-bit hash: an entry is small whatever the caller sends, and collisions cannot be aimed at.
std::uint64_t Throttle::keyOf(char kind, std::string_view account, std::string_view address) const {
    std::string text(1, kind);
    text.append(std::to_string(account.size())).append(":").append(account).append(address);
    std::array<unsigned char, crypto_shorthash_BYTES> out{};
    crypto_shorthash(out.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                     reinterpret_cast<const unsigned char*>(hashKey_.data()));
    std::uint64_t key = 0;
    for (const unsigned char byte : out) key = key << 8U | byte;
    return key;
}

double Throttle::levelAt(const Bucket& bucket, int limit, SteadyTime now) {
    const double seconds = std::chrono::duration<double>(now - bucket.at).count();
    return std::max(0.0, bucket.level - seconds * limit / 60.0);
}

const Throttle::Bucket* Throttle::find(std::uint64_t key) const {
    const auto it = index_.find(key);
    return it == index_.end() ? nullptr : &*it->second;
}

int Throttle::waitFor(const Bucket* bucket, int limit, SteadyTime now) const {
    if (!bucket) return 0;
    const double over = levelAt(*bucket, limit, now) - (limit - 1);
    return over <= 0 ? 0 : std::max(1, static_cast<int>(std::ceil(over * 60.0 / limit)));
}

Throttle::Bucket& Throttle::touch(std::uint64_t key, SteadyTime now) {
    const auto it = index_.find(key);
    if (it != index_.end()) {
        buckets_.splice(buckets_.begin(), buckets_, it->second);
        return buckets_.front();
    }
    if (buckets_.size() >= limits_.entries) {
        index_.erase(buckets_.back().key);
        buckets_.pop_back();
    }
    buckets_.push_front({key, 0, now});
    index_[key] = buckets_.begin();
    return buckets_.front();
}

void Throttle::charge(std::uint64_t key, int limit, SteadyTime now) {
    auto& bucket = touch(key, now);
    bucket.level = levelAt(bucket, limit, now) + 1;
    bucket.at = now;
}

Throttle::Attempt Throttle::begin(std::string_view account, std::string_view address) {
    const auto group = addressGroup(address);
    const auto now = clock_.steady();
    const auto addressKey = keyOf('i', {}, group);
    const auto pairKey = keyOf('p', account, group);
    const auto accountKey = keyOf('a', account, {});
    const auto knownKey = keyOf('k', account, group);

    std::lock_guard lock(mutex_);
    // Somebody who guesses from everywhere must not lock the owner out: where it has logged in before it still may.
    const bool countAccount = !account.empty() && !isKnown(knownKey);
    int wait = waitFor(find(addressKey), limits_.perAddress, now);
    if (!account.empty()) wait = std::max(wait, waitFor(find(pairKey), limits_.perPair, now));
    if (countAccount) wait = std::max(wait, waitFor(find(accountKey), limits_.perAccount, now));
    if (wait > 0) throw Error(ErrorCode::tooManyRequests, "too many wrong logins").retryIn(wait);

    std::vector<std::uint64_t> charged{addressKey};
    charge(addressKey, limits_.perAddress, now);
    if (!account.empty()) {
        charge(pairKey, limits_.perPair, now);
        charged.push_back(pairKey);
    }
    if (countAccount) {
        charge(accountKey, limits_.perAccount, now);
        charged.push_back(accountKey);
    }
    return {*this, std::move(charged), account.empty() ? 0 : knownKey};
}

void Throttle::payBack(const std::vector<std::uint64_t>& keys) {
    for (const auto key : keys) {
        const auto it = index_.find(key);
        if (it != index_.end()) it->second->level = std::max(0.0, it->second->level - 1);
    }
}

void Throttle::Attempt::succeeded() {
    std::lock_guard lock(owner_.mutex_);
    owner_.payBack(charged_);
    if (known_ != 0) owner_.touch(known_, owner_.clock_.steady());
}

void Throttle::Attempt::undecided() {
    std::lock_guard lock(owner_.mutex_);
    owner_.payBack(charged_);
}

} // namespace pbx::access
