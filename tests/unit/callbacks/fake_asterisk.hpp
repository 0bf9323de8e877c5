// An Asterisk for the simulation of callbacks: channels with unique ids, a queue with callers and agents, a dialplan
// that asks the gate, customers who answer or do not, records that come late or never, and restarts. Time is the
// simulation's. Threads: one. Nothing fails.
#pragma once

#include "agi/server.hpp"
#include "ami/action.hpp"
#include "callbacks/sight.hpp"
#include "domain/callback.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace pbx::callbacks::test {

using namespace std::chrono_literals;

class SimClock final : public Clock {
public:
    UtcTime now() const override { return wall_; }
    SteadyTime steady() const override { return steady_; }
    void advance(Micros by) {
        wall_ += by;
        steady_ += by;
    }
    void jump(Micros by) { wall_ += by; } // the wall clock alone

private:
    UtcTime wall_ = fromEpochMicros(1'790'000'000'000'000);
    SteadyTime steady_{std::chrono::hours(1)};
};

// What is to happen when.
class Agenda {
public:
    explicit Agenda(SimClock& clock) : clock_(clock) {}
    void in(Micros delay, std::function<void()> what) { all_.emplace(clock_.steady() + delay, std::move(what)); }
    std::optional<SteadyTime> next() const { return all_.empty() ? std::nullopt : std::optional(all_.begin()->first); }
    void runDue() {
        while (!all_.empty() && all_.begin()->first <= clock_.steady()) {
            const auto what = std::move(all_.begin()->second);
            all_.erase(all_.begin());
            what();
        }
    }
    bool empty() const { return all_.empty(); }

private:
    SimClock& clock_;
    std::multimap<SteadyTime, std::function<void()>> all_;
};

// How much goes wrong; each is a probability.
struct Troubles {
    double sendLost = 0;     // the action never arrives
    double sendLate = 0;     // it arrives up to 100 s later
    double sendTwice = 0;    // it arrives once more, up to 40 s later
    bool idsCollide = false; // channel ids are not unique: the gate is alone
    double answerWrong = 0;  // the answer says "failed" though it was done
    double answerLost = 0;   // no answer to the action
    double gateLost = 0;     // the gate's answer does not arrive
    double reportLost = 0;   // the dialplan's report does not arrive
    double recordLost = 0;   // there is no record either
    double agentAway = 0.1;  // the agent does not answer
    double customerAnswers = 0.6;
};

struct Dialled {
    CallbackId id;
    int attempt = 0;
};

struct Order {       // an Originate
    std::string key; // of its channel here
    std::string channelId, id, attempt, token;
    int position = 0, priority = 0;
    std::chrono::milliseconds within{};
    std::function<void(bool)> answered;
};

// Who stands in the queue.
struct Entry {
    std::uint64_t serial = 0;
    int priority = 0;
    UtcTime joined;
    std::shared_ptr<Order> order; // of a callback; empty: a caller
    bool ringing = false;         // at an agent's
};

class FakeAsterisk {
public:
    // The dialplan's FastAGI: nullopt when nobody answered.
    using Ask = std::function<std::optional<agi::Answer>(const agi::Request&)>;

    FakeAsterisk(std::mt19937_64& random, Agenda& agenda, SimClock& clock, Troubles troubles, int agents, Ask ask)
        : random_(random), agenda_(agenda), clock_(clock), troubles_(troubles), agents_(agents), ask_(std::move(ask)) {}

    // What the test watches.
    std::function<void(const Dialled&)> onDial;
    std::function<void(const Dialled&)> onReached;                       // a report of an answer was taken
    std::function<void(const std::vector<Entry>&, std::size_t)> onServe; // an agent's phone begins to ring for that one
    std::map<std::pair<std::string, int>, int> dials;                    // by callback and attempt
    std::set<std::string> answeredCustomers;                             // callbacks whose customer picked up
    int refusedChannels = 0, restarts = 0;
    int callersServed = 0;
    std::ptrdiff_t mostPlaceholders = 0; // that waited at a time

    void calm() {
        troubles_ = {};
        troubles_.agentAway = 0;
        troubles_.customerAnswers = 1;
        trunkAwayUntil_ = {};
    }

