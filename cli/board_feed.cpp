#include "cli/board_feed.hpp"

#include "base/guarded.hpp"
#include "ops/catalogue/access.hpp"
#include "ops/catalogue/live.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <set>
#include <stop_token>
#include <thread>

namespace pbx::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::int32_t pollSeconds = 4;
constexpr auto patience = 5s;         // with pollSeconds: how soon a pbxd that hangs is noticed
constexpr auto wholeRound = 15s;      // everything is asked again: what no event tells
constexpr auto betweenRounds = 200ms; // a burst of events is one refresh
constexpr auto retryAfter = 2s;
constexpr std::size_t maxTenants = 20; // a thread and a connection each

ops::CommonParams commonOf(const BoardSubject& subject) {
    ops::CommonParams common;
    common.tenant = subject.tenant;
    return common;
}

std::vector<std::string> queueNames(Client& client, const BoardSubject& subject) {
    if (subject.queue) return {*subject.queue};
    std::vector<std::string> names;
    ops::QueueListParams params;
    params.limit = ops::maxPage;
    do {
        const auto page = client.call<ops::QueueList>(params, commonOf(subject));
        for (const auto& row : page.items) names.push_back(row.name);
        params.after = page.next;
    } while (params.after);
    return names;
}

QueueView askQueue(Client& client, const BoardSubject& subject, const std::string& name) {
    auto status = client.call<ops::QueueStatus>({.id = name}, commonOf(subject));
    return {std::move(status), std::chrono::steady_clock::now()};
}

// Freshness of the whole from that of its queues.
void judge(TenantBoard& board) {
    board.stale = false;
    board.asOf.reset();
    for (const auto& queue : board.queues) {
        board.stale = board.stale || queue.status.stale;
        if (!board.asOf || queue.status.asOf < *board.asOf) board.asOf = queue.status.asOf;
    }
    board.loaded = true;
    board.problem.clear();
    board.problemSince.reset();
}

bool isBoardEvent(ops::EventType type) {
    return type == ops::EventType::board_stale || type == ops::EventType::board_fresh;
}

TenantBoard askQueues(Client& client, const BoardSubject& subject, const std::vector<std::string>& names) {
    TenantBoard board;
    board.tenant = subject.label;
    for (const auto& name : names) board.queues.push_back(askQueue(client, subject, name));
    judge(board);
    return board;
}

ClientSettings hasty(ClientSettings settings) {
    settings.timeout = std::min<std::chrono::seconds>(settings.timeout, patience);
    return settings;
}

} // namespace

std::vector<BoardSubject> boardSubjects(Client& client, const std::optional<std::string>& queue) {
    const auto& named = client.settings().tenant;
    if (named) return {{named, *named, queue}};
    const auto self = client.call<ops::SystemWhoami>({}, {});
    if (self.tenant) return {{std::nullopt, *self.tenant, queue}};
    std::vector<BoardSubject> out;
    ops::PageParams params;
    params.limit = ops::maxPage;
    do {
        const auto page = client.call<ops::TenantList>(params, {});
        for (const auto& row : page.items) out.push_back({row.name, row.name, queue});
        params.after = page.next;
    } while (params.after);
    if (out.size() > maxTenants || (queue && out.size() > 1))
        throw Error(ErrorCode::invalidArgument,
                    "--tenant is missing: there are " + std::to_string(out.size()) + " tenants to choose from");
    return out;
}

TenantBoard loadBoard(Client& client, const BoardSubject& subject) {
    return askQueues(client, subject, queueNames(client, subject));
}

