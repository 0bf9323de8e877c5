#include "web/parking.hpp"

#include "base/error.hpp"
#include "base/guarded.hpp"
#include "web/transport.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <set>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <unordered_map>
#include <vector>

namespace pbx::web {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds passGap{1};
constexpr std::size_t lingerBytes = 4U << 20U; // what a client may still send after our answer before it is cut
constexpr std::uint64_t bellId = 0;
constexpr int clientGone = 499;

class FileDescriptor {
public:
    explicit FileDescriptor(int fd) : fd_(fd) {
        if (fd_ < 0) throw Error(ErrorCode::internal, "no file descriptor for the parking poller");
    }
    ~FileDescriptor() { ::close(fd_); }
    FileDescriptor(const FileDescriptor&) = delete;
    FileDescriptor& operator=(const FileDescriptor&) = delete;
    int get() const noexcept { return fd_; }

private:
    int fd_;
};

struct Entry {
    enum class State { waiting, sending, lingering };
    std::unique_ptr<Transport> transport;
    Parking::Job job; // without functions when there is only something to send; `done` goes when it has been called
    Places<std::string>::Place place;
    State state = State::sending;
    std::string out;
    std::size_t sent = 0;
    std::size_t lingered = 0;
    int status = 0;
    bool byFinish = false;
    std::size_t bodyBytes = 0;
    SteadyTime deadline;
};

} // namespace

struct Parking::Impl {
    explicit Impl(ParkingLimits given)
        : limits(given), places(given.all, given.perAddress), poller(::epoll_create1(EPOLL_CLOEXEC)),
          bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = bellId;
        if (::epoll_ctl(poller.get(), EPOLL_CTL_ADD, bell.get(), &event) != 0)
            throw Error(ErrorCode::internal, "no file descriptor for the parking poller");
        thread = std::thread([this] { run(); });
    }

    // From any thread
    void ring() noexcept {
        const std::uint64_t one = 1;
        // it can fail only when the counter is full, and then the bell has rung already
        [[maybe_unused]] const auto written = ::write(bell.get(), &one, sizeof one);
    }
    void hand(Entry entry) {
        arrivals.with([&](auto& list) { list.push_back(std::move(entry)); });
        ring();
    }

    // From the poller's thread
    void run();
    void takeArrivals();
    void pass();
    void expire(SteadyTime now);
    int sleepMillis(SteadyTime now) const;
    void handle(std::uint64_t id, std::uint32_t events);
    void ask(std::uint64_t id, Entry& entry, bool expired);
    void answer(std::uint64_t id, Entry& entry, Response& response);
    void send(std::uint64_t id, Entry& entry);
    void linger(std::uint64_t id, Entry& entry);
    void drop(std::uint64_t id);
    void setDeadline(std::uint64_t id, Entry& entry, SteadyTime deadline);
    bool watch(std::uint64_t id, const Entry& entry, int operation, std::uint32_t events) const;

    ParkingLimits limits;
    Places<std::string> places; // before what holds a Place of it
    FileDescriptor poller;
    FileDescriptor bell;
    Guarded<std::vector<Entry>> arrivals;
    std::atomic<std::size_t> closing{0}; // entries that came by finish()
    std::atomic<bool> woken{false};
    std::atomic<bool> draining{false};
    std::atomic<bool> stopping{false};
    std::atomic<SteadyTime::rep> stopAt{0};

    std::unordered_map<std::uint64_t, Entry> entries;
    std::set<std::pair<SteadyTime, std::uint64_t>> deadlines;
    std::uint64_t lastId = bellId;
    SteadyTime lastPass{};
    bool drained = false;
    std::thread thread;
};

bool Parking::Impl::watch(std::uint64_t id, const Entry& entry, int operation, std::uint32_t events) const {
    epoll_event event{};
    event.events = events;
    event.data.u64 = id;
    return ::epoll_ctl(poller.get(), operation, entry.transport->fd(), &event) == 0;
}

void Parking::Impl::setDeadline(std::uint64_t id, Entry& entry, SteadyTime deadline) {
    deadlines.erase({entry.deadline, id});
    entry.deadline = deadline;
    deadlines.emplace(deadline, id);
}

