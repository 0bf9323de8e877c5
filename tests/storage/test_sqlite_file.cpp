// The SQLite file beside other programs that open it: pbxctl, a backup, an administrator.
#include "storage_test.hpp"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pbx::test {
namespace {

class SqliteBesideOthers : public StorageTest {
protected:
    void SetUp() override {
        StorageTest::SetUp();
        db->migrate();
    }
    bool migrated() const override { return false; } // the file itself is of interest: not a copy

    // What another process reads.
    std::string elsewhere(const std::string& query) {
        const std::string command = "python3 -c \"import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); "
                                    "print(db.execute(sys.argv[2]).fetchone()[0]); db.close()\" '" +
                                    settings.file + "' \"" + query + '"';
        FILE* pipe = ::popen(command.c_str(), "r");
        std::string out;
        char buffer[256];
        while (pipe && std::fgets(buffer, sizeof buffer, pipe)) out += buffer;
        EXPECT_EQ(0, pipe ? ::pclose(pipe) : -1);
        return out;
    }
};

// Several sessions, so that one was opened after the others held their locks.
TEST_P(SqliteBesideOthers, AnotherProgramThatOpensAndClosesItTakesNothingAway) {
    const auto read = [&] { db->connections().read([](storage::Sql& s) { s.execute("SELECT 1"); }); };
    db->connections().read([&](storage::Sql&) { read(); });
    tenantScope("first");
    for (const std::string name : {"second", "third"}) {
        EXPECT_NE("", elsewhere("SELECT COUNT(*) FROM tenants"));
        EXPECT_TRUE(std::filesystem::exists(settings.file + "-wal")) << "removed below us: what we write is lost";
        tenantScope(name);
        EXPECT_EQ("1\n", elsewhere("SELECT COUNT(*) FROM tenants WHERE name = '" + name + "'"));
    }
    open();
    EXPECT_EQ(3, number("SELECT COUNT(*) FROM tenants"));
}

TEST_P(SqliteBesideOthers, IsMadeForItsOwnerAlone) {
    struct stat made {};
    ASSERT_EQ(0, ::stat(settings.file.c_str(), &made));
    EXPECT_EQ(0600U, made.st_mode & 0777U);
}

// Read to its end, it is no reader any more: else the WAL could never be emptied.
TEST_P(SqliteBesideOthers, AQuestionThatStaysPreparedHoldsNothing) {
    const auto scope = tenantScope("acme");
    const std::string busy = "PRAGMA wal_checkpoint(TRUNCATE)";
    for (const std::string number : {"+12125550100", "+12125550101"}) {
        EXPECT_TRUE(repos->callers.find(scope.tenant(), {number}, clock.now()).blocks.empty());
        repos->blocklist.add(scope, {domain::BlockKind::exact, number, {}, "", ""});
        EXPECT_EQ(1U, repos->callers.find(scope.tenant(), {number}, clock.now()).blocks.size());
        EXPECT_EQ("0\n", elsewhere(busy));
    }
}

INSTANTIATE_TEST_SUITE_P(Engines, SqliteBesideOthers, ::testing::Values(storage::Engine::sqlite), engineName);

} // namespace
} // namespace pbx::test
