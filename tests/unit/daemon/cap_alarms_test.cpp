// What is told of a cap while a call waits for its answer.
#include "daemon/cap_alarms.hpp"
#include "storage_test.hpp"

namespace pbx::daemon {
namespace {

using namespace std::chrono_literals;
using pbx::test::codeOf;

class CapAlarmsOf : public pbx::test::StorageTest {
protected:
    void SetUp() override {
        StorageTest::SetUp();
        if (!db) return;
        audit = std::make_unique<access::AuditWriter>(*db, clock);
        alarms = std::make_unique<CapAlarms>(*audit, clock, Log::none(),
                                             [this](const storage::CapAlarm& alarm) { observed = alarm.percent; });
    }
    void tell(int used = 5) {
        alarms->tell(TenantId("t_1"), "phone +12125550111",
                     {storage::OutboundCap::number, "+16465550100", used * 10, used, 10});
    }
    std::vector<domain::AuditEntry> rows() { return repos->audit.list(domain::Scope(TenantId("t_1")), {}).items; }

    std::unique_ptr<access::AuditWriter> audit;
    std::unique_ptr<CapAlarms> alarms;
    int observed = 0;
};

// The call waits for at most 1.5 s, and its attempt is counted already.
TEST_P(CapAlarmsOf, WhoTellsDoesNotAskTheDatabase) {
    const auto before = db->statements();
    const auto at = clock.now();
    tell();
    EXPECT_EQ(before, db->statements());
    EXPECT_EQ(50, observed);
    clock.advance(1s);
    alarms->write();
    ASSERT_EQ(1U, rows().size());
    const auto row = rows()[0];
    EXPECT_EQ("outbound.cap", row.operation);
    EXPECT_EQ("phone +12125550111", row.login);
    EXPECT_EQ("+16465550100", row.target);
    EXPECT_EQ("{\"cap\":\"number\",\"used\":5,\"limit\":10}", row.parameters);
    EXPECT_EQ("50 %", row.outcome);
    EXPECT_EQ(at, row.at); // when it was, not when it was written
    alarms->write();
    EXPECT_EQ(1U, rows().size());
}

TEST_P(CapAlarmsOf, ADatabaseThatIsAwayGetsItsRowsLater) {
    bool away = true;
    db->onStatement([&](std::string_view) {
        if (away) throw Error(ErrorCode::unavailable, "away");
    });
    tell(5);
    tell(8);
    EXPECT_EQ(ErrorCode::unavailable, codeOf([&] { alarms->write(); }));
    away = false;
    alarms->write();
    ASSERT_EQ(2U, rows().size());
    EXPECT_EQ("80 %", rows()[0].outcome);
    EXPECT_EQ("50 %", rows()[1].outcome);
}

TEST_P(CapAlarmsOf, NoMoreThanAThousandWaitAndTheEndWritesThem) {
    for (int i = 0; i < 1005; ++i) tell();
    alarms->drain();
    EXPECT_EQ(1000, number("SELECT COUNT(*) FROM audit_log"));
    tell();
    db->close();
    alarms->drain(); // says so in the log and comes back
    EXPECT_EQ(std::nullopt, codeOf([&] { alarms->write(); })) << "nothing waits any more";
}

PBX_ON_BOTH(CapAlarmsOf);

} // namespace
} // namespace pbx::daemon
