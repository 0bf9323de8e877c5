#include "live/mirror.hpp"

#include "ami/timestamp.hpp"
#include "base/guarded.hpp"
#include "live/held.hpp"

#include <atomic>

namespace pbx::live {

namespace {

using namespace std::chrono_literals;

// Events of before T0 come within this time after the fill; later a clock that was set back would drop live events.
constexpr auto oldEventsFor = 10s;
// Without timestampevents: the second fill waits for a second without an event, but no longer than this.
constexpr auto quietFor = 1s;
constexpr auto quietAtMost = 15s;
// A caller's text can damage the stream again and again. A fill costs Asterisk a list of everything, and all readers
// a stale board; what was lost meanwhile the reconciler finds.
constexpr auto damageFillEvery = 10s;
// `asOf` of a board on which nothing happens moves this often.
constexpr auto heartbeat = 1s;

} // namespace

class Mirror::Impl {
public:
    Impl(MirrorSettings settings, Feed& feed, const Clock& clock, OnCorrection onCorrection)
        : settings_(std::move(settings)), feed_(feed), clock_(clock), board_(std::make_unique<Board>(settings_.server)),
          held_(settings_.maxHeldBytes), reconciler_(settings_.reconciler, settings_.server, clock, meta_.counters,
                                                     std::move(onCorrection), [this](Micros off) { measured(off); }) {
        meta_.server = settings_.server;
        meta_.staleReason = "not connected yet";
        meta_.asOf = clock_.now();
        publish();
    }

    void up(Ask ask) {
        ask_ = std::move(ask);
        stamped_ = true;
        quietRefill_.reset();
        startFill("filling after connect");
    }
    void down(std::string_view reason) {
        stopFill();
        reconciler_.stop();
        reconciler_.stopSystem();
        held_.clear();
        ask_ = nullptr;
        retryFill_.reset();
        quietRefill_.reset();
        damaged_ = false;
        meta_.systemAccount = false;
        becomeStale(BoardState::down, "not connected: " + std::string(reason));
        publish();
    }
    void systemUp(Ask ask) {
        meta_.systemAccount = true;
        metaChanged_ = true;
        reconciler_.startSystem(std::move(ask));
    }
    void systemDown() {
        meta_.systemAccount = false;
        metaChanged_ = true;
        reconciler_.stopSystem();
    }
    void damage() { damaged_ = ask_ != nullptr; }
    void event(const ami::Message& event);
    void tick();
    std::optional<SteadyTime> nextDeadline() const;

    SnapshotPtr snapshot() const { return std::atomic_load(&published_); }
    void setWrapup(WrapupSeconds seconds) {
        newWrapup_.with([&](auto& slot) { slot = std::move(seconds); });
        wrapupChanged_.store(true, std::memory_order_release);
    }
    void requestResync() noexcept { resyncWanted_.store(true, std::memory_order_release); }

private:
    void startFill(std::string reason);
    void stopFill();
    void filled(const std::string& failure);
    void applyOne(const ami::Message& event);
    void measured(Micros off);
    void notice(Notice notice);
    void becomeStale(BoardState state, std::string reason);
    void publish();

    const MirrorSettings settings_;
    Feed& feed_;
    const Clock& clock_;
    std::unique_ptr<Board> board_;
    Snapshot meta_; // everything but the maps
    bool metaChanged_ = false;
    HeldEvents held_;
    Reconciler reconciler_;
    Ask ask_;

    std::shared_ptr<Fill> fill_; // while the board is filled
    std::optional<SteadyTime> retryFill_;
    bool damaged_ = false; // since the last fill began
    SteadyTime nextDamageFill_;
    std::optional<UtcTime> t0_; // on Asterisk's clock
    SteadyTime dropOldUntil_;
    Micros shift_{0};
    bool stamped_ = true; // events carry Timestamp
    SteadyTime lastEvent_;
    UtcTime heard_; // when Asterisk sent something last: the board was so then
    std::uint64_t compared_ = 0;
    std::optional<SteadyTime> quietRefill_; // at the latest

