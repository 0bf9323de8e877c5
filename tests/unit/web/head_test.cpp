#include "web/chunked.hpp"
#include "web/head.hpp"

#include <gtest/gtest.h>

#include <string>

namespace pbx::web {
namespace {

constexpr HeadLimits limits{16 * 1024, 8 * 1024, 100};

// The status that `text` is refused with; 0: it is taken.
int judge(const std::string& text, Head* out = nullptr) {
    HeadScanner scanner(limits);
    const auto state = scanner.scan(text);
    if (state == HeadScanner::State::refused) return scanner.refusal().status;
    if (state == HeadScanner::State::more) return -1;
    Head head;
    static std::string kept; // `out` points into it
    kept = text.substr(0, scanner.length());
    const auto refused = parseHead(kept, limits, out != nullptr ? *out : head);
    return refused ? refused->status : 0;
}

std::string get(std::string_view headers) { return "GET / HTTP/1.1\r\nHost: x\r\n" + std::string(headers) + "\r\n"; }
std::string post(std::string_view headers) { return "POST / HTTP/1.1\r\nHost: x\r\n" + std::string(headers) + "\r\n"; }

TEST(Head, GivesItsParts) {
    Head head;
    ASSERT_EQ(0, judge("POST /soap?wsdl&a=b HTTP/1.1\r\nHost: pbx\r\nX-Odd:  a\tb \r\nAUTHORIZATION: Bearer t\r\n"
                       "Content-Length: 12\r\nConnection: foo, Close\r\nExpect: 100-Continue\r\n\r\n",
                       &head));
    EXPECT_EQ("POST", head.method);
    EXPECT_EQ("/soap", head.path);
    EXPECT_EQ("wsdl&a=b", head.query);
    EXPECT_EQ("a\tb", head.header("x-odd"));
    EXPECT_EQ("", head.header("authorization"));
    EXPECT_EQ("Bearer t", std::string_view(head.authorization.data(), head.authorization.size()));
    EXPECT_EQ(12U, head.contentLength);
    EXPECT_EQ(BodyFraming::length, head.framing);
    EXPECT_TRUE(head.http11);
    EXPECT_FALSE(head.keepAlive);
    EXPECT_TRUE(head.expectContinue);
}

TEST(Head, KeepAliveFollowsTheVersion) {
    Head head;
    ASSERT_EQ(0, judge("GET / HTTP/1.0\r\n\r\n", &head));
    EXPECT_FALSE(head.keepAlive);
    ASSERT_EQ(0, judge("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", &head));
    EXPECT_TRUE(head.keepAlive);
    ASSERT_EQ(0, judge(get(""), &head));
    EXPECT_TRUE(head.keepAlive);
}

TEST(Head, AbsoluteTargetsLoseTheirAuthority) {
    Head head;
    ASSERT_EQ(0, judge("GET http://evil.example/RPC2?x HTTP/1.1\r\nHost: x\r\n\r\n", &head));
    EXPECT_EQ("/RPC2", head.path);
    EXPECT_EQ(400, judge("GET http:///RPC2 HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_EQ(400, judge("GET http://host?x HTTP/1.1\r\nHost: x\r\n\r\n"));
}

struct Case {
    const char* what;
    std::string text;
    int status;
};

TEST(Head, RefusesWhatTwoReadersCouldReadInTwoWays) {
    const Case cases[] = {
        {"CL and TE", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400},
        {"two CL", post("Content-Length: 5\r\nContent-Length: 5\r\n"), 400},
        {"CL list", post("Content-Length: 5, 5\r\n"), 400},
        {"CL -1", post("Content-Length: -1\r\n"), 400},
        {"CL +5", post("Content-Length: +5\r\n"), 400},
        {"CL 0x5", post("Content-Length: 0x5\r\n"), 400},
        {"CL 5 a", post("Content-Length: 5 a\r\n"), 400},
        {"CL empty", post("Content-Length:\r\n"), 400},
        {"two TE", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
        {"TE twice in one", post("Transfer-Encoding: chunked, chunked\r\n"), 501},
        {"TE gzip", post("Transfer-Encoding: gzip, chunked\r\n"), 501},
        {"TE identity", post("Transfer-Encoding: identity\r\n"), 501},
        {"TE empty", post("Transfer-Encoding:\r\n"), 501},
        {"TE with vertical tab", post("Transfer-Encoding:\vchunked\r\n"), 400},
        {"TE in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"POST without either", post(""), 411},
        {"PUT without either", "PUT / HTTP/1.1\r\nHost: x\r\n\r\n", 411},
        {"bare LF after the request line", "GET / HTTP/1.1\nHost: x\r\n\r\n", 400},
        {"bare LF in headers", get("A: b\n"), 400},
        {"bare LF as the end", "GET / HTTP/1.1\r\nHost: x\r\n\n", 400},
        {"lone CR in a value", get("A: b\rC: d\r\n"), 400},
        {"obs-fold", get("A: b\r\n c\r\n"), 400},
        {"obs-fold with tab", get("A: b\r\n\tc\r\n"), 400},
        {"NUL in a value", get(std::string("A: b\0c\r\n", 8)), 400},
        {"NUL in a name", get(std::string("A\0b: c\r\n", 8)), 400},
        {"space before the colon", get("Content-Length : 5\r\n"), 400},
        {"no colon", get("Content-Length 5\r\n"), 400},
        {"empty name", get(": x\r\n"), 400},
        {"two Host", get("Host: y\r\n"), 400},
        {"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
        {"two Authorization", get("Authorization: Bearer a\r\nAuthorization: Bearer b\r\n"), 400},
        {"HTTP/9.9", "GET / HTTP/9.9\r\nHost: x\r\n\r\n", 505},
        {"HTTP/2.0", "PRI * HTTP/2.0\r\n\r\n", 505},
        {"no version", "GET /\r\n\r\n", 400},
        {"two spaces", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"a space in the target", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"a tab in the target", "GET /a\tb HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"a fragment", "GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"UTF-8 in the target", "GET /\xc3\xa4 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"asterisk form", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"authority form", "CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"a method that is no token", "GE(T / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"TLS on the plain port", std::string("\x16\x03\x01\x02\x00\x01", 6), 400},
        {"other expectation", post("Content-Length: 1\r\nExpect: tea\r\n"), 417},
        {"gzip body", post("Content-Length: 1\r\nContent-Encoding: gzip\r\n"), 415},
    };
    for (const auto& c : cases) EXPECT_EQ(c.status, judge(c.text)) << c.what;
}

TEST(Head, HugeLengthsAreNumbersThatExceedEveryLimit) {
    Head head;
    ASSERT_EQ(0, judge(post("Content-Length: 2147483648\r\n"), &head));
    EXPECT_EQ(2147483648U, head.contentLength);
    ASSERT_EQ(0, judge(post("Content-Length: 9223372036854775808\r\n"), &head));
    EXPECT_EQ(9223372036854775808U, head.contentLength);
    ASSERT_EQ(0, judge(post("Content-Length: 18446744073709551621\r\n"), &head)); // 2^64 + 5 is not 5
    EXPECT_EQ(18446744073709551615U, head.contentLength);
    ASSERT_EQ(0, judge(post("Content-Length: " + std::string(400, '9') + "\r\n"), &head));
    EXPECT_EQ(18446744073709551615U, head.contentLength);
}

TEST(Head, LimitsHoldExactly) {
    std::string headers;
    for (int i = 0; i < 99; ++i) headers += "A: b\r\n"; // and Host
    EXPECT_EQ(0, judge(get(headers)));
    EXPECT_EQ(431, judge(get(headers + "A: b\r\n")));
    EXPECT_EQ(0, judge("GET /" + std::string(8191, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_EQ(414, judge("GET /" + std::string(8192, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n"));
    const std::string rest = "GET / HTTP/1.1\r\nHost: x\r\nA: \r\n\r\n";
    EXPECT_EQ(0, judge(get("A: " + std::string(limits.bytes - rest.size(), 'b') + "\r\n")));
    EXPECT_EQ(431, judge(get("A: " + std::string(limits.bytes - rest.size() + 1, 'b') + "\r\n")));
    EXPECT_EQ(414, judge(std::string(1024 * 1024, 'A')));
}

TEST(Head, IsFoundWhereverTheBytesAreCut) {
    const auto whole = get("A: b\r\n") + "GET /next";
    for (std::size_t cut = 1; cut < whole.size(); ++cut) {
        HeadScanner scanner(limits);
        const auto first = scanner.scan(std::string_view(whole).substr(0, cut));
        const bool complete = cut >= whole.size() - 9;
        ASSERT_EQ(complete ? HeadScanner::State::complete : HeadScanner::State::more, first) << cut;
        if (!complete) {
            ASSERT_EQ(HeadScanner::State::complete, scanner.scan(whole)) << cut;
        }
        ASSERT_EQ(whole.size() - 9, scanner.length()) << cut;
    }
}

ChunkedBody::State feed(std::string_view in, std::string& body, std::string_view& rest, std::size_t limit = 100) {
    ChunkedBody chunks(limit);
    const auto state = chunks.feed(in, body);
    rest = in;
    return state;
}

TEST(Chunked, TakesApartAndLeavesTheNextRequest) {
    std::string body;
    std::string_view rest;
    ASSERT_EQ(
        ChunkedBody::State::done,
        feed("5\r\nhello\r\n1;ext=\"a b\"\r\n \r\n00A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nGET /", body, rest));
    EXPECT_EQ("hello 0123456789", body);
    EXPECT_EQ("GET /", rest);
}

TEST(Chunked, SameWhereverTheBytesAreCut) {
    const std::string_view whole = "5\r\nhello\r\n3;x\r\nabc\r\n0\r\nT: x\r\n\r\n";
    for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
        ChunkedBody chunks(100);
        std::string body;
        auto first = whole.substr(0, cut);
        auto second = whole.substr(cut);
        const auto state = chunks.feed(first, body);
        ASSERT_TRUE(first.empty());
        ASSERT_EQ(cut == whole.size() ? ChunkedBody::State::done : ChunkedBody::State::more, state) << cut;
        if (cut < whole.size()) {
            ASSERT_EQ(ChunkedBody::State::done, chunks.feed(second, body)) << cut;
        }
        ASSERT_EQ("helloabc", body);
    }
}

TEST(Chunked, RefusesWhatIsNotExact) {
    const char* bad[] = {"\r\n",          "-1\r\n",       "0x5\r\n",       " 5\r\n",        "5 \r\n",        "5\nhello",
                         "5\r\nhelloX\r", "5\r\nhello\n", "5\r\nhello\rX", "0\r\n\n",       "0\r\nA\n",      "0\r\n\rX",
                         "5\rX",          "g\r\n",        "000000005\r\n", "5;\x01\r\nabc", "0\r\nA\x7f\r\n"};
    for (const auto* text : bad) {
        std::string body;
        std::string_view rest;
        EXPECT_EQ(ChunkedBody::State::malformed, feed(text, body, rest)) << text;
    }
    std::string body;
    std::string_view rest;
    EXPECT_EQ(ChunkedBody::State::malformed, feed("5;" + std::string(300, 'x'), body, rest));
    EXPECT_EQ(ChunkedBody::State::malformed, feed("0\r\n" + std::string(5000, 'x'), body, rest));
}

TEST(Chunked, TheLimitIsOnTheSum) {
    std::string body;
    std::string_view rest;
    EXPECT_EQ(ChunkedBody::State::tooLarge, feed("65\r\n", body, rest));               // 101
    EXPECT_EQ(ChunkedBody::State::more, feed("64\r\n", body, rest));                   // 100
    EXPECT_EQ(ChunkedBody::State::tooLarge, feed("5\r\nhello\r\n60\r\n", body, rest)); // 5 + 96
    EXPECT_EQ(ChunkedBody::State::tooLarge, feed("FFFFFFFF\r\n", body, rest));
}

} // namespace
} // namespace pbx::web
