// RELIABILITY B5 as a simulation: two nodes with the real engine, gate and storage (SQLite), an Asterisk and customers
// that are not real, and time that is ours. Nodes die at every fail point and at any SQL statement, stand still beyond
// their lease and go on, answers and reports are lost, Asterisk restarts, the wall clock jumps.
// What must hold whatever happens: the customer's leg is dialled at most once an attempt, never more often than
// allowed, never after a cancel that was promised, never after a reported answer; no accepted callback is lost; every
// one ends, and in time; every change is told. And with callers in the same queue the turn is kept both ways.
// PBX_SIM_WORLDS: how many worlds of 50 callbacks (default 20).
// PBX_SIM_SEED: the first world's seed.
#include "base/random.hpp"
#include "callbacks/dial_gate.hpp"
#include "callbacks/engine.hpp"
#include "callbacks/upkeep.hpp"
#include "fake_asterisk.hpp"
#include "storage/connections.hpp"
#include "storage/repositories.hpp"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <iostream>

namespace pbx::callbacks::test {
namespace {

using domain::CallbackState;

// The caps have tests of their own (tests/storage/test_callback_caps.cpp).
constexpr storage::OutboundCaps uncapped{1'000'000, 1'000'000, 1'000'000};

struct Crash {}; // kill -9: nothing of the process is left but what it has committed

// One database for all worlds, as making one costs more than a world.
class Disk {
public:
    explicit Disk(const Clock& clock) : log_(Log::none()) {
        initRandom();
        // In memory where the system has such a folder: the tests of storage are about the disk, not this one.
        std::string name =
            std::filesystem::is_directory("/dev/shm") ? "/dev/shm/pbx-sim-XXXXXX" : "/tmp/pbx-sim-XXXXXX";
        if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp");
        folder_ = name;
        storage::DatabaseSettings settings;
        settings.file = folder_ + "/sim.db";
        settings.sessions = 2;
        database_ = std::make_unique<storage::Database>(settings, log_, clock);
        database_->migrate();
        database_->onStatement([this](std::string_view sql) {
            if (!armed || sql.starts_with("PRAGMA") || --crashIn > 0) return;
            armed = false;
            throw Crash{};
        });
    }
    ~Disk() {
        database_.reset();
        std::filesystem::remove_all(folder_);
    }
    Disk(const Disk&) = delete;
    Disk& operator=(const Disk&) = delete;

    storage::Database& database() { return *database_; }
    std::int64_t number(const std::string& text) {
        return database_->connections().read(
            [&](storage::Sql& sql) { return storage::at<0>(*sql.row<storage::Row<storage::Int>>(text)); });
    }

    bool armed = false; // the process under way dies before its crashIn-th statement from now
    int crashIn = 0;

private:
    const Log log_;
    std::string folder_;
    std::unique_ptr<storage::Database> database_;
};

// How a world is out to get us.
struct Plan {
    Troubles troubles;
    double crashAtPoint = 0;     // probability at each fail point reached
    double crashAtStatement = 0; // probability in each tick
    double standStill = 0;       // probability at each fail point: the node stands still for up to three leases
    Micros restartEvery{0};      // of Asterisk; 0: never
    Micros jumpEvery{0};         // of the wall clock
    Micros trunkFailsEvery{0};   // for half that time or less
    Micros cancelEvery{0};
    Micros tickEvery{1s}; // while something is under way
    int callers = 0;      // who wait in the same queue, in the first 150 s
    double important = 0; // how many of them are let in front of the others
    Micros callbacksWithin{60s};
    int nodes = 2;
};

Plan planOf(std::mt19937_64& random) {
    const auto roll = [&](double most) { return std::uniform_real_distribution<>(0, most)(random); };
    const auto coin = [&] { return roll(1) < 0.5; };
    Plan plan;
    plan.troubles.sendLost = coin() ? roll(0.2) : 0;
    plan.troubles.sendLate = coin() ? roll(0.3) : 0;
    plan.troubles.sendTwice = coin() ? roll(0.5) : 0;
    plan.troubles.idsCollide = coin() && coin();
    plan.troubles.answerWrong = coin() ? roll(0.2) : 0;
    plan.troubles.answerLost = coin() ? roll(0.2) : 0;
    plan.troubles.gateLost = coin() ? roll(0.1) : 0;
    plan.troubles.reportLost = coin() ? roll(0.3) : 0;
    plan.troubles.recordLost = coin() ? roll(0.5) : 0;
    plan.crashAtPoint = coin() ? roll(0.1) : 0;
    plan.crashAtStatement = coin() ? roll(0.02) : 0;
    plan.standStill = coin() ? roll(0.02) : 0;
    plan.restartEvery = coin() ? Micros(60s) : Micros(0);
    plan.jumpEvery = coin() && coin() ? Micros(120s) : Micros(0);
    plan.trunkFailsEvery = coin() ? Micros(90s) : Micros(0);
    plan.cancelEvery = coin() ? Micros(8s) : Micros(0);
    plan.nodes = coin() ? 2 : 1;
    plan.callers = coin() ? 40 : 0;
    plan.important = coin() ? 0.2 : 0;
    return plan;
}

class World {
public:
    static constexpr int callbacks = 50;
    static constexpr int agents = 8;
    static constexpr auto faultsFor = 400s;
    static constexpr auto expiresAfter = 900s;
    static constexpr auto leaseFor = 15s;
    static constexpr auto settlesWithin = 3s; // one that joined at a wrong place is placed anew

