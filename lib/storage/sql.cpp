#include "storage/sql.hpp"

#include "base/error.hpp"
#include "base/text.hpp"
#include "storage/engines.hpp"

#include <Poco/Data/AbstractExtraction.h>
#include <Poco/Data/Session.h>
#include <Poco/Data/Statement.h>

#include <algorithm>
#include <deque>

namespace pbx::storage {
namespace {

// What both engines keep as it is. POCO reads a SQLite text only up to its first NUL; MariaDB refuses other bytes than
// UTF-8 with an error that names nothing.
const std::string& storable(const std::string& text) {
    if (text.find('\0') != std::string::npos || !isUtf8(text))
        throw Error(ErrorCode::invalidArgument, "a text holds a NUL or is not UTF-8");
    return text;
}

// How POCO hands over the rows of a SELECT: each cell straight into its place.
class RowExtraction final : public Poco::Data::AbstractExtraction {
public:
    // `sink` is looked at for each row: a statement that is kept has another one each time.
    explicit RowExtraction(RowSink* const& sink) : sink_(sink) {}

    std::size_t numOfColumnsHandled() const override { return sink_->columns(); }
    std::size_t numOfRowsHandled() const override { return rows_; }
    std::size_t numOfRowsAllowed() const override { return getLimit(); }
    std::size_t extract(std::size_t position) override {
        auto extractor = getExtractor();
        for (const auto& cell : sink_->addRow())
            std::visit([&](auto* place) { extractOne(*extractor, position++, *place); }, cell);
        ++rows_;
        return 1;
    }
    bool isNull(std::size_t) const override { return false; } // the cells tell
    void reset() override { rows_ = 0; }
    // Only engines that we do not have (ODBC) tell the types of the columns beforehand.
    Poco::Data::AbstractPreparation::Ptr createPreparation(Poco::Data::AbstractPreparator::Ptr&, std::size_t) override {
        throw Poco::NotImplementedException("RowExtraction::createPreparation");
    }

private:
    template <class T>
    static void extractOne(Poco::Data::AbstractExtractor& extractor, std::size_t position, T& place) {
        if (!extractor.extract(position, place)) place = T();
    }
    template <class T>
    static void extractOne(Poco::Data::AbstractExtractor& extractor, std::size_t position, Maybe<T>& place) {
        T value{};
        if (extractor.extract(position, value))
            place = std::move(value);
        else
            place.clear();
    }

    RowSink* const& sink_;
    std::size_t rows_ = 0;
};

// Every statement is counted; every value is bound.
Poco::Data::Statement prepare(Poco::Data::Session& session, StatementWatch& watch, const std::string& sql,
                              const Values& values) {
    watchStatement(watch, sql);
    Poco::Data::Statement statement(session);
    // Appended as a whole: POCO's operator<< would take printf-like placeholders only with arguments; there are none.
    statement << sql;
    for (const auto& value : values) {
        if (const auto* number = std::get_if<std::int64_t>(&value))
            statement.bind(static_cast<Int>(*number));
        else if (const auto* text = std::get_if<std::string>(&value))
            statement.bind(storable(*text));
        else
            statement.bind(Maybe<std::string>());
    }
    return statement;
}

} // namespace

// POCO binds it to places that stay: a next time only what lies there is new.
struct KeptStatements::One {
    One(Poco::Data::Session& session, const std::string& sql, const Values& values) : statement(session) {
        statement << sql;
        for (const auto& value : values) {
            if (std::holds_alternative<std::int64_t>(value))
                statement.addBind(Poco::Data::Keywords::use(numbers.emplace_back()));
            else
                statement.addBind(Poco::Data::Keywords::use(texts.emplace_back()));
        }
        statement.addExtract(new RowExtraction(sink));
    }
    // False: these are of other types.
    bool take(const Values& values) {
        auto number = numbers.begin();
        auto text = texts.begin();
        for (const auto& value : values) {
            if (const auto* whole = std::get_if<std::int64_t>(&value); whole && number != numbers.end())
                *number++ = *whole;
            else if (const auto* words = std::get_if<std::string>(&value); words && text != texts.end())
                *text++ = storable(*words);
            else
                return false;
        }
        return true;
    }

    std::deque<Int> numbers; // in the order of the statement, each kind by itself
    std::deque<std::string> texts;
    RowSink* sink = nullptr;
    Poco::Data::Statement statement;
};

KeptStatements::KeptStatements() = default;
KeptStatements::~KeptStatements() = default;
void KeptStatements::clear() noexcept { all_.clear(); }

template <class F>
auto Sql::noting(F&& work) {
    try {
        return work();
    } catch (const Poco::Exception&) {
        error_ = storage::errorNumber(session_);
        throw;
    }
}

std::size_t Sql::execute(const std::string& sql, const Values& values) {
    auto statement = prepare(session_, watch_, sql, values);
    return noting([&] { return statement.execute(); });
}

void Sql::select(const std::string& sql, const Values& values, RowSink& sink) {
    auto statement = prepare(session_, watch_, sql, values);
    RowSink* const place = &sink;
    statement.addExtract(new RowExtraction(place));
    noting([&] { statement.execute(); });
}

void Sql::selectKept(const std::string& sql, const Values& values, RowSink& sink) {
    const auto isNull = [](const Value& value) { return std::holds_alternative<std::monostate>(value); };
    const bool keep = kept_ && std::ranges::none_of(values, isNull) &&
                      (kept_->all_.size() < KeptStatements::most || kept_->all_.contains(sql));
    if (!keep) return select(sql, values, sink);
    watchStatement(watch_, sql);
    auto& one = kept_->all_[sql];
    try {
        if (!one) one = std::make_unique<KeptStatements::One>(session_, sql, values);
        if (!one->take(values)) throw Error(ErrorCode::internal, "a kept statement is used with other types");
        one->sink = &sink;
        noting([&] { one->statement.execute(); });
    } catch (...) { // whatever state it is in: prepared anew the next time
        kept_->all_.erase(sql);
        throw;
    }
}

void Sql::selectInBatches(const std::string& sql, const Values& values, RowSink& sink,
                          const std::function<void()>& useBatch) {
    auto statement = prepare(session_, watch_, sql, values);
    RowSink* const place = &sink;
    statement.addExtract(new RowExtraction(place)), Poco::Data::Keywords::limit(batchRows);
    while (!statement.done()) {
        noting([&] { statement.execute(); });
        useBatch();
    }
}

} // namespace pbx::storage
