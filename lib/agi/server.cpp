#include "agi/server.hpp"

#include "agi/command.hpp"
#include "agi/listener.hpp"
#include "agi/pool.hpp"
#include "base/error.hpp"
#include "base/guarded.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <optional>
#include <set>
#include <thread>
#include <unordered_map>

namespace pbx::agi {

namespace {

constexpr std::uint64_t listenerId = 0;
constexpr std::uint64_t wakeId = 1;
constexpr std::uint64_t firstConnectionId = 2;
constexpr std::chrono::milliseconds acceptPause{50};

// What a worker hands back. No answer: the handler threw.
struct Done {
    std::uint64_t id;
    std::optional<Answer> answer;
};

} // namespace

std::string_view endingName(Ending ending) {
    constexpr std::array<std::string_view, endings> names{
        "answered", "nothing_to_say", "foreign_address", "too_many_open", "unknown_token", "queue_full", "hostile",
        "late",     "hung_up",        "peer_closed",     "failed",        "bad_answer",    "not_taken",  "stopped"};
    return names[static_cast<std::size_t>(ending)];
}

// Everything behind the Server: the loop's thread owns the connections, workers reach only `done_` and `wake_`.
class Server::Loop {
public:
    Loop(ServerSettings settings, Handler handler, const Clock& clock, Log log);
    ~Loop() { stop(); }

    void start();
    void stop();
    std::uint16_t port() const { return port_; }
    Statistics statistics() const;
    void setCallers(const std::vector<Caller>& callers);

private:
    struct Connection {
        Connection(Fd socket, const Limits& limits) : fd(std::move(socket)), session(limits) {}
        Fd fd;
        Session session;
        SteadyTime opened{};
        SteadyTime deadline{};
        SteadyTime asked{};
        enum class Phase { reading, thinking, setting } phase = Phase::reading;
    };
    using Connections = std::unordered_map<std::uint64_t, Connection>;

    void run();
    int waitMillis(SteadyTime now) const;
    void acceptAll();
    void pauseAccepting();
    void resumeAccepting(SteadyTime now);
    void closeListener();
    void open(Fd socket, std::string_view address);
    template <class F>
    void guarded(std::uint64_t id, F&& work);
    void serve(std::uint64_t id);
    bool readAll(std::uint64_t id, Connection& connection);
    void advance(std::uint64_t id, Connection& connection);
    void ask(std::uint64_t id, Connection& connection);
    void takeDone();
    void answer(const Done& done);
    void checkResults(std::uint64_t id, Connection& connection);
    void flush(std::uint64_t id, Connection& connection);
    void setDeadline(std::uint64_t id, Connection& connection, SteadyTime at);
    void closeLate(SteadyTime now);
    void close(std::uint64_t id, Ending ending);
    void count(Ending ending) { ended_[static_cast<std::size_t>(ending)].fetch_add(1, std::memory_order_relaxed); }
    void wake() const;

    const ServerSettings settings_;
    const Handler handler_;
    const Clock& clock_;
    const Log log_;
    Guarded<std::shared_ptr<const Door>> door_;

    std::uint16_t port_ = 0;
    Fd epoll_;
    Fd wake_;
    Fd listener_;
    std::optional<SteadyTime> acceptAgain_;
    Connections connections_;
    std::set<std::pair<SteadyTime, std::uint64_t>> deadlines_;
    std::uint64_t nextId_ = firstConnectionId;
    Guarded<std::vector<Done>> done_;
    std::optional<Pool> pool_;
    std::thread thread_;
    std::atomic<bool> stopping_{false};

