// One open session as the repositories see it: statements with bound values only, rows as typed tuples.
// Threads: one at a time. Fails with Poco exceptions, which Connections maps to pbx::Error: no caller catches them.
// Every statement is counted and shown to the hook; SQL text is ours, values are always bound.
#pragma once

#include "storage/database.hpp"

#include <Poco/Nullable.h>

#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace Poco::Data {
class Session;
}

namespace pbx::storage {

using Value = std::variant<std::monostate, std::int64_t, std::string>; // monostate: NULL
using Values = std::vector<Value>;

// A row of a SELECT, column by column. Integers come into Int, texts into std::string; a column that may be NULL into
// Maybe<...>.
using Int = std::int64_t;
template <class T>
using Maybe = Poco::Nullable<T>;
template <class... Ts>
struct Row {
    std::tuple<Ts...> columns;
};
template <std::size_t I, class... Ts>
const auto& at(const Row<Ts...>& row) {
    return std::get<I>(row.columns);
}

// Where the rows of a SELECT go. So that POCO's templates, which cost a second of compiling a query, are in one file.
using Cell = std::variant<Int*, std::string*, Maybe<Int>*, Maybe<std::string>*>;
class RowSink {
public:
    virtual ~RowSink() = default;
    virtual std::size_t columns() const noexcept = 0;
    virtual std::span<const Cell> addRow() = 0; // the cells of a new row, to be filled before the next one is asked for
};
template <class R>
class RowsInto;
template <class... Ts>
class RowsInto<Row<Ts...>> final : public RowSink {
public:
    explicit RowsInto(std::vector<Row<Ts...>>& rows) : rows_(rows) {}
    std::size_t columns() const noexcept override { return sizeof...(Ts); }
    std::span<const Cell> addRow() override {
        cells_ = std::apply([](auto&... columns) { return std::array<Cell, sizeof...(Ts)>{Cell(&columns)...}; },
                            rows_.emplace_back().columns);
        return cells_;
    }

private:
    std::vector<Row<Ts...>>& rows_;
    std::array<Cell, sizeof...(Ts)> cells_;
};

template <class Tag>
Value orNull(const std::optional<Id<Tag>>& id) {
    return id ? Value(id->str()) : Value();
}
inline Value orNull(const std::optional<UtcTime>& time) { return time ? Value(epochMicros(*time)) : Value(); }
inline std::optional<UtcTime> timeOf(const Maybe<Int>& value) {
    return value.isNull() ? std::nullopt : std::optional(fromEpochMicros(value.value()));
}
template <class AnyId>
std::optional<AnyId> idOf(const Maybe<std::string>& value) {
    return value.isNull() ? std::nullopt : std::optional(AnyId(value.value()));
}

// What differs between the engines, in one place.
struct Dialect {
    Engine engine;
    // Ends a SELECT whose rows the transaction will change. SQLite's writer holds the whole database already.
    std::string_view forUpdate() const { return engine == Engine::mariadb ? " FOR UPDATE" : ""; }
    // A part of a long text; its one value is the character to begin at, 1 being the first. POCO 1.11 reads a MariaDB
    // LONGTEXT as garbage from freed memory: never SELECT one whole.
    std::string partOf(std::string_view column) const {
        return "CAST(SUBSTR(" + std::string(column) + ", ?, " + std::to_string(partLength) + ") AS " +
               (engine == Engine::mariadb ? "CHAR(" + std::to_string(partLength) + "))" : "TEXT)");
    }
    static constexpr std::int64_t partLength = 16000; // characters
    // Ends an INSERT that is to change the row with this unique key where there is one. `changes` may name the row's
    // own columns by their table, and inserted() ones.
    std::string onDuplicate(std::string_view key, std::string_view changes) const {
        return engine == Engine::mariadb
                   ? " ON DUPLICATE KEY UPDATE " + std::string(changes)
                   : " ON CONFLICT (" + std::string(key) + ") DO UPDATE SET " + std::string(changes);
    }
    std::string inserted(std::string_view column) const {
        return engine == Engine::mariadb ? "VALUES(" + std::string(column) + ")" : "excluded." + std::string(column);
    }
    // "a = <inserted a>, b = <inserted b>"
    std::string takeOver(std::initializer_list<std::string_view> columns) const {
        std::string out;
        for (const auto column : columns)
            out.append(out.empty() ? "" : ", ").append(column).append(" = ").append(inserted(column));
        return out;
    }
    // The database's clock in microseconds since 1970 (SQLite: to the millisecond).
    std::string_view nowMicros() const {
        return engine == Engine::mariadb ? "CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)"
                                         : "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)";
    }
};

// Counts every statement and shows it to the hook.
class StatementWatch;
void watchStatement(StatementWatch& watch, std::string_view sql);

// Statements that a session keeps prepared, by their text. Threads: the session's.
class KeptStatements {
public:
    KeptStatements();
    ~KeptStatements();
    KeptStatements(const KeptStatements&) = delete;
    KeptStatements& operator=(const KeptStatements&) = delete;
    void clear() noexcept; // before the session is closed

private:
    friend class Sql;
    struct One;
    static constexpr std::size_t most = 32; // a statement of more texts than that is not worth it
    std::map<std::string, std::unique_ptr<One>, std::less<>> all_;
};

class Sql {
public:
    // `kept`: where statements may be kept for the next time; none: nowhere.
    Sql(Poco::Data::Session& session, Dialect dialect, StatementWatch& watch, KeptStatements* kept = nullptr)
        : session_(session), dialect_(dialect), watch_(watch), kept_(kept) {}

