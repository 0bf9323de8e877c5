// Counts wrong logins per address, per account and per pair of both, in bounded memory; says who must wait.
// Threads: any. Fails with pbx::Error: tooManyRequests with the seconds to wait. Sends no database statement.
// Each counter is a leaky bucket: `limit` failures at once, then `limit` a minute. An attempt is charged before it is
// verified and paid back when it was right, so that parallel guesses do not slip through together.
#pragma once

#include "base/time.hpp"

#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pbx::access {

struct ThrottleLimits {
    int perPair = 10;
    int perAddress = 60;
    int perAccount = 200;
    std::size_t entries = 65536;
};

class Throttle {
public:
    Throttle(const ThrottleLimits& limits, const Clock& clock);

    // One attempt. Left to itself it stays charged: a wrong login.
    class Attempt {
    public:
        void succeeded(); // paid back; from now on the address is known for the account
        void undecided(); // paid back: the database was away, say
    private:
        friend class Throttle;
        Attempt(Throttle& owner, std::vector<std::uint64_t> charged, std::uint64_t known)
            : owner_(owner), charged_(std::move(charged)), known_(known) {}
        Throttle& owner_;
        std::vector<std::uint64_t> charged_;
        std::uint64_t known_;
    };

    // `account`: the login, or empty for a token.
    Attempt begin(std::string_view account, std::string_view address);

private:
    struct Bucket {
        std::uint64_t key = 0;
        double level = 0;
        SteadyTime at{};
    };
    using Buckets = std::list<Bucket>; // the most recently used in front

    std::uint64_t keyOf(char kind, std::string_view account, std::string_view address) const;
    Bucket& touch(std::uint64_t key, SteadyTime now);
    bool isKnown(std::uint64_t key) const { return index_.contains(key); }
    // Seconds until another attempt is allowed; 0: now.
    int waitFor(const Bucket* bucket, int limit, SteadyTime now) const;
    const Bucket* find(std::uint64_t key) const;
    static double levelAt(const Bucket& bucket, int limit, SteadyTime now);
    void payBack(const std::vector<std::uint64_t>& keys);
    void charge(std::uint64_t key, int limit, SteadyTime now);

    const ThrottleLimits limits_;
    const Clock& clock_;
    std::string hashKey_;
    mutable std::mutex mutex_;
    Buckets buckets_;
    std::unordered_map<std::uint64_t, Buckets::iterator> index_;
};

// What counts as one address: an IPv4 address, the /64 of an IPv6 one (a home or a server has at least that many).
std::string addressGroup(std::string_view address);

} // namespace pbx::access
