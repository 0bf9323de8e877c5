// Work that comes back: one thread runs each chore at its interval; a chore that fails is logged and comes back all the
// same. Threads: start() and stop() from one thread. Nothing is thrown.
#pragma once

#include "base/log.hpp"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace pbx::daemon {

struct Chore {
    std::string name;
    std::chrono::milliseconds every;
    std::function<void()> run; // may throw pbx::Error
};

class Housekeeper {
public:
    explicit Housekeeper(const Log& log) : log_(log) {}
    ~Housekeeper() { stop(); }

    void start(std::vector<Chore> chores); // each runs once at once
    void stop();                           // waits for the chore that is running

private:
    struct Due {
        Chore chore;
        std::chrono::steady_clock::time_point at;
        bool failing = false;
    };
    void loop(std::vector<Due> due);
    void run(Due& due) const;

    const Log log_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    std::thread thread_;
};

} // namespace pbx::daemon
