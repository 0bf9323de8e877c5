#include "storage/pool.hpp"

#include "base/error.hpp"

#include <Poco/Exception.h>

namespace pbx::storage {
namespace {

constexpr auto noStorm = std::chrono::milliseconds(500);

Error unavailable(const char* text, std::string cause = {}) {
    return Error(ErrorCode::unavailable, text).because(std::move(cause)).retryIn(1);
}

Away away(const char* text, std::string cause = {}) { return Away(unavailable(text, std::move(cause))); }

} // namespace

PooledSession::~PooledSession() {
    kept.clear();
    try {
        session.close();
    } catch (const Poco::Exception&) { // NOLINT(bugprone-empty-catch): it is being thrown away; nobody is left to tell
    }
}

std::unique_ptr<PooledSession> Pool::acquire() {
    const auto deadline = std::chrono::steady_clock::now() + acquireTimeout_;
    std::unique_lock lock(mutex_);
    for (;;) {
        if (closed_) throw away("the database is being closed");
        if (!idle_.empty()) {
            auto session = std::move(idle_.front());
            idle_.pop_front();
            --figures_.idle;
            lock.unlock();
            if (opener_.alive(*session, std::chrono::steady_clock::now() - session->idleSince)) return session;
            session.reset();
            lock.lock();
            --figures_.open;
            ++figures_.dropped;
            freed_.notify_one();
            continue;
        }
        if (figures_.open < limit_) {
            if (failedAt_ != SteadyTime{} && std::chrono::steady_clock::now() - failedAt_ < noStorm)
                throw away("the database cannot be reached", "the last attempt failed a moment ago");
            ++figures_.open;
            lock.unlock();
            return connect();
        }
        if (freed_.wait_until(lock, deadline) == std::cv_status::timeout && idle_.empty() && figures_.open >= limit_) {
            ++figures_.timeouts;
            throw unavailable("the database is busy", "no session became free in time");
        }
    }
}

std::unique_ptr<PooledSession> Pool::connect() {
    const auto failed = [&] {
        std::lock_guard lock(mutex_);
        --figures_.open;
        failedAt_ = std::chrono::steady_clock::now();
        freed_.notify_one();
    };
    try {
        auto session = opener_.open();
        std::lock_guard lock(mutex_);
        failedAt_ = {};
        return session;
    } catch (const Poco::Exception& e) {
        failed();
        throw away("the database cannot be reached", e.displayText());
    } catch (...) {
        failed();
        throw;
    }
}

void Pool::giveBack(std::unique_ptr<PooledSession> session, bool good) noexcept {
    if (!session) return;
    if (!good) session.reset();
    std::lock_guard lock(mutex_);
    if (session && !closed_) {
        session->idleSince = std::chrono::steady_clock::now();
        session->used = true;
        idle_.push_front(std::move(session));
        ++figures_.idle;
    } else {
        --figures_.open;
        if (!good) ++figures_.dropped;
    }
    freed_.notify_one();
}

void Pool::close() {
    std::list<std::unique_ptr<PooledSession>> idle;
    {
        std::lock_guard lock(mutex_);
        closed_ = true;
        idle.swap(idle_);
        figures_.open -= figures_.idle;
        figures_.idle = 0;
    }
    freed_.notify_all();
}

PoolFigures Pool::figures() const {
    std::lock_guard lock(mutex_);
    return figures_;
}

} // namespace pbx::storage
