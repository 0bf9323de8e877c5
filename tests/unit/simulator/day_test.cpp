// The day: the same seed gives the same events, the lists agree with the events, it looks like a call centre, and big
// ones fit.
#include "day.hpp"
#include "recording.hpp"

#include "base/error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <set>

namespace pbx::sim::test {
namespace {

using namespace std::chrono_literals;

const UtcTime start = fromEpochMicros(1'795'378'470'000'000);

struct Company {
    DaySettings settings;
    Day day;
    World world;
    Recorder recorder;
    explicit Company(const DaySettings& s) : settings(s), day(s), world(day, s.seed, start) {
        day.build(world);
        day.begin();
    }
    void run(Micros time) { world.advance(world.now() + time); }
};

// Times and what is made of them do not count.
std::string withoutTimes(std::string text) {
    for (const char* key : {"Timestamp: ", "LastCall: ", "LastPause: ", "LoginTime: "}) {
        std::size_t at = 0;
        while ((at = text.find(key, at)) != std::string::npos) {
            const auto end = text.find('\r', at);
            text.erase(at, end - at);
        }
    }
    return text;
}

TEST(Day, SameSeedSameEvents) {
    std::vector<std::string> runs;
    for (const std::uint64_t seed : {5U, 5U, 6U}) {
        DaySettings settings;
        settings.seed = seed;
        Company company(settings);
        company.world.listen(&company.recorder);
        // The wall clock wakes the simulator whenever it likes: that must not matter.
        const Micros step = runs.empty() ? Micros(20ms) : Micros(997ms);
        while (company.world.now() < start + 10min)
            company.world.advance(std::min(company.world.now() + step, start + 10min));
        runs.push_back(withoutTimes(company.recorder.raw));
    }
    EXPECT_GT(runs[0].size(), 500'000U);
    EXPECT_TRUE(runs[0] == runs[1]);
    EXPECT_FALSE(runs[0] == runs[2]);
}

// Whatever the day brings: every event has the headers that a real Asterisk 22 gives it, in that order.
TEST(Day, EveryEventHasRecordedHeaders) {
    std::map<std::string, std::set<std::string>> recorded;
    for (const char* name :
         {"s01_answered_caller_hangs_up", "s02_agent_hangs_up", "s03_abandon_while_waiting_nobody_free",
          "s04_ring_no_answer_then_abandon_while_ringing", "s05_busy_agent_then_answered",
          "s06_blind_transfer_by_agent_refer", "s08_ami_blindtransfer_and_atxfer", "s10_queue_timeout",
          "s12_member_administration", "s13_originate", "s15_register_unregister_agent"})
        for (const Event& event : load(std::string("ami/22/") + name + ".s2c.ami"))
            recorded[event.name].insert(event.keys());
    DaySettings settings;
    settings.agents = 45;
    Company company(settings);
    company.world.listen(&company.recorder);
    company.run(1h);
    std::map<std::string, int> seen;
    for (const Event& event : company.recorder.events) {
        ++seen[event.name];
        ASSERT_TRUE(recorded.contains(event.name)) << event.name << " was never seen from a real Asterisk";
        ASSERT_TRUE(recorded[event.name].contains(event.keys())) << event.name << ": " << event.keys();
    }
    // The day has everything in it.
    for (const char* name : {"QueueCallerJoin", "QueueCallerAbandon", "AgentConnect", "AgentComplete",
                             "AgentRingNoAnswer", "BlindTransfer", "AttendedTransfer", "Hold", "Unhold",
                             "QueueMemberPause", "PeerStatus", "ContactStatus", "QueueMemberStatus"})
        EXPECT_GT(seen[name], 0) << name;
}

// A pbxd that decides by dice, sometimes not at all, and calls people back; now and then it changes its mind.
class DicePbxd final : public Asker {
public:
    DicePbxd(World& world, std::uint64_t seed) : world_(world), rng_(seed) { nextCallback(); }
    void ask(const Question& question, std::function<void(const Answer&)> answered) override {
        ++asked[question.route];
        const Answer answer = rng_.chance(0.05) ? Answer() : this->answer(question);
        world_.at(world_.now() + Micros(static_cast<std::int64_t>(rng_.between(1, 20)) * 1000),
                  [answer, answered = std::move(answered)] { answered(answer); });
    }
    std::map<std::string, int> asked;

private:
    Answer answer(const Question& question) {
        if (question.route == "callback")
            return Answer({{"PBX_CB_ASKED", rng_.chance(0.8) ? "new" : "refused"}, {"PBX_DONE", "1"}});
        if (question.route == "gate")
            return Answer({{"PBX_GATE", rng_.chance(0.9) ? "dial" : "hangup"},
                           {"PBX_NUMBER", "+12015550300"},
                           {"PBX_TIMEOUT", "15"},
                           {"PBX_KEY", rng_.chance(0.5) ? "1" : ""},
                           {"PBX_DONE", "1"}});
        static const std::vector<std::pair<std::string, std::string>> ways{
            {"hangup", ""},           {"announce", "custom/closed"},  {"agent", "PJSIP/TENANT-101"},
            {"number", "+120155509"}, {"callback", "TENANT-support"}, {"queue", "TENANT-nowhere"}};
        auto [action, target] = rng_.chance(0.3) ? ways[rng_.below(ways.size())]
                                                 : std::pair<std::string, std::string>{"queue", "TENANT-support"};
        if (const auto at = target.find("TENANT"); at != std::string::npos) target.replace(at, 6, question.tenant);
        return Answer({{"PBX_ACTION", action},
                       {"PBX_TARGET", target},
                       {"PBX_PRIO", std::to_string(rng_.below(3) * 10)},
                       {"PBX_OFFER", rng_.chance(0.3) ? "1" : ""},
                       {"PBX_DONE", "1"}});
    }
    void nextCallback() {
        world_.at(world_.now() + Micros(static_cast<std::int64_t>(1e6 * rng_.exponential(20))), [this] {
            const Index queue = static_cast<Index>(rng_.below(world_.queues().size()));
            const std::string id = "pbxd-" + std::to_string(++callbacks_);
            world_.originateCallback({.id = id,
                                      .attempt = "1",
                                      .token = "t",
                                      .tenant = world_.queues()[queue].tenant,
                                      .queue = queue,
                                      .position = static_cast<int>(rng_.below(4)),
                                      .priority = 0,
                                      .agentFirst = rng_.chance(0.7)},
                                     id, id, id + "x", 10min);
            if (rng_.chance(0.15))
                world_.at(world_.now() + 5s, [this, id] { world_.hangup(id + (rng_.chance(0.5) ? "x" : "")); });
            nextCallback();
        });
    }
    World& world_;
    Rng rng_;
    int callbacks_ = 0;
};

// A client that believes the events only must end where the lists are: nothing is announced twice or not at all.
void expectEventsAddUp(const Company& company, std::size_t leastMembers) {
    std::map<std::string, std::vector<std::string>> waiting;
    std::set<std::string> channels;
    std::set<std::string> bridges;
    std::map<std::string, std::string> device;
    std::map<std::string, Event> member;
    double last = 0;
    for (const Event& event : company.recorder.events) {
        ASSERT_GT(event.time, last) << "stamps must grow";
        last = event.time;
        const std::string channel = event.get("Channel");
        auto& queue = waiting[event.get("Queue")];
        if (event.name == "Newchannel") {
            ASSERT_TRUE(channels.insert(channel).second);
        } else if (event.name == "Hangup") {
            ASSERT_EQ(channels.erase(channel), 1U) << channel;
        } else if (event.name == "BridgeCreate") {
            ASSERT_TRUE(bridges.insert(event.get("BridgeUniqueid")).second);
        } else if (event.name == "BridgeDestroy") {
            ASSERT_EQ(bridges.erase(event.get("BridgeUniqueid")), 1U);
            ASSERT_EQ(event.get("BridgeNumChannels"), "0");
        } else if (event.name == "QueueCallerJoin") {
            queue.insert(queue.begin() + (std::stol(event.get("Position")) - 1), channel);
            ASSERT_EQ(std::to_string(queue.size()), event.get("Count"));
        } else if (event.name == "QueueCallerLeave") {
            ASSERT_EQ(queue.at(std::stoul(event.get("Position")) - 1), channel);
            std::erase(queue, channel);
            ASSERT_EQ(std::to_string(queue.size()), event.get("Count"));
        } else if (event.name == "DeviceStateChange") {
            ASSERT_NE(device[event.get("Device")], event.get("State")) << "told twice";
            device[event.get("Device")] = event.get("State");
        } else if (event.name.starts_with("QueueMember")) {
            member[event.get("Queue") + " " + event.get("Interface")] = event;
        }
    }
    const World& world = company.world;
    std::size_t channelCount = 0;
    for (const auto& [id, call] : world.calls())
        for (const Channel* channel : {&call->a, &call->b, &call->b2, &call->c}) {
            if (!channel->exists()) continue;
            ++channelCount;
            EXPECT_TRUE(channels.contains(channel->name)) << channel->name;
        }
    EXPECT_EQ(channelCount, channels.size());
    int membersCompared = 0;
    for (const Queue& queue : world.queues()) {
        std::vector<std::string> names;
        for (const CallId id : queue.waiting) names.push_back(world.calls().at(id)->a.name);
        EXPECT_EQ(names, waiting[queue.name]) << queue.name;
        for (const Member& m : queue.members) {
            const auto told = member.find(queue.name + " " + m.interface);
            if (told == member.end()) continue;
            ++membersCompared;
            EXPECT_EQ(told->second.get("Paused"), m.paused ? "1" : "0");
            EXPECT_EQ(told->second.get("PausedReason"), m.pausedReason);
            EXPECT_EQ(told->second.get("Status"), std::to_string(static_cast<int>(world.memberState(m))))
                << m.interface;
        }
    }
    EXPECT_GT(membersCompared, static_cast<int>(leastMembers));
    for (const Phone& phone : world.phones()) {
        EXPECT_EQ(world.deviceState(phone), phone.announced) << phone.endpoint;
        EXPECT_GE(phone.active, 0);
        EXPECT_GE(phone.ringing, 0);
    }
}

TEST(Day, EventsAddUpToTheState) {
    DaySettings settings;
    settings.seed = 11;
    Company company(settings);
    company.world.listen(&company.recorder);
    company.run(1h);
    expectEventsAddUp(company, 40);
}

TEST(Day, EventsAddUpToTheStateWithPbxd) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        DaySettings settings;
        settings.seed = seed;
        Company company(settings);
        DicePbxd pbxd(company.world, seed);
        company.world.consult(&pbxd);
        company.day.consulted();
        company.world.listen(&company.recorder);
        company.run(1h);
        SCOPED_TRACE(seed);
        expectEventsAddUp(company, 40);
        EXPECT_GT(pbxd.asked["route"], 400);
        EXPECT_GT(pbxd.asked["callback"], 10);
        EXPECT_GT(pbxd.asked["gate"], 50);
        EXPECT_GT(pbxd.asked["done"], 40);
        // What began an hour ago has ended: nobody is forgotten in a step without a way out.
        for (const auto& [id, call] : company.world.calls())
            EXPECT_GT(call->started, company.world.now() - 50min) << call->a.name << ' ' << call->a.application;
    }
}

// Nobody looks at an empty board: after the warm-up people wait and talk, and it stays so.
TEST(Day, IsAliveAtOnce) {
    int waited = 0;
    int talked = 0;
    int paused = 0;
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        DaySettings settings;
        settings.seed = seed;
        Company company(settings);
        company.run(20min);
        for (const Queue& queue : company.world.queues()) {
            waited += queue.waiting.empty() ? 0 : 1;
            paused += static_cast<int>(
                std::count_if(queue.members.begin(), queue.members.end(), [](const Member& m) { return m.paused; }));
        }
        int talking = 0;
        for (const auto& [id, call] : company.world.calls()) talking += call->state == CallState::talking ? 1 : 0;
        EXPECT_GE(talking, 8) << "seed " << seed;
        talked += talking;
    }
    EXPECT_GE(waited, 12) << "of 72 queues";
    EXPECT_GE(talked, 8 * 12);
    EXPECT_GE(paused, 8);
}

TEST(Day, RestartLosesCallsAndKeepsMembers) {
    DaySettings settings;
    Company company(settings);
    company.run(20min);
    company.world.listen(&company.recorder);
    const UtcTime before = company.world.startedAt();
    const auto members = company.world.queues().front().members.size();
    ASSERT_GT(company.world.calls().size(), 0U);
    company.world.shutDown();
    ASSERT_EQ(company.recorder.events.size(), 1U);
    EXPECT_EQ(company.recorder.events[0].name, "Shutdown");
    EXPECT_TRUE(company.world.calls().empty());
    company.run(1s);
    company.world.restarted();
    company.day.restart();
    EXPECT_GT(company.world.startedAt(), before);
    EXPECT_EQ(company.world.queues().front().members.size(), members);
    for (const Phone& phone : company.world.phones()) EXPECT_EQ(phone.ringing + phone.active, 0) << phone.endpoint;
    company.run(5min); // and it goes on
    EXPECT_GT(company.world.calls().size(), 0U);
}

TEST(Day, ImpossibleSizesAreNamed) {
    DaySettings settings;
    settings.agents = 2;
    EXPECT_THROW(Day{settings}, Error);
    settings = {};
    settings.speed = 0;
    EXPECT_THROW(Day{settings}, Error);
}

std::size_t residentKiB() {
    std::ifstream status("/proc/self/status");
    std::string word;
    while (status >> word)
        if (word == "VmRSS:") {
            status >> word;
            return std::stoul(word);
        }
    return 0;
}

// 1,000 agents and 10,000 calls at once; under sanitizers a tenth of both, which shows them the same code. Figures are
// printed.
TEST(Day, TenThousandCalls) {
    DaySettings settings;
#ifdef PBX_SANITIZED
    settings.agents = 100;
    settings.concurrent = 1000;
#else
    settings.agents = 1000;
    settings.concurrent = 10000;
#endif
    const auto begin = std::chrono::steady_clock::now();
    Company company(settings);
    company.run(20min);
    const auto ready = std::chrono::steady_clock::now();
    // Each that ends is replaced within a second.
    EXPECT_GE(company.world.calls().size() * 100, static_cast<std::size_t>(settings.concurrent) * 98);
    struct Counter final : EventSink {
        std::size_t events = 0, bytes = 0;
        void event(Class, std::string_view, std::string_view text) override {
            ++events;
            bytes += text.size();
        }
    } counter;
    company.world.listen(&counter);
    const auto minute = std::chrono::steady_clock::now();
    company.run(1min);
    const auto end = std::chrono::steady_clock::now();
    const auto ms = [](auto a, auto b) { return std::chrono::duration_cast<std::chrono::milliseconds>(b - a).count(); };
    std::cout << "[ FIGURES  ] " << settings.agents << " agents, " << company.world.calls().size()
              << " calls: start with 20 minutes behind it " << ms(begin, ready) << " ms, process "
              << residentKiB() / 1024 << " MiB; one minute = " << counter.events << " events, " << counter.bytes / 1024
              << " KiB, in " << ms(minute, end) << " ms\n";
    EXPECT_GT(counter.events, 1000U);
}

} // namespace
} // namespace pbx::sim::test