    World(Disk& disk, SimClock& clock, std::uint64_t seed, const Plan& plan, const domain::Scope& scope)
        : disk_(disk), clock_(clock), random_(seed), plan_(plan), scope_(scope), repos_(disk.database(), uncapped),
          agenda_(clock), asterisk_(random_, agenda_, clock, plan.troubles, agents,
                                    [this](const agi::Request& request) { return ask(request); }) {
        nodes_.resize(static_cast<std::size_t>(plan.nodes));
        asterisk_.tenantName = repos_.tenants.get(scope_.tenant().str()).name;
        asterisk_.onDial = [this](const Dialled& dialled) { dialledNow(dialled); };
        asterisk_.onReached = [this](const Dialled& dialled) { reached_.insert(dialled.id.str()); };
        asterisk_.onServe = [this](const std::vector<Entry>& queue, std::size_t index) { served(queue, index); };
    }

    void run() {
        begun_ = clock_.steady();
        for (std::size_t i = 0; i < nodes_.size(); ++i) start(i);
        for (int i = 0; i < callbacks; ++i) agenda_.in(between(0s, plan_.callbacksWithin), [this, i] { accept(i); });
        for (int i = 0; i < plan_.callers; ++i)
            agenda_.in(between(0s, 150s), [this] { asterisk_.callerArrives(chance(plan_.important) ? 10 : 0); });
        every(plan_.restartEvery, [this] { asterisk_.restart(); });
        every(plan_.trunkFailsEvery,
              [this] { asterisk_.trunkFails(between(1s, plan_.trunkFailsEvery / 2), chance(0.5)); });
        every(plan_.cancelEvery, [this] { cancelOne(); });
        every(plan_.jumpEvery, [this] { clock_.jump(between(-3600s, 3600s)); });
        advanceUntil(begun_ + faultsFor);
        calm_ = true;
        asterisk_.calm();
        for (std::size_t i = 0; i < nodes_.size(); ++i)
            if (!nodes_[i].engine && !nodes_[i].starting) start(i);
        // What expires, expires by the wall clock, which was put back by an hour a few times at most.
        const auto last = clock_.steady() + 8h;
        while (!over() && clock_.steady() < last) advanceUntil(clock_.steady() + 5s);
        settledAt_ = clock_.steady();
        for (int i = 0; i < 5; ++i) advanceUntil(clock_.steady() + 2s); // the last news
    }

