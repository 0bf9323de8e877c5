#include "server.hpp"

#include "base/error.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace pbx::sim {
namespace {

using namespace std::chrono_literals;

constexpr auto writeTimeout = 5s; // manager.conf writetimeout=5000, as the project's configuration sets it
constexpr std::size_t mostPending = 64U * 1024U * 1024U; // bytes for one slow reader
constexpr std::size_t replayAhead = 1024U * 1024U;
constexpr auto downTime = 1s; // of a restart

[[noreturn]] void fail(std::string_view what) {
    throw Error(ErrorCode::unavailable, std::string(what) + ": " + std::generic_category().message(errno));
}

SteadyTime plus(SteadyTime t, double seconds) {
    return t + std::chrono::duration_cast<SteadyTime::duration>(std::chrono::duration<double>(seconds));
}

} // namespace

Server::Server(World& world, Day* day, const Accounts& accounts, const Replay* replay, double replaySpeed,
               const Faults& faults)
    : world_(world), day_(day), accounts_(accounts), replay_(replay), replaySpeed_(replaySpeed), faults_(faults) {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) fail("epoll");
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGUSR1, SIGUSR2}) sigaddset(&set, signal);
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    signals_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals_ < 0) fail("signalfd");
    epoll_event want{.events = EPOLLIN, .data = {.fd = signals_}};
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, signals_, &want);
}

Server::~Server() {
    for (const auto& [fd, client] : clients_) ::close(fd);
    for (const int fd : {listener_, signals_, epoll_})
        if (fd >= 0) ::close(fd);
}

void Server::serveQuestions(AgiClient& agi) {
    agi_ = &agi;
    epoll_event want{.events = EPOLLIN, .data = {.fd = agi.descriptor()}};
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, agi.descriptor(), &want);
}

std::uint16_t Server::listen(std::uint16_t port) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener_ < 0) fail("socket");
    const int yes = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        fail("port " + std::to_string(port));
    if (::listen(listener_, 64) != 0) fail("listen");
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    epoll_event want{.events = EPOLLIN, .data = {.fd = listener_}};
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &want);
    return port_ = ntohs(address.sin_port);
}

void Server::run(double duration) {
    now_ = clock_.steady();
    const SteadyTime end = duration > 0 ? plus(now_, duration) : SteadyTime::max();
    std::array<epoll_event, 64> ready{};
    std::vector<int> fds;
    while (!stop_ && now_ < end) {
        const int count = ::epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), waitMilliseconds(end));
        now_ = clock_.steady();
        if (reopenAt_ && now_ >= *reopenAt_) reopen();
        if (!reopenAt_) world_.advance(clock_.now());
        if (agi_ != nullptr && !reopenAt_) {
            agi_->serve();
            world_.advance(clock_.now()); // what the answers caused
        }
        for (int i = 0; i < count; ++i) {
            const int fd = ready.at(static_cast<std::size_t>(i)).data.fd;
            if (fd == listener_)
                accept();
            else if (fd == signals_)
                handleSignal();
            else if (const auto it = clients_.find(fd); it != clients_.end())
                readFrom(it->second);
        }
        fds.clear();
        for (const auto& [fd, client] : clients_) fds.push_back(fd);
        for (const int fd : fds)
            if (const auto it = clients_.find(fd); it != clients_.end()) serve(it->second);
    }
}

int Server::waitMilliseconds(SteadyTime end) const {
    SteadyTime wake = std::min(end, now_ + 1s);
    if (reopenAt_)
        wake = std::min(wake, *reopenAt_);
    else if (const auto next = world_.nextTimer())
        wake = std::min(wake, now_ + (*next - clock_.now()));
    if (const auto deadline = agi_ != nullptr ? agi_->deadline() : std::nullopt) wake = std::min(wake, *deadline);
    for (const auto& [fd, client] : clients_) {
        if (const auto deadline = client.session->deadline()) wake = std::min(wake, *deadline);
        if (replay_ != nullptr && client.session->loggedIn() && client.replayed < replay_->pieces().size())
            wake = std::min(wake, client.writing ? now_ + 50ms : now_ + 1ms);
        if (faults_.dropAfter > 0 || faults_.stallAfter > 0 || faults_.halfOpenAfter > 0)
            wake = std::min(wake, now_ + 20ms);
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(wake - clock_.steady());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1000));
}

void Server::accept() {
    for (;;) {
        const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return; // EAGAIN, or the client is gone already
        const int yes = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        epoll_event want{.events = EPOLLIN, .data = {.fd = fd}};
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &want);
        Client client;
        client.fd = fd;
        client.session = std::make_unique<Session>(world_, accounts_, now_);
        client.since = client.lastProgress = client.replayStart = now_;
        clients_.emplace(fd, std::move(client));
    }
}

void Server::readFrom(Client& client) {
    if (client.silent || stalled(client)) return;
    std::array<char, 16384> buffer{};
    for (;;) {
        const auto got = ::recv(client.fd, buffer.data(), buffer.size(), 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) break;
        if (got <= 0) {
            close(client.fd, false);
            return;
        }
        const bool before = client.session->loggedIn();
        client.session->feed(std::string_view(buffer.data(), static_cast<std::size_t>(got)), now_);
        if (!before && client.session->loggedIn()) client.replayStart = now_;
        if (client.session->output().size() > mostPending) break;
    }
    world_.advance(clock_.now()); // the events that the actions caused
}

