#include "storage/database.hpp"

#include "base/error.hpp"
#include "storage/engines.hpp"
#include "storage/migrator.hpp"

namespace pbx::storage {
namespace {

const DatabaseSettings& checked(const DatabaseSettings& settings) {
    checkSettings(settings);
    return settings;
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
        for (const auto& row : sql.rows<Row<std::string, Int>>("SELECT name, number FROM meta WHERE name IN "
                                                               "('access', 'directory')"))
            (at<0>(row) == "access" ? out.access : out.directory) = at<1>(row);
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