    void check() {
        const auto page = [&](const std::string& after) { return repos_.callbacks.list(scope_, {after, 500}, {}); };
        std::map<std::string, domain::Callback> all;
        for (std::optional<std::string> after = std::string(); after;) {
            const auto got = page(*after);
            for (const auto& one : got.items) all.emplace(one.id.str(), one);
            after = got.next;
        }
        for (const auto& [key, count] : asterisk_.dials) {
            dials += count;
            EXPECT_EQ(1, count) << key.first << " was dialled more than once in attempt " << key.second;
        }
        std::map<std::string, int> dialsOf;
        for (const auto& [key, count] : asterisk_.dials) dialsOf[key.first] += count;
        for (const auto& id : accepted_) {
            const auto found = all.find(id);
            ASSERT_NE(all.end(), found) << id << " was accepted and is lost";
            const auto& one = found->second;
            EXPECT_TRUE(domain::isFinal(one.state)) << id << " is " << domain::stateToken(one.state);
            EXPECT_LE(one.dials, one.maxDials) << id;
            EXPECT_LE(dialsOf[id], one.dials) << id;
            ++ends[one.state];
            if (one.state == CallbackState::done) {
                EXPECT_TRUE(asterisk_.answeredCustomers.contains(id)) << id;
            }
            if (reached_.contains(id)) {
                EXPECT_EQ(CallbackState::done, one.state) << id;
            }
            if (promised_.contains(id)) {
                EXPECT_EQ(CallbackState::cancelled, one.state) << id;
            }
        }
        EXPECT_TRUE(wrong_.empty()) << wrong_;
        EXPECT_EQ(0, disk_.number("SELECT COUNT(*) FROM callback_events WHERE pending = 1"));
        for (const auto& id : accepted_) EXPECT_EQ(all.at(id).version, newest_[id]) << id << ": its end was not told";
        // Once the troubles are over what is open comes to its end by itself: all customers answer then.
        EXPECT_LT(settledAt_ - begun_ - faultsFor, plan_.jumpEvery.count() ? 4h : expiresAfter + 120s);
    }

    // How it went, for the summary.
    std::map<CallbackState, int> ends;
    int dials = 0, crashes = 0, stills = 0, adopted = 0;
    std::array<int, 9> crashesAt{};
    int asteriskRestarts() const { return asterisk_.restarts; }
    int refusedChannels() const { return asterisk_.refusedChannels; }
    int toldAgain = 0;
    // Of the turn: who was served although somebody else should have been, and stood there for some seconds already.
    int passedCaller = 0, passedByCaller = 0, passedCallback = 0, passedUnseen = 0, checked = 0;
    std::uint64_t moved = 0;
    const FakeAsterisk& asterisk() const { return asterisk_; }

private:
    struct NodeSender final : Sender {
        FakeAsterisk* asterisk = nullptr;
        const bool* alive = nullptr;
        void originate(ami::Action action, std::chrono::milliseconds within,
                       std::function<void(bool)> answered) override {
            asterisk->originate(action, within, std::move(answered));
        }
        void hangUp(const std::string& channelId) override { asterisk->hangUp(channelId); }
        void press(const std::string&, char) override {} // agent first alone
    };
    struct Node {
        std::unique_ptr<NodeSender> sender;
        std::unique_ptr<Engine> engine; // empty: dead
        std::unique_ptr<Upkeep> upkeep;
        std::unique_ptr<DialGate> gate;
        bool standing = false; // SIGSTOP
        bool busy = false;     // in its tick, or at its gate
        bool starting = false;
        bool doomed = false; // died while it was deeper in the stack
        SteadyTime lived{};  // the end of its last whole tick
    };

    Micros between(Micros least, Micros most) {
        return Micros(std::uniform_int_distribution<std::int64_t>(least.count(), most.count())(random_));
    }
    bool chance(double probability) { return !calm_ && std::uniform_real_distribution<>(0, 1)(random_) < probability; }
    void every(Micros period, const std::function<void()>& what) {
        if (period.count() == 0) return;
        agenda_.in(between(period / 2, period * 3 / 2), [this, period, what] {
            if (calm_) return;
            what();
            every(period, what);
        });
    }

    void start(std::size_t i) {
        auto& node = nodes_[i];
        node = {};
        node.sender = std::make_unique<NodeSender>();
        node.sender->asterisk = &asterisk_;
        const auto owner = "node-" + std::to_string(i) + "-" + std::to_string(++incarnations_);
        EngineSettings settings;
        settings.server = "pbx1";
        settings.owner = owner;
        settings.leaseFor = leaseFor;
        settings.waitFor = 60s;
        EngineLinks links;
        links.evidence = [this](const std::string& id) { return asterisk_.record(id); };
        links.open = [](const TenantId&, const HoursId&) { return true; };
        links.failHook = [this, i](FailPoint point) { pointReached(i, point); };
        node.engine = std::make_unique<Engine>(settings, repos_.callbackJobs, *node.sender, links, clock_, Log::none());
        node.upkeep = std::make_unique<Upkeep>(
            UpkeepSettings(), repos_.callbackJobs, [this](const storage::CallbackNews& news) { told(news); }, clock_,
            Log::none());
        node.gate = std::make_unique<DialGate>(repos_.callbackJobs, clock_, Log::none(), DialGate::Observe(),
                                               [this, i](FailPoint point) { pointReached(i, point); });
        node.lived = clock_.steady();
    }
    void die(std::size_t i) {
        ++crashes;
        nodes_[i] = {};
        nodes_[i].starting = true;
        agenda_.in(between(1s, 40s), [this, i] { start(i); });
    }