    void originate(const ami::Action& action, std::chrono::milliseconds within, std::function<void(bool)> answered) {
        auto order = std::make_shared<Order>(read(action));
        order->within = within;
        order->answered = std::move(answered);
        if (chance(troubles_.sendLost)) return;
        deliver(order, chance(troubles_.sendLate) ? between(10s, 100s) : between(1ms, 50ms));
        if (!chance(troubles_.sendTwice)) return;
        auto copy = std::make_shared<Order>(*order);
        copy->answered = [](bool) {};
        deliver(copy, between(1ms, 40s));
    }

    void hangUp(const std::string& channelId) {
        const auto ours = domain::parseCallbackChannelId(channelId);
        if (!ours) return;
        const auto base = domain::callbackChannelId(ours->id, ours->attempt);
        std::vector<std::shared_ptr<Order>> found;
        for (const auto& [key, channel] : channels_)
            if (channel.id == base) found.push_back(channel.order);
        for (const auto& order : found) {
            end(order);
            answer(order, false);
        }
    }

    void callerArrives(int priority) {
        const auto serial = ++serial_;
        join({serial, priority, clock_.now(), nullptr, false}, 0);
        agenda_.in(between(60s, 180s), [this, serial] { leave(serial); }); // has waited long enough
        serve();
    }

    // Every call is gone, and nobody is told.
    void restart() {
        ++restarts;
        channels_.clear();
        queue_.clear();
        busy_ = 0;
        downUntil_ = clock_.steady() + 5s;
    }

    Sight sight() const {
        Sight out;
        out.driven = true;
        out.current = clock_.steady() >= downUntil_;
        out.at = clock_.now();
        out.startup = "boot " + std::to_string(restarts);
        if (trunkAway() && trunkAwayIsSeen_) out.cutOff = {tenantName};
        auto& queue = out.queues["acme-sales"];
        queue.free = agents_ - busy_;
        queue.serving = agents_;
        for (const auto& entry : queue_) {
            Waiter waiter{entry.joined, std::nullopt, std::nullopt, "caller-" + std::to_string(entry.serial)};
            if (clock_.now() - entry.joined > 10s) waiter.priority = entry.priority; // lists alone tell it
            if (entry.order) {
                waiter.channelId = entry.order->channelId + 'x';
                waiter.ours = domain::parseCallbackChannelId(waiter.channelId);
                if (entry.ringing) out.legs[waiter.channelId] = LegState::ringing;
            }
            queue.waiting.push_back(std::move(waiter));
        }
        for (const auto& [key, channel] : channels_) {
            out.alive.insert({channel.id, channel.id + 'x'});
            if (channel.agent) out.legs[channel.id + 'x'] = LegState::connected;
            if (channel.leg != LegState::none) out.legs[channel.id] = channel.leg;
        }
        return out;
    }

    // Its trunk is not there for that long. `seen`: the board shows it; else only what comes to the dialplan finds out.
    void trunkFails(Micros duration, bool seen) {
        trunkAwayUntil_ = clock_.steady() + duration;
        trunkAwayIsSeen_ = seen;
    }
    std::string tenantName; // whose trunk it is
    int notDialled = 0;     // let through the gate, and no trunk there

    bool busy() const { return !channels_.empty() || !queue_.empty(); }

    std::optional<domain::CallbackOutcome> record(const std::string& channelId) const {
        const auto found = records_.find(channelId);
        if (found == records_.end() || clock_.steady() < found->second.first) return std::nullopt;
        return found->second.second;
    }

private:
    struct Channel {
        std::string id;
        std::shared_ptr<Order> order;
        bool agent = false; // it has an agent, who has answered
        LegState leg = LegState::none;
        std::uint64_t serial = 0;
    };

