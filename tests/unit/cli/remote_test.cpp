#include "support.hpp"

#include "base/error.hpp"
#include "cli/text.hpp"
#include "ops/catalogue/access.hpp"
#include "ops/catalogue/directory.hpp"
#include "ops/catalogue/live.hpp"
#include "tests/unit/base/temp_dir.hpp"

#include <gmock/gmock.h>

namespace pbx::cli::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// The struct that a methodCall carries, as text.
std::string memberOf(const SeenRequest& request) {
    const auto start = request.body.find("<struct>") + 8;
    return request.body.substr(start, request.body.find("</struct>") - start);
}
std::string methodOf(const SeenRequest& request) {
    const auto start = request.body.find("<methodName>") + 12;
    return request.body.substr(start, request.body.find("</methodName>") - start);
}
std::string text(const std::string& name, const std::string& value) {
    return "<member><name>" + name + "</name><value><string>" + value + "</string></value></member>";
}
std::string whole(const std::string& name, int value) {
    return "<member><name>" + name + "</name><value><int>" + std::to_string(value) + "</int></value></member>";
}

ops::QueueRow queueRow(const std::string& name, const std::string& title) {
    ops::QueueRow row;
    row.id = "q-" + name;
    row.name = name;
    row.title = title;
    row.server = "main";
    row.asteriskName = "viatalk-" + name;
    row.wrapupSeconds = 10;
    row.onAsterisk = true;
    return row;
}

ops::QueuePage queuePage(std::vector<ops::QueueRow> rows, std::optional<std::string> next = {}) {
    ops::QueuePage page;
    page.items = std::move(rows);
    page.next = std::move(next);
    return page;
}

TEST(Remote, ListSendsOneStructAndPrintsARowAnItem) {
    FakePbxd pbxd;
    pbxd.answer = [](const ops::Operation&, const ops::Value&, const ops::CommonParams&) -> ops::Outcome {
        return ops::Value::of(queuePage({queueRow("support", "Support")}));
    };
    const auto done = runCli({"queue", "list"}, at(pbxd));
    EXPECT_EQ(done.code, 0) << done.err;
    EXPECT_EQ(done.err, "");
    EXPECT_EQ(done.out, "q-support\tsupport\tSupport\tmain\tviatalk-support\t\t10\tyes\t\t1970-01-01T00:00:00Z\n");
    ASSERT_EQ(pbxd.requests().size(), 1U);
    const auto request = pbxd.requests().front();
    EXPECT_EQ(request.path, "/RPC2");
    EXPECT_EQ(request.authorization, "Bearer pbx_test-token");
    EXPECT_EQ(methodOf(request), "queue.list");
    EXPECT_EQ(memberOf(request), whole("limit", 500));
}

struct Line {
    std::vector<std::string> arguments;
    std::string method, members;
};

// Each command line and the exact struct that it must send.
TEST(Remote, CommandLinesBecomeTheseRequests) {
    const std::vector<Line> lines{
        {{"queue", "status", "support"}, "queue.status", text("id", "support")},
        {{"--tenant", "viatalk", "queue", "status", "support"},
         "queue.status",
         text("id", "support") + text("tenant", "viatalk")},
        {{"queue", "status", "--tenant=viatalk", "support"},
         "queue.status",
         text("id", "support") + text("tenant", "viatalk")},
        {{"agent", "create", "--name", "alice", "--title", "Alice <A&B>", "--interface", "PJSIP/viatalk-101"},
         "agent.create",
         text("name", "alice") + text("title", "Alice &lt;A&amp;B&gt;") + text("interface", "PJSIP/viatalk-101")},
        {{"event", "poll", "--wait-seconds", "10", "--limit", "5"},
         "event.poll",
         whole("limit", 5) + whole("wait_seconds", 10)},
        {{"queue", "update", "support", "--department", "", "--wrapup-seconds", "0", "--idempotency-key", "k1"},
         "queue.update",
         text("id", "support") + text("department", "") + whole("wrapup_seconds", 0) + text("idempotency_key", "k1")},
        {{"user", "update", "bob", "--disabled", "yes", "--role", "supervisor"},
         "user.update",
         text("id", "bob") + text("role", "supervisor") +
             "<member><name>disabled</name><value><boolean>1</boolean></value></member>"},
        {{"token", "create", "--name", "wallboard", "--operations", "queue.*", "--operations", "event.poll"},
         "token.create",
         text("name", "wallboard") +
             "<member><name>operations</name><value><array><data><value><string>queue.*</string></value>"
             "<value><string>event.poll</string></value></data></array></value></member>"},
        {{"system", "whoami"}, "system.whoami", ""},
    };
    for (const auto& line : lines) {
        FakePbxd pbxd;
        const auto done = runCli(line.arguments, at(pbxd));
        EXPECT_EQ(done.code, 0) << done.err;
        ASSERT_EQ(pbxd.requests().size(), 1U) << line.method;
        EXPECT_EQ(methodOf(pbxd.requests().front()), line.method);
        EXPECT_EQ(memberOf(pbxd.requests().front()), line.members) << line.method;
    }
}

