#include "agi/server.hpp"
#include "base/error.hpp"
#include "fake_asterisk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/resource.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

using namespace pbx::agi;
using namespace std::chrono_literals;
using pbx::SecretString;
using pbx::agi::test::Connection;
using pbx::agi::test::environment;
using testing::ElementsAre;
using testing::Pair;

namespace {

const std::string token = "tokenOfServerOne0";
const std::string script = "route/" + token;

// A handler that waits until it is let go.
class Gate {
public:
    void wait() {
        std::unique_lock lock(mutex_);
        ++waiting_;
        changed_.notify_all();
        changed_.wait(lock, [this] { return open_; });
    }
    bool reached(int times) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 10s, [&] { return waiting_ >= times; });
    }
    void open() {
        std::lock_guard lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int waiting_ = 0;
    bool open_ = false;
};

class AgiServer : public testing::Test {
protected:
    void start(Handler handler = echo) {
        settings.callers.push_back({"one", SecretString(token)});
        server.emplace(settings, std::move(handler), clock, pbx::Log::none());
        server->start();
    }
    void TearDown() override { gate.open(); }

    static Answer echo(const Request& request, pbx::SteadyTime) {
        return {{"PBX_DID", std::string(request.argument("did"))},
                {"PBX_SERVER", request.server},
                {"PBX_NAME", std::string(request.variable("agi_calleridname"))},
                {"PBX_DONE", "1"}};
    }
    Answer waitForGate(const Request& request) {
        if (request.argument("did") != "fast") gate.wait();
        return {{"PBX_DONE", "1"}};
    }
    Handler gated() {
        return [this](const Request& request, pbx::SteadyTime) { return waitForGate(request); };
    }
    std::uint64_t count(Ending ending) const { return server->statistics().count(ending); }
    bool comes(Ending ending, std::uint64_t times = 1) {
        return eventually([&] { return count(ending) == times; });
    }
    template <class F>
    static bool eventually(F&& condition) {
        const auto end = std::chrono::steady_clock::now() + 10s;
        while (!condition()) {
            if (std::chrono::steady_clock::now() > end) return false;
            std::this_thread::sleep_for(2ms);
        }
        return true;
    }
    // A full request that is answered: the server is in order.
    bool works() {
        Connection caller(server->port());
        caller.send(environment(script + "?did=fast"));
        const auto variables = caller.variables();
        return !variables.empty() && variables.back() == std::pair<std::string, std::string>("PBX_DONE", "1");
    }

    pbx::SystemClock clock;
    Gate gate;
    ServerSettings settings;
    std::optional<Server> server;
};

class Stopwatch {
public:
    std::chrono::milliseconds elapsed() const {
        return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began_);
    }

private:
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

} // namespace

TEST_F(AgiServer, SetsTheVariablesInOrderAndCloses) {
    std::atomic<long> micros{0};
    settings.onAnswered = [&](std::chrono::microseconds took) { micros = took.count(); };
    start();
    Connection caller(server->port());
    ASSERT_TRUE(caller.send(environment(script + "?did=%221000%22", "Zoë, \"the\" \\boss\\")));
    EXPECT_THAT(caller.variables(), ElementsAre(Pair("PBX_DID", "\"1000\""), Pair("PBX_SERVER", "one"),
                                                Pair("PBX_NAME", "Zoë, \"the\" \\boss\\"), Pair("PBX_DONE", "1")));
    EXPECT_FALSE(caller.timedOut());
    EXPECT_TRUE(comes(Ending::answered));
    EXPECT_GT(micros, 0);
    EXPECT_TRUE(eventually([&] { return server->statistics().open == 0; }));
    const auto statistics = server->statistics();
    EXPECT_EQ(statistics.connections, 1u);
    EXPECT_EQ(statistics.requests, 1u);
}

TEST_F(AgiServer, AnUnknownTokenIsClosedAndNeverReachesTheHandler) {
    std::atomic<int> asked{0};
    start([&](const Request& request, pbx::SteadyTime now) {
        ++asked;
        return echo(request, now);
    });
    for (const auto& wrong : {"route/" + token + "x", std::string("route/x"), "route/" + std::string(17, 'o')}) {
        Connection caller(server->port());
        caller.send(environment(wrong));
        EXPECT_TRUE(caller.closed()) << wrong;
    }
    EXPECT_TRUE(comes(Ending::unknownToken, 3));
    EXPECT_EQ(asked, 0);
    EXPECT_EQ(server->statistics().requests, 0u);
}

