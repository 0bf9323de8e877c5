#include "storage/sql.hpp"

#include "base/error.hpp"
#include "base/text.hpp"
#include "storage/engines.hpp"

#include <Poco/Data/AbstractExtraction.h>
#include <Poco/Data/Session.h>
#include <Poco/Data/Statement.h>

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
    explicit RowExtraction(RowSink& sink) : sink_(sink) {}

    std::size_t numOfColumnsHandled() const override { return sink_.columns(); }
    std::size_t numOfRowsHandled() const override { return rows_; }
    std::size_t numOfRowsAllowed() const override { return getLimit(); }
    std::size_t extract(std::size_t position) override {
        auto extractor = getExtractor();
        for (const auto& cell : sink_.addRow())
            std::visit([&](auto* place) { extractOne(*extractor, position++, *place); }, cell);
        ++rows_;
        return 1;
    }
    bool isNull(std::size_t) const override { return false; } // the cells tell
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

    RowSink& sink_;
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
    statement.addExtract(new RowExtraction(sink));
    noting([&] { statement.execute(); });
}

void Sql::selectInBatches(const std::string& sql, const Values& values, RowSink& sink,
                          const std::function<void()>& useBatch) {
    auto statement = prepare(session_, watch_, sql, values);
    statement.addExtract(new RowExtraction(sink)), Poco::Data::Keywords::limit(batchRows);
    while (!statement.done()) {
        noting([&] { statement.execute(); });
        useBatch();
    }
}

} // namespace pbx::storage