void Server::event(Class c, std::string_view, std::string_view text) {
    for (auto& [fd, client] : clients_) {
        if (!client.session->loggedIn()) continue;
        const std::uint64_t number = ++client.events;
        if (faults_.loseEvery != 0 && number % faults_.loseEvery == 0) continue;
        const auto before = client.session->output().size();
        client.session->event(c, text);
        auto& output = client.session->output();
        if (output.size() == before) continue;
        ++sent_;
        if (faults_.damageEvery != 0 && number % faults_.damageEvery == 0) {
            const auto length = output.size() - before;
            output.erase(before + length / 3, length / 3);
            output.replace(output.size() - 4, 4, "\xFF\x01Z\n");
        }
    }
}

bool Server::stalled(const Client& client) const {
    return faults_.stallAfter > 0 && now_ >= plus(client.since, faults_.stallAfter) &&
           now_ < plus(client.since, faults_.stallAfter + faults_.stallFor);
}

void Server::serve(Client& client) {
    client.session->tick(now_);
    if (faults_.dropAfter > 0 && now_ >= plus(client.since, faults_.dropAfter)) {
        close(client.fd, true);
        return;
    }
    if (faults_.halfOpenAfter > 0 && !client.silent && now_ >= plus(client.since, faults_.halfOpenAfter)) {
        client.silent = true;
        epoll_event want{.events = 0, .data = {.fd = client.fd}};
        ::epoll_ctl(epoll_, EPOLL_CTL_MOD, client.fd, &want);
    }
    if (client.silent) {
        client.session->output().clear();
        return;
    }
    if (stalled(client)) {
        client.lastProgress = now_;
        return;
    }
    if (replay_ != nullptr) feedReplay(client);
    flush(client);
}

void Server::feedReplay(Client& client) {
    if (!client.session->loggedIn() || client.session->finished()) return;
    const auto& pieces = replay_->pieces();
    auto& output = client.session->output();
    while (client.replayed < pieces.size() && output.size() < replayAhead) {
        const auto& piece = pieces[client.replayed];
        if (replaySpeed_ > 0 &&
            now_ < plus(client.replayStart, static_cast<double>(piece.at.count()) / 1e6 / replaySpeed_))
            return;
        output += piece.bytes;
        ++client.replayed;
        ++sent_;
    }
}

void Server::flush(Client& client) {
    auto& output = client.session->output();
    std::size_t done = 0;
    while (done < output.size()) {
        const auto sent = ::send(client.fd, output.data() + done, output.size() - done, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno != EAGAIN) {
            close(client.fd, false);
            return;
        }
        if (sent < 0) break;
        done += static_cast<std::size_t>(sent);
    }
    if (done > 0 || output.empty()) client.lastProgress = now_;
    output.erase(0, done);
    if (output.empty() && client.session->finished()) {
        close(client.fd, false);
        return;
    }
    if (!output.empty() && (now_ - client.lastProgress > writeTimeout || output.size() > mostPending)) {
        close(client.fd, false); // a reader that is too slow loses its session, in the middle of a message
        return;
    }
    if (client.writing == !output.empty()) return;
    client.writing = !output.empty();
    epoll_event want{.events = EPOLLIN | (client.writing ? static_cast<std::uint32_t>(EPOLLOUT) : 0U),
                     .data = {.fd = client.fd}};
    ::epoll_ctl(epoll_, EPOLL_CTL_MOD, client.fd, &want);
}

void Server::close(int fd, bool reset) {
    if (reset) {
        const linger hard{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    }
    ::close(fd);
    clients_.erase(fd);
}

void Server::handleSignal() {
    signalfd_siginfo info{};
    while (::read(signals_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
        if (info.ssi_signo == SIGUSR1) {
            restart();
        } else if (info.ssi_signo == SIGUSR2) {
            while (!clients_.empty()) close(clients_.begin()->first, true);
        } else {
            stop_ = true;
        }
    }
}

// `core restart now`: Shutdown, every socket closed, away for a second, then all counters and the start time are new.
void Server::restart() {
    if (reopenAt_) return;
    world_.shutDown();
    std::vector<int> fds;
    for (const auto& [fd, client] : clients_) fds.push_back(fd);
    for (const int fd : fds) {
        if (const auto it = clients_.find(fd); it != clients_.end()) flush(it->second);
        if (clients_.contains(fd)) close(fd, false);
    }
    ::close(listener_);
    listener_ = -1;
    reopenAt_ = now_ + downTime;
}

void Server::reopen() {
    reopenAt_.reset();
    world_.listen(nullptr);
    world_.advance(clock_.now());
    world_.shutDown(); // what people began in that second did not reach anybody
    world_.restarted();
    world_.listen(this);
    if (day_ != nullptr) day_->restart();
    listen(port_);
}

} // namespace pbx::sim