TEST(Remote, AListThatIsNotGivenStaysAndAnEmptyOneIsSent) {
    FakePbxd pbxd;
    EXPECT_EQ(runCli({"user", "update", "bob", "--disabled", "no"}, at(pbxd)).code, 0);
    EXPECT_EQ(runCli({"user", "update", "bob", "--departments", ""}, at(pbxd)).code, 0);
    const auto requests = pbxd.requests();
    ASSERT_EQ(requests.size(), 2U);
    EXPECT_EQ(memberOf(requests[0]),
              text("id", "bob") + "<member><name>disabled</name><value><boolean>0</boolean></value></member>");
    EXPECT_EQ(memberOf(requests[1]),
              text("id", "bob") +
                  "<member><name>departments</name><value><array><data></data></array></value></member>");
}

TEST(Remote, WrongValuesAreRefusedHereAndNothingIsSent) {
    FakePbxd pbxd;
    const auto refused = [&](const std::vector<std::string>& arguments) {
        const auto done = runCli(arguments, at(pbxd));
        EXPECT_EQ(done.code, 2) << done.err;
        EXPECT_EQ(done.out, "");
        return done.err;
    };
    EXPECT_THAT(refused({"event", "poll", "--wait-seconds", "31"}), HasSubstr("--wait-seconds: must be from 0 to 30"));
    EXPECT_THAT(refused({"event", "poll", "--wait-seconds", "x"}), HasSubstr("--wait-seconds: must be a whole number"));
    EXPECT_THAT(refused({"queue", "create", "--name", "Bad Name", "--title", "x"}),
                HasSubstr("--name: must be a slug"));
    EXPECT_THAT(refused({"queue", "create", "--name", "x"}), HasSubstr("--title is missing"));
    EXPECT_THAT(refused({"queue", "status"}), HasSubstr("NAME|ID is missing"));
    EXPECT_THAT(refused({"queue", "status", "a", "b"}), HasSubstr("\"b\" is one word too many"));
    EXPECT_THAT(refused({"queue", "status", "a\nb"}), HasSubstr("NAME|ID: must not hold control characters"));
    EXPECT_THAT(refused({"user", "update", "bob", "--disabled", "maybe"}), HasSubstr("--disabled: must be yes or no"));
    EXPECT_THAT(refused({"user", "update", "bob", "--role", "king"}),
                HasSubstr("--role: must be one of viewer, agent"));
    EXPECT_THAT(refused({"queue", "list", "--limit", "0"}), HasSubstr("--limit: must be 1 or more"));
    EXPECT_THAT(refused({"queue", "list", "--tenant", "a b"}), HasSubstr("--tenant: must be an object's id or name"));
    EXPECT_THAT(refused({"queue", "list", "--nonsense"}), HasSubstr("there is no option --nonsense"));
    EXPECT_THAT(refused({"queue", "lisst"}), HasSubstr("did you mean \"list\"?"));
    EXPECT_THAT(refused({"qeue", "list"}), HasSubstr("did you mean \"queue\"?"));
    EXPECT_TRUE(pbxd.requests().empty());
}

