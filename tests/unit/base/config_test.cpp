#include "base/config.hpp"

#include "base/error.hpp"
#include "temp_dir.hpp"

#include <array>
#include <gmock/gmock.h>

using namespace pbx;
using pbx::test::TempDir;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

namespace {

constexpr std::array<SectionDoc, 3> sections{
    {{"demo", "The program."}, {"http", "The front."}, {"asterisk.*", "A server."}}};

constexpr std::array settings{
    Setting{"demo", "name", SettingType::text, "nobody", "Its name."},
    Setting{.section = "demo",
            .key = "level",
            .type = SettingType::choice,
            .fallback = "info",
            .doc = "How much.",
            .change = SettingChange::reload,
            .choices = "info debug"},
    Setting{.section = "demo",
            .key = "code",
            .type = SettingType::text,
            .fallback = "*13",
            .doc = "What is dialled; empty: nothing.",
            .mayBeEmpty = true},
    Setting{"http", "port", SettingType::whole, "8080", "A port.", SettingChange::restart, 1, 65535},
    Setting{"http", "secure", SettingType::flag, "no", "Or not."},
    Setting{"http", "proxies", SettingType::addresses, "127.0.0.1", "Who."},
    Setting{"http", "tls_key", SettingType::path, "", "A file."},
    Setting{"asterisk.*", "host", SettingType::host, "127.0.0.1", "Where."},
    Setting{.section = "asterisk.*",
            .key = "secret_file",
            .type = SettingType::secretFile,
            .fallback = "",
            .doc = "Password.",
            .required = true},
    Setting{"asterisk.*", "sys_secret_file", SettingType::secretFile, "", "Second password."},
};
constexpr std::array<std::string_view, 1> otherVariables{"DEMO_CONFIG"};
constexpr SettingsTable table{"demo", sections, settings, otherVariables};

struct ConfigTest : testing::Test {
    LoadedConfig load(const std::string& content, std::vector<std::pair<std::string, std::string>> environment = {}) {
        file = dir.write("demo.conf", content, 0644);
        return loadConfig(table, {file, std::move(environment)});
    }
    // The faults as text, with the folder's name taken off.
    std::vector<std::string> texts(const LoadedConfig& loaded) const {
        std::vector<std::string> all;
        for (const auto& fault : loaded.faults) {
            auto text = fault.text();
            for (auto at = text.find(dir.at("")); at != std::string::npos; at = text.find(dir.at("")))
                text.erase(at, dir.at("").size());
            all.push_back(text);
        }
        return all;
    }

    TempDir dir;
    std::string file;
};

} // namespace

TEST_F(ConfigTest, FileWinsOverDefaultAndEnvironmentOverFile) {
    const auto secret = dir.write("ami.secret", "s3cr3t-Value\n");
    const auto loaded = load("# a comment\n"
                             "[http]\r\n"
                             "port = 9000   # behind the value\n"
                             "secure=yes\n"
                             "tls_key = keys/a.pem\n"
                             "[asterisk.main]\n"
                             "secret_file = ami.secret\n",
                             {{"DEMO_HTTP_PORT", "9001"},
                              {"DEMO_NAME", "from the environment"},
                              {"DEMO_HTTP_PROXIES", "10.0.0.0/8, ::1"},
                              {"DEMO_LEVEL", ""},
                              {"DEMO_CONFIG", "elsewhere"},
                              {"OTHER", "not ours"}});
    EXPECT_THAT(texts(loaded), IsEmpty());
    ASSERT_TRUE(loaded.usable());
    const auto& config = loaded.config;
    EXPECT_EQ(config.whole("http", "port"), 9001);
    EXPECT_TRUE(config.flag("http", "secure"));
    EXPECT_EQ(config.text("demo", "name"), "from the environment");
    EXPECT_EQ(config.text("demo", "level"), "info");
    EXPECT_THAT(config.list("http", "proxies"), ElementsAre("10.0.0.0/8", "::1"));
    EXPECT_EQ(config.text("http", "tls_key"), dir.at("keys/a.pem"));
    EXPECT_THAT(config.names("asterisk"), ElementsAre("main"));
    EXPECT_EQ(config.text("asterisk.main", "host"), "127.0.0.1");
    EXPECT_EQ(config.secret("asterisk.main", "secret_file").reveal(), "s3cr3t-Value");
    EXPECT_TRUE(config.secret("asterisk.main", "sys_secret_file").empty());
    EXPECT_EQ(config.where("http", "port"), "DEMO_HTTP_PORT");
    EXPECT_EQ(config.where("http", "secure"), file + ":4");
    EXPECT_EQ(config.where("demo", "level"), file);
    EXPECT_FALSE(config.given("demo", "level"));
}