    std::atomic<std::uint64_t> accepted_{0};
    std::atomic<std::uint64_t> requests_{0};
    std::atomic<std::uint64_t> open_{0};
    std::atomic<std::uint64_t> acceptFailures_{0};
    std::array<std::atomic<std::uint64_t>, endings> ended_{};
    std::array<std::atomic<std::uint64_t>, violations> violated_{};
};

Server::Loop::Loop(ServerSettings settings, Handler handler, const Clock& clock, Log log)
    : settings_(std::move(settings)), handler_(std::move(handler)), clock_(clock), log_(std::move(log)),
      door_(std::make_shared<const Door>(settings_.allowed, settings_.callers)) {
    if (settings_.workers < 1 || settings_.workers > 64) throw Error::field("agi workers", "must be 1 to 64");
    if (settings_.answerWithin < settings_.requestWithin)
        throw Error::field("agi answer deadline", "must not be below the request deadline");
}

void Server::Loop::start() {
    listener_ = listenOn(settings_.address, settings_.port);
    port_ = boundPort(listener_);
    epoll_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
    wake_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!epoll_ || !wake_) throw Error(ErrorCode::unavailable, "agi: no file descriptors left");
    for (const auto& [fd, id] : {std::pair(listener_.get(), listenerId), std::pair(wake_.get(), wakeId)}) {
        epoll_event event{.events = EPOLLIN, .data = {.u64 = id}};
        if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0)
            throw Error(ErrorCode::unavailable, "agi: epoll refuses a socket");
    }
    pool_.emplace(settings_.workers, settings_.queue);
    thread_ = std::thread([this] { run(); });
}

void Server::Loop::stop() {
    if (!thread_.joinable()) return;
    stopping_ = true;
    wake();
    thread_.join();
    pool_->stop();
}

Statistics Server::Loop::statistics() const {
    Statistics out;
    out.connections = accepted_;
    out.requests = requests_;
    out.open = open_;
    out.acceptFailures = acceptFailures_;
    for (std::size_t i = 0; i < endings; ++i) out.ended[i] = ended_[i];
    for (std::size_t i = 0; i < violations; ++i) out.violated[i] = violated_[i];
    return out;
}

void Server::Loop::setCallers(const std::vector<Caller>& callers) {
    auto made = std::make_shared<const Door>(settings_.allowed, callers);
    door_.with([&](auto& door) { door.swap(made); });
}

void Server::Loop::wake() const {
    const std::uint64_t one = 1;
    // Fails only when the counter is full, and then the loop wakes anyway.
    [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
}

void Server::Loop::run() {
    std::array<epoll_event, 128> events{};
    std::optional<SteadyTime> cutAt;
    while (true) {
        const auto now = clock_.steady();
        closeLate(now);
        resumeAccepting(now);
        if (stopping_) {
            closeListener();
            if (!cutAt) cutAt = now + settings_.answerWithin;
            if (connections_.empty() || now >= *cutAt) break;
        }
        const int ready = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), waitMillis(now));
        for (int i = 0; i < ready; ++i) {
            const auto id = events[static_cast<std::size_t>(i)].data.u64;
            if (id == listenerId)
                acceptAll();
            else if (id == wakeId)
                takeDone();
            else
                serve(id);
        }
    }
    while (!connections_.empty()) close(connections_.begin()->first, Ending::stopped);
}

int Server::Loop::waitMillis(SteadyTime now) const {
    auto next = deadlines_.empty() ? std::optional<SteadyTime>{} : deadlines_.begin()->first;
    if (acceptAgain_ && (!next || *acceptAgain_ < *next)) next = acceptAgain_;
    if (!next) return -1;
    // Rounded up: waking a fraction of a millisecond early would spin.
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - now).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void Server::Loop::acceptAll() {
    while (listener_) {
        auto accepted = acceptFrom(listener_);
        if (accepted.socket) {
            accepted_.fetch_add(1, std::memory_order_relaxed);
            open(std::move(accepted.socket), accepted.address);
            continue;
        }
        if (accepted.error == EAGAIN) return;
        if (accepted.error == ECONNABORTED || accepted.error == EINTR) continue;
        // Out of descriptors or memory: the listener stays ready, so looking at it again at once would spin.
        acceptFailures_.fetch_add(1, std::memory_order_relaxed);
        return pauseAccepting();
    }
}

