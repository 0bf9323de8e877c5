#include "lists.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace pbx::sim {
namespace {

template <class Use>
void eachChannel(const World& world, Use&& use) {
    for (const auto& [id, call] : world.calls())
        for (const Channel* channel : {&call->a, &call->b, &call->b2, &call->c})
            if (channel->exists()) use(*call, *channel);
}

std::string percent(int part, int whole) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%.1f", whole == 0 ? 0.0 : 100.0 * part / whole);
    return text.data();
}

std::int64_t seconds(UtcTime from, UtcTime to) {
    return std::max<std::int64_t>(0, (to - from) / std::chrono::seconds(1));
}

} // namespace

void Lists::start(std::string_view message) {
    Headers h(out_);
    h.field("Response", "Success");
    if (!actionId_.empty()) h.field("ActionID", actionId_);
    h.field("EventList", "start").field("Message", message).end();
}

Headers Lists::item(std::string_view event, bool idFirst) {
    ++items_;
    Headers h(out_);
    h.field("Event", event);
    if (idFirst && !actionId_.empty()) h.field("ActionID", actionId_);
    return h;
}

void Lists::end(Headers& headers, bool idLast) {
    if (idLast && !actionId_.empty()) headers.field("ActionID", actionId_);
    headers.end();
}

void Lists::complete(std::string_view event) {
    const int items = items_;
    Headers h = item(event);
    h.field("EventList", "Complete").field("ListItems", items).end();
}

void Lists::queueStatus(std::string_view queueName, std::string_view member) {
    start("Queue status will follow");
    for (const Queue& queue : world_.queues())
        if (queueName.empty() || queue.name == queueName) queueItems(queue, member);
    complete("QueueStatusComplete");
}

void Lists::queueItems(const Queue& queue, std::string_view memberFilter) {
    Headers params = item("QueueParams", false);
    params.field("Queue", queue.name).field("Max", queue.max).field("Strategy", "rrmemory");
    params.field("Calls", static_cast<std::int64_t>(queue.waiting.size())).field("Holdtime", queue.holdTime);
    params.field("TalkTime", queue.talkTime).field("Completed", queue.completed).field("Abandoned", queue.abandoned);
    params.field("ServiceLevel", queue.serviceLevel / std::chrono::seconds(1));
    params.field("ServicelevelPerf", percent(queue.withinServiceLevel, queue.completed));
    params.field("ServicelevelPerf2", percent(queue.withinServiceLevel, queue.completed + queue.abandoned))
        .field("Weight", queue.weight);
    end(params, true);
    for (const Member& member : queue.members) {
        if (!memberFilter.empty() && memberFilter != member.name && memberFilter != member.interface) continue;
        Headers h = item("QueueMember", false);
        h.member(queue.name, member, world_.memberState(member), true);
        end(h, true);
    }
    int position = 0;
    for (const CallId id : queue.waiting) {
        const Call& call = *world_.calls().at(id);
        Headers h = item("QueueEntry", false);
        const auto known = [](const std::string& text) {
            return text.empty() ? std::string_view("unknown") : std::string_view(text);
        };
        h.field("Queue", queue.name)
            .field("Position", ++position)
            .field("Channel", call.a.name)
            .field("Uniqueid", call.a.uniqueid);
        h.field("CallerIDNum", known(call.a.callerNum)).field("CallerIDName", known(call.a.callerName));
        h.field("ConnectedLineNum", known(call.a.connectedNum)).field("ConnectedLineName", known(call.a.connectedName));
        h.field("Wait", seconds(call.joined, world_.now())).field("Priority", call.plan.priority);
        end(h, true);
    }
}

void Lists::queueSummary(std::string_view queueName) {
    start("Queue summary will follow");
    for (const Queue& queue : world_.queues()) {
        if (!queueName.empty() && queue.name != queueName) continue;
        int loggedIn = 0;
        int available = 0;
        for (const Member& member : queue.members) {
            const DeviceState state = world_.memberState(member);
            if (state == DeviceState::unavailable || state == DeviceState::invalid) continue;
            ++loggedIn;
            if (state == DeviceState::notInUse && !member.paused) ++available;
        }
        std::int64_t longest = 0;
        for (const CallId id : queue.waiting)
            longest = std::max(longest, seconds(world_.calls().at(id)->joined, world_.now()));
        Headers h = item("QueueSummary", false);
        h.field("Queue", queue.name).field("LoggedIn", loggedIn).field("Available", available);
        h.field("Callers", static_cast<std::int64_t>(queue.waiting.size())).field("HoldTime", queue.holdTime);
        h.field("TalkTime", queue.talkTime).field("LongestHoldTime", longest);
        end(h, true);
    }
    complete("QueueSummaryComplete");
}

void Lists::coreShowChannels() {
    start("Channels will follow");
    eachChannel(world_, [&](const Call&, const Channel& channel) {
        const auto age = seconds(channel.since, world_.now());
        std::array<char, 24> duration{};
        std::snprintf(duration.data(), duration.size(), "%02lld:%02lld:%02lld", static_cast<long long>(age / 3600),
                      static_cast<long long>(age / 60 % 60), static_cast<long long>(age % 60));
        Headers h = item("CoreShowChannel");
        h.channel(channel, "", world_.tenants()[channel.tenant].name);
        h.field("Application", channel.application)
            .field("ApplicationData", channel.data)
            .field("Duration", duration.data());
        h.field("BridgeId", channel.bridge).end();
    });
    complete("CoreShowChannelsComplete");
}