TEST_F(ConfigTest, AValueMayBeginWithTheSignOfAComment) {
    const auto given = [&](const std::string& line) {
        const auto loaded = load("  # first\n[demo] # the program\n" + line + "\n#code = *9\n[http]#the front\n");
        EXPECT_THAT(texts(loaded), IsEmpty()) << line;
        return loaded.config.text("demo", "code");
    };
    EXPECT_EQ(given("code = #13"), "#13");
    EXPECT_EQ(given("code=#13"), "#13");
    EXPECT_EQ(given("code = #13 # to pause"), "#13");
    EXPECT_EQ(given("code = #13\t#to pause = *13"), "#13");
    EXPECT_EQ(given("code = *1#3"), "*1#3");
    EXPECT_EQ(given("code = a = b"), "a = b");
    EXPECT_EQ(given("code = # none"), "");
    EXPECT_EQ(given("code = #"), "");
    EXPECT_EQ(given("  # code = *9"), "*13");
}

TEST_F(ConfigTest, ADefaultCanBeTakenAwayWhereThatHasAMeaning) {
    const auto loaded = load("[demo]\ncode =\nname =\n");
    EXPECT_THAT(texts(loaded), ElementsAre("demo.conf:3: [demo] name: \"\" is not what it takes; give text"));
    EXPECT_EQ(loaded.config.text("demo", "code"), "");
    EXPECT_TRUE(loaded.config.given("demo", "code"));
    EXPECT_EQ(load("", {{"DEMO_CODE", ""}}).config.text("demo", "code"), "*13"); // as not set
}

TEST_F(ConfigTest, NamesEveryFaultAtOnceWithItsLineAndRemedy) {
    dir.write("open.secret", "s3cr3t-Value\n", 0644);
    const auto loaded = load("stray = 1\n"                  // 1
                             "[http]\n"                     // 2
                             "prot = 8080\n"                // 3
                             "port = 99999\n"               // 4
                             "\n"                           // 5
                             "secure = maybe\n"             // 6
                             "secure = yes\n"               // 7
                             "name = x\n"                   // 8
                             "this is no assignment\n"      // 9
                             "proxies = 10.0.0.1/8\n"       // 10
                             "[htpt]\n"                     // 11
                             "port = 1\n"                   // 12: not named again
                             "[asterisk]\n"                 // 13
                             "[asterisk.Main Server]\n"     // 14
                             "[asterisk.east]\n"            // 15
                             "host = bad host\n"            // 16
                             "[asterisk.west]\n"            // 17
                             "secret_file = open.secret\n", // 18
                             {{"DEMO_LEVEL", "verbose"}, {"DEMO_HTTP_PROT", "1"}});
    EXPECT_FALSE(loaded.usable());
    EXPECT_THAT(
        texts(loaded),
        ElementsAre(
            "demo.conf:1: the key \"stray\" stands before any section; put it below its [section]",
            "demo.conf:3: there is no key \"prot\" in this section; did you mean \"port\"?",
            "demo.conf:4: [http] port: \"99999\" is not what it takes; give a whole number from 1 to 65535",
            "demo.conf:6: [http] secure: \"maybe\" is not what it takes; give yes or no",
            "demo.conf:7: [http] secure: given twice, first at demo.conf:6; keep one of the two",
            "demo.conf:8: there is no key \"name\" in this section; it belongs to [demo]",
            "demo.conf:9: the line is neither [section] nor key = value; write key = value, or put a # in front",
            "demo.conf:10: [http] proxies: \"10.0.0.1/8\" is not an address or a range; write addresses like 192.0.2.7 "
            "or "
            "2001:db8::1, ranges like 10.0.0.0/8 without bits behind the prefix",
            "demo.conf:11: there is no section \"htpt\"; the sections are: [demo] [http] [asterisk.NAME]",
            "demo.conf:13: there is no section \"asterisk\"; the sections are: [demo] [http] [asterisk.NAME]",
            "demo.conf:14: \"Main Server\" is not a name; use a-z, 0-9 and '-', at most 63 bytes, like [asterisk.main]",
            "demo.conf:16: [asterisk.east] host: \"bad host\" is not what it takes; give a host name or an IP address",
            "DEMO_LEVEL: [demo] level: \"verbose\" is not what it takes; give one of: info, debug",
            "DEMO_HTTP_PROT: warning: no setting has this environment variable; it is ignored; did you mean "
            "DEMO_HTTP_PORT?",
            "demo.conf:15: [asterisk.east] secret_file is missing; add secret_file = ... to [asterisk.east]",
            "demo.conf:18: [asterisk.west] secret_file: open.secret has mode 0644, so that others can read or change "
            "it; "
            "chmod 0600 it; the program does not start with a secret that is not safe"));
}

TEST_F(ConfigTest, NeverRepeatsWhatMayBeASecret) {
    const auto loaded = load("[asterisk.main]\n"
                             "secret = planted-marker-1\n"
                             "planted-marker-2\n"
                             "secret_file = planted-marker-3\n");
    EXPECT_EQ(loaded.faults.size(), 3U);
    for (const auto& text : texts(loaded)) EXPECT_THAT(text, Not(HasSubstr("planted-marker")));
    EXPECT_THAT(texts(loaded)[2], HasSubstr("the file that it names cannot be opened: No such file"));
    EXPECT_THAT(texts(load("[asterisk.main]\nsecret_file = /no/such/file\n"))[0],
                HasSubstr("secret_file: /no/such/file cannot be opened: No such file"));
}