class BoardFeed::Worker {
public:
    Worker(const ClientSettings& settings, BoardSubject subject, std::function<void()> changed)
        : client_(hasty(settings)), subject_(std::move(subject)), changed_(std::move(changed)) {
        board_.with([&](TenantBoard& board) { board.tenant = subject_.label; });
        thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    }
    ~Worker() {
        thread_.request_stop();
        client_.abort();
    }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    TenantBoard read() const {
        return board_.with([](const TenantBoard& board) { return board; });
    }
    std::optional<Error> refusal() const {
        return refusal_.with([](const std::optional<Error>& refusal) { return refusal; });
    }

private:
    void run(const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            try {
                follow(stop);
            } catch (const Error& error) {
                if (error.code() == ErrorCode::startAnew) continue; // pbxd was restarted, or we were too slow
                if (stop.stop_requested()) return;
                if (error.code() == ErrorCode::unauthenticated || error.code() == ErrorCode::forbidden)
                    return giveUp(error);
                fail(error.text());
                sleep(stop, retryAfter);
            }
        }
    }

    // Until something fails: a cursor first, so that nothing falls between it and the first look.
    void follow(const std::stop_token& stop) {
        ops::EventPollParams poll;
        poll.limit = ops::maxPage;
        poll.queue = subject_.queue;
        poll.after = client_.call<ops::EventPoll>(poll, commonOf(subject_)).next;
        poll.waitSeconds = pollSeconds;
        loadAll();
        auto lastRound = std::chrono::steady_clock::now();
        while (!stop.stop_requested()) {
            const auto page = client_.call<ops::EventPoll>(poll, commonOf(subject_), std::chrono::seconds(pollSeconds));
            poll.after = page.next;
            std::set<std::string> dirty;
            bool all = std::chrono::steady_clock::now() - lastRound >= wholeRound;
            for (const auto& event : page.items) {
                if (event.queue) dirty.insert(*event.queue);
                all = all || isBoardEvent(event.type);
            }
            if (all) {
                loadAll();
                lastRound = std::chrono::steady_clock::now();
            } else if (!dirty.empty()) {
                refresh(dirty);
            }
            if (!page.items.empty()) sleep(stop, betweenRounds);
        }
    }

    // Without its database pbxd still tells the live state, and nobody can change which queues there are.
    void loadAll() {
        std::vector<std::string> names;
        try {
            names = queueNames(client_, subject_);
        } catch (const Error& error) {
            const auto known = read();
            if (error.code() != ErrorCode::unavailable || known.queues.empty()) throw;
            for (const auto& queue : known.queues) names.push_back(queue.status.name);
        }
        publish(askQueues(client_, subject_, names));
    }

    void refresh(const std::set<std::string>& dirty) {
        auto board = read();
        for (auto& queue : board.queues)
            if (dirty.contains(queue.status.name)) queue = askQueue(client_, subject_, queue.status.name);
        judge(board);
        publish(std::move(board));
    }

    void publish(TenantBoard board) {
        board_.with([&](TenantBoard& shown) { shown = std::move(board); });
        changed_();
    }

    void fail(const std::string& problem) {
        board_.with([&](TenantBoard& board) {
            if (!board.problemSince) board.problemSince = std::chrono::steady_clock::now();
            board.problem = problem;
        });
        changed_();
    }

    // Each further try would count as a wrong login, until nobody at this address is let in.
    void giveUp(const Error& error) {
        refusal_.with([&](std::optional<Error>& refusal) { refusal = error; });
        changed_();
    }

    void sleep(const std::stop_token& stop, std::chrono::milliseconds time) {
        std::unique_lock lock(sleepMutex_);
        wake_.wait_for(lock, stop, time, [] { return false; });
    }

    Client client_;
    const BoardSubject subject_;
    const std::function<void()> changed_;
    Guarded<TenantBoard> board_;
    Guarded<std::optional<Error>> refusal_;
    std::mutex sleepMutex_;
    std::condition_variable_any wake_;
    std::jthread thread_; // last: it uses the others
};

BoardFeed::BoardFeed(const ClientSettings& settings, const std::vector<BoardSubject>& subjects,
                     const std::function<void()>& changed) {
    for (const auto& subject : subjects) workers_.push_back(std::make_unique<Worker>(settings, subject, changed));
}
BoardFeed::~BoardFeed() = default;

Board BoardFeed::read() const {
    Board out;
    for (const auto& worker : workers_) out.push_back(worker->read());
    return out;
}

std::optional<Error> BoardFeed::refusal() const {
    for (const auto& worker : workers_)
        if (auto refusal = worker->refusal()) return refusal;
    return std::nullopt;
}

} // namespace pbx::cli
