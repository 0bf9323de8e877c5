// A company with one queue on an empty SQLite database, and a clock of our own.
// Threads: one.
#pragma once

#include "base/error.hpp"
#include "base/random.hpp"
#include "fake_asterisk.hpp"
#include "storage/repositories.hpp"

#include <filesystem>
#include <gtest/gtest.h>

namespace pbx::callbacks::test {

// A folder of its own, removed with it.
class Folder {
public:
    Folder() {
        std::string name = "/tmp/pbx-callbacks-XXXXXX";
        if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp");
        path = name;
    }
    ~Folder() { std::filesystem::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    std::string path;
};

class CallbacksTest : public ::testing::Test {
protected:
    static std::unique_ptr<storage::Database> open(const std::string& folder, const Clock& clock) {
        initRandom();
        storage::DatabaseSettings settings;
        settings.file = folder + "/test.db";
        auto database = std::make_unique<storage::Database>(settings, Log::none(), clock);
        database->migrate();
        return database;
    }
    domain::Scope company() {
        auto made = domain::Scope(repos.tenants.create({"acme", "Acme", "US", "America/New_York", {"en"}}).id);
        repos.queues.create(made, {"sales", "Sales", "pbx1", "", {}, 0});
        return made;
    }
    CallbackId request(const std::string& number = "+12125550123") {
        storage::NewCallback wanted;
        wanted.queue = "sales";
        wanted.number = number;
        wanted.requestedBy = "alice";
        return repos.callbacks.request(scope, wanted).callback.id;
    }
    domain::CallbackState stateOf(const CallbackId& id) { return repos.callbacks.get(scope, id.str()).callback.state; }
    domain::CallbackState stateOf(const storage::CallbackJob& job) { return stateOf(job.callback.id); }

    Folder folder;
    SimClock clock;
    std::unique_ptr<storage::Database> database = open(folder.path, clock);
    storage::Repositories repos{*database};
    domain::Scope scope = company();
};

} // namespace pbx::callbacks::test
