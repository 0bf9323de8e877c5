#include "control/controller.hpp"

#include <algorithm>
#include <utility>

namespace pbx::control {

Controller::Controller(const std::vector<Line*>& lines, storage::Repositories& stores,
                       const domain::DirectoryHolder& directory, const Clock& clock, const Log& log,
                       std::function<void()> onEnded, std::function<void(const domain::Action&)> observe,
                       ControllerSettings settings)
    : stores_(stores), clock_(clock), log_(log), onEnded_(std::move(onEnded)), observe_(std::move(observe)),
      settings_(settings) {
    const Driver::Hooks hooks{[this] { wake(); }, [this](const domain::Action& action) { progressed(action); }};
    for (auto* line : lines) {
        drivers_.push_back(std::make_unique<Driver>(*line, stores, directory, clock, log, hooks, settings_.driver));
        callDrivers_.push_back(std::make_unique<CallDriver>(*line, stores, directory, clock, hooks, settings_.driver));
    }
}

Controller::~Controller() { stop(); }

void Controller::start() {
    thread_ = std::thread([this] { loop(); });
}

void Controller::stop() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    condition_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void Controller::wake() {
    {
        std::lock_guard lock(mutex_);
        woken_ = true;
    }
    condition_.notify_one();
}

void Controller::boardChanged() {
    if (busy_) wake();
}

std::shared_ptr<Watch> Controller::watch(std::vector<domain::Action> actions) {
    auto made = watches_.add(std::move(actions));
    asked_ = true;
    wake();
    return made;
}

void Controller::loop() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        woken_ = false;
        lock.unlock();
        look();
        lock.lock();
        // A busy board changes a thousand times a second: a turn for each would be the whole machine.
        condition_.wait_for(lock, settings_.breath, [this] { return stopping_; });
        condition_.wait_for(lock, settings_.look, [this] { return woken_ || stopping_; });
    }
}

// A database that is away fails each turn: only the first failure and the recovery are worth a line. What a failed
// turn was to look for is looked for by the next.
void Controller::look() {
    const auto now = clock_.steady();
    const bool ask = asked_.exchange(false) || now >= lookAt_;
    if (ask) lookAt_ = now + settings_.look;
    try {
        turn(ask);
        if (std::exchange(failing_, false)) log_.info("control.recovered");
        return;
    } catch (const Error& error) {
        if (!std::exchange(failing_, true))
            log_.warning("control.failed", {{"text", error.text()}, {"cause", error.cause()}});
    } catch (const std::exception& error) {
        if (!std::exchange(failing_, true)) log_.error("control.failed", {{"cause", error.what()}});
    }
    if (ask) asked_ = true;
}

void Controller::turn(bool ask) {
    if (ask) newest_ = stores_.actions.newestSeq();
    bool busy = false;
    for (const auto& driver : drivers_) {
        driver->turn(newest_);
        busy = busy || driver->busy();
    }
    for (const auto& driver : callDrivers_) {
        driver->turn(newest_);
        busy = busy || driver->busy();
    }
    busy_ = busy;
    if (!ask) return;
    runChores();
    followOthers();
}

void Controller::progressed(const domain::Action& action) {
    if (observe_ && !domain::isOpen(action.state)) observe_(action);
    if (watches_.update(action)) onEnded_();
}

// Who waits here for what another process does.
void Controller::followOthers() {
    const auto open = watches_.open();
    std::map<TenantId, std::vector<ActionId>> wanted;
    for (const auto& action : open) wanted[action.tenant].push_back(action.id);
    bool ended = false;
    for (const auto& [tenant, ids] : wanted)
        for (const auto& action : stores_.actions.byIds(tenant, ids)) ended = watches_.update(action) || ended;
    if (ended) onEnded_();
}

void Controller::runChores() {
    const auto now = clock_.steady();
    if (now >= sweepAt_) {
        sweepAt_ = now + settings_.sweep;
        for (const auto& action : stores_.actions.giveUpOverdue()) progressed(action);
    }
    if (now >= purgeAt_) {
        purgeAt_ = now + settings_.purge;
        stores_.actions.purge(clock_.now() - settings_.keep);
    }
}

} // namespace pbx::control
