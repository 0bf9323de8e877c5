#include "access/authenticator.hpp"

#include "access/credential_cache.hpp"
#include "access/secrets.hpp"
#include "access/throttle.hpp"
#include "base/error.hpp"
#include "storage/repositories.hpp"

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

namespace pbx::access {
namespace {

constexpr std::size_t longestPassword = 256;
// A database that hangs takes seconds to say so: not for each request anew.
constexpr std::chrono::seconds askAgainAfter{2};

// One text for every reason: which of login, password, token, expiry or state was wrong is nobody's business.
Error refusal() { return Error(ErrorCode::unauthenticated, "credentials are missing or wrong"); }

std::shared_ptr<Principal> principalOf(const domain::User& user) {
    auto principal = std::make_shared<Principal>();
    principal->user = user.id;
    principal->login = user.login;
    principal->tenant = user.tenant;
    principal->role = user.role;
    principal->agent = user.agent;
    principal->departments = user.departments;
    return principal;
}

// A verification that is under way. Whoever sends the same credentials meanwhile shares what it comes to: a client with
// many connections costs one computation when what is remembered of it ends, and its own requests do not look like
// guesses that run in parallel.
struct Flight {
    explicit Flight(std::uint64_t generation_) : generation(generation_) {}
    const std::uint64_t generation; // of the cache, before the database was read
    bool landed = false;
    PrincipalPtr principal; // none, and not undecided: wrong
    std::optional<Error> undecided{Error(ErrorCode::unavailable, "the login could not be verified").retryIn(2)};
};

} // namespace

class Authenticator::Impl {
public:
    Impl(storage::Database& database, const Clock& clock_, const Log& log_, const AuthenticatorSettings& settings)
        : clock(clock_), log(log_), database_(database), users_(database), tokens_(database),
          passwords(settings.passwords), cache(settings.rememberFor, settings.outageFor, settings.rememberAtMost),
          throttle_({settings.failuresPerPair, settings.failuresPerAddress, settings.failuresPerAccount,
                     settings.throttleEntries},
                    clock_) {}

    PrincipalPtr basic(const Credentials& given, std::string_view address) {
        const auto key = mac_.of(given.user, given.secret);
        if (auto found = remembered(key)) return found;
        return fresh(given.user, address, key, [&]() -> PrincipalPtr {
            if (given.secret.reveal().size() > longestPassword) return nullptr; // no password is so long
            const auto found = isLogin(given.user) ? users_.findByLogin(given.user) : std::nullopt;
            const bool right = passwords.verify(found ? found->verifier : std::string(), given.secret);
            if (!right || found->user.disabled) return nullptr;
            return principalOf(found->user);
        });
    }

    PrincipalPtr bearer(const SecretString& token, std::string_view address) {
        if (!looksLikeToken(token.reveal())) throw wrong({}, address);
        const auto hash = tokenHash(token);
        if (auto found = remembered(hash)) return found;
        return fresh({}, address, hash, [&]() -> PrincipalPtr {
            const auto found = tokens_.findByHash(hash);
            if (!found || found->token.revoked || found->user.disabled) return nullptr;
            if (found->token.expiresAt && *found->token.expiresAt <= clock.now()) return nullptr;
            auto principal = principalOf(found->user);
            principal->via = Via::token;
            principal->token = found->token.id;
            principal->tokenName = found->token.name;
            principal->operations = found->token.operations;
            principal->expiresAt = found->token.expiresAt;
            return principal;
        });
    }

    void maintain() {
        try {
            forgetChanged(database_.versions());
        } catch (const Error& e) {
            log.debug("access.maintain_failed", {{"cause", e.cause()}});
            return;
        }
        const auto uses = cache.takeUses(clock.now());
        try {
            tokens_.recordUse(uses);
        } catch (const Error& e) {
            cache.returnUses(uses);
            log.debug("access.token_use_not_stored", {{"cause", e.cause()}});
        }
    }

    const Clock& clock;
    const Log log;

private:
    storage::Database& database_;
    storage::UserRepository users_;
    storage::TokenRepository tokens_;

public:
    PasswordHasher passwords;
    CredentialCache cache;
    std::atomic<std::uint64_t> hits{0}, verified{0}, refused{0}, throttled{0};

private:
    // Of whom it is told, nobody else: or whoever may change its own account could have all verified anew each second.
    void forgetChanged(const storage::Versions& now) {
        const auto before = version_.exchange(now.access);
        std::vector<UserId> changed;
        for (const auto& [number, user] : now.changedUsers)
            if (number > before && number <= now.access) changed.push_back(user);
        if (now.access < before || static_cast<std::int64_t>(changed.size()) < now.access - before) cache.forgetAll();
        for (const auto& user : changed) cache.forget(user);
    }

    PrincipalPtr remembered(const std::string& key) {
        const bool away = clock.steady() < awayUntil_.load();
        auto found =
            away ? cache.findInOutage(key, clock.steady(), clock.now()) : cache.find(key, clock.steady(), clock.now());
        if (found) hits.fetch_add(1, std::memory_order_relaxed);
        return found;
    }