    bool chance(double probability) { return std::uniform_real_distribution<>(0, 1)(random_) < probability; }
    Micros between(Micros least, Micros most) {
        return Micros(std::uniform_int_distribution<std::int64_t>(least.count(), most.count())(random_));
    }
    static std::string after(const std::string& text, const std::string& mark) {
        const auto place = text.find(mark);
        if (place == std::string::npos) return {};
        const auto begin = place + mark.size();
        return text.substr(begin, text.find("\r\n", begin) - begin);
    }
    static Order read(const ami::Action& action) {
        std::string text;
        action.appendTo(text, "1");
        Order out;
        out.channelId = after(text, "\r\nChannelId: ");
        out.id = after(text, "__PBX_CB=");
        out.attempt = after(text, "__PBX_CB_ATTEMPT=");
        out.token = after(text, "__PBX_CB_TOKEN=");
        out.position = std::stoi(after(text, "__PBX_CB_POSITION="));
        out.priority = std::stoi(after(text, "__PBX_CB_PRIO="));
        return out;
    }
    void answer(const std::shared_ptr<Order>& order, bool ok) {
        if (chance(troubles_.answerLost)) return;
        if (chance(troubles_.answerWrong)) ok = false;
        agenda_.in(between(1ms, 200ms), [order, ok] { order->answered(ok); });
    }
    // Does `what` later unless the channel is gone by then.
    void later(const std::shared_ptr<Order>& order, Micros delay, std::function<void()> what) {
        agenda_.in(delay, [this, order, serial = channels_.at(order->key).serial, what = std::move(what)] {
            const auto channel = channels_.find(order->key);
            if (channel != channels_.end() && channel->second.serial == serial) what();
        });
    }
    void end(const std::shared_ptr<Order>& order) {
        const auto channel = channels_.find(order->key);
        if (channel == channels_.end()) return;
        const bool agent = channel->second.agent;
        const auto serial = channel->second.serial;
        channels_.erase(channel);
        leave(serial);
        if (agent) release(restarts);
    }

    // As app_queue's join_queue(): behind everybody of a higher priority, and not before `position`; 0: at the end of
    // those of the same priority.
    void join(Entry entry, int position) {
        auto place = queue_.begin();
        for (int at = 0; place != queue_.end(); ++place, ++at) {
            if (entry.priority > place->priority) break;
            if (entry.priority == place->priority && position > 0 && position <= at + 1) break;
        }
        queue_.insert(place, std::move(entry));
        mostPlaceholders =
            std::max(mostPlaceholders,
                     std::ranges::count_if(queue_, [](const Entry& one) { return one.order && !one.ringing; }));
    }
    void leave(std::uint64_t serial) {
        std::erase_if(queue_, [&](const Entry& entry) { return entry.serial == serial; });
    }
    std::vector<Entry>::iterator entryOf(std::uint64_t serial) {
        return std::ranges::find(queue_, serial, &Entry::serial);
    }
    void release(int boot) {
        if (boot != restarts) return;
        --busy_;
        serve();
    }

    void serve() {
        while (busy_ < agents_) {
            const auto next = std::ranges::find(queue_, false, &Entry::ringing);
            if (next == queue_.end()) return;
            next->ringing = true;
            ++busy_;
            if (onServe) onServe(queue_, static_cast<std::size_t>(next - queue_.begin()));
            if (chance(troubles_.agentAway))
                agenda_.in(5s, [this, serial = next->serial, boot = restarts] {
                    if (const auto entry = entryOf(serial); entry != queue_.end()) entry->ringing = false;
                    release(boot);
                });
            else
                agenda_.in(between(500ms, 6s), [this, serial = next->serial, boot = restarts] {
                    if (boot == restarts) agentAnswers(serial);
                });
        }
    }

    void agentAnswers(std::uint64_t serial) {
        const auto entry = entryOf(serial);
        if (entry == queue_.end()) return release(restarts); // gone while it rang
        const auto order = entry->order;
        queue_.erase(entry);
        if (!order) {
            ++callersServed;
            agenda_.in(between(2s, 15s), [this, boot = restarts] { release(boot); });
            return;
        }
        channels_.at(order->key).agent = true;
        answer(order, true);
        later(order, between(1ms, 100ms), [this, order] { atTheGate(order); });
    }

    void deliver(const std::shared_ptr<Order>& order, Micros delay) {
        const auto boot = restarts;
        agenda_.in(delay, [this, order, boot] {
            // What was on its way to an Asterisk that has stopped is gone; what comes late over a proxy is not.
            if (boot == restarts || chance(0.3)) arrive(order);
        });
    }