TEST(Remote, ListsFollowTheirPagesUpToTheLimit) {
    FakePbxd pbxd;
    pbxd.answer = [](const ops::Operation&, const ops::Value& params, const ops::CommonParams&) -> ops::Outcome {
        const auto& asked = params.as<ops::QueueListParams>();
        const int start = asked.after ? std::stoi(*asked.after) : 0;
        std::vector<ops::QueueRow> rows;
        for (int i = start; i < std::min(start + asked.limit.value_or(100), 1200); ++i)
            rows.push_back(queueRow("q" + std::to_string(i), "Queue"));
        const auto end = start + static_cast<int>(rows.size());
        return ops::Value::of(
            queuePage(std::move(rows), end < 1200 ? std::optional(std::to_string(end)) : std::nullopt));
    };
    const auto lines = [](const std::string& out) { return std::count(out.begin(), out.end(), '\n'); };
    const auto some = runCli({"queue", "list"}, at(pbxd));
    EXPECT_EQ(lines(some.out), 1000);
    EXPECT_THAT(some.err, HasSubstr("more than these 1000 items; --all lists them"));
    const auto all = runCli({"queue", "list", "--all"}, at(pbxd));
    EXPECT_EQ(lines(all.out), 1200);
    EXPECT_EQ(all.err, "");
    const auto few = runCli({"queue", "list", "--limit", "3"}, at(pbxd));
    EXPECT_EQ(lines(few.out), 3);
    EXPECT_EQ(few.err, "") << "it was asked for";
    const auto requests = pbxd.requests();
    ASSERT_EQ(requests.size(), 2U + 3U + 1U);
    EXPECT_EQ(memberOf(requests[1]), text("after", "500") + whole("limit", 500));
    EXPECT_EQ(memberOf(requests[5]), whole("limit", 3));
}

TEST(Remote, JsonIsWhatTheJsonFaceAnswers) {
    FakePbxd pbxd;
    pbxd.answer = [](const ops::Operation& operation, const ops::Value&, const ops::CommonParams&) -> ops::Outcome {
        if (operation.name == "department.get") {
            ops::DepartmentRow row;
            row.id = "d1";
            row.name = "sales";
            row.title = "Sales \"East\"";
            row.queues = 2;
            row.agents = 7;
            return ops::Value::of(std::move(row));
        }
        ops::DepartmentPage page;
        page.items.push_back({"d1", "sales", "Sales", 2, 7, {}});
        page.stale = false;
        return ops::Value::of(std::move(page));
    };
    EXPECT_EQ(runCli({"department", "get", "sales", "--output", "json"}, at(pbxd)).out,
              "{\"id\":\"d1\",\"name\":\"sales\",\"title\":\"Sales \\\"East\\\"\",\"queues\":2,\"agents\":7,"
              "\"created_at\":\"1970-01-01T00:00:00Z\"}\n");
    EXPECT_EQ(runCli({"department", "list", "--output", "json"}, at(pbxd)).out,
              "{\"items\":[{\"id\":\"d1\",\"name\":\"sales\",\"title\":\"Sales\",\"queues\":2,\"agents\":7,"
              "\"created_at\":\"1970-01-01T00:00:00Z\"}],\"as_of\":\"1970-01-01T00:00:00Z\",\"stale\":false}\n");
}

// Callers choose their names; what they choose must do nothing on a terminal or in a spreadsheet.
TEST(Remote, HostileNamesAreHarmless) {
    FakePbxd pbxd;
    pbxd.answer = [](const ops::Operation&, const ops::Value&, const ops::CommonParams&) -> ops::Outcome {
        ops::CallPage page;
        ops::CallRow row;
        row.id = "c1";
        row.number = "+15550100";
        row.name = "=cmd|' /C calc'!A0";
        page.items.push_back(row);
        row.id = "c2";
        row.number = "-2";
        row.name = "\xC2\x9B"
                   "31m\xE2\x80\xAE"
                   "evil, \"x\"";
        page.items.push_back(row);
        return ops::Value::of(std::move(page));
    };
    auto terminal = at(pbxd);
    terminal.terminal = true;
    terminal.columns = 200;
    for (const auto* form : {"table", "csv", "json"}) {
        const auto shown = runCli({"call", "list", "--output", form}, terminal).out;
        EXPECT_THAT(shown, HasSubstr("\\u009b31m\\u202eevil")) << form;
        EXPECT_EQ(shown.find('\xC2'), std::string::npos) << form;
        EXPECT_EQ(shown.find('\x1b'), std::string::npos) << form;
    }
    const auto csv = runCli({"call", "list", "--output", "csv"}, at(pbxd)).out;
    EXPECT_THAT(csv, HasSubstr(",'+15550100,'=cmd|' /C calc'!A0,"));
    EXPECT_THAT(csv, HasSubstr(",'-2,\"\xC2\x9B"
                               "31m\xE2\x80\xAE"
                               "evil, \"\"x\"\"\","));
    EXPECT_THAT(csv, ::testing::StartsWith("id,server,state,number,name,queue,agent,started_at,answered_at,"
                                           "duration_seconds\r\n"));
}

