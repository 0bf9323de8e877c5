// Keeps the board of one Asterisk right: fills it after a connect (RELIABILITY.md B2), applies events, asks again from
// time to time, publishes snapshots and feed events. Sans-io: link gives it events and a way to ask.
// Threads: snapshot(), setWrapup() and requestResync() any; everything else only the link's thread of this Asterisk.
// Fails: nothing throws on what Asterisk sends; what cannot be had leaves the board stale with the reason.
#pragma once

#include "ami/action.hpp"
#include "ami/message.hpp"
#include "ami/session.hpp"
#include "base/guarded.hpp"
#include "base/time.hpp"
#include "live/feed.hpp"
#include "live/snapshot.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace pbx::live {

// How the mirror asks Asterisk: ami::Session::submit, or false where that is refused. Handlers run on the link's
// thread.
using Ask = std::function<bool(const ami::Action& action, SteadyTime deadline, ami::ActionHandlers handlers)>;

// A correction that the reconciler made, for the log. `ours` and `theirs` may hold callers' text.
struct Correction {
    Drift kind;
    std::string key; // "queue/interface", "queue/uniqueid", uniqueid or device
    std::string ours;
    std::string theirs;
};

struct MirrorSettings {
    std::string server; // [asterisk.NAME]
    std::chrono::milliseconds publishEvery{2};
    std::chrono::milliseconds round{20'000};       // every queue is asked once in this time ...
    std::size_t questionsPerSecond = 10;           // ... or as slowly as this rate asks for (above 200 queues)
    std::chrono::milliseconds confirmAfter{1'000}; // a difference counts when it is still there then
    std::chrono::milliseconds answerTimeout{10'000};
    std::chrono::milliseconds fillRetry{2'000};  // after a fill that failed
    std::size_t maxHeldBytes = 64 * 1024 * 1024; // of events while the board is filled; above it the fill starts anew
};

using WrapupSeconds = std::unordered_map<std::string, int>; // Asterisk's queue name -> seconds

class Mirror {
public:
    using OnCorrection = std::function<void(const Correction&)>;

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
    // The stream was damaged (ami::Session::takeWantsResync()): fill anew.
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

    const std::string& server() const noexcept { return settings_.server; }

private:
    class Impl;
    const MirrorSettings settings_;
    std::unique_ptr<Impl> impl_;
};

} // namespace pbx::live
