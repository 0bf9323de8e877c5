// Every row of docs/facts/protocols.md section 4 that concerns HTTP, over real sockets.
#include "support.hpp"

#include "base/error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <openssl/ssl.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

namespace pbx::web::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::size_t replies(std::string_view text) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find("\r\nDate: ", at)) != std::string_view::npos; ++at) ++count;
    return count;
}

TEST(Front, AnswersAndKeepsTheConnection) {
    TestFront front;
    Client client(front.port());
    for (int i = 0; i < 300; ++i) { // more than POCO's 100 requests a connection
        client.send("GET /hello?secret=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer hidden\r\n\r\n");
        const auto reply = client.reply();
        ASSERT_EQ(200, reply.status);
        ASSERT_EQ("hello", reply.body);
    }
    client.send(post("/echo", "a body"));
    const auto reply = client.reply();
    EXPECT_EQ("a body", reply.body);
    for (const auto* header :
         {"\r\nX-Content-Type-Options: nosniff\r\n", "\r\nCache-Control: no-store\r\n",
          "\r\nReferrer-Policy: no-referrer\r\n", "\r\nServer: pbxd\r\n", "\r\nDate: ", "\r\nX-Request-Id: "})
        EXPECT_TRUE(reply.has(header)) << header;
    EXPECT_FALSE(reply.has("Strict-Transport-Security"));
    EXPECT_FALSE(reply.has("Connection:"));

    ASSERT_TRUE(eventually([&] { return front.log().size() == 301; }));
    std::set<std::string> ids;
    for (const auto& line : front.log()) ids.insert(line.requestId);
    EXPECT_EQ(301U, ids.size());
    const auto first = front.log().front();
    EXPECT_EQ("127.0.0.1", first.address);
    EXPECT_EQ("GET", first.method);
    EXPECT_EQ("/hello", first.path); // and nothing of the query
    EXPECT_EQ("hello", first.route);
    EXPECT_EQ(5U, first.responseBytes);
    EXPECT_EQ(6U, front.log().back().requestBytes);
}

