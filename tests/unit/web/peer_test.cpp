#include "base/error.hpp"
#include "web/peer.hpp"
#include "web/reply.hpp"
#include "web/router.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pbx::web {
namespace {

using Kind = Credentials::Kind;

Address at(std::string_view text) { return Address::parse(text).value(); }

TEST(Peer, AddressesAreOneTextWhateverTheirForm) {
    EXPECT_EQ("192.0.2.1", at("::ffff:192.0.2.1").text());
    EXPECT_EQ(at("192.0.2.1"), at("::ffff:c000:201"));
    EXPECT_EQ("2001:db8::1", at("2001:DB8:0:0::1").text());
    for (const auto* bad : {"", "1.2.3", "0x7f.1", "1.2.3.4 ", "::1%lo", "localhost", "1.2.3.256"})
        EXPECT_FALSE(Address::parse(bad)) << bad;
    EXPECT_TRUE(at("127.9.9.9").isLoopback());
    EXPECT_TRUE(at("::1").isLoopback());
    EXPECT_FALSE(at("128.0.0.1").isLoopback());
    EXPECT_FALSE(at("::2").isLoopback());
}

TEST(Peer, AnIpv6NetworkCountsAsOneClient) {
    EXPECT_EQ(at("2001:db8::1").capKey(), at("2001:db8::ffff:0:0:1").capKey());
    EXPECT_NE(at("2001:db8::1").capKey(), at("2001:db8:0:1::1").capKey());
    EXPECT_NE(at("192.0.2.1").capKey(), at("192.0.2.2").capKey());
}

class Forwarding : public testing::Test {
protected:
    std::string client(std::string_view peer, std::vector<HeaderField> headers,
                       std::string_view header = "x-forwarded-for") {
        return clientAddress(at(peer), headers, header, proxies).text();
    }
    std::vector<AddressRange> proxies{AddressRange::parse("10.0.0.0/8").value(), AddressRange::parse("::1").value()};
};

TEST_F(Forwarding, OnlyTrustedProxiesAreHeard) {
    EXPECT_EQ("192.0.2.9", client("192.0.2.9", {{"x-forwarded-for", "198.51.100.1"}}));
    EXPECT_EQ("198.51.100.1", client("10.1.1.1", {{"x-forwarded-for", "198.51.100.1"}}));
    EXPECT_EQ("10.1.1.1", client("10.1.1.1", {}));
}

TEST_F(Forwarding, IsReadFromTheRightUpToTheFirstStranger) {
    EXPECT_EQ("198.51.100.1", client("10.1.1.1", {{"x-forwarded-for", "203.0.113.7, 198.51.100.1, 10.2.2.2"}}));
    EXPECT_EQ("198.51.100.1",
              client("10.1.1.1", {{"x-forwarded-for", "203.0.113.7"}, {"x-forwarded-for", "198.51.100.1,10.2.2.2"}}));
    EXPECT_EQ("10.2.2.2", client("10.1.1.1", {{"x-forwarded-for", "junk, 10.2.2.2"}}));
    EXPECT_EQ("10.1.1.1", client("10.1.1.1", {{"x-forwarded-for", "198.51.100.1, "}}));
    EXPECT_EQ("198.51.100.1", client("10.1.1.1", {{"x-forwarded-for", "198.51.100.1:4711"}}));
    EXPECT_EQ("2001:db8::5", client("::1", {{"x-forwarded-for", "2001:db8::5"}}));
}

TEST_F(Forwarding, OnlyTheConfiguredHeaderCounts) {
    const std::vector<HeaderField> both{{"forwarded", "for=203.0.113.7"}, {"x-forwarded-for", "198.51.100.1"}};
    EXPECT_EQ("198.51.100.1", client("10.1.1.1", both));
    EXPECT_EQ("203.0.113.7", client("10.1.1.1", both, "forwarded"));
    EXPECT_EQ("2001:db8::17",
              client("10.1.1.1", {{"forwarded", R"(for=1.2.3.4, proto=https;For="[2001:db8::17]:4711";by=10.0.0.1)"}},
                     "forwarded"));
    EXPECT_EQ("10.1.1.1", client("10.1.1.1", {{"forwarded", "for=unknown"}}, "forwarded"));
    EXPECT_EQ("10.1.1.1", client("10.1.1.1", {{"forwarded", "for=\"_hidden"}}, "forwarded"));
}

TEST(Credentials, Basic) {
    const auto good = parseAuthorization("basic YWxpY2U6czpjcmV0"); // alice:s:cret
    EXPECT_EQ(Kind::basic, good.kind);
    EXPECT_EQ("alice", good.user);
    EXPECT_EQ("s:cret", good.secret.reveal());
    EXPECT_EQ("", parseAuthorization("Basic YTo=").secret.reveal()); // a:
    EXPECT_EQ(Kind::basic, parseAuthorization("Basic YTo=").kind);
}

TEST(Credentials, DamagedOnesAreInvalid) {
    for (const auto* bad :
         {"", "Basic", "Basic ", "Basic !!!!", "Basic YWxpY2U", "Basic YWxpY2U=", // no colon
          "Basic YTp=", "Basic YTo= x", "Basic YQA6Yg==" /* a NUL : b */, "Basic YQo6Yg==" /* a LF : b */,
          "Basic /zpi" /* 0xff : b */, "Bearer", "Bearer a b", "Digest x", "Negotiate abc"})
        EXPECT_EQ(Kind::invalid, parseAuthorization(bad).kind) << bad;
    EXPECT_EQ(Kind::invalid, parseAuthorization("Bearer " + std::string(1025, 'a')).kind);
    const auto bearer = parseAuthorization("BEARER tok-123");
    EXPECT_EQ(Kind::bearer, bearer.kind);
    EXPECT_EQ("tok-123", bearer.secret.reveal());
}

TEST(Router, ExactBeforeLongestPrefix) {
    Router router;
    const auto add = [&](std::string name, std::string path, Route::Match match) {
        router.add({.name = std::move(name),
                    .path = std::move(path),
                    .match = match,
                    .methods = {"GET", "POST"},
                    .contentTypes = {"text/xml"},
                    .handler = [](const Request&) { return Response{}; }});
    };
    add("all", "/", Route::Match::prefix);
    add("api", "/api/v1/", Route::Match::prefix);
    add("spec", "/api/v1/openapi.json", Route::Match::exact);
    EXPECT_EQ("spec", router.find("/api/v1/openapi.json")->name);
    EXPECT_EQ("api", router.find("/api/v1/queue.list")->name);
    EXPECT_EQ("all", router.find("/api/v1")->name);
    const auto* route = router.find("/api/v1/x");
    EXPECT_EQ("GET, HEAD, POST", route->allowHeader());
    EXPECT_TRUE(route->allows("HEAD"));
    EXPECT_FALSE(route->allows("DELETE"));
    EXPECT_TRUE(route->takes("Text/XML ; charset=utf-8"));
    EXPECT_FALSE(route->takes("text/xmlx"));
    EXPECT_FALSE(route->takes(""));
    EXPECT_THROW(add("again", "/api/v1/", Route::Match::prefix), Error);
    EXPECT_THROW(add("", "/x", Route::Match::exact), Error);
}

TEST(Reply, HeadersThatBreakTheFramingAreRefused) {
    for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{{"X", "a\r\nSet-Cookie: b"},
                                                                                      {"X\r\nY", "a"},
                                                                                      {"Content-Length", "5"},
                                                                                      {"transfer-encoding", "x"},
                                                                                      {"", "x"}}) {
        auto response = Response::text(200, "x");
        response.headers.emplace_back(name, value);
        EXPECT_THROW(replyHead(response, {}), Error) << name;
    }
    auto response = Response::text(200, "x");
    response.contentType = "text/html\r\nX: y";
    EXPECT_THROW(replyHead(response, {}), Error);
}

TEST(Reply, CauseIsNotSentAndRetryAfterIs) {
    const auto response = errorResponse(
        Error(ErrorCode::unavailable, "the database is away").because("host db7 refused").retryIn(7), "id1");
    EXPECT_EQ(errorRow(ErrorCode::unavailable).httpStatus, response.status);
    EXPECT_THAT(std::string(response.bodyView()),
                testing::HasSubstr("unavailable: the database is away\nrequest id: id1"));
    EXPECT_THAT(std::string(response.bodyView()), testing::Not(testing::HasSubstr("db7")));
    EXPECT_THAT(replyHead(response, {}), testing::HasSubstr("Retry-After: 7\r\n"));
}

} // namespace
} // namespace pbx::web
