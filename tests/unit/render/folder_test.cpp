#include "render/folder.hpp"

#include "base/error.hpp"
#include "sample_site.hpp"

#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace pbx::render {
namespace {

namespace fs = std::filesystem;

class Folder : public ::testing::Test {
protected:
    void SetUp() override {
        std::string name = "/tmp/pbx-render-XXXXXX";
        ASSERT_NE(nullptr, ::mkdtemp(name.data()));
        base_ = name;
        dir = base_ / "asterisk";
    }
    void TearDown() override { fs::remove_all(base_); }

    static std::string read(const fs::path& path) {
        std::ifstream in(path);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    static void write(const fs::path& path, const std::string& text) {
        fs::create_directories(path.parent_path());
        std::ofstream(path) << text;
    }
    static mode_t mode(const fs::path& path) {
        struct stat info {};
        EXPECT_EQ(0, ::stat(path.c_str(), &info)) << path;
        return info.st_mode & 07777;
    }
    static std::string conflict(const std::function<void()>& work) {
        try {
            work();
        } catch (const Error& e) {
            EXPECT_EQ(ErrorCode::conflict, e.code());
            return e.text();
        }
        return {};
    }
    std::vector<std::string> check(const Machine& machine = sampleMachine()) {
        return checkFolder(dir.string(), machine);
    }

    fs::path base_, dir;
    const Files files = render(sampleSite());
};

TEST_F(Folder, IsMadeWithModesForSecretsAndIsThenTheSame) {
    const auto umask = ::umask(0);
    writeFolder(dir.string(), files, false);
    ::umask(umask);
    EXPECT_EQ(0750U, mode(dir));
    for (const auto& [name, text] : files) {
        EXPECT_EQ(text, read(dir / name)) << name;
        EXPECT_EQ(0640U, mode(dir / name)) << name;
    }
    EXPECT_EQ("", compareFolder(dir.string(), files));
    EXPECT_EQ(std::vector<std::string>{}, check());
}

TEST_F(Folder, AChangeKeepsWhatTheAdminWroteAndTheFilesBefore) {
    writeFolder(dir.string(), files, false);
    write(dir / "custom" / "pjsip.conf", "; mine\n");
    write(dir / "custom" / "more" / "x.conf", "deep\n");
    ASSERT_EQ(0, ::chmod((dir / "custom" / "pjsip.conf").c_str(), 0600));
    fs::create_symlink("pjsip.conf", dir / "custom" / "link.conf");
    auto site = sampleSite();
    site.tenants[0].queues[0].settings.ringSeconds = 33;
    const auto next = render(site);
    const auto diff = compareFolder(dir.string(), next);
    EXPECT_NE(std::string::npos, diff.find("--- queues.conf\n+++ queues.conf\n")) << diff;
    EXPECT_NE(std::string::npos, diff.find("-timeout = 15\n+timeout = 33\n")) << diff;
    writeFolder(dir.string(), next, false);
    EXPECT_EQ(next.at("queues.conf"), read(dir / "queues.conf"));
    EXPECT_EQ("; mine\n", read(dir / "custom" / "pjsip.conf"));
    EXPECT_EQ(0600U, mode(dir / "custom" / "pjsip.conf"));
    EXPECT_EQ("deep\n", read(dir / "custom" / "more" / "x.conf"));
    EXPECT_TRUE(fs::is_symlink(dir / "custom" / "link.conf"));
    EXPECT_EQ(files.at("queues.conf"), read(dir.string() + ".pbxd-old/queues.conf"));
    EXPECT_FALSE(fs::exists(dir.string() + ".pbxd-new"));
    writeFolder(dir.string(), files, false); // the old folder is in its place no obstacle
    EXPECT_EQ(files.at("queues.conf"), read(dir / "queues.conf"));
}

TEST_F(Folder, ALinkToItIsFollowed) {
    fs::create_directories(base_ / "real");
    fs::create_directory_symlink(base_ / "real", dir);
    writeFolder(dir.string(), files, false);
    EXPECT_TRUE(fs::is_symlink(dir));
    EXPECT_EQ(files.at("pjsip.conf"), read(base_ / "real" / "pjsip.conf"));
}

TEST_F(Folder, WhatSomebodyChangedByHandIsNotOverwritten) {
    writeFolder(dir.string(), files, false);
    auto next = files;
    next["queues.conf"] += "; more\n";
    write(dir / "queues.conf", "mine\n");
    const auto text = conflict([&] { writeFolder(dir.string(), next, false); });
    EXPECT_NE(std::string::npos, text.find("changed by hand since it was rendered: queues.conf")) << text;
    EXPECT_EQ("mine\n", read(dir / "queues.conf"));
    EXPECT_FALSE(fs::exists(dir.string() + ".pbxd-new"));
    writeFolder(dir.string(), next, true);
    EXPECT_EQ(next.at("queues.conf"), read(dir / "queues.conf"));
}

TEST_F(Folder, AFolderOfSomethingElseIsLeftAlone) {
    write(dir / "voicemail.conf", "x");
    EXPECT_NE(std::string::npos, conflict([&] { writeFolder(dir.string(), files, true); }).find("(voicemail.conf)"));
    EXPECT_EQ("x", read(dir / "voicemail.conf"));
    EXPECT_EQ(1, std::distance(fs::directory_iterator(dir), {}));
}

TEST_F(Folder, ARunThatBrokeOffIsNoObstacle) {
    write(dir.string() + ".pbxd-new/half.conf", "x");
    writeFolder(dir.string(), files, false);
    EXPECT_FALSE(fs::exists(dir / "half.conf"));
    EXPECT_EQ(std::vector<std::string>{}, check());
}

TEST_F(Folder, WhereItCannotBeWrittenTheErrorSaysWhereAndWhy) {
    try {
        writeFolder("/proc/nowhere/asterisk", files, false);
        FAIL();
    } catch (const Error& e) {
        EXPECT_EQ(ErrorCode::unavailable, e.code());
        EXPECT_NE(std::string::npos, e.text().find("/proc/nowhere")) << e.text();
    }
}

TEST_F(Folder, CheckNamesWhatIsWrong) {
    using Said = std::vector<std::string>;
    EXPECT_EQ(Said{dir.string() + " was not rendered: run pbxctl asterisk render --out there"}, check());
    writeFolder(dir.string(), files, false);

    ASSERT_EQ(0, ::chmod((dir / "manager.conf").c_str(), 0644));
    EXPECT_EQ(
        Said{"manager.conf can be read by others and may hold secrets: chmod 0640 " + (dir / "manager.conf").string()},
        check());
    ASSERT_EQ(0, ::chmod((dir / "manager.conf").c_str(), 0640));

    fs::remove(dir / "rtp.conf");
    EXPECT_EQ(Said{"rtp.conf is missing or cannot be read: render again"}, check());
    write(dir / "rtp.conf", files.at("rtp.conf"));
    ASSERT_EQ(0, ::chmod((dir / "rtp.conf").c_str(), 0640));

    write(dir / "custom" / "extensions.conf", "#include \"custom/nosuch.conf\"\n#tryinclude \"custom/other.conf\"\n");
    ASSERT_EQ(0, ::chmod((dir / "custom" / "extensions.conf").c_str(), 0640));
    ASSERT_EQ(0, ::chmod((dir / "custom").c_str(), 0750));
    EXPECT_EQ(Said{"custom/extensions.conf includes custom/nosuch.conf, which is not there: Asterisk will not read "
                   "custom/extensions.conf; make it, or say #tryinclude"},
              check());
    fs::remove(dir / "custom" / "extensions.conf");

    auto machine = sampleMachine();
    machine.agiToken = SecretString("ZYXWVUTSRQPONMLKJIHGFEDCBA012345");
    EXPECT_EQ(
        Said{"extensions.conf has another FastAGI token than agi_token_file: pbxd would not answer; render again"},
        check(machine));
    machine = sampleMachine();
    machine.sysSecret = SecretString("other");
    EXPECT_EQ(Said{"manager.conf has no account pbxd-sys with the secret of sys_secret_file: pbxd could not log in; "
                   "render again"},
              check(machine));
    machine = sampleMachine();
    machine.amiSecret = SecretString("sys-secret"); // that of the other account
    EXPECT_EQ(
        Said{"manager.conf has no account pbxd with the secret of secret_file: pbxd could not log in; render again"},
        check(machine));
    auto logging = sampleMachine();
    logging.directories.log = (base_ / "log").string();
    fs::create_directories(base_ / "log" / "cdr-custom");
    EXPECT_EQ(Said{(base_ / "log" / "cel-custom").string() + " is missing: Asterisk would write no records of calls; "
                                                             "make it, for Asterisk's user"},
              check(logging));
    for (const auto& fault : check(machine)) EXPECT_EQ(std::string::npos, fault.find("sys-secret"));
}

} // namespace
} // namespace pbx::render