    const Dialect& dialect() const noexcept { return dialect_; }

    // Answers the number of rows changed. MariaDB does not count a row whose values stay as they were.
    std::size_t execute(const std::string& sql, const Values& values = {});

    template <class R>
    std::vector<R> rows(const std::string& sql, const Values& values = {}) {
        std::vector<R> out;
        RowsInto<R> sink(out);
        select(sql, values, sink);
        return out;
    }

    template <class R>
    std::optional<R> row(const std::string& sql, const Values& values = {}) {
        auto found = rows<R>(sql, values);
        if (found.empty()) return std::nullopt;
        return std::optional<R>(std::move(found.front()));
    }

    // For what every call asks: stays prepared in this session. To prepare it takes MariaDB a round trip and as long
    // again, and SQLite twice as long as to answer. Read to its end it holds no snapshot of SQLite's WAL.
    template <class R>
    std::vector<R> rowsOften(const std::string& sql, const Values& values) {
        std::vector<R> out;
        RowsInto<R> sink(out);
        selectKept(sql, values, sink);
        return out;
    }

    // For results that may be long: `use` gets them in batches, memory stays flat.
    template <class R, class F>
    void each(const std::string& sql, const Values& values, F&& use) {
        std::vector<R> batch;
        RowsInto<R> sink(batch);
        selectInBatches(sql, values, sink, [&] {
            for (const auto& row : batch) use(row);
            batch.clear();
        });
    }

    Poco::Data::Session& session() noexcept { return session_; }
    // Of the statement that failed: POCO tells no number when a result breaks off, and closing it forgets the number.
    int errorNumber() const noexcept { return error_; }

private:
    static constexpr std::size_t batchRows = 1000;

    void select(const std::string& sql, const Values& values, RowSink& sink);
    void selectKept(const std::string& sql, const Values& values, RowSink& sink);
    void selectInBatches(const std::string& sql, const Values& values, RowSink& sink,
                         const std::function<void()>& useBatch);
    template <class F>
    auto noting(F&& work); // the number of the error that `work` may end with

    Poco::Data::Session& session_;
    int error_ = 0;
    Dialect dialect_;
    StatementWatch& watch_;
    KeptStatements* kept_;
};

} // namespace pbx::storage