void Parking::Impl::drop(std::uint64_t id) {
    const auto found = entries.find(id);
    auto& entry = found->second;
    deadlines.erase({entry.deadline, id});
    ::epoll_ctl(poller.get(), EPOLL_CTL_DEL, entry.transport->fd(), nullptr);
    if (entry.byFinish) --closing;
    if (entry.job.done) entry.job.done(clientGone, entry.bodyBytes);
    entries.erase(found);
}

void Parking::Impl::linger(std::uint64_t id, Entry& entry) {
    if (entry.job.done) std::exchange(entry.job.done, nullptr)(entry.status, entry.bodyBytes);
    entry.transport->endWriting();
    entry.state = Entry::State::lingering;
    entry.out = {};
    setDeadline(id, entry, Clock::now() + limits.lingerTimeout);
    if (!watch(id, entry, EPOLL_CTL_MOD, EPOLLIN)) drop(id);
}

void Parking::Impl::send(std::uint64_t id, Entry& entry) {
    while (entry.sent < entry.out.size()) {
        const auto moved = entry.transport->write(std::string_view(entry.out).substr(entry.sent));
        if (moved.state == Io::done) {
            entry.sent += moved.bytes;
            continue;
        }
        const std::uint32_t events = moved.state == Io::wantRead ? EPOLLIN : EPOLLOUT;
        if (moved.state == Io::closed || !watch(id, entry, EPOLL_CTL_MOD, events)) drop(id);
        return;
    }
    linger(id, entry);
}

void Parking::Impl::answer(std::uint64_t id, Entry& entry, Response& response) {
    entry.place.release();
    entry.out = entry.job.serialise(response);
    entry.status = response.status;
    entry.bodyBytes = response.bodyView().size();
    entry.job.parked.attempt = nullptr; // what it holds is not needed any more
    entry.state = Entry::State::sending;
    setDeadline(id, entry, Clock::now() + limits.writeTimeout);
    send(id, entry);
}

void Parking::Impl::ask(std::uint64_t id, Entry& entry, bool expired) {
    std::optional<Response> response;
    try {
        response = entry.job.parked.attempt(expired);
    } catch (...) {
        response = entry.job.failed(std::current_exception());
    }
    if (!response && expired) {
        response.emplace();
        response->status = 204;
    }
    if (response) answer(id, entry, *response);
}

void Parking::Impl::takeArrivals() {
    auto list = arrivals.with([](auto& waiting) { return std::exchange(waiting, {}); });
    for (auto& arrival : list) {
        const auto id = ++lastId;
        auto& entry = entries.emplace(id, std::move(arrival)).first->second;
        deadlines.emplace(entry.deadline, id);
        if (!watch(id, entry, EPOLL_CTL_ADD, entry.state == Entry::State::waiting ? std::uint32_t{EPOLLRDHUP} : 0U)) {
            drop(id);
        } else if (entry.state == Entry::State::waiting) {
            // once at once: what happened since the handler looked has rung the bell for nobody
            ask(id, entry, draining);
        } else {
            send(id, entry);
        }
    }
}

void Parking::Impl::pass() {
    lastPass = Clock::now();
    const bool expired = draining;
    std::vector<std::uint64_t> waiting; // ask() may drop entries
    waiting.reserve(entries.size());
    for (const auto& [id, entry] : entries)
        if (entry.state == Entry::State::waiting) waiting.push_back(id);
    for (const auto id : waiting) ask(id, entries.at(id), expired);
}

void Parking::Impl::expire(SteadyTime now) {
    while (!deadlines.empty() && deadlines.begin()->first <= now) {
        const auto id = deadlines.begin()->second;
        auto& entry = entries.at(id);
        if (entry.state == Entry::State::waiting)
            ask(id, entry, true);
        else
            drop(id);
    }
}

