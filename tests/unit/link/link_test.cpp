#include "fake_ami.hpp"
#include "link/link.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <future>

using namespace pbx::link;
using namespace pbx::link::test;
using namespace std::chrono_literals;
using pbx::Error;
using pbx::ErrorCode;
using pbx::ami::Action;
using pbx::ami::Message;
using pbx::ami::Result;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

namespace {

// What happened, in order, and a way to wait for it.
class Recorder : public Listener {
public:
    void onUp(Ask ask) override {
        ask_ = ask;
        note("up");
    }
    void onEvent(const Message& event) override {
        if (event.name() == "Boom") throw std::runtime_error("boom");
        if (event.name() == "Ask") {
            const bool asked = ask_(Action("QueueStatus"), clock_.steady() + 1s,
                                    {.onDone = [this](const Result& r) { note(r.ok() ? "asked" : "asked in vain"); }});
            if (!asked) note("could not ask");
        }
        note("event " + std::string(event.name()));
    }
    void onDamage() override { note("damage"); }
    void onTick() override { ++ticks; }
    std::optional<pbx::SteadyTime> nextDeadline() const override { return std::nullopt; }
    void onDown(std::string_view reason) override { note("down " + std::string(reason)); }
    void onSystemUp(Ask ask) override {
        note(ask(Action("QueuePause"), clock_.steady() + 1s, {}) ? "system up, takes anything" : "system up");
    }
    void onSystemDown() override { note("system down"); }

    void note(const std::string& what) {
        {
            std::lock_guard lock(mutex_);
            notes_.push_back(what);
        }
        changed_.notify_all();
    }
    std::size_t count(const std::string& what) const {
        std::lock_guard lock(mutex_);
        return static_cast<std::size_t>(std::count(notes_.begin(), notes_.end(), what));
    }
    // The `times`th `what` within 10 s.
    bool waitFor(const std::string& what, std::ptrdiff_t times = 1) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 10s, [&] { return std::count(notes_.begin(), notes_.end(), what) >= times; });
    }
    std::vector<std::string> notes() const {
        std::lock_guard lock(mutex_);
        return notes_;
    }

    std::atomic<int> ticks{0};

private:
    pbx::SystemClock clock_;
    Ask ask_; // the link's thread
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> notes_;
};

class LinkTest : public testing::Test {
protected:
    LinkSettings settings(std::uint16_t port) {
        LinkSettings made;
        made.name = "lab";
        made.host = "127.0.0.1";
        made.port = port;
        made.user = "pbxd";
        made.secret = pbx::SecretString("geheim");
        made.timings.connect = 2s;
        made.timings.login = 1s;
        made.timings.boot = 500ms;
        made.timings.pingAfter = 100ms;
        made.timings.deadAfter = 600ms;
        made.timings.retryFirst = 20ms;
        made.timings.retryMost = 200ms;
        made.timings.restartRetry = 50ms;
        return made;
    }
    LinkSettings withSys(std::uint16_t port) {
        auto made = settings(port);
        made.sysUser = "pbxd-sys";
        made.sysSecret = pbx::SecretString("geheimer");
        return made;
    }
    void start(LinkSettings with) {
        link.emplace(std::move(with), listener, clock, pbx::Log::none());
        link->start();
    }
    template <class F>
    bool eventually(F&& condition) {
        const auto end = clock.steady() + 10s;
        while (!condition()) {
            if (clock.steady() > end) return false;
            std::this_thread::sleep_for(5ms);
        }
        return true;
    }
    // Submits and waits for the outcome.
    std::pair<Result::Kind, std::string> run(Action action, std::chrono::milliseconds timeout = 2s) {
        std::promise<std::pair<Result::Kind, std::string>> outcome;
        link->submit(std::move(action), timeout, {.onDone = [&](const Result& r) {
                         outcome.set_value({r.kind, r.message ? std::string(r.message->get("Message")) : ""});
                     }});
        return outcome.get_future().get();
    }
    ErrorCode refusal(Action action) {
        try {
            link->submit(std::move(action), 1s, {});
        } catch (const Error& error) {
            return error.code();
        }
        return ErrorCode::internal;
    }

    pbx::SystemClock clock;
    Recorder listener;
    std::optional<Link> link;
};

