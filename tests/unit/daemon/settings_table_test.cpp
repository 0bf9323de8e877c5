#include "daemon/settings_table.hpp"

#include "tests/unit/base/temp_dir.hpp"

#include <filesystem>
#include <gmock/gmock.h>
#include <set>
#include <sstream>

using namespace pbx;
using namespace pbx::daemon;
using pbx::test::TempDir;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

namespace {

struct SettingsTableTest : testing::Test {
    LoadedConfig load(const std::string& content, std::vector<std::pair<std::string, std::string>> environment = {}) {
        dir.write("s", "s3cr3t-Value\n");
        return loadSettings({dir.write("pbxd.conf", content), std::move(environment)});
    }
    std::vector<std::string> texts(const LoadedConfig& loaded) const {
        std::vector<std::string> all;
        for (const auto& fault : loaded.faults) {
            auto text = fault.text();
            if (text.starts_with(dir.at(""))) text.erase(0, dir.at("").size());
            all.push_back(text);
        }
        return all;
    }
    TempDir dir;
};

const std::string server = "[asterisk.main]\nsecret_file = s\n";

} // namespace

TEST_F(SettingsTableTest, DefaultsAreInOrderAndServeLoopbackFromSqlite) {
    const auto loaded = load(server);
    EXPECT_THAT(texts(loaded), IsEmpty());
    const auto& config = loaded.config;
    EXPECT_EQ(config.text("http", "listen"), "127.0.0.1");
    EXPECT_EQ(config.whole("http", "port"), 8080);
    EXPECT_EQ(config.whole("http", "body_limit"), 1024 * 1024);
    EXPECT_EQ(config.whole("access", "credential_cache_seconds"), 60);
    EXPECT_EQ(config.whole("access", "argon2_parallel"), 2);
    EXPECT_EQ(config.whole("board", "reconcile_seconds"), 20);
    EXPECT_EQ(config.whole("asterisk.main", "ping_after_ms"), 3000);
    EXPECT_EQ(config.whole("asterisk.main", "dead_after_ms"), 9000);
    EXPECT_THAT(config.list("pbxd", "faces"), ElementsAre("soap", "xmlrpc", "json", "web"));
    EXPECT_EQ(sqliteFile(config), "/var/lib/pbxd/pbxd.sqlite");
    EXPECT_EQ(logOptions(config).level, LogLevel::info);
    EXPECT_EQ(logOptions(config).format, LogFormat::text);
    EXPECT_EQ(logOptions(config).file, "");
}

TEST(SettingsTable, DescribesEachSettingOnceAndSoundly) {
    std::set<std::pair<std::string_view, std::string_view>> seen;
    std::set<std::string> variables;
    for (const auto& setting : settingsTable().settings) {
        const auto label = std::string(setting.section) + "." + std::string(setting.key);
        EXPECT_TRUE(seen.emplace(setting.section, setting.key).second) << label;
        EXPECT_TRUE(variables.insert(variableName(settingsTable(), setting)).second) << label;
        EXPECT_THAT(std::string(setting.doc), testing::EndsWith(".")) << label;
        EXPECT_FALSE(setting.required && !setting.fallback.empty()) << label;
        if (!setting.fallback.empty()) {
            const auto problem = checkSetting(setting, setting.fallback);
            EXPECT_FALSE(problem) << label << ": " << (problem ? problem->what : "");
        }
    }
    EXPECT_THAT(variables, Contains("PBXD_HTTP_PORT"));
    EXPECT_THAT(variables, Contains("PBXD_NODE_NAME"));
    EXPECT_THAT(variables, Contains("PBXD_ASTERISK_NAME_SECRET_FILE"));
}

TEST_F(SettingsTableTest, TheSampleIsAFileWithoutFaults) {
    const auto sample = printSample(settingsTable());
    const auto loaded = load(sample);
    EXPECT_THAT(texts(loaded),
                ElementsAre("pbxd.conf: warning: there is no Asterisk, so that the board stays empty; add a "
                            "section [asterisk.main] with its secret_file"));
    EXPECT_TRUE(loaded.usable());
}

