// A database in a file of its own, a clock that tests set, and an authenticator whose passwords cost little.
// Threads: one test at a time.
#pragma once

#include "access/accounts.hpp"
#include "access/audit.hpp"
#include "base/error.hpp"
#include "base/random.hpp"

#include <atomic>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stdlib.h>

namespace pbx::test {

class SetClock final : public Clock {
public:
    UtcTime now() const override { return fromEpochMicros(micros_.load()); }
    SteadyTime steady() const override { return SteadyTime(Micros(micros_.load())); }
    void advance(Micros by) { micros_ += by.count(); }

private:
    std::atomic<std::int64_t> micros_{1'790'000'000'000'000};
};

inline std::optional<ErrorCode> codeOf(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& e) {
        return e.code();
    }
    return std::nullopt;
}

class AccessTest : public ::testing::Test {
protected:
    static constexpr const char* good = "correct horse battery";

    AccessTest() {
        initRandom();
        std::string name = "/tmp/pbx-access-XXXXXX";
        if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp");
        dir_ = name;
        settings.file = dir_ + "/pbx.db";
        db = std::make_unique<storage::Database>(settings, Log::none(), clock);
        db->migrate();
        access.passwords.operations = 1;
        access.passwords.memory = 8192;
        access.passwords.waitFor = std::chrono::seconds(20);
        restart();
        tenant = storage::TenantRepository(*db).create({"acme", "Acme", "US", "UTC", {"en"}}).id;
    }
    ~AccessTest() override {
        accounts.reset();
        auth.reset();
        db.reset();
        std::filesystem::remove_all(dir_);
    }
    void restart() {
        accounts.reset();
        auth = std::make_unique<access::Authenticator>(*db, clock, Log::none(), access);
        accounts = std::make_unique<access::Accounts>(*db, *auth);
    }
    domain::Scope scope() const { return domain::Scope(tenant); }
    domain::User user(const std::string& login, domain::Role role = domain::Role::admin) {
        return accounts->createUser(scope(), {login, SecretString(good), role, {}, {}});
    }
    static Credentials basic(const std::string& login, const std::string& password) {
        return {Credentials::Kind::basic, login, SecretString(password)};
    }
    static Credentials bearer(const SecretString& token) { return {Credentials::Kind::bearer, {}, token}; }
    access::PrincipalPtr login(const Credentials& credentials, const std::string& from = "192.0.2.1") {
        return auth->authenticate(credentials, from);
    }
    std::optional<ErrorCode> refusal(const Credentials& credentials, const std::string& from = "192.0.2.1") {
        return codeOf([&] { login(credentials, from); });
    }

    SetClock clock;
    storage::DatabaseSettings settings;
    access::AuthenticatorSettings access;
    std::unique_ptr<storage::Database> db;
    std::unique_ptr<access::Authenticator> auth;
    std::unique_ptr<access::Accounts> accounts;
    TenantId tenant;

private:
    std::string dir_;
};

} // namespace pbx::test
