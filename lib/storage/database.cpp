#include "storage/database.hpp"

#include "base/error.hpp"
#include "storage/engines.hpp"
#include "storage/migrator.hpp"
#include "storage/repository.hpp"

#include <algorithm>
#include <charconv>

namespace pbx::storage {
namespace {

const DatabaseSettings& checked(const DatabaseSettings& settings) {
    checkSettings(settings);
    return settings;
}

// What tellChangedUser() wrote: "12:u_... 11:u_..."
std::vector<std::pair<std::int64_t, UserId>> changedUsersIn(const std::string& text) {
    std::vector<std::pair<std::int64_t, UserId>> out;
    for (const auto& word : splitWords(text)) {
        const auto colon = word.find(':');
        std::int64_t number = 0;
        const auto* end = word.data() + std::min(colon, word.size());
        if (colon == std::string::npos || std::from_chars(word.data(), end, number).ptr != end) break;
        out.emplace_back(number, word.substr(colon + 1));
    }
    return out;
}

} // namespace

Database::Database(const DatabaseSettings& settings, const Log& log, const Clock& clock)
    : clock_(clock), connections_(std::make_unique<Connections>(checked(settings), log)) {}

Database::~Database() = default;

Engine Database::engine() const noexcept { return connections_->engine(); }

SchemaStatus Database::schemaStatus() { return Migrator(*connections_, embeddedMigrations(engine())).status(); }

int Database::migrate() { return Migrator(*connections_, embeddedMigrations(engine())).run(); }

void Database::requireSchema() {
    if (engine() == Engine::sqlite) {
        migrate();
        return;
    }
    const auto status = schemaStatus();
    refuseForeignSchema(status);
    if (!status.current())
        throw Error(ErrorCode::unsupported, "the database schema is older than this program: run `pbxctl db migrate`");
}

void Database::ping() {
    connections_->read([](Sql& sql) { sql.row<Row<Int>>("SELECT 1"); });
}

Versions Database::versions() {
    return connections_->read([](Sql& sql) {
        Versions out;
        for (const auto& row : sql.rows<Row<std::string, Int, std::string>>(
                 "SELECT name, number, text FROM meta WHERE name IN ('access', 'directory')")) {
            (at<0>(row) == "access" ? out.access : out.directory) = at<1>(row);
            if (at<0>(row) == "access") out.changedUsers = changedUsersIn(at<2>(row));
        }
        return out;
    });
}

PoolFigures Database::figures() const { return connections_->figures(); }

std::uint64_t Database::statements() const noexcept { return connections_->watch().count(); }

void Database::onStatement(std::function<void(std::string_view sql)> hook) {
    connections_->watch().setHook(std::move(hook));
}

void Database::close() { connections_->close(); }

} // namespace pbx::storage
