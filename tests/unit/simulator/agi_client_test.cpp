// The FastAGI client of the simulator against servers that answer, close, say nothing, say too much or are not there.
#include "agi_client.hpp"

#include "base/error.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <thread>

namespace pbx::sim::test {
namespace {

using namespace std::chrono_literals;

// A clock that stands still unless it is told otherwise: deadlines without waiting.
class HandClock final : public Clock {
public:
    UtcTime now() const override { return fromEpochMicros(1'795'378'470'000'000); }
    SteadyTime steady() const override { return steady_; }
    void pass(SteadyTime::duration time) { steady_ += time; }

private:
    SteadyTime steady_{1h};
};

// Takes one connection, reads the request, says `reply`, reads what is confirmed until the other side or it closes.
class FakePbxd {
public:
    explicit FakePbxd(std::string reply, bool stays = false) : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in where{};
        where.sin_family = AF_INET;
        where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&where), sizeof where), 0);
        EXPECT_EQ(::listen(listener_, 8), 0);
        socklen_t size = sizeof where;
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&where), &size);
        address = "127.0.0.1:" + std::to_string(ntohs(where.sin_port));
        thread_ = std::thread([this, reply = std::move(reply), stays] { serve(reply, stays); });
    }
    ~FakePbxd() {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }
    FakePbxd(const FakePbxd&) = delete;
    FakePbxd& operator=(const FakePbxd&) = delete;

    std::string address;
    std::string request, confirmed; // whole once the client has been answered

private:
    void serve(const std::string& reply, bool stays) {
        const int fd = ::accept(listener_, nullptr, nullptr);
        if (fd < 0) return;
        std::array<char, 4096> buffer{};
        while (request.find("\n\n") == std::string::npos) {
            const auto got = ::recv(fd, buffer.data(), buffer.size(), 0);
            if (got <= 0) break;
            request.append(buffer.data(), static_cast<std::size_t>(got));
        }
        for (std::size_t at = 0; at < reply.size();) { // one command at a time, as pbxd
            const auto end = reply.find('\n', at) + 1;
            ::send(fd, reply.data() + at, end - at, MSG_NOSIGNAL);
            at = end;
            const auto got = ::recv(fd, buffer.data(), buffer.size(), 0);
            if (got <= 0) break;
            confirmed.append(buffer.data(), static_cast<std::size_t>(got));
        }
        if (stays)
            while (::recv(fd, buffer.data(), buffer.size(), 0) > 0) {
            }
        ::close(fd);
    }
    int listener_;
    std::thread thread_;
};

struct Asked {
    HandClock clock;
    AgiClient client;
    std::optional<Answer> answer;
    int answers = 0;

    explicit Asked(const std::string& address) : client(address, SecretString("t0ken"), clock) {}
    void ask(const Question& question) {
        client.ask(question, [this](const Answer& given) {
            answer = given;
            ++answers;
        });
        EXPECT_EQ(answers, 0) << "answered from within ask()";
    }
    // What Server::run() does.
    void wait() {
        const auto end = std::chrono::steady_clock::now() + 20s;
        while (!answer && std::chrono::steady_clock::now() < end) {
            pollfd ready{.fd = client.descriptor(), .events = POLLIN, .revents = 0};
            ::poll(&ready, 1, client.deadline() <= clock.steady() ? 0 : 100);
            client.serve();
        }
    }
};

const Question question{.route = "gate",
                        .tenant = "viatalk",
                        .arguments = {"r_1", "1", "abc"},
                        .channel = "Local/s@pbxd-callback-queue-00000001;1",
                        .uniqueid = "pbxd-1",
                        .context = "pbxd-callback-gate",
                        .exten = "s",
                        .priority = 6,
                        .callerNumber = "1201555\nagi_arg_1: 7",
                        .callerName = ""};

