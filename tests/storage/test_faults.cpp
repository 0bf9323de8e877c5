// What happens when sessions die, the server is away, the pool is empty, or a COMMIT's answer is lost.
#include "storage_test.hpp"

#include "cutting_proxy.hpp"
#include "storage/engines.hpp"
#include "storage/faults.hpp"

#include <condition_variable>
#include <mutex>
#include <sys/stat.h>

namespace pbx::test {
namespace {

using namespace pbx::storage;
using namespace std::chrono_literals;

class Faults : public StorageTest {};

class MariadbFaults : public StorageTest {
protected:
    void one() {
        settings.sessions = 1;
        open();
    }
    std::int64_t sessionId() { return number("SELECT CONNECTION_ID()"); }
    void kill(std::int64_t id) {
        Connections admin(MariadbServer::instance().rootSettings("mysql"), Log::none());
        admin.plain([&](Sql& s) { s.execute("KILL " + std::to_string(id)); });
        ASSERT_TRUE(eventually([&] { return !alive(admin, id); }, 5s));
    }
    static bool alive(Connections& admin, std::int64_t id) {
        return admin.read([&](Sql& s) {
            return at<0>(*s.row<Row<Int>>("SELECT COUNT(*) FROM information_schema.processlist WHERE id = ?", {id})) >
                   0;
        });
    }
};

// A gate that a test opens by hand.
class Gate {
public:
    void open() {
        {
            std::lock_guard lock(mutex_);
            open_ = true;
        }
        opened_.notify_all();
    }
    bool wait() {
        std::unique_lock lock(mutex_);
        return opened_.wait_for(lock, 10s, [&] { return open_; });
    }

private:
    std::mutex mutex_;
    std::condition_variable opened_;
    bool open_ = false;
};

TEST_P(Faults, WhoeverFindsThePoolEmptyWaitsAndThenHearsThatItIsBusy) {
    settings.sessions = 1;
    settings.acquireTimeout = 200ms;
    open();
    Gate holding, release;
    std::thread holder([&] {
        db->connections().read([&](Sql& s) {
            s.row<Row<Int>>("SELECT 1");
            holding.open();
            release.wait();
        });
    });
    ASSERT_TRUE(holding.wait());
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_EQ(ErrorCode::unavailable, codeOf([&] { db->ping(); }));
    EXPECT_GE(std::chrono::steady_clock::now() - begun, 190ms);
    EXPECT_EQ(1U, db->figures().timeouts);
    release.open();
    db->ping(); // waits for the holder, or finds the session free
    holder.join();
    EXPECT_EQ(1U, db->figures().timeouts);
}

TEST_P(Faults, AfterCloseNothingIsOpenAndCallsAreRefused) {
    db->ping();
    EXPECT_GE(db->figures().open, 1);
    db->close();
    EXPECT_EQ(0, db->figures().open);
    EXPECT_EQ(0, db->figures().idle);
    EXPECT_EQ(ErrorCode::unavailable, codeOf([&] { db->ping(); }));
}

TEST_P(Faults, AFailedTransactionLeavesNothingBehind) {
    const auto scope = tenantScope("acme");
    const auto work = [&] {
        db->connections().write([&](Sql& s) {
            s.execute("UPDATE tenants SET title = 'half' WHERE name = 'acme'");
            throw Error(ErrorCode::conflict, "no");
        });
    };
    EXPECT_EQ(ErrorCode::conflict, codeOf(work));
    EXPECT_EQ("acme", repos->tenants.get("acme").title);
    EXPECT_EQ(ErrorCode::internal, codeOf([&] { sql("SELEKT 1"); }));
    const auto error = textOf([&] { sql("SELEKT 1"); });
    EXPECT_EQ(std::string::npos, error.find("SELEKT")); // the statement is for the log
    db->ping();
}

TEST_P(Faults, ReadersAndWritersGoOnSideBySide) {
    const auto scope = tenantScope("acme");
    repos->departments.create(scope, {"d", "0"});
    std::atomic<bool> stop{false};
    std::atomic<int> failures{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&] {
            while (!stop)
                if (codeOf([&] { repos->departments.get(scope, "d"); })) ++failures;
        });
    for (int i = 0; i < 2; ++i)
        threads.emplace_back([&] {
            for (int n = 0; n < 30; ++n)
                if (codeOf([&] { repos->departments.update(scope, "d", {{}, std::to_string(n)}); })) ++failures;
        });
    threads[3].join();
    threads[4].join();
    stop = true;
    for (int i = 0; i < 3; ++i) threads[static_cast<std::size_t>(i)].join();
    EXPECT_EQ(0, failures);
    EXPECT_EQ("29", repos->departments.get(scope, "d").title);
}

TEST_P(MariadbFaults, AKilledIdleSessionIsReplacedAndTheFirstStatementSucceeds) {
    one();
    const auto before = sessionId();
    kill(before);
    EXPECT_NE(before, sessionId());
    EXPECT_EQ(1U, db->figures().dropped);
    EXPECT_EQ(1, db->figures().open);
}

TEST_P(MariadbFaults, ASessionEndedByWaitTimeoutIsReplaced) {
    one();
    const auto id = sessionId();
    db->connections().plain([](Sql& s) { s.execute("SET SESSION wait_timeout = 1"); });
    Connections admin(MariadbServer::instance().rootSettings("mysql"), Log::none());
    ASSERT_TRUE(eventually([&] { return !alive(admin, id); }, 10s));
    tenantScope("acme"); // a write, at once
    EXPECT_NE(id, sessionId());
}

// F14 for what routing asks with every call: the statement dies with its session, the question does not.
TEST_P(MariadbFaults, AStatementThatStaysPreparedIsPreparedAnewInTheNextSession) {
    one();
    const auto asked = [&](std::int64_t value) {
        return db->connections().read([&](Sql& s) {
            return at<0>(
                s.rowsOften<Row<Int>>("SELECT CAST(? + 1 AS SIGNED) FROM meta WHERE name = 'access'", {value}).at(0));
        });
    };
    const auto preparedStatements = [&] {
        return number("SELECT CAST(VARIABLE_VALUE AS SIGNED) FROM information_schema.SESSION_STATUS WHERE "
                      "VARIABLE_NAME = 'COM_STMT_PREPARE'");
    };
    EXPECT_EQ(42, asked(41));
    const auto before = preparedStatements(); // which prepares one itself
    EXPECT_EQ(43, asked(42));
    EXPECT_EQ(44, asked(43));
    EXPECT_EQ(before + 1, preparedStatements()); // or this test is about nothing
    kill(sessionId());
    EXPECT_EQ(45, asked(44));
    EXPECT_EQ(1U, db->figures().dropped);
    const auto id = sessionId();
    db->connections().plain([](Sql& s) { s.execute("SET SESSION wait_timeout = 1"); });
    Connections admin(MariadbServer::instance().rootSettings("mysql"), Log::none());
    ASSERT_TRUE(eventually([&] { return !alive(admin, id); }, 10s));
    EXPECT_EQ(46, asked(45));
    EXPECT_EQ(2U, db->figures().dropped);
    sql("ALTER TABLE meta ADD COLUMN one_more INT"); // the server prepares it anew by itself
    EXPECT_EQ(47, asked(46));
}

TEST_P(MariadbFaults, ASessionIdleForLongIsPinged) {
    settings.validateAfter = 0s;
    one();
    const auto id = sessionId();
    EXPECT_EQ(id, sessionId()); // pinged and kept
    EXPECT_EQ(0U, db->figures().dropped);
}

TEST_P(MariadbFaults, ASessionKilledInsideATransactionStoresNothing) {
    const auto work = [&] {
        db->connections().write([&](Sql& s) {
            s.execute("INSERT INTO leases (name, owner, epoch, until_at) VALUES ('x', 'y', 1, 1)");
            kill(at<0>(*s.row<Row<Int>>("SELECT CONNECTION_ID()")));
            s.execute("INSERT INTO leases (name, owner, epoch, until_at) VALUES ('x2', 'y', 1, 1)");
        });
    };
    EXPECT_EQ(ErrorCode::unavailable, codeOf(work));
    EXPECT_EQ(0, number("SELECT COUNT(*) FROM leases"));
}

TEST_P(MariadbFaults, ACommitWhoseAnswerIsLostIsAnOutcomeUnknown) {
    const auto scope = tenantScope("acme");
    CuttingProxy proxy(MariadbServer::instance().port());
    auto through = settings;
    through.socket.clear();
    through.host = "127.0.0.1";
    through.port = proxy.port();
    through.user = "pbx";
    through.password = SecretString("over TCP");
    Database cut(through, Log::none(), clock);
    DepartmentRepository departments(cut);
    departments.create(scope, {"before", ""});
    proxy.cutAtNextCommit();
    EXPECT_EQ(ErrorCode::outcomeUnknown, codeOf([&] { departments.create(scope, {"sales", ""}); }));
    EXPECT_TRUE(proxy.hasCut());
    EXPECT_EQ("sales", repos->departments.get(scope, "sales").name); // it was stored, once

    proxy.cutAtNextCommit();
    LeaseRepository leases(cut);
    const auto lease = leases.acquire("asterisk/pbx1", "node-a", 60s); // reads back and knows
    EXPECT_TRUE(proxy.hasCut());
    ASSERT_TRUE(lease);
    EXPECT_EQ(1, lease->epoch);
    EXPECT_FALSE(repos->leases.acquire("asterisk/pbx1", "node-b", 60s));
}

TEST_P(MariadbFaults, AnAbsentServerIsSaidAtOnceAndItsReturnIsNoticed) {
    settings.loginTimeout = 1s;
    open();
    tenantScope("acme");
    auto& server = MariadbServer::instance();
    server.stop();
    for (int i = 0; i < 20; ++i) {
        const auto begun = std::chrono::steady_clock::now();
        EXPECT_EQ(ErrorCode::unavailable, codeOf([&] { db->ping(); }));
        EXPECT_LT(std::chrono::steady_clock::now() - begun, 2s);
    }
    EXPECT_EQ(0, db->figures().open);
    ASSERT_TRUE(server.start());
    EXPECT_TRUE(eventually([&] { return !codeOf([&] { db->ping(); }); }, 10s));
    EXPECT_EQ("acme", repos->tenants.get("acme").name);
}

TEST_P(MariadbFaults, AStatementThatTakesTooLongIsStopped) {
    settings.statementTimeout = 200ms;
    open();
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_EQ(ErrorCode::deadlineExceeded, codeOf([&] { number("SELECT SLEEP(20)"); }));
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
    db->ping();
}

TEST_P(MariadbFaults, ADeadlocksVictimIsTriedAgain) {
    const auto a = tenantScope("a-corp");
    const auto b = tenantScope("b-corp");
    Gate first, second;
    std::atomic<int> tries{0};
    const auto cross = [&](const char* one, const char* two, Gate& mine, Gate& other) {
        return std::thread([&, one, two] {
            db->connections().write([&](Sql& s) {
                ++tries;
                s.execute("UPDATE tenants SET country = 'XX' WHERE name = ?", {std::string(one)});
                mine.open();
                other.wait();
                s.execute("UPDATE tenants SET title = CONCAT(title, '+') WHERE name = ?", {std::string(two)});
            });
        });
    };
    auto left = cross("a-corp", "b-corp", first, second);
    auto right = cross("b-corp", "a-corp", second, first);
    left.join();
    right.join();
    EXPECT_EQ(3, tries); // two, and the victim once more
    EXPECT_EQ("a-corp+", repos->tenants.get("a-corp").title);
    EXPECT_EQ("b-corp+", repos->tenants.get("b-corp").title);
}

TEST_P(MariadbFaults, SessionsAreStrictUtf8AndInUtc) {
    EXPECT_EQ(1, number("SELECT @@sql_mode LIKE '%STRICT_ALL_TABLES%'"));
    EXPECT_EQ(1, number("SELECT @@character_set_client = 'utf8mb4' AND @@character_set_results = 'utf8mb4'"));
    EXPECT_EQ(1, number("SELECT @@time_zone = '+00:00'"));
    EXPECT_EQ(1, number("SELECT @@tx_isolation = 'READ-COMMITTED'"));
}

TEST(Settings, WhatTheLibraryCannotDoIsRefusedByName) {
    DatabaseSettings settings;
    settings.engine = Engine::mariadb;
    settings.database = "pbx";
    settings.user = "pbx";
    checkSettings(settings);
    settings.host = "db.example.com";
    EXPECT_NE(std::string::npos, textOf([&] { checkSettings(settings); }).find("database.host"));
    settings.plainTextRemote = true;
    checkSettings(settings);
    settings.password = SecretString("a;b");
    const auto text = textOf([&] { checkSettings(settings); });
    EXPECT_NE(std::string::npos, text.find("database.password"));
    EXPECT_EQ(std::string::npos, text.find("a;b"));
    EXPECT_EQ(ErrorCode::invalidArgument, codeOf([] { checkSettings({}); })); // SQLite without a file
}

TEST(FaultTexts, AServersNumberIsNotTakenFromACallersWords) {
    const Poco::Exception forged(
        "MySQL: [mysql_stmt_error]: Duplicate entry 'x errno]: 2006 for key 'uq_users_login'' for "
        "key 'uq_queues_name'\t[mysql_stmt_errno]: 1062\t[mysql_stmt_sqlstate]: 23000");
    const auto fault = faultOf(Engine::mariadb, forged);
    EXPECT_EQ(FaultKind::unique, fault.kind);
    EXPECT_EQ("name", fault.field);
}

class SqliteFile : public StorageTest {
protected:
    bool migrated() const override { return false; } // the file itself is of interest: not a copy
};

TEST_P(SqliteFile, IsPrivateInWalModeAndDurable) {
    db->migrate();
    struct stat info {};
    ASSERT_EQ(0, ::stat(settings.file.c_str(), &info));
    EXPECT_EQ(0600U, info.st_mode & 0777U);
    db->connections().plain([](Sql& s) {
        EXPECT_EQ("wal", at<0>(*s.row<Row<std::string>>("PRAGMA journal_mode")));
        EXPECT_EQ(2, at<0>(*s.row<Row<Int>>("PRAGMA synchronous"))); // FULL
        EXPECT_EQ(1, at<0>(*s.row<Row<Int>>("PRAGMA foreign_keys")));
        EXPECT_EQ(5000, at<0>(*s.row<Row<Int>>("PRAGMA busy_timeout")));
    });
    const auto rows = number("SELECT COUNT(*) FROM meta");
    EXPECT_GT(rows, 0);
    EXPECT_NE(std::nullopt, codeOf([&] { db->connections().read([](Sql& s) { s.execute("DELETE FROM meta"); }); }));
    EXPECT_EQ(rows, number("SELECT COUNT(*) FROM meta"));
}

TEST_P(SqliteFile, AFolderThatIsNotThereIsUnavailable) {
    settings.file = "/nonexistent/pbx.db";
    open();
    EXPECT_EQ(ErrorCode::unavailable, codeOf([&] { db->ping(); }));
}

PBX_ON_BOTH(Faults);
PBX_ON_MARIADB(MariadbFaults);
INSTANTIATE_TEST_SUITE_P(Engines, SqliteFile, ::testing::Values(Engine::sqlite), engineName);

} // namespace
} // namespace pbx::test
