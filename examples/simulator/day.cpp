#include "day.hpp"

#include "base/error.hpp"
#include "companies.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace pbx::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, 8> queueNames{"support", "sales",  "vip",     "billing",
                                                     "returns", "orders", "hosting", "abuse"};
constexpr std::array<std::string_view, 40> firstNames{
    "Alice", "Bruno", "Carla", "David",  "Elena", "Farid", "Grace", "Henry", "Ines",  "Jamal",
    "Karin", "Louis", "Maria", "Nadia",  "Oscar", "Priya", "Quinn", "Rosa",  "Samir", "Tanya",
    "Umar",  "Vera",  "Wanda", "Xavier", "Yusuf", "Zoe",   "Anton", "Bella", "Chen",  "Daria",
    "Emil",  "Fiona", "Goran", "Hannah", "Igor",  "Julia", "Kofi",  "Lena",  "Marco", "Nora"};
constexpr std::array<std::string_view, 40> lastNames{
    "Moreau", "Keller", "Rossi",  "Novak",   "Jensen",   "Okafor", "Silva",   "Walker", "Dubois", "Schmidt",
    "Garcia", "Haddad", "Ivanov", "Tanaka",  "Kowalski", "Larsen", "Mueller", "Nguyen", "Olsen",  "Patel",
    "Reyes",  "Santos", "Turner", "Ueda",    "Vogel",    "Weber",  "Yilmaz",  "Zimmer", "Adler",  "Barros",
    "Cohen",  "Duarte", "Egger",  "Fischer", "Greco",    "Horvat", "Ibsen",   "Jansen", "Klein",  "Lindt"};

// Calls by hour, of the busiest; a business day with a dip at noon.
constexpr std::array<double, 24> hourShape{0.10, 0.10, 0.10, 0.10, 0.10, 0.12, 0.20, 0.35, 0.65, 0.90, 1.00, 0.97,
                                           0.80, 0.82, 0.95, 0.95, 0.88, 0.70, 0.50, 0.38, 0.28, 0.20, 0.15, 0.12};

struct Pause {
    std::string_view reason;
    double weight, minutes;
};
constexpr std::array<Pause, 5> pauses{
    {{"coffee", 0.40, 8}, {"lunch", 0.15, 28}, {"admin", 0.25, 4}, {"meeting", 0.12, 20}, {"training", 0.08, 30}}};

std::string personName(std::size_t number) {
    const auto first = firstNames.at(number % firstNames.size());
    const auto last = lastNames.at((number / firstNames.size() + number * 7) % lastNames.size());
    return std::string(first) + " " + std::string(last);
}

} // namespace

Day::Day(const DaySettings& settings) : settings_(settings), rng_(settings.seed) {
    if (settings.speed <= 0 || settings.speed > 10000) throw Error::field("speed", "must be above 0 and at most 10000");
    if (settings.tenants < 1 || settings.tenants > 200) throw Error::field("tenants", "must be 1 to 200");
    if (settings.queues < 1 || settings.queues > 200) throw Error::field("queues", "must be 1 to 200 a tenant");
    if (settings.agents < settings.tenants || settings.agents > 20000)
        throw Error::field("agents", "must be one a tenant at least, 20000 at most");
    if (settings.callsPerHour < 0 || settings.callsPerHour > 1e7)
        throw Error::field("calls-per-hour", "must be 0 to 10000000");
    if (settings.concurrent < 0 || settings.concurrent > 100000)
        throw Error::field("concurrent", "must be 0 to 100000");
    if (settings_.callsPerHour == 0) settings_.callsPerHour = 18.0 * settings.agents;
}

Micros Day::after(double seconds) const { return Micros(static_cast<std::int64_t>(1e6 * seconds / settings_.speed)); }

void Day::build(World& world) {
    world_ = &world;
    world.setSpeed(settings_.speed);
    for (int t = 0; t < settings_.tenants; ++t) {
        const auto number = static_cast<std::size_t>(t);
        const std::string name =
            number < companies.size() ? std::string(companies.at(number).name) : "company" + std::to_string(t + 1);
        const int share = settings_.agents / settings_.tenants + (t < settings_.agents % settings_.tenants ? 1 : 0);
        buildTenant(world.addTenant(name), name, share);
    }
}

