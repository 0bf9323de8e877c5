// The program pbxsim as a process: the ready line, several clients, restart, faults, replay.
#include "accounts.hpp"
#include "base/error.hpp"
#include "recording.hpp"
#include "tests/unit/base/temp_dir.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace pbx::sim::test {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

class Program {
public:
    explicit Program(std::vector<std::string> options) {
        std::string pattern = "/tmp/pbxsim-test-XXXXXX";
        folder_ = ::mkdtemp(pattern.data());
        std::ofstream(folder_ + "/secrets") << "pbxd p\npbxd-sys s\nall a all all\n";
        ::chmod((folder_ + "/secrets").c_str(), 0600);
        options.insert(options.begin(),
                       {std::string(PBX_BIN_DIR) + "/pbxsim", "--secret-file", folder_ + "/secrets", "--quiet"});
        std::array<int, 2> out{};
        EXPECT_EQ(::pipe(out.data()), 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::dup2(out[1], 1);
            std::vector<char*> argv;
            for (auto& option : options) argv.push_back(option.data());
            argv.push_back(nullptr);
            ::execv(argv[0], argv.data());
            ::_exit(127);
        }
        ::close(out[1]);
        FILE* lines = ::fdopen(out[0], "r");
        std::array<char, 256> line{};
        if (std::fgets(line.data(), static_cast<int>(line.size()), lines) != nullptr) readyLine = line.data();
        std::fclose(lines);
        const auto colon = readyLine.rfind(':');
        if (colon != std::string::npos) port = static_cast<std::uint16_t>(std::atoi(readyLine.c_str() + colon + 1));
    }
    ~Program() {
        if (pid_ > 0) stop();
        std::filesystem::remove_all(folder_);
    }
    void signal(int number) const { ::kill(pid_, number); }
    int stop() {
        ::kill(pid_, SIGTERM);
        return wait();
    }
    int wait() {
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    std::string readyLine;
    std::uint16_t port = 0;

private:
    std::string folder_;
    pid_t pid_ = -1;
};

class Client {
public:
    explicit Client(std::uint16_t port) {
        fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connected = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    }
    ~Client() { ::close(fd_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    void send(const std::string& text) const {
        EXPECT_EQ(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    }
    void login(const std::string& extra = {}) {
        send("Action: Login\r\nActionID: in\r\nUsername: all\r\nSecret: a\r\n" + extra + "\r\n");
    }
    // Reads until `done` says so, the end of the stream or the deadline; true when done.
    template <class Done>
    bool until(Done&& done, std::chrono::milliseconds deadline = 60s) {
        const auto end = Clock::now() + deadline;
        for (;;) {
            if (done()) return true;
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
            pollfd waiting{.fd = fd_, .events = POLLIN, .revents = 0};
            if (left <= 0 || ::poll(&waiting, 1, static_cast<int>(left)) <= 0) return done();
            std::array<char, 65536> buffer{};
            const auto got = ::recv(fd_, buffer.data(), buffer.size(), 0);
            if (got <= 0) {
                closed = true;
                return done();
            }
            received.append(buffer.data(), static_cast<std::size_t>(got));
        }
    }
    bool has(std::string_view text, std::chrono::milliseconds deadline = 60s) {
        return until([&] { return received.find(text) != std::string::npos; }, deadline);
    }
    std::string received;
    bool connected = false, closed = false;

private:
    int fd_ = -1;
};

TEST(Accounts, AFileThatOthersCouldReadIsRefused) {
    const pbx::test::TempDir folder;
    const auto file = folder.write("accounts", "# who\npbxd p\nsilent s - -\n", 0600);
    EXPECT_NE(Accounts::read(file).find("silent"), nullptr);
    folder.write("accounts", "pbxd p\n", 0644);
    try {
        Accounts::read(file);
        FAIL() << "mode 0644 was taken";
    } catch (const Error& error) {
        EXPECT_EQ(error.text().find("secret-file: " + file + " has mode 0644"), 0U) << error.text();
    }
}

TEST(Program, ReadyLineClientsAndCleanEnd) {
    Program program({"--speed", "30"});
    ASSERT_EQ(program.readyLine, "ready: ami 127.0.0.1:" + std::to_string(program.port) + "\n");
    Client one(program.port);
    Client two(program.port);
    one.login();
    two.login();
    ASSERT_TRUE(one.has("Event: AgentConnect\r\n"));
    ASSERT_TRUE(two.has("Event: AgentConnect\r\n"));
    // Both see the same events: what one has, the other gets too.
    const auto event = one.received.find("Event: AgentConnect");
    const auto stamp = one.received.substr(one.received.find("Timestamp: ", event), 28);
    EXPECT_TRUE(two.has(stamp));
    // The board is alive from the first moment.
    Client board(program.port);
    board.login("Events: off\r\n");
    board.send("Action: CoreShowChannels\r\nActionID: c\r\n\r\n");
    ASSERT_TRUE(board.has("Event: CoreShowChannelsComplete"));
    EXPECT_NE(board.received.find("Event: CoreShowChannel\r\n"), std::string::npos);
    EXPECT_EQ(program.stop(), 0);
    EXPECT_TRUE(one.until([&] { return one.closed; }));
}

TEST(Program, WrongSecretIsClosedAfterASecond) {
    Program program({});
    Client client(program.port);
    const auto begin = Clock::now();
    client.send("Action: Login\r\nUsername: pbxd\r\nSecret: x\r\n\r\n");
    EXPECT_TRUE(client.has("Message: Authentication failed\r\n"));
    EXPECT_GE(Clock::now() - begin, 990ms);
    EXPECT_TRUE(client.until([&] { return client.closed; }));
}

TEST(Program, RestartIsToldAndTheStartTimeIsNew) {
    Program program({});
    const auto startTime = [&] {
        Client client(program.port);
        if (!client.connected) return std::string();
        client.login("Events: off\r\n");
        client.send("Action: CoreStatus\r\nActionID: s\r\n\r\n");
        if (!client.has("CoreReloadDate: ", 10s)) return std::string();
        return client.received.substr(client.received.find("CoreStartupTime: "), 25);
    };
    const std::string before = startTime();
    ASSERT_FALSE(before.empty());
    Client watcher(program.port);
    watcher.login();
    ASSERT_TRUE(watcher.has("Fully Booted"));
    program.signal(SIGUSR1);
    EXPECT_TRUE(watcher.has("Shutdown: Cleanly\r\nRestart: True\r\n"));
    EXPECT_TRUE(watcher.until([&] { return watcher.closed; }));
    std::string after;
    for (const auto end = Clock::now() + 60s; after.empty() && Clock::now() < end; ::usleep(20'000))
        after = startTime();
    EXPECT_FALSE(after.empty());
    EXPECT_NE(after, before);
}

TEST(Program, LinksCanBeCut) {
    Program program({});
    Client client(program.port);
    client.login();
    ASSERT_TRUE(client.has("Fully Booted"));
    program.signal(SIGUSR2);
    EXPECT_TRUE(client.until([&] { return client.closed; }));
    Client again(program.port);
    again.login();
    EXPECT_TRUE(again.has("Fully Booted"));
}

TEST(Program, HalfOpenSaysNothingAndStaysOpen) {
    Program program({"--speed", "50", "--half-open-after", "1"});
    Client client(program.port);
    client.login();
    ASSERT_TRUE(client.has("Event: Newchannel"));
    ASSERT_TRUE(client.until([&, end = Clock::now() + 1500ms] { return Clock::now() > end; }, 1600ms));
    const auto silentFrom = client.received.size();
    client.send("Action: Ping\r\n\r\n");
    EXPECT_FALSE(client.until([&] { return client.received.size() > silentFrom; }, 1500ms));
    EXPECT_FALSE(client.closed);
}

TEST(Program, EventsAreLostAndDamagedOnPurpose) {
    Program program({"--speed", "50", "--lose-every", "5", "--damage-every", "7"});
    Client client(program.port);
    client.login();
    // A lost event leaves a Newstate without its Newchannel: sooner or later, as another one may be lost.
    int missing = 0;
    for (std::size_t wanted = 200'000; missing == 0 && wanted < 10'000'000; wanted *= 2) {
        ASSERT_TRUE(client.until([&] { return client.received.size() > wanted; }, 60s));
        std::set<std::string> channels;
        for (const Event& event : parse(client.received)) {
            if (event.name == "Newchannel") channels.insert(event.get("Channel"));
            if (event.name == "Newstate" && event.get("ChannelState") == "5" &&
                !channels.contains(event.get("Channel")))
                ++missing;
        }
    }
    EXPECT_GT(missing, 0);
    EXPECT_NE(client.received.find("\xFF\x01Z\n"), std::string::npos);
}

TEST(Program, ReplaysARecordingByteForByte) {
    const auto file = fixture("ami/22/s02_agent_hangs_up.s2c.ami");
    Program program({"--replay", file, "--speed", "0"});
    Client client(program.port);
    client.login();
    std::ifstream in(file, std::ios::binary);
    std::string recording{std::istreambuf_iterator<char>(in), {}};
    recording.erase(0, recording.find("\r\n\r\n") + 4); // its own banner and login
    EXPECT_TRUE(client.until([&] { return client.received.find(recording) != std::string::npos; }));
}

TEST(Program, WrongOptionsAreRefused) {
    for (const auto& options :
         {std::vector<std::string>{"--agents", "1"}, std::vector<std::string>{"--replay", "/nonexistent"}}) {
        Program program(options);
        EXPECT_EQ(program.readyLine, "");
        EXPECT_NE(program.wait(), 0);
    }
}

} // namespace
} // namespace pbx::sim::test