    void arrive(const std::shared_ptr<Order>& order) {
        if (clock_.steady() < downUntil_) return;
        order->key = order->channelId + (troubles_.idsCollide ? "#" + std::to_string(serial_) : std::string());
        if (channels_.contains(order->key)) { // "already in use"
            ++refusedChannels;
            return answer(order, false);
        }
        channels_[order->key] = {order->channelId, order, false, LegState::none, ++serial_};
        join({serial_, order->priority, clock_.now(), order, false}, order->position);
        later(order, order->within, [this, order] {
            if (channels_.at(order->key).agent) return;
            end(order);
            answer(order, false);
        });
        serve();
    }

    agi::Request request(const Order& order, const std::string& route) const {
        agi::Request out;
        out.route = route;
        out.server = "pbx1";
        out.variables = {{"agi_arg_1", order.id}, {"agi_arg_2", order.attempt}, {"agi_arg_3", order.token}};
        return out;
    }
    static std::string valueOf(const agi::Answer& answer, const std::string& name) {
        for (const auto& [key, value] : answer)
            if (key == name) return value;
        return {};
    }

    void atTheGate(const std::shared_ptr<Order>& order) {
        const auto serial = channels_.at(order->key).serial;
        const auto reply = ask_(request(*order, "gate"));
        // Asking takes a while: a node that stood still meanwhile may have outlived the call.
        const auto channel = channels_.find(order->key);
        if (channel == channels_.end() || channel->second.serial != serial) return;
        if (!reply || chance(troubles_.gateLost) || valueOf(*reply, "PBX_DONE") != "1" ||
            valueOf(*reply, "PBX_GATE") != "dial")
            return end(order);
        dial(order);
    }

    bool trunkAway() const { return clock_.steady() < trunkAwayUntil_; }

    void dial(const std::shared_ptr<Order>& order) {
        if (trunkAway()) {
            ++notDialled;
            return hangUp(order, "", "0");
        }
        const Dialled dialled{CallbackId(order->id), std::stoi(order->attempt)};
        ++dials[{order->id, dialled.attempt}];
        if (onDial) onDial(dialled);
        channels_.at(order->key).leg = LegState::ringing;
        const auto ring = between(1s, 12s);
        if (chance(troubles_.customerAnswers)) {
            later(order, ring, [this, order] {
                answeredCustomers.insert(order->id);
                channels_.at(order->key).leg = LegState::connected;
                later(order, between(2s, 15s), [this, order] { hangUp(order, "ANSWER", "16"); });
            });
            return;
        }
        static const std::pair<const char*, const char*> endings[] = {
            {"BUSY", "17"}, {"NOANSWER", "0"}, {"CHANUNAVAIL", "21"}, {"CANCEL", "0"}, {"CONGESTION", "34"}};
        const auto& ending = endings[std::uniform_int_distribution<std::size_t>(0, 4)(random_)];
        later(order, ring, [this, order, ending] { hangUp(order, ending.first, ending.second); });
    }

    void hangUp(const std::shared_ptr<Order>& order, const std::string& status, const std::string& cause) {
        if (!status.empty() && !chance(troubles_.recordLost)) // no record tells of who was not dialled
            records_[order->channelId] = {clock_.steady() + between(0s, 20s),
                                          domain::outcomeOf({status, std::stoi(cause), std::nullopt})};
        auto report = request(*order, "done");
        report.variables.emplace_back("agi_arg_4", status);
        report.variables.emplace_back("agi_arg_5", cause);
        report.variables.emplace_back("agi_arg_6", "");
        end(order);
        if (chance(troubles_.reportLost)) return;
        if (ask_(report) && status == "ANSWER" && onReached)
            onReached({CallbackId(order->id), std::stoi(order->attempt)});
    }

    std::mt19937_64& random_;
    Agenda& agenda_;
    SimClock& clock_;
    Troubles troubles_;
    const int agents_;
    const Ask ask_;
    std::map<std::string, Channel> channels_;
    std::map<std::string, std::pair<SteadyTime, domain::CallbackOutcome>> records_;
    std::vector<Entry> queue_;
    int busy_ = 0; // agents whose phone rings, or who talk
    SteadyTime downUntil_{}, trunkAwayUntil_{};
    bool trunkAwayIsSeen_ = false;
    std::uint64_t serial_ = 0;
};

} // namespace pbx::callbacks::test