TEST(Remote, ATerminalGetsHeadingsAndItsWidth) {
    FakePbxd pbxd;
    pbxd.answer = [](const ops::Operation&, const ops::Value&, const ops::CommonParams&) -> ops::Outcome {
        return ops::Value::of(
            queuePage({queueRow("support", "日本語のサポート窓口 with a very long title that does not fit"),
                       queueRow("x", "X")}));
    };
    auto terminal = at(pbxd);
    terminal.terminal = true;
    terminal.columns = 200;
    EXPECT_THAT(runCli({"queue", "list"}, terminal).out, ::testing::StartsWith("ID         NAME"));
    terminal.columns = 100;
    const auto done = runCli({"queue", "list"}, terminal);
    std::istringstream lines(done.out);
    std::string line;
    std::vector<std::string> all;
    while (std::getline(lines, line)) all.push_back(line);
    ASSERT_EQ(all.size(), 3U);
    EXPECT_THAT(all[0], ::testing::StartsWith("NAME")) << "the id goes first";
    EXPECT_THAT(all[0], HasSubstr("ON ASTERISK"));
    EXPECT_THAT(all[0], Not(HasSubstr("DEPARTMENT"))) << "no queue has one";
    EXPECT_THAT(all[1], HasSubstr("…"));
    for (const auto& one : all) EXPECT_LE(displayWidth(one), 100U) << one;
    terminal.colours = true;
    EXPECT_THAT(runCli({"queue", "list"}, terminal).out, ::testing::StartsWith("\x1b[1mNAME"));
    terminal.colours = false;
    terminal.columns = 30; // too narrow for columns: a line a value
    EXPECT_THAT(runCli({"queue", "list"}, terminal).out,
                ::testing::StartsWith("ID             q-support\nNAME           support\n"));
}

TEST(Remote, ANameIsNotCutAndACallsIdIsKept) {
    FakePbxd pbxd;
    auto terminal = at(pbxd);
    terminal.terminal = true;
    pbxd.answer = [](const ops::Operation& operation, const ops::Value&, const ops::CommonParams&) -> ops::Outcome {
        if (operation.name == "call.list") {
            ops::CallPage page;
            ops::CallRow row;
            row.id = "main-1763934273.1042";
            row.server = "main";
            row.number = "+15550100";
            row.name = "A caller with quite a long name";
            page.items.push_back(row);
            return ops::Value::of(std::move(page));
        }
        ops::AgentPage page;
        ops::AgentRow row;
        row.id = "01JD9Y4Q7T0R5V8W";
        row.name = "alice-moreno-west";
        row.title = "Alice Moreno";
        row.server = "main";
        row.interface = "PJSIP/viatalk-101";
        row.department = "customer-care";
        page.items.push_back(row);
        return ops::Value::of(std::move(page));
    };
    const auto agents = runCli({"agent", "list"}, terminal).out;
    EXPECT_THAT(agents, ::testing::StartsWith("NAME"));
    EXPECT_THAT(agents, HasSubstr("\nalice-moreno-west  "));
    EXPECT_THAT(agents, Not(HasSubstr("01JD9Y4Q7T0R5V8W")));
    std::istringstream lines(agents);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(displayWidth(line), 80U) << line;
    terminal.columns = 60;
    EXPECT_THAT(runCli({"call", "list"}, terminal).out, HasSubstr("main-1763934273.1042"))
        << "its name is the caller's: only the id tells it";
}

ops::QueueStatusResult queueStatus() {
    ops::QueueStatusResult status;
    status.id = "q1";
    status.name = "support";
    status.title = "Support, all";
    status.server = "main";
    status.asteriskName = "viatalk-support";
    status.counts.waiting = 0;
    status.counts.members = 2;
    ops::QueueMember alice;
    alice.agent = "alice";
    alice.memberName = "Alice Moreno";
    alice.interface = "PJSIP/viatalk-101";
    alice.state = ops::MemberState::in_call;
    alice.deviceStatus = 2;
    alice.callsTaken = 7;
    alice.callId = "main-1763934273.1042";
    alice.talkingTo = "+15550100";
    alice.inCallSince = UtcTime{};
    alice.lastCallAt = UtcTime{};
    ops::QueueMember other;
    other.memberName = "Desk 9";
    other.interface = "PJSIP/viatalk-109";
    other.state = ops::MemberState::paused;
    other.deviceStatus = 1;
    other.penalty = 3;
    other.paused = true;
    other.pausedReason = "lunch";
    other.pausedSince = UtcTime{};
    other.wrapupUntil = UtcTime{};
    status.members = {alice, other};
    return status;
}

