// How long Asterisk waits for a FastAGI answer, by an open-loop driver: RATE calls a second, each a new connection that
// asks, takes the variables and is closed. One line of JSON: latency in µs from the planned start of a call (so that a
// late driver counts, too) to the end of its connection.
// agi_bench [RATE] [SECONDS]: against agi::Server in one process, whose handler answers four variables at once; with
// the server's own figure from the complete request to the last confirmed variable. agi_bench RATE SECONDS PORT
// TOKEN_FILE TENANT DIALLED: against a running pbxd, which decides. Of four callers one is +1212NNNNNNN, two
// +1312NNNNNNN, one +1412NNNNNNN, with N from 2000000 to 2999999: what bench.py's rows are about.
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
#include <fstream>
#include <functional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

using namespace pbx::agi;
using Steady = std::chrono::steady_clock;

namespace {

const std::string benchToken = "benchTokenOf32Characters00000000";

std::string environment(const std::string& script, const std::string& caller, const std::string& dialled) {
    return "agi_network: yes\nagi_network_script: " + script + "\nagi_request: agi://127.0.0.1/" + script +
           "\nagi_channel: PJSIP/viatalk-trunk-00000001\nagi_language: en\nagi_type: PJSIP\n"
           "agi_uniqueid: 1790000000.1\nagi_version: 22.8.2\nagi_callerid: " +
           caller +
           "\nagi_calleridname: Ann\nagi_callingpres: 0\nagi_callingani2: 0\nagi_callington: 0\nagi_callingtns: 0\n"
           "agi_dnid: 1000\nagi_rdnis: unknown\nagi_context: viatalk-inbound\nagi_extension: 1000\nagi_priority: 3\n"
           "agi_enhanced: 0.0\nagi_accountcode: \nagi_threadid: 140000000000000\nagi_arg_1: " +
           dialled + "\n\n";
}

struct Call {
    int fd = -1;
    std::string request;
    bool sent = false;
    bool answered = false;
    Steady::time_point planned;
};
using MakeRequest = std::function<std::string(std::size_t call)>;

class Driver {
public:
    // `last`: the variable that a complete answer ends with.
    Driver(std::uint16_t port, std::size_t calls, double rate, const MakeRequest& request, std::string last)
        : calls_(calls), rate_(rate), last_(std::move(last)) {
        for (std::size_t i = 0; i < calls; ++i) calls_[i].request = request(i);
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
            const auto sent = ::send(call.fd, call.request.data(), call.request.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno == EAGAIN) return;
            if (sent != static_cast<ssize_t>(call.request.size())) return end(call);
            call.sent = true;
        }
        std::array<char, 2048> buffer;
        while (true) {
            const auto got = ::recv(call.fd, buffer.data(), buffer.size(), 0);
            if (got < 0 && errno == EAGAIN) return;
            if (got <= 0) return end(call);
            if (buffer[static_cast<std::size_t>(got) - 1] != '\n') throw std::runtime_error("half a command");
            const std::string_view command(buffer.data(), static_cast<std::size_t>(got));
            call.answered = call.answered || command.find(last_) != command.npos;
            constexpr std::string_view reply = "200 result=1\n";
            if (::send(call.fd, reply.data(), reply.size(), MSG_NOSIGNAL) < 0) return end(call);
        }
    }
    void end(Call& call) {
        ::close(call.fd);
        call.fd = -1;
        ++finished_;
        if (call.answered)
            micros.push_back(std::chrono::duration<double, std::micro>(Steady::now() - call.planned).count());
        else
            ++incomplete;
    }

    std::vector<Call> calls_;
    double rate_;
    std::string last_;
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

struct Plan {
    double rate = 2000;
    double seconds = 5;
    std::size_t calls() const { return static_cast<std::size_t>(rate * seconds); }
};

int print(const Plan& plan, Driver& driver, std::vector<double>& inside) {
    const double took = driver.seconds();
    const double answered = double(driver.micros.size());
    std::printf("{\"rate\": %.0f, \"answered\": %.0f, \"incomplete\": %zu, \"per_second\": %.0f, \"p50_us\": %.0f, "
                "\"p99_us\": %.0f, \"max_us\": %.0f, \"server_p50_us\": %.0f, \"server_p99_us\": %.0f}\n",
                plan.rate, answered, driver.incomplete, answered / took, percentile(driver.micros, 0.5),
                percentile(driver.micros, 0.99), percentile(driver.micros, 1), percentile(inside, 0.5),
                percentile(inside, 0.99));
    return driver.incomplete ? 1 : 0;
}

int benchServer(const Plan& plan) {
    const pbx::SystemClock clock;
    std::vector<double> inside;
    ServerSettings settings;
    settings.callers.push_back({"bench", pbx::SecretString(benchToken)});
    settings.onAnswered = [&](std::chrono::microseconds took) { inside.push_back(double(took.count())); };
    const auto handler = [](const Request& request, pbx::SteadyTime) -> Answer {
        return {{"PBX_ROUTE", "queue"},
                {"PBX_QUEUE", "viatalk-support"},
                {"PBX_PRIO", "5"},
                {"PBX_DID", std::string(request.argument("did"))}};
    };
    Server server(settings, handler, clock, pbx::Log::none());
    server.start();
    const auto request = environment("route/" + benchToken + "?did=1000&from=%2B4930123456", "5550100", "1000");
    Driver driver(
        server.port(), plan.calls(), plan.rate, [&](std::size_t) { return request; }, "PBX_DID");
    driver.run();
    server.stop();
    return print(plan, driver, inside);
}

int benchPbxd(const Plan& plan, std::uint16_t port, const std::string& tokenFile, const std::string& tenant,
              const std::string& dialled) {
    std::ifstream file(tokenFile);
    std::string token;
    if (!std::getline(file, token)) throw std::runtime_error("cannot read " + tokenFile);
    std::mt19937 dice(1);
    const auto request = [&](std::size_t i) {
        static constexpr std::array areas{"+1212", "+1312", "+1412", "+1312"};
        const auto caller = areas[i % areas.size()] + std::to_string(2'000'000 + dice() % 1'000'000);
        return environment("route/" + token + "?tenant=" + tenant, caller, dialled);
    };
    Driver driver(port, plan.calls(), plan.rate, request, "PBX_DONE");
    driver.run();
    std::vector<double> none;
    return print(plan, driver, none);
}

int bench(const std::vector<std::string>& arguments) {
    Plan plan;
    if (!arguments.empty()) plan.rate = std::atof(arguments[0].c_str());
    if (arguments.size() > 1) plan.seconds = std::atof(arguments[1].c_str());
    if (plan.rate <= 0 || plan.seconds <= 0 || (arguments.size() > 2 && arguments.size() != 6)) {
        std::fprintf(stderr, "usage: agi_bench [RATE] [SECONDS] | RATE SECONDS PORT TOKEN_FILE TENANT DIALLED\n");
        return 2;
    }
    if (arguments.size() == 6)
        return benchPbxd(plan, static_cast<std::uint16_t>(std::atoi(arguments[2].c_str())), arguments[3], arguments[4],
                         arguments[5]);
    return benchServer(plan);
}

} // namespace

int main(int argc, char** argv) {
    try {
        return bench({argv + 1, argv + argc});
    } catch (const std::exception& e) {
        std::fprintf(stderr, "agi_bench: %s\n", e.what());
        return 1;
    }
}