TEST_F(AgiServer, TokensCanBeReplaced) {
    start();
    EXPECT_TRUE(works());
    server->setCallers({{"two", SecretString("tokenOfServerTwo0")}});
    Connection old(server->port());
    old.send(environment(script));
    EXPECT_TRUE(old.closed());
    Connection fresh(server->port());
    fresh.send(environment("route/tokenOfServerTwo0?did=1"));
    EXPECT_THAT(fresh.variables(), testing::Contains(Pair("PBX_SERVER", "two")));
    EXPECT_THROW(server->setCallers({{"bad", SecretString("short")}}), pbx::Error);
    Connection still(server->port());
    still.send(environment("route/tokenOfServerTwo0?did=1"));
    EXPECT_FALSE(still.variables().empty()) << "a refused list changes nothing";
}

TEST_F(AgiServer, AForeignAddressIsClosedAtOnce) {
    settings.allowed = {*pbx::AddressRange::parse("127.0.0.1")};
    start();
    Connection foreign(server->port(), "127.0.0.2");
    EXPECT_TRUE(foreign.closed());
    EXPECT_TRUE(comes(Ending::foreignAddress));
    EXPECT_TRUE(works());
}

TEST_F(AgiServer, ASilentPeerIsClosedInTime) {
    settings.requestWithin = 150ms;
    settings.answerWithin = 5s;
    start();
    const Stopwatch watch;
    Connection silent(server->port());
    EXPECT_TRUE(silent.closed());
    EXPECT_GE(watch.elapsed(), 145ms);
    EXPECT_LT(watch.elapsed(), 2s);
    EXPECT_TRUE(comes(Ending::late));
}

TEST_F(AgiServer, DrippedBytesBuyNoTime) {
    settings.requestWithin = 200ms;
    start();
    const Stopwatch watch;
    Connection slow(server->port());
    const auto text = environment(script);
    std::size_t sent = 0;
    while (sent < text.size() && slow.send(text.substr(sent, 1)) && watch.elapsed() < 5s) {
        ++sent;
        std::this_thread::sleep_for(5ms);
    }
    EXPECT_LT(watch.elapsed(), 2s);
    EXPECT_LT(sent, text.size());
    EXPECT_TRUE(comes(Ending::late));
}

TEST_F(AgiServer, ASlowHandlerIsCutAndDoesNotHoldUpOthers) {
    settings.requestWithin = settings.answerWithin = 2s; // a busy machine takes long to read a request, too
    settings.workers = 2;
    start(gated());
    const Stopwatch watch;
    Connection slow(server->port());
    slow.send(environment(script + "?did=slow"));
    ASSERT_TRUE(gate.reached(1));
    EXPECT_TRUE(works());
    EXPECT_TRUE(slow.closed());
    EXPECT_GE(watch.elapsed(), 1995ms);
    EXPECT_LT(watch.elapsed(), 8s);
    EXPECT_TRUE(comes(Ending::late));
    gate.open(); // its answer comes too late and is thrown away
    EXPECT_TRUE(works());
}

TEST_F(AgiServer, AnAsteriskThatDoesNotConfirmIsClosedInTime) {
    settings.requestWithin = settings.answerWithin = 1s;
    start();
    Connection caller(server->port());
    caller.send(environment(script));
    EXPECT_TRUE(caller.line());
    EXPECT_TRUE(caller.closed());
    EXPECT_TRUE(comes(Ending::late));
    EXPECT_EQ(count(Ending::answered), 0u);
}

TEST_F(AgiServer, TheCapClosesAtOnce) {
    settings.maxOpen = 2;
    start();
    Connection first(server->port());
    Connection second(server->port());
    ASSERT_TRUE(eventually([&] { return server->statistics().open == 2; }));
    const Stopwatch watch;
    Connection third(server->port());
    EXPECT_TRUE(third.closed());
    EXPECT_LT(watch.elapsed(), 800ms) << "before anything of the first two ran out";
    EXPECT_TRUE(comes(Ending::tooManyOpen));
    first.send(environment(script));
    EXPECT_EQ(first.variables().size(), 4u);
}

