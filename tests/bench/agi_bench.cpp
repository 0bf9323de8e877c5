// How long Asterisk waits for a FastAGI answer: an open-loop driver of its own against agi::Server in one process.
// agi_bench [RATE] [SECONDS]: RATE calls a second (2000), each a new connection that asks, takes four variables and is
// closed. One line of JSON: latency in µs from the planned start of a call (so that a late driver counts, too) to the
// end of its connection, and the server's own figure from the complete request to the last confirmed variable.
#include "agi/server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

using namespace pbx::agi;
using Steady = std::chrono::steady_clock;

namespace {

const std::string token = "benchTokenOf32Characters00000000";
const std::string environment =
    "agi_network: yes\nagi_network_script: route/" + token +
    "?did=1000&from=%2B4930123456&waiting=3\nagi_request: agi://127.0.0.1/route/" + token +
    "\nagi_channel: PJSIP/viatalk-trunk-00000001\nagi_language: en\nagi_type: PJSIP\nagi_uniqueid: 1790000000.1\n"
    "agi_version: 22.8.2\nagi_callerid: 5550100\nagi_calleridname: Ann\nagi_callingpres: 0\nagi_callingani2: 0\n"
    "agi_callington: 0\nagi_callingtns: 0\nagi_dnid: 1000\nagi_rdnis: unknown\nagi_context: viatalk-inbound\n"
    "agi_extension: 1000\nagi_priority: 3\nagi_enhanced: 0.0\nagi_accountcode: \nagi_threadid: 140000000000000\n\n";

struct Call {
    int fd = -1;
    bool sent = false;
    int answered = 0;
    Steady::time_point planned;
};

class Driver {
public:
    Driver(std::uint16_t port, std::size_t calls, double rate) : calls_(calls), rate_(rate) {
        server_.sin_family = AF_INET;
        server_.sin_port = htons(port);
        server_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        epoll_ = ::epoll_create1(0);
        began_ = Steady::now();
    }
    void run() {
        std::array<epoll_event, 256> events{};
        while (finished_ < calls_.size()) {
            while (next_ < calls_.size() && planned(next_) <= Steady::now()) start(next_++);
            const auto left = next_ < calls_.size() ? planned(next_) - Steady::now() : Steady::duration(10'000'000);
            const auto nanos = std::clamp<std::int64_t>(
                std::chrono::duration_cast<std::chrono::nanoseconds>(left).count(), 0, 10'000'000);
            const timespec wait{0, static_cast<long>(nanos)};
            const int ready = ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &wait, nullptr);
            for (int i = 0; i < ready; ++i) serve(calls_[events[static_cast<std::size_t>(i)].data.u64]);
        }
    }
    std::vector<double> micros;
    std::size_t incomplete = 0;
    double seconds() const { return std::chrono::duration<double>(Steady::now() - began_).count(); }

private:
    Steady::time_point planned(std::size_t i) const {
        return began_ + std::chrono::duration_cast<Steady::duration>(std::chrono::duration<double>(double(i) / rate_));
    }
    void start(std::size_t i) {
        auto& call = calls_[i];
        call.planned = planned(i);
        call.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (call.fd < 0) throw std::runtime_error("no sockets left");
        const int on = 1;
        ::setsockopt(call.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (::connect(call.fd, reinterpret_cast<const sockaddr*>(&server_), sizeof server_) != 0 &&
            errno != EINPROGRESS)
            return end(call);
        epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.u64 = i}};
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, call.fd, &event);
    }
    void serve(Call& call) {
        if (call.fd < 0) return;
        if (!call.sent) {
            const auto sent = ::send(call.fd, environment.data(), environment.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno == EAGAIN) return;
            if (sent != static_cast<ssize_t>(environment.size())) return end(call);
            call.sent = true;
        }
        std::array<char, 2048> buffer;
        while (true) {
            const auto got = ::recv(call.fd, buffer.data(), buffer.size(), 0);
            if (got < 0 && errno == EAGAIN) return;
            if (got <= 0) return end(call);
            if (buffer[static_cast<std::size_t>(got) - 1] != '\n') throw std::runtime_error("half a command");
            ++call.answered;
            constexpr std::string_view reply = "200 result=1\n";
            if (::send(call.fd, reply.data(), reply.size(), MSG_NOSIGNAL) < 0) return end(call);
        }
    }
    void end(Call& call) {
        ::close(call.fd);
        call.fd = -1;
        ++finished_;
        if (call.answered == 4)
            micros.push_back(std::chrono::duration<double, std::micro>(Steady::now() - call.planned).count());
        else
            ++incomplete;
    }

    std::vector<Call> calls_;
    double rate_;
    sockaddr_in server_{};
    int epoll_;
    Steady::time_point began_;
    std::size_t next_ = 0;
    std::size_t finished_ = 0;
};

double percentile(std::vector<double>& values, double share) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    return values[std::min(values.size() - 1, static_cast<std::size_t>(double(values.size()) * share))];
}

int bench(int argc, char** argv) {
    const double rate = argc > 1 ? std::atof(argv[1]) : 2000;
    const double seconds = argc > 2 ? std::atof(argv[2]) : 5;
    if (rate <= 0 || seconds <= 0) {
        std::fprintf(stderr, "usage: agi_bench [RATE] [SECONDS]\n");
        return 2;
    }
    const pbx::SystemClock clock;
    std::vector<double> inside;
    ServerSettings settings;
    settings.callers.push_back({"bench", pbx::SecretString(token)});
    settings.onAnswered = [&](std::chrono::microseconds took) { inside.push_back(double(took.count())); };
    const auto handler = [](const Request& request, pbx::SteadyTime) -> Answer {
        return {{"PBX_ROUTE", "queue"},
                {"PBX_QUEUE", "viatalk-support"},
                {"PBX_PRIO", "5"},
                {"PBX_DID", std::string(request.argument("did"))}};
    };
    Server server(settings, handler, clock, pbx::Log::none());
    server.start();
    Driver driver(server.port(), static_cast<std::size_t>(rate * seconds), rate);
    driver.run();
    const double took = driver.seconds();
    server.stop();
    const double answered = double(driver.micros.size());
    std::printf("{\"rate\": %.0f, \"answered\": %.0f, \"incomplete\": %zu, \"per_second\": %.0f, \"p50_us\": %.0f, "
                "\"p99_us\": %.0f, \"max_us\": %.0f, \"server_p50_us\": %.0f, \"server_p99_us\": %.0f}\n",
                rate, answered, driver.incomplete, answered / took, percentile(driver.micros, 0.5),
                percentile(driver.micros, 0.99), percentile(driver.micros, 1), percentile(inside, 0.5),
                percentile(inside, 0.99));
    return driver.incomplete ? 1 : 0;
}

} // namespace

int main(int argc, char** argv) {
    try {
        return bench(argc, argv);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "agi_bench: %s\n", e.what());
        return 1;
    }
}
