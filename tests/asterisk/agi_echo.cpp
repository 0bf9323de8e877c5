// agi_echo ADDRESS: an agi::Server for the laboratory. The first line of standard input is the token; prints "port N"
// and serves until standard input ends, then prints how its connections ended, one "NAME COUNT" a line. Route "echo":
// answers PBX_ECHO = the query's "text", PBX_CONTEXT, PBX_CALLER, PBX_SERVER and PBX_DONE=1. "slow": answers too late.
#include "agi/server.hpp"
#include "base/error.hpp"

#include <cstdio>
#include <iostream>
#include <string>
#include <thread>

using namespace pbx::agi;

namespace {

Answer answer(const Request& request, pbx::SteadyTime deadline) {
    if (request.route == "slow")
        std::this_thread::sleep_until(deadline + std::chrono::milliseconds(100));
    else if (request.route != "echo")
        return {};
    return {{"PBX_ECHO", std::string(request.argument("text"))},
            {"PBX_CONTEXT", std::string(request.variable("agi_context"))},
            {"PBX_CALLER", std::string(request.variable("agi_callerid"))},
            {"PBX_SERVER", request.server},
            {"PBX_DONE", "1"}};
}

} // namespace

int main(int argc, char** argv) {
    std::string token;
    if (argc != 2 || !std::getline(std::cin, token)) {
        std::fprintf(stderr, "usage: agi_echo ADDRESS < token\n");
        return 2;
    }
    try {
        const pbx::SystemClock clock;
        ServerSettings settings;
        settings.address = argv[1];
        settings.callers.push_back({"lab", pbx::SecretString(token)});
        Server server(settings, answer, clock, pbx::Log({}, clock));
        server.start();
        std::printf("port %u\n", unsigned{server.port()});
        std::fflush(stdout);
        for (std::string line; std::getline(std::cin, line);) {
        }
        server.stop();
        const auto statistics = server.statistics();
        for (std::size_t i = 0; i < endings; ++i)
            std::printf("%s %llu\n", std::string(endingName(static_cast<Ending>(i))).c_str(),
                        static_cast<unsigned long long>(statistics.ended[i]));
        return 0;
    } catch (const pbx::Error& e) {
        std::fprintf(stderr, "agi_echo: %s\n", e.text().c_str());
        return 1;
    }
}