    std::vector<FeedEvent> own_; // board.stale and board.fresh, in order with the board's events
    SteadyTime lastPublish_;
    SnapshotPtr published_; // by atomic_load and atomic_store only
    std::atomic<bool> resyncWanted_{false};
    std::atomic<bool> wrapupChanged_{false};
    Guarded<WrapupSeconds> newWrapup_;
};

void Mirror::Impl::startFill(std::string reason) {
    stopFill();
    held_.clear();
    retryFill_.reset();
    damaged_ = false;
    becomeStale(BoardState::filling, std::move(reason));
    reconciler_.stop();
    auto fill = std::make_shared<Fill>(settings_.server, clock_);
    fill_ = fill;
    fill->start(ask_, clock_.steady() + settings_.fillTimeout, [this](const std::string& failure) { filled(failure); });
}

void Mirror::Impl::stopFill() {
    if (!fill_) return;
    fill_->cancel();
    fill_.reset();
}

void Mirror::Impl::filled(const std::string& failure) {
    const auto fill = std::exchange(fill_, nullptr);
    const auto now = clock_.now();
    if (!failure.empty()) {
        ++meta_.counters.resyncFailures;
        held_.clear();
        meta_.staleReason = failure;
        metaChanged_ = true;
        retryFill_ = clock_.steady() + settings_.fillRetry;
        return;
    }
    const bool restarted = !meta_.startup.empty() && !fill->startup().empty() && fill->startup() != meta_.startup;
    if (restarted) ++meta_.counters.restarts;
    if (!fill->startup().empty()) meta_.startup = fill->startup();
    if (!fill->version().empty()) meta_.asteriskVersion = fill->version();
    t0_ = fill->asteriskT0();
    shift_ = fill->shift();
    dropOldUntil_ = clock_.steady() + oldEventsFor;

    auto next = std::make_unique<Board>(std::move(fill->board()));
    next->finishFill(*board_, now, restarted);
    board_ = std::move(next);
    held_.replay([this](const ami::Message& event) {
        ++meta_.counters.held;
        applyOne(event);
    });
    board_->closeFill(now);

    meta_.state = BoardState::live;
    meta_.stale = false;
    meta_.staleReason.clear();
    heard_ = now;
    ++meta_.generation;
    ++meta_.counters.resyncs;
    meta_.counters.lastResyncMicros = std::chrono::duration_cast<Micros>(clock_.steady() - fill->startedAt()).count();
    metaChanged_ = true;
    publish(); // what was found first, then that the board is right
    FeedEvent fresh;
    fresh.kind = FeedKind::boardFresh;
    fresh.at = now;
    fresh.server = settings_.server;
    std::vector<FeedEvent> events;
    events.push_back(std::move(fresh));
    feed_.publish(std::move(events));
    reconciler_.start(*board_, ask_);
}

void Mirror::Impl::event(const ami::Message& event) {
    lastEvent_ = clock_.steady();
    heard_ = clock_.now();
    if (!Board::isKnown(event.name())) {
        ++meta_.counters.ignored;
        return;
    }
    if (fill_) {
        if (held_.add(event)) return;
        stopFill();
        held_.clear();
        ++meta_.counters.resyncFailures;
        meta_.staleReason = "more events than can be held while the board is filled";
        metaChanged_ = true;
        retryFill_ = lastEvent_ + settings_.fillRetry;
        return;
    }
    // Between a failed fill and the next one an event has no board that it fits.
    if (meta_.state != BoardState::live) {
        ++meta_.counters.ignored;
        return;
    }
    applyOne(event);
}

void Mirror::Impl::applyOne(const ami::Message& event) {
    const auto stamp = ami::eventTimestamp(event);
    if (stamp && t0_ && *stamp < *t0_ && clock_.steady() < dropOldUntil_) {
        ++meta_.counters.droppedOld;
        return;
    }
    const auto applied = board_->apply(event, stamp ? *stamp + shift_ : clock_.now(), clock_.steady());
    if (!applied.known) {
        ++meta_.counters.ignored;
        return;
    }
    ++meta_.counters.applied;
    if (applied.malformed) ++meta_.counters.malformed;
    if (!stamp && stamped_) {
        // timestampevents is off: what came before the lists cannot be told from what came after.
        stamped_ = false;
        quietRefill_ = clock_.steady() + quietAtMost;
    }
    if (applied.notice != Notice::none) notice(applied.notice);
}

// Clocks drift apart, and somebody sets one: not for each millisecond, which would disorder the times of one call.
void Mirror::Impl::measured(Micros off) {
    if (std::chrono::abs(off - shift_) >= 1s) shift_ = shiftOf(off);
}

void Mirror::Impl::notice(Notice notice) {
    switch (notice) {
    case Notice::reload:
        reconciler_.askAll();
        break;
    case Notice::shutdown:
        becomeStale(meta_.state, "Asterisk is shutting down");
        break;
    case Notice::none:
        break;
    }
}

void Mirror::Impl::becomeStale(BoardState state, std::string reason) {
    const bool first = !meta_.stale;
    meta_.state = state;
    meta_.stale = true;
    meta_.staleReason = std::move(reason);
    metaChanged_ = true;
    if (!first) return;
    FeedEvent event;
    event.kind = FeedKind::boardStale;
    event.at = clock_.now();
    event.server = settings_.server;
    event.reason = meta_.staleReason;
    own_.push_back(std::move(event));
}

void Mirror::Impl::tick() {
    const auto steady = clock_.steady();
    const auto now = clock_.now();
    if (wrapupChanged_.exchange(false, std::memory_order_acquire))
        board_->setWrapup(newWrapup_.with([](const auto& seconds) { return seconds; }));
    if (resyncWanted_.exchange(false, std::memory_order_acquire) && ask_ && !fill_)
        startFill("filling anew on request");
    if (retryFill_ && ask_ && steady >= *retryFill_) startFill(meta_.staleReason);
    // One that is under way goes on: broken off each time, none would ever be done.
    if (damaged_ && !fill_ && steady >= nextDamageFill_) {
        nextDamageFill_ = steady + damageFillEvery;
        startFill("the stream of events was damaged");
    }
    if (quietRefill_ && !fill_ && (steady - lastEvent_ >= quietFor || steady >= *quietRefill_)) {
        quietRefill_.reset();
        if (ask_) startFill("filling again: events carry no timestamp");
    }
    if (meta_.state == BoardState::live) {
        reconciler_.tick();
        if (const auto next = board_->nextTick(now, steady); next && *next <= steady) board_->tick(now, steady);
        if (compared_ != meta_.counters.comparisons) heard_ = now; // an answer came
        compared_ = meta_.counters.comparisons;
        if (heard_ - meta_.asOf >= heartbeat) metaChanged_ = true;
    }
    if (!board_->changed() && !metaChanged_) return;
    if (steady - lastPublish_ < settings_.publishEvery) return;
    publish();
}

std::optional<SteadyTime> Mirror::Impl::nextDeadline() const {
    const auto steady = clock_.steady();
    std::optional<SteadyTime> next;
    const auto take = [&next](SteadyTime at) { next = next ? std::min(*next, at) : at; };
    if (board_->changed() || metaChanged_) take(lastPublish_ + settings_.publishEvery);
    if (retryFill_) take(*retryFill_);
    if (damaged_ && !fill_) take(nextDamageFill_);
    if (quietRefill_ && !fill_) take(std::min(*quietRefill_, std::max(lastEvent_ + quietFor, steady)));
    if (meta_.state != BoardState::live) return next;
    if (const auto at = reconciler_.nextDeadline()) take(*at);
    if (const auto at = board_->nextTick(clock_.now(), steady)) take(std::max(*at, steady));
    return next;
}

// First the snapshot, then the feed: whoever is woken by an event finds the board as the event says.
void Mirror::Impl::publish() {
    if (meta_.state == BoardState::live && !meta_.stale) meta_.asOf = heard_;
    ++meta_.sequence;
    ++meta_.counters.published;
    auto next = std::make_shared<Snapshot>(meta_);
    board_->publishTo(*next);
    std::atomic_store(&published_, SnapshotPtr(std::move(next)));
    metaChanged_ = false;
    lastPublish_ = clock_.steady();

    auto events = std::exchange(own_, {});
    auto changes = board_->takeFeed();
    if (events.empty()) {
        feed_.publish(std::move(changes));
        return;
    }
    // The board's events came before it became stale.
    for (auto& event : events) changes.push_back(std::move(event));
    feed_.publish(std::move(changes));
}

Mirror::Mirror(MirrorSettings settings, Feed& feed, const Clock& clock, OnCorrection onCorrection)
    : server_(settings.server),
      impl_(std::make_unique<Impl>(std::move(settings), feed, clock, std::move(onCorrection))) {}
Mirror::~Mirror() = default;

void Mirror::onUp(Ask ask) { impl_->up(std::move(ask)); }
void Mirror::onEvent(const ami::Message& event) { impl_->event(event); }
void Mirror::onDamage() { impl_->damage(); }
void Mirror::onTick() { impl_->tick(); }
std::optional<SteadyTime> Mirror::nextDeadline() const { return impl_->nextDeadline(); }
void Mirror::onDown(std::string_view reason) { impl_->down(reason); }
void Mirror::onSystemUp(Ask ask) { impl_->systemUp(std::move(ask)); }
void Mirror::onSystemDown() { impl_->systemDown(); }
SnapshotPtr Mirror::snapshot() const { return impl_->snapshot(); }
void Mirror::setWrapup(WrapupSeconds seconds) { impl_->setWrapup(std::move(seconds)); }
void Mirror::requestResync() noexcept { impl_->requestResync(); }

} // namespace pbx::live