void Day::buildTenant(Index tenant, std::string_view name, int agents) {
    queuesOf_.emplace_back();
    phonesOf_.emplace_back();
    for (int q = 0; q < settings_.queues; ++q) {
        const auto number = static_cast<std::size_t>(q);
        Queue queue;
        queue.tenant = tenant;
        queue.name = std::string(name) + "-" +
                     (number < queueNames.size() ? std::string(queueNames.at(number)) : "q" + std::to_string(q + 1));
        queue.ringFor = after(15);
        queue.retry = after(3);
        queue.giveUpAfter = after(settings_.concurrent > 0 ? 7200 : 240);
        queue.weight = number == 2 ? 10 : 0;
        queuesOf_.back().push_back(world_->addQueue(std::move(queue)));
    }
    for (int a = 0; a < agents; ++a) {
        const auto number = agents_.size();
        const Index phone = world_->addPhone(tenant, std::to_string(101 + a), personName(number));
        phonesOf_.back().push_back(phone);
        agents_.push_back({phone, {}});
        // Everybody answers one queue well; half of them help in the next one, a third in vip.
        const auto queues = static_cast<int>(queuesOf_.back().size());
        for (int q = 0; q < queues; ++q) {
            const bool own = a % queues == q;
            const bool helps = (a + q) % 2 == 0 && q != 2;
            if (own || helps || (q == 2 && a % 3 == 0))
                world_->seatMember(queuesOf_.back()[static_cast<std::size_t>(q)], phone, own ? 0 : 1, 10);
        }
    }
}

void Day::begin() {
    begin_ = world_->now();
    for (std::size_t i = 0; i < agents_.size(); ++i) {
        if (rng_.chance(0.10))
            agentAct(i); // some are away when we look first
        else
            agentLife(i);
    }
    if (settings_.concurrent > 0) {
        for (int i = 0; i < settings_.concurrent; ++i)
            world_->at(world_->now() + after(rng_.between(0, 60)), [this] { newCaller(); });
    } else {
        nextArrival();
    }
    nextContactTrouble();
    nextColleagueCall();
}

void Day::restart() {
    // Calls that were there are gone; those who called ring again, as they would.
    if (settings_.concurrent > 0) return; // ended() has replaced each one
    for (int i = 0; i < static_cast<int>(agents_.size() / 4); ++i)
        world_->at(world_->now() + after(rng_.between(1, 30)), [this] { newCaller(); });
}

double Day::hourFactor() const {
    const double hours =
        settings_.startHour + static_cast<double>((world_->now() - begin_).count()) / 3.6e9 * settings_.speed;
    const double hour = std::fmod(hours, 24.0);
    const auto index = static_cast<std::size_t>(hour) % 24;
    const double share = hour - std::floor(hour);
    return hourShape.at(index) * (1 - share) + hourShape.at((index + 1) % 24) * share;
}

void Day::nextArrival() {
    if (rng_.chance(0.02)) burst_ = rng_.between(0.6, 1.7); // a mailing went out, or nobody cares
    const double rate = settings_.callsPerHour * hourFactor() * burst_ / 3600.0;
    world_->at(world_->now() + after(rng_.exponential(1.0 / rate)), [this] {
        newCaller();
        nextArrival();
    });
}

std::string Day::number(Index tenant) {
    const unsigned area = tenant < companies.size() ? companies.at(tenant).area : 201U + tenant % 700U;
    std::array<char, 16> text{};
    // The first hundred are for callers who are known.
    std::snprintf(text.data(), text.size(), "1%03u555%04u", area, static_cast<unsigned>(200 + rng_.below(9800)));
    return text.data();
}

// What somebody dials who wants that queue.
CallPlan Day::callTo(Index tenant, std::size_t queue) {
    CallPlan plan;
    plan.tenant = tenant;
    plan.queue = queuesOf_[tenant][queue];
    plan.did = std::to_string(1000 * (queue + 1));
    if (tenant < companies.size() && queue < 3) {
        const Company& company = companies.at(tenant);
        const bool office = queue == 0 && !company.officeDid.empty() && rng_.chance(0.2);
        plan.did = office ? company.officeDid : company.dids.at(queue);
    }
    return plan;
}