TEST(Front, HeadIsGetWithoutTheBody) {
    TestFront front;
    Client client(front.port());
    client.send("HEAD /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const auto text = client.rest();
    EXPECT_THAT(text, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(text, HasSubstr("\r\nContent-Length: 5\r\n"));
    EXPECT_THAT(text, testing::EndsWith("\r\n\r\n"));
}

TEST(Front, HttpOneZeroClosesUnlessAskedToStay) {
    TestFront front;
    Client once(front.port());
    once.send("GET /hello HTTP/1.0\r\n\r\n");
    EXPECT_THAT(once.rest(), testing::AllOf(StartsWith("HTTP/1.0 200"), HasSubstr("\r\nConnection: close\r\n")));
    Client twice(front.port());
    for (int i = 0; i < 2; ++i) {
        twice.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        EXPECT_TRUE(twice.reply().has("\r\nConnection: keep-alive\r\n"));
    }
}

TEST(Front, SaysWhatIsNotThere) {
    TestFront front;
    Client client(front.port());
    client.send("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(404, client.reply().status);
    client.send("GET /echo HTTP/1.1\r\nHost: x\r\n\r\n"); // nothing was unread: the connection is still good
    const auto reply = client.reply();
    EXPECT_EQ(405, reply.status);
    EXPECT_TRUE(reply.has("\r\nAllow: POST\r\n"));
    client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/dime\r\nContent-Length: 2\r\n\r\nab");
    const auto wrong = client.reply();
    EXPECT_EQ(415, wrong.status);
    EXPECT_THAT(wrong.body, testing::HasSubstr(" here, not application/dime\n"));
    EXPECT_TRUE(client.closedWithin(5s)); // its body was not read
}

TEST(Front, NamesTheContentTypeThatIsTakenAndRepeatsNothingHostile) {
    TestFront front;
    const auto answer = [&](const std::string& header) {
        Client client(front.port());
        client.send("POST /echo HTTP/1.1\r\nHost: x\r\n" + header + "Content-Length: 2\r\n\r\nab");
        const auto reply = client.reply();
        EXPECT_EQ(415, reply.status);
        return reply.body;
    };
    const std::string taken = "Content-Type must be text/plain or text/xml here";
    EXPECT_EQ(answer("Content-Type: application/x-www-form-urlencoded\r\n"),
              taken + ", not application/x-www-form-urlencoded\n");
    EXPECT_EQ(answer("Content-Type: a/b ; charset=<script>\r\n"), taken + ", not a/b\n");
    EXPECT_EQ(answer(""), taken + ", and none was given\n");
    for (const auto& hostile : {std::string("<script>alert(1)</script>"), std::string("a/b c"), std::string(65, 'a')})
        EXPECT_EQ(answer("Content-Type: " + hostile + "\r\n"), taken + '\n') << hostile;
}

// A form of another site's page comes with the login that the browser remembers: what such a form can send is refused,
// with a body or without.
TEST(Front, RefusesAPostThatAnotherSitesPageCanSend) {
    TestFront front;
    const auto answer = [&](const std::string& headers) {
        Client client(front.port());
        client.send("POST /echo HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n");
        return client.reply();
    };
    const std::string empty = "Content-Length: 0\r\n";
    EXPECT_EQ(415, answer(empty).status);
    EXPECT_EQ(415, answer(empty + "Content-Type: application/x-www-form-urlencoded\r\n").status);
    EXPECT_EQ(415, answer("Content-Type: multipart/form-data\r\nTransfer-Encoding: chunked\r\n").status);
    const auto typed = empty + "Content-Type: text/xml; charset=utf-8\r\n";
    EXPECT_EQ(200, answer(typed).status);
    for (const auto* own : {"same-origin", "none"})
        EXPECT_EQ(200, answer(typed + "Sec-Fetch-Site: " + own + "\r\n").status) << own;
    for (const auto* foreign : {"cross-site", "same-site", "anything"}) {
        const auto reply = answer(typed + "Sec-Fetch-Site: " + foreign + "\r\n");
        EXPECT_EQ(403, reply.status) << foreign;
        EXPECT_EQ("not from a page of another site\n", reply.body);
    }
    Client client(front.port()); // a link may lead here
    client.send("GET /hello HTTP/1.1\r\nHost: x\r\nSec-Fetch-Site: cross-site\r\n\r\n");
    EXPECT_EQ(200, client.reply().status);
}

struct Refused {
    const char* what;
    std::string bytes;
    int status;
};

// Each is followed by a second request in the same packet, which must never be answered.
TEST(Front, RefusesAndClosesWithoutAnsweringWhatFollows) {
    TestFront front;
    const std::string host = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n";
    const Refused cases[] = {
        {"CL+TE", host + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {"TE+CL", host + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n", 400},
        {"two CL", host + "Content-Length: 0\r\nContent-Length: 30\r\n\r\n", 400},
        {"CL -1", host + "Content-Length: -1\r\n\r\n", 400},
        {"CL 2^31", host + "Content-Length: 2147483648\r\n\r\n", 413},
        {"CL 2^63", host + "Content-Length: 9223372036854775808\r\n\r\n", 413},
        {"CL 1 GiB", host + "Content-Length: 1073741824\r\n\r\n", 413},
        {"CL over the limit by one", host + "Content-Length: 1048577\r\n\r\n", 413},
        {"no length", host + "\r\n", 411},
        {"TE gzip", host + "Transfer-Encoding: gzip\r\n\r\n", 501},
        {"version", "GET /hello HTTP/9.9\r\nHost: x\r\n\r\n", 505},
        {"bare LF", "GET /hello HTTP/1.1\nHost: x\n\n", 400},
        {"obs-fold", "GET /hello HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400},
        {"space before colon", host + "Content-Length : 3\r\n\r\nabc", 400},
        {"bad chunk", host + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
        {"chunk over the limit", host + "Transfer-Encoding: chunked\r\n\r\n100001\r\n", 413},
        {"body of a 404", "POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\n", 404},
        {"body of a GET", "GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\n", 413},
    };
    for (const auto& c : cases) {
        Client client(front.port());
        client.send(c.bytes + "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
        const auto text = client.rest(5s);
        EXPECT_THAT(text, StartsWith("HTTP/1.1 " + std::to_string(c.status) + " ")) << c.what;
        EXPECT_EQ(1U, replies(text)) << c.what << "\n" << text;
        EXPECT_THAT(text, HasSubstr("\r\nConnection: close\r\n")) << c.what;
    }
}

TEST(Front, BodyOfARefusedRequestIsNeverTheNextRequest) {
    TestFront front;
    Client client(front.port());
    const std::string smuggled = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";
    client.send("POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(smuggled.size()) + "\r\n\r\n" +
                smuggled);
    const auto text = client.rest(5s);
    EXPECT_THAT(text, StartsWith("HTTP/1.1 404"));
    EXPECT_EQ(1U, replies(text));
    EXPECT_EQ(1U, front.log().size());
}

TEST(Front, HugeHeadersAreCutOff) {
    TestFront front;
    Client one(front.port());
    one.trySend("GET /hello HTTP/1.1\r\nHost: x\r\nA: " + std::string(1024 * 1024, 'a') + "\r\n\r\n");
    EXPECT_THAT(one.rest(5s), StartsWith("HTTP/1.1 431"));
    Client many(front.port());
    std::string headers;
    for (int i = 0; i < 20'000; ++i) headers += "A: b\r\n";
    many.trySend("GET /hello HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n");
    EXPECT_THAT(many.rest(5s), StartsWith("HTTP/1.1 431"));
    Client target(front.port());
    target.trySend("GET /" + std::string(1024 * 1024, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(target.rest(5s), StartsWith("HTTP/1.1 414"));
}

TEST(Front, AnOversizeBodyStillGetsItsAnswer) {
    TestFront front;
    Client client(front.port());
    // 3 MiB are on their way while the answer is: it must not be lost to a reset
    client.trySend("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 3145728\r\n\r\n" +
                   std::string(3145728, 'x'));
    EXPECT_THAT(client.rest(5s), StartsWith("HTTP/1.1 413"));
}

TEST(Front, ChunkedAndPipelinedRequestsAreServedInOrder) {
    TestFront front;
    Client client(front.port());
    client.send(
        post("/echo", "one") +
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml; charset=utf-8\r\nTransfer-Encoding: Chunked\r\n\r\n"
        "2\r\ntw\r\n1;x=y\r\no\r\n0\r\n\r\n" +
        post("/echo", "") + "\r\n" + "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    for (const auto* expected : {"one", "two", "", "hello"}) {
        const auto reply = client.reply();
        EXPECT_EQ(200, reply.status);
        EXPECT_EQ(expected, reply.body);
    }
}

TEST(Front, ALargeBodyInSmallPiecesArrivesWhole) {
    TestFront front;
    Client client(front.port());
    std::string body;
    for (int i = 0; body.size() < 1'000'000; ++i) body += std::to_string(i) + ' ';
    const auto request = post("/echo", body);
    for (std::size_t at = 0; at < request.size(); at += 7919) client.send(std::string_view(request).substr(at, 7919));
    EXPECT_EQ(body, client.reply().body);
}

TEST(Front, ExpectContinueIsAskedForOnlyWhenTheBodyMayCome) {
    TestFront front;
    Client good(front.port());
    good.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nExpect: "
              "100-continue\r\n\r\n");
    EXPECT_EQ(100, good.reply().status);
    good.send("abc");
    EXPECT_EQ("abc", good.reply().body);
    Client large(front.port());
    large.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 2000000\r\n"
               "Expect: 100-continue\r\n\r\n");
    EXPECT_THAT(large.rest(5s), StartsWith("HTTP/1.1 413"));
}

TEST(Front, AShortBodyIsNeverComplete) {
    std::atomic<int> called{0};
    TestFront front({}, [&](Router& router) {
        router.add({.name = "count",
                    .path = "/count",
                    .methods = {"POST"},
                    .bodyLimit = 100,
                    .contentTypes = {},
                    .handler = [&](const Request&) {
                        ++called;
                        return Response{};
                    }});
    });
    Client shortBody(front.port());
    shortBody.send("POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
    shortBody.halfClose();
    EXPECT_EQ("", shortBody.rest(5s));
    Client shortChunk(front.port());
    shortChunk.send("POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    shortChunk.halfClose();
    EXPECT_EQ("", shortChunk.rest(5s));
    EXPECT_EQ(0, called);
}

FrontSettings hasty() {
    FrontSettings settings;
    settings.headerTimeout = 300ms;
    settings.bodyTimeout = 300ms;
    settings.idleTimeout = 300ms;
    settings.writeTimeout = 300ms;
    return settings;
}

// Sends a byte each 50 ms until the server has enough of it; gives the time that took and what came back.
std::pair<std::chrono::milliseconds, std::string> drip(Client& client, std::string_view bytes) {
    const auto start = std::chrono::steady_clock::now();
    for (const char c : bytes) {
        if (!client.trySend({&c, 1}) || client.closedWithin(50ms)) break;
    }
    const auto took = std::chrono::steady_clock::now() - start;
    return {std::chrono::duration_cast<std::chrono::milliseconds>(took), client.rest(5s)};
}

TEST(Front, DrippedBytesDoNotRestartDeadlines) {
    TestFront front(hasty());
    Client header(front.port());
    const auto [headerTime, headerText] = drip(header, "GET /hello HTTP/1.1\r\nHost: x\r\nA: " + std::string(200, 'a'));
    EXPECT_THAT(headerText, StartsWith("HTTP/1.1 408"));
    EXPECT_LT(headerTime, 2s);
    Client body(front.port());
    body.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 200\r\n\r\n");
    const auto [bodyTime, bodyText] = drip(body, std::string(200, 'a'));
    EXPECT_THAT(bodyText, StartsWith("HTTP/1.1 408"));
    EXPECT_LT(bodyTime, 2s);
    Client chunks(front.port());
    chunks.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n");
    std::string ones;
    for (int i = 0; i < 100; ++i) ones += "1\r\na\r\n";
    const auto [chunkTime, chunkText] = drip(chunks, ones);
    EXPECT_THAT(chunkText, StartsWith("HTTP/1.1 408"));
    EXPECT_LT(chunkTime, 2s);
}

TEST(Front, SilentAndIdleConnectionsAreClosed) {
    TestFront front(hasty());
    Client silent(front.port());
    Client idle(front.port());
    idle.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(200, idle.reply().status);
    EXPECT_TRUE(silent.closedWithin(3s));
    EXPECT_TRUE(idle.closedWithin(3s));
    EXPECT_TRUE(eventually([&] { return front.front().connections() == 0; }));
}

TEST(Front, AClientThatDoesNotReadIsCut) {
    TestFront front(hasty(), [](Router& router) {
        router.add(
            {.name = "big", .path = "/big", .methods = {"GET"}, .contentTypes = {}, .handler = [](const Request&) {
                 static const auto big = std::make_shared<const std::string>(64U << 20U, 'x');
                 Response response;
                 response.body = big;
                 return response;
             }});
    });
    Client client(front.port());
    client.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(eventually([&] { return front.log().size() == 1; }));
    EXPECT_TRUE(eventually([&] { return front.front().connections() == 0; }));
}

TEST(Front, ErrorsAreAnsweredByTheTableAndTheirCauseIsToldToTheLogOnly) {
    TestFront front({}, [](Router& router) {
        const auto add = [&](const std::string& path, Handler handler) {
            router.add(
                {.name = path, .path = path, .methods = {"GET"}, .contentTypes = {}, .handler = std::move(handler)});
        };
        add("/error", [](const Request&) -> Reply {
            throw Error(ErrorCode::tooManyRequests, "slow down").because("bucket 7 is empty").retryIn(3);
        });
        add("/std", [](const Request&) -> Reply { throw std::runtime_error("secret internals"); });
        add("/denied", [](const Request&) { return Response::text(401, "who are you?"); });
        add("/split", [](const Request&) {
            auto response = Response::text(200, "x");
            response.headers.emplace_back("X", "a\r\nY: b");
            return response;
        });
    });
    Client client(front.port());
    client.send("GET /error HTTP/1.1\r\nHost: x\r\n\r\n");
    auto reply = client.reply();
    EXPECT_EQ(429, reply.status);
    EXPECT_TRUE(reply.has("\r\nRetry-After: 3\r\n"));
    EXPECT_THAT(reply.body, Not(HasSubstr("bucket")));
    client.send("GET /std HTTP/1.1\r\nHost: x\r\n\r\n");
    reply = client.reply();
    EXPECT_EQ(500, reply.status);
    EXPECT_THAT(reply.body, Not(HasSubstr("secret")));
    client.send("GET /denied HTTP/1.1\r\nHost: x\r\n\r\n");
    reply = client.reply();
    EXPECT_TRUE(reply.has("\r\nWWW-Authenticate: Basic realm=\"pbxd\""));
    EXPECT_TRUE(reply.has("\r\nWWW-Authenticate: Bearer realm=\"pbxd\""));
    client.send("GET /split HTTP/1.1\r\nHost: x\r\n\r\n");
    reply = client.reply();
    EXPECT_EQ(500, reply.status);
    EXPECT_FALSE(reply.has("Y: b"));
    EXPECT_THAT(front.faults(),
                testing::ElementsAre("bucket 7 is empty", "secret internals", HasSubstr("response header")));
}

TEST(Front, HandlersGetCredentialsButNoAuthorizationHeader) {
    TestFront front({}, [](Router& router) {
        router.add(
            {.name = "me", .path = "/me", .methods = {"GET"}, .contentTypes = {}, .handler = [](const Request& r) {
                 const bool hidden = r.header("authorization").empty();
                 return Response::text(200, r.credentials.user + "/" + std::string(r.credentials.secret.reveal()) +
                                                (hidden ? "" : " leaked"));
             }});
    });
    Client client(front.port());
    client.send(
        "GET /me HTTP/1.1\r\nHost: x\r\nX-Forwarded-User: root\r\nAuthorization: Basic YWxpY2U6cGFzcw==\r\n\r\n");
    EXPECT_EQ("alice/pass", client.reply().body);
}

TEST(Front, ForwardedAddressesOnlyFromTrustedProxies) {
    FrontSettings settings;
    settings.trustedProxies = {AddressRange::parse("127.0.0.9").value()};
    TestFront front(settings);
    const std::string request = "GET /who HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.7, 198.51.100.1\r\n\r\n";
    Client stranger(front.port(), "127.0.0.8");
    stranger.send(request);
    EXPECT_EQ("127.0.0.8", stranger.reply().body);
    Client proxy(front.port(), "127.0.0.9");
    proxy.send(request);
    EXPECT_EQ("198.51.100.1", proxy.reply().body);
}

TEST(Front, CapsAreAnsweredNeverSilent) {
    FrontSettings settings;
    settings.maxConnections = 6;
    settings.maxConnectionsPerAddress = 4;
    TestFront front(settings);
    std::vector<Client> held;
    for (int i = 0; i < 4; ++i) held.emplace_back(front.port(), "127.0.0.2");
    ASSERT_TRUE(eventually([&] { return front.front().connections() == 4; }));
    Client fifth(front.port(), "127.0.0.2");
    fifth.trySend("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(fifth.rest(5s), testing::AllOf(StartsWith("HTTP/1.1 429"), HasSubstr("\r\nRetry-After: 5\r\n")));
    Client other(front.port(), "127.0.0.3");
    other.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(200, other.reply().status);
    held.emplace_back(front.port(), "127.0.0.4");
    ASSERT_TRUE(eventually([&] { return front.front().connections() == 6; }));
    Client seventh(front.port(), "127.0.0.5");
    seventh.trySend("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(seventh.rest(5s), testing::AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("\r\nRetry-After: 5\r\n")));
    EXPECT_EQ((std::vector{Refusal::perAddress, Refusal::full}), front.refusals());
    held.clear(); // a place is given back
    ASSERT_TRUE(eventually([&] { return front.front().connections() == 1; }));
    Client again(front.port(), "127.0.0.2");
    again.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(200, again.reply().status);
}

TEST(Front, BodiesTogetherAreBounded) {
    FrontSettings settings;
    settings.maxBodiesBytes = 256 * 1024;
    TestFront front(settings);
    const auto whole = post("/echo", std::string(200'000, 'x'));
    // Which of the two is read first is not ours to say: again until it was the holder.
    EXPECT_TRUE(eventually([&] {
        Client holder(front.port());
        if (!holder.trySend(std::string_view(whole).substr(0, whole.size() - 1))) return false;
        Client other(front.port());
        other.trySend(whole);
        if (other.reply().status != 503) return false;
        return holder.trySend("x") && holder.reply().status == 200;
    }));
    // and what was held is given back
    Client after(front.port());
    after.send(post("/echo", std::string(200'000, 'z')));
    EXPECT_EQ(200, after.reply().status);
}

// Whoever can connect can send large bodies slowly: that must not keep out ordinary requests, from wherever it comes.
TEST(Front, LargeBodiesThatStallKeepNoSmallOneOut) {
    FrontSettings settings;
    settings.maxBodiesBytes = 256 * 1024;
    TestFront front(settings);
    const auto large = post("/echo", std::string(250'000, 'x'));
    std::optional<Client> stalled;
    ASSERT_TRUE(eventually([&] { // until it was not the other one that was read first
        stalled.emplace(front.port(), "127.0.0.2");
        stalled->trySend(std::string_view(large).substr(0, 240'000));
        Client other(front.port());
        other.trySend(large);
        return other.reply().status == 503;
    }));
    const auto small = post("/echo", std::string(60'000, 'x'));
    for (int i = 0; i < 5; ++i) {
        Client good(front.port());
        good.send(std::string_view(small).substr(0, 200));
        std::this_thread::sleep_for(20ms); // its body comes in packets of its own
        good.send(std::string_view(small).substr(200));
        EXPECT_EQ(200, good.reply().status);
    }
}

class Gate {
public:
    void open() {
        std::lock_guard lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }
    void pass() {
        std::unique_lock lock(mutex_);
        ++waiting_;
        changed_.wait(lock, [this] { return open_; });
    }
    int waiting() {
        std::lock_guard lock(mutex_);
        return waiting_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = false;
    int waiting_ = 0;
};

TEST(Front, StopLetsRequestsInFlightFinishAndClosesIdleOnes) {
    Gate gate;
    TestFront front({}, [&](Router& router) {
        router.add(
            {.name = "gate", .path = "/gate", .methods = {"GET"}, .contentTypes = {}, .handler = [&](const Request&) {
                 gate.pass();
                 return Response::text(200, "finished");
             }});
    });
    Client busy(front.port());
    busy.send("GET /gate HTTP/1.1\r\nHost: x\r\n\r\n");
    Client idle(front.port());
    idle.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(200, idle.reply().status);
    ASSERT_TRUE(eventually([&] { return gate.waiting() == 1; }));
    const auto port = front.port();
    std::thread stopper([&] { front.front().stop(10s); });
    EXPECT_TRUE(idle.closedWithin(5s));
    gate.open();
    const auto reply = busy.reply();
    EXPECT_EQ("finished", reply.body);
    EXPECT_TRUE(reply.has("\r\nConnection: close\r\n"));
    stopper.join();
    EXPECT_THROW(Client{port}, std::exception);
}

TEST(Front, StopCutsWhatDoesNotFinishInTime) {
    TestFront front;
    Client slow(front.port());
    slow.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nab");
    ASSERT_TRUE(eventually([&] { return front.front().connections() == 1; }));
    const auto start = std::chrono::steady_clock::now();
    front.front().stop(300ms);
    EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
    EXPECT_TRUE(slow.closedWithin(1s));
}

TEST(Front, ASecondOneCannotShareThePort) {
    TestFront first;
    Router router;
    FrontSettings settings;
    settings.port = first.port();
    Front second(settings, router, {});
    EXPECT_THROW(second.start(), Error);
}

TEST(Front, PlainHttpBeyondLoopbackMustBeAllowedInWords) {
    Router router;
    FrontSettings settings;
    settings.address = "0.0.0.0";
    settings.port = 0;
    EXPECT_THROW(Front(settings, router, {}), Error);
    settings.plainBeyondLoopback = true;
    Front allowed(settings, router, {});
    allowed.start();
    EXPECT_NE(0, allowed.port());
    settings.address = "localhost";
    EXPECT_THROW(Front(settings, router, {}), Error);
}

TEST(Front, ListensOnIpv6) {
    Router router;
    FrontSettings settings;
    settings.address = "::1";
    settings.port = 0;
    Front front(settings, router, {});
    try {
        front.start();
    } catch (const Error& error) {
        GTEST_SKIP() << "no IPv6 here: " << error.what();
    }
    EXPECT_NE(0, front.port());
}

TEST(Front, CountsTheConnectionsThatItCutsWithoutTheirLastAnswer) {
    FrontSettings settings;
    settings.parking.closing = 0;
    TestFront front(settings);
    Client client(front.port());
    client.send("NONSENSE\r\n\r\n");
    EXPECT_EQ("", client.rest(5s));
    EXPECT_TRUE(eventually([&] { return front.refusals() == std::vector{Refusal::untold}; }));
}

TEST(FrontTls, ServesWithHstsAndRefusesPlainText) {
    Certificate certificate;
    FrontSettings settings;
    settings.tls = certificate.files();
    TestFront front(settings);
    auto client = Client::tls(front.port());
    for (int i = 0; i < 3; ++i) {
        client.send(post("/echo", std::string(200'000, 'x')));
        const auto reply = client.reply();
        ASSERT_EQ(200, reply.status);
        ASSERT_EQ(200'000U, reply.body.size());
        EXPECT_TRUE(reply.has("\r\nStrict-Transport-Security: max-age="));
    }
    client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n");
    EXPECT_EQ(400, client.reply().status);
    EXPECT_TRUE(client.closedWithin(5s));
    Client plain(front.port());
    plain.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(plain.rest(5s), Not(HasSubstr("hello")));
}

// The client would speak them (its security level is 0): it is the server that says no, and how.
TEST(FrontTls, RefusesOldProtocols) {
    Certificate certificate;
    FrontSettings settings;
    settings.tls = certificate.files();
    TestFront front(settings);
    for (const int version : {TLS1_VERSION, TLS1_1_VERSION})
        EXPECT_EQ(SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, handshake(front.port(), version).refusal) << std::hex << version;
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
        EXPECT_EQ(0, handshake(front.port(), version).refusal) << std::hex << version;
}

TEST(FrontTls, RenewsItsCertificateForNewConnections) {
    Certificate served;
    const Certificate next;
    const Certificate third;
    FrontSettings settings;
    settings.tls = served.files();
    TestFront front(settings);
    const auto shown = [&] { return handshake(front.port(), TLS1_3_VERSION).certificate; };
    const auto first = served.pem();
    EXPECT_EQ(first, shown());
    auto old = Client::tls(front.port());
    old.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(200, old.reply().status);

    served.replace(next);
    EXPECT_EQ(first, shown()); // the files alone change nothing
    front.front().renewTls(served.files());
    EXPECT_NE(first, next.pem());
    EXPECT_EQ(next.pem(), shown());
    old.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(200, old.reply().status) << "an open connection keeps what it has";

    const auto refusedField = [&](const TlsSettings& files) {
        try {
            front.front().renewTls(files);
        } catch (const Error& error) {
            EXPECT_FALSE(error.cause().empty());
            return error.field();
        }
        return std::string("none");
    };
    EXPECT_EQ("tls_private_key", refusedField({third.files().certificateFile, next.files().privateKeyFile}));
    EXPECT_EQ("tls_certificate", refusedField({third.files().privateKeyFile, third.files().privateKeyFile}));
    EXPECT_EQ("tls_certificate", refusedField({"/nowhere/cert.pem", third.files().privateKeyFile}));
    EXPECT_EQ(next.pem(), shown()) << "a bad pair changes nothing";
    EXPECT_EQ("none", refusedField(third.files()));
    EXPECT_EQ(third.pem(), shown());
}

TEST(FrontTls, APlainFrontHasNothingToRenew) {
    const Certificate certificate;
    TestFront front;
    try {
        front.front().renewTls(certificate.files());
        FAIL() << "it took a certificate";
    } catch (const Error& error) {
        EXPECT_EQ(ErrorCode::unsupported, error.code());
    }
}

TEST(FrontTls, CapsAreAnsweredWithinTls) {
    Certificate certificate;
    FrontSettings settings;
    settings.tls = certificate.files();
    settings.maxConnections = 1;
    TestFront front(settings);
    auto first = Client::tls(front.port());
    first.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(200, first.reply().status);
    auto second = Client::tls(front.port(), "127.0.0.2");
    second.trySend("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(503, second.reply().status);
}

TEST(FrontTls, FilesThatCannotBeUsedAreNamed) {
    Certificate one;
    Certificate two;
    Router router;
    FrontSettings settings;
    settings.port = 0;
    const auto failure = [&] {
        try {
            Front front(settings, router, {});
            front.start();
        } catch (const Error& error) {
            return error.field();
        }
        return std::string("none");
    };
    settings.tls = TlsSettings{"/nowhere/cert.pem", one.files().privateKeyFile};
    EXPECT_EQ("tls_certificate", failure());
    settings.tls = TlsSettings{one.files().certificateFile, two.files().privateKeyFile};
    EXPECT_EQ("tls_private_key", failure());
    settings.tls = one.files();
    EXPECT_EQ("none", failure());
}

} // namespace
} // namespace pbx::web::test
