#include "access_test.hpp"

#include "access/throttle.hpp"
#include "storage/repository.hpp"

#include <chrono>
#include <map>
#include <mutex>
#include <thread>

namespace pbx::test {
namespace {

using namespace pbx::access;
using namespace std::chrono_literals;
using domain::Role;

class AuthenticatorOf : public AccessTest {};

TEST_F(AuthenticatorOf, WithoutCredentialsItRefusesAndAsksTheDatabaseNothing) {
    const auto before = db->statements();
    EXPECT_EQ(ErrorCode::unauthenticated, refusal(Credentials{}));
    EXPECT_EQ(ErrorCode::unauthenticated, refusal({Credentials::Kind::invalid, {}, {}}));
    EXPECT_EQ(ErrorCode::unauthenticated, refusal(bearer(SecretString("not a token"))));
    EXPECT_EQ(ErrorCode::unauthenticated, refusal(basic("' OR 1=1 --", good)));
    EXPECT_EQ(ErrorCode::unauthenticated, refusal(basic("", "")));
    EXPECT_EQ(before, db->statements());
}

TEST_F(AuthenticatorOf, APasswordLogsInOnceAndIsRememberedForAMinute) {
    const auto alice = user("alice", Role::supervisor);
    const auto first = login(basic("alice", good));
    EXPECT_EQ(alice.id, first->user);
    EXPECT_EQ(tenant, first->tenant);
    EXPECT_EQ(Role::supervisor, first->role);
    EXPECT_EQ("password", first->viaText());
    const auto statements = db->statements();
    EXPECT_EQ(alice.id, login(basic("alice", good))->user);
    EXPECT_EQ(statements, db->statements());
    EXPECT_EQ(1U, auth->figures().cacheHits);
    clock.advance(60s);
    EXPECT_EQ(alice.id, login(basic("alice", good))->user);
    EXPECT_EQ(2U, auth->figures().verified);
    EXPECT_GT(db->statements(), statements);
}

TEST_F(AuthenticatorOf, WrongPasswordUnknownAndDisabledLookAlike) {
    user("alice");
    user("bob");
    accounts->disableUser(scope(), "bob");
    std::vector<std::string> texts;
    for (const auto& credentials : {basic("alice", "wrong password"), basic("nobody", good), basic("bob", good)}) {
        try {
            login(credentials);
        } catch (const Error& e) {
            EXPECT_EQ(ErrorCode::unauthenticated, e.code());
            texts.push_back(e.text() + e.field() + e.cause());
        }
    }
    ASSERT_EQ(3U, texts.size());
    EXPECT_EQ(texts[0], texts[1]);
    EXPECT_EQ(texts[0], texts[2]);
}

TEST_F(AuthenticatorOf, TimeDoesNotTellWhichLoginsExist) {
    access.passwords = {};
    restart();
    user("alice");
    // Of this thread alone: how busy the machine is tells nothing.
    const auto computed = [] {
        timespec now{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::seconds(now.tv_sec) +
                                                                     std::chrono::nanoseconds(now.tv_nsec));
    };
    const auto timeOf = [&](const std::string& name) {
        auto best = std::chrono::microseconds::max();
        for (int i = 0; i < 3; ++i) {
            const auto begun = computed();
            EXPECT_EQ(ErrorCode::unauthenticated, refusal(basic(name, "wrong password")));
            best = std::min(best, computed() - begun);
        }
        return best;
    };
    const auto known = timeOf("alice"), unknown = timeOf("nobody");
    EXPECT_GT(unknown, 10ms); // a real computation took place
    EXPECT_LT(std::max(known, unknown), 2 * std::min(known, unknown));
}

TEST_F(AuthenticatorOf, APasswordRoleOrDisableChangeCountsAtOnce) {
    user("alice");
    login(basic("alice", good));
    accounts->setPassword(scope(), "alice", SecretString("another long password"));
    EXPECT_EQ(ErrorCode::unauthenticated, refusal(basic("alice", good)));
    EXPECT_EQ(Role::admin, login(basic("alice", "another long password"))->role);
    storage::UserChange change;
    change.role = Role::viewer;
    accounts->updateUser(scope(), "alice", change);
    EXPECT_EQ(Role::viewer, login(basic("alice", "another long password"))->role);
    accounts->disableUser(scope(), "alice");
    EXPECT_EQ(ErrorCode::unauthenticated, refusal(basic("alice", "another long password")));
}

TEST_F(AuthenticatorOf, AnotherProcessesChangeCountsAtTheNextMaintenance) {
    user("alice");
    login(basic("alice", good));
    Authenticator other(*db, clock, Log::none(), access);
    Accounts elsewhere(*db, other);
    auth->maintain();
    login(basic("alice", good));
    elsewhere.disableUser(scope(), "alice");
    auth->maintain();
    EXPECT_EQ(ErrorCode::unauthenticated, refusal(basic("alice", good)));
}

TEST_F(AuthenticatorOf, AChangeOfOneUserIsFeltByNobodyElse) {
    user("alice");
    user("bob");
    const auto issued = accounts->createToken(scope(), {"alice", "crm", {"*"}, {}});
    Authenticator other(*db, clock, Log::none(), access);
    Accounts elsewhere(*db, other);
    auth->maintain();
    login(basic("alice", good));
    login(bearer(issued.text));
    login(basic("bob", good));
    const auto verifiedAfter = [&](const std::function<void()>& change) {
        change();
        auth->maintain();
        login(basic("bob", good));
        return auth->figures().verified;
    };
    EXPECT_EQ(3U, verifiedAfter([&] { accounts->setPassword(scope(), "alice", SecretString("another password")); }));
    EXPECT_EQ(3U, verifiedAfter([&] { elsewhere.revokeToken(scope(), issued.token.id.str()); }));
    EXPECT_EQ(ErrorCode::unauthenticated, refusal(bearer(issued.text)));
    const auto version = db->versions().access;
    EXPECT_EQ(3U, verifiedAfter([&] { elsewhere.revokeToken(scope(), issued.token.id.str()); }));
    EXPECT_EQ(version, db->versions().access) << "it was revoked already";
}

TEST_F(AuthenticatorOf, WhatNobodyTellsWhoseItIsCountsForAll) {
    user("alice");
    user("bob");
    Authenticator other(*db, clock, Log::none(), access);
    Accounts elsewhere(*db, other);
    const auto forgotten = [&](const std::function<void()>& change) {
        auth->maintain();
        login(basic("alice", good));
        change();
        auth->maintain();
        return auth->figures().remembered == 0;
    };
    EXPECT_TRUE(forgotten([&] { // more changes than are told
        storage::UserChange none;
        elsewhere.updateUser(scope(), "alice", none);
        for (int i = 0; i < 20; ++i) elsewhere.updateUser(scope(), "bob", none);
    }));
    EXPECT_TRUE(forgotten([&] { // a program of before
        db->connections().write([](storage::Sql& sql) { storage::bumpVersion(sql, "access"); });
        elsewhere.updateUser(scope(), "bob", {});
    }));
}

// F11: the live board goes on without a database, for those who were there before.
TEST_F(AuthenticatorOf, WhileTheDatabaseIsAwayWhoWasVerifiedGoesOnForAWhile) {
    user("alice");
    user("bob");
    access.outageFor = std::chrono::seconds(300);
    restart();
    login(basic("alice", good));
    db->close();
    EXPECT_FALSE(login(basic("alice", good))->unverified);
    clock.advance(std::chrono::seconds(61));
    EXPECT_EQ("alice", login(basic("alice", good))->login);
    EXPECT_TRUE(login(basic("alice", good))->unverified);
    EXPECT_EQ(ErrorCode::unavailable, refusal(basic("alice", "another long password"))); // nobody can tell
    EXPECT_EQ(ErrorCode::unavailable, refusal(basic("bob", good)));
    clock.advance(std::chrono::seconds(298)); // 359 s: 60 and 300 are not over
    login(basic("alice", good));
    clock.advance(std::chrono::seconds(1));
    EXPECT_EQ(ErrorCode::unavailable, refusal(basic("alice", good)));
}

TEST_F(AuthenticatorOf, ADatabaseThatIsBackIsAskedAgainAndWhatChangedCounts) {
    user("alice");
    login(basic("alice", good));
    clock.advance(std::chrono::seconds(61));
    {
        storage::Database other(settings, Log::none(), clock);
        storage::UserChange change;
        change.disabled = true;
        storage::UserRepository(other).update(domain::Scope(tenant), "alice", change);
    }
    EXPECT_EQ(ErrorCode::unauthenticated, refusal(basic("alice", good))); // remembered for the outage alone
    db->close();
    EXPECT_EQ(ErrorCode::unavailable, refusal(basic("alice", good))) << "what was refused is not believed again";
}

// Overload is no outage: whoever makes it must not gain by it.
TEST_F(AuthenticatorOf, WhileTheDatabaseIsBusyNobodyIsBelievedUnverified) {
    settings.sessions = 1;
    settings.acquireTimeout = 20ms;
    db = std::make_unique<storage::Database>(settings, Log::none(), clock);
    restart();
    user("alice");
    login(basic("alice", good));
    clock.advance(61s);
    db->connections().read([&](storage::Sql&) { EXPECT_EQ(ErrorCode::unavailable, refusal(basic("alice", good))); });
    EXPECT_FALSE(login(basic("alice", good))->unverified);
    clock.advance(61s);
    db->onStatement([](std::string_view) { throw Error(ErrorCode::unavailable, "the database is busy"); });
    EXPECT_EQ(ErrorCode::unavailable, refusal(basic("alice", good)));
}

TEST_F(AuthenticatorOf, ATokenWorksAsBearerAndAsBasicUntilItExpiresOrIsRevoked) {
    const auto alice = user("alice");
    const auto issued = accounts->createToken(scope(), {"alice", "crm", {"queue.*"}, clock.now() + 30s});
    const std::string text(issued.text.reveal());
    EXPECT_EQ(0U, text.find("pbx_"));
    EXPECT_EQ(44U, text.size());
    const auto principal = login(bearer(issued.text));
    EXPECT_EQ(alice.id, principal->user);
    EXPECT_EQ("token:crm", principal->viaText());
    EXPECT_TRUE(principal->covers("queue.list"));
    EXPECT_FALSE(principal->covers("agent.list"));
    EXPECT_EQ(principal, login(basic("token", text))); // the very same entry
    clock.advance(29s);
    EXPECT_TRUE(login(bearer(issued.text)));
    clock.advance(1s); // while it is remembered
    EXPECT_EQ(ErrorCode::unauthenticated, refusal(bearer(issued.text)));
    const auto second = accounts->createToken(scope(), {"alice", "two", {"*"}, {}});
    login(bearer(second.text));
    accounts->revokeToken(scope(), second.token.id.str());
    EXPECT_EQ(ErrorCode::unauthenticated, refusal(bearer(second.text)));
    const auto third = accounts->createToken(scope(), {"alice", "three", {"*"}, {}});
    login(bearer(third.text));
    accounts->disableUser(scope(), "alice");
    EXPECT_EQ(ErrorCode::unauthenticated, refusal(bearer(third.text)));
}

TEST_F(AuthenticatorOf, NoSecretIsInTheDatabaseFile) {
    user("alice");
    const auto issued = accounts->createToken(scope(), {"alice", "crm", {"*"}, {}});
    login(bearer(issued.text));
    db->connections(); // the file and its write-ahead log as they are
    std::string bytes;
    for (const auto& file : {settings.file, settings.file + "-wal"}) {
        FILE* in = ::fopen(file.c_str(), "rb");
        ASSERT_TRUE(in) << file;
        for (int c = ::fgetc(in); c != EOF; c = ::fgetc(in)) bytes.push_back(static_cast<char>(c));
        ::fclose(in);
    }
    EXPECT_NE(std::string::npos, bytes.find("$argon2id$"));
    EXPECT_EQ(std::string::npos, bytes.find(good));
    EXPECT_EQ(std::string::npos, bytes.find(issued.text.reveal()));
    EXPECT_EQ(std::string::npos, bytes.find(issued.text.reveal().substr(4)));
}

TEST_F(AuthenticatorOf, ATokensLastUseIsWrittenOnceAMinuteAndOffTheRequestPath) {
    user("alice");
    storage::TokenRepository tokens(*db);
    const auto issued = accounts->createToken(scope(), {"alice", "crm", {"*"}, {}});
    const auto lastUse = [&] { return tokens.get(scope(), issued.token.id.str()).lastUsedAt; };
    login(bearer(issued.text));
    EXPECT_FALSE(lastUse());
    const auto first = clock.now();
    auth->maintain();
    EXPECT_EQ(first, lastUse());
    clock.advance(59s);
    login(bearer(issued.text));
    auth->maintain();
    EXPECT_EQ(first, lastUse());
    clock.advance(1s);
    login(bearer(issued.text));
    auth->maintain();
    EXPECT_EQ(first + 60s, lastUse());
}

TEST_F(AuthenticatorOf, GuessesAtOneAccountFromOneAddressAreThrottled) {
    user("alice");
    int refused = 0, throttled = 0;
    for (int i = 0; i < 1000; ++i) {
        const auto code = refusal(basic("alice", "guess " + std::to_string(i)), "203.0.113.9");
        refused += code == ErrorCode::unauthenticated;
        throttled += code == ErrorCode::tooManyRequests;
        clock.advance(60ms); // 1,000 a minute
    }
    EXPECT_EQ(1000, refused + throttled);
    EXPECT_LE(refused, 20); // 10 at once and 10 in that minute
    EXPECT_GE(refused, 10);
    EXPECT_EQ(ErrorCode::tooManyRequests, refusal(basic("alice", good), "203.0.113.9"));
    EXPECT_TRUE(login(basic("alice", good), "198.51.100.7")); // its owner, from elsewhere
    const auto before = db->statements();
    EXPECT_EQ(ErrorCode::tooManyRequests, refusal(basic("alice", "guess"), "203.0.113.9"));
    EXPECT_EQ(before, db->statements());
}

TEST_F(AuthenticatorOf, GuessesOverAThousandAccountsFromOneAddressAreThrottled) {
    user("alice");
    int refused = 0, throttled = 0;
    for (int i = 0; i < 1000; ++i) {
        const auto code = refusal(basic("user" + std::to_string(i), "some password"), "203.0.113.9");
        refused += code == ErrorCode::unauthenticated;
        throttled += code == ErrorCode::tooManyRequests;
        clock.advance(60ms);
    }
    EXPECT_EQ(1000, refused + throttled);
    EXPECT_LE(refused, 120);
    EXPECT_GE(refused, 60);
    EXPECT_TRUE(login(basic("alice", good), "198.51.100.7"));
}

TEST_F(AuthenticatorOf, GuessesFromEverywhereDoNotLockTheOwnerOutWhereItWasBefore) {
    user("alice");
    login(basic("alice", good), "198.51.100.7");
    auth->forgetAll();
    int throttled = 0;
    for (int i = 0; i < 400; ++i)
        throttled += refusal(basic("alice", "guess"), "10.1." + std::to_string(i / 200) + "." +
                                                          std::to_string(i % 200)) == ErrorCode::tooManyRequests;
    EXPECT_EQ(200, throttled);
    EXPECT_EQ(ErrorCode::tooManyRequests, refusal(basic("alice", good), "10.9.9.9"));
    EXPECT_TRUE(login(basic("alice", good), "198.51.100.7"));
}

TEST_F(AuthenticatorOf, RightLoginsAreNotCountedAsWrongOnes) {
    user("alice");
    for (int i = 0; i < 100; ++i) {
        EXPECT_TRUE(login(basic("alice", good)));
        auth->forgetAll();
    }
}

// What `requests` at once come to, all of them begun before the first verification goes on.
class AtOnce {
public:
    AtOnce(storage::Database& db, int requests, const std::function<std::optional<ErrorCode>(int)>& request) {
        db.onStatement([](std::string_view) { std::this_thread::sleep_for(300ms); });
        std::vector<std::thread> threads;
        std::mutex mutex;
        for (int i = 0; i < requests; ++i)
            threads.emplace_back([&, i] {
                const auto code = request(i);
                std::lock_guard lock(mutex);
                code ? ++refused_[*code] : ++right;
            });
        for (auto& thread : threads) thread.join();
        db.onStatement({});
    }
    int refused(ErrorCode code) { return refused_[code]; }
    int right = 0;

private:
    std::map<ErrorCode, int> refused_;
};

TEST_F(AuthenticatorOf, OneRightLoginByManyAtOnceIsVerifiedOnceAndNoneIsAWrongOne) {
    user("alice");
    AtOnce first(*db, 30, [&](int) { return refusal(basic("alice", good)); });
    EXPECT_EQ(30, first.right);
    EXPECT_EQ(1U, auth->figures().verified);
    clock.advance(61s); // and when what is remembered ends
    AtOnce again(*db, 30, [&](int i) { return refusal(basic("alice", good), "192.0.2." + std::to_string(i % 3)); });
    EXPECT_EQ(30, again.right);
    EXPECT_EQ(2U, auth->figures().verified);
    EXPECT_EQ(0U, auth->figures().throttled);
}

TEST_F(AuthenticatorOf, WrongLoginsAtOnceAreAllCounted) {
    user("alice");
    AtOnce guesses(*db, 30, [&](int i) { return refusal(basic("alice", "guess " + std::to_string(i))); });
    EXPECT_EQ(10, guesses.refused(ErrorCode::unauthenticated));
    EXPECT_EQ(20, guesses.refused(ErrorCode::tooManyRequests));
    AtOnce same(*db, 30, [&](int) { return refusal(basic("alice", "guess"), "198.51.100.7"); });
    EXPECT_EQ(10, same.refused(ErrorCode::unauthenticated));
    EXPECT_EQ(20, same.refused(ErrorCode::tooManyRequests));
    EXPECT_EQ(ErrorCode::tooManyRequests, refusal(basic("alice", good), "198.51.100.7"));
}

TEST_F(AuthenticatorOf, WhoComesAfterAChangeDoesNotShareTheVerdictOfBefore) {
    user("alice");
    std::atomic<bool> read{false}, changed{false};
    db->onStatement([&, first = std::this_thread::get_id()](std::string_view text) {
        if (std::this_thread::get_id() == first || !text.starts_with("SELECT user_id, department_id")) return;
        read = true; // the user, as it was
        while (!changed) std::this_thread::sleep_for(1ms);
    });
    std::thread before([&] { EXPECT_EQ(std::nullopt, refusal(basic("alice", good))); });
    while (!read) std::this_thread::sleep_for(1ms);
    accounts->disableUser(scope(), "alice");
    EXPECT_EQ(ErrorCode::unauthenticated, refusal(basic("alice", good)));
    changed = true;
    before.join();
    EXPECT_EQ(ErrorCode::unauthenticated, refusal(basic("alice", good))) << "and it is not remembered";
}

TEST_F(AuthenticatorOf, TheThrottlesMemoryIsBounded) {
    Throttle throttle({10, 60, 200, 100}, clock);
    for (int i = 0; i < 10000; ++i) throttle.begin("u" + std::to_string(i), "10.0." + std::to_string(i / 50) + ".1");
    // The newest pair is still counted.
    for (int i = 0; i < 9; ++i) throttle.begin("last", "192.0.2.200");
    throttle.begin("last", "192.0.2.200");
    EXPECT_EQ(ErrorCode::tooManyRequests, codeOf([&] { throttle.begin("last", "192.0.2.200"); }));
    EXPECT_EQ(addressGroup("2001:db8:1:2::1"), addressGroup("2001:db8:1:2:ffff::9%eth0"));
    EXPECT_NE(addressGroup("2001:db8:1:2::1"), addressGroup("2001:db8:1:3::1"));
    EXPECT_EQ("192.0.2.1", addressGroup("::ffff:192.0.2.1"));
}

TEST_F(AuthenticatorOf, TheCacheIsBounded) {
    access.rememberAtMost = 3;
    restart();
    for (const auto* name : {"a1", "a2", "a3", "a4"}) {
        user(name);
        login(basic(name, good));
    }
    EXPECT_EQ(3U, auth->figures().remembered);
}

TEST_F(AuthenticatorOf, OnlySoManyPasswordsAreComputedAtOnce) {
    PasswordSettings slow;
    slow.atOnce = 1;
    slow.waitFor = 0ms;
    slow.operations = 8;
    PasswordHasher hasher(slow);
    std::atomic<int> done{0}, told{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 6; ++i)
        threads.emplace_back([&] {
            const auto code = codeOf([&] { hasher.hash(SecretString(good)); });
            if (!code) ++done;
            if (code == ErrorCode::tooManyRequests) ++told;
        });
    for (auto& thread : threads) thread.join();
    EXPECT_GE(done, 1);
    EXPECT_GE(told, 1);
    EXPECT_EQ(6, done + told);
}

TEST_F(AuthenticatorOf, ManyThreadsLogInWhileUsersChange) {
    user("alice");
    const auto issued = accounts->createToken(scope(), {"alice", "crm", {"*"}, {}});
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&, i] {
            for (int n = 0; n < 300; ++n)
                if (codeOf([&] { login(i % 2 ? bearer(issued.text) : basic("alice", good)); })) ++wrong;
        });
    threads.emplace_back([&] {
        storage::UserChange change;
        for (int n = 0; n < 20; ++n) {
            change.role = n % 2 ? Role::admin : Role::supervisor;
            accounts->updateUser(scope(), "alice", change);
            auth->maintain();
        }
    });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(0, wrong);
    EXPECT_EQ(Role::admin, login(basic("alice", good))->role); // the last change, though others were being verified
    EXPECT_EQ(Role::admin, login(bearer(issued.text))->role);
}

} // namespace
} // namespace pbx::test