void Server::Loop::pauseAccepting() {
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listener_.get(), nullptr);
    acceptAgain_ = clock_.steady() + acceptPause;
}

void Server::Loop::resumeAccepting(SteadyTime now) {
    if (!acceptAgain_ || now < *acceptAgain_ || !listener_) return;
    epoll_event event{.events = EPOLLIN, .data = {.u64 = listenerId}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listener_.get(), &event) == 0)
        acceptAgain_.reset();
    else
        acceptAgain_ = now + acceptPause;
}

void Server::Loop::closeListener() {
    listener_ = Fd();
    acceptAgain_.reset();
}

void Server::Loop::open(Fd socket, std::string_view address) {
    const auto door = door_.with([](const auto& held) { return held; });
    if (!door->admits(address)) {
        log_.debug("agi.foreign_address", {{"address", address}});
        return count(Ending::foreignAddress);
    }
    if (connections_.size() >= settings_.maxOpen) return count(Ending::tooManyOpen);
    const auto id = nextId_++;
    epoll_event event{.events = EPOLLIN, .data = {.u64 = id}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket.get(), &event) != 0) return count(Ending::tooManyOpen);
    auto& connection = connections_.try_emplace(id, std::move(socket), settings_.limits).first->second;
    open_.store(connections_.size(), std::memory_order_relaxed);
    connection.opened = clock_.steady();
    setDeadline(id, connection, connection.opened + settings_.requestWithin);
}

// Nothing in the loop throws but for want of memory; then this connection goes and the others stay.
template <class F>
void Server::Loop::guarded(std::uint64_t id, F&& work) {
    try {
        work();
    } catch (const std::exception& e) {
        log_.error("agi.connection_failed", {{"cause", e.what()}});
        if (connections_.contains(id)) close(id, Ending::failed);
    }
}

void Server::Loop::serve(std::uint64_t id) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return; // ended earlier in this round
    if (readAll(id, found->second)) advance(id, found->second);
}

// False: the connection is closed.
bool Server::Loop::readAll(std::uint64_t id, Connection& connection) {
    std::array<char, 4096> buffer;
    while (true) {
        const auto got = ::recv(connection.fd.get(), buffer.data(), buffer.size(), 0);
        if (got > 0) {
            connection.session.feed({buffer.data(), static_cast<std::size_t>(got)});
            if (connection.session.state() == Session::State::broken) return true;
            if (static_cast<std::size_t>(got) < buffer.size()) return true;
            continue;
        }
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) return true;
        close(id, Ending::peerClosed);
        return false;
    }
}

void Server::Loop::advance(std::uint64_t id, Connection& connection) {
    switch (connection.session.state()) {
    case Session::State::request:
        return;
    case Session::State::hungUp:
        return close(id, Ending::hungUp);
    case Session::State::broken:
        violated_[static_cast<std::size_t>(connection.session.violation())].fetch_add(1, std::memory_order_relaxed);
        return close(id, Ending::hostile);
    case Session::State::idle:
    case Session::State::busy:
        break;
    }
    if (connection.phase == Connection::Phase::reading) return ask(id, connection);
    if (connection.phase == Connection::Phase::setting) checkResults(id, connection);
}

