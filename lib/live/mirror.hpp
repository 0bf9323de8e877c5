// Keeps the board of one Asterisk right: fills it after a connect (docs/facts/reliability.md B2), applies events, asks
// again from time to time, publishes snapshots and feed events. Sans-io: link gives it events and a way to ask.
// Threads: snapshot(), setWrapup() and requestResync() any; everything else only the link's thread of this Asterisk.
// Fails: nothing throws on what Asterisk sends; what cannot be had leaves the board stale with the reason.
#pragma once

#include "ami/message.hpp"
#include "base/time.hpp"
#include "live/feed.hpp"
#include "live/fill.hpp"
#include "live/reconciler.hpp"
#include "live/snapshot.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pbx::live {

struct MirrorSettings {
    std::string server; // [asterisk.NAME]
    std::chrono::milliseconds publishEvery{2};
    std::chrono::milliseconds fillTimeout{10'000};
    std::chrono::milliseconds fillRetry{2'000};  // after a fill that failed
    std::size_t maxHeldBytes = 64 * 1024 * 1024; // of events while the board is filled; above it the fill starts anew
    ReconcilerSettings reconciler{};
};

class Mirror {
public:
    using OnCorrection = Reconciler::OnCorrection;

    // `feed` and `clock` must outlive the mirror. `onCorrection` may be empty.
    Mirror(MirrorSettings settings, Feed& feed, const Clock& clock, OnCorrection onCorrection = {});
    ~Mirror();
    Mirror(const Mirror&) = delete;
    Mirror& operator=(const Mirror&) = delete;

    // --- the link's thread ---
    // The main session is ready (FullyBooted seen). Starts the fill. `ask` is used until onDown().
    void onUp(Ask ask);
    // Every event of the main session that answers no action, in the order it came.
    void onEvent(const ami::Message& event);
    // The stream was damaged (ami::Session::takeWantsResync()): the next tick fills anew, but at most each 10 s.
    void onDamage();
    // After each batch of events read, and at nextDeadline(): publishes, asks, repairs, gives up.
    void onTick();
    std::optional<SteadyTime> nextDeadline() const;
    // The main session ended. Handlers given to `ask` may still be called (with `disconnected`), before or after.
    void onDown(std::string_view reason);
    // The session with the second account (class `system`), for reachability and latency.
    void onSystemUp(Ask ask);
    void onSystemDown();

    // --- any thread ---
    SnapshotPtr snapshot() const;
    void setWrapup(WrapupSeconds seconds);
    void requestResync() noexcept;

    const std::string& server() const noexcept { return server_; }

private:
    class Impl;
    const std::string server_;
    std::unique_ptr<Impl> impl_;
};

} // namespace pbx::live
