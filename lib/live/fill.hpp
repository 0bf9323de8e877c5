// One fill of the board (docs/facts/reliability.md B2): Ping for T0, the lists, a new generation beside the old.
// Threads: one (the link's). Fails: `done` is called with the reason, once; never throws on what Asterisk sends.
#pragma once

#include "ami/session.hpp"
#include "base/time.hpp"
#include "live/board.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace pbx::live {

using Ask = std::function<bool(const ami::Action& action, SteadyTime deadline, ami::ActionHandlers handlers)>;

// What is added to Asterisk's times where its clock is that far off ours; 0 below a second, so that times of the same
// machine stay exact.
Micros shiftOf(Micros off);

class Fill : public std::enable_shared_from_this<Fill> {
public:
    // Empty text: filled. Otherwise why not; safe to show.
    using Done = std::function<void(const std::string& failure)>;

    Fill(std::string server, const Clock& clock) : board_(std::move(server)), clock_(clock) {}

    // Sends everything at once: Asterisk answers in order, so the lists are of after T0. `done` is called from within a
    // later answer, or at once where the session takes no action.
    void start(const Ask& ask, SteadyTime deadline, Done done);
    // No answer matters any more; `done` will not be called.
    void cancel() { done_ = nullptr; }

    Board& board() noexcept { return board_; }
    std::optional<UtcTime> asteriskT0() const noexcept { return t0_; } // on Asterisk's clock
    Micros shift() const noexcept { return shift_; }                   // ours minus Asterisk's, by shiftOf()
    const std::string& version() const noexcept { return version_; }
    const std::string& startup() const noexcept { return startup_; }
    SteadyTime startedAt() const noexcept { return startedAt_; }

private:
    using OnItem = void (Fill::*)(const Fields&);
    using OnAnswer = void (Fill::*)(const ami::Message&);

    void query(const Ask& ask, SteadyTime deadline, std::string_view action, bool needed, OnItem onItem,
               OnAnswer onAnswer = nullptr);
    void finished(std::string_view action, bool needed, const ami::Result& result);
    void fail(const std::string& reason);
    void onPong(const ami::Message& answer);
    void onSettings(const ami::Message& answer);
    void onStatus(const ami::Message& answer);
    void onQueueItem(const Fields& f);
    void onChannelItem(const Fields& f) { board_.fillChannel(f, now_); }
    void onBridgeItem(const Fields& f) { board_.fillBridge(f); }
    void onDeviceItem(const Fields& f) { board_.fillDevice(f, now_); }

    Board board_;
    const Clock& clock_;
    Done done_;
    Fields fields_;
    std::string_view itemName_;
    UtcTime now_;
    std::size_t open_ = 0;
    std::optional<UtcTime> t0_;
    Micros shift_{0};
    std::string version_;
    std::string startup_;
    SteadyTime startedAt_;
};

} // namespace pbx::live