TEST_F(ConfigTest, EnvironmentAloneIsEnoughAndMakesSections) {
    const auto secret = dir.write("s", "s3cr3t-Value\n");
    const auto loaded = loadConfig(table, {"",
                                           {{"DEMO_ASTERISK_EAST_2_HOST", "pbx.example.com"},
                                            {"DEMO_ASTERISK_EAST_2_SECRET_FILE", secret},
                                            {"DEMO_ASTERISK_EAST_2_SYS_SECRET_FILE", secret}}});
    EXPECT_THAT(texts(loaded), IsEmpty());
    EXPECT_THAT(loaded.config.names("asterisk"), ElementsAre("east-2"));
    EXPECT_EQ(loaded.config.text("asterisk.east-2", "host"), "pbx.example.com");
    EXPECT_EQ(loaded.config.secret("asterisk.east-2", "sys_secret_file").reveal(), "s3cr3t-Value");
    EXPECT_EQ(loaded.config.where("http", "port"), "DEMO_HTTP_PORT");
}

TEST_F(ConfigTest, AServerInTheFileDecidesWhatAVariableMeans) {
    const auto secret = dir.write("s", "s3cr3t-Value\n");
    // "sys_secret_file" of "east", or "secret_file" of "east-sys"? The second is in the file.
    const auto loaded =
        load("[asterisk.east-sys]\nhost = a.example\n", {{"DEMO_ASTERISK_EAST_SYS_SECRET_FILE", secret}});
    EXPECT_THAT(texts(loaded), IsEmpty());
    EXPECT_THAT(loaded.config.names("asterisk"), ElementsAre("east-sys"));
    EXPECT_EQ(loaded.config.where("asterisk.east-sys", "secret_file"), "DEMO_ASTERISK_EAST_SYS_SECRET_FILE");
}

TEST_F(ConfigTest, AFileThatIsNotThereOrIsNoneIsOneClearFault) {
    for (const auto& path : {dir.at("missing.conf"), dir.at("")}) {
        const auto loaded = loadConfig(table, {path, {}});
        ASSERT_EQ(loaded.faults.size(), 1U) << path;
        EXPECT_THAT(loaded.faults[0].text(), HasSubstr("there is no such file"));
        EXPECT_FALSE(loaded.usable());
    }
    EXPECT_THAT(texts(load(std::string((1 << 20) + 1, '#'))), ElementsAre(HasSubstr("above 1 MiB")));
    EXPECT_THAT(texts(load("")), IsEmpty());
    EXPECT_THAT(texts(load("\xEF\xBB\xBF[http]\nport = 1")), IsEmpty()); // a BOM, and no line feed at the end
}

TEST_F(ConfigTest, ControlCharactersAndForeignBytesAreRefusedWithoutBeingPrinted) {
    const auto loaded = load(std::string("[demo]\nname = a\x1B[2Jb\n[http]\nport\x01 = 1\ntls_key = \xFF\n"));
    ASSERT_EQ(loaded.faults.size(), 3U);
    for (const auto& text : texts(loaded)) EXPECT_EQ(text.find_first_of("\x1B\x01\xFF"), std::string::npos) << text;
    EXPECT_THAT(texts(loaded)[0], HasSubstr("demo.conf:2: [demo] name: its value holds control characters"));
}

TEST_F(ConfigTest, AskingForWhatTheTableDoesNotHaveIsOurMistake) {
    const auto loaded = load("");
    EXPECT_THROW((void)loaded.config.text("http", "prot"), Error);
    EXPECT_THROW((void)loaded.config.text("asterisk.main", "host"), Error);
    EXPECT_THROW((void)loaded.config.whole("demo", "name"), Error);
    EXPECT_THROW((void)loaded.config.flag("http", "port"), Error);
    EXPECT_THROW((void)loaded.config.secret("http", "tls_key"), Error);
    EXPECT_THROW((void)Config().text("http", "port"), Error);
}

TEST_F(ConfigTest, AReloadSeesWhatChangedAndWhatThatNeeds) {
    dir.write("s", "s3cr3t-Value\n");
    const auto before = load("[asterisk.main]\nsecret_file = s\n[asterisk.old]\nsecret_file = s\n");
    dir.write("s", "another-Value\n");
    const auto after = load("[demo]\nlevel = debug\n[http]\nport = 1\n[asterisk.main]\nsecret_file = s\n"
                            "[asterisk.new]\nsecret_file = s\n");
    ASSERT_TRUE(before.usable() && after.usable());
    std::vector<std::string> changes;
    for (const auto& change : before.config.changesTo(after.config))
        changes.push_back(change.section + " " + change.key +
                          (change.change == SettingChange::reload ? " reload" : " restart"));
    EXPECT_THAT(changes, ElementsAre("asterisk.old  restart", "asterisk.new  restart",
                                     "asterisk.main secret_file restart", "demo level reload", "http port restart"));
    EXPECT_THAT(after.config.changesTo(after.config), IsEmpty());
}
