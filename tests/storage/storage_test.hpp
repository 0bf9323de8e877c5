// The fixture of the behaviour suite: every test runs on SQLite and on a real MariaDB, each time on an empty database.
// Threads: one test at a time.
#pragma once

#include "base/error.hpp"
#include "base/random.hpp"
#include "mariadb_server.hpp"
#include "storage/connections.hpp"
#include "storage/repositories.hpp"

#include <atomic>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <optional>
#include <thread>

namespace pbx::test {

class SetClock final : public Clock {
public:
    UtcTime now() const override { return fromEpochMicros(micros_.load()); }
    SteadyTime steady() const override { return SteadyTime(Micros(micros_.load())); }
    void advance(Micros by) { micros_ += by.count(); }

private:
    std::atomic<std::int64_t> micros_{1'790'000'000'000'000}; // 2026-09-21T13:33:20Z
};

// The code of the error that `work` throws; nullopt when it throws none.
inline std::optional<ErrorCode> codeOf(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& e) {
        return e.code();
    }
    return std::nullopt;
}
inline std::string textOf(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& e) {
        return e.text();
    }
    return {};
}
// True once `condition` holds, false when `within` passed without.
inline bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds within) {
    const auto deadline = std::chrono::steady_clock::now() + within;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return true;
}

class StorageTest : public ::testing::TestWithParam<storage::Engine> {
protected:
    void SetUp() override {
        initRandom();
        if (GetParam() == storage::Engine::mariadb && !MariadbServer::instance().start()) {
            if (everythingRequired()) FAIL() << "MariaDB is required and mariadbd is not installed";
            GTEST_SKIP() << "NOT RUN: mariadbd is not installed";
        }
        if (migrated()) return openMigrated();
        settings = freshSettings();
        open();
    }
    void TearDown() override {
        close();
        if (!dir_.empty()) std::filesystem::remove_all(dir_);
    }
    virtual bool migrated() const { return true; }

    storage::DatabaseSettings freshSettings() {
        if (GetParam() == storage::Engine::mariadb) return MariadbServer::instance().newDatabase();
        if (dir_.empty()) {
            std::string name = "/tmp/pbx-sqlite-XXXXXX";
            if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp");
            dir_ = name;
        }
        storage::DatabaseSettings fresh;
        fresh.file = dir_ + "/" + std::to_string(++files_) + ".db";
        return fresh;
    }
    // An empty database with the schema of now: what migrated() asks for. Who had the last one has it no more.
    void openMigrated() {
        close();
        if (onMariadb()) {
            settings = MariadbServer::instance().migratedDatabase();
        } else {
            settings = freshSettings();
            std::filesystem::copy_file(migratedFile(), settings.file);
        }
        open();
        db->requireSchema();
        db->connections().plain([](storage::Sql&) {}); // sessions of both kinds are open, as after a migration
    }
    void open() {
        repos.reset();
        db = std::make_unique<storage::Database>(settings, Log::none(), clock);
        repos = std::make_unique<storage::Repositories>(*db);
    }
    bool onMariadb() const { return GetParam() == storage::Engine::mariadb; }

    domain::Scope tenantScope(const std::string& name) {
        return domain::Scope(repos->tenants.create({name, name, "US", "America/New_York", {"en"}}).id);
    }
    void sql(const std::string& text, const storage::Values& values = {}) {
        db->connections().write([&](storage::Sql& s) { s.execute(text, values); });
    }
    std::int64_t number(const std::string& text, const storage::Values& values = {}) {
        return db->connections().read(
            [&](storage::Sql& s) { return storage::at<0>(*s.row<storage::Row<storage::Int>>(text, values)); });
    }

    SetClock clock;
    storage::DatabaseSettings settings;
    std::unique_ptr<storage::Database> db;
    std::unique_ptr<storage::Repositories> repos;

private:
    void close() {
        repos.reset();
        db.reset();
    }
    // Migrated once a program: each time costs a dozen transactions, on the disk.
    static const std::string& migratedFile() {
        static const struct Made {
            Made() {
                if (!::mkdtemp(dir.data())) throw std::runtime_error("mkdtemp");
                storage::DatabaseSettings made;
                made.file = file = dir + "/migrated.db";
                const SystemClock clock;
                storage::Database(made, Log::none(), clock).migrate();
                if (std::filesystem::exists(file + "-wal")) throw std::runtime_error("it is not whole without its WAL");
            }
            ~Made() { std::filesystem::remove_all(dir); }
            std::string dir = "/tmp/pbx-sqlite-XXXXXX", file;
        } made;
        return made.file;
    }

    std::string dir_;
    int files_ = 0;
};

inline std::string engineName(const ::testing::TestParamInfo<storage::Engine>& info) {
    return info.param == storage::Engine::mariadb ? "mariadb" : "sqlite";
}
#define PBX_ON_BOTH(Suite)                                                                                             \
    INSTANTIATE_TEST_SUITE_P(Engines, Suite,                                                                           \
                             ::testing::Values(pbx::storage::Engine::sqlite, pbx::storage::Engine::mariadb),           \
                             pbx::test::engineName)
#define PBX_ON_MARIADB(Suite)                                                                                          \
    INSTANTIATE_TEST_SUITE_P(Engines, Suite, ::testing::Values(pbx::storage::Engine::mariadb), pbx::test::engineName)

} // namespace pbx::test