void Parking::Impl::handle(std::uint64_t id, std::uint32_t events) {
    const auto found = entries.find(id);
    if (found == entries.end()) return; // dropped earlier in this round
    auto& entry = found->second;
    if (entry.state == Entry::State::sending) {
        send(id, entry);
        return;
    }
    // While it waits only the client's end is watched; what it sends meanwhile stays in the kernel's buffer, unread.
    if (entry.state == Entry::State::waiting || (events & (EPOLLERR | EPOLLHUP)) != 0) {
        drop(id);
        return;
    }
    std::array<char, 16384> scrap{};
    const auto got = ::recv(entry.transport->fd(), scrap.data(), scrap.size(), MSG_DONTWAIT);
    if (got > 0) entry.lingered += static_cast<std::size_t>(got);
    const bool again = got < 0 && (errno == EAGAIN || errno == EINTR);
    if ((got <= 0 && !again) || entry.lingered > lingerBytes) drop(id);
}

int Parking::Impl::sleepMillis(SteadyTime now) const {
    auto until = now + std::chrono::seconds(60);
    if (!deadlines.empty()) until = std::min(until, deadlines.begin()->first);
    if (woken) until = std::min(until, lastPass + passGap);
    if (stopping) until = std::min(until, SteadyTime(SteadyTime::duration(stopAt)));
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
    return static_cast<int>(std::max<decltype(left)>(left, 0));
}

void Parking::Impl::run() {
    sigset_t all;
    sigfillset(&all); // signals are the main thread's; SIGPIPE would come from OpenSSL's writes
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    std::array<epoll_event, 256> events{};
    for (;;) {
        takeArrivals();
        auto now = Clock::now();
        expire(now);
        if (draining && !drained) {
            drained = true;
            woken = true;
        }
        if (woken && now >= lastPass + passGap) {
            woken = false; // before the pass: a change during it asks for another
            pass();
        }
        now = Clock::now();
        if (stopping && (entries.empty() || now >= SteadyTime(SteadyTime::duration(stopAt)))) break;
        const int count = ::epoll_wait(poller.get(), events.data(), static_cast<int>(events.size()), sleepMillis(now));
        for (int i = 0; i < count; ++i) {
            const auto& event = events[static_cast<std::size_t>(i)];
            if (event.data.u64 != bellId) {
                handle(event.data.u64, event.events);
                continue;
            }
            std::uint64_t rung = 0;
            [[maybe_unused]] const auto got = ::read(bell.get(), &rung, sizeof rung); // only empties it
        }
    }
    while (!entries.empty()) drop(entries.begin()->first);
}

Parking::Parking(ParkingLimits limits) : impl_(std::make_unique<Impl>(limits)) {}

Parking::~Parking() { stop(Clock::now()); }

void Parking::wake() noexcept {
    if (!impl_->woken.exchange(true)) impl_->ring();
}

Admission Parking::park(std::unique_ptr<Transport>& transport, Job& job) {
    if (impl_->stopping) return Admission::full;
    auto [admission, place] = impl_->places.take(job.capKey);
    if (admission != Admission::taken) return admission;
    Entry entry;
    entry.transport = std::move(transport);
    entry.deadline = job.parked.deadline;
    entry.job = std::move(job);
    entry.place = std::move(place);
    entry.state = Entry::State::waiting;
    impl_->hand(std::move(entry));
    return Admission::taken;
}

bool Parking::finish(std::unique_ptr<Transport> transport, std::string bytes) {
    if (impl_->closing.fetch_add(1) >= impl_->limits.closing) {
        --impl_->closing;
        return false;
    }
    Entry entry;
    entry.transport = std::move(transport);
    entry.out = std::move(bytes);
    entry.byFinish = true;
    entry.deadline = Clock::now() + impl_->limits.writeTimeout;
    impl_->hand(std::move(entry));
    return true;
}

void Parking::drain() {
    impl_->draining = true;
    impl_->ring();
}

void Parking::stop(SteadyTime deadline) {
    if (!impl_->thread.joinable()) return;
    impl_->stopAt = deadline.time_since_epoch().count();
    impl_->stopping = true;
    impl_->ring();
    impl_->thread.join();
}

std::size_t Parking::parked() const { return impl_->places.taken(); }

} // namespace pbx::web
