#include "access/passwords.hpp"

#include "base/error.hpp"
#include "base/text.hpp"

#include <sodium.h>

#include <array>
#include <condition_variable>
#include <mutex>

namespace pbx::access {

// The computations are counted, not the threads: whoever finds all places taken waits a moment, then is sent away.
class PasswordHasher::Impl {
public:
    explicit Impl(const PasswordSettings& wanted) : settings(wanted) {}

    class Place {
    public:
        explicit Place(Impl& owner) : owner_(owner) {
            std::unique_lock lock(owner_.mutex);
            if (!owner_.freed.wait_for(lock, owner_.settings.waitFor,
                                       [&] { return owner_.busy < owner_.settings.atOnce; }))
                throw Error(ErrorCode::tooManyRequests, "too many logins at this moment").retryIn(2);
            ++owner_.busy;
        }
        ~Place() {
            {
                std::lock_guard lock(owner_.mutex);
                --owner_.busy;
            }
            owner_.freed.notify_one();
        }
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;

    private:
        Impl& owner_;
    };

    const PasswordSettings settings;
    std::mutex mutex;
    std::condition_variable freed;
    int busy = 0;
};

PasswordHasher::PasswordHasher(const PasswordSettings& settings) : impl_(std::make_unique<Impl>(settings)) {
    if (sodium_init() < 0) throw Error(ErrorCode::internal, "libsodium cannot be started");
}

PasswordHasher::~PasswordHasher() = default;

std::string PasswordHasher::hash(const SecretString& password) {
    const Impl::Place place(*impl_);
    const auto text = password.reveal();
    std::array<char, crypto_pwhash_STRBYTES> out{};
    if (crypto_pwhash_str(out.data(), text.data(), text.size(), impl_->settings.operations, impl_->settings.memory) !=
        0)
        throw Error(ErrorCode::unavailable, "no memory to compute a password's verifier").retryIn(2);
    return out.data();
}

bool PasswordHasher::verify(const std::string& verifier, const SecretString& password) {
    const Impl::Place place(*impl_);
    const auto text = password.reveal();
    if (!verifier.empty()) return crypto_pwhash_str_verify(verifier.c_str(), text.data(), text.size()) == 0;
    // Nobody's password: the same work, so that the time does not tell which logins exist.
    std::array<unsigned char, 32> out{};
    const std::array<unsigned char, crypto_pwhash_SALTBYTES> salt{};
    if (crypto_pwhash(out.data(), out.size(), text.data(), text.size(), salt.data(), impl_->settings.operations,
                      impl_->settings.memory, crypto_pwhash_ALG_ARGON2ID13) != 0)
        throw Error(ErrorCode::unavailable, "no memory to verify a password").retryIn(2);
    return false;
}

void checkPassword(const SecretString& password, std::string_view login) {
    const auto text = password.reveal();
    if (text.size() < 12 || text.size() > 256) throw Error::field("password", "must have 12 to 256 bytes");
    if (!isUtf8(text) || hasControl(text)) throw Error::field("password", "must be text without control characters");
    if (text.find_first_not_of(text.front()) == std::string_view::npos)
        throw Error::field("password", "must not be one character repeated");
    if (equalsIgnoreCase(text, login)) throw Error::field("password", "must not be the login");
}

} // namespace pbx::access
