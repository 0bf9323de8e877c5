#include "world.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace pbx::sim {

Index World::addTenant(std::string name) {
    Tenant tenant;
    tenant.trunk = name + "-trunk";
    tenant.trunkUri = "sip:127.0.0." + std::to_string(11 + tenants_.size() % 200) + ":5060";
    tenant.name = std::move(name);
    tenants_.push_back(std::move(tenant));
    return static_cast<Index>(tenants_.size() - 1);
}

Index World::addPhone(Index tenant, std::string exten, std::string person) {
    Phone phone;
    phone.tenant = tenant;
    phone.endpoint = tenants_.at(tenant).name + "-" + exten;
    phone.exten = std::move(exten);
    phone.person = std::move(person);
    phone.uri = "sip:" + phone.endpoint + "@127.0.0.1:" + std::to_string(20000 + phones_.size() % 40000);
    phone.roundtrip = static_cast<int>(rng_.between(400, 45000));
    const auto index = static_cast<Index>(phones_.size());
    if (!phoneByInterface_.emplace(phone.interface(), index).second)
        throw Error::field("phone", "the endpoint " + phone.endpoint + " exists already");
    phones_.push_back(std::move(phone));
    return index;
}

Index World::addQueue(Queue queue) {
    const auto index = static_cast<Index>(queues_.size());
    if (!queueByName_.emplace(queue.name, index).second)
        throw Error::field("queue", "the queue " + queue.name + " exists already");
    queues_.push_back(std::move(queue));
    return index;
}

void World::seatMember(Index queue, Index phone, int penalty, int wrapupSeconds, bool dynamic) {
    Member member;
    member.phone = phone;
    member.name = phones_.at(phone).person;
    member.interface = member.stateInterface = phones_[phone].interface();
    member.dynamic = dynamic;
    member.penalty = penalty;
    member.wrapupSeconds = wrapupSeconds;
    member.loginTime = epochMicros(now_) / 1'000'000;
    queues_.at(queue).members.push_back(std::move(member));
    queues_[queue].available = true;
    phones_[phone].queues.push_back(queue);
}

void World::advance(UtcTime to) {
    UtcTime when{};
    Timers::Action action;
    while (timers_.take(to, when, action)) {
        now_ = std::max(now_, when);
        action();
    }
    now_ = std::max(now_, to);
}

void World::beginEvent(Class c, std::string_view name) {
    // Every event has its own microsecond, so that their order can be read from the stamps too.
    stamp_ = std::max(stamp_ + Micros(1), now_);
    const auto us = epochMicros(stamp_);
    std::array<char, 48> time{};
    std::snprintf(time.data(), time.size(), "%lld.%06lld", static_cast<long long>(us / 1'000'000),
                  static_cast<long long>(us % 1'000'000));
    text_.clear();
    Headers(text_).field("Event", name);
    text_ += "Privilege: ";
    text_ += className(c);
    text_ += ",all\r\n";
    Headers(text_).field("Timestamp", time.data());
}

void World::channelEvent(std::string_view name, const Channel& channel) {
    emit(classCall, name, [&](Headers& h) { h.channel(channel, "", tenantName(channel)); });
}

void World::dialEvent(std::string_view name, const Call& call, std::string_view key, std::string_view value) {
    dialEvent(name, &call.a, call.b, key, value);
}

void World::dialEvent(std::string_view name, const Channel* from, const Channel& to, std::string_view key,
                      std::string_view value) {
    emit(classCall, name, [&](Headers& h) {
        if (from != nullptr) h.channel(*from, "", tenantName(*from)); // an Originate dials from nowhere
        h.channel(to, "Dest", tenantName(to)).field(key, value);
    });
}

void World::bridgeEvent(std::string_view name, const Bridge& bridge) {
    emit(classCall, name, [&](Headers& h) { h.bridge(bridge); });
}