TEST(Remote, MembersAreATableAtEightyColumns) {
    FakePbxd pbxd;
    pbxd.answer = [](const ops::Operation&, const ops::Value&, const ops::CommonParams&) -> ops::Outcome {
        return ops::Value::of(queueStatus());
    };
    auto terminal = at(pbxd);
    terminal.terminal = true;
    const auto shown = runCli({"queue", "status", "support"}, terminal).out;
    EXPECT_THAT(shown, ::testing::ContainsRegex(
                           "MEMBER +STATE +PENALTY +PAUSED +CALLS +WITH +SINCE\n"
                           "alice +in_call +0 +7 +\\+15550100 +19[67][0-9]-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}\n"
                           "Desk 9 +paused +3 +lunch +0 +19[67][0-9]-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}\n"));
    std::istringstream lines(shown);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(displayWidth(line), 80U) << line;
    terminal.columns = 300;
    EXPECT_THAT(runCli({"queue", "status", "support"}, terminal).out, HasSubstr("INTERFACE")) << "room for all";
}

TEST(Remote, AnObjectAsCsvIsATableAndOneAList) {
    FakePbxd pbxd;
    pbxd.answer = [](const ops::Operation&, const ops::Value&, const ops::CommonParams&) -> ops::Outcome {
        return ops::Value::of(queueStatus());
    };
    const auto csv = runCli({"queue", "status", "support", "--output", "csv"}, at(pbxd)).out;
    EXPECT_EQ(csv,
              "id,name,title,server,asterisk_name,department,strategy,max_length,weight,service_level_seconds,"
              "counts.waiting,counts.longest_wait_seconds,counts.members,counts.free,counts.ringing,"
              "counts.in_call,counts.wrapup,counts.paused,counts.unavailable,counts.callbacks,"
              "counts.longest_callback_seconds,as_of,stale\r\n"
              "q1,support,\"Support, all\",main,viatalk-support,,,,,,0,0,2,0,0,0,0,0,0,0,0,1970-01-01T00:00:00Z,no\r\n"
              "\r\n"
              "callers,call_id,position,priority,number,name,since,wait_seconds,callback\r\n"
              "\r\n"
              "members,agent,member_name,interface,state,device_status,penalty,paused,paused_reason,paused_since,"
              "calls_taken,last_call_at,call_id,talking_to,in_call_since,wrapup_until\r\n"
              "members,alice,Alice Moreno,PJSIP/viatalk-101,in_call,2,0,no,,,7,1970-01-01T00:00:00Z,"
              "main-1763934273.1042,'+15550100,1970-01-01T00:00:00Z,\r\n"
              "members,,Desk 9,PJSIP/viatalk-109,paused,1,3,yes,lunch,1970-01-01T00:00:00Z,0,,,,,"
              "1970-01-01T00:00:00Z\r\n");
}

TEST(Remote, PbxdsErrorsBecomeExitCodesWithRequestIdAndRemedy) {
    FakePbxd pbxd;
    std::optional<Error> thrown;
    pbxd.answer = [&](const ops::Operation&, const ops::Value&, const ops::CommonParams&) -> ops::Outcome {
        throw *thrown;
    };
    for (const auto& row : errorTable()) {
        thrown = Error(row.code, "what is wrong");
        const auto done = runCli({"queue", "status", "x"}, at(pbxd));
        EXPECT_EQ(done.code, row.exitCode) << row.token;
        EXPECT_THAT(done.err, HasSubstr("pbxctl: queue status: what is wrong (request req7)\n")) << row.token;
        EXPECT_EQ(done.out, "");
    }
    thrown = Error::notFound("queue", "x\x1b[31m");
    const auto done = runCli({"queue", "status", "x"}, at(pbxd));
    EXPECT_EQ(done.code, 5);
    EXPECT_THAT(done.err, HasSubstr("no queue \"x"));
    EXPECT_EQ(done.err.find('\x1b'), std::string::npos);
    EXPECT_THAT(done.err, HasSubstr("pbxctl queue list names those that there are"));
}

