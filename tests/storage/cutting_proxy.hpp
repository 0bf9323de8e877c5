// A TCP proxy on 127.0.0.1 that can cut the connection at COMMIT: the request is passed on, its answer is not (F12).
// Threads: one thread a connection, ended with the proxy. Throws std::runtime_error if it cannot listen.
#pragma once

#include <arpa/inet.h>
#include <atomic>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace pbx::test {

class CuttingProxy {
public:
    explicit CuttingProxy(int target) : target_(target), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        auto address = loopback(0);
        socklen_t size = sizeof address;
        if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 8) != 0 ||
            ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
            throw std::runtime_error("the proxy cannot listen");
        port_ = ntohs(address.sin_port);
        acceptor_ = std::thread([this] { accept(); });
    }
    ~CuttingProxy() {
        stopping_ = true;
        acceptor_.join();
        for (auto& thread : connections_) thread.join();
        ::close(listener_);
    }

    int port() const { return port_; }
    // The next COMMIT reaches the server; the client never hears of it.
    void cutAtNextCommit() { cut_ = true; }
    bool hasCut() const { return !cut_; }

private:
    static sockaddr_in loopback(int port) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return address;
    }
    static bool readable(int fd, int milliseconds = 50) {
        pollfd waiting{fd, POLLIN, 0};
        return ::poll(&waiting, 1, milliseconds) > 0;
    }
    void accept() {
        while (!stopping_) {
            if (!readable(listener_)) continue;
            const int client = ::accept(listener_, nullptr, nullptr);
            if (client >= 0) connections_.emplace_back([this, client] { carry(client); });
        }
    }
    void carry(int client) {
        const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const auto address = loopback(target_);
        bool open = ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
        while (open && !stopping_) {
            pollfd both[2] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
            if (::poll(both, 2, 50) <= 0) continue;
            if (both[0].revents != 0) open = pass(client, server, true);
            if (open && both[1].revents != 0) open = pass(server, client, false);
        }
        ::close(client);
        ::close(server);
    }
    bool pass(int from, int to, bool watch) {
        char buffer[16384];
        const auto got = ::recv(from, buffer, sizeof buffer, 0);
        if (got <= 0 || ::send(to, buffer, static_cast<std::size_t>(got), MSG_NOSIGNAL) != got) return false;
        const std::string_view text(buffer, static_cast<std::size_t>(got));
        if (watch && cut_ &&
            text.ends_with("\x03"
                           "COMMIT")) {
            // The server has answered: the commit is done, and nobody will tell. A busy disk takes its time.
            if (readable(to, 10'000)) cut_ = false;
            return false;
        }
        return true;
    }

    const int target_;
    const int listener_;
    int port_ = 0;
    std::atomic<bool> stopping_{false};
    std::atomic<bool> cut_{false};
    std::vector<std::thread> connections_;
    std::thread acceptor_;
};

} // namespace pbx::test