void Day::consulted() {
    if (settings_.concurrent > 0) return; // the number of calls is what counts there
    for (Index tenant = 0; tenant < queuesOf_.size() && tenant < companies.size(); ++tenant)
        for (const std::string_view caller : companies.at(tenant).callers) knownCaller(tenant, caller, 60);
}

// He calls within that many seconds (on the average of four minutes later again).
void Day::knownCaller(Index tenant, std::string_view number, double within) {
    world_->at(world_->now() + after(rng_.between(0.2, 1) * within), [this, tenant, number] {
        CallPlan plan = callTo(tenant, 0);
        if (number != "anonymous") plan.number = number;
        plan.entry = after(1);
        plan.patience = after(std::max(5.0, rng_.exponential(180)));
        world_->startQueueCall(std::move(plan));
        knownCaller(tenant, number, 30 + rng_.exponential(350));
    });
}

AskPlan Day::asks(const Call& call) {
    AskPlan plan;
    plan.asks = rng_.chance(0.4);
    if (rng_.chance(0.6)) plan.after = after(rng_.between(8, 45));
    if (rng_.chance(0.12)) plan.otherNumber = number(call.plan.tenant);
    if (plan.otherNumber.empty() && call.plan.number.empty()) plan.asks = false;
    return plan;
}

void Day::newCaller() {
    const auto tenant = static_cast<Index>(rng_.below(queuesOf_.size()));
    // Half of the calls are for the first queue.
    CallPlan plan = callTo(tenant, rng_.chance(0.5) ? 0 : rng_.below(queuesOf_[tenant].size()));
    plan.number = number(tenant);
    if (!rng_.chance(0.15)) plan.name = personName(rng_.below(1600));
    plan.priority = rng_.chance(0.03) ? 10 : 0;
    plan.entry = after(rng_.between(0.5, 4));
    // Patience: some hang up within seconds, most wait minutes (a mixture of two exponentials).
    const double patience = settings_.concurrent > 0 ? rng_.exponential(900)
                            : rng_.chance(0.12)      ? rng_.exponential(12)
                                                     : rng_.exponential(240);
    plan.patience = after(std::max(1.0, patience));
    world_->startQueueCall(std::move(plan));
}

// Somebody who is called back.
RingPlan Day::customer() {
    RingPlan plan{RingPlan::Outcome::answer, after(rng_.between(4, 12)), rng_.chance(0.85)};
    const double dice = rng_.unit();
    if (dice < 0.17)
        plan.outcome = RingPlan::Outcome::noAnswer;
    else if (dice < 0.30)
        plan.outcome = RingPlan::Outcome::busy;
    return plan;
}

RingPlan Day::ring(const Call& call, Index phone) {
    if (call.half && phone == none) return customer();
    const double after_s = phone == none ? rng_.between(4, 12) : std::max(0.8, rng_.logNormal(3.5, 0.5));
    RingPlan plan{RingPlan::Outcome::answer, after(after_s)};
    const double dice = rng_.unit();
    if (dice < 0.05)
        plan.outcome = RingPlan::Outcome::noAnswer;
    else if (dice < 0.07 && call.queue != none)
        plan.outcome = RingPlan::Outcome::busy;
    return plan;
}

TalkPlan Day::talk(const Call& call) {
    TalkPlan plan;
    const double seconds = std::clamp(rng_.logNormal(call.queue != none ? 110 : 60, 0.7), 5.0, 1800.0);
    plan.talk = after(seconds);
    plan.agentEnds = rng_.chance(0.4);
    if (call.queue == none || seconds < 30) return plan;
    const double dice = rng_.unit();
    plan.turnAt = after(seconds * rng_.between(0.3, 0.7));
    plan.turnFor = after(rng_.between(5, seconds * 0.25));
    if (dice < 0.12) {
        plan.turn = TalkPlan::Turn::hold;
    } else if (dice < 0.20) {
        plan.turn = dice < 0.16 ? TalkPlan::Turn::blindTransfer : TalkPlan::Turn::attendedTransfer;
        plan.target = colleague(call.plan.tenant, call.member);
        if (plan.target.empty()) plan.turn = TalkPlan::Turn::nothing;
    }
    return plan;
}