void World::enter(Bridge& bridge, Channel& channel) {
    ++bridge.channels;
    channel.bridge = bridge.id;
    emit(classCall, "BridgeEnter", [&](Headers& h) { h.bridge(bridge).channel(channel, "", tenantName(channel)); });
}

void World::leave(Bridge& bridge, Channel& channel) {
    --bridge.channels;
    channel.bridge.clear();
    emit(classCall, "BridgeLeave", [&](Headers& h) { h.bridge(bridge).channel(channel, "", tenantName(channel)); });
}

void World::created(const Call& call, const Channel& channel) {
    callByChannel_[channel.name] = call.id;
    channelEvent("Newchannel", channel);
}

void World::connectedTo(Channel& channel, const Channel& other) {
    if (channel.connectedNum == other.callerNum && channel.connectedName == other.callerName) return;
    channel.connectedNum = other.callerNum;
    channel.connectedName = other.callerName;
    channelEvent("NewConnectedLine", channel);
}

void World::hangupEvent(const Channel& channel, int cause, std::string_view sip) {
    channelGone(channel);
    emit(classCall, "Hangup", [&](Headers& h) {
        h.channel(channel, "", tenantName(channel)).field("Cause", cause).field("Cause-txt", causeText(cause));
        if (!sip.empty()) h.field("TechCause", sip);
    });
    callByChannel_.erase(channel.name);
}

void World::softHangup(const Channel& channel) {
    emit(classCall, "SoftHangupRequest",
         [&](Headers& h) { h.channel(channel, "", tenantName(channel)).field("Cause", 16); });
}

void World::hangupRequest(const Channel& channel, int cause) {
    emit(classCall, "HangupRequest", [&](Headers& h) {
        h.channel(channel, "", tenantName(channel)).field("Cause", cause);
        if (cause == 17 && !channel.local) h.field("TechCause", "486");
    });
}

std::string World::nextUniqueid() {
    return std::to_string(epochMicros(now_) / 1'000'000) + "." + std::to_string(uniqueNumber_++);
}

Channel World::phoneChannel(Index phone, const Channel* linkedTo, std::string uniqueid) {
    const Phone& p = phones_[phone];
    std::array<char, 12> number{};
    std::snprintf(number.data(), number.size(), "-%08x", channelNumber_++);
    Channel channel;
    channel.name = p.interface() + number.data();
    channel.callerNum = p.exten;
    channel.callerName = p.person;
    channel.context = contextOf(p.tenant);
    channel.exten = "s";
    channel.uniqueid = uniqueid.empty() ? nextUniqueid() : std::move(uniqueid);
    channel.linkedid = linkedTo != nullptr ? linkedTo->linkedid : channel.uniqueid;
    channel.tenant = p.tenant;
    channel.phone = phone;
    channel.application = "AppQueue";
    channel.data = "(Outgoing Line)";
    channel.since = now_;
    return channel;
}

Channel World::trunkChannel(Index tenant) {
    std::array<char, 12> number{};
    std::snprintf(number.data(), number.size(), "-%08x", channelNumber_++);
    Channel channel;
    channel.name = "PJSIP/" + tenants_[tenant].trunk + number.data();
    channel.context = tenants_[tenant].name + "-inbound";
    channel.uniqueid = channel.linkedid = nextUniqueid();
    channel.tenant = tenant;
    channel.since = now_;
    return channel;
}

Bridge World::newBridge() {
    const auto high = rng_.next();
    const auto low = rng_.next();
    std::array<char, 40> id{};
    std::snprintf(id.data(), id.size(), "%08llx-%04llx-4%03llx-%04llx-%012llx",
                  static_cast<unsigned long long>(high >> 32U), static_cast<unsigned long long>(high >> 16U & 0xFFFFU),
                  static_cast<unsigned long long>(high & 0xFFFU),
                  static_cast<unsigned long long>(0x8000U | (low >> 50U)),
                  static_cast<unsigned long long>(low & 0xFFFFFFFFFFFFULL));
    return {id.data(), 0};
}