TEST_F(SettingsTableTest, TheSampleWithEveryDefaultUncommentedIsTheDefaultConfiguration) {
    std::istringstream sample(printSample(settingsTable()));
    std::string uncommented;
    std::size_t keys = 0;
    for (std::string line; std::getline(sample, line); uncommented += line + "\n") {
        const bool setting = line.size() > 1 && line[0] == '#' && line[1] != ' ';
        if (!setting) continue;
        line.erase(0, 1);
        if (line.front() != '[') ++keys;
        if (line == "secret_file = ") line += "s";
    }
    EXPECT_EQ(keys, settingsTable().settings.size());
    const auto loaded = load(uncommented);
    for (const auto& text : texts(loaded)) EXPECT_THAT(text, HasSubstr("warning")) << text;
    ASSERT_TRUE(loaded.usable());
    EXPECT_THAT(load(server + "[render.main]\n").config.changesTo(loaded.config), IsEmpty());
}

TEST_F(SettingsTableTest, PlainHttpBeyondLoopbackNeedsTheWords) {
    EXPECT_THAT(texts(load(server + "[http]\nlisten = 0.0.0.0\n")),
                ElementsAre("pbxd.conf:4: [http] listen is not loopback and there is no TLS: passwords would travel in "
                            "clear; give tls_certificate and tls_key, or listen = 127.0.0.1, or say allow_plain_http = "
                            "yes-in-clear"));
    EXPECT_THAT(texts(load(server + "[http]\nlisten = ::\nallow_plain_http = yes\n")),
                Contains(HasSubstr("allow_plain_http: \"yes\" is not what it takes")));
    EXPECT_THAT(texts(load(server + "[http]\nlisten = ::\nallow_plain_http = yes-in-clear\n")), IsEmpty());
    EXPECT_THAT(texts(load(server + "[http]\nlisten = ::1\n")), IsEmpty());
    EXPECT_THAT(texts(load(server + "[http]\nlisten = 0.0.0.0\ntls_certificate = a\ntls_key = b\n")), IsEmpty());
}

TEST_F(SettingsTableTest, SettingsThatBelongTogetherAreAskedForTogether) {
    EXPECT_THAT(texts(load(server + "[http]\ntls_key = b\n")),
                ElementsAre(AllOf(HasSubstr("pbxd.conf:4:"), HasSubstr("tls_certificate and tls_key go together"))));
    EXPECT_THAT(texts(load(server + "[storage]\nbackend = mariadb\n")),
                ElementsAre(HasSubstr("pbxd.conf:4: [storage] backend = mariadb needs database"),
                            HasSubstr("pbxd.conf:4: [storage] backend = mariadb needs user")));
    EXPECT_THAT(texts(load(server + "[storage]\nbackend = mariadb\ndatabase = pbx\nuser = pbx\npassword_file = s\n")),
                IsEmpty());
    const auto remote = server + "[storage]\nbackend = mariadb\ndatabase = pbx\nuser = pbx\nhost = db.example.com\n";
    EXPECT_THAT(texts(load(remote)), ElementsAre(HasSubstr("pbxd.conf:7: [storage] host is another machine")));
    EXPECT_THAT(texts(load(remote + "allow_plain_remote = yes-in-clear\n")), IsEmpty());
    EXPECT_THAT(texts(load(server + "[http]\nmax_waiting = 16\n")),
                ElementsAre(HasSubstr("max_waiting_per_address is above max_waiting")));
    EXPECT_THAT(texts(load(server + "[pbxd]\nfaces =\n")), ElementsAre(HasSubstr("faces is empty")));
    EXPECT_THAT(texts(load(server + "[http]\nmax_connections = 100\n")),
                ElementsAre(HasSubstr("max_connections_per_address is above max_connections")));

    const auto forgotten = load(server + "[storage]\ndatabase = pbx\n");
    EXPECT_TRUE(forgotten.usable());
    EXPECT_THAT(texts(forgotten),
                ElementsAre(HasSubstr("pbxd.conf:4: warning: [storage] database is given, but backend")));
}

