#include "support.hpp"

#include "tests/unit/base/temp_dir.hpp"

#include <gmock/gmock.h>

namespace pbx::cli::test {
namespace {

using pbx::test::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// "alice" and "correct horse battery"; worked out with base64(1).
constexpr std::string_view aliceBasic = "Basic YWxpY2U6Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5";

TEST(Settings, TheFileNamesServerAndWhereTheSecretIs) {
    const TempDir folder;
    FakePbxd pbxd;
    folder.write("pw", "correct-horse-battery\n");
    const auto file = folder.write("pbxctl.conf",
                                   "server = " + pbxd.url() + "\nuser = alice\npassword_file = pw\ntenant = viatalk\n");
    for (const auto& setting :
         {Setting{.environment = {{"PBXCTL_CONFIG", file}}, .input = {}, .answers = {}},
          Setting{
              .environment = {{"XDG_CONFIG_HOME", folder.at("")}, {"HOME", "/nowhere"}}, .input = {}, .answers = {}}})
        EXPECT_EQ(runCli({"system", "whoami"}, setting).code, 0);
    EXPECT_EQ(runCli({"--config", file, "system", "whoami"}, {}).code, 0);
    const auto requests = pbxd.requests();
    ASSERT_EQ(requests.size(), 3U);
    for (const auto& request : requests) {
        EXPECT_EQ(request.authorization, aliceBasic);
        EXPECT_THAT(request.body, HasSubstr("<name>tenant</name><value><string>viatalk</string>"));
    }
}

TEST(Settings, OptionsWinOverTheEnvironmentAndThatOverTheFile) {
    const TempDir folder;
    FakePbxd pbxd;
    folder.write("token", "pbx_from-file\n");
    const auto file = folder.write("pbxctl.conf", "[pbxctl]\nserver = http://127.0.0.1:1\ntoken_file = token\n");
    Setting setting{
        .environment = {{"PBXCTL_CONFIG", file}, {"PBXCTL_SERVER", pbxd.url()}}, .input = {}, .answers = {}};
    EXPECT_EQ(runCli({"system", "whoami"}, setting).code, 0);
    setting.environment["PBXCTL_TOKEN"] = "pbx_from-environment";
    EXPECT_EQ(runCli({"system", "whoami"}, setting).code, 0);
    setting.environment["PBXCTL_PASSWORD"] = "correct-horse-battery";
    EXPECT_EQ(runCli({"system", "whoami", "--as", "alice"}, setting).code, 0);
    setting.environment["PBXCTL_SERVER"] = "http://127.0.0.1:1";
    EXPECT_EQ(runCli({"system", "whoami", "--url", pbxd.url()}, setting).code, 0);
    const auto requests = pbxd.requests();
    ASSERT_EQ(requests.size(), 4U);
    EXPECT_EQ(requests[0].authorization, "Bearer pbx_from-file");
    EXPECT_EQ(requests[1].authorization, "Bearer pbx_from-environment");
    EXPECT_EQ(requests[2].authorization, aliceBasic);
    EXPECT_EQ(requests[3].authorization, "Bearer pbx_from-environment");
}

TEST(Settings, TheDemosCredentialsAreFoundByUser) {
    const TempDir folder;
    FakePbxd pbxd;
    const auto list = folder.write("credentials", "alicia other-password viatalk agent\n"
                                                  "alice correct-horse-battery viatalk admin\n");
    Setting setting{
        .environment = {{"PBXCTL_SERVER", pbxd.url()}, {"PBXCTL_CREDENTIALS_FILE", list}, {"PBXCTL_USER", "alice"}},
        .input = {},
        .answers = {}};
    EXPECT_EQ(runCli({"system", "whoami"}, setting).code, 0);
    ASSERT_EQ(pbxd.requests().size(), 1U);
    EXPECT_EQ(pbxd.requests().front().authorization, aliceBasic);
    const auto absent = runCli({"--as", "ali", "system", "whoami"}, setting);
    EXPECT_EQ(absent.code, 2);
    EXPECT_THAT(absent.err, HasSubstr("has no line for the user \"ali\""));
    ASSERT_EQ(::chmod(list.c_str(), 0644), 0);
    const auto open = runCli({"system", "whoami"}, setting);
    EXPECT_EQ(open.code, 2);
    EXPECT_THAT(open.err, HasSubstr("chmod 0600"));
    EXPECT_THAT(open.err, Not(HasSubstr("correct-horse")));
}

TEST(Settings, APasswordIsAskedForWhenNothingHoldsIt) {
    FakePbxd pbxd;
    std::vector<std::string> questions;
    Setting setting{.environment = {{"PBXCTL_SERVER", pbxd.url()}},
                    .input = {},
                    .answers = {"correct-horse-battery"},
                    .questions = &questions};
    EXPECT_EQ(runCli({"--as", "alice", "system", "whoami"}, setting).code, 0);
    EXPECT_THAT(questions, ElementsAre("Password of alice at " + pbxd.url()));
    setting.answers.clear();
    EXPECT_THAT(runCli({"--as", "alice", "system", "whoami"}, setting).err, HasSubstr("there is no password for"));
    EXPECT_THAT(runCli({"system", "whoami"}, setting).err, HasSubstr("nobody is named"));
    EXPECT_EQ(pbxd.requests().size(), 1U);
}

TEST(Settings, EveryFaultIsNamedAndNoSecretRepeated) {
    const TempDir folder;
    const auto file = folder.write("pbxctl.conf", "[pbxctl]\nserver = ftp://x\nuesr = alice\noutput = xml\n");
    const auto done = runCli({"--config", file, "system", "whoami"}, {});
    EXPECT_EQ(done.code, 2);
    EXPECT_THAT(done.err, HasSubstr("pbxctl.conf:2"));
    EXPECT_THAT(done.err, HasSubstr("did you mean \"user\"?"));
    EXPECT_THAT(done.err, HasSubstr("pbxctl.conf:4"));
    folder.write("pw", "correct-horse-battery\n", 0644);
    const auto open = folder.write("open.conf", "[pbxctl]\nuser = alice\npassword_file = pw\n");
    const auto refused = runCli({"--config", open, "system", "whoami"}, {});
    EXPECT_EQ(refused.code, 2);
    EXPECT_THAT(refused.err, HasSubstr("chmod 0600"));
    EXPECT_THAT(refused.err, Not(HasSubstr("correct-horse")));
    EXPECT_EQ(runCli({"--config", folder.at("absent"), "system", "whoami"}, {}).code, 2);
}

// ---- the local group

std::string pbxdConfig(const TempDir& folder) {
    return folder.write("pbxd.conf", "[pbxd]\ndata_dir = " + folder.at("") + "\n");
}

TEST(Local, MigratesAndBootstrapsTheFirstOperator) {
    const TempDir folder;
    const auto file = pbxdConfig(folder);
    const auto before = runCli({"db", "status", "--config", file}, {});
    EXPECT_EQ(before.code, 6) << before.err;
    EXPECT_THAT(before.err, HasSubstr("pbxctl db migrate"));
    EXPECT_THAT(before.out, HasSubstr("\tpending\n"));
    const auto migrated = runCli({"db", "migrate", "--config", file}, {});
    EXPECT_EQ(migrated.code, 0) << migrated.err;
    const auto after = runCli({"db", "status", "--config", file}, {});
    EXPECT_EQ(after.code, 0) << after.err;
    EXPECT_THAT(after.out, Not(HasSubstr("pending")));

    const auto password = folder.write("pw", "correct-horse-battery\n");
    const auto first = runCli({"bootstrap", "ops", "--config", file, "--password-file", password}, {});
    EXPECT_EQ(first.code, 0) << first.err;
    EXPECT_THAT(first.out + first.err, Not(HasSubstr("correct-horse")));
    const auto second = runCli({"bootstrap", "ops2", "--config", file, "--password-file", password}, {});
    EXPECT_EQ(second.code, 6) << second.err;
    EXPECT_EQ(runCli({"bootstrap", "ops3", "--config", file}, {}).code, 2) << "nobody to ask";
}

TEST(Local, DbStatusHasEveryForm) {
    const TempDir folder;
    const auto file = pbxdConfig(folder);
    EXPECT_EQ(runCli({"db", "migrate", "--config", file}, {}).code, 0);
    const auto json = runCli({"db", "status", "--output", "json", "--config", file}, {});
    EXPECT_EQ(json.code, 0) << json.err;
    EXPECT_THAT(json.out, ::testing::StartsWith("{\"current\":true,\"migrations\":[{\"version\":1,\"name\":\""));
    EXPECT_THAT(json.out, ::testing::EndsWith("\"state\":\"done\"}]}\n"));
    EXPECT_THAT(runCli({"db", "status", "--output", "csv", "--config", file}, {}).out,
                ::testing::StartsWith("version,migration,state\r\n1,"));
    const auto wrong = runCli({"db", "status", "--output", "xml", "--config", file}, {});
    EXPECT_EQ(wrong.code, 2);
    EXPECT_EQ(wrong.out, "");
    EXPECT_THAT(wrong.err, HasSubstr("--output: must be one of table, json, csv"));
}

TEST(Local, NamesTheFaultsOfPbxdsConfiguration) {
    const TempDir folder;
    const auto file = folder.write("pbxd.conf", "[http]\nport = 99999\n");
    const auto done = runCli({"db", "status", "--config", file}, {});
    EXPECT_EQ(done.code, 2);
    EXPECT_THAT(done.err, HasSubstr("pbxd.conf:2"));
}

} // namespace
} // namespace pbx::cli::test