Call& World::newCall(CallPlan plan) {
    auto call = std::make_unique<Call>();
    call->id = nextCall_++;
    call->plan = std::move(plan);
    call->started = now_;
    ++processed_;
    Call& result = *call;
    calls_.emplace(result.id, std::move(call));
    return result;
}

Call* World::find(CallId id) {
    const auto it = calls_.find(id);
    return it == calls_.end() ? nullptr : it->second.get();
}

void World::later(Call& call, Micros delay, void (World::*next)(Call&)) {
    timers_.at(now_ + delay, [this, id = call.id, step = call.step, next] {
        Call* found = find(id);
        if (found != nullptr && found->step == step) (this->*next)(*found);
    });
}

void World::enterState(Call& call, CallState state) {
    call.state = state;
    ++call.step;
}

void World::drop(Call& call) {
    const CallId id = call.id;
    call.state = CallState::ended;
    if (call.half && call.half->other != 0) endHalf(call.half->other, call.half->cause);
    attempts_.erase(id);
    talks_.erase(id);
    const auto it = calls_.find(id);
    const auto ended = std::move(it->second);
    calls_.erase(it);
    people_.ended(*ended);
}

void World::cdrEvents(const Call& call) {
    auto& attempts = attempts_[call.id];
    if (attempts.empty())
        attempts.push_back({"", call.a.application, call.a.data, "ANSWERED", call.started, call.started, {}});
    int sequence = 0;
    for (const Attempt& attempt : attempts) {
        const UtcTime end = attempt.end == UtcTime{} ? now_ : attempt.end;
        const auto seconds = [](UtcTime from, UtcTime to) {
            return epochMicros(to) / 1'000'000 - epochMicros(from) / 1'000'000;
        };
        const auto day = [](UtcTime t) {
            std::string text = formatRfc3339(std::chrono::floor<std::chrono::seconds>(t));
            text[10] = ' ';
            text.pop_back();
            return text;
        };
        emit(classCdr, "Cdr", [&](Headers& h) {
            h.field("AccountCode", "").field("Source", call.a.callerNum).field("Destination", call.a.exten);
            h.field("DestinationContext", call.a.context);
            h.field("CallerID", "\"" + call.a.callerName + "\" <" + call.a.callerNum + ">")
                .field("Channel", call.a.name);
            h.field("DestinationChannel", attempt.destination).field("LastApplication", attempt.application);
            h.field("LastData", attempt.data)
                .field("StartTime", day(attempt.start))
                .field("AnswerTime", day(attempt.answer));
            h.field("EndTime", day(end)).field("Duration", seconds(attempt.start, end));
            h.field("BillableSeconds", seconds(attempt.answer, end)).field("Disposition", attempt.disposition);
            h.field("AMAFlags", "DOCUMENTATION").field("UniqueID", call.a.uniqueid).field("UserField", "");
            h.field("Tenant", tenantName(call.a)).field("CallRef", call.a.linkedid).field("Linkedid", call.a.linkedid);
            h.field("Sequence", sequence++);
        });
    }
}

bool World::hangup(std::string_view channel) {
    const Channel* named = findChannel(channel);
    const auto it = named == nullptr ? callByChannel_.end() : callByChannel_.find(named->name);
    Call* call = it == callByChannel_.end() ? nullptr : find(it->second);
    if (call == nullptr) return false;
    // Through the timers, so that the answer to the action goes out before its events, as seen.
    const bool agent = call->b.exists() && &call->b == named;
    timers_.at(now_, [this, id = call->id, agent] {
        Call* found = find(id);
        if (found == nullptr) return;
        if (found->state == CallState::talking)
            endTalk(*found, agent);
        else if (found->queue != none && (found->state == CallState::waiting || found->state == CallState::ringing))
            abandon(*found, !found->half); // a half is told, not asked
        else
            tearDown(*found);
    });
    return true;
}

void World::reload(std::string_view module) {
    emit(classSystem, "Reload", [&](Headers& h) { h.field("Module", module).field("Status", 0); });
}