TEST_F(SettingsTableTest, FastAgiNeedsATokenOfItsOwnForEachAsterisk) {
    const auto token = [&](const std::string& name, const std::string& content) { dir.write(name, content + "\n"); };
    token("one", "0123456789abcdefABCDEF0123456789");
    token("two", "0123456789abcdefABCDEF0123456780");
    token("short", "0123456789abcdef0123456789abcde");
    token("odd", "0123456789abcdef0123456789abcde/");
    const auto served = server + "agi_token_file = one\n";
    EXPECT_THAT(texts(load(served)), IsEmpty());
    EXPECT_THAT(texts(load(served + "[asterisk.b]\nsecret_file = s\nagi_token_file = two\n")), IsEmpty());
    EXPECT_THAT(texts(load(served + "[asterisk.b]\nsecret_file = s\nagi_token_file = one\n")),
                ElementsAre(HasSubstr("the token is that of [asterisk.b] too")));
    for (const std::string bad : {"short", "odd"}) {
        const auto faults = texts(load(server + "agi_token_file = " + bad + "\n"));
        EXPECT_THAT(faults,
                    ElementsAre(AllOf(HasSubstr("pbxd.conf:3: [asterisk.main] agi_token_file: the token is not"),
                                      HasSubstr("openssl rand -hex 32"), Not(HasSubstr("0123456789")))));
    }
    EXPECT_FALSE(load(server + "agi_token_file = none\n").usable());

    const auto idle = load(server + "[agi]\nport = 4574\n");
    EXPECT_TRUE(idle.usable());
    EXPECT_THAT(texts(idle), ElementsAre(HasSubstr("warning: [agi] no Asterisk has an agi_token_file")));
    EXPECT_THAT(texts(load(served + "[agi]\nlisten = 192.0.2.1\n")), ElementsAre(HasSubstr("allow is empty")));
    EXPECT_THAT(texts(load(served + "[agi]\nlisten = 192.0.2.1\nallow = 192.0.2.0/24\n")), IsEmpty());
    EXPECT_THAT(texts(load(served + "[agi]\nlisten = ::\nallow = 192.0.2.0/24\n")),
                ElementsAre(HasSubstr("host does not say which")));
    EXPECT_THAT(texts(load(served + "[agi]\nlisten = ::\nallow = 192.0.2.0/24\nhost = pbx.example.com\n")), IsEmpty());
}

TEST_F(SettingsTableTest, EachAsteriskIsJudgedByItself) {
    EXPECT_THAT(
        texts(load(server + "ping_after_ms = 9000\n[asterisk.b]\nsecret_file = s\nsys_user = x\ntls_ca = ca\n")),
        ElementsAre(HasSubstr("[asterisk.b] sys_user is given without sys_secret_file and is not used"),
                    HasSubstr("pbxd.conf:7: [asterisk.b] tls_ca is given, but tls is no"),
                    HasSubstr("[asterisk.main] dead_after_ms is not above ping_after_ms")));
    EXPECT_THAT(texts(load(server + "plain_login = yes\n")),
                ElementsAre(HasSubstr("the secret would travel in clear")));
    EXPECT_THAT(texts(load(server + "plain_login = yes\ntls = yes\n")), IsEmpty());
    EXPECT_THAT(texts(load(server + "user = one\nsys_user = one\nsys_secret_file = s\n")),
                ElementsAre(HasSubstr("sys_user is the same account as user")));
}

