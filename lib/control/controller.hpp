// Carries out what was asked of agents and calls: one thread that looks for requests, drives every Asterisk that this
// process has the lease of, and keeps those informed who wait for an outcome. Threads: start() and stop() from one;
// watch() and wake() any. Nothing is thrown but by the constructor: a database that is away is logged once, and looked
// for again.
#pragma once

#include "control/call_driver.hpp"
#include "control/driver.hpp"
#include "control/watch.hpp"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace pbx::control {

struct ControllerSettings {
    std::chrono::milliseconds look{200};    // for requests of other processes
    std::chrono::milliseconds breath{5};    // between two turns, at least
    std::chrono::milliseconds sweep{1'000}; // for what is overdue
    std::chrono::hours keep{24 * 30};       // ended actions
    std::chrono::milliseconds purge{10 * 60'000};
    DriverTimings driver{};
};

class Controller {
public:
    // All references must outlive it. `onEnded` is called on its thread when somebody's wait is over, `observe` for
    // each action that this process ended; it may be empty.
    Controller(const std::vector<Line*>& lines, storage::Repositories& stores, const domain::DirectoryHolder& directory,
               const Clock& clock, const Log& log, std::function<void()> onEnded,
               std::function<void(const domain::Action&)> observe = {}, ControllerSettings settings = {});
    ~Controller();
    Controller(const Controller&) = delete;
    Controller& operator=(const Controller&) = delete;

    void start();
    void stop();

    // Something was asked for.
    void wake();
    // A board changed: worth a turn only while something is under way.
    void boardChanged();
    // Follows what was just asked for, and takes it up at once.
    std::shared_ptr<Watch> watch(std::vector<domain::Action> actions);

    // One turn, for tests that do not start(); `ask`: also look into the database. Throws pbx::Error.
    void turn(bool ask = true);

private:
    void loop();
    void look();
    void followOthers();
    void runChores();
    void progressed(const domain::Action& action);

    storage::Repositories& stores_;
    const Clock& clock_;
    const Log log_;
    const std::function<void()> onEnded_;
    const std::function<void(const domain::Action&)> observe_;
    const ControllerSettings settings_;
    std::vector<std::unique_ptr<Driver>> drivers_;
    std::vector<std::unique_ptr<CallDriver>> callDrivers_;
    Watches watches_;
    std::int64_t newest_ = 0;
    SteadyTime lookAt_{};
    SteadyTime sweepAt_{};
    SteadyTime purgeAt_{};
    bool failing_ = false;
    std::atomic<bool> busy_{false};
    std::atomic<bool> asked_{false}; // in this process, since the last turn

    std::mutex mutex_;
    std::condition_variable condition_;
    bool woken_ = false;
    bool stopping_ = false;
    std::thread thread_;
};

} // namespace pbx::control
