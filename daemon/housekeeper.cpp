#include "daemon/housekeeper.hpp"

#include "base/error.hpp"

#include <algorithm>

namespace pbx::daemon {

void Housekeeper::start(std::vector<Chore> chores) {
    std::vector<Due> due;
    for (auto& chore : chores) due.push_back({std::move(chore), std::chrono::steady_clock::now()});
    thread_ = std::thread([this, due = std::move(due)]() mutable { loop(std::move(due)); });
}

void Housekeeper::stop() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void Housekeeper::loop(std::vector<Due> due) {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        const auto next =
            std::min_element(due.begin(), due.end(), [](const Due& a, const Due& b) { return a.at < b.at; });
        if (wake_.wait_until(lock, next->at, [this] { return stopping_; })) return;
        lock.unlock();
        run(*next);
        next->at = std::chrono::steady_clock::now() + next->chore.every;
        lock.lock();
    }
}

// A database that is away fails a chore each second: only the first failure and the recovery are worth a line.
void Housekeeper::run(Due& due) const {
    try {
        due.chore.run();
        if (due.failing) log_.info("chore.recovered", {{"chore", due.chore.name}});
        due.failing = false;
    } catch (const Error& error) {
        if (!due.failing)
            log_.warning("chore.failed", {{"chore", due.chore.name}, {"text", error.text()}, {"cause", error.cause()}});
        due.failing = true;
    } catch (const std::exception& error) {
        if (!due.failing) log_.error("chore.failed", {{"chore", due.chore.name}, {"cause", error.what()}});
        due.failing = true;
    }
}

} // namespace pbx::daemon
