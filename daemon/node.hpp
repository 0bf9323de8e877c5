// One configured Asterisk: its board, its link, and whether this daemon drives it or only watches.
// Threads: start() and stop() from one; everything else any. The constructor throws pbx::Error for settings that cannot
// work.
#pragma once

#include "base/guarded.hpp"
#include "control/line.hpp"
#include "domain/directory.hpp"
#include "link/link.hpp"
#include "live/mirror.hpp"
#include "ops/handlers.hpp"
#include "storage/leases.hpp"

#include <atomic>
#include <memory>
#include <string>

namespace pbx::daemon {

class AsteriskNode final : public control::Line {
public:
    AsteriskNode(link::LinkSettings linkSettings, live::MirrorSettings mirrorSettings, live::Feed& feed,
                 const Clock& clock, const Log& log);
    ~AsteriskNode() override;

    void start() { link_->start(); }
    void stop() { link_->stop(); }

    const std::string& name() const noexcept { return mirror_.server(); }
    link::LinkStatus linkStatus() const { return link_->status(); }
    ops::LinkFacts facts() const;

    // The wrap-up times of the queues on this server; call it whenever the mapping changed.
    void applyDirectory(const domain::Directory& directory);
    // Takes or renews the lease "asterisk/NAME"; call it each second. Whoever cannot reach the database, or was stopped
    // for a while, has stopped driving when its lease ran out, whether it comes by here or not. Who has no connection
    // to that Asterisk does not take it, and gives it back when that lasts: another node may have one.
    void keepLease(storage::LeaseRepository& leases, const std::string& owner);
    void releaseLease(storage::LeaseRepository& leases);

    // --- control::Line
    const std::string& server() const override { return mirror_.server(); }
    std::optional<storage::Lease> lease() const override;
    live::SnapshotPtr snapshot() const override { return mirror_.snapshot(); }
    void submit(ami::Action action, std::chrono::milliseconds timeout, ami::ActionHandlers handlers) override {
        link_->submit(std::move(action), timeout, std::move(handlers));
    }

private:
    class Adapter;
    const Log log_;
    const Clock& clock_;
    live::Mirror mirror_;
    std::unique_ptr<Adapter> adapter_;
    std::unique_ptr<link::Link> link_;
    std::optional<storage::Lease> lease_;          // of the housekeeping thread alone
    SteadyTime renewAt_{};                         // the same
    bool unreachable_ = false;                     // the same
    std::optional<bool> told_;                     // what the log was told last; the same
    SteadyTime upAt_{};                            // when the link was last seen up; the same
    Guarded<std::optional<storage::Lease>> shown_; // lease_, for the others
    // A time and no flag: a process that SIGSTOP held beyond its lease must not say for a moment that it drives.
    std::atomic<SteadyTime> drivesUntil_{SteadyTime::min()};

    bool drives() const noexcept { return clock_.steady() < drivesUntil_.load(); }
    bool linkUp();
    void setLease(std::optional<storage::Lease> lease, SteadyTime until);
    void tellLog(); // who drives, when it changed
};

} // namespace pbx::daemon