TEST_F(SettingsTableTest, WhatTheDialplanCouldNotTakeIsAFaultHere) {
    const auto faults = [&](const std::string& lines) { return texts(load(server + "[render.main]\n" + lines)); };
    EXPECT_THAT(faults("code_login = #11\ncode_logout =\ncode_pause =\ncode_unpause = **\n"), IsEmpty());
    EXPECT_THAT(faults("code_login = abc\ncode_pause = *12\n"),
                ElementsAre("pbxd.conf:4: [render.main] code_login is not * or #, then digits; give each a code of its "
                            "own, like *11 or #7, or none",
                            "pbxd.conf:5: [render.main] code_pause is that for logout too; give each a code of its "
                            "own, like *11 or #7, or none"));
    EXPECT_THAT(faults("agi_also = pbx_2.example.com:4573 192.0.2.7:1 [2001:db8::1]:65535\n"), IsEmpty());
    for (const std::string bad : {"foo", "foo:", ":4573", "foo:0", "foo:65536", "foo:x", "2001:db8::1:4573", "[foo]:1"})
        EXPECT_THAT(faults("agi_also = a:1 " + bad + "\n"),
                    ElementsAre(HasSubstr("[render.main] agi_also: \"" + bad + "\" is not HOST:PORT")));
}

TEST_F(SettingsTableTest, EverySettingCanComeFromTheEnvironment) {
    std::vector<std::pair<std::string, std::string>> environment;
    dir.write("s", "s3cr3t-Value\n");
    for (const auto& setting : settingsTable().settings) {
        std::string value(setting.fallback);
        if (setting.type == SettingType::secretFile) value = dir.at("s");
        if (value.empty()) value = setting.type == SettingType::url ? "https://pbx.example.com" : "given";
        if (setting.type == SettingType::whole) value = std::to_string(setting.least);
        if (setting.type == SettingType::addresses) value = "192.0.2.1";
        if (setting.type == SettingType::hostPorts) value = "192.0.2.1:4573";
        environment.emplace_back(variableName(settingsTable(), setting, "MAIN"), value);
    }
    const auto loaded = loadConfig(settingsTable(), {"", environment});
    EXPECT_THAT(texts(loaded), IsEmpty());
    for (const auto& setting : settingsTable().settings) {
        const auto named = namedSection(setting.section);
        const auto section = named ? std::string(*named) + ".main" : std::string(setting.section);
        EXPECT_EQ(loaded.config.where(section, setting.key), variableName(settingsTable(), setting, "MAIN"));
        if (setting.type != SettingType::whole) continue;
        EXPECT_EQ(loaded.config.whole(section, setting.key), setting.least) << setting.key;
    }
}

TEST(SettingsTable, HelpAndReferenceNameEverySetting) {
    const auto help = printHelp(settingsTable());
    const auto reference = printReference(settingsTable());
    for (const auto& setting : settingsTable().settings) {
        EXPECT_THAT(help, HasSubstr(variableName(settingsTable(), setting)));
        EXPECT_THAT(reference, HasSubstr("`" + variableName(settingsTable(), setting) + "`"));
        EXPECT_THAT(reference, HasSubstr("### `" + std::string(setting.key) + "`"));
    }
    EXPECT_THAT(reference, HasSubstr("## `[asterisk.NAME]`"));
}

TEST(SettingsTable, TheCommittedReferencePageIsTheOneThatIsPrinted) {
    EXPECT_EQ(test::readAll(std::string(PBX_SOURCE_DIR) + "/docs/reference/settings.md"),
              printReference(settingsTable()))
        << "make it anew: pbxd --print-settings-reference > docs/reference/settings.md";
}

// A setting that nothing reads is a promise that nobody keeps.
TEST(SettingsTable, EverySettingIsReadByTheCompositionRootOrByRender) {
    // Read by sqliteFile() and logOptions(), beside the table.
    const std::set<std::string_view> besideTheTable{"data_dir", "sqlite_file", "log_level", "log_format", "log_file"};
    std::string code = test::readAll(PBX_SOURCE_DIR "/cli/asterisk.cpp");
    for (const auto& file : std::filesystem::directory_iterator(std::string(PBX_SOURCE_DIR) + "/daemon"))
        if (file.path().extension() == ".cpp" && !file.path().stem().string().starts_with("settings_"))
            code += test::readAll(file.path().string());
    for (const auto& setting : settingsTable().settings) {
        const bool read = code.find('"' + std::string(setting.key) + '"') != std::string::npos;
        EXPECT_TRUE(read || besideTheTable.contains(setting.key)) << setting.section << "." << setting.key;
    }
}
