// Asterisk's side of FastAGI for tests: what it sends first, how it reads a command, and a blocking connection.
// Threads: one at a time. Fails: std::runtime_error when the test itself cannot go on.
// Source: res/res_agi.c of Asterisk 16 and 22 (launch_netscript, setup_env, parse_args, run_agi).
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pbx::agi::test {

// In Asterisk's order. `callerName` goes in as it is, line ends too.
inline std::string environment(const std::string& script, const std::string& callerName = "Ann",
                               const std::string& more = "") {
    return "agi_network: yes\nagi_network_script: " + script + "\nagi_request: agi://127.0.0.1:4573/" + script +
           "\nagi_channel: PJSIP/viatalk-trunk-00000001\nagi_language: en\nagi_type: PJSIP\n"
           "agi_uniqueid: 1790000000.1\nagi_version: 22.8.2\nagi_callerid: 5550100\nagi_calleridname: " +
           callerName +
           "\nagi_callingpres: 0\nagi_callingani2: 0\nagi_callington: 0\nagi_callingtns: 0\nagi_dnid: 1000\n"
           "agi_rdnis: unknown\nagi_context: viatalk-inbound\nagi_extension: 1000\nagi_priority: 3\n"
           "agi_enhanced: 0.0\nagi_accountcode: \nagi_threadid: 140000000000000\n" +
           more + "\n";
}

// The words of a command as Asterisk sees them.
inline std::vector<std::string> words(std::string_view line) {
    std::vector<std::string> out;
    bool inWord = false;
    bool quotes = false;
    bool escaped = false;
    for (const char c : line) {
        if (!escaped && c == '\\') {
            escaped = true;
            continue;
        }
        if (!escaped && c == '"') {
            quotes = !quotes;
            if (quotes && !inWord) {
                out.emplace_back();
                inWord = true;
            }
            continue;
        }
        if (!escaped && !quotes && (c == ' ' || c == '\t')) {
            inWord = false;
            continue;
        }
        if (!inWord) out.emplace_back();
        inWord = true;
        escaped = false;
        out.back() += c;
    }
    return out;
}

class Connection {
public:
    // `before` runs between making the socket and connecting it.
    explicit Connection(
        std::uint16_t port, const char* from = "127.0.0.1", const std::function<void()>& before = [] {})
        : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
        before();
        const auto own = address(from, 0);
        const auto server = address("127.0.0.1", port);
        if (::bind(fd_, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0)
            throw std::runtime_error("cannot bind");
        connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&server), sizeof server) == 0;
    }
    ~Connection() { ::close(fd_); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    bool connected() const { return connected_; }
    // False: the other side has closed.
    bool send(std::string_view text) {
        while (!text.empty()) {
            const auto sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            text.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    // nullopt: closed, or nothing came in time (then timedOut()).
    std::optional<std::string> line(std::chrono::milliseconds within = std::chrono::seconds(10)) {
        const auto end = std::chrono::steady_clock::now() + within;
        while (true) {
            if (const auto at = in_.find('\n'); at != in_.npos) {
                auto out = in_.substr(0, at);
                in_.erase(0, at + 1);
                return out;
            }
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
            pollfd wait{fd_, POLLIN, 0};
            if (left.count() <= 0 || ::poll(&wait, 1, static_cast<int>(left.count())) != 1) {
                timedOut_ = true;
                return std::nullopt;
            }
            char buffer[4096];
            const auto got = ::recv(fd_, buffer, sizeof buffer, 0);
            if (got <= 0) return std::nullopt;
            in_.append(buffer, static_cast<std::size_t>(got));
        }
    }
    bool timedOut() const { return timedOut_; }
    // Closed by the server without another line.
    bool closed(std::chrono::milliseconds within = std::chrono::seconds(10)) { return !line(within) && !timedOut_; }

    // Takes SET VARIABLE commands until the server closes.
    std::vector<std::pair<std::string, std::string>> variables() {
        std::vector<std::pair<std::string, std::string>> out;
        while (const auto command = line()) {
            const auto read = words(*command);
            if (read.size() != 4 || read[0] != "SET" || read[1] != "VARIABLE")
                throw std::runtime_error("no SET VARIABLE: " + *command);
            take(read[2], read[3], out);
            if (!send("200 result=1\n")) break;
        }
        return out;
    }

private:
    // As func_strings.c, array(), reads values without quotes or parentheses.
    static void take(const std::string& name, const std::string& value,
                     std::vector<std::pair<std::string, std::string>>& out) {
        if (!name.starts_with("ARRAY(")) {
            out.emplace_back(name, value);
            return;
        }
        std::istringstream names(name.substr(6, name.size() - 7)), values(value);
        for (std::string one; std::getline(names, one, ',');) {
            std::string its;
            std::getline(values, its, ',');
            out.emplace_back(one, its);
        }
    }
    static sockaddr_in address(const char* text, std::uint16_t port) {
        sockaddr_in out{};
        out.sin_family = AF_INET;
        out.sin_port = htons(port);
        ::inet_pton(AF_INET, text, &out.sin_addr);
        return out;
    }

    int fd_;
    bool connected_ = false;
    bool timedOut_ = false;
    std::string in_;
};

} // namespace pbx::agi::test
