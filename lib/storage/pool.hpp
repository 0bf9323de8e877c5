// Our own small pool of Poco::Data sessions. Not for outside lib/storage; repositories never see it.
// Threads: any. Fails with pbx::Error: unavailable (no session in time; no server: Away); an Opener with Poco
// exceptions. Why not POCO's SessionPool: it hands out dead MySQL sessions, connects under its lock and never waits
// (PROTOCOLS §6).
#pragma once

#include "base/time.hpp"
#include "storage/database.hpp"
#include "storage/sql.hpp"

#include <Poco/Data/Session.h>

#include <chrono>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <utility>

namespace pbx::storage {

// One open session and how long it has been idle. Closing never throws.
class PooledSession {
public:
    explicit PooledSession(Poco::Data::Session opened) : session(std::move(opened)) {}
    ~PooledSession();
    PooledSession(const PooledSession&) = delete;
    PooledSession& operator=(const PooledSession&) = delete;

    Poco::Data::Session session;
    KeptStatements kept;
    SteadyTime idleSince{};
    bool used = false; // was in the pool before: may have died there
};

// What an engine does to open a session and to see whether an idle one still lives.
class Opener {
public:
    virtual ~Opener() = default;
    virtual std::unique_ptr<PooledSession> open() = 0; // throws Poco exceptions
    virtual bool alive(PooledSession& session, std::chrono::steady_clock::duration idle) = 0;
};

class Pool {
public:
    Pool(Opener& opener, int sessions, std::chrono::milliseconds acquireTimeout)
        : opener_(opener), limit_(sessions), acquireTimeout_(acquireTimeout) {}

    // Connects outside the lock. Throws unavailable after acquireTimeout, or at once while the server is known to be
    // away (a failed attempt less than half a second ago): no reconnect storm.
    std::unique_ptr<PooledSession> acquire();
    void giveBack(std::unique_ptr<PooledSession> session, bool good) noexcept;
    void close();
    PoolFigures figures() const;

private:
    std::unique_ptr<PooledSession> connect();

    Opener& opener_;
    const int limit_;
    const std::chrono::milliseconds acquireTimeout_;
    mutable std::mutex mutex_;
    std::condition_variable freed_;
    std::list<std::unique_ptr<PooledSession>> idle_; // the most recently used in front
    PoolFigures figures_;
    SteadyTime failedAt_{};
    bool closed_ = false;
};

} // namespace pbx::storage