void Lists::device(std::string_view name, std::string_view state) {
    item("DeviceStateChange").field("Device", name).field("State", state).end();
}
void Lists::device(std::string_view name, DeviceState state) { device(name, deviceStateName(state)); }

void Lists::deviceStates() {
    start("Device State Changes will follow");
    for (const Tenant& tenant : world_.tenants())
        device("PJSIP/" + tenant.trunk, tenant.trunkChannels > 0 ? DeviceState::inUse : DeviceState::notInUse);
    for (const Phone& phone : world_.phones()) device(phone.interface(), phone.announced);
    for (const Queue& queue : world_.queues()) {
        device("Queue:" + queue.name, queue.waiting.empty() ? "NOT_INUSE" : "RINGING");
        device("Queue:" + queue.name + "_avail", queue.available ? "NOT_INUSE" : "INUSE");
    }
    complete("DeviceStateListComplete");
}

void Lists::extensionStates() {
    start("Extension Statuses will follow");
    for (const Phone& phone : world_.phones()) {
        const auto& [status, text] = extensionState(phone.announced);
        Headers h = item("ExtensionStatus");
        h.field("Exten", phone.exten).field("Context", world_.contextOf(phone.tenant)).field("Hint", phone.interface());
        h.field("Status", status).field("StatusText", text).end();
    }
    complete("ExtensionStateListComplete");
}

void Lists::bridges() {
    start("Bridge listing will follow");
    for (const auto& [id, call] : world_.calls())
        for (const Bridge* bridge : {&call->bridge, &call->consult})
            if (!bridge->id.empty()) item("BridgeListItem").bridge(*bridge).end();
    complete("BridgeListComplete");
}

void Lists::bridgeInfo(std::string_view bridgeId) {
    const Bridge* found = nullptr;
    for (const auto& [id, call] : world_.calls())
        for (const Bridge* bridge : {&call->bridge, &call->consult})
            if (bridge->id == bridgeId && !bridgeId.empty()) found = bridge;
    if (found == nullptr) {
        Headers h(out_);
        h.field("Response", "Error");
        if (!actionId_.empty()) h.field("ActionID", actionId_);
        h.field("Message", "Bridge not found").end();
        return;
    }
    start("Bridge channel listing will follow");
    eachChannel(world_, [&](const Call&, const Channel& channel) {
        if (channel.bridge != bridgeId) return;
        item("BridgeInfoChannel").channel(channel, "", world_.tenants()[channel.tenant].name).end();
    });
    const int items = items_;
    Headers h = item("BridgeInfoComplete");
    h.field("EventList", "Complete").field("ListItems", items).bridge(*found).end();
}

void Lists::endpoints() {
    start("A listing of Endpoints follows, presented as EndpointList events");
    const auto endpoint = [&](const std::string& name, std::string_view auths, const std::string& contacts,
                              DeviceState state, std::int64_t channels) {
        Headers h = item("EndpointList");
        h.field("ObjectType", "endpoint")
            .field("ObjectName", name)
            .field("Transport", "udp")
            .field("Aor", name)
            .field("Auths", auths);
        h.field("OutboundAuths", "")
            .field("Contacts", contacts)
            .field("DeviceState", endpointStateName(state))
            .field("ActiveChannels", channels)
            .end();
    };
    for (const Phone& phone : world_.phones())
        endpoint(phone.endpoint, phone.endpoint,
                 phone.registered ? phone.endpoint + "/" + phone.uri + "," : std::string(), phone.announced,
                 phone.active + phone.ringing);
    for (const Tenant& tenant : world_.tenants())
        endpoint(tenant.trunk, "", tenant.trunk + "/" + tenant.trunkUri + ",",
                 tenant.trunkChannels > 0 ? DeviceState::inUse : DeviceState::notInUse, tenant.trunkChannels);
    complete("EndpointListComplete");
}

void Lists::contacts() {
    start("A listing of Contacts follows, presented as ContactList events");
    const auto expires = world_.now() + std::chrono::hours(1);
    for (std::size_t i = 0; i < world_.phones().size(); ++i) {
        const Phone& phone = world_.phones()[i];
        if (!phone.registered) continue;
        std::array<char, 40> hash{};
        std::snprintf(hash.data(), hash.size(), ";@%032zx", i + 1);
        Headers h = item("ContactList");
        h.field("ObjectType", "contact")
            .field("ObjectName", phone.endpoint + hash.data())
            .field("ViaAddr", "127.0.0.1");
        h.field("QualifyTimeout", "2.000000")
            .field("Qualify2xxOnly", "false")
            .field("CallId", std::to_string(i + 1) + "-1@127.0.0.1");
        h.field("RegServer", "").field("PruneOnBoot", "no").field("Path", "").field("Endpoint", phone.endpoint);
        h.field("ViaPort", static_cast<std::int64_t>(20000 + i % 40000))
            .field("AuthenticateQualify", "no")
            .field("Uri", phone.uri);
        h.field("QualifyFrequency", 30)
            .field("UserAgent", "pbxsim phone")
            .field("ExpirationTime", epochMicros(expires) / 1'000'000);
        h.field("OutboundProxy", "")
            .field("Status", phone.reachable ? "Reachable" : "Unreachable")
            .field("RoundtripUsec", phone.roundtrip)
            .end();
    }
    complete("ContactListComplete");
}

void Lists::dialPlan(std::string_view context, std::string_view exten) {
    start("DialPlan list will follow");
    Headers h = item("ListDialplan");
    h.field("Context", context).field("Extension", exten).field("Priority", 1).field("Application", "Dial");
    h.field("AppData", "").field("Registrar", "pbx_config");
    end(h);
    complete("ShowDialPlanComplete");
}

} // namespace pbx::sim