TEST_F(AgiServer, AFullQueueClosesAtOnce) {
    settings.requestWithin = settings.answerWithin = 5s;
    settings.workers = 1;
    settings.queue = 1;
    start(gated());
    Connection running(server->port());
    running.send(environment(script));
    ASSERT_TRUE(gate.reached(1));
    Connection queued(server->port());
    queued.send(environment(script));
    ASSERT_TRUE(eventually([&] { return server->statistics().requests == 2; }));
    const Stopwatch watch;
    Connection tooMany(server->port());
    tooMany.send(environment(script));
    EXPECT_TRUE(tooMany.closed());
    EXPECT_LT(watch.elapsed(), 2s);
    EXPECT_TRUE(comes(Ending::queueFull));
    gate.open();
    EXPECT_EQ(running.variables().size(), 1u);
    EXPECT_EQ(queued.variables().size(), 1u);
}

TEST_F(AgiServer, AHandlerThatThrowsOrSaysNothingCloses) {
    start([](const Request& request, pbx::SteadyTime) -> Answer {
        if (request.route == "throw") throw std::runtime_error("boom");
        if (request.route == "error") throw pbx::Error(pbx::ErrorCode::unavailable, "database away");
        if (request.route == "nothing") return {};
        return {{"PBX_DONE", "1"}};
    });
    for (const std::string route : {"throw", "error", "nothing"}) {
        Connection caller(server->port());
        caller.send(environment(route + "/" + token));
        EXPECT_TRUE(caller.closed()) << route;
    }
    EXPECT_TRUE(comes(Ending::failed, 2));
    EXPECT_TRUE(comes(Ending::nothingToSay));
    EXPECT_TRUE(works());
}

TEST_F(AgiServer, ABadAnswerIsNotSentInPart) {
    start([](const Request& request, pbx::SteadyTime) -> Answer {
        const auto which = request.argument("did");
        if (which == "name") return {{"GOOD", "1"}, {"SHELL(ls)", "1"}};
        if (which == "value") return {{"GOOD", "1"}, {"BAD", "1\nEXEC System ls"}};
        if (which == "long") return {{"GOOD", "1"}, {"BAD", std::string(1025, 'a')}};
        if (which == "many") return Answer(33, {"GOOD", "1"});
        return {{"PBX_DONE", "1"}};
    });
    for (const std::string which : {"name", "value", "long", "many"}) {
        Connection caller(server->port());
        caller.send(environment(script + "?did=" + which));
        EXPECT_TRUE(caller.closed()) << which;
    }
    EXPECT_TRUE(comes(Ending::badAnswer, 4));
    EXPECT_TRUE(works());
}

TEST_F(AgiServer, WhatAsteriskRefusesIsCounted) {
    start();
    for (const std::string reply :
         {"511 Command Not Permitted on a dead channel or intercept routine\n", "200 result=0\n",
          "520-Invalid command syntax.  Proper usage follows:\nUsage\n520 End of proper usage.\n"}) {
        Connection caller(server->port());
        caller.send(environment(script));
        EXPECT_TRUE(caller.line());
        caller.send(reply);
        EXPECT_TRUE(caller.closed()) << reply;
    }
    EXPECT_TRUE(comes(Ending::notTaken, 3));
}

TEST_F(AgiServer, ACallerWhoLeavesMeanwhile) {
    settings.requestWithin = settings.answerWithin = 5s;
    start(gated());
    {
        Connection hangs(server->port());
        hangs.send(environment(script));
        ASSERT_TRUE(gate.reached(1));
        hangs.send("HANGUP\n");
        EXPECT_TRUE(hangs.closed());
    }
    EXPECT_TRUE(comes(Ending::hungUp));
    {
        Connection vanishes(server->port());
        vanishes.send(environment(script));
        ASSERT_TRUE(gate.reached(2));
    }
    EXPECT_TRUE(comes(Ending::peerClosed));
    gate.open();
    EXPECT_TRUE(works());
    EXPECT_TRUE(eventually([&] { return server->statistics().open == 0; }));
}

TEST_F(AgiServer, HostileBytesAreCountedByKind) {
    start();
    const std::vector<std::pair<std::string, Violation>> cases = {
        {"GET / HTTP/1.0\r\n\r\n", Violation::badVariable},
        {environment(script, "x\nagi_context: other"), Violation::duplicateVariable},
        {environment(script) + "200 result=1\n", Violation::unexpectedBytes},
        {"agi_x: " + std::string(3000, 'x') + "\n", Violation::lineTooLong},
        {std::string("\0\n", 2), Violation::nulByte}};
    for (const auto& [bytes, violation] : cases) {
        Connection caller(server->port());
        caller.send(bytes);
        EXPECT_TRUE(caller.closed()) << bytes;
        EXPECT_TRUE(eventually([&, kind = violation] { return server->statistics().count(kind) == 1; }))
            << violationName(violation);
    }
    EXPECT_TRUE(comes(Ending::hostile, cases.size()));
    EXPECT_TRUE(works());
}

