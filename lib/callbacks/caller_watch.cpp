#include "callbacks/caller_watch.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <utility>

namespace pbx::callbacks {

using domain::CallbackReturn;
using storage::ReturnResult;

namespace {

constexpr std::chrono::hours longestWait{24}; // longer is an error of some clock

// Asked again, the database may say otherwise.
bool passes(ErrorCode code) {
    return code == ErrorCode::unavailable || code == ErrorCode::deadlineExceeded || code == ErrorCode::outcomeUnknown;
}

} // namespace

CallerWatch::CallerWatch(const live::Feed& feed, storage::CallbackRepository& callbacks,
                         storage::CallbackReturnRepository& returns, CallerWatchLinks links, const Log& log)
    : feed_(feed), callbacks_(callbacks), returns_(returns), links_(std::move(links)), log_(log),
      after_(feed.lastSeq()) {}

void CallerWatch::turn(const std::vector<live::SnapshotPtr>& driven) {
    std::set<std::string> active;
    for (const auto& board : driven) {
        if (board->stale) continue;
        active.insert(board->server);
        if (!active_.contains(board->server)) sweep(*board);
    }
    const bool whole = readFeed(active);
    active_ = whole ? std::move(active) : std::set<std::string>(); // else the next turn looks through the boards
    settleSome();
}

void CallerWatch::settleSome() {
    for (std::size_t i = 0; i < mostATurn && !pending_.empty(); ++i) {
        try {
            settle(pending_.front());
            quiet_ = false;
        } catch (const Error& error) {
            if (passes(error.code())) {
                if (!std::exchange(quiet_, true)) // once, not each turn
                    log_.warning("callers.unsettled", {{"text", error.text()}, {"cause", error.cause()}});
                return;
            }
            drop(pending_.front(), error.text());
        } catch (const std::exception& error) { // one of whom nothing comes must not keep the others waiting
            drop(pending_.front(), error.what());
        }
        pending_.pop_front();
    }
}

void CallerWatch::drop(const Seen& seen, std::string_view why) {
    if (links_.observe) links_.observe("dropped");
    log_.error("callers.dropped",
               {{"asterisk", seen.server}, {"queue", seen.queue}, {"call", seen.call}, {"cause", why}});
}

void CallerWatch::adjust(Sight& sight) const { arrivals_.adjust(sight); }

bool CallerWatch::readFeed(const std::set<std::string>& active) {
    for (bool whole = true;;) {
        const auto page = feed_.read(after_, live::Feed::readBatch);
        after_ = page.next;
        if (page.fellOut) whole = false;
        for (const auto& event : page.events)
            if (active.contains(event->server)) take(*event);
        if (page.events.empty()) return whole;
    }
}

void CallerWatch::take(const live::FeedEvent& event) {
    const bool joined = event.kind == live::FeedKind::callerJoined;
    if ((!joined && event.kind != live::FeedKind::callerLeft) || !event.callback.empty()) return;
    Seen seen{What::joined, event.server, event.queue, event.number, event.uniqueid, event.at, 0};
    if (joined) return add(std::move(seen));
    if (event.outcome == live::Outcome::answered) return;
    const bool gaveUp = event.outcome == live::Outcome::abandoned && event.holdSeconds;
    seen.what = gaveUp ? What::gaveUp : What::left;
    seen.waited = event.holdSeconds.value_or(0);
    add(std::move(seen));
}

void CallerWatch::sweep(const live::Snapshot& board) {
    board.queues.each([&](const live::Queue& queue) {
        for (const auto& caller : queue.callers) {
            if (domain::parseCallbackChannelId(caller->uniqueid)) continue;
            add({What::joined, board.server, queue.name, caller->number, caller->uniqueid, caller->since, 0});
        }
    });
}

void CallerWatch::add(Seen seen) {
    if (seen.number.empty()) return; // withheld
    if (pending_.size() == mostPending) {
        drop(pending_.front(), "too many wait for the database");
        pending_.pop_front();
    }
    pending_.push_back(std::move(seen));
}

void CallerWatch::settle(const Seen& seen) {
    if (const auto caller = links_.who(seen.server, seen.queue, seen.number)) {
        if (seen.what == What::joined)
            returned(seen, *caller);
        else if (caller->policy.onReturn != CallbackReturn::off)
            returns_.left(caller->tenant, seen.call);
        if (seen.what == What::gaveUp) gaveUp(seen, *caller);
    }
}

void CallerWatch::returned(const Seen& seen, const KnownCaller& caller) {
    const auto what = caller.policy.onReturn;
    if (what == CallbackReturn::off) return;
    const auto found = returns_.came(caller.tenant, caller.queue, caller.number, seen.call, seen.at, what);
    if (found.result == ReturnResult::none) return;
    if (what == CallbackReturn::adopt) arrived(seen.server, seen.queue, seen.call, found.callback.requestedAt);
    if (found.result == ReturnResult::known) return;
    told(found.result == ReturnResult::ended ? "return_ended" : "return_let_go", seen, found.callback.id);
}

void CallerWatch::gaveUp(const Seen& seen, const KnownCaller& caller) {
    const auto& least = caller.policy.abandonAfter;
    const std::chrono::seconds waited(seen.waited);
    if (!least || waited < *least || waited >= longestWait) return;
    if (!caller.mayBeCalled) return told("abandon_refused", seen, {});
    storage::NewCallback wanted;
    wanted.queue = caller.queue.str();
    wanted.number = caller.number;
    wanted.requestedBy = "abandon";
    wanted.source = "phone " + caller.number; // as for one who asks by phone
    wanted.priority = caller.priority;
    wanted.waitingSince = sinceOf(seen);
    try {
        const auto made = callbacks_.request(domain::Scope(caller.tenant), wanted);
        told(made.existing ? "abandon_existing" : "abandon_new", seen, made.callback.id);
    } catch (const Error& error) {
        // What could not be taken later either is not tried again; others wait for the database.
        if (error.code() != ErrorCode::invalidArgument && error.code() != ErrorCode::notFound &&
            error.code() != ErrorCode::tooManyRequests)
            throw;
        told("abandon_refused", seen, {});
    }
}

UtcTime CallerWatch::sinceOf(const Seen& seen) const {
    const auto joined = seen.at - std::chrono::seconds(seen.waited);
    return std::min(joined, arrivals_.find(seen.server, seen.queue, seen.call).value_or(joined));
}

void CallerWatch::told(std::string_view what, const Seen& seen, const CallbackId& callback) const {
    if (links_.observe) links_.observe(what);
    log_.info("callback.caller", {{"asterisk", seen.server},
                                  {"queue", seen.queue},
                                  {"call", seen.call},
                                  {"what", what},
                                  {"waited", seen.waited},
                                  {"callback", callback.str()}});
}

} // namespace pbx::callbacks