TEST_F(LinkTest, ComesUpHearsEventsAndCarriesCommands) {
    FakeAmi asterisk;
    start(settings(asterisk.port()));
    ASSERT_TRUE(listener.waitFor("up"));
    EXPECT_EQ(link->status().state, LinkState::up);
    EXPECT_EQ(link->status().banner, "11.0.0");
    asterisk.push("pbxd", "Event: Hangup\r\nPrivilege: call,all\r\n\r\n");
    ASSERT_TRUE(listener.waitFor("event Hangup"));
    EXPECT_TRUE(eventually([&] { return listener.ticks > 0; }));
    EXPECT_EQ(run(Action("QueuePause").set("Queue", "a")),
              std::pair(Result::Kind::success, std::string("QueuePause done")));
    EXPECT_EQ(run(Action("Getvar"), 50ms).first, Result::Kind::timedOut);
    asterisk.push("pbxd", "Event: Ask\r\nPrivilege: call,all\r\n\r\n");
    EXPECT_TRUE(listener.waitFor("asked"));
    link->stop();
    EXPECT_EQ(link->status().state, LinkState::stopped);
    EXPECT_EQ(listener.count("down stopped"), 1U);
    EXPECT_THAT(asterisk.heard(), Not(HasSubstr("geheim")));
    EXPECT_EQ(refusal(Action("QueuePause")), ErrorCode::unavailable);
}

TEST_F(LinkTest, PingsASilentAsteriskAndStaysUp) {
    FakeAmi asterisk;
    start(settings(asterisk.port()));
    ASSERT_TRUE(listener.waitFor("up"));
    const auto pings = [&] {
        const auto actions = asterisk.actions();
        return std::count(actions.begin(), actions.end(), "pbxd Ping");
    };
    EXPECT_TRUE(eventually([&] { return pings() >= 8; })); // 700 ms and more: longer than deadAfter
    EXPECT_EQ(listener.count("down disconnected"), 0U);
    EXPECT_TRUE(link->status().lag.has_value());
}

TEST_F(LinkTest, AHalfOpenConnectionIsNoticed) {
    FakeAmi asterisk;
    start(settings(asterisk.port()));
    ASSERT_TRUE(listener.waitFor("up"));
    std::promise<bool> sent;
    const auto begin = clock.steady();
    asterisk.mute = true;
    link->submit(Action("QueueAdd"), 9s,
                 {.onDone = [&](const Result& r) { sent.set_value(r.sent && r.kind == Result::Kind::disconnected); }});
    ASSERT_TRUE(listener.waitFor("down disconnected"));
    EXPECT_GE(clock.steady() - begin, 400ms);
    EXPECT_LT(clock.steady() - begin, 3s); // deadAfter is 600 ms here, 9 s by default
    EXPECT_TRUE(sent.get_future().get()) << "it may have had its effect";
    asterisk.mute = false;
    ASSERT_TRUE(listener.waitFor("up", 2));
    const auto actions = asterisk.actions();
    EXPECT_EQ(std::count(actions.begin(), actions.end(), "pbxd QueueAdd"), 0) << "nothing is sent a second time";
}

TEST_F(LinkTest, ComesBackAfterAKilledAsteriskRestarts) {
    FakeAmi asterisk;
    start(withSys(asterisk.port()));
    ASSERT_TRUE(listener.waitFor("up"));
    ASSERT_TRUE(listener.waitFor("system up"));
    asterisk.shut();
    ASSERT_TRUE(listener.waitFor("down disconnected"));
    EXPECT_EQ(listener.count("system down"), 1U);
    EXPECT_EQ(refusal(Action("QueuePause")), ErrorCode::unavailable);
    ASSERT_TRUE(eventually([&] { return link->status().reason == "connect_failed"; }));
    const auto begin = clock.steady();
    asterisk.back();
    ASSERT_TRUE(listener.waitFor("up", 2));
    ASSERT_TRUE(listener.waitFor("system up", 2));
    EXPECT_LT(clock.steady() - begin, 3s);
    ASSERT_TRUE(eventually([&] { return link->status().connects == 2; }));
    EXPECT_EQ(link->status().losses, 1U);
}

TEST_F(LinkTest, AShutdownIsToldAsSuch) {
    FakeAmi asterisk;
    start(settings(asterisk.port()));
    ASSERT_TRUE(listener.waitFor("up"));
    asterisk.push("pbxd", "Event: Shutdown\r\nPrivilege: system,all\r\nShutdown: Cleanly\r\nRestart: True\r\n\r\n");
    ASSERT_TRUE(listener.waitFor("event Shutdown"));
    asterisk.cut();
    EXPECT_TRUE(listener.waitFor("down shutdown"));
    EXPECT_TRUE(listener.waitFor("up", 2));
}

TEST_F(LinkTest, AWrongBannerGetsNothing) {
    FakeAmi other("SSH-2.0-OpenSSH_9.2p1");
    start(settings(other.port()));
    ASSERT_TRUE(eventually([&] { return link->status().reason == "wrong_banner"; }));
    EXPECT_TRUE(eventually([&] { return other.accepted >= 3; })) << "it is tried again";
    EXPECT_EQ(other.heard(), "");
    EXPECT_TRUE(listener.notes().empty());
}