void World::userEvent(const std::vector<std::pair<std::string, std::string>>& request, std::string_view actionId) {
    emit(classUser, "UserEvent", [&](Headers& h) {
        for (const auto& [key, value] : request)
            if (key == "UserEvent") h.field(key, value);
        if (!actionId.empty()) h.field("ActionID", actionId);
        for (const auto& [key, value] : request)
            if (key != "UserEvent" && key != "Action" && key != "ActionID") h.field(key, value);
    });
}

void World::shutDown() {
    emit(classSystem, "Shutdown", [](Headers& h) { h.field("Shutdown", "Cleanly").field("Restart", "True"); });
    EventSink* sink = std::exchange(sink_, nullptr); // nobody hears how the calls end: the sockets close first
    std::vector<std::unique_ptr<Call>> gone;
    for (auto& [id, call] : calls_) gone.push_back(std::move(call));
    calls_.clear();
    callByChannel_.clear();
    attempts_.clear();
    talks_.clear();
    listeners_.clear();
    for (auto& queue : queues_) queue.waiting.clear();
    for (auto& phone : phones_) {
        phone.ringing = phone.active = 0;
        phone.onHold = false;
        phone.announced = deviceState(phone);
    }
    for (auto& tenant : tenants_) tenant.trunkChannels = 0;
    for (const auto& call : gone) people_.ended(*call);
    sink_ = sink;
}

void World::restarted() {
    started_ = now_;
    processed_ = 0;
    channelNumber_ = uniqueNumber_ = 0;
    for (auto& queue : queues_) {
        queue.completed = queue.abandoned = queue.withinServiceLevel = queue.holdTime = queue.talkTime = 0;
        for (auto& member : queue.members) {
            member.callsTaken = 0;
            member.lastCall = member.lastPause = 0;
            member.loginTime = epochMicros(now_) / 1'000'000;
            member.inCall = false;
            member.busyUntil = {};
            if (!member.dynamic) member.paused = false; // a paused static member is un-paused by a restart
        }
    }
}

const Channel* World::findChannel(std::string_view nameOrId) const {
    const auto among = [&](const Call& call, auto&& is) -> const Channel* {
        for (const Channel* channel : {&call.a, &call.b, &call.b2, &call.c})
            if (channel->exists() && is(*channel)) return channel;
        return nullptr;
    };
    if (const auto named = callByChannel_.find(std::string(nameOrId)); named != callByChannel_.end()) {
        const auto call = calls_.find(named->second);
        return call == calls_.end() ? nullptr
                                    : among(*call->second, [&](const Channel& c) { return c.name == nameOrId; });
    }
    for (const auto& [id, call] : calls_) // as Asterisk does: rarely asked for
        if (const Channel* found = among(*call, [&](const Channel& c) { return c.uniqueid == nameOrId; })) return found;
    return nullptr;
}

const Queue* World::findQueue(std::string_view name) const {
    const Index index = queueIndex(name);
    return index == none ? nullptr : &queues_[index];
}

Index World::queueIndex(std::string_view name) const {
    const auto it = queueByName_.find(std::string(name));
    return it == queueByName_.end() ? none : it->second;
}

const Phone* World::findPhone(std::string_view interface) const {
    const auto it = phoneByInterface_.find(std::string(interface));
    return it == phoneByInterface_.end() ? nullptr : &phones_[it->second];
}

Index World::findPhone(Index tenant, std::string_view exten) const {
    const auto it = phoneByInterface_.find("PJSIP/" + tenants_[tenant].name + "-" + std::string(exten));
    return it == phoneByInterface_.end() ? none : it->second;
}

const Member* World::memberOf(const Queue& queue, Index phone) const {
    const auto it =
        std::find_if(queue.members.begin(), queue.members.end(), [&](const Member& m) { return m.phone == phone; });
    return it == queue.members.end() ? nullptr : &*it;
}

} // namespace pbx::sim
