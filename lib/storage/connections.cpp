#include "storage/connections.hpp"

#include "base/error.hpp"
#include "storage/engines.hpp"
#include "storage/faults.hpp"
#include "storage/pool.hpp"

#include <Poco/Exception.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>

namespace pbx::storage {
namespace {

constexpr int writeAttempts = 3;
constexpr int deadlockAttempts = 8; // many who change the same rows at once meet again and again

// Gives the session back whatever happens; a session that was not declared good is closed.
class Checkout {
public:
    explicit Checkout(Pool& pool) : pool_(pool), session_(pool.acquire()) {}
    ~Checkout() { pool_.giveBack(std::move(session_), good_); }
    Checkout(const Checkout&) = delete;
    Checkout& operator=(const Checkout&) = delete;

    PooledSession& operator*() noexcept { return *session_; }
    void good() noexcept { good_ = true; }

private:
    Pool& pool_;
    std::unique_ptr<PooledSession> session_;
    bool good_ = false;
};

} // namespace

void watchStatement(StatementWatch& watch, std::string_view sql) { watch.seen(sql); }

Connections::Connections(const DatabaseSettings& settings, Log log) : settings_(settings), log_(std::move(log)) {
    if (settings_.engine == Engine::sqlite) {
        opener_ = sqliteOpener(settings_, SqliteRole::reader, watch_);
        writerOpener_ = sqliteOpener(settings_, SqliteRole::writer, watch_);
        writers_ = std::make_unique<Pool>(*writerOpener_, 1, settings_.acquireTimeout);
    } else {
        opener_ = mariadbOpener(settings_, watch_);
    }
    pool_ = std::make_unique<Pool>(*opener_, settings_.sessions, settings_.acquireTimeout);
}

Connections::~Connections() { close(); }

void Connections::close() {
    pool_->close();
    if (writers_) writers_->close();
}

PoolFigures Connections::figures() const {
    auto sum = pool_->figures();
    if (writers_) {
        const auto more = writers_->figures();
        sum.open += more.open;
        sum.idle += more.idle;
        sum.dropped += more.dropped;
        sum.timeouts += more.timeouts;
    }
    return sum;
}

Fault Connections::faultIn(const Sql& sql, const Poco::Exception& exception) const {
    return faultOf(settings_.engine, exception, sql.errorNumber());
}

void Connections::runRead(const Work& work) {
    for (bool fresh = false;; fresh = true) {
        Checkout checkout(*pool_);
        Sql sql((*checkout).session, {settings_.engine}, watch_, &(*checkout).kept);
        try {
            work(sql);
            checkout.good();
            return;
        } catch (const Poco::Exception& e) {
            const auto fault = faultIn(sql, e);
            // SELECTs only: once more on another session is safe. It died between the check and its use.
            if (fault.kind == FaultKind::lost && (*checkout).used && !fresh) continue;
            if (fault.sessionGood()) checkout.good();
            throwFault(fault);
        } catch (const Error&) {
            checkout.good(); // the repository's own judgement, not the session's fault
            throw;
        }
    }
}

void Connections::runPlain(const Work& work) {
    Checkout checkout(writers());
    Sql sql((*checkout).session, {settings_.engine}, watch_);
    try {
        work(sql);
        checkout.good();
    } catch (const Poco::Exception& e) {
        throwFault(faultIn(sql, e)); // the session may hold half a transaction: not given back
    }
}

void Connections::runWrite(const Work& work) {
    for (int attempt = 1; tryWrite(work, attempt) == Attempt::again; ++attempt) {
        // Not all at the same moment again.
        thread_local std::minstd_rand random(std::random_device{}());
        std::this_thread::sleep_for(std::chrono::milliseconds(std::uniform_int_distribution(0, 2 * attempt)(random)));
    }
}

Connections::Attempt Connections::tryWrite(const Work& work, int attempt) {
    Checkout checkout(writers());
    Sql sql((*checkout).session, {settings_.engine}, watch_);
    enum class Stage { beginning, working, committing } stage = Stage::beginning;
    try {
        begin(sql);
        stage = Stage::working;
        work(sql);
        stage = Stage::committing;
        commit(sql);
        commits_.fetch_add(1, std::memory_order_release);
        checkout.good();
        return Attempt::done;
    } catch (const Poco::Exception& e) {
        const auto fault = faultIn(sql, e);
        if (fault.kind == FaultKind::deadlock) { // rolled back as a whole, even when COMMIT met it
            rollback(sql);
            checkout.good();
            if (attempt < deadlockAttempts) return Attempt::again;
            throwFault(fault);
        }
        if (stage == Stage::beginning && fault.kind == FaultKind::lost && attempt < writeAttempts)
            return Attempt::again;
        if (stage == Stage::committing && !fault.sessionGood() && settings_.engine == Engine::mariadb) {
            commits_.fetch_add(1, std::memory_order_release);
            throw Error(ErrorCode::outcomeUnknown, "the database went away while it was storing this; look before you "
                                                   "try again")
                .because(fault.cause);
        }
        if (fault.sessionGood()) {
            if (stage != Stage::beginning) rollback(sql);
            checkout.good();
        }
        throwFault(fault);
    } catch (const Error&) {
        rollback(sql);
        checkout.good();
        throw;
    }
}

void Connections::begin(Sql& sql) {
    if (settings_.engine == Engine::sqlite) {
        sql.execute("BEGIN IMMEDIATE"); // POCO's begin() is deferred: it fails half way when two write (PROTOCOLS §6)
        return;
    }
    watch_.seen("BEGIN");
    sql.session().begin();
}

void Connections::commit(Sql& sql) {
    if (settings_.engine == Engine::sqlite) {
        sql.execute("COMMIT");
        return;
    }
    watch_.seen("COMMIT");
    sql.session().commit();
}

void Connections::rollback(Sql& sql) noexcept {
    try {
        if (settings_.engine == Engine::sqlite) {
            sql.execute("ROLLBACK");
        } else {
            watch_.seen("ROLLBACK");
            sql.session().rollback();
        }
    } catch (const std::exception& e) {
        // Both engines roll back by themselves when the session ends, and this one will.
        log_.warning("storage.rollback_failed", {{"cause", e.what()}});
    }
}

} // namespace pbx::storage