    void pointReached(std::size_t i, FailPoint point) {
        if (chance(plan_.crashAtPoint)) {
            ++crashesAt[static_cast<std::size_t>(point)];
            throw Crash{};
        }
        if (depth_ > 0 || !chance(plan_.standStill)) return;
        // SIGSTOP here, and the world goes on without it; then it goes on as if nothing had happened (F9).
        ++stills;
        ++depth_;
        nodes_[i].standing = true;
        const auto armed = std::exchange(disk_.armed, false);
        advanceUntil(clock_.steady() + between(1s, leaseFor * 3));
        disk_.armed = armed;
        nodes_[i].standing = false;
        --depth_;
    }

    // Runs `work` as node `i`; true: it came through.
    template <class Work>
    bool asNode(std::size_t i, const Work& work) {
        nodes_[i].busy = true;
        try {
            work();
            nodes_[i].busy = false;
            return true;
        } catch (const Crash&) {
            disk_.armed = false;
            die(i);
            return false;
        }
    }

    void tickNode(std::size_t i) {
        auto& node = nodes_[i];
        if (!node.engine || node.standing || node.busy) return;
        if (chance(plan_.crashAtStatement)) {
            disk_.armed = true;
            disk_.crashIn = std::uniform_int_distribution<>(1, 20)(random_);
        }
        const auto before = node.engine->figures();
        const bool through = asNode(i, [&] {
            nodes_[i].engine->tick(sight_);
            nodes_[i].upkeep->turn(true);
        });
        disk_.armed = false;
        if (!through) return;
        nodes_[i].lived = clock_.steady();
        adopted += static_cast<int>(nodes_[i].engine->figures().adopted - before.adopted);
        moved += nodes_[i].engine->figures().moved - before.moved;
    }

    // The dialplan asks the daemons' addresses in turn.
    std::optional<agi::Answer> ask(const agi::Request& request) {
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            if (!nodes_[i].engine || nodes_[i].standing || nodes_[i].busy) continue;
            std::optional<agi::Answer> answer;
            asNode(i, [&] {
                answer = request.route == "gate" ? nodes_[i].gate->gate(request, clock_.steady() + 1500ms)
                                                 : nodes_[i].gate->done(request);
            });
            if (answer) return answer;
        }
        return std::nullopt;
    }

    void accept(int i) {
        storage::NewCallback wanted;
        wanted.queue = "sales";
        wanted.number = "+1212" + std::to_string(1'000'000 + i);
        wanted.requestedBy = "sim";
        const auto made = repos_.callbacks.request(scope_, wanted).callback;
        accepted_.insert(made.id.str());
        requestedAt_[made.id.str()] = made.requestedAt;
    }

    Turn turnOf(const Entry& entry) const {
        if (!entry.order) return {entry.priority, entry.joined, {}};
        return {entry.priority, requestedAt_.at(entry.order->id), CallbackId(entry.order->id)};
    }
    // An agent's phone begins to ring for `queue[index]`: had anybody else the turn?
    void served(const std::vector<Entry>& queue, std::size_t index) {
        ++checked;
        const auto& mine = queue[index];
        const auto turn = turnOf(mine);
        for (const auto& other : queue) {
            const auto theirs = turnOf(other);
            // Who came within two seconds of each other is served as it happens: so exact is what lists tell.
            const bool first =
                theirs.priority != turn.priority ? theirs.priority > turn.priority : theirs.since < turn.since - 2s;
            if (&other == &mine || other.ringing || !first) continue;
            const auto together = clock_.now() - std::max(mine.joined, other.joined);
            if (mine.order && !other.order) {
                passedCaller += plan_.important == 0 || together > settlesWithin ? 1 : 0;
            } else if (together > settlesWithin) {
                ++(mine.order ? passedCallback : passedByCaller);
            }
        }
        if (mine.order || mine.priority > 0) return;
        // One that waited for its turn since before this caller came, and does not even stand in the queue.
        passedUnseen +=
            static_cast<int>(disk_.number("SELECT COUNT(*) FROM callbacks WHERE state = 'queued' AND requested_at < " +
                                          std::to_string(epochMicros(mine.joined)) + " AND state_at < " +
                                          std::to_string(epochMicros(clock_.now() - settlesWithin)) + " AND due_at < " +
                                          std::to_string(epochMicros(clock_.now() - settlesWithin)) +
                                          " AND expires_at > " + std::to_string(epochMicros(clock_.now()))));
    }
    void cancelOne() {
        if (accepted_.empty()) return;
        auto place = accepted_.begin();
        std::advance(place, std::uniform_int_distribution<std::ptrdiff_t>(
                                0, static_cast<std::ptrdiff_t>(accepted_.size()) - 1)(random_));
        if (repos_.callbacks.cancel(scope_, *place).cancelled) promised_.insert(*place);
    }

