// A believable day of the simulated companies: who calls, how patient they are, what agents do; all from one seed.
// Threads: one. Fails with pbx::Error (invalidArgument) for impossible sizes.
#pragma once

#include "rng.hpp"
#include "world.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace pbx::sim {

struct DaySettings {
    std::uint64_t seed = 1;
    double speed = 1.0; // people act this many times faster; the clock stays the real one
    int tenants = 3;
    int agents = 36;         // of all tenants together, at most 1,000 are tested
    int queues = 3;          // a tenant
    double callsPerHour = 0; // of all tenants at the busiest hour, before `speed`; 0 = 18 an agent
    int concurrent = 0; // > 0: that many calls are always there, callsPerHour is not used; at most 10,000 are tested
    double startHour = 10.5; // of the simulated day
};

class Day final : public People {
public:
    explicit Day(const DaySettings& settings);

    void build(World& world); // tenants, phones, queues, members
    void begin();             // people start to act
    void restart();           // after the world lost its calls
    void consulted();         // pbxd is asked from now on: those call whom its tables know
    RingPlan ring(const Call& call, Index phone) override;
    TalkPlan talk(const Call& call) override;
    AskPlan asks(const Call& call) override;
    void ended(const Call& call) override;

private:
    struct Agent {
        Index phone = none;
        std::string pausedFor; // by ourselves; empty: not by us
    };
    Micros after(double seconds) const; // scaled by speed
    double hourFactor() const;
    void nextArrival();
    void newCaller();
    void knownCaller(Index tenant, std::string_view number, double within);
    CallPlan callTo(Index tenant, std::size_t queue);
    RingPlan customer();
    std::string number(Index tenant);
    void buildTenant(Index tenant, std::string_view name, int agents);
    void agentLife(std::size_t agent);
    void agentAct(std::size_t agent);
    void backToWork(std::size_t agent);
    void nextContactTrouble();
    void nextColleagueCall();
    std::string colleague(Index tenant, Index except);

    DaySettings settings_;
    Rng rng_;
    World* world_ = nullptr;
    UtcTime begin_{};
    std::vector<Agent> agents_;
    std::vector<std::vector<Index>> queuesOf_; // by tenant
    std::vector<std::vector<Index>> phonesOf_; // by tenant
    double burst_ = 1.0;
};

} // namespace pbx::sim