    template <class Verify>
    PrincipalPtr fresh(const std::string& account, std::string_view address, const std::string& key, Verify&& verify) {
        std::shared_ptr<Flight> flight;
        std::optional<Throttle::Attempt> attempt;
        {
            std::unique_lock lock(flightsMutex_);
            // What was read before a change says nothing to those who come after it.
            const auto under = flights_.find(key);
            if (under != flights_.end() && under->second->generation == cache.generation()) {
                flight = under->second;
                landed_.wait(lock, [&] { return flight->landed; }); // no longer than to verify it oneself
                lock.unlock();
                return shared(*flight, account, address);
            }
            if (auto found = remembered(key)) return found; // meanwhile
            attempt.emplace(begin(account, address));
            flight = std::make_shared<Flight>(cache.generation());
            flights_[key] = flight;
        }
        const Landing landing(*this, key, flight);
        try {
            flight->principal = verify();
        } catch (const storage::Away& error) {
            attempt->undecided();
            awayUntil_ = clock.steady() + askAgainAfter;
            flight->principal = cache.findInOutage(key, clock.steady(), clock.now());
            if (flight->principal) {
                flight->undecided.reset();
                return flight->principal;
            }
            flight->undecided = error;
            throw;
        } catch (const Error& error) {
            // The database or the hashers are busy: that was no wrong login, and no right one.
            attempt->undecided();
            flight->undecided = error;
            throw;
        } catch (...) {
            attempt->undecided();
            throw;
        }
        flight->undecided.reset();
        if (!flight->principal) {
            cache.forgetKey(key); // or it would be believed again in the next outage
            refused.fetch_add(1, std::memory_order_relaxed);
            throw refusal();
        }
        attempt->succeeded();
        verified.fetch_add(1, std::memory_order_relaxed);
        cache.put(key, flight->principal, flight->generation, clock.steady(), clock.now());
        return flight->principal;
    }

    // Also when verifying threw: nobody waits for ever.
    class Landing {
    public:
        Landing(Impl& owner, const std::string& key, std::shared_ptr<Flight> flight)
            : owner_(owner), key_(key), flight_(std::move(flight)) {}
        ~Landing() {
            std::lock_guard lock(owner_.flightsMutex_);
            flight_->landed = true;
            const auto known = owner_.flights_.find(key_); // another one's, where a change came between
            if (known != owner_.flights_.end() && known->second == flight_) owner_.flights_.erase(known);
            owner_.landed_.notify_all();
        }
        Landing(const Landing&) = delete;
        Landing& operator=(const Landing&) = delete;

    private:
        Impl& owner_;
        const std::string& key_;
        const std::shared_ptr<Flight> flight_;
    };

    PrincipalPtr shared(const Flight& flight, const std::string& account, std::string_view address) {
        if (flight.undecided) throw *flight.undecided;
        if (!flight.principal) throw wrong(account, address);
        hits.fetch_add(1, std::memory_order_relaxed);
        return flight.principal;
    }

    // A wrong login that cost no verification counts as one all the same.
    Error wrong(const std::string& account, std::string_view address) {
        begin(account, address);
        refused.fetch_add(1, std::memory_order_relaxed);
        return refusal();
    }

    Throttle::Attempt begin(const std::string& account, std::string_view address) {
        try {
            return throttle_.begin(account, address);
        } catch (const Error&) {
            throttled.fetch_add(1, std::memory_order_relaxed);
            throw;
        }
    }

    Throttle throttle_;
    CredentialMac mac_;
    std::atomic<std::int64_t> version_{0};
    std::atomic<SteadyTime> awayUntil_{SteadyTime{}}; // the database, which is not asked about what is remembered
    std::mutex flightsMutex_;
    std::condition_variable landed_;
    std::map<std::string, std::shared_ptr<Flight>> flights_; // by what is verified: at most one a waiting request
};

Authenticator::Authenticator(storage::Database& database, const Clock& clock, const Log& log,
                             const AuthenticatorSettings& settings)
    : impl_(std::make_unique<Impl>(database, clock, log, settings)) {}

Authenticator::~Authenticator() = default;

PrincipalPtr Authenticator::authenticate(const Credentials& credentials, std::string_view address) {
    using enum Credentials::Kind;
    if (credentials.kind == none || credentials.kind == invalid) throw refusal();
    // "token" as the login: the password is a token, for clients that know Basic only.
    const bool isToken = credentials.kind == bearer || credentials.user == tokenLogin;
    return isToken ? impl_->bearer(credentials.secret, address) : impl_->basic(credentials, address);
}

void Authenticator::forget(const UserId& user) { impl_->cache.forget(user); }

void Authenticator::forgetAll() { impl_->cache.forgetAll(); }

void Authenticator::maintain() { impl_->maintain(); }

PasswordHasher& Authenticator::passwords() noexcept { return impl_->passwords; }

AuthenticatorFigures Authenticator::figures() const {
    return {impl_->hits.load(), impl_->verified.load(), impl_->refused.load(), impl_->throttled.load(),
            impl_->cache.size()};
}

} // namespace pbx::access
