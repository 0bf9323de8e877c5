#include "daemon/node.hpp"

#include <utility>

namespace pbx::daemon {
namespace {

constexpr std::chrono::seconds nodeLease{10};
constexpr std::chrono::seconds renewEvery{3};    // two renewals may fail
constexpr std::chrono::seconds linkMayBeDown{5}; // a restart of Asterisk takes less

std::string stateOf(const link::LinkStatus& status) {
    switch (status.state) {
    case link::LinkState::up:
        return "up";
    case link::LinkState::loggingIn:
        return "syncing";
    case link::LinkState::connecting:
        return status.losses + status.connects == 0 ? "connecting" : "down";
    case link::LinkState::waiting:
    case link::LinkState::stopped:
        return "down";
    }
    return "down";
}

} // namespace

// The board hears everything of the link.
class AsteriskNode::Adapter final : public link::Listener {
public:
    explicit Adapter(live::Mirror& mirror) : mirror_(mirror) {}
    void onUp(link::Ask ask) override { mirror_.onUp(std::move(ask)); }
    void onEvent(const ami::Message& event) override { mirror_.onEvent(event); }
    void onDamage() override { mirror_.onDamage(); }
    void onTick() override { mirror_.onTick(); }
    std::optional<SteadyTime> nextDeadline() const override { return mirror_.nextDeadline(); }
    void onDown(std::string_view reason) override { mirror_.onDown(reason); }
    void onSystemUp(link::Ask ask) override { mirror_.onSystemUp(std::move(ask)); }
    void onSystemDown() override { mirror_.onSystemDown(); }

private:
    live::Mirror& mirror_;
};

AsteriskNode::AsteriskNode(link::LinkSettings linkSettings, live::MirrorSettings mirrorSettings, live::Feed& feed,
                           const Clock& clock, const Log& log)
    : log_(log.with({{"asterisk", linkSettings.name}})), clock_(clock),
      mirror_(std::move(mirrorSettings), feed, clock,
              [this](const live::Correction& correction) {
                  log_.warning("board.drift", {{"kind", live::driftText(correction.kind)},
                                               {"key", correction.key},
                                               {"ours", correction.ours},
                                               {"theirs", correction.theirs}});
              }),
      adapter_(std::make_unique<Adapter>(mirror_)),
      link_(std::make_unique<link::Link>(std::move(linkSettings), *adapter_, clock, log)) {}

AsteriskNode::~AsteriskNode() = default;

ops::LinkFacts AsteriskNode::facts() const {
    const auto status = link_->status();
    ops::LinkFacts facts;
    facts.server = name();
    facts.state = stateOf(status);
    if (status.state != link::LinkState::up) facts.problem = status.text;
    facts.driven = drives();
    facts.lagMicros = status.lag.value_or(Micros(0)).count();
    facts.damaged = status.reader.damagedTotal();
    return facts;
}

void AsteriskNode::applyDirectory(const domain::Directory& directory) {
    live::WrapupSeconds seconds;
    for (const auto& mapped : directory.queues())
        if (mapped.queue.server == name() && mapped.queue.wrapupSeconds > 0)
            seconds[mapped.queue.asteriskName] = mapped.queue.wrapupSeconds;
    mirror_.setWrapup(std::move(seconds));
}

std::optional<storage::Lease> AsteriskNode::lease() const {
    if (!drives()) return std::nullopt;
    return shown_.with([](const auto& lease) { return lease; });
}

void AsteriskNode::setLease(std::optional<storage::Lease> lease, SteadyTime until) {
    if (!lease) drivesUntil_ = SteadyTime::min();
    shown_.with([&](auto& shown) { shown = lease; });
    lease_ = std::move(lease);
    if (lease_) drivesUntil_ = until;
}

// Or was just now: what reconnects within a moment keeps its lease.
bool AsteriskNode::linkUp() {
    if (link_->status().state == link::LinkState::up) upAt_ = clock_.steady();
    return upAt_ != SteadyTime{} && clock_.steady() - upAt_ < linkMayBeDown;
}

void AsteriskNode::keepLease(storage::LeaseRepository& leases, const std::string& owner) {
    const auto asked = clock_.steady(); // before the database counts from its own now: ours ends first
    try {
        if (!linkUp()) {
            releaseLease(leases);
        } else if (!lease_ || asked >= renewAt_) {
            auto got =
                lease_ ? leases.renew(*lease_, nodeLease) : leases.acquire("asterisk/" + name(), owner, nodeLease);
            setLease(std::move(got), asked + nodeLease);
            renewAt_ = asked + renewEvery;
        }
        unreachable_ = false;
    } catch (const Error& error) {
        // Until the database is back the lease counts only as long as nobody else can have taken it.
        if (!std::exchange(unreachable_, true)) // once, not each second
            log_.warning("lease.unreachable", {{"text", error.text()}, {"cause", error.cause()}});
    }
    if (lease_ || upAt_ != SteadyTime{}) tellLog(); // before the first connection there is nothing to tell
}

void AsteriskNode::tellLog() {
    const bool drives = this->drives();
    if (told_ == drives) return;
    if (drives)
        log_.info("lease.taken", {{"owner", lease_->owner}, {"epoch", lease_->epoch}});
    else if (told_)
        log_.warning("lease.lost");
    else
        log_.info("lease.watching");
    told_ = drives;
}

void AsteriskNode::releaseLease(storage::LeaseRepository& leases) {
    drivesUntil_ = SteadyTime::min(); // whether the database hears of it or not
    if (!lease_) return;
    leases.release(*lease_);
    setLease(std::nullopt, {});
}

} // namespace pbx::daemon
