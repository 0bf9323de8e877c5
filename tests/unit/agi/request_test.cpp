#include "agi/door.hpp"
#include "agi/request.hpp"
#include "base/error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace pbx::agi;
using pbx::SecretString;
using testing::ElementsAre;
using testing::Pair;

TEST(AgiScript, RouteTokenAndQuery) {
    const auto script = parseScript("route/abc-DEF_123?did=1000&from=+4930123&name=Zo%C3%AB%20%2C%25&empty=");
    ASSERT_TRUE(script);
    EXPECT_EQ(script->route, "route");
    EXPECT_EQ(script->token, "abc-DEF_123");
    EXPECT_THAT(script->query,
                ElementsAre(Pair("did", "1000"), Pair("from", "+4930123"), Pair("name", "Zoë ,%"), Pair("empty", "")));
    EXPECT_TRUE(parseScript("route/t"));
    EXPECT_TRUE(parseScript("route/t?"));
    EXPECT_TRUE(parseScript("dial-gate/t"));
}

TEST(AgiScript, RefusesOtherForms) {
    for (const std::string_view script :
         {"", "route", "route/", "/token", "route/t/x", "Route/t", "ro ute/t", "route/t?did", "route/t?=1",
          "route/t?did=%", "route/t?did=%4", "route/t?did=%zz", "route/t?did=1&did=2", "route/t?DID=1",
          "route/t?did=1&&x=1", "route/t?&"})
        EXPECT_FALSE(parseScript(script)) << script;
}

TEST(AgiScript, DecodedControlsBecomeHarmless) {
    const auto script = parseScript("route/t?a=1%0Aagi_context%3A&b=%00&c=%ff&d=%C3");
    ASSERT_TRUE(script);
    EXPECT_THAT(script->query,
                ElementsAre(Pair("a", "1?agi_context:"), Pair("b", "?"), Pair("c", "?"), Pair("d", "?")));
}

TEST(AgiRequest, AbsentIsEmpty) {
    Request request;
    request.query = {{"did", "1000"}};
    request.variables = {{"agi_channel", "PJSIP/a"}};
    EXPECT_EQ(request.argument("did"), "1000");
    EXPECT_EQ(request.argument("x"), "");
    EXPECT_EQ(request.variable("agi_channel"), "PJSIP/a");
    EXPECT_EQ(request.variable("did"), "");
}

namespace {

Caller caller(const std::string& server, const std::string& token) { return {server, SecretString(token)}; }
const std::string tokenA(32, 'a');
const std::string tokenB(32, 'b');

} // namespace

TEST(AgiDoor, TokenSaysWhichServer) {
    const Door door({}, {caller("one", tokenA), caller("two", tokenB)});
    EXPECT_EQ(door.serverOf(tokenA), "one");
    EXPECT_EQ(door.serverOf(tokenB), "two");
    for (const std::string& wrong : {std::string(), std::string(31, 'a'), std::string(33, 'a'), std::string(32, 'A')})
        EXPECT_EQ(door.serverOf(wrong), std::nullopt);
    EXPECT_EQ(Door({}, {}).serverOf(""), std::nullopt);
}

TEST(AgiDoor, LoopbackUnlessListed) {
    const Door local({}, {});
    EXPECT_TRUE(local.admits("127.0.0.1"));
    EXPECT_TRUE(local.admits("::1"));
    EXPECT_FALSE(local.admits("10.0.0.1"));
    EXPECT_FALSE(local.admits(""));
    const Door listed({*pbx::AddressRange::parse("10.1.0.0/16")}, {});
    EXPECT_TRUE(listed.admits("10.1.2.3"));
    EXPECT_TRUE(listed.admits("::ffff:10.1.2.3")) << "a dual-stack socket writes it so";
    EXPECT_FALSE(listed.admits("10.2.0.1"));
    EXPECT_FALSE(listed.admits("127.0.0.1"));
}

TEST(AgiDoor, RefusesWeakOrSharedTokensWithoutNamingThem) {
    const auto refused = [](const std::vector<Caller>& callers) -> std::string {
        try {
            Door({}, callers);
        } catch (const pbx::Error& e) {
            return e.text();
        }
        return "accepted";
    };
    EXPECT_EQ(refused({caller("one", tokenA)}), "accepted");
    EXPECT_THAT(refused({caller("one", "short")}), testing::HasSubstr("server one"));
    EXPECT_THAT(refused({caller("one", "short")}), testing::Not(testing::HasSubstr("short")));
    EXPECT_THAT(refused({caller("one", std::string(16, '/'))}), testing::HasSubstr("16 to 128"));
    EXPECT_THAT(refused({caller("one", std::string(129, 'a'))}), testing::HasSubstr("16 to 128"));
    EXPECT_THAT(refused({caller("one", tokenA), caller("two", tokenA)}), testing::HasSubstr("one and two"));
    EXPECT_THAT(refused({caller("one", tokenA), caller("one", tokenB)}), testing::HasSubstr("share a name"));
}