TEST_F(LinkTest, WhoSaysNothingIsGivenUp) {
    FakeAmi other;
    other.silent = true;
    start(settings(other.port()));
    ASSERT_TRUE(eventually([&] { return link->status().reason == "login_timeout"; }));
    other.silent = false;
    EXPECT_TRUE(listener.waitFor("up"));
}

TEST_F(LinkTest, RefusedLoginAndMissingBootAreNamed) {
    FakeAmi asterisk;
    asterisk.refuse = true;
    start(settings(asterisk.port()));
    ASSERT_TRUE(eventually([&] { return link->status().reason == "login_refused"; }));
    EXPECT_EQ(link->status().text, "Asterisk answered the login of user pbxd: Authentication failed");
    asterisk.noBoot = true;
    asterisk.refuse = false;
    ASSERT_TRUE(eventually([&] { return link->status().reason == "boot_timeout"; }));
    asterisk.noBoot = false;
    EXPECT_TRUE(listener.waitFor("up"));
}

TEST_F(LinkTest, SystemActionsGoByTheSecondAccountOnly) {
    FakeAmi asterisk;
    start(withSys(asterisk.port()));
    ASSERT_TRUE(listener.waitFor("system up")); // and not "system up, takes anything"
    EXPECT_EQ(run(Action("PJSIPShowContacts")).first, Result::Kind::success);
    EXPECT_EQ(run(Action("QueueSummary")).first, Result::Kind::success);
    const auto actions = asterisk.actions();
    EXPECT_THAT(actions, Contains("pbxd-sys PJSIPShowContacts"));
    EXPECT_THAT(actions, Contains("pbxd QueueSummary"));
    EXPECT_THAT(actions, Not(Contains("pbxd PJSIPShowContacts")));
    EXPECT_THAT(actions, Not(Contains("pbxd-sys QueueSummary")));
}

TEST_F(LinkTest, WithoutTheSecondAccountSystemActionsAreUnsupported) {
    FakeAmi asterisk;
    start(settings(asterisk.port()));
    ASSERT_TRUE(listener.waitFor("up"));
    EXPECT_EQ(refusal(Action("MixMonitor")), ErrorCode::unsupported);
    EXPECT_FALSE(isSystemAction("Command"));
    EXPECT_FALSE(isSystemAction("QueuePause"));
    EXPECT_TRUE(isSystemAction("Reload"));
    EXPECT_TRUE(isSystemAction("SIPpeers"));
}

TEST_F(LinkTest, DamageAndFailingListenersAreSurvived) {
    FakeAmi asterisk;
    start(settings(asterisk.port()));
    ASSERT_TRUE(listener.waitFor("up"));
    asterisk.push("pbxd",
                  "Event: A\r\nPrivilege: call,all\r\nhalf a li\r\n\r\nEvent: B\r\nPrivilege: call,all\r\n\r\n");
    EXPECT_TRUE(listener.waitFor("damage"));
    EXPECT_TRUE(listener.waitFor("event B"));
    EXPECT_EQ(listener.count("event A"), 0U);
    asterisk.push("pbxd", "Event: Boom\r\nPrivilege: call,all\r\n\r\n");
    EXPECT_TRUE(listener.waitFor("down handler_failed"));
    EXPECT_TRUE(listener.waitFor("up", 2));
    EXPECT_EQ(link->status().reason, "handler_failed");
}