void Server::Loop::ask(std::uint64_t id, Connection& connection) {
    const auto door = door_.with([](const auto& held) { return held; });
    const auto server = door->serverOf(connection.session.token());
    if (!server) return close(id, Ending::unknownToken);
    requests_.fetch_add(1, std::memory_order_relaxed);
    connection.phase = Connection::Phase::thinking;
    connection.asked = clock_.steady();
    const auto deadline = connection.opened + settings_.answerWithin;
    setDeadline(id, connection, deadline);
    auto request = connection.session.takeRequest();
    request.server = *server;
    const bool taken = pool_->offer([this, id, deadline, request = std::move(request)] {
        if (clock_.steady() >= deadline) return; // the loop has closed it, or is about to
        Done done{id, std::nullopt};
        try {
            done.answer = handler_(request, deadline);
        } catch (const Error& e) {
            log_.error("agi.handler_failed", {{"route", request.route}, {"error", e.text()}, {"cause", e.cause()}});
        } catch (const std::exception& e) {
            log_.error("agi.handler_failed", {{"route", request.route}, {"cause", e.what()}});
        }
        const bool first = done_.with([&](auto& list) {
            list.push_back(std::move(done));
            return list.size() == 1;
        });
        if (first) wake();
    });
    if (!taken) close(id, Ending::queueFull);
}

void Server::Loop::takeDone() {
    std::uint64_t ignored = 0;
    [[maybe_unused]] const auto got = ::read(wake_.get(), &ignored, sizeof ignored);
    const auto list = done_.with([](auto& held) { return std::exchange(held, {}); });
    for (const auto& done : list) guarded(done.id, [&] { answer(done); });
}

void Server::Loop::answer(const Done& done) {
    const auto found = connections_.find(done.id);
    if (found == connections_.end()) return; // hung up or late meanwhile
    if (!done.answer) return close(done.id, Ending::failed);
    if (done.answer->empty()) return close(done.id, Ending::nothingToSay);
    auto& connection = found->second;
    if (!connection.session.setVariables(*done.answer)) {
        log_.error("agi.bad_answer", {{"first", done.answer->front().first}, {"variables", done.answer->size()}});
        return close(done.id, Ending::badAnswer);
    }
    connection.phase = Connection::Phase::setting;
    flush(done.id, connection);
}

void Server::Loop::checkResults(std::uint64_t id, Connection& connection) {
    for (const auto& result : connection.session.takeResults())
        if (!result.ok()) return close(id, Ending::notTaken);
    if (connection.session.state() == Session::State::busy) return flush(id, connection);
    if (settings_.onAnswered)
        settings_.onAnswered(std::chrono::duration_cast<std::chrono::microseconds>(clock_.steady() - connection.asked));
    close(id, Ending::answered);
}

void Server::Loop::flush(std::uint64_t id, Connection& connection) {
    while (!connection.session.output().empty()) {
        const auto output = connection.session.output();
        const auto sent = ::send(connection.fd.get(), output.data(), output.size(), MSG_NOSIGNAL);
        if (sent >= 0) {
            connection.session.written(static_cast<std::size_t>(sent));
            continue;
        }
        if (errno == EINTR) continue;
        // A line is far smaller than a socket's buffer and only one is on its way: a full buffer is a broken peer.
        return close(id, Ending::peerClosed);
    }
}

void Server::Loop::setDeadline(std::uint64_t id, Connection& connection, SteadyTime at) {
    deadlines_.erase({connection.deadline, id});
    connection.deadline = at;
    deadlines_.emplace(at, id);
}

void Server::Loop::closeLate(SteadyTime now) {
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) close(deadlines_.begin()->second, Ending::late);
}

void Server::Loop::close(std::uint64_t id, Ending ending) {
    const auto found = connections_.find(id);
    deadlines_.erase({found->second.deadline, id});
    connections_.erase(found);
    open_.store(connections_.size(), std::memory_order_relaxed);
    count(ending);
}

Server::Server(ServerSettings settings, Handler handler, const Clock& clock, Log log)
    : loop_(std::make_unique<Loop>(std::move(settings), std::move(handler), clock, std::move(log))) {}
Server::~Server() = default;
void Server::start() { loop_->start(); }
void Server::stop() { loop_->stop(); }
std::uint16_t Server::port() const { return loop_->port(); }
Statistics Server::statistics() const { return loop_->statistics(); }
void Server::setCallers(const std::vector<Caller>& callers) { loop_->setCallers(callers); }

} // namespace pbx::agi
