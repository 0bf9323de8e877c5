// A controller over a database of its own and an Asterisk that does nothing by itself: the test reads what was sent,
// answers, and changes the board. Threads: one test at a time.
#pragma once

#include "base/random.hpp"
#include "control/controller.hpp"

#include <atomic>
#include <filesystem>
#include <gtest/gtest.h>
#include <stdexcept>
#include <stdlib.h>

namespace pbx::control {

using namespace std::chrono_literals;
using domain::ActionKind;
using domain::ActionState;
using domain::Standing;

class SetClock final : public Clock {
public:
    UtcTime now() const override { return fromEpochMicros(micros_.load()); }
    SteadyTime steady() const override { return SteadyTime(Micros(micros_.load())); }
    void advance(Micros by) { micros_ += by.count(); }

private:
    std::atomic<std::int64_t> micros_{1'790'000'000'000'000};
};

// An Asterisk that does nothing by itself: the test reads what was sent, answers, and changes the board.
class FakeLine final : public Line {
public:
    struct Wire {
        std::string text;
        ami::ActionHandlers handlers;
    };

    const std::string& server() const override { return name; }
    std::optional<storage::Lease> lease() const override { return held; }
    live::SnapshotPtr snapshot() const override { return board; }
    void submit(ami::Action action, std::chrono::milliseconds, ami::ActionHandlers handlers) override {
        if (withoutSystem && action.name() == "MixMonitor")
            throw Error(ErrorCode::unsupported, "MixMonitor needs the second AMI account (sys_user).");
        if (!connected) throw Error(ErrorCode::unavailable, "not connected");
        std::string text;
        action.appendTo(text, "");
        sent.push_back({text, std::move(handlers)});
    }

    void show(const std::map<std::string, Standing>& standings, const std::string& startup = "day 1") {
        auto next = std::make_shared<live::Snapshot>();
        next->server = name;
        next->state = live::BoardState::live;
        next->stale = false;
        next->startup = startup;
        for (const auto& [queue, standing] : standings) {
            live::Queue made;
            made.name = queue;
            if (standing.member) {
                auto member = std::make_shared<live::Member>();
                member->interface = "PJSIP/acme-101";
                member->penalty = standing.penalty;
                member->paused = standing.paused;
                member->pausedReason = standing.pauseReason;
                made.members.push_back(std::move(member));
            }
            next->queues.put(std::move(made), 1);
        }
        board = next;
    }
    // `items` are headers of list events that come before the end, `more` those of the end itself.
    void answer(ami::Result::Kind kind, const std::string& words = "",
                const std::vector<std::map<std::string, std::string>>& items = {}, bool written = true,
                const std::map<std::string, std::string>& more = {}) {
        auto wire = std::move(sent.front());
        sent.erase(sent.begin());
        for (const auto& item : items) {
            ami::Message event;
            for (const auto& [key, value] : item) event.add(key, value);
            if (wire.handlers.onItem) wire.handlers.onItem(event);
        }
        ami::Message message;
        if (!words.empty()) message.add("Message", words);
        for (const auto& [key, value] : more) message.add(key, value);
        wire.handlers.onDone({kind, kind == ami::Result::Kind::timedOut ? nullptr : &message, items.size(), written});
    }
    // The verb of what waits for an answer; several: separated by blanks.
    std::string waiting() const {
        std::string out;
        for (const auto& wire : sent) {
            const auto verb = wire.text.substr(8, wire.text.find('\r') - 8);
            out.append(out.empty() ? "" : " ").append(verb);
        }
        return out;
    }