TEST(Remote, TheListToLookIntoIsThatOfWhatWasNotFound) {
    FakePbxd pbxd;
    Error thrown(ErrorCode::internal, "");
    pbxd.answer = [&](const ops::Operation&, const ops::Value&, const ops::CommonParams&) -> ops::Outcome {
        throw thrown;
    };
    const std::vector<std::pair<std::string, std::string>> kinds{
        {"agent", "agent"}, {"DID", "did"}, {"pause reason", "pause-reason"}, {"block entry", "phone"}};
    for (const auto& [kind, group] : kinds) {
        thrown = Error::notFound(kind, "alice");
        EXPECT_THAT(runCli({"phone", "create", "alice", "--extension", "101"}, at(pbxd)).err,
                    HasSubstr("no " + kind + " \"alice\" (request req7)\n  pbxctl " + group + " list names those"));
    }
    thrown = Error(ErrorCode::notFound, "nothing is stopped there");
    EXPECT_THAT(runCli({"agent", "get", "x"}, at(pbxd)).err, HasSubstr("pbxctl agent list names those"));
}

TEST(Remote, PbxdsFieldsAreNamedAsOptions) {
    FakePbxd pbxd;
    std::string field;
    pbxd.answer = [&](const ops::Operation&, const ops::Value&, const ops::CommonParams&) -> ops::Outcome {
        throw Error::field(field, "is not right");
    };
    const std::vector<std::pair<std::string, std::string>> fields{{"tenant", "--tenant: is not right"},
                                                                  {"id", "NAME|ID: is not right"},
                                                                  {"wrapup_seconds", "--wrapup-seconds: is not right"},
                                                                  {"something_else", "something_else: is not right"}};
    for (const auto& [name, text] : fields) {
        field = name;
        const auto done = runCli({"queue", "update", "support", "--title", "x"}, at(pbxd));
        EXPECT_EQ(done.code, 2);
        EXPECT_THAT(done.err, HasSubstr("pbxctl: queue update: " + text + " (request req7)\n"));
    }
}

TEST(Remote, StaleAnswersAreSaid) {
    FakePbxd pbxd;
    pbxd.answer = [](const ops::Operation&, const ops::Value&, const ops::CommonParams&) -> ops::Outcome {
        ops::QueuePage page = queuePage({queueRow("support", "Support")});
        page.stale = true;
        return ops::Value::of(std::move(page));
    };
    const auto done = runCli({"queue", "list"}, at(pbxd));
    EXPECT_EQ(done.code, 0);
    EXPECT_THAT(done.err, HasSubstr("warning: this may be behind"));
}

// ---- secrets

TEST(Secrets, AreNotTakenFromTheCommandLineAndNotRepeated) {
    FakePbxd pbxd;
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"user", "set-password", "bob", "--password", "correct horse battery"},
          std::vector<std::string>{"user", "set-password", "bob", "--password=correct horse battery"},
          std::vector<std::string>{"user", "set-password", "bob", "--pasword=correct horse battery"}}) {
        const auto done = runCli(arguments, at(pbxd));
        EXPECT_EQ(done.code, 2);
        EXPECT_THAT(done.err, Not(HasSubstr("correct horse")));
    }
    EXPECT_THAT(runCli({"user", "set-password", "bob", "--password", "x"}, at(pbxd)).err,
                HasSubstr("use --password-file FILE"));
    EXPECT_TRUE(pbxd.requests().empty());
}

TEST(Secrets, AreNotRepeatedWhereNoCommandIsFound) {
    for (const auto* option : {"--password", "--token", "--secret"})
        for (const std::vector<std::string>& arguments :
             {std::vector<std::string>{option, "hunter2", "queue", "list"},
              std::vector<std::string>{"queue", option, "hunter2", "list"},
              std::vector<std::string>{"queue", "lst", option, "hunter2"},
              std::vector<std::string>{"queue", "list", option, "hunter2"},
              std::vector<std::string>{std::string(option) + "=hunter2", "queue", "list"},
              std::vector<std::string>{option, "hunter2", "--help"}}) {
            const auto done = runCli(arguments, {});
            EXPECT_EQ(done.code, 2);
            EXPECT_EQ(done.out, "");
            EXPECT_THAT(done.err, HasSubstr(std::string(option) + ": is not taken here"));
            EXPECT_THAT(done.err, HasSubstr("PBXCTL_PASSWORD"));
            EXPECT_THAT(done.err, Not(HasSubstr("hunter2")));
        }
    EXPECT_THAT(runCli({"--pasword", "hunter2", "queue", "list"}, {}).err, Not(HasSubstr("hunter2")));
    EXPECT_THAT(runCli({"-phunter2"}, {}).err, Not(HasSubstr("hunter2")));
}