    void dialledNow(const Dialled& dialled) {
        const auto& id = dialled.id.str();
        if (promised_.contains(id)) wrong_ += id + " was dialled after its cancel was promised\n";
        if (reached_.contains(id)) wrong_ += id + " was dialled after its customer was reached\n";
    }
    void told(const storage::CallbackNews& news) {
        if (!told_.insert(news.id()).second) ++toldAgain;
        auto& newest = newest_[news.callback.str()];
        newest = std::max(newest, news.version);
    }

    bool over() {
        return static_cast<int>(accepted_.size()) == callbacks &&
               disk_.number("SELECT COUNT(*) FROM callbacks WHERE open_key IS NOT NULL") == 0;
    }

    void advanceUntil(SteadyTime end) {
        while (clock_.steady() < end) {
            auto to = std::min(end, clock_.steady() + 1s);
            if (const auto next = agenda_.next()) to = std::min(to, std::max(*next, clock_.steady() + 100ms));
            clock_.advance(std::chrono::duration_cast<Micros>(to - clock_.steady()));
            agenda_.runDue();
            if (clock_.steady() < tickAt_) continue;
            tickAt_ = clock_.steady() + (asterisk_.busy() ? plan_.tickEvery : Micros(4s));
            for (std::size_t i = 0; i < nodes_.size(); ++i) tickNode(i);
            sight_ = asterisk_.sight(); // seen by the next tick: the board is a moment behind
        }
    }

    Disk& disk_;
    SimClock& clock_;
    std::mt19937_64 random_;
    const Plan plan_;
    const domain::Scope scope_;
    storage::Repositories repos_;
    Agenda agenda_;
    FakeAsterisk asterisk_;
    std::vector<Node> nodes_;
    Sight sight_;
    std::set<std::string> accepted_, promised_, reached_, told_;
    std::map<std::string, std::int64_t> newest_;
    std::map<std::string, UtcTime> requestedAt_;
    std::string wrong_;
    SteadyTime begun_{}, settledAt_{}, tickAt_{};
    int incarnations_ = 0;
    int depth_ = 0;
    bool calm_ = false;
};

class Simulation : public ::testing::Test {
protected:
    static std::int64_t fromEnvironment(const char* name, std::int64_t otherwise) {
        const char* text = std::getenv(name);
        return text ? std::atoll(text) : otherwise;
    }
    domain::Scope company(const std::string& name) {
        auto scope = domain::Scope(repos.tenants.create({name, name, "US", "America/New_York", {"en"}}).id);
        repos.queues.create(scope, {"sales", "Sales", "pbx1", "acme-sales", {}, 0});
        domain::CallbackPolicy policy;
        policy.expiresAfter = World::expiresAfter;
        for (auto& delay : policy.retry.delays) delay = 20s;
        repos.callbacks.setPolicy(scope, {}, policy);
        return scope;
    }
    // Queues of two worlds may not have the same name in Asterisk.
    void close(const domain::Scope& scope) {
        storage::QueueChange gone;
        gone.asteriskName = "gone-" + scope.tenant().str();
        gone.server = "gone";
        repos.queues.update(scope, "sales", gone);
    }