TEST(AgiClient, AsksAsAsteriskAndTakesTheVariables) {
    FakePbxd server("SET VARIABLE PBX_GATE \"dial\"\nSET VARIABLE PBX_WHY \"a \\\"b\\\" \\\\ c\"\nVERBOSE \"x\" 1\n"
                    "SET VARIABLE PBX_DONE \"1\"\n");
    Asked asked(server.address);
    asked.ask(question);
    asked.wait();
    ASSERT_EQ(asked.answers, 1);
    EXPECT_TRUE(asked.answer->done());
    EXPECT_EQ(asked.answer->get("PBX_GATE"), "dial");
    EXPECT_EQ(asked.answer->get("PBX_WHY"), "a \"b\" \\ c");
    EXPECT_EQ(server.confirmed, "200 result=1\n200 result=1\n510 Invalid or unknown command\n200 result=1\n");
    for (const char* line : {"agi_network: yes\n", "\nagi_network_script: gate/t0ken?tenant=viatalk\n",
                             "\nagi_arg_3: abc\n", "\nagi_callerid: 1201555\n", "\nagi_calleridname: unknown\n",
                             "\nagi_callingpres: 0\n", "\nagi_type: Local\n", "\nagi_uniqueid: pbxd-1\n"})
        EXPECT_NE(server.request.find(line), std::string::npos) << line << server.request;
    EXPECT_EQ(server.request.find("agi_arg_1: 7"), std::string::npos) << "a caller's line end went through";
    EXPECT_TRUE(server.request.ends_with("\n\n"));
    EXPECT_EQ(asked.client.figures().unanswered, 0U);
}

TEST(AgiClient, ClosedWithoutDoneIsNoAnswer) {
    FakePbxd server("SET VARIABLE PBX_ACTION \"queue\"\n");
    Asked asked(server.address);
    asked.ask(question);
    asked.wait();
    ASSERT_EQ(asked.answers, 1);
    EXPECT_FALSE(asked.answer->done());
    EXPECT_EQ(asked.client.figures().unanswered, 1U);
}

TEST(AgiClient, WhoSaysNothingIsLeftAfterThreeSeconds) {
    FakePbxd server("", true);
    Asked asked(server.address);
    asked.ask(question);
    ASSERT_EQ(asked.client.deadline(), asked.clock.steady() + 3s);
    asked.clock.pass(2999ms);
    asked.client.serve();
    EXPECT_EQ(asked.answers, 0);
    asked.clock.pass(1ms);
    asked.wait();
    ASSERT_EQ(asked.answers, 1);
    EXPECT_FALSE(asked.answer->done());
    EXPECT_EQ(asked.client.deadline(), std::nullopt);
}

TEST(AgiClient, NobodyListensIsNoAnswer) {
    std::string address;
    {
        FakePbxd gone("");
        address = gone.address;
    }
    Asked asked(address);
    asked.ask(question);
    asked.wait();
    ASSERT_EQ(asked.answers, 1);
    EXPECT_FALSE(asked.answer->done());
}

TEST(AgiClient, TakesSeveralInOneCommand) {
    FakePbxd server("SET VARIABLE ARRAY(PBX_ACTION,PBX_OFFER,PBX_TARGET,PBX_DONE) \"queue,,viatalk-support,1\"\n");
    Asked asked(server.address);
    asked.ask(question);
    asked.wait();
    ASSERT_EQ(asked.answers, 1);
    EXPECT_TRUE(asked.answer->done());
    EXPECT_EQ(asked.answer->get("PBX_ACTION"), "queue");
    EXPECT_EQ(asked.answer->get("PBX_OFFER"), "");
    EXPECT_EQ(asked.answer->get("PBX_TARGET"), "viatalk-support");
}

TEST(AgiClient, TooMuchIsCutOff) {
    std::string reply;
    for (int i = 0; i < 40; ++i) reply += "SET VARIABLE PBX_V" + std::to_string(i) + " \"1\"\n";
    FakePbxd server(reply + "SET VARIABLE PBX_DONE \"1\"\n");
    Asked asked(server.address);
    asked.ask(question);
    asked.wait();
    ASSERT_EQ(asked.answers, 1);
    EXPECT_EQ(server.confirmed.size(), AgiClient::mostVariables * std::string("200 result=1\n").size());
}

TEST(AgiClient, MoreThanItsConnectionsGoWithoutAnAnswer) {
    FakePbxd server("", true);
    Asked asked(server.address);
    for (std::size_t i = 0; i < AgiClient::mostOpen; ++i) asked.ask(question);
    asked.ask(question);
    asked.client.serve();
    EXPECT_EQ(asked.answers, 1);
}

TEST(AgiClient, AddressesThatAreNone) {
    for (const char* address :
         {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:70000", "localhost:4573", "127.0.0.1:45x"}) {
        HandClock clock;
        EXPECT_THROW(AgiClient(address, SecretString("t"), clock), Error) << address;
    }
}

} // namespace
} // namespace pbx::sim::test
