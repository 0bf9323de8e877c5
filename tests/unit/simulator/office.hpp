// A company of the simulator with a scripted pbxd and scripted people, and what it was asked and said.
// Threads: one. Nothing fails.
#pragma once

#include "recording.hpp"
#include "world.hpp"

#include <deque>
#include <map>
#include <string>
#include <vector>

namespace pbx::sim::test {

// Answers by route, five milliseconds later; a route without an answer gets none.
class ScriptedPbxd final : public Asker {
public:
    explicit ScriptedPbxd(World& world) : world_(world) {}
    void ask(const Question& question, std::function<void(const Answer&)> answered) override {
        asked.push_back(question);
        const auto found = answers.find(question.route);
        const Answer answer = found == answers.end() ? Answer() : Answer(found->second);
        world_.at(world_.now() + std::chrono::milliseconds(5),
                  [answer, answered = std::move(answered)] { answered(answer); });
    }
    std::vector<std::vector<std::string>> argumentsOf(std::string_view route) const {
        std::vector<std::vector<std::string>> all;
        for (const Question& question : asked)
            if (question.route == route) all.push_back(question.arguments);
        return all;
    }
    std::map<std::string, std::map<std::string, std::string, std::less<>>> answers;
    std::vector<Question> asked;

private:
    World& world_;
};

class ScriptedPeople final : public People {
public:
    std::deque<RingPlan> rings; // then nobody answers
    TalkPlan talking;
    AskPlan asking;
    RingPlan ring(const Call&, Index) override {
        if (rings.empty()) return {RingPlan::Outcome::noAnswer, std::chrono::seconds(0)};
        const RingPlan plan = rings.front();
        rings.pop_front();
        return plan;
    }
    TalkPlan talk(const Call&) override { return talking; }
    AskPlan asks(const Call&) override { return asking; }
    void ended(const Call&) override {}
};

inline RingPlan answersIn(Micros after, bool key = true) { return {RingPlan::Outcome::answer, after, key}; }

// Queues support (two members, both of one phone each) and vip (nobody), as the rendered configuration names them.
struct Office {
    ScriptedPeople people;
    World world;
    ScriptedPbxd pbxd;
    Recorder recorder;
    Index tenant, support, vip, phone1, phone2;

    explicit Office(const std::string& name = "viatalk", bool members = true)
        : world(people, 7, fromEpochMicros(1'795'378'470'000'000)), pbxd(world) {
        using namespace std::chrono_literals;
        people.talking.talk = 5s;
        people.talking.agentEnds = true;
        tenant = world.addTenant(name);
        phone1 = world.addPhone(tenant, "101", "Ann");
        phone2 = world.addPhone(tenant, "102", "Bob");
        for (const char* queue : {"support", "vip"}) {
            Queue q;
            q.tenant = tenant;
            q.name = name + "-" + queue;
            q.ringFor = 10s;
            q.retry = 1s;
            (q.name.ends_with("vip") ? vip : support) = world.addQueue(q);
        }
        if (members) world.seatMember(support, phone1, 0, 0);
        world.advance(world.now() + 1s);
        world.consult(&pbxd);
        world.listen(&recorder);
    }
    void run(Micros time) { world.advance(world.now() + time); }
    CallId call(std::string number = "12015550200", Micros patience = std::chrono::minutes(5)) {
        return world.startQueueCall({.tenant = tenant,
                                     .queue = vip, // what he wants does not matter
                                     .number = std::move(number),
                                     .name = "Caller",
                                     .did = "12015550101",
                                     .patience = patience});
    }
    void decide(std::string action, std::string target, std::string priority = "0", std::string offer = "") {
        pbxd.answers["route"] = {{"PBX_ACTION", std::move(action)},
                                 {"PBX_TARGET", std::move(target)},
                                 {"PBX_PRIO", std::move(priority)},
                                 {"PBX_OFFER", std::move(offer)},
                                 {"PBX_WHY", "queued"},
                                 {"PBX_DONE", "1"}};
    }
    // The gate lets it through.
    void letDial(std::string key = "") {
        pbxd.answers["gate"] = {{"PBX_GATE", "dial"},  {"PBX_NUMBER", "+12015550300"}, {"PBX_CALLERID", "+12015550100"},
                                {"PBX_TIMEOUT", "20"}, {"PBX_KEY", std::move(key)},    {"PBX_DONE", "1"}};
        pbxd.answers["done"] = {{"PBX_DONE", "1"}};
    }
    void callBack(bool agentFirst = true, int position = 1, int priority = 0) {
        world.originateCallback({.id = "r_1",
                                 .attempt = "1",
                                 .token = "abc",
                                 .tenant = tenant,
                                 .queue = support,
                                 .position = position,
                                 .priority = priority,
                                 .agentFirst = agentFirst},
                                "o1", "pbxd-1aaab", "pbxd-1aaabx", std::chrono::minutes(10));
    }
    // "QueueCallerJoin", "Hangup 21": the events of that channel id, with what matters of them.
    std::vector<const Event*> of(std::string_view name) const {
        std::vector<const Event*> found;
        for (const Event& event : recorder.events)
            if (event.name == name) found.push_back(&event);
        return found;
    }
    std::vector<std::string> waiting(Index queue) const {
        std::vector<std::string> names;
        for (const CallId id : world.queues()[queue].waiting) names.push_back(world.calls().at(id)->a.callerNum);
        return names;
    }
    // What was told of a callback: DIALSTATUS, HANGUPCAUSE, key, whether an agent took him.
    std::vector<std::string> reported() const {
        const auto all = pbxd.argumentsOf("done");
        if (all.size() != 1) return {std::to_string(all.size()) + " reports"};
        return {all[0].begin() + 3, all[0].end()};
    }
    // Nothing is left, and nobody is thought to be busy.
    bool atRest() const {
        for (const Phone& phone : world.phones())
            if (phone.active != 0 || phone.ringing != 0 || world.deviceState(phone) != phone.announced) return false;
        return world.calls().empty() && world.tenants()[tenant].trunkChannels == 0;
    }
};

} // namespace pbx::sim::test
