#include "live/fill.hpp"

#include "ami/timestamp.hpp"

namespace pbx::live {

namespace {

constexpr Micros clocksEqual = std::chrono::seconds(1);

} // namespace

Micros shiftOf(Micros off) { return std::chrono::abs(off) >= clocksEqual ? off : Micros(0); }

void Fill::start(const Ask& ask, SteadyTime deadline, Done done) {
    done_ = std::move(done);
    now_ = clock_.now();
    startedAt_ = clock_.steady();
    board_.mute(true);
    const auto self = shared_from_this(); // `done` may let go of us
    open_ = 1;                            // until all is asked
    query(ask, deadline, "Ping", true, nullptr, &Fill::onPong);
    query(ask, deadline, "CoreSettings", false, nullptr, &Fill::onSettings);
    query(ask, deadline, "CoreStatus", false, nullptr, &Fill::onStatus);
    // Channels before queues: a caller in the queues' list that has no channel left already.
    query(ask, deadline, "CoreShowChannels", true, &Fill::onChannelItem);
    query(ask, deadline, "QueueStatus", false, &Fill::onQueueItem); // refused where app_queue is not loaded
    query(ask, deadline, "BridgeList", false, &Fill::onBridgeItem);
    query(ask, deadline, "DeviceStateList", false, &Fill::onDeviceItem);
    if (--open_ == 0 && done_) std::exchange(done_, nullptr)("");
}

void Fill::query(const Ask& ask, SteadyTime deadline, std::string_view action, bool needed, OnItem onItem,
                 OnAnswer onAnswer) {
    if (!done_) return;
    ami::ActionHandlers handlers;
    const auto self = shared_from_this();
    if (onItem)
        handlers.onItem = [self, onItem](const ami::Message& item) {
            if (!self->done_) return;
            self->fields_.read(item);
            self->itemName_ = item.name();
            ((*self).*onItem)(self->fields_);
        };
    handlers.onDone = [self, onAnswer, needed, name = std::string(action)](const ami::Result& result) {
        if (!self->done_) return;
        if (onAnswer && result.ok() && result.message) ((*self).*onAnswer)(*result.message);
        self->finished(name, needed, result);
    };
    ++open_;
    if (!ask(ami::Action(action), deadline, std::move(handlers))) fail("the session takes no action");
}

void Fill::finished(std::string_view action, bool needed, const ami::Result& result) {
    using Kind = ami::Result::Kind;
    switch (result.kind) {
    case Kind::success:
        break;
    case Kind::refused:
        if (needed) return fail("Asterisk refused " + std::string(action) + ": check the account's rights");
        break;
    case Kind::cancelled:
        return fail("Asterisk cancelled the list of " + std::string(action));
    case Kind::timedOut:
        return fail("Asterisk did not answer " + std::string(action) + " in time");
    case Kind::disconnected:
        return fail("the connection ended");
    }
    if (--open_ == 0) std::exchange(done_, nullptr)("");
}

void Fill::fail(const std::string& reason) {
    if (done_) std::exchange(done_, nullptr)(reason);
}

void Fill::onPong(const ami::Message& answer) {
    t0_ = ami::eventTimestamp(answer);
    now_ = clock_.now();
    if (!t0_) return;
    shift_ = shiftOf(now_ - *t0_);
    now_ = *t0_ + shift_; // what lists tell and what events tell must be on one clock, to the millisecond
}

void Fill::onSettings(const ami::Message& answer) { version_ = answer.get("AsteriskVersion"); }

void Fill::onStatus(const ami::Message& answer) {
    startup_ = answer.get("CoreStartupDate");
    if (!startup_.empty()) startup_.append(1, ' ').append(answer.get("CoreStartupTime"));
}

void Fill::onQueueItem(const Fields& f) {
    if (itemName_ == "QueueParams") board_.fillQueue(f, now_);
    if (itemName_ == "QueueMember") board_.fillMember(f, now_);
    if (itemName_ == "QueueEntry") board_.fillCaller(f, now_);
}

} // namespace pbx::live
