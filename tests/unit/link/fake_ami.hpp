// A small AMI server in the test: real sockets, behaviour set by the test.
// Threads: its own; the setters and push() any. Fails: a test that waits in vain for it.
#pragma once

#include <Poco/Exception.h>
#include <Poco/Net/Context.h>
#include <Poco/Net/SecureServerSocket.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/StreamSocket.h>

#include <atomic>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace pbx::link::test {

class FakeAmi {
public:
    std::atomic<bool> silent{false}; // accepts and says nothing
    std::atomic<bool> mute{false};   // stops answering (the half-open connection)
    std::atomic<bool> refuse{false}; // Authentication failed
    std::atomic<bool> noBoot{false}; // no FullyBooted after the login
    std::atomic<int> accepted{0};

    explicit FakeAmi(std::string banner = "Asterisk Call Manager/11.0.0", Poco::Net::Context::Ptr tls = nullptr)
        : banner_(std::move(banner)), tls_(tls) {
        listen(0);
    }
    ~FakeAmi() { shut(); }

    std::uint16_t port() const { return port_; }

    // As a kill -9: the port and all connections are gone.
    void shut() {
        stopping_ = true;
        if (thread_.joinable()) thread_.join();
        cut();
        std::list<Peer> peers;
        {
            std::lock_guard lock(mutex_);
            peers.swap(peers_);
        }
        for (auto& peer : peers) peer.thread.join();
        server_.reset();
    }
    void back() { listen(port_); }

    // Ends the connections; the port stays.
    void cut() {
        std::lock_guard lock(mutex_);
        for (auto& peer : peers_) try {
                peer.socket.shutdown();
            } catch (const Poco::Exception&) {
            } // gone already
    }

    // To every connection of `user`.
    void push(const std::string& user, const std::string& bytes) {
        std::lock_guard lock(mutex_);
        for (auto& peer : peers_)
            if (peer.user == user) try {
                    sendAll(peer.socket, bytes);
                } catch (const Poco::Exception&) {
                } // gone
    }

    // "user action" of each that came, in order.
    std::vector<std::string> actions() const {
        std::lock_guard lock(mutex_);
        return actions_;
    }
    // All bytes that any client sent.
    std::string heard() const {
        std::lock_guard lock(mutex_);
        return heard_;
    }

private:
    struct Peer {
        Poco::Net::StreamSocket socket;
        std::string user;
        std::thread thread;
    };

    void listen(std::uint16_t port) {
        stopping_ = false;
        const Poco::Net::SocketAddress address("127.0.0.1", port);
        if (tls_)
            server_ = std::make_unique<Poco::Net::SecureServerSocket>(address, 10, tls_);
        else
            server_ = std::make_unique<Poco::Net::ServerSocket>();
        if (!tls_) {
            server_->bind(address, true, false);
            server_->listen(10);
        }
        port_ = server_->address().port();
        thread_ = std::thread([this] {
            while (!stopping_) {
                if (!server_->poll(Poco::Timespan(20'000), Poco::Net::Socket::SELECT_READ)) continue;
                auto socket = server_->acceptConnection();
                ++accepted;
                std::lock_guard lock(mutex_);
                Peer& peer = peers_.emplace_back();
                peer.socket = socket;
                peer.thread = std::thread([this, &peer] { serve(peer); });
            }
        });
    }

    static void sendAll(Poco::Net::StreamSocket& socket, const std::string& bytes) {
        for (std::size_t at = 0; at < bytes.size();)
            at += static_cast<std::size_t>(
                socket.sendBytes(bytes.data() + at, static_cast<int>(bytes.size() - at), MSG_NOSIGNAL));
    }

    void serve(Peer& peer) {
        Poco::Net::StreamSocket socket = peer.socket;
        std::string pending;
        try {
            if (!silent) {
                std::lock_guard lock(mutex_);
                sendAll(socket, banner_ + "\r\n");
            }
            char bytes[4096];
            while (!stopping_) {
                if (!socket.poll(Poco::Timespan(20'000), Poco::Net::Socket::SELECT_READ)) continue;
                const int got = socket.receiveBytes(bytes, sizeof bytes);
                if (got <= 0) return;
                pending.append(bytes, static_cast<std::size_t>(got));
                {
                    std::lock_guard lock(mutex_);
                    heard_.append(bytes, static_cast<std::size_t>(got));
                }
                for (auto end = pending.find("\r\n\r\n"); end != std::string::npos; end = pending.find("\r\n\r\n")) {
                    const std::string block = pending.substr(0, end + 2);
                    pending.erase(0, end + 4);
                    if (!silent && !mute) answer(peer, block);
                }
            }
        } catch (const Poco::Exception&) {
            return; // the client went away, or refused our certificate: what the test looks at is the client
        }
    }

    static std::string header(const std::string& block, const std::string& key) {
        const auto at = ("\r\n" + block).find("\r\n" + key + ": ");
        if (at == std::string::npos) return {};
        const auto begin = at + key.size() + 2;
        return block.substr(begin, block.find("\r\n", begin) - begin);
    }

    void answer(Peer& peer, const std::string& block) {
        std::lock_guard lock(mutex_);
        const std::string action = header(block, "Action");
        const std::string head = "Response: Success\r\nActionID: " + header(block, "ActionID") + "\r\n";
        actions_.push_back(peer.user + " " + action);
        if (action == "Challenge") {
            sendAll(peer.socket, head + "Challenge: 1234\r\n\r\n");
        } else if (action == "Login" && refuse) {
            sendAll(peer.socket, "Response: Error\r\nActionID: " + header(block, "ActionID") +
                                     "\r\nMessage: Authentication failed\r\n\r\n");
            peer.socket.shutdownSend();
        } else if (action == "Login") {
            peer.user = header(block, "Username");
            std::string out = head + "Message: Authentication accepted\r\n\r\n";
            if (header(block, "Events") == "on" && !noBoot)
                out += "Event: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n";
            sendAll(peer.socket, out);
        } else if (action == "Ping") {
            sendAll(peer.socket, head + "Ping: Pong\r\nTimestamp: 1795378849.454608\r\n\r\n");
        } else if (action == "Getvar") { // never answered
        } else {
            sendAll(peer.socket, head + "Message: " + action + " done\r\n\r\n");
        }
    }

    const std::string banner_;
    const Poco::Net::Context::Ptr tls_;
    std::unique_ptr<Poco::Net::ServerSocket> server_;
    std::uint16_t port_ = 0;
    std::atomic<bool> stopping_{false};
    mutable std::mutex mutex_;
    std::list<Peer> peers_;
    std::vector<std::string> actions_;
    std::string heard_;
    std::thread thread_;
};

} // namespace pbx::link::test
