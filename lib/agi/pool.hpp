// A fixed number of threads behind a bounded queue: what may wait for the database runs here.
// Threads: any may offer(); one starts and stops. Fails: offer() answers false when the queue is full or closed; a job
// must not throw.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace pbx::agi {

class Pool {
public:
    using Job = std::function<void()>;

    Pool(std::size_t threads, std::size_t queue);
    ~Pool() { stop(); }
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    bool offer(Job job);
    // Drops what waits in the queue, then waits for the jobs that run.
    void stop();

private:
    void work();

    const std::size_t limit_;
    std::mutex mutex_;
    std::condition_variable offered_;
    std::deque<Job> queue_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

} // namespace pbx::agi