    std::string name = "main";
    std::optional<storage::Lease> held;
    live::SnapshotPtr board;
    std::vector<Wire> sent;
    bool connected = true;
    bool withoutSystem = false;
};

class ControlTest : public ::testing::Test {
protected:
    ControlTest() {
        initRandom();
        std::string folder = "/tmp/pbx-control-XXXXXX";
        if (!::mkdtemp(folder.data())) throw std::runtime_error("mkdtemp");
        dir = folder;
        storage::DatabaseSettings settings;
        settings.file = dir + "/pbx.db";
        db = std::make_unique<storage::Database>(settings, Log::none(), clock);
        db->migrate();
        stores = std::make_unique<storage::Repositories>(*db);
        tenant = stores->tenants.create({"acme", "Acme", "US", "UTC", {"en"}}).id;
        const domain::Scope scope(tenant);
        agent = stores->agents.create(scope, {"alice", "Alice", "main", "PJSIP/acme-101", {}}).id;
        for (const auto* name : {"sales", "support"})
            queues[name] = stores->queues.create(scope, {name, name, "main", "", {}, 0}).id;
        directory.set(std::make_shared<const domain::Directory>(storage::loadDirectory(*db)));
        line.held = stores->leases.acquire("asterisk/main", "node/1", 60s);
        line.show({{"acme-support", {}}, {"acme-sales", {}}});
        restart();
    }
    ~ControlTest() override {
        controller.reset();
        stores.reset();
        db.reset();
        std::filesystem::remove_all(dir);
    }

    void restart() {
        controller = std::make_unique<Controller>(
            std::vector<Line*>{&line}, *stores, directory, clock, log, [this] { ++ended; },
            [this](const domain::Action& action) { observed.push_back(action); });
    }
    std::shared_ptr<Watch> ask(ActionKind kind, const std::string& queue, storage::StandingChange change,
                               std::map<std::string, std::string> parameters = {}) {
        change.server = "main";
        const auto* live = line.board->queues.find("acme-" + queue);
        change.actual = standingOf(live ? live->member("PJSIP/acme-101") : nullptr);
        return controller->watch(
            stores->actions.request(tenant, "boss", "",
                                    {{"main", kind, agent, queues.at(queue), "", std::move(parameters),
                                      clock.now() + 60s, std::move(change)}}));
    }
    std::shared_ptr<Watch> login(const std::string& queue) {
        storage::StandingChange change;
        change.member = true;
        return ask(ActionKind::agentLogin, queue, change);
    }
    std::shared_ptr<Watch> logout(const std::string& queue) {
        storage::StandingChange change;
        change.member = false;
        return ask(ActionKind::agentLogout, queue, change);
    }
    std::shared_ptr<Watch> pause(const std::string& reason) {
        storage::StandingChange change;
        change.paused = true;
        change.pauseReason = reason;
        return ask(ActionKind::agentPause, "support", change, {{"reason", reason}});
    }
    std::shared_ptr<Watch> unpause() {
        storage::StandingChange change;
        change.paused = false;
        return ask(ActionKind::agentUnpause, "support", change);
    }
    // As Asterisk does it: answers, then shows.
    void carryOut(const Standing& support, const std::string& startup = "day 1") {
        line.answer(ami::Result::Kind::success);
        line.show({{"acme-support", support}, {"acme-sales", {}}}, startup);
        controller->turn();
    }
    ActionState state(const std::shared_ptr<Watch>& watch) { return watch->actions().front().state; }
    std::string reason(const std::shared_ptr<Watch>& watch) { return watch->actions().front().reason; }
    domain::AgentState stored(const std::string& queue = "support") {
        for (const auto& one : stores->agentStates.ofAgent(tenant, agent))
            if (one.queue == queues.at(queue)) return one;
        throw std::runtime_error("no state");
    }

    static inline const Standing in{true, 0, false, ""};

    SetClock clock;
    const Log log{{.level = LogLevel::warning}, clock}; // to stderr: why a turn failed
    std::string dir;
    std::unique_ptr<storage::Database> db;
    std::unique_ptr<storage::Repositories> stores;
    domain::DirectoryHolder directory;
    TenantId tenant;
    AgentId agent;
    std::map<std::string, QueueId> queues;
    FakeLine line;
    std::unique_ptr<Controller> controller;
    int ended = 0;
    std::vector<domain::Action> observed;
};

} // namespace pbx::control