// The extension of somebody who is free; empty if nobody is.
std::string Day::colleague(Index tenant, Index except) {
    const auto& phones = phonesOf_[tenant];
    for (int attempt = 0; attempt < 8; ++attempt) {
        const Index phone = phones[rng_.below(phones.size())];
        const Phone& found = world_->phones()[phone];
        if (phone != except && world_->deviceState(found) == DeviceState::notInUse) return found.exten;
    }
    return {};
}

void Day::ended(const Call& call) {
    if (settings_.concurrent > 0 && call.plan.queue != none)
        world_->at(world_->now() + after(rng_.between(0.05, 1.0)), [this] { newCaller(); });
}

void Day::agentLife(std::size_t agent) {
    world_->at(world_->now() + after(60 + rng_.exponential(1500)), [this, agent] { agentAct(agent); });
}

// A pause in every queue, each named; nobody pauses in the middle of a call.
void Day::agentAct(std::size_t agent) {
    const Phone& phone = world_->phones()[agents_[agent].phone];
    if (phone.driven) return;
    bool pausedByOther = false;
    for (const Index queue : phone.queues) {
        const Member* member = world_->memberOf(world_->queues()[queue], agents_[agent].phone);
        pausedByOther = pausedByOther || (member != nullptr && member->paused);
    }
    if (phone.queues.empty() || pausedByOther || world_->deviceState(phone) != DeviceState::notInUse) {
        world_->at(world_->now() + after(rng_.between(5, 60)), [this, agent] { agentLife(agent); });
        return;
    }
    double dice = rng_.unit();
    const Pause* chosen = &pauses.front();
    for (const Pause& pause : pauses) {
        chosen = &pause;
        dice -= pause.weight;
        if (dice <= 0) break;
    }
    agents_[agent].pausedFor = chosen->reason;
    for (const Index queue : phone.queues)
        world_->pause(world_->queues()[queue].name, phone.interface(), true, chosen->reason);
    world_->at(world_->now() + after(60 * rng_.logNormal(chosen->minutes, 0.35)), [this, agent] { backToWork(agent); });
}

// Only what we paused ourselves: a pause set (or changed) through AMI is not ours to end.
void Day::backToWork(std::size_t agent) {
    const Index index = agents_[agent].phone;
    const Phone& phone = world_->phones()[index];
    if (phone.driven) return;
    for (const Index queue : phone.queues) {
        const Member* member = world_->memberOf(world_->queues()[queue], index);
        if (member != nullptr && member->paused && member->pausedReason == agents_[agent].pausedFor)
            world_->pause(world_->queues()[queue].name, phone.interface(), false, {});
    }
    agents_[agent].pausedFor.clear();
    agentLife(agent);
}

void Day::nextContactTrouble() {
    world_->at(world_->now() + after(rng_.exponential(15000.0 / static_cast<double>(agents_.size()))), [this] {
        const Index phone = agents_[rng_.below(agents_.size())].phone;
        const bool unplugged = rng_.chance(0.3);
        if (world_->deviceState(world_->phones()[phone]) == DeviceState::notInUse) {
            if (unplugged)
                world_->setRegistered(phone, false);
            else
                world_->setReachable(phone, false);
            world_->at(world_->now() + after(rng_.between(15, 120)), [this, phone, unplugged] {
                if (unplugged)
                    world_->setRegistered(phone, true);
                else
                    world_->setReachable(phone, true);
            });
        }
        nextContactTrouble();
    });
}

void Day::nextColleagueCall() {
    world_->at(world_->now() + after(rng_.exponential(3600.0 / static_cast<double>(agents_.size()))), [this] {
        const Index phone = agents_[rng_.below(agents_.size())].phone;
        const Phone& caller = world_->phones()[phone];
        if (world_->deviceState(caller) == DeviceState::notInUse) {
            const std::string whom = rng_.chance(0.6) ? colleague(caller.tenant, phone) : number(caller.tenant);
            if (!whom.empty()) world_->startInternalCall(phone, whom);
        }
        nextColleagueCall();
    });
}

} // namespace pbx::sim
