// Reads and transactions, each with a session of its own from the pool. For repositories and the migrator only.
// Threads: any. Fails with pbx::Error: unavailable, deadlineExceeded, outcomeUnknown (the connection broke at COMMIT),
// alreadyExists, conflict, invalidArgument; no Poco exception leaves.
#pragma once

#include "base/log.hpp"
#include "storage/database.hpp"
#include "storage/faults.hpp"
#include "storage/sql.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>

namespace pbx::storage {

class StatementWatch {
public:
    void seen(std::string_view sql) {
        count_.fetch_add(1, std::memory_order_relaxed);
        if (hook_) hook_(sql);
    }
    std::uint64_t count() const noexcept { return count_.load(std::memory_order_relaxed); }
    void setHook(std::function<void(std::string_view)> hook) { hook_ = std::move(hook); }

private:
    std::atomic<std::uint64_t> count_{0};
    std::function<void(std::string_view)> hook_;
};

class Opener;
class Pool;

class Connections {
public:
    Connections(const DatabaseSettings& settings, Log log);
    ~Connections();

    // One or more SELECTs. A session that died while it was idle is replaced and the work done anew.
    template <class F>
    auto read(F&& work) {
        return answer(std::forward<F>(work), [this](const Work& w) { runRead(w); });
    }
    // A transaction: all or nothing. A deadlock's victim (rolled back by the server) is tried again, at most 8 times in
    // all, so `work` must have no effect but its statements. Lost at COMMIT: outcomeUnknown.
    template <class F>
    auto write(F&& work) {
        return answer(std::forward<F>(work), [this](const Work& w) { runWrite(w); });
    }
    // The writer without a transaction, for the migrator: DDL on MariaDB commits by itself.
    template <class F>
    auto plain(F&& work) {
        return answer(std::forward<F>(work), [this](const Work& w) { runPlain(w); });
    }

    // Transactions that this process has committed, or may have: what was read at another count may have changed since.
    std::uint64_t commits() const noexcept { return commits_.load(std::memory_order_acquire); }

    Engine engine() const noexcept { return settings_.engine; }
    const DatabaseSettings& settings() const noexcept { return settings_; }
    const Log& log() const noexcept { return log_; }
    StatementWatch& watch() noexcept { return watch_; }
    PoolFigures figures() const;
    void close();

private:
    using Work = std::function<void(Sql&)>;
    enum class Attempt { done, again };
    Fault faultIn(const Sql& sql, const Poco::Exception& exception) const;

    template <class F, class Run>
    static auto answer(F&& work, Run&& run) {
        using Result = std::invoke_result_t<F&, Sql&>;
        if constexpr (std::is_void_v<Result>) {
            run(Work([&](Sql& sql) { work(sql); }));
        } else {
            std::optional<Result> result;
            run(Work([&](Sql& sql) { result.emplace(work(sql)); }));
            return std::move(*result);
        }
    }
    void runRead(const Work& work);
    void runWrite(const Work& work);
    void runPlain(const Work& work);
    Attempt tryWrite(const Work& work, int attempt);
    void begin(Sql& sql);
    void commit(Sql& sql);
    void rollback(Sql& sql) noexcept;
    Pool& writers() noexcept { return writers_ ? *writers_ : *pool_; }

    const DatabaseSettings settings_;
    const Log log_;
    StatementWatch watch_;
    std::atomic<std::uint64_t> commits_{0};
    std::unique_ptr<Opener> opener_;
    std::unique_ptr<Opener> writerOpener_; // SQLite only
    std::unique_ptr<Pool> pool_;
    std::unique_ptr<Pool> writers_; // SQLite only: the one writer
};

} // namespace pbx::storage
