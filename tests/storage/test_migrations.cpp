#include "storage_test.hpp"

#include "storage/migrator.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

namespace pbx::test {
namespace {

using namespace pbx::storage;

class Migrations : public StorageTest {
protected:
    bool migrated() const override { return false; }

    std::string frozen() const {
        std::ifstream in(std::string(PBX_SOURCE_DIR) + "/tests/storage/fixtures/" +
                         (onMariadb() ? "mariadb" : "sqlite") + "_0001.sql");
        std::ostringstream text;
        text << in.rdbuf();
        return text.str();
    }
    // How many migrations this engine has.
    int files() const {
        const std::filesystem::directory_iterator all(std::string(PBX_SOURCE_DIR) + "/sql/" +
                                                      (onMariadb() ? "mariadb" : "sqlite"));
        return static_cast<int>(std::distance(begin(all), end(all)));
    }
    // The whole schema as text, without what an engine may order at will.
    std::string schema() {
        const auto query =
            onMariadb() ? "SELECT CONCAT_WS('|', 'column', table_name, column_name, column_type, is_nullable, "
                          "collation_name) AS line FROM information_schema.columns WHERE table_schema = DATABASE() "
                          "UNION SELECT CONCAT_WS('|', 'index', table_name, index_name, seq_in_index, column_name, "
                          "non_unique) FROM information_schema.statistics WHERE table_schema = DATABASE() "
                          "UNION SELECT CONCAT_WS('|', 'key', table_name, column_name, referenced_table_name, "
                          "referenced_column_name) FROM information_schema.key_column_usage WHERE table_schema = "
                          "DATABASE() ORDER BY line"
                        : "SELECT type || '|' || name || '|' || COALESCE(sql, '') FROM sqlite_master ORDER BY "
                          "type, name";
        std::string out;
        db->connections().read([&](Sql& s) {
            for (const auto& row : s.rows<Row<std::string>>(query)) out += at<0>(row) + "\n";
        });
        return out;
    }
};

TEST_P(Migrations, AFreshDatabaseIsCurrentAfterwardsAndASecondRunDoesNothing) {
    EXPECT_FALSE(db->schemaStatus().current());
    ASSERT_EQ(files(), static_cast<int>(db->schemaStatus().migrations.size()));
    EXPECT_EQ(MigrationState::pending, db->schemaStatus().migrations[0].state);
    EXPECT_EQ("core", db->schemaStatus().migrations[0].name);
    EXPECT_EQ(files(), db->migrate());
    EXPECT_TRUE(db->schemaStatus().current());
    EXPECT_EQ(0, db->migrate());
}

TEST_P(Migrations, ADaemonMigratesSqliteItselfAndAsksForTheCommandOnMariadb) {
    if (onMariadb()) {
        EXPECT_EQ(ErrorCode::unsupported, codeOf([&] { db->requireSchema(); }));
        db->migrate();
    }
    db->requireSchema();
    EXPECT_TRUE(db->schemaStatus().current());
}

TEST_P(Migrations, TheOldestSchemaUpgradedEqualsAFreshOneAndKeepsItsRows) {
    const auto text = frozen();
    ASSERT_GT(text.size(), 1000U);
    const Migration oldest{1, "core", text};
    ASSERT_EQ(1, Migrator(db->connections(), {&oldest, 1}).run());
    sql("INSERT INTO tenants (id, name, title, country, time_zone, languages, created_at) VALUES ('t_1', 'viatalk', "
        "'ViaTalk', 'US', 'America/New_York', 'en es', 7)");
    // The frozen text is still what sql/ has: a migration that ran anywhere is never changed.
    EXPECT_EQ(files() - 1, db->migrate());
    EXPECT_TRUE(db->schemaStatus().current());
    const auto upgraded = schema();
    EXPECT_EQ((std::vector<std::string>{"en", "es"}), repos->tenants.get("viatalk").languages);

    settings = freshSettings();
    open();
    db->migrate();
    EXPECT_EQ(schema(), upgraded);
    EXPECT_NE(std::string::npos, upgraded.find("idempotency_keys"));
    EXPECT_NE(std::string::npos, upgraded.find("uq_dids_number"));
    EXPECT_NE(std::string::npos, upgraded.find("uq_trunks_name"));
}

TEST_P(Migrations, BrokenOffAfterAnyStatementItGoesOnAndEndsTheSame) {
    db->migrate();
    const auto whole = schema();
    const auto rows = number("SELECT COUNT(*) FROM meta");
    struct PowerCut {};
    bool finished = false;
    for (int cut = 3; !finished; cut += 7) {
        settings = freshSettings();
        open();
        int seen = 0;
        db->onStatement([&](std::string_view) {
            if (++seen == cut) throw PowerCut{};
        });
        try {
            db->migrate();
            finished = true; // it has fewer statements than `cut`
        } catch (const PowerCut&) {
            EXPECT_GE(seen, cut);
        }
        open();
        db->migrate();
        EXPECT_TRUE(db->schemaStatus().current()) << "cut at statement " << cut;
        EXPECT_EQ(whole, schema()) << "cut at statement " << cut;
        EXPECT_EQ(rows, number("SELECT COUNT(*) FROM meta")) << "cut at statement " << cut;
    }
}

TEST_P(Migrations, ASchemaOfANewerProgramIsRefused) {
    db->migrate();
    sql("INSERT INTO schema_migrations (version, name, checksum, state, steps) VALUES (9999, 'later', 'x', 'done', 1)");
    EXPECT_EQ(MigrationState::unknown, db->schemaStatus().migrations.back().state);
    EXPECT_EQ(ErrorCode::unsupported, codeOf([&] { db->migrate(); }));
    EXPECT_EQ(ErrorCode::unsupported, codeOf([&] { db->requireSchema(); }));
}

TEST_P(Migrations, AChangedMigrationIsRefused) {
    db->migrate();
    sql("UPDATE schema_migrations SET checksum = 'other' WHERE version = 1");
    EXPECT_EQ(ErrorCode::conflict, codeOf([&] { db->migrate(); }));
    EXPECT_NE(std::string::npos, textOf([&] { db->requireSchema(); }).find("1 (core)"));
}

TEST_P(Migrations, TwoMigrateAtOnceAndItHappensOnce) {
    std::atomic<int> ran{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&] {
            Database own(settings, Log::none(), clock);
            ran += own.migrate();
        });
    for (auto& thread : threads) thread.join();
    EXPECT_TRUE(db->schemaStatus().current());
    EXPECT_EQ(files(), number("SELECT COUNT(*) FROM schema_migrations"));
    if (onMariadb()) {
        EXPECT_EQ(files(), ran);
    } // SQLite counts what it found pending, each is still done once
}

TEST(MigrationText, StatementsEndAtALinesEndAndCommentsAreLeftOut) {
    EXPECT_EQ(
        (std::vector<std::string>{"CREATE TABLE a (\n  b TEXT -- kept\n)", "INSERT INTO a VALUES ('x;y')", "C"}),
        statementsOf("-- a comment;\nCREATE TABLE a (\n  b TEXT -- kept\n);\n\nINSERT INTO a VALUES ('x;y');  \nC"));
}

PBX_ON_BOTH(Migrations);

} // namespace
} // namespace pbx::test