TEST(Secrets, ComeFromAFileThatIsSafe) {
    const pbx::test::TempDir folder;
    FakePbxd pbxd;
    const auto file = folder.write("pw", "correct horse battery\n");
    const auto done = runCli({"user", "set-password", "bob", "--password-file", file}, at(pbxd));
    EXPECT_EQ(done.code, 0) << done.err;
    ASSERT_EQ(pbxd.requests().size(), 1U);
    EXPECT_EQ(memberOf(pbxd.requests().front()), text("id", "bob") + text("password", "correct horse battery"));
    const auto open = folder.write("open", "correct horse battery\n", 0644);
    const auto refused = runCli({"user", "set-password", "bob", "--password-file", open}, at(pbxd));
    EXPECT_EQ(refused.code, 2);
    EXPECT_THAT(refused.err, HasSubstr("chmod 0600"));
    EXPECT_EQ(pbxd.requests().size(), 1U);
}

TEST(Secrets, ComeFromStandardInput) {
    FakePbxd pbxd;
    auto setting = at(pbxd);
    setting.input = "correct horse battery\r\nand more\n";
    EXPECT_EQ(runCli({"user", "set-password", "bob", "--password-file", "-"}, setting).code, 0);
    ASSERT_EQ(pbxd.requests().size(), 1U);
    EXPECT_EQ(memberOf(pbxd.requests().front()), text("id", "bob") + text("password", "correct horse battery"));
    setting.input = "";
    EXPECT_EQ(runCli({"user", "set-password", "bob", "--password-file", "-"}, setting).code, 2);
    setting.input = "short\n";
    const auto refused = runCli({"user", "set-password", "bob", "--password-file", "-"}, setting);
    EXPECT_EQ(refused.code, 2);
    EXPECT_THAT(refused.err, HasSubstr("--password-file: must have at least 12 characters"));
    EXPECT_THAT(refused.err, Not(HasSubstr("short")));
    EXPECT_EQ(pbxd.requests().size(), 1U);
}

TEST(Secrets, AreAskedForTwiceOnATerminal) {
    FakePbxd pbxd;
    auto setting = at(pbxd);
    std::vector<std::string> questions;
    setting.questions = &questions;
    setting.answers = {"correct horse battery", "correct horse battery"};
    EXPECT_EQ(runCli({"user", "create", "--login", "carol", "--role", "viewer"}, setting).code, 0);
    EXPECT_THAT(questions, ElementsAre("New password of carol", "The same again"));
    setting.answers = {"correct horse battery", "correct horse batterie"};
    const auto refused = runCli({"user", "create", "--login", "carol", "--role", "viewer"}, setting);
    EXPECT_EQ(refused.code, 2);
    EXPECT_THAT(refused.err, HasSubstr("the two are not the same"));
    setting.answers = {"correct horse battery"}; // typed where standard input is the terminal: without echo
    EXPECT_EQ(runCli({"user", "create", "--login", "carol", "--role", "viewer", "--password-file", "-"}, setting).code,
              0);
    setting.answers.clear();
    EXPECT_THAT(runCli({"user", "create", "--login", "carol", "--role", "viewer"}, setting).err,
                HasSubstr("--password-file is missing, and there is no terminal to ask on"));
    EXPECT_EQ(pbxd.requests().size(), 2U);
}

TEST(Secrets, ANewTokenIsShownOnce) {
    FakePbxd pbxd;
    pbxd.answer = [](const ops::Operation&, const ops::Value&, const ops::CommonParams&) -> ops::Outcome {
        ops::TokenCreated created;
        created.id = "t1";
        created.token = "pbx_shown";
        return ops::Value::of(std::move(created));
    };
    EXPECT_THAT(runCli({"token", "create", "--name", "x", "--operations", "*"}, at(pbxd)).out,
                HasSubstr("token\tpbx_shown\n"));
}

// ---- adopt

ops::Outcome unmapped(const std::vector<ops::UnmappedRow>& rows) {
    ops::UnmappedPage page;
    page.items = rows;
    return ops::Value::of(std::move(page));
}

