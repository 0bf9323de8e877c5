#include "render/apply.hpp"

#include "base/error.hpp"
#include "render/folder.hpp"
#include "sample_site.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

namespace pbx::render {
namespace {

namespace fs = std::filesystem;

std::string headerOf(const ami::Action& action, const std::string& key) {
    std::string wire;
    action.appendTo(wire, "1");
    const auto at = wire.find("\r\n" + key + ": ");
    if (at == std::string::npos) return {};
    const auto from = at + key.size() + 4;
    return wire.substr(from, wire.find("\r\n", from) - from);
}

// An Asterisk that runs with what was in the folder when it reloaded; tests make it refuse.
struct FakeAsterisk {
    std::vector<std::string> reloaded, parsed;
    std::map<std::string, std::string> refuse; // module or file → Asterisk's words
    std::set<std::string> absent;              // phones and queues that do not come
    bool gone = false;
    bool deaf = false; // keeps the dialplan that it has
    std::string stamp;
    fs::path folder;

    Ask ask() {
        return [this](const ami::Action& action) { return answer(action); };
    }

    Answer answer(const ami::Action& action) {
        if (gone) throw Error(ErrorCode::unavailable, "not connected");
        if (action.name() == "Ping") return said(true);
        if (action.name() == "GetConfigJSON") {
            parsed.push_back(headerOf(action, "Filename"));
            return refusal(parsed.back());
        }
        if (action.name() == "Reload") {
            const auto module = headerOf(action, "Module");
            reloaded.push_back(module);
            if (module == "pbx_config.so" && !deaf) stamp = stampInFolder();
            return refusal(module);
        }
        if (action.name() == "ShowDialPlan") return said(headerOf(action, "Extension") == stamp);
        Answer out = said(true);
        const bool queues = action.name() == "QueueSummary";
        for (const auto* name : {"acme-101", "acme-trunk-main", "acme-support"})
            if (!absent.contains(name)) out.items.push_back({{queues ? "Queue" : "ObjectName", name}});
        return out;
    }

    static Answer said(bool ok, std::string text = {}) {
        Answer out;
        out.ok = ok;
        out.text = std::move(text);
        return out;
    }
    Answer refusal(const std::string& what) {
        const auto found = refuse.find(what);
        return found == refuse.end() ? said(true) : said(false, found->second);
    }
    std::string stampInFolder() const {
        std::ifstream in(folder / "extensions.conf");
        return stampOf({{"extensions.conf", {std::istreambuf_iterator<char>(in), {}}}});
    }
};

class Apply : public ::testing::Test {
protected:
    void SetUp() override {
        std::string name = "/tmp/pbx-apply-XXXXXX";
        ASSERT_NE(nullptr, ::mkdtemp(name.data()));
        base_ = name;
        asterisk.folder = base_ / "asterisk";
        writeFolder(asterisk.folder.string(), before, false);
        asterisk.stamp = stampOf(before);
    }
    void TearDown() override { fs::remove_all(base_); }

    Applied run(const Files& files, ApplyOptions options = {}) {
        options.patience = std::chrono::milliseconds(300);
        return apply(asterisk.folder.string(), files, options, asterisk.ask());
    }
    std::string refused(const Files& files) {
        try {
            run(files);
        } catch (const Error& error) {
            EXPECT_EQ(ErrorCode::conflict, error.code());
            return error.text();
        }
        return {};
    }
    static Files changed() {
        auto site = sampleSite();
        site.tenants[0].outbound.pop_back();
        site.tenants[0].outbound.pop_back();
        return render(site);
    }

