// Asterisk's side of FastAGI: asks pbxd, one connection a question, takes its SET VARIABLE commands, confirms each.
// Threads: one. The constructor fails with pbx::Error (invalidArgument: an address that is none; unavailable: no
// descriptors). A question that cannot be asked is answered with nothing, and counted.
// Source: res/res_agi.c of Asterisk 22 (launch_netscript, setup_env, run_agi); docs/fastagi.md.
#pragma once

#include "asker.hpp"

#include "base/secret.hpp"
#include "base/time.hpp"

#include <netinet/in.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pbx::sim {

struct AgiFigures {
    std::uint64_t asked = 0;
    std::uint64_t unanswered = 0; // refused, late, closed without PBX_DONE, or too many at once
};

class AgiClient final : public Asker {
public:
    static constexpr std::chrono::seconds deadlineAfter{3}; // as the rendered dialplan's TIMEOUT(absolute)
    static constexpr std::size_t mostOpen = 256;
    static constexpr std::size_t mostBytes = 16384; // of one answer
    static constexpr std::size_t mostVariables = 32;

    // `address`: "IPv4:PORT".
    AgiClient(const std::string& address, SecretString token, const Clock& clock);
    ~AgiClient() override;
    AgiClient(const AgiClient&) = delete;
    AgiClient& operator=(const AgiClient&) = delete;

    void ask(const Question& question, std::function<void(const Answer&)> answered) override;

    // An epoll descriptor, readable when serve() has something to do; nullopt: nothing is on its way.
    int descriptor() const { return epoll_; }
    std::optional<SteadyTime> deadline() const;
    void serve(); // what has come, what is late; calls back
    const AgiFigures& figures() const { return figures_; }

private:
    using Answered = std::function<void(const Answer&)>;
    struct Connection {
        int fd = -1;
        std::string out, in;
        std::size_t received = 0;
        std::map<std::string, std::string, std::less<>> variables;
        SteadyTime deadline{};
        Answered answered;
    };

    std::string request(const Question& question) const;
    void proceed(std::uint64_t id, Connection& connection);
    bool receive(Connection& connection); // false: over
    bool send(Connection& connection);
    bool take(Connection& connection, std::string_view line); // false: more than is bearable
    void finish(std::uint64_t id, bool counts);

    sockaddr_in address_{};
    std::string where_;
    SecretString token_;
    const Clock& clock_;
    int epoll_ = -1;
    std::uint64_t next_ = 1;
    std::map<std::uint64_t, Connection> connections_; // the oldest first: its deadline is the next
    std::vector<std::pair<Answered, Answer>> ended_;
    AgiFigures figures_;
};

} // namespace pbx::sim
