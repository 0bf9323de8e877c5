#include "access_test.hpp"

namespace pbx::test {
namespace {

using namespace pbx::access;
using namespace std::chrono_literals;
using domain::Role;

class AccountsOf : public AccessTest {};

TEST_F(AccountsOf, BootstrapMakesTheFirstOperatorAndOnlyThat) {
    EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { accounts->bootstrap("root", SecretString("short")); }));
    const auto made = accounts->bootstrap("root", SecretString(good));
    EXPECT_EQ(Role::operator_, made.role);
    EXPECT_EQ(ErrorCode::conflict, codeOf([&] { accounts->bootstrap("root2", SecretString(good)); }));
    const auto principal = login(basic("root", good));
    EXPECT_FALSE(principal->tenant);
    EXPECT_EQ(tenant, principal->scope(tenant).tenant());
}

TEST_F(AccountsOf, LoginsAndPasswordsKeepTheirRules) {
    for (const std::string bad : {"", "Alice", "a b", "m\xC3\xBCller", "token", "a'b", "a\nb"})
        EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { user(bad); })) << bad;
    EXPECT_EQ(ErrorCode::invalidArgument, codeOf([&] { user(std::string(64, 'a')); }));
    user("a.b_c-9");
    for (const std::string bad : {"elevenchars", "aaaaaaaaaaaaaaaa", "with\ncontrol-char", "\xFFnot utf8 at all"})
        EXPECT_EQ(ErrorCode::invalidArgument,
                  codeOf([&] { accounts->setPassword(scope(), "a.b_c-9", SecretString(bad)); }))
            << bad;
    EXPECT_EQ(ErrorCode::invalidArgument,
              codeOf([&] { checkPassword(SecretString("A-LONG-LOGIN.1"), "a-long-login.1"); }));
    EXPECT_EQ(ErrorCode::invalidArgument,
              codeOf([&] { checkPassword(SecretString(std::string(255, 'x') + "yz"), ""); }));
    checkPassword(SecretString("twelve chars"), "alice");
    EXPECT_TRUE(login(basic("a.b_c-9", good))); // nothing of the above took effect
}

TEST_F(AccountsOf, AUserWithoutAPasswordUsesTokensOnly) {
    accounts->createUser(scope(), {"robot", {}, Role::viewer, {}, {}});
    EXPECT_EQ(ErrorCode::unauthenticated, refusal(basic("robot", "")));
    const auto issued = accounts->createToken(scope(), {"robot", "crm", {"event.poll"}, {}});
    EXPECT_TRUE(login(bearer(issued.text)));
}

TEST_F(AccountsOf, ATokenNeedsANamePatternsAndATimeToCome) {
    user("alice");
    const auto refused = [&](const NewTokenRequest& request) {
        return codeOf([&] { accounts->createToken(scope(), request); });
    };
    EXPECT_EQ(ErrorCode::invalidArgument, refused({"alice", "", {"*"}, {}}));
    EXPECT_EQ(ErrorCode::invalidArgument, refused({"alice", "a\nb", {"*"}, {}}));
    EXPECT_EQ(ErrorCode::invalidArgument, refused({"alice", "crm", {}, {}}));
    EXPECT_EQ(ErrorCode::invalidArgument, refused({"alice", "crm", {"queue"}, {}}));
    EXPECT_EQ(ErrorCode::invalidArgument, refused({"alice", "crm", {"*.list"}, {}}));
    EXPECT_EQ(ErrorCode::invalidArgument, refused({"alice", "crm", {"*"}, clock.now()}));
    EXPECT_EQ(ErrorCode::notFound, refused({"nobody", "crm", {"*"}, {}}));
    EXPECT_EQ(std::nullopt, refused({"alice", "crm", {"*"}, clock.now() + 1s}));
}

TEST_F(AccountsOf, AnAuditRowIsNeverLostToItsContent) {
    AuditWriter writer(*db, clock);
    AuditRecord record;
    record.tenant = tenant;
    record.login = std::string(1000, 'x') + "\xC3";
    record.address = std::string("a\0b\xFF", 4);
    record.face = "\xC3\xBC";
    record.operation = std::string(500, 'o');
    record.target = "\xE6\x97\xA5" + std::string(500, 't');
    record.parameters = R"({"login":"alice","password":"***"})";
    record.outcome = "ok";
    const auto id = writer.write(record);
    storage::AuditRepository rows(*db);
    const auto page = rows.list(scope(), {});
    ASSERT_EQ(1U, page.items.size());
    EXPECT_EQ(id, page.items[0].id);
    EXPECT_EQ(clock.now(), page.items[0].at);
    EXPECT_EQ(std::string(255, 'x'), page.items[0].login);
    EXPECT_EQ(record.parameters, page.items[0].parameters);
    EXPECT_TRUE(rows.verify().intact());
}

} // namespace
} // namespace pbx::test
