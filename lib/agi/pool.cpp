#include "agi/pool.hpp"

namespace pbx::agi {

Pool::Pool(std::size_t threads, std::size_t queue) : limit_(queue) {
    for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

bool Pool::offer(Job job) {
    {
        std::lock_guard lock(mutex_);
        if (stopping_ || queue_.size() >= limit_) return false;
        queue_.push_back(std::move(job));
    }
    offered_.notify_one();
    return true;
}

void Pool::stop() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
        queue_.clear();
    }
    offered_.notify_all();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
}

void Pool::work() {
    std::unique_lock lock(mutex_);
    while (true) {
        offered_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        if (stopping_) return;
        Job job = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        job();
        job = nullptr; // what it holds goes before the lock is taken again
        lock.lock();
    }
}

} // namespace pbx::agi
