// What callers do that concerns callbacks, where a tenant's policy says so: who has an open one calls by himself, and
// the callback ends once he waits in the queue, not before: until then it may be all that he has. Who gives up after
// waiting long enough is called back.
// Seen in the change feed, so that nobody is missed who waits for a moment only, and whoever let him in; on the boards
// where the feed cannot tell (after a restart, when another node's Asterisk is taken over).
// Threads: turn() from one; the rest any. Nothing is thrown: what the database refuses now is tried again.
#pragma once

#include "base/log.hpp"
#include "callbacks/arrivals.hpp"
#include "callbacks/sight.hpp"
#include "live/feed.hpp"
#include "storage/callbacks.hpp"
#include "storage/callbacks_returns.hpp"

#include <deque>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace pbx::callbacks {

// Somebody who waits or waited in a queue of a tenant that wants to know.
struct KnownCaller {
    TenantId tenant;
    QueueId queue;
    std::string number; // E.164
    domain::CallbackPolicy policy;
    bool mayBeCalled = false; // not blocked, and the tenant's outbound rules allow it
    int priority = 0;         // by the tables of callers, 0 where the policy does not want that
};

struct CallerWatchLinks {
    // By Asterisk's name of the queue, and the number as the board shows it; nullopt: nobody to care for. Throws
    // pbx::Error: asked again later.
    std::function<std::optional<KnownCaller>(const std::string& server, const std::string& queue,
                                             const std::string& number)>
        who;
    // "return_ended", "return_let_go", "abandon_new", "abandon_existing", "abandon_refused"; "dropped": somebody of
    // whom nothing came, for an error that does not pass or because too many wait for the database.
    std::function<void(std::string_view what)> observe;
};

class CallerWatch {
public:
    // All must outlive it.
    CallerWatch(const live::Feed& feed, storage::CallbackRepository& callbacks,
                storage::CallbackReturnRepository& returns, CallerWatchLinks links, const Log& log);

    // `driven`: the boards of the Asterisks that this process drives. Called several times a second.
    void turn(const std::vector<live::SnapshotPtr>& driven);
    // That call, which joins the queue now, came then already.
    void arrived(const std::string& server, const std::string& queue, const std::string& call, UtcTime since) {
        arrivals_.tell(server, queue, call, since);
    }
    // Since when callers really wait: who joined later than he came, since then; who waits at a callback's place, since
    // that was asked for.
    void adjust(Sight& sight) const;

private:
    enum class What : std::uint8_t { joined, gaveUp, left }; // left: without having been served, not by himself
    struct Seen {
        What what = What::joined;
        std::string server, queue, number, call;
        UtcTime at;
        int waited = 0; // seconds; of one who gave up
    };
    static constexpr std::size_t mostPending = 10'000;
    static constexpr std::size_t mostATurn = 50; // the engines wait meanwhile

    bool readFeed(const std::set<std::string>& active); // false: events were lost
    void take(const live::FeedEvent& event);
    void sweep(const live::Snapshot& board);
    void add(Seen seen);
    void settleSome();
    void settle(const Seen& seen);
    void drop(const Seen& seen, std::string_view why);
    void returned(const Seen& seen, const KnownCaller& caller);
    void gaveUp(const Seen& seen, const KnownCaller& caller);
    UtcTime sinceOf(const Seen& seen) const; // of one who gave up
    void told(std::string_view what, const Seen& seen, const CallbackId& callback) const;

    const live::Feed& feed_;
    storage::CallbackRepository& callbacks_;
    storage::CallbackReturnRepository& returns_;
    const CallerWatchLinks links_;
    const Log log_;
    Arrivals arrivals_;
    std::uint64_t after_;
    std::set<std::string> active_; // Asterisks that were driven, and in step, at the last turn
    std::deque<Seen> pending_;
    bool quiet_ = false; // the last failure was logged already
};

} // namespace pbx::callbacks