TEST(Adopt, MapsAQueueThatBelongsToNobody) {
    FakePbxd pbxd;
    pbxd.answer = [](const ops::Operation& operation, const ops::Value&, const ops::CommonParams&) -> ops::Outcome {
        if (operation.name == "system.unmapped")
            return unmapped({{"main", "interface", "PJSIP/Support_Main", "NOT_INUSE"},
                             {"main", "queue", "Support_Main", "3 members, 0 callers"}});
        return ops::Value::of(queueRow("support-main", "Support"));
    };
    const auto done =
        runCli({"asterisk", "adopt", "--tenant", "viatalk", "--queue", "Support_Main", "--title", "Support"}, at(pbxd));
    EXPECT_EQ(done.code, 0) << done.err;
    const auto requests = pbxd.requests();
    ASSERT_EQ(requests.size(), 2U);
    EXPECT_EQ(methodOf(requests[1]), "queue.create");
    EXPECT_EQ(memberOf(requests[1]), text("name", "support-main") + text("title", "Support") + text("server", "main") +
                                         text("asterisk_name", "Support_Main") + text("tenant", "viatalk"));
}

TEST(Adopt, MapsAnInterfaceAndRefusesWhatIsNotThere) {
    FakePbxd pbxd;
    pbxd.answer = [](const ops::Operation& operation, const ops::Value&, const ops::CommonParams&) -> ops::Outcome {
        if (operation.name == "system.unmapped")
            return unmapped({{"east", "interface", "PJSIP/101", ""}, {"west", "interface", "PJSIP/101", ""}});
        return operation.makeResult();
    };
    const std::vector<std::string> line{"asterisk",    "adopt",     "--tenant", "viatalk",
                                        "--interface", "PJSIP/101", "--name",   "alice"};
    const auto two = runCli(line, at(pbxd));
    EXPECT_EQ(two.code, 2);
    EXPECT_THAT(two.err, HasSubstr("--server: several servers have it; name one of east, west"));
    auto named = line;
    named.insert(named.end(), {"--server", "west"});
    EXPECT_EQ(runCli(named, at(pbxd)).code, 0);
    EXPECT_EQ(memberOf(pbxd.requests().back()), text("name", "alice") + text("title", "alice") +
                                                    text("server", "west") + text("interface", "PJSIP/101") +
                                                    text("tenant", "viatalk"));
    const auto absent = runCli({"asterisk", "adopt", "--tenant", "viatalk", "--queue", "nothing"}, at(pbxd));
    EXPECT_EQ(absent.code, 5);
    EXPECT_THAT(absent.err, HasSubstr("pbxctl system unmapped lists"));
    EXPECT_EQ(runCli({"asterisk", "adopt", "--queue", "nothing"}, at(pbxd)).code, 2) << "no tenant";
    EXPECT_EQ(runCli({"asterisk", "adopt", "--tenant", "x"}, at(pbxd)).code, 2) << "neither queue nor interface";
}

// ---- watch --once

TEST(Watch, PrintsTheBoardOfEveryTenantForAnOperator) {
    FakePbxd pbxd;
    pbxd.answer = [](const ops::Operation& operation, const ops::Value&,
                     const ops::CommonParams& common) -> ops::Outcome {
        if (operation.name == "system.whoami") return ops::Value::of(ops::WhoamiResult{});
        if (operation.name == "tenant.list") {
            ops::TenantPage page;
            page.items.resize(2);
            page.items[0].name = "viatalk";
            page.items[1].name = "globex";
            return ops::Value::of(std::move(page));
        }
        if (operation.name == "queue.list") return ops::Value::of(queuePage({queueRow("support", "Support")}));
        ops::QueueStatusResult status;
        status.name = "support";
        status.title = "Support of " + common.tenant.value();
        status.counts.waiting = 1;
        status.counts.longestWaitSeconds = 75;
        status.callers.push_back({.callId = "c",
                                  .position = 1,
                                  .priority = {},
                                  .number = "5550100",
                                  .name = "Ann\x1b[31m",
                                  .since = {},
                                  .waitSeconds = 75,
                                  .callback = {}});
        return ops::Value::of(std::move(status));
    };
    const auto done = runCli({"watch", "--once"}, at(pbxd));
    EXPECT_EQ(done.code, 0) << done.err;
    EXPECT_THAT(done.out, HasSubstr("2 tenants  2 queues, 2 waiting"));
    EXPECT_THAT(done.out, HasSubstr("Support of viatalk"));
    EXPECT_THAT(done.out, HasSubstr("Support of globex"));
    EXPECT_THAT(done.out, HasSubstr("1:15"));
    EXPECT_EQ(done.out.find('\x1b'), std::string::npos);
    EXPECT_EQ(runCli({"watch"}, at(pbxd)).code, 2) << "there is no terminal";
}

} // namespace
} // namespace pbx::cli::test
