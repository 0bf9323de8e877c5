#include "daemon/notify.hpp"

#include "tests/unit/base/temp_dir.hpp"

#include <Poco/Environment.h>
#include <array>
#include <cstddef>
#include <cstring>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

using namespace pbx;
using namespace pbx::daemon;
using pbx::test::TempDir;

namespace {

// What systemd does: a datagram socket under a path or, with '@', an abstract name.
class Listener {
public:
    explicit Listener(const std::string& name) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, name.data(), std::min(name.size(), sizeof address.sun_path));
        if (name.front() == '@') address.sun_path[0] = '\0';
        const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
        bound_ = ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), length) == 0;
        const timeval patience{5, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }
    ~Listener() { ::close(fd_); }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    bool bound() const { return bound_; }
    std::string receive() const {
        std::array<char, 512> buffer{};
        const auto got = ::recv(fd_, buffer.data(), buffer.size(), 0);
        return got < 0 ? "nothing came" : std::string(buffer.data(), static_cast<std::size_t>(got));
    }

private:
    int fd_;
    bool bound_ = false;
};

struct NotifyTest : testing::TestWithParam<bool> {
    std::string name() const {
        return GetParam() ? "@pbx-notify-test-" + std::to_string(::getpid()) : dir.at("notify");
    }
    TempDir dir;
};

} // namespace

TEST_P(NotifyTest, SendsWhatSystemdUnderstands) {
    const Listener listener(name());
    ASSERT_TRUE(listener.bound());
    const ServiceNotifier notifier(name(), std::chrono::seconds(10), Log::none());
    EXPECT_TRUE(notifier.active());
    EXPECT_TRUE(notifier.ready("serving\nSTOPPING=1"));
    EXPECT_EQ(listener.receive(), "READY=1\nSTATUS=serving STOPPING=1"); // a text cannot become an assignment
    EXPECT_TRUE(notifier.alive());
    EXPECT_EQ(listener.receive(), "WATCHDOG=1");
    EXPECT_TRUE(notifier.reloading());
    EXPECT_THAT(listener.receive(), testing::MatchesRegex("RELOADING=1\nMONOTONIC_USEC=[0-9]+"));
    EXPECT_TRUE(notifier.stopping());
    EXPECT_EQ(listener.receive(), "STOPPING=1");
    EXPECT_EQ(notifier.watchdogInterval(), std::chrono::seconds(5));
}

INSTANTIATE_TEST_SUITE_P(Sockets, NotifyTest, testing::Bool(),
                         [](const auto& which) { return which.param ? "Abstract" : "Path"; });

TEST(Notify, ASocketThatIsGoneIsLoggedAndNoMore) {
    const TempDir dir;
    const SystemClock clock;
    const Log log({.file = dir.at("log")}, clock);
    EXPECT_FALSE(ServiceNotifier(dir.at("nobody"), std::nullopt, log).ready("x"));
    EXPECT_THAT(test::readAll(dir.at("log")), testing::HasSubstr("service.notify_failed"));
    EXPECT_FALSE(ServiceNotifier("/" + std::string(200, 'x'), std::nullopt, log).alive());
    EXPECT_THAT(test::readAll(dir.at("log")), testing::HasSubstr("too long"));
}

TEST(Notify, WithoutASocketNothingHappens) {
    const ServiceNotifier notifier("", std::chrono::seconds(10), Log::none());
    EXPECT_FALSE(notifier.active());
    EXPECT_FALSE(notifier.ready("x"));
    EXPECT_EQ(notifier.watchdogInterval(), std::nullopt);
}

TEST(Notify, ReadsTheEnvironmentOfTheService) {
    const TempDir dir;
    const Listener listener(dir.at("n"));
    Poco::Environment::set("NOTIFY_SOCKET", dir.at("n"));
    Poco::Environment::set("WATCHDOG_USEC", "30000000");
    Poco::Environment::set("WATCHDOG_PID", std::to_string(::getpid()));
    const auto mine = ServiceNotifier::fromEnvironment(Log::none());
    EXPECT_EQ(mine.watchdogInterval(), std::chrono::seconds(15));
    EXPECT_TRUE(mine.alive());
    EXPECT_EQ(listener.receive(), "WATCHDOG=1");

    Poco::Environment::set("WATCHDOG_PID", "1"); // meant for another process
    EXPECT_EQ(ServiceNotifier::fromEnvironment(Log::none()).watchdogInterval(), std::nullopt);
    Poco::Environment::set("NOTIFY_SOCKET", "relative");
    EXPECT_FALSE(ServiceNotifier::fromEnvironment(Log::none()).active());
}