TEST_F(AgiServer, StopDrains) {
    settings.requestWithin = settings.answerWithin = 5s;
    start(gated());
    Connection open(server->port());
    open.send(environment(script));
    ASSERT_TRUE(gate.reached(1));
    const auto port = server->port();
    std::thread stopping([&] { server->stop(); });
    EXPECT_TRUE(eventually([&] { return !Connection(port).connected(); }));
    gate.open();
    EXPECT_THAT(open.variables(), ElementsAre(Pair("PBX_DONE", "1")));
    stopping.join();
    EXPECT_EQ(count(Ending::answered), 1u);
    EXPECT_EQ(server->statistics().open, 0u);
}

TEST_F(AgiServer, StopWaitsNoLongerThanTheDeadline) {
    settings.requestWithin = settings.answerWithin = 200ms;
    start();
    Connection silent(server->port());
    ASSERT_TRUE(eventually([&] { return server->statistics().open == 1; }));
    const Stopwatch watch;
    server->stop();
    EXPECT_LT(watch.elapsed(), 2s);
    EXPECT_EQ(server->statistics().open, 0u);
    EXPECT_EQ(count(Ending::late) + count(Ending::stopped), 1u);
}

TEST_F(AgiServer, ManyAtOnceEachGetsItsOwnAnswer) {
    settings.requestWithin = settings.answerWithin = 20s;
    start();
    std::atomic<int> right{0};
    std::vector<std::thread> callers;
    for (int t = 0; t < 8; ++t)
        callers.emplace_back([&, t] {
            for (int i = 0; i < 100; ++i) {
                const auto did = std::to_string(t * 1000 + i);
                Connection caller(server->port());
                caller.send(environment(script + "?did=" + did));
                const auto variables = caller.variables();
                if (variables.size() == 4 && variables[0].second == did) ++right;
            }
        });
    for (auto& caller : callers) caller.join();
    EXPECT_EQ(right, 800);
    EXPECT_TRUE(comes(Ending::answered, 800));
}

TEST_F(AgiServer, WithoutDescriptorsOthersGoOnAndItRecovers) {
    settings.requestWithin = settings.answerWithin = 10s;
    start();
    Connection early(server->port());
    ASSERT_TRUE(eventually([&] { return server->statistics().open == 1; }));
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    Connection late(server->port(), "127.0.0.1", [&] {
        rlimit none = before;
        none.rlim_cur = 3; // all three are in use; poll() would refuse fewer than it is asked about
        ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    });
    EXPECT_TRUE(eventually([&] { return server->statistics().acceptFailures > 0; }));
    early.send(environment(script));
    EXPECT_EQ(early.variables().size(), 4u);
    const auto failures = server->statistics().acceptFailures;
    EXPECT_LT(failures, 300u) << "it waits between its attempts";
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    late.send(environment(script));
    EXPECT_EQ(late.variables().size(), 4u);
}

TEST_F(AgiServer, SaysWhyItCannotListen) {
    start();
    ServerSettings taken;
    taken.port = server->port();
    Server second(taken, echo, clock, pbx::Log::none());
    EXPECT_THROW(second.start(), pbx::Error);
    ServerSettings name;
    name.address = "localhost";
    Server third(name, echo, clock, pbx::Log::none());
    try {
        third.start();
        FAIL() << "listens on a name";
    } catch (const pbx::Error& e) {
        EXPECT_EQ(e.code(), pbx::ErrorCode::invalidArgument);
        EXPECT_THAT(e.text(), testing::HasSubstr("numeric"));
    }
}

TEST_F(AgiServer, EveryEndingHasItsName) {
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < endings; ++i) {
        names.push_back(endingName(static_cast<Ending>(i)));
        EXPECT_FALSE(names.back().empty());
    }
    std::sort(names.begin(), names.end());
    EXPECT_EQ(std::unique(names.begin(), names.end()), names.end());
    EXPECT_EQ(endingName(Ending::stopped), "stopped");
}