    SimClock clock;
    Disk disk{clock};
    storage::Repositories repos{disk.database(), uncapped};
};

TEST_F(Simulation, WithoutTroublesEachIsCalledOnceAndReached) {
    const auto scope = company("calm");
    Plan plan;
    plan.troubles.agentAway = 0;
    plan.troubles.customerAnswers = 1;
    plan.nodes = 1;
    World world(disk, clock, 1, plan, scope);
    world.run();
    world.check();
    EXPECT_EQ(World::callbacks, world.ends[CallbackState::done]);
    EXPECT_EQ(World::callbacks, world.dials);
    EXPECT_EQ(0, world.toldAgain);
    EXPECT_LE(world.asterisk().mostPlaceholders, World::agents); // no more wait in the queue than members serve
}

// Callers and callbacks in one queue that is overloaded for minutes: Asterisk's own order is the turn.
TEST_F(Simulation, TheTurnIsKeptBothWays) {
    int checked = 0, callers = 0;
    std::uint64_t moved = 0;
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        const auto scope = company("turn" + std::to_string(seed));
        Plan plan;
        plan.troubles.agentAway = seed % 2 ? 0.2 : 0;
        plan.troubles.customerAnswers = 1;
        plan.nodes = 1;
        plan.tickEvery = 100ms;
        plan.callers = 100;
        plan.callbacksWithin = 150s;
        plan.important = seed > 3 ? 0.15 : 0;
        World world(disk, clock, seed, plan, scope);
        world.run();
        world.check();
        close(scope);
        EXPECT_EQ(World::callbacks, world.ends[CallbackState::done]);
        EXPECT_EQ(0, world.passedCaller) << "a callback passed a caller who came earlier";
        EXPECT_EQ(0, world.passedByCaller) << "a caller who came later was served before a callback's placeholder";
        EXPECT_EQ(0, world.passedCallback);
        EXPECT_EQ(0, world.passedUnseen) << "a caller who came later was served before a callback without placeholder";
        checked += world.checked;
        callers += world.asterisk().callersServed;
        moved += world.moved;
    }
    std::cout << checked << " times an agent's phone rang, " << callers << " callers served, " << moved
              << " placeholders placed anew\n";
    EXPECT_LT(300, callers);
    EXPECT_GT(200U, moved); // of 300
}

TEST_F(Simulation, WhateverHappensNobodyIsDialledTwiceAndNobodyIsForgotten) {
    const auto worlds = fromEnvironment("PBX_SIM_WORLDS", 20);
    const auto first = static_cast<std::uint64_t>(fromEnvironment("PBX_SIM_SEED", 1));
    std::map<CallbackState, int> ends;
    std::array<int, 9> crashesAt{};
    int dials = 0, crashes = 0, stills = 0, restarts = 0, refused = 0, adopted = 0, again = 0, notDialled = 0;
    for (std::uint64_t seed = first; seed < first + static_cast<std::uint64_t>(worlds); ++seed) {
        SCOPED_TRACE("PBX_SIM_SEED=" + std::to_string(seed) + " PBX_SIM_WORLDS=1");
        const auto scope = company("w" + std::to_string(seed));
        std::mt19937_64 random(seed);
        World world(disk, clock, seed, planOf(random), scope);
        world.run();
        world.check();
        close(scope);
        for (const auto& [state, count] : world.ends) ends[state] += count;
        for (std::size_t i = 0; i < crashesAt.size(); ++i) crashesAt[i] += world.crashesAt[i];
        dials += world.dials;
        crashes += world.crashes;
        stills += world.stills;
        adopted += world.adopted;
        again += world.toldAgain;
        restarts += world.asteriskRestarts();
        refused += world.refusedChannels();
        notDialled += world.asterisk().notDialled;
        if (HasFailure()) break;
    }
    std::cout << worlds * World::callbacks << " callbacks, " << disk.database().statements() << " statements, " << dials
              << " dials, " << crashes << " crashes (";
    for (std::size_t i = 1; i < crashesAt.size(); ++i) std::cout << "P" << i << ' ' << crashesAt[i] << ' ';
    std::cout << "and at statements), " << stills << " stood still, " << restarts << " restarts of Asterisk, "
              << adopted << " adopted, " << refused << " channel ids refused, " << notDialled
              << " times no trunk behind the gate, " << again << " news told again;";
    for (const auto& [state, count] : ends) std::cout << ' ' << domain::stateToken(state) << ' ' << count;
    std::cout << '\n';
    if (worlds >= 20) {
        for (std::size_t i = 1; i < crashesAt.size(); ++i) EXPECT_LT(0, crashesAt[i]) << "nobody died at P" << i;
        EXPECT_LT(0, stills);
        EXPECT_LT(0, adopted);
        EXPECT_LT(0, notDialled);
    }
}

} // namespace
} // namespace pbx::callbacks::test