TEST_F(LinkTest, ManyThreadsMaySubmitAndTheQueueIsBounded) {
    FakeAmi asterisk;
    auto with = settings(asterisk.port());
    with.commandQueue = 5;
    with.timings.deadAfter = 5s;
    start(std::move(with));
    ASSERT_TRUE(listener.waitFor("up"));
    std::atomic<int> taken{0};
    std::atomic<int> refused{0};
    std::atomic<int> done{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 200; ++i) {
                try {
                    link->submit(Action("QueueSummary"), 5s, {.onDone = [&](const Result&) { ++done; }});
                    ++taken;
                } catch (const Error& error) {
                    EXPECT_EQ(error.code(), ErrorCode::unavailable);
                    ++refused;
                }
                (void)link->status();
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(taken + refused, 800);
    EXPECT_TRUE(eventually([&] { return done == taken; }));
    link->stop();
    EXPECT_EQ(done, taken);
}

TEST_F(LinkTest, SeveralAsterisksAreIndependent) {
    FakeAmi one;
    FakeAmi two;
    Recorder other;
    start(settings(one.port()));
    Link second(settings(two.port()), other, clock, pbx::Log::none());
    second.start();
    ASSERT_TRUE(listener.waitFor("up"));
    ASSERT_TRUE(other.waitFor("up"));
    one.shut();
    ASSERT_TRUE(listener.waitFor("down disconnected"));
    two.push("pbxd", "Event: Hangup\r\nPrivilege: call,all\r\n\r\n");
    EXPECT_TRUE(other.waitFor("event Hangup"));
    EXPECT_EQ(second.status().state, LinkState::up);
}

TEST_F(LinkTest, AFloodDoesNotKeepCommandsWaiting) {
    FakeAmi asterisk;
    start(settings(asterisk.port()));
    ASSERT_TRUE(listener.waitFor("up"));
    std::string events;
    for (int i = 0; i < 20'000; ++i) events += "Event: E\r\nPrivilege: call,all\r\n\r\n";
    std::thread flood([&] { asterisk.push("pbxd", events); });
    EXPECT_EQ(run(Action("QueueSummary"), 9s).first, Result::Kind::success);
    flood.join();
    EXPECT_TRUE(listener.waitFor("event E", 20'000));
    EXPECT_EQ(link->status().reader.damagedTotal(), 0U);
}

TEST_F(LinkTest, SettingsThatCannotWorkAreNamed) {
    const auto field = [&](LinkSettings with) {
        try {
            Link tried(std::move(with), listener, clock, pbx::Log::none());
        } catch (const Error& error) {
            return error.field();
        }
        return std::string("(accepted)");
    };
    auto noSecret = settings(1);
    noSecret.secret = {};
    EXPECT_EQ(field(noSecret), "user");
    auto noHost = settings(1);
    noHost.host = "";
    EXPECT_EQ(field(noHost), "host");
    auto plain = settings(1);
    plain.plainLogin = true;
    EXPECT_EQ(field(plain), "plain_login");
    auto tls = settings(1);
    tls.tls = {.enabled = true, .caFile = "/nonexistent/ca.pem", .serverName = ""};
    EXPECT_EQ(field(tls), "tls_ca");
}

class LinkTlsTest : public LinkTest {
protected:
    static std::string fixture(const std::string& name) { return PBX_SOURCE_DIR "/tests/fixtures/ami/tls/" + name; }
    LinkSettings tlsSettings(const std::string& ca, const std::string& name) {
        auto made = withSys(asterisk.port());
        made.tls = {.enabled = true, .caFile = fixture(ca), .serverName = name};
        return made;
    }

    FakeAmi asterisk{"Asterisk Call Manager/11.0.0",
                     new Poco::Net::Context(Poco::Net::Context::TLS_SERVER_USE, fixture("server.key"),
                                            fixture("server.pem"), "", Poco::Net::Context::VERIFY_NONE)};
};

TEST_F(LinkTlsTest, ComesUpOverTls) {
    start(tlsSettings("server.pem", "ami.test"));
    ASSERT_TRUE(listener.waitFor("up"));
    ASSERT_TRUE(listener.waitFor("system up"));
    EXPECT_EQ(run(Action("QueueSummary")).first, Result::Kind::success);
    asterisk.push("pbxd", "Event: Hangup\r\nPrivilege: call,all\r\n\r\n");
    EXPECT_TRUE(listener.waitFor("event Hangup"));
    EXPECT_THAT(asterisk.heard(), Not(HasSubstr("geheim")));
}

TEST_F(LinkTlsTest, PlainLoginOverTlsWhenAsked) {
    auto with = tlsSettings("server.pem", "ami.test");
    with.plainLogin = true;
    start(std::move(with));
    ASSERT_TRUE(listener.waitFor("up"));
    EXPECT_THAT(asterisk.heard(), HasSubstr("Secret: geheim\r\n"));
}

TEST_F(LinkTlsTest, AWrongNameIsRefusedBeforeALogin) {
    start(tlsSettings("server.pem", "other.test"));
    ASSERT_TRUE(eventually([&] { return link->status().reason == "connect_failed"; }));
    EXPECT_THAT(link->status().text, HasSubstr("TLS"));
    EXPECT_EQ(asterisk.heard(), "");
    EXPECT_TRUE(listener.notes().empty());
}

TEST_F(LinkTlsTest, AnUnknownSignerIsRefusedBeforeALogin) {
    start(tlsSettings("other-ca.pem", "ami.test"));
    ASSERT_TRUE(eventually([&] { return link->status().reason == "connect_failed"; }));
    EXPECT_THAT(link->status().text, HasSubstr("TLS"));
    EXPECT_EQ(asterisk.heard(), "");
}

TEST_F(LinkTlsTest, APlainServerIsRefusedWhenTlsIsAsked) {
    FakeAmi plain;
    auto with = tlsSettings("server.pem", "ami.test");
    with.port = plain.port();
    start(std::move(with));
    ASSERT_TRUE(eventually([&] { return link->status().reason == "connect_failed"; }));
    EXPECT_THAT(plain.heard(), Not(HasSubstr("pbxd")));
}

} // namespace
