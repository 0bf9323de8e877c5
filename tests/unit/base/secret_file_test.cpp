#include "base/secret_file.hpp"

#include "base/error.hpp"
#include "temp_dir.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

using namespace pbx;
using pbx::test::TempDir;
using testing::HasSubstr;

namespace {

std::string refusal(const std::string& path) {
    try {
        (void)readSecretFile(path);
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::invalidArgument);
        return error.text();
    }
    return "accepted";
}

} // namespace

TEST(SecretFile, IsItsOneLineWithoutTheLineEnd) {
    const TempDir dir;
    EXPECT_EQ(readSecretFile(dir.write("a", "s3cr3t-Value 7\n")).reveal(), "s3cr3t-Value 7");
    EXPECT_EQ(readSecretFile(dir.write("b", "s3cr3t-Value\r\n", 0640)).reveal(), "s3cr3t-Value");
    EXPECT_EQ(readSecretFile(dir.write("c", "s3cr3t-Value", 0400)).reveal(), "s3cr3t-Value");
    EXPECT_EQ(readSecretFile(dir.write("d", std::string(1024, 'x') + "\r\n")).reveal().size(), 1024U);
}

TEST(SecretFile, IsRefusedWhenOthersCouldHaveReadOrWrittenIt) {
    const TempDir dir;
    for (const mode_t open : {0644U, 0660U, 0604U, 0602U, 0601U, 0777U, 0641U, 04600U})
        EXPECT_THAT(refusal(dir.write("open", "s3cr3t-Value\n", open)), HasSubstr("chmod 0600")) << std::oct << open;
    EXPECT_THAT(refusal(dir.write("open", "s3cr3t-Value\n", 0644)), HasSubstr("mode 0644"));
}

TEST(SecretFile, IsRefusedWhenSomebodyElseOwnsIt) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
    const TempDir dir;
    const auto path = dir.write("foreign", "s3cr3t-Value\n");
    ASSERT_EQ(::chown(path.c_str(), 54321, 54321), 0);
    EXPECT_THAT(refusal(path), HasSubstr("belongs to user id 54321"));
}

TEST(SecretFile, IsRefusedWhenItIsNoSecret) {
    const TempDir dir;
    EXPECT_THAT(refusal(dir.write("f", "")), HasSubstr("is empty"));
    EXPECT_THAT(refusal(dir.write("f", "\n")), HasSubstr("is empty"));
    EXPECT_THAT(refusal(dir.write("f", "one\ntwo\n")), HasSubstr("more than one line"));
    EXPECT_THAT(refusal(dir.write("f", std::string("a\0b", 3))), HasSubstr("control characters"));
    EXPECT_THAT(refusal(dir.write("f", "\xFF\xFE")), HasSubstr("not UTF-8"));
    EXPECT_THAT(refusal(dir.write("f", std::string(1025, 'x'))), HasSubstr("too long"));
    EXPECT_THAT(refusal(dir.write("f", std::string(1 << 20, 'x'))), HasSubstr("too long"));
    EXPECT_THAT(refusal(dir.write("f", "ChangeMe\n")), HasSubstr("everybody knows"));
    EXPECT_THAT(refusal(dir.at("missing")), HasSubstr("No such file"));
    EXPECT_THAT(refusal(dir.at("")), HasSubstr("not a regular file"));
    const auto fifo = dir.at("fifo");
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    EXPECT_THAT(refusal(fifo), HasSubstr("not a regular file")); // and does not wait for a writer
}

TEST(SecretFile, NeverTellsItsContent) {
    const TempDir dir;
    for (const auto* content : {"planted-marker\ntwo\n", "planted-marker\x01"})
        EXPECT_THAT(refusal(dir.write("f", content)), testing::Not(HasSubstr("planted-marker")));
    EXPECT_THAT(refusal(dir.write("f", "planted-marker", 0644)), testing::Not(HasSubstr("planted-marker")));
}