    fs::path base_;
    const Files before = render(sampleSite());
    FakeAsterisk asterisk;
};

TEST_F(Apply, WhatIsThereIsLeftAloneUnlessItIsToBeRead) {
    EXPECT_TRUE(run(before).changed.empty());
    EXPECT_TRUE(asterisk.reloaded.empty());
    const auto done = run(before, {.force = false, .reread = true, .patience = {}});
    EXPECT_TRUE(done.changed.empty());
    EXPECT_TRUE(done.needRestart.empty());
    EXPECT_EQ("pbx_config.so", asterisk.reloaded.back());
    EXPECT_FALSE(fs::exists(asterisk.folder.string() + ".pbxd-old"));
}

TEST_F(Apply, OnlyWhatChangedIsReadAndIsThenInForce) {
    const auto after = changed();
    EXPECT_EQ(std::vector<std::string>{"extensions.conf"}, run(after).changed);
    EXPECT_EQ(std::vector<std::string>{"extensions.conf"}, asterisk.parsed);
    EXPECT_EQ(std::vector<std::string>{"pbx_config.so"}, asterisk.reloaded);
    EXPECT_EQ(stampOf(after), asterisk.stamp);
    EXPECT_NE(stampOf(before), stampOf(after));
}

TEST_F(Apply, WhatIsReadAtTheStartAloneIsNamed) {
    auto site = sampleSite();
    site.machine.odbc.reset();
    asterisk.refuse["res_odbc.so"] = "No such module";
    const auto done = run(render(site));
    EXPECT_EQ((std::vector<std::string>{"modules.conf", "odbc.ini", "res_odbc.conf"}), [&] {
        auto names = done.needRestart;
        std::ranges::sort(names);
        std::erase_if(names, [](const auto& name) {
            return name != "modules.conf" && name != "odbc.ini" && name != "res_odbc.conf";
        });
        return names;
    }());
}

TEST_F(Apply, ARefusedReloadIsTakenBackAndReadAgain) {
    asterisk.refuse["pbx_config.so"] = "An unknown error occurred";
    asterisk.deaf = true;
    const auto text = refused(changed());
    EXPECT_NE(std::string::npos, text.find("pbx_config.so: An unknown error occurred")) << text;
    EXPECT_TRUE(changedFiles(asterisk.folder.string(), before).empty());
    EXPECT_TRUE(changedFiles(asterisk.folder.string() + ".pbxd-refused", changed()).empty());
    EXPECT_EQ(2, std::ranges::count(asterisk.reloaded, "pbx_config.so"));
}

TEST_F(Apply, AFileThatAsteriskCannotReadIsTakenBackBeforeAnythingIsReloaded) {
    asterisk.refuse["extensions.conf"] = "Config file has invalid format";
    const auto text = refused(changed());
    EXPECT_NE(std::string::npos, text.find("extensions.conf")) << text;
    EXPECT_NE(std::string::npos, text.find("in place again and in force")) << text;
    EXPECT_EQ(std::vector<std::string>{"pbx_config.so"}, asterisk.reloaded); // that of the way back
    EXPECT_TRUE(changedFiles(asterisk.folder.string(), before).empty());
}

TEST_F(Apply, AnAsteriskThatSaysYesAndKeepsTheOldDialplanIsFoundOut) {
    asterisk.deaf = true;
    EXPECT_NE(std::string::npos, refused(changed()).find("did not take the new dialplan"));
    EXPECT_TRUE(changedFiles(asterisk.folder.string(), before).empty());
}

TEST_F(Apply, APhoneOrQueueThatDoesNotComeIsMissed) {
    asterisk.absent = {"acme-101"};
    EXPECT_NE(std::string::npos, refused(changed()).find("no phone or trunk acme-101"));
    asterisk.absent = {"acme-support"};
    EXPECT_NE(std::string::npos, refused(changed()).find("no queue acme-support"));
}

TEST_F(Apply, WithoutAsteriskNothingIsWritten) {
    asterisk.gone = true;
    EXPECT_THROW(run(changed()), Error);
    EXPECT_TRUE(changedFiles(asterisk.folder.string(), before).empty());
    EXPECT_FALSE(fs::exists(asterisk.folder.string() + ".pbxd-old"));
}

TEST_F(Apply, WhatWasChangedByHandIsNotOverwritten) {
    std::ofstream(asterisk.folder / "extensions.conf", std::ios::app) << "; mine\n";
    EXPECT_NE(std::string::npos, refused(changed()).find("changed by hand"));
    EXPECT_TRUE(asterisk.reloaded.empty());
}

} // namespace
} // namespace pbx::render
